import { base64Of, bytesOfBase64 } from '../../../base/base64.ts'
/** SCRAM-SHA-256: how a client proves a password, and what a server keeps of it. Made with WebCrypto, so callers wrap it in {@link Clock.outside}. */

const encoder = new TextEncoder()

export interface Credential { iterations: number; salt: string; storedKey: string; serverKey: string }


async function hmac(key: Uint8Array, text: string): Promise<Uint8Array> {
  const imported = await crypto.subtle.importKey('raw', key as BufferSource, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign'])
  return new Uint8Array(await crypto.subtle.sign('HMAC', imported, encoder.encode(text)))
}

const sha = async (bytes: Uint8Array) => new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as BufferSource))

async function salted(password: string, salt: string, iterations: number): Promise<Uint8Array> {
  const key = await crypto.subtle.importKey('raw', encoder.encode(password), 'PBKDF2', false, ['deriveBits'])
  return new Uint8Array(await crypto.subtle.deriveBits({ name: 'PBKDF2', hash: 'SHA-256', salt: bytesOfBase64(salt), iterations }, key, 256))
}

/** What is kept of a password. `salt` is 28 bytes in base64. */
export async function createCredential(password: string, salt: string, iterations = 15_000): Promise<Credential> {
  const key = await salted(password, salt, iterations)
  return { iterations, salt, storedKey: base64Of(await sha(await hmac(key, 'Client Key'))), serverKey: base64Of(await hmac(key, 'Server Key')) }
}

const field = (message: string, name: string) => message.split(',').find((part) => part.startsWith(`${name}=`))?.slice(2) ?? ''

/** The client's last message, from its first without header, and the server's first. */
export async function clientFinal(password: string, clientFirst: string, serverFirst: string): Promise<string> {
  const key = await salted(password, field(serverFirst, 's'), Number(field(serverFirst, 'i')))
  const clientKey = await hmac(key, 'Client Key')
  const withoutProof = `c=biws,r=${field(serverFirst, 'r')}`
  const signature = await hmac(await sha(clientKey), `${clientFirst},${serverFirst},${withoutProof}`)
  return `${withoutProof},p=${base64Of(clientKey.map((byte, i) => byte ^ signature[i]!))}`
}

/** The server's answer to that; undefined when the proof is wrong. */
export async function serverFinal(credential: Credential, clientFirst: string, serverFirst: string, final: string): Promise<string | undefined> {
  const message = `${clientFirst},${serverFirst},${final.replace(/,p=.*$/, '')}`
  const signature = await hmac(bytesOfBase64(credential.storedKey), message)
  const proof = bytesOfBase64(field(final, 'p'))
  const clientKey = proof.map((byte, i) => byte ^ signature[i]!)
  if (base64Of(await sha(clientKey)) !== credential.storedKey) return undefined
  return `v=${base64Of(await hmac(bytesOfBase64(credential.serverKey), message))}`
}

export { field as scramField }
