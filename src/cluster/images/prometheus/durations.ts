const UNITS: readonly (readonly [string, number])[] = [['y', 31_536_000_000], ['w', 604_800_000], ['d', 86_400_000], ['h', 3_600_000], ['m', 60_000], ['s', 1_000], ['ms', 1]]
const FORM = /^(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?$/
/** What fits into a Go duration. */
const MOST_MS = 9_223_372_036_854

/** Prometheus' durations, in milliseconds: `1h30m`. @throws Error in the words of prometheus/common model.ParseDuration */
export function parseDuration(text: string): number {
  if (text === '0') return 0
  if (text === '') throw new Error('empty duration string')
  const match = FORM.exec(text)
  if (!match) throw new Error(`not a valid duration string: ${JSON.stringify(text)}`)
  const ms = UNITS.reduce((sum, [, unit], i) => sum + Number(match[i + 1] ?? 0) * unit, 0)
  if (ms > MOST_MS) throw new Error('duration out of range')
  return ms
}

/** As Prometheus writes durations: `1h30m`, `15s`; years, weeks and days only where nothing is left over. */
export function durationText(ms: number): string {
  if (ms === 0) return '0s'
  let rest = Math.abs(Math.round(ms))
  let text = ms < 0 ? '-' : ''
  for (const [unit, size] of UNITS) {
    const isExactOnly = unit === 'y' || unit === 'w' || unit === 'd'
    if (isExactOnly && rest % size !== 0) continue
    const count = Math.floor(rest / size)
    if (count > 0) text += `${count}${unit}`
    rest -= count * size
  }
  return text
}

/** As Go writes a time.Duration: `1m30s`, `1.5s`, `15ms`. */
export function goDurationText(ms: number): string {
  if (ms === 0) return '0s'
  if (Math.abs(ms) < 1) return Math.abs(ms) >= 0.001 ? `${trimmed(ms * 1e3)}µs` : `${trimmed(ms * 1e6)}ns`
  if (Math.abs(ms) < 1000) return `${trimmed(ms)}ms`
  const sign = ms < 0 ? '-' : ''
  const seconds = Math.abs(ms) / 1000
  const hours = Math.floor(seconds / 3600)
  const minutes = Math.floor((seconds % 3600) / 60)
  return `${sign}${hours > 0 ? `${hours}h` : ''}${hours > 0 || minutes > 0 ? `${minutes}m` : ''}${trimmed(seconds % 60)}s`
}

const trimmed = (value: number) => String(Number(value.toFixed(9)))
