import { expect, test } from 'vitest'
import { prometheusText } from '../../base/prometheus.ts'
import { mergedFamilies, SchedulerCounters } from './scheduler-counters.ts'

test('schedulers of several profiles count as one process: no series comes twice', () => {
  const gauges = { queues: { active: 1, backoff: 0, unschedulable: 2, gated: 0 }, rejected: new Map([['NodeAffinity', 2]]), nodes: 3, pods: 10, assumedPods: 1 }
  const all = ['default-scheduler', 'other'].map((profile) => {
    const counters = new SchedulerCounters(profile)
    counters.attempt('scheduled', 100)
    counters.placed(1, 100)
    counters.preemption()
    counters.incoming('active', 'UnschedulablePodAdd')
    return counters.families(gauges)
  })
  const lines = prometheusText(mergedFamilies(all)).split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  const series = lines.map((line) => line.slice(0, line.lastIndexOf(' ')))
  expect(series.filter((each, i) => series.indexOf(each) !== i)).toEqual([])
  for (const line of [
    'scheduler_pending_pods{queue="unschedulable"} 4', 'scheduler_preemption_attempts_total 2', 'scheduler_pod_scheduling_attempts_bucket{le="1"} 2', 'scheduler_pod_scheduling_attempts_count 2',
    'scheduler_queue_incoming_pods_total{event="UnschedulablePodAdd",queue="active"} 2', 'scheduler_schedule_attempts_total{profile="other",result="scheduled"} 1',
    'scheduler_cache_size{type="nodes"} 3', 'scheduler_cache_size{type="pods"} 10', 'scheduler_cache_size{type="assumed_pods"} 2',
  ]) expect(lines).toContain(line)
})
