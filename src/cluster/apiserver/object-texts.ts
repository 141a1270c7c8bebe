import { JsonWriter } from './json-writer.ts'
import type { Place } from './json-writer.ts'

const decoder = new TextDecoder()
const COMMA = new TextEncoder().encode(',')

/**
 * The texts of frozen objects in one notation, each made at most once. What was part of a long list is kept as the bytes that were sent: the list
 * is copied together when it is asked for again, and its texts burden no garbage collection.
 */
export class ObjectTexts {
  readonly #write: (writer: JsonWriter, object: object) => void
  readonly #known = new WeakMap<object, string | Place>()
  /** Of what is kept. */
  readonly #kept = new JsonWriter()
  /** Of what is read at once. */
  readonly #passing = new JsonWriter()

  /** @param write writes an object's text */
  constructor(write: (writer: JsonWriter, object: object) => void) {
    this.#write = write
  }

  text(object: object): string {
    const known = this.#known.get(object)
    if (typeof known === 'string') return known
    this.#passing.restart()
    const text = stringOf(known ?? this.#made(this.#passing, object))
    if (!known && Object.isFrozen(object)) this.#known.set(object, text)
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
    const place = this.#made(this.#kept, object, known)
    if (known !== undefined || Object.isFrozen(object)) this.#known.set(object, place)
    return place
  }

  #made(writer: JsonWriter, object: object, text?: string): Place {
    writer.begin()
    if (text === undefined) this.#write(writer, object)
    else writer.raw(text)
    return writer.end()
  }
}

const stringOf = ({ bytes, begin, end }: Place) => decoder.decode(bytes.subarray(begin, end))
