import { parseGoDuration } from '../../kinds/duration.ts'
import type { Clock } from '../../../base/clock.ts'
import type { JsonClient } from '../../client/json-client.ts'
import type { CrossVersionObjectReference } from '../../kinds/generated/types.ts'
import type { LabelSelector } from '../../kinds/label-selector.ts'
import { parseQuantity } from '../../kinds/quantity.ts'
import { messageOf } from '../pod-control.ts'
import { timeMs } from '../pods.ts'
import type { RestMapper } from '../scales/rest-mapper.ts'

/** One pod's value of a metric. */
export interface PodMetric {
  timestampMs: number
  /** How long it was measured. */
  windowMs: number
  /** Thousandths. */
  value: bigint
}

/** By pod name. */
export type PodMetrics = Map<string, PodMetric>

const CUSTOM = 'custom.metrics.k8s.io'
/** Versions of the custom metrics API that the client speaks. k8s: metrics/pkg/client/custom_metrics MetricVersions */
const CUSTOM_VERSIONS = new Set(['v1beta2', 'v1beta1'])
/** How long the version that was found is asked for. k8s: custom_metrics.PeriodicallyInvalidate with the sync period */
const VERSION_MS = 15_000
const AGGREGATED_DISCOVERY = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList'
/** k8s: metricServerDefaultMetricWindow */
const DEFAULT_WINDOW_MS = 60_000

interface PodMetricsItem {
  metadata: { name: string }
  timestamp: string
  window: string
  containers?: { name: string; usage?: Record<string, string> }[]
}

interface MetricValue {
  describedObject: { name?: string }
  timestamp: string
  windowSeconds?: number
  window?: number
  value: string
}

/** Reads the metrics APIs, wherever they are served. k8s: pkg/controller/podautoscaler/metrics */
export class MetricsClient {
  readonly #client: JsonClient
  readonly #mapper: RestMapper
  readonly #clock: Clock
  #customVersion: { version: string; readMs: number } | undefined

  constructor(client: JsonClient, mapper: RestMapper, clock: Clock) {
    this.#client = client
    this.#mapper = mapper
    this.#clock = clock
  }

  /** What pods use of a resource: all containers together, or the one that is named. @throws Error */
  async resource(resource: string, namespace: string, selector: LabelSelector, container: string): Promise<PodMetrics> {
    const { items } = await this.#ask<{ items?: PodMetricsItem[] }>('resource metrics API', () => this.#client.get(`/apis/metrics.k8s.io/v1beta1/namespaces/${namespace}/pods`, { labelSelector: selector.text }))
    if (!items?.length) throw new Error('no metrics returned from resource metrics API')
    const found: PodMetrics = new Map()
    for (const { metadata, timestamp, window, containers = [] } of items) {
      const counted = container === '' ? containers : containers.filter(({ name }) => name === container)
      const usages = counted.map(({ usage }) => usage?.[resource])
      if (usages.length === 0 || usages.includes(undefined)) continue
      found.set(metadata.name, { timestampMs: timeMs(timestamp), windowMs: (parseGoDuration(window) ?? 0), value: usages.reduce((sum, usage) => sum + milliValue(usage!), 0n) })
    }
    return found
  }

  /** A custom metric of pods. @throws Error */
  async pods(metric: string, namespace: string, selector: LabelSelector, metricSelector: LabelSelector): Promise<PodMetrics> {
    const { items } = await this.#custom((root) => this.#client.get(`${root}/namespaces/${namespace}/pods/%2A/${encodeURIComponent(metric)}`, { labelSelector: selector.text, metricLabelSelector: metricSelector.text }))
    if (!items?.length) throw new Error('no metrics returned from custom metrics API')
    return new Map(items.map((item) => [item.describedObject.name ?? '', { timestampMs: timeMs(item.timestamp), windowMs: windowMs(item), value: milliValue(item.value) }]))
  }

  /** A custom metric of one object, in thousandths. @throws Error */
  async object(metric: string, namespace: string, { apiVersion = '', kind, name }: CrossVersionObjectReference, metricSelector: LabelSelector): Promise<bigint> {
    const group = apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : ''
    const query = { metricLabelSelector: metricSelector.text }
    const { items = [] } = await this.#custom(async (root) => {
      if (group === '' && kind === 'Namespace') return this.#client.get(`${root}/namespaces/${namespace}/metrics/${encodeURIComponent(metric)}`, query)
      const [mapping] = await this.#mapper.mappingsOf(group, kind).catch((error) => {
        throw new Error(`unable to map kind ${group === '' ? kind : `${kind}.${group}`} to resource: ${messageOf(error)}`)
      })
      return this.#client.get(`${root}/namespaces/${namespace}/${mapping!.resource}${group === '' ? '' : `.${group}`}/${encodeURIComponent(name)}/${encodeURIComponent(metric)}`, query)
    })
    if (items.length !== 1) throw new Error(`unable to fetch metrics from custom metrics API: the custom metrics API server returned ${items.length} results when we asked for exactly one`)
    return milliValue(items[0]!.value)
  }

  /** All values of an external metric, in thousandths. @throws Error */
  async external(metric: string, namespace: string, metricSelector: LabelSelector): Promise<bigint[]> {
    const { items } = await this.#ask<{ items?: { value: string }[] }>('external metrics API', () => this.#client.get(`/apis/external.metrics.k8s.io/v1beta1/namespaces/${namespace}/${encodeURIComponent(metric)}`, { labelSelector: metricSelector.text }))
    if (!items?.length) throw new Error('no metrics returned from external metrics API')
    return items.map(({ value }) => milliValue(value))
  }

  #custom(ask: (root: string) => Promise<{ items?: MetricValue[] }>): Promise<{ items?: MetricValue[] }> {
    return this.#ask('custom metrics API', async () => ask(`/apis/${CUSTOM}/${await this.#preferredCustomVersion()}`))
  }

  /** The version of the custom metrics API that is served and known. k8s: metrics/pkg/client/custom_metrics/discovery.go */
  async #preferredCustomVersion(): Promise<string> {
    const nowMs = this.#clock.nowMs()
    if (this.#customVersion && nowMs - this.#customVersion.readMs < VERSION_MS) return this.#customVersion.version
    const { items } = await this.#client.get<{ items: { metadata: { name: string }; versions: { version: string; freshness?: string }[] }[] }>('/apis', {}, AGGREGATED_DISCOVERY)
    const group = items.find(({ metadata }) => metadata.name === CUSTOM)
    if (!group) throw new Error(`no custom metrics API (${CUSTOM}) registered`)
    // Versions whose server is away count as not served.
    const found = group.versions.find(({ version, freshness }) => CUSTOM_VERSIONS.has(version) && freshness !== 'Stale')
    if (!found) throw new Error('no known available metric versions found')
    this.#customVersion = { version: found.version, readMs: nowMs }
    return found.version
  }

  async #ask<T>(where: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      throw new Error(`unable to fetch metrics from ${where}: ${messageOf(error)}`)
    }
  }
}

function windowMs({ windowSeconds, window }: MetricValue): number {
  const seconds = windowSeconds ?? window
  return seconds === undefined ? DEFAULT_WINDOW_MS : seconds * 1000
}

/** Thousandths, rounded away from zero; what doesn't fit into 64 bits wraps around, as in Go. k8s: Quantity.MilliValue */
export function milliValue(text: string): bigint {
  const { nanos } = parseQuantity(text)
  const millis = nanos / 1_000_000n
  return BigInt.asIntN(64, nanos % 1_000_000n === 0n ? millis : nanos > 0n ? millis + 1n : millis - 1n)
}
