import type { Clock } from '../../../base/clock.ts'
import { der } from '../../../base/der.ts'
import type { Random } from '../../../base/random.ts'
import { pemBlocks, privateKeyOf } from '../../openssl/keys.ts'
import type { Key } from '../../openssl/keys.ts'
import { UnixError } from '../../types.ts'
import type { TcpSocket } from '../../types.ts'
import { DecodeError, u16, u8, vector } from './bytes.ts'
import { AES_128_GCM_SHA256, ALERTS, CERTIFICATE, CERTIFICATE_VERIFY, CLIENT_HELLO, ECDSA_SECP256R1_SHA256, ENCRYPTED_EXTENSIONS, EXTENSION, FINISHED, Handshake, HandshakeError, RSA_PSS_RSAE_SHA256, SECP256R1, SERVER_HELLO, TLS_1_3, createKeyShare, readClientHello, readNumbers, sharedSecret, signedContent, writeCertificates, writeExtensions } from './handshake.ts'
import type { ClientHello } from './handshake.ts'
import { applicationSecrets, finishedData, handshakeSecrets } from './key-schedule.ts'
import { Protection, RecordLayer } from './records.ts'

/** The random of a ServerHello that asks the client to try again with another key. */
const RETRY = [0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c]

export interface TlsServerSide {
  clock: Clock
  random: Random
  /** Certificate and key for the name that the client asks for. */
  identity(serverName: string | undefined): Promise<{ certificatePem: string; keyPem: string }>
  /** Bytes that were read already. */
  first: Uint8Array
  /** Protocols that are spoken inside, what is liked best first (ALPN). */
  protocols: readonly string[]
}

/** Answers a client's TLS 1.3 handshake: gives the connection as it is inside, and the protocol that both want to speak there. Undefined when they didn't come to terms; the client was told. */
export async function acceptTls(socket: TcpSocket, side: TlsServerSide): Promise<{ socket: TcpSocket; protocol: string | undefined } | undefined> {
  const records = new RecordLayer(socket, side.clock, side.first)
  try {
    const protocol = await shakeHands(records, side)
    return { socket: records.plain(), protocol }
  } catch (error) {
    if (error instanceof HandshakeError) await records.fail(error.alert)
    else if (error instanceof DecodeError) await records.fail(ALERTS.decodeError)
    else if (error instanceof UnixError) socket.destroy()
    else throw error
    return undefined
  }
}

