import { expect, it } from 'vitest'
import type { Namespace, Pod } from '../kinds/generated/types.ts'
import { namespaceConditions } from './namespace.ts'
import { startTestControlPlane } from './test-control-plane.ts'

const NOW = Date.UTC(2026, 0, 1)
const nothing = { resources: new Map<string, number>(), finalizers: new Map<string, number>(), errors: [] }

it('conditions of a dying namespace name the groups whose server is away', () => {
  const [discovery, , content] = namespaceConditions([], { ...nothing, undiscovered: ['metrics.k8s.io/v1beta1'] }, NOW)
  expect(discovery).toMatchObject({
    type: 'NamespaceDeletionDiscoveryFailure', status: 'True', reason: 'DiscoveryFailed',
    message: 'Discovery failed for some groups, 1 failing: unable to retrieve the complete list of server APIs: metrics.k8s.io/v1beta1: stale GroupVersion discovery: metrics.k8s.io/v1beta1',
  })
  expect(content).toMatchObject({ status: 'False', reason: 'ContentDeleted' })
})

it('conditions keep the time since when they hold', () => {
  const before = namespaceConditions([], { ...nothing, resources: new Map([['pods.', 2]]) }, NOW)
  const after = namespaceConditions(before, { ...nothing, resources: new Map([['pods.', 1]]) }, NOW + 5000)
  expect(after[3]).toMatchObject({ reason: 'SomeResourcesRemain', message: 'Some resources are remaining: pods. has 1 resource instances', lastTransitionTime: before[3]!.lastTransitionTime })
})

it('as long as pods remain nothing is said to remain', async () => {
  const plane = await startTestControlPlane({ scheduler: false })
  await plane.api.create('namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'going' } })
  await plane.api.create<Pod>('pods', { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', namespace: 'going' }, spec: { nodeName: 'n', containers: [{ name: 'c', image: 'i' }] } } as unknown as Pod)
  await plane.api.delete('namespaces', 'going')
  await plane.clock.advance(8000)
  const { status } = await plane.api.get<Namespace>('namespaces', 'going')
  expect(status!.conditions!.map(({ type, status: is }) => `${type}=${is}`).slice(3)).toEqual(['NamespaceContentRemaining=False', 'NamespaceFinalizersRemaining=False'])
  plane.stop()
})
