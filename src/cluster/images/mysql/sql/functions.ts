import { SqlError, unsupported } from './errors.ts'
import { Decimal, asDecimal, compare, dateMs, dateTimeText, decimalOf, divideRounded, fromTruth, jsonText, leadingNumber, numeric, parseDateTime, toNumber, toText, truth } from './values.ts'
import type { Value } from './values.ts'

/** What functions know of the connection they run in. */
export interface FunctionContext {
  readonly version: string
  readonly database: string | undefined
  /** `name@host` as logged in, and as the account is called. */
  readonly user: string
  readonly account: string
  readonly connectionId: number
  readonly lastInsertId: bigint
  readonly rowCount: bigint
  readonly foundRows: bigint
  /** The moment at which the statement began. */
  nowMs(): number
  random(): number
  /** The statement waits so long before it answers. */
  addSleep(ms: number): void
  /** A digest in hexadecimal. */
  digest(algorithm: 'md5' | 'sha1' | 'sha256' | 'sha512', text: string): string
}

type Present = Exclude<Value, null>
type ScalarFunction = (context: FunctionContext, args: Value[]) => Value

/** A function that is NULL as soon as an argument is. */
const strict = (run: (...args: Present[]) => Value): ScalarFunction => (_, args) => args.includes(null) ? null : run(...args as Present[])
const textual = (run: (...args: string[]) => Value): ScalarFunction => strict((...args) => run(...args.map(toText)))
const double = (run: (...args: number[]) => number): ScalarFunction => strict((...args) => { const out = run(...args.map(toNumber)); return Number.isFinite(out) ? out : null })
const int = (value: Present) => Math.trunc(toNumber(value))
const two = (value: number) => String(value).padStart(2, '0')

const ofDate = (run: (date: Date, ms: number) => Value): ScalarFunction => (_, [value]) => { const ms = dateMs(value ?? null); return ms === undefined ? null : run(new Date(ms), ms) }
const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']
const MONTHS = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December']
const DAY_MS = 86_400_000
const UNIT_MS: Readonly<Record<string, number>> = { microsecond: 0.001, second: 1000, minute: 60_000, hour: 3_600_000, day: DAY_MS, week: 7 * DAY_MS }
const UNIT_MONTHS: Readonly<Record<string, number>> = { month: 1, quarter: 3, year: 12 }

function addMonths(ms: number, months: number): number {
  const date = new Date(ms)
  const day = date.getUTCDate()
  date.setUTCDate(1)
  date.setUTCMonth(date.getUTCMonth() + months)
  date.setUTCDate(Math.min(day, new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate()))
  return date.getTime()
}

/** A date, moved by an interval. NULL where it is none. */
export function addInterval(value: Value, amount: Value, unit: string): Value {
  const ms = dateMs(value)
  if (ms === undefined || amount === null) return null
  const n = toNumber(amount)
  const months = UNIT_MONTHS[unit]
  const moved = months === undefined ? ms + n * UNIT_MS[unit]! : addMonths(ms, Math.trunc(n) * months)
  const dateOnly = /^\s*\d{4}-\d{1,2}-\d{1,2}\s*$/.test(toText(value!)) && (months !== undefined || unit === 'day' || unit === 'week')
  return dateOnly ? dateTimeText(moved).slice(0, 10) : dateTimeText(moved, moved % 1000 === 0 ? 0 : 6)
}

function timestampDifference(unit: string, from: Value, to: Value): Value {
  const [a, b] = [dateMs(from), dateMs(to)]
  if (a === undefined || b === undefined) return null
  const months = UNIT_MONTHS[unit]
  if (months === undefined) return BigInt(Math.trunc((b - a) / UNIT_MS[unit]!))
  const [x, y] = [new Date(a), new Date(b)]
  let whole = (y.getUTCFullYear() - x.getUTCFullYear()) * 12 + y.getUTCMonth() - x.getUTCMonth()
  if (whole > 0 && addMonths(a, whole) > b) whole -= 1
  else if (whole < 0 && addMonths(a, whole) < b) whole += 1
  return BigInt(Math.trunc(whole / months))
}

