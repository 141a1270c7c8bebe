import type { ColumnDefinition, ColumnType } from './ast.ts'
import { SqlError } from './errors.ts'

/** A DECIMAL: `unscaled` / 10^`scale`. */
export class Decimal {
  readonly unscaled: bigint
  readonly scale: number
  constructor(unscaled: bigint, scale: number) {
    this.unscaled = unscaled
    this.scale = scale
  }

  toString(): string {
    const digits = String(this.unscaled < 0n ? -this.unscaled : this.unscaled).padStart(this.scale + 1, '0')
    return `${this.unscaled < 0n ? '-' : ''}${digits.slice(0, digits.length - this.scale)}${this.scale > 0 ? `.${digits.slice(-this.scale)}` : ''}`
  }

  /** With so many digits behind the point, rounded half away from zero. */
  rescale(scale: number): Decimal {
    if (scale >= this.scale) return new Decimal(this.unscaled * 10n ** BigInt(scale - this.scale), scale)
    return new Decimal(divideRounded(this.unscaled, 10n ** BigInt(this.scale - scale)), scale)
  }
}

/** What a cell or an expression holds: integers are bigint, doubles number, dates and times text in MySQL's format. */
export type Value = null | bigint | number | Decimal | string

export function divideRounded(a: bigint, b: bigint): bigint {
  const negative = (a < 0n) !== (b < 0n)
  const [x, y] = [a < 0n ? -a : a, b < 0n ? -b : b]
  const quotient = (x * 2n + y) / (y * 2n)
  return negative ? -quotient : quotient
}

/** A decimal from its text, such as `-1.50`. */
export function decimalOf(text: string): Decimal {
  const [, sign, whole, fraction = ''] = /^([+-]?)(\d*)(?:\.(\d*))?$/.exec(text)!
  return new Decimal(BigInt(`${sign === '-' ? '-' : ''}${whole || '0'}${fraction}`), fraction.length)
}

