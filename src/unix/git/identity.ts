import { fatal } from './failure.ts'

/** Who did something, and when. */
export interface Identity {
  name: string
  email: string
  /** Since 1970. */
  seconds: number
  /** As written: `+0200`. */
  zone: string
}

export function parseIdentity(text: string): Identity {
  const match = /^(.*?) ?<([^>]*)>(?: (-?\d+) ([+-]\d{4}))?/.exec(text)
  return { name: match?.[1] ?? '', email: match?.[2] ?? '', seconds: Number(match?.[3] ?? 0), zone: match?.[4] ?? '+0000' }
}

export const formatIdentity = ({ name, email, seconds, zone }: Identity): string => `${name} <${email}> ${seconds} ${zone}`

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

const zoneMinutes = (zone: string) => (zone.startsWith('-') ? -1 : 1) * (Number(zone.slice(1, 3)) * 60 + Number(zone.slice(3, 5)))

const two = (value: number) => String(value).padStart(2, '0')

/** A moment in one of `--date`'s forms. */
export function formatDate({ seconds, zone }: Pick<Identity, 'seconds' | 'zone'>, form: string, nowSeconds: number): string {
  const local = form.endsWith('-local')
  const name = form.replace(/-local$/, '')
  const shownZone = local || name === 'local' ? '+0000' : zone
  const date = new Date((seconds + zoneMinutes(shownZone) * 60) * 1000)
  const day = `${date.getUTCFullYear()}-${two(date.getUTCMonth() + 1)}-${two(date.getUTCDate())}`
  const time = `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())}`
  switch (name) {
    case 'default': return `${DAYS[date.getUTCDay()]} ${MONTHS[date.getUTCMonth()]} ${date.getUTCDate()} ${time} ${date.getUTCFullYear()}${local ? '' : ` ${shownZone}`}`
    case 'local': return `${DAYS[date.getUTCDay()]} ${MONTHS[date.getUTCMonth()]} ${date.getUTCDate()} ${time} ${date.getUTCFullYear()}`
    case 'iso': case 'iso8601': return `${day} ${time}${local ? '' : ` ${shownZone}`}`
    case 'iso-strict': case 'iso8601-strict': return `${day}T${time}${shownZone === '+0000' ? 'Z' : `${shownZone.slice(0, 3)}:${shownZone.slice(3)}`}`.replace('Z', '+00:00')
    case 'rfc': case 'rfc2822': return `${DAYS[date.getUTCDay()]}, ${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]} ${date.getUTCFullYear()} ${time} ${shownZone}`
    case 'short': return day
    case 'unix': return String(seconds)
    case 'raw': return `${seconds} ${shownZone}`
    case 'relative': return relativeDate(seconds, nowSeconds)
    case 'human': return nowSeconds - seconds < 86_400 ? relativeDate(seconds, nowSeconds) : `${DAYS[date.getUTCDay()]} ${MONTHS[date.getUTCMonth()]} ${date.getUTCDate()} ${time.slice(0, 5)}`
    default:
      if (name.startsWith('format:')) return formatTime(date, seconds, shownZone, form.slice(7))
      throw fatal(`unknown date format ${form}`)
  }
}

function formatTime(date: Date, seconds: number, zone: string, format: string): string {
  const parts: Readonly<Record<string, () => string>> = {
    Y: () => String(date.getUTCFullYear()), y: () => two(date.getUTCFullYear() % 100), m: () => two(date.getUTCMonth() + 1), d: () => two(date.getUTCDate()), e: () => String(date.getUTCDate()).padStart(2),
    H: () => two(date.getUTCHours()), I: () => two((date.getUTCHours() + 11) % 12 + 1), M: () => two(date.getUTCMinutes()), S: () => two(date.getUTCSeconds()), p: () => date.getUTCHours() < 12 ? 'AM' : 'PM',
    a: () => DAYS[date.getUTCDay()]!, b: () => MONTHS[date.getUTCMonth()]!, s: () => String(seconds), z: () => zone, Z: () => 'UTC', n: () => '\n', t: () => '\t', '%': () => '%',
    F: () => date.toISOString().slice(0, 10), T: () => date.toISOString().slice(11, 19), R: () => date.toISOString().slice(11, 16),
    j: () => String(Math.floor((date.getTime() - Date.UTC(date.getUTCFullYear(), 0)) / 86_400_000) + 1).padStart(3, '0'), u: () => String(date.getUTCDay() || 7),
  }
  return format.replace(/%(.)/g, (whole, letter: string) => parts[letter]?.() ?? whole)
}

