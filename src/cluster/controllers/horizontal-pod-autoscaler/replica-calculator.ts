import { podAmounts } from '../../client/pod-resources.ts'
import { findCondition } from '../../client/conditions.ts'
import type { CrossVersionObjectReference, HorizontalPodAutoscaler, LabelSelector as SelectorSpec, Pod } from '../../kinds/generated/types.ts'
import { goLabelSelector, labelSelectorOf, type LabelSelector } from '../../kinds/label-selector.ts'
import { parseQuantity } from '../../kinds/quantity.ts'
import { messageOf } from '../pod-control.ts'
import { isPodReady, timeMs } from '../pods.ts'
import { milliValue, type MetricsClient, type PodMetrics } from './metrics-client.ts'

/** How far usage may be off its target before anything is done, as shares of the target. */
export interface Tolerances {
  scaleDown: number
  scaleUp: number
}

/** How many replicas a metric asks for, and what was measured (thousandths, per pod unless the target is a whole value). */
export interface Proposal {
  replicas: number
  usage: bigint
  /** Usage in percent of what is requested. */
  utilization?: number
}

/** k8s: HorizontalPodAutoscalerTolerance */
const DEFAULT_TOLERANCE = 0.1
/** Within this time of its start a pod's CPU usage may be that of starting. k8s: HorizontalPodAutoscalerCPUInitializationPeriod */
const CPU_INITIALIZATION_MS = 5 * 60_000
/** Within this time of its start a change of readiness counts as the first. k8s: HorizontalPodAutoscalerInitialReadinessDelay */
const INITIAL_READINESS_MS = 30_000
const MAX_INT32 = 2 ** 31 - 1
const MAX_INT64 = 2n ** 63n - 1n
const MIN_INT64 = -(2n ** 63n)

/** k8s: tolerancesForHpa */
export function tolerancesOf({ spec: { behavior } }: HorizontalPodAutoscaler): Tolerances {
  const share = (text: string | number | undefined) => text === undefined ? DEFAULT_TOLERANCE : Number(parseQuantity(text).nanos) / 1e9
  return { scaleDown: share(behavior?.scaleDown?.tolerance), scaleUp: share(behavior?.scaleUp?.tolerance) }
}

/** The pods of a target, as they are in the cache now. */
export interface TargetPods {
  namespace: string
  selector: LabelSelector
  /** @returns pods that the selector picks */
  list(): readonly Pod[]
}

/** Turns metrics into numbers of replicas. Every method throws Error in upstream's words. k8s: pkg/controller/podautoscaler/replica_calculator.go */
export class ReplicaCalculator {
  readonly #metrics: MetricsClient
  readonly #nowMs: () => number

  constructor(metrics: MetricsClient, nowMs: () => number) {
    this.#metrics = metrics
    this.#nowMs = nowMs
  }

  /** For a share of what the pods request. */
  async byUtilization(current: number, target: number, resource: string, tolerances: Tolerances, pods: TargetPods, container: string): Promise<Proposal> {
    const metrics = await this.#usageOf(resource, pods, container)
    const list = targeted(pods)
    const { ready, unready, missing } = this.#group(list, metrics, resource)
    if (metrics.size === 0) throw new Error('did not receive metrics for targeted pods (pods might be unready)')
    const requests = requestsOf(list, container, resource)
    const measured = utilizationOf(metrics, requests, target)
    const { utilization, usage } = measured
    const at = (replicas: number): Proposal => ({ replicas, utilization, usage })
    const fallback = BigInt(Math.max(100, target))
    const proposed = rebalanced(measured.ratio, current, tolerances, { ready, unready, missing }, metrics, (pod) => requests.get(pod)! * fallback / 100n, () => utilizationOf(metrics, requests, target).ratio)
    return at(proposed)
  }

  /** For an amount of a resource per pod. */
  async byUsage(current: number, target: bigint, resource: string, tolerances: Tolerances, pods: TargetPods, container: string): Promise<Proposal> {
    return this.#byPodValues(await this.#usageOf(resource, pods, container), current, target, tolerances, pods, resource)
  }

