/** Durations for people. k8s: apimachinery/pkg/util/duration */

/** `4s`, `2m5s`, `3h7m`, `5d`, `1y20d`; negative beyond two seconds is `<invalid>`. k8s: HumanDuration */
export function humanDuration(ms: number): string {
  // Allow deviation no more than 2 seconds (excluded) to tolerate machine time inconsistence.
  const seconds = Math.trunc(ms / 1000)
  if (seconds < -1) return '<invalid>'
  if (seconds < 0) return '0s'
  if (seconds < 120) return `${seconds}s`
  const minutes = Math.trunc(ms / 60_000)
  if (minutes < 10) {
    const rest = seconds % 60
    return rest === 0 ? `${minutes}m` : `${minutes}m${rest}s`
  }
  if (minutes < 180) return `${minutes}m`
  const hours = Math.trunc(ms / 3_600_000)
  if (hours < 8) {
    const rest = minutes % 60
    return rest === 0 ? `${hours}h` : `${hours}h${rest}m`
  }
  if (hours < 48) return `${hours}h`
  if (hours < 192) {
    const rest = hours % 24
    const days = Math.trunc(hours / 24)
    return rest === 0 ? `${days}d` : `${days}d${rest}h`
  }
  if (hours < 24 * 365 * 2) return `${Math.trunc(hours / 24)}d`
  const years = Math.trunc(hours / 24 / 365)
  if (hours < 24 * 365 * 8) {
    const days = Math.trunc(hours / 24) % 365
    return days === 0 ? `${years}y` : `${years}y${days}d`
  }
  return `${years}y`
}

/** One unit, rounded down: `23h`, `5d`. k8s: ShortHumanDuration */
export function shortHumanDuration(ms: number): string {
  const seconds = Math.trunc(ms / 1000)
  if (seconds < -1) return '<invalid>'
  if (seconds < 0) return '0s'
  if (seconds < 60) return `${seconds}s`
  const minutes = Math.trunc(seconds / 60)
  if (minutes < 60) return `${minutes}m`
  const hours = Math.trunc(minutes / 60)
  if (hours < 24) return `${hours}h`
  return hours < 24 * 365 ? `${Math.trunc(hours / 24)}d` : `${Math.trunc(hours / 24 / 365)}y`
}

const UNITS_MS: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1, us: 1e-3, 'µs': 1e-3, ns: 1e-6 }

/** Milliseconds of a duration as Go writes it, `1h30m`, `500ms`, `0`; undefined for what is none. Go: time.ParseDuration */
export function parseGoDuration(text: string): number | undefined {
  if (/^[-+]?0$/.test(text)) return 0
  if (!/^[-+]?(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|ms|s|m|h))+$/.test(text)) return undefined
  let sum = 0
  for (const [, count, unit] of text.matchAll(/([\d.]+)(h|ms|m|s|us|µs|ns)/g)) sum += Number(count) * UNITS_MS[unit!]!
  return text.startsWith('-') ? -sum : sum
}

/** A duration as Go prints it: `4m0s`, `1.5s`, `501.25ms`. Go: time.Duration.String */
export function goDurationText(ms: number): string {
  if (ms === 0) return '0s'
  if (ms < 0) return `-${goDurationText(-ms)}`
  if (ms < 1000) return `${Number(ms.toFixed(6))}ms`
  const hours = Math.floor(ms / 3_600_000)
  const minutes = Math.floor(ms / 60_000) % 60
  const seconds = `${Number(((ms % 60_000) / 1000).toFixed(9))}s`
  return hours > 0 ? `${hours}h${minutes}m${seconds}` : minutes > 0 ? `${minutes}m${seconds}` : seconds
}
