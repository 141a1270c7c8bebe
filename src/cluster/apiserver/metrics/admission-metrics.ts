import type { MetricFamily, Sample } from '../../../base/prometheus.ts'
import { Histogram } from '../../../base/histogram.ts'

/** Seconds. k8s: apiserver/pkg/admission/metrics latencyBuckets */
const BUCKETS = [0.005, 0.025, 0.1, 0.5, 1, 2.5]
const WEBHOOK_BUCKETS = [...BUCKETS, 10, 25]

/** What was timed: all plugins of a step, one of them, or one webhook. */
export type AdmissionTimer = 'step' | 'controller' | 'webhook'
/** `admit`: those that may change the object. */
export type AdmissionStep = 'admit' | 'validate'

interface Series {
  labels: Record<string, string>
  durations: Histogram
}

/** How long admission takes. k8s: apiserver/pkg/admission/metrics */
export class AdmissionMetrics {
  readonly #series: Record<AdmissionTimer, Map<string, Series>> = { step: new Map(), controller: new Map(), webhook: new Map() }

  /** @param name of the plugin or webhook; empty for a step */
  observe(timer: AdmissionTimer, name: string, type: AdmissionStep, operation: string, rejected: boolean, durationMs: number): void {
    const key = `${name}/${type}/${operation}/${rejected}`
    let series = this.#series[timer].get(key)
    if (!series) {
      const labels = { ...(timer === 'step' ? {} : { name }), operation, rejected: String(rejected), type }
      this.#series[timer].set(key, series = { labels, durations: new Histogram(timer === 'webhook' ? WEBHOOK_BUCKETS : BUCKETS) })
    }
    series.durations.observe(durationMs / 1000)
  }

  families(): MetricFamily[] {
    const family = (timer: AdmissionTimer, help: string): MetricFamily => ({
      name: `apiserver_admission_${timer}_admission_duration_seconds`, type: 'histogram', help: `[STABLE] ${help}`, samples: samplesOf(this.#series[timer].values()),
    })
    return [
      family('step', 'Admission sub-step latency histogram in seconds, broken out for each operation and API resource and step type (validate or admit).'),
      family('controller', 'Admission controller latency histogram in seconds, identified by name and broken out for each operation and API resource and type (validate or admit).'),
      family('webhook', 'Admission webhook latency histogram in seconds, identified by name and broken out for each operation and API resource and type (validate or admit).'),
    ]
  }
}

function* samplesOf(all: Iterable<Series>): Generator<Sample> {
  for (const { labels, durations } of all) yield* durations.samples(labels)
}
