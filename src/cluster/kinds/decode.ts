/**
 * From text to objects: what Go's decoder would make of a body, field by field. Unknown fields are dropped and named; values are brought into
 * the form in which the real server prints them (quantities, times, which empty fields appear).
 */
import { base64Of } from '../../base/base64.ts'
import { setOwn } from '../../base/freeze.ts'
import { sortKeys } from './go-text.ts'
import type { Kind } from './kind.ts'
import type { KubeObject } from './object.ts'
import { carryBigNumbers, isInt64, parseJson, spelledNumbers, type DuplicateKeys, type MemberEnds, type SpelledNumbers } from './json-text.ts'
import { canonicalQuantity } from './quantity.ts'
import { mayOmit, typeNode, type FieldNode, type TypeNode } from './schema-table.ts'
import { canonicalMicroTime, canonicalTime } from './time-text.ts'
import { parseYaml } from './yaml-text.ts'

export { SyntaxProblem } from './json-text.ts'

/** A body as plain JSON data. */
export interface ParsedBody {
  value: unknown
  /** Of JSON bodies: paths of fields that came twice, e.g. `metadata.name`. */
  duplicateFields: string[]
  /** Of YAML bodies: `line 5: key "name" already set in map`. */
  duplicateYamlKeys: string[]
  /** Of JSON bodies with duplicate fields: the text, to tell what comes first. */
  text?: string
}

/** A value that doesn't fit its type: `json: cannot unmarshal string into Go struct field ...`. */
export class DecodeError extends Error {}

/** What came out of a body. */
export interface Decoded<T = KubeObject> {
  /** Fresh and mutable. */
  object: T
  /** Paths, e.g. `spec.containers[0].imagepullpolicy`, in the body's order. */
  unknownFields: string[]
}

/**
 * Deepest nesting of what is kept as it came, and of schemas. JavaScript's own JSON writer gives up before Go's limit of 10,000 is reached; nothing that
 * people write comes near either.
 */
export const MAX_KEPT_DEPTH = 1000

/** Reads a body. `maxDepth`: of JSON that is going to be walked recursively. @throws SyntaxProblem in upstream's words */
export function parseBody(text: string, format: 'json' | 'yaml', maxDepth?: number): ParsedBody {
  if (format === 'yaml') {
    // A byte order mark says no more than that this is text.
    if (text.startsWith('\ufeff')) text = text.slice(1)
    const asJson = text.startsWith('{') ? plainJson(text) : undefined
    if (asJson !== undefined) return { value: asJson, duplicateFields: [], duplicateYamlKeys: [] }
    const { value, duplicateKeys } = parseYaml(text)
    return { value, duplicateFields: [], duplicateYamlKeys: duplicateKeys }
  }
  const duplicates: DuplicateKeys = new Map()
  const value = parseJson(text, duplicates, maxDepth)
  if (duplicates.size === 0) return { value, duplicateFields: [], duplicateYamlKeys: [] }
  return { value, duplicateFields: pathsOf(value, duplicates), duplicateYamlKeys: [], text }
}

/** Deeper than this it is left to the reader of YAML, which refuses it in its own words. */
const YAML_MAX_DEPTH = 300

/** What clients send as YAML mostly is JSON, which is read much faster. Undefined for what isn't, or has a key twice. */
function plainJson(text: string): unknown {
  const duplicates: DuplicateKeys = new Map()
  try {
    const value = parseJson(text, duplicates, YAML_MAX_DEPTH)
    if (duplicates.size > 0 || /\\u[dD][89a-fA-F]/.test(text)) return undefined
    // The way through YAML puts keys in order.
    const sorted = sortKeys(value)
    carryBigNumbers(value, sorted)
    return sorted
  } catch {
    return undefined
  }
}

function pathsOf(value: unknown, duplicates: DuplicateKeys): string[] {
  const paths: string[] = []
  const walk = (at: unknown, path: string, depth: number) => {
    if (at === null || typeof at !== 'object' || depth > MAX_KEPT_DEPTH) return
    if (Array.isArray(at)) return at.forEach((item, i) => walk(item, `${path}[${i}]`, depth + 1))
    for (const key of Object.keys(at)) {
      const below = path ? `${path}.${key}` : key
      if (duplicates.get(at)?.includes(key) && !paths.includes(below)) paths.push(below)
      walk((at as Record<string, unknown>)[key], below, depth + 1)
    }
  }
  walk(value, '', 0)
  return paths
}

