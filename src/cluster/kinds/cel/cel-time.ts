/** Times and durations of expressions. k8s: cel-go/common/types/{timestamp,duration}.go */
import { CelDuration, CelTimestamp, plainDouble } from './cel-values.ts'

const SECOND = 1_000_000_000n
const UNITS: Record<string, bigint> = { ns: 1n, us: 1000n, 'µs': 1000n, 'μs': 1000n, ms: 1_000_000n, s: SECOND, m: 60n * SECOND, h: 3600n * SECOND }
const MAX_DURATION = (1n << 63n) - 1n
const FIRST = -62_135_596_800n
const LAST = 253_402_300_799n

/** Go's time.ParseDuration; undefined when the text is none. */
export function parseDuration(text: string): CelDuration | undefined {
  if (/^[-+]?0$/.test(text)) return new CelDuration(0n)
  if (!/^[-+]?(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$/.test(text)) return undefined
  let nanos = 0n
  for (const [, whole = '', fraction = '', unit] of text.matchAll(/(\d*)(?:\.(\d*))?(ns|us|µs|μs|ms|s|m|h)/g)) {
    const scale = UNITS[unit!]!
    nanos += BigInt(whole || '0') * scale + (fraction ? BigInt(fraction) * scale / 10n ** BigInt(fraction.length) : 0n)
  }
  return nanos > MAX_DURATION ? undefined : new CelDuration(text.startsWith('-') ? -nanos : nanos)
}

/** Seconds, as protobuf's JSON has them: `1.5s`. */
export function durationText({ nanos }: CelDuration): string {
  // As Go adds the two parts.
  return `${plainDouble(Number(nanos / SECOND) + Number(nanos % SECOND) / 1e9)}s`
}

/** RFC 3339; undefined when the text is none. */
export function parseTimestamp(text: string): CelTimestamp | undefined {
  const match = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:[.,](\d+))?(Z|[+-]\d\d:\d\d)$/.exec(text)
  if (!match) return undefined
  const [, year, month, day, hour, minute, second, fraction = '', zone] = match
  const date = new Date(0)
  date.setUTCFullYear(Number(year), Number(month) - 1, Number(day))
  date.setUTCHours(Number(hour), Number(minute), Number(second))
  if (date.getUTCMonth() !== Number(month) - 1 || date.getUTCDate() !== Number(day) || Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return undefined
  const offsetSeconds = zone === 'Z' ? 0 : (zone!.startsWith('-') ? -1 : 1) * (Number(zone!.slice(1, 3)) * 3600 + Number(zone!.slice(4)) * 60)
  return timestamp(BigInt(date.getTime()) * 1_000_000n + BigInt(fraction.slice(0, 9).padEnd(9, '0')) - BigInt(offsetSeconds) * SECOND, offsetSeconds)
}

/** Undefined outside of the years 1 to 9999. */
export function timestamp(nanos: bigint, offsetSeconds = 0): CelTimestamp | undefined {
  const seconds = nanos >= 0n ? nanos / SECOND : -((-nanos + SECOND - 1n) / SECOND)
  return seconds < FIRST || seconds > LAST ? undefined : new CelTimestamp(nanos, offsetSeconds)
}

const millis = (nanos: bigint): number => Number(nanos >= 0n ? nanos / 1_000_000n : -((-nanos + 999_999n) / 1_000_000n))

/** RFC 3339 in the zone it has, with as many digits as it needs. */
export function timestampText({ nanos, offsetSeconds }: CelTimestamp): string {
  const local = new Date(millis(nanos) + offsetSeconds * 1000).toISOString().slice(0, 19)
  const rest = ((nanos % SECOND) + SECOND) % SECOND
  const fraction = rest === 0n ? '' : `.${String(rest).padStart(9, '0').replace(/0+$/, '')}`
  const minutes = Math.abs(offsetSeconds) / 60
  const two = (n: number) => String(Math.trunc(n)).padStart(2, '0')
  return `${local}${fraction}${offsetSeconds === 0 ? 'Z' : `${offsetSeconds < 0 ? '-' : '+'}${two(minutes / 60)}:${two(minutes % 60)}`}`
}

/** The clock on the wall in a zone: UTC, an offset such as `-02:30`, or a name. @throws Error for zones that are not known */
export function wallClock({ nanos }: CelTimestamp, zone?: string): Date {
  const ms = millis(nanos)
  if (zone === undefined) return new Date(ms)
  const colon = zone.indexOf(':')
  if (colon < 0) return new Date(ms + namedOffsetMs(ms, zone))
  const number = (text: string) => {
    if (!/^[-+]?\d+$/.test(text)) throw new Error(`strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`)
    return Number(text)
  }
  const [hours, minutes] = [number(zone.slice(0, colon)), number(zone.slice(colon + 1))]
  return new Date(ms + (hours * 60 + (zone.startsWith('-') ? -minutes : minutes)) * 60_000)
}

function namedOffsetMs(ms: number, zone: string): number {
  if (zone === '' || zone === 'UTC' || zone === 'Local') return 0
  let parts: Record<string, string>
  try {
    const format = new Intl.DateTimeFormat('en-US', { timeZone: zone, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric' })
    parts = Object.fromEntries(format.formatToParts(new Date(ms)).map(({ type, value }) => [type, value]))
  } catch {
    throw new Error(`unknown time zone ${zone}`)
  }
  const at = Date.UTC(Number(parts.year), Number(parts.month) - 1, Number(parts.day), Number(parts.hour), Number(parts.minute), Number(parts.second))
  return at - Math.floor(ms / 1000) * 1000
}
