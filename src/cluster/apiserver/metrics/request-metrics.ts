import type { MetricFamily, Sample } from '../../../base/prometheus.ts'
import type { RequestInfo } from '../request-info.ts'
import { Histogram } from '../../../base/histogram.ts'

/** Seconds. k8s: apiserver/pkg/endpoints/metrics requestLatencies */
const DURATION_BUCKETS = [0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60]
/** Bytes. */
const SIZE_BUCKETS = [1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9]
const CONNECTIONS = new Set(['log', 'exec', 'portforward', 'attach', 'proxy'])
/** Other methods have no route. */
const METHODS = new Set(['DELETE', 'GET', 'PATCH', 'POST', 'PUT'])
const READS = new Set(['get', 'list', 'watch'])

interface Series {
  labels: Record<string, string>
  durations: Histogram
  codes: Map<number, number>
  isDeprecated: boolean
  sizes?: Histogram
}

export interface ObservedRequest {
  method: string
  info: RequestInfo
  contentType: string | null
  dryRun: string
  path: string
  /** Whether the server knows the resource and subresource; anybody can make up others. */
  isServed: boolean
  isDeprecated: boolean
}

/** The samples of one series after the other, made as they are read. */
function* each(all: readonly Series[], samplesOf: (series: Series) => readonly Sample[]): Generator<Sample> {
  for (const series of all) yield* samplesOf(series)
}

/** What the server counts of its requests, under the stable names. k8s: apiserver/pkg/endpoints/metrics */
export class RequestMetrics {
  readonly #series = new Map<string, Series>()
  readonly #longRunning = new Map<string, { labels: Record<string, string>; now: number }>()
  readonly #inFlight = { mutating: 0, readOnly: 0 }
  readonly #aborts = new Map<string, { labels: Record<string, string>; count: number }>()

