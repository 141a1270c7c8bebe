import fieldTable from './protobuf-fields.json' with { type: 'json' }
import { setOwn } from '../../base/freeze.ts'
import { rfc3339, rfc3339Micro } from '../../base/clock.ts'

/** The media type that Go clients prefer for bodies of built-in kinds. */
export const PROTOBUF_TYPE = 'application/vnd.kubernetes.protobuf'

/** A body that isn't what it says it is. */
export class ProtobufError extends Error {}

interface Field {
  name: string
  /** s text, b bytes, i integer, B boolean, d double, f float; else the name of a message. */
  type: string
  repeated: boolean
  map: boolean
  /** The message's fields stand beside their parent's in JSON. */
  inline: boolean
}

/** `k8s\0`, then a runtime.Unknown. k8s: apimachinery/pkg/runtime/serializer/protobuf */
const MAGIC = [0x6b, 0x38, 0x73, 0x00]

const parsed = new Map<string, Map<number, Field>>()

function fieldsOf(message: string): Map<number, Field> {
  let fields = parsed.get(message)
  if (!fields) {
    fields = new Map()
    const text = (fieldTable as Record<string, string>)[message] ?? ''
    for (const entry of text.split(';').filter(Boolean)) {
      const [number, name, type, cardinality, inline] = entry.split(' ')
      fields.set(Number(number), { name: name!, type: type!, repeated: cardinality === '1', map: cardinality === '2', inline: inline === '1' })
    }
    parsed.set(message, fields)
  }
  return fields
}

/** `k8s.io.api.core.v1.Pod` for v1 Pod. */
const messageByKind = new Map<string, string>()
const GROUP_PACKAGES: Record<string, string> = {
  '': 'k8s.io.api.core', 'apiextensions.k8s.io': 'k8s.io.apiextensions_apiserver.pkg.apis.apiextensions', 'apiregistration.k8s.io': 'k8s.io.kube_aggregator.pkg.apis.apiregistration',
  'flowcontrol.apiserver.k8s.io': 'k8s.io.api.flowcontrol', 'rbac.authorization.k8s.io': 'k8s.io.api.rbac',
}
const META_KINDS = new Set(['DeleteOptions', 'CreateOptions', 'UpdateOptions', 'PatchOptions', 'ListOptions', 'GetOptions', 'Status'])

function messageOf(apiVersion: string, kind: string): string | undefined {
  const key = `${apiVersion} ${kind}`
  const held = messageByKind.get(key)
  if (held) return held
  const [group, version] = apiVersion.includes('/') ? apiVersion.split('/') as [string, string] : ['', apiVersion]
  const name = META_KINDS.has(kind) ? `k8s.io.apimachinery.pkg.apis.meta.v1.${kind}` : `${GROUP_PACKAGES[group] ?? `k8s.io.api.${group.split('.')[0]}`}.${version}.${kind}`
  if (!(name in fieldTable)) return undefined
  messageByKind.set(key, name)
  return name
}

/**
 * Decodes a Kubernetes protobuf body into the JSON form of the object; kind and apiVersion come from its envelope.
 * @throws ProtobufError
 */
export function decodeProtobuf(bytes: Uint8Array): Record<string, unknown> {
  if (MAGIC.some((byte, i) => bytes[i] !== byte)) throw new ProtobufError('provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]')
  const envelope = { apiVersion: '', kind: '', raw: new Uint8Array() as Uint8Array }
  eachField(bytes.subarray(4), (number, value) => {
    if (number === 1 && value instanceof Uint8Array) eachField(value, (n, v) => {
      if (n === 1) envelope.apiVersion = text(v)
      if (n === 2) envelope.kind = text(v)
    })
    if (number === 2 && value instanceof Uint8Array) envelope.raw = value
  })
  const message = messageOf(envelope.apiVersion, envelope.kind)
  if (!message) throw new ProtobufError(`no kind "${envelope.kind}" is registered for version "${envelope.apiVersion}"`)
  return { ...decodeMessage(message, envelope.raw, 0) as Record<string, unknown>, kind: envelope.kind, apiVersion: envelope.apiVersion }
}

const MAX_DEPTH = 100

