/** What both kinds of endpoints have in common. k8s: k8s.io/endpointslice/util */
import type { Change } from '../../client/informers.ts'
import { keyOf } from '../../client/informers.ts'
import type { Cache } from '../../client/controller-runner.ts'
import { holdsAll } from '../../client/label-selection.ts'
import type { Pod, Service, ServicePort } from '../../kinds/generated/types.ts'
import { isPodReady, isPodTerminal, readyCondition, timeMs } from '../pods.ts'

export const TRIGGER_TIME = 'endpoints.kubernetes.io/last-change-trigger-time'
export const HEADLESS = 'service.kubernetes.io/headless'

/** Pods that a Service selects. */
export function selectedPods(service: Readonly<Service>, cache: Cache): Pod[] {
  return cache.list<Pod>('pods', service.metadata.namespace).filter((pod) => holdsAll(service.spec!.selector, pod.metadata.labels))
}

/** Whether the pod can be reached at all. k8s: ShouldPodBeInEndpoints */
export function belongsInEndpoints(pod: Pod, includeTerminating: boolean): boolean {
  if (isPodTerminal(pod) || (!pod.status?.podIP && !pod.status?.podIPs?.length)) return false
  return includeTerminating || pod.metadata.deletionTimestamp === undefined
}

/** Whether DNS knows the pod by its own host name under the Service. */
export function hasHostname(pod: Pod, service: Readonly<Service>): boolean {
  return Boolean(pod.spec.hostname) && pod.spec.subdomain === service.metadata.name
}

/** The pod's port behind a Service's port; undefined when a named one doesn't exist. k8s: FindPort */
export function findPort(pod: Pod, port: ServicePort): number | undefined {
  const target = port.targetPort ?? port.port
  if (typeof target === 'number') return target === 0 ? port.port : target
  const sidecars = (pod.spec.initContainers ?? []).filter((container) => container.restartPolicy === 'Always')
  for (const container of [...pod.spec.containers, ...sidecars])
    for (const { name, protocol = 'TCP', containerPort } of container.ports ?? [])
      if (name === target && protocol === (port.protocol ?? 'TCP')) return containerPort
  return undefined
}

export function isHeadless(service: Readonly<Service>): boolean {
  return !service.spec!.clusterIP || service.spec!.clusterIP === 'None'
}

/** Keys of the Services that a pod's change concerns. k8s: GetServicesToUpdateOnPodChange */
export function servicesOfPodChange({ type, object: pod, old }: Change<Pod>, cache: Cache): string[] {
  if (type === 'update' && !changesEndpoints(old, pod)) return []
  return cache.list<Service>('services', pod.metadata.namespace).filter(({ spec }) => spec?.selector && Object.keys(spec.selector).length > 0 &&
    (holdsAll(spec.selector, pod.metadata.labels) || (type === 'update' && holdsAll(spec.selector, old.metadata.labels)))).map(keyOf)
}

function changesEndpoints(old: Pod, pod: Pod): boolean {
  return old.metadata.labels !== pod.metadata.labels && JSON.stringify(old.metadata.labels) !== JSON.stringify(pod.metadata.labels) ||
    old.metadata.deletionTimestamp !== pod.metadata.deletionTimestamp || isPodReady(old) !== isPodReady(pod) || old.spec.nodeName !== pod.spec.nodeName ||
    old.status?.podIP !== pod.status?.podIP || isPodTerminal(old) !== isPodTerminal(pod) || old.spec.hostname !== pod.spec.hostname || old.spec.subdomain !== pod.spec.subdomain
}

/** Remembers when what led to a change happened, for the annotation that latency is measured by. k8s: TriggerTimeTracker */
export class TriggerTimes {
  readonly #states = new Map<string, { serviceMs: number; pods: Map<string, number> }>()

  /** The earliest cause since the last call; undefined for none. */
  next(service: Readonly<Service>, pods: readonly Pod[]): number | undefined {
    const key = keyOf(service)
    const before = this.#states.get(key)
    let first = Infinity
    const times = new Map<string, number>()
    for (const pod of pods) {
      const atMs = timeMs(readyCondition(pod)?.lastTransitionTime)
      if (atMs === 0) continue
      times.set(pod.metadata.name!, atMs)
      if (atMs > (before?.pods.get(pod.metadata.name!) ?? 0)) first = Math.min(first, atMs)
    }
    const serviceMs = timeMs(service.metadata.creationTimestamp)
    if (serviceMs > (before?.serviceMs ?? 0)) first = Math.min(first, serviceMs)
    this.#states.set(key, { serviceMs, pods: times })
    return first === Infinity ? undefined : first
  }

  forget(key: string): void {
    this.#states.delete(key)
  }
}
