import { base64Of } from '../../base/base64.ts'
import type { WebSocketEnd } from '../../base/http.ts'
import type { ByteWriter } from '../../base/streams.ts'
import { concatBytes } from '../../base/streams.ts'
import type { BufferedReader } from './http1.ts'

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
const CONTINUATION = 0, TEXT = 1, BINARY = 2, CLOSE = 8, PING = 9, PONG = 10
const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** Sec-WebSocket-Accept of a key (RFC 6455, 4.2.2). */
export async function acceptKey(key: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-1', encoder.encode(key + GUID))
  return base64Of(new Uint8Array(digest))
}

/** One frame. Clients mask; the mask's value doesn't matter inside the process. */
function encodeFrame(opcode: number, payload: Uint8Array, masks: boolean): Uint8Array {
  const length = payload.length
  const extended = length < 126 ? 0 : length < 65_536 ? 2 : 8
  const head = new Uint8Array(2 + extended + (masks ? 4 : 0))
  head[0] = 0x80 | opcode
  head[1] = (masks ? 0x80 : 0) | (extended === 0 ? length : extended === 2 ? 126 : 127)
  const view = new DataView(head.buffer)
  if (extended === 2) view.setUint16(2, length)
  else if (extended === 8) view.setBigUint64(2, BigInt(length))
  // A mask of zeros leaves the payload as it is.
  return concatBytes([head, payload])
}

/** Moves messages between one end of a WebSocket and frames on a connection, until either closes. */
export async function joinWebSocket(end: WebSocketEnd, input: BufferedReader, output: ByteWriter, options: { masks: boolean }): Promise<void> {
  const sending = (async () => {
    for await (const message of end.messages)
      await output.write(typeof message === 'string' ? encodeFrame(TEXT, encoder.encode(message), options.masks) : encodeFrame(BINARY, message, options.masks))
    const { code, reason } = await end.closed
    const payload = new Uint8Array([code >> 8, code & 255, ...encoder.encode(reason)])
    await output.write(encodeFrame(CLOSE, payload, options.masks))
    output.close()
  })().catch(() => end.close(1006, 'connection lost'))
  await receive(end, input, output, options.masks).catch(() => end.close(1006, 'connection lost'))
  await sending
}

async function receive(end: WebSocketEnd, input: BufferedReader, output: ByteWriter, masks: boolean): Promise<void> {
  let parts: Uint8Array[] = []
  let kind = BINARY
  for (;;) {
    const head = await input.exactly(2)
    if (!head) return end.close(1006, 'connection lost')
    const opcode = head[0]! & 15
    let length = head[1]! & 127
    if (length >= 126) {
      const more = await input.exactly(length === 126 ? 2 : 8)
      if (!more) return end.close(1006, 'connection lost')
      length = more.reduce((sum, byte) => sum * 256 + byte, 0)
    }
    const mask = head[1]! & 128 ? await input.exactly(4) : undefined
    const payload = length > 0 ? await input.exactly(length) : new Uint8Array(0)
    if (!payload) return end.close(1006, 'connection lost')
    if (mask) for (let i = 0; i < payload.length; i++) payload[i]! ^= mask[i & 3]!
    if (opcode === CLOSE) return end.close(payload.length >= 2 ? payload[0]! * 256 + payload[1]! : 1005, decoder.decode(payload.subarray(2)))
    if (opcode === PING) { await output.write(encodeFrame(PONG, payload, masks)); continue }
    if (opcode === PONG) continue
    if (opcode !== CONTINUATION) { kind = opcode; parts = [] }
    parts.push(payload)
    if (!(head[0]! & 128)) continue
    const message = concatBytes(parts)
    parts = []
    end.send(kind === TEXT ? decoder.decode(message) : message)
  }
}
