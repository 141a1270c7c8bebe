import { rfc3339 } from '../../../base/clock.ts'
import { deepEqual } from '../../../base/freeze.ts'
import type { Controller, ControllerContext } from '../../client/controller-runner.ts'
import { keyOf } from '../../client/informers.ts'
import { controllerReference } from '../../client/owner-references.ts'
import type { EndpointSlice, Node, Pod, Service } from '../../kinds/generated/types.ts'
import { isStatusError } from '../../kinds/status-error.ts'
import { compact } from '../compact.ts'
import { isNamespaceTerminating, messageOf } from '../pod-control.ts'
import { isPodReady } from '../pods.ts'
import { belongsInEndpoints, findPort, hasHostname, HEADLESS, isHeadless, selectedPods, servicesOfPodChange, TRIGGER_TIME, TriggerTimes } from './service-pods.ts'
import { addTopologyHints, changesShares, HintedServices, wantsTopologyHints, zoneShares } from './topology-hints.ts'

export const SERVICE_NAME = 'kubernetes.io/service-name'
export const MANAGED_BY = 'endpointslice.kubernetes.io/managed-by'
const CONTROLLER = 'endpointslice-controller.k8s.io'
const MAX_ENDPOINTS_PER_SLICE = 100

export type Endpoint = NonNullable<EndpointSlice['endpoints']>[number]
export type EndpointPort = NonNullable<EndpointSlice['ports']>[number]

/** What slices there should be: endpoints by the ports they share. */
interface DesiredGroup {
  ports: EndpointPort[]
  endpoints: Endpoint[]
}

/** What is to be done with the slices of a Service and a family. */
export interface SlicesPlan {
  create: { ports: EndpointPort[]; endpoints: Endpoint[] }[]
  update: { slice: EndpointSlice; endpoints: Endpoint[] }[]
  remove: EndpointSlice[]
}

/** The same for slices with the same ports. */
export const portsKey = (ports: readonly EndpointPort[] | undefined) =>
  JSON.stringify((ports ?? []).map(({ name, port, protocol, appProtocol }) => [name ?? '', port, protocol, appProtocol ?? '']).sort())

/** What makes an endpoint the same one as before. k8s: endpointslice/util hashEndpoint */
export const endpointKey = ({ addresses, hostname, targetRef }: Endpoint) => `${addresses.join(',')}/${hostname ?? ''}/${targetRef?.namespace ?? ''}/${targetRef?.name ?? ''}`

