import { concatBytes } from '../../../base/streams.ts'
import type { TcpSocket } from '../../types.ts'
import { HpackDecoder, encodeHeaders } from './hpack.ts'
import type { HeaderField } from './hpack.ts'

/** Types of frames. RFC 9113, section 6 */
const FRAME = { data: 0, headers: 1, reset: 3, settings: 4, ping: 6, goAway: 7, windowUpdate: 8, continuation: 9 } as const
const END_STREAM = 1
const ACK = 1
const END_HEADERS = 4
const PADDED = 8
const PRIORITY = 32
const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
/** RFC 9113, section 7 */
const CANCEL = 8
const SETTING_INITIAL_WINDOW = 4
const SETTING_MAX_FRAME = 5
const MAX_FRAME_BYTES = 16_384
const DEFAULT_WINDOW = 65_535
/** What the other side may send before it is told that there is room. */
const OWN_WINDOW = 4 * 2 ** 20

/** What came back for a request. */
export interface Http2Answer {
  headers: readonly HeaderField[]
  body: Uint8Array
  trailers: readonly HeaderField[]
}

interface Stream {
  headers: readonly HeaderField[] | undefined
  trailers: readonly HeaderField[]
  body: Uint8Array[]
  window: number
  /** Takes what comes instead of keeping it for the answer. */
  onData: ((chunk: Uint8Array) => void) | undefined
  done(answer: Http2Answer): void
  failed(error: Error): void
}

/** The client's end of an HTTP/2 connection over a stream of bytes. */
export class Http2Client {
  readonly #socket: TcpSocket
  readonly #hpack = new HpackDecoder()
  readonly #streams = new Map<number, Stream>()
  #lastId = -1
  #window = DEFAULT_WINDOW
  #peerWindow = DEFAULT_WINDOW
  #maxFrame = MAX_FRAME_BYTES
  #closed: Error | undefined
  #roomAwaited: (() => void)[] = []
  #writing: Promise<unknown> = Promise.resolve()

  constructor(socket: TcpSocket) {
    this.#socket = socket
    const settings = new Uint8Array(6)
    new DataView(settings.buffer).setUint16(0, SETTING_INITIAL_WINDOW)
    new DataView(settings.buffer).setUint32(2, OWN_WINDOW)
    this.#write(concatBytes([new TextEncoder().encode(PREFACE), frame(FRAME.settings, 0, 0, settings), frame(FRAME.windowUpdate, 0, 0, uint32(OWN_WINDOW - DEFAULT_WINDOW))]))
    this.#read().then(() => this.#end(new Error('error reading from server: EOF')), (error: unknown) => this.#end(error as Error))
  }

  /** No request can be made any more. */
  get isClosed(): boolean {
    return this.#closed !== undefined
  }

