import { selects } from '../../client/label-selection.ts'
import type { Namespace, Node, Pod, PodAffinityTerm, WeightedPodAffinityTerm } from '../../kinds/generated/types.ts'
import type { KubeObject } from '../../kinds/object.ts'
import { isDeletion, MAX_NODE_SCORE, on, type ClusterEvent, type Cycle, type FilterPlugin, type Handle, type PreFilterPlugin, type PreScorePlugin, type ScorePlugin } from '../framework.ts'
import type { NodeInfo } from '../node-info.ts'
import { holdsRoom, podInfoOf, type PodInfo } from '../pod-info.ts'
import { PASS, SKIP, unresolvable, unschedulable } from '../status.ts'

const NAME = 'InterPodAffinity'
const SCORE_STATE = 'InterPodAffinity/score'
/** k8s: apis/config/v1 SetDefaults_InterPodAffinityArgs */
const HARD_WEIGHT = 1

/** Counts by `key=value` of a topology. */
type Counts = Map<string, number>

interface FilterState {
  existingAnti: Counts
  affinity: Counts
  anti: Counts
}

/** Whether `pod` is one that a term of `owner` means. */
function termMatches(term: PodAffinityTerm, owner: Pod, pod: Pod, { informers }: Handle): boolean {
  const { namespaces, namespaceSelector, labelSelector, matchLabelKeys, mismatchLabelKeys } = term
  const inNamespace = (namespaces?.length || namespaceSelector)
    ? (namespaces?.includes(pod.metadata.namespace!) ?? false) || (namespaceSelector !== undefined && selects(namespaceSelector, informers.for<Namespace>('namespaces').get(pod.metadata.namespace!)?.metadata.labels))
    : pod.metadata.namespace === owner.metadata.namespace
  if (!inNamespace || !selects(labelSelector, pod.metadata.labels)) return false
  // The API server writes these into the selector; they count here for pods that came before it did.
  for (const key of matchLabelKeys ?? []) if (owner.metadata.labels?.[key] !== undefined && pod.metadata.labels?.[key] !== owner.metadata.labels[key]) return false
  for (const key of mismatchLabelKeys ?? []) if (owner.metadata.labels?.[key] !== undefined && pod.metadata.labels?.[key] === owner.metadata.labels[key]) return false
  return true
}

const pairOf = (term: PodAffinityTerm, node: Node) => {
  const value = node.metadata.labels?.[term.topologyKey]
  return value === undefined ? undefined : `${term.topologyKey}=${value}`
}

function bump(counts: Counts, pair: string | undefined, by: number): void {
  if (pair === undefined) return
  const next = (counts.get(pair) ?? 0) + by
  if (next === 0) counts.delete(pair)
  else counts.set(pair, next)
}

const matchesAll = (terms: readonly PodAffinityTerm[], owner: Pod, pod: Pod, handle: Handle) => terms.length > 0 && terms.every((term) => termMatches(term, owner, pod, handle))

/** What another pod on a node means for the one to be placed. */
function count(state: FilterState, { info, pod }: Cycle, other: PodInfo, node: Node, by: number, handle: Handle): void {
  for (const term of other.requiredAntiAffinity) if (termMatches(term, other.pod, pod, handle)) bump(state.existingAnti, pairOf(term, node), by)
  if (matchesAll(info.requiredAffinity, pod, other.pod, handle)) for (const term of info.requiredAffinity) bump(state.affinity, pairOf(term, node), by)
  for (const term of info.requiredAntiAffinity) if (termMatches(term, pod, other.pod, handle)) bump(state.anti, pairOf(term, node), by)
}

const preferred = (pod: Pod, kind: 'podAffinity' | 'podAntiAffinity'): readonly WeightedPodAffinityTerm[] => pod.spec.affinity?.[kind]?.preferredDuringSchedulingIgnoredDuringExecution ?? []

/**
 * Whether all terms mean a pod, as far as can be said without looking at namespaces: a selector of namespaces that asks for labels means none here, as upstream.
 * k8s: podMatchesAllAffinityTerms of queueing hints
 */