/** What strict decoding complains of, as in `strict decoding error: A, B`. Empty: nothing. */
export function strictErrors(body: Pick<ParsedBody, 'duplicateFields' | 'duplicateYamlKeys' | 'text'>, unknownFields: readonly string[]): string[] {
  return [
    ...(body.duplicateYamlKeys.length > 0 ? [`yaml: unmarshal errors:\n${body.duplicateYamlKeys.map((key) => `  ${key}`).join('\n')}`] : []),
    ...fieldProblems(body, unknownFields),
  ]
}

/** Duplicate and unknown fields as they are met. Without {@link ParsedBody.text} all duplicates come first. */
function fieldProblems({ duplicateFields, text }: Pick<ParsedBody, 'duplicateFields' | 'text'>, unknownFields: readonly string[]): string[] {
  const isUnknown = (path: string) => unknownFields.some((unknown) => path === unknown || path.startsWith(`${unknown}.`) || path.startsWith(`${unknown}[`))
  const problems = [
    // What isn't known isn't looked into.
    ...duplicateFields.filter((path) => !isUnknown(path)).map((path) => ({ path, again: true, message: `duplicate field ${JSON.stringify(path)}` })),
    ...unknownFields.map((path) => ({ path, again: false, message: `unknown field ${JSON.stringify(path)}` })),
  ]
  if (text !== undefined && problems.length > 1) {
    const ends = memberEnds(text)
    const placeOf = ({ path, again }: { path: string; again: boolean }) => ends.get(path)?.[again ? 1 : 0] ?? 0
    problems.sort((a, b) => placeOf(a) - placeOf(b))
  }
  return problems.map(({ message }) => message)
}

/** Where each field ends in a text, by path; fields that come again have several places. */
function memberEnds(text: string): Map<string, number[]> {
  const ends: MemberEnds = new Map()
  const out = new Map<string, number[]>()
  const walk = (at: unknown, path: string, depth: number) => {
    if (at === null || typeof at !== 'object' || depth > MAX_KEPT_DEPTH) return
    if (Array.isArray(at)) return at.forEach((item, i) => walk(item, `${path}[${i}]`, depth + 1))
    for (const [key, end] of ends.get(at) ?? []) {
      const below = path ? `${path}.${key}` : key
      const list = out.get(below)
      if (list) list.push(end)
      else out.set(below, [end])
    }
    for (const key of Object.keys(at)) walk((at as Record<string, unknown>)[key], path ? `${path}.${key}` : key, depth + 1)
  }
  walk(parseJson(text, new Map(), undefined, ends), '', 0)
  return out
}

/** The same findings as Warning header texts. */
export function strictWarnings(body: Pick<ParsedBody, 'duplicateFields' | 'duplicateYamlKeys' | 'text'>, unknownFields: readonly string[]): string[] {
  return [
    ...body.duplicateYamlKeys,
    ...fieldProblems(body, unknownFields),
  ]
}

/**
 * Decodes a body into an object of a kind. Parts that are the very same as in `known`, a frozen object that was decoded before, are shared
 * instead of copied; the object itself and its metadata are always fresh.
 * @param lacksEmpty whether what carried the object knows no difference between an empty list and none, as protobuf: then nobody gave one
 * @throws DecodeError for values of the wrong type
 */
export function decodeObject<T extends KubeObject = KubeObject>(kind: Pick<Kind, 'schema' | 'group' | 'version' | 'kind' | 'custom'>, value: unknown, known?: Readonly<KubeObject>, lacksEmpty = false): Decoded<T> {
  if (kind.custom) return kind.custom.decode(value) as Decoded<T>
  const { value: object, unknownFields } = decodeValue(kind.schema, value, known, lacksEmpty)
  const draft = object as T
  draft.kind = kind.kind
  draft.apiVersion = kind.group ? `${kind.group}/${kind.version}` : kind.version
  // The one list whose emptiness means something: it resets who owns what.
  const managedFields = (value as KubeObject | null)?.metadata?.managedFields
  if (managedFields?.length === 0 && draft.metadata) draft.metadata.managedFields = []
  return { object: draft, unknownFields }
}

