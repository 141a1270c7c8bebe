import { rfc3339 } from '../../../base/clock.ts'
import { findCondition } from '../../client/conditions.ts'
import { selects } from '../../client/label-selection.ts'
import type { PodCondition, PodDisruptionBudget } from '../../kinds/generated/types.ts'
import { isStatusError } from '../../kinds/status-error.ts'
import { conditionPatch } from '../condition-patch.ts'
import { fitErrorMessage } from '../fit-error.ts'
import { on, type Cycle, type Diagnosis, type Handle, type PostFilterPlugin, type PreEnqueuePlugin } from '../framework.ts'
import type { NodeInfo } from '../node-info.ts'
import type { PodInfo } from '../pod-info.ts'
import { failed, isRejection, messageOfStatus, unresolvable, type SchedulingStatus } from '../status.ts'

const MIN_CANDIDATES = 100
const MIN_CANDIDATES_PERCENT = 10
const NO_VICTIMS = unresolvable('No preemption victims found for incoming pod')
const NOT_HELPFUL = unresolvable('Preemption is not helpful for scheduling')

interface Candidate {
  node: string
  victims: PodInfo[]
  violations: number
}

/** Pods whose victims are still being told to go. */
const preempting = new Set<string>()

const startOf = ({ pod }: PodInfo) => pod.status?.startTime ?? rfc3339(8.64e15 / 1000)
/** Higher priority, then longer running. k8s: util.MoreImportantPod */
const byImportance = (a: PodInfo, b: PodInfo) => b.priority - a.priority || (startOf(a) < startOf(b) ? -1 : startOf(a) > startOf(b) ? 1 : 0)

/** How many nodes are tried out. k8s: apis/config DefaultPreemptionArgs */
export interface DefaultPreemptionArgs {
  /** Of all nodes on which room could be made, 0 to 100. */
  minCandidateNodesPercentage?: number
  minCandidateNodesAbsolute?: number
}

/** Makes room for more important pods by evicting less important ones. k8s: plugins/defaultpreemption, framework/preemption */
export function createDefaultPreemption({ minCandidateNodesPercentage = MIN_CANDIDATES_PERCENT, minCandidateNodesAbsolute = MIN_CANDIDATES }: DefaultPreemptionArgs = {}): PostFilterPlugin & PreEnqueuePlugin {
  return {
    name: 'DefaultPreemption',
    preEnqueue: (pod) => preempting.has(pod.metadata.uid!) ? unresolvable('waiting for the preemption for this pod to be finished') : undefined,
    postFilter(cycle, diagnosis, handle) {
      const { info } = cycle
      const { cluster, random, counters } = handle
      counters.preemption()
      const ineligible = whyNot(cycle, diagnosis, handle)
      if (ineligible) return { message: `preemption: ${ineligible}` }
      const statuses = new Map<string, SchedulingStatus>()
      const nodes = cluster.nodes.filter(({ node }) => (diagnosis.nodes.get(node.metadata.name!) ?? diagnosis.absent)?.code === 'Unschedulable')
      const budgets = handle.informers.for<PodDisruptionBudget>('poddisruptionbudgets.policy').list()
      const wanted = Math.min(nodes.length, Math.max(minCandidateNodesAbsolute, Math.trunc(nodes.length * minCandidateNodesPercentage / 100)))
      const offset = nodes.length > 0 ? random.int(nodes.length) : 0
      // Once there are enough, one of which no budget stands in the way of will do. k8s: DryRunPreemption
      const harmless: Candidate[] = []
      const violating: Candidate[] = []
      const problems = new Set<string>()
      for (let i = 0; i < nodes.length && !(harmless.length > 0 && harmless.length + violating.length >= wanted); i++) {
        const node = nodes[(offset + i) % nodes.length]!
        let found = selectVictims(cycle, node, budgets, handle)
        if (!('code' in found) && found.victims.length === 0) found = failed(`expected at least one victim pod on node "${node.node.metadata.name}"`)
        if ('code' in found) {
          if (found.code === 'Error') problems.add(messageOfStatus(found))
          statuses.set(node.node.metadata.name!, found)
        } else if (found.violations === 0) harmless.push(found)
        else violating.push(found)
      }
      const candidates = [...harmless, ...violating]
      if (candidates.length === 0 && problems.size > 0) return { message: `preemption: ${problems.size === 1 ? [...problems][0] : `[${[...problems].join(', ')}]`}`, failed: true }
      if (candidates.length === 0)
        return { nominatedNodeName: '', message: `preemption: ${fitErrorMessage({ nodeCount: cluster.nodes.length, diagnosis: { nodes: statuses, absent: NOT_HELPFUL } })}` }
      const best = pickCandidate(candidates)
      if (best.victims.some(({ pod }) => pod.metadata.deletionTimestamp === undefined)) counters.victims(best.victims.length)
      void evict(info, best, handle)
      return { nominatedNodeName: best.node, success: true }
    },
    // Freed by its own end.
    retryOn: [on('Pod', 'Delete', () => false)],
  }
}

/** As it is in the default profile. */
export const defaultPreemption = createDefaultPreemption()

/** k8s: PodEligibleToPreemptOthers */
function whyNot({ pod, info }: Cycle, diagnosis: Diagnosis, { cluster }: Handle): string | undefined {
  if (pod.spec.preemptionPolicy === 'Never') return 'not eligible due to preemptionPolicy=Never.'
  const nominated = pod.status?.nominatedNodeName
  if (!nominated || (diagnosis.nodes.get(nominated) ?? diagnosis.absent)?.code === 'UnschedulableAndUnresolvable') return undefined
  for (const other of cluster.node(nominated)?.pods.values() ?? []) {
    const condition = findCondition(other.pod.status?.conditions, 'DisruptionTarget')
    if (other.priority < info.priority && other.pod.metadata.deletionTimestamp !== undefined && condition?.status === 'True' && condition.reason === 'PreemptionByScheduler')
      return 'not eligible due to a terminating pod on the nominated node.'
  }
  return undefined
}

