import { base64Of } from '../../base/base64.ts'
import { setOwn } from '../../base/freeze.ts'
import { rfc3339, rfc3339Micro } from '../../base/clock.ts'
import { goFieldName } from './go-field-names.ts'
import { fieldsOf, isScalar, isTextList, messageOf, PROTOBUF_MAGIC, type ProtobufField } from './protobuf-messages.ts'

/** The media type that Go clients prefer for bodies of built-in kinds. */
export const PROTOBUF_TYPE = 'application/vnd.kubernetes.protobuf'

/** A body that isn't what it says it is. */
export class ProtobufError extends Error {
  /** What it says, once that could be read. */
  type?: ProtobufType
}

/** A message's fields, and its name in Go. */
interface Shape {
  name: string
  fields: Map<number, ProtobufField>
}

const shapes = new Map<string, Shape>()

function shapeOf(message: string): Shape {
  let shape = shapes.get(message)
  if (!shape) shapes.set(message, shape = shapeWith(message.slice(message.lastIndexOf('.') + 1), fieldsOf(message)))
  return shape
}

function shapeWith(name: string, fields: readonly ProtobufField[]): Shape {
  return { name, fields: new Map(fields.map((field) => [field.number, field])) }
}

const plain = (number: number, name: string, type: string): ProtobufField => ({ number, name, type, repeated: false, map: false, always: true, inline: false })
/** k8s: apimachinery/pkg/runtime generated.proto */
const UNKNOWN = shapeWith('Unknown', [plain(1, 'typeMeta', 'TypeMeta'), plain(2, 'raw', 'b'), plain(3, 'contentEncoding', 's'), plain(4, 'contentType', 's')])
const TYPE_META = shapeWith('TypeMeta', [plain(1, 'apiVersion', 's'), plain(2, 'kind', 's')])

/** What a body says that it is. */
export interface ProtobufType {
  apiVersion: string
  kind: string
}

/**
 * Decodes a Kubernetes protobuf body into the JSON form of the object; kind and apiVersion come from its envelope, else from `fallback`.
 * @param check may refuse what the envelope says before the message is read
 * @throws ProtobufError k8s: runtime/serializer/protobuf Serializer Decode
 */
export function decodeProtobuf(bytes: Uint8Array, fallback: ProtobufType = { apiVersion: '', kind: '' }, check?: (type: ProtobufType) => void): Record<string, unknown> {
  if (bytes.length === 0) throw new ProtobufError('empty data')
  if (PROTOBUF_MAGIC.some((byte, i) => bytes[i] !== byte)) throw new ProtobufError('provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]')
  if (bytes.length === PROTOBUF_MAGIC.length) throw new ProtobufError('empty body')
  const type = { apiVersion: '', kind: '' }
  let raw: Uint8Array = new Uint8Array()
  eachField(bytes.subarray(PROTOBUF_MAGIC.length), (number, value) => {
    if (number === 1) eachField(bytesOf(value), (n, v) => {
      if (n === 1) type.apiVersion = text(v)
      if (n === 2) type.kind = text(v)
    }, TYPE_META)
    if (number === 2) raw = bytesOf(value)
  }, UNKNOWN)
  if (type.kind === '') type.kind = fallback.kind
  // What isn't a group and a version says nothing.
  if (type.apiVersion === '' || type.apiVersion.split('/').length > 2) type.apiVersion = fallback.apiVersion
  try {
    check?.(type)
    const message = messageOf(type.apiVersion, type.kind)
    if (!message) throw new ProtobufError(`no kind ${JSON.stringify(type.kind)} is registered for version ${JSON.stringify(type.apiVersion)} in scheme "pkg/runtime/scheme.go:111"`)
    return { ...decodeMessage(message, raw, 0) as Record<string, unknown>, ...type }
  } catch (error) {
    if (error instanceof ProtobufError) error.type = type
    throw error
  }
}

const MAX_DEPTH = 100