function decodeMessage(message: string, bytes: Uint8Array, depth: number): unknown {
  if (depth > MAX_DEPTH) throw new ProtobufError('the message is nested too deeply')
  const special = SPECIAL[message]
  if (special) return special(bytes)
  const out: Record<string, unknown> = {}
  const fields = fieldsOf(message)
  eachField(bytes, (number, value) => {
    const field = fields.get(number)
    if (!field) return
    if (field.map) {
      let key = ''
      let entry: unknown = isScalar(field.type) ? scalar(field.type, field.type === 's' || field.type === 'b' ? new Uint8Array() : 0n) : decodeMessage(field.type, new Uint8Array(), depth + 1)
      eachField(bytesOf(value), (n, v) => {
        if (n === 1) key = text(v)
        else if (n === 2) entry = isScalar(field.type) ? scalar(field.type, v) : decodeMessage(field.type, bytesOf(v), depth + 1)
      })
      if (!Object.hasOwn(out, field.name)) out[field.name] = {}
      setOwn(out[field.name] as Record<string, unknown>, key, entry)
      return
    }
    if (field.repeated) {
      const list = (out[field.name] ??= []) as unknown[]
      // Numbers may come packed.
      if (field.type === 'i' && value instanceof Uint8Array) { eachVarint(value, (n) => list.push(Number(BigInt.asIntN(64, n)))); return }
      list.push(isScalar(field.type) ? scalar(field.type, value) : decodeMessage(field.type, bytesOf(value), depth + 1))
      return
    }
    const decoded = isScalar(field.type) ? scalar(field.type, value) : decodeMessage(field.type, bytesOf(value), depth + 1)
    if (field.inline && decoded !== null && typeof decoded === 'object') Object.assign(out, decoded)
    else out[field.name] = decoded
  })
  return out
}

/** Messages whose JSON form isn't an object of their fields. */
const SPECIAL: Record<string, (bytes: Uint8Array) => unknown> = {
  'k8s.io.apimachinery.pkg.api.resource.Quantity': (bytes) => only(bytes, 1, text) ?? '0',
  'k8s.io.apimachinery.pkg.util.intstr.IntOrString': (bytes) => {
    let type = 0n
    let number = 0n
    let string = ''
    eachField(bytes, (n, v) => {
      if (n === 1) type = v as bigint
      if (n === 2) number = BigInt.asIntN(64, v as bigint)
      if (n === 3) string = text(v)
    })
    return type === 0n ? Number(number) : string
  },
  'k8s.io.apimachinery.pkg.apis.meta.v1.Time': (bytes) => timeOf(bytes, false),
  'k8s.io.apimachinery.pkg.apis.meta.v1.MicroTime': (bytes) => timeOf(bytes, true),
  'k8s.io.apimachinery.pkg.apis.meta.v1.Duration': (bytes) => `${Number(only(bytes, 1, (v) => BigInt.asIntN(64, v as bigint)) ?? 0n) / 1e9}s`,
  'k8s.io.apimachinery.pkg.runtime.RawExtension': (bytes) => jsonOf(only(bytes, 1, bytesOf)),
  'k8s.io.apimachinery.pkg.apis.meta.v1.FieldsV1': (bytes) => jsonOf(only(bytes, 1, bytesOf)),
  'k8s.io.apiextensions_apiserver.pkg.apis.apiextensions.v1.JSON': (bytes) => jsonOf(only(bytes, 1, bytesOf)),
  'k8s.io.apiextensions_apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrBool': (bytes) => only(bytes, 2, (v) => decodeMessage(SCHEMA_PROPS, bytesOf(v), 1)) ?? Boolean(only(bytes, 1, (v) => v)),
  'k8s.io.apiextensions_apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrArray': (bytes) => only(bytes, 1, (v) => decodeMessage(SCHEMA_PROPS, bytesOf(v), 1)) ?? all(bytes, 2, (v) => decodeMessage(SCHEMA_PROPS, bytesOf(v), 1)),
  'k8s.io.apiextensions_apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrStringArray': (bytes) => only(bytes, 1, (v) => decodeMessage(SCHEMA_PROPS, bytesOf(v), 1)) ?? all(bytes, 2, text),
}
const SCHEMA_PROPS = 'k8s.io.apiextensions_apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps'
// Lists that have a message of their own.
for (const name of Object.keys(fieldTable)) if (/\.(?:ExtraValue|Verbs)$/.test(name)) SPECIAL[name] = (bytes) => all(bytes, 1, text)