/** `3 days ago`. As date.c rounds it. */
function relativeDate(seconds: number, nowSeconds: number): string {
  let diff = nowSeconds - seconds
  const ago = (count: number, unit: string) => `${count} ${unit}${count === 1 ? '' : 's'} ago`
  if (diff < 0) return 'in the future'
  if (diff < 90) return ago(diff, 'second')
  diff = Math.floor((diff + 30) / 60)
  if (diff < 90) return ago(diff, 'minute')
  diff = Math.floor((diff + 30) / 60)
  if (diff < 36) return ago(diff, 'hour')
  diff = Math.floor((diff + 12) / 24)
  if (diff < 14) return ago(diff, 'day')
  if (diff < 70) return ago(Math.floor((diff + 3) / 7), 'week')
  if (diff < 365) return ago(Math.floor((diff + 15) / 30), 'month')
  if (diff < 1825) {
    const months = Math.floor((diff * 12 * 2 + 365) / (365 * 2))
    const [years, rest] = [Math.floor(months / 12), months % 12]
    return rest ? `${years} year${years === 1 ? '' : 's'}, ${ago(rest, 'month')}` : ago(years, 'year')
  }
  return ago(Math.floor((diff + 183) / 365), 'year')
}

const UNITS: Readonly<Record<string, number>> = { second: 1, sec: 1, minute: 60, min: 60, hour: 3600, day: 86_400, week: 604_800, month: 2_592_000, year: 31_536_000 }

/** A moment as people and scripts write it; undefined where it says none. */
export function parseDate(text: string, nowSeconds: number): { seconds: number; zone: string } | undefined {
  const raw = /^@?(\d{5,})(?: ([+-]\d{4}))?$/.exec(text.trim())
  if (raw) return { seconds: Number(raw[1]), zone: raw[2] ?? '+0000' }
  if (text === 'now' || text === 'today') return { seconds: nowSeconds, zone: '+0000' }
  if (text === 'yesterday') return { seconds: nowSeconds - 86_400, zone: '+0000' }
  const ago = /^(\d+|an?|last)[ .](second|sec|minute|min|hour|day|week|month|year)s?(?:[ .]ago)?$/.exec(text.trim())
  if (ago) return { seconds: nowSeconds - (/^\d/.test(ago[1]!) ? Number(ago[1]) : 1) * UNITS[ago[2]!]!, zone: '+0000' }
  const zoneOf = (zone: string | undefined) => zone === undefined || zone === 'Z' || zone === 'UTC' || zone === 'GMT' ? '+0000' : zone.replace(':', '').padEnd(5, '0')
  const moment = (year: number, month: number, day: number, hours: number, minutes: number, secs: number, zone: string) => ({ seconds: Date.UTC(year, month, day, hours, minutes, secs) / 1000 - zoneMinutes(zone) * 60, zone })
  const iso = /^(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[T ]+(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?)? ?(Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)?$/.exec(text.trim())
  if (iso) {
    const now = new Date(nowSeconds * 1000)
    const [hours, minutes, secs] = iso[4] === undefined ? [now.getUTCHours(), now.getUTCMinutes(), now.getUTCSeconds()] : [Number(iso[4]), Number(iso[5]), Number(iso[6] ?? 0)]
    return moment(Number(iso[1]), Number(iso[2]) - 1, Number(iso[3]), hours, minutes, secs, zoneOf(iso[7]))
  }
  const mail = /^(?:[A-Z][a-z]{2},? )?(?:(\d{1,2}) ([A-Z][a-z]{2})|([A-Z][a-z]{2}) (\d{1,2}))(?: (\d{4}))? (\d{1,2}):(\d{2})(?::(\d{2}))?(?: (\d{4}))?(?: (Z|UTC|GMT|[+-]\d{4}))?$/.exec(text.trim())
  if (mail) {
    const month = MONTHS.indexOf(mail[2] ?? mail[3]!)
    if (month >= 0) return moment(Number(mail[5] ?? mail[9]), month, Number(mail[1] ?? mail[4]), Number(mail[6]), Number(mail[7]), Number(mail[8] ?? 0), zoneOf(mail[10]))
  }
  return undefined
}
