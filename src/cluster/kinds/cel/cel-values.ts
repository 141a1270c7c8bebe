/**
 * Values of expressions. ints are bigints, doubles numbers, bytes Uint8Arrays, lists arrays; maps are Maps or plain objects (JSON's).
 * k8s: cel-go/common/types
 */

/** A number without a sign. */
export class CelUint {
  readonly value: bigint
  constructor(value: bigint) {
    this.value = value
  }
}

/** A span of time. */
export class CelDuration {
  readonly nanos: bigint
  constructor(nanos: bigint) {
    this.nanos = nanos
  }
}

/** A point in time, with the zone it was written in. */
export class CelTimestamp {
  /** Since 1970. */
  readonly nanos: bigint
  readonly offsetSeconds: number
  constructor(nanos: bigint, offsetSeconds = 0) {
    this.nanos = nanos
    this.offsetSeconds = offsetSeconds
  }
}

/** What `type(x)` gives. */
export class CelTypeName {
  readonly name: string
  constructor(name: string) {
    this.name = name
  }
}

/** A value that may be missing. */
export class CelOptional {
  static readonly none = new CelOptional(false)
  static of(value: unknown): CelOptional {
    return new CelOptional(true, value)
  }
  readonly hasValue: boolean
  readonly value: unknown
  private constructor(hasValue: boolean, value?: unknown) {
    this.hasValue = hasValue
    this.value = value
  }
}

/** A value of a type that Kubernetes adds: compared and named by itself. */
export interface CelOpaque {
  readonly celType: string
  equals(other: unknown): boolean
}

export const isOpaque = (value: unknown): value is CelOpaque => typeof value === 'object' && value !== null && typeof (value as { celType?: unknown }).celType === 'string' && typeof (value as { equals?: unknown }).equals === 'function' && !isPlain(value)