/** Decodes a value of any type of the schema table. @throws DecodeError */
export function decodeValue(schema: string, value: unknown, known?: unknown, lacksEmpty = false): { value: unknown; unknownFields: string[] } {
  const node = typeNode(schema)
  const state: DecodeState = { strange: false, lacksEmpty, spelled: spelledNumbers(value) }
  const object = value === null || value === undefined ? decodeStruct(node, {}, state) : decode(node, value, state, known, 2)
  const unknownFields: string[] = []
  if (state.strange) inspectRoot(node, value, unknownFields)
  return { value: object, unknownFields }
}

/** Set when something doesn't fit: then the body is gone through a second time, in its own order, to say what. */
interface DecodeState {
  strange: boolean
  lacksEmpty?: boolean
  spelled?: SpelledNumbers | undefined
}

const EMPTY: Record<string, unknown> = Object.freeze({})

/** `known`: a decoded, frozen value that may be shared; below the first `fresh` levels (the object, its metadata) it is. */
function decode(node: TypeNode, value: unknown, state: DecodeState, known?: unknown, fresh = 0): unknown {
  if (value === known && fresh === 0 && typeof value === 'object' && value !== null) return value
  switch (node.kind) {
    case 'struct':
      if (typeof value === 'object' && !Array.isArray(value)) return decodeStruct(node, (value ?? EMPTY) as Record<string, unknown>, state, known as Record<string, unknown> | undefined, fresh)
      break
    case 'string':
      if (typeof value === 'string') return value
      break
    case 'integer':
      if (typeof value === 'number' && Number.isInteger(value) && (node.bits === 64 ? Math.abs(value) <= 2 ** 63 : value >= -2147483648 && value <= 2147483647)) return value
      break
    case 'number':
      if (typeof value === 'number') return value
      break
    case 'boolean':
      if (typeof value === 'boolean') return value
      break
    case 'list':
      if (Array.isArray(value)) {
        const items = node.items!
        const out = new Array<unknown>(value.length)
        const spelled = state.spelled?.get(value)
        for (let i = 0; i < value.length; i++) {
          const item: unknown = spelled === undefined ? value[i] : asSpelled(items, value[i], spelled.get(String(i)), state)
          out[i] = item === null ? zeroOf(items, state) : decode(items, item, state, Array.isArray(known) ? known[i] : undefined)
        }
        return out
      }
      break
    case 'map':
      if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
        const out: Record<string, unknown> = {}
        const keys = Object.keys(value)
        // Go prints maps in order of their keys.
        if (keys.length > 1) keys.sort()
        const spelled = state.spelled?.get(value)
        for (const key of keys) {
          const given = (value as Record<string, unknown>)[key]
          if (given === undefined) continue
          const item = spelled === undefined ? given : asSpelled(node.items!, given, spelled.get(key), state)
          // In a map, storage knows no difference between no bytes and none given.
          const decoded = item === null ? node.items!.kind === 'bytes' ? '' : zeroOf(node.items!, state) : decode(node.items!, item, state)
          if (key === '__proto__') setOwn(out, key, decoded)
          else out[key] = decoded
        }
        return out
      }
      break
    case 'quantity':
      if (typeof value === 'string' || typeof value === 'number') {
        try {
          return canonicalQuantity(typeof value === 'string' ? value.trim() : value)
        } catch {
          break
        }
      }
      break
    case 'int-or-string':
      if (typeof value === 'string' || (typeof value === 'number' && Number.isInteger(value) && value >= -2147483648 && value <= 2147483647)) return value
      break
    case 'time':
    case 'microtime':
      if (typeof value === 'string') {
        try {
          return node.kind === 'time' ? canonicalTime(value) : canonicalMicroTime(value)
        } catch {
          break
        }
      }
      break
    case 'bytes':
      if (typeof value === 'string' && badBase64At(value) < 0) return /[\r\n]/.test(value) ? value.replace(/[\r\n]/g, '') : value
      if (Array.isArray(value) && value.every(isByte)) return base64OfList(value as (number | null)[])
      break
    case 'raw':
    case 'schema-or-strings':
      return copyJson(value)
    case 'schema-or-bool':
      if (typeof value === 'boolean') return value
      if (typeof value === 'object' && !Array.isArray(value)) return decode(schemaNode(), value, state)
      break
    case 'schema-or-array':
      if (Array.isArray(value)) return value.map((item) => decode(schemaNode(), item, state))
      if (typeof value === 'object') return decode(schemaNode(), value, state)
      break
  }
  state.strange = true
  return undefined
}

function schemaNode(): TypeNode {
  return typeNode('io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps')
}

