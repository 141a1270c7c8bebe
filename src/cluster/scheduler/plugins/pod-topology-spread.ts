import { deepEqual } from '../../../base/freeze.ts'
import { holdsAll, matcherOf, selects } from '../../client/label-selection.ts'
import { matchesRequiredNodeAffinity } from '../../client/node-selection.ts'
import { controllerOf } from '../../client/owner-references.ts'
import { findUntolerated } from '../../client/tolerations.ts'
import type { LabelSelector, Node, Pod, ReplicaSet, ReplicationController, Service, StatefulSet, TopologySpreadConstraint } from '../../kinds/generated/types.ts'
import { MAX_NODE_SCORE, on, type ClusterEvent, type Cycle, type FilterPlugin, type Handle, type PreFilterPlugin, type PreScorePlugin, type ScorePlugin } from '../framework.ts'
import type { NodeInfo } from '../node-info.ts'
import { holdsRoom } from '../pod-info.ts'
import { PASS, SKIP, unresolvable, unschedulable } from '../status.ts'

const NAME = 'PodTopologySpread'
const SCORE_STATE = 'PodTopologySpread/score'
const HOSTNAME = 'kubernetes.io/hostname'
const ZONE = 'topology.kubernetes.io/zone'
const NO_MATCH = "node(s) didn't match pod topology spread constraints"

interface Constraint {
  maxSkew: number
  topologyKey: string
  minDomains: number
  honorAffinity: boolean
  honorTaints: boolean
  /** Whether labels are those of pods that are to be spread. */
  selects: (labels: Record<string, string> | undefined) => boolean
  /** Whether a pod on a node counts: an empty selector counts none, and pods that leave don't count. k8s: countPodsMatchSelector */
  counts: (pod: Pod) => boolean
  /** Names the predicate, for counters that outlive the cycle. */
  key: string
}

/** Matching pods by topology value, per constraint. */
interface FilterState {
  constraints: Constraint[]
  counts: Map<string, number>[]
}

interface ScoreState {
  constraints: Constraint[]
  ignored: Set<string>
  counts: Map<string, number>[]
  perNode: ReadonlyMap<string, number>[]
  weights: number[]
}

/** What spreads pods where nothing is said. k8s: systemDefaultConstraints */
const DEFAULTS: readonly TopologySpreadConstraint[] = [{ maxSkew: 3, topologyKey: HOSTNAME, whenUnsatisfiable: 'ScheduleAnyway' }, { maxSkew: 5, topologyKey: ZONE, whenUnsatisfiable: 'ScheduleAnyway' }]

function constraintOf(pod: Pod, spec: Pick<TopologySpreadConstraint, 'maxSkew' | 'topologyKey'> & Partial<TopologySpreadConstraint>, selected: (labels: Record<string, string> | undefined) => boolean, selectorKey: string, isEmpty: boolean): Constraint {
  const { namespace } = pod.metadata
  const extra: Record<string, string> = {}
  for (const key of spec.matchLabelKeys ?? []) if (pod.metadata.labels?.[key] !== undefined) extra[key] = pod.metadata.labels[key]!
  const countsNone = isEmpty && Object.keys(extra).length === 0
  const selects = (labels: Record<string, string> | undefined) => holdsAll(extra, labels) && selected(labels)
  return {
    maxSkew: spec.maxSkew, topologyKey: spec.topologyKey, minDomains: spec.minDomains ?? 1,
    honorAffinity: (spec.nodeAffinityPolicy ?? 'Honor') === 'Honor', honorTaints: spec.nodeTaintsPolicy === 'Honor',
    selects,
    counts: ({ metadata }) => !countsNone && metadata.namespace === namespace && metadata.deletionTimestamp === undefined && selects(metadata.labels),
    key: `spread/${namespace}/${selectorKey}/${JSON.stringify(extra)}`,
  }
}

function ownConstraints(pod: Pod, action: string): Constraint[] {
  return (pod.spec.topologySpreadConstraints ?? []).filter((constraint) => constraint.whenUnsatisfiable === action).map((constraint) => {
    const selector: LabelSelector | undefined = constraint.labelSelector
    const isEmpty = selector !== undefined && !Object.keys(selector.matchLabels ?? {}).length && !selector.matchExpressions?.length
    return constraintOf(pod, constraint, matcherOf(selector), JSON.stringify(selector ?? null), isEmpty)
  })
}

