const encoder = new TextEncoder()
/** A piece holds about a hundred Pods. In smaller ones the operating system takes longer to provide memory. */
const PIECE_BYTES = 262_144
/** Of UTF-8, for what is one unit of a string's length. */
const MOST_BYTES = 3
/** Longer texts are left to the engine: below that a call of it takes longer than going through the text. */
const SHORT = 128
const QUOTE = 0x22, BACKSLASH = 0x5c, COMMA = 0x2c, SPACE = 0x20, TILDE = 0x7e

/** Where a text stands among the bytes of a piece. */
export interface Place {
  bytes: Uint8Array
  begin: number
  end: number
}

/**
 * Writes JSON as UTF-8, text after text, into pieces of memory that the places keep: strings that grow by parts would have to be put together once
 * more to be encoded. Between the texts of a piece stand commas.
 */
export class JsonWriter {
  #bytes = new Uint8Array(0)
  /** Where the text that is being written begins. */
  #begin = 0
  /** Where the next byte goes. */
  #at = 0

  /** Begins a text behind the last one. */
  begin(): void {
    if (this.#at > 0) {
      this.#room(1)
      this.#bytes[this.#at++] = COMMA
    }
    this.#begin = this.#at
  }

  /** Ends the text that was begun. */
  end(): Place {
    return { bytes: this.#bytes, begin: this.#begin, end: this.#at }
  }

  /** Begins anew in the same memory: what was written is lost. */
  restart(): void {
    this.#begin = this.#at = 0
  }

  /** What is JSON already. */
  raw(text: string): void {
    const { length } = text
    if (length <= SHORT) {
      this.#room(length)
      const bytes = this.#bytes
      let at = this.#at
      let i = 0
      for (; i < length; i++) {
        const code = text.charCodeAt(i)
        if (code > TILDE) break
        bytes[at++] = code
      }
      if (i === length) { this.#at = at; return }
    }
    this.#room(length * MOST_BYTES)
    this.#at += encoder.encodeInto(text, this.#bytes.subarray(this.#at)).written
  }

  /** A string, as JSON.stringify writes it. */
  string(text: string): void {
    const { length } = text
    if (length > SHORT) return this.raw(JSON.stringify(text))
    this.#room(length + 2)
    const bytes = this.#bytes
    let at = this.#at
    bytes[at++] = QUOTE
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i)
      // What needs an escape, or more than a byte.
      if (code < SPACE || code > TILDE || code === QUOTE || code === BACKSLASH) return this.raw(JSON.stringify(text))
      bytes[at++] = code
    }
    bytes[at++] = QUOTE
    this.#at = at
  }

  /** Text that was written before, as bytes. */
  copy(bytes: Uint8Array): void {
    this.#room(bytes.length)
    this.#bytes.set(bytes, this.#at)
    this.#at += bytes.length
  }

  /** Makes room for so many bytes; a text that no longer fits moves to a new piece, where it is the first. */
  #room(bytes: number): void {
    if (this.#at + bytes <= this.#bytes.length) return
    const begun = this.#bytes.subarray(this.#begin, this.#at)
    this.#bytes = new Uint8Array(Math.max(PIECE_BYTES, (begun.length + bytes) * 2))
    this.#bytes.set(begun)
    this.#begin = 0
    this.#at = begun.length
  }
}
