import http2 from 'node:http2'
import https from 'node:https'
import tls from 'node:tls'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { UpgradeResponse, webSocketPair, type HttpRequest } from '../base/http.ts'
import { createClusterPki, type ClusterPki } from '../cluster/apiserver/pki/cluster-pki.ts'
import type { ConnectionInfo } from '../cluster/apiserver/seams.ts'
import { serveHttps, type ApiServerListener } from './node-server.ts'

let handle: (request: HttpRequest, connection: ConnectionInfo) => Promise<Response>
let pki: ClusterPki
let listener: ApiServerListener
/** One connection, so that what one request leaves behind meets the next. */
const agent = new https.Agent({ keepAlive: true, maxSockets: 1, rejectUnauthorized: false })

beforeAll(async () => {
  pki = await createClusterPki({ nowMs: Date.now() })
  const { certificatePem, keyPem } = await pki.issueServerCertificate(['127.0.0.1'])
  listener = await serveHttps({ handle: (request, connection) => handle(request, connection), port: 0, address: '127.0.0.1', certificatePem, keyPem, clientCaPem: pki.caCertificatePem })
})
afterAll(async () => {
  agent.destroy()
  await listener.close()
})

interface Answer {
  status: number
  headers: Record<string, string | string[] | undefined>
  text: string
}

function ask(method: string, body?: Uint8Array, headers: Record<string, string> = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = https.request({ host: '127.0.0.1', port: listener.port, method, agent, headers, path: '/' }, (response) => {
      let text = ''
      response.on('data', (chunk: Buffer) => { text += chunk.toString() })
      response.on('end', () => resolve({ status: response.statusCode!, headers: response.headers, text }))
    })
    request.on('error', reject)
    request.end(body)
  })
}

test('a body that nobody reads to its end leaves the connection usable', async () => {
  handle = async (request) => {
    const reader = request.body!.getReader()
    await reader.read()
    await reader.cancel()
    return new Response('too large', { status: 413 })
  }
  expect((await ask('POST', new Uint8Array(4_000_000))).status).toBe(413)
  handle = async (request) => new Response(await request.text())
  expect((await ask('POST', new TextEncoder().encode('next'))).text).toBe('next')
  handle = async () => new Response('unread', { status: 403 })
  expect((await ask('POST', new Uint8Array(4_000_000))).status).toBe(403)
  expect((await ask('GET')).text).toBe('unread')
})

test('an answer that is there goes out with its length, one that comes bit by bit in chunks', async () => {
  handle = async () => new Response('whole')
  expect(await ask('GET')).toMatchObject({ text: 'whole', headers: { 'content-length': '5' } })
  handle = async () => new Response(new ReadableStream({
    async pull(controller) {
      for (let turns = 0; turns < 5; turns++) await new Promise((resolve) => { setImmediate(resolve) })
      controller.enqueue(new TextEncoder().encode('part '))
      controller.close()
    },
  }))
  const streamed = await ask('GET')
  expect(streamed.text).toBe('part ')
  expect(streamed.headers['transfer-encoding']).toBe('chunked')
})

test("a stream's head is sent before its first event", async () => {
  let stop!: () => void
  handle = async () => new Response(new ReadableStream({ start(controller) { stop = () => controller.close() } }), { status: 200 })
  const ended = await new Promise<boolean>((resolve, reject) => {
    const request = https.request({ host: '127.0.0.1', port: listener.port, agent, path: '/' }, (response) => {
      response.on('end', () => resolve(true))
      response.resume()
      stop()
    })
    request.on('error', reject)
    request.end()
  })
  expect(ended).toBe(true)
})

test('large answers are compressed for whoever takes that', async () => {
  const json = (length: number) => async () => new Response(JSON.stringify('x'.repeat(length)), { headers: { 'content-type': 'application/json', vary: 'Accept' } })
  handle = json(200_000)
  const answer = await ask('GET', undefined, { 'accept-encoding': 'deflate, gzip' })
  expect(answer.headers).toMatchObject({ 'content-encoding': 'gzip', vary: 'Accept, Accept-Encoding' })
  expect(Number(answer.headers['content-length'])).toBeLessThan(5_000)
  expect((await ask('GET')).headers).toMatchObject({ 'content-length': '200002', vary: 'Accept' })
  for (const words of ['gzip;q=0', '*', 'gzipped']) expect((await ask('GET', undefined, { 'accept-encoding': words })).headers['content-encoding'], words).toBeUndefined()
  handle = json(1000)
  expect((await ask('GET', undefined, { 'accept-encoding': 'gzip' })).headers['content-encoding']).toBeUndefined()
})

test('headers may be as long as kube-apiserver takes them', async () => {
  handle = async (request) => new Response(String(request.headers.get('x-long')?.length))
  expect((await ask('GET', undefined, { 'x-long': 'x'.repeat(60_000) })).text).toBe('60000')
})

test('a stream that had to wait for its reader many times leaves no listeners behind', async () => {
  const warnings: string[] = []
  const onWarning = (warning: Error) => { warnings.push(warning.name) }
  process.on('warning', onWarning)
  const chunk = new Uint8Array(5_000_000)
  let left = 14
  handle = async () => new Response(new ReadableStream({
    async pull(controller) {
      await new Promise((resolve) => { setImmediate(resolve) })
      controller.enqueue(chunk)
      if (--left === 0) controller.close()
    },
  }, { highWaterMark: 0 }))
  expect((await ask('GET')).text.length).toBe(70_000_000)
  process.off('warning', onWarning)
  expect(warnings).toEqual([])
})