function decodeStruct(node: TypeNode, value: Record<string, unknown>, state: DecodeState, shared?: Record<string, unknown> | null, fresh = 0): Record<string, unknown> {
  const out: Record<string, unknown> = {}
  const byName = node.byName!
  const required = node.required!
  const spelled = state.spelled?.get(value)
  /** Of the required fields, the next that hasn't been seen yet. */
  let next = 0
  let last = -1
  let isOrdered = true
  for (const key in value) {
    let given = value[key]
    if (given === undefined) continue
    const field = byName.get(key)
    if (field === undefined) {
      state.strange = true
      continue
    }
    if (field.index < last) isOrdered = false
    last = field.index
    while (next < required.length && required[next]!.index < last) {
      const missing = required[next++]!
      out[missing.name] = zeroField(missing, state)
    }
    if (required[next] === field) next++
    if (given === null) {
      if (!mayOmit(field)) out[key] = zeroField(field, state)
      continue
    }
    if (spelled !== undefined) given = asSpelled(field.type, given, spelled.get(key), state)
    // Of an object's own members only metadata is written to by everyone who gets a draft.
    const decoded = decode(field.type, given, state, shared?.[key], fresh === 2 && key === 'metadata' ? 1 : 0)
    if (decoded === undefined) continue
    if (omitted(field, decoded)) {
      if (typeof decoded === 'object' && (!state.lacksEmpty || field.type.kind === 'struct')) noteEmpty(out, key)
      continue
    }
    if (isEmptyCollection(field, decoded)) {
      out[key] = null
      if (!state.lacksEmpty) noteEmpty(out, key)
    } else out[key] = decoded
  }
  for (; next < required.length; next++) out[required[next]!.name] = zeroField(required[next]!, state)
  return isOrdered ? out : inOrder(node, out)
}

/** A struct's fields in Go's order. */
function inOrder(node: TypeNode, decoded: Record<string, unknown>): Record<string, unknown> {
  const out: Record<string, unknown> = {}
  for (const { name } of node.fields!) {
    const value = decoded[name]
    if (value !== undefined) out[name] = value
  }
  const empty = emptyFields.get(decoded)
  if (empty) emptyFields.set(out, empty)
  return out
}

/** A number as it was written, where that matters: quantities are read from the text, and integers have neither fraction nor exponent. */
function asSpelled(type: TypeNode, value: unknown, spelling: string | undefined, state: DecodeState): unknown {
  if (spelling === undefined || typeof value !== 'number') return value
  if (type.kind === 'quantity') return spelling
  if ((type.kind === 'integer' || type.kind === 'int-or-string') && !isInt64(spelling)) state.strange = true
  return value
}

/** Fields that came as an empty list or map and were dropped, by the object they were in. */
const emptyFields = new WeakMap<object, string[]>()

function noteEmpty(object: object, field: string): void {
  const fields = emptyFields.get(object)
  if (fields) fields.push(field)
  else emptyFields.set(object, [field])
}

/**
 * Whether a body gave this field as an empty list or map. Objects never show those and etcd doesn't keep them, but until a request has been validated
 * the server tells empty from absent. `object`: as it was decoded, not a copy.
 */
export function givenEmpty(object: object | undefined, field: string): boolean {
  return object !== undefined && emptyFields.get(object)?.includes(field) === true
}

/** Whether a field of the object, or of what is in it, was given as an empty list or map and is none by now; see {@link givenEmpty}. */
export function givesEmpty(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  return (emptyFields.get(value)?.some((field) => (value as Record<string, unknown>)[field] === undefined) ?? false) || Object.values(value).some(givesEmpty)
}

/** A shallow copy that still tells which of its fields were given as empty. */
export function copyOf<T extends object>(object: Readonly<T>): T {
  const copy = { ...object }
  const fields = emptyFields.get(object)
  if (fields) emptyFields.set(copy, [...fields])
  return copy
}

/** Whether Go's omitempty drops this value. */
function omitted(field: FieldNode, value: unknown): boolean {
  if (field.pointer || !field.omitEmpty) return false
  switch (field.type.kind) {
    case 'string': case 'bytes': return value === ''
    case 'integer': case 'number': return value === 0
    case 'boolean': return value === false
    case 'list': return (value as unknown[]).length === 0 && !field.keepsEmpty
    case 'map':
      for (const _ in value as object) return false
      return true
    default: return false
  }
}

