import type { KubeObject } from '../../cluster/kinds/object.ts'
import { usageError } from './command.ts'
import type { CommandSpec } from './command.ts'
import type { ApiResource } from './discovery.ts'
import type { Factory } from './factory.ts'
import { fetchInfo } from './resources.ts'
import { selectorQuery } from './selectors.ts'
import { WaitTimeout } from './watching.ts'

/** A pod, as far as commands look into it. */
export interface PodObject extends KubeObject {
  spec: { containers: ContainerSpec[]; initContainers?: ContainerSpec[]; ephemeralContainers?: ContainerSpec[]; nodeName?: string; [field: string]: any }
  status: { phase?: string; conditions?: { type: string; status: string; lastTransitionTime?: string }[]; containerStatuses?: any[]; [field: string]: any }
}
export interface ContainerSpec { name: string; image?: string; tty?: boolean; stdin?: boolean; [field: string]: any }

const DEFAULT_CONTAINER = 'kubectl.kubernetes.io/default-container'

/** Every container of the pod, in the order kubectl lists them. */
export function allContainers(pod: PodObject): { container: ContainerSpec; fieldPath: string; note: string }[] {
  return [
    ...pod.spec.containers.map((container) => ({ container, fieldPath: `spec.containers{${container.name}}`, note: '' })),
    ...(pod.spec.ephemeralContainers ?? []).map((container) => ({ container, fieldPath: `spec.ephemeralContainers{${container.name}}`, note: ' (ephem)' })),
    ...(pod.spec.initContainers ?? []).map((container) => ({ container, fieldPath: `spec.initContainers{${container.name}}`, note: ' (init)' })),
  ]
}

/** `a, b, setup (init)`. k8s: podcmd.AllContainerNames */
export function containerNames(pod: PodObject): string {
  return allContainers(pod).map((c) => c.container.name + c.note).join(', ')
}

export function findContainer(pod: PodObject, name: string): ContainerSpec | undefined {
  return allContainers(pod).find((c) => c.container.name === name)?.container
}

/** The named container, or the one to take without a name. k8s: podcmd.FindOrDefaultContainerByName @throws Error */
export function containerOrDefault(f: Factory, pod: PodObject, name: string, quiet = false, say: (text: string) => unknown = f.io.err): ContainerSpec {
  if (name) {
    const found = findContainer(pod, name)
    if (!found) throw new Error(`container ${name} not found in pod ${pod.metadata.name}`)
    return found
  }
  const annotated = pod.metadata.annotations?.[DEFAULT_CONTAINER]
  if (annotated) {
    const found = findContainer(pod, annotated)
    if (found) return found
    void say(`Default container name ${JSON.stringify(annotated)} not found in pod ${pod.metadata.name}\n`)
  }
  const first = pod.spec.containers[0]!
  if (!quiet && allContainers(pod).length > 1) void say(`Defaulted container ${JSON.stringify(first.name)} out of: ${containerNames(pod)}\n`)
  f.log(4, 'podcmd.go:84', `Using the first container in a pod: ${first.name}`)
  return first
}

const isReady = (pod: PodObject) => pod.status.conditions?.some((c) => c.type === 'Ready' && c.status === 'True') ?? false
const readySince = (pod: PodObject) => Date.parse(pod.status.conditions?.find((c) => c.type === 'Ready')?.lastTransitionTime ?? '') || Infinity
const restarts = (pod: PodObject) => Math.max(0, ...(pod.status.containerStatuses ?? []).map((s) => s.restartCount as number))
const phaseRank: Record<string, number> = { Running: 0, Unknown: 1, Pending: 2 }

/** Which pod of several is worth looking at first. k8s: podutils.ByLogging, ActivePods reversed */
export function comparePods(purpose: 'logs' | 'attach'): (a: PodObject, b: PodObject) => number {
  return (a, b) => Number(!a.spec.nodeName) - Number(!b.spec.nodeName)
    || (phaseRank[a.status.phase ?? ''] ?? 0) - (phaseRank[b.status.phase ?? ''] ?? 0)
    || Number(!isReady(a)) - Number(!isReady(b))
    || (isReady(a) && isReady(b) && readySince(a) !== readySince(b) ? readySince(a) - readySince(b) : 0)
    || (purpose === 'logs' ? restarts(b) - restarts(a) : restarts(a) - restarts(b))
    || Date.parse(a.metadata.creationTimestamp ?? '') - Date.parse(b.metadata.creationTimestamp ?? '')
}

