import { bytesOfBase64 } from '../../base/base64.ts'
import { fieldsOf, isScalar, isTextList, messageOf, PROTOBUF_MAGIC, type ProtobufField } from './protobuf-messages.ts'

/**
 * Writes an object's JSON form as Kubernetes' protobuf: kind and version in an envelope, the message inside.
 * Undefined for kinds without a protobuf form: custom resources, tables. k8s: runtime/serializer/protobuf Serializer Encode
 */
export function encodeProtobuf(object: Readonly<Record<string, unknown>>): Uint8Array | undefined {
  const apiVersion = (object['apiVersion'] ?? '') as string
  const kind = (object['kind'] ?? '') as string
  const message = messageOf(apiVersion, kind)
  if (message === undefined) return undefined
  return protobufEnvelope(apiVersion, kind, (writer) => { writer.bytes(messageBytes(message, object)) })
}

/** An envelope around a message that `write` puts there. k8s: runtime.Unknown */
export function protobufEnvelope(apiVersion: string, kind: string, write: (writer: ProtobufWriter) => void): Uint8Array {
  const writer = new ProtobufWriter()
  // Content encoding and type, always empty.
  writer.field(4, () => {})
  writer.field(3, () => {})
  writer.field(2, () => write(writer))
  writer.field(1, () => {
    writer.field(2, () => writer.text(kind))
    writer.field(1, () => writer.text(apiVersion))
  })
  writer.bytes(PROTOBUF_MAGIC)
  return writer.finish()
}

/** The bytes of a message alone; of frozen objects they are made once. */
export function messageBytes(message: string, value: unknown): Uint8Array {
  const known = typeof value === 'object' && value !== null ? written.get(value) : undefined
  if (known?.message === message) return known.bytes
  const writer = new ProtobufWriter()
  writeMessage(writer, message, value)
  const bytes = writer.finish()
  if (typeof value === 'object' && value !== null && Object.isFrozen(value)) written.set(value, { message, bytes })
  return bytes
}

const written = new WeakMap<object, { message: string; bytes: Uint8Array }>()

/**
 * Puts a message together from its end to its beginning: the length of a part is known when it has to be written, without measuring first.
 * What is to stand first is written last.
 */
export class ProtobufWriter {
  #bytes = new Uint8Array(512)
  #at = 512

  /** What has been written. */
  finish(): Uint8Array {
    return this.#bytes.subarray(this.#at)
  }

