/** Base64 of bytes, however many. */
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

/** Base64 for addresses and tokens (RFC 4648, section 5), without padding. */
export const base64Url = (bytes: Uint8Array) => base64Of(bytes).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')

/** The way back from {@link base64Url}. @throws Error for text that isn't base64 */
export const bytesOfBase64Url = (text: string) => bytesOfBase64(text.replaceAll('-', '+').replaceAll('_', '/'))
