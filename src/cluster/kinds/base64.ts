/** Base64 of texts and bytes, without help from the platform's Buffer. */
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

export function toBase64(data: string | Uint8Array): string {
  const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : data
  let out = ''
  for (let i = 0; i < bytes.length; i += 3) {
    const chunk = (bytes[i]! << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0)
    out += ALPHABET[chunk >> 18]! + ALPHABET[(chunk >> 12) & 63]! + (i + 1 < bytes.length ? ALPHABET[(chunk >> 6) & 63]! : '=') + (i + 2 < bytes.length ? ALPHABET[chunk & 63]! : '=')
  }
  return out
}

/** The bytes; what is no base64 is skipped. */
export function fromBase64(text: string): Uint8Array {
  const clean = text.replace(/[^A-Za-z0-9+/]/g, '')
  const bytes = new Uint8Array(Math.floor((clean.length * 3) / 4))
  let at = 0
  for (let i = 0; i < clean.length; i += 4) {
    const group = [0, 1, 2, 3].map((j) => (i + j < clean.length ? ALPHABET.indexOf(clean[i + j]!) : 0))
    const chunk = (group[0]! << 18) | (group[1]! << 12) | (group[2]! << 6) | group[3]!
    for (const shift of [16, 8, 0]) if (at < bytes.length) bytes[at++] = (chunk >> shift) & 255
  }
  return bytes
}

/** How many bytes a base64 text holds. */
export function base64Length(text: string): number {
  return Math.floor((text.length * 3) / 4) - (text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0)
}