  /**
   * Sends a request with its body; resolves with the whole answer, or with what came around its body where `onData` takes that. What `stopped`
   * aborts is given up, with the other side's knowledge. @throws Error when the connection ends first
   */
  async request(headers: readonly HeaderField[], body: Uint8Array, { onData, stopped }: { onData?: (chunk: Uint8Array) => void; stopped?: AbortSignal } = {}): Promise<Http2Answer> {
    if (this.#closed) throw this.#closed
    const id = this.#lastId += 2
    const answer = new Promise<Http2Answer>((done, failed) => { this.#streams.set(id, { headers: undefined, trailers: [], body: [], window: this.#peerWindow, onData, done, failed }) })
    answer.catch(() => { /* told to whoever waits for it */ })
    this.#write(frame(FRAME.headers, body.length === 0 ? END_HEADERS | END_STREAM : END_HEADERS, id, encodeHeaders(headers)))
    for (let at = 0; at < body.length;) {
      const stream = this.#streams.get(id)
      if (!stream) break
      const room = Math.min(this.#window, stream.window, this.#maxFrame, body.length - at)
      if (room <= 0) {
        await new Promise<void>((resolve) => { this.#roomAwaited.push(resolve) })
        continue
      }
      this.#window -= room
      stream.window -= room
      this.#write(frame(FRAME.data, at + room === body.length ? END_STREAM : 0, id, body.subarray(at, at + room)))
      at += room
    }
    stopped?.addEventListener('abort', () => this.#cancel(id), { once: true })
    if (stopped?.aborted) this.#cancel(id)
    return answer
  }

  #cancel(id: number): void {
    const stream = this.#streams.get(id)
    if (!stream) return
    this.#streams.delete(id)
    this.#write(frame(FRAME.reset, 0, id, uint32(CANCEL)))
    stream.failed(new Error('context canceled'))
  }

  close(): void {
    this.#socket.destroy()
  }

  #write(bytes: Uint8Array): void {
    this.#writing = this.#writing.then(() => this.#socket.writer.write(bytes)).catch((error: unknown) => this.#end(error as Error))
  }

  #end(error: Error): void {
    if (this.#closed) return
    this.#closed = error
    for (const stream of this.#streams.values()) stream.failed(error)
    this.#streams.clear()
    this.#wake()
    this.#socket.destroy()
  }

  #wake(): void {
    const waiting = this.#roomAwaited
    this.#roomAwaited = []
    for (const resolve of waiting) resolve()
  }

  async #read(): Promise<void> {
    let held: Uint8Array = new Uint8Array(0)
    let block: { id: number; parts: Uint8Array[]; ends: boolean } | undefined
    for (;;) {
      const chunk = await this.#socket.reader.read()
      if (!chunk) return
      held = held.length === 0 ? chunk : concatBytes([held, chunk])
      while (held.length >= 9) {
        const view = new DataView(held.buffer, held.byteOffset)
        const length = view.getUint32(0) >>> 8
        if (held.length < 9 + length) break
        const type = held[3]!
        const flags = held[4]!
        const id = view.getUint32(5) & 0x7fff_ffff
        let payload = held.subarray(9, 9 + length)
        held = held.subarray(9 + length)
        if (type === FRAME.headers || type === FRAME.data) {
          if (flags & PADDED) payload = payload.subarray(1, payload.length - payload[0]!)
          if (type === FRAME.headers && flags & PRIORITY) payload = payload.subarray(5)
        }
        switch (type) {
          case FRAME.headers: case FRAME.continuation:
            block = type === FRAME.headers ? { id, parts: [payload], ends: (flags & END_STREAM) !== 0 } : { ...block!, parts: [...block!.parts, payload] }
            if (flags & END_HEADERS) this.#headers(block.id, this.#hpack.decode(concatBytes(block.parts)), block.ends)
            break
          case FRAME.data:
            this.#take(id, payload.slice())
            if (length > 0) this.#write(concatBytes([frame(FRAME.windowUpdate, 0, 0, uint32(length)), ...(this.#streams.has(id) ? [frame(FRAME.windowUpdate, 0, id, uint32(length))] : [])]))
            if (flags & END_STREAM) this.#finish(id)
            break
          case FRAME.settings:
            if (!(flags & ACK)) this.#settings(payload)
            break
          case FRAME.ping:
            if (!(flags & ACK)) this.#write(frame(FRAME.ping, ACK, 0, payload))
            break
          case FRAME.windowUpdate: {
            const more = new DataView(payload.buffer, payload.byteOffset).getUint32(0)
            const stream = this.#streams.get(id)
            if (id === 0) this.#window += more
            else if (stream) stream.window += more
            this.#wake()
            break
          }
          case FRAME.reset: {
            const stream = this.#streams.get(id)
            this.#streams.delete(id)
            stream?.failed(new Error(`stream terminated by RST_STREAM with error code: ${new DataView(payload.buffer, payload.byteOffset).getUint32(0)}`))
            break
          }
          case FRAME.goAway: throw new Error('the connection is draining')
        }
      }
    }
  }

  #settings(payload: Uint8Array): void {
    const view = new DataView(payload.buffer, payload.byteOffset, payload.length)
    for (let at = 0; at + 6 <= payload.length; at += 6) {
      const value = view.getUint32(at + 2)
      if (view.getUint16(at) === SETTING_MAX_FRAME) this.#maxFrame = value
      if (view.getUint16(at) !== SETTING_INITIAL_WINDOW) continue
      for (const stream of this.#streams.values()) stream.window += value - this.#peerWindow
      this.#peerWindow = value
    }
    this.#write(frame(FRAME.settings, ACK, 0, new Uint8Array(0)))
    this.#wake()
  }

  #take(id: number, chunk: Uint8Array): void {
    const stream = this.#streams.get(id)
    if (stream?.onData) stream.onData(chunk)
    else stream?.body.push(chunk)
  }

  #headers(id: number, fields: readonly HeaderField[], ends: boolean): void {
    const stream = this.#streams.get(id)
    if (!stream) return
    if (stream.headers) stream.trailers = fields
    else stream.headers = fields
    if (ends) this.#finish(id)
  }

  #finish(id: number): void {
    const stream = this.#streams.get(id)
    if (!stream) return
    this.#streams.delete(id)
    stream.done({ headers: stream.headers ?? [], body: concatBytes(stream.body), trailers: stream.trailers })
  }
}

function frame(type: number, flags: number, id: number, payload: Uint8Array): Uint8Array {
  const out = new Uint8Array(9 + payload.length)
  const view = new DataView(out.buffer)
  view.setUint32(0, payload.length << 8 | type)
  out[4] = flags
  view.setUint32(5, id)
  out.set(payload, 9)
  return out
}

function uint32(value: number): Uint8Array {
  const out = new Uint8Array(4)
  new DataView(out.buffer).setUint32(0, value)
  return out
}
