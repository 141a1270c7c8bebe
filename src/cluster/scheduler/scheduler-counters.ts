import { CounterVector, exponentialBuckets, Histogram, HistogramVector, metricFamily } from '../../base/histogram.ts'
import type { MetricFamily, Sample } from '../../base/prometheus.ts'
import type { ClusterEvent, EventResource } from './framework.ts'

export type AttemptResult = 'scheduled' | 'unschedulable' | 'error'
export type QueueName = 'active' | 'backoff' | 'unschedulable'

/** What the gauges show of a scheduler at the moment. */
export interface SchedulerGauges {
  queues: Readonly<Record<QueueName | 'gated', number>>
  /** Waiting pods by the plugin that turned them away. */
  rejected: ReadonlyMap<string, number>
  nodes: number
  pods: number
  assumedPods: number
}

const GROUPS: Partial<Record<EventResource, string>> = {
  StorageClass: 'storage.k8s.io/', CSINode: 'storage.k8s.io/', CSIDriver: 'storage.k8s.io/', CSIStorageCapacity: 'storage.k8s.io/', VolumeAttachment: 'storage.k8s.io/',
  ResourceClaim: 'resource.k8s.io/', ResourceSlice: 'resource.k8s.io/', DeviceClass: 'resource.k8s.io/',
}

/** What metrics call an event. k8s: kube-scheduler/framework ClusterEvent.Label */
export function eventLabel({ resource, actions, object }: ClusterEvent): string {
  const action = actions[0] === 'UpdatePodTolerations' ? 'UpdatePodToleration' : actions[0] ?? ''
  if (resource === 'Pod') return `${(object as { spec?: { nodeName?: string } }).spec?.nodeName || action === 'Delete' ? 'AssignedPod' : 'UnschedulablePod'}${action}`
  return `${GROUPS[resource] ?? ''}${resource}${action}`
}

/** What a scheduler counts, in the cluster's time: an attempt itself takes none of it. k8s: pkg/scheduler/metrics */
export class SchedulerCounters {
  readonly #profile: string
  readonly #attempts = new CounterVector()
  readonly #attemptSeconds = new HistogramVector(exponentialBuckets(0.001, 2, 15))
  readonly #attemptsOfPods = new Histogram([1, 2, 4, 8, 16])
  readonly #podSeconds = new HistogramVector(exponentialBuckets(0.01, 2, 20))
  readonly #incoming = new CounterVector()
  readonly #pointSeconds = new HistogramVector(exponentialBuckets(0.0001, 2, 12))
  readonly #victims = new Histogram([1, 2, 4, 8, 16, 32, 64])
  #preemptions = 0

  constructor(profile: string) {
    this.#profile = profile
  }

  /** @param ms how long the attempt took, with its binding */
  attempt(result: AttemptResult, ms: number): void {
    this.#attempts.add({ profile: this.#profile, result })
    this.#attemptSeconds.observe({ profile: this.#profile, result }, ms / 1000)
  }

  /** A pod has its node. @param ms since it was first tried */
  placed(attempts: number, ms: number): void {
    this.#attemptsOfPods.observe(attempts)
    this.#podSeconds.observe({ attempts: attempts >= 15 ? '15+' : String(attempts) }, ms / 1000)
  }

  /** A pod came into a queue. @param event what brought it there, by its label */
  incoming(queue: QueueName, event: string): void {
    this.#incoming.add({ event, queue })
  }

  /** The plugins of a point were asked. @param ms how long they took, of the cluster's time */
  point(extension_point: string, status: string, ms = 0): void {
    this.#pointSeconds.observe({ extension_point, profile: this.#profile, status }, ms / 1000)
  }

  /** Preemption was tried. */
  preemption(): void {
    this.#preemptions++
  }

  /** Preemption has chosen so many pods. */
  victims(count: number): void {
    this.#victims.observe(count)
  }

  families({ queues, rejected, nodes, pods, assumedPods }: SchedulerGauges): MetricFamily[] {
    const of = (type: MetricFamily['type'], name: string, help: string, value: Parameters<typeof metricFamily>[3]) => metricFamily(type, `scheduler_${name}`, help, value)
    return [
      of('counter', 'schedule_attempts_total', "[STABLE] Number of attempts to schedule pods, by the result. 'unschedulable' means a pod could not be scheduled, while 'error' means an internal scheduler problem.", this.#attempts.samples()),
      of('histogram', 'scheduling_attempt_duration_seconds', '[STABLE] Scheduling attempt latency in seconds (scheduling algorithm + binding)', this.#attemptSeconds.samples()),
      of('histogram', 'pod_scheduling_attempts', '[STABLE] Number of attempts to successfully schedule a pod.', this.#attemptsOfPods.samples({})),
      of('histogram', 'pod_scheduling_sli_duration_seconds', '[BETA] E2e latency for a pod being scheduled, from the time the pod enters the scheduling queue and might involve multiple scheduling attempts.', this.#podSeconds.samples()),
      of('histogram', 'framework_extension_point_duration_seconds', '[STABLE] Latency for running all plugins of a specific extension point.', this.#pointSeconds.samples()),
      of('counter', 'preemption_attempts_total', '[STABLE] Total preemption attempts in the cluster till now', this.#preemptions),
      of('histogram', 'preemption_victims', '[STABLE] Number of selected preemption victims', this.#victims.samples({})),
      of('counter', 'queue_incoming_pods_total', '[STABLE] Number of pods added to scheduling queues by event and queue type.', this.#incoming.samples()),
      of('gauge', 'pending_pods', "[STABLE] Number of pending pods, by the queue type. 'active' means number of pods in activeQ; 'backoff' means number of pods in backoffQ; 'unschedulable' means number of pods in unschedulablePods that the scheduler attempted to schedule and failed; 'gated' is the number of unschedulable pods that the scheduler never attempted to schedule because they are gated.", Object.entries(queues).map(([queue, value]) => ({ labels: { queue }, value }))),
      of('gauge', 'unschedulable_pods', '[BETA] The number of unschedulable pods broken down by plugin name. A pod will increment the gauge for all plugins that caused it to not schedule and so this metric have meaning only when broken down by plugin.', [...rejected].map(([plugin, value]) => ({ labels: { plugin, profile: this.#profile }, value }))),
      of('gauge', 'cache_size', '[ALPHA] Number of nodes, pods, and assumed (bound) pods in the scheduler cache.', Object.entries({ assumed_pods: assumedPods, nodes, pods }).map(([type, value]) => ({ labels: { type }, value }))),
    ]
  }
}

/** The families of a process's schedulers, one for each profile, as one process counts: each series once. */
export function mergedFamilies(all: readonly (readonly MetricFamily[])[]): MetricFamily[] {
  const byName = new Map<string, { family: MetricFamily; series: Map<string, Sample> }>()
  for (const family of all.flat()) {
    let known = byName.get(family.name)
    if (!known) byName.set(family.name, known = { family, series: new Map() })
    for (const sample of family.samples) {
      const key = JSON.stringify([sample.suffix, sample.labels, sample.le])
      const before = known.series.get(key)
      known.series.set(key, before ? { ...sample, value: knownToAll(family, sample) ? Math.max(before.value, sample.value) : before.value + sample.value } : sample)
    }
  }
  return [...byName.values()].map(({ family, series }) => ({ ...family, samples: [...series.values()] }))
}

/** Whether all profiles' schedulers count the same things: upstream's have one cache together. */
function knownToAll({ name }: MetricFamily, { labels }: Sample): boolean {
  return name === 'scheduler_cache_size' && labels?.['type'] !== 'assumed_pods'
}
