import type { HttpRequest } from '../../../base/http.ts'
import type { HttpPeer } from '../../../unix/types.ts'
import type { Node, Pod } from '../../kinds/generated/types.ts'
import { parseLabelSelector } from '../../kinds/label-selector.ts'
import { parseFieldSelector } from '../../kinds/field-selector.ts'
import { addQuantities, formatQuantity, quantityOf } from '../../kinds/quantity.ts'
import { apiError, isStatusError, StatusError } from '../../kinds/status-error.ts'
import { timeText } from '../../kinds/time-text.ts'
import type { AccessAttributes, DelegatedAccess } from '../in-cluster/delegated-access.ts'
import type { MeasuredUsage, MetricStorage } from './metric-points.ts'
import { metricsOpenApi } from './metrics-open-api.ts'

export interface MetricsApiOptions {
  nodes: ReadonlyMap<string, Node>
  /** By `namespace/name`. */
  pods: ReadonlyMap<string, Pod>
  storage: MetricStorage
  access: DelegatedAccess
  nowMs(): number
  onFailedProbe(why: string): void
}

interface Metrics {
  kind: 'NodeMetrics' | 'PodMetrics'
  apiVersion: 'metrics.k8s.io/v1beta1'
  metadata: { name: string; namespace?: string; creationTimestamp: string; labels?: Readonly<Record<string, string>> }
  timestamp: string
  window: string
  usage?: Record<string, string>
  containers?: { name: string; usage: Record<string, string> }[]
}

const GROUP = 'metrics.k8s.io'
const VERSION = 'v1beta1'
const ROOT = `/apis/${GROUP}/${VERSION}`
const RESOURCE_LIST = {
  kind: 'APIResourceList', apiVersion: 'v1', groupVersion: `${GROUP}/${VERSION}`,
  resources: [
    { name: 'nodes', singularName: '', namespaced: false, kind: 'NodeMetrics', verbs: ['get', 'list'] },
    { name: 'pods', singularName: '', namespaced: true, kind: 'PodMetrics', verbs: ['get', 'list'] },
  ],
}
const GROUP_DOCUMENT = { kind: 'APIGroup', apiVersion: 'v1', name: GROUP, versions: [{ groupVersion: `${GROUP}/${VERSION}`, version: VERSION }], preferredVersion: { groupVersion: `${GROUP}/${VERSION}`, version: VERSION } }
const OPEN_PATHS = new Set(['/healthz', '/livez', '/readyz'])

