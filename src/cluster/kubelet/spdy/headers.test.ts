import zlib from 'node:zlib'
import { expect, test } from 'vitest'
import { headerDictionary } from './header-dictionary.ts'
import { HeaderDecoder, HeaderEncoder } from './headers.ts'

function block(headers: Record<string, string>): Buffer {
  const word = (n: number) => { const b = Buffer.alloc(4); b.writeUInt32BE(n); return b }
  return Buffer.concat([word(Object.keys(headers).length), ...Object.entries(headers).flatMap(([k, v]) => [word(k.length), Buffer.from(k), word(v.length), Buffer.from(v)])])
}

/** Compresses the blocks of a session as Go's zlib writer does: one stream with the dictionary, flushed after each block. */
async function compress(blocks: Buffer[]): Promise<Buffer[]> {
  const deflate = zlib.createDeflate({ dictionary: headerDictionary })
  const out: Buffer[] = []
  for (const input of blocks) {
    const chunks: Buffer[] = []
    const collect = (c: Buffer) => chunks.push(c)
    deflate.on('data', collect)
    deflate.write(input)
    await new Promise<void>((resolve) => deflate.flush(zlib.constants.Z_SYNC_FLUSH, () => resolve()))
    deflate.off('data', collect)
    out.push(Buffer.concat(chunks))
  }
  return out
}

test('header blocks of one session are read in order', async () => {
  const headers = [{ streamtype: 'error', port: '80', requestid: '0' }, { streamtype: 'data', port: '80', requestid: '0' }]
  const decoder = new HeaderDecoder()
  for (const [i, bytes] of (await compress(headers.map(block))).entries()) expect(Object.fromEntries(decoder.decode(bytes))).toEqual(headers[i])
})

test('what is written can be read by any zlib', () => {
  const encoder = new HeaderEncoder()
  const bytes = Buffer.concat([encoder.encode(new Map([['a', 'b']])), encoder.encode(new Map())])
  expect(zlib.inflateSync(bytes, { finishFlush: zlib.constants.Z_SYNC_FLUSH })).toEqual(Buffer.concat([block({ a: 'b' }), block({})]))
})
