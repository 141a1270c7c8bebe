import { rfc3339 } from '../../base/clock.ts'
import type { MetricFamily, Sample } from '../../base/prometheus.ts'
import type { Pod } from '../kinds/generated/types.ts'
import { quantityValue } from '../kinds/quantity.ts'
import type { NodeContext } from './node-context.ts'
import type { NodeUsage, Usage } from './usage.ts'

/** k8s: kubelet/pkg/apis/stats/v1alpha1 Summary, as far as usage is known here. */
export function statsSummary(node: NodeContext, usage: NodeUsage): unknown {
  const time = rfc3339(usage.timeMs)
  const cpu = (of: Usage) => ({ time, usageNanoCores: of.cpuNanoCores, usageCoreNanoSeconds: Math.round(of.cpuNanoseconds) })
  const memory = (of: Usage) => ({ time, usageBytes: of.memoryBytes, workingSetBytes: of.memoryBytes, rssBytes: of.memoryBytes, pageFaults: 0, majorPageFaults: 0 })
  const memoryBytes = quantityValue(node.allocatable['memory'] ?? '0')
  const diskBytes = quantityValue(node.allocatable['ephemeral-storage'] ?? '0')
  const usedBytes = usage.pods.reduce((sum, pod) => sum + pod.containers.reduce((of, c) => of + c.rootfsBytes + c.logBytes, 0), 0)
  const disk = (used: number) => ({ time, availableBytes: Math.max(0, diskBytes - usedBytes), capacityBytes: diskBytes, usedBytes: used })
  const processes = node.runtime.listContainers().filter((c) => c.state === 'running').length
  return {
    node: {
      nodeName: node.nodeName, startTime: rfc3339(usage.startedMs), cpu: cpu(usage), memory: { ...memory(usage), availableBytes: Math.max(0, memoryBytes - usage.memoryBytes) },
      fs: disk(usedBytes), runtime: { imageFs: disk(node.images.listImages().reduce((sum, image) => sum + image.sizeBytes, 0)) }, rlimit: { time, maxpid: 4194304, curproc: processes },
    },
    pods: usage.pods.map(({ pod, containers, ...used }) => ({
      podRef: { name: pod.metadata.name, namespace: pod.metadata.namespace, uid: pod.metadata.uid }, startTime: pod.status?.startTime ?? null,
      containers: containers.map((c) => ({ name: c.name, startTime: rfc3339(c.startedMs), cpu: cpu(c), memory: memory(c), rootfs: disk(c.rootfsBytes), logs: disk(c.logBytes) })),
      cpu: cpu(used), memory: memory(used),
      volume: [...node.volumes.mounted(pod.metadata.uid!)].map(([name, volume]) => ({ ...disk(volume.usedBytes()), name })),
      'ephemeral-storage': disk(containers.reduce((sum, c) => sum + c.rootfsBytes + c.logBytes, 0)),
    })),
  }
}

/** `/metrics/resource`. k8s: pkg/kubelet/metrics/collectors/resource_metrics.go */
export function resourceMetrics(usage: NodeUsage): MetricFamily[] {
  const { timeMs } = usage
  const seconds = (of: Usage) => of.cpuNanoseconds / 1e9
  const containers = usage.pods.flatMap((used) => used.containers.map((container) => ({ container, labels: { container: container.name, namespace: used.pod.metadata.namespace!, pod: used.pod.metadata.name! } })))
  const pods = usage.pods.map((used) => ({ used, labels: { namespace: used.pod.metadata.namespace!, pod: used.pod.metadata.name! } }))
  const family = (name: string, help: string, type: MetricFamily['type'], samples: Sample[]): MetricFamily => ({ name, help, type, samples })
  return [
    family('container_cpu_usage_seconds_total', '[STABLE] Cumulative cpu time consumed by the container in core-seconds', 'counter', containers.map(({ container, labels }) => ({ labels, value: seconds(container), timeMs }))),
    family('container_memory_working_set_bytes', '[STABLE] Current working set of the container in bytes', 'gauge', containers.map(({ container, labels }) => ({ labels, value: container.memoryBytes, timeMs }))),
    family('container_start_time_seconds', '[STABLE] Start time of the container since unix epoch in seconds', 'gauge', containers.map(({ container, labels }) => ({ labels, value: container.startedMs / 1000 }))),
    family('container_swap_usage_bytes', '[ALPHA] Current amount of the container swap usage in bytes. Reported only on non-windows systems', 'gauge', containers.map(({ labels }) => ({ labels, value: 0, timeMs }))),
    family('node_cpu_usage_seconds_total', '[STABLE] Cumulative cpu time consumed by the node in core-seconds', 'counter', [{ value: seconds(usage), timeMs }]),
    family('node_memory_working_set_bytes', '[STABLE] Current working set of the node in bytes', 'gauge', [{ value: usage.memoryBytes, timeMs }]),
    family('node_swap_usage_bytes', '[ALPHA] Current swap usage of the node in bytes. Reported only on non-windows systems', 'gauge', [{ value: 0, timeMs }]),
    family('pod_cpu_usage_seconds_total', '[STABLE] Cumulative cpu time consumed by the pod in core-seconds', 'counter', pods.map(({ used, labels }) => ({ labels, value: seconds(used), timeMs }))),
    family('pod_memory_working_set_bytes', '[STABLE] Current working set of the pod in bytes', 'gauge', pods.map(({ used, labels }) => ({ labels, value: used.memoryBytes, timeMs }))),
    family('pod_swap_usage_bytes', '[ALPHA] Current amount of the pod swap usage in bytes. Reported only on non-windows systems', 'gauge', pods.map(({ labels }) => ({ labels, value: 0, timeMs }))),
    family('resource_scrape_error', '[STABLE] 1 if there was an error while getting container metrics, 0 otherwise', 'gauge', [{ value: 0 }]),
    family('scrape_error', '[ALPHA] (Deprecated since 1.29.0) 1 if there was an error while getting container metrics, 0 otherwise', 'gauge', [{ value: 0 }]),
  ]
}

/** `/metrics`: the kubelet's own figures, those that are known. k8s: pkg/kubelet/metrics */
export function kubeletMetrics(node: NodeContext, pods: readonly Pod[]): MetricFamily[] {
  const { runtime } = node
  const containers = runtime.listContainers()
  const sandboxes = pods.filter((pod) => runtime.podSandbox(pod.metadata.uid!)?.state === 'ready').length
  return [
    { name: 'kubelet_running_pods', help: '[ALPHA] Number of pods that have a running pod sandbox', type: 'gauge', samples: [{ value: sandboxes }] },
    {
      name: 'kubelet_running_containers', help: '[ALPHA] Number of containers currently running', type: 'gauge',
      samples: (['created', 'exited', 'running'] as const).map((state) => ({ labels: { container_state: state }, value: containers.filter((c) => c.state === state).length })),
    },
    { name: 'kubelet_node_name', help: "[ALPHA] The node's name. The count is always 1.", type: 'gauge', samples: [{ labels: { node: node.nodeName }, value: 1 }] },
    ...node.counters.families(),
  ]
}
