import { afterEach, describe, expect, it } from 'vitest'
import { rfc3339 } from '../../../base/clock.ts'
import type { HorizontalPodAutoscaler, HorizontalPodAutoscalerSpec, ReplicationController } from '../../kinds/generated/types.ts'
import { startTestControlPlane, type TestControlPlane } from '../test-control-plane.ts'
import { ScalingHistory } from './scaling-history.ts'

const HPAS = 'horizontalpodautoscalers.autoscaling'
const CPU_50 = { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } }

let plane: TestControlPlane
afterEach(() => plane.stop())

/** What the fake metrics APIs answer. */
interface Metrics {
  /** CPU of the pods, in the order of their names; undefined: not measured. */
  cpu?: readonly (string | undefined)[]
  external?: readonly string[]
}

/** A ReplicationController `web` of running pods that request 100m of CPU, and metrics APIs if there are metrics. */
async function start(replicas: number, metrics?: Metrics): Promise<void> {
  plane = await startTestControlPlane({
    http: async (_host, _port, request) => {
      const { pathname } = new URL(request.url)
      if (pathname.split('/').length === 4) return Response.json({ kind: 'APIResourceList', apiVersion: 'v1', groupVersion: pathname.slice(6), resources: [] })
      if (pathname.startsWith('/apis/external.metrics.k8s.io/')) return Response.json({ items: metrics?.external?.map((value) => ({ value })) ?? [] })
      const pods = plane.informers.for('pods').list('default').map((pod) => pod.metadata.name!).sort()
      return Response.json({
        items: pods.flatMap((name, i) => metrics?.cpu?.[i] === undefined ? [] : [{ metadata: { name }, timestamp: rfc3339(plane.clock.nowMs()), window: '15s', containers: [{ name: 'c', usage: { cpu: metrics.cpu[i] } }] }]),
      })
    },
  })
  await plane.addNode('node')
  plane.runPods()
  const { api } = plane
  if (metrics) {
    plane.server.start()
    await api.create('services', { apiVersion: 'v1', kind: 'Service', metadata: { name: 'metrics', namespace: 'default' }, spec: { type: 'ExternalName', externalName: 'metrics.example.com' } })
    for (const [group, version] of [['metrics.k8s.io', 'v1beta1'], ['external.metrics.k8s.io', 'v1beta1']]) {
      await api.create('apiservices.apiregistration.k8s.io', { apiVersion: 'apiregistration.k8s.io/v1', kind: 'APIService', metadata: { name: `${version}.${group}` }, spec: { group, version, groupPriorityMinimum: 100, versionPriority: 100, insecureSkipTLSVerify: true, service: { namespace: 'default', name: 'metrics' } } })
    }
  }
  await api.create('replicationcontrollers', {
    apiVersion: 'v1', kind: 'ReplicationController', metadata: { name: 'web', namespace: 'default' },
    spec: { replicas, selector: { app: 'web' }, template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image: 'x', resources: { requests: { cpu: '100m' } } }] } } },
  })
  await plane.clock.advance(360_000)
}

