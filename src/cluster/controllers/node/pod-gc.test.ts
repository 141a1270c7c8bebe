import { afterEach, expect, test } from 'vitest'
import type { Pod } from '../../kinds/generated/types.ts'
import { startTestControlPlane, type TestControlPlane } from '../test-control-plane.ts'

let plane: TestControlPlane
afterEach(() => plane.stop())

test('a pod whose node is gone fails, and its last condition says why', async () => {
  plane = await startTestControlPlane({ scheduler: false })
  await plane.api.create('pods', {
    apiVersion: 'v1', kind: 'Pod', metadata: { name: 'lost', namespace: 'default', finalizers: ['example.com/hold'] }, spec: { nodeName: 'nowhere', containers: [{ name: 'c', image: 'nginx' }] },
  } as unknown as Pod)
  await plane.api.patch('pods', 'lost', 'default', 'application/merge-patch+json', { status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] } }, { subresource: 'status' })
  await plane.clock.advance(90_000)
  const { status, metadata } = await plane.api.get<Pod>('pods', 'lost', 'default')
  expect([status!.phase, metadata.deletionTimestamp !== undefined]).toEqual(['Failed', true])
  expect(status!.conditions!.map(({ type, reason }) => [type, reason])).toEqual([['Ready', undefined], ['DisruptionTarget', 'DeletionByPodGC']])
})
