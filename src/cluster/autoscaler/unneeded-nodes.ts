import type { Clock } from '../../base/clock.ts'
import { amountOf, podAmounts } from '../client/pod-resources.ts'
import type { Node, Pod, PodDisruptionBudget } from '../kinds/generated/types.ts'
import type { CloudProvider } from './cloud-provider.ts'
import type { AutoscalingOptions } from './options.ts'
import { isDaemonSetPod, isMirrorPod, isReady, podsToMove, withoutPods } from './pods.ts'
import type { Simulator } from './simulator.ts'
import { TO_BE_DELETED_TAINT, hasTaint } from './taints.ts'

const DISABLED = 'cluster-autoscaler.kubernetes.io/scale-down-disabled'
/** How long a node that can't go isn't looked at again. k8s: --unremovable-node-recheck-timeout */
const RECHECK_MS = 5 * 60_000

/** How much of a node is asked for. k8s: simulator/utilization Info */
export interface Utilization {
  cpu: number
  memory: number
  resource: 'cpu' | 'memory'
  share: number
}

/** A node that nobody needs, and what would move. */
export interface Unneeded {
  node: Node
  pods: readonly Pod[]
  sinceMs: number
  utilization: Utilization
}

/** Go's printing of the struct. */
export const utilizationText = ({ cpu, memory, resource, share }: Utilization) => `{${cpu} ${memory} 0 0 ${resource} ${share}}`

/** The larger share of CPU or memory that pods of a node ask for. k8s: simulator/utilization Calculate */
export function utilizationOf(node: Node, pods: readonly Pod[], { ignoreDaemonSetsUtilization }: Pick<AutoscalingOptions, 'ignoreDaemonSetsUtilization'>): Utilization {
  // DaemonSets' pods that don't count are taken from both sides. k8s: CalculateUtilizationOfResource
  const isLeftOut = (pod: Pod) => ignoreDaemonSetsUtilization && isDaemonSetPod(pod)
  const share = (resource: 'cpu' | 'memory') => {
    const sum = (counted: readonly Pod[]) => counted.reduce((total, pod) => total + (podAmounts(pod)[resource] ?? 0), 0)
    const available = amountOf(resource, node.status?.allocatable?.[resource] ?? '0') - sum(pods.filter(isLeftOut))
    return available <= 0 ? 0 : sum(pods.filter((pod) => !isLeftOut(pod))) / available
  }
  const cpu = share('cpu')
  const memory = share('memory')
  return cpu > memory ? { cpu, memory, resource: 'cpu', share: cpu } : { cpu, memory, resource: 'memory', share: memory }
}

export interface UnneededInput {
  /** Nodes that are registered and have started. */
  nodes: readonly Node[]
  podsOn(nodeName: string): readonly Pod[]
  budgets: readonly PodDisruptionBudget[]
  cloud: CloudProvider
  simulator: Simulator
  options: AutoscalingOptions
  clock: Clock
  log(level: number, at: string, text: string): void
}

/** Nodes without which everything would have its place, and since when. k8s: core/scaledown/planner */
export class UnneededNodes {
  #known = new Map<string, Unneeded>()
  readonly #unremovableUntil = new Map<string, number>()