function formatDate(ms: number, format: string): string {
  const date = new Date(ms)
  const h12 = date.getUTCHours() % 12 || 12
  const parts: Readonly<Record<string, () => string>> = {
    Y: () => String(date.getUTCFullYear()), y: () => String(date.getUTCFullYear()).slice(2), m: () => two(date.getUTCMonth() + 1), c: () => String(date.getUTCMonth() + 1), M: () => MONTHS[date.getUTCMonth()]!, b: () => MONTHS[date.getUTCMonth()]!.slice(0, 3),
    d: () => two(date.getUTCDate()), e: () => String(date.getUTCDate()), H: () => two(date.getUTCHours()), k: () => String(date.getUTCHours()), h: () => two(h12), I: () => two(h12), l: () => String(h12), i: () => two(date.getUTCMinutes()), s: () => two(date.getUTCSeconds()), S: () => two(date.getUTCSeconds()),
    f: () => String(Math.round((ms % 1000) * 1000)).padStart(6, '0'), p: () => date.getUTCHours() < 12 ? 'AM' : 'PM', W: () => DAYS[date.getUTCDay()]!, a: () => DAYS[date.getUTCDay()]!.slice(0, 3), w: () => String(date.getUTCDay()), T: () => date.toISOString().slice(11, 19), r: () => `${two(h12)}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())} ${date.getUTCHours() < 12 ? 'AM' : 'PM'}`,
    j: () => String(Math.floor((ms - Date.UTC(date.getUTCFullYear(), 0, 1)) / DAY_MS) + 1).padStart(3, '0'), D: () => { const d = date.getUTCDate(); return `${d}${d % 10 === 1 && d !== 11 ? 'st' : d % 10 === 2 && d !== 12 ? 'nd' : d % 10 === 3 && d !== 13 ? 'rd' : 'th'}` },
  }
  return format.replace(/%(.)/g, (_, key: string) => parts[key]?.() ?? key)
}

function field(unit: string, date: Date): bigint {
  switch (unit) {
    case 'year': return BigInt(date.getUTCFullYear())
    case 'quarter': return BigInt(Math.floor(date.getUTCMonth() / 3) + 1)
    case 'month': return BigInt(date.getUTCMonth() + 1)
    case 'day': return BigInt(date.getUTCDate())
    case 'hour': return BigInt(date.getUTCHours())
    case 'minute': return BigInt(date.getUTCMinutes())
    case 'second': return BigInt(date.getUTCSeconds())
    case 'week': return BigInt(Math.floor((Math.floor((date.getTime() - Date.UTC(date.getUTCFullYear(), 0, 1)) / DAY_MS) + new Date(Date.UTC(date.getUTCFullYear(), 0, 1)).getUTCDay()) / 7))
    default: return 0n
  }
}

/** Parts of a time of day, or of a moment. */
const ofTime = (unit: string): ScalarFunction => (_, [value]) => {
  if (value === null || value === undefined) return null
  const time = /^-?(\d+):(\d\d)(?::(\d\d))?/.exec(toText(value))
  if (time) return BigInt(time[{ hour: 1, minute: 2, second: 3 }[unit]!] ?? 0)
  const ms = dateMs(value)
  return ms === undefined ? null : field(unit, new Date(ms))
}

function round(value: Present, digits: number, cut: boolean): Value {
  const number = numeric(value)
  if (typeof number === 'number') {
    const factor = 10 ** digits
    return (cut ? Math.trunc(number * factor) : Math.sign(number) * Math.round(Math.abs(number) * factor)) / factor
  }
  const decimal = asDecimal(number)
  if (digits >= decimal.scale) return cut && number instanceof Decimal ? decimal.rescale(Math.min(digits, 30)) : number
  const unit = 10n ** BigInt(decimal.scale - digits)
  const whole = cut ? decimal.unscaled / unit : divideRounded(decimal.unscaled, unit)
  if (digits >= 0) return digits === 0 ? whole : new Decimal(whole, digits)
  return whole * 10n ** BigInt(-digits)
}

function grouped(value: Present, digits: number): string {
  const number = numeric(value)
  const text = typeof number === 'number' ? number.toFixed(Math.max(0, digits)) : asDecimal(number).rescale(Math.max(0, digits)).toString()
  const [whole, fraction] = text.split('.')
  return `${whole!.replace(/\B(?=(\d{3})+$)/g, ',')}${fraction ? `.${fraction}` : ''}`
}

