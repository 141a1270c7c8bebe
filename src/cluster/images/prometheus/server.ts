import type { Proc } from '../../../unix/types.ts'
import { ConfigError } from './config/go-yaml.ts'
import { loadConfig } from './config/load.ts'
import type { Config } from './config/load.ts'
import { relabelSeries } from './config/relabel.ts'
import { Discoverer } from './discovery/discover.ts'
import { matchesGlob } from './discovery/glob.ts'
import { Labels } from './labels.ts'
import { QueryError } from './promql/values.ts'
import type { QueryOptions } from './promql/query.ts'
import { readConfigFile } from './config/read-file.ts'
import { tableLink } from './rules/alert-templates.ts'
import { RESEND_MS, RuleGroup } from './rules/rule-group.ts'
import type { Alert } from './rules/rule-group.ts'
import { loadRules } from './rules/load-rules.ts'
import type { RuleGroupSpec, RuleSpec } from './rules/load-rules.ts'
import { HttpClient } from './scrape/http-client.ts'
import { ScrapePool } from './scrape/scrape-pool.ts'
import type { TargetGroup } from './scrape/target.ts'
import type { Storage } from './tsdb/storage.ts'

export interface ServerOptions {
  version: string
  configFile: string
  externalUrl: string
  lookbackMs: number
  timeoutMs: number
  maxSamples: number
  experimentalFunctions: boolean
  delaysNames: boolean
}

type Log = (level: 'ERROR' | 'WARN' | 'INFO', source: string, text: string) => void

/** Who alerts go to. */
interface Receiver { url: string; client: HttpClient; timeoutMs: number; config: Config['alertmanagers'][number] }

/** A running Prometheus: what it scrapes, the rules that it works out, and whom it tells. */
export class PrometheusServer {
  config: Config | undefined
  readonly pools = new Map<string, ScrapePool>()
  groups: RuleGroup[] = []
  readonly storage: Storage
  readonly options: ServerOptions
  readonly startedMs: number
  lastReloadOk = false
  lastReloadMs = 0
  notificationsSent = 0
  notificationErrors = 0
  readonly #proc: Proc
  readonly #log: Log
  #discoverers: Discoverer[] = []
  #receivers: Receiver[] = []
  #ruleRun = new AbortController()

  constructor(proc: Proc, storage: Storage, options: ServerOptions, log: Log) {
    this.#proc = proc
    this.storage = storage
    this.options = options
    this.#log = log
    this.startedMs = proc.clock.nowMs()
  }

  get isOld(): boolean {
    return this.options.version.startsWith('2')
  }

  /** How queries are carried out just now. */
  queryOptions(overrides: { timeoutMs?: number; lookbackMs?: number } = {}): QueryOptions {
    const { clock } = this.#proc
    const untilMs = clock.nowMs() + Math.min(overrides.timeoutMs ?? Infinity, this.options.timeoutMs)
    const breathe = async () => {
      await clock.breathe()
      if (clock.nowMs() > untilMs) throw new QueryTimeout('query timed out in expression evaluation')
    }
    return {
      source: { select: (matchers, fromMs, toMs) => this.storage.select(matchers, fromMs, toMs, breathe) }, lookbackMs: overrides.lookbackMs ?? this.options.lookbackMs, subqueryStepMs: this.config?.evaluationIntervalMs ?? 60_000, delaysNames: this.options.delaysNames, maxSamples: this.options.maxSamples, includesStart: this.isOld,
      breathe,
    }
  }

