import { afterEach, expect, test } from 'vitest'
import type { Deployment, Pod, ReplicaSet } from '../../kinds/generated/types.ts'
import { startTestControlPlane, type TestControlPlane } from '../test-control-plane.ts'

let plane: TestControlPlane
afterEach(() => plane.stop())

function deployment(replicas: number, image = 'nginx:1'): Deployment {
  return {
    apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web', namespace: 'default' },
    spec: { replicas, selector: { matchLabels: { app: 'web' } }, template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image }] } } },
  } as unknown as Deployment
}

test('a Deployment comes up, rolls out a new template and keeps the old ReplicaSet', async () => {
  const errors: string[] = []
  plane = await startTestControlPlane({ onLog: (entry) => { if (entry.level === 'error') errors.push(JSON.stringify(entry)) } })
  plane.runPods()
  for (const name of ['one', 'two', 'three']) await plane.addNode(name)
  await plane.api.create('deployments.apps', deployment(3))
  const complete = async () => {
    const { status, spec, metadata } = await plane.api.get<Deployment>('deployments.apps', 'web', 'default')
    return status?.availableReplicas === spec!.replicas && status?.updatedReplicas === spec!.replicas && status?.replicas === spec!.replicas && status?.observedGeneration === metadata.generation
  }
  await plane.clock.until(complete, { withinMs: 30_000 })
  const first = await plane.api.get<Deployment>('deployments.apps', 'web', 'default')
  expect(first.metadata.annotations?.['deployment.kubernetes.io/revision']).toBe('1')
  expect(first.status!.conditions!.map(({ type, status, reason }) => `${type}=${status} ${reason}`).sort()).toEqual(['Available=True MinimumReplicasAvailable', 'Progressing=True NewReplicaSetAvailable'])

  await plane.api.patch('deployments.apps', 'web', 'default', 'application/merge-patch+json', { spec: { template: { spec: { containers: [{ name: 'c', image: 'nginx:2' }] } } } })
  await plane.clock.until(complete, { withinMs: 60_000 })
  const sets = (await plane.api.list<ReplicaSet>('replicasets.apps', { namespace: 'default' })).items
  expect(sets.map((rs) => `${rs.metadata.annotations!['deployment.kubernetes.io/revision']}: ${rs.spec!.replicas}`).sort()).toEqual(['1: 0', '2: 3'])
  const pods = (await plane.api.list<Pod>('pods', { namespace: 'default' })).items
  expect(pods.map((pod) => pod.spec.containers[0]!.image)).toEqual(['nginx:2', 'nginx:2', 'nginx:2'])
  expect(pods.every((pod) => pod.spec.nodeName)).toBe(true)
  expect(errors).toEqual([])
})

test('deleting a Deployment takes its ReplicaSets and pods with it', async () => {
  plane = await startTestControlPlane()
  plane.runPods()
  await plane.addNode('one')
  await plane.api.create('deployments.apps', deployment(3))
  const podCount = async () => (await plane.api.list('pods', { namespace: 'default' })).items.length
  await plane.clock.until(async () => await podCount() === 3, { withinMs: 30_000 })
  await plane.api.delete('deployments.apps', 'web', 'default')
  await plane.clock.until(async () => await podCount() === 0, { withinMs: 60_000 })
  expect((await plane.api.list('replicasets.apps', { namespace: 'default' })).items).toEqual([])
})

test('revisions count on beyond what a double holds', async () => {
  plane = await startTestControlPlane({ scheduler: false })
  const { spec } = deployment(0)
  await plane.api.create('replicasets.apps', {
    apiVersion: 'apps/v1', kind: 'ReplicaSet', metadata: { name: 'adopted', namespace: 'default', labels: { app: 'web' }, annotations: { 'deployment.kubernetes.io/revision': '3546343826724305832' } }, spec: { ...spec, template: deployment(0, 'nginx:0').spec!.template },
  } as never)
  await plane.api.create('deployments.apps', deployment(0))
  const revision = async () => (await plane.api.get<Deployment>('deployments.apps', 'web', 'default')).metadata.annotations?.['deployment.kubernetes.io/revision']
  await plane.clock.until(async () => await revision() !== undefined, { withinMs: 30_000 })
  expect(await revision()).toBe('3546343826724305833')
})
