import { expect, test } from 'vitest'
import { UpgradeResponse, httpRequest, webSocketPair } from '../../base/http.ts'
import { readAll } from '../../base/streams.ts'
import { createMemoryFileSystem } from '../file-system.ts'
import { testMachine } from '../test-machine.ts'
import { decodeDns, dnsAnswer, dnsQuery, encodeDns, reverseName } from './dns.ts'
import { fetchHttp1, serveHttp1 } from './http1.ts'
import { bindNames, candidateNames } from './names.ts'
import { socketPair } from './stack.ts'

const ends = () => socketPair({ ip: '10.0.0.1', port: 40_000 }, { ip: '10.0.0.2', port: 80 })
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes)

test('HTTP/1.1 carries bodies both ways, with lengths and in chunks', async () => {
  const [client, server] = ends()
  void serveHttp1(server, async (request) => new Response(new ReadableStream({ async start(c) { c.enqueue(new TextEncoder().encode(`${request.method} ${new URL(request.url).pathname} `)); c.enqueue(new TextEncoder().encode(await request.text())); c.close() } }), { headers: { 'x-a': 'b' } }))
  const response = await fetchHttp1(client, httpRequest('http://10.0.0.2/path', { method: 'POST', body: 'payload' }))
  expect(response.headers.get('x-a')).toBe('b')
  expect(await response.text()).toBe('POST /path payload')
})

test('one connection serves request after request', async () => {
  const [client, server] = ends()
  void serveHttp1(server, (request) => new Response(new URL(request.url).pathname))
  await client.writer.write('GET /a HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
  const answer = text(await readAll(client.reader))
  expect(answer.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(2)
  expect(answer).toContain('\r\n/a\r\n')
  expect(answer).toContain('\r\n/b\r\n')
})

test('a port that takes HTTP/2 waits until what comes in pieces says which version it is', async () => {
  const { machine } = testMachine()
  machine.net.listenHttp(80, (request) => new Response(`${request.method} ${new URL(request.url).pathname}`), { versions: ['h2', 'http/1.1'] })
  const client = await machine.net.connectTcp('127.0.0.1', 80)
  for (const piece of ['P', 'OST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n']) await client.writer.write(piece)
  expect(text(await readAll(client.reader))).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*\r\nPOST \/a\r\n/)
})

test('garbage is a 400, not a hang', async () => {
  const [client, server] = ends()
  void serveHttp1(server, () => new Response('never'))
  await client.writer.write('\x00\x01nonsense\r\n\r\n')
  expect(text(await readAll(client.reader))).toMatch(/^HTTP\/1\.1 400 Bad Request/)
})

test('a WebSocket goes through raw TCP', async () => {
  const [client, server] = ends()
  const [near, far] = webSocketPair('chat')
  void serveHttp1(server, () => new UpgradeResponse(near))
  void (async () => { for await (const message of far.messages) far.send(`echo ${String(message)}`) })()
  const response = await fetchHttp1(client, httpRequest('http://10.0.0.2/ws', { headers: { upgrade: 'websocket', connection: 'Upgrade', 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==' } })) as UpgradeResponse
  expect(response.status).toBe(101)
  expect(response.headers.get('sec-websocket-accept')).toBe('s3pPLMBiTxaQ9kYGzzhZRbK+xOo=')
  response.webSocket.send('x'.repeat(70_000))
  const { value } = await response.webSocket.messages[Symbol.asyncIterator]().next()
  expect(value).toBe(`echo ${'x'.repeat(70_000)}`)
})

test('DNS messages survive the wire', () => {
  const query = dnsQuery(7, 'web.default.svc.cluster.local', 'SRV')
  const answer = dnsAnswer(query, 'NOERROR', [
    { name: 'web.default.svc.cluster.local', type: 'SRV', ttlSeconds: 30, data: '0 100 80 a.web.default.svc.cluster.local' },
    { name: 'web.default.svc.cluster.local', type: 'A', ttlSeconds: 30, data: '10.96.0.10' },
    { name: 'six.example', type: 'AAAA', ttlSeconds: 5, data: 'fd00::1' },
    { name: 'alias.example', type: 'CNAME', ttlSeconds: 5, data: 'six.example' },
  ])
  expect(decodeDns(encodeDns(answer))).toEqual(answer)
  expect(decodeDns(encodeDns(query)).questions).toEqual(query.questions)
  expect(reverseName('10.96.0.1')).toBe('1.0.96.10.in-addr.arpa')
})

test('search domains and ndots give the names to ask for, in order', () => {
  const config = { search: ['a.svc.cluster.local', 'svc.cluster.local'], ndots: 5 }
  expect(candidateNames('web', config)).toEqual(['web.a.svc.cluster.local', 'web.svc.cluster.local', 'web'])
  expect(candidateNames('web.', config)).toEqual(['web'])
  expect(candidateNames('a.b.c.d.e.f', config)[0]).toBe('a.b.c.d.e.f')
})

test('names come from /etc/hosts first, then from the name servers', async () => {
  const { clock, machine } = testMachine()
  const asked: string[] = []
  machine.net.listenUdp(53, (payload) => {
    const query = decodeDns(payload)
    const { name } = query.questions[0]!
    asked.push(name)
    return encodeDns(dnsAnswer(query, name === 'web.ns.svc' ? 'NOERROR' : 'NXDOMAIN', name === 'web.ns.svc' ? [{ name, type: 'A', ttlSeconds: 5, data: '10.1.2.3' }] : []))
  })
  const fs = createMemoryFileSystem({ clock, files: { '/etc/hosts': '127.0.0.1 localhost\n10.9.9.9 known alias\n', '/etc/resolv.conf': 'nameserver 127.0.0.1\nsearch ns.svc\noptions ndots:5\n' } })
  const net = bindNames(machine.net, fs, clock)
  expect(await net.lookup('alias')).toEqual(['10.9.9.9'])
  expect(await net.lookup('web')).toEqual(['10.1.2.3'])
  await expect(net.lookup('nope')).rejects.toMatchObject({ code: 'ENOTFOUND' })
  expect(asked).toEqual(['web.ns.svc', 'nope.ns.svc', 'nope'])
})

test('a port is taken once', () => {
  const { machine } = testMachine()
  const listener = machine.net.listenTcp(80, () => {})
  expect(() => machine.net.listenHttp(80, () => new Response())).toThrow('Address already in use')
  listener.close()
  expect(machine.net.listenHttp(80, () => new Response()).port).toBe(80)
})
