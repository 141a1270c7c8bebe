import { expect, it } from 'vitest'
import { httpRequest } from '../../../base/http.ts'
import { createPipe } from '../../../base/streams.ts'
import { Random } from '../../../base/random.ts'
import { connectTls } from '../../../unix/net/tls/client.ts'
import { testMachine } from '../../../unix/test-machine.ts'
import type { TestMachine } from '../../../unix/test-machine.ts'
import { agnhostImage } from './agnhost.ts'

const ROOT = { uid: 0, gid: 0, groups: [], name: 'root', home: '/root' }

async function serving(port: number, ...args: string[]): Promise<TestMachine> {
  const on = testMachine({ programs: { '/agnhost': agnhostImage.programs!['/agnhost']! }, files: { '/tls.crt': 'PEM' } })
  const nowhere = { write: async () => {}, close() {} }
  on.machine.start(['/agnhost', ...args], { env: {}, cwd: '/', user: ROOT, stdin: createPipe().reader, stdout: nowhere, stderr: nowhere })
  await on.clock.until(() => on.machine.net.listeners().some((listener) => listener.port === port), { withinMs: 10_000 })
  return on
}

const ask = async (on: TestMachine, url: string, body?: unknown) => {
  const response = await on.machine.net.fetch(httpRequest(url, body === undefined ? {} : { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }), { insecure: true })
  return { status: response.status, text: await response.text() }
}

it('the guestbook keeps what is set and refuses an empty key', async () => {
  const on = await serving(80, 'guestbook', '--backend-port', '6379')
  expect((await ask(on, 'http://127.0.0.1/set?key=messages&value=hi')).text).toBe('{"message":"Updated"}')
  expect((await ask(on, 'http://127.0.0.1/get?key=messages')).text).toBe('{"data":"hi"}')
  expect((await ask(on, 'http://127.0.0.1/get')).text).toBe('{"data":{"messages":"hi"}}')
  expect(await ask(on, 'http://127.0.0.1/set?value=hi')).toEqual({ status: 400, text: 'cannot set with empty key.\n' })
})

it('the admission webhook answers the review it was asked, in the version it was asked in', async () => {
  const on = await serving(8444, 'webhook', '--tls-cert-file=/tls.crt', '--tls-private-key-file=/tls.key', '--port=8444')
  const review = async (path: string, request: object, apiVersion = 'admission.k8s.io/v1') => JSON.parse((await ask(on, `https://127.0.0.1:8444${path}`, { apiVersion, kind: 'AdmissionReview', request: { uid: 'u1', operation: 'CREATE', resource: { group: '', version: 'v1', resource: 'pods' }, ...request } })).text)
  expect(await review('/always-deny', {}, 'admission.k8s.io/v1beta1')).toEqual({ kind: 'AdmissionReview', apiVersion: 'admission.k8s.io/v1beta1', response: { uid: 'u1', allowed: false, status: { metadata: {}, message: 'this webhook denies all requests' } } })
  const { response } = await review('/mutating-configmaps', { object: { data: { 'mutation-start': 'yes' } } })
  expect(JSON.parse(atob(response.patch))).toEqual([{ op: 'add', path: '/data/mutation-stage-1', value: 'yes' }])
  expect((await review('/pods', { object: { spec: { containers: [{ name: 'webhook-disallow' }] } } })).response.status.message).toBe('the pod contains unwanted container name;')
})

it('the conversion webhook parts host and port, joins them, and names what it cannot convert', async () => {
  const on = await serving(9443, 'crd-conversion-webhook', '--tls-cert-file=/tls.crt', '--port=9443')
  const convert = async (object: object, desiredAPIVersion: string) => JSON.parse((await ask(on, 'https://127.0.0.1:9443/crdconvert', { apiVersion: 'apiextensions.k8s.io/v1', kind: 'ConversionReview', request: { uid: 'u2', desiredAPIVersion, objects: [object] } })).text).response
  const [v1, v2] = ['stable.example.com/v1', 'stable.example.com/v2'] as const
  expect((await convert({ apiVersion: v1, kind: 'T', hostPort: 'a:80' }, v2)).convertedObjects).toEqual([{ apiVersion: v2, kind: 'T', host: 'a', port: '80' }])
  expect((await convert({ apiVersion: v2, kind: 'T', host: 'a' }, v1)).convertedObjects).toEqual([{ apiVersion: v1, kind: 'T', hostPort: 'a:' }])
  expect((await convert({ apiVersion: v1, kind: 'T' }, 'stable.example.com/v3')).result).toEqual({ metadata: {}, status: 'Failure', message: 'unexpected conversion version "stable.example.com/v3"' })
})