  /** Counts a request as being worked on; returns how to say that it has its answer. */
  begin({ info }: ObservedRequest): () => void {
    const kind = READS.has(info.verb) || !info.isResourceRequest ? 'readOnly' : 'mutating'
    this.#inFlight[kind]++
    return () => { this.#inFlight[kind]-- }
  }

  /** Counts a request whose answer is written. */
  ended(request: ObservedRequest, code: number, durationMs: number, sizeBytes: number): void {
    const series = this.#seriesOf(request)
    if (!series) return
    series.codes.set(code, (series.codes.get(code) ?? 0) + 1)
    series.isDeprecated ||= request.isDeprecated
    series.durations.observe(durationMs / 1000)
    if (SIZED.has(series.labels['verb']!)) (series.sizes ??= new Histogram(SIZE_BUCKETS)).observe(sizeBytes)
  }

  /** Counts a watch or a connection while it is open; returns how to say that it ended. */
  open(request: ObservedRequest): () => void {
    const series = this.#seriesOf(request)
    if (!series) return () => {}
    const { dry_run: _, ...labels } = series.labels
    const key = JSON.stringify(labels)
    const entry = this.#longRunning.get(key) ?? { labels, now: 0 }
    this.#longRunning.set(key, entry)
    entry.now++
    let isOpen = true
    return () => {
      if (isOpen) entry.now--
      isOpen = false
    }
  }

  timedOut(request: ObservedRequest): void {
    const series = this.#seriesOf(request)
    if (!series) return
    const { dry_run: _, component: __, ...labels } = series.labels
    const key = JSON.stringify(labels)
    const entry = this.#aborts.get(key) ?? { labels, count: 0 }
    this.#aborts.set(key, entry)
    entry.count++
  }

  families(): MetricFamily[] {
    const all = [...this.#series.values()]
    const withoutDryRun = ({ dry_run: _, ...labels }: Record<string, string>) => labels
    return [
      {
        name: 'apiserver_request_total', type: 'counter', help: '[STABLE] Counter of apiserver requests broken out for each verb, dry run value, group, version, resource, scope, component, and HTTP response code.',
        samples: each(all, ({ labels, codes }) => [...codes].map(([code, value]) => ({ labels: { code: String(code), ...labels }, value }))),
      },
      {
        name: 'apiserver_request_duration_seconds', type: 'histogram', help: '[STABLE] Response latency distribution in seconds for each verb, dry run value, group, version, resource, subresource, scope and component.',
        samples: each(all, ({ labels, durations }) => durations.samples(labels)),
      },
      {
        name: 'apiserver_response_sizes', type: 'histogram', help: '[STABLE] Response size distribution in bytes for each group, version, verb, resource, subresource, scope and component.',
        samples: each(all, ({ labels, sizes }) => sizes?.samples(withoutDryRun(labels)) ?? []),
      },
      {
        name: 'apiserver_requested_deprecated_apis', type: 'gauge', help: '[STABLE] Gauge of deprecated APIs that have been requested, broken out by API group, version, resource, subresource, and removed_release.',
        samples: deprecatedSamples(all),
      },
      {
        name: 'apiserver_longrunning_requests', type: 'gauge', help: '[STABLE] Gauge of all active long-running apiserver requests broken out by verb, group, version, resource, scope and component. Not all requests are tracked this way.',
        samples: [...this.#longRunning.values()].map(({ labels, now }) => ({ labels, value: now })),
      },
      {
        name: 'apiserver_current_inflight_requests', type: 'gauge', help: '[STABLE] Maximal number of currently used inflight request limit of this apiserver per request kind in last second.',
        samples: [{ labels: { request_kind: 'mutating' }, value: this.#inFlight.mutating }, { labels: { request_kind: 'readOnly' }, value: this.#inFlight.readOnly }],
      },
      {
        name: 'apiserver_request_aborts_total', type: 'counter', help: '[ALPHA] Number of requests which apiserver aborted possibly due to a timeout, for each group, version, verb, resource, subresource and scope',
        samples: [...this.#aborts.values()].map(({ labels, count }) => ({ labels, value: count })),
      },
    ]
  }

  /** Undefined for what no handler was made for: labels must come from a set that has an end, or whoever asks for nonsense fills the memory. */
  #seriesOf({ method, info, contentType, dryRun: given, path, isServed }: ObservedRequest): Series | undefined {
    if (!METHODS.has(method)) return undefined
    const handler = info.isResourceRequest ? '' : path === '/openapi/v3' ? 'openapi/v3' : path.startsWith('/openapi/v3/') ? 'openapi/v3/' : HEALTH.has(path) ? path : undefined
    if (info.isResourceRequest ? !isServed : handler === undefined) return undefined
    const dryRun = given === 'All' ? given : ''
    const scope = !info.isResourceRequest ? '' : info.name !== '' || info.verb === 'create' ? 'resource' : info.namespace !== '' ? 'namespace' : 'cluster'
    const verb = verbOf(method, info, contentType)
    const subresource = handler || info.subresource
    const key = `${verb} ${info.group}/${info.version}/${info.resource}/${subresource} ${scope} ${dryRun}`
    let series = this.#series.get(key)
    if (!series) {
      const labels = { component: handler ? '' : 'apiserver', dry_run: dryRun, group: info.group, resource: info.resource, scope, subresource, verb, version: info.version }
      this.#series.set(key, series = { labels, durations: new Histogram(DURATION_BUCKETS), codes: new Map(), isDeprecated: false })
    }
    return series
  }
}

function* deprecatedSamples(all: readonly Series[]): Generator<Sample> {
  const seen = new Set<string>()
  for (const { labels, isDeprecated } of all) {
    const key = `${labels['group']}/${labels['version']}/${labels['resource']}/${labels['subresource']}`
    if (!isDeprecated || seen.has(key)) continue
    seen.add(key)
    // What is served and deprecated today has no release that removes it.
    yield { labels: { group: labels['group']!, removed_release: '', resource: labels['resource']!, subresource: labels['subresource']!, version: labels['version']! }, value: 1 }
  }
}

const HEALTH = new Set(['/healthz', '/livez', '/readyz'])
/** Verbs whose answers' sizes are of interest; watches share their route with lists. */
const SIZED = new Set(['GET', 'LIST', 'WATCH'])

/** k8s: metrics CleanVerb, CanonicalVerb */
function verbOf(method: string, info: RequestInfo, contentType: string | null): string {
  if (info.isResourceRequest && CONNECTIONS.has(info.subresource)) return 'CONNECT'
  if (info.verb === 'watch' || info.verb === 'list') return info.verb.toUpperCase()
  if (method === 'PATCH' && contentType?.startsWith('application/apply-patch')) return 'APPLY'
  return method
}
