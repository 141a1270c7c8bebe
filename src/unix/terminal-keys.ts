import type { ByteReader } from '../base/streams.ts'

const PASTE_START = '\x1b[200~'
const PASTE_END = '\x1b[201~'

/** Splits what a terminal sends into keys (a bracketed paste is one); an unfinished sequence stays for later. */
export function splitKeys(data: string): { keys: string[]; rest: string } {
  const keys: string[] = []
  let at = 0
  while (at < data.length) {
    const rest = data.slice(at)
    if (rest.startsWith(PASTE_START)) {
      const end = rest.indexOf(PASTE_END)
      if (end < 0) return { keys, rest }
      keys.push(rest.slice(0, end + PASTE_END.length))
      at += end + PASTE_END.length
      continue
    }
    const sequence = /^(?:\x1b?\x1b\[[0-9;?]*[A-Za-z~]|\x1bO[A-Z]|\x1b[^\x1b[O]|\x18\x15)/s.exec(rest)
    if (sequence) { keys.push(sequence[0]); at += sequence[0].length; continue }
    if (/^\x1b\[[0-9;?]*$/.test(rest)) return { keys, rest }
    const char = String.fromCodePoint(rest.codePointAt(0)!)
    keys.push(char)
    at += char.length
  }
  return { keys, rest: '' }
}

/** The text of a bracketed paste with plain newlines; undefined for other keys. */
export function pastedText(key: string): string | undefined {
  return key.startsWith(PASTE_START) ? key.slice(PASTE_START.length, -PASTE_END.length).replace(/\r\n?/g, '\n') : undefined
}

/** Reads keys one by one from a terminal in raw mode. */
export class KeyReader {
  readonly #input: ByteReader
  readonly #decoder = new TextDecoder()
  #keys: string[] = []
  #partial = ''

  constructor(input: ByteReader) {
    this.#input = input
  }

  /** Undefined once the terminal has gone. */
  async next(): Promise<string | undefined> {
    while (this.#keys.length === 0) {
      const bytes = await this.#input.read()
      if (!bytes) return undefined
      const { keys, rest } = splitKeys(this.#partial + this.#decoder.decode(bytes, { stream: true }))
      this.#keys = keys
      this.#partial = rest
    }
    return this.#keys.shift()
  }

  /** Whether keys have come that weren't read yet: drawing may wait. */
  get hasMore(): boolean {
    return this.#keys.length > 0
  }

  /** Puts keys before those that wait. */
  unread(...keys: string[]): void {
    this.#keys.unshift(...keys)
  }
}
