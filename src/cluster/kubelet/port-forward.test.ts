import zlib from 'node:zlib'
import { afterEach, expect, test } from 'vitest'
import type { WebSocketEnd } from '../../base/http.ts'
import { headerDictionary } from './spdy/header-dictionary.ts'
import { startTestNode } from './test-node.ts'
import type { TestNode } from './test-node.ts'

let node: TestNode
afterEach(async () => { await node?.stop() })

async function connect(path: string, protocol: string): Promise<WebSocketEnd> {
  const response = await node.kubelet.handle(node.request(path, { headers: { upgrade: 'websocket', 'sec-websocket-protocol': protocol } }))
  expect(response.status).toBe(101)
  return (response as unknown as { webSocket: WebSocketEnd }).webSocket
}

/** kubectl's side: opens streams with one zlib context for all headers. */
function spdyClient(socket: WebSocketEnd) {
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

async function drive<T>(work: Promise<T>): Promise<T> {
  let done = false
  work.finally(() => { done = true }).catch(() => {})
  await node.clock.until(() => done, { withinMs: 60_000 })
  return work
}

test('a tunnelled connection reaches the port of the pod, and a closed port is told on the error stream', async () => {
  node = await startTestNode()
  await node.createPod('web', { command: ['serve', '80', '/none', 'forever'] })
  await node.until('web', (p) => p.status.phase === 'Running')
  const client = spdyClient(await connect('/portForward/default/web', 'SPDY/3.1+portforward.k8s.io'))
  await client.open(1, { streamtype: 'error', port: '80', requestid: '0' }, true)
  await client.open(3, { streamtype: 'data', port: '80', requestid: '0' }, false)
  client.data(3, 'GET / HTTP/1.1\r\nhost: web\r\nconnection: close\r\n\r\n')
  const answer = await drive(client.until(3))
  expect(answer[3]).toMatch(/^HTTP\/1.1 200 OK\r\n[^]*page/)
  await client.open(5, { streamtype: 'error', port: '81', requestid: '1' }, true)
  await client.open(7, { streamtype: 'data', port: '81', requestid: '1' }, false)
  expect((await drive(client.until(5)))[5]).toMatch(/^error forwarding port 81 to pod [0-9a-f]{64}, uid : failed to execute portforward in network namespace .*dial tcp4 127.0.0.1:81: connect: connection refused/)
})

test('the older form has two channels for each port', async () => {
  node = await startTestNode()
  await node.createPod('web', { command: ['serve', '80', '/none', 'forever'] })
  await node.until('web', (p) => p.status.phase === 'Running')
  const socket = await connect('/portForward/default/web?port=80', 'v4.channel.k8s.io')
  socket.send(Uint8Array.from([0, ...Buffer.from('GET / HTTP/1.1\r\nhost: web\r\nconnection: close\r\n\r\n')]))
  const seen: Record<number, string> = {}
  await drive((async () => {
    for await (const message of socket.messages) {
      const bytes = Buffer.from(message as Uint8Array)
      seen[bytes[0]!] = (seen[bytes[0]!] ?? '') + bytes.subarray(1).toString('latin1')
      if (seen[0]?.includes('page')) socket.close()
    }
  })())
  expect(seen[0]!.slice(0, 10)).toBe('\x50\x00HTTP/1.1')
  expect(seen[1]).toBe('\x50\x00')
})
