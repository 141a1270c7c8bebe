import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import type { Random } from '../../base/random.ts'
import type { Api } from '../client/api.ts'
import type { EventRecorder } from '../client/event-recorder.ts'
import type { Informers } from '../client/informers.ts'
import type { KubeObject } from '../kinds/object.ts'
import type { Pod } from '../kinds/generated/types.ts'
import type { ClusterState } from './cluster-state.ts'
import type { NodeInfo } from './node-info.ts'
import type { PodInfo } from './pod-info.ts'
import type { SchedulerCounters } from './scheduler-counters.ts'
import type { SchedulingStatus } from './status.ts'

/** What plugins may use besides the cycle. */
export interface Handle {
  api: Api
  informers: Informers
  clock: Clock
  random: Random
  log: Log
  events: EventRecorder
  cluster: ClusterState
  counters: SchedulerCounters
  /** Runs all filters for a node as if it were so, with the pods nominated to it. */
  runFilters(cycle: Cycle, node: NodeInfo): SchedulingStatus | undefined
  /** Tells plugins' states that a pod is added to (removed from) a node in this cycle's what-if world. */
  assumeAdded(cycle: Cycle, other: PodInfo, node: NodeInfo): void
  assumeRemoved(cycle: Cycle, other: PodInfo, node: NodeInfo): void
  /** A copy of the cycle whose what-if changes leave the original alone. */
  cloneCycle(cycle: Cycle): Cycle
  /** Asks again whether the pod may enter the queue, if a plugin kept it out. */
  ungate(pod: Pod): void
  /** The pods that wait and have this node promised. */
  nominatedTo(nodeName: string): readonly PodInfo[]
  /** Writes a pod's nomination into its status; an empty name takes it back. */
  nominate(pod: Pod, nodeName: string): Promise<void>
}

/** One attempt to place one pod. */
export interface Cycle {
  readonly info: PodInfo
  readonly pod: Pod
  /** What plugins keep between their steps, by plugin name. */
  readonly state: Map<string, unknown>
  /** Plugins that asked to be left out of filtering or scoring. */
  readonly skipFilter: Set<string>
  readonly skipScore: Set<string>
  /** The filters that are left, once the first was asked. */
  filters?: readonly FilterPlugin[]
}

/** Outcome per node of a failed attempt. */
export interface Diagnosis {
  nodes: ReadonlyMap<string, SchedulingStatus>
  /** What nodes that were not looked at have. */
  absent?: SchedulingStatus
}

export type EventAction = 'Add' | 'Delete' | 'Update' | 'UpdateNodeTaint' | 'UpdateNodeLabel' | 'UpdateNodeAllocatable' | 'UpdateNodeCondition' | 'UpdateNodeDeclaredFeature' |
  'UpdatePodLabel' | 'UpdatePodScaleDown' | 'UpdatePodTolerations' | 'UpdatePodSchedulingGatesEliminated' | 'UpdatePodGeneratedResourceClaim'
export type EventResource = 'Node' | 'Pod' | 'PersistentVolume' | 'PersistentVolumeClaim' | 'StorageClass' | 'CSINode' | 'CSIDriver' | 'CSIStorageCapacity' | 'VolumeAttachment' | 'ResourceClaim' | 'DeviceClass' | 'ResourceSlice'

/** Something happened that may let a parked pod in. */
export interface ClusterEvent {
  resource: EventResource
  actions: readonly EventAction[]
  object: KubeObject
  old?: KubeObject
}

/** Whether the event is the end of its object. */
export const isDeletion = ({ actions }: ClusterEvent) => actions.includes('Delete')

/** Which events may help a pod that this plugin turned away. */
export interface RetryRule {
  resource: EventResource
  actions: readonly EventAction[]
  /** Whether this very event helps; absent: it does. k8s: QueueingHintFn */
  helps?: (pod: Pod, event: ClusterEvent, handle: Handle) => boolean
}

export function on(resource: EventResource, actions: EventAction | readonly EventAction[], helps?: RetryRule['helps']): RetryRule {
  return { resource, actions: typeof actions === 'string' ? [actions] : actions, ...(helps ? { helps } : {}) }
}

interface PluginBase {
  readonly name: string
  readonly retryOn?: readonly RetryRule[]
}

/** Decides whether a pod may enter the queue at all. */
export interface PreEnqueuePlugin extends PluginBase {
  preEnqueue(pod: Pod, handle: Handle): SchedulingStatus | undefined
}

