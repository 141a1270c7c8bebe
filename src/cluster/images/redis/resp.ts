/**
 * RESP2, the protocol between a Redis server and its clients. Values are byte strings: one character (0 to 255) per byte, so that
 * lengths are lengths in bytes and any content passes unchanged.
 */

export interface StatusReply { readonly status: string }
export interface ErrorReply { readonly error: string }
/** A null array, as EXEC and BLPOP answer; `null` is the null string. */
export interface NullArrayReply { readonly nullArray: true }
/** Nothing goes back to the client. */
export interface NoReply { readonly noReply: true }
export type Reply = string | number | bigint | null | StatusReply | ErrorReply | NullArrayReply | NoReply | readonly Reply[]

export const OK: StatusReply = { status: 'OK' }
export const NULL_ARRAY: NullArrayReply = { nullArray: true }
export const NO_REPLY: NoReply = { noReply: true }

/** What a client sent that isn't RESP; the connection is closed after it. */
export class ProtocolError extends Error {}

/** Bytes as a byte string. */
export function toByteString(bytes: Uint8Array): string {
  let out = ''
  for (let at = 0; at < bytes.length; at += 8192) out += String.fromCharCode(...bytes.subarray(at, at + 8192))
  return out
}

export function fromByteString(text: string): Uint8Array {
  const out = new Uint8Array(text.length)
  for (let i = 0; i < text.length; i++) out[i] = text.charCodeAt(i)
  return out
}

/** Text as the byte string of its UTF-8. */
export function byteStringOf(text: string): string {
  return toByteString(new TextEncoder().encode(text))
}

/** The text behind a byte string. */
export function textOf(byteString: string): string {
  return new TextDecoder().decode(fromByteString(byteString))
}

/** A reply as byte string. */
export function encodeReply(reply: Reply): string {
  if (reply === null) return '$-1\r\n'
  if (typeof reply === 'string') return `$${reply.length}\r\n${reply}\r\n`
  if (typeof reply === 'number' || typeof reply === 'bigint') return `:${reply}\r\n`
  if ('status' in reply) return `+${reply.status}\r\n`
  if ('error' in reply) return `-${reply.error.replace(/[\r\n]/g, ' ')}\r\n`
  if ('nullArray' in reply) return '*-1\r\n'
  if ('noReply' in reply) return ''
  return `*${reply.length}\r\n${reply.map(encodeReply).join('')}`
}

/** A command as clients send it. */
export function encodeCommand(args: readonly string[]): string {
  return encodeReply(args)
}

const MAX_INLINE_BYTES = 65_536
const MAX_ARGUMENTS = 1_048_576
const MAX_ARGUMENT_BYTES = 536_870_912

/** Takes bytes as they arrive and gives commands as they become complete. */
export class CommandParser {
  #buffer = ''
  #at = 0
  /** Of the command that is being read: how many arguments are to come, undefined between commands. */
  #missing: number | undefined
  #args: string[] = []

  push(bytes: Uint8Array): void {
    this.#buffer = this.#buffer.slice(this.#at) + toByteString(bytes)
    this.#at = 0
  }