function hintMatchesAll(terms: readonly PodAffinityTerm[], owner: Pod, pod: Pod): boolean {
  return terms.length > 0 && terms.every(({ namespaces, namespaceSelector, labelSelector }) => {
    const inNamespace = namespaces?.length || namespaceSelector
      ? (namespaces?.includes(pod.metadata.namespace!) ?? false) || (namespaceSelector !== undefined && selects(namespaceSelector, undefined))
      : pod.metadata.namespace === owner.metadata.namespace
    return inNamespace && selects(labelSelector, pod.metadata.labels)
  })
}

/** Whether a pod that came, changed or went may let the waiting pod in. k8s: isSchedulableAfterPodChange */
function mayHelpAfterPodChange(pod: Pod, event: ClusterEvent): boolean {
  const [other, before] = [event.object as Pod, event.old as Pod | undefined]
  if (before && other.metadata.uid === pod.metadata.uid) return true
  if (!holdsRoom(other) || (before && !holdsRoom(before))) return false
  const { requiredAffinity, requiredAntiAffinity } = podInfoOf(pod)
  if (before)
    return (!hintMatchesAll(requiredAffinity, pod, before) && hintMatchesAll(requiredAffinity, pod, other)) || (hintMatchesAll(requiredAntiAffinity, pod, before) && !hintMatchesAll(requiredAntiAffinity, pod, other))
  if (!isDeletion(event)) return hintMatchesAll(requiredAffinity, pod, other)
  return hintMatchesAll(requiredAntiAffinity, pod, other) || hintMatchesAll(podInfoOf(other).requiredAntiAffinity, other, pod)
}

/** Whether a node has come into, left or changed a topology that the pod's terms speak of. k8s: isSchedulableAfterNodeChange */
function mayHelpAfterNodeChange(pod: Pod, { object, old }: ClusterEvent): boolean {
  const { requiredAffinity, requiredAntiAffinity } = podInfoOf(pod)
  const valueOf = (node: KubeObject, { topologyKey }: PodAffinityTerm) => node.metadata.labels?.[topologyKey]
  if (!old) return requiredAntiAffinity.length > 0 || requiredAffinity.some((term) => valueOf(object, term) !== undefined)
  return requiredAffinity.some((term) => valueOf(object, term) !== undefined && valueOf(old, term) !== valueOf(object, term))
    || requiredAntiAffinity.some((term) => valueOf(old, term) !== undefined && valueOf(old, term) !== valueOf(object, term))
}

/** How a profile sets up the plugin. k8s: apis/config InterPodAffinityArgs */
export interface InterPodAffinityArgs {
  /** Weight of other pods' required affinity to this one, 0 to 100. */
  hardPodAffinityWeight?: number
  /** Whether what others prefer counts only for pods that prefer something themselves. */
  ignorePreferredTermsOfExistingPods?: boolean
}

