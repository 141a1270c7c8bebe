/** MongoDB's wire protocol: OP_MSG, and the OP_QUERY that older drivers greet with. */
import { deserialize, serialize } from 'bson'
import type { Document } from 'bson'
import { concatBytes } from '../../../base/streams.ts'
import type { TcpSocket } from '../../../unix/types.ts'

const OP_REPLY = 1
const OP_QUERY = 2004
const OP_MSG = 2013
const HEADER_BYTES = 16
/** Flag of OP_MSG: no answer is wanted. */
const MORE_TO_COME = 2

/** A request with what its answer must refer to. */
export interface Message { id: number; responseTo: number; document: Document; legacy: boolean; noReply: boolean }

/** Messages over a connection. */
export class MessageStream {
  readonly socket: TcpSocket
  #rest: Uint8Array = new Uint8Array(0)
  #nextId = 1

  readonly #options: { promoteLongs: boolean }

  /** `keepLongs`: integers of 64 bits stay what they are instead of becoming numbers. */
  constructor(socket: TcpSocket, { keepLongs = false }: { keepLongs?: boolean } = {}) {
    this.socket = socket
    this.#options = { promoteLongs: !keepLongs }
  }

  async #need(bytes: number): Promise<boolean> {
    while (this.#rest.length < bytes) {
      const chunk = await this.socket.reader.read()
      if (!chunk) return false
      this.#rest = this.#rest.length === 0 ? chunk : concatBytes([this.#rest, chunk])
    }
    return true
  }

  /** The next message; undefined when the other end has gone, or speaks something else. */
  async read(): Promise<Message | undefined> {
    if (!await this.#need(HEADER_BYTES)) return undefined
    const header = new DataView(this.#rest.buffer, this.#rest.byteOffset, HEADER_BYTES)
    const length = header.getInt32(0, true)
    const operation = header.getInt32(12, true)
    if (length < HEADER_BYTES || length > 48_000_000 || ![OP_QUERY, OP_MSG].includes(operation)) return undefined
    const [id, responseTo] = [header.getInt32(4, true), header.getInt32(8, true)]
    if (!await this.#need(length)) return undefined
    const body = this.#rest.slice(HEADER_BYTES, length)
    this.#rest = this.#rest.slice(length)
    if (operation === OP_QUERY) {
      const end = body.indexOf(0, 4)
      const document = deserialize(body.subarray(end + 9), this.#options)
      return { id, responseTo, document: (document.$query as Document | undefined) ?? document, legacy: true, noReply: false }
    }
    const view = new DataView(body.buffer, body.byteOffset)
    const flags = view.getUint32(0, true)
    const document: Document = {}
    for (let at = 4; at + 1 < body.length;) {
      const kind = body[at++]!
      const size = view.getInt32(at, true)
      if (kind === 0) { Object.assign(document, deserialize(body.subarray(at, at + size), this.#options)); at += size; continue }
      // A sequence of documents: the field that it names.
      const end = at + size
      const nameEnd = body.indexOf(0, at + 4)
      const name = new TextDecoder().decode(body.subarray(at + 4, nameEnd))
      const list: Document[] = []
      for (let from = nameEnd + 1; from < end;) { const bytes = view.getInt32(from, true); list.push(deserialize(body.subarray(from, from + bytes), this.#options)); from += bytes }
      document[name] = list
      at = end
    }
    return { id, responseTo, document, legacy: false, noReply: (flags & MORE_TO_COME) !== 0 }
  }

  async write(document: Document, responseTo = 0, legacy = false): Promise<void> {
    const bytes = serialize(document, { ignoreUndefined: true })
    const prefix = new Uint8Array(HEADER_BYTES + (legacy ? 20 : 5))
    const view = new DataView(prefix.buffer)
    view.setInt32(0, prefix.length + bytes.length, true)
    view.setInt32(4, this.#nextId++, true)
    view.setInt32(8, responseTo, true)
    view.setInt32(12, legacy ? OP_REPLY : OP_MSG, true)
    if (legacy) view.setInt32(32, 1, true)
    await this.socket.writer.write(concatBytes([prefix, bytes]))
  }
}
