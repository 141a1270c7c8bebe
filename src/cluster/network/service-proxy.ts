import type { Clock } from '../../base/clock.ts'
import type { Change, Informers } from '../client/informers.ts'
import type { EndpointSlice, Node, Service } from '../kinds/generated/types.ts'
import { parseCidr } from './cidr.ts'
import type { ServiceEndpoint } from './service-endpoints.ts'
import type { ServicePortRule, ServiceTable } from './service-table.ts'

/** How long changes are gathered before the rules are written anew, in milliseconds; keeps a rollout of many pods from rewriting them each time. */
const MIN_SYNC_MS = 5

const DEFAULT_AFFINITY_SECONDS = 10_800

/** Somebody else looks after Services with this label; EndpointSlices of headless ones have the other. k8s: cmd/kube-proxy/app/server.go Run */
const PROXY_NAME = 'service.kubernetes.io/service-proxy-name'
const HEADLESS = 'service.kubernetes.io/headless'

/**
 * kube-proxy's control loop for all nodes: Services and EndpointSlices in, rules of the {@link ServiceTable} out.
 * k8s: pkg/proxy/servicechangetracker.go, endpointschangetracker.go
 */
export function startServiceProxy(options: { informers: Informers; table: ServiceTable; clock: Clock }): { stop(): void } {
  const services = options.informers.for<Service>('services')
  const slices = options.informers.for<EndpointSlice>('endpointslices.discovery.k8s.io')
  slices.addIndex('service', (slice) => {
    const name = slice.metadata.labels?.['kubernetes.io/service-name']
    return name ? [`${slice.metadata.namespace}/${name}`] : []
  })
  let scheduled = false
  let stopped = false
  const changed = () => {
    if (scheduled || stopped) return
    scheduled = true
    options.clock.after(MIN_SYNC_MS, () => {
      scheduled = false
      if (stopped || !services.hasSynced || !slices.hasSynced) return
      options.table.replace(services.list().flatMap((service) => rulesOf(service, slices.byIndex('service', `${service.metadata.namespace}/${service.metadata.name}`))))
    })
  }
  const nodes = options.informers.for<Node>('nodes')
  const moved = (changes: readonly Change<Node>[]) => {
    // Heartbeats change nothing of it.
    if (changes.some(({ type, object, old }) => type === 'delete' || !old || zoneOf(object) !== zoneOf(old) || isLeaving(object) !== isLeaving(old))) options.table.setNodes(new Map(nodes.list().map((node) => [node.metadata.name!, { zone: zoneOf(node), isLeaving: isLeaving(node) }])))
  }
  const ends = [services.onChanges(changed), slices.onChanges(changed), nodes.onChanges(moved)]
  void Promise.all([services.synced(), slices.synced()]).then(changed)
  return { stop() { stopped = true; for (const end of ends) end() } }
}

const zoneOf = (node: Node): string | undefined => node.metadata.labels?.['topology.kubernetes.io/zone']
const isLeaving = ({ metadata, spec }: Node): boolean => metadata.deletionTimestamp !== undefined || (spec.taints?.some(({ key }) => key === 'ToBeDeletedByClusterAutoscaler') ?? false)

/** The rules of one Service. Pure. */
export function rulesOf(service: Service, slices: readonly EndpointSlice[]): ServicePortRule[] {
  const spec = service.spec
  if (service.metadata.labels?.[PROXY_NAME] !== undefined) return []
  if (spec.type === 'ExternalName' || !spec.clusterIP || spec.clusterIP === 'None') return []
  const loadBalancerAddresses = (service.status?.loadBalancer?.ingress ?? []).flatMap((i) => i.ip && i.ipMode !== 'Proxy' ? [i.ip] : [])
  const sourceRanges = (spec.loadBalancerSourceRanges ?? []).map((range) => range.trim()).filter(isRange)
  const healthCheck = spec.type === 'LoadBalancer' && spec.externalTrafficPolicy === 'Local' && spec.healthCheckNodePort ? { healthCheckNodePort: spec.healthCheckNodePort } : {}
  return (spec.ports ?? []).map((port): ServicePortRule => ({
    service: `${service.metadata.namespace}/${service.metadata.name}`,
    portName: port.name ?? '',
    protocol: (port.protocol ?? 'TCP') as ServicePortRule['protocol'],
    port: port.port,
    nodePort: port.nodePort || undefined,
    addresses: spec.clusterIPs ?? [spec.clusterIP!],
    externalAddresses: spec.externalIPs ?? [],
    loadBalancerAddresses,
    // A range that is everybody's is as none. k8s: pkg/proxy/serviceport.go
    ...(sourceRanges.length > 0 && !sourceRanges.some((range) => range.endsWith('/0')) ? { sourceRanges } : {}),
    ...healthCheck,
    endpoints: endpointsOf(slices, port.name ?? ''),
    internalLocal: spec.internalTrafficPolicy === 'Local',
    externalLocal: spec.externalTrafficPolicy === 'Local',
    affinityMs: spec.sessionAffinity === 'ClientIP' ? (spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? DEFAULT_AFFINITY_SECONDS) * 1000 : undefined,
  }))
}

const namesOf = (list: readonly { name: string }[] = []): string[] => list.map(({ name }) => name)

/** Of the addresses' family that there is. */
function isRange(text: string): boolean {
  try {
    parseCidr(text)
    return true
  } catch {
    return false
  }
}

/**
 * Ready endpoints, and those that still serve while they terminate; one that several slices have counts once, and the one that doesn't terminate
 * before the one that does. k8s: pkg/proxy/endpointslicecache.go addEndpoints
 */
function endpointsOf(slices: readonly EndpointSlice[], portName: string): ServiceEndpoint[] {
  const found = new Map<string, ServiceEndpoint | undefined>()
  for (const { metadata, addressType, ports, endpoints } of slices) {
    if (addressType !== 'IPv4' || metadata.labels?.[HEADLESS] !== undefined) continue
    const port = ports?.find((p) => (p.name ?? '') === portName)?.port
    if (port === undefined || port === null) continue
    for (const { addresses: [ip], nodeName, conditions, hints } of endpoints ?? []) {
      const isTerminating = conditions?.terminating ?? false
      if (ip === undefined || (isTerminating && found.has(`${ip}:${port}`))) continue
      const isReady = conditions?.ready ?? true
      const nearness = hints ? { hints: { nodes: namesOf(hints.forNodes), zones: namesOf(hints.forZones) } } : {}
      found.set(`${ip}:${port}`, isReady ? { ip, port, nodeName, ...nearness } : isTerminating && (conditions?.serving ?? true) ? { ip, port, nodeName, isTerminating } : undefined)
    }
  }
  return [...found.values()].filter((endpoint) => endpoint !== undefined)
}
