import { exponentialBuckets, Histogram, metricFamily } from '../../base/histogram.ts'
import type { MetricFamily } from '../../base/prometheus.ts'

/** What is counted of one work queue. */
export class QueueCounters {
  adds = 0
  retries = 0
  readonly waitSeconds = new Histogram(exponentialBuckets(1e-8, 10, 10))
  readonly workSeconds = new Histogram(exponentialBuckets(1e-8, 10, 10))
  /** When waiting keys were added, and when work on keys began. */
  readonly waiting = new Map<string, number>()
  readonly running = new Map<string, number>()

  /** A key waits; it may have waited already. */
  added(key: string, nowMs: number): void {
    if (this.waiting.has(key)) return
    this.adds++
    this.waiting.set(key, nowMs)
  }

  began(key: string, nowMs: number): void {
    this.waitSeconds.observe((nowMs - (this.waiting.get(key) ?? nowMs)) / 1000)
    this.waiting.delete(key)
    this.running.set(key, nowMs)
  }

  ended(key: string, nowMs: number): void {
    this.workSeconds.observe((nowMs - (this.running.get(key) ?? nowMs)) / 1000)
    this.running.delete(key)
  }
}

/** The work queues of a process by name. k8s: component-base/metrics/prometheus/workqueue */
export class WorkQueueMetrics {
  readonly #queues = new Map<string, QueueCounters>()

  queue(name: string): QueueCounters {
    let counters = this.#queues.get(name)
    if (!counters) this.#queues.set(name, counters = new QueueCounters())
    return counters
  }

  families(nowMs: number): MetricFamily[] {
    const queues = [...this.#queues]
    const each = (value: (counters: QueueCounters) => number) => queues.map(([name, counters]) => ({ labels: { name }, value: value(counters) }))
    const seconds = (histogram: (counters: QueueCounters) => Histogram) => queues.flatMap(([name, counters]) => histogram(counters).samples({ name }))
    const ages = ({ running }: QueueCounters) => [...running.values()].map((beganMs) => (nowMs - beganMs) / 1000)
    return [
      metricFamily('counter', 'workqueue_adds_total', '[BETA] Total number of adds handled by workqueue', each(({ adds }) => adds)),
      metricFamily('gauge', 'workqueue_depth', '[BETA] Current depth of workqueue', each(({ waiting }) => waiting.size)),
      metricFamily('gauge', 'workqueue_longest_running_processor_seconds', '[BETA] How many seconds has the longest running processor for workqueue been running.', each((counters) => Math.max(0, ...ages(counters)))),
      metricFamily('histogram', 'workqueue_queue_duration_seconds', '[BETA] How long in seconds an item stays in workqueue before being requested.', seconds(({ waitSeconds }) => waitSeconds)),
      metricFamily('counter', 'workqueue_retries_total', '[BETA] Total number of retries handled by workqueue', each(({ retries }) => retries)),
      metricFamily('gauge', 'workqueue_unfinished_work_seconds', "[BETA] How many seconds of work has done that is in progress and hasn't been observed by work_duration. Large values indicate stuck threads. One can deduce the number of stuck threads by observing the rate at which this increases.", each((counters) => ages(counters).reduce((sum, age) => sum + age, 0))),
      metricFamily('histogram', 'workqueue_work_duration_seconds', '[BETA] How long in seconds processing an item from workqueue takes.', seconds(({ workSeconds }) => workSeconds)),
    ]
  }
}
