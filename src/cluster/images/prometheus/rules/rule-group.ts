import type { Clock } from '../../../../base/clock.ts'
import { Labels, METRIC_NAME } from '../labels.ts'
import { queryInstant } from '../promql/query.ts'
import type { QueryOptions } from '../promql/query.ts'
import type { Sample } from '../promql/values.ts'
import type { Storage } from '../tsdb/storage.ts'
import { alertText } from './alert-templates.ts'
import type { RuleGroupSpec, RuleSpec } from './load-rules.ts'

export interface Alert {
  labels: Labels
  annotations: Readonly<Record<string, string>>
  state: 'pending' | 'firing' | 'inactive'
  value: number
  activeMs: number
  firedMs: number | undefined
  keepFiringSinceMs: number | undefined
  resolvedMs: number | undefined
  lastSentMs: number
}

export interface RuleState {
  spec: RuleSpec
  health: 'unknown' | 'ok' | 'err'
  lastError: string
  lastMs: number | undefined
  tookMs: number
  alerts: Map<string, Alert>
}

export interface GroupOptions {
  storage: Storage
  clock: Clock
  query: QueryOptions
  externalLabels: Readonly<Record<string, string>>
  externalUrl: string
  onAlerts(alerts: readonly Alert[], rule: RuleSpec, timeMs: number): void
  onError(rule: RuleSpec, message: string): void
}

/** Ended alerts are told of for so long. */
const RESOLVED_MS = 15 * 60_000
/** Alerts that go on are told of again after so long. */
export const RESEND_MS = 60_000

/** Rules that are worked out one after the other, again and again. */
export class RuleGroup {
  readonly spec: RuleGroupSpec
  readonly intervalMs: number
  readonly rules: RuleState[]
  lastMs: number | undefined
  tookMs = 0
  readonly #options: GroupOptions
  /** What each rule wrote last: what isn't written again has ended. */
  readonly #written = new Map<RuleState, Map<string, Labels>>()

  constructor(spec: RuleGroupSpec, intervalMs: number, options: GroupOptions) {
    this.spec = spec
    this.intervalMs = intervalMs
    this.#options = options
    this.rules = spec.rules.map((rule) => ({ spec: rule, health: 'unknown', lastError: '', lastMs: undefined, tookMs: 0, alerts: new Map() }))
  }

  /** Takes over what the same rules of the group before knew. */
  takeOver(before: RuleGroup): void {
    for (const rule of this.rules) {
      const same = before.rules.find((other) => other.spec.alert === rule.spec.alert && other.spec.record === rule.spec.record && other.spec.query === rule.spec.query)
      if (!same) continue
      rule.alerts = same.alerts
      const written = before.#written.get(same)
      if (written) this.#written.set(rule, written)
    }
  }

  async evaluate(timeMs: number): Promise<void> {
    const startedMs = this.#options.clock.nowMs()
    for (const rule of this.rules) {
      const ruleStartMs = this.#options.clock.nowMs()
      rule.lastMs = timeMs
      try {
        const { result } = await queryInstant(rule.spec.expr, timeMs, this.#options.query)
        const samples: Sample[] = result.type === 'vector' ? result.samples : result.type === 'scalar' ? [{ metric: Labels.empty, value: result.value }] : []
        const out = rule.spec.alert ? this.#alert(rule, samples, timeMs) : this.#record(rule.spec, samples)
        if (this.spec.limit > 0 && samples.length > this.spec.limit) throw new Error(`exceeded limit of ${this.spec.limit} with ${samples.length} ${rule.spec.alert ? 'alerts' : 'series'}`)
        this.#write(rule, out, timeMs)
        rule.health = 'ok'
        rule.lastError = ''
      } catch (error) {
        rule.health = 'err'
        rule.lastError = (error as Error).message
        this.#options.onError(rule.spec, rule.lastError)
      }
      rule.tookMs = this.#options.clock.nowMs() - ruleStartMs
      await this.#options.clock.breathe()
    }
    this.lastMs = timeMs
    this.tookMs = this.#options.clock.nowMs() - startedMs
  }

  #record({ record, labels }: RuleSpec, samples: readonly Sample[]): Sample[] {
    const out = samples.map(({ metric, value }) => ({ metric: Labels.of([...metric, [METRIC_NAME, record] as const, ...Object.entries(labels)]), value }))
    if (new Set(out.map(({ metric }) => metric.key)).size < out.length) throw new Error('vector contains metrics with the same labelset after applying rule labels')
    return out
  }

