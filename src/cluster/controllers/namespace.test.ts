import { expect, it } from 'vitest'
import { namespaceConditions } from './namespace.ts'

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