  get all(): readonly Unneeded[] {
    return [...this.#known.values()]
  }

  clear(): void {
    this.#known.clear()
  }

  /** Looks which nodes could go together; moves what they run in the simulation. */
  async update({ nodes, podsOn, budgets, cloud, simulator, options, clock, log }: UnneededInput): Promise<void> {
    const nowMs = clock.nowMs()
    const candidates: { node: Node; pods: readonly Pod[]; utilization: Utilization }[] = []
    for (const node of nodes) {
      await clock.breathe()
      const name = node.metadata.name!
      const group = cloud.nodeGroupFor(node)
      if (!group || hasTaint(node, TO_BE_DELETED_TAINT)) continue
      // k8s: processors/nodes PreFilteringScaleDownNodeProcessor
      if (group.targetSize <= group.minSize) {
        log(1, 'pre_filtering_processor.go:67', `Skipping ${name} - node group min size reached (current: ${group.targetSize}, min: ${group.minSize})`)
        continue
      }
      if ((this.#unremovableUntil.get(name) ?? 0) > nowMs) continue
      if (node.metadata.annotations?.[DISABLED] === 'true') {
        log(1, 'eligibility.go:105', `Skipping ${name} from delete consideration - the node is marked as no scale down`)
        continue
      }
      const pods = podsOn(name)
      const utilization = utilizationOf(node, pods, options)
      const percent = `${Number((utilization.share * 100).toPrecision(6))}%`
      if (isReady(node) && utilization.share >= options.scaleDownUtilizationThreshold) {
        log(4, 'eligibility.go:163', `Node ${name} unremovable: ${utilization.resource} requested (${percent} of allocatable) is above the scale-down utilization threshold`)
        continue
      }
      log(4, 'eligibility.go:167', `Node ${name} - ${utilization.resource} requested is ${percent} of allocatable`)
      candidates.push({ node, pods, utilization })
    }
    // Empty ones first: nothing has to move for them. Then those that were unneeded before.
    const isEmpty = (pods: readonly Pod[]) => pods.every((pod) => isMirrorPod(pod) || isDaemonSetPod(pod))
    candidates.sort((a, b) => Number(isEmpty(b.pods)) - Number(isEmpty(a.pods)) || Number(this.#known.has(b.node.metadata.name!)) - Number(this.#known.has(a.node.metadata.name!)))
    const leaving = new Set<string>()
    /** Nodes that have been given pods of others: they have to stay. */
    const destinations = new Set<string>()
    const found = new Map<string, Unneeded>()
    // What a node that goes takes with it is no longer allowed for the next.
    let allowed = budgets
    for (const { node, pods, utilization } of candidates) {
      await clock.breathe()
      const name = node.metadata.name!
      const movable = podsToMove(pods, allowed, options, nowMs)
      const reason = 'blocked' in movable ? `pod ${movable.blocked.metadata.namespace}/${movable.blocked.metadata.name} can't be moved: ${movable.reason}`
        : destinations.has(name) ? undefined : await this.#move(name, movable.pods, nodes, leaving, destinations, simulator, clock)
      if (reason !== undefined || 'blocked' in movable) {
        log(2, 'cluster.go:156', `node ${name} cannot be removed: ${reason}`)
        this.#unremovableUntil.set(name, nowMs + RECHECK_MS)
        continue
      }
      if (destinations.has(name)) continue
      leaving.add(name)
      simulator.removeNode(name)
      allowed = withoutPods(allowed, movable.pods)
      found.set(name, { node, pods: movable.pods, utilization, sinceMs: this.#known.get(name)?.sinceMs ?? nowMs })
    }
    this.#known = found
    for (const [name, untilMs] of this.#unremovableUntil) if (untilMs <= nowMs) this.#unremovableUntil.delete(name)
  }

  /** Finds other nodes for pods. @returns why that can't be; then nothing has moved */
  async #move(from: string, pods: readonly Pod[], nodes: readonly Node[], leaving: ReadonlySet<string>, destinations: Set<string>, simulator: Simulator, clock: Clock): Promise<string | undefined> {
    const others = nodes.map(({ metadata }) => metadata.name!).filter((name) => name !== from && !leaving.has(name))
    const moved: { pod: Pod; to: string }[] = []
    for (const pod of pods) {
      await clock.breathe()
      simulator.take(pod)
      const to = simulator.findNode(pod, others)
      if (to === undefined) {
        for (const each of [pod, ...moved.map((one) => one.pod)]) simulator.put(each, from)
        return `can reschedule only ${moved.length} out of ${pods.length} pods`
      }
      simulator.put(pod, to)
      moved.push({ pod, to })
    }
    for (const { to } of moved) destinations.add(to)
    return undefined
  }
}
