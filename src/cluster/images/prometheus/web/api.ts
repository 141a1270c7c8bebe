import type { HttpRequest } from '../../../../base/http.ts'
import { durationText, parseDuration } from '../durations.ts'
import { METRIC_NAME, compareText } from '../labels.ts'
import { PromqlError } from '../promql/lexer.ts'
import type { Matcher } from '../promql/matchers.ts'
import { parseQuery, parseSelector } from '../promql/parser.ts'
import { queryInstant, queryRange } from '../promql/query.ts'
import type { Answer } from '../promql/query.ts'
import { QueryError, plainNumber } from '../promql/values.ts'
import type { QueryResult } from '../promql/values.ts'
import type { Alert, RuleGroup, RuleState } from '../rules/rule-group.ts'
import type { PrometheusServer } from '../server.ts'
import { QueryTimeout } from '../server.ts'
import type { MemSeries } from '../tsdb/storage.ts'

const MOST_POINTS = 11_000
const DEFAULT_RANGE_MS = 290_000_000 * 3_600_000

/** What was asked for can't be answered, with the kind of error and the HTTP status that say so. */
export class ApiError extends Error {
  readonly type: string
  readonly status: number
  constructor(type: string, status: number, message: string) {
    super(message)
    this.type = type
    this.status = status
  }
}
const badData = (message: string) => new ApiError('bad_data', 400, message)

interface Answered { data: unknown; warnings?: readonly string[]; infos?: readonly string[] }

export interface ApiContext {
  server: PrometheusServer
  nowMs(): number
  breathe(): Promise<void>
  flags: Readonly<Record<string, string>>
  enableAdmin: boolean
  storageRetention: string
  goVersion: string
  revision: string
  branch: string
}

const rfc3339 = (ms: number | undefined) => ms === undefined ? '0001-01-01T00:00:00Z' : new Date(ms).toISOString()
/** Seconds as JSON shows them: with milliseconds where there are any. */
const seconds = (ms: number) => Math.round(ms) / 1000
const floatText = (value: number) => Math.abs(value) >= 1e21 || (value !== 0 && Math.abs(value) < 1e-6) ? String(value).replace(/e([+-])(\d)$/, 'e$10$2') : plainNumber(value)
const shown = (value: number) => Number.isFinite(value) ? floatText(value) : plainNumber(value)

/** The JSON of a result, as clients of the API know it. */
export function resultJson(result: QueryResult): { resultType: string; result: unknown } {
  switch (result.type) {
    case 'scalar': return { resultType: 'scalar', result: [seconds(result.timeMs), shown(result.value)] }
    case 'string': return { resultType: 'string', result: [seconds(result.timeMs), result.value] }
    case 'vector': return { resultType: 'vector', result: result.samples.map(({ metric, value }) => ({ metric: metric.toRecord(), value: [seconds(result.timeMs), shown(value)] })) }
    case 'matrix': return { resultType: 'matrix', result: result.series.map(({ metric, times, values }) => ({ metric: metric.toRecord(), values: times.map((time, i) => [seconds(time), shown(values[i]!)]) })) }
  }
}

/** Below `/api/v1`. k8s: prometheus web/api/v1 */
export async function serveApi(context: ApiContext, request: HttpRequest, url: URL, path: string): Promise<Response> {
  const params = new URLSearchParams(url.search)
  if (request.method === 'POST' && /application\/x-www-form-urlencoded/.test(request.headers.get('content-type') ?? '')) for (const [name, value] of new URLSearchParams(await request.text())) params.append(name, value)
  try {
    const answered = await route(context, request.method, path, params)
    if (!answered) return new Response('404 page not found\n', { status: 404, headers: { 'content-type': 'text/plain; charset=utf-8' } })
    if (answered instanceof Response) return answered
    return json({ status: 'success', data: answered.data, ...(answered.warnings?.length ? { warnings: answered.warnings } : {}), ...(answered.infos?.length ? { infos: answered.infos } : {}) }, 200)
  } catch (error) {
    if (error instanceof ApiError) return json({ status: 'error', errorType: error.type, error: error.message }, error.status)
    if (error instanceof QueryTimeout) return json({ status: 'error', errorType: 'timeout', error: error.message }, 503)
    if (error instanceof QueryError) return json({ status: 'error', errorType: 'execution', error: error.message }, 422)
    throw error
  }
}

