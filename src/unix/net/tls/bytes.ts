/** Reading and writing of the fields that TLS messages are made of (RFC 8446, section 3). */

export const u8 = (value: number) => [value & 255]
export const u16 = (value: number) => [(value >> 8) & 255, value & 255]
const u24 = (value: number) => [(value >> 16) & 255, (value >> 8) & 255, value & 255]

/** A field of varying length with its length in front, in so many bytes. */
export function vector(lengthBytes: 1 | 2 | 3, content: ArrayLike<number> & Iterable<number>): number[] {
  return [...(lengthBytes === 1 ? u8 : lengthBytes === 2 ? u16 : u24)(content.length), ...content]
}

/** What doesn't read as it must. */
export class DecodeError extends Error {}

/** Reads fields one after the other. @throws DecodeError */
export class FieldReader {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  get isEmpty(): boolean {
    return this.#at >= this.#bytes.length
  }

  number(lengthBytes: 1 | 2 | 3): number {
    return this.bytes(lengthBytes).reduce((sum, byte) => sum * 256 + byte, 0)
  }

  bytes(count: number): Uint8Array {
    if (this.#at + count > this.#bytes.length) throw new DecodeError('a field is cut off')
    return this.#bytes.subarray(this.#at, this.#at += count)
  }

  vector(lengthBytes: 1 | 2 | 3): Uint8Array {
    return this.bytes(this.number(lengthBytes))
  }

  rest(): Uint8Array {
    return this.bytes(this.#bytes.length - this.#at)
  }
}