/** Lists and maps that must appear: etcd holds objects as protobuf, which doesn't know empty from absent, so all that comes back is null. */
function isEmptyCollection(field: FieldNode, value: unknown): boolean {
  if (field.omitEmpty || field.pointer) return false
  if (field.type.kind === 'list') return (value as unknown[]).length === 0
  if (field.type.kind !== 'map') return false
  for (const _ in value as object) return false
  return true
}

/** What Go prints for a field that wasn't given and can't be left out. */
function zeroField(field: FieldNode, state: DecodeState): unknown {
  return field.pointer ? null : zeroOf(field.type, state)
}

function zeroOf(node: TypeNode, state: DecodeState): unknown {
  switch (node.kind) {
    case 'struct': return decodeStruct(node, EMPTY, state)
    case 'string': return ''
    case 'integer': case 'number': case 'int-or-string': return 0
    case 'boolean': return false
    case 'quantity': return '0'
    default: return null
  }
}

/** A deep copy of any JSON without undefined members. @throws DecodeError */
function copyJson(value: unknown, depth = 0): unknown {
  if (value === null || typeof value !== 'object') return value
  if (depth > MAX_KEPT_DEPTH) throw new DecodeError('exceeded max depth')
  if (Array.isArray(value)) return value.map((item) => copyJson(item, depth + 1))
  const out: Record<string, unknown> = {}
  for (const key of Object.keys(value)) {
    const item = (value as Record<string, unknown>)[key]
    if (item !== undefined) setOwn(out, key, copyJson(item, depth + 1))
  }
  return out
}

const isByte = (value: unknown) => value === null || (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 255)

/** Go reads bytes from a list of numbers too. */
function base64OfList(bytes: readonly (number | null)[]): string {
  return base64Of(Uint8Array.from(bytes, (byte) => byte ?? 0))
}

/** Position of the first byte that is no base64, as Go counts; -1 when all is well. */
export function badBase64At(text: string): number {
  if (/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text)) return -1
  let group = 0
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!
    if (c === '\n' || c === '\r') continue
    if (/[A-Za-z0-9+/]/.test(c)) {
      group = (group + 1) % 4
      continue
    }
    if (c === '=' && group >= 2) {
      let at = i + 1
      const skip = () => {
        while (text[at] === '\n' || text[at] === '\r') at++
      }
      skip()
      if (group === 2) {
        if (at >= text.length) return text.length
        if (text[at] !== '=') return at - 1
        at++
        skip()
      }
      return at < text.length ? at : -1
    }
    return i
  }
  return group === 0 ? -1 : text.length - group
}

// ---- The second pass: what is wrong, in the order in which Go meets it ----

interface Inspection {
  unknownFields: string[]
  /** The first value of a wrong type; a custom unmarshaller's error ends the pass. */
  error?: string | WrongType
  spelled?: SpelledNumbers | undefined
}

class Stop extends Error {}

/** Go's UnmarshalTypeError. */
class WrongType extends Stop {
  readonly what: string
  readonly fieldStack: readonly string[]
  readonly goType: string | undefined

  constructor(what: string, structName: string, fieldStack: readonly string[], goType: string | undefined) {
    super(`json: cannot unmarshal ${what} into Go ${structName ? `struct field ${structName}.${fieldStack.join('.')}` : 'value'} of type ${goType}`)
    this.what = what
    this.fieldStack = fieldStack
    this.goType = goType
  }
}

function inspectRoot(node: TypeNode, value: unknown, unknownFields: string[]): void {
  const inspection: Inspection = { unknownFields, spelled: spelledNumbers(value) }
  try {
    inspect(node, value, '', [], '', inspection)
  } catch (error) {
    if (error instanceof Stop) throw new DecodeError(error.message)
    throw error
  }
  if (inspection.error !== undefined) throw new DecodeError(typeof inspection.error === 'string' ? inspection.error : inspection.error.message)
}

function jsonKind(value: unknown): string {
  if (Array.isArray(value)) return 'array'
  if (typeof value === 'boolean') return 'bool'
  return typeof value
}

