import csi from './csi-messages.json' with { type: 'json' }
import kubelet from './kubelet-messages.json' with { type: 'json' }

/** A field: its number, its type, and whether it repeats or is one of several. */
type Field = [number: number, type: string, kind?: string]
type Message = Record<string, Field>

const messages = { ...csi.messages, ...kubelet.messages } as unknown as Record<string, Message>
const enums = { ...csi.enums, ...kubelet.enums } as Record<string, Record<string, number>>
/** By full name of the service; a third item marks methods with any number of responses. */
const services = { ...csi.services, ...kubelet.services } as unknown as Record<string, Record<string, [request: string, response: string, kind?: 'stream']>>
const encoder = new TextEncoder()
const decoder = new TextDecoder()
const VARINT = 0
const LENGTH = 2

/** The messages of a method such as `csi.v1.Node/NodeGetInfo`; undefined for one of no API that drivers on nodes have. */
export function messagesOf(method: string): { request: string; response: string } | undefined {
  const [service = '', name = ''] = method.split('/')
  const found = services[service]?.[name]
  return found && { request: found[0], response: found[1] }
}

/** Full names of the methods that answer with any number of messages. */
export const streamMethods: readonly string[] = Object.entries(services).flatMap(([service, methods]) => Object.entries(methods).filter(([, [, , kind]]) => kind === 'stream').map(([name]) => `${service}/${name}`))

/** A message of one of those APIs as bytes; as in proto3, what has its default isn't written. */
export function encodeMessage(name: string, value: Readonly<Record<string, any>>): Uint8Array {
  const out: number[] = []
  for (const [field, [number, type, kind]] of Object.entries(messages[name] ?? {})) {
    const held = value[field]
    if (held === undefined || held === null) continue
    const mapped = /^map<(.*)>$/.exec(type)?.[1]
    if (mapped !== undefined) for (const [key, each] of Object.entries(held as object)) block(out, number, [...tagged(1, 'string', key, true), ...tagged(2, mapped, each, true)])
    else if (kind === 'repeated') for (const each of held as unknown[]) out.push(...tagged(number, type, each, true))
    else out.push(...tagged(number, type, held, kind === 'oneof'))
  }
  return Uint8Array.from(out)
}

function tagged(number: number, type: string, value: any, always: boolean): number[] {
  const out: number[] = []
  if (type.startsWith('@')) block(out, number, tagged(1, type.slice(1), value, false))
  else if (type === 'string' || type === 'bytes') {
    const bytes = typeof value === 'string' ? encoder.encode(value) : value as Uint8Array
    if (always || bytes.length > 0) block(out, number, bytes)
  } else if (messages[type]) block(out, number, encodeMessage(type, value as object))
  else {
    const amount = type === 'bool' ? Number(value) : enums[type] ? typeof value === 'number' ? value : enums[type][value as string] ?? 0 : Number(value)
    if (!always && amount === 0) return out
    varint(out, BigInt(number << 3 | VARINT))
    varint(out, BigInt.asUintN(64, BigInt(Math.trunc(amount))))
  }
  return out
}

function block(out: number[], number: number, bytes: Iterable<number>): void {
  const held = [...bytes]
  varint(out, BigInt(number << 3 | LENGTH))
  varint(out, BigInt(held.length))
  for (const byte of held) out.push(byte)
}

function varint(out: number[], value: bigint): void {
  let rest = value
  for (; rest >= 0x80n; rest >>= 7n) out.push(Number(rest & 0x7fn) | 0x80)
  out.push(Number(rest))
}

