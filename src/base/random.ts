/** Letters and digits of generated names. k8s: apimachinery/pkg/util/rand (no vowels, so that no words appear). */
const NAME_ALPHABET = 'bcdfghjklmnpqrstvwxz2456789'

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/** The lower 16 bits as four digits. */
function hex16(value: number): string {
  return HEX[(value >>> 8) & 255]! + HEX[value & 255]!
}

/** Seeded pseudo-random numbers (sfc32): the same seed gives the same run. Not for keys. */
export class Random {
  #a: number
  #b: number
  #c: number
  #counter = 1

  constructor(seed: string) {
    const next = hashed(seed)
    this.#a = next()
    this.#b = next()
    this.#c = next()
    for (let i = 0; i < 15; i++) this.uint32()
  }

  /** 0 to 2^32-1. */
  uint32(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0
    this.#counter = (this.#counter + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum | 0
    return sum >>> 0
  }

  /** At least 0, less than 1. */
  float(): number {
    return this.uint32() / 2 ** 32
  }

  /** A whole number from 0 to `below` - 1. */
  int(below: number): number {
    return Math.floor(this.float() * below)
  }

  pick<T>(items: readonly T[]): T {
    return items[this.int(items.length)]!
  }

  /** A copy in random order. */
  shuffle<T>(items: readonly T[]): T[] {
    const out = [...items]
    for (let i = out.length - 1; i > 0; i--) {
      const j = this.int(i + 1)
      const held = out[i]!
      out[i] = out[j]!
      out[j] = held
    }
    return out
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.uint32() & 255)
  }

  /** A version 4 UUID. */
  uuid(): string {
    const [a, b, c, d] = [this.uint32(), (this.uint32() & 0xffff0fff) | 0x4000, (this.uint32() & 0x3fffffff) | 0x80000000, this.uint32()]
    return `${hex16(a >>> 16)}${hex16(a)}-${hex16(b >>> 16)}-${hex16(b)}-${hex16(c >>> 16)}-${hex16(c)}${hex16(d >>> 16)}${hex16(d)}`
  }

  /** As many random bytes in hexadecimal. */
  hex(bytes: number): string {
    let out = ''
    for (let i = 0; i < bytes; i += 2) out += hex16(this.uint32())
    return out.slice(0, bytes * 2)
  }

  /** The random part of a generated name. */
  suffix(length = 5): string {
    let out = ''
    for (let i = 0; i < length; i++) out += NAME_ALPHABET[this.int(NAME_ALPHABET.length)]
    return out
  }

  /** An independent generator; the same label on the same state gives the same one. */
  fork(label: string): Random {
    return new Random(`${this.uint32()}/${label}`)
  }
}

/** xmur3: spreads a text over 32-bit words. */
function hashed(text: string): () => number {
  let h = 1779033703 ^ text.length
  for (let i = 0; i < text.length; i++) {
    h = Math.imul(h ^ text.charCodeAt(i), 3432918353)
    h = (h << 13) | (h >>> 19)
  }
  return () => {
    h = Math.imul(h ^ (h >>> 16), 2246822507)
    h = Math.imul(h ^ (h >>> 13), 3266489909)
    return (h ^= h >>> 16) >>> 0
  }
}