test('what is no request is refused, after the answer to the one before it', async () => {
  let goOn!: () => void
  const held = new Promise<void>((resolve) => { goOn = resolve })
  handle = async () => { await held; return new Response('first') }
  const text = await new Promise<string>((resolve, reject) => {
    let got = ''
    const socket = tls.connect({ host: '127.0.0.1', port: listener.port, rejectUnauthorized: false }, () => {
      socket.write('DELETE / HTTP/1.1\r\nHost: x\r\n\r\n{"a body":"without a length"}')
      setImmediate(() => setImmediate(goOn))
    })
    socket.on('data', (chunk: Buffer) => { got += chunk.toString() })
    socket.on('end', () => { socket.end(); resolve(got) })
    socket.on('error', reject)
  })
  expect(text).toMatch(/^HTTP\/1\.1 200 OK[\s\S]*first[\s\S]*HTTP\/1\.1 400 Bad Request[\s\S]*400 Bad Request$/)
})

test('HTTP/2 carries many requests at once over one connection, each with its certificate and its end', async () => {
  const client = await pki.issueClientCertificate({ commonName: 'alice' })
  const session = http2.connect(`https://127.0.0.1:${listener.port}`, { rejectUnauthorized: false, cert: client.certificatePem, key: client.keyPem })
  const send = (headers: http2.OutgoingHttpHeaders, body?: Uint8Array) => {
    const stream = session.request(headers)
    const answer = new Promise<Answer>((resolve, reject) => {
      let text = ''
      let head: http2.IncomingHttpHeaders & http2.IncomingHttpStatusHeader
      stream.on('response', (got) => { head = got })
      stream.on('data', (chunk: Buffer) => { text += chunk.toString() })
      stream.on('end', () => resolve({ status: head[':status']!, headers: head, text }))
      stream.on('error', reject)
    })
    stream.end(body)
    return { stream, answer }
  }
  // A stream that stays open, and two requests that pass it.
  let isCancelled!: () => void
  const cancelled = new Promise<void>((resolve) => { isCancelled = resolve })
  const seen = new Set<string | undefined>()
  handle = async (request, { clientCertificatePem }) => seen.add(clientCertificatePem) && request.url.endsWith('/watch')
    ? new Response(new ReadableStream({ start: (controller) => controller.enqueue(new TextEncoder().encode('event ')), cancel: () => isCancelled() }))
    : new Response(JSON.stringify([request.method, request.url.replace(/^https:\/\/[^/]+/, ''), await request.text(), request.headers.get('x-word'), [...request.headers.keys()].filter((name) => name.startsWith(':'))]),
      { status: 201, headers: { connection: 'keep-alive', 'x-answer': 'yes' } })
  const watch = send({ ':path': '/watch' })
  expect(String(await new Promise((resolve) => { watch.stream.once('data', resolve) }))).toBe('event ')
  const [post, get] = await Promise.all([send({ ':method': 'POST', ':path': '/a?b=%2F', 'x-word': 'w' }, new TextEncoder().encode('body'.repeat(100_000))).answer, send({ ':path': '/c' }).answer])
  expect(JSON.parse(post.text)).toEqual(['POST', '/a?b=%2F', 'body'.repeat(100_000), 'w', []])
  expect(JSON.parse(get.text)).toEqual(['GET', '/c', '', null, []])
  expect(post).toMatchObject({ status: 201, headers: { 'x-answer': 'yes', 'content-length': String(post.text.length) } })
  expect([...seen].map((pem) => pem?.replace(/\s/g, ''))).toEqual([client.certificatePem.replace(/\s/g, '')])
  // A client that cancels one stream keeps the others.
  watch.stream.close(http2.constants.NGHTTP2_CANCEL)
  await cancelled
  handle = async (request) => {
    await request.body!.cancel()
    return new Response('too large', { status: 413 })
  }
  const refused = await Promise.all(Array.from({ length: 3 }, () => send({ ':method': 'POST', ':path': '/' }, new Uint8Array(2_000_000)).answer))
  expect(refused.map((answer) => answer.status)).toEqual([413, 413, 413])
  const big = 'x'.repeat(20_000_000)
  handle = async () => new Response(big)
  expect((await Promise.all([send({ ':path': '/' }).answer, send({ ':path': '/' }).answer])).map((answer) => answer.text.length)).toEqual([20_000_000, 20_000_000])
  session.close()
})

test('a connection that goes over to another protocol carries its bytes, from the first one on', async () => {
  handle = async () => {
    const [client, server] = webSocketPair()
    void (async () => { for await (const message of server.messages) { server.send(message); if (String(new TextDecoder().decode(message as Uint8Array)).endsWith('end')) server.close() } })()
    return new UpgradeResponse(client, { upgrade: 'SPDY/3.1', 'x-stream-protocol-version': 'v4.channel.k8s.io' })
  }
  const text = await new Promise<string>((resolve, reject) => {
    let got = ''
    const socket = tls.connect({ host: '127.0.0.1', port: listener.port, rejectUnauthorized: false }, () => socket.write('POST / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\nhead '))
    socket.on('data', (chunk: Buffer) => {
      got += chunk.toString()
      if (got.endsWith('head ')) socket.write('end')
    })
    socket.on('end', () => { socket.end(); resolve(got) })
    socket.on('error', reject)
  })
  expect(text).toBe('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nupgrade: SPDY/3.1\r\nx-stream-protocol-version: v4.channel.k8s.io\r\n\r\nhead end')
})
