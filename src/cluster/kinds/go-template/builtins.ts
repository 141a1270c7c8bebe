import { sprint, sprintf } from './printf.ts'
import { goFunction, GoInt, goPrint, goTypeOf, isGoMap, isGoObject, isNil, isTrue, NO_VALUE } from './values.ts'
import type { GoFunction, GoMap } from './values.ts'

const HTML: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&#34;', "'": '&#39;', '\0': '\uFFFD' }

type BasicKind = 'bool' | 'int' | 'float' | 'string' | undefined
function basicKind(value: unknown): BasicKind {
  if (value instanceof GoInt) return 'int'
  if (typeof value === 'number') return 'float'
  return typeof value === 'boolean' ? 'bool' : typeof value === 'string' ? 'string' : undefined
}
const primitive = (value: unknown) => value instanceof GoInt ? value.value : value

/** k8s: Go text/template eq */
function equal(first: unknown, others: readonly unknown[]): boolean {
  if (others.length === 0) throw new Error('missing argument for comparison')
  const kind = basicKind(first)
  for (const other of others) {
    const otherKind = basicKind(other)
    if (kind !== otherKind) {
      if (!isNil(first) && !isNil(other)) throw new Error(`incompatible types for comparison: ${goTypeOf(first)} and ${goTypeOf(other)}`)
      continue
    }
    if (kind !== undefined) { if (primitive(first) === primitive(other)) return true; continue }
    if (isNil(first) || isNil(other)) { if (isNil(first) && isNil(other)) return true; continue }
    if (Array.isArray(first) !== Array.isArray(other)) throw new Error(`non-comparable types ${goPrint(first)}: ${goTypeOf(first)}, ${goTypeOf(other)}: ${goPrint(other)}`)
    if (Array.isArray(other) || isGoMap(other)) throw new Error(`non-comparable type ${goPrint(other)}: ${goTypeOf(other)}`)
    if (first === other) return true
  }
  return false
}

/** k8s: Go text/template lt */
function less(a: unknown, b: unknown): boolean {
  const kind = basicKind(a)
  const other = basicKind(b)
  if (kind === undefined || other === undefined) throw new Error('invalid type for comparison')
  if (kind !== other) throw new Error(`incompatible types for comparison: ${goTypeOf(a)} and ${goTypeOf(b)}`)
  if (kind === 'bool') throw new Error('invalid type for comparison')
  return (primitive(a) as number) < (primitive(b) as number)
}

function lengthOf(value: unknown): GoInt {
  if (typeof value === 'string') return new GoInt(new TextEncoder().encode(value).length)
  if (Array.isArray(value) || value instanceof Uint8Array) return new GoInt(value.length)
  if (isGoMap(value)) return new GoInt(Object.keys(value).length)
  throw new Error(value === NO_VALUE ? 'reflect: call of reflect.Value.Type on zero Value' : isNil(value) ? 'len of nil pointer' : `len of type ${goTypeOf(value)}`)
}

function position(key: unknown, length: number, what: string): number {
  if (isNil(key)) throw new Error(`cannot index slice/array with nil`)
  if (!(key instanceof GoInt)) throw new Error(`cannot index slice/array with type ${goTypeOf(key)}`)
  if (key.value < 0 || key.value >= length) throw new Error(`${what} out of range: ${key.value}`)
  return key.value
}

function index(item: unknown, ...keys: unknown[]): unknown {
  if (isNil(item)) throw new Error('index of untyped nil')
  let value = item
  for (const key of keys) {
    if (isNil(value)) throw new Error('index of nil pointer')
    if (Array.isArray(value)) value = value[position(key, value.length, 'index')]
    else if (value instanceof Uint8Array) value = new GoInt(value[position(key, value.length, 'index')]!, 'uint8')
    else if (typeof value === 'string') {
      const bytes = new TextEncoder().encode(value)
      value = new GoInt(bytes[position(key, bytes.length, 'index')]!, 'uint8')
    } else if (isGoMap(value)) {
      if (isNil(key)) throw new Error('value is nil; should be of type string')
      if (typeof key !== 'string') throw new Error(`value has type ${goTypeOf(key)}; should be string`)
      // The zero of what the map holds.
      value = Object.hasOwn(value, key) ? (value as GoMap)[key] : goTypeOf(value) === 'map[string]string' ? '' : null
    } else throw new Error(`can't index item of type ${goTypeOf(value)}`)
  }
  return value === null || value === undefined ? NO_VALUE : value
}

function slice(item: unknown, ...bounds: unknown[]): unknown {
  if (isNil(item)) throw new Error('slice of untyped nil')
  if (bounds.length > 3) throw new Error(`too many slice indexes: ${bounds.length}`)
  const bytes = typeof item === 'string' ? new TextEncoder().encode(item) : undefined
  if (bytes && bounds.length === 3) throw new Error('cannot 3-index slice a string')
  if (!bytes && !Array.isArray(item)) throw new Error(`can't slice item of type ${goTypeOf(item)}`)
  const length = bytes ? bytes.length : (item as unknown[]).length
  const [from = 0, to = length] = bounds.map((bound) => position(bound, length + 1, 'index'))
  if (from > to) throw new Error(`invalid slice index: ${from} > ${to}`)
  return bytes ? new TextDecoder().decode(bytes.slice(from, to)) : (item as unknown[]).slice(from, to)
}

const escapeUri = (text: string) => encodeURIComponent(text).replaceAll('%20', '+').replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
const texts = (args: readonly unknown[]) => args.length === 1 && typeof args[0] === 'string' ? args[0] : sprint(args.map((arg) => isNil(arg) ? '<no value>' : arg))

/** The functions that every template has; `and` and `or` don't look at all their arguments and are part of the engine. */
export const BUILTINS: Readonly<Record<string, GoFunction>> = {
  and: goFunction('value, ...value', () => undefined),
  or: goFunction('value, ...value', () => undefined),
  not: goFunction('value', (value) => !isTrue(value)),
  len: goFunction('value', lengthOf),
  index: goFunction('value, ...value', index),
  slice: goFunction('value, ...value', slice),
  call: goFunction('value, ...value', (fn) => { throw new Error(isNil(fn) ? 'call of nil' : `non-function ${isGoObject(fn) ? fn.goType : goPrint(fn)} of type ${goTypeOf(fn)}`) }),
  print: goFunction('...any', (...args) => sprint(args)),
  println: goFunction('...any', (...args) => `${args.map(goPrint).join(' ')}\n`),
  printf: goFunction('string, ...any', (format: string, ...args) => sprintf(format, args)),
  html: goFunction('...any', (...args) => texts(args).replace(/[&<>"'\0]/g, (c) => HTML[c]!)),
  js: goFunction('...any', (...args) => texts(args).replace(/[\\'"<>&=\n]/g, (c) => c === '\n' ? '\\u000A' : '<>&='.includes(c) ? `\\u${c.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}` : `\\${c}`)),
  urlquery: goFunction('...any', (...args) => escapeUri(texts(args))),
  eq: goFunction('value, ...value', (first, ...others) => equal(first, others)),
  ne: goFunction('value, value', (a, b) => !equal(a, [b])),
  lt: goFunction('value, value', less),
  le: goFunction('value, value', (a, b) => less(a, b) || equal(a, [b])),
  gt: goFunction('value, value', (a, b) => !(less(a, b) || equal(a, [b]))),
  ge: goFunction('value, value', (a, b) => !less(a, b)),
}