it('external metrics answer with the values that were set, one by its labels, and fail when told to', async () => {
  const on = await serving(6443, 'external-metrics')
  const api = 'https://127.0.0.1:6443/apis/external.metrics.k8s.io'
  const read = async (query: string) => JSON.parse((await ask(on, `${api}/v1beta1/namespaces/default/${query}`)).text)
  expect(JSON.parse((await ask(on, `${api}/v1beta1`)).text).resources).toEqual([{ kind: 'ExternalMetricValueList', name: '*', namespaced: true, verbs: ['get'] }])
  expect((await read('queue_messages_ready')).items).toMatchObject([{ metricLabels: null, metricName: 'queue_messages_ready', value: '100' }])
  expect((await ask(on, 'https://127.0.0.1:6443/set/queue_messages_ready?value=7')).status).toBe(200)
  expect((await read('queue_messages_ready')).items).toMatchObject([{ value: '7' }])
  for (const [queue, value] of [['a', 1], ['b', 2]]) expect((await ask(on, `https://127.0.0.1:6443/create/depth?value=${value}&labels=queue%3D${queue}`)).status).toBe(201)
  expect((await read('depth')).items).toHaveLength(2)
  expect((await read('depth?labelSelector=queue%3Db')).items).toMatchObject([{ metricLabels: { queue: 'b' }, value: '2' }])
  await ask(on, 'https://127.0.0.1:6443/fail/depth?fail=true&labels=queue%3Db')
  expect(await ask(on, `${api}/v1beta1/namespaces/default/depth`)).toEqual({ status: 500, text: 'metric depth is configured to fail\n' })
  expect(await ask(on, `${api}/v1beta1/namespaces/default/nothing`)).toEqual({ status: 404, text: 'no metric name called nothing\n' })
  expect(await ask(on, 'https://127.0.0.1:6443/set/nothing?value=1')).toEqual({ status: 404, text: 'metric nothing not found\n' })
})

it('the client in CLOSE_WAIT keeps its direction open after the server has closed its own', async () => {
  const on = await serving(9999, 'net', '--runner', 'nat-closewait-server', '--options', '{"LocalAddr":":9999","PostFinTimeoutSeconds":30}')
  let printed = ''
  const client = on.machine.start(['/agnhost', 'net', '--runner', 'nat-closewait-client', '--options', '{"RemoteAddr":"127.0.0.1:9999","PostFinTimeoutSeconds":10,"LeakConnection":true}'], { env: {}, cwd: '/', user: ROOT, stdin: createPipe().reader, stdout: { write: async (text) => { printed += String(text) }, close() {} }, stderr: { write: async () => {}, close() {} } })
  let code: number | undefined
  void client.wait().then((status) => { code = status.code })
  await on.clock.until(() => code !== undefined, { withinMs: 20_000 })
  expect([code, printed]).toEqual([0, expect.stringContaining('Server has half-closed the connection, waiting 10 seconds')])
})

it('netexec listens once on an address that it is given twice', async () => {
  const on = await serving(8080, 'netexec', '--udp-port=8081', '--udp-listen-addresses=127.0.0.1,127.0.0.1')
  expect(new TextDecoder().decode(await on.machine.net.askUdp('127.0.0.1', 8081, new TextEncoder().encode('serverport'), 1000))).toBe('8081')
})

it('test-webserver lists directories, leads to their slash, and serves files', async () => {
  const on = await serving(80, 'test-webserver')
  expect((await ask(on, 'http://127.0.0.1/')).text).toContain('<a href="tls.crt">tls.crt</a>\n')
  expect((await ask(on, 'http://127.0.0.1/tls.crt')).text).toBe('PEM')
  const moved = await on.machine.net.fetch(httpRequest('http://127.0.0.1/etc'))
  expect([moved.status, moved.headers.get('location')]).toEqual([301, 'etc/'])
  expect(await ask(on, 'http://127.0.0.1/none')).toEqual({ status: 404, text: '404 page not found\n' })
})

it('a server that makes a certificate for itself also speaks TLS with those who come over a stream of bytes', async () => {
  const on = await serving(6443, 'external-metrics')
  const raw = await on.machine.net.connectTcp('127.0.0.1', 6443)
  const { socket } = await connectTls(raw, { serverName: 'localhost', clock: on.clock, random: new Random('client') })
  await socket.writer.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
  const heard = await socket.reader.read()
  expect(new TextDecoder().decode(heard!)).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
  socket.destroy()
})
