import { connect, createServer as listen } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import { connect as connectWithOpenSsl, createServer as listenWithOpenSsl } from 'node:tls'
import { afterEach, describe, expect, it } from 'vitest'
import type { Clock } from '../../../base/clock.ts'
import { Random } from '../../../base/random.ts'
import { readAll } from '../../../base/streams.ts'
import { createCertificate, extensionOf, nameOf } from '../../openssl/issue.ts'
import { generateKey, privateKeyPem } from '../../openssl/keys.ts'
import type { KeyKind } from '../../openssl/keys.ts'
import { pemOf } from '../../../base/pem.ts'
import type { TcpSocket } from '../../types.ts'
import { connectTls } from './client.ts'
import { acceptTls } from './server.ts'

// Real time: OpenSSL is at the other end.
const clock = { outside: <T>(work: Promise<T>) => work } as Clock
const random = new Random('tls')
const servers: Server[] = []
afterEach(() => { for (const server of servers.splice(0)) server.close() })

async function identity(kind: KeyKind): Promise<{ certificatePem: string; keyPem: string }> {
  const key = await generateKey(kind)
  const name = nameOf('/CN=localhost')
  const certificate = await createCertificate(key, { serial: Uint8Array.of(1), issuer: name, subject: name, notBeforeMs: Date.now() - 1e6, notAfterMs: Date.now() + 1e9, spki: key.spki, extensions: [extensionOf('subjectAltName', 'DNS:localhost')!] })
  return { certificatePem: pemOf('CERTIFICATE', certificate), keyPem: privateKeyPem(key) }
}

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

const portOf = (server: Server) => new Promise<number>((resolve) => { servers.push(server); server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)) })

describe.each<[string, KeyKind]>([['RSA', { type: 'rsa', bits: 2048 }], ['EC', { type: 'ec', curve: 'P-256' }]])('TLS with a key of %s', (_name, kind) => {
  it('answers OpenSSL, which first offers another key exchange', async () => {
    const own = await identity(kind)
    const names: (string | undefined)[] = []
    const port = await portOf(listen((raw) => {
      void acceptTls(asTcpSocket(raw), { clock, random, first: new Uint8Array(0), protocols: ['http/1.1'], identity: async (name) => { names.push(name); return own } }).then(async (accepted) => {
        const inside = accepted?.socket
        const heard = await inside!.reader.read()
        await inside!.writer.write(`heard ${new TextDecoder().decode(heard!)}`)
        await inside!.writer.write(new Uint8Array(40_000).fill(120))
        inside!.writer.close()
      })
    }))
    const client = connectWithOpenSsl({ port, host: '127.0.0.1', servername: 'localhost', ca: own.certificatePem, ALPNProtocols: ['http/1.1'] })
    let protocol: string | null = null
    client.on('secureConnect', () => { protocol = client.getProtocol(); client.write('hello') })
    let text = ''
    for await (const chunk of client) text += String(chunk)
    expect([client.authorized, protocol, client.alpnProtocol, names]).toEqual([true, 'TLSv1.3', 'http/1.1', ['localhost']])
    expect(text).toBe(`heard hello${'x'.repeat(40_000)}`)
  })

  it('talks to OpenSSL as a client', async () => {
    const { certificatePem, keyPem } = await identity(kind)
    const port = await portOf(listenWithOpenSsl({ cert: certificatePem, key: keyPem }, (socket) => { socket.once('data', (data) => socket.end(`heard ${String(data)}`)) }))
    const connection = await connectTls(asTcpSocket(connect(port, '127.0.0.1')), { serverName: 'localhost', clock, random })
    expect(connection.certificatePem).toBe(certificatePem)
    await connection.socket.writer.write('hello')
    expect(new TextDecoder().decode(await readAll(connection.socket.reader))).toBe('heard hello')
  })
})

describe('TLS', () => {
  it('says what is wrong with who does not speak it, has no key, or hangs up', async () => {
    const attempt = async (onSocket: (socket: Socket) => void) => {
      const port = await portOf(listen(onSocket))
      return connectTls(asTcpSocket(connect(port, '127.0.0.1')), { serverName: 'localhost', clock, random }).catch((error: Error) => error.message)
    }
    expect(await attempt((socket) => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'))).toBe('wrong version number')
    expect(await attempt((socket) => socket.end())).toBe('unexpected eof while reading')
    expect(await attempt((socket) => { void acceptTls(asTcpSocket(socket), { clock, random, first: new Uint8Array(0), protocols: ['http/1.1'], identity: async () => ({ certificatePem: '', keyPem: '' }) }) })).toBe('tlsv1 alert internal error')
  })
})