const json = (body: unknown, status = 200) => new Response(`${JSON.stringify(body)}\n`, { status, headers: { 'content-type': 'application/json' } })
const plain = (body: string, status = 200) => new Response(body, { status, headers: { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' } })

/** Serves metrics.k8s.io/v1beta1. */
export function metricsApi(options: MetricsApiOptions): (request: HttpRequest, peer: HttpPeer) => Promise<Response> {
  return async (request, peer) => {
    try {
      return await serve(options, request, peer)
    } catch (error) {
      if (isStatusError(error)) return json(error.status, error.code)
      return json(new StatusError({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message: `Internal error occurred: ${(error as Error).message}`, reason: 'InternalError', code: 500 }).status, 500)
    }
  }
}

async function serve(options: MetricsApiOptions, request: HttpRequest, peer: HttpPeer): Promise<Response> {
  const url = new URL(request.url)
  const path = url.pathname.replace(/\/+$/, '') || '/'
  const asked = resourceOf(path)
  const verb = asked ? (asked.name ? 'get' : 'list') : request.method.toLowerCase()
  if (!OPEN_PATHS.has(`/${path.split('/')[1] ?? ''}`)) {
    const user = await options.access.userOf(request, peer)
    if (!user) throw apiError.unauthorized()
    const attributes: AccessAttributes = asked
      ? { resourceAttributes: { group: GROUP, version: VERSION, resource: asked.resource, verb, ...(asked.namespace ? { namespace: asked.namespace } : {}), ...(asked.name ? { name: asked.name } : {}) } }
      : { nonResourceAttributes: { path, verb } }
    if (!await options.access.allows(user, attributes)) {
      const why = asked ? `User ${JSON.stringify(user.username)} cannot ${verb} resource ${JSON.stringify(asked.resource)} in API group ${JSON.stringify(GROUP)} ${asked.namespace ? `in the namespace ${JSON.stringify(asked.namespace)}` : 'at the cluster scope'}`
        : `User ${JSON.stringify(user.username)} cannot ${verb} path ${JSON.stringify(path)}`
      throw apiError.forbidden({ group: asked ? GROUP : '', resource: asked?.resource ?? '' }, asked?.name ?? '', why)
    }
  }
  if (path === '/livez' || path === '/healthz') return plain('ok')
  if (path === '/readyz') {
    if (options.storage.isReady) return plain('ok')
    options.onFailedProbe('no metrics to serve')
    return plain(['ping ok', 'log ok', 'poststarthook/max-in-flight-filter ok', 'metric-storage-ready failed: reason withheld', 'metric-informer-sync ok', 'metadata-informer-sync ok', 'shutdown ok'].map((line) => `[${line.includes('failed') ? '-' : '+'}]${line}\n`).join('') + 'readyz check failed\n', 500)
  }
  if (asked && request.method !== 'GET') throw apiError.methodNotSupported({ group: GROUP, resource: asked.resource }, request.method.toLowerCase())
  if (asked) return answer(options, asked, url, request.headers.get('accept'))
  switch (path) {
    case '/apis': return json({ kind: 'APIGroupList', apiVersion: 'v1', groups: [GROUP_DOCUMENT] })
    case `/apis/${GROUP}`: return json(GROUP_DOCUMENT)
    case ROOT: return json(RESOURCE_LIST)
    case '/openapi/v2': case '/openapi/v3': case `/openapi/v3/apis/${GROUP}/${VERSION}`: return json(metricsOpenApi(path))
    case '/version': return json({ major: '', minor: '', gitVersion: 'v0.8.1', gitCommit: '', gitTreeState: 'clean', buildDate: '', goVersion: 'go1.26.8', compiler: 'gc', platform: 'linux/amd64' })
    default: return plain('404 page not found\n', 404)
  }
}

interface Asked {
  resource: 'nodes' | 'pods'
  namespace: string
  name: string
}

function resourceOf(path: string): Asked | undefined {
  if (!path.startsWith(`${ROOT}/`)) return undefined
  const parts = path.slice(ROOT.length + 1).split('/').map(decodeURIComponent)
  const namespace = parts[0] === 'namespaces' ? parts[1] ?? '' : ''
  const [resource, name = '', ...rest] = parts[0] === 'namespaces' ? parts.slice(2) : parts
  if (rest.length > 0 || (resource !== 'nodes' && resource !== 'pods') || (resource === 'nodes' && namespace)) return undefined
  return { resource, namespace, name }
}

function answer({ nodes, pods, storage, nowMs }: MetricsApiOptions, { resource, namespace, name }: Asked, url: URL, accept: string | null): Response {
  const labels = parseLabelSelector(url.searchParams.get('labelSelector') ?? '')
  const fields = parseFieldSelector(url.searchParams.get('fieldSelector') ?? '')
  const found: Metrics[] = []
  const isWanted = (object: Node | Pod) => labels.matches(object.metadata.labels as Readonly<Record<string, string>> | undefined) && fields.matchesFields({ 'metadata.name': object.metadata.name ?? '', 'metadata.namespace': object.metadata.namespace ?? '' })
  if (resource === 'nodes') {
    for (const node of nodes.values()) if ((!name || node.metadata.name === name) && (name || isWanted(node))) found.push(...nodeMetrics(node, storage, nowMs()))
  } else {
    for (const pod of pods.values()) if ((!namespace || pod.metadata.namespace === namespace) && (!name || pod.metadata.name === name) && (name || isWanted(pod))) found.push(...podMetrics(pod, storage, nowMs()))
  }
  const kind = resource === 'nodes' ? 'NodeMetrics' : 'PodMetrics'
  if (name && found.length === 0) throw apiError.notFound({ group: GROUP, resource: kind.toLowerCase() }, namespace ? `${namespace}/${name}` : name)
  found.sort((a, b) => compare(a.metadata.namespace ?? '', b.metadata.namespace ?? '') || compare(a.metadata.name, b.metadata.name))
  if (/as=Table/.test(accept ?? '')) return json(tableOf(found))
  return json(name ? found[0] : { kind: `${kind}List`, apiVersion: 'metrics.k8s.io/v1beta1', metadata: {}, items: found.map(({ kind: _kind, apiVersion: _version, ...item }) => item) })
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)

function nodeMetrics({ metadata }: Node, storage: MetricStorage, nowMs: number): Metrics[] {
  const usage = storage.node(metadata.name!)
  if (!usage) return []
  return [{ kind: 'NodeMetrics', apiVersion: 'metrics.k8s.io/v1beta1', metadata: metadataOf(metadata.name!, undefined, metadata.labels as Record<string, string> | undefined, nowMs), timestamp: timeText(usage.timeMs), window: goSeconds(usage.windowMs), usage: quantities(usage) }]
}

function podMetrics({ metadata, spec }: Pod, storage: MetricStorage, nowMs: number): Metrics[] {
  const containers = storage.pod(`${metadata.namespace}/${metadata.name}`)
  if (!containers || containers.size === 0) return []
  const earliest = [...containers.values()].reduce((a, b) => (b.timeMs < a.timeMs ? b : a))
  const order = [...spec?.containers ?? [], ...spec?.initContainers ?? []].map((container) => container.name)
  const names = [...containers.keys()].sort((a, b) => order.indexOf(a) - order.indexOf(b))
  return [{
    kind: 'PodMetrics', apiVersion: 'metrics.k8s.io/v1beta1', metadata: metadataOf(metadata.name!, metadata.namespace, metadata.labels as Record<string, string> | undefined, nowMs), timestamp: timeText(earliest.timeMs), window: goSeconds(earliest.windowMs),
    containers: names.map((name) => ({ name, usage: quantities(containers.get(name)!) })),
  }]
}

function metadataOf(name: string, namespace: string | undefined, labels: Record<string, string> | undefined, nowMs: number): Metrics['metadata'] {
  return { name, ...(namespace ? { namespace } : {}), creationTimestamp: timeText(nowMs), ...(labels ? { labels } : {}) }
}

function quantities({ cpuNanoCores, memoryBytes }: MeasuredUsage): Record<string, string> {
  return { cpu: formatQuantity({ nanos: BigInt(cpuNanoCores), format: 'DecimalSI' }), memory: quantityOf(Math.round(memoryBytes), 'BinarySI') }
}

/** Go's time.Duration: `15.012s`, `1m0.5s`. */
function goSeconds(ms: number): string {
  const minutes = Math.floor(ms / 60_000)
  const rest = Number(((ms - minutes * 60_000) / 1000).toFixed(6))
  return minutes > 0 ? `${minutes}m${rest}s` : `${rest}s`
}

function tableOf(items: readonly Metrics[]): unknown {
  const sum = (item: Metrics, resource: 'cpu' | 'memory') => item.usage?.[resource] ?? item.containers!.map((c) => c.usage[resource]!).reduce((a, b) => addQuantities(a, b))
  return {
    kind: 'Table', apiVersion: 'meta.k8s.io/v1', metadata: {},
    columnDefinitions: [
      { name: 'Name', type: 'string', format: 'name', description: 'Name of the resource', priority: 0 },
      ...['cpu', 'memory'].map((name) => ({ name, type: 'string', format: 'quantity', description: '', priority: 0 })),
      { name: 'Window', type: 'string', format: 'duration', description: '', priority: 0 },
    ],
    rows: items.map((item) => ({ cells: [item.metadata.name, sum(item, 'cpu'), sum(item, 'memory'), item.window], object: { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: item.metadata } })),
  }
}
