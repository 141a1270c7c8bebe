import { base64Url, bytesOfBase64Url } from '../../../base/base64.ts'

/** Claims of a token; times are seconds since 1970. */
export interface Claims {
  iss?: string
  sub?: string
  aud?: string | readonly string[]
  exp?: number
  nbf?: number
  iat?: number
  jti?: string
  [claim: string]: unknown
}

export interface Jwt {
  header: { alg?: string; kid?: string }
  claims: Claims
  /** What is signed. */
  signingInput: string
  signature: Uint8Array<ArrayBuffer>
}

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true })
const SIGNATURE = { name: 'ECDSA', hash: 'SHA-256' } as const

function part(value: unknown): string {
  const text = JSON.stringify(value)
  // btoa takes characters for bytes, which is right for ASCII.
  return /^[\x20-\x7e]*$/.test(text) ? btoa(text).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '') : base64Url(encoder.encode(text))
}

/** The header of every token that a key signs. */
const headers = new WeakMap<object, string>()

/** Signs with ES256. */
export async function signJwt(claims: Claims, key: { privateKey: CryptoKey; keyId: string; sign?: (data: Uint8Array) => Promise<Uint8Array> }): Promise<string> {
  let header = headers.get(key)
  if (!header) headers.set(key, header = part({ alg: 'ES256', kid: key.keyId }))
  const input = `${header}.${part(claims)}`
  // WebCrypto's ECDSA signatures are r and s side by side, which is what ES256 wants.
  const data = encoder.encode(input)
  const signature = key.sign ? await key.sign(data) : new Uint8Array(await crypto.subtle.sign(SIGNATURE, key.privateKey, data))
  return `${input}.${base64Url(signature)}`
}

/** Undefined for text that is no JWT. */
export function parseJwt(token: string): Jwt | undefined {
  const parts = token.split('.')
  if (parts.length !== 3) return undefined
  try {
    const header = JSON.parse(decoder.decode(bytesOfBase64Url(parts[0]!))) as Jwt['header']
    const claims = JSON.parse(decoder.decode(bytesOfBase64Url(parts[1]!))) as Claims
    if (header === null || typeof header !== 'object' || claims === null || typeof claims !== 'object') return undefined
    return { header, claims, signingInput: `${parts[0]}.${parts[1]}`, signature: bytesOfBase64Url(parts[2]!) }
  } catch {
    return undefined
  }
}

export async function verifyJwt(jwt: Jwt, publicKey: CryptoKey): Promise<boolean> {
  return jwt.header.alg === 'ES256' && crypto.subtle.verify(SIGNATURE, publicKey, jwt.signature, encoder.encode(jwt.signingInput))
}
