import { afterEach, expect, test } from 'vitest'
import type { WebSocketEnd } from '../../base/http.ts'
import { spdyClient } from './spdy/test-client.ts'
import { startTestNode } from './test-node.ts'
import type { TestNode } from './test-node.ts'

let node: TestNode
afterEach(async () => { await node.stop() })

async function drive<T>(work: Promise<T>): Promise<T> {
  let done = false
  work.finally(() => { done = true }).catch(() => {})
  await node.clock.until(() => done, { withinMs: 60_000 })
  return work
}

const UPGRADE = { connection: 'Upgrade', upgrade: 'SPDY/3.1' }
const ask = (query: string, headers: Record<string, string>) => drive(node.kubelet.handle(node.request(`/exec/default/box/c?${query}`, { headers: { ...UPGRADE, ...headers } })))
const socketOf = (response: Response) => (response as unknown as { webSocket: WebSocketEnd }).webSocket

test('exec over SPDY has a stream for each of what is wanted, and one that tells the end', async () => {
  node = await startTestNode()
  await node.createPod('box', { command: ['serve', '80', '/none', 'forever'] })
  await node.until('box', (pod) => pod.status.phase === 'Running')
  const command = ['/bin/run', 'lines', 'echo', 'out', 'err', 'oops', 'exit', '4'].map((word) => `command=${encodeURIComponent(word)}`).join('&')
  const response = await ask(`${command}&input=1&output=1&error=1`, { 'x-stream-protocol-version': 'v5.channel.k8s.io, v4.channel.k8s.io' })
  expect([response.status, response.headers.get('upgrade'), response.headers.get('x-stream-protocol-version')]).toEqual([101, 'SPDY/3.1', 'v4.channel.k8s.io'])
  const client = spdyClient(socketOf(response))
  for (const [i, streamtype] of ['error', 'stdin', 'stdout', 'stderr'].entries()) await client.open(1 + 2 * i, { streamtype }, streamtype !== 'stdin')
  client.data(3, 'piped\n', true)
  const got = await drive(client.until(1))
  expect([got[5], got[7]]).toEqual(['piped\nout\n', 'oops\n'])
  expect(JSON.parse(got[1]!)).toMatchObject({ status: 'Failure', reason: 'NonZeroExitCode', details: { causes: [{ reason: 'ExitCode', message: '4' }] } })
})

test('who names no protocol that is spoken, or none at all, is refused as upstream does', async () => {
  node = await startTestNode()
  await node.createPod('box', { command: ['serve', '80', '/none', 'forever'] })
  await node.until('box', (pod) => pod.status.phase === 'Running')
  const unknown = await ask('command=a&output=1', { 'x-stream-protocol-version': 'v9.channel.k8s.io' })
  expect([unknown.status, await unknown.text()]).toEqual([403, 'unable to upgrade: unable to negotiate protocol: client supports [v9.channel.k8s.io], server accepts [v4.channel.k8s.io v3.channel.k8s.io v2.channel.k8s.io channel.k8s.io]\n'])
  expect((await ask('command=a&output=1', {})).status).toBe(400)
  // Streams that never come end the connection.
  const silent = socketOf(await ask('command=a&output=1', { 'x-stream-protocol-version': 'channel.k8s.io' }))
  expect(await drive(silent.closed)).toMatchObject({ code: 1000 })
})

test.each([[false, true], [true, false]])('a client that has nothing more to say leaves a container whose input outlasts it (stdinOnce %s: %s)', async (stdinOnce, leaves) => {
  node = await startTestNode()
  await node.createPod('box', { containers: [{ name: 'c', image: 'box:1', args: ['serve', '80', '/none', 'forever'], stdin: true, stdinOnce }] })
  await node.until('box', (pod) => pod.status.phase === 'Running')
  const response = await drive(node.kubelet.handle(node.request('/attach/default/box/c?input=1&output=1', { headers: { ...UPGRADE, 'x-stream-protocol-version': 'v4.channel.k8s.io' } })))
  const client = spdyClient(socketOf(response))
  for (const [i, streamtype] of ['error', 'stdin', 'stdout'].entries()) await client.open(1 + 2 * i, { streamtype }, streamtype !== 'stdin')
  client.data(3, 'a\n', true)
  let over = false
  void client.until(1).then(() => { over = true })
  await node.clock.advance(5000)
  expect(over).toBe(leaves)
})
