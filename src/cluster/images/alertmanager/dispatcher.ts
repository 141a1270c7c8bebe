import type { Proc } from '../../../unix/types.ts'
import type { Labels } from '../prometheus/labels.ts'
import type { Matcher } from '../prometheus/promql/matchers.ts'
import { HttpClient } from '../prometheus/scrape/http-client.ts'
import type { AlertmanagerConfig, Route } from './config.ts'
import { fits, routesFor } from './config.ts'

/** An alert as it was posted. */
export interface Alert {
  labels: Labels
  annotations: Readonly<Record<string, string>>
  startsMs: number
  endsMs: number
  updatedMs: number
  generatorUrl: string
}

export interface Silence { id: string; matchers: readonly Matcher[]; startsMs: number; endsMs: number; updatedMs: number; createdBy: string; comment: string }

interface Group { route: Route; labels: Labels; key: string; alerts: Map<string, Alert>; sent: Map<string, 'firing' | 'resolved'>; sentMs: number; started: boolean }

export interface DispatcherOptions {
  externalUrl: string
  version: string
  /** How long silences that have ended are kept. */
  retentionMs: number
}

/** Ended alerts are kept so long. */
const KEPT_MS = 30 * 60_000
const HTTP = { followRedirects: true, tls: { caFile: '', ca: '', certFile: '', keyFile: '', serverName: '', insecure: false } }

/** What Alertmanager knows: alerts, silences, and the groups in which receivers are told. */
export class Dispatcher {
  readonly alerts = new Map<string, Alert>()
  readonly silences = new Map<string, Silence>()
  readonly groups = new Map<string, Group>()
  config: AlertmanagerConfig
  notified = 0
  failed = 0
  readonly #proc: Proc
  readonly #client: HttpClient
  readonly #options: DispatcherOptions
  readonly #log: (level: string, text: string) => void

  constructor(proc: Proc, config: AlertmanagerConfig, options: DispatcherOptions, log: (level: string, text: string) => void) {
    this.#proc = proc
    this.config = config
    this.#client = new HttpClient(proc, HTTP)
    this.#options = options
    this.#log = log
  }