/** The number that a text begins with. */
export function leadingNumber(text: string): number {
  return Number(/^\s*[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?/.exec(text)?.[0] ?? 0)
}

export function toNumber(value: Value): number {
  return value === null ? 0 : typeof value === 'string' ? leadingNumber(value) : value instanceof Decimal ? Number(value.toString()) : Number(value)
}

/** An operand of arithmetic: text counts as a double. */
export function numeric(value: Exclude<Value, null>): bigint | number | Decimal {
  return typeof value === 'string' ? leadingNumber(value) : value
}

export function toText(value: Exclude<Value, null>): string {
  if (typeof value !== 'number') return String(value)
  if (Number.isInteger(value) && Math.abs(value) < 1e15) return String(value)
  return String(value).replace(/e\+/, 'e')
}

/** What WHERE makes of it; undefined for NULL. */
export function truth(value: Value): boolean | undefined {
  return value === null ? undefined : value instanceof Decimal ? value.unscaled !== 0n : typeof value === 'bigint' ? value !== 0n : toNumber(value) !== 0
}

export const fromTruth = (value: boolean | undefined): Value => value === undefined ? null : value ? 1n : 0n

/** Text as the default collation compares it: without regard to case and accents. */
export function collate(text: string): string {
  return text.normalize('NFD').replace(/[\u0300-\u036f]/g, '').toLowerCase()
}

const compareText = (a: string, b: string) => a < b ? -1 : a > b ? 1 : 0
const DATE_LIKE = /^\d{4}-\d\d-\d\d(?: \d\d:\d\d:\d\d(?:\.\d+)?)?$/

/** Less, equal or greater. Two texts are compared by the collation, everything else as numbers. */
export function compare(a: Exclude<Value, null>, b: Exclude<Value, null>, binary = false): number {
  if (typeof a === 'string' && typeof b === 'string') {
    if (binary) return compareText(a, b)
    // A date is the moment at its beginning.
    if (a.length !== b.length && DATE_LIKE.test(a) && DATE_LIKE.test(b)) return compareText(a.length === 10 ? `${a} 00:00:00` : a, b.length === 10 ? `${b} 00:00:00` : b)
    return compareText(collate(a), collate(b))
  }
  const [x, y] = [numeric(a), numeric(b)]
  if (typeof x === 'number' || typeof y === 'number') { const d = toNumber(x) - toNumber(y); return d < 0 ? -1 : d > 0 ? 1 : 0 }
  const scale = Math.max(x instanceof Decimal ? x.scale : 0, y instanceof Decimal ? y.scale : 0)
  const [p, q] = [asDecimal(x).rescale(scale).unscaled, asDecimal(y).rescale(scale).unscaled]
  return p < q ? -1 : p > q ? 1 : 0
}

/** For ORDER BY: NULL comes first. */
export function compareForOrder(a: Value, b: Value, binary = false): number {
  return a === null ? b === null ? 0 : -1 : b === null ? 1 : compare(a, b, binary)
}

export function asDecimal(value: bigint | Decimal): Decimal {
  return value instanceof Decimal ? value : new Decimal(value, 0)
}

/** Equal texts for values that GROUP BY, DISTINCT and unique indexes take for equal. */
export function groupKey(value: Value, binary = false): string {
  if (value === null) return 'n'
  if (typeof value === 'string') return `s${binary ? value : collate(value)}`
  return `#${value instanceof Decimal ? value.toString().replace(/\.?0+$/, (zeros) => value.scale > 0 ? '' : zeros) : toText(value)}`
}

const INTEGER_BITS: Readonly<Record<string, bigint>> = { tinyint: 8n, smallint: 16n, mediumint: 24n, int: 32n, bigint: 64n }
const TEXT_LENGTHS: Readonly<Record<string, number>> = { tinytext: 255, tinyblob: 255, text: 65_535, blob: 65_535 }

export const isNumericType = ({ name }: ColumnType) => name in INTEGER_BITS || ['decimal', 'float', 'double', 'year', 'bit'].includes(name)
export const isTextType = ({ name }: ColumnType) => /char|text|enum|set|blob|binary|json/.test(name)
export const isBinaryType = ({ name }: ColumnType) => /blob|binary/.test(name)

/** A date or a time in the form that MySQL keeps; undefined when it is none. */
export function parseDateTime(text: string): { date: string; time: string; fraction: string } | undefined {
  const parts = /^\s*(\d{4}|\d{2})[-/.](\d{1,2})[-/.](\d{1,2})(?:[T ]+(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.(\d{1,6}))?)?Z?)?\s*$/.exec(text) ?? /^(\d{4})(\d\d)(\d\d)(?:(\d\d)(\d\d)(\d\d))?$/.exec(text)
  if (!parts) return undefined
  const [, y, mo, d, h = '0', mi = '0', s = '0', fraction = ''] = parts
  const year = y!.length === 2 ? (Number(y) < 70 ? 2000 : 1900) + Number(y) : Number(y)
  const [month, day] = [Number(mo), Number(d)]
  if (month < 1 || month > 12 || day < 1 || day > new Date(Date.UTC(year, month, 0)).getUTCDate() || Number(h) > 23 || Number(mi) > 59 || Number(s) > 59) return undefined
  const two = (n: string | number) => String(n).padStart(2, '0')
  return { date: `${String(year).padStart(4, '0')}-${two(month)}-${two(day)}`, time: `${two(h)}:${two(mi)}:${two(s)}`, fraction }
}

/** Milliseconds since 1970 of a date with or without a time; undefined when it is none. */
export function dateMs(value: Value): number | undefined {
  if (value === null) return undefined
  const parts = parseDateTime(toText(value))
  return parts && Date.parse(`${parts.date}T${parts.time}Z`) + Number(`0.${parts.fraction || '0'}`) * 1000
}

/** A moment as DATETIME. */
export function dateTimeText(ms: number, digits = 0): string {
  const text = new Date(Math.floor(ms)).toISOString()
  return `${text.slice(0, 10)} ${text.slice(11, 19)}${digits > 0 ? `.${`${text.slice(20, 23)}000`.slice(0, digits)}` : ''}`
}

/** Where a value goes to, for messages; `zeroDates`: sql_mode lacks NO_ZERO_DATE, so that `0000-00-00` is a date. */
export interface Place { column: string; row: number; zeroDates?: boolean }

const ZERO_DATE = /^0000-00-00(?: 00:00:00(?:\.0+)?)?$/