function decodeMessage(message: string, bytes: Uint8Array, depth: number): unknown {
  if (depth > MAX_DEPTH) throw new ProtobufError('the message is nested too deeply')
  const special = SPECIAL[message] ?? (isTextList(message) ? textList : undefined)
  if (special) return special(bytes)
  const out: Record<string, unknown> = {}
  const shape = shapeOf(message)
  eachField(bytes, (number, value) => {
    const field = shape.fields.get(number)
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
  }, shape)
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
  'k8s.io.apimachinery.pkg.apis.meta.v1.FieldsV1': (bytes) => {
    try {
      return jsonOf(only(bytes, 1, bytesOf))
    } catch {
      // Go keeps the bytes and finds later that they are no set of fields.
      return {}
    }
  },
  'k8s.io.apiextensions_apiserver.pkg.apis.apiextensions.v1.JSON': (bytes) => jsonOf(only(bytes, 1, bytesOf)),
  'k8s.io.apiextensions_apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrBool': (bytes) => only(bytes, 2, (v) => decodeMessage(SCHEMA_PROPS, bytesOf(v), 1)) ?? Boolean(only(bytes, 1, (v) => v)),
  'k8s.io.apiextensions_apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrArray': (bytes) => only(bytes, 1, (v) => decodeMessage(SCHEMA_PROPS, bytesOf(v), 1)) ?? all(bytes, 2, (v) => decodeMessage(SCHEMA_PROPS, bytesOf(v), 1)),
  'k8s.io.apiextensions_apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrStringArray': (bytes) => only(bytes, 1, (v) => decodeMessage(SCHEMA_PROPS, bytesOf(v), 1)) ?? all(bytes, 2, text),
}
const SCHEMA_PROPS = 'k8s.io.apiextensions_apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps'
// Lists that have a message of their own.
const textList = (bytes: Uint8Array) => all(bytes, 1, text)

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

const decoder = new TextDecoder()

function scalar(type: string, value: Value): unknown {
  switch (type) {
    case 's': return text(value)
    case 'b': return base64Of(bytesOf(value))
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

/** Walks the fields of a message. @throws ProtobufError for bytes that aren't the fields of `shape`. k8s: the Unmarshal methods of generated.pb.go */
function eachField(bytes: Uint8Array, visit: (number: number, value: Value) => void, shape?: Shape): void {
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
    const number = Number(BigInt.asIntN(32, key >> 3n))
    const wireType = Number(key & 7n)
    if (shape) checkTag(shape, number, wireType)
    switch (wireType) {
      case 0: visit(number, varint()); break
      case 1:
        if (at + 8 > bytes.length) throw new ProtobufError('unexpected EOF')
        visit(number, view.getFloat64(at, true))
        at += 8
        break
      case 2: {
        const length = Number(BigInt.asIntN(64, varint()))
        if (at + length > bytes.length) throw new ProtobufError('unexpected EOF')
        visit(number, bytes.subarray(at, at + length))
        at += length
        break
      }
      case 3: at = groupEnd(bytes, at); break
      case 5:
        if (at + 4 > bytes.length) throw new ProtobufError('unexpected EOF')
        visit(number, view.getFloat32(at, true))
        at += 4
        break
      default: throw new ProtobufError(`proto: illegal wireType ${wireType}`)
    }
  }
}

function checkTag(shape: Shape, number: number, wireType: number): void {
  if (wireType === 4) throw new ProtobufError(`proto: ${shape.name}: wiretype end group for non-group`)
  if (number <= 0) throw new ProtobufError(`proto: ${shape.name}: illegal tag ${number} (wire type ${wireType})`)
  const field = shape.fields.get(number)
  if (!field) return
  const isNumber = field.type === 'i' || field.type === 'B'
  const expected = field.map || !isScalar(field.type) ? 2 : isNumber ? 0 : field.type === 'd' ? 1 : 2
  if (wireType === expected || (wireType === 2 && field.repeated && isNumber)) return
  throw new ProtobufError(`proto: wrong wireType = ${wireType} for field ${goFieldName(shape.name, field.name)}`)
}

/** Where a group ends, which nobody writes any more. k8s: skipGenerated */
function groupEnd(bytes: Uint8Array, start: number): number {
  const varintEnd = (at: number): number => {
    while (at < bytes.length && bytes[at]! > 127) at++
    if (at >= bytes.length) throw new ProtobufError('unexpected EOF')
    return at + 1
  }
  let at = start
  for (let depth = 1; depth > 0;) {
    const tag = at
    at = varintEnd(at)
    switch (bytes[tag]! & 7) {
      case 0: at = varintEnd(at); break
      case 1: at += 8; break
      case 2: {
        const from = at
        at = varintEnd(at)
        let length = 0
        for (let i = at - 1; i >= from; i--) length = length * 128 + (bytes[i]! & 127)
        at += length
        break
      }
      case 3: depth++; break
      case 4: depth--; break
      case 5: at += 4; break
      default: throw new ProtobufError(`proto: illegal wireType ${bytes[tag]! & 7}`)
    }
    if (at > bytes.length) throw new ProtobufError('unexpected EOF')
  }
  return at
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