const isPlain = (value: object): boolean => {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

export const isCelMap = (value: unknown): value is Map<unknown, unknown> | Record<string, unknown> => value instanceof Map || (typeof value === 'object' && value !== null && isPlain(value))

/** The name of a value's type. */
export function celTypeOf(value: unknown): string {
  switch (typeof value) {
    case 'bigint': return 'int'
    case 'number': return 'double'
    case 'string': return 'string'
    case 'boolean': return 'bool'
    case 'undefined': return 'null_type'
    default:
      if (value === null) return 'null_type'
      if (Array.isArray(value)) return 'list'
      if (value instanceof Uint8Array) return 'bytes'
      if (value instanceof CelUint) return 'uint'
      if (value instanceof CelDuration) return 'google.protobuf.Duration'
      if (value instanceof CelTimestamp) return 'google.protobuf.Timestamp'
      if (value instanceof CelTypeName) return 'type'
      if (value instanceof CelOptional) return 'optional_type'
      return isOpaque(value) ? value.celType : 'map'
  }
}

const NUMERIC = new Set(['int', 'uint', 'double'])

/** Negative, zero or positive; undefined where the two have no order. */
export function celCompare(a: unknown, b: unknown): number | undefined {
  const [x, y] = [ordered(a), ordered(b)]
  if (x === undefined || y === undefined) return undefined
  const [left, right] = [celTypeOf(a), celTypeOf(b)]
  if (left !== right && !(NUMERIC.has(left) && NUMERIC.has(right))) return undefined
  if (a instanceof Uint8Array && b instanceof Uint8Array) {
    for (let i = 0; i < a.length && i < b.length; i++) if (a[i] !== b[i]) return a[i]! - b[i]!
    return a.length - b.length
  }
  if (typeof x === 'string' && typeof y === 'string') return x === y ? 0 : byCodePoints(x, y)
  if (Number.isNaN(x) || Number.isNaN(y)) return undefined
  // Whole numbers are compared with others as such.
  const [p, q] = left === right || (typeof x !== 'number' && typeof y !== 'number') ? [x, y] : [Number(x), Number(y)]
  return p < q ? -1 : p > q ? 1 : 0
}

/** As Go orders strings: by bytes, which for UTF-8 is by code points. */
function byCodePoints(a: string, b: string): number {
  let i = 0
  while (i < a.length && i < b.length && a.charCodeAt(i) === b.charCodeAt(i)) i++
  if (i === a.length || i === b.length) return a.length - b.length
  const surrogate = (code: number) => code >= 0xd800 && code <= 0xdfff
  const [x, y] = [a.charCodeAt(i), b.charCodeAt(i)]
  return surrogate(x) === surrogate(y) ? x - y : surrogate(x) ? 1 : -1
}

function ordered(value: unknown): bigint | number | string | boolean | undefined {
  if (typeof value === 'bigint' || typeof value === 'number' || typeof value === 'string' || typeof value === 'boolean') return value
  if (value instanceof CelUint) return value.value
  if (value instanceof CelDuration || value instanceof CelTimestamp) return value.nanos
  return value instanceof Uint8Array ? '' : undefined
}

/** Equality as the language has it: numbers by value whatever their types, different types never. */
export function celEquals(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (a === null || b === null || a === undefined || b === undefined) return (a ?? null) === (b ?? null)
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((item, i) => celEquals(item, b[i]))
  if (isOpaque(a)) return a.equals(b)
  if (a instanceof CelOptional) return b instanceof CelOptional && a.hasValue === b.hasValue && (!a.hasValue || celEquals(a.value, b.value))
  if (a instanceof CelTypeName) return b instanceof CelTypeName && a.name === b.name
  if (isCelMap(a)) {
    if (!isCelMap(b) || mapSize(a) !== mapSize(b)) return false
    for (const [key, value] of mapEntries(a)) {
      const found = mapFind(b, key)
      if (!found || !celEquals(value, found.value)) return false
    }
    return true
  }
  return celCompare(a, b) === 0
}

export const mapSize = (map: Map<unknown, unknown> | Record<string, unknown>): number => map instanceof Map ? map.size : Object.keys(map).length

export const mapEntries = (map: Map<unknown, unknown> | Record<string, unknown>): [unknown, unknown][] => map instanceof Map ? [...map] : Object.entries(map)

/** A key's value. Numbers are found whatever their types. */
export function mapFind(map: Map<unknown, unknown> | Record<string, unknown>, key: unknown): { value: unknown } | undefined {
  if (!(map instanceof Map)) return typeof key === 'string' && Object.hasOwn(map, key) && map[key] !== undefined ? { value: map[key] } : undefined
  if (map.has(key)) return { value: map.get(key) }
  if (typeof key === 'string' || typeof key === 'boolean') return undefined
  for (const [known, value] of map) if ((typeof known !== 'number' || typeof key === 'number') && celEquals(known, key)) return { value }
  return undefined
}

/** A map that has something to show for every key, without containing it. k8s: dynamic-resource-allocation/cel mapper */
export class CelDefaultMap extends Map<unknown, unknown> {
  readonly fallback: unknown
  constructor(fallback: unknown) {
    super()
    this.fallback = fallback
  }
}

/** What a key leads to, as expressions reach into a map. */
export function mapPart(map: Map<unknown, unknown> | Record<string, unknown>, key: unknown): { value: unknown } | undefined {
  return mapFind(map, key) ?? (map instanceof CelDefaultMap ? { value: map.fallback } : undefined)
}

/** strconv.FormatFloat(value, 'g', -1, 64) */
export function doubleText(value: number): string {
  if (Number.isNaN(value)) return 'NaN'
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf'
  if (Object.is(value, -0)) return '-0'
  if (value === 0) return '0'
  const [mantissa, exponent] = value.toExponential().split('e') as [string, string]
  const power = Number(exponent)
  // The shortest form takes an exponent from the seventh digit before the point on.
  if (power < -4 || power >= 6) return `${mantissa}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`
  return plainDouble(value)
}

/** Without an exponent. */
export function plainDouble(value: number): string {
  const text = String(value)
  const match = /^(-?)(\d)(?:\.(\d+))?e([+-]\d+)$/.exec(text)
  if (!match) return text
  const [, sign, first, rest = '', exponent] = match
  const power = Number(exponent)
  const digits = first! + rest
  return power < 0 ? `${sign}0.${'0'.repeat(-power - 1)}${digits}` : `${sign}${digits.padEnd(power + 1, '0')}`
}
