import type { Clock } from '../../../base/clock.ts'

/** k8s: cmd/kubeadm/app/constants CertificateKeySize */
export const CERTIFICATE_KEY_BYTES = 32
/** Of AES-GCM, as Go's has them. */
export const NONCE_BYTES = 12

/** The key that --certificate-key gives. @throws Error in kubeadm's words */
export function certificateKeyOf(text: string): Uint8Array<ArrayBuffer> {
  const wrong = /[^0-9a-f]/iu.exec(text)?.[0]
  if (wrong !== undefined) throw new Error(`error decoding certificate key: encoding/hex: invalid byte: U+${wrong.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')} '${wrong}'`)
  if (text.length % 2 === 1) throw new Error('error decoding certificate key: encoding/hex: odd length hex string')
  const key = Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16))
  if (key.length !== CERTIFICATE_KEY_BYTES) throw new Error(`invalid certificate key: length must be ${CERTIFICATE_KEY_BYTES} bytes`)
  return key
}

const imported = (key: Uint8Array<ArrayBuffer>, usage: 'encrypt' | 'decrypt') => crypto.subtle.importKey('raw', key, 'AES-GCM', false, [usage])

/** AES-GCM with the nonce in front. k8s: cmd/kubeadm/app/util/crypto EncryptBytes */
export function encrypted(clock: Clock, bytes: Uint8Array<ArrayBuffer>, key: Uint8Array<ArrayBuffer>, nonce: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  return clock.outside((async () => {
    const sealed = new Uint8Array(await crypto.subtle.encrypt({ name: 'AES-GCM', iv: nonce }, await imported(key, 'encrypt'), bytes))
    return Uint8Array.from([...nonce, ...sealed])
  })())
}

/** k8s: cmd/kubeadm/app/util/crypto DecryptBytes. @throws Error for another key */
export async function decrypted(clock: Clock, bytes: Uint8Array<ArrayBuffer>, key: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return await clock.outside((async () => new Uint8Array(await crypto.subtle.decrypt({ name: 'AES-GCM', iv: bytes.slice(0, NONCE_BYTES) }, await imported(key, 'decrypt'), bytes.slice(NONCE_BYTES))))())
  } catch {
    throw new Error('cipher: message authentication failed')
  }
}