  get #nowMs(): number {
    return this.#proc.clock.nowMs()
  }

  /** Takes an alert in, or news of one. */
  take(alert: Alert): void {
    const { key } = alert.labels
    const before = this.alerts.get(key)
    if (before && before.endsMs > this.#nowMs) alert.startsMs = Math.min(before.startsMs, alert.startsMs)
    this.alerts.set(key, alert)
    for (const route of routesFor(this.config.route, alert.labels)) this.#groupOf(route, alert.labels).alerts.set(key, alert)
  }

  /** Puts another configuration in force: groups are made anew. */
  reconfigure(config: AlertmanagerConfig): void {
    this.config = config
    this.groups.clear()
    for (const alert of this.alerts.values()) if (alert.endsMs > this.#nowMs) this.take(alert)
  }

  #groupOf(route: Route, labels: Labels): Group {
    const own = route.groupBy.includes('...') ? labels : labels.filter((name) => route.groupBy.includes(name))
    const key = `${route.key}:${own}`
    let group = this.groups.get(key)
    if (!group) {
      this.groups.set(key, group = { route, labels: own, key, alerts: new Map(), sent: new Map(), sentMs: -Infinity, started: false })
      const made = group
      this.#proc.clock.after(route.groupWaitMs, () => { void this.#run(made).catch(() => {}) })
    }
    return group
  }

  async #run(group: Group): Promise<void> {
    while (!this.#proc.killed.aborted && this.groups.get(group.key) === group) {
      await this.#flush(group)
      if (group.alerts.size === 0) { this.groups.delete(group.key); return }
      await this.#proc.sleep(group.route.groupIntervalMs)
    }
  }

  silencedBy(labels: Labels): string[] {
    const nowMs = this.#nowMs
    return [...this.silences.values()].filter((silence) => silence.startsMs <= nowMs && silence.endsMs > nowMs && fits(silence.matchers, labels)).map(({ id }) => id)
  }

  inhibitedBy(labels: Labels): string[] {
    const nowMs = this.#nowMs
    return this.config.inhibitRules.filter((rule) => fits(rule.target, labels)).flatMap((rule) => [...this.alerts.values()].filter((other) => other.endsMs > nowMs && other.labels.key !== labels.key && fits(rule.source, other.labels) && !(fits(rule.target, other.labels) && fits(rule.source, labels)) && rule.equal.every((name) => other.labels.get(name) === labels.get(name))).map((other) => fingerprint(other.labels)))
  }

  /** k8s: alertmanager notify DedupStage */
  async #flush(group: Group): Promise<void> {
    const nowMs = this.#nowMs
    const all = [...group.alerts.values()].filter(({ labels }) => this.silencedBy(labels).length === 0 && this.inhibitedBy(labels).length === 0)
    const state = (alert: Alert) => alert.endsMs <= nowMs ? 'resolved' as const : 'firing' as const
    const isNew = all.some((alert) => state(alert) === 'firing' ? group.sent.get(alert.labels.key) !== 'firing' : group.sent.get(alert.labels.key) === 'firing')
    const isDue = all.some((alert) => state(alert) === 'firing') && nowMs - group.sentMs >= group.route.repeatMs
    const told = all.filter((alert) => state(alert) === 'firing' || group.sent.get(alert.labels.key) === 'firing')
    if (told.length > 0 && (isNew || isDue) && await this.#notify(group, told, state)) {
      group.sentMs = nowMs
      for (const alert of told) group.sent.set(alert.labels.key, state(alert))
    }
    for (const [key, alert] of group.alerts) if (alert.endsMs <= nowMs && group.sent.get(key) !== 'firing') { group.alerts.delete(key); group.sent.delete(key) }
    for (const [key, alert] of this.alerts) if (alert.endsMs < nowMs - KEPT_MS) this.alerts.delete(key)
    for (const [id, silence] of this.silences) if (silence.endsMs < nowMs - this.#options.retentionMs) this.silences.delete(id)
  }

  async #notify(group: Group, alerts: readonly Alert[], state: (alert: Alert) => 'firing' | 'resolved'): Promise<boolean> {
    const receiver = this.config.receivers.get(group.route.receiver)!
    const isFiring = alerts.some((alert) => state(alert) === 'firing')
    const common = (all: readonly Readonly<Record<string, string>>[]) => Object.fromEntries(Object.entries(all[0] ?? {}).filter(([name, value]) => all.every((each) => each[name] === value)))
    for (const kind of receiver.others) this.#log('WARN', `msg="Receivers outside of the cluster can't be reached" receiver=${receiver.name} integration=${kind} status=${isFiring ? 'firing' : 'resolved'} alerts=${JSON.stringify(alerts.map(({ labels }) => labels.toString()).join(' '))}`)
    let ok = true
    for (const { url, sendResolved, maxAlerts, timeoutMs } of receiver.webhooks) {
      const sent = sendResolved ? alerts : alerts.filter((alert) => state(alert) === 'firing')
      if (sent.length === 0) continue
      const shown = maxAlerts > 0 ? sent.slice(0, maxAlerts) : sent
      const body = JSON.stringify({
        receiver: receiver.name, status: isFiring ? 'firing' : 'resolved',
        alerts: shown.map((alert) => ({ status: state(alert), labels: alert.labels.toRecord(), annotations: alert.annotations, startsAt: new Date(alert.startsMs).toISOString(), endsAt: state(alert) === 'resolved' ? new Date(alert.endsMs).toISOString() : '0001-01-01T00:00:00Z', generatorURL: alert.generatorUrl, fingerprint: fingerprint(alert.labels) })),
        groupLabels: group.labels.toRecord(), commonLabels: common(shown.map(({ labels }) => labels.toRecord())), commonAnnotations: common(shown.map(({ annotations }) => annotations)), externalURL: this.#options.externalUrl, version: '4', groupKey: group.key, truncatedAlerts: sent.length - shown.length,
      })
      try {
        const { status } = await this.#client.request(url, { method: 'POST', body, headers: { 'content-type': 'application/json', 'user-agent': `Alertmanager/${this.#options.version}` }, timeoutMs })
        if (status < 200 || status > 299) throw new Error(`unexpected status code ${status}: ${url}`)
        this.notified++
      } catch (error) {
        if (this.#proc.killed.aborted) return false
        this.failed++
        ok = false
        this.#log('WARN', `msg="Notify attempt failed, will retry later" component=dispatcher receiver=${receiver.name} integration=webhook[0] aggrGroup=${JSON.stringify(group.key)} attempts=1 err=${JSON.stringify((error as Error).message)}`)
      }
    }
    return ok
  }
}

/** Labels as sixteen digits: FNV-1a in 64 bits. k8s: prometheus/common model.LabelSet.Fingerprint */
export function fingerprint(labels: Labels): string {
  let hash = 0xcbf29ce484222325n
  const add = (byte: number) => { hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n) }
  for (const text of labels.flat) { for (const byte of new TextEncoder().encode(text)) add(byte); add(255) }
  return hash.toString(16).padStart(16, '0')
}

