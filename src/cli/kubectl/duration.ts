const UNIT_MS: Record<string, number> = { ns: 1e-6, us: 1e-3, 'µs': 1e-3, 'μs': 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

/**
 * Go's time.ParseDuration, in milliseconds.
 * @throws Error in Go's words.
 */
export function parseDurationMs(text: string): number {
  const bad = () => new Error(`time: invalid duration ${JSON.stringify(text)}`)
  const match = /^([+-]?)(.*)$/s.exec(text)!
  let rest = match[2]!
  if (rest === '0') return 0
  if (rest === '') throw bad()
  let total = 0
  while (rest) {
    const part = /^(\d+\.?\d*|\.\d+)([^\d.]*)/.exec(rest)
    if (!part) throw bad()
    if (!part[2]) throw new Error(`time: missing unit in duration ${JSON.stringify(text)}`)
    const unit = UNIT_MS[part[2]]
    if (unit === undefined) throw new Error(`time: unknown unit ${JSON.stringify(part[2])} in duration ${JSON.stringify(text)}`)
    total += Number(part[1]) * unit
    rest = rest.slice(part[0].length)
  }
  // More than 292 years don't fit into Go's nanoseconds.
  if (total > 2 ** 63 / 1e6) throw bad()
  return match[1] === '-' ? -total : total
}


/** Ages as people read them: `5s`, `2m3s`, `10m`, `3h12m`, `5d`. k8s: apimachinery/pkg/util/duration HumanDuration */
export function humanDuration(ms: number): string {
  const seconds = Math.trunc(ms / 1000)
  if (seconds < -1) return '<invalid>'
  if (seconds < 0) return '0s'
  if (seconds < 120) return `${seconds}s`
  const minutes = Math.floor(ms / 60_000)
  if (minutes < 10) {
    const s = Math.floor(ms / 1000) % 60
    return s === 0 ? `${minutes}m` : `${minutes}m${s}s`
  }
  if (minutes < 180) return `${minutes}m`
  const hours = Math.floor(ms / 3_600_000)
  if (hours < 8) {
    const m = minutes % 60
    return m === 0 ? `${hours}h` : `${hours}h${m}m`
  }
  if (hours < 48) return `${hours}h`
  if (hours < 24 * 8) {
    const h = hours % 24
    return h === 0 ? `${Math.floor(hours / 24)}d` : `${Math.floor(hours / 24)}d${h}h`
  }
  if (hours < 24 * 365 * 2) return `${Math.floor(hours / 24)}d`
  if (hours < 24 * 365 * 8) {
    const days = Math.floor(hours / 24) % 365
    return days === 0 ? `${Math.floor(hours / 24 / 365)}y` : `${Math.floor(hours / 24 / 365)}y${days}d`
  }
  return `${Math.floor(hours / 24 / 365)}y`
}

/** The age of an RFC 3339 time, or `<unknown>`. k8s: translateTimestampSince */
export function ageOf(timestamp: string | null | undefined, nowMs: number): string {
  return timestamp ? humanDuration(nowMs - Date.parse(timestamp)) : '<unknown>'
}