  /** For a custom metric's value per pod. */
  async byPodsMetric(current: number, target: bigint, metric: string, tolerances: Tolerances, pods: TargetPods, selector: LabelSelector): Promise<Proposal> {
    let metrics: PodMetrics
    try {
      metrics = await this.#metrics.pods(metric, pods.namespace, pods.selector, selector)
    } catch (error) {
      throw new Error(`unable to get metric ${metric}: ${messageOf(error)}`)
    }
    return this.#byPodValues(metrics, current, target, tolerances, pods, '')
  }

  /** For a value of a metric that belongs to one object. */
  async byObject(current: number, target: bigint, metric: string, tolerances: Tolerances, described: CrossVersionObjectReference, pods: TargetPods, selector: LabelSelector): Promise<Proposal> {
    const usage = await this.#objectValue(metric, described, pods.namespace, selector)
    return { replicas: byRatio(current, Number(usage) / Number(target), tolerances, pods), usage }
  }

  /** For a share per pod of a metric that belongs to one object. */
  async byObjectPerPod(statusReplicas: number, target: bigint, metric: string, tolerances: Tolerances, described: CrossVersionObjectReference, pods: TargetPods, selector: LabelSelector): Promise<Proposal> {
    const usage = await this.#objectValue(metric, described, pods.namespace, selector)
    const ratio = Number(usage) / (Number(target) * statusReplicas)
    const replicas = isWithin(tolerances, ratio) ? statusReplicas : int32(Math.ceil(Number(usage) / Number(target)))
    return { replicas, usage: int64(Math.ceil(Number(usage) / statusReplicas)) }
  }

  /** For the sum of an external metric's values. */
  async byExternal(current: number, target: bigint, metric: string, tolerances: Tolerances, selector: SelectorSpec | undefined, pods: TargetPods): Promise<Proposal> {
    let usage = 0n
    for (const value of await this.#externalValues(metric, pods.namespace, selector)) {
      usage += value
      if (usage > MAX_INT64) {
        usage = MAX_INT64
        break
      }
    }
    return { replicas: byRatio(current, Number(usage) / Number(target), tolerances, pods), usage }
  }

  /** For a share per pod of the sum of an external metric's values. */
  async byExternalPerPod(statusReplicas: number, target: bigint, metric: string, tolerances: Tolerances, selector: SelectorSpec | undefined, namespace: string): Promise<Proposal> {
    let usage = 0n
    for (const value of await this.#externalValues(metric, namespace, selector)) {
      usage = BigInt.asIntN(64, usage + value)
      // Negative means for upstream that the sum was too big, whatever the values were.
      if (usage < 0n) {
        usage = MAX_INT64
        break
      }
    }
    const ratio = Number(usage) / (Number(target) * statusReplicas)
    const replicas = isWithin(tolerances, ratio) ? statusReplicas : capped(Number(usage) / Number(target))
    return { replicas, usage: Number(usage) >= Number(MAX_INT64) ? MAX_INT64 : int64(Math.ceil(Number(usage) / statusReplicas)) }
  }

