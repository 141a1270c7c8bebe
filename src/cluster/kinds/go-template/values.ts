import { base64Of } from '../../../base/base64.ts'
/** Values of templates: maps, lists, texts, truth values and numbers as they are in JavaScript; what Go tells apart beyond them has classes here. */

/** No value at all, as for a key that a map doesn't have: Go's zero reflect.Value, printed as `<no value>`. */
export const NO_VALUE = Symbol('no value')

/** A whole number of one of Go's types. JavaScript's own numbers are float64, as those of JSON are in Go. */
export class GoInt {
  readonly value: number
  readonly goType: GoIntType
  constructor(value: number, goType: GoIntType = 'int') {
    this.value = value
    this.goType = goType
  }
  toJSON(): number { return this.value }
  toString(): string { return String(this.value) }
}
export type GoIntType = 'int' | 'int8' | 'int32' | 'int64' | 'uint8' | 'uint32' | 'uint64' | 'time.Duration'

/** What a value of a Go type of its own offers to templates. */
export interface GoObject {
  readonly goType: string
  /** A field's value, or undefined where there is no such field. */
  field?(name: string): { value: unknown } | undefined
  /** A method, which templates call with arguments. */
  method?(name: string): GoFunction | undefined
  /** What a range over it gives: keys and values in their order. */
  range?(): readonly (readonly [unknown, unknown])[]
  /** How fmt prints it. */
  print(): string
  /** How encoding/json writes it; {@link print} otherwise. */
  toJSON?(): unknown
}

/** A function of templates. Arguments are checked against {@link params} before it is called. */
export interface GoFunction {
  /** Go's types; `...T` at the end takes any number; `any` takes everything, `value` also {@link NO_VALUE} as it is. */
  readonly params: readonly string[]
  call(...args: any[]): unknown
}

/** Makes a {@link GoFunction}: the parameters' types between blanks. */
export function goFunction(params: string, call: (...args: any[]) => unknown): GoFunction {
  return { params: params === '' ? [] : params.split(', '), call }
}

export type GoMap = Record<string, unknown>

export const isGoObject = (value: unknown): value is GoObject => typeof value === 'object' && value !== null && typeof (value as GoObject).print === 'function' && typeof (value as GoObject).goType === 'string'
export const isNil = (value: unknown): boolean => value === null || value === undefined || value === NO_VALUE
/** Whether it is a map. */
export const isGoMap = (value: unknown): value is GoMap => typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof GoInt) && !(value instanceof Uint8Array) && !isGoObject(value)
export const isList = (value: unknown): value is unknown[] => Array.isArray(value)

/** Lists of something more special than anything. */
const LIST_TYPES = new WeakMap<readonly unknown[], string>()

/** A list whose items all have one of Go's types, such as `[]string`. */
export function typedList<T>(goType: string, items: T[]): T[] {
  LIST_TYPES.set(items, goType)
  return items
}

/** Maps with a name of their own or of something more special than anything. */
const MAP_TYPES = new WeakMap<object, string>()

/** A map of one of Go's types, such as `map[string]string` or `chartutil.Values`. */
export function typedMap<T extends object>(goType: string, map: T): T {
  MAP_TYPES.set(map, goType)
  return map
}

/** Go's name of a value's type; empty for nil. */
export function goTypeOf(value: unknown): string {
  if (isNil(value)) return ''
  switch (typeof value) {
    case 'number': return 'float64'
    case 'boolean': return 'bool'
    case 'string': return 'string'
  }
  if (value instanceof GoInt) return value.goType
  if (Array.isArray(value)) return LIST_TYPES.get(value) ?? '[]interface {}'
  if (value instanceof Uint8Array) return '[]uint8'
  if (isGoObject(value)) return value.goType
  return MAP_TYPES.get(value as object) ?? 'map[string]interface {}'
}

/** k8s: Go text/template IsTrue */
export function isTrue(value: unknown): boolean {
  if (isNil(value)) return false
  if (value instanceof GoInt) return value.value !== 0
  if (value instanceof Uint8Array) return value.length > 0
  if (Array.isArray(value)) return value.length > 0
  if (isGoMap(value)) return Object.keys(value).length > 0
  if (isGoObject(value)) return value.range ? value.range().length > 0 : true
  return Boolean(value)
}