const json = (body: unknown, status: number) => new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json' } })

async function route(context: ApiContext, method: string, path: string, params: URLSearchParams): Promise<Answered | Response | undefined> {
  const { server } = context
  if (method === 'OPTIONS') return new Response(null, { status: 204 })
  const isPost = method === 'POST'
  if (method !== 'GET' && method !== 'HEAD' && !isPost) return undefined
  switch (path) {
    case '/query': return query(context, params)
    case '/query_range': return rangeQuery(context, params)
    case '/format_query': { const text = params.get('query') ?? ''; parsed(context, text, 'query'); return { data: text.trim() } }
    case '/series': {
      if (!params.has('match[]')) throw badData('no match[] parameter provided')
      return { data: (chosen(context, params) ?? []).slice(0, limitOf(params)).map(({ labels }) => labels.toRecord()) }
    }
    case '/labels': return { data: server.storage.labelNames(chosen(context, params)).slice(0, limitOf(params)) }
    case '/targets': return { data: targets(context, params) }
    case '/targets/metadata': return { data: targetMetadata(context, params) }
    case '/scrape_pools': return { data: { scrapePools: [...server.pools.keys()].sort(compareText) } }
    case '/rules': return { data: { groups: rules(context, params) } }
    case '/alerts': return { data: { alerts: server.groups.flatMap((group) => group.rules.flatMap((rule) => activeAlerts(rule))) } }
    case '/alertmanagers': return { data: { activeAlertmanagers: server.alertmanagerUrls.map((each) => ({ url: each })), droppedAlertmanagers: [] } }
    case '/metadata': return { data: metadata(context, params) }
    case '/status/config': return { data: { yaml: server.config?.text ?? '' } }
    case '/status/flags': return { data: context.flags }
    case '/status/buildinfo': return { data: { version: server.options.version, revision: context.revision, branch: context.branch, buildUser: '', buildDate: '', goVersion: context.goVersion } }
    case '/status/runtimeinfo': return { data: { startTime: rfc3339(server.startedMs), CWD: '/prometheus', hostname: '', serverTime: rfc3339(context.nowMs()), reloadConfigSuccess: server.lastReloadOk, lastConfigTime: rfc3339(server.lastReloadMs).replace(/\.\d+Z/, 'Z'), corruptionCount: 0, goroutineCount: 40, GOMAXPROCS: 4, GOMEMLIMIT: 9223372036854775807, GOGC: '75', GODEBUG: '', storageRetention: context.storageRetention } }
    case '/status/tsdb': return { data: tsdbStatus(context, params) }
    case '/status/walreplay': return { data: { min: 0, max: 0, current: 0 } }
    case '/admin/tsdb/delete_series':
      if (!isPost) return undefined
      if (!context.enableAdmin) throw new ApiError('unavailable', 503, 'admin APIs disabled')
      if (!params.has('match[]')) throw badData('no match[] parameter provided')
      for (const text of params.getAll('match[]')) server.storage.delete(selector(text))
      return new Response(null, { status: 204 })
    case '/admin/tsdb/clean_tombstones': case '/admin/tsdb/snapshot':
      if (!context.enableAdmin) throw new ApiError('unavailable', 503, 'admin APIs disabled')
      throw new ApiError('unavailable', 503, 'not supported by this build')
  }
  const label = /^\/label\/([^/]+)\/values$/.exec(path)?.[1]
  if (label !== undefined) {
    const name = decodeURIComponent(label)
    if (name === '') throw badData(`invalid label name: ${JSON.stringify(name)}`)
    return { data: server.storage.labelValues(name, chosen(context, params)).slice(0, limitOf(params)) }
  }
  return undefined
}

