import { afterEach, expect, test } from 'vitest'
import type { ResourceQuota } from '../kinds/generated/types.ts'
import { startTestControlPlane, type TestControlPlane } from './test-control-plane.ts'

let plane: TestControlPlane | undefined
afterEach(() => plane?.stop())

test('a deleted object of any counted resource frees its quota, and what nobody serves is not waited for', async () => {
  plane = await startTestControlPlane({ scheduler: false })
  const { api, clock } = plane
  await api.create('replicasets.apps', {
    apiVersion: 'apps/v1', kind: 'ReplicaSet', metadata: { name: 'web', namespace: 'default' },
    spec: { replicas: 0, selector: { matchLabels: { app: 'web' } }, template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'web', image: 'nginx' }] } } },
  } as never)
  await api.create('resourcequotas', {
    apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'counts', namespace: 'default' }, spec: { hard: { 'count/replicasets.apps': '5', 'count/gadgets.example.com': '5', configmaps: '9' } },
  } as never)
  const used = async () => (await api.get<ResourceQuota>('resourcequotas', 'counts', 'default')).status?.used?.['count/replicasets.apps']
  await clock.advance(5_000)
  expect(await used()).toBe('1')
  // What nobody serves isn't counted.
  expect(Object.keys((await api.get<ResourceQuota>('resourcequotas', 'counts', 'default')).status!.used!)).toEqual(['configmaps', 'count/replicasets.apps'])
  await api.delete('replicasets.apps', 'web', 'default')
  await clock.advance(5_000)
  expect(await used()).toBe('0')
})