/** The pods a workload or Service stands for, as a selector. k8s: polymorphichelpers.SelectorsForObject @throws Error */
export function podSelectorOf(object: KubeObject): string {
  const version = object.apiVersion.split('/').at(-1)
  switch (object.kind) {
    case 'ReplicaSet': case 'StatefulSet': case 'DaemonSet': case 'Deployment': case 'Job': return selectorQuery(object['spec'].selector)
    case 'ReplicationController': return selectorQuery({ matchLabels: object['spec'].selector })
    case 'Service': {
      const selector = object['spec'].selector as Record<string, string> | undefined
      if (!selector || Object.keys(selector).length === 0) throw new Error(`invalid service '${object.metadata.name}': Service is defined without a selector`)
      return selectorQuery({ matchLabels: selector })
    }
    default: throw new Error(`selector for *${version}.${object.kind} not implemented`)
  }
}

/** The pods of a selector; waits for the first one where there is none yet. @throws WaitTimeout */
export async function podsOf(f: Factory, namespace: string, labelSelector: string, timeoutMs: number, purpose: 'logs' | 'attach'): Promise<PodObject[]> {
  const path = `/api/v1/namespaces/${namespace}/pods`
  const list = await f.rest().list<PodObject>(path, { labelSelector })
  if (list.items.length > 0) return list.items.map(asPod).sort(comparePods(purpose))
  const controller = new AbortController()
  const timer = f.proc.clock.after(timeoutMs, () => controller.abort())
  try {
    for await (const event of f.rest().watch<PodObject>(path, { query: { labelSelector, resourceVersion: list.metadata.resourceVersion }, signal: controller.signal }))
      if (event.type === 'ADDED' || event.type === 'MODIFIED') return [asPod(event.object)]
  } catch (error) {
    if (!controller.signal.aborted) throw error
  } finally {
    timer.cancel()
    controller.abort()
  }
  throw new WaitTimeout()
}

/** Pods as discovery has them, for commands that know where they are. */
export const POD_MAPPING: ApiResource = { group: '', version: 'v1', kind: 'Pod', resource: 'pods', singular: 'pod', namespaced: true, shortNames: ['po'], categories: ['all'], verbs: [], subresources: [] }

export const asPod = (object: KubeObject): PodObject => ({ status: {}, ...object, apiVersion: 'v1', kind: 'Pod' }) as unknown as PodObject

/** The pod to run something in. k8s: polymorphichelpers.AttachablePodForObjectFn @throws Error */
export async function attachablePod(f: Factory, object: KubeObject, timeoutMs: number): Promise<PodObject> {
  if (object.kind === 'Pod') return asPod(object)
  let selector: string
  try {
    selector = podSelectorOf(object)
  } catch (error) {
    throw new Error(`cannot attach to *${object.apiVersion.split('/').at(-1)}.${object.kind}: ${(error as Error).message}`)
  }
  return (await podsOf(f, object.metadata.namespace ?? 'default', selector, timeoutMs, 'attach'))[0]!
}

/** An object named `POD` or `TYPE/NAME`. */
export async function podOrOwner(f: Factory, name: string, namespace: string): Promise<KubeObject> {
  const [type, rest] = name.includes('/') ? [name.slice(0, name.indexOf('/')), name.slice(name.indexOf('/') + 1)] : ['pods', name]
  if (name.includes('/') && (!type || !rest || rest.includes('/'))) throw new Error(rest.includes('/') ? 'arguments in resource/name form may not have more than one slash' : 'arguments in resource/name form must have a single resource and name')
  const mapping = await f.resolve((mapper) => mapper.mappingFor(type), 4)
  return (await fetchInfo(f, { mapping, namespace: mapping.namespaced ? namespace : '', name: rest, object: undefined, source: '' })).object!
}

/** --pod-running-timeout in milliseconds. @param spec the command that points to its help where the flag is wrong; logs doesn't @throws Error */
export function podRunningTimeout(flags: Factory['flags'], spec?: CommandSpec): number {
  const ms = flags.duration('pod-running-timeout')
  const wrong = '--pod-running-timeout must be higher than zero'
  if (ms <= 0) throw spec ? usageError(spec, wrong) : new Error(wrong)
  return ms
}
