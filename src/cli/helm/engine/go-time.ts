import { goFunction, GoInt } from '../../../cluster/kinds/go-template/values.ts'
import type { GoFunction, GoObject } from '../../../cluster/kinds/go-template/values.ts'

const MONTHS = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December']
const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']
const two = (n: number) => String(n).padStart(2, '0')

/** A time.Time in UTC. */
export class GoTime implements GoObject {
  readonly goType = 'time.Time'
  /** Milliseconds since 1970. */
  readonly ms: number
  constructor(ms: number) { this.ms = ms }
  print(): string { return `${formatTime('2006-01-02 15:04:05.999999999 -0700 MST', this.ms)}` }
  toJSON(): string { return formatTime('2006-01-02T15:04:05.999999999Z07:00', this.ms) }
  method(name: string): GoFunction | undefined {
    const date = new Date(this.ms)
    const int = (value: number) => goFunction('', () => new GoInt(value))
    switch (name) {
      case 'Format': return goFunction('string', (layout: string) => formatTime(layout, this.ms))
      case 'Unix': return goFunction('', () => new GoInt(Math.floor(this.ms / 1000), 'int64'))
      case 'UnixMilli': return goFunction('', () => new GoInt(this.ms, 'int64'))
      case 'UnixNano': return goFunction('', () => new GoInt(this.ms * 1e6, 'int64'))
      case 'Year': return int(date.getUTCFullYear())
      case 'Month': return goFunction('', () => MONTHS[date.getUTCMonth()]!)
      case 'Day': return int(date.getUTCDate())
      case 'Hour': return int(date.getUTCHours())
      case 'Minute': return int(date.getUTCMinutes())
      case 'Second': return int(date.getUTCSeconds())
      case 'Weekday': return goFunction('', () => DAYS[date.getUTCDay()]!)
      case 'UTC': case 'Local': return goFunction('', () => this)
      case 'String': return goFunction('', () => this.print())
      case 'IsZero': return goFunction('', () => this.ms === ZERO_MS)
      case 'Add': return goFunction('time.Duration', (d: GoInt) => new GoTime(this.ms + d.value / 1e6))
      case 'AddDate': return goFunction('int, int, int', (y: GoInt, m: GoInt, d: GoInt) => new GoTime(Date.UTC(date.getUTCFullYear() + y.value, date.getUTCMonth() + m.value, date.getUTCDate() + d.value, date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds(), date.getUTCMilliseconds())))
      default: return undefined
    }
  }
}

/** Go's zero time: year 1. */
export const ZERO_MS = -62_135_596_800_000

const PARTS = /2006|January|Jan|Monday|Mon|MST|Z07:00|Z0700|-07:00|-0700|-07|\.0+|\.9+|01|02|03|04|05|06|002|15|_2|PM|pm|1|2|3|4|5/g

/** A time zone at a moment: how far its clocks are ahead of UTC, and what it is called then. */
interface ZoneOffset {
  minutes: number
  name: string
}

const UTC: ZoneOffset = { minutes: 0, name: 'UTC' }

/** The zone of a name as Go's time.LoadLocation knows it; UTC for names that it doesn't, as sprig has it. */
function zoneAt(name: string, ms: number): ZoneOffset {
  if (name === '' || name === 'UTC' || name === 'Local') return UTC
  const named = (style: 'longOffset' | 'short') => new Intl.DateTimeFormat('en-US', { timeZone: name, timeZoneName: style }).formatToParts(ms).find(({ type }) => type === 'timeZoneName')!.value
  try {
    const [, sign, hours = '0', minutes = '0'] = /^GMT(?:([+-])(\d\d):(\d\d))?$/.exec(named('longOffset'))!
    const offset = (Number(hours) * 60 + Number(minutes)) * (sign === '-' ? -1 : 1)
    // Browsers abbreviate only the zones that their language's readers know; the zone database has numbers for many others, too.
    const abbreviation = ABBREVIATIONS[name]?.[isSummer(name, ms) ? 1 : 0] ?? named('short')
    return { minutes: offset, name: /^GMT./.test(abbreviation) ? numeric(offset) : abbreviation }
  } catch {
    return UTC
  }
}

