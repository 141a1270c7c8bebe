import { expect, it } from 'vitest'
import { createAuthority, generateKeys, privateKeyPem } from '../../../base/certificates.ts'
import { httpRequest } from '../../../base/http.ts'
import { createPipe } from '../../../base/streams.ts'
import { testMachine } from '../../../unix/test-machine.ts'
import type { TestMachine } from '../../../unix/test-machine.ts'
import type { Process } from '../../../unix/types.ts'
import { kuard } from './kuard-program.ts'

const ROOT = { uid: 0, gid: 0, groups: [], name: 'root', home: '/root' }

function start(on: TestMachine, ...args: string[]): { process: Process; log: () => string } {
  let log = ''
  const writer = { write: async (data: Uint8Array | string) => { log += typeof data === 'string' ? data : new TextDecoder().decode(data) }, close() {} }
  const process = on.machine.start(['/kuard', ...args], { env: {}, cwd: '/', user: ROOT, stdin: createPipe().reader, stdout: writer, stderr: writer })
  return { process, log: () => log }
}

async function serving(files: Record<string, string> = {}): Promise<TestMachine> {
  const on = testMachine({ programs: { '/kuard': kuard('v0.10.0-blue') }, files })
  start(on)
  await on.clock.until(() => on.machine.net.listeners().some((listener) => listener.port === 8080), { withinMs: 10_000 })
  return on
}

async function ask(on: TestMachine, method: string, path: string, body?: string, base = 'http://127.0.0.1:8080') {
  const response = await on.machine.net.fetch(httpRequest(base + path, { method, ...(body === undefined ? {} : { body }) }), { insecure: true })
  return { status: response.status, text: await response.text(), type: response.headers.get('content-type') }
}

it('the work queue gives back what was put into it, and counts', async () => {
  const on = await serving()
  expect(await ask(on, 'POST', '/memq/server/queues/keygen/enqueue', 'early')).toMatchObject({ status: 400, text: 'does not exist\n' })
  expect(await ask(on, 'PUT', '/memq/server/queues/keygen')).toMatchObject({ status: 200, text: '' })
  expect(await ask(on, 'PUT', '/memq/server/queues/keygen')).toMatchObject({ status: 400, text: 'already exists\n' })
  const put = await ask(on, 'POST', '/memq/server/queues/keygen/enqueue', 'work-item-0')
  expect(JSON.parse(put.text)).toEqual({ kind: 'message', id: expect.stringMatching(/^[0-9a-f]{32}$/), body: 'work-item-0', creationTimestamp: expect.stringMatching(/^2023-11-14T22:13:20(\.\d+)?Z$/) })
  await ask(on, 'POST', '/memq/server/queues/keygen/enqueue', 'work-item-1')
  expect((await ask(on, 'POST', '/memq/server/queues/keygen/dequeue')).text).toBe(put.text)
  expect(await ask(on, 'GET', '/memq/server/stats')).toEqual({ status: 200, type: 'application/json', text: '{"kind":"stats","queues":[{"name":"keygen","depth":1,"enqueued":2,"dequeued":1,"drained":0}]}\n' })
  await ask(on, 'POST', '/a/memq/server/queues/keygen/drain')
  expect((await ask(on, 'GET', '/memq/server/stats')).text).toContain('"depth":0,"enqueued":2,"dequeued":1,"drained":1')
  expect(await ask(on, 'POST', '/memq/server/queues/keygen/dequeue')).toMatchObject({ status: 204, text: '' })
  expect(await ask(on, 'GET', '/memq/server/queues/keygen')).toMatchObject({ status: 405, text: 'Method Not Allowed\n' })
})

it('a worker makes a key for each message and ends when the queue is empty', async () => {
  const on = await serving()
  const { process, log } = start(on, '--address=:9090', '--keygen-enable', '--keygen-exit-on-complete', '--keygen-exit-code=3', '--keygen-memq-server=http://127.0.0.1:8080/memq/server', '--keygen-memq-queue=keygen')
  await on.clock.until(() => log().includes('Retrying'), { withinMs: 10_000 })
  expect(log()).toContain(' MemQ Worker starting\n')
  expect(log()).toContain(' Error talking to server: HTTP Error: 400 Bad Request. Retrying after 1s.\n')
  await ask(on, 'PUT', '/memq/server/queues/keygen')
  for (const item of ['a', 'b']) await ask(on, 'POST', '/memq/server/queues/keygen/enqueue', item)
  await on.clock.until(() => process.status !== undefined, { withinMs: 60_000 })
  expect(process.status?.code).toBe(3)
  expect(log().match(/ Item done: SHA256:[\w+/]{43}\n/g)).toHaveLength(2)
})

it('a probe page fails as often as it is told to', async () => {
  const on = await serving()
  expect((await ask(on, 'PUT', '/ready/api', '{"failNext":2}')).text).toBe('{"probePath":"","failNext":2,"history":[]}\n')
  expect(await ask(on, 'GET', '/ready')).toEqual({ status: 500, text: 'fail, 1 left', type: 'text/plain' })
  expect((await ask(on, 'GET', '/ready')).text).toBe('fail, 0 left')
  expect(await ask(on, 'GET', '/ready')).toMatchObject({ status: 200, text: 'ok' })
  expect((await ask(on, 'GET', '/ready/api')).text).toContain('{"id":3,"when":"Nov 14 22:13:20","relWhen":"now","code":200}')
})

it('serves HTTPS when it finds a certificate with its key, and ends when they are no pair', async () => {
  const clock = testMachine().clock
  const pair = async () => {
    const [authority, keys] = [await createAuthority('kuard.example.com', clock.nowMs()), await generateKeys()]
    return { certificate: authority.certificatePem, key: await privateKeyPem(authority.key), other: await privateKeyPem(keys.privateKey) }
  }
  const { certificate, key, other } = await clock.outside(pair())
  const on = await serving({ '/tls/kuard.crt': certificate, '/tls/kuard.key': key })
  expect(await ask(on, 'GET', '/healthy', undefined, 'https://127.0.0.1:8443')).toMatchObject({ status: 200, text: 'ok' })
  const failure = async (files: Record<string, string>) => {
    const { stderr, status } = await testMachine({ programs: { '/kuard': kuard('v0.10.0-blue') }, files }).run(['/kuard'])
    expect(status.code).toBe(1)
    return stderr.trimEnd().split('\n').at(-1)!.slice('2023/11/14 22:13:20 '.length)
  }
  expect(await failure({ '/tls/kuard.crt': 'nothing', '/tls/kuard.key': 'nothing' })).toBe('tls: failed to find any PEM data in certificate input')
  expect(await failure({ '/tls/kuard.crt': certificate, '/tls/kuard.key': other })).toBe('tls: private key does not match public key')
})

it('refuses flags that it has not', async () => {
  const { stderr, status } = await testMachine({ programs: { '/kuard': kuard('v0.10.0-blue') } }).run(['/kuard', '--keygen'])
  expect([status.code, stderr]).toEqual([2, expect.stringMatching(/^unknown flag: --keygen\nUsage of \/kuard:\n {6}--address string +The address to serve on \(default ":8080"\)\n[^]*\nunknown flag: --keygen\n$/)])
})
