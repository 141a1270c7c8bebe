import type { Platform } from '../base/platform.ts'
import type { Cluster } from '../cluster/cluster.ts'
import type { Informers } from '../cluster/client/informers.ts'
import { podSummary } from '../cluster/kinds/core/pod-columns.ts'
import type { Node, Pod } from '../cluster/kinds/generated/types.ts'
import { quantityMilliValue } from '../cluster/kinds/quantity.ts'
import type { ClusterViewChange, Health, MachineView, NodeView, PodView } from './protocol.ts'

/** Changes within so many milliseconds are told together. */
const BATCH_MS = 50

const NOT_YET = new Set(['Pending', 'ContainerCreating', 'PodInitializing', 'SchedulingGated', 'Running', 'NotReady'])

/** Follows machines, nodes and pods and tells in small pieces what changed for the page's live view. */
export class ClusterView {
  readonly #platform: Platform
  readonly #send: (change: ClusterViewChange) => void
  readonly #nodes = new Map<string, NodeView>()
  readonly #pods = new Map<string, PodView>()
  readonly #podRequests = new Map<string, { node: string; millis: number }>()
  readonly #dirty = new Set<string>()
  readonly #stops: (() => void)[]
  readonly #machines: () => MachineView[]
  readonly #loadBalancer: string | undefined
  #cancelTimer: (() => void) | undefined

  /** @param informers none where there is no API server: then there are machines alone */
  constructor(informers: Informers | undefined, { computers, topology }: Pick<Cluster, 'computers' | 'topology'>, platform: Platform, send: (change: ClusterViewChange) => void) {
    this.#platform = platform
    this.#loadBalancer = topology.loadBalancer?.name
    this.#machines = () => computers.states().map(({ name, controlPlane, power }) => ({ name, controlPlane, power }))
    this.#send = send
    this.#stops = [computers.onChange(() => { this.#send({ machines: this.#machines() }) })]
    if (informers) this.#stops.push(
      informers.for<Node>('nodes').onChanges((changes) => {
        for (const { type, object } of changes) {
          const uid = object.metadata.uid!
          if (type === 'delete') this.#nodes.delete(uid)
          else this.#nodes.set(uid, nodeView(object))
          this.#mark(uid)
        }
      }),
      informers.for<Pod>('pods').onChanges((changes) => {
        for (const { type, object } of changes) {
          const uid = object.metadata.uid!
          if (type === 'delete') {
            this.#pods.delete(uid)
            this.#podRequests.delete(uid)
          } else {
            this.#pods.set(uid, podView(object))
            const ended = object.status.phase === 'Succeeded' || object.status.phase === 'Failed'
            if (object.spec.nodeName && !ended) this.#podRequests.set(uid, { node: object.spec.nodeName, millis: requestedCpuMillis(object) })
            else this.#podRequests.delete(uid)
          }
          this.#mark(uid)
        }
        for (const node of this.#nodes.values()) this.#mark(node.uid)
      }),
    )
  }

  /** Everything, for a page that begins to look. */
  whole(): ClusterViewChange {
    this.#countRequests()
    return { reset: true, machines: this.#machines(), ...(this.#loadBalancer ? { loadBalancer: this.#loadBalancer } : {}), nodes: [...this.#nodes.values()], pods: [...this.#pods.values()] }
  }

  stop(): void {
    for (const stop of this.#stops) stop()
    this.#cancelTimer?.()
  }

  #mark(uid: string): void {
    this.#dirty.add(uid)
    this.#cancelTimer ??= this.#platform.setTimer(() => this.#flush(), BATCH_MS)
  }

  #flush(): void {
    this.#cancelTimer = undefined
    this.#countRequests()
    const change: Required<Omit<ClusterViewChange, 'reset' | 'machines' | 'loadBalancer'>> = { nodes: [], pods: [], gone: [] }
    for (const uid of this.#dirty) {
      const node = this.#nodes.get(uid)
      const pod = this.#pods.get(uid)
      if (node) change.nodes.push(node)
      else if (pod) change.pods.push(pod)
      else change.gone.push(uid)
    }
    this.#dirty.clear()
    this.#send(change)
  }

  #countRequests(): void {
    const byNode = new Map<string, number>()
    for (const { node, millis } of this.#podRequests.values()) byNode.set(node, (byNode.get(node) ?? 0) + millis)
    for (const [uid, node] of this.#nodes) {
      const requestedCpuMillis = byNode.get(node.name) ?? 0
      if (node.requestedCpuMillis !== requestedCpuMillis) this.#nodes.set(uid, { ...node, requestedCpuMillis })
    }
  }
}

function nodeView(node: Node): NodeView {
  const ready = node.status.conditions?.find((condition) => condition.type === 'Ready')?.status === 'True'
  const roles = Object.keys(node.metadata.labels ?? {}).flatMap((label) => label.startsWith('node-role.kubernetes.io/') ? [label.slice('node-role.kubernetes.io/'.length)] : [])
  return {
    uid: node.metadata.uid!,
    name: node.metadata.name!,
    roles,
    status: `${ready ? 'Ready' : 'NotReady'}${node.spec.unschedulable ? ',SchedulingDisabled' : ''}`,
    health: !ready ? 'bad' : node.spec.unschedulable ? 'waiting' : 'good',
    version: node.status.nodeInfo?.kubeletVersion ?? '',
    cpuMillis: quantityMilliValue(node.status.allocatable?.['cpu'] ?? '0'),
    requestedCpuMillis: 0,
  }
}

function podView(pod: Pod): PodView {
  const summary = podSummary(pod)
  const owner = pod.metadata.ownerReferences?.find((reference) => reference.controller)
  return {
    uid: pod.metadata.uid!,
    namespace: pod.metadata.namespace!,
    name: pod.metadata.name!,
    ...(pod.spec.nodeName ? { node: pod.spec.nodeName } : {}),
    status: summary.reason,
    health: podHealth(pod, summary.reason),
    readyContainers: summary.ready,
    containers: summary.total,
    restarts: summary.restarts,
    ...(owner ? { owner: `${owner.kind}/${owner.name}` } : {}),
    ...(pod.status.podIP ? { ip: pod.status.podIP } : {}),
  }
}

/** `status` is kubectl's word for the pod's state. */
function podHealth(pod: Pod, status: string): Health {
  if (pod.metadata.deletionTimestamp) return 'leaving'
  if (status === 'Completed' || pod.status.phase === 'Succeeded') return 'done'
  if (pod.status.phase === 'Failed') return 'bad'
  if (pod.status.phase === 'Running' && status === 'Running') {
    const ready = pod.status.conditions?.find((condition) => condition.type === 'Ready')?.status === 'True'
    return ready ? 'good' : 'waiting'
  }
  return NOT_YET.has(status) || /^Init:\d+\/\d+$/.test(status) ? 'waiting' : 'bad'
}

function requestedCpuMillis(pod: Pod): number {
  return (pod.spec.containers ?? []).reduce((sum, container) => sum + quantityMilliValue(container.resources?.requests?.['cpu'] ?? '0'), 0)
}