  /** k8s: prometheus rules/alerting.go Eval */
  #alert(rule: RuleState, samples: readonly Sample[], timeMs: number): Sample[] {
    const { spec, alerts } = rule
    const { externalLabels, externalUrl } = this.#options
    const active = new Set<string>()
    for (const { metric, value } of samples) {
      const data = { alert: spec.alert, labels: metric, value, externalLabels, externalUrl }
      const expand = (texts: Readonly<Record<string, string>>) => Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, alertText(text, data)]))
      const labels = Labels.of([...metric.without([METRIC_NAME]), ...Object.entries(expand(spec.labels)), ['alertname', spec.alert]])
      if (active.has(labels.key)) throw new Error('vector contains metrics with the same labelset after applying alert labels')
      active.add(labels.key)
      const annotations = expand(spec.annotations)
      const known = alerts.get(labels.key)
      if (known && known.state !== 'inactive') Object.assign(known, { value, annotations, keepFiringSinceMs: undefined })
      else alerts.set(labels.key, { labels, annotations, state: 'pending', value, activeMs: timeMs, firedMs: undefined, keepFiringSinceMs: undefined, resolvedMs: undefined, lastSentMs: -Infinity })
    }
    const out: Sample[] = []
    for (const [key, alert] of alerts) {
      if (!active.has(key)) {
        if (alert.state === 'firing' && spec.keepFiringMs > 0) {
          alert.keepFiringSinceMs ??= timeMs
          if (timeMs - alert.keepFiringSinceMs < spec.keepFiringMs) { out.push(...seriesOf(alert)); continue }
        }
        if (alert.state === 'pending' || (alert.resolvedMs !== undefined && timeMs - alert.resolvedMs > RESOLVED_MS)) alerts.delete(key)
        if (alert.state !== 'inactive') { alert.state = 'inactive'; alert.resolvedMs = timeMs }
        continue
      }
      if (alert.state === 'pending' && timeMs - alert.activeMs >= spec.forMs) { alert.state = 'firing'; alert.firedMs = timeMs }
      out.push(...seriesOf(alert))
    }
    const due = [...alerts.values()].filter((alert) => alert.state !== 'pending' && ((alert.resolvedMs !== undefined && alert.resolvedMs > alert.lastSentMs) || alert.lastSentMs + RESEND_MS <= timeMs))
    for (const alert of due) alert.lastSentMs = timeMs
    if (due.length > 0) this.#options.onAlerts(due, spec, timeMs)
    return out
  }

  #write(rule: RuleState, samples: readonly Sample[], timeMs: number): void {
    const { storage } = this.#options
    const before = this.#written.get(rule)
    const now = new Map<string, Labels>()
    for (const { metric, value } of samples) {
      now.set(metric.key, metric)
      storage.append(storage.seriesOf(metric), timeMs, value)
    }
    for (const [key, labels] of before ?? []) if (!now.has(key)) storage.append(storage.seriesOf(labels), timeMs, NaN, true)
    this.#written.set(rule, now)
  }
}

function seriesOf({ labels, state, activeMs }: Alert): Sample[] {
  return [
    { metric: Labels.of([...labels, [METRIC_NAME, 'ALERTS'], ['alertstate', state]]), value: 1 },
    { metric: labels.with(METRIC_NAME, 'ALERTS_FOR_STATE'), value: Math.floor(activeMs / 1000) },
  ]
}
