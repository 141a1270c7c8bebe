import { expect, it } from 'vitest'
import type { Deployment, Pod } from '../../kinds/generated/types.ts'
import { podMetrics } from './pod-metrics.ts'
import { workloadMetrics } from './workload-metrics.ts'
import type { ResourceMetrics } from './family.ts'

function samplesOf<T>({ metrics }: ResourceMetrics<T>, name: string, object: T): unknown[] {
  return [...metrics.find((metric) => metric.name === name)!.samples(object)].filter(Boolean)
}

const pod = {
  apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web', namespace: 'default', uid: 'u1', creationTimestamp: '2026-01-01T00:00:00Z' },
  spec: { nodeName: 'n1', restartPolicy: 'Always', containers: [{ name: 'app', image: 'nginx', resources: { requests: { cpu: '250m', memory: '64Mi', 'nvidia.com/gpu': '1' } } }] },
  status: {
    phase: 'Running', conditions: [{ type: 'Ready', status: 'False', lastTransitionTime: '2026-01-01T00:01:00Z' }],
    containerStatuses: [{ name: 'app', image: 'nginx:1', imageID: 'sha', ready: false, restartCount: 3, state: { waiting: { reason: 'CrashLoopBackOff' } }, lastState: { terminated: { exitCode: 137, reason: 'OOMKilled', finishedAt: '2026-01-01T00:02:00Z' } } }],
  },
} as unknown as Pod

it('a crashing pod shows how it stands', () => {
  expect(podMetrics.identity(pod)).toEqual({ namespace: 'default', pod: 'web', uid: 'u1' })
  expect(samplesOf(podMetrics, 'kube_pod_status_phase', pod)).toContainEqual({ labels: { phase: 'Running' }, value: 1 })
  expect(samplesOf(podMetrics, 'kube_pod_status_phase', pod)).toHaveLength(5)
  expect(samplesOf(podMetrics, 'kube_pod_status_ready', pod)).toEqual([{ labels: { condition: 'true' }, value: 0 }, { labels: { condition: 'false' }, value: 1 }, { labels: { condition: 'unknown' }, value: 0 }])
  expect(samplesOf(podMetrics, 'kube_pod_container_status_waiting_reason', pod)).toEqual([{ labels: { container: 'app', reason: 'CrashLoopBackOff' }, value: 1 }])
  expect(samplesOf(podMetrics, 'kube_pod_container_status_last_terminated_reason', pod)).toEqual([{ labels: { container: 'app', reason: 'OOMKilled' }, value: 1 }])
  expect(samplesOf(podMetrics, 'kube_pod_container_status_last_terminated_exitcode', pod)).toEqual([{ labels: { container: 'app' }, value: 137 }])
  expect(samplesOf(podMetrics, 'kube_pod_container_status_restarts_total', pod)).toEqual([{ labels: { container: 'app' }, value: 3 }])
  expect(samplesOf(podMetrics, 'kube_pod_status_ready_time', pod)).toEqual([])
  expect(samplesOf(podMetrics, 'kube_pod_container_resource_requests', pod)).toEqual([
    { labels: { container: 'app', node: 'n1', resource: 'cpu', unit: 'core' }, value: 0.25 }, { labels: { container: 'app', node: 'n1', resource: 'memory', unit: 'byte' }, value: 67108864 }, { labels: { container: 'app', node: 'n1', resource: 'nvidia_com_gpu', unit: 'integer' }, value: 1 },
  ])
})

it('shares of a rolling update are rounded as the controller does', () => {
  const deployments = workloadMetrics.find(({ resource }) => resource === 'deployments') as unknown as ResourceMetrics<Deployment>
  const deployment = { metadata: { name: 'd' }, spec: { replicas: 3, strategy: { rollingUpdate: { maxUnavailable: '25%', maxSurge: '25%' } } }, status: { conditions: [{ type: 'Available', status: 'True', reason: 'MinimumReplicasAvailable' }] } } as unknown as Deployment
  expect(samplesOf(deployments, 'kube_deployment_spec_strategy_rollingupdate_max_unavailable', deployment)).toEqual([{ value: 0 }])
  expect(samplesOf(deployments, 'kube_deployment_spec_strategy_rollingupdate_max_surge', deployment)).toEqual([{ value: 1 }])
  expect(samplesOf(deployments, 'kube_deployment_status_condition', deployment)[0]).toEqual({ labels: { condition: 'Available', reason: 'MinimumReplicasAvailable', status: 'true' }, value: 1 })
})
