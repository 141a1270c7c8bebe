import type { MetricFamily, Sample } from '../../base/prometheus.ts'
import type { MachineLimits } from '../../unix/types.ts'
import type { NodeContext } from './node-context.ts'
import { podCgroup } from './pod-cgroup.ts'
import type { NodeUsage, Usage } from './usage.ts'

/** The period that CPU quotas are counted in, in microseconds. */
const CPU_PERIOD_US = 100_000

interface Row {
  labels: Record<string, string>
  usage: Usage
  startedMs: number
  /** Unlike for the node as a whole. */
  limits?: MachineLimits
  processes?: number
}

/** `/metrics/cadvisor`: the usage and limits of control groups with the labels that dashboards know: the node's, each pod's, each container's. k8s: cAdvisor's metrics/prometheus.go */
export function cadvisorMetrics({ runtime }: NodeContext, usage: NodeUsage): MetricFamily[] {
  const { timeMs } = usage
  const labels = (own: Partial<Record<'container' | 'id' | 'image' | 'name' | 'namespace' | 'pod', string>>) => ({ container: '', id: '', image: '', name: '', namespace: '', pod: '', ...own })
  const rows: Row[] = [{ labels: labels({ id: '/' }), usage, startedMs: usage.startedMs }]
  for (const { pod, containers, ...ofPod } of usage.pods) {
    const of = { namespace: pod.metadata.namespace!, pod: pod.metadata.name! }
    const sandbox = runtime.podSandbox(pod.metadata.uid!)
    const slice = `/${sandbox?.config.cgroupParent ?? podCgroup(pod)}`
    if (sandbox) rows.push({ labels: labels({ ...of, id: slice }), usage: ofPod, startedMs: sandbox.createdMs, limits: sandbox.resources, processes: 0 })
    const running = runtime.listContainers(pod.metadata.uid!).filter(({ state }) => state === 'running')
    for (const container of containers) {
      const run = running.find(({ name }) => name === container.name)
      if (!run) continue
      rows.push({
        labels: labels({ ...of, container: container.name, id: `${slice}/${runtime.scopeOf(run.id)}`, image: run.image, name: run.id }),
        usage: container, startedMs: container.startedMs, limits: run.resources, processes: runtime.machine(run.id)?.processes().length ?? 0,
      })
    }
  }
  const family = (name: string, help: string, type: MetricFamily['type'], value: (row: Row) => number | undefined, more: Record<string, string> = {}): MetricFamily => ({
    name: `container_${name}`, help, type, samples: rows.flatMap((row): Sample[] => {
      const number = value(row)
      return number === undefined ? [] : [{ labels: { ...row.labels, ...more }, value: number, timeMs }]
    }),
  })
  const spec = (name: string, help: string, value: (limits: MachineLimits) => number | undefined) => family(`spec_${name}`, help, 'gauge', ({ limits }) => limits && value(limits))
  return [
    family('cpu_usage_seconds_total', 'Cumulative cpu time consumed in seconds.', 'counter', ({ usage: of }) => of.cpuNanoseconds / 1e9, { cpu: 'total' }),
    family('last_seen', 'Last time a container was seen by the exporter', 'gauge', () => Math.floor(timeMs / 1000)),
    family('memory_cache', 'Number of bytes of page cache memory.', 'gauge', () => 0),
    family('memory_rss', 'Size of RSS in bytes.', 'gauge', ({ usage: of }) => of.memoryBytes),
    family('memory_usage_bytes', 'Current memory usage in bytes, including all memory regardless of when it was accessed', 'gauge', ({ usage: of }) => of.memoryBytes),
    family('memory_working_set_bytes', 'Current working set in bytes.', 'gauge', ({ usage: of }) => of.memoryBytes),
    family('processes', 'Number of processes running inside the container.', 'gauge', ({ processes }) => processes),
    spec('cpu_period', 'CPU period of the container.', () => CPU_PERIOD_US),
    spec('cpu_quota', 'CPU quota of the container.', ({ cpuMillis }) => cpuMillis === undefined ? undefined : cpuMillis * CPU_PERIOD_US / 1000),
    spec('cpu_shares', 'CPU share of the container.', ({ cpuShares }) => cpuShares),
    spec('memory_limit_bytes', 'Memory limit for the container.', ({ memoryBytes }) => memoryBytes ?? 0),
    family('start_time_seconds', 'Start time of the container since unix epoch in seconds.', 'gauge', ({ startedMs }) => startedMs / 1000),
  ]
}