  /** Reads the configuration, and puts it in force. @throws ConfigError, and keeps what it had */
  reload(): void {
    const { configFile } = this.options
    this.#log('INFO', 'main.go:1500', `msg="Loading configuration file" filename=${configFile}`)
    this.lastReloadOk = false
    let config: Config
    let groups: RuleGroupSpec[]
    try {
      const text = readConfigFile(this.#proc, configFile)
      try {
        config = loadConfig(text)
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error
        throw new ConfigError(`parsing YAML file ${configFile}: ${error.message}`)
      }
      const folder = configFile.slice(0, configFile.lastIndexOf('/'))
      const resolved = (path: string) => path.startsWith('/') ? path : `${folder}/${path}`
      groups = config.ruleFiles.flatMap((pattern) => matchesGlob(this.#proc.fs, this.#proc.resolve(resolved(pattern)))).flatMap((file) => loadRules(readConfigFile(this.#proc, file), file))
      config = withResolvedFiles(config, resolved)
    } catch (error) {
      if (error instanceof ConfigError) throw new ConfigError(`couldn't load configuration (--config.file=${JSON.stringify(configFile)}): ${error.message}`)
      throw error
    }
    this.#apply(config, groups)
    this.lastReloadOk = true
    this.lastReloadMs = this.#proc.clock.nowMs()
    this.#log('INFO', 'main.go:1540', `msg="Completed loading of configuration file" ${this.isOld ? '' : 'db_storage=1µs remote_storage=1µs web_handler=1µs query_engine=1µs scrape=1ms scrape_sd=1ms notify=1µs notify_sd=1µs rules=1ms tracing=1µs '}filename=${configFile} totalDuration=5ms`)
  }

  #apply(config: Config, ruleGroups: readonly RuleGroupSpec[]): void {
    this.config = config
    for (const discoverer of this.#discoverers) discoverer.stop()
    this.#discoverers = []
    for (const [name, pool] of [...this.pools]) {
      const same = config.scrapeConfigs.find((scrape) => JSON.stringify(scrape) === JSON.stringify(pool.config))
      if (same) continue
      this.pools.delete(name)
      const next = config.scrapeConfigs.find((scrape) => scrape.jobName === name)
      if (!next) { pool.end(); continue }
      const made = this.#poolOf(next)
      made.takeOver(pool)
      this.pools.set(name, made)
    }
    const told = (level: 'ERROR' | 'WARN' | 'INFO', text: string) => this.#log(level, 'kubernetes.go:400', text)
    for (const scrape of config.scrapeConfigs) {
      let pool = this.pools.get(scrape.jobName)
      if (!pool) this.pools.set(scrape.jobName, pool = this.#poolOf(scrape))
      const own = pool
      this.#discoverers.push(new Discoverer(this.#proc, scrape.discovery, told, (groups) => own.sync(groups)))
    }
    this.#receivers = []
    for (const manager of config.alertmanagers) {
      const client = new HttpClient(this.#proc, manager.http)
      this.#discoverers.push(new Discoverer(this.#proc, manager.discovery, told, (groups) => {
        this.#receivers = [...this.#receivers.filter((receiver) => receiver.config !== manager), ...receiverUrls(manager, groups).map((url) => ({ url, client, timeoutMs: manager.timeoutMs, config: manager }))]
      }))
    }
    this.#startRules(config, ruleGroups)
  }

  #poolOf(scrape: Config['scrapeConfigs'][number]): ScrapePool {
    return new ScrapePool(this.#proc, scrape, this.storage, this.options.version, (message) => this.#log('ERROR', 'target.go:600', `${message} component="scrape manager"`))
  }

  /** Where alerts are sent to just now. */
  get alertmanagerUrls(): string[] {
    return this.#receivers.map(({ url }) => url)
  }

  #startRules(config: Config, specs: readonly RuleGroupSpec[]): void {
    this.#ruleRun.abort()
    const run = this.#ruleRun = new AbortController()
    const before = this.groups
    const query = () => this.queryOptions()
    this.groups = specs.map((spec) => {
      const intervalMs = spec.intervalMs || config.evaluationIntervalMs
      const group = new RuleGroup(spec, intervalMs, {
        storage: this.storage, clock: this.#proc.clock, get query() { return query() }, externalLabels: config.externalLabels, externalUrl: this.options.externalUrl,
        onAlerts: (alerts, rule, timeMs) => { void this.#send(alerts, rule, timeMs, intervalMs).catch(() => {}) },
        onError: (rule, message) => this.#log('WARN', 'group.go:500', `msg="Evaluating rule failed" component="rule manager" file=${spec.file} group=${spec.name} name=${rule.alert || rule.record} err=${JSON.stringify(message)}`),
      })
      const same = before.find((other) => other.spec.name === spec.name && other.spec.file === spec.file)
      if (same) group.takeOver(same)
      return group
    })
    for (const group of this.groups) void this.#runGroup(group, run.signal).catch(() => {})
  }

  async #runGroup(group: RuleGroup, stopped: AbortSignal): Promise<void> {
    const { clock } = this.#proc
    let nextMs = (Math.floor(clock.nowMs() / group.intervalMs) + 1) * group.intervalMs
    while (!stopped.aborted && !this.#proc.killed.aborted) {
      await this.#proc.sleep(Math.max(0, nextMs - clock.nowMs()))
      if (stopped.aborted) return
      await group.evaluate(nextMs)
      nextMs = Math.max(nextMs + group.intervalMs, Math.floor(clock.nowMs() / group.intervalMs) * group.intervalMs)
    }
  }

  /** k8s: prometheus notifier Send */
  async #send(alerts: readonly Alert[], rule: RuleSpec, timeMs: number, intervalMs: number): Promise<void> {
    const config = this.config!
    const time = (ms: number) => new Date(ms).toISOString()
    // As long as it isn't told again the receiver may take it as ended after four rounds.
    const endsMs = timeMs + 4 * Math.max(intervalMs, RESEND_MS)
    const body = alerts.flatMap((alert) => {
      const labels = relabelSeries(Labels.of([...Object.entries(config.externalLabels), ...alert.labels]), config.alertRelabel)
      return labels ? [{ annotations: alert.annotations, endsAt: time(alert.resolvedMs ?? endsMs), startsAt: time(alert.firedMs ?? alert.activeMs), generatorURL: `${this.options.externalUrl}${tableLink(rule.query)}`, labels: labels.toRecord() }] : []
    })
    if (body.length === 0) return
    await Promise.all(this.#receivers.map(async ({ url, client, timeoutMs }) => {
      try {
        const { status } = await client.request(url, { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json', 'user-agent': `Prometheus/${this.options.version}` }, timeoutMs })
        if (status < 200 || status > 299) throw new Error(`bad response status ${status}`)
        this.notificationsSent += body.length
      } catch (error) {
        if (this.#proc.killed.aborted) return
        this.notificationErrors += body.length
        this.#log('ERROR', 'notifier.go:600', `msg="Error sending alerts" component=notifier alertmanager=${url} count=${body.length} numDropped=${body.length} err=${JSON.stringify((error as Error).message)}`)
      }
    }))
  }
}

/** The query took too long. */
export class QueryTimeout extends QueryError {}

function receiverUrls(manager: Config['alertmanagers'][number], groups: readonly TargetGroup[]): string[] {
  return groups.flatMap((group) => group.targets.flatMap((target) => {
    const found = Labels.of([...Object.entries(group.labels), ...Object.entries(target), ['__scheme__', manager.scheme], ['__alerts_path__', `${manager.pathPrefix.replace(/\/$/, '')}/api/v2/alerts`]])
    const labels = relabelSeries(found, manager.relabel)
    return labels?.get('__address__') ? [`${labels.get('__scheme__')}://${labels.get('__address__')}${labels.get('__alerts_path__')}`] : []
  }))
}

/** Files are found from where the configuration lies. */
function withResolvedFiles(config: Config, resolved: (path: string) => string): Config {
  const path = (file: string) => file && resolved(file)
  const http = (given: Config['alertmanagers'][number]['http']) => ({
    ...given, tls: { ...given.tls, caFile: path(given.tls.caFile), certFile: path(given.tls.certFile), keyFile: path(given.tls.keyFile) },
    ...(given.authorization ? { authorization: { ...given.authorization, credentialsFile: path(given.authorization.credentialsFile) } } : {}), ...(given.basicAuth ? { basicAuth: { ...given.basicAuth, passwordFile: path(given.basicAuth.passwordFile) } } : {}),
  })
  const discovery = (given: Config['alertmanagers'][number]['discovery']) => ({ ...given, files: given.files.map((sd) => ({ ...sd, files: sd.files.map(resolved) })) })
  return { ...config, scrapeConfigs: config.scrapeConfigs.map((each) => ({ ...each, http: http(each.http), discovery: discovery(each.discovery) })), alertmanagers: config.alertmanagers.map((each) => ({ ...each, http: http(each.http), discovery: discovery(each.discovery) })) }
}