/** Changes as few slices as possible. k8s: endpointslice Reconciler.reconcileByPortMapping */
export function planSlices(existing: readonly EndpointSlice[], desired: readonly DesiredGroup[], labelsOf: (slice: EndpointSlice) => Record<string, string>, maxPerSlice = MAX_ENDPOINTS_PER_SLICE): SlicesPlan {
  const plan: SlicesPlan = { create: [], update: [], remove: [] }
  const byPorts = new Map<string, EndpointSlice[]>()
  for (const slice of existing) {
    const key = portsKey(slice.ports)
    if (!byPorts.has(key)) byPorts.set(key, [])
    byPorts.get(key)!.push(slice)
  }
  const wanted = new Set<string>()
  for (const { ports, endpoints } of desired) {
    const key = portsKey(ports)
    wanted.add(key)
    const left = new Map(endpoints.map((endpoint) => [endpointKey(endpoint), endpoint]))
    const changed: { slice: EndpointSlice; endpoints: Endpoint[] }[] = []
    const unchanged: EndpointSlice[] = []
    const emptied: EndpointSlice[] = []
    for (const slice of byPorts.get(key) ?? []) {
      const kept: Endpoint[] = []
      let differs = false
      for (const endpoint of slice.endpoints ?? []) {
        const now = left.get(endpointKey(endpoint))
        if (!now) continue
        left.delete(endpointKey(endpoint))
        kept.push(now)
        if (!deepEqual(now, endpoint)) differs = true
      }
      const length = slice.endpoints?.length ?? 0
      if ((differs || length !== kept.length) && kept.length === 0) emptied.push(slice)
      else if (differs || length !== kept.length || !deepEqual(labelsOf(slice), slice.metadata.labels)) changed.push({ slice, endpoints: kept })
      else unchanged.push(slice)
    }
    const rest = [...left.values()]
    for (const { endpoints: into } of [...changed].sort((a, b) => b.endpoints.length - a.endpoints.length))
      while (rest.length > 0 && into.length < maxPerSlice) into.push(rest.shift()!)
    while (rest.length > 0) {
      // Few enough to fit into a slice that would otherwise stay: the fullest that has room.
      const fill = rest.length < maxPerSlice ? unchanged.filter((slice) => (slice.endpoints?.length ?? 0) + rest.length <= maxPerSlice)
        .sort((a, b) => (b.endpoints?.length ?? 0) - (a.endpoints?.length ?? 0))[0] : undefined
      const into = fill ? [...fill.endpoints ?? []] : []
      into.push(...rest.splice(0, maxPerSlice - into.length))
      if (fill) {
        unchanged.splice(unchanged.indexOf(fill), 1)
        changed.push({ slice: fill, endpoints: into })
      } else plan.create.push({ ports, endpoints: into })
    }
    plan.update.push(...changed)
    plan.remove.push(...emptied)
  }
  for (const [key, slices] of byPorts) if (!wanted.has(key)) plan.remove.push(...slices)
  return plan
}

/** k8s: podToEndpoint */
export function endpointOf(pod: Pod, node: Node | undefined, service: Readonly<Service>, addressType: string): Endpoint | undefined {
  const ips = pod.status?.podIPs ?? (pod.status?.podIP ? [{ ip: pod.status.podIP }] : [])
  const addresses = ips.map(({ ip }) => ip).filter((ip) => ip.includes(':') === (addressType === 'IPv6'))
  if (addresses.length === 0) return undefined
  const serving = isPodReady(pod)
  const terminating = pod.metadata.deletionTimestamp !== undefined
  const zone = node?.metadata.labels?.['topology.kubernetes.io/zone']
  const ready = Boolean(service.spec!.publishNotReadyAddresses) || (serving && !terminating)
  const hints = ready ? hintsFor(service, zone, pod.spec.nodeName) : undefined
  return {
    addresses,
    conditions: { ready, serving, terminating },
    ...(hasHostname(pod, service) ? { hostname: pod.spec.hostname! } : {}),
    ...(pod.spec.nodeName ? { nodeName: pod.spec.nodeName } : {}),
    targetRef: { kind: 'Pod', namespace: pod.metadata.namespace!, name: pod.metadata.name!, uid: pod.metadata.uid! },
    ...(zone ? { zone } : {}), ...(hints ? { hints } : {}),
  }
}

/** For whom a ready endpoint is near. k8s: endpointslice/trafficdist */
function hintsFor(service: Readonly<Service>, zone: string | undefined, nodeName: string | undefined): Endpoint['hints'] {
  // The annotation of the older way counts first.
  if (wantsTopologyHints(service)) return undefined
  const distribution = service.spec!.trafficDistribution
  if (distribution !== 'PreferClose' && distribution !== 'PreferSameZone' && distribution !== 'PreferSameNode') return undefined
  const forNodes = distribution === 'PreferSameNode' && nodeName ? [{ name: nodeName }] : undefined
  return zone || forNodes ? { ...(zone ? { forZones: [{ name: zone }] } : {}), ...(forNodes ? { forNodes } : {}) } : undefined
}

