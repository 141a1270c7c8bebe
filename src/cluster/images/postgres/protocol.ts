import { concatBytes } from '../../../base/streams.ts'
import type { TcpSocket } from '../../../unix/types.ts'

/** PostgreSQL's protocol 3, as servers and clients here speak it: messages of a letter, a length and a body. */

export const PROTOCOL_3 = 196_608
export const CANCEL_REQUEST = 80_877_102
export const SSL_REQUEST = 80_877_103
export const GSS_REQUEST = 80_877_104

const encoder = new TextEncoder()
const decoder = new TextDecoder()

export interface Message { type: string; body: Uint8Array }

/** The body of a message, while it is made. */
export class BodyWriter {
  readonly #parts: Uint8Array[] = []

  int(value: number, bytes: 1 | 2 | 4): this {
    const part = new Uint8Array(bytes)
    for (let i = 0; i < bytes; i++) part[i] = (value >>> (8 * (bytes - 1 - i))) & 255
    this.#parts.push(part)
    return this
  }

  bytes(part: Uint8Array): this { this.#parts.push(part); return this }
  /** Text that ends with a zero. */
  text(text: string): this { return this.bytes(encoder.encode(`${text}\0`)) }
  get body(): Uint8Array { return concatBytes(this.#parts) }
}

/** A message on the wire. */
export function message(type: string, body: Uint8Array = new Uint8Array(0)): Uint8Array {
  return concatBytes([...(type === '' ? [] : [encoder.encode(type)]), new BodyWriter().int(body.length + 4, 4).body, body])
}

/** A message with one text. */
export const textMessage = (type: string, text: string) => message(type, new BodyWriter().text(text).body)

export class BodyReader {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  get left(): number { return this.#bytes.length - this.at }
  int8(): number { return this.#view.getUint8(this.at++) }
  int16(): number { this.at += 2; return this.#view.getInt16(this.at - 2) }
  int32(): number { this.at += 4; return this.#view.getInt32(this.at - 4) }
  bytes(count: number): Uint8Array { this.at += count; return this.#bytes.subarray(this.at - count, this.at) }
  rest(): Uint8Array { return this.bytes(this.left) }

  text(): string {
    let end = this.#bytes.indexOf(0, this.at)
    if (end < 0) end = this.#bytes.length
    const text = decoder.decode(this.#bytes.subarray(this.at, end))
    this.at = end + 1
    return text
  }
}

/** Takes messages apart that came in one piece. */
export function* messagesOf(data: Uint8Array): Generator<Message> {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength)
  for (let at = 0; at + 5 <= data.length;) {
    const length = view.getUint32(at + 1)
    yield { type: String.fromCharCode(data[at]!), body: data.subarray(at + 5, at + 1 + length) }
    at += 1 + length
  }
}

/** Messages over a connection. */
export class MessageStream {
  readonly socket: TcpSocket
  #chunks: Uint8Array[] = []
  #held = 0

  constructor(socket: TcpSocket) { this.socket = socket }

  async #exactly(count: number): Promise<Uint8Array | undefined> {
    while (this.#held < count) {
      const chunk = await this.socket.reader.read()
      if (!chunk) return undefined
      this.#chunks.push(chunk)
      this.#held += chunk.length
    }
    const all = this.#chunks.length === 1 ? this.#chunks[0]! : concatBytes(this.#chunks)
    this.#chunks = [all.subarray(count)]
    this.#held -= count
    return all.subarray(0, count)
  }

  /** The next message; undefined when the other end has gone. */
  async read(): Promise<Message | undefined> {
    const head = await this.#exactly(5)
    if (!head) return undefined
    const body = await this.#exactly(new BodyReader(head.subarray(1)).int32() - 4)
    return body && { type: String.fromCharCode(head[0]!), body }
  }

  /** The first message of a client, which has no letter. */
  async readStartup(): Promise<Uint8Array | undefined> {
    const head = await this.#exactly(4)
    return head && this.#exactly(Math.min(10_000, Math.max(0, new BodyReader(head).int32() - 4)))
  }

  /** One byte. */
  async readByte(): Promise<number | undefined> { return (await this.#exactly(1))?.[0] }

  async write(...messages: Uint8Array[]): Promise<void> { if (messages.length > 0) await this.socket.writer.write(concatBytes(messages)) }
}

/** What a server says no with, or remarks: fields by their letters. */
export interface Report { severity: string; code: string; message: string; detail?: string; hint?: string; position?: number; internalPosition?: number; internalQuery?: string; context?: string; schema?: string; table?: string; column?: string; constraint?: string }

const FIELDS = { V: 'severity', C: 'code', M: 'message', D: 'detail', H: 'hint', W: 'context', q: 'internalQuery', s: 'schema', t: 'table', c: 'column', n: 'constraint' } as const

export function readReport(body: Uint8Array): Report {
  const reader = new BodyReader(body)
  const report: Report = { severity: 'ERROR', code: '', message: '' }
  while (reader.left > 1) {
    const letter = String.fromCharCode(reader.int8())
    const text = reader.text()
    if (letter === 'P') report.position = Number(text)
    else if (letter === 'p') report.internalPosition = Number(text)
    else if (letter in FIELDS) report[FIELDS[letter as keyof typeof FIELDS]] = text
  }
  return report
}

/** An error ('E') or a notice ('N') on the wire. */
export function reportMessage(type: 'E' | 'N', report: Report): Uint8Array {
  const body = new BodyWriter()
  const put = (letter: string, text: string | undefined) => { if (text !== undefined) body.bytes(encoder.encode(letter)).text(text) }
  put('S', report.severity)
  put('V', report.severity)
  put('C', report.code)
  put('M', report.message)
  put('D', report.detail)
  put('H', report.hint)
  return message(type, body.int(0, 1).body)
}

/** A column of an answer. */
export interface Field { name: string; table: number; typeOid: number; binary: boolean }

export function readFields(body: Uint8Array): Field[] {
  const reader = new BodyReader(body)
  return Array.from({ length: reader.int16() }, () => {
    const name = reader.text()
    const table = reader.int32()
    reader.int16()
    const typeOid = reader.int32()
    reader.int16()
    reader.int32()
    return { name, table, typeOid, binary: reader.int16() === 1 }
  })
}

export function readRow(body: Uint8Array): (string | null)[] {
  const reader = new BodyReader(body)
  return Array.from({ length: reader.int16() }, () => {
    const length = reader.int32()
    return length < 0 ? null : decoder.decode(reader.bytes(length))
  })
}
