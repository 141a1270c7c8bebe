import type { Clock } from '../../base/clock.ts'
import type { Pod } from '../kinds/generated/types.ts'
import { quantityMilliValue } from '../kinds/quantity.ts'
import type { ContainerStats, RuntimeService } from '../runtime/cri.ts'
import { shareCpu } from './cpu-shares.ts'

/** What a container, a pod or the node uses. */
export interface Usage {
  /** CPU time since it started, nanoseconds of one core. */
  cpuNanoseconds: number
  /** CPU in use now, in billionths of a core. */
  cpuNanoCores: number
  memoryBytes: number
}

export interface ContainerUsage extends Usage {
  name: string
  startedMs: number
  rootfsBytes: number
  logBytes: number
}

export interface PodUsage extends Usage {
  pod: Pod
  containers: ContainerUsage[]
}

export interface NodeUsage extends Usage {
  startedMs: number
  /** When all this was measured. */
  timeMs: number
  pods: PodUsage[]
}

/** How long a measurement stands; what is used now is told from the last two. k8s: cAdvisor's housekeeping interval */
const INTERVAL_MS = 10_000
/** What the node's own daemons (kubelet, containerd, systemd) use. */
const SYSTEM_CPU_MILLIS = 22
export const SYSTEM_MEMORY_BYTES = 210 * 2 ** 20

interface Measured {
  timeMs: number
  cpuNanoseconds: number
  nanoCores: number
}

/** Measures what the node's containers use. k8s: cAdvisor, pkg/kubelet/stats */
export class UsageMeter {
  readonly #runtime: RuntimeService
  readonly #clock: Clock
  readonly #startedMs: number
  readonly #cores: number
  #measured = new Map<string, Measured>()
  /** CPU time that containers were given, and how much they had asked for by then. */
  #given = new Map<string, { wanted: number; given: number }>()
  #givenMs: number
  #last: { timeMs: number; pods: readonly Pod[]; usage: NodeUsage } | undefined

  constructor(runtime: RuntimeService, clock: Clock, cores: number) {
    this.#runtime = runtime
    this.#clock = clock
    this.#cores = cores
    this.#startedMs = this.#givenMs = clock.nowMs()
  }

  read(pods: readonly Pod[]): NodeUsage {
    const timeMs = this.#clock.nowMs()
    if (this.#last?.timeMs === timeMs) return this.#last.usage
    const previous = this.#measured
    this.#measured = new Map()
    const uptimeMs = timeMs - this.#startedMs
    const node: NodeUsage = { startedMs: this.#startedMs, timeMs, cpuNanoseconds: uptimeMs * SYSTEM_CPU_MILLIS * 1000, cpuNanoCores: SYSTEM_CPU_MILLIS * 1e6, memoryBytes: SYSTEM_MEMORY_BYTES, pods: [] }
    const stats = this.#stats(pods)
    this.#share(pods, stats, timeMs)
    for (const pod of pods) {
      const used: PodUsage = { pod, containers: [], cpuNanoseconds: 0, cpuNanoCores: 0, memoryBytes: 0 }
      for (const container of this.#runtime.listContainers(pod.metadata.uid!)) {
        const now = stats.get(container.id)
        if (!now) continue
        const startedMs = container.startedMs ?? timeMs
        const before = this.#given.get(container.id)
        const cpuNanoseconds = before ? before.given + now.cpuNanoseconds - before.wanted : now.cpuNanoseconds
        const cpuNanoCores = this.#rate(previous, container.id, timeMs, startedMs, cpuNanoseconds)
        used.containers.push({ name: container.name, startedMs, cpuNanoseconds, cpuNanoCores, memoryBytes: now.memoryBytes, rootfsBytes: now.rootfsBytes, logBytes: now.logBytes })
        add(used, { cpuNanoseconds, cpuNanoCores, memoryBytes: now.memoryBytes })
      }
      if (used.containers.length === 0) continue
      used.containers.sort((a, b) => (a.name < b.name ? -1 : 1))
      add(node, used)
      node.pods.push(used)
    }
    this.#last = { timeMs, pods, usage: node }
    return node
  }

  /** Figures of running containers by id. */
  #stats(pods: readonly Pod[]): Map<string, ContainerStats> {
    const stats = new Map<string, ContainerStats>()
    for (const pod of pods)
      for (const { id, state } of this.#runtime.listContainers(pod.metadata.uid!)) {
        const figures = state === 'running' ? this.#runtime.stats(id) : undefined
        if (figures) stats.set(id, figures)
      }
    return stats
  }

  /**
   * Containers account for work as if they were alone; where that is more than the node has, each gets its share. Over less than a second
   * nothing can be told: work is accounted for in pieces.
   */
  #share(pods: readonly Pod[], stats: ReadonlyMap<string, ContainerStats>, timeMs: number): void {
    const elapsedNanoseconds = (timeMs - this.#givenMs) * 1e6
    if (elapsedNanoseconds < 1e9) return
    const previous = this.#given
    const claims: { id: string; wanted: number; before: { wanted: number; given: number }; requestMillis: number }[] = []
    for (const { metadata, spec } of pods)
      for (const { id, name } of this.#runtime.listContainers(metadata.uid!)) {
        const wanted = stats.get(id)?.cpuNanoseconds
        if (wanted === undefined) continue
        const request = [...spec.containers, ...spec.initContainers ?? []].find((c) => c.name === name)?.resources?.requests?.cpu
        claims.push({ id, wanted, before: previous.get(id) ?? { wanted: 0, given: 0 }, requestMillis: request === undefined ? 0 : quantityMilliValue(request) })
      }
    const shares = shareCpu(claims.map(({ wanted, before, requestMillis }) => ({ wanted: (wanted - before.wanted) / elapsedNanoseconds, requestMillis })), this.#cores - SYSTEM_CPU_MILLIS / 1000)
    this.#given = new Map(claims.map(({ id, wanted, before }, i) => [id, { wanted, given: before.given + shares[i]! * elapsedNanoseconds }]))
    this.#givenMs = timeMs
  }

  #rate(previous: ReadonlyMap<string, Measured>, id: string, timeMs: number, startedMs: number, cpuNanoseconds: number): number {
    const before = previous.get(id) ?? { timeMs: startedMs, cpuNanoseconds: 0, nanoCores: 0 }
    if (timeMs - before.timeMs < INTERVAL_MS && previous.has(id)) {
      this.#measured.set(id, before)
      return before.nanoCores
    }
    const elapsedMs = timeMs - before.timeMs
    const nanoCores = elapsedMs > 0 ? Math.max(0, Math.round((cpuNanoseconds - before.cpuNanoseconds) / (elapsedMs / 1000))) : 0
    this.#measured.set(id, { timeMs, cpuNanoseconds, nanoCores })
    return nanoCores
  }
}

function add(to: Usage, more: Usage): void {
  to.cpuNanoseconds += more.cpuNanoseconds
  to.cpuNanoCores += more.cpuNanoCores
  to.memoryBytes += more.memoryBytes
}
