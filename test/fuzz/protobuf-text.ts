import fieldTable from '../../src/cluster/kinds/protobuf-fields.json' with { type: 'json' }
import type { Json } from './hostile-values.ts'

/** Writes an object in Kubernetes' protobuf form: enough of it to have bodies that the decoder takes, before they are damaged. */
export function protobufOf(object: { [key: string]: Json }): Uint8Array {
  const apiVersion = textOf(object.apiVersion)
  const kind = textOf(object.kind)
  const slash = apiVersion.indexOf('/')
  const group = slash < 0 ? 'core' : apiVersion.slice(0, slash).split('.')[0]!
  const message = Object.keys(fieldTable).find((name) => name.endsWith(`.${group}.${apiVersion.slice(slash + 1)}.${kind}`))
  const type = [...field(1, utf8(apiVersion)), ...field(2, utf8(kind))]
  return Uint8Array.from([0x6b, 0x38, 0x73, 0, ...field(1, type), ...field(2, message ? messageBytes(message, object, 0) : [])])
}

const textOf = (value: Json | undefined) => typeof value === 'string' || typeof value === 'number' ? String(value) : ''
const utf8 = (text: string): number[] => [...new TextEncoder().encode(text)]

/** Long lists don't fit into a call's arguments. */
function append(out: number[], more: readonly number[]): void {
  for (const byte of more) out.push(byte)
}

function varint(value: bigint): number[] {
  const out: number[] = []
  let left = BigInt.asUintN(64, value)
  for (; left > 127n; left >>= 7n) out.push(Number(left & 127n) | 128)
  out.push(Number(left))
  return out
}

function field(number: number, bytes: readonly number[]): number[] {
  return [...varint(BigInt(number << 3 | 2)), ...varint(BigInt(bytes.length)), ...bytes]
}

function messageBytes(message: string, object: Json, depth: number): number[] {
  if (depth > 30) return []
  if (message.endsWith('.resource.Quantity')) return field(1, utf8(textOf(object)))
  if (message.endsWith('.IntOrString')) return typeof object === 'number' ? [8, 0, 16, ...varint(whole(object))] : [8, 1, ...field(3, utf8(textOf(object)))]
  if (message.endsWith('Time')) return [8, ...varint(BigInt(Math.trunc(Date.parse(String(object)) / 1000) || 0))]
  if (object === null || typeof object !== 'object' || Array.isArray(object)) return []
  const out: number[] = []
  for (const entry of ((fieldTable as Record<string, string>)[message] ?? '').split(';').filter(Boolean)) {
    const [tag, name, type, cardinality, inline] = entry.split(' ') as [string, string, string, string, string | undefined]
    const value: Json | undefined = inline === '1' ? object : object[name]
    if (value === undefined || value === null) continue
    const number = Number(tag)
    if (cardinality === '2') {
      if (typeof value === 'object' && !Array.isArray(value)) for (const key of Object.keys(value)) append(out, field(number, [...field(1, utf8(key)), ...single(2, type, value[key]!, depth)]))
    } else if (cardinality === '1') {
      if (Array.isArray(value)) for (const item of value) append(out, single(number, type, item, depth))
    } else append(out, single(number, type, value, depth))
  }
  return out
}

function single(number: number, type: string, value: Json, depth: number): number[] {
  switch (type) {
    case 's': case 'b': return field(number, utf8(textOf(value)))
    case 'i': return [...varint(BigInt(number << 3)), ...varint(whole(value))]
    case 'B': return [...varint(BigInt(number << 3)), value ? 1 : 0]
    case 'd': case 'f': return []
    default: return field(number, messageBytes(type, value, depth + 1))
  }
}

function whole(value: Json): bigint {
  return typeof value === 'number' && Number.isSafeInteger(value) ? BigInt(value) : 0n
}
