const encoder = new TextEncoder()
const decoder = new TextDecoder()

export const encodeText = (text: string): Uint8Array => encoder.encode(text)
export const decodeText = (bytes: Uint8Array): string => decoder.decode(bytes)

/** Bytes as characters of the same numbers: what is in a file, whatever its encoding, for work on its lines. */
export function binaryText(bytes: Uint8Array): string {
  let text = ''
  for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192))
  return text
}

/** The way back from {@link binaryText}. */
export function binaryBytes(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length)
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i)
  return bytes
}

export function hexBytes(hex: string): Uint8Array {
  const bytes = new Uint8Array(hex.length / 2)
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(hex.slice(i * 2, i * 2 + 2), 16)
  return bytes
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

export function hexText(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += HEX[byte]
  return text
}

/** Whether Git takes a content for binary: a NUL near its beginning. */
export function isBinary(bytes: Uint8Array): boolean {
  const at = bytes.indexOf(0)
  return at >= 0 && at < 8000
}

/** Names in the order of their UTF-8 bytes, which is Git's everywhere. */
export function byteOrder(a: string, b: string): number {
  if (a === b) return 0
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const [x, y] = [a.charCodeAt(i), b.charCodeAt(i)]
    if (x === y) continue
    // Halves of characters beyond the basic plane come behind everything else in it.
    const surrogate = (code: number) => code >= 0xd800 && code <= 0xdfff ? code + 0x10000 : code
    return surrogate(x) - surrogate(y)
  }
  return a.length - b.length
}

/** Lines with their ends; the last one may have none. */
export function splitLines(text: string): string[] {
  const lines: string[] = []
  for (let at = 0; at < text.length;) {
    const end = text.indexOf('\n', at)
    const next = end < 0 ? text.length : end + 1
    lines.push(text.slice(at, next))
    at = next
  }
  return lines
}

/** A path as printed: in quotes with C's escapes where it holds what a terminal shouldn't get. As quote.c does it. */
export function quotePath(path: string, quoteHigh = true): string {
  let quoted = ''
  let needed = false
  for (const byte of encoder.encode(path)) {
    const named = byte === 34 ? '"' : byte === 92 ? '\\' : byte >= 7 && byte <= 13 ? 'abtnvfr'[byte - 7]! : undefined
    if (named) { quoted += `\\${named}`; needed = true } else if (byte < 32 || byte === 127 || (byte >= 128 && quoteHigh)) { quoted += `\\${byte.toString(8).padStart(3, '0')}`; needed = true } else quoted += String.fromCharCode(byte)
  }
  return needed ? `"${quoteHigh ? quoted : decodeText(binaryBytes(quoted))}"` : path
}