/**
 * A value as a column of that type keeps it.
 * @throws SqlError 1264, 1265, 1292, 1366, 1406 as in strict mode.
 */
export function coerce(value: Exclude<Value, null>, type: ColumnType, { column, row, zeroDates = false }: Place): Exclude<Value, null> {
  const incorrect = (kind: string): never => { throw new SqlError(1366, `Incorrect ${kind} value: '${toText(value)}' for column '${column}' at row ${row}`) }
  const outOfRange = (): never => { throw new SqlError(1264, `Out of range value for column '${column}' at row ${row}`) }
  const tooLong = (): never => { throw new SqlError(1406, `Data too long for column '${column}' at row ${row}`) }
  const truncated = (): never => { throw new SqlError(1265, `Data truncated for column '${column}' at row ${row}`) }
  const exact = (kind: string): bigint | number | Decimal => {
    if (typeof value !== 'string') return value
    const text = value.trim()
    if (/^[+-]?\d+$/.test(text)) return BigInt(text)
    if (/^[+-]?(?:\d+\.?\d*|\.\d+)$/.test(text)) return decimalOf(text)
    if (/^[+-]?(?:\d+\.?\d*|\.\d+)[eE][+-]?\d+$/.test(text)) return Number(text)
    return /^[+-]?\d/.test(text) && kind === 'integer' ? truncated() : incorrect(kind)
  }
  const { name } = type
  if (name in INTEGER_BITS) {
    const number = exact('integer')
    const integer = typeof number === 'bigint' ? number : typeof number === 'number' ? Number.isFinite(number) ? BigInt(Math.round(number)) : outOfRange() : number.rescale(0).unscaled
    const bits = INTEGER_BITS[name]!
    const [low, high] = type.unsigned ? [0n, 2n ** bits - 1n] : [-(2n ** (bits - 1n)), 2n ** (bits - 1n) - 1n]
    return integer < low || integer > high ? outOfRange() : integer
  }
  if (name === 'decimal') {
    const number = exact('decimal')
    const { length = 10, scale = 0 } = type
    const decimal = (typeof number === 'number' ? decimalOf(number.toFixed(Math.min(20, scale + 2))) : asDecimal(number)).rescale(scale)
    return (decimal.unscaled < 0n ? -decimal.unscaled : decimal.unscaled) >= 10n ** BigInt(length) || (type.unsigned && decimal.unscaled < 0n) ? outOfRange() : decimal
  }
  if (name === 'double' || name === 'float') {
    const number = toNumber(exact(name))
    const kept = type.scale === undefined ? number : Number(number.toFixed(type.scale))
    return name === 'float' ? Number(Math.fround(kept).toPrecision(6)) : kept
  }
  if (name === 'bit') return typeof value === 'string' ? BigInt(value === '' ? 0 : value.charCodeAt(0)) : BigInt(Math.round(toNumber(value)))
  if (name === 'year') {
    const year = toNumber(exact('integer'))
    return BigInt(year >= 1901 && year <= 2155 ? year : year > 0 && year < 70 ? 2000 + year : year >= 70 && year < 100 ? 1900 + year : year === 0 ? 0 : outOfRange() as never)
  }
  if (name === 'date' || name === 'datetime' || name === 'timestamp') {
    if (zeroDates && ZERO_DATE.test(toText(value))) return name === 'date' ? '0000-00-00' : '0000-00-00 00:00:00'
    const parts = parseDateTime(toText(value)) ?? parseDateTime(toText(value).replace(/^(\S+ \S+) .*$/, '$1'))
    if (!parts) throw new SqlError(1292, `Incorrect ${name === 'date' ? 'date' : 'datetime'} value: '${toText(value)}' for column '${column}' at row ${row}`)
    return name === 'date' ? parts.date : `${parts.date} ${parts.time}${type.length ? `.${parts.fraction.padEnd(6, '0').slice(0, type.length)}` : ''}`
  }
  if (name === 'time') {
    const text = toText(value)
    const parts = /^(?:\S+ )?(-?)(\d{1,3}):(\d{1,2})(?::(\d{1,2})(?:\.\d+)?)?$/.exec(text)
    if (!parts) throw new SqlError(1292, `Incorrect time value: '${text}' for column '${column}' at row ${row}`)
    return `${parts[1]}${parts[2]!.padStart(2, '0')}:${parts[3]!.padStart(2, '0')}:${(parts[4] ?? '0').padStart(2, '0')}`
  }
  const text = toText(value)
  if (name === 'enum') {
    const found = typeof value === 'bigint' ? type.values![Number(value) - 1] : type.values!.find((each) => collate(each) === collate(text))
    return found ?? truncated()
  }
  if (name === 'set') {
    const chosen = text === '' ? [] : text.split(',').map(collate)
    if (chosen.some((each) => !type.values!.some((known) => collate(known) === each))) truncated()
    return type.values!.filter((each) => chosen.includes(collate(each))).join(',')
  }
  if (name === 'json') {
    try { return jsonText(JSON.parse(text)) } catch { throw new SqlError(3140, `Invalid JSON text: "Invalid value." at position 0 in value for column '${column}'.`) }
  }
  const limit = TEXT_LENGTHS[name] ?? (name === 'char' || name === 'binary' ? type.length ?? 1 : type.length)
  if (limit !== undefined && [...text].length > limit) return text.trimEnd().length <= limit && !isBinaryType(type) ? text.trimEnd() : tooLong()
  return name === 'char' ? text.trimEnd() : text
}