/** A message of one of those APIs from its bytes, with the defaults of what isn't there. @throws Error for bytes that are none */
export function decodeMessage(name: string, bytes: Uint8Array): Record<string, any> {
  const message = messages[name] ?? {}
  const out: Record<string, any> = {}
  const byNumber = new Map<number, [string, Field]>()
  for (const [field, definition] of Object.entries(message)) {
    const [number, type, kind] = definition
    byNumber.set(number, [field, definition])
    if (kind === 'repeated') out[field] = []
    else if (type.startsWith('map<')) out[field] = {}
    else if (kind !== 'oneof' && !type.startsWith('@') && !messages[type]) out[field] = defaultOf(type)
  }
  let at = 0
  const integer = (): bigint => {
    let value = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++]
      if (byte === undefined) throw new Error('unexpected EOF')
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
  }
  while (at < bytes.length) {
    const tag = Number(integer())
    let raw: bigint | Uint8Array
    if ((tag & 7) === VARINT) raw = integer()
    else {
      const length = (tag & 7) === LENGTH ? Number(integer()) : (tag & 7) === 1 ? 8 : 4
      raw = bytes.subarray(at, at + length)
      if (raw.length < length) throw new Error('unexpected EOF')
      at += length
    }
    const found = byNumber.get(tag >> 3)
    if (!found) continue
    const [field, [, type, kind]] = found
    const mapped = /^map<(.*)>$/.exec(type)?.[1]
    if (mapped !== undefined) {
      const [key, value] = entryOf(raw as Uint8Array, mapped)
      out[field][key] = value
    } else if (kind === 'repeated') out[field].push(valueOf(type, raw))
    else out[field] = valueOf(type, raw)
  }
  return out
}

function entryOf(bytes: Uint8Array, type: string): [string, unknown] {
  const parts: (Uint8Array | undefined)[] = []
  for (let at = 0; at < bytes.length;) {
    const tag = bytes[at++]!
    let length = 0
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++] ?? 0
      length |= (byte & 0x7f) << shift
      if (byte < 0x80) break
    }
    parts[tag >> 3] = bytes.subarray(at, at + length)
    at += length
  }
  return [decoder.decode(parts[1]), valueOf(type, parts[2] ?? new Uint8Array(0))]
}

function valueOf(type: string, raw: bigint | Uint8Array): unknown {
  if (type.startsWith('@')) return raw instanceof Uint8Array && raw.length > 1 ? valueOf(type.slice(1), varintIn(raw.subarray(1))) : defaultOf(type.slice(1))
  if (raw instanceof Uint8Array) return type === 'string' ? decoder.decode(raw) : messages[type] ? decodeMessage(type, raw) : raw
  if (type === 'bool') return raw !== 0n
  if (enums[type]) return Object.entries(enums[type]).find(([, number]) => number === Number(raw))?.[0] ?? Number(raw)
  return Number(BigInt.asIntN(64, raw))
}

function varintIn(bytes: Uint8Array): bigint {
  let value = 0n
  bytes.forEach((byte, i) => { value |= BigInt(byte & 0x7f) << BigInt(7 * i) })
  return value
}

function defaultOf(type: string): unknown {
  if (type === 'string') return ''
  if (type === 'bytes') return new Uint8Array(0)
  if (type === 'bool') return false
  const names = enums[type]
  return names ? Object.entries(names).find(([, number]) => number === 0)?.[0] ?? 0 : 0
}

/** A message with the names of fields that JSON tags of Go's structs have, without what has its default, for logs: secrets are in them, as in the driver's own. */
export function loggedCsi(name: string, value: Readonly<Record<string, any>>): Record<string, unknown> {
  const out: Record<string, unknown> = {}
  for (const [field, [, type, kind]] of Object.entries(messages[name] ?? {})) {
    const held = value[field]
    if (held === undefined || held === null || held === '' || held === 0 || held === false || (Array.isArray(held) && held.length === 0)) continue
    const tag = field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
    const one = (each: any): unknown => messages[type] ? loggedCsi(type, each) : enums[type] && typeof each === 'string' ? enums[type][each] : each
    if (type.startsWith('map<')) {
      if (Object.keys(held as object).length > 0) out[tag] = held
    } else if (kind === 'oneof' && ONE_OFS[name]) out[ONE_OFS[name]] = { [field[0]!.toUpperCase() + field.slice(1)]: one(held) }
    else out[tag] = kind === 'repeated' ? (held as unknown[]).map(one) : one(held)
  }
  return out
}

/** What Go's structs call the field that holds one of several. */
const ONE_OFS: Readonly<Record<string, string>> = { VolumeCapability: 'AccessType', VolumeContentSource: 'Type', PluginCapability: 'Type', ControllerServiceCapability: 'Type', NodeServiceCapability: 'Type' }
