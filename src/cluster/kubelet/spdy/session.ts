import { createPipe } from '../../../base/streams.ts'
import type { ByteReader, ByteWriter } from '../../../base/streams.ts'
import type { WebSocketEnd } from '../../../base/http.ts'
import { HeaderDecoder, HeaderEncoder } from './headers.ts'

/** A stream that the other side opened. */
export interface SpdyStream {
  readonly id: number
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>
  readonly reader: ByteReader
  readonly writer: ByteWriter
  /** Ends it in both directions at once. */
  reset(): void
}

const SYN_STREAM = 1, SYN_REPLY = 2, RST_STREAM = 3, SETTINGS = 4, PING = 6, GOAWAY = 7, HEADERS = 8, WINDOW_UPDATE = 9
const FLAG_FIN = 1
const MAX_FRAME_BYTES = 32_768
const STATUS_PROTOCOL_ERROR = 1, STATUS_CANCEL = 5

interface OpenStream {
  input: ByteWriter
  inputClosed: boolean
  outputClosed: boolean
}

/**
 * The server's side of a SPDY/3.1 session whose bytes come as messages, wherever one ends: of a connection, or of a WebSocket in which kubectl tunnels port-forward.
 * Streams are accepted as they come; there is no flow control, as in the clients that speak it.
 */
export async function serveSpdy(socket: WebSocketEnd, onStream: (stream: SpdyStream) => void): Promise<void> {
  const decoder = new HeaderDecoder()
  const encoder = new HeaderEncoder()
  const streams = new Map<number, OpenStream>()
  let pending = new Uint8Array(0)

  const control = (type: number, flags: number, payload: Uint8Array) => {
    const frame = new Uint8Array(8 + payload.length)
    const view = new DataView(frame.buffer)
    view.setUint16(0, 0x8003)
    view.setUint16(2, type)
    view.setUint32(4, payload.length)
    frame[4] = flags
    frame.set(payload, 8)
    socket.send(frame)
  }
  const words = (...values: number[]) => {
    const out = new Uint8Array(values.length * 4)
    const view = new DataView(out.buffer)
    values.forEach((value, i) => view.setUint32(i * 4, value))
    return out
  }
  const data = (id: number, flags: number, payload: Uint8Array) => {
    const frame = new Uint8Array(8 + payload.length)
    const view = new DataView(frame.buffer)
    view.setUint32(0, id)
    view.setUint32(4, payload.length)
    frame[4] = flags
    frame.set(payload, 8)
    socket.send(frame)
  }
  const forget = (id: number) => {
    const stream = streams.get(id)
    if (stream?.inputClosed && stream.outputClosed) streams.delete(id)
  }
  const closeInput = (id: number) => {
    const stream = streams.get(id)
    if (!stream || stream.inputClosed) return
    stream.inputClosed = true
    stream.input.close()
    forget(id)
  }

  const open = (id: number, fin: boolean, headers: Map<string, string>) => {
    const pipe = createPipe(Infinity)
    const stream: OpenStream = { input: pipe.writer, inputClosed: false, outputClosed: false }
    streams.set(id, stream)
    const reply = encoder.encode(new Map())
    const payload = new Uint8Array(4 + reply.length)
    payload.set(words(id))
    payload.set(reply, 4)
    control(SYN_REPLY, 0, payload)
    const text = new TextEncoder()
    onStream({
      id, headers, reader: pipe.reader,
      writer: {
        async write(chunk) {
          if (stream.outputClosed) return
          const bytes = typeof chunk === 'string' ? text.encode(chunk) : chunk
          for (let at = 0; at < bytes.length; at += MAX_FRAME_BYTES) data(id, 0, bytes.subarray(at, at + MAX_FRAME_BYTES))
        },
        close() {
          if (stream.outputClosed) return
          stream.outputClosed = true
          data(id, FLAG_FIN, new Uint8Array(0))
          forget(id)
        },
      },
      reset() {
        if (!streams.delete(id)) return
        stream.outputClosed = true
        stream.input.close()
        control(RST_STREAM, 0, words(id, STATUS_CANCEL))
      },
    })
    if (fin) closeInput(id)
  }

  const controlFrame = (type: number, flags: number, payload: Uint8Array): boolean => {
    const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength)
    switch (type) {
      case SYN_STREAM: {
        const id = view.getUint32(0) & 0x7fffffff
        const headers = decoder.decode(payload.subarray(10))
        if (streams.has(id)) control(RST_STREAM, 0, words(id, STATUS_PROTOCOL_ERROR))
        else open(id, (flags & FLAG_FIN) !== 0, headers)
        return true
      }
      case SYN_REPLY: decoder.decode(payload.subarray(4)); return true
      case HEADERS: decoder.decode(payload.subarray(4)); return true
      case RST_STREAM: {
        const id = view.getUint32(0) & 0x7fffffff
        const stream = streams.get(id)
        if (stream) stream.outputClosed = true
        closeInput(id)
        return true
      }
      case PING: control(PING, 0, payload); return true
      case GOAWAY: return true
      case SETTINGS: case WINDOW_UPDATE: return true
      default: return true
    }
  }

  try {
    for await (const message of socket.messages) {
      if (typeof message === 'string') break
      const joined = new Uint8Array(pending.length + message.length)
      joined.set(pending)
      joined.set(message, pending.length)
      pending = joined
      while (pending.length >= 8) {
        const view = new DataView(pending.buffer, pending.byteOffset, pending.byteLength)
        const length = view.getUint32(4) & 0xffffff
        if (pending.length < 8 + length) break
        const flags = pending[4]!
        const payload = pending.subarray(8, 8 + length)
        pending = pending.subarray(8 + length)
        if ((view.getUint16(0) & 0x8000) !== 0) {
          if (!controlFrame(view.getUint16(2), flags, payload)) return
          continue
        }
        const id = view.getUint32(0)
        const stream = streams.get(id)
        if (stream && !stream.inputClosed && payload.length > 0) stream.input.write(payload.slice()).catch(() => {})
        if ((flags & FLAG_FIN) !== 0) closeInput(id)
      }
    }
  } finally {
    for (const stream of streams.values()) {
      stream.outputClosed = true
      stream.input.close()
    }
    streams.clear()
    socket.close()
  }
}
