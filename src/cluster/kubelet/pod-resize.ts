import { rfc3339 } from '../../base/clock.ts'
import { deepEqual } from '../../base/freeze.ts'
import type { Container, Pod, PodCondition, ResourceRequirements } from '../kinds/generated/types.ts'

/** Why the node can't take the pod's wish now (Deferred) or ever (Infeasible). */
export interface ResizeRefusal {
  reason: 'Deferred' | 'Infeasible'
  message: string
}

type Change = 'none' | 'update' | 'restart'

/**
 * What a pod was given of what it asks for. Its spec can change while it runs; the node allots first, then containers follow.
 * k8s: pkg/kubelet/allocation, kuberuntime computePodResizeAction
 */
export class PodResize {
  /** By container; absent: as the spec says. */
  #allotted = new Map<string, ResourceRequirements>()
  #applied = new Map<string, ResourceRequirements>()
  #pending: PodCondition | undefined
  #inProgress: PodCondition | undefined

  constructor(pod: Pod) {
    for (const container of resizable(pod)) this.#allotted.set(container.name, container.resources ?? {})
  }

  /** The pod with the resources it was given. */
  allotted(pod: Pod): Pod {
    if (resizable(pod).every((c) => this.#isAllotted(c))) return pod
    const apply = (containers: Container[]) => containers.map((c) => this.#isAllotted(c) ? c : { ...c, resources: this.#allotted.get(c.name)! })
    return { ...pod, spec: { ...pod.spec, containers: apply(pod.spec.containers), ...(pod.spec.initContainers ? { initContainers: apply(pod.spec.initContainers) } : {}) } }
  }

  get conditions(): PodCondition[] {
    return [...(this.#pending ? [this.#pending] : []), ...(this.#inProgress ? [this.#inProgress] : [])]
  }

  get isPending(): boolean {
    return this.#pending !== undefined
  }

  /** Allots what the pod asks for, if the node can. Returns the event to record. */
  plan(pod: Pod, nowMs: number, refuse: () => ResizeRefusal | undefined): { type: 'Normal' | 'Warning'; reason: string; message: string } | undefined {
    const wanted = resizable(pod)
    if (wanted.every((c) => this.#isAllotted(c))) {
      this.#pending = undefined
      return undefined
    }
    const refusal = refuse()
    if (!refusal) {
      for (const container of wanted) this.#allotted.set(container.name, container.resources ?? {})
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
    if (!applied || !allotted || deepEqual(applied, allotted)) return 'none'
    const restarts = (container.resizePolicy ?? []).some(({ resourceName, restartPolicy }) => restartPolicy === 'RestartContainer'
      && (applied.requests?.[resourceName] !== allotted.requests?.[resourceName] || applied.limits?.[resourceName] !== allotted.limits?.[resourceName]))
    return restarts ? 'restart' : 'update'
  }

  /** The container has what it was allotted. */
  apply(name: string): void {
    const allotted = this.#allotted.get(name)
    if (allotted) this.#applied.set(name, allotted)
  }

  /** Ends the resize once every running container has followed. Returns the event to record. */
  complete(pod: Pod, running: readonly string[]): { type: 'Normal'; reason: string; message: string } | undefined {
    if (!this.#inProgress) return undefined
    for (const name of running) if (this.#applied.has(name) && !deepEqual(this.#applied.get(name), this.#allotted.get(name))) return undefined
    this.#inProgress = undefined
    return { type: 'Normal', reason: 'ResizeCompleted', message: `Pod resize completed: ${summary(pod)}` }
  }

  /** Resources in force. */
  applied(name: string): ResourceRequirements | undefined {
    return this.#applied.get(name)
  }

  #isAllotted(container: Container): boolean {
    const allotted = this.#allotted.get(container.name)
    return allotted === undefined || allotted === container.resources || deepEqual(allotted, container.resources ?? {})
  }
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