type Value = bigint | Uint8Array | number

function only<T>(bytes: Uint8Array, wanted: number, read: (value: Value) => T): T | undefined {
  let out: T | undefined
  eachField(bytes, (number, value) => { if (number === wanted) out = read(value) })
  return out
}

function all<T>(bytes: Uint8Array, wanted: number, read: (value: Value) => T): T[] {
  const out: T[] = []
  eachField(bytes, (number, value) => { if (number === wanted) out.push(read(value)) })
  return out
}

function timeOf(bytes: Uint8Array, micro: boolean): string | null {
  if (bytes.length === 0) return null
  let seconds = 0n
  let nanos = 0n
  eachField(bytes, (n, v) => {
    if (n === 1) seconds = BigInt.asIntN(64, v as bigint)
    if (n === 2) nanos = BigInt.asIntN(32, v as bigint)
  })
  const ms = Number(seconds) * 1000 + Number(nanos) / 1e6
  // Go's zero time.
  if (ms <= -62_135_596_800_000) return null
  return micro ? rfc3339Micro(ms) : rfc3339(ms)
}

function jsonOf(bytes: Uint8Array | undefined): unknown {
  if (!bytes || bytes.length === 0) return null
  try {
    return JSON.parse(decoder.decode(bytes))
  } catch (error) {
    throw new ProtobufError((error as Error).message)
  }
}

const isScalar = (type: string) => type.length === 1
const decoder = new TextDecoder()

function scalar(type: string, value: Value): unknown {
  switch (type) {
    case 's': return text(value)
    case 'b': return base64(bytesOf(value))
    case 'B': return value !== 0n
    case 'i': {
      const number = BigInt.asIntN(64, typeof value === 'bigint' ? value : 0n)
      return Number(number)
    }
    default: return Number(value)
  }
}

function text(value: Value): string {
  return decoder.decode(bytesOf(value))
}

function bytesOf(value: Value): Uint8Array {
  if (!(value instanceof Uint8Array)) throw new ProtobufError('proto: wrong wireType')
  return value
}

function base64(bytes: Uint8Array): string {
  let binary = ''
  for (let i = 0; i < bytes.length; i += 8_192) binary += String.fromCharCode(...bytes.subarray(i, i + 8_192))
  return btoa(binary)
}

/** Walks the fields of a message. @throws ProtobufError for bytes that are no protobuf. */
function eachField(bytes: Uint8Array, visit: (number: number, value: Value) => void): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let at = 0
  const varint = (): bigint => {
    let out = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      if (at >= bytes.length) throw new ProtobufError('unexpected EOF')
      const byte = bytes[at++]!
      out |= BigInt(byte & 127) << shift
      if (byte < 128) return out
    }
    throw new ProtobufError('proto: integer overflow')
  }
  while (at < bytes.length) {
    const key = varint()
    const number = Number(key >> 3n)
    switch (Number(key & 7n)) {
      case 0: visit(number, varint()); break
      case 1:
        if (at + 8 > bytes.length) throw new ProtobufError('unexpected EOF')
        visit(number, view.getFloat64(at, true))
        at += 8
        break
      case 2: {
        const length = Number(varint())
        if (at + length > bytes.length) throw new ProtobufError('unexpected EOF')
        visit(number, bytes.subarray(at, at + length))
        at += length
        break
      }
      case 5:
        if (at + 4 > bytes.length) throw new ProtobufError('unexpected EOF')
        visit(number, view.getFloat32(at, true))
        at += 4
        break
      default: throw new ProtobufError(`proto: illegal wireType ${Number(key & 7n)}`)
    }
  }
}

function eachVarint(bytes: Uint8Array, visit: (value: bigint) => void): void {
  let value = 0n
  let shift = 0n
  for (const byte of bytes) {
    value |= BigInt(byte & 127) << shift
    shift += 7n
    if (byte < 128) { visit(value); value = 0n; shift = 0n }
  }
}
