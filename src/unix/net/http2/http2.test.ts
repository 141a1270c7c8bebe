import { connect, createServer } from 'node:http2'
import type { AddressInfo, Socket } from 'node:net'
import { connect as connectSocket, createServer as listen } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { httpRequest, trailersOf, versionOf, withTrailers } from '../../../base/http.ts'
import type { HttpHandler, TcpSocket } from '../../types.ts'
import { fetchHttp2 } from './fetch.ts'
import { serveHttp2 } from './http2-server.ts'
import { socketPair } from '../stack.ts'

// Node's own HTTP/2 is at the other end.
const closing: (() => void)[] = []
afterEach(() => { for (const close of closing.splice(0).reverse()) close() })

function asTcpSocket(socket: Socket): TcpSocket {
  const chunks = socket[Symbol.asyncIterator]() as AsyncIterator<Buffer>
  socket.on('error', () => {})
  const address = { ip: '127.0.0.1', port: 0 }
  return {
    local: address, remote: address, destroy: () => socket.destroy(),
    reader: { cancel: () => socket.destroy(), async read() { const { value, done } = await chunks.next(); return done ? null : new Uint8Array(value) } },
    writer: { write: async (data) => { socket.write(data) }, close: () => { socket.end() } },
  }
}

const portOf = (server: { listen(port: number, host: string, then: () => void): unknown; address(): unknown; close(): unknown }) => new Promise<number>((resolve) => {
  closing.push(() => server.close())
  server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))
})

async function client(handler: HttpHandler) {
  const port = await portOf(listen((socket) => { void serveHttp2(asTcpSocket(socket), handler, 'http') }))
  const session = connect(`http://127.0.0.1:${port}`)
  closing.push(() => session.destroy())
  return (headers: Record<string, string>, body?: string) => new Promise<{ headers: Record<string, unknown>; body: string; trailers: Record<string, unknown> }>((resolve, reject) => {
    const stream = session.request(headers)
    const seen = { headers: {}, body: '', trailers: {} }
    stream.setEncoding('utf8')
    stream.on('response', (received) => { seen.headers = { ...received } })
    stream.on('trailers', (received) => { seen.trailers = { ...received } })
    stream.on('data', (chunk: string) => { seen.body += chunk })
    stream.on('end', () => resolve(seen))
    stream.on('error', reject)
    stream.end(body)
  })
}

test('a client of HTTP/2 gets answers with what follows them, several at once, and bodies larger than any window', async () => {
  const ask = await client(async (request, { version }) => {
    const { pathname } = new URL(request.url)
    if (pathname === '/large') return new Response('x'.repeat(3_000_000))
    if (pathname === '/length') return new Response(String((await request.arrayBuffer()).byteLength))
    if (pathname === '/broken') throw new Error('broken')
    return withTrailers(new Response(`${request.method} ${request.url.replace(/:\d+/, '')} ${version} ${request.headers.get('cookie')} ${await request.text()}`, { status: 201, headers: { 'x-own': 'yes', connection: 'close' } }), Promise.resolve(new Headers({ 'grpc-status': '0' })))
  })
  const [one, large, length] = await Promise.all([
    ask({ ':method': 'POST', ':path': '/one?a=b', cookie: 'a=b' }, 'hello'), ask({ ':path': '/large' }), ask({ ':method': 'POST', ':path': '/length' }, 'y'.repeat(3_000_000)),
  ])
  expect([one.headers[':status'], one.headers['x-own'], one.headers['connection'], one.body, one.trailers['grpc-status']]).toEqual([201, 'yes', undefined, 'POST http://127.0.0.1/one?a=b h2 a=b hello', '0'])
  expect([large.body.length, length.body]).toEqual([3_000_000, '3000000'])
  await expect(ask({ ':path': '/broken' })).rejects.toThrow('NGHTTP2_INTERNAL_ERROR')
  expect((await ask({ ':method': 'HEAD', ':path': '/large' })).headers[':status']).toBe(200)
})

