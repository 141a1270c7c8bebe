/** Messages of the TLS 1.3 handshake and what both sides do with them (RFC 8446, section 4). */
import { concatBytes } from '../../../base/streams.ts'
import { UnixError } from '../../types.ts'
import { DecodeError, FieldReader, u16, u8, vector } from './bytes.ts'
import { sha256 } from './key-schedule.ts'
import { ALERT, HANDSHAKE } from './records.ts'
import type { RecordLayer } from './records.ts'

export const CLIENT_HELLO = 1
export const SERVER_HELLO = 2
export const ENCRYPTED_EXTENSIONS = 8
export const CERTIFICATE = 11
export const CERTIFICATE_VERIFY = 15
export const FINISHED = 20
const MESSAGE_HASH = 254

export const EXTENSION = { serverName: 0, supportedGroups: 10, signatureAlgorithms: 13, applicationProtocols: 16, supportedVersions: 43, keyShare: 51 } as const
export const ALERTS = { handshakeFailure: 40, badCertificate: 42, decodeError: 50, decryptError: 51, protocolVersion: 70, internalError: 80, unexpectedMessage: 10, noApplicationProtocol: 120 } as const
export const TLS_1_3 = 0x0304
export const AES_128_GCM_SHA256 = 0x1301
export const SECP256R1 = 23
export const RSA_PSS_RSAE_SHA256 = 0x0804
export const ECDSA_SECP256R1_SHA256 = 0x0403

/** What ends a handshake, with the alert that tells the other side. */
export class HandshakeError extends Error {
  readonly alert: number
  constructor(alert: number, message: string) {
    super(message)
    this.alert = alert
  }
}

export interface HandshakeMessage {
  type: number
  body: Uint8Array
}

/** The handshake's messages over records, and all of them so far for the hash that both sides sign. */
export class Handshake {
  readonly records: RecordLayer
  #transcript: Uint8Array[] = []
  #buffer: Uint8Array = new Uint8Array(0)

  constructor(records: RecordLayer) {
    this.records = records
  }