function inspect(node: TypeNode, value: unknown, path: string, fieldStack: readonly string[], structName: string, found: Inspection, spelling?: string): void {
  if (value === null || value === undefined) return
  const mismatch = (what: string, goType = node.goType) => {
    found.error ??= new WrongType(what, structName, fieldStack, goType)
  }
  switch (node.kind) {
    case 'struct': {
      if (typeof value !== 'object' || Array.isArray(value)) return mismatch(jsonKind(value))
      for (const key of Object.keys(value)) {
        const item = (value as Record<string, unknown>)[key]
        if (item === undefined) continue
        const below = path ? `${path}.${key}` : key
        const field = node.byName!.get(key)
        if (!field) {
          if (found.unknownFields.length < 100 && !found.unknownFields.includes(below)) found.unknownFields.push(below)
          continue
        }
        inspect(field.type, item, below, [...fieldStack, ...field.embeddedIn, key], node.structName!, found, found.spelled?.get(value)?.get(key))
      }
      return
    }
    case 'list':
      if (!Array.isArray(value)) return mismatch(jsonKind(value))
      value.forEach((item, i) => inspect(node.items!, item, `${path}[${i}]`, fieldStack, structName, found, found.spelled?.get(value)?.get(String(i))))
      return
    case 'map':
      if (typeof value !== 'object' || Array.isArray(value)) return mismatch(jsonKind(value))
      for (const key of Object.keys(value)) inspect(node.items!, (value as Record<string, unknown>)[key], path ? `${path}.${key}` : key, fieldStack, structName, found, found.spelled?.get(value)?.get(key))
      return
    case 'string':
      if (typeof value !== 'string') mismatch(jsonKind(value))
      return
    case 'boolean':
      if (typeof value !== 'boolean') mismatch(jsonKind(value))
      return
    case 'number':
      if (typeof value !== 'number') mismatch(jsonKind(value))
      return
    case 'integer':
      if (typeof value !== 'number') return mismatch(jsonKind(value))
      if (!isInt64(spelling ?? '0') || decode(node, value, { strange: false }) === undefined) mismatch(`number ${spelling ?? value}`)
      return
    case 'bytes':
      if (Array.isArray(value)) {
        const bad = value.find((item) => !isByte(item))
        if (bad !== undefined) mismatch(typeof bad === 'number' ? `number ${bad}` : jsonKind(bad), 'uint8')
        return
      }
      if (typeof value !== 'string') return mismatch(jsonKind(value))
      if (badBase64At(value) >= 0) found.error ??= `illegal base64 data at input byte ${badBase64At(value)}`
      return
    case 'quantity':
      if (typeof value === 'string' || typeof value === 'number') {
        try {
          canonicalQuantity(typeof value === 'string' ? value.trim() : spelling ?? value)
        } catch (error) {
          throw new Stop((error as Error).message)
        }
        return
      }
      throw new Stop("quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")
    case 'int-or-string':
      if (typeof value === 'string') return
      if (typeof value !== 'number') throw new WrongType(jsonKind(value), structName, fieldStack, 'int32')
      if (!isInt64(spelling ?? '0') || decode(node, value, { strange: false }) === undefined) throw new WrongType(`number ${spelling ?? value}`, structName, fieldStack, 'int32')
      return
    case 'time':
    case 'microtime':
      if (typeof value !== 'string') throw new WrongType(jsonKind(value), structName, fieldStack, 'string')
      try {
        if (node.kind === 'time') canonicalTime(value)
        else canonicalMicroTime(value)
      } catch (error) {
        throw new Stop((error as Error).message)
      }
      return
    case 'schema-or-bool':
      if (typeof value === 'boolean') return
      if (typeof value !== 'object' || Array.isArray(value)) throw new Stop('boolean or JSON schema expected')
      return inspectNested(value, fieldStack, structName)
    case 'schema-or-array':
      if (Array.isArray(value)) return value.forEach((item) => inspectNested(item, fieldStack, structName))
      if (typeof value === 'object') return inspectNested(value, fieldStack, structName)
      return
    default:
      return
  }
}

/**
 * JSON schemas are read by an unmarshaller of their own, which drops unknown fields silently. What it says of a wrong type ends the pass, with
 * the way to it in front of its own. k8s: sigs.k8s.io/json addErrorContext
 */
function inspectNested(value: unknown, fieldStack: readonly string[], structName: string): void {
  const inner: Inspection = { unknownFields: [] }
  try {
    inspect(schemaNode(), value, '', [], '', inner)
  } catch (error) {
    if (!(error instanceof WrongType)) throw error
    inner.error = error
  }
  if (typeof inner.error === 'string') throw new Stop(inner.error)
  if (inner.error) throw new WrongType(inner.error.what, structName, [...fieldStack, ...inner.error.fieldStack], inner.error.goType)
}