/** Constraints for pods that belong to a Service or set and say nothing themselves. k8s: buildDefaultConstraints, helper.DefaultSelector */
function defaultConstraints(pod: Pod, defaults: readonly TopologySpreadConstraint[], { informers }: Handle): Constraint[] {
  if (defaults.length === 0) return []
  const { namespace, labels } = pod.metadata
  const pairs: Record<string, string> = {}
  for (const service of informers.for<Service>('services').list(namespace)) {
    const selector = service.spec?.selector
    if (selector && Object.keys(selector).length > 0 && holdsAll(selector, labels)) Object.assign(pairs, selector)
  }
  const owner = controllerOf(pod)
  const key = `${namespace}/${owner?.name}`
  let expression: LabelSelector | undefined
  if (owner?.kind === 'ReplicaSet') expression = informers.for<ReplicaSet>('replicasets.apps').get(key)?.spec?.selector
  else if (owner?.kind === 'StatefulSet') expression = informers.for<StatefulSet>('statefulsets.apps').get(key)?.spec?.selector
  else if (owner?.kind === 'ReplicationController') Object.assign(pairs, informers.for<ReplicationController>('replicationcontrollers').get(key)?.spec?.selector)
  if (Object.keys(pairs).length === 0 && !expression) return []
  const selectorKey = JSON.stringify([pairs, expression ?? null])
  return defaults.map((spec) => constraintOf(pod, spec, (others) => holdsAll(pairs, others) && (!expression || selects(expression, others)), selectorKey, false))
}

const hasAllKeys = (node: Node, constraints: readonly Constraint[]) => constraints.every(({ topologyKey }) => node.metadata.labels?.[topologyKey] !== undefined)

/** Whether the node's pods count for the constraint. k8s: matchNodeInclusionPolicies */
function includes(constraint: Constraint, pod: Pod, node: Node): boolean {
  if (constraint.honorAffinity && !matchesRequiredNodeAffinity(pod.spec, node)) return false
  return !constraint.honorTaints || !findUntolerated(node.spec?.taints, pod.spec.tolerations, 'NoSchedule', 'NoExecute')
}

function change({ state, pod }: Cycle, other: Pod, { node }: NodeInfo, by: number): void {
  const filter = state.get(NAME) as FilterState | undefined
  if (!filter || other.metadata.namespace !== pod.metadata.namespace || !hasAllKeys(node, filter.constraints)) return
  for (const [i, constraint] of filter.constraints.entries()) {
    if (!constraint.selects(other.metadata.labels) || !includes(constraint, pod, node)) continue
    const value = node.metadata.labels![constraint.topologyKey]!
    filter.counts[i]!.set(value, (filter.counts[i]!.get(value) ?? 0) + by)
  }
}

/** Whether a pod that came, changed or went can have changed what the waiting pod's constraints say. k8s: isSchedulableAfterPodChange */
function mayHelpAfterPodChange(pod: Pod, event: ClusterEvent, constraints: readonly Constraint[]): boolean {
  const [now, before] = [event.object as Pod, event.old as Pod | undefined]
  const isOwn = now.metadata.uid === pod.metadata.uid
  if (!isOwn && (!holdsRoom(now) || now.metadata.namespace !== pod.metadata.namespace)) return false
  if (!before) return constraints.some((constraint) => constraint.selects(now.metadata.labels))
  if (isOwn && !deepEqual(now.spec.tolerations, before.spec.tolerations) && constraints.some(({ honorTaints }) => honorTaints)) return true
  return constraints.some((constraint) => constraint.selects(before.metadata.labels) !== constraint.selects(now.metadata.labels))
}

/** k8s: isSchedulableAfterNodeChange */
function mayHelpAfterNodeChange({ object, old }: ClusterEvent, constraints: readonly Constraint[]): boolean {
  const [now, before] = [object as Node, old as Node | undefined]
  const isDomain = hasAllKeys(now, constraints)
  if (!before) return isDomain
  if (isDomain !== hasAllKeys(before, constraints)) return true
  return isDomain && (constraints.some(({ topologyKey }) => before.metadata.labels?.[topologyKey] !== now.metadata.labels?.[topologyKey]) || !deepEqual(before.spec?.taints, now.spec?.taints))
}

/**
 * Keeps pods of a kind evenly spread over zones and nodes. k8s: plugins/podtopologyspread
 * @param defaults constraints for pods that say nothing themselves; absent: the system's. k8s: apis/config PodTopologySpreadArgs defaultConstraints
 */
