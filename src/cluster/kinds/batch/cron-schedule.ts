/** Cron expressions with five fields and descriptors. k8s: github.com/robfig/cron/v3 ParseStandard */

/** A text that is no schedule, in the library's words. */
class CronError extends Error {}

/** When a schedule fires: sets of allowed values, or a fixed pace. */
export interface CronSchedule {
  minutes: ReadonlySet<number>
  hours: ReadonlySet<number>
  daysOfMonth: ReadonlySet<number>
  months: ReadonlySet<number>
  daysOfWeek: ReadonlySet<number>
  /** `*` or `?`: then only the other of the two day fields counts. */
  anyDayOfMonth: boolean
  anyDayOfWeek: boolean
  /** `@every`: milliseconds between runs. */
  everyMs?: number
  /** From `TZ=` in the text. */
  timeZone?: string
}

interface Bounds {
  min: number
  max: number
  names?: Record<string, number>
}

const MONTHS = Object.fromEntries(['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'].map((name, i) => [name, i + 1]))
const DAYS = Object.fromEntries(['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'].map((name, i) => [name, i]))
const MINUTE: Bounds = { min: 0, max: 59 }
const HOUR: Bounds = { min: 0, max: 23 }
const DAY_OF_MONTH: Bounds = { min: 1, max: 31 }
const MONTH: Bounds = { min: 1, max: 12, names: MONTHS }
const DAY_OF_WEEK: Bounds = { min: 0, max: 6, names: DAYS }
const DESCRIPTORS: Record<string, string> = {
  '@yearly': '0 0 1 1 *', '@annually': '0 0 1 1 *', '@monthly': '0 0 1 * *', '@weekly': '0 0 * * 0', '@daily': '0 0 * * *', '@midnight': '0 0 * * *', '@hourly': '0 * * * *',
}

/** @throws CronError */
export function parseCron(text: string): CronSchedule {
  if (text === '') throw new CronError('empty spec string')
  let rest = text
  let timeZone: string | undefined
  if (text.startsWith('TZ=') || text.startsWith('CRON_TZ=')) {
    const space = text.indexOf(' ')
    if (space < 0) throw new CronError('invalid schedule format: runtime error: slice bounds out of range [:-1]')
    timeZone = text.slice(text.indexOf('=') + 1, space)
    if (!isTimeZone(timeZone)) throw new CronError(`provided bad location ${timeZone}: unknown time zone ${timeZone}`)
    rest = text.slice(space).trim()
  }
  const zone = timeZone === undefined ? {} : { timeZone }
  if (rest.startsWith('@')) {
    if (rest.startsWith('@every ')) return { ...parseCron('* * * * *'), everyMs: parseEvery(rest), ...zone }
    const fields = Object.hasOwn(DESCRIPTORS, rest) ? DESCRIPTORS[rest] : undefined
    if (!fields) throw new CronError(`unrecognized descriptor: ${rest}`)
    return { ...parseCron(fields), ...zone }
  }
  const fields = rest.split(/\s+/).filter(Boolean)
  if (fields.length !== 5) throw new CronError(`expected exactly 5 fields, found ${fields.length}: [${fields.join(' ')}]`)
  const [minutes, hours, daysOfMonth, months, daysOfWeek] = fields.map((field, i) => parseField(field, [MINUTE, HOUR, DAY_OF_MONTH, MONTH, DAY_OF_WEEK][i]!)) as [Field, Field, Field, Field, Field]
  return {
    minutes: minutes.values, hours: hours.values, daysOfMonth: daysOfMonth.values, months: months.values, daysOfWeek: daysOfWeek.values,
    anyDayOfMonth: daysOfMonth.star, anyDayOfWeek: daysOfWeek.star, ...zone,
  }
}

/** Whether the platform knows a time zone. Unlike the platform, Go tells small letters from capitals. */
export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name })
    const known = Intl.supportedValuesOf('timeZone')
    if (known.includes(name)) return true
    // Links such as US/Pacific aren't listed, but begin every part with a capital too.
    return /^[A-Z][^/]*(?:\/[A-Z][^/]*)*$/.test(name) && !known.some((other) => other.toLowerCase() === name.toLowerCase())
  } catch {
    return name === 'Local' || name === ''
  }
}

interface Field {
  values: Set<number>
  star: boolean
}

function parseField(text: string, bounds: Bounds): Field {
  const values = new Set<number>()
  let star = false
  for (const expression of text.split(',').filter(Boolean)) star = parseRange(expression, bounds, values) || star
  return { values, star }
}

function parseRange(expression: string, bounds: Bounds, into: Set<number>): boolean {
  const parts = expression.split('/')
  const ends = parts[0]!.split('-')
  let start: number
  let end: number
  let star = false
  if (ends[0] === '*' || ends[0] === '?') {
    start = bounds.min
    end = bounds.max
    star = true
  } else {
    start = parseValue(ends[0]!, bounds)
    if (ends.length > 2) throw new CronError(`too many hyphens: ${expression}`)
    end = ends.length === 2 ? parseValue(ends[1]!, bounds) : start
  }
  let step = 1
  if (parts.length > 2) throw new CronError(`too many slashes: ${expression}`)
  if (parts.length === 2) {
    step = parseNumber(parts[1]!)
    if (ends.length === 1) end = bounds.max
    if (step > 1) star = false
  }
  if (start < bounds.min) throw new CronError(`beginning of range (${start}) below minimum (${bounds.min}): ${expression}`)
  if (end > bounds.max) throw new CronError(`end of range (${end}) above maximum (${bounds.max}): ${expression}`)
  if (start > end) throw new CronError(`beginning of range (${start}) beyond end of range (${end}): ${expression}`)
  if (step === 0) throw new CronError(`step of range should be a positive number: ${expression}`)
  for (let value = start; value <= end; value += step) into.add(value)
  return star
}

function parseValue(text: string, { names }: Bounds): number {
  const name = text.toLowerCase()
  return names && Object.hasOwn(names, name) ? names[name]! : parseNumber(text)
}

function parseNumber(text: string): number {
  if (!/^[-+]?\d+$/.test(text)) throw new CronError(`failed to parse int from ${text}: strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`)
  const value = Number(text)
  if (value < 0) throw new CronError(`negative number (${value}) not allowed: ${text}`)
  return value
}

const UNITS: Record<string, number> = { ns: 1e-6, us: 1e-3, 'µs': 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

function parseEvery(descriptor: string): number {
  const text = descriptor.slice('@every '.length)
  const parts = [...text.matchAll(/(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)/g)]
  if (parts.map((part) => part[0]).join('') !== text.replace(/^[-+]/, '') || parts.length === 0) {
    throw new CronError(`failed to parse duration ${descriptor}: time: invalid duration ${JSON.stringify(text)}`)
  }
  // The pace is whole seconds and never faster than one.
  return Math.max(1000, Math.floor(parts.reduce((sum, part) => sum + Number(part[1]) * UNITS[part[2]!]!, 0) / 1000) * 1000)
}