/** Standard and summer time of zones that English browsers only count from Greenwich. */
const ABBREVIATIONS: Readonly<Record<string, readonly [string, string]>> = {
  'Europe/London': ['GMT', 'BST'], 'Europe/Dublin': ['GMT', 'IST'], 'Europe/Lisbon': ['WET', 'WEST'],
  ...Object.fromEntries(['Amsterdam', 'Berlin', 'Brussels', 'Budapest', 'Copenhagen', 'Madrid', 'Oslo', 'Paris', 'Prague', 'Rome', 'Stockholm', 'Vienna', 'Warsaw', 'Zurich'].map((city) => [`Europe/${city}`, ['CET', 'CEST']] as const)),
  ...Object.fromEntries(['Athens', 'Bucharest', 'Helsinki', 'Kiev', 'Kyiv', 'Riga', 'Sofia', 'Tallinn', 'Vilnius'].map((city) => [`Europe/${city}`, ['EET', 'EEST']] as const)),
  'Europe/Moscow': ['MSK', 'MSK'], 'Asia/Tokyo': ['JST', 'JST'], 'Asia/Seoul': ['KST', 'KST'], 'Asia/Shanghai': ['CST', 'CST'], 'Asia/Hong_Kong': ['HKT', 'HKT'], 'Asia/Kolkata': ['IST', 'IST'], 'Asia/Calcutta': ['IST', 'IST'], 'Asia/Jerusalem': ['IST', 'IDT'],
  'Australia/Sydney': ['AEST', 'AEDT'], 'Australia/Melbourne': ['AEST', 'AEDT'], 'Australia/Brisbane': ['AEST', 'AEST'], 'Australia/Perth': ['AWST', 'AWST'], 'Pacific/Auckland': ['NZST', 'NZDT'], 'Africa/Johannesburg': ['SAST', 'SAST'],
}

/** Clocks are ahead of where they stand at one end of the year at least. */
function isSummer(name: string, ms: number): boolean {
  const year = new Date(ms).getUTCFullYear()
  const ahead = (at: number) => new Intl.DateTimeFormat('en-US', { timeZone: name, timeZoneName: 'longOffset' }).format(at).split('GMT')[1] ?? ''
  const [january, july, now] = [Date.UTC(year, 0, 1), Date.UTC(year, 6, 1), ms].map(ahead)
  const minutes = (text = '') => Number(`${text[0] ?? '+'}1`) * (Number(text.slice(1, 3)) * 60 + Number(text.slice(4, 6)))
  return january !== july && minutes(now) === Math.max(minutes(january), minutes(july))
}

/** How the zone database names a time that has no name: `+07`, `+0530`. */
function numeric(offset: number): string {
  return offsetText(offset, '').replace(/00$/, '')
}

/** `+05:30` */
function offsetText(offset: number, colon: string): string {
  return `${offset < 0 ? '-' : '+'}${two(Math.floor(Math.abs(offset) / 60))}${colon}${two(Math.abs(offset) % 60)}`
}

/** Go's time.Format, in UTC or in the zone of that name. */
export function formatTime(layout: string, ms: number, zone = 'UTC'): string {
  const { minutes: offset, name } = zoneAt(zone, ms)
  const t = new Date(ms + offset * 60_000)
  const hour12 = t.getUTCHours() % 12 || 12
  const nanos = `${String(t.getUTCMilliseconds()).padStart(3, '0')}000000`
  return layout.replace(PARTS, (part) => {
    switch (part) {
      case '2006': return String(t.getUTCFullYear()).padStart(4, '0')
      case '06': return two(t.getUTCFullYear() % 100)
      case 'January': return MONTHS[t.getUTCMonth()]!
      case 'Jan': return MONTHS[t.getUTCMonth()]!.slice(0, 3)
      case '01': return two(t.getUTCMonth() + 1)
      case '1': return String(t.getUTCMonth() + 1)
      case 'Monday': return DAYS[t.getUTCDay()]!
      case 'Mon': return DAYS[t.getUTCDay()]!.slice(0, 3)
      case '02': return two(t.getUTCDate())
      case '_2': return String(t.getUTCDate()).padStart(2)
      case '2': return String(t.getUTCDate())
      case '002': return String(Math.floor((Date.UTC(t.getUTCFullYear(), t.getUTCMonth(), t.getUTCDate()) - Date.UTC(t.getUTCFullYear(), 0, 0)) / 86_400_000)).padStart(3, '0')
      case '15': return two(t.getUTCHours())
      case '03': return two(hour12)
      case '3': return String(hour12)
      case '04': return two(t.getUTCMinutes())
      case '4': return String(t.getUTCMinutes())
      case '05': return two(t.getUTCSeconds())
      case '5': return String(t.getUTCSeconds())
      case 'PM': return t.getUTCHours() >= 12 ? 'PM' : 'AM'
      case 'pm': return t.getUTCHours() >= 12 ? 'pm' : 'am'
      case 'MST': return name
      case 'Z07:00': return offset === 0 ? 'Z' : offsetText(offset, ':')
      case 'Z0700': return offset === 0 ? 'Z' : offsetText(offset, '')
      case '-07:00': return offsetText(offset, ':')
      case '-0700': return offsetText(offset, '')
      case '-07': return offsetText(offset, '').slice(0, 3)
    }
    const digits = nanos.slice(0, part.length - 1)
    if (part[1] === '0') return `.${digits}`
    const short = digits.replace(/0+$/, '')
    return short ? `.${short}` : ''
  })
}