export function createPodTopologySpread(defaults?: readonly TopologySpreadConstraint[]): PreFilterPlugin & FilterPlugin & PreScorePlugin & ScorePlugin {
  const byDefault = defaults ?? DEFAULTS
  const constraintsOf = (pod: Pod, action: string, handle: Handle) => pod.spec.topologySpreadConstraints?.length ? ownConstraints(pod, action) : defaultConstraints(pod, byDefault.filter(({ whenUnsatisfiable }) => whenUnsatisfiable === action), handle)
  const hard = (pod: Pod, handle: Handle) => constraintsOf(pod, 'DoNotSchedule', handle)
  return {
    name: NAME,
    weight: 2,
    preFilter({ pod, state }, handle) {
      const { cluster } = handle
      const constraints = hard(pod, handle)
      if (constraints.length === 0) return SKIP
      const counts = constraints.map(() => new Map<string, number>())
      const perNode = constraints.map((constraint) => cluster.counter(constraint.key, constraint.counts).counts)
      for (const { node } of cluster.nodes) {
        if (!hasAllKeys(node, constraints)) continue
        for (const [i, constraint] of constraints.entries()) {
          if (!includes(constraint, pod, node)) continue
          const value = node.metadata.labels![constraint.topologyKey]!
          counts[i]!.set(value, (counts[i]!.get(value) ?? 0) + (perNode[i]!.get(node.metadata.name!) ?? 0))
        }
      }
      state.set(NAME, { constraints, counts } satisfies FilterState)
      return PASS
    },
    addPod: (cycle, { pod }, node) => change(cycle, pod, node, 1),
    removePod: (cycle, { pod }, node) => change(cycle, pod, node, -1),
    cloneState: (state) => ({ constraints: (state as FilterState).constraints, counts: (state as FilterState).counts.map((counts) => new Map(counts)) }),
    filter({ pod, state }, { node }) {
      const { constraints, counts } = state.get(NAME) as FilterState
      for (const [i, constraint] of constraints.entries()) {
        const value = node.metadata.labels?.[constraint.topologyKey]
        if (value === undefined) return unresolvable(`${NO_MATCH} (missing required label)`)
        const own = counts[i]!
        const least = own.size < constraint.minDomains ? 0 : Math.min(...own.values())
        const skew = (own.get(value) ?? 0) + (constraint.selects(pod.metadata.labels) ? 1 : 0) - (least === Infinity ? 0 : least)
        if (skew > constraint.maxSkew) return unschedulable(NO_MATCH)
      }
      return PASS
    },
    preScore({ pod, state }, nodes, handle) {
      const requireAll = (pod.spec.topologySpreadConstraints?.length ?? 0) > 0 || defaults !== undefined
      const constraints = constraintsOf(pod, 'ScheduleAnyway', handle)
      if (constraints.length === 0) return SKIP
      const { cluster } = handle
      const ignored = new Set<string>()
      const counts = constraints.map(() => new Map<string, number>())
      if (requireAll) for (const { node } of nodes) if (!hasAllKeys(node, constraints)) ignored.add(node.metadata.name!)
      /** Whether a node has the key: those without are a topology of their own where not all labels are required, but nobody asks for its count. */
      const isLabelled = constraints.map(() => false)
      for (const [i, { topologyKey }] of constraints.entries()) {
        if (topologyKey === HOSTNAME) continue
        for (const { node } of nodes) {
          if (ignored.size > 0 && ignored.has(node.metadata.name!)) continue
          const value = node.metadata.labels?.[topologyKey]
          if (value !== undefined) isLabelled[i] = true
          counts[i]!.set(value ?? '', 0)
        }
      }
      const perNode = constraints.map((constraint) => cluster.counter(constraint.key, constraint.counts).counts)
      for (const [i, constraint] of constraints.entries()) {
        if (!isLabelled[i]) continue
        for (const { node } of cluster.nodes) {
          if (requireAll && !hasAllKeys(node, constraints)) continue
          const value = node.metadata.labels?.[constraint.topologyKey] ?? ''
          if (!counts[i]!.has(value) || !includes(constraint, pod, node)) continue
          counts[i]!.set(value, counts[i]!.get(value)! + (perNode[i]!.get(node.metadata.name!) ?? 0))
        }
      }
      const weights = constraints.map(({ topologyKey }, i) => Math.log((topologyKey === HOSTNAME ? nodes.length - ignored.size : counts[i]!.size) + 2))
      state.set(SCORE_STATE, { constraints, ignored, counts, perNode, weights } satisfies ScoreState)
      return PASS
    },
    score({ state }, { node }) {
      const { constraints, ignored, counts, perNode, weights } = state.get(SCORE_STATE) as ScoreState
      const name = node.metadata.name!
      if (ignored.size > 0 && ignored.has(name)) return 0
      let score = 0
      for (let i = 0; i < constraints.length; i++) {
        const { topologyKey, maxSkew } = constraints[i]!
        const value = node.metadata.labels?.[topologyKey]
        if (value === undefined) continue
        const count = topologyKey === HOSTNAME ? perNode[i]!.get(name) ?? 0 : counts[i]!.get(value) ?? 0
        score += count * weights[i]! + (maxSkew - 1)
      }
      return Math.round(score)
    },
    normalize({ state }, scores, nodes) {
      const { ignored } = state.get(SCORE_STATE) as ScoreState
      let min = Infinity
      let max = 0
      const skips = (i: number) => ignored.size > 0 && ignored.has(nodes[i]!.node.metadata.name!)
      for (let i = 0; i < scores.length; i++) {
        if (skips(i)) continue
        min = Math.min(min, scores[i]!)
        max = Math.max(max, scores[i]!)
      }
      for (let i = 0; i < scores.length; i++)
        scores[i] = skips(i) ? 0 : max === 0 ? MAX_NODE_SCORE : Math.trunc(MAX_NODE_SCORE * (max + min - scores[i]!) / max)
    },
    retryOn: [
      on('Pod', ['Add', 'Delete', 'UpdatePodLabel', 'UpdatePodTolerations'], (pod, event, handle) => mayHelpAfterPodChange(pod, event, hard(pod, handle))),
      on('Node', ['Add', 'Delete', 'UpdateNodeLabel', 'UpdateNodeTaint'], (pod, event, handle) => mayHelpAfterNodeChange(event, hard(pod, handle))),
    ],
  }
}

/** As it is in the default profile. */
export const podTopologySpread = createPodTopologySpread()
