import { concatBytes } from '../../../base/streams.ts'
import { UnixError } from '../../types.ts'
import type { TcpSocket } from '../../types.ts'
import { HpackDecoder, encodeHeaders } from './hpack.ts'
import { DEFAULT_WINDOW, ERROR, FLAG, FRAME, PREFACE, SETTING, frame, readFrames, readUint32, settingsPayload, uint32 } from './frames.ts'
import type { HeaderField } from './hpack.ts'
import { SendWindows } from './send-windows.ts'

/** What the other side may send before it is told that there is room. */
const OWN_WINDOW = 4 * 2 ** 20

/** What came back for a request. */
export interface Http2Answer {
  headers: readonly HeaderField[]
  body: Uint8Array
  trailers: readonly HeaderField[]
}

/** What a request is made with. */
export interface Http2RequestOptions {
  /** Gets the answer's headers as they come. */
  onHeaders?: (fields: readonly HeaderField[]) => void
  /** Takes what comes instead of keeping it for the answer. Where it gives a promise, the server gets room for more once that resolves. */
  onData?: (chunk: Uint8Array) => void | Promise<void>
  /** Gives the request up. */
  stopped?: AbortSignal
}

interface Stream {
  headers: readonly HeaderField[] | undefined
  trailers: readonly HeaderField[]
  body: Uint8Array[]
  onHeaders: ((fields: readonly HeaderField[]) => void) | undefined
  onData: ((chunk: Uint8Array) => void | Promise<void>) | undefined
  done(answer: Http2Answer): void
  failed(error: Error): void
}

/** The client's end of an HTTP/2 connection over a stream of bytes. */
export class Http2Client {
  readonly #socket: TcpSocket
  readonly #hpack = new HpackDecoder()
  readonly #streams = new Map<number, Stream>()
  readonly #windows = new SendWindows()
  #lastId = -1
  #closed: Error | undefined
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
  async request(headers: readonly HeaderField[], body: Uint8Array, { onHeaders, onData, stopped }: Http2RequestOptions = {}): Promise<Http2Answer> {
    if (this.#closed) throw this.#closed
    const id = this.#lastId += 2
    const answer = new Promise<Http2Answer>((done, failed) => { this.#streams.set(id, { headers: undefined, trailers: [], body: [], onHeaders, onData, done, failed }) })
    answer.catch(() => { /* told to whoever waits for it */ })
    this.#windows.open(id)
    const cancel = () => this.#cancel(id)
    stopped?.addEventListener('abort', cancel, { once: true })
    try {
      this.#write(frame(FRAME.headers, body.length === 0 ? FLAG.endHeaders | FLAG.endStream : FLAG.endHeaders, id, encodeHeaders(headers)))
      if (stopped?.aborted) cancel()
      await this.#windows.send(id, body, true, (bytes) => this.#write(bytes))
      return await answer
    } finally {
      stopped?.removeEventListener('abort', cancel)
    }
  }

  #cancel(id: number): void {
    const stream = this.#take(id)
    if (!stream) return
    this.#write(frame(FRAME.reset, 0, id, uint32(ERROR.cancel)))
    stream.failed(new Error('context canceled'))
  }

  /** The stream of a request that has ended one way or the other. */
  #take(id: number): Stream | undefined {
    const stream = this.#streams.get(id)
    this.#streams.delete(id)
    this.#windows.close(id)
    return stream
  }

  /** The connection ends, and with it what is under way. */
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
    this.#windows.closeAll()
    this.#socket.destroy()
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
          this.#data(id, payload.slice(), length)
          if (flags & FLAG.endStream) this.#finish(id)
          break
        case FRAME.settings:
          if (flags & FLAG.ack) break
          this.#windows.configure(payload)
          this.#write(frame(FRAME.settings, FLAG.ack, 0, new Uint8Array(0)))
          break
        case FRAME.ping:
          if (!(flags & FLAG.ack)) this.#write(frame(FRAME.ping, FLAG.ack, 0, payload))
          break
        case FRAME.windowUpdate: this.#windows.grow({ id, payload }); break
        case FRAME.reset: this.#take(id)?.failed(new UnixError('ECONNRESET', `stream terminated by RST_STREAM with error code: ${readUint32(payload)}`)); break
        case FRAME.goAway: throw new Error('the connection is draining')
      }
    }
  }

  /** @param length of the whole frame, for which the server gets room again: on the stream once the data was taken */
  #data(id: number, chunk: Uint8Array, length: number): void {
    const stream = this.#streams.get(id)
    const taken = stream?.onData?.(chunk)
    if (!stream?.onData) stream?.body.push(chunk)
    if (length === 0) return
    this.#write(frame(FRAME.windowUpdate, 0, 0, uint32(length)))
    const makeRoom = () => { if (this.#streams.has(id)) this.#write(frame(FRAME.windowUpdate, 0, id, uint32(length))) }
    if (taken) void taken.then(makeRoom)
    else makeRoom()
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
    const stream = this.#take(id)
    stream?.done({ headers: stream.headers ?? [], body: concatBytes(stream.body), trailers: stream.trailers })
  }
}

/** Whether another answer follows, as after 100 Continue. */
function isInterim(fields: readonly HeaderField[]): boolean {
  return fields.some(([name, value]) => name === ':status' && value.startsWith('1'))
}