async function shakeHands(records: RecordLayer, { clock, random, identity, protocols }: TlsServerSide): Promise<string | undefined> {
  const handshake = new Handshake(records)
  let hello = readClientHello((await handshake.receive(CLIENT_HELLO)).body)
  if (!readNumbers(hello.extensions.get(EXTENSION.supportedVersions), 1).includes(TLS_1_3)) throw new HandshakeError(ALERTS.protocolVersion, 'no TLS 1.3')
  if (!hello.cipherSuites.includes(AES_128_GCM_SHA256) || !readNumbers(hello.extensions.get(EXTENSION.supportedGroups), 2).includes(SECP256R1)) throw new HandshakeError(ALERTS.handshakeFailure, 'nothing in common')
  const serverHello = (randomBytes: readonly number[] | Uint8Array, keyShare: readonly number[]) => [
    ...u16(0x0303), ...randomBytes, ...vector(1, hello.sessionId), ...u16(AES_128_GCM_SHA256), ...u8(0), ...writeExtensions([[EXTENSION.supportedVersions, u16(TLS_1_3)], [EXTENSION.keyShare, keyShare]]),
  ]
  if (!hello.keyShares.has(SECP256R1)) {
    await clock.outside(handshake.forgetFirstHello())
    await handshake.send(SERVER_HELLO, serverHello(RETRY, u16(SECP256R1)))
    hello = readClientHello((await handshake.receive(CLIENT_HELLO)).body)
  }
  const theirs = hello.keyShares.get(SECP256R1)
  if (!theirs) throw new HandshakeError(ALERTS.handshakeFailure, 'no key share')
  const protocol = protocols.find((each) => hello.protocols.includes(each))
  // Who wants something else alone is told so; who doesn't say isn't asked. RFC 7301, section 3.2
  if (hello.protocols.length > 0 && protocol === undefined) throw new HandshakeError(ALERTS.noApplicationProtocol, 'no protocol in common')
  const { certificatePem, keyPem } = await clock.outside(identity(hello.serverName))
  const certificates = pemBlocks(certificatePem).filter(({ label }) => label === 'CERTIFICATE').map((block) => block.der)
  const key = await clock.outside(privateKeyOf(keyPem).catch(() => undefined))
  const scheme = key && signatureScheme(hello, key)
  if (!key || scheme === undefined || certificates.length === 0) throw new HandshakeError(key ? ALERTS.handshakeFailure : ALERTS.internalError, 'no key that the client takes')

  const ours = await clock.outside(createKeyShare())
  await handshake.send(SERVER_HELLO, serverHello(random.bytes(32), [...u16(SECP256R1), ...vector(2, ours.publicBytes)]))
  const secrets = await clock.outside(sharedSecret(ours.privateKey, theirs).then(async (shared) => handshakeSecrets(shared, await handshake.transcriptHash())))
  records.writing = await clock.outside(Protection.of(secrets.server))
  records.reading = await clock.outside(Protection.of(secrets.client))
  await handshake.send(ENCRYPTED_EXTENSIONS, writeExtensions(protocol === undefined ? [] : [[EXTENSION.applicationProtocols, vector(2, vector(1, new TextEncoder().encode(protocol)))]]))
  await handshake.send(CERTIFICATE, writeCertificates(certificates))
  const signature = await clock.outside(handshake.transcriptHash().then((hash) => sign(key, signedContent(hash))))
  await handshake.send(CERTIFICATE_VERIFY, [...u16(scheme), ...vector(2, signature)])
  await handshake.send(FINISHED, await clock.outside(handshake.transcriptHash().then((hash) => finishedData(secrets.server, hash))))
  const hash = await clock.outside(handshake.transcriptHash())
  const data = await clock.outside(applicationSecrets(secrets.master, hash))
  records.writing = await clock.outside(Protection.of(data.server))
  const { body } = await handshake.receive(FINISHED)
  const expected = await clock.outside(finishedData(secrets.client, hash))
  if (body.length !== expected.length || expected.some((byte, i) => byte !== body[i])) throw new HandshakeError(ALERTS.decryptError, 'the client finished something else')
  records.reading = await clock.outside(Protection.of(data.client))
  return protocol
}

function signatureScheme(hello: ClientHello, key: Key): number | undefined {
  const scheme = key.kind.type === 'rsa' ? RSA_PSS_RSAE_SHA256 : key.kind.type === 'ec' && key.kind.curve === 'P-256' ? ECDSA_SECP256R1_SHA256 : undefined
  return scheme !== undefined && readNumbers(hello.extensions.get(EXTENSION.signatureAlgorithms), 2).includes(scheme) ? scheme : undefined
}

async function sign(key: Key, content: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  if (key.kind.type === 'ec') {
    const raw = new Uint8Array(await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, key.privateKey!, content))
    const half = raw.length / 2
    return der(0x30, integerDer(raw.subarray(0, half)), integerDer(raw.subarray(half)))
  }
  // The same key, for the other padding.
  const pss = await crypto.subtle.importKey('pkcs8', key.pkcs8!, { name: 'RSA-PSS', hash: 'SHA-256' }, false, ['sign'])
  return new Uint8Array(await crypto.subtle.sign({ name: 'RSA-PSS', saltLength: 32 }, pss, content))
}

/** A positive number as DER wants it: without needless zeroes, but with one where it would look negative. */
function integerDer(bytes: Uint8Array): Uint8Array {
  let start = 0
  while (start < bytes.length - 1 && bytes[start] === 0) start += 1
  const number = bytes.subarray(start)
  return der(0x02, number[0]! >= 0x80 ? Uint8Array.from([0, ...number]) : number)
}
