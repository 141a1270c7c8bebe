/** RFC 1950's checksum, in decimal digits. */
export function adler32Text(bytes: Uint8Array): string {
  let a = 1
  let b = 0
  for (const byte of bytes) { a = (a + byte) % 65_521; b = (b + a) % 65_521 }
  return String(((b << 16) | a) >>> 0)
}
