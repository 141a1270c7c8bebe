import { rfc3339 } from '../../base/clock.ts'
import { deepEqual } from '../../base/freeze.ts'
import type { Container, Pod, PodCondition, ResourceRequirements } from '../kinds/generated/types.ts'
import { quantityMilliValue, quantityValue } from '../kinds/quantity.ts'

/** Why the node can't take the pod's wish now (Deferred) or ever (Infeasible). */
export interface ResizeRefusal {
  reason: 'Deferred' | 'Infeasible'
  message: string
}

export interface ResizeEvent {
  type: 'Normal' | 'Warning'
  reason: string
  message: string
}

type Change = 'none' | 'update' | 'restart'

const RESIZABLE = ['cpu', 'memory'] as const

/**
 * What a pod was given of what it asks for, as a whole and for its containers. Its spec can change while it runs; the node allots first, then
 * containers and the pod's control group follow.
 * k8s: pkg/kubelet/allocation, kuberuntime computePodResizeAction
 */
export class PodResize {
  /** By container; absent: as the spec says. */
  #allotted = new Map<string, ResourceRequirements>()
  /** With what the pod as a whole had then. */
  #applied = new Map<string, { own: ResourceRequirements; pod: ResourceRequirements | undefined }>()
  /** A spec that asks for just what was allotted. */
  #wholly: Pod['spec'] | undefined
  /** Of the pod as a whole. */
  #allottedToPod: ResourceRequirements | undefined
  #appliedToPod: ResourceRequirements | undefined
  /** The pod with what it had, until its control group has what was allotted. */
  #before: Pod | undefined
  #pending: PodCondition | undefined
  #inProgress: PodCondition | undefined

  constructor(pod: Pod) {
    this.#allot(pod)
    this.#appliedToPod = pod.spec.resources
  }