/** The least that has to go for the pod to fit. k8s: SelectVictimsOnNode */
function selectVictims(cycle: Cycle, real: NodeInfo, budgets: readonly PodDisruptionBudget[], handle: Handle): Candidate | SchedulingStatus {
  const node = real.clone()
  const potential = [...node.pods.values()].filter((other) => other.priority < cycle.info.priority)
  if (potential.length === 0) return NO_VICTIMS
  const snapshot = handle.cloneCycle(cycle)
  const remove = (other: PodInfo) => {
    node.remove(other.pod.metadata.uid!)
    handle.assumeRemoved(snapshot, other, node)
  }
  const add = (other: PodInfo) => {
    node.add(other)
    handle.assumeAdded(snapshot, other, node)
  }
  for (const other of potential) remove(other)
  const status = handle.runFilters(snapshot, node)
  if (status) return isRejection(status) ? status : failed(`running "${status.plugin}" filter plugin: ${messageOfStatus(status)}`)
  potential.sort(byImportance)
  const { violating, others } = splitByBudget(potential, budgets)
  const victims: PodInfo[] = []
  let violations = 0
  for (const [group, isViolating] of [[violating, true], [others, false]] as const)
    for (const other of group) {
      add(other)
      if (!handle.runFilters(snapshot, node)) continue
      remove(other)
      victims.push(other)
      if (isViolating) violations++
    }
  return { node: node.node.metadata.name!, victims: victims.sort(byImportance), violations }
}

/** k8s: filterPodsWithPDBViolation */
function splitByBudget(pods: readonly PodInfo[], budgets: readonly PodDisruptionBudget[]): { violating: PodInfo[]; others: PodInfo[] } {
  const allowed = budgets.map((budget) => budget.status?.disruptionsAllowed ?? 0)
  const violating: PodInfo[] = []
  const others: PodInfo[] = []
  for (const info of pods) {
    const { labels, namespace, name } = info.pod.metadata
    let violates = false
    if (labels) for (const [i, budget] of budgets.entries()) {
      const selector = budget.spec?.selector
      if (budget.metadata.namespace !== namespace || !selector || (!Object.keys(selector.matchLabels ?? {}).length && !selector.matchExpressions?.length) || !selects(selector, labels)) continue
      if (budget.status?.disruptedPods?.[name!] !== undefined) continue
      if (--allowed[i]! < 0) violates = true
    }
    ;(violates ? violating : others).push(info)
  }
  return { violating, others }
}

/** k8s: pickOneNodeForPreemption */
function pickCandidate(candidates: readonly Candidate[]): Candidate {
  const earliest = ({ victims }: Candidate) => {
    const top = victims[0]?.priority
    return Math.min(...victims.filter((victim) => victim.priority === top).map((victim) => Date.parse(startOf(victim))))
  }
  const scores: ((candidate: Candidate) => number)[] = [
    ({ violations }) => -violations,
    ({ victims }) => -(victims[0]?.priority ?? -Infinity),
    ({ victims }) => -victims.reduce((sum, { priority }) => sum + priority + 2 ** 31, 0),
    ({ victims }) => -victims.length,
    earliest,
  ]
  let left = [...candidates]
  for (const score of scores) {
    if (left.length === 1) break
    const max = Math.max(...left.map(score))
    left = left.filter((candidate) => score(candidate) === max)
  }
  return left[0]!
}

/**
 * Tells the victims to go that aren't going yet. Less important pods that have the node promised lose it first, so that they look for another while the victims leave.
 * k8s: prepareCandidateAsync
 */
async function evict(preemptor: PodInfo, { node, victims }: Candidate, handle: Handle): Promise<void> {
  const { api, clock, events, log } = handle
  const uid = preemptor.pod.metadata.uid!
  const staying = victims.filter(({ pod }) => pod.metadata.deletionTimestamp === undefined)
  if (staying.length === 0) return
  preempting.add(uid)
  try {
    for (const other of handle.nominatedTo(node)) if (other.priority < preemptor.priority) await handle.nominate(other.pod, '')
    for (const { pod } of staying) {
      const { name, namespace, generation } = pod.metadata
      try {
        const condition: PodCondition = {
          type: 'DisruptionTarget', ...(generation ? { observedGeneration: generation } : {}), status: 'True', lastTransitionTime: rfc3339(clock.nowMs()),
          reason: 'PreemptionByScheduler', message: `${preemptor.pod.spec.schedulerName ?? 'default-scheduler'}: preempting to accommodate a higher priority pod`,
        }
        await api.patch('pods', name!, namespace, 'application/strategic-merge-patch+json', { metadata: { uid: pod.metadata.uid }, status: conditionPatch(pod, condition) }, { subresource: 'status' })
        await api.delete('pods', name!, namespace)
        events.event(pod, 'Normal', 'Preempted', `Preempted by pod ${uid} on node ${node}`)
      } catch (error) {
        if (!isStatusError(error, 'NotFound')) log.warn(`could not preempt pod ${namespace}/${name}`, { error: String(error) })
      }
    }
  } finally {
    preempting.delete(uid)
    handle.ungate(preemptor.pod)
  }
}