test('a server learns that a client has left', async () => {
  let leave!: () => void
  const gone = new Promise<void>((resolve) => { leave = resolve })
  const port = await portOf(listen((socket) => { void serveHttp2(asTcpSocket(socket), (request) => new Promise(() => { request.signal.addEventListener('abort', () => leave()) }), 'http') }))
  const session = connect(`http://127.0.0.1:${port}`)
  const stream = session.request({ ':path': '/' })
  stream.on('error', () => {})
  setImmediate(() => stream.close())
  await gone
  session.destroy()
})

test('one exchange with a server of HTTP/2; one that speaks something else is told apart', async () => {
  const server = createServer((request, response) => {
    let length = 0
    request.on('data', (chunk: Buffer) => { length += chunk.length })
    request.on('end', () => {
      response.writeHead(203, { 'x-path': request.url })
      response.write('z'.repeat(200_000))
      response.addTrailers({ 'x-length': String(length) })
      response.end()
    })
  })
  const port = await portOf(server)
  const response = await fetchHttp2(asTcpSocket(connectSocket(port, '127.0.0.1')), httpRequest(`http://127.0.0.1:${port}/there`, { method: 'POST', body: 'w'.repeat(100_000) }))
  expect([response.status, versionOf(response), response.headers.get('x-path'), (await response.text()).length, (await trailersOf(response))?.get('x-length')]).toEqual([203, 'h2', '/there', 200_000, '100000'])
  const other = await portOf(listen((socket) => { socket.on('error', () => {}); socket.end('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n') }))
  await expect(fetchHttp2(asTcpSocket(connectSocket(other, '127.0.0.1')), httpRequest(`http://127.0.0.1:${other}/`))).rejects.toThrow('Error in the HTTP2 framing layer')
})

test('an answer that comes before the request is read ends the exchange, also where there is no room for the rest', async () => {
  const port = await portOf(createServer((_request, response) => { response.writeHead(413).end('too much') }))
  const response = await fetchHttp2(asTcpSocket(connectSocket(port, '127.0.0.1')), httpRequest(`http://127.0.0.1:${port}/`, { method: 'POST', body: 'x'.repeat(1_000_000) }))
  expect([response.status, await response.text()]).toEqual([413, 'too much'])
})

const turns = async (count: number) => { for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve)) }
const ends = { client: { ip: '10.0.0.1', port: 40_000 }, server: { ip: '10.0.0.2', port: 80 } }

test('a server sends no more than a client takes, and learns when it takes no more', async () => {
  const [client, server] = socketPair(ends.client, ends.server)
  let sent = 0
  let isOver = false
  void serveHttp2(server, () => new Response(new ReadableStream<Uint8Array>({
    pull(controller) {
      sent += 65_536
      controller.enqueue(new Uint8Array(65_536))
    },
    cancel() { isOver = true },
  }, { highWaterMark: 0 })), 'http')
  const { body } = await fetchHttp2(client, httpRequest('http://10.0.0.2/'))
  await turns(1000)
  expect(sent).toBeLessThan(6 * 2 ** 20)
  const reader = body!.getReader()
  for (let read = 0; read < 8 * 2 ** 20;) read += (await reader.read()).value!.length
  await reader.cancel()
  await turns(10)
  expect(isOver).toBe(true)
})

test('an answer that comes when its client has left is ended: a watch would go on for ever', async () => {
  const [client, server] = socketPair(ends.client, ends.server)
  let answer!: (response: Response) => void
  let isOver = false
  void serveHttp2(server, () => new Promise<Response>((resolve) => { answer = resolve }), 'http')
  const leaving = new AbortController()
  const response = fetchHttp2(client, httpRequest('http://10.0.0.2/', { signal: leaving.signal }))
  await turns(10)
  leaving.abort(new Error('no longer wanted'))
  await expect(response).rejects.toThrow('no longer wanted')
  await turns(10)
  answer(new Response(new ReadableStream({ cancel() { isOver = true } })))
  await turns(10)
  expect(isOver).toBe(true)
})