  async #usageOf(resource: string, { namespace, selector }: TargetPods, container: string): Promise<PodMetrics> {
    try {
      return await this.#metrics.resource(resource, namespace, selector, container)
    } catch (error) {
      throw new Error(`unable to get metrics for resource ${resource}: ${messageOf(error)}`)
    }
  }

  async #objectValue(metric: string, described: CrossVersionObjectReference, namespace: string, selector: LabelSelector): Promise<bigint> {
    try {
      return await this.#metrics.object(metric, namespace, described, selector)
    } catch (error) {
      // Upstream's arguments are in this order.
      throw new Error(`unable to get metric ${metric}: ${described.kind} on ${namespace} ${described.name}/${messageOf(error)}`)
    }
  }

  async #externalValues(metric: string, namespace: string, selector: SelectorSpec | undefined): Promise<bigint[]> {
    const parsed = labelSelectorOf(selector)
    try {
      return await this.#metrics.external(metric, namespace, parsed)
    } catch (error) {
      throw new Error(`unable to get external metric ${namespace}/${metric}/${goLabelSelector(selector)}: ${messageOf(error)}`)
    }
  }

  /** k8s: calcPlainMetricReplicas */
  #byPodValues(metrics: PodMetrics, current: number, target: bigint, tolerances: Tolerances, pods: TargetPods, resource: string): Proposal {
    const groups = this.#group(targeted(pods), metrics, resource)
    if (metrics.size === 0) throw new Error('did not receive metrics for targeted pods (pods might be unready)')
    const { ratio, usage } = averageOf(metrics, target)
    return { replicas: rebalanced(ratio, current, tolerances, groups, metrics, () => target, () => averageOf(metrics, target).ratio), usage }
  }

  /** Sorts pods by what their metrics are good for, and drops those that are good for nothing. k8s: groupPods */
  #group(pods: readonly Pod[], metrics: PodMetrics, resource: string): PodGroups {
    const groups: PodGroups = { ready: 0, unready: new Set(), missing: new Set() }
    for (const pod of pods) {
      const name = pod.metadata.name!
      const phase = pod.status?.phase
      const metric = metrics.get(name)
      if (pod.metadata.deletionTimestamp !== undefined || phase === 'Failed') metrics.delete(name)
      else if (phase === 'Pending') groups.unready.add(name)
      else if (!metric) groups.missing.add(name)
      else if (resource === 'cpu' && this.#isStarting(pod, metric.timestampMs, metric.windowMs)) groups.unready.add(name)
      else groups.ready++
    }
    for (const name of groups.unready) metrics.delete(name)
    return groups
  }

  /** Whether a pod's CPU usage is that of its start. */
  #isStarting({ status }: Pod, measuredMs: number, windowMs: number): boolean {
    const ready = findCondition(status?.conditions, 'Ready')
    if (!ready || !status?.startTime) return true
    const startMs = timeMs(status.startTime)
    const changedMs = timeMs(ready.lastTransitionTime)
    // In its first minutes a pod counts once a whole measurement was made since it became ready; afterwards unless it never was.
    if (startMs + CPU_INITIALIZATION_MS > this.#nowMs()) return ready.status === 'False' || measuredMs < changedMs + windowMs
    return ready.status === 'False' && startMs + INITIAL_READINESS_MS > changedMs
  }
}

interface PodGroups {
  ready: number
  /** Names of pods that aren't ready for being measured. */
  unready: Set<string>
  /** Names of pods that weren't measured. */
  missing: Set<string>
}

function targeted({ list }: TargetPods): readonly Pod[] {
  const pods = list()
  if (pods.length === 0) throw new Error('no pods returned by selector while calculating replica count')
  return pods
}

/**
 * Replicas for a ratio of usage to target. Pods that can't be measured are counted with what holds back: as busy when fewer are wanted,
 * as idle when more are.
 */
function rebalanced(ratio: number, current: number, tolerances: Tolerances, { ready, unready, missing }: PodGroups, metrics: PodMetrics, busy: (pod: string) => bigint, again: () => number): number {
  const countsUnready = unready.size > 0 && ratio > 1
  if (!countsUnready && missing.size === 0) return isWithin(tolerances, ratio) ? current : int32(Math.ceil(ratio * ready))
  const assumed = (value: bigint) => ({ timestampMs: 0, windowMs: 0, value })
  if (ratio < 1) for (const pod of missing) metrics.set(pod, assumed(busy(pod)))
  else if (ratio > 1) for (const pod of missing) metrics.set(pod, assumed(0n))
  if (countsUnready) for (const pod of unready) metrics.set(pod, assumed(0n))
  const next = again()
  if (isWithin(tolerances, next) || (ratio < 1 && next > 1) || (ratio > 1 && next < 1)) return current
  const replicas = int32(Math.ceil(next * metrics.size))
  // The number of those that were measured must not turn the direction.
  if ((next < 1 && replicas > current) || (next > 1 && replicas < current)) return current
  return replicas
}

