import type { Clock, Timer } from '../../base/clock.ts'
import type { EventRecorder } from '../client/event-recorder.ts'
import type { Pod } from '../kinds/generated/types.ts'
import { quantityOf, quantityValue } from '../kinds/quantity.ts'
import type { ContainerStats } from '../runtime/cri.ts'
import { thresholdBytes } from './kubelet-configuration.ts'
import type { KubeletConfiguration } from './kubelet-configuration.ts'
import { podRequests } from './pod-resources.ts'
import { isStaticPod } from './pod-spec.ts'
import { SYSTEM_MEMORY_BYTES } from './usage.ts'

/** k8s: evictionMonitoringPeriod */
const MONITOR_MS = 10_000
/** From this priority on a pod is critical. k8s: scheduling.SystemCriticalPriority */
const CRITICAL_PRIORITY = 2_000_000_000

type Signal = keyof KubeletConfiguration['evictionHard']
const RESOURCES: Readonly<Record<Signal, { resource: 'memory' | 'ephemeral-storage'; pressure: 'memory' | 'disk' }>> = {
  'memory.available': { resource: 'memory', pressure: 'memory' }, 'nodefs.available': { resource: 'ephemeral-storage', pressure: 'disk' },
}

export interface NodePressureOptions {
  nodeName: string
  clock: Clock
  events: EventRecorder
  capacity: Readonly<Record<string, string>>
  /** Pods that run, with what their containers use. */
  pods(): { pod: Pod; stats: readonly ContainerStats[]; evict(message: string): void }[]
  /** Bytes that images take. */
  imageBytes(): number
  /** A condition of pressure has begun or ended. */
  onChange(): void
}

/** Whether pods matter so much that nobody evicts them. k8s: kubelettypes.IsCriticalPod */
export function isCriticalPod(pod: Pod): boolean {
  return isStaticPod(pod) || (pod.spec.priority ?? 0) >= CRITICAL_PRIORITY
}

/** Watches what is left of a node's memory and disk, and evicts pods one by one while it is too little. k8s: pkg/kubelet/eviction */
export class NodePressure {
  readonly #options: NodePressureOptions
  #thresholds: KubeletConfiguration['evictionHard'] = {}
  #transitionMs = 0
  /** When each pressure was seen last. */
  readonly #seenMs = new Map<'memory' | 'disk', number>()
  #timer: Timer | undefined

  constructor(options: NodePressureOptions) {
    this.#options = options
  }

  get memory(): boolean { return this.#seenMs.has('memory') }
  get disk(): boolean { return this.#seenMs.has('disk') }

  /** Watches from now on; without thresholds there is nothing to do. */
  start({ evictionHard, pressureTransitionMs }: Pick<KubeletConfiguration, 'evictionHard' | 'pressureTransitionMs'>): void {
    this.stop()
    this.#thresholds = evictionHard
    this.#transitionMs = pressureTransitionMs
    if (Object.keys(evictionHard).length === 0) this.#seenMs.clear()
    else this.#look()
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #look(): void {
    const { clock, onChange, pods, events, nodeName } = this.#options
    this.#timer = clock.after(MONITOR_MS, () => this.#look())
    const running = pods()
    const before = `${this.memory} ${this.disk}`
    const nowMs = clock.nowMs()
    let met: { signal: Signal; threshold: string; available: number } | undefined
    for (const signal of ['memory.available', 'nodefs.available'] as const) {
      const threshold = this.#thresholds[signal]
      if (!threshold) continue
      const { resource, pressure } = RESOURCES[signal]
      const capacityBytes = quantityValue(this.#options.capacity[resource] ?? '0')
      const available = capacityBytes - this.#used(signal, running)
      const limit = thresholdBytes(threshold, capacityBytes)
      if (available < limit) {
        this.#seenMs.set(pressure, nowMs)
        met ??= { signal, available, threshold: 'text' in threshold ? threshold.text : quantityOf(limit, 'BinarySI') }
      } else if (nowMs - (this.#seenMs.get(pressure) ?? -Infinity) >= this.#transitionMs) this.#seenMs.delete(pressure)
    }
    if (before !== `${this.memory} ${this.disk}`) onChange()
    if (!met) return
    const { resource } = RESOURCES[met.signal]
    events.event({ apiVersion: 'v1', kind: 'Node', name: nodeName, uid: nodeName }, 'Warning', 'EvictionThresholdMet', `Attempting to reclaim ${resource}`)
    const [victim] = running.filter(({ pod }) => !isCriticalPod(pod)).map((each) => ({ ...each, use: useOf(resource, each.stats), request: quantityValue(podRequests(each.pod)[resource] ?? '0') }))
      .sort((a, b) => Number(b.use > b.request) - Number(a.use > a.request) || (a.pod.spec.priority ?? 0) - (b.pod.spec.priority ?? 0) || (b.use - b.request) - (a.use - a.request))
    if (!victim) return
    let message = `The node was low on resource: ${resource}. Threshold quantity: ${met.threshold}, available: ${quantityOf(Math.max(0, Math.floor(met.available / 1024) * 1024), 'BinarySI')}. `
    for (const stats of victim.stats) {
      const request = victim.pod.spec.containers.find(({ name }) => name === stats.name)?.resources?.requests?.[resource] ?? '0'
      const use = useOf(resource, [stats])
      if (use > quantityValue(request)) message += `Container ${stats.name} was using ${quantityOf(Math.ceil(use / 1024) * 1024, 'BinarySI')}, request is ${request}, has larger consumption of ${resource}. `
    }
    victim.evict(message)
  }

  #used(signal: Signal, running: readonly { stats: readonly ContainerStats[] }[]): number {
    const { resource } = RESOURCES[signal]
    return running.reduce((sum, { stats }) => sum + useOf(resource, stats), 0) + (resource === 'memory' ? SYSTEM_MEMORY_BYTES : this.#options.imageBytes())
  }
}

function useOf(resource: 'memory' | 'ephemeral-storage', stats: readonly ContainerStats[]): number {
  return stats.reduce((sum, each) => sum + (resource === 'memory' ? each.memoryBytes : each.rootfsBytes + each.logBytes), 0)
}
