/**
 * Quantities: exact numbers with a unit, as in `100m`, `1.5Gi`, `12e6`.
 * k8s: apimachinery/pkg/api/resource Quantity
 */

export type QuantityFormat = 'DecimalSI' | 'BinarySI' | 'DecimalExponent'

/** An exact amount. */
export interface Quantity {
  /** The amount in billionths (10^-9), the finest that a quantity can hold. */
  readonly nanos: bigint
  readonly format: QuantityFormat
  /** The text this was read from, where the canonical form keeps it as it was written. */
  readonly text?: string
}

export class QuantityError extends Error {}

const FORMAT_WRONG = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
const SUFFIX_WRONG = "unable to parse quantity's suffix"
const NUMBER_WRONG = 'unable to parse numeric part of quantity'

const NANO = 1_000_000_000n
const MAX_INT64 = (1n << 63n) - 1n
const DECIMAL_SUFFIXES: Record<string, number> = { n: -9, u: -6, m: -3, '': 0, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 }
const BINARY_SUFFIXES: Record<string, number> = { Ki: 10, Mi: 20, Gi: 30, Ti: 40, Pi: 50, Ei: 60 }
const DECIMAL_NAMES = new Map(Object.entries(DECIMAL_SUFFIXES).map(([name, exponent]) => [exponent, name]))
const BINARY_NAMES = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei']
const SHAPE = /^([+-]?)0*([0-9]*)(?:\.([0-9]*))?([eEinumkKMGTP]*[-+]?[0-9]*)$/
/** More digits than this are cut off by exponent limits long before; it keeps hostile input from costing time. */
const MAX_EXPONENT = 1000

const parsed = new Map<string, Quantity>()

/** Reads a quantity. @throws QuantityError with upstream's text. k8s: ParseQuantity */
export function parseQuantity(text: string | number): Quantity {
  const key = typeof text === 'number' ? String(text) : text
  let quantity = parsed.get(key)
  if (quantity === undefined) {
    quantity = parse(key)
    if (parsed.size > 20_000) parsed.clear()
    parsed.set(key, quantity)
  }
  return quantity
}

function parse(text: string): Quantity {
  if (text === '') throw new QuantityError(FORMAT_WRONG)
  const match = SHAPE.exec(text)
  // Go's scanner takes `+` or `.` alone for zero; the expression above agrees except for such text without any digit.
  if (!match) throw new QuantityError(FORMAT_WRONG)
  const [, sign, whole = '', fraction = '', suffix = ''] = match
  const { base, exponent, format } = readSuffix(suffix)
  if (whole.length + fraction.length > 4096) throw new QuantityError(NUMBER_WRONG)
  const digits = (whole || '0') + fraction
  let mantissa = BigInt(digits)
  let shownFormat = format
  let nanos: bigint
  if (base === 2) {
    nanos = scaleUp((mantissa << BigInt(exponent)) * NANO, fraction.length)
    if (nanos > MAX_INT64 * NANO) nanos = MAX_INT64 * NANO
    if (nanos > 0n && nanos < NANO) shownFormat = 'DecimalSI'
  } else {
    const scale = exponent - fraction.length + 9
    if (mantissa === 0n) nanos = 0n
    else if (scale >= 0) nanos = mantissa * 10n ** BigInt(Math.min(scale, MAX_EXPONENT))
    else nanos = scaleUp(mantissa, Math.min(-scale, MAX_EXPONENT))
  }
  if (sign === '-') nanos = -nanos
  return keepsText(text, digits, fraction.length, exponent, base) ? { nanos, format: shownFormat, text } : { nanos, format: shownFormat }
}

/** Divides by 10^places, away from zero: who asks for a little gets a little. */
function scaleUp(value: bigint, places: number): bigint {
  if (places === 0) return value
  const divisor = 10n ** BigInt(places)
  return (value + divisor - 1n) / divisor
}

function readSuffix(suffix: string): { base: 2 | 10; exponent: number; format: QuantityFormat } {
  const decimal = Object.hasOwn(DECIMAL_SUFFIXES, suffix) ? DECIMAL_SUFFIXES[suffix] : undefined
  if (decimal !== undefined) return { base: 10, exponent: decimal, format: 'DecimalSI' }
  const binary = Object.hasOwn(BINARY_SUFFIXES, suffix) ? BINARY_SUFFIXES[suffix] : undefined
  if (binary !== undefined) return { base: 2, exponent: binary, format: 'BinarySI' }
  if (/^[eE][-+]?[0-9]+$/.test(suffix)) return { base: 10, exponent: Number(suffix.slice(1)), format: 'DecimalExponent' }
  throw new QuantityError(SUFFIX_WRONG)
}

