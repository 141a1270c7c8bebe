import { rfc3339 } from '../../base/clock.ts'
import type { Pod } from '../kinds/generated/types.ts'
import { quantityValue } from '../kinds/quantity.ts'
import type { NodeContext } from './node-context.ts'

/** k8s: pkg/kubelet/server/stats Summary, as far as usage is known. */
export function statsSummary(node: NodeContext, pods: readonly Pod[]): unknown {
  const { runtime, clock } = node
  const time = rfc3339(clock.nowMs())
  let nodeCpu = 0
  let nodeMemory = 0
  const summaries = pods.flatMap((pod) => {
    let cpu = 0
    let memory = 0
    const containers = runtime.listContainers(pod.metadata.uid!).filter((c) => c.state === 'running').flatMap((c) => {
      const stats = runtime.stats(c.id)
      if (!stats) return []
      cpu += stats.cpuNanoseconds
      memory += stats.memoryBytes
      return [{
        name: c.name, startTime: rfc3339(c.startedMs), cpu: { time, usageNanoCores: 0, usageCoreNanoSeconds: stats.cpuNanoseconds }, memory: { time, usageBytes: stats.memoryBytes, workingSetBytes: stats.memoryBytes, rssBytes: stats.memoryBytes },
        rootfs: { time, usedBytes: stats.rootfsBytes }, logs: { time, usedBytes: stats.logBytes },
      }]
    })
    if (containers.length === 0) return []
    nodeCpu += cpu
    nodeMemory += memory
    return [{
      podRef: { name: pod.metadata.name, namespace: pod.metadata.namespace, uid: pod.metadata.uid }, startTime: pod.status?.startTime, containers,
      cpu: { time, usageNanoCores: 0, usageCoreNanoSeconds: cpu }, memory: { time, usageBytes: memory, workingSetBytes: memory, rssBytes: memory },
      volume: [...node.volumes.mounted(pod.metadata.uid!)].map(([name, volume]) => ({ time, name, usedBytes: volume.usedBytes() })),
    }]
  })
  const capacityBytes = quantityValue(node.allocatable.memory ?? '0')
  return {
    node: { nodeName: node.nodeName, startTime: time, cpu: { time, usageNanoCores: 0, usageCoreNanoSeconds: nodeCpu }, memory: { time, usageBytes: nodeMemory, workingSetBytes: nodeMemory, availableBytes: capacityBytes - nodeMemory } },
    pods: summaries,
  }
}

/** The Prometheus text of /metrics and /metrics/resource. k8s: pkg/kubelet/metrics/collectors/resource_metrics.go */
export function metricsText(node: NodeContext, pods: readonly Pod[], part: string | undefined): string {
  const { runtime, clock } = node
  const atMs = Math.floor(clock.nowMs())
  if (part !== 'resource') {
    const running = pods.filter((p) => runtime.podSandbox(p.metadata.uid!)?.state === 'ready').length
    const containers = runtime.listContainers()
    const count = (state: string) => containers.filter((c) => c.state === state).length
    return `# HELP kubelet_running_pods [ALPHA] Number of pods that have a running pod sandbox\n# TYPE kubelet_running_pods gauge\nkubelet_running_pods ${running}\n`
      + `# HELP kubelet_running_containers [ALPHA] Number of containers currently running\n# TYPE kubelet_running_containers gauge\n${(['created', 'exited', 'running'] as const).map((s) => `kubelet_running_containers{container_state="${s}"} ${count(s)}\n`).join('')}`
      + `# HELP kubelet_node_name [ALPHA] The node's name. The count is always 1.\n# TYPE kubelet_node_name gauge\nkubelet_node_name{node="${node.nodeName}"} 1\n`
  }
  const cpu: string[] = []
  const memory: string[] = []
  let nodeCpu = 0
  let nodeMemory = 0
  for (const pod of pods)
    for (const c of runtime.listContainers(pod.metadata.uid!)) {
      const stats = c.state === 'running' ? runtime.stats(c.id) : undefined
      if (!stats) continue
      const labels = `{container="${c.name}",namespace="${pod.metadata.namespace}",pod="${pod.metadata.name}"}`
      cpu.push(`container_cpu_usage_seconds_total${labels} ${stats.cpuNanoseconds / 1e9} ${atMs}\n`)
      memory.push(`container_memory_working_set_bytes${labels} ${stats.memoryBytes} ${atMs}\n`)
      nodeCpu += stats.cpuNanoseconds / 1e9
      nodeMemory += stats.memoryBytes
    }
  return `# HELP container_cpu_usage_seconds_total [STABLE] Cumulative cpu time consumed by the container in core-seconds\n# TYPE container_cpu_usage_seconds_total counter\n${cpu.join('')}`
    + `# HELP container_memory_working_set_bytes [STABLE] Current working set of the container in bytes\n# TYPE container_memory_working_set_bytes gauge\n${memory.join('')}`
    + `# HELP node_cpu_usage_seconds_total [STABLE] Cumulative cpu time consumed by the node in core-seconds\n# TYPE node_cpu_usage_seconds_total counter\nnode_cpu_usage_seconds_total ${nodeCpu} ${atMs}\n`
    + `# HELP node_memory_working_set_bytes [STABLE] Current working set of the node in bytes\n# TYPE node_memory_working_set_bytes gauge\nnode_memory_working_set_bytes ${nodeMemory} ${atMs}\n`
}