async function autoscale(spec: Partial<HorizontalPodAutoscalerSpec> = {}, name = 'web'): Promise<void> {
  await plane.api.create(HPAS, { apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler', metadata: { name, namespace: 'default' }, spec: { scaleTargetRef: { kind: 'ReplicationController', name: 'web' }, maxReplicas: 10, metrics: [CPU_50], ...spec } })
}

const rounds = (count: number) => plane.clock.advance(count * 15_000 + 100)
const hpa = () => plane.api.get<HorizontalPodAutoscaler>(HPAS, 'web', 'default')
const replicas = async () => (await plane.api.get<ReplicationController>('replicationcontrollers', 'web', 'default')).spec!.replicas
const conditions = async () => Object.fromEntries(((await hpa()).status.conditions ?? []).map(({ type, status, reason, message }) => [type, `${status} ${reason}: ${message}`]))
const events = async () => (await plane.api.list('events', { namespace: 'default' })).items.filter((event) => event.involvedObject.kind === 'HorizontalPodAutoscaler').map((event) => `${event.involvedObject.name}: ${event.reason} x${event.count} ${event.message}`).sort()

describe('what an autoscaler can do nothing about', () => {
  it('a target that is not there, or of an unknown kind', async () => {
    await start(1)
    await autoscale({ scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'nope' } })
    await autoscale({ scaleTargetRef: { apiVersion: 'fruit.io/v1', kind: 'Banana', name: 'x' } }, 'banana')
    await autoscale({ scaleTargetRef: { apiVersion: 'batch/v1', kind: 'Job', name: 'x' } }, 'job')
    await rounds(1)
    expect(await conditions()).toEqual({ AbleToScale: 'False FailedGetScale: the HPA controller was unable to get the target\'s current scale: deployments.apps "nope" not found' })
    expect(await events()).toEqual([
      'banana: FailedGetScale x1 no matches for kind "Banana" in group "fruit.io"', 'job: FailedGetScale x1 the server could not find the requested resource', 'web: FailedGetScale x1 deployments.apps "nope" not found',
    ])
  })

  it('metrics that nobody serves; bounds hold all the same', async () => {
    await start(2)
    await autoscale({ metrics: [{ type: 'External', external: { metric: { name: 'queue', selector: { matchLabels: { a: 'b' } } }, target: { type: 'Value', value: '3' } } }, CPU_50] })
    await rounds(2)
    const message = 'unable to get external metric default/queue/&LabelSelector{MatchLabels:map[string]string{a: b,},MatchExpressions:[]LabelSelectorRequirement{},}: unable to fetch metrics from external metrics API: the server could not find the requested resource (get queue.external.metrics.k8s.io)'
    const cpu = 'failed to get cpu utilization: unable to get metrics for resource cpu: unable to fetch metrics from resource metrics API: the server could not find the requested resource (get pods.metrics.k8s.io)'
    expect(await conditions()).toEqual({
      AbleToScale: "True SucceededGetScale: the HPA controller was able to get the target's current scale",
      ScalingActive: `False FailedGetExternalMetric: the HPA was unable to compute the replica count: ${message}`,
    })
    expect(await events()).toEqual([
      `web: FailedComputeMetricsReplicas x2 invalid metrics (2 invalid out of 2), first error is: failed to get queue external metric value: failed to get external metric queue: ${message}`,
      `web: FailedGetExternalMetric x2 ${message}`, `web: FailedGetResourceMetric x2 ${cpu}`,
    ])
    expect((await hpa()).status).toMatchObject({ currentReplicas: 2, desiredReplicas: 0, currentMetrics: [{ type: '' }, { type: '' }] })
    await plane.api.patch(HPAS, 'web', 'default', 'application/merge-patch+json', { spec: { minReplicas: 3 } })
    await rounds(1)
    expect(await replicas()).toBe(3)
    expect(await events()).toContain('web: SuccessfulRescale x1 New size: 3; reason: Current number of replicas below Spec.MinReplicas')
    expect((await hpa()).status).toMatchObject({ currentReplicas: 2, desiredReplicas: 3, lastScaleTime: rfc3339(plane.clock.nowMs() - 100), currentMetrics: null })
  })

  it('pods of two autoscalers', async () => {
    await start(1, { cpu: ['50m'] })
    await autoscale()
    await autoscale({}, 'other')
    await rounds(2)
    expect(await conditions()).toMatchObject({ ScalingActive: 'False AmbiguousSelector: pods by selector app=web are controlled by multiple HPAs: [default/web default/other]' })
    await plane.api.delete(HPAS, 'other', 'default')
    await rounds(1)
    expect(await conditions()).toMatchObject({ ScalingActive: 'True ValidMetricFound: the HPA was able to successfully calculate a replica count from cpu resource utilization (percentage of request)' })
  })

  it('nothing, when there is nothing to scale', async () => {
    await start(0)
    await autoscale()
    await rounds(1)
    expect(await conditions()).toMatchObject({ ScalingActive: 'False ScalingDisabled: scaling is disabled since the replica count of the target is zero' })
    expect(await events()).toEqual([])
  })
})

describe('what metrics ask for', () => {
  it.each([
    ['usage within the tolerance', ['54m', '54m', '54m'], 3], ['usage above it', ['56m', '56m', '56m'], 4], ['twice the target', ['100m', '100m', '100m'], 6],
    ['far too much, within the speed limit', ['900m', '900m', '900m'], 6], ['less, in five minutes', ['10m', '10m', '10m'], 3],
    ['a pod that was not measured counts as idle', ['100m', '100m', undefined], 4], ['and does not turn a little more into less', ['60m', '60m', undefined], 3],
  ])('%s', async (_what, cpu, wanted) => {
    await start(3, { cpu })
    await autoscale()
    await rounds(1)
    expect(await replicas()).toBe(wanted)
  })

  it('the most that any of them wants; what is not to be had only keeps from scaling down', async () => {
    const metrics: Metrics = { cpu: ['100m', '100m', '100m'] }
    await start(3, metrics)
    await autoscale({ metrics: [{ type: 'External', external: { metric: { name: 'queue' }, target: { type: 'AverageValue', averageValue: '10' } } }, CPU_50], behavior: { scaleDown: { stabilizationWindowSeconds: 0 } } })
    metrics.cpu = ['1m', '1m', '1m']
    await rounds(1)
    expect(await replicas()).toBe(3)
    expect(await events()).toEqual(['web: FailedComputeMetricsReplicas x1 invalid metrics (1 invalid out of 2), first error is: failed to get queue external metric value: failed to get queue external metric: unable to get external metric default/queue/nil: no metrics returned from external metrics API', 'web: FailedGetExternalMetric x1 unable to get external metric default/queue/nil: no metrics returned from external metrics API'])
    expect((await hpa()).status.currentMetrics).toEqual([{ type: '' }, { type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: 1, averageValue: '1m' } } }])
    metrics.external = ['20', '20500m']
    await rounds(1)
    expect(await replicas()).toBe(5)
    expect(await conditions()).toEqual({
      AbleToScale: 'True SucceededRescale: the HPA controller was able to update the target scale to 5',
      ScalingActive: 'True ValidMetricFound: the HPA was able to successfully calculate a replica count from external metric queue(nil)',
      ScalingLimited: 'False DesiredWithinRange: the desired count is within the acceptable range',
    })
    expect(await events()).toContain('web: SuccessfulRescale x1 New size: 5; reason: external metric queue(nil) above target')
  })

  it('custom resources, too, by the scale that their definition gives them', async () => {
    await start(2, { external: ['90'] })
    const { api, clock } = plane
    const replicas = { type: 'object', properties: { replicas: { type: 'integer', maximum: 4 }, selector: { type: 'string' } } }
    await api.create('customresourcedefinitions.apiextensions.k8s.io', {
      apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: 'farms.example.com' },
      spec: {
        group: 'example.com', scope: 'Namespaced', names: { plural: 'farms', kind: 'Farm' },
        versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object', properties: { spec: replicas, status: replicas } } }, subresources: { status: {}, scale: { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas', labelSelectorPath: '.status.selector' } } }],
      },
    })
    await clock.advance(1000)
    await api.create('farms.example.com', { apiVersion: 'example.com/v1', kind: 'Farm', metadata: { name: 'f', namespace: 'default' }, spec: { replicas: 2 } })
    await api.patch('farms.example.com', 'f', 'default', 'application/merge-patch+json', { status: { replicas: 2, selector: 'app=web' } }, { subresource: 'status' })
    await autoscale({ scaleTargetRef: { apiVersion: 'example.com/v1', kind: 'Farm', name: 'f' }, metrics: [{ type: 'External', external: { metric: { name: 'queue' }, target: { type: 'AverageValue', averageValue: '30' } } }] })
    await rounds(1)
    expect((await api.get('farms.example.com', 'f', 'default')).spec.replicas).toBe(3)
    await api.patch('farms.example.com', 'f', 'default', 'application/merge-patch+json', { spec: { replicas: 4 } })
    await api.patch(HPAS, 'web', 'default', 'application/merge-patch+json', { spec: { minReplicas: 5 } })
    await rounds(1)
    const why = 'Farm.example.com "f" is invalid: spec.replicas: Invalid value: 5: spec.replicas in body should be less than or equal to 4'
    expect(await conditions()).toMatchObject({ AbleToScale: `False FailedUpdateScale: the HPA controller was unable to update the target scale: ${why}` })
    expect(await events()).toContain(`web: FailedRescale x1 New size: 5; reason: Current number of replicas below Spec.MinReplicas; error: ${why}`)
  })

  it('less in small steps, where the policies say so', async () => {
    await start(8, { cpu: Array(8).fill('1m') })
    await autoscale({ behavior: { scaleDown: { stabilizationWindowSeconds: 0, selectPolicy: 'Min', policies: [{ type: 'Percent', value: 10, periodSeconds: 60 }, { type: 'Pods', value: 3, periodSeconds: 60 }] } } })
    const seen: unknown[] = []
    for (let round = 0; round < 6; round++) {
      await rounds(1)
      seen.push(await replicas())
    }
    expect(seen).toEqual([7, 7, 7, 7, 6, 6])
    expect(await conditions()).toMatchObject({ AbleToScale: 'True ReadyForNewScale: recommended size matches current size', ScalingLimited: 'True ScaleDownLimit: the desired replica count is decreasing faster than the maximum scale rate' })
  })
})

describe('a history', () => {
  it('holds the highest recommendation for five minutes', () => {
    const history = new ScalingHistory()
    history.begin(5, 0)
    expect([15, 150, 299, 300, 315].map((seconds) => history.stabilized(2, seconds * 1000))).toEqual([5, 5, 5, 2, 2])
  })

  it('holds the lowest one for as long as growing has to wait', () => {
    const history = new ScalingHistory()
    const behavior = { scaleUp: { stabilizationWindowSeconds: 60, selectPolicy: 'Max', policies: [] }, scaleDown: { selectPolicy: 'Max', policies: [] } }
    history.begin(3, 0)
    expect([15, 45, 60].map((seconds) => history.stabilizedBy(behavior, 3, 6, seconds * 1000).replicas)).toEqual([3, 3, 6])
  })
})