/** JSON as MySQL writes it: keys by length, a space behind colons and commas. */
export function jsonText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(jsonText).join(', ')}]`
  if (value && typeof value === 'object') return `{${Object.keys(value).sort((a, b) => a.length - b.length || compareText(a, b)).map((key) => `${JSON.stringify(key)}: ${jsonText((value as Record<string, unknown>)[key])}`).join(', ')}}`
  return JSON.stringify(value)
}

/** A kept value as the client sees it: leading zeros where the column asks for them. */
export function shown(value: Exclude<Value, null>, type: ColumnType): string {
  const text = toText(value)
  return type.zerofill ? text.padStart(type.length ?? 10, '0') : type.name === 'year' ? text.padStart(4, '0') : type.name === 'bit' ? String.fromCharCode(Number(value)) : text
}

/** The type as DESCRIBE and SHOW CREATE TABLE name it. Display widths of integers went with 8.0.19. */
export function typeText(type: ColumnType, widths: boolean): string {
  const WIDTHS: Readonly<Record<string, number>> = { tinyint: 4, smallint: 6, mediumint: 9, int: 11, bigint: 20 }
  let text = type.name
  if (type.values) text += `(${type.values.map((value) => `'${value.replaceAll("'", "''")}'`).join(',')})`
  else if (type.name === 'decimal') text += `(${type.length ?? 10},${type.scale ?? 0})`
  else if (type.name in WIDTHS) {
    if (type.zerofill || widths || (type.name === 'tinyint' && type.length === 1)) text += `(${type.length ?? WIDTHS[type.name]! - (type.unsigned && type.name !== 'bigint' ? 1 : 0)})`
  } else if (type.name === 'char' || type.name === 'binary' || type.name === 'bit') text += `(${type.length ?? 1})`
  else if (type.name === 'year') text += widths ? '(4)' : ''
  else if (type.length !== undefined && (type.scale !== undefined || !['float', 'double'].includes(type.name)) && !/text|blob/.test(type.name)) text += `(${type.length}${type.scale === undefined ? '' : `,${type.scale}`})`
  return `${text}${type.unsigned ? ' unsigned' : ''}${type.zerofill ? ' zerofill' : ''}`
}

/** What a column holds where nothing is said and NULL is forbidden, outside of strict mode: for columns that are added to rows. */
export function implicitDefault({ type }: ColumnDefinition): Value {
  if (type.name === 'decimal') return new Decimal(0n, type.scale ?? 0)
  if (type.name === 'double' || type.name === 'float') return 0
  if (isNumericType(type)) return 0n
  return type.name === 'date' ? '0000-00-00' : type.name === 'time' ? '00:00:00' : type.name === 'datetime' || type.name === 'timestamp' ? '0000-00-00 00:00:00' : type.name === 'enum' ? type.values![0]! : ''
}
