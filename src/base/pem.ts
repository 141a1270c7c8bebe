import { base64Of, bytesOfBase64 } from './base64.ts'

/** A PEM block with lines of 64. */
export function pemOf(label: string, der: Uint8Array): string {
  return `-----BEGIN ${label}-----\n${base64Of(der).replace(/.{1,64}/g, '$&\n')}-----END ${label}-----\n`
}

/** The first PEM block with that label. */
export function derOf(label: string, pem: string): Uint8Array<ArrayBuffer> | undefined {
  const match = new RegExp(`-----BEGIN ${label}-----([A-Za-z0-9+/=\\s]+)-----END ${label}-----`).exec(pem)
  if (!match) return undefined
  try {
    return bytesOfBase64(match[1]!.replace(/\s/g, ''))
  } catch {
    return undefined
  }
}

export function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
