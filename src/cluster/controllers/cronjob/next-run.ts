import { rfc3339 } from '../../../base/clock.ts'
import type { CronSchedule } from '../../kinds/batch/cron-schedule.ts'

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000
/** Nothing in five years: never. k8s: robfig/cron SpecSchedule.Next */
const HORIZON_MS = 5 * 366 * DAY_MS

const formats = new Map<string, Intl.DateTimeFormat>()

/** Milliseconds that a zone's clocks are ahead of UTC at a moment. */
function offsetMs(atMs: number, timeZone: string): number {
  if (timeZone === '' || timeZone === 'UTC' || timeZone === 'Local') return 0
  let format = formats.get(timeZone)
  if (!format) formats.set(timeZone, format = new Intl.DateTimeFormat('en-US', { timeZone, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric' }))
  const part: Record<string, number> = {}
  for (const { type, value } of format.formatToParts(atMs)) part[type] = Number(value)
  return Date.UTC(part['year']!, part['month']! - 1, part['day'], part['hour'], part['minute'], part['second']) - Math.floor(atMs / 1000) * 1000
}

/** A moment as a zone's clocks show it, e.g. `2026-01-01T01:00:00+01:00`. */
export function rfc3339In(atMs: number, timeZone: string): string {
  const ahead = Math.round(offsetMs(atMs, timeZone) / MINUTE_MS)
  const local = rfc3339(atMs + ahead * MINUTE_MS)
  const two = (n: number) => String(n).padStart(2, '0')
  return ahead === 0 ? local : local.replace('Z', `${ahead < 0 ? '-' : '+'}${two(Math.floor(Math.abs(ahead) / 60))}:${two(Math.abs(ahead) % 60)}`)
}

/** The first moment after `afterMs` at which the schedule fires; undefined for never. Milliseconds since 1970. */
export function nextRun(schedule: CronSchedule, afterMs: number, timeZone = ''): number | undefined {
  if (schedule.everyMs !== undefined) return Math.floor((afterMs + schedule.everyMs) / 1000) * 1000
  const zone = schedule.timeZone ?? timeZone
  // Wall clock time of the zone, kept as if it were UTC.
  let local = Math.floor((afterMs + offsetMs(afterMs, zone)) / MINUTE_MS) * MINUTE_MS + MINUTE_MS
  const end = local + HORIZON_MS
  while (local < end) {
    const date = new Date(local)
    if (!schedule.months.has(date.getUTCMonth() + 1)) {
      local = Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1)
      continue
    }
    const dayOfMonth = schedule.daysOfMonth.has(date.getUTCDate())
    const dayOfWeek = schedule.daysOfWeek.has(date.getUTCDay())
    // With both day fields given, either will do.
    const dayFits = schedule.anyDayOfMonth || schedule.anyDayOfWeek ? dayOfMonth && dayOfWeek : dayOfMonth || dayOfWeek
    if (!dayFits) {
      local = Math.floor(local / DAY_MS) * DAY_MS + DAY_MS
      continue
    }
    if (!schedule.hours.has(date.getUTCHours())) {
      local = Math.floor(local / 3_600_000) * 3_600_000 + 3_600_000
      continue
    }
    if (!schedule.minutes.has(date.getUTCMinutes())) {
      local += MINUTE_MS
      continue
    }
    let utc = local - offsetMs(local, zone)
    utc = local - offsetMs(utc, zone)
    // A time that the clocks skip, or one that is over already.
    if (utc > afterMs && utc + offsetMs(utc, zone) === local) return utc
    local += MINUTE_MS
  }
  return undefined
}
