/** Times as the API writes them: RFC 3339 in UTC. */

class TimeError extends Error {}

const SECONDS_LAYOUT = '2006-01-02T15:04:05Z07:00'
const MICRO_LAYOUT = '2006-01-02T15:04:05.000000Z07:00'

/** RFC 3339 with whole seconds, as metav1.Time prints. */
export function timeText(ms: number): string {
  return new Date(Math.floor(ms / 1000) * 1000).toISOString().replace('.000Z', 'Z')
}

/** Milliseconds of a time text; NaN for none. */
export function timeMs(text: string | null | undefined): number {
  return text ? Date.parse(text) : NaN
}

/** Reads and normalises a metav1.Time. @throws TimeError in Go's words */
export function canonicalTime(text: string): string {
  if (canonical(text)) return text
  return timeText(parseGoTime(text, SECONDS_LAYOUT, false).ms)
}

/** Reads and normalises a metav1.MicroTime. @throws TimeError in Go's words */
export function canonicalMicroTime(text: string): string {
  const { ms, micros } = parseGoTime(text, MICRO_LAYOUT, true)
  return `${timeText(ms).slice(0, -1)}.${micros}Z`
}

/** The usual case, without a detour: `2026-01-02T03:04:05Z`. */
function canonical(text: string): boolean {
  return text.length === 20 && /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\dZ$/.test(text)
}

const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

/** k8s: Go's time.Parse for the two layouts. */
function parseGoTime(text: string, layout: string, micro: boolean): { ms: number; micros: string } {
  let rest = text
  const shown = JSON.stringify(text)
  const fail = (element: string): never => {
    throw new TimeError(`parsing time ${shown} as ${JSON.stringify(layout)}: cannot parse ${JSON.stringify(rest)} as ${JSON.stringify(element)}`)
  }
  const range = (what: string): never => {
    throw new TimeError(`parsing time ${shown}: ${what} out of range`)
  }
  const digits = (count: number, element: string): number => {
    if (!new RegExp(`^\\d{${count}}`).test(rest)) fail(element)
    const value = Number(rest.slice(0, count))
    rest = rest.slice(count)
    return value
  }
  const literal = (character: string) => {
    if (!rest.startsWith(character)) fail(character)
    rest = rest.slice(1)
  }
  const year = digits(4, '2006')
  literal('-')
  const month = digits(2, '01')
  if (month < 1 || month > 12) range('month')
  literal('-')
  const day = digits(2, '02')
  literal('T')
  const hour = digits(2, '15')
  if (hour > 23) range('hour')
  literal(':')
  const minute = digits(2, '04')
  if (minute > 59) range('minute')
  literal(':')
  const second = digits(2, '05')
  if (second > 59) range('second')
  let micros = '000000'
  if (micro) {
    const match = /^\.(\d{6})/.exec(rest)
    if (!match) fail('.000000')
    else {
      micros = match[1]!
      rest = rest.slice(7)
    }
  } else {
    const match = /^[.,]\d+/.exec(rest)
    if (match) rest = rest.slice(match[0].length)
  }
  let offsetMs = 0
  if (rest.startsWith('Z')) rest = rest.slice(1)
  else {
    const match = /^([+-])(\d\d):(\d\d)/.exec(rest)
    if (!match) fail('Z07:00')
    else {
      offsetMs = (match[1] === '-' ? -1 : 1) * (Number(match[2]) * 60 + Number(match[3])) * 60_000
      rest = rest.slice(6)
    }
  }
  if (rest !== '') throw new TimeError(`parsing time ${shown}: extra text: ${JSON.stringify(rest)}`)
  const leap = month === 2 && (year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)) ? 1 : 0
  if (day < 1 || day > DAYS[month - 1]! + leap) range('day')
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  date.setUTCHours(hour, minute, second)
  return { ms: date.getTime() - offsetMs, micros }
}
