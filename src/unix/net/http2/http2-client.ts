import { concatBytes } from '../../../base/streams.ts'
import type { TcpSocket } from '../../types.ts'
import { HpackDecoder, encodeHeaders } from './hpack.ts'
import { DEFAULT_WINDOW, ERROR, FLAG, FRAME, MAX_FRAME_BYTES, PREFACE, SETTING, frame, readFrames, readSettings, settingsPayload, uint32 } from './frames.ts'
import type { HeaderField } from './hpack.ts'

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
  /** Gets the answer's headers as they come. */
  onHeaders: ((fields: readonly HeaderField[]) => void) | undefined
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
    this.#write(concatBytes([PREFACE, frame(FRAME.settings, 0, 0, settingsPayload([[SETTING.initialWindow, OWN_WINDOW]])), frame(FRAME.windowUpdate, 0, 0, uint32(OWN_WINDOW - DEFAULT_WINDOW))]))
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
  async request(headers: readonly HeaderField[], body: Uint8Array, { onHeaders, onData, stopped }: { onHeaders?: (fields: readonly HeaderField[]) => void; onData?: (chunk: Uint8Array) => void; stopped?: AbortSignal } = {}): Promise<Http2Answer> {
    if (this.#closed) throw this.#closed
    const id = this.#lastId += 2
    const answer = new Promise<Http2Answer>((done, failed) => { this.#streams.set(id, { headers: undefined, trailers: [], body: [], window: this.#peerWindow, onHeaders, onData, done, failed }) })
    answer.catch(() => { /* told to whoever waits for it */ })
    this.#write(frame(FRAME.headers, body.length === 0 ? FLAG.endHeaders | FLAG.endStream : FLAG.endHeaders, id, encodeHeaders(headers)))
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
      this.#write(frame(FRAME.data, at + room === body.length ? FLAG.endStream : 0, id, body.subarray(at, at + room)))
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
    this.#write(frame(FRAME.reset, 0, id, uint32(ERROR.cancel)))
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
    let block: { id: number; parts: Uint8Array[]; ends: boolean } | undefined
    for await (const { type, flags, id, payload, length } of readFrames(this.#socket.reader)) {
      switch (type) {
        case FRAME.headers: case FRAME.continuation:
          block = type === FRAME.headers ? { id, parts: [payload], ends: (flags & FLAG.endStream) !== 0 } : { ...block!, parts: [...block!.parts, payload] }
          if (flags & FLAG.endHeaders) this.#headers(block.id, this.#hpack.decode(concatBytes(block.parts)), block.ends)
          break
        case FRAME.data:
          this.#take(id, payload.slice())
          if (length > 0) this.#write(concatBytes([frame(FRAME.windowUpdate, 0, 0, uint32(length)), ...(this.#streams.has(id) ? [frame(FRAME.windowUpdate, 0, id, uint32(length))] : [])]))
          if (flags & FLAG.endStream) this.#finish(id)
          break
        case FRAME.settings:
          if (!(flags & FLAG.ack)) this.#settings(payload)
          break
        case FRAME.ping:
          if (!(flags & FLAG.ack)) this.#write(frame(FRAME.ping, FLAG.ack, 0, payload))
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

  #settings(payload: Uint8Array): void {
    for (const [key, value] of readSettings(payload)) {
      if (key === SETTING.maxFrame) this.#maxFrame = value
      if (key !== SETTING.initialWindow) continue
      for (const stream of this.#streams.values()) stream.window += value - this.#peerWindow
      this.#peerWindow = value
    }
    this.#write(frame(FRAME.settings, FLAG.ack, 0, new Uint8Array(0)))
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
    else if (!isInterim(fields)) {
      stream.headers = fields
      stream.onHeaders?.(fields)
    }
    if (ends) this.#finish(id)
  }

  #finish(id: number): void {
    const stream = this.#streams.get(id)
    if (!stream) return
    this.#streams.delete(id)
    stream.done({ headers: stream.headers ?? [], body: concatBytes(stream.body), trailers: stream.trailers })
  }
}

/** Whether another answer follows, as after 100 Continue. */
function isInterim(fields: readonly HeaderField[]): boolean {
  return fields.some(([name, value]) => name === ':status' && value.startsWith('1'))
}