/** Go's time.Parse for layouts of numbers and names, in UTC. @throws Error in Go's words */
export function parseTime(layout: string, text: string): GoTime {
  const fields: ((match: string) => void)[] = []
  let year = 0; let month = 1; let day = 1; let hour = 0; let minute = 0; let second = 0; let fraction = 0; let pm: boolean | undefined; let offset = 0
  let pattern = ''
  let at = 0
  const quote = (s: string) => s.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  const zone = (m: string) => { if (m !== 'Z' && m !== 'UTC') { const [, sign, h, min = '00'] = /^([+-])(\d\d):?(\d\d)?$/.exec(m)!; offset = (sign === '-' ? -1 : 1) * (Number(h) * 60 + Number(min)) } }
  for (const m of layout.matchAll(PARTS)) {
    pattern += quote(layout.slice(at, m.index))
    at = m.index + m[0].length
    const [source, set]: [string, (s: string) => void] = ((): [string, (s: string) => void] => {
      switch (m[0]) {
        case '2006': return ['\\d{4}', (s) => { year = Number(s) }]
        case '06': return ['\\d\\d', (s) => { year = Number(s) + (Number(s) >= 69 ? 1900 : 2000) }]
        case 'January': return [MONTHS.join('|'), (s) => { month = MONTHS.indexOf(s) + 1 }]
        case 'Jan': return [MONTHS.map((n) => n.slice(0, 3)).join('|'), (s) => { month = MONTHS.findIndex((n) => n.startsWith(s)) + 1 }]
        case '01': case '1': return ['\\d{1,2}', (s) => { month = Number(s) }]
        case 'Monday': return [DAYS.join('|'), () => {}]
        case 'Mon': return [DAYS.map((n) => n.slice(0, 3)).join('|'), () => {}]
        case '02': case '2': case '_2': return [' ?\\d{1,2}', (s) => { day = Number(s) }]
        case '15': case '03': case '3': return ['\\d{1,2}', (s) => { hour = Number(s) }]
        case '04': case '4': return ['\\d{1,2}', (s) => { minute = Number(s) }]
        case '05': case '5': return ['\\d{1,2}(?:\\.\\d+)?', (s) => { second = Number.parseInt(s, 10); fraction = Number(s) % 1 }]
        case 'PM': case 'pm': return ['AM|PM|am|pm', (s) => { pm = s.toUpperCase() === 'PM' }]
        case 'MST': return ['[A-Z]{3,4}', () => {}]
        case 'Z07:00': case 'Z0700': case '-07:00': case '-0700': case '-07': return ['Z|[+-]\\d\\d:?(?:\\d\\d)?', zone]
        default: return ['(?:\\.\\d+)?', (s) => { fraction = Number(`0${s}`) }]
      }
    })()
    pattern += `(${source})`
    fields.push(set)
  }
  pattern += quote(layout.slice(at))
  const match = new RegExp(`^${pattern}$`).exec(text)
  if (!match) throw new Error(`parsing time ${JSON.stringify(text)} as ${JSON.stringify(layout)}: cannot parse ${JSON.stringify(text)} as ${JSON.stringify(/2006/.test(layout) ? '2006' : layout)}`)
  fields.forEach((set, i) => set(match[i + 1]!))
  if (pm !== undefined) hour = hour % 12 + (pm ? 12 : 0)
  const ms = Date.UTC(year, month - 1, day, hour, minute - offset, second) + Math.round(fraction * 1000)
  return new GoTime(year === 0 ? ZERO_MS : ms)
}

