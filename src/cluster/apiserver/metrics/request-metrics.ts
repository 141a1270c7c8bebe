import type { MetricFamily, Sample } from '../../../base/prometheus.ts'
import type { RequestInfo } from '../request-info.ts'

/** Seconds. k8s: apiserver/pkg/endpoints/metrics requestLatencies */
const DURATION_BUCKETS = [0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60]
/** Bytes. */
const SIZE_BUCKETS = [1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9]
const CONNECTIONS = new Set(['log', 'exec', 'portforward', 'attach', 'proxy'])
const METHODS = new Set(['APPLY', 'CONNECT', 'DELETE', 'DELETECOLLECTION', 'GET', 'LIST', 'PATCH', 'POST', 'PUT', 'WATCH'])
const READS = new Set(['get', 'list', 'watch'])

/** Counts per bucket and their sum. */
export class Histogram {
  readonly #bounds: readonly number[]
  readonly #counts: number[]
  #sum = 0
  #count = 0

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds
    this.#counts = bounds.map(() => 0)
  }

  observe(value: number): void {
    this.#count++
    this.#sum += value
    const at = this.#bounds.findIndex((bound) => value <= bound)
    if (at >= 0) this.#counts[at]!++
  }

  samples(labels: Record<string, string>): Sample[] {
    let below = 0
    const buckets = this.#bounds.map((bound, i) => ({ suffix: '_bucket', labels, le: String(bound), value: (below += this.#counts[i]!) }))
    return [...buckets, { suffix: '_bucket', labels, le: '+Inf', value: this.#count }, { suffix: '_sum', labels, value: this.#sum }, { suffix: '_count', labels, value: this.#count }]
  }
}

interface Series {
  labels: Record<string, string>
  durations: Histogram
  codes: Map<number, number>
  sizes?: Histogram
}

export interface ObservedRequest {
  method: string
  info: RequestInfo
  contentType: string | null
  dryRun: string
  /** What serves the request, for paths that name no resource. */
  path: string
  /** Whether the server knows the resource and subresource; anybody can make up others. */
  isServed: boolean
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

  /** Counts a request that has begun; returns how to say how it ended. */
  begin(request: ObservedRequest): (code: number, durationMs: number, sizeBytes?: number) => void {
    const kind = READS.has(request.info.verb) || !request.info.isResourceRequest ? 'readOnly' : 'mutating'
    this.#inFlight[kind]++
    return (code, durationMs, sizeBytes) => {
      this.#inFlight[kind]--
      const series = this.#seriesOf(request)
      series.codes.set(code, (series.codes.get(code) ?? 0) + 1)
      if (series.labels['verb'] === 'WATCH' || series.labels['verb'] === 'CONNECT') return
      series.durations.observe(durationMs / 1000)
      if (sizeBytes !== undefined && READS.has(request.info.verb)) (series.sizes ??= new Histogram(SIZE_BUCKETS)).observe(sizeBytes)
    }
  }

  /** Counts a watch or a connection while it is open; returns how to say that it ended. */
  open(request: ObservedRequest): () => void {
    const { dry_run: _, ...labels } = this.#seriesOf(request).labels
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
    const { dry_run: _, component: __, ...labels } = this.#seriesOf(request).labels
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
        samples: each(all, ({ labels, durations }) => labels['verb'] === 'WATCH' || labels['verb'] === 'CONNECT' ? [] : durations.samples(labels)),
      },
      {
        name: 'apiserver_response_sizes', type: 'histogram', help: '[STABLE] Response size distribution in bytes for each group, version, verb, resource, subresource, scope and component.',
        samples: each(all, ({ labels, sizes }) => sizes?.samples(withoutDryRun(labels)) ?? []),
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

  #seriesOf({ method, info: asked, contentType, dryRun: given, path, isServed }: ObservedRequest): Series {
    // Labels must come from a set that has an end, or whoever asks for nonsense fills the memory.
    const info = isServed ? asked : { ...asked, isResourceRequest: false, group: '', version: '', resource: '', subresource: '', namespace: '', name: '' }
    const dryRun = given === 'All' ? given : ''
    const scope = info.name !== '' || info.verb === 'create' ? (info.isResourceRequest ? 'resource' : '') : info.namespace !== '' ? 'namespace' : info.isResourceRequest ? 'cluster' : ''
    const verb = verbOf(method, info, contentType)
    // Paths of no resource would be without end: only the known ones have a name.
    const subresource = info.isResourceRequest ? info.subresource : KNOWN_PATHS.has(path) ? path : ''
    const key = `${verb} ${info.group}/${info.version}/${info.resource}/${subresource} ${scope} ${dryRun}`
    let series = this.#series.get(key)
    if (!series) {
      const labels = { component: 'apiserver', dry_run: dryRun, group: info.group, resource: info.resource, scope, subresource, verb, version: info.version }
      this.#series.set(key, series = { labels, durations: new Histogram(DURATION_BUCKETS), codes: new Map() })
    }
    return series
  }
}

const KNOWN_PATHS = new Set(['/healthz', '/livez', '/readyz', '/metrics', '/version', '/openapi/v2', '/openapi/v3', '/apis', '/api'])

/** k8s: metrics CleanVerb, CanonicalVerb */
function verbOf(method: string, info: RequestInfo, contentType: string | null): string {
  if (info.isResourceRequest && CONNECTIONS.has(info.subresource)) return 'CONNECT'
  if (info.verb === 'watch' || info.verb === 'list' || info.verb === 'deletecollection') return info.verb.toUpperCase()
  if (method === 'PATCH' && contentType?.startsWith('application/apply-patch')) return 'APPLY'
  const verb = method === 'HEAD' ? 'GET' : method
  return METHODS.has(verb) ? verb : 'other'
}
