import { concatBytes } from '../../../base/streams.ts'
import { u16, vector } from './bytes.ts'

/** Bytes of SHA-256, on which the cipher suite TLS_AES_128_GCM_SHA256 rests. */
const HASH_BYTES = 32
const encoder = new TextEncoder()
const owned = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => Uint8Array.from(bytes)

/** Everything here uses WebCrypto: wrap in `clock.outside`. */
export async function sha256(...parts: Uint8Array[]): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', owned(concatBytes(parts))))
}

async function hmac(key: Uint8Array, data: Uint8Array): Promise<Uint8Array> {
  const imported = await crypto.subtle.importKey('raw', owned(key), { name: 'HMAC', hash: 'SHA-256' }, false, ['sign'])
  return new Uint8Array(await crypto.subtle.sign('HMAC', imported, owned(data)))
}

/** HKDF-Expand-Label of RFC 8446, section 7.1, for up to 32 bytes. */
export async function expandLabel(secret: Uint8Array, label: string, context: Uint8Array, length: number): Promise<Uint8Array> {
  const info = [...u16(length), ...vector(1, encoder.encode(`tls13 ${label}`)), ...vector(1, context)]
  return (await hmac(secret, Uint8Array.from([...info, 1]))).subarray(0, length)
}

const NOTHING = new Uint8Array(0)
const ZEROES = new Uint8Array(HASH_BYTES)

/** Secrets of both sides for one stretch of a connection. */
export interface TrafficSecrets {
  client: Uint8Array
  server: Uint8Array
  /** What the next stretch's secrets come from. */
  master: Uint8Array
}

/** Secrets for the rest of the handshake, out of what both sides agreed on and what was said so far. */
export async function handshakeSecrets(shared: Uint8Array, transcriptHash: Uint8Array): Promise<TrafficSecrets> {
  const early = await hmac(ZEROES, ZEROES)
  const master = await hmac(await expandLabel(early, 'derived', await sha256(NOTHING), HASH_BYTES), shared)
  return { client: await expandLabel(master, 'c hs traffic', transcriptHash, HASH_BYTES), server: await expandLabel(master, 's hs traffic', transcriptHash, HASH_BYTES), master }
}

/** Secrets for the data. */
export async function applicationSecrets(handshakeMaster: Uint8Array, transcriptHash: Uint8Array): Promise<TrafficSecrets> {
  const master = await hmac(await expandLabel(handshakeMaster, 'derived', await sha256(NOTHING), HASH_BYTES), ZEROES)
  return { client: await expandLabel(master, 'c ap traffic', transcriptHash, HASH_BYTES), server: await expandLabel(master, 's ap traffic', transcriptHash, HASH_BYTES), master }
}

/** The verify_data of a Finished message. */
export async function finishedData(secret: Uint8Array, transcriptHash: Uint8Array): Promise<Uint8Array> {
  return hmac(await expandLabel(secret, 'finished', NOTHING, HASH_BYTES), transcriptHash)
}