  /** The next complete command. @throws ProtocolError */
  next(): string[] | undefined {
    for (;;) {
      if (this.#missing === undefined) {
        const line = this.#line(this.#buffer[this.#at] === '*' ? 'too big mbulk count string' : 'too big inline request')
        if (line === undefined) return undefined
        if (!line.startsWith('*')) {
          const args = splitArguments(line)
          if (!args) throw new ProtocolError('unbalanced quotes in request')
          if (args.length === 0) continue
          return args
        }
        const count = wholeNumber(line.slice(1))
        if (count === undefined || count > MAX_ARGUMENTS) throw new ProtocolError('invalid multibulk length')
        if (count <= 0) continue
        this.#missing = count
        this.#args = []
      }
      while (this.#missing > 0) {
        const start = this.#at
        const line = this.#line('too big bulk count string')
        if (line === undefined) return undefined
        if (!line.startsWith('$')) throw new ProtocolError(`expected '$', got '${line[0] ?? ' '}'`)
        const length = wholeNumber(line.slice(1))
        if (length === undefined || length < 0 || length > MAX_ARGUMENT_BYTES) throw new ProtocolError('invalid bulk length')
        if (this.#buffer.length < this.#at + length + 2) { this.#at = start; return undefined }
        this.#args.push(this.#buffer.slice(this.#at, this.#at + length))
        this.#at += length + 2
        this.#missing -= 1
      }
      this.#missing = undefined
      return this.#args
    }
  }

  #line(tooLong: string): string | undefined {
    const end = this.#buffer.indexOf('\n', this.#at)
    if (end < 0) {
      if (this.#buffer.length - this.#at > MAX_INLINE_BYTES) throw new ProtocolError(tooLong)
      return undefined
    }
    const line = this.#buffer.slice(this.#at, this.#buffer[end - 1] === '\r' && end > this.#at ? end - 1 : end)
    this.#at = end + 1
    return line
  }
}

/** The client's side: replies as they become complete. */
export class ReplyParser {
  #buffer = ''
  #at = 0

  push(bytes: Uint8Array): void {
    this.#buffer = this.#buffer.slice(this.#at) + toByteString(bytes)
    this.#at = 0
  }

  /** The next complete reply; undefined when bytes are missing. @throws ProtocolError */
  next(): Reply | undefined {
    const start = this.#at
    const reply = this.#read()
    if (reply === undefined) this.#at = start
    return reply
  }

  #read(): Reply | undefined {
    const end = this.#buffer.indexOf('\r\n', this.#at)
    if (end < 0) return undefined
    const type = this.#buffer[this.#at]!
    const line = this.#buffer.slice(this.#at + 1, end)
    this.#at = end + 2
    switch (type) {
      case '+': return { status: line }
      case '-': return { error: line }
      case ':': return Number.isSafeInteger(Number(line)) ? Number(line) : BigInt(line)
      case '$': {
        const length = Number(line)
        if (length < 0) return null
        if (this.#buffer.length < this.#at + length + 2) return undefined
        const value = this.#buffer.slice(this.#at, this.#at + length)
        this.#at += length + 2
        return value
      }
      case '*': {
        if (Number(line) < 0) return NULL_ARRAY
        const items: Reply[] = []
        for (let i = 0; i < Number(line); i++) {
          const item = this.#read()
          if (item === undefined) return undefined
          items.push(item)
        }
        return items
      }
      default: throw new ProtocolError(`Protocol error, got ${JSON.stringify(type)} as reply type byte`)
    }
  }
}

function wholeNumber(text: string): number | undefined {
  return /^-?\d{1,15}$/.test(text) ? Number(text) : undefined
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', b: '\b', a: '\x07' }

/** Words of a line with "quotes\n\x00" and 'quotes'; undefined when quotes don't match. For inline commands, configuration files and redis-cli. */
export function splitArguments(line: string): string[] | undefined {
  const out: string[] = []
  let at = 0
  for (;;) {
    while (at < line.length && /\s/.test(line[at]!)) at += 1
    if (at >= line.length) return out
    let word = ''
    while (at < line.length && !/\s/.test(line[at]!)) {
      const quote = line[at]!
      if (quote !== '"' && quote !== "'") { word += quote; at += 1; continue }
      at += 1
      for (;;) {
        if (at >= line.length) return undefined
        const c = line[at]!
        if (c === quote) { at += 1; break }
        if (c === '\\' && quote === "'" && line[at + 1] === "'") { word += "'"; at += 2; continue }
        if (c === '\\' && quote === '"' && at + 1 < line.length) {
          const hex = /^x([0-9a-fA-F]{2})/.exec(line.slice(at + 1, at + 4))
          word += hex ? String.fromCharCode(parseInt(hex[1]!, 16)) : ESCAPES[line[at + 1]!] ?? line[at + 1]!
          at += hex ? 4 : 2
          continue
        }
        word += c
        at += 1
      }
      if (at < line.length && !/\s/.test(line[at]!)) return undefined
    }
    out.push(word)
  }
}