  /** The pod with the resources it was given. */
  allotted(pod: Pod): Pod {
    if (this.#isAllAllotted(pod)) return pod
    const apply = (containers: Container[]) => containers.map((c) => this.#isAllotted(c) ? c : { ...c, resources: this.#allotted.get(c.name)! })
    const { resources: _, ...spec } = pod.spec
    return {
      ...pod, spec: { ...spec, containers: apply(spec.containers), ...(spec.initContainers ? { initContainers: apply(spec.initContainers) } : {}), ...(this.#allottedToPod ? { resources: this.#allottedToPod } : {}) },
    }
  }

  get conditions(): PodCondition[] {
    return [...(this.#pending ? [this.#pending] : []), ...(this.#inProgress ? [this.#inProgress] : [])]
  }

  get isPending(): boolean {
    return this.#pending !== undefined
  }

  /** Something was allotted that isn't in force everywhere. */
  get isInProgress(): boolean {
    return this.#inProgress !== undefined
  }

  /** Allots what the pod asks for, if the node can. Returns the event to record. */
  plan(pod: Pod, nowMs: number, refuse: () => ResizeRefusal | undefined): ResizeEvent | undefined {
    if (this.#isAllAllotted(pod)) {
      this.#pending = undefined
      return undefined
    }
    const refusal = refuse()
    if (!refusal) {
      this.#before ??= this.allotted(pod)
      this.#allot(pod)
      this.#pending = undefined
      this.#inProgress = condition('PodResizeInProgress', pod, nowMs)
      return { type: 'Normal', reason: 'ResizeStarted', message: `Pod resize started: ${summary(pod)}` }
    }
    const before = this.#pending
    this.#pending = { ...condition('PodResizePending', pod, nowMs), reason: refusal.reason, message: refusal.message, ...(before?.reason === refusal.reason ? { lastTransitionTime: before.lastTransitionTime! } : {}) }
    if (before && before.reason === refusal.reason && before.observedGeneration === this.#pending.observedGeneration) return undefined
    return { type: 'Warning', reason: refusal.reason === 'Infeasible' ? 'ResizeInfeasible' : 'ResizeDeferred', message: `Pod resize ${refusal.reason}: ${summary(pod, refusal.message)}` }
  }

  /** What a running container needs to have what it was allotted. */
  changeOf(container: Container): Change {
    const applied = this.#applied.get(container.name)
    const allotted = this.#allotted.get(container.name)
    if (!applied || !allotted) return 'none'
    const [before, after] = [inForce(applied.own, applied.pod), inForce(allotted, this.#allottedToPod)]
    const changed = RESIZABLE.filter((resource) => before[resource].limit !== after[resource].limit || before[resource].request !== after[resource].request)
    if (changed.length === 0) return 'none'
    return changed.some((resource) => container.resizePolicy?.some(({ resourceName, restartPolicy }) => resourceName === resource && restartPolicy === 'RestartContainer')) ? 'restart' : 'update'
  }

  /** The new limit of a container's memory, in bytes, if it is lower than the one that is in force. */
  loweredMemoryLimit(container: Container): number | undefined {
    const applied = this.#applied.get(container.name)
    const allotted = this.#allotted.get(container.name)
    if (!applied || !allotted) return undefined
    const [before, after] = [inForce(applied.own, applied.pod).memory.limit, inForce(allotted, this.#allottedToPod).memory.limit]
    return after !== 0 && (before === 0 || after < before) ? after : undefined
  }

  /** The container has what it was allotted. */
  apply(name: string): void {
    const allotted = this.#allotted.get(name)
    if (allotted) this.#applied.set(name, { own: allotted, pod: this.#allottedToPod })
  }

  /** The pod's control group has what the pod was allotted. */
  applyToPod(): void {
    this.#appliedToPod = this.#allottedToPod
    this.#before = undefined
  }

  /** The pod with the resources that its control group has. */
  inForce(pod: Pod): Pod {
    return this.#before ?? this.allotted(pod)
  }

  /** What was allotted can't be put in force now. Returns the event to record. k8s: status SetPodResizeInProgressCondition */
  fail(pod: Pod, message: string): ResizeEvent | undefined {
    const before = this.#inProgress
    if (!before || before.reason === 'Error' && before.message === message) return undefined
    this.#inProgress = { ...before, reason: 'Error', message }
    return { type: 'Warning', reason: 'ResizeError', message: `Pod resize error: ${summary(pod, message)}` }
  }

  /** Ends the resize once every running container has followed. Returns the event to record. */
  complete(pod: Pod, running: readonly string[]): ResizeEvent | undefined {
    if (!this.#inProgress) return undefined
    if (!deepEqual(this.#appliedToPod, this.#allottedToPod)) return undefined
    if (resizable(pod).some((container) => running.includes(container.name) && this.changeOf(container) !== 'none')) return undefined
    this.#inProgress = undefined
    return { type: 'Normal', reason: 'ResizeCompleted', message: `Pod resize completed: ${summary(pod)}` }
  }

  /** Resources in force. */
  applied(name: string): ResourceRequirements | undefined {
    return this.#applied.get(name)?.own
  }

  #allot(pod: Pod): void {
    this.#wholly = undefined
    for (const container of resizable(pod)) this.#allotted.set(container.name, container.resources ?? {})
    this.#allottedToPod = pod.spec.resources
  }

  #isAllAllotted(pod: Pod): boolean {
    // Whoever looks for room asks every pod of the node; writes of a status leave its spec as it is.
    if (this.#wholly === pod.spec) return true
    const isAll = (this.#allottedToPod === pod.spec.resources || deepEqual(this.#allottedToPod, pod.spec.resources)) && resizable(pod).every((c) => this.#isAllotted(c))
    if (isAll) this.#wholly = pod.spec
    return isAll
  }

  #isAllotted(container: Container): boolean {
    const allotted = this.#allotted.get(container.name)
    return allotted === undefined || allotted === container.resources || deepEqual(allotted, container.resources ?? {})
  }
}

/** What resources come to: thousandths of a processor, and bytes. A container without a limit has the pod's. k8s: kuberuntime containerResourcesFromRequirements */
function inForce(container: ResourceRequirements, pod: ResourceRequirements | undefined): Record<typeof RESIZABLE[number], { request: number; limit: number }> {
  const of = (resource: typeof RESIZABLE[number], amount: (quantity: string) => number) => ({
    request: amount(container.requests?.[resource] ?? '0'), limit: amount(container.limits?.[resource] ?? '0') || amount(pod?.limits?.[resource] ?? '0'),
  })
  return { cpu: of('cpu', quantityMilliValue), memory: of('memory', quantityValue) }
}

function resizable(pod: Pod): Container[] {
  return pod.spec.initContainers ? [...pod.spec.containers, ...pod.spec.initContainers] : pod.spec.containers
}

function condition(type: string, pod: Pod, nowMs: number): PodCondition {
  return { type, status: 'True', lastProbeTime: null as unknown as string, lastTransitionTime: rfc3339(nowMs), ...(pod.metadata.generation ? { observedGeneration: pod.metadata.generation } : {}) }
}

// k8s: pkg/kubelet/events makeResourceSummaryFromSpec
function summary(pod: Pod, error?: string): string {
  const part = (containers: readonly Container[]) => containers.map(({ name, resources }) => ({ name, resources: resources ?? {} }))
  return JSON.stringify({
    ...(pod.spec.initContainers?.length ? { initContainers: part(pod.spec.initContainers) } : {}), containers: part(pod.spec.containers), generation: pod.metadata.generation ?? 0, ...(error ? { error } : {}),
  })
}