function desiredGroups(service: Readonly<Service>, pods: readonly Pod[], addressType: string, { cache }: ControllerContext): DesiredGroup[] {
  const groups = new Map<string, DesiredGroup>()
  for (const pod of pods) {
    if (!belongsInEndpoints(pod, true)) continue
    const ports: EndpointPort[] = []
    for (const port of service.spec!.ports ?? []) {
      const number = findPort(pod, port)
      if (number !== undefined) ports.push(compact({ name: port.name ?? '', port: number, protocol: port.protocol ?? 'TCP', appProtocol: port.appProtocol }))
    }
    const key = portsKey(ports)
    let group = groups.get(key)
    if (!group) groups.set(key, group = { ports, endpoints: [] })
    const node = pod.spec.nodeName ? cache.get<Node>('nodes', pod.spec.nodeName) : undefined
    if (!node && !service.spec!.publishNotReadyAddresses) continue
    const endpoint = endpointOf(pod, node, service, addressType)
    if (endpoint) group.endpoints.push(endpoint)
  }
  return [...groups.values()]
}

/** Hints by share aren't compared: what has them keeps them, for as long as its slice stays as it is. */
export function withHintsOf(slices: readonly EndpointSlice[], groups: readonly DesiredGroup[]): DesiredGroup[] {
  const known = new Map(slices.flatMap(({ endpoints }) => (endpoints ?? []).map((endpoint) => [endpointKey(endpoint), endpoint.hints] as const)))
  return groups.map(({ ports, endpoints }) => ({ ports, endpoints: endpoints.map((endpoint) => { const hints = known.get(endpointKey(endpoint)); return hints ? { ...endpoint, hints } : endpoint }) }))
}

function sliceLabels(service: Readonly<Service>): Record<string, string> {
  const own = Object.entries(service.metadata.labels ?? {}).filter(([key]) => key !== SERVICE_NAME && key !== MANAGED_BY && key !== HEADLESS)
  return { ...Object.fromEntries(own), ...(isHeadless(service) ? { [HEADLESS]: '' } : {}), [SERVICE_NAME]: service.metadata.name!, [MANAGED_BY]: CONTROLLER }
}

