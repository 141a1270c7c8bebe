import { rfc3339 } from '../../../base/clock.ts'
import { deepEqual } from '../../../base/freeze.ts'
import type { Controller } from '../../client/controller-runner.ts'
import type { EndpointAddress, Endpoints, EndpointSubset, Pod, Service } from '../../kinds/generated/types.ts'
import { isStatusError } from '../../kinds/status-error.ts'
import { compact } from '../compact.ts'
import { isNamespaceTerminating, messageOf } from '../pod-control.ts'
import { isPodReady } from '../pods.ts'
import { belongsInEndpoints, findPort, hasHostname, HEADLESS, isHeadless, selectedPods, servicesOfPodChange, TRIGGER_TIME, TriggerTimes } from './service-pods.ts'

const MANAGED_BY = 'endpoints.kubernetes.io/managed-by'
const OVER_CAPACITY = 'endpoints.kubernetes.io/over-capacity'
const MAX_ADDRESSES = 1000

type Port = NonNullable<EndpointSubset['ports']>[number]

/** Addresses grouped by the ports they have in common, everything in order. k8s: pkg/api/v1/endpoints RepackSubsets */
export function packSubsets(entries: readonly { address: EndpointAddress; ready: boolean; port: Port | undefined }[]): EndpointSubset[] {
  const byPort = new Map<string, { port: Port | undefined; addresses: Map<string, { address: EndpointAddress; ready: boolean }> }>()
  for (const { address, ready, port } of entries) {
    const key = JSON.stringify(port ?? null)
    if (!byPort.has(key)) byPort.set(key, { port, addresses: new Map() })
    const { addresses } = byPort.get(key)!
    const id = `${address.ip}/${address.targetRef?.uid ?? ''}`
    const known = addresses.get(id)
    addresses.set(id, { address, ready: ready && (known?.ready ?? true) })
  }
  const byAddresses = new Map<string, { ports: Port[]; addresses: { address: EndpointAddress; ready: boolean }[] }>()
  for (const { port, addresses } of byPort.values()) {
    const key = [...addresses].map(([id, { ready }]) => `${id}=${ready}`).sort().join('|')
    if (!byAddresses.has(key)) byAddresses.set(key, { ports: [], addresses: [...addresses.values()] })
    if (port) byAddresses.get(key)!.ports.push(port)
  }
  const byIp = (a: EndpointAddress, b: EndpointAddress) => compareText(ipKey(a.ip), ipKey(b.ip)) || compareText(a.targetRef?.uid ?? '', b.targetRef?.uid ?? '')
  return [...byAddresses.values()].map(({ ports, addresses }) => {
    const ready = addresses.filter((entry) => entry.ready).map((entry) => entry.address).sort(byIp)
    const notReady = addresses.filter((entry) => !entry.ready).map((entry) => entry.address).sort(byIp)
    return compact({
      addresses: ready.length > 0 ? ready : undefined, notReadyAddresses: notReady.length > 0 ? notReady : undefined,
      ports: ports.length > 0 ? ports.sort((a, b) => compareText(JSON.stringify(a), JSON.stringify(b))) : undefined,
    })
  }).sort((a, b) => compareText(JSON.stringify(a.ports ?? []), JSON.stringify(b.ports ?? [])))
}

const compareText = (a: string, b: string) => a < b ? -1 : a > b ? 1 : 0
const ipKey = (ip: string) => ip.includes(':') ? ip : ip.split('.').map((byte) => byte.padStart(3, '0')).join('.')

/** At most 1000 addresses: ready ones first. Returns whether some were left out. k8s: truncateEndpoints */
function truncate(subsets: EndpointSubset[]): boolean {
  const total = subsets.reduce((sum, { addresses = [], notReadyAddresses = [] }) => sum + addresses.length + notReadyAddresses.length, 0)
  if (total <= MAX_ADDRESSES) return false
  let room = MAX_ADDRESSES
  for (const field of ['addresses', 'notReadyAddresses'] as const)
    for (const subset of subsets) {
      const list = subset[field]
      if (!list) continue
      const kept = list.slice(0, room)
      room -= kept.length
      if (kept.length > 0) subset[field] = kept
      else delete subset[field]
    }
  return true
}

/** The older form of the same: one object for each Service with a selector. k8s: pkg/controller/endpoint */
export function endpointsController(): Controller {
  const triggers = new TriggerTimes()
  return {
    name: 'endpoint-controller', for: 'services', minIntervalMs: 20,
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
      const over = truncate(subsets)
      const { [HEADLESS]: _, ...plain } = service.metadata.labels ?? {}
      const labels = { ...plain, ...(isHeadless(service) ? { [HEADLESS]: '' } : {}), [MANAGED_BY]: 'endpoint-controller' }
      if (current && deepEqual(current.subsets ?? [], subsets) && deepEqual(current.metadata.labels, labels)) return
      const { [TRIGGER_TIME]: _t, [OVER_CAPACITY]: _o, ...others } = current?.metadata.annotations ?? {}
      const annotations = { ...others, ...(triggerMs === undefined ? {} : { [TRIGGER_TIME]: rfc3339(triggerMs) }), ...(over ? { [OVER_CAPACITY]: 'truncated' } : {}) }
      const next: Endpoints = { ...current, apiVersion: 'v1', kind: 'Endpoints', metadata: { ...current?.metadata, name, namespace: namespace!, labels, annotations }, ...(subsets.length > 0 ? { subsets } : { subsets: undefined }) }
      if (subsets.length === 0) delete next.subsets
      try {
        await (current ? api.update('endpoints', next) : api.create('endpoints', next))
      } catch (error) {
        if (isNamespaceTerminating(error)) return
        if (current) events.event(next, 'Warning', 'FailedToUpdateEndpoint', `Failed to update endpoint ${namespace}/${name}: ${messageOf(error)}`)
        else events.event(next, 'Warning', 'FailedToCreateEndpoint', `Failed to create endpoint for service ${namespace}/${name}: ${messageOf(error)}`)
        throw error
      }
    },
  }
}

function entriesOf(pod: Pod, service: Readonly<Service>): { address: EndpointAddress; ready: boolean; port: Port | undefined }[] {
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
