import { describe, expect, it } from 'vitest'
import { MetricStorage, parseResourceMetrics } from './metric-points.ts'

const text = (cpu: number, timeMs: number, startedSeconds = 100) => `# HELP container_cpu_usage_seconds_total x
# TYPE container_cpu_usage_seconds_total counter
container_cpu_usage_seconds_total{container="web",namespace="default",pod="a"} ${cpu} ${timeMs}
container_memory_working_set_bytes{container="web",namespace="default",pod="a"} 1.048576e+06 ${timeMs}
container_start_time_seconds{container="web",namespace="default",pod="a"} ${startedSeconds}
node_cpu_usage_seconds_total ${cpu * 2} ${timeMs}
node_memory_working_set_bytes 2.097152e+06 ${timeMs}
`
const store = (storage: MetricStorage, cpu: number, timeMs: number, startedSeconds?: number) => storage.store(new Map([['n1', parseResourceMetrics(text(cpu, timeMs, startedSeconds), timeMs)]]))

describe('metrics', () => {
  it('have a rate from the second round on', () => {
    const storage = new MetricStorage(15_000)
    store(storage, 10, 1_000_000)
    expect(storage.isReady).toBe(false)
    store(storage, 11.5, 1_015_000)
    expect(storage.isReady).toBe(true)
    expect(storage.pod('default/a')!.get('web')).toEqual({ timeMs: 1_015_000, windowMs: 15_000, cpuNanoCores: 100_000_000, memoryBytes: 1_048_576 })
    expect(storage.node('n1')).toMatchObject({ cpuNanoCores: 200_000_000, memoryBytes: 2_097_152 })
  })

  it('of a container that has just started count from its start', () => {
    const storage = new MetricStorage(15_000)
    store(storage, 1.2, 112_000, 100)
    expect(storage.pod('default/a')!.get('web')).toMatchObject({ windowMs: 12_000, cpuNanoCores: 100_000_000 })
  })

  it('begin anew after a restart, and end with the pod', () => {
    const storage = new MetricStorage(15_000)
    store(storage, 10, 1_000_000)
    store(storage, 0.1, 1_015_000, 1_010)
    expect(storage.pod('default/a')).toBeUndefined()
    storage.store(new Map())
    expect(storage.node('n1')).toBeUndefined()
  })

  it('leave out a pod of which a figure is missing', () => {
    expect(parseResourceMetrics('container_cpu_usage_seconds_total{container="c",namespace="n",pod="p"} 1 5\n', 5).pods.size).toBe(0)
  })
})
