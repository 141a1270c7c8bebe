import { concatBytes } from '../../../base/streams.ts'
import type { ByteReader } from '../../../base/streams.ts'

/** Types of frames. RFC 9113, section 6 */
export const FRAME = { data: 0, headers: 1, reset: 3, settings: 4, ping: 6, goAway: 7, windowUpdate: 8, continuation: 9 } as const
/** Flags of frames. RFC 9113, section 6 */
export const FLAG = { endStream: 1, ack: 1, endHeaders: 4, padded: 8, priority: 32 } as const
/** RFC 9113, section 7 */
export const ERROR = { none: 0, protocol: 1, internal: 2, cancel: 8 } as const
/** RFC 9113, section 6.5.2 */
export const SETTING = { initialWindow: 4, maxFrame: 5 } as const
/** What a client begins with. RFC 9113, section 3.4 */
export const PREFACE = new TextEncoder().encode('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
/** Longest payload of a frame, in bytes, until the other side says otherwise. */
export const MAX_FRAME_BYTES = 16_384
/** What may be sent before the other side says that there is room, in bytes. */
export const DEFAULT_WINDOW = 65_535

/** One frame as it came. */
export interface Frame {
  type: number
  flags: number
  /** Of its stream; 0: the connection. */
  id: number
  /** Without padding and priority. */
  payload: Uint8Array
  /** Of the payload with its padding, which counts for flow control. */
  length: number
}

/** The frames that come over a connection, until it ends. @param held what was read of it already */
export async function* readFrames(reader: ByteReader, held: Uint8Array = new Uint8Array(0)): AsyncGenerator<Frame> {
  for (;;) {
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
        if (flags & FLAG.padded) payload = payload.subarray(1, payload.length - payload[0]!)
        if (type === FRAME.headers && flags & FLAG.priority) payload = payload.subarray(5)
      }
      yield { type, flags, id, payload, length }
    }
    const chunk = await reader.read()
    if (!chunk) return
    held = held.length === 0 ? chunk : concatBytes([held, chunk])
  }
}

/** A frame as it is sent. */
export function frame(type: number, flags: number, id: number, payload: Uint8Array): Uint8Array {
  const out = new Uint8Array(9 + payload.length)
  const view = new DataView(out.buffer)
  view.setUint32(0, payload.length << 8 | type)
  out[4] = flags
  view.setUint32(5, id)
  out.set(payload, 9)
  return out
}

/** A number as the payload of a frame. */
export function uint32(value: number): Uint8Array {
  const out = new Uint8Array(4)
  new DataView(out.buffer).setUint32(0, value)
  return out
}

/** The number that a payload begins with. */
export function readUint32(payload: Uint8Array): number {
  return new DataView(payload.buffer, payload.byteOffset).getUint32(0)
}

/** Settings as the payload of a frame. */
export function settingsPayload(settings: readonly (readonly [key: number, value: number])[]): Uint8Array {
  const out = new Uint8Array(6 * settings.length)
  const view = new DataView(out.buffer)
  for (const [i, [key, value]] of settings.entries()) {
    view.setUint16(6 * i, key)
    view.setUint32(6 * i + 2, value)
  }
  return out
}

/** The settings in a frame's payload. */
export function readSettings(payload: Uint8Array): [key: number, value: number][] {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length)
  return Array.from({ length: Math.floor(payload.length / 6) }, (_, i): [number, number] => [view.getUint16(6 * i), view.getUint32(6 * i + 2)])
}