function limitOf(params: URLSearchParams): number {
  const text = params.get('limit')
  if (text === null || text === '') return Infinity
  const limit = Number(text)
  if (!Number.isInteger(limit)) throw badData(`invalid parameter "limit": cannot parse ${JSON.stringify(text)} to a valid limit`)
  if (limit < 0) throw badData('invalid parameter "limit": limit must be non-negative')
  return limit || Infinity
}

function timeOf(params: URLSearchParams, name: string, otherwise: number): number {
  const text = params.get(name)
  if (text === null || text === '') return otherwise
  const number = Number(text)
  const ms = Number.isFinite(number) && text.trim() !== '' ? number * 1000 : /^\d{4}-\d\d-\d\dT/.test(text) ? Date.parse(text) : NaN
  if (Number.isNaN(ms)) throw badData(`invalid parameter ${JSON.stringify(name)}: cannot parse ${JSON.stringify(text)} to a valid timestamp`)
  return Math.round(ms)
}

function durationOf(params: URLSearchParams, name: string): number | undefined {
  const text = params.get(name)
  if (text === null || text === '') return undefined
  const number = Number(text)
  if (Number.isFinite(number)) return number * 1000
  try {
    return parseDuration(text)
  } catch {
    throw badData(`invalid parameter ${JSON.stringify(name)}: cannot parse ${JSON.stringify(text)} to a valid duration`)
  }
}

function parsed(context: ApiContext, text: string, name: string) {
  try {
    return parseQuery(text, { experimentalFunctions: context.server.options.experimentalFunctions })
  } catch (error) {
    if (error instanceof PromqlError) throw badData(`invalid parameter ${JSON.stringify(name)}: ${error.message}`)
    throw error
  }
}

function options(context: ApiContext, params: URLSearchParams) {
  const timeoutMs = durationOf(params, 'timeout')
  const lookbackMs = durationOf(params, 'lookback_delta')
  return context.server.queryOptions({ ...(timeoutMs === undefined ? {} : { timeoutMs }), ...(lookbackMs === undefined ? {} : { lookbackMs }) })
}

const answerOf = ({ result, annotations }: Answer): Answered => ({ data: resultJson(result), warnings: [...annotations.warnings], infos: [...annotations.infos] })

async function query(context: ApiContext, params: URLSearchParams): Promise<Answered> {
  const timeMs = timeOf(params, 'time', Math.round(context.nowMs()))
  const expr = parsed(context, params.get('query') ?? '', 'query')
  const limit = limitOf(params)
  const answer = await queryInstant(expr, timeMs, options(context, params))
  if (answer.result.type === 'vector' && answer.result.samples.length > limit) { answer.result.samples.length = limit; answer.annotations.warnings.add('results truncated due to limit') }
  return answerOf(answer)
}

async function rangeQuery(context: ApiContext, params: URLSearchParams): Promise<Answered> {
  const need = (name: string) => { if (!params.get(name)) throw badData(`invalid parameter ${JSON.stringify(name)}: cannot parse "" to a valid ${name === 'step' ? 'duration' : 'timestamp'}`) }
  need('start')
  const startMs = timeOf(params, 'start', 0)
  need('end')
  const endMs = timeOf(params, 'end', 0)
  if (endMs < startMs) throw badData('invalid parameter "end": end timestamp must not be before start time')
  need('step')
  const stepMs = durationOf(params, 'step')!
  if (stepMs <= 0) throw badData('invalid parameter "step": zero or negative query resolution step widths are not accepted. Try a positive integer')
  if ((endMs - startMs) / stepMs > MOST_POINTS) throw badData('exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)')
  return answerOf(await queryRange(parsed(context, params.get('query') ?? '', 'query'), startMs, endMs, stepMs, options(context, params)).catch((error: unknown) => {
    if (error instanceof QueryError && error.message.startsWith('invalid expression type')) throw badData(`invalid parameter "query": ${error.message}`)
    throw error
  }))
}

