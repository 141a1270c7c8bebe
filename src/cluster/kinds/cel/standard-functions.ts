/** Operators and conversions. k8s: cel-go/common/stdlib, common/types */
import { goPattern } from '../go-pattern.ts'
import type { RuntimeFunction } from './cel-runtime-functions.ts'
import { durationText, parseDuration, parseTimestamp, timestamp, timestampText, wallClock } from './cel-time.ts'
import { celCompare, CelDuration, CelTimestamp, celTypeOf, CelTypeName, CelUint, doubleText, mapSize } from './cel-values.ts'

const DURATION = 'google.protobuf.Duration'
const TIME = 'google.protobuf.Timestamp'
const MAX = (1n << 63n) - 1n
const MIN = -(1n << 63n)
const MAX_UINT = (1n << 64n) - 1n

const fail = (message: string): never => {
  throw new Error(message)
}
const int = (value: bigint): bigint => value > MAX || value < MIN ? fail('integer overflow') : value
const uint = (value: bigint): CelUint => value > MAX_UINT || value < 0n ? fail('unsigned integer overflow') : new CelUint(value)
const duration = (nanos: bigint): CelDuration => nanos > MAX || nanos < MIN ? fail('duration overflow') : new CelDuration(nanos)
const time = (nanos: bigint, offset: number): CelTimestamp => timestamp(nanos, offset) ?? fail('timestamp overflow')
const nonZero = (value: bigint, what: string): bigint => value === 0n ? fail(`${what} by zero`) : value
const unconvertible = (from: string, to: string): never => fail(`type conversion error from '${from}' to '${to}'`)

type Operation = readonly [string, (a: bigint, b: bigint) => bigint]
const whole: readonly Operation[] = [['_+_', (a, b) => a + b], ['_-_', (a, b) => a - b], ['_*_', (a, b) => a * b], ['_/_', (a, b) => a / nonZero(b, 'division')], ['_%_', (a, b) => a % nonZero(b, 'modulus')]]
const real: readonly (readonly [string, (a: number, b: number) => number])[] = [['_+_', (a, b) => a + b], ['_-_', (a, b) => a - b], ['_*_', (a, b) => a * b], ['_/_', (a, b) => a / b]]
const orders: readonly (readonly [string, (order: number) => boolean])[] = [['_<_', (n) => n < 0], ['_<=_', (n) => n <= 0], ['_>_', (n) => n > 0], ['_>=_', (n) => n >= 0]]

const ordered = (a: unknown, b: unknown): number => {
  if (Number.isNaN(a) || Number.isNaN(b)) return fail('NaN values cannot be ordered')
  return celCompare(a, b) ?? fail('no such overload')
}

/** Where a text is as long as it looks: counted in characters, not in halves of them. */
const length = (text: string) => [...text].length

const numberText = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/
function parseDouble(text: string): number {
  if (/^[+-]?inf(?:inity)?$/i.test(text)) return text.startsWith('-') ? -Infinity : Infinity
  if (/^[+-]?nan$/i.test(text)) return NaN
  const value = numberText.test(text) ? Number(text) : NaN
  return Number.isFinite(value) ? value : unconvertible('string', 'double')
}

function parseWhole(text: string, to: 'int' | 'uint'): bigint {
  const shape = to === 'int' ? /^[+-]?\d+$/ : /^\d+$/
  if (!shape.test(text)) return unconvertible('string', to)
  const value = BigInt(text.replace(/^\+/, ''))
  return (to === 'int' ? value > MAX || value < MIN : value > MAX_UINT) ? unconvertible('string', to) : value
}

const BOOLS: Readonly<Record<string, boolean>> = { 1: true, t: true, T: true, true: true, TRUE: true, True: true, 0: false, f: false, F: false, false: false, FALSE: false, False: false }

function utf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return fail('invalid UTF-8 in bytes, cannot convert to string')
  }
}

