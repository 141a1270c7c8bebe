import { afterEach, expect, test } from 'vitest'
import type { WebSocketEnd } from '../../base/http.ts'
import { spdyClient } from './spdy/test-client.ts'
import { startTestNode } from './test-node.ts'
import type { TestNode } from './test-node.ts'

let node: TestNode
afterEach(async () => { await node?.stop() })

async function connect(path: string, protocol: string): Promise<WebSocketEnd> {
  const response = await node.kubelet.handle(node.request(path, { headers: { upgrade: 'websocket', 'sec-websocket-protocol': protocol } }))
  expect(response.status).toBe(101)
  return (response as unknown as { webSocket: WebSocketEnd }).webSocket
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
