/** One element of a DER encoding. */
export interface DerNode {
  tag: number
  /** Contents without tag and length. */
  value: Uint8Array
  /** The whole element. */
  raw: Uint8Array
}

/** The first element of an encoding. @throws Error for what isn't DER */
export function readDer(bytes: Uint8Array, at = 0): DerNode & { end: number } {
  const tag = bytes[at]
  let length = bytes[at + 1]
  if (tag === undefined || length === undefined) throw new Error('not enough data')
  let start = at + 2
  if (length & 0x80) {
    const count = length & 0x7f
    length = 0
    for (let i = 0; i < count; i++) length = length * 256 + (bytes[start + i] ?? 0)
    start += count
  }
  const end = start + length
  if (end > bytes.length) throw new Error('not enough data')
  return { tag, value: bytes.subarray(start, end), raw: bytes.subarray(at, end), end }
}

/** The elements inside of one. */
export function children(node: DerNode): DerNode[] {
  const out: DerNode[] = []
  for (let at = 0; at < node.value.length;) {
    const child = readDer(node.value, at)
    out.push(child)
    at = child.end
  }
  return out
}

/** Encodes an element. */
export function der(tag: number, ...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  const head = length < 128 ? [tag, length] : length < 256 ? [tag, 0x81, length] : [tag, 0x82, length >> 8, length & 255]
  const out = new Uint8Array(head.length + length)
  out.set(head)
  let at = head.length
  for (const part of parts) { out.set(part, at); at += part.length }
  return out
}

/** An object identifier in dots. */
export function oidOf(value: Uint8Array): string {
  const parts = [Math.floor(value[0]! / 40), value[0]! % 40]
  let current = 0
  for (const byte of value.subarray(1)) {
    current = current * 128 + (byte & 0x7f)
    if (!(byte & 0x80)) { parts.push(current); current = 0 }
  }
  return parts.join('.')
}

/** The bytes of an object identifier. */
export function oidBytes(oid: string): Uint8Array {
  const [a, b, ...rest] = oid.split('.').map(Number)
  const out = [a! * 40 + b!]
  for (const part of rest) {
    const digits = [part & 0x7f]
    for (let more = part >>> 7; more > 0; more >>>= 7) digits.unshift((more & 0x7f) | 0x80)
    out.push(...digits)
  }
  return Uint8Array.from(out)
}

/** UTCTime or GeneralizedTime in milliseconds. */
export function timeOf(node: DerNode): number {
  const text = String.fromCharCode(...node.value)
  const full = node.tag === 0x17 ? (Number(text.slice(0, 2)) >= 50 ? '19' : '20') + text : text
  const [, year, month, day, hour, minute, second] = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)/.exec(full)!.map(Number)
  return Date.UTC(year!, month! - 1, day, hour, minute, second)
}

/** A positive INTEGER's bytes without its sign byte. */
export function unsignedOf(value: Uint8Array): Uint8Array {
  let at = 0
  while (at < value.length - 1 && value[at] === 0) at += 1
  return value.subarray(at)
}
