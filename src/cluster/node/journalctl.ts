import type { LogEntry } from '../../base/log.ts'
import type { Program } from '../../unix/types.ts'
import { UsageError, parseOptions, utilityProgram } from '../../unix/utilities/utility.ts'
import { klogText } from './journal.ts'
import type { Journal } from './journal.ts'

/** Where the kubelet's source logs what it says. k8s: pkg/kubelet */
const SOURCES: Readonly<Record<string, string>> = {
  'Starting kubelet main sync loop': 'kubelet.go:2622', 'Attempting to register node': 'kubelet_node_status.go:75', 'Successfully registered node': 'kubelet_node_status.go:78', 'Error updating node status, will retry': 'kubelet_node_status.go:479',
  'Fast updating node status as it just became ready': 'kubelet_node_status.go:431', 'Error syncing pod, skipping': 'pod_workers.go:1338', 'Observed pod startup duration': 'pod_startup_latency_tracker.go:148',
}
/** Whose entries are k3s' own, and not of its kubelet. */
export const K3S_COMPONENT = 'k3s'
const RANKS: Readonly<Record<string, number>> = { emerg: 0, alert: 1, crit: 2, err: 3, warning: 4, notice: 5, info: 6, debug: 7 }

/** `journalctl -u kubelet`: what this node's kubelet really said. */
// @k8s part: journalctl: only the kubelet and k3s write to the journal
export function journalctl(journal: Journal, pidOf: (unit: string) => number, k3sUnit: () => string | undefined): Program {
  return utilityProgram(async (context) => {
    const { proc } = context
    const options = parseOptions(context.args, 'u:fn:reo:S:U:p:xkbqaD:', { 'unit=': 'u', follow: 'f', 'lines=': 'n', reverse: 'r', 'pager-end': 'e', 'output=': 'o', 'since=': 'S', 'until=': 'U', 'priority=': 'p', catalog: 'x', dmesg: 'k', boot: 'b', quiet: 'q', all: 'a', 'no-pager': 'N', 'no-hostname': 'H', 'no-tail': 'T', utc: 'Z' })
    const units = options.all.filter(([name]) => name === 'u').map(([, value]) => String(value).replace(/\.service$/, ''))
    const since = timeOf(options.value('S'), proc.clock.nowMs())
    const until = timeOf(options.value('U'), proc.clock.nowMs())
    const rank = options.value('p') === undefined ? 7 : RANKS[options.value('p')!] ?? Number(options.value('p'))
    if (Number.isNaN(since) || Number.isNaN(until)) throw new UsageError(`Failed to parse timestamp: ${options.value('S') ?? options.value('U')}`)
    const inK3s = k3sUnit()
    const unit = inK3s ?? 'kubelet'
    const identifier = inK3s === undefined ? 'kubelet' : 'k3s'
    const pid = () => pidOf(unit)
    const wanted = (entry: LogEntry) => (units.length === 0 || units.includes(entry.message === 'command failed' ? 'kubelet' : unit)) && (since === undefined || entry.timeMs >= since) && (until === undefined || entry.timeMs <= until) && (entry.level === 'error' ? 3 : entry.level === 'warn' ? 4 : 6) <= rank && !options.has('k')
    const text = (entry: LogEntry) => {
      const line = entry.component === K3S_COMPONENT ? `time="${new Date(entry.timeMs).toISOString().slice(0, 19)}Z" level=${entry.level === 'warn' ? 'warning' : entry.level} msg=${JSON.stringify(entry.message)}` : klogText(entry, pid(), SOURCES[entry.message] ?? 'kubelet.go:0')
      switch (options.value('o')) {
        case 'cat': return `${line}\n`
        case 'json': return `${JSON.stringify({ __REALTIME_TIMESTAMP: String(Math.floor(entry.timeMs * 1000)), PRIORITY: String(entry.level === 'error' ? 3 : 6), _SYSTEMD_UNIT: `${unit}.service`, _PID: String(pid()), _COMM: identifier, MESSAGE: line, _HOSTNAME: proc.machine.hostname })}\n`
        default: return `${stamp(entry.timeMs, options.value('o'))} ${options.has('H') ? '' : `${proc.machine.hostname} `}${identifier}[${pid()}]: ${line}\n`
      }
    }
    let shown = journal.entries().filter(wanted)
    const lines = options.value('n') ?? (options.has('f') && !options.has('T') ? '10' : options.has('e') ? '1000' : 'all')
    if (lines !== 'all') shown = shown.slice(-Number(lines) || shown.length)
    if (options.has('r')) shown = [...shown].reverse()
    if (shown.length === 0 && !options.has('q') && !options.has('f')) await context.out('-- No entries --\n')
    for (const entry of shown) await context.out(text(entry))
    if (!options.has('f')) return 0
    const waiting: LogEntry[] = []
    let wake: (() => void) | undefined
    const stop = journal.follow((entry) => { if (wanted(entry)) { waiting.push(entry); wake?.() } })
    try {
      for (;;) {
        for (const entry of waiting.splice(0)) await context.out(text(entry))
        await Promise.race([new Promise<void>((resolve) => { wake = resolve; if (waiting.length > 0) resolve() }), proc.signal('SIGINT', 'SIGTERM').then(() => { throw new Stopped() })])
      }
    } catch (error) {
      if (error instanceof Stopped) return 130
      throw error
    } finally {
      stop()
    }
  }, 'gnu')
}

class Stopped extends Error {}

function stamp(ms: number, output: string | undefined): string {
  const iso = new Date(ms).toISOString()
  if (output === 'short-iso') return `${iso.slice(0, 19)}+00:00`
  if (output === 'short-iso-precise') return `${iso.slice(0, 23)}000+00:00`
  const [, day, month] = /^\w+, (\d+) (\w+)/.exec(new Date(ms).toUTCString())!
  return `${month} ${day} ${iso.slice(11, output === 'short-precise' ? 23 : 19)}${output === 'short-precise' ? '000' : ''}`
}

/** `10 min ago`, `today`, `2026-11-21 07:00`; NaN for what isn't a time. */
function timeOf(text: string | undefined, nowMs: number): number | undefined {
  if (text === undefined) return undefined
  const day = 86_400_000
  if (text === 'now') return nowMs
  if (text === 'today') return nowMs - nowMs % day
  if (text === 'yesterday') return nowMs - nowMs % day - day
  const span = /^-?\s*(\d+)\s*(s|sec|seconds?|m|min|minutes?|h|hr|hours?|d|days?)(?:\s+ago)?$/.exec(text)
  if (span) return nowMs - Number(span[1]) * { s: 1_000, m: 60_000, h: 3_600_000, d: day }[span[2]![0] as 's']
  const date = /^(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d(?::\d\d)?))?$/.exec(text)
  if (date) return Date.parse(`${date[1]}T${date[2] ?? '00:00'}Z`)
  const clock = /^(\d\d:\d\d(?::\d\d)?)$/.exec(text)
  return clock ? Date.parse(`${new Date(nowMs).toISOString().slice(0, 10)}T${clock[1]}Z`) : Number.NaN
}