function selector(text: string): readonly Matcher[] {
  try {
    return parseSelector(text)
  } catch (error) {
    throw badData(`invalid parameter "match[]": ${(error as Error).message}`)
  }
}

/** Series that `match[]` names within the times; undefined where nothing is named. */
export function chosen({ server, nowMs }: ApiContext, params: URLSearchParams): MemSeries[] | undefined {
  if (!params.has('match[]')) return undefined
  const startMs = timeOf(params, 'start', -DEFAULT_RANGE_MS)
  const endMs = timeOf(params, 'end', nowMs() + DEFAULT_RANGE_MS)
  const found = new Map<string, MemSeries>()
  for (const text of params.getAll('match[]')) for (const series of server.storage.matching(selector(text))) if (series.lastMs >= startMs && (series.chunks[0]?.fromMs ?? series.times[0] ?? 0) <= endMs) found.set(series.labels.key, series)
  return [...found.values()].sort((a, b) => compareText(a.labels.key, b.labels.key))
}

function targets({ server }: ApiContext, params: URLSearchParams): unknown {
  const state = params.get('state')?.toLowerCase() ?? ''
  const wanted = params.get('scrapePool')
  const pools = [...server.pools.values()].filter(({ config }) => !wanted || config.jobName === wanted)
  return {
    activeTargets: state && state !== 'active' && state !== 'any' ? [] : pools.flatMap((pool) => [...pool.loops.values()].map((loop) => ({
      discoveredLabels: Object.fromEntries(loop.spec.discovered), labels: loop.spec.labels.toRecord(), scrapePool: pool.config.jobName, scrapeUrl: loop.spec.url, globalUrl: loop.spec.url, lastError: loop.lastError,
      lastScrape: rfc3339(loop.lastScrapeMs), lastScrapeDuration: loop.lastDurationMs / 1000, health: loop.health, scrapeInterval: durationText(loop.spec.intervalMs), scrapeTimeout: durationText(loop.spec.timeoutMs),
    }))),
    droppedTargets: state && state !== 'dropped' && state !== 'any' ? [] : pools.flatMap((pool) => pool.dropped.map((labels) => ({ discoveredLabels: Object.fromEntries(labels), scrapePool: pool.config.jobName }))),
    droppedTargetCounts: Object.fromEntries(pools.map((pool) => [pool.config.jobName, pool.dropped.length])),
  }
}

function targetMetadata({ server }: ApiContext, params: URLSearchParams): unknown[] {
  const matchers = params.get('match_target') ? selector(params.get('match_target')!) : []
  const metric = params.get('metric')
  const out: unknown[] = []
  for (const pool of server.pools.values()) {
    for (const { spec, metadata: known } of pool.loops.values()) {
      if (!matchers.every((matcher) => matcher.matchesLabels(spec.labels))) continue
      for (const [name, about] of known) if (!metric || metric === name) out.push({ target: spec.labels.toRecord(), ...(metric ? {} : { metric: name }), ...about })
    }
  }
  return out.slice(0, limitOf(params))
}

function metadata({ server }: ApiContext, params: URLSearchParams): Record<string, unknown[]> {
  const metric = params.get('metric')
  const out = new Map<string, Map<string, unknown>>()
  for (const pool of server.pools.values()) for (const { metadata: known } of pool.loops.values()) for (const [name, about] of known) if (!metric || metric === name) {
    let same = out.get(name)
    if (!same) out.set(name, same = new Map())
    same.set(JSON.stringify(about), about)
  }
  return Object.fromEntries([...out].slice(0, limitOf(params)).map(([name, each]) => [name, [...each.values()]]))
}