/** Tells the network which pods stand behind a Service, in slices of at most 100. k8s: pkg/controller/endpointslice */
export function endpointSliceController(): Controller {
  const triggers = new TriggerTimes()
  const hinted = new HintedServices()
  return {
    name: 'endpoint-slice-controller', for: 'services', reads: ['nodes'], minIntervalMs: 20, retry: { firstMs: 1000, times: 15 },
    indexes: [{ resource: 'endpointslices.discovery.k8s.io', name: 'service', values: sliceServiceKeys }],
    watches: [
      { resource: 'pods', keys: (change, { cache }) => servicesOfPodChange(change, cache) },
      {
        resource: 'endpointslices.discovery.k8s.io',
        keys: ({ object }) => object.metadata.labels?.[MANAGED_BY] === CONTROLLER ? sliceServiceKeys(object) : [],
      },
      { resource: 'nodes', keys: (change, { cache }) => change.type === 'update' ? changesShares(change.old, change.object) ? hinted.overloaded(zoneShares(cache.list<Node>('nodes'))) : [] : cache.list<Service>('services').filter(({ spec }) => spec?.selector).map(keyOf) },
    ],
    async reconcile(key, context) {
      const { api, cache, events } = context
      const service = cache.get<Service>('services', key)
      if (!service) {
        triggers.forget(key)
        hinted.forget(key)
        return
      }
      if (service.spec!.type === 'ExternalName' || !service.spec!.selector || Object.keys(service.spec!.selector).length === 0) return
      if (service.metadata.deletionTimestamp !== undefined) return
      const { namespace, name } = service.metadata
      const pods = selectedPods(service, cache)
      const all = cache.byIndex<EndpointSlice>('endpointslices.discovery.k8s.io', 'service', key)
        .filter((slice) => slice.metadata.labels?.[MANAGED_BY] === CONTROLLER && slice.metadata.deletionTimestamp === undefined)
      const triggerMs = triggers.next(service, pods)
      const annotations = triggerMs === undefined ? undefined : { [TRIGGER_TIME]: rfc3339(triggerMs) }
      const labels = sliceLabels(service)
      const families = service.spec!.ipFamilies?.length ? service.spec!.ipFamilies : ['IPv4']
      try {
        for (const slice of all) {
          if (families.includes(slice.addressType)) continue
          hinted.remove(key, slice.addressType)
          await api.delete('endpointslices.discovery.k8s.io', slice.metadata.name!, namespace)
        }
        for (const addressType of families) {
          const existing = all.filter((slice) => slice.addressType === addressType)
          const own = existing.filter((slice) => slice.metadata.ownerReferences?.some((owner) => owner.uid === service.metadata.uid))
          const isHinted = wantsTopologyHints(service)
          const desired = desiredGroups(service, pods, addressType, context)
          const plan = planSlices(own, isHinted ? withHintsOf(own, desired) : desired, () => labels)
          plan.remove.push(...existing.filter((slice) => !own.includes(slice)))
          if (plan.create.length === 0 && plan.remove.length === existing.length) {
            // An empty slice says that nobody is there, rather than that nobody has looked.
            const only = plan.remove.length === 1 ? plan.remove[0]! : undefined
            if (only && !only.endpoints?.length && !only.ports?.length && own.includes(only) && deepEqual(only.metadata.labels, labels)) plan.remove.length = 0
            else plan.create.push({ ports: [], endpoints: [] })
          }
          // A slice that would go can be turned into one that would come.
          while (plan.create.length > 0 && plan.remove.length > 0 && own.includes(plan.remove[0]!)) {
            const slice = plan.remove.shift()!
            const { ports, endpoints } = plan.create.shift()!
            plan.update.push({ slice: { ...slice, ports }, endpoints })
          }
          const given = isHinted ? addTopologyHints(plan, own, zoneShares(cache.list<Node>('nodes'))) : hinted.has(key) ? 'Topology Aware Hints has been disabled' : undefined
          if (typeof given === 'string') events.event(service, 'Warning', 'TopologyAwareHintsDisabled', `${given}, addressType: ${addressType}`)
          else if (given && !hinted.has(key)) events.event(service, 'Normal', 'TopologyAwareHintsEnabled', `Topology Aware Hints has been enabled, addressType: ${addressType}`)
          if (typeof given === 'object') hinted.set(key, addressType, given)
          else hinted.remove(key, addressType)
          for (const { ports, endpoints } of plan.create) await api.create<EndpointSlice>('endpointslices.discovery.k8s.io', {
            apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice',
            metadata: { generateName: `${name}-`, namespace: namespace!, labels, ...(annotations ? { annotations } : {}), ownerReferences: [controllerReference(service)] },
            addressType: addressType as EndpointSlice['addressType'], endpoints, ports,
          })
          for (const { slice, endpoints } of plan.update) {
            const { [TRIGGER_TIME]: _, ...others } = slice.metadata.annotations ?? {}
            await api.update<EndpointSlice>('endpointslices.discovery.k8s.io', { ...slice, metadata: { ...slice.metadata, labels, annotations: { ...others, ...annotations } }, endpoints })
          }
          for (const slice of plan.remove) await api.delete('endpointslices.discovery.k8s.io', slice.metadata.name!, namespace)
        }
      } catch (error) {
        if (isNamespaceTerminating(error) || isStatusError(error, 'NotFound')) return
        events.event(service, 'Warning', 'FailedToUpdateEndpointSlices', `Error updating Endpoint Slices for Service ${namespace}/${name}: ${messageOf(error)}`)
        throw error
      }
    },
  }
}

export function sliceServiceKeys(slice: { metadata: { namespace?: string; labels?: Record<string, string> } }): string[] {
  const name = slice.metadata.labels?.[SERVICE_NAME]
  return name ? [`${slice.metadata.namespace}/${name}`] : []
}
