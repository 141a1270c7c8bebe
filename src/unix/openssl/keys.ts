import { bytesOfBase64 } from '../../base/base64.ts'
import { pemOf } from '../../base/pem.ts'
import { children, der, oidBytes, oidOf, readDer, unsignedOf } from '../../base/der.ts'

/** What kind of key it is, as OpenSSL names it. */
export type KeyKind = { type: 'rsa'; bits: number } | { type: 'ec'; curve: 'P-256' | 'P-384' | 'P-521' } | { type: 'ed25519' }

/** A key pair as WebCrypto holds it. */
export interface Key {
  kind: KeyKind
  /** Missing where only the public half was given. */
  privateKey?: CryptoKey
  publicKey: CryptoKey
  /** DER of SubjectPublicKeyInfo. */
  spki: Uint8Array<ArrayBuffer>
  /** DER of PKCS #8, with a private key. */
  pkcs8?: Uint8Array<ArrayBuffer>
}

const RSA = '1.2.840.113549.1.1.1'
const EC = '1.2.840.10045.2.1'
const ED25519 = '1.3.101.112'
export const CURVES: Readonly<Record<string, { name: 'P-256' | 'P-384' | 'P-521'; openssl: string; bits: number }>> = {
  '1.2.840.10045.3.1.7': { name: 'P-256', openssl: 'prime256v1', bits: 256 },
  '1.3.132.0.34': { name: 'P-384', openssl: 'secp384r1', bits: 384 },
  '1.3.132.0.35': { name: 'P-521', openssl: 'secp521r1', bits: 521 },
}

/** The algorithm that WebCrypto signs with. */
export function signingAlgorithm(kind: KeyKind): { name: string; hash?: string; namedCurve?: string } {
  switch (kind.type) {
    case 'rsa': return { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }
    case 'ec': return { name: 'ECDSA', namedCurve: kind.curve, hash: 'SHA-256' }
    case 'ed25519': return { name: 'Ed25519' }
  }
}

function importAlgorithm(kind: KeyKind): RsaHashedImportParams | EcKeyImportParams | { name: string } {
  return signingAlgorithm(kind) as RsaHashedImportParams
}

