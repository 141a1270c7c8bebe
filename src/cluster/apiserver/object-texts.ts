/** Where an object's text stands among the bytes of a list's piece. */
interface Place {
  bytes: Uint8Array
  begin: number
  end: number
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()
const COMMA = encoder.encode(',')

/**
 * The texts of frozen objects in one notation, each made at most once. What was part of a long list is kept as the bytes that were sent: the list
 * is copied together when it is asked for again, and its texts burden no garbage collection.
 */
export class ObjectTexts {
  readonly #make: (object: object) => string
  readonly #known = new WeakMap<object, string | Place>()

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

  /** UTF-8 of the texts with commas between them, in parts that are kept here: to be copied, not changed. */
  *joined(objects: readonly object[]): Generator<Uint8Array> {
    const unknown = objects.filter((object) => !this.#known.has(object))
    const fresh = unknown.length > 0 ? this.#encode(unknown) : undefined
    const places = objects.map((object) => this.#placeOf(object) ?? fresh!.get(object)!)
    for (let i = 0; i < places.length; i++) {
      if (i > 0) yield COMMA
      const { bytes, begin } = places[i]!
      let { end } = places[i]!
      // Neighbours of one piece stand there with the comma between them.
      while (places[i + 1]?.bytes === bytes && places[i + 1]!.begin === end + 1) end = places[++i]!.end
      yield bytes.subarray(begin, end)
    }
  }

  #placeOf(object: object): Place | undefined {
    const known = this.#known.get(object)
    if (typeof known !== 'string') return known
    const bytes = encoder.encode(known)
    return { bytes, begin: 0, end: bytes.length }
  }

  #encode(objects: readonly object[]): Map<object, Place> {
    const texts = objects.map(this.#make)
    const together = encoder.encode(texts.join(','))
    // Only where every character is one byte do the lengths tell where each begins.
    const isPlain = together.length === texts.reduce((length, text) => length + text.length + 1, -1)
    const places = new Map<object, Place>()
    let at = 0
    for (const [i, object] of objects.entries()) {
      const bytes = isPlain ? together : encoder.encode(texts[i])
      const place = { bytes, begin: at, end: isPlain ? at + texts[i]!.length : bytes.length }
      if (isPlain) at = place.end + 1
      places.set(object, place)
      if (Object.isFrozen(object)) this.#known.set(object, place)
    }
    return places
  }
}