/** k8s: getUsageRatioReplicaCount */
function byRatio(current: number, ratio: number, tolerances: Tolerances, pods: TargetPods): number {
  if (current === 0) return int32(Math.ceil(ratio))
  if (isWithin(tolerances, ratio)) return current
  let list: readonly Pod[]
  try {
    list = targeted(pods)
  } catch (error) {
    throw new Error(`unable to calculate ready pods: ${messageOf(error)}`)
  }
  return capped(ratio * list.filter((pod) => pod.status?.phase === 'Running' && isPodReady(pod)).length)
}

function capped(replicas: number): number {
  return replicas > MAX_INT32 ? MAX_INT32 : int32(Math.ceil(replicas))
}

function isWithin({ scaleDown, scaleUp }: Tolerances, ratio: number): boolean {
  return 1 - scaleDown <= ratio && ratio <= 1 + scaleUp
}

/** k8s: GetResourceUtilizationRatio */
function utilizationOf(metrics: PodMetrics, requests: ReadonlyMap<string, bigint>, target: number): { ratio: number; utilization: number; usage: bigint } {
  let used = 0n
  let requested = 0n
  let count = 0n
  for (const [pod, { value }] of metrics) {
    const request = requests.get(pod)
    if (request === undefined) continue
    used += value
    requested += request
    count++
  }
  if (requested === 0n) throw new Error('no metrics returned matched known pods')
  const utilization = Number(BigInt.asIntN(32, used * 100n / requested))
  return { ratio: utilization / target, utilization, usage: used / count }
}

/** k8s: GetMetricUsageRatio */
function averageOf(metrics: PodMetrics, target: bigint): { ratio: number; usage: bigint } {
  let sum = 0n
  for (const { value } of metrics.values()) sum += value
  const usage = sum / BigInt(metrics.size)
  return { ratio: Number(usage) / Number(target), usage }
}

/** What pods request of a resource, in thousandths by pod name. k8s: calculateRequests */
function requestsOf(pods: readonly Pod[], container: string, resource: string): Map<string, bigint> {
  const requests = new Map<string, bigint>()
  for (const pod of pods) {
    const name = pod.metadata.name!
    const ofPod = pod.spec.resources?.requests
    if (container === '' && Object.keys(ofPod ?? {}).some((key) => key === 'cpu' || key === 'memory' || key.startsWith('hugepages-'))) {
      const amount = podAmounts(pod)[resource]
      if (amount === undefined) throw new Error(`missing pod-level request for ${resource} in Pod ${name}`)
      requests.set(name, BigInt(amount) * (resource === 'cpu' ? 1n : 1000n))
      continue
    }
    requests.set(name, requestOfContainers(pod, container, resource))
  }
  return requests
}

/** k8s: calculatePodRequestsFromContainers */
function requestOfContainers({ metadata: { name }, spec }: Pod, wanted: string, resource: string): bigint {
  let sum = 0n
  for (const { name: container, resources } of [...spec.containers, ...(spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always')]) {
    if (wanted !== '' && container !== wanted) continue
    const request = resources?.requests?.[resource]
    if (request === undefined) throw new Error(`missing request for ${resource} in container ${container} of Pod ${name}`)
    sum += milliValue(String(request))
    if (container === wanted) return sum
  }
  if (wanted !== '') throw new Error(`container ${wanted} not found in Pod ${name}`)
  return sum
}

/** A float as int32, as the machines do it that Go is compiled for. */
function int32(value: number): number {
  return value >= -MAX_INT32 - 1 && value <= MAX_INT32 ? value : -MAX_INT32 - 1
}

function int64(value: number): bigint {
  return value >= Number(MIN_INT64) && value < Number(MAX_INT64) ? BigInt(value) : MIN_INT64
}