/** Makes a key pair. */
export async function generateKey(kind: KeyKind): Promise<Key> {
  const algorithm = kind.type === 'rsa' ? { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', modulusLength: kind.bits, publicExponent: Uint8Array.of(1, 0, 1) } : kind.type === 'ec' ? { name: 'ECDSA', namedCurve: kind.curve } : { name: 'Ed25519' }
  const pair = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']) as CryptoKeyPair
  return {
    kind, ...pair,
    spki: new Uint8Array(await crypto.subtle.exportKey('spki', pair.publicKey)),
    pkcs8: new Uint8Array(await crypto.subtle.exportKey('pkcs8', pair.privateKey)),
  }
}

/** Kind of a SubjectPublicKeyInfo. @throws Error for kinds that aren't known here */
export function kindOfSpki(spki: Uint8Array): KeyKind {
  const [algorithm, bits] = children(readDer(spki))
  const [oid, parameters] = children(algorithm!)
  switch (oidOf(oid!.value)) {
    case RSA: {
      const modulus = unsignedOf(children(readDer(bits!.value.subarray(1)))[0]!.value)
      return { type: 'rsa', bits: modulus.length * 8 - Math.clz32(modulus[0]!) + 24 }
    }
    case EC: {
      const curve = CURVES[oidOf(parameters!.value)]
      if (curve) return { type: 'ec', curve: curve.name }
      break
    }
    case ED25519: return { type: 'ed25519' }
  }
  throw new Error('unsupported algorithm')
}

/** A public key out of its DER. */
export async function publicKeyOf(spki: Uint8Array): Promise<Key> {
  const kind = kindOfSpki(spki)
  const bytes = Uint8Array.from(spki)
  return { kind, spki: bytes, publicKey: await crypto.subtle.importKey('spki', bytes, importAlgorithm(kind), true, ['verify']) }
}

/** A private key out of PEM: PKCS #8, or the older forms for RSA and EC. Undefined if there is none. */
export async function privateKeyOf(pem: string): Promise<Key | undefined> {
  const block = pemBlocks(pem).find(({ label }) => /^(?:RSA |EC )?PRIVATE KEY$/.test(label))
  if (!block) return undefined
  let pkcs8 = block.der
  if (block.label === 'RSA PRIVATE KEY') pkcs8 = wrap(der(0x30, der(0x06, oidBytes(RSA)), der(0x05)), block.der)
  if (block.label === 'EC PRIVATE KEY') {
    const parameters = children(readDer(block.der)).find((node) => node.tag === 0xa0)
    if (!parameters) return undefined
    pkcs8 = wrap(der(0x30, der(0x06, oidBytes(EC)), parameters.value), block.der)
  }
  const [, algorithm] = children(readDer(pkcs8))
  const [oid, curve] = children(algorithm!)
  const type = oidOf(oid!.value)
  const kind: KeyKind | undefined = type === RSA ? { type: 'rsa', bits: 0 } : type === EC && CURVES[oidOf(curve!.value)] ? { type: 'ec', curve: CURVES[oidOf(curve!.value)]!.name } : type === ED25519 ? { type: 'ed25519' } : undefined
  if (!kind) return undefined
  const privateKey = await crypto.subtle.importKey('pkcs8', pkcs8, importAlgorithm(kind), true, ['sign'])
  const jwk = await crypto.subtle.exportKey('jwk', privateKey)
  const { d: _d, p: _p, q: _q, dp: _dp, dq: _dq, qi: _qi, ...half } = jwk
  const publicKey = await crypto.subtle.importKey('jwk', { ...half, key_ops: ['verify'] }, importAlgorithm(kind), true, ['verify'])
  const spki = new Uint8Array(await crypto.subtle.exportKey('spki', publicKey))
  return { kind: kindOfSpki(spki), privateKey, publicKey, spki, pkcs8 }
}

function wrap(algorithm: Uint8Array, key: Uint8Array): Uint8Array<ArrayBuffer> {
  return der(0x30, der(0x02, Uint8Array.of(0)), algorithm, der(0x04, key))
}

/** The private key's PEM: PKCS #8, or the older form of its kind. */
export function privateKeyPem(key: Key, traditional = false): string {
  if (!traditional || key.kind.type === 'ed25519') return pemOf('PRIVATE KEY', key.pkcs8!)
  const inner = traditionalDer(key)
  return pemOf(key.kind.type === 'rsa' ? 'RSA PRIVATE KEY' : 'EC PRIVATE KEY', inner)
}

/** PKCS #1 or SEC 1. */
export function traditionalDer(key: Key): Uint8Array {
  const [, algorithm, octets] = children(readDer(key.pkcs8!))
  if (key.kind.type === 'rsa') return octets!.value
  const [version, secret, ...rest] = children(readDer(octets!.value))
  const curve = children(algorithm!)[1]!.raw
  const publicPart = rest.find((node) => node.tag === 0xa1)
  return der(0x30, version!.raw, secret!.raw, der(0xa0, curve), ...(publicPart ? [publicPart.raw] : []))
}

export interface PemBlock {
  label: string
  der: Uint8Array<ArrayBuffer>
}

/** All blocks of a PEM text; broken ones are left out. */
export function pemBlocks(text: string): PemBlock[] {
  const out: PemBlock[] = []
  for (const match of text.matchAll(/-----BEGIN ([A-Z0-9 ]+)-----([A-Za-z0-9+/=\s]+)-----END \1-----/g)) {
    try { out.push({ label: match[1]!, der: bytesOfBase64(match[2]!.replace(/\s/g, '')) }) } catch { /* Not base64. */ }
  }
  return out
}
