/**
 * OpenAPI v2 in protobuf, the form that kubectl asks for when it validates what the server can't (lists, unknown kinds).
 * k8s: github.com/google/gnostic-models/openapiv2 OpenAPIv2.proto, kube-openapi/pkg/handler
 */
import type { Clock } from '../../../base/clock.ts'

export const OPENAPI_PROTOBUF_TYPES = ['com.github.proto-openapi.spec.v2.v1.0+protobuf', 'com.github.proto-openapi.spec.v2@v1.0+protobuf']

type Json = any

const utf8 = new TextEncoder()

/** A message under construction. Fields may come in any order; absent and empty ones are left out. */
class Message {
  #bytes = new Uint8Array(256)
  #length = 0

  #reserve(more: number): void {
    if (this.#length + more <= this.#bytes.length) return
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + more))
    larger.set(this.#bytes.subarray(0, this.#length))
    this.#bytes = larger
  }

  #varint(value: number): void {
    this.#reserve(10)
    while (value >= 0x80) {
      this.#bytes[this.#length++] = (value % 0x80) | 0x80
      value = Math.floor(value / 0x80)
    }
    this.#bytes[this.#length++] = value
  }

  bytes(field: number, value: Uint8Array): this {
    this.#varint(field * 8 + 2)
    this.#varint(value.length)
    this.#reserve(value.length)
    this.#bytes.set(value, this.#length)
    this.#length += value.length
    return this
  }

  message(field: number, value: Message | undefined): this {
    return value ? this.bytes(field, value.done()) : this
  }

  text(field: number, value: Json): this {
    return typeof value === 'string' && value !== '' ? this.bytes(field, utf8.encode(value)) : this
  }

  texts(field: number, values: readonly string[] | undefined): this {
    for (const value of values ?? []) this.bytes(field, utf8.encode(value))
    return this
  }

  flag(field: number, value: Json): this {
    if (value !== true) return this
    this.#varint(field * 8)
    this.#varint(1)
    return this
  }

  /** int64, of which these documents have none below zero. */
  integer(field: number, value: Json): this {
    if (typeof value !== 'number' || value === 0) return this
    this.#varint(field * 8)
    this.#varint(value)
    return this
  }

  double(field: number, value: Json): this {
    if (typeof value !== 'number' || value === 0) return this
    this.#varint(field * 8 + 1)
    this.#reserve(8)
    new DataView(this.#bytes.buffer).setFloat64(this.#length, value, true)
    this.#length += 8
    return this
  }

  /** Messages that carry a name each. */
  named(field: number, values: Json, encode: (value: Json) => Message): this {
    for (const [name, value] of Object.entries<Json>(values ?? {})) this.message(field, new Message().text(1, name).message(2, encode(value)))
    return this
  }

  /** Members whose name begins with `x-`. */
  extensions(field: number, of: Json): this {
    for (const [name, value] of Object.entries<Json>(of)) if (name.startsWith('x-')) this.message(field, new Message().text(1, name).message(2, anything(value)))
    return this
  }

  done(): Uint8Array { return this.#bytes.subarray(0, this.#length) }
}

/** Any value travels as YAML, which JSON is. */
const anything = (value: Json) => new Message().text(2, JSON.stringify(value))
const optional = (value: Json, encode: (value: Json) => Message) => value === undefined ? undefined : encode(value)

function schema(s: Json): Message {
  const m = new Message().text(1, s.$ref).text(2, s.format).text(3, s.title).text(4, s.description).message(5, optional(s.default, anything))
    .double(6, s.multipleOf).double(7, s.maximum).flag(8, s.exclusiveMaximum).double(9, s.minimum).flag(10, s.exclusiveMinimum).integer(11, s.maxLength).integer(12, s.minLength)
    .text(13, s.pattern).integer(14, s.maxItems).integer(15, s.minItems).flag(16, s.uniqueItems).integer(17, s.maxProperties).integer(18, s.minProperties).texts(19, s.required)
  for (const value of s.enum ?? []) m.message(20, anything(value))
  if (s.additionalProperties !== undefined) m.message(21, typeof s.additionalProperties === 'boolean' ? new Message().flag(2, s.additionalProperties) : new Message().message(1, schema(s.additionalProperties)))
  if (s.type !== undefined) m.message(22, new Message().texts(1, Array.isArray(s.type) ? s.type : [s.type]))
  if (s.items) m.message(23, new Message().message(1, schema(s.items)))
  for (const part of s.allOf ?? []) m.message(24, schema(part))
  if (s.properties) m.message(25, new Message().named(1, s.properties, schema))
  return m.message(29, optional(s.externalDocs, (d) => new Message().text(1, d.description).text(2, d.url))).message(30, optional(s.example, anything)).extensions(31, s)
}

/** A parameter, or where it is described. */
const parameter = (p: Json): Message => p.$ref ? new Message().message(2, new Message().text(1, p.$ref)) : new Message().message(1, nonReference(p))

function nonReference(p: Json): Message {
  if (p.in === 'body') return new Message().message(1, new Message().text(1, p.description).text(2, p.name).text(3, p.in).flag(4, p.required).message(5, optional(p.schema, schema)).extensions(6, p))
  const inner = new Message().flag(1, p.required).text(2, p.in).text(3, p.description).text(4, p.name)
  // Query parameters have one field more than the others, before the type.
  const at = p.in === 'query' ? 1 : 0
  inner.text(5 + at, p.type).text(6 + at, p.format).flag(19 + at, p.uniqueItems).extensions(22 + at, p)
  return new Message().message(2, new Message().message(p.in === 'query' ? 3 : p.in === 'path' ? 4 : 1, inner))
}

function operation(o: Json): Message {
  const m = new Message().texts(1, o.tags).text(2, o.summary).text(3, o.description).text(5, o.operationId).texts(6, o.produces).texts(7, o.consumes)
  for (const p of o.parameters ?? []) m.message(8, parameter(p))
  const responses = new Message().named(1, o.responses, (r) => new Message().message(1, new Message().text(1, r.description).message(2, optional(r.schema, (s) => new Message().message(1, schema(s))))))
  return m.message(9, responses).texts(10, o.schemes).flag(11, o.deprecated).extensions(13, o)
}

const METHODS = [['get', 2], ['put', 3], ['post', 4], ['delete', 5], ['options', 6], ['head', 7], ['patch', 8]] as const

function pathItem(item: Json): Message {
  const m = new Message().text(1, item.$ref)
  for (const [method, field] of METHODS) m.message(field, optional(item[method], operation))
  for (const p of item.parameters ?? []) m.message(9, parameter(p))
  return m.extensions(10, item)
}

/** An OpenAPI v2 document, as its JSON says, in protobuf. */
export async function openApiProtobuf(document: Json, clock: Pick<Clock, 'breathe'>): Promise<Uint8Array> {
  const paths = new Message().extensions(1, document.paths)
  for (const [path, item] of Object.entries<Json>(document.paths)) {
    if (!path.startsWith('/')) continue
    paths.message(2, new Message().text(1, path).message(2, pathItem(item)))
    await clock.breathe()
  }
  const definitions = new Message()
  for (const [name, definition] of Object.entries<Json>(document.definitions)) {
    definitions.named(1, { [name]: definition }, schema)
    await clock.breathe()
  }
  const m = new Message().text(1, document.swagger).message(2, new Message().text(1, document.info.title).text(2, document.info.version)).message(8, paths).message(9, definitions)
  if (document.parameters) m.message(10, new Message().named(1, document.parameters, (p) => nonReference(p)))
  for (const requirement of document.security ?? []) m.message(12, new Message().named(1, requirement, (scopes) => new Message().texts(1, scopes)))
  return m.message(13, optional(document.securityDefinitions, (all) => new Message().named(1, all, (s) => new Message().message(2, new Message().text(1, s.type).text(2, s.name).text(3, s.in).text(4, s.description))))).done()
}
