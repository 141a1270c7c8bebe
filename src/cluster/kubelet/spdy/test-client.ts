/** For tests: kubectl's side of SPDY. */
import zlib from 'node:zlib'
import type { WebSocketEnd } from '../../../base/http.ts'
import { headerDictionary } from './header-dictionary.ts'

/** A client's side of a session: opens streams with one zlib context for all headers. */
export function spdyClient(socket: WebSocketEnd) {
  const messages = socket.messages[Symbol.asyncIterator]()
  const deflate = zlib.createDeflate({ dictionary: headerDictionary })
  const word = (n: number) => { const b = Buffer.alloc(4); b.writeUInt32BE(n); return b }
  const control = (type: number, flags: number, payload: Buffer) => socket.send(new Uint8Array(Buffer.concat([Buffer.from([0x80, 3, 0, type, flags]), word(payload.length).subarray(1), payload])))
  return {
    async open(id: number, headers: Record<string, string>, fin: boolean) {
      const block = Buffer.concat([word(Object.keys(headers).length), ...Object.entries(headers).flatMap(([k, v]) => [word(k.length), Buffer.from(k), word(v.length), Buffer.from(v)])])
      const chunks: Buffer[] = []
      const collect = (c: Buffer) => { chunks.push(c) }
      deflate.on('data', collect)
      deflate.write(block)
      await new Promise<void>((resolve) => deflate.flush(zlib.constants.Z_SYNC_FLUSH, () => resolve()))
      deflate.off('data', collect)
      control(1, fin ? 1 : 0, Buffer.concat([word(id), word(0), Buffer.from([0, 0]), ...chunks]))
    },
    data(id: number, text: string, fin = false) { socket.send(new Uint8Array(Buffer.concat([word(id), Buffer.from([fin ? 1 : 0]), word(text.length).subarray(1), Buffer.from(text)]))) },
    /** Data of the server by stream until that stream ends. */
    async until(stream: number): Promise<Record<number, string>> {
      const out: Record<number, string> = {}
      for (let next = await messages.next(); !next.done; next = await messages.next()) {
        const frame = Buffer.from(next.value as Uint8Array)
        if (frame[0]! & 0x80) continue
        const id = frame.readUInt32BE(0)
        out[id] = (out[id] ?? '') + frame.subarray(8).toString()
        if (id === stream && frame[4]! & 1) return out
      }
      return out
    },
  }
}