const traversal = (...sizes: number[]) => Math.ceil(sizes.reduce((sum, size) => sum + size, 0) * 0.1)
const secondsOf = (nanos: bigint): bigint => nanos >= 0n ? nanos / 1_000_000_000n : -((-nanos + 999_999_999n) / 1_000_000_000n)

/** What can be asked of a moment, with or without a zone. */
const moments: Readonly<Record<string, (date: Date, moment: CelTimestamp) => number>> = {
  getFullYear: (date) => date.getUTCFullYear(),
  getMonth: (date) => date.getUTCMonth(),
  getDayOfYear: (date) => Math.floor((Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()) - Date.UTC(date.getUTCFullYear(), 0, 1)) / 86_400_000),
  getDayOfMonth: (date) => date.getUTCDate() - 1,
  getDate: (date) => date.getUTCDate(),
  getDayOfWeek: (date) => date.getUTCDay(),
  getHours: (date) => date.getUTCHours(),
  getMinutes: (date) => date.getUTCMinutes(),
  getSeconds: (date) => date.getUTCSeconds(),
  getMilliseconds: (date) => date.getUTCMilliseconds(),
}
const spans: Readonly<Record<string, bigint>> = { getHours: 3600_000_000_000n, getMinutes: 60_000_000_000n, getSeconds: 1_000_000_000n, getMilliseconds: 1_000_000n }

const f = (name: string, types: string, run: RuntimeFunction[2]): RuntimeFunction => [name, types === '' ? [] : types.split(' '), run]

