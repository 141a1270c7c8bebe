/** Base64 of bytes. */
export function base64Of(bytes: Uint8Array): string {
  let text = ''
  for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode.apply(null, bytes.subarray(i, i + 8192) as unknown as number[])
  return btoa(text)
}

/** @throws Error for text that isn't base64 */
export function bytesOfBase64(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text)
  const bytes = new Uint8Array(binary.length)
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i)
  return bytes
}

export const base64Url = (bytes: Uint8Array) => base64Of(bytes).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')

export const bytesOfBase64Url = (text: string) => bytesOfBase64(text.replaceAll('-', '+').replaceAll('_', '/'))

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
