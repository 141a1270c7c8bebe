import type { Clock } from '../../../base/clock.ts'
import { children, readDer, unsignedOf } from '../../../base/der.ts'
import { pemOf } from '../../../base/pem.ts'
import type { Random } from '../../../base/random.ts'
import { concatBytes } from '../../../base/streams.ts'
import { X509Certificate } from '../../../base/x509.ts'
import { UnixError } from '../../types.ts'
import type { TcpSocket } from '../../types.ts'
import { isAddress } from '../addresses.ts'
import { DecodeError, FieldReader, u16, u8, vector } from './bytes.ts'
import { AES_128_GCM_SHA256, ALERTS, CERTIFICATE, CERTIFICATE_VERIFY, CLIENT_HELLO, ECDSA_SECP256R1_SHA256, ENCRYPTED_EXTENSIONS, EXTENSION, FINISHED, Handshake, HandshakeError, RSA_PSS_RSAE_SHA256, SECP256R1, SERVER_HELLO, TLS_1_3, createKeyShare, readCertificates, readExtensions, sharedSecret, signedContent, writeExtensions } from './handshake.ts'
import { applicationSecrets, finishedData, handshakeSecrets } from './key-schedule.ts'
import { Protection, RecordLayer } from './records.ts'

/** A connection inside TLS, and what the server showed. */
export interface TlsConnection {
  socket: TcpSocket
  /** The server's certificate, with others up to its authority. Nobody has looked whether it may be trusted. */
  certificatePem: string
  /** What the server chose of the client's protocols, if it did. */
  protocol: string | undefined
}

/** A client's TLS 1.3 handshake. @throws UnixError EPROTO when the other side doesn't speak TLS or they don't come to terms, ECONNRESET when it hangs up */
export async function connectTls(socket: TcpSocket, options: { serverName: string; protocols?: readonly string[]; clock: Clock; random: Random }): Promise<TlsConnection> {
  const records = new RecordLayer(socket, options.clock)
  try {
    const { certificatePem, protocol } = await shakeHands(records, options)
    return { socket: records.plain(), certificatePem, protocol }
  } catch (error) {
    socket.destroy()
    if (error instanceof HandshakeError || error instanceof DecodeError) throw new UnixError('EPROTO', error.message)
    throw error instanceof UnixError && error.code === 'ECONNRESET' ? new UnixError('EPROTO', 'unexpected eof while reading') : error
  }
}

async function shakeHands(records: RecordLayer, { serverName, protocols = ['http/1.1'], clock, random }: { serverName: string; protocols?: readonly string[]; clock: Clock; random: Random }): Promise<Omit<TlsConnection, 'socket'>> {
  const handshake = new Handshake(records)
  const ours = await clock.outside(createKeyShare())
  const name = new TextEncoder().encode(serverName)
  await handshake.send(CLIENT_HELLO, [
    ...u16(0x0303), ...random.bytes(32), ...vector(1, random.bytes(32)), ...vector(2, u16(AES_128_GCM_SHA256)), ...vector(1, u8(0)),
    ...writeExtensions([
      ...(isAddress(serverName) ? [] : [[EXTENSION.serverName, vector(2, [0, ...vector(2, name)])] as const]),
      [EXTENSION.supportedGroups, vector(2, u16(SECP256R1))],
      [EXTENSION.signatureAlgorithms, vector(2, [...u16(RSA_PSS_RSAE_SHA256), ...u16(ECDSA_SECP256R1_SHA256), ...u16(0x0401)])],
      [EXTENSION.applicationProtocols, vector(2, protocols.flatMap((each) => vector(1, new TextEncoder().encode(each))))],
      [EXTENSION.supportedVersions, vector(1, u16(TLS_1_3))],
      [EXTENSION.keyShare, vector(2, [...u16(SECP256R1), ...vector(2, ours.publicBytes)])],
    ]),
  ])
  const hello = new FieldReader((await handshake.receive(SERVER_HELLO)).body)
  hello.bytes(2 + 32)
  hello.vector(1)
  if (hello.number(2) !== AES_128_GCM_SHA256) throw new HandshakeError(ALERTS.handshakeFailure, 'unsupported cipher')
  hello.number(1)
  const share = readExtensions(hello.vector(2)).get(EXTENSION.keyShare)
  if (!share) throw new HandshakeError(ALERTS.protocolVersion, 'unsupported protocol')
  const reader = new FieldReader(share)
  if (reader.number(2) !== SECP256R1 || reader.isEmpty) throw new HandshakeError(ALERTS.handshakeFailure, 'unsupported group')
  const theirs = reader.vector(2)
  const secrets = await clock.outside(sharedSecret(ours.privateKey, theirs).then(async (shared) => handshakeSecrets(shared, await handshake.transcriptHash())))
  records.reading = await clock.outside(Protection.of(secrets.server))
  records.writing = await clock.outside(Protection.of(secrets.client))
  const chosen = readExtensions(new FieldReader((await handshake.receive(ENCRYPTED_EXTENSIONS)).body).vector(2)).get(EXTENSION.applicationProtocols)
  const protocol = chosen && new TextDecoder().decode(new FieldReader(new FieldReader(chosen).vector(2)).vector(1))
  const certificates = readCertificates((await handshake.receive(CERTIFICATE)).body)
  const signed = await clock.outside(handshake.transcriptHash())
  const verify = new FieldReader((await handshake.receive(CERTIFICATE_VERIFY)).body)
  if (!await clock.outside(isSignedBy(certificates[0]!, verify.number(2), verify.vector(2), signedContent(signed)))) throw new HandshakeError(ALERTS.decryptError, 'bad signature')
  const before = await clock.outside(handshake.transcriptHash())
  const { body } = await handshake.receive(FINISHED)
  const expected = await clock.outside(finishedData(secrets.server, before))
  if (body.length !== expected.length || expected.some((byte, i) => byte !== body[i])) throw new HandshakeError(ALERTS.decryptError, 'digest check failed')
  const hash = await clock.outside(handshake.transcriptHash())
  const data = await clock.outside(applicationSecrets(secrets.master, hash))
  await handshake.send(FINISHED, await clock.outside(finishedData(secrets.client, hash)))
  records.reading = await clock.outside(Protection.of(data.server))
  records.writing = await clock.outside(Protection.of(data.client))
  return { certificatePem: certificates.map((each) => pemOf('CERTIFICATE', each)).join(''), protocol }
}

/** Whether who shows the certificate has its key. Uses WebCrypto. */
async function isSignedBy(certificate: Uint8Array, scheme: number, signature: Uint8Array, content: Uint8Array<ArrayBuffer>): Promise<boolean> {
  try {
    const { publicKey } = new X509Certificate(Uint8Array.from(certificate))
    if (scheme === RSA_PSS_RSAE_SHA256) return await crypto.subtle.verify({ name: 'RSA-PSS', saltLength: 32 }, await publicKey.export({ name: 'RSA-PSS', hash: 'SHA-256' }, ['verify']), Uint8Array.from(signature), content)
    if (scheme !== ECDSA_SECP256R1_SHA256) return false
    const halves = children(readDer(signature)).map((node) => { const number = unsignedOf(node.value); return concatBytes([new Uint8Array(Math.max(0, 32 - number.length)), number]) })
    return await crypto.subtle.verify({ name: 'ECDSA', hash: 'SHA-256' }, await publicKey.export({ name: 'ECDSA', namedCurve: 'P-256' }, ['verify']), Uint8Array.from(concatBytes(halves)), content)
  } catch {
    return false
  }
}
