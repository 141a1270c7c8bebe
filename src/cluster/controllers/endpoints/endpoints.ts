import { rfc3339 } from '../../../base/clock.ts'
import { deepEqual } from '../../../base/freeze.ts'
import type { Controller } from '../../client/controller-runner.ts'
import type { EndpointAddress, Endpoints, EndpointSubset, Pod, Service } from '../../kinds/generated/types.ts'
import { isStatusError } from '../../kinds/status-error.ts'
import { compact } from '../compact.ts'
import { isNamespaceTerminating, messageOf } from '../pod-control.ts'
import { isPodReady } from '../pods.ts'
import { belongsInEndpoints, findPort, hasHostname, HEADLESS, isHeadless, selectedPods, servicesOfPodChange, TRIGGER_TIME, TriggerTimes } from './service-pods.ts'
import { packSubsets, subsetEntries, truncateSubsets, type SubsetEntry } from './subsets.ts'

const MANAGED_BY = 'endpoints.kubernetes.io/managed-by'
const OVER_CAPACITY = 'endpoints.kubernetes.io/over-capacity'

/** The older form of EndpointSlices: one object for each Service with a selector. k8s: pkg/controller/endpoint */
export function endpointsController(): Controller {
  const triggers = new TriggerTimes()
  return {
    name: 'endpoint-controller', for: 'services', minIntervalMs: 20, retry: { times: 15 },
    watches: [
      { resource: 'pods', keys: (change, { cache }) => servicesOfPodChange(change, cache) },
      { resource: 'endpoints', keys: ({ type, object }) => type === 'delete' ? [`${object.metadata.namespace}/${object.metadata.name}`] : [] },
    ],
    async reconcile(key, { api, cache, events }) {
      const service = cache.get<Service>('services', key)
      const current = cache.get<Endpoints>('endpoints', key)
      if (!service) {
        triggers.forget(key)
        if (current) await api.delete('endpoints', current.metadata.name!, current.metadata.namespace).catch((error: unknown) => { if (!isStatusError(error, 'NotFound')) throw error })
        return
      }
      const { name, namespace } = service.metadata
      if (service.spec!.type === 'ExternalName' || !service.spec!.selector || Object.keys(service.spec!.selector).length === 0) return
      const pods = selectedPods(service, cache)
      const triggerMs = triggers.next(service, pods)
      const subsets = packSubsets(pods.flatMap((pod) => entriesOf(pod, service)))
      const { [HEADLESS]: _, ...plain } = service.metadata.labels ?? {}
      const labels = { ...plain, ...(isHeadless(service) ? { [HEADLESS]: '' } : {}), [MANAGED_BY]: 'endpoint-controller' }
      if (current && isUpToDate(current, subsets, service)) return
      const over = truncateSubsets(subsets)
      const { [TRIGGER_TIME]: _t, [OVER_CAPACITY]: _o, ...others } = current?.metadata.annotations ?? {}
      const annotations = { ...others, ...(triggerMs === undefined ? {} : { [TRIGGER_TIME]: rfc3339(triggerMs) }), ...(over ? { [OVER_CAPACITY]: 'truncated' } : {}) }
      const next: Endpoints = { ...current, apiVersion: 'v1', kind: 'Endpoints', metadata: { ...current?.metadata, name, namespace: namespace!, labels, annotations }, subsets }
      if (subsets.length === 0) delete next.subsets
      try {
        await (current ? api.update('endpoints', next) : api.create('endpoints', next))
      } catch (error) {
        if (isNamespaceTerminating(error)) return
        if (current) events.event(next, 'Warning', 'FailedToUpdateEndpoint', `Failed to update endpoint ${namespace}/${name}: ${messageOf(error)}`)
        // Upstream speaks of an object that isn't in a namespace yet.
        else events.event({ kind: 'Endpoints', apiVersion: 'v1', name }, 'Warning', 'FailedToCreateEndpoint', `Failed to create endpoint for service ${namespace}/${name}: ${messageOf(error)}`)
        throw error
      }
    },
  }
}

/** k8s: endpointSubsetsEqualIgnoreResourceVersion, labelsCorrectForEndpoints, capacityAnnotationSetCorrectly */
function isUpToDate({ subsets = [], metadata: { labels = {}, annotations } }: Endpoints, wanted: readonly EndpointSubset[], service: Readonly<Service>): boolean {
  if (!deepEqual(subsets, wanted) && !deepEqual(packSubsets(subsetEntries(subsets)), wanted)) return false
  const { [HEADLESS]: _, [MANAGED_BY]: manager, ...others } = labels
  return manager === 'endpoint-controller' && deepEqual(others, service.metadata.labels ?? {}) && annotations?.[OVER_CAPACITY] === undefined
}

function entriesOf(pod: Pod, service: Readonly<Service>): SubsetEntry[] {
  const publishAll = service.spec!.publishNotReadyAddresses ?? false
  if (!belongsInEndpoints(pod, publishAll)) return []
  const wantsIPv6 = service.spec!.ipFamilies?.[0] === 'IPv6'
  const ip = (pod.status?.podIPs ?? [{ ip: pod.status!.podIP! }]).map((entry) => entry.ip).find((text) => text.includes(':') === wantsIPv6)
  if (!ip) return []
  const address: EndpointAddress = {
    ...(hasHostname(pod, service) ? { hostname: pod.spec.hostname! } : {}), ip, ...(pod.spec.nodeName ? { nodeName: pod.spec.nodeName } : {}),
    targetRef: { kind: 'Pod', namespace: pod.metadata.namespace!, name: pod.metadata.name!, uid: pod.metadata.uid! },
  }
  const ready = publishAll || isPodReady(pod)
  const ports = service.spec!.ports ?? []
  if (ports.length === 0) return service.spec!.clusterIP === 'None' ? [{ address, ready, port: undefined }] : []
  return ports.flatMap((port) => {
    const number = findPort(pod, port)
    return number === undefined ? [] : [{ address, ready, port: compact({ name: port.name || undefined, port: number, protocol: port.protocol ?? 'TCP', appProtocol: port.appProtocol }) }]
  })
}
