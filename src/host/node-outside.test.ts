import http from 'node:http'
import https from 'node:https'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { httpRequest } from '../base/http.ts'
import { createClusterPki } from '../cluster/apiserver/pki/cluster-pki.ts'
import { outsideHttp } from './node-outside.ts'

let caPem: string
const servers: (http.Server | https.Server)[] = []
const ports: Record<string, number> = {}

beforeAll(async () => {
  const pki = await createClusterPki({ nowMs: Date.now() })
  caPem = pki.caCertificatePem
  const echo: http.RequestListener = (request, response) => {
    let text = ''
    request.on('data', (chunk: Buffer) => { text += chunk.toString() })
    request.on('end', () => response.writeHead(201, { 'x-said': request.headers['x-say'] ?? '' }).end(`${request.method} ${request.url} ${text}`))
  }
  const certificateFor = async (name: string) => {
    const { certificatePem: cert, keyPem: key } = await pki.issueServerCertificate([name])
    return { cert, key }
  }
  const listen = async (name: string, server: http.Server | https.Server) => {
    servers.push(server)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    ports[name] = (server.address() as AddressInfo).port
  }
  await listen('good', https.createServer(await certificateFor('127.0.0.1'), echo))
  await listen('other', https.createServer(await certificateFor('elsewhere.example.com'), echo))
  await listen('plain', http.createServer(echo))
})
afterAll(() => { for (const server of servers) server.close() })

const ask = (port: number, tls: { caPem?: string } = { caPem }) => outsideHttp('127.0.0.1', port, httpRequest(`https://127.0.0.1:${port}/check?timeout=10s`, { method: 'POST', headers: { 'x-say': 'hi' }, body: 'review' }), { tls })
const failure = (work: Promise<unknown>) => work.then(() => undefined, (error: Error) => error.message)

test('a server with a certificate of the authority gets the request', async () => {
  const response = await ask(ports['good']!)
  expect([response.status, response.headers.get('x-said'), await response.text()]).toEqual([201, 'hi', 'POST /check?timeout=10s review'])
})

test('others are refused before they get a word, as Go says it', async () => {
  expect(await failure(ask(ports['good']!, {}))).toBe('tls: failed to verify certificate: x509: certificate signed by unknown authority')
  expect(await failure(ask(ports['other']!))).toBe("tls: failed to verify certificate: x509: cannot validate certificate for 127.0.0.1 because it doesn't contain any IP SANs")
  expect(await failure(ask(ports['plain']!))).toBe('http: server gave HTTP response to HTTPS client')
  expect(await failure(ask(1))).toBe('dial tcp 127.0.0.1:1: connect: connection refused')
})