function activeAlerts(rule: RuleState): unknown[] {
  return [...rule.alerts.values()].filter((alert) => alert.state !== 'inactive').map((alert: Alert) => ({
    labels: alert.labels.toRecord(), annotations: alert.annotations, state: alert.state, activeAt: rfc3339(alert.activeMs), ...(alert.keepFiringSinceMs === undefined ? {} : { keepFiringSince: rfc3339(alert.keepFiringSinceMs) }), value: alert.value.toExponential().replace(/e([+-])(\d)$/, 'e$10$2'),
  }))
}

/** What a rule's alerts make of it. */
export function stateOf(rule: RuleState): 'firing' | 'pending' | 'inactive' {
  const states = new Set([...rule.alerts.values()].map(({ state }) => state))
  return states.has('firing') ? 'firing' : states.has('pending') ? 'pending' : 'inactive'
}

function rules({ server }: ApiContext, params: URLSearchParams): unknown[] {
  const type = params.get('type')?.toLowerCase() ?? ''
  if (type && type !== 'alert' && type !== 'record') throw badData(`invalid parameter "type": not supported value ${JSON.stringify(type)}`)
  const isWanted = (values: readonly string[], value: string) => values.length === 0 || values.includes(value)
  const ruleJson = (rule: RuleState) => {
    const { spec, health, lastError, lastMs, tookMs } = rule
    const common = { name: spec.alert || spec.record, query: spec.query, ...(Object.keys(spec.labels).length > 0 || spec.alert ? { labels: spec.labels } : {}) }
    const end = { health, ...(lastError ? { lastError } : {}), lastEvaluation: rfc3339(lastMs), evaluationTime: tookMs / 1000 }
    if (!spec.alert) return { ...common, ...end, type: 'recording' }
    return { state: stateOf(rule), ...common, duration: spec.forMs / 1000, keepFiringFor: spec.keepFiringMs / 1000, annotations: spec.annotations, alerts: activeAlerts(rule), ...end, type: 'alerting' }
  }
  return server.groups.filter((group) => isWanted(params.getAll('rule_group[]'), group.spec.name) && isWanted(params.getAll('file[]'), group.spec.file)).map((group: RuleGroup) => ({
    name: group.spec.name, file: group.spec.file, rules: group.rules.filter(({ spec }) => (type === '' || (type === 'alert') === (spec.alert !== '')) && isWanted(params.getAll('rule_name[]'), spec.alert || spec.record)).map(ruleJson),
    interval: group.intervalMs / 1000, limit: group.spec.limit, evaluationTime: group.tookMs / 1000, lastEvaluation: rfc3339(group.lastMs),
  })).filter((group) => group.rules.length > 0 || type === '')
}

function tsdbStatus({ server }: ApiContext, params: URLSearchParams): unknown {
  const limit = params.has('limit') ? limitOf(params) : 10
  const { storage } = server
  const top = (counts: Map<string, number>) => [...counts].sort(([a, x], [b, y]) => y - x || compareText(a, b)).slice(0, limit).map(([name, value]) => ({ name, value }))
  const [byMetric, valuesByLabel, bytesByLabel, byPair] = [new Map<string, number>(), new Map<string, number>(), new Map<string, number>(), new Map<string, number>()]
  for (const [name, value, count] of storage.counts()) {
    if (name === METRIC_NAME) byMetric.set(value, count)
    valuesByLabel.set(name, (valuesByLabel.get(name) ?? 0) + 1)
    bytesByLabel.set(name, (bytesByLabel.get(name) ?? 0) + value.length)
    byPair.set(`${name}=${value}`, count)
  }
  return {
    headStats: { numSeries: storage.seriesCount, numLabelPairs: byPair.size, chunkCount: storage.chunkCount, minTime: Number.isFinite(storage.oldestMs) ? Math.round(storage.oldestMs) : 0, maxTime: Number.isFinite(storage.newestMs) ? Math.round(storage.newestMs) : 0 },
    seriesCountByMetricName: top(byMetric), labelValueCountByLabelName: top(valuesByLabel), memoryInBytesByLabelName: top(bytesByLabel), seriesCountByLabelValuePair: top(byPair),
  }
}