  /** Hash of what was said so far. Uses WebCrypto. */
  transcriptHash(): Promise<Uint8Array> {
    return sha256(...this.#transcript)
  }

  /** After a request to try again the first hello counts only as its hash. */
  async forgetFirstHello(): Promise<void> {
    const hash = await this.transcriptHash()
    this.#transcript = [Uint8Array.from([MESSAGE_HASH, ...vector(3, hash)])]
  }

  /** The next message, which goes into the transcript. @throws HandshakeError, UnixError */
  async receive(expected: number): Promise<HandshakeMessage> {
    for (;;) {
      if (this.#buffer.length >= 4) {
        const reader = new FieldReader(this.#buffer)
        const type = reader.number(1)
        const length = reader.number(3)
        if (this.#buffer.length >= 4 + length) {
          const message = this.#buffer.slice(0, 4 + length)
          this.#buffer = this.#buffer.slice(4 + length)
          if (type !== expected) throw new HandshakeError(ALERTS.unexpectedMessage, `unexpected message ${type}`)
          this.#transcript.push(message)
          return { type, body: message.subarray(4) }
        }
      }
      const record = await this.records.read()
      if (!record) throw new UnixError('ECONNRESET', 'Connection reset by peer')
      if (record.type === ALERT) throw new UnixError('EPROTO', ALERT_TEXTS[record.content[1] ?? 0] ?? 'alert')
      if (record.type !== HANDSHAKE) throw new HandshakeError(ALERTS.unexpectedMessage, 'no handshake message')
      this.#buffer = concatBytes([this.#buffer, record.content])
    }
  }

  async send(type: number, body: readonly number[] | Uint8Array): Promise<void> {
    const message = Uint8Array.from([type, ...vector(3, body)])
    this.#transcript.push(message)
    await this.records.write(HANDSHAKE, message)
  }
}

const ALERT_TEXTS: Readonly<Record<number, string>> = { 40: 'sslv3 alert handshake failure', 42: 'bad certificate', 48: 'unknown CA', 70: 'tlsv1 alert protocol version', 80: 'tlsv1 alert internal error', 120: 'tlsv1 alert no application protocol' }

export type Extensions = Map<number, Uint8Array>

export function readExtensions(bytes: Uint8Array): Extensions {
  const reader = new FieldReader(bytes)
  const extensions: Extensions = new Map()
  while (!reader.isEmpty) extensions.set(reader.number(2), reader.vector(2))
  return extensions
}

export function writeExtensions(extensions: readonly (readonly [number, readonly number[]])[]): number[] {
  return vector(2, extensions.flatMap(([type, content]) => [...u16(type), ...vector(2, content)]))
}

/** 16-bit numbers with their length in front. @throws DecodeError */
export function readNumbers(bytes: Uint8Array | undefined, lengthBytes: 1 | 2): number[] {
  if (!bytes) return []
  const reader = new FieldReader(new FieldReader(bytes).vector(lengthBytes))
  const numbers: number[] = []
  while (!reader.isEmpty) numbers.push(reader.number(2))
  return numbers
}

export interface ClientHello {
  sessionId: Uint8Array
  cipherSuites: number[]
  extensions: Extensions
  serverName: string | undefined
  protocols: string[]
  /** Public keys by group. */
  keyShares: Map<number, Uint8Array>
}

/** @throws DecodeError */
export function readClientHello(body: Uint8Array): ClientHello {
  const reader = new FieldReader(body)
  reader.bytes(2 + 32)
  const sessionId = reader.vector(1)
  const suites = new FieldReader(reader.vector(2))
  const cipherSuites: number[] = []
  while (!suites.isEmpty) cipherSuites.push(suites.number(2))
  reader.vector(1)
  const extensions = reader.isEmpty ? new Map<number, Uint8Array>() : readExtensions(reader.vector(2))
  const name = extensions.get(EXTENSION.serverName)
  const protocols: string[] = []
  const offered = extensions.get(EXTENSION.applicationProtocols)
  if (offered) for (const list = new FieldReader(new FieldReader(offered).vector(2)); !list.isEmpty;) protocols.push(new TextDecoder().decode(list.vector(1)))
  const keyShares = new Map<number, Uint8Array>()
  const shares = extensions.get(EXTENSION.keyShare)
  if (shares) for (const list = new FieldReader(new FieldReader(shares).vector(2)); !list.isEmpty;) keyShares.set(list.number(2), list.vector(2))
  return { sessionId, cipherSuites, extensions, serverName: name && name.length > 5 ? new TextDecoder().decode(name.subarray(5)) : undefined, protocols, keyShares }
}

/** DER certificates of a Certificate message. @throws DecodeError */
export function readCertificates(body: Uint8Array): Uint8Array[] {
  const reader = new FieldReader(body)
  reader.vector(1)
  const list = new FieldReader(reader.vector(3))
  const certificates: Uint8Array[] = []
  while (!list.isEmpty) { certificates.push(list.vector(3)); list.vector(2) }
  if (certificates.length === 0) throw new DecodeError('no certificate')
  return certificates
}

export function writeCertificates(certificates: readonly Uint8Array[]): number[] {
  return [...u8(0), ...vector(3, certificates.flatMap((each) => [...vector(3, each), ...u16(0)]))]
}

/** What the server's signature is about. */
export function signedContent(transcriptHash: Uint8Array): Uint8Array<ArrayBuffer> {
  return Uint8Array.from([...new Uint8Array(64).fill(0x20), ...new TextEncoder().encode('TLS 1.3, server CertificateVerify'), 0, ...transcriptHash])
}

/** A pair for the exchange of keys. Uses WebCrypto. */
export async function createKeyShare(): Promise<{ privateKey: CryptoKey; publicBytes: Uint8Array }> {
  const { privateKey, publicKey } = await crypto.subtle.generateKey({ name: 'ECDH', namedCurve: 'P-256' }, true, ['deriveBits']) as CryptoKeyPair
  return { privateKey, publicBytes: new Uint8Array(await crypto.subtle.exportKey('raw', publicKey)) }
}

/** What only both sides know. Uses WebCrypto. @throws HandshakeError */
export async function sharedSecret(privateKey: CryptoKey, peer: Uint8Array): Promise<Uint8Array> {
  try {
    const publicKey = await crypto.subtle.importKey('raw', Uint8Array.from(peer), { name: 'ECDH', namedCurve: 'P-256' }, true, [])
    return new Uint8Array(await crypto.subtle.deriveBits({ name: 'ECDH', public: publicKey }, privateKey, 256))
  } catch {
    throw new HandshakeError(47, 'illegal key share')
  }
}