function jsonPath(value: unknown, path: string): unknown {
  let at: unknown = value
  for (const [, key, quotedKey, index] of path.slice(1).matchAll(/\.([\w$]+)|\."([^"]*)"|\[(\d+)\]/g)) {
    at = index === undefined ? at && typeof at === 'object' && !Array.isArray(at) ? (at as Record<string, unknown>)[key ?? quotedKey!] : undefined : Array.isArray(at) ? at[Number(index)] : index === '0' ? at : undefined
    if (at === undefined) return undefined
  }
  return at
}

function parseJson(text: string, name: string): unknown {
  try { return JSON.parse(text) } catch { throw new SqlError(3141, `Invalid JSON text in argument 1 to function ${name}: "Invalid value." at position 0.`) }
}

const toJson = (value: Value): unknown => value === null ? null : typeof value === 'bigint' || typeof value === 'number' ? Number(value) : value instanceof Decimal ? Number(value.toString()) : /^[[{]/.test(value) ? (() => { try { return JSON.parse(value) as unknown } catch { return value } })() : value

function substring(text: string, start: number, length = Infinity): string {
  const characters = [...text]
  if (start === 0 || length <= 0) return ''
  const from = start > 0 ? start - 1 : characters.length + start
  return from < 0 ? '' : characters.slice(from, from + length).join('')
}

const extreme = (sign: 1 | -1) => strict((...args) => args.reduce((best, each) => compare(each, best) * sign > 0 ? each : best))

/** Functions of single values, by name. */
export const scalarFunctions: Readonly<Record<string, ScalarFunction>> = {
  // Control
  if: (_, [condition, yes, no]) => truth(condition!) ? yes! : no!,
  ifnull: (_, [value, other]) => value === null ? other! : value!,
  nullif: (_, [a, b]) => a !== null && b !== null && compare(a!, b!) === 0 ? null : a!,
  coalesce: (_, args) => args.find((each) => each !== null) ?? null,
  isnull: (_, [value]) => fromTruth(value === null),
  greatest: extreme(1), least: extreme(-1),
  interval: (_, [n, ...bounds]) => n === null ? -1n : BigInt(bounds.filter((bound) => bound !== null && compare(bound, n!) <= 0).length),
  elt: (_, [n, ...list]) => n === null ? null : list[int(n!) - 1] ?? null,
  field: (_, [value, ...list]) => value === null ? 0n : BigInt(list.findIndex((each) => each !== null && compare(each, value!) === 0) + 1),
  // Text
  concat: textual((...parts) => parts.join('')),
  concat_ws: (_, [separator, ...parts]) => separator === null ? null : parts.filter((part) => part !== null).map((part) => toText(part!)).join(toText(separator!)),
  length: textual((text) => BigInt(new TextEncoder().encode(text).length)), octet_length: textual((text) => BigInt(new TextEncoder().encode(text).length)), bit_length: textual((text) => BigInt(new TextEncoder().encode(text).length * 8)),
  char_length: textual((text) => BigInt([...text].length)), character_length: textual((text) => BigInt([...text].length)),
  upper: textual((text) => text.toUpperCase()), ucase: textual((text) => text.toUpperCase()), lower: textual((text) => text.toLowerCase()), lcase: textual((text) => text.toLowerCase()),
  ltrim: textual((text) => text.replace(/^ +/, '')), rtrim: textual((text) => text.replace(/ +$/, '')),
  trim: textual((text, what = ' ', side = 'both') => {
    if (what !== '' && side !== 'trailing') while (text.startsWith(what)) text = text.slice(what.length)
    if (what !== '' && side !== 'leading') while (text.endsWith(what)) text = text.slice(0, -what.length)
    return text
  }),
  substring: strict((text, start, length) => substring(toText(text), int(start!), length === undefined ? undefined : int(length))), substr: strict((text, start, length) => substring(toText(text), int(start!), length === undefined ? undefined : int(length))), mid: strict((text, start, length) => substring(toText(text), int(start!), length === undefined ? undefined : int(length))),
  left: strict((text, n) => [...toText(text)].slice(0, Math.max(0, int(n!))).join('')), right: strict((text, n) => int(n!) <= 0 ? '' : [...toText(text)].slice(-int(n!)).join('')),
  replace: textual((text, from, to) => from === '' ? text : text.replaceAll(from!, to!)),
  repeat: strict((text, n) => toText(text).repeat(Math.max(0, Math.min(int(n!), 1_000_000)))), reverse: textual((text) => [...text].reverse().join('')), space: strict((n) => ' '.repeat(Math.max(0, int(n)))),
  lpad: strict((text, n, pad) => toText(text).length >= int(n!) ? toText(text).slice(0, int(n!)) : toText(text).padStart(int(n!), toText(pad!))), rpad: strict((text, n, pad) => toText(text).length >= int(n!) ? toText(text).slice(0, int(n!)) : toText(text).padEnd(int(n!), toText(pad!))),
  locate: strict((what, text, from) => BigInt(toText(text!).toLowerCase().indexOf(toText(what).toLowerCase(), from === undefined ? 0 : int(from) - 1) + 1)), instr: textual((text, what) => BigInt(text.toLowerCase().indexOf(what!.toLowerCase()) + 1)),
  strcmp: strict((a, b) => BigInt(compare(toText(a), toText(b!)))),
  substring_index: strict((text, delimiter, n) => { const parts = toText(text).split(toText(delimiter!)); const count = int(n!); return (count >= 0 ? parts.slice(0, count) : parts.slice(count)).join(toText(delimiter!)) }),
  find_in_set: textual((what, list) => BigInt(list === '' ? 0 : list!.toLowerCase().split(',').indexOf(what.toLowerCase()) + 1)),
  ascii: textual((text) => BigInt(text === '' ? 0 : new TextEncoder().encode(text)[0]!)), ord: textual((text) => BigInt(text.codePointAt(0) ?? 0)), char: (_, args) => args.filter((each) => each !== null).map((code) => String.fromCharCode(int(code!))).join(''),
  hex: strict((value) => typeof value === 'string' ? [...new TextEncoder().encode(value)].map((byte) => byte.toString(16).padStart(2, '0')).join('').toUpperCase() : BigInt(int(value)).toString(16).toUpperCase()),
  bin: strict((value) => BigInt(int(value)).toString(2)), oct: strict((value) => BigInt(int(value)).toString(8)),
  format: strict((value, digits) => grouped(value, int(digits!))), quote: (_, [value]) => value === null ? 'NULL' : `'${toText(value!).replace(/['\\]/g, '\\$&')}'`,
  sha2: (context, [text, bits]) => text === null || bits === null || ![0, 256, 512].includes(int(bits!)) ? null : context.digest(int(bits!) === 512 ? 'sha512' : 'sha256', toText(text!)),
  md5: (context, [text]) => text === null ? null : context.digest('md5', toText(text!)), sha1: (context, [text]) => text === null ? null : context.digest('sha1', toText(text!)), sha: (context, [text]) => text === null ? null : context.digest('sha1', toText(text!)),
  // Numbers
  abs: strict((value) => { const n = numeric(value); return typeof n === 'number' ? Math.abs(n) : typeof n === 'bigint' ? n < 0n ? -n : n : new Decimal(n.unscaled < 0n ? -n.unscaled : n.unscaled, n.scale) }),
  round: strict((value, digits) => round(value, digits === undefined ? 0 : int(digits), false)), truncate: strict((value, digits) => round(value, int(digits!), true)),
  floor: strict((value) => { const n = numeric(value); return typeof n === 'number' ? Math.floor(n) : n instanceof Decimal ? BigInt(Math.floor(toNumber(n))) : n }), ceil: strict((value) => { const n = numeric(value); return typeof n === 'number' ? Math.ceil(n) : n instanceof Decimal ? BigInt(Math.ceil(toNumber(n))) : n }), ceiling: strict((value) => { const n = numeric(value); return typeof n === 'number' ? Math.ceil(n) : n instanceof Decimal ? BigInt(Math.ceil(toNumber(n))) : n }),
  mod: strict((a, b) => remainder(a, b!)), sign: strict((value) => BigInt(Math.sign(toNumber(value)))),
  pow: double((a, b) => a ** b!), power: double((a, b) => a ** b!), sqrt: double(Math.sqrt), exp: double(Math.exp), ln: double(Math.log), log: double((a, b) => b === undefined ? Math.log(a) : Math.log(b) / Math.log(a)), log2: double(Math.log2), log10: double(Math.log10), pi: () => 3.141593, sin: double(Math.sin), cos: double(Math.cos), tan: double(Math.tan), asin: double(Math.asin), acos: double(Math.acos), atan: double((a, b) => b === undefined ? Math.atan(a) : Math.atan2(a, b)), radians: double((d) => d * Math.PI / 180), degrees: double((r) => r * 180 / Math.PI),
  rand: ({ random }) => random(),
  // Dates
  now: (context, [digits]) => dateTimeText(context.nowMs(), digits === undefined || digits === null ? 0 : int(digits)), sysdate: (context) => dateTimeText(context.nowMs()), current_timestamp: (context, [digits]) => dateTimeText(context.nowMs(), digits === undefined || digits === null ? 0 : int(digits)), localtime: (context) => dateTimeText(context.nowMs()), localtimestamp: (context) => dateTimeText(context.nowMs()), utc_timestamp: (context) => dateTimeText(context.nowMs()),
  curdate: (context) => dateTimeText(context.nowMs()).slice(0, 10), current_date: (context) => dateTimeText(context.nowMs()).slice(0, 10), utc_date: (context) => dateTimeText(context.nowMs()).slice(0, 10), curtime: (context) => dateTimeText(context.nowMs()).slice(11), current_time: (context) => dateTimeText(context.nowMs()).slice(11), utc_time: (context) => dateTimeText(context.nowMs()).slice(11),
  unix_timestamp: (context, [value]) => { const ms = value === undefined ? context.nowMs() : dateMs(value); return ms === undefined ? null : BigInt(Math.floor(ms / 1000)) },
  from_unixtime: strict((seconds, format) => format === undefined ? dateTimeText(toNumber(seconds) * 1000) : formatDate(toNumber(seconds) * 1000, toText(format))),
  date: ofDate((_, ms) => dateTimeText(ms).slice(0, 10)), time: (_, [value]) => value === null ? null : /(\d+:\d\d(?::\d\d)?)/.exec(toText(value!))?.[1] ?? null, timestamp: ofDate((_, ms) => dateTimeText(ms)),
  year: ofDate((date) => field('year', date)), quarter: ofDate((date) => field('quarter', date)), month: ofDate((date) => field('month', date)), week: ofDate((date) => field('week', date)), day: ofDate((date) => field('day', date)), dayofmonth: ofDate((date) => field('day', date)), hour: ofTime('hour'), minute: ofTime('minute'), second: ofTime('second'),
  dayofweek: ofDate((date) => BigInt(date.getUTCDay() + 1)), weekday: ofDate((date) => BigInt((date.getUTCDay() + 6) % 7)), dayname: ofDate((date) => DAYS[date.getUTCDay()]!), monthname: ofDate((date) => MONTHS[date.getUTCMonth()]!), dayofyear: ofDate((_, ms) => BigInt(formatDate(ms, '%j'))), last_day: ofDate((date) => dateTimeText(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).slice(0, 10)), to_days: ofDate((_, ms) => BigInt(Math.floor(ms / DAY_MS) + 719_528)),
  extract: (_, [unit, value]) => { const ms = dateMs(value!); return ms === undefined ? null : field(toText(unit!), new Date(ms)) },
  datediff: (_, [a, b]) => { const [x, y] = [dateMs(a!), dateMs(b!)]; return x === undefined || y === undefined ? null : BigInt(Math.floor(x / DAY_MS) - Math.floor(y / DAY_MS)) },
  timestampdiff: (_, [unit, a, b]) => timestampDifference(toText(unit!), a!, b!), timestampadd: (_, [unit, amount, value]) => addInterval(value!, amount!, toText(unit!)),
  adddate: (_, [value, days]) => addInterval(value!, days!, 'day'), subdate: (_, [value, days]) => days === null ? null : addInterval(value!, -toNumber(days!), 'day'),
  date_format: (_, [value, format]) => { const ms = dateMs(value!); return ms === undefined || format === null ? null : formatDate(ms, toText(format!)) }, time_format: (_, [value, format]) => value === null || format === null ? null : formatDate(Date.parse(`1970-01-01T${toText(value!).slice(-8)}Z`), toText(format!)),
  str_to_date: textual((text) => { const parts = parseDateTime(text); return parts ? text.includes(':') ? `${parts.date} ${parts.time}` : parts.date : null }),
  // The connection
  version: ({ version }) => version, database: ({ database }) => database ?? null, schema: ({ database }) => database ?? null, user: ({ user }) => user, session_user: ({ user }) => user, system_user: ({ user }) => user, current_user: ({ account }) => account, connection_id: ({ connectionId }) => BigInt(connectionId),
  last_insert_id: ({ lastInsertId }) => lastInsertId, row_count: ({ rowCount }) => rowCount, found_rows: ({ foundRows }) => foundRows,
  sleep: (context, [seconds]) => { context.addSleep(seconds === null || seconds === undefined ? 0 : toNumber(seconds) * 1000); return 0n },
  uuid: ({ random }) => { const hex = (n: number) => Array.from({ length: n }, () => Math.floor(random() * 16).toString(16)).join(''); return `${hex(8)}-${hex(4)}-11ef-${hex(4)}-${hex(12)}` },
  charset: () => 'utf8mb4', collation: () => 'utf8mb4_0900_ai_ci', benchmark: () => 0n, get_lock: () => unsupported('GET_LOCK'), release_lock: () => unsupported('RELEASE_LOCK'),
  inet_aton: textual((text) => { const parts = text.split('.').map(Number); return parts.length === 4 ? BigInt(parts.reduce((sum, part) => sum * 256 + part, 0)) : null }), inet_ntoa: strict((value) => { const n = int(value); return [24, 16, 8, 0].map((shift) => Math.floor(n / 2 ** shift) % 256).join('.') }),
  // JSON
  json_extract: textual((json, ...paths) => { const found = paths.map((path) => jsonPath(parseJson(json, 'json_extract'), path)).filter((each) => each !== undefined); return found.length === 0 ? null : jsonText(paths.length > 1 ? found : found[0]) }),
  json_unquote: textual((text) => { if (!text.startsWith('"')) return text; try { return String(JSON.parse(text)) } catch { return text } }),
  json_object: (_, args) => jsonText(Object.fromEntries(Array.from({ length: args.length / 2 }, (__, i) => [toText(args[i * 2] ?? ''), toJson(args[i * 2 + 1]!)]))), json_array: (_, args) => jsonText(args.map(toJson)),
  json_valid: (_, [text]) => { if (text === null) return null; try { JSON.parse(toText(text!)); return 1n } catch { return 0n } }, json_length: textual((json) => { const value = parseJson(json, 'json_length'); return BigInt(Array.isArray(value) ? value.length : value && typeof value === 'object' ? Object.keys(value).length : 1) }), json_keys: textual((json) => { const value = parseJson(json, 'json_keys'); return value && typeof value === 'object' && !Array.isArray(value) ? jsonText(Object.keys(value)) : null }),
}

/** a % b; NULL for a divisor of zero. */
export function remainder(a: Present, b: Present): Value {
  const [x, y] = [numeric(a), numeric(b)]
  if (toNumber(y) === 0) return null
  if (typeof x === 'number' || typeof y === 'number') return toNumber(x) % toNumber(y)
  if (typeof x === 'bigint' && typeof y === 'bigint') return x % y
  const scale = Math.max(asDecimal(x).scale, asDecimal(y).scale)
  return new Decimal(asDecimal(x).rescale(scale).unscaled % asDecimal(y).rescale(scale).unscaled, scale)
}

const BIGINT_MAX = 2n ** 64n - 1n
const BIGINT_MIN = -(2n ** 63n)

/** + - * / DIV and the operators on bits. @throws SqlError 1690 when an integer gets too big. */
export function arithmetic(operator: string, a: Value, b: Value): Value {
  if (a === null || b === null) return null
  if (['&', '|', '^', '<<', '>>'].includes(operator)) {
    const [x, y] = [BigInt.asUintN(64, BigInt(Math.round(toNumber(a)))), BigInt.asUintN(64, BigInt(Math.round(toNumber(b))))]
    return BigInt.asUintN(64, operator === '&' ? x & y : operator === '|' ? x | y : operator === '^' ? x ^ y : operator === '<<' ? y > 63n ? 0n : x << y : x >> y)
  }
  if (operator === '%') return remainder(a, b)
  const [x, y] = [numeric(a), numeric(b)]
  if (operator === 'div') return toNumber(y) === 0 ? null : typeof x === 'bigint' && typeof y === 'bigint' ? x / y : BigInt(Math.trunc(toNumber(x) / toNumber(y)))
  if (typeof x === 'number' || typeof y === 'number') {
    const [p, q] = [toNumber(x), toNumber(y)]
    return operator === '+' ? p + q : operator === '-' ? p - q : operator === '*' ? p * q : q === 0 ? null : p / q
  }
  if (operator === '/') {
    const [p, q] = [asDecimal(x), asDecimal(y)]
    if (q.unscaled === 0n) return null
    const scale = Math.min(30, p.scale + 4)
    return new Decimal(divideRounded(p.unscaled * 10n ** BigInt(scale - p.scale + q.scale), q.unscaled), scale)
  }
  if (typeof x === 'bigint' && typeof y === 'bigint') {
    const out = operator === '+' ? x + y : operator === '-' ? x - y : x * y
    if (out > BIGINT_MAX || out < BIGINT_MIN) throw new SqlError(1690, `BIGINT value is out of range in '(${x} ${operator} ${y})'`)
    return out
  }
  const [p, q] = [asDecimal(x), asDecimal(y)]
  if (operator === '*') return new Decimal(p.unscaled * q.unscaled, p.scale + q.scale)
  const scale = Math.max(p.scale, q.scale)
  const [u, v] = [p.rescale(scale).unscaled, q.rescale(scale).unscaled]
  return new Decimal(operator === '+' ? u + v : u - v, scale)
}

/** Functions of groups, by name: from the values of the group's rows that aren't NULL. */
export const aggregateFunctions: Readonly<Record<string, (values: Present[]) => Value>> = {
  count: (values) => BigInt(values.length),
  sum: (values) => values.length === 0 ? null : sum(values),
  avg: (values) => values.length === 0 ? null : arithmetic('/', sum(values), BigInt(values.length)),
  min: (values) => values.length === 0 ? null : values.reduce((best, each) => compare(each, best) < 0 ? each : best),
  max: (values) => values.length === 0 ? null : values.reduce((best, each) => compare(each, best) > 0 ? each : best),
  bit_and: (values) => values.reduce<bigint>((all, each) => all & BigInt(int(each)), BIGINT_MAX), bit_or: (values) => values.reduce<bigint>((all, each) => all | BigInt(int(each)), 0n), bit_xor: (values) => values.reduce<bigint>((all, each) => all ^ BigInt(int(each)), 0n),
  std: (values) => deviation(values, 0), stddev: (values) => deviation(values, 0), stddev_pop: (values) => deviation(values, 0), stddev_samp: (values) => deviation(values, 1), variance: (values) => variance(values, 0), var_pop: (values) => variance(values, 0), var_samp: (values) => variance(values, 1),
  any_value: (values) => values[0] ?? null,
  json_arrayagg: (values) => jsonText(values.map(toJson)),
}

function sum(values: readonly Present[]): Value {
  const total = values.reduce<Value>((all, each) => arithmetic('+', all, typeof each === 'string' ? leadingNumber(each) : each), 0n)
  return typeof total === 'bigint' ? decimalOf(String(total)) : total
}

function variance(values: readonly Present[], less: number): Value {
  if (values.length <= less) return null
  const numbers = values.map(toNumber)
  const mean = numbers.reduce((a, b) => a + b, 0) / numbers.length
  return numbers.reduce((all, each) => all + (each - mean) ** 2, 0) / (numbers.length - less)
}

function deviation(values: readonly Present[], less: number): Value {
  const of = variance(values, less)
  return of === null ? null : Math.sqrt(of as number)
}
