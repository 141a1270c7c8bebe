const MONTHS = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December']
const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']
const DAY_MS = 86_400_000

/** strftime(3), in UTC. */
export function formatDate(template: string, ms: number): string {
  const date = new Date(Math.floor(ms))
  const pad = (value: number, width = 2, fill = '0') => String(value).padStart(width, fill)
  const yearDay = Math.floor((Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()) - Date.UTC(date.getUTCFullYear(), 0, 1)) / DAY_MS) + 1
  const hour12 = date.getUTCHours() % 12 || 12
  const one = (code: string): string => {
    switch (code) {
      case 'Y': return String(date.getUTCFullYear())
      case 'y': return pad(date.getUTCFullYear() % 100)
      case 'C': return pad(Math.floor(date.getUTCFullYear() / 100))
      case 'm': return pad(date.getUTCMonth() + 1)
      case 'd': return pad(date.getUTCDate())
      case 'e': return pad(date.getUTCDate(), 2, ' ')
      case 'H': return pad(date.getUTCHours())
      case 'k': return pad(date.getUTCHours(), 2, ' ')
      case 'I': return pad(hour12)
      case 'l': return pad(hour12, 2, ' ')
      case 'M': return pad(date.getUTCMinutes())
      case 'S': return pad(date.getUTCSeconds())
      case 'N': return `${pad(date.getUTCMilliseconds(), 3)}${pad(Math.floor((ms % 1) * 1e6), 6)}`
      case 's': return String(Math.floor(ms / 1000))
      case 'j': return pad(yearDay, 3)
      case 'a': return DAYS[date.getUTCDay()]!.slice(0, 3)
      case 'A': return DAYS[date.getUTCDay()]!
      case 'b': case 'h': return MONTHS[date.getUTCMonth()]!.slice(0, 3)
      case 'B': return MONTHS[date.getUTCMonth()]!
      case 'u': return String(date.getUTCDay() || 7)
      case 'w': return String(date.getUTCDay())
      case 'p': return date.getUTCHours() < 12 ? 'AM' : 'PM'
      case 'P': return date.getUTCHours() < 12 ? 'am' : 'pm'
      case 'Z': return 'UTC'
      case 'z': return '+0000'
      case 'F': return formatDate('%Y-%m-%d', ms)
      case 'T': return formatDate('%H:%M:%S', ms)
      case 'R': return formatDate('%H:%M', ms)
      case 'D': return formatDate('%m/%d/%y', ms)
      case 'c': return formatDate('%a %b %e %H:%M:%S %Y', ms)
      case 'x': return formatDate('%m/%d/%y', ms)
      case 'X': return formatDate('%H:%M:%S', ms)
      case 'r': return formatDate('%I:%M:%S %p', ms)
      case 'n': return '\n'
      case 't': return '\t'
      case '%': return '%'
      default: return `%${code}`
    }
  }
  return template.replace(/%(-|_|\d)?([a-zA-Z%])/g, (_, flag: string | undefined, code: string) => {
    const text = one(code)
    if (flag === '-') return text.replace(/^[0 ]+(?=\d)/, '')
    if (flag === '_') return text.replace(/^0+(?=\d)/, (zeros) => ' '.repeat(zeros.length))
    return code === 'N' && flag !== undefined ? text.slice(0, Number(flag)) : text
  })
}

const UNIT_MS: Readonly<Record<string, number>> = { second: 1000, sec: 1000, minute: 60_000, min: 60_000, hour: 3_600_000, day: DAY_MS, week: 7 * DAY_MS }

/** What `date -d` understands: timestamps, ISO dates, times, `now`, `yesterday`, `2 days ago`. Undefined when it doesn't. */
export function parseDate(text: string, nowMs: number): number | undefined {
  const trimmed = text.trim()
  if (/^@-?\d+(\.\d+)?$/.test(trimmed)) return Number(trimmed.slice(1)) * 1000
  if (trimmed === '' || trimmed === 'now' || trimmed === 'today') return nowMs
  if (trimmed === 'yesterday') return nowMs - DAY_MS
  if (trimmed === 'tomorrow') return nowMs + DAY_MS
  const relative = /^([-+]?\d+)\s*(second|sec|minute|min|hour|day|week|month|year)s?(\s+ago)?$/.exec(trimmed)
  if (relative) {
    const amount = Number(relative[1]) * (relative[3] ? -1 : 1)
    const unit = UNIT_MS[relative[2]!]
    if (unit) return nowMs + amount * unit
    const date = new Date(nowMs)
    if (relative[2] === 'month') date.setUTCMonth(date.getUTCMonth() + amount)
    else date.setUTCFullYear(date.getUTCFullYear() + amount)
    return date.getTime()
  }
  const time = /^(\d{1,2}):(\d{2})(?::(\d{2}))?$/.exec(trimmed)
  if (time) return Math.floor(nowMs / DAY_MS) * DAY_MS + Number(time[1]) * 3_600_000 + Number(time[2]) * 60_000 + Number(time[3] ?? 0) * 1000
  const iso = /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:[.,]\d+)?)?)?\s*(Z|UTC|GMT|[-+]\d{2}:?\d{2})?$/.exec(trimmed)
  if (iso) {
    const ms = Date.UTC(Number(iso[1]), Number(iso[2]) - 1, Number(iso[3]), Number(iso[4] ?? 0), Number(iso[5] ?? 0), Number(iso[6] ?? 0))
    const zone = /^([-+])(\d{2}):?(\d{2})$/.exec(iso[7] ?? '')
    return zone ? ms - (zone[1] === '-' ? -1 : 1) * (Number(zone[2]) * 60 + Number(zone[3])) * 60_000 : ms
  }
  const parsed = Date.parse(/GMT|UTC|[-+]\d{4}/.test(trimmed) ? trimmed : `${trimmed} UTC`)
  return Number.isNaN(parsed) ? undefined : parsed
}
