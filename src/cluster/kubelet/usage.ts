import type { Clock } from '../../base/clock.ts'
import type { Pod } from '../kinds/generated/types.ts'
import type { RuntimeService } from '../runtime/cri.ts'

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
const SYSTEM_MEMORY_BYTES = 210 * 2 ** 20

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
  #measured = new Map<string, Measured>()
  #last: { timeMs: number; pods: readonly Pod[]; usage: NodeUsage } | undefined

  constructor(runtime: RuntimeService, clock: Clock) {
    this.#runtime = runtime
    this.#clock = clock
    this.#startedMs = clock.nowMs()
  }

  read(pods: readonly Pod[]): NodeUsage {
    const timeMs = this.#clock.nowMs()
    if (this.#last?.timeMs === timeMs) return this.#last.usage
    const previous = this.#measured
    this.#measured = new Map()
    const uptimeMs = timeMs - this.#startedMs
    const node: NodeUsage = { startedMs: this.#startedMs, timeMs, cpuNanoseconds: uptimeMs * SYSTEM_CPU_MILLIS * 1000, cpuNanoCores: SYSTEM_CPU_MILLIS * 1e6, memoryBytes: SYSTEM_MEMORY_BYTES, pods: [] }
    for (const pod of pods) {
      const used: PodUsage = { pod, containers: [], cpuNanoseconds: 0, cpuNanoCores: 0, memoryBytes: 0 }
      for (const container of this.#runtime.listContainers(pod.metadata.uid!)) {
        if (container.state !== 'running') continue
        const stats = this.#runtime.stats(container.id)
        if (!stats) continue
        const startedMs = container.startedMs ?? timeMs
        const cpuNanoCores = this.#rate(previous, container.id, timeMs, startedMs, stats.cpuNanoseconds)
        used.containers.push({ name: container.name, startedMs, cpuNanoseconds: stats.cpuNanoseconds, cpuNanoCores, memoryBytes: stats.memoryBytes, rootfsBytes: stats.rootfsBytes, logBytes: stats.logBytes })
        add(used, { cpuNanoseconds: stats.cpuNanoseconds, cpuNanoCores, memoryBytes: stats.memoryBytes })
      }
      if (used.containers.length === 0) continue
      used.containers.sort((a, b) => (a.name < b.name ? -1 : 1))
      add(node, used)
      node.pods.push(used)
    }
    this.#last = { timeMs, pods, usage: node }
    return node
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