/** Sorted as Go sorts texts: by bytes. */
export const sortedKeys = (map: object): string[] => Object.keys(map).sort((a, b) => a < b ? -1 : a > b ? 1 : 0)

/** A float64 as %v shows it: the shortest digits, with an exponent below 1e-4 and from 10^`exponentFrom` on. */
export function goFloatText(value: number, exponentFrom = 6): string {
  if (Number.isNaN(value)) return 'NaN'
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf'
  if (Object.is(value, -0)) return '-0'
  if (value === 0) return '0'
  const exponent = Number(value.toExponential().split('e')[1])
  if (exponent >= -4 && exponent < exponentFrom) return plainDecimal(value)
  return value.toExponential().replace(/e([+-])(\d)$/, 'e$10$2')
}

function plainDecimal(value: number): string {
  const text = String(value)
  if (!text.includes('e')) return text
  const [digits, exponent] = value.toExponential().split('e') as [string, string]
  const sign = digits.startsWith('-') ? '-' : ''
  const plain = digits.replace('-', '').replace('.', '')
  return Number(exponent) < 0 ? `${sign}0.${'0'.repeat(-Number(exponent) - 1)}${plain}` : sign + plain.padEnd(Number(exponent) + 1, '0')
}

/** fmt.Sprint of one value (%v). */
export function goPrint(value: unknown): string {
  if (isNil(value)) return '<nil>'
  if (typeof value === 'number') return goFloatText(value)
  if (value instanceof GoInt) return value.goType === 'time.Duration' ? goDurationText(value.value) : String(value.value)
  if (value instanceof Uint8Array) return `[${[...value].join(' ')}]`
  if (Array.isArray(value)) return `[${value.map(goPrint).join(' ')}]`
  if (isGoObject(value)) return value.print()
  if (typeof value === 'object') return `map[${sortedKeys(value as object).map((k) => `${k}:${goPrint((value as GoMap)[k])}`).join(' ')}]`
  return String(value)
}

/** A time.Duration's own text, such as `1h2m3.5s`. @param nanoseconds as Go counts them */
export function goDurationText(nanoseconds: number): string {
  if (nanoseconds === 0) return '0s'
  const sign = nanoseconds < 0 ? '-' : ''
  const n = Math.abs(nanoseconds)
  if (n < 1e3) return `${sign}${n}ns`
  if (n < 1e6) return `${sign}${n / 1e3}µs`
  if (n < 1e9) return `${sign}${n / 1e6}ms`
  const hours = Math.floor(n / 3.6e12)
  const minutes = Math.floor(n / 6e10) % 60
  const seconds = (n % 6e10) / 1e9
  return `${sign}${hours ? `${hours}h` : ''}${hours || minutes ? `${minutes}m` : ''}${Number(seconds.toFixed(9))}s`
}

/** Without Go's types: what JSON and YAML are made of. */
export function plainValue(value: unknown): unknown {
  if (value instanceof GoInt) return value.value
  if (value instanceof Uint8Array) return base64Of(value)
  if (Array.isArray(value)) return value.map(plainValue)
  if (isGoObject(value)) return plainValue(value.toJSON ? value.toJSON() : value.print())
  if (isNil(value)) return null
  if (typeof value !== 'object') return value
  const out: GoMap = {}
  for (const [key, each] of Object.entries(value as GoMap)) setOwn(out, key, plainValue(each))
  return out
}

/** Sets a key whatever its name is. */
export function setOwn(map: GoMap, key: string, value: unknown): void {
  if (key === '__proto__') Object.defineProperty(map, key, { value, enumerable: true, writable: true, configurable: true })
  else map[key] = value
}

/** Objects of the API as Go's decoder makes them: whole numbers are int64. */
export function withIntegers(value: unknown): unknown {
  if (typeof value === 'number') return Number.isInteger(value) ? new GoInt(value, 'int64') : value
  if (Array.isArray(value)) return value.map(withIntegers)
  if (typeof value !== 'object' || value === null) return value
  const out: GoMap = {}
  for (const [key, each] of Object.entries(value)) setOwn(out, key, withIntegers(each))
  return out
}
