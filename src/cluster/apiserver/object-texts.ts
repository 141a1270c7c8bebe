/** Where an object's text stands among the bytes of a list's piece. */
interface Place {
  bytes: Uint8Array
  begin: number
  end: number
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()
const COMMA = encoder.encode(',')
/** A piece holds about a hundred Pods. In smaller ones the operating system takes longer to provide memory. */
const PIECE_BYTES = 262_144
/** Of UTF-8, for what is one unit of a string's length. */
const MOST_BYTES = 3

/**
 * The texts of frozen objects in one notation, each made at most once. What was part of a long list is kept as the bytes that were sent: the list
 * is copied together when it is asked for again, and its texts burden no garbage collection.
 */
export class ObjectTexts {
  readonly #make: (object: object) => string
  readonly #known = new WeakMap<object, string | Place>()
  /** Where the next text goes, and where the last one ends there. */
  #piece = new Uint8Array(0)
  #end = 0

  constructor(make: (object: object) => string) {
    this.#make = make
  }

  text(object: object): string {
    const known = this.#known.get(object)
    if (typeof known === 'string') return known
    if (known) return decoder.decode(known.bytes.subarray(known.begin, known.end))
    const text = this.#make(object)
    if (Object.isFrozen(object)) this.#known.set(object, text)
    return text
  }

  /** UTF-8 of the texts with commas between them, in parts that are kept here: whoever gets them must not change them. */
  *joined(objects: readonly object[]): Generator<Uint8Array> {
    const places = objects.map((object) => this.#placeOf(object))
    for (let i = 0; i < places.length; i++) {
      if (i > 0) yield COMMA
      const { bytes, begin } = places[i]!
      let { end } = places[i]!
      // Neighbours of one piece stand there with the comma between them.
      while (places[i + 1]?.bytes === bytes && places[i + 1]!.begin === end + 1) end = places[++i]!.end
      yield bytes.subarray(begin, end)
    }
  }

  #placeOf(object: object): Place {
    const known = this.#known.get(object)
    if (typeof known === 'object') return known
    const place = this.#write(known ?? this.#make(object))
    if (known !== undefined || Object.isFrozen(object)) this.#known.set(object, place)
    return place
  }

  /** Writes a text behind the last one. */
  #write(text: string): Place {
    let begin = this.#end === 0 ? 0 : this.#end + 1
    let { read, written } = encoder.encodeInto(text, this.#piece.subarray(begin))
    if (read < text.length) {
      this.#piece = new Uint8Array(Math.max(PIECE_BYTES, text.length * MOST_BYTES))
      begin = 0;
      ({ read, written } = encoder.encodeInto(text, this.#piece))
    }
    if (begin > 0) this.#piece[begin - 1] = COMMA[0]!
    this.#end = begin + written
    return { bytes: this.#piece, begin, end: this.#end }
  }
}