export const standardFunctions: readonly RuntimeFunction[] = [
  ...whole.flatMap(([name, run]) => [f(name, 'int int', (_c, a: bigint, b: bigint) => int(run(a, b))), f(name, 'uint uint', (_c, a: CelUint, b: CelUint) => uint(run(a.value, b.value)))]),
  ...real.map(([name, run]) => f(name, 'double double', (_c, a: number, b: number) => run(a, b))),
  ...orders.map(([name, holds]) => f(name, '* *', (charge, a: unknown, b: unknown) => {
    if (typeof a === 'string' && typeof b === 'string') charge(traversal(Math.min(a.length, b.length)))
    return holds(ordered(a, b))
  })),
  f('_+_', 'string string', (charge, a: string, b: string) => {
    charge(traversal(a.length, b.length))
    return a + b
  }),
  f('_+_', 'bytes bytes', (_c, a: Uint8Array, b: Uint8Array) => Uint8Array.from([...a, ...b])),
  f('_+_', 'list list', (_c, a: unknown[], b: unknown[]) => [...a, ...b]),
  f('_+_', `${DURATION} ${DURATION}`, (_c, a: CelDuration, b: CelDuration) => duration(a.nanos + b.nanos)),
  f('_-_', `${DURATION} ${DURATION}`, (_c, a: CelDuration, b: CelDuration) => duration(a.nanos - b.nanos)),
  f('_+_', `${DURATION} ${TIME}`, (_c, a: CelDuration, b: CelTimestamp) => time(a.nanos + b.nanos, b.offsetSeconds)),
  f('_+_', `${TIME} ${DURATION}`, (_c, a: CelTimestamp, b: CelDuration) => time(a.nanos + b.nanos, a.offsetSeconds)),
  f('_-_', `${TIME} ${DURATION}`, (_c, a: CelTimestamp, b: CelDuration) => time(a.nanos - b.nanos, a.offsetSeconds)),
  f('_-_', `${TIME} ${TIME}`, (_c, a: CelTimestamp, b: CelTimestamp) => duration(int(a.nanos - b.nanos))),
  f('-_', 'int', (_c, a: bigint) => int(-a)),
  f('-_', 'double', (_c, a: number) => -a),
  f('!_', 'bool', (_c, a: boolean) => !a),

  f('size', 'string', (_c, text: string) => BigInt(length(text))),
  f('size', 'bytes', (_c, bytes: Uint8Array) => BigInt(bytes.length)),
  f('size', 'list', (_c, list: unknown[]) => BigInt(list.length)),
  f('size', 'map', (_c, map: Record<string, unknown>) => BigInt(mapSize(map))),

  f('int', 'int', (_c, a: bigint) => a),
  f('int', 'uint', (_c, a: CelUint) => int(a.value)),
  f('int', 'double', (_c, a: number) => Number.isNaN(a) || a >= 2 ** 63 || a <= -(2 ** 63) ? fail('integer overflow') : BigInt(Math.trunc(a))),
  f('int', 'string', (_c, a: string) => parseWhole(a, 'int')),
  f('int', TIME, (_c, a: CelTimestamp) => secondsOf(a.nanos)),
  f('int', DURATION, (_c, a: CelDuration) => a.nanos),
  f('uint', 'uint', (_c, a: CelUint) => a),
  f('uint', 'int', (_c, a: bigint) => uint(a)),
  f('uint', 'double', (_c, a: number) => Number.isNaN(a) || a < 0 || a >= 2 ** 64 ? fail('unsigned integer overflow') : new CelUint(BigInt(Math.trunc(a)))),
  f('uint', 'string', (_c, a: string) => new CelUint(parseWhole(a, 'uint'))),
  f('double', 'double', (_c, a: number) => a),
  f('double', 'int', (_c, a: bigint) => Number(a)),
  f('double', 'uint', (_c, a: CelUint) => Number(a.value)),
  f('double', 'string', (_c, a: string) => parseDouble(a)),
  f('string', 'string', (_c, a: string) => a),
  f('string', 'bool', (_c, a: boolean) => String(a)),
  f('string', 'int', (_c, a: bigint) => String(a)),
  f('string', 'uint', (_c, a: CelUint) => String(a.value)),
  f('string', 'double', (_c, a: number) => doubleText(a)),
  f('string', 'bytes', (_c, a: Uint8Array) => utf8(a)),
  f('string', TIME, (_c, a: CelTimestamp) => timestampText(a)),
  f('string', DURATION, (_c, a: CelDuration) => durationText(a)),
  f('bool', 'bool', (_c, a: boolean) => a),
  f('bool', 'string', (_c, a: string) => Object.hasOwn(BOOLS, a) ? BOOLS[a] : unconvertible('string', 'bool')),
  f('bytes', 'bytes', (_c, a: Uint8Array) => a),
  f('bytes', 'string', (_c, a: string) => new TextEncoder().encode(a)),
  f('dyn', '*', (_c, a: unknown) => a),
  f('type', '*', (_c, a: unknown) => new CelTypeName(celTypeOf(a))),
  f('duration', DURATION, (_c, a: CelDuration) => a),
  f('duration', 'string', (_c, a: string) => parseDuration(a) ?? unconvertible('string', DURATION)),
  f('duration', 'int', (_c, a: bigint) => new CelDuration(a)),
  f('timestamp', TIME, (_c, a: CelTimestamp) => a),
  f('timestamp', 'string', (_c, a: string) => parseTimestamp(a) ?? unconvertible('string', TIME)),
  f('timestamp', 'int', (_c, a: bigint) => time(a * 1_000_000_000n, 0)),

  f('matches', 'string string', (charge, text: string, pattern: string) => {
    charge(Math.ceil((1 + text.length) * 0.1) * Math.ceil(pattern.length * 0.25))
    return goPattern(pattern).test(text)
  }),
  f('contains', 'string string', (charge, text: string, part: string) => {
    charge(traversal(text.length) * traversal(part.length))
    return text.includes(part)
  }),
  f('startsWith', 'string string', (_c, text: string, part: string) => text.startsWith(part)),
  f('endsWith', 'string string', (_c, text: string, part: string) => text.endsWith(part)),

  ...Object.entries(moments).flatMap(([name, of]) => [
    f(name, TIME, (_c, moment: CelTimestamp) => BigInt(of(wallClock(moment), moment))),
    f(name, `${TIME} string`, (_c, moment: CelTimestamp, zone: string) => BigInt(of(wallClock(moment, zone), moment))),
  ]),
  ...Object.entries(spans).map(([name, unit]) => f(name, DURATION, (_c, span: CelDuration) => span.nanos / unit)),
]