export interface QueueSortPlugin extends PluginBase {
  less(a: QueuedPod, b: QueuedPod): boolean
}

export interface QueuedPod {
  info: PodInfo
  /** When it was (last) put into the queue. */
  queuedMs: number
  initialAttemptMs: number
  attempts: number
  /** When the attempt that goes on, or the last one, began. */
  attemptMs: number
  /** How often plugins have turned it away, and how many attempts have ended with an error since. */
  rejections: number
  errorsInRow: number
  /** Why it was turned away last. */
  rejectors: ReadonlySet<string>
  backoffUntilMs: number
  gated: boolean
  sequence: number
}

/** Looks at the pod once; may name the only nodes that come into question. */
export interface PreFilterPlugin extends PluginBase {
  preFilter(cycle: Cycle, handle: Handle): SchedulingStatus | { nodes: ReadonlySet<string> } | undefined
  /** The what-if world: another pod comes to or leaves a node. */
  addPod?(cycle: Cycle, other: PodInfo, node: NodeInfo, handle: Handle): void
  removePod?(cycle: Cycle, other: PodInfo, node: NodeInfo, handle: Handle): void
  /** A copy of the plugin's state, where it is changed by the above. */
  cloneState?(state: unknown): unknown
}

export interface FilterPlugin extends PluginBase {
  filter(cycle: Cycle, node: NodeInfo, handle: Handle): SchedulingStatus | undefined
}

export interface PostFilterResult {
  nominatedNodeName?: string
  message?: string
  /** Success: the pod will fit soon. */
  success?: boolean
  /** It couldn't be asked: nothing else is tried, and only its message counts. */
  failed?: boolean
}

export interface PostFilterPlugin extends PluginBase {
  postFilter(cycle: Cycle, diagnosis: Diagnosis, handle: Handle): PostFilterResult
}

export interface PreScorePlugin extends PluginBase {
  preScore(cycle: Cycle, nodes: readonly NodeInfo[], handle: Handle): SchedulingStatus | undefined
}

export interface ScorePlugin extends PluginBase {
  readonly weight: number
  /** 0 to 100 after {@link normalize}. */
  score(cycle: Cycle, node: NodeInfo, handle: Handle): number
  normalize?(cycle: Cycle, scores: number[], nodes: readonly NodeInfo[]): void
}

export interface ReservePlugin extends PluginBase {
  reserve(cycle: Cycle, node: NodeInfo, handle: Handle): SchedulingStatus | undefined
  unreserve(cycle: Cycle, nodeName: string, handle: Handle): void
}

export interface PermitPlugin extends PluginBase {
  permit(cycle: Cycle, nodeName: string, handle: Handle): SchedulingStatus | undefined
}

/** May wait; a rejection sends the pod back into the queue. */
export interface PreBindPlugin extends PluginBase {
  /** Whether there is anything to do. */
  needsPreBind(cycle: Cycle, nodeName: string): boolean
  preBind(cycle: Cycle, nodeName: string, handle: Handle): Promise<SchedulingStatus | undefined>
}

export interface BindPlugin extends PluginBase {
  bind(cycle: Cycle, nodeName: string, handle: Handle): Promise<SchedulingStatus | undefined>
}

export interface PostBindPlugin extends PluginBase {
  postBind(cycle: Cycle, nodeName: string, handle: Handle): void
}

export type Plugin = PluginBase & Partial<Omit<PreEnqueuePlugin & QueueSortPlugin & PreFilterPlugin & FilterPlugin & PostFilterPlugin & PreScorePlugin & ScorePlugin & ReservePlugin & PermitPlugin & PreBindPlugin & BindPlugin & PostBindPlugin, 'name' | 'retryOn'>>

export const MAX_NODE_SCORE = 100

/** Scales scores to 0..100 by the largest; `reverse` makes the smallest the best. k8s: helper.DefaultNormalizeScore */
export function normalizeByMax(scores: number[], reverse = false): void {
  let max = 0
  for (const score of scores) if (score > max) max = score
  for (let i = 0; i < scores.length; i++) {
    if (max === 0) {
      if (reverse) scores[i] = MAX_NODE_SCORE
      continue
    }
    const score = Math.trunc(MAX_NODE_SCORE * scores[i]! / max)
    scores[i] = reverse ? MAX_NODE_SCORE - score : score
  }
}