/** Near some pods, away from others. k8s: plugins/interpodaffinity */
export function createInterPodAffinity({ hardPodAffinityWeight = HARD_WEIGHT, ignorePreferredTermsOfExistingPods = false }: InterPodAffinityArgs = {}): PreFilterPlugin & FilterPlugin & PreScorePlugin & ScorePlugin {
  return {
    name: NAME,
    weight: 2,
    preFilter(cycle, handle) {
      const { info } = cycle
      const { cluster } = handle
      const asks = info.requiredAffinity.length > 0 || info.requiredAntiAffinity.length > 0
      if (!asks && !cluster.hasAntiAffinity) return SKIP
      const state: FilterState = { existingAnti: new Map(), affinity: new Map(), anti: new Map() }
      for (const node of cluster.nodes)
        for (const other of (asks ? node.pods : node.podsWithRequiredAntiAffinity).values()) count(state, cycle, other, node.node, 1, handle)
      if (!asks && state.existingAnti.size === 0) return SKIP
      cycle.state.set(NAME, state)
      return PASS
    },
    addPod(cycle, other, { node }, handle) {
      const state = cycle.state.get(NAME) as FilterState | undefined
      if (state) count(state, cycle, other, node, 1, handle)
    },
    removePod(cycle, other, { node }, handle) {
      const state = cycle.state.get(NAME) as FilterState | undefined
      if (state) count(state, cycle, other, node, -1, handle)
    },
    cloneState(state) {
      const { existingAnti, affinity, anti } = state as FilterState
      return { existingAnti: new Map(existingAnti), affinity: new Map(affinity), anti: new Map(anti) }
    },
    filter(cycle, { node }, handle) {
      const { info, pod } = cycle
      const { existingAnti, affinity, anti } = cycle.state.get(NAME) as FilterState
      let found = true
      for (const term of info.requiredAffinity) {
        const pair = pairOf(term, node)
        if (pair === undefined) return unresolvable("node(s) didn't match pod affinity rules")
        if ((affinity.get(pair) ?? 0) <= 0) found = false
      }
      // The first pod of a group that wants to be together may go anywhere.
      if (!found && !(affinity.size === 0 && matchesAll(info.requiredAffinity, pod, pod, handle))) return unresolvable("node(s) didn't match pod affinity rules")
      for (const term of info.requiredAntiAffinity) {
        const pair = pairOf(term, node)
        if (pair !== undefined && (anti.get(pair) ?? 0) > 0) return unschedulable("node(s) didn't match pod anti-affinity rules")
      }
      if (existingAnti.size > 0) for (const [key, value] of Object.entries(node.metadata.labels ?? {}))
        if ((existingAnti.get(`${key}=${value}`) ?? 0) > 0) return unschedulable("node(s) didn't satisfy existing pods anti-affinity rules")
      return PASS
    },
    preScore({ pod, state }, _, handle) {
      const { cluster } = handle
      const wanted = preferred(pod, 'podAffinity')
      const unwanted = preferred(pod, 'podAntiAffinity')
      const asks = wanted.length > 0 || unwanted.length > 0
      if (!asks && (ignorePreferredTermsOfExistingPods || !cluster.hasAffinity)) return SKIP
      const scores: Counts = new Map()
      const add = (term: PodAffinityTerm, owner: Pod, other: Pod, node: Node, weight: number) => {
        const pair = pairOf(term, node)
        if (pair !== undefined && termMatches(term, owner, other, handle)) scores.set(pair, (scores.get(pair) ?? 0) + weight)
      }
      for (const node of cluster.nodes) {
        for (const other of (asks ? node.pods : node.podsWithAffinity).values()) {
          for (const { weight, podAffinityTerm } of wanted) add(podAffinityTerm, pod, other.pod, node.node, weight)
          for (const { weight, podAffinityTerm } of unwanted) add(podAffinityTerm, pod, other.pod, node.node, -weight)
          if (!other.hasAffinity) continue
          if (hardPodAffinityWeight > 0) for (const term of other.requiredAffinity) add(term, other.pod, pod, node.node, hardPodAffinityWeight)
          for (const { weight, podAffinityTerm } of preferred(other.pod, 'podAffinity')) add(podAffinityTerm, other.pod, pod, node.node, weight)
          for (const { weight, podAffinityTerm } of preferred(other.pod, 'podAntiAffinity')) add(podAffinityTerm, other.pod, pod, node.node, -weight)
        }
      }
      if (scores.size === 0) return SKIP
      state.set(SCORE_STATE, scores)
      return PASS
    },
    score({ state }, { node }: NodeInfo) {
      const scores = state.get(SCORE_STATE) as Counts
      let sum = 0
      for (const [pair, score] of scores) {
        const at = pair.indexOf('=')
        if (node.metadata.labels?.[pair.slice(0, at)] === pair.slice(at + 1)) sum += score
      }
      return sum
    },
    normalize(_, scores) {
      const min = Math.min(...scores)
      const range = Math.max(...scores) - min
      for (let i = 0; i < scores.length; i++) scores[i] = range > 0 ? Math.trunc(MAX_NODE_SCORE * ((scores[i]! - min) / range)) : 0
    },
    retryOn: [on('Pod', ['Add', 'Delete', 'UpdatePodLabel'], mayHelpAfterPodChange), on('Node', ['Add', 'UpdateNodeLabel'], mayHelpAfterNodeChange)],
  }
}

/** As it is in the default profile. */
export const interPodAffinity = createInterPodAffinity()