  /** A field with a length; `write` writes its content. */
  field(number: number, write: () => void): void {
    const after = this.#bytes.length - this.#at
    write()
    this.varint(this.#bytes.length - this.#at - after)
    this.tag(number, 2)
  }

  tag(number: number, wireType: number): void {
    this.varint(number * 8 + wireType)
  }

  bytes(chunk: ArrayLike<number>): void {
    this.#makeRoom(chunk.length)
    this.#at -= chunk.length
    this.#bytes.set(chunk, this.#at)
  }

  text(text: string): void {
    const { length } = text
    this.#makeRoom(length)
    const start = this.#at - length
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i)
      if (code > 127) return this.bytes(utf8.encode(text))
      this.#bytes[start + i] = code
    }
    this.#at = start
  }

  /** Whole numbers of 64 bits; negative ones as their complement. */
  varint(value: number): void {
    if (value < 0 || !Number.isSafeInteger(value)) return this.#longVarint(value)
    let size = 1
    for (let rest = value; rest > 127; rest = Math.floor(rest / 128)) size++
    this.#makeRoom(size)
    this.#at -= size
    let at = this.#at
    for (; value > 127; value = Math.floor(value / 128)) this.#bytes[at++] = value % 128 | 128
    this.#bytes[at] = value
  }

  double(value: number): void {
    const bytes = new Uint8Array(8)
    new DataView(bytes.buffer).setFloat64(0, value, true)
    this.bytes(bytes)
  }

  #longVarint(value: number): void {
    const out: number[] = []
    let rest = BigInt.asUintN(64, BigInt(Math.trunc(Number.isFinite(value) ? value : 0)))
    for (; rest > 127n; rest >>= 7n) out.push(Number(rest & 127n) | 128)
    out.push(Number(rest))
    this.bytes(out)
  }

  #makeRoom(size: number): void {
    if (this.#at >= size) return
    const used = this.#bytes.length - this.#at
    const bigger = new Uint8Array(Math.max(this.#bytes.length * 2, used + size))
    bigger.set(this.#bytes.subarray(this.#at), bigger.length - used)
    this.#at = bigger.length - used
    this.#bytes = bigger
  }
}

const utf8 = new TextEncoder()

function writeMessage(writer: ProtobufWriter, message: string, value: unknown): void {
  const special = SPECIAL[message] ?? (isTextList(message) ? writeTextList : undefined)
  if (special) return special(writer, value)
  const object = (typeof value === 'object' && value !== null ? value : NOTHING) as Readonly<Record<string, unknown>>
  const fields = fieldsOf(message)
  for (let i = fields.length - 1; i >= 0; i--) {
    const field = fields[i]!
    writeField(writer, field, field.inline ? object : object[field.name])
  }
}

const NOTHING: Readonly<Record<string, unknown>> = Object.freeze({})

function writeField(writer: ProtobufWriter, field: ProtobufField, value: unknown): void {
  const { number, type } = field
  if (field.map) {
    if (value === undefined || value === null) return
    const entries = value as Record<string, unknown>
    const keys = Object.keys(entries).sort()
    for (let i = keys.length - 1; i >= 0; i--) writer.field(number, () => {
      writeValue(writer, 2, type, entries[keys[i]!])
      writer.field(1, () => writer.text(keys[i]!))
    })
    return
  }
  if (field.repeated) {
    if (!Array.isArray(value)) return
    for (let i = value.length - 1; i >= 0; i--) writeValue(writer, number, type, value[i])
    return
  }
  if ((value === undefined || value === null) && !field.always) return
  writeValue(writer, number, type, value)
}

function writeValue(writer: ProtobufWriter, number: number, type: string, value: unknown): void {
  if (!isScalar(type)) return writer.field(number, () => writeMessage(writer, type, value))
  switch (type) {
    case 's': return writer.field(number, () => writer.text(textOf(value)))
    case 'b': return writer.field(number, () => writer.bytes(fromBase64(textOf(value))))
    case 'd':
      writer.double(Number(value ?? 0))
      return writer.tag(number, 1)
    default:
      writer.varint(Number(value ?? 0))
      writer.tag(number, 0)
  }
}

const textOf = (value: unknown) => value === undefined || value === null ? '' : String(value)

/** Line breaks don't count, as in Go. */
const fromBase64 = (text: string) => bytesOfBase64(text.replace(/[\r\n]/g, ''))

/** Messages whose JSON form isn't an object of their fields. */
const SPECIAL: Record<string, (writer: ProtobufWriter, value: unknown) => void> = {
  'k8s.io.apimachinery.pkg.api.resource.Quantity': (writer, value) => writer.field(1, () => writer.text(textOf(value ?? '0'))),
  'k8s.io.apimachinery.pkg.util.intstr.IntOrString': (writer, value) => {
    const isText = typeof value === 'string'
    writer.field(3, () => { if (isText) writer.text(value) })
    writer.varint(isText ? 0 : Number(value ?? 0))
    writer.tag(2, 0)
    writer.varint(isText ? 1 : 0)
    writer.tag(1, 0)
  },
  'k8s.io.apimachinery.pkg.apis.meta.v1.Time': writeTime,
  'k8s.io.apimachinery.pkg.apis.meta.v1.MicroTime': writeTime,
  'k8s.io.apimachinery.pkg.runtime.RawExtension': writeJson,
  'k8s.io.apimachinery.pkg.apis.meta.v1.FieldsV1': writeJson,
  'k8s.io.apiextensions_apiserver.pkg.apis.apiextensions.v1.JSON': writeJson,
  'k8s.io.apiextensions_apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrBool': (writer, value) => {
    if (typeof value === 'object' && value !== null) writeValue(writer, 2, SCHEMA_PROPS, value)
    writeValue(writer, 1, 'B', value !== false && value !== undefined)
  },
  'k8s.io.apiextensions_apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrArray': (writer, value) => {
    if (Array.isArray(value)) for (let i = value.length - 1; i >= 0; i--) writeValue(writer, 2, SCHEMA_PROPS, value[i])
    else writeValue(writer, 1, SCHEMA_PROPS, value)
  },
  'k8s.io.apiextensions_apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrStringArray': (writer, value) => {
    if (Array.isArray(value)) for (let i = value.length - 1; i >= 0; i--) writeValue(writer, 2, 's', value[i])
    else writeValue(writer, 1, SCHEMA_PROPS, value)
  },
}
const SCHEMA_PROPS = 'k8s.io.apiextensions_apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps'

function writeTextList(writer: ProtobufWriter, value: unknown): void {
  if (Array.isArray(value)) for (let i = value.length - 1; i >= 0; i--) writeValue(writer, 1, 's', value[i])
}

/** Nothing at all for Go's zero time. k8s: metav1 Time ProtoTime */
function writeTime(writer: ProtobufWriter, value: unknown): void {
  if (typeof value !== 'string') return
  const ms = Date.parse(value)
  if (Number.isNaN(ms)) return
  const fraction = /\.(\d+)/.exec(value)?.[1] ?? ''
  writer.varint(Number(fraction.slice(0, 9).padEnd(9, '0')))
  writer.tag(2, 0)
  writer.varint(Math.floor(ms / 1000))
  writer.tag(1, 0)
}

const jsonBytes = new WeakMap<object, Uint8Array>()

/** Sets of managed fields are shared by many objects. */
function writeJson(writer: ProtobufWriter, value: unknown): void {
  if (value === undefined) return
  const isShared = typeof value === 'object' && value !== null && Object.isFrozen(value)
  let bytes = isShared ? jsonBytes.get(value) : undefined
  if (!bytes) {
    bytes = utf8.encode(JSON.stringify(value))
    if (isShared) jsonBytes.set(value, bytes)
  }
  writer.field(1, () => writer.bytes(bytes))
}
