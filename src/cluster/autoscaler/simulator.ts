import type { Clock } from '../../base/clock.ts'
import { silentLog } from '../../base/log.ts'
import type { Random } from '../../base/random.ts'
import type { Api } from '../client/api.ts'
import type { Informers } from '../client/informers.ts'
import { DEVICE_CLASSES, RESOURCE_CLAIMS, RESOURCE_SLICES } from '../client/resource-claims.ts'
import type { Node, Pod } from '../kinds/generated/types.ts'
import { ClusterState } from '../scheduler/cluster-state.ts'
import type { Cycle, FilterPlugin, Handle, PreFilterPlugin } from '../scheduler/framework.ts'
import type { NodeInfo } from '../scheduler/node-info.ts'
import { podInfoOf } from '../scheduler/pod-info.ts'
import { defaultPlugins } from '../scheduler/plugins/default-plugins.ts'
import { SchedulerCounters } from '../scheduler/scheduler-counters.ts'
import type { SchedulingStatus } from '../scheduler/status.ts'

/** What the scheduler's filters look at, and what the autoscaler does besides. */
export const WATCHED_RESOURCES = [
  'nodes', 'pods', 'namespaces', 'services', 'replicationcontrollers', 'persistentvolumeclaims', 'persistentvolumes', 'replicasets.apps', 'statefulsets.apps', 'daemonsets.apps', 'jobs.batch', 'poddisruptionbudgets.policy',
  'storageclasses.storage.k8s.io', 'csinodes.storage.k8s.io', 'csidrivers.storage.k8s.io', 'csistoragecapacities.storage.k8s.io', 'volumeattachments.storage.k8s.io', RESOURCE_CLAIMS, RESOURCE_SLICES, DEVICE_CLASSES,
] as const

const preFilters = defaultPlugins.filter((plugin) => 'preFilter' in plugin) as readonly PreFilterPlugin[]
const filters = defaultPlugins.filter((plugin) => 'filter' in plugin) as readonly FilterPlugin[]

export interface SimulatorOptions {
  api: Api
  informers: Informers
  clock: Clock
  random: Random
}

/** A picture of the cluster in which nodes and pods are moved about, and the scheduler's own filters say what fits. k8s: cluster-autoscaler/simulator/clustersnapshot */
export class Simulator {
  readonly state = new ClusterState()
  readonly #handle: Handle

  constructor({ api, informers, clock, random }: SimulatorOptions) {
    const runFilters = (cycle: Cycle, node: NodeInfo) => this.#filter(cycle, node)
    this.#handle = {
      api, informers, clock, random, log: silentLog, events: { event: () => {} }, cluster: this.state, counters: new SchedulerCounters('cluster-autoscaler'), runFilters,
      assumeAdded: () => {}, assumeRemoved: () => {}, cloneCycle: (cycle) => cycle, ungate: () => {}, nominatedTo: () => [], nominate: async () => {},
    }
  }

  /** Adds a node, with the pods that it would have from its beginning. */
  addNode(node: Node, pods: readonly Pod[] = []): void {
    this.state.setNode(node)
    for (const pod of pods) this.put(pod, node.metadata.name!)
  }

  removeNode(name: string): void {
    this.state.removeNode(name)
  }

  /** Puts a pod on a node. */
  put(pod: Pod, nodeName: string): void {
    this.state.assume(podInfoOf({ ...pod, spec: { ...pod.spec, nodeName } }), nodeName)
  }

  /** Takes a pod away. */
  take(pod: Pod): void {
    this.state.removePod(pod.metadata.uid!)
  }

  /** Why a pod doesn't fit on a node; undefined where it does. k8s: RunFiltersOnNode */
  refusal(pod: Pod, nodeName: string): SchedulingStatus | undefined {
    const node = this.state.node(nodeName)
    if (!node) return { code: 'Error', reasons: [`node ${nodeName} not found`] }
    const cycle = this.#begin(pod)
    if ('status' in cycle) return cycle.status
    return this.#on(cycle, node)
  }

  /** The first of some nodes on which a pod fits. k8s: RunFiltersUntilPassingNode */
  findNode(pod: Pod, nodeNames: readonly string[]): string | undefined {
    const cycle = this.#begin(pod)
    if ('status' in cycle) return undefined
    return nodeNames.find((name) => {
      const node = this.state.node(name)
      return node !== undefined && this.#on(cycle, node) === undefined
    })
  }

  #begin(pod: Pod): { cycle: Cycle; only: ReadonlySet<string> | undefined } | { status: SchedulingStatus } {
    // A pod that has a node already is asked about as if it had none.
    const { nodeName: _, ...spec } = pod.spec
    const free: Pod = { ...pod, spec }
    const cycle: Cycle = { info: podInfoOf(free), pod: free, state: new Map(), skipFilter: new Set(), skipScore: new Set() }
    let only: ReadonlySet<string> | undefined
    for (const plugin of preFilters) {
      const result = plugin.preFilter(cycle, this.#handle)
      if (!result) continue
      if ('nodes' in result) only = only ? new Set([...result.nodes].filter((name) => only!.has(name))) : result.nodes
      else if (result.code === 'Skip') cycle.skipFilter.add(plugin.name)
      else return { status: result }
    }
    return { cycle, only }
  }

  #on({ cycle, only }: { cycle: Cycle; only: ReadonlySet<string> | undefined }, node: NodeInfo): SchedulingStatus | undefined {
    if (only && !only.has(node.node.metadata.name!)) return { code: 'UnschedulableAndUnresolvable', reasons: ["node(s) didn't match Pod's node affinity/selector"] }
    return this.#filter(cycle, node)
  }

  #filter(cycle: Cycle, node: NodeInfo): SchedulingStatus | undefined {
    for (const plugin of filters) {
      if (cycle.skipFilter.has(plugin.name)) continue
      const status = plugin.filter(cycle, node, this.#handle)
      if (status) return status
    }
    return undefined
  }
}