/** Whether Go's fast path keeps the text as written instead of making it canonical. */
function keepsText(text: string, digits: string, places: number, exponent: number, base: 2 | 10): boolean {
  if (base === 2) {
    const precision = 15 - (digits.length - places) - Math.trunc((exponent * 3) / 10) - 1
    return places === 0 && !text.includes('.') && precision >= 0 && exponent % 10 === 0 && (Number(digits) & 7) !== 0
  }
  const precision = 18 - digits.length
  const scale = exponent - places
  return precision >= 0 && scale >= -9 && scale % 3 === 0 && !digits.endsWith('000') && digits[0] !== '0'
}

/** The canonical text, as the API prints it. k8s: Quantity.String */
export function formatQuantity(quantity: Quantity): string {
  if (quantity.text !== undefined) return quantity.text
  const { nanos } = quantity
  if (nanos === 0n) return '0'
  let { format } = quantity
  if (format === 'BinarySI' && ((nanos > -1024n * NANO && nanos < 1024n * NANO) || nanos % NANO !== 0n)) format = 'DecimalSI'
  if (format === 'BinarySI') {
    let mantissa = nanos / NANO
    let power = 0
    while (power < 6 && mantissa % 1024n === 0n) {
      mantissa /= 1024n
      power++
    }
    return `${mantissa}${BINARY_NAMES[power]}`
  }
  let mantissa = nanos
  let exponent = -9
  while (mantissa % 1000n === 0n && (format === 'DecimalExponent' || exponent < 18)) {
    mantissa /= 1000n
    exponent += 3
  }
  const suffix = format === 'DecimalExponent' ? (exponent === 0 ? '' : `e${exponent}`) : DECIMAL_NAMES.get(exponent)
  return `${mantissa}${suffix}`
}

/** The canonical form of a quantity's text: `1000m` is `1`. @throws QuantityError */
export function canonicalQuantity(text: string | number): string {
  return formatQuantity(parseQuantity(text))
}

/** Negative, zero or positive, as for Array.sort. */
export function compareQuantities(a: string | number, b: string | number): number {
  const left = parseQuantity(a).nanos
  const right = parseQuantity(b).nanos
  return left < right ? -1 : left > right ? 1 : 0
}

export function isZeroQuantity(text: string | number): boolean {
  return parseQuantity(text).nanos === 0n
}

/** a + b, in a's unit unless a is zero. k8s: Quantity.Add */
export function addQuantities(a: string | number, b: string | number): string {
  const left = parseQuantity(a)
  const right = parseQuantity(b)
  return formatQuantity({ nanos: left.nanos + right.nanos, format: left.nanos === 0n ? right.format : left.format })
}

/** a - b, in a's unit unless a is zero. k8s: Quantity.Sub */
export function subQuantities(a: string | number, b: string | number): string {
  const left = parseQuantity(a)
  const right = parseQuantity(b)
  return formatQuantity({ nanos: left.nanos - right.nanos, format: left.nanos === 0n ? right.format : left.format })
}

/** A quantity from a whole number. k8s: resource.NewQuantity */
export function quantityOf(value: number | bigint, format: QuantityFormat = 'DecimalSI'): string {
  return formatQuantity({ nanos: BigInt(value) * NANO, format })
}

/** A quantity from thousandths. k8s: resource.NewMilliQuantity */
export function milliQuantityOf(millis: number | bigint, format: QuantityFormat = 'DecimalSI'): string {
  return formatQuantity({ nanos: BigInt(millis) * 1_000_000n, format })
}

function divideUp(value: bigint, by: bigint): bigint {
  const quotient = value / by
  if (value % by === 0n) return quotient
  return value > 0n ? quotient + 1n : quotient - 1n
}

/** Whole units, rounded away from zero. k8s: Quantity.Value */
export function quantityValue(text: string | number): number {
  return Number(divideUp(parseQuantity(text).nanos, NANO))
}

/** Thousandths, rounded away from zero: `1` is 1000. k8s: Quantity.MilliValue */
export function quantityMilliValue(text: string | number): number {
  return Number(divideUp(parseQuantity(text).nanos, 1_000_000n))
}
