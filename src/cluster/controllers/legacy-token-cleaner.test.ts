import { afterAll, beforeAll, expect, test } from 'vitest'
import { silentLog } from '../../base/log.ts'
import { Random } from '../../base/random.ts'
import { runController } from '../client/controller-runner.ts'
import { createEventRecorder } from '../client/event-recorder.ts'
import type { KubeObject } from '../kinds/object.ts'
import { legacyTokenCleaner } from './legacy-token-cleaner.ts'
import { startTestControlPlane, type TestControlPlane } from './test-control-plane.ts'

const DAY_MS = 24 * 3_600_000
let plane: TestControlPlane
beforeAll(async () => { plane = await startTestControlPlane({ scheduler: false, controllers: false }) })
afterAll(() => plane.stop())

test('a generated token that nobody uses is marked after the period, and gone after another', async () => {
  const { api, clock, informers } = plane
  await api.create('configmaps', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'kube-apiserver-legacy-service-account-token-tracking', namespace: 'kube-system' }, data: { since: '2026-01-01' } })
  const account = await api.create<KubeObject>('serviceaccounts', { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'robot', namespace: 'default' }, secrets: ['idle', 'used', 'mounted'].map((name) => ({ name })) })
  for (const name of ['idle', 'used', 'mounted', 'manual']) await api.create('secrets', {
    apiVersion: 'v1', kind: 'Secret', type: 'kubernetes.io/service-account-token',
    metadata: { name, namespace: 'default', annotations: { 'kubernetes.io/service-account.name': 'robot', 'kubernetes.io/service-account.uid': account.metadata.uid! }, ...(name === 'used' ? { labels: { 'kubernetes.io/legacy-token-last-used': '2026-01-10' } } : {}) },
  } as KubeObject)
  await api.create('pods', { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', namespace: 'default' }, spec: { containers: [{ name: 'c', image: 'i' }], volumes: [{ name: 'v', secret: { secretName: 'mounted' } }] } } as KubeObject)
  const running = runController(legacyTokenCleaner(2 * DAY_MS), { informers, api, clock, log: silentLog, random: new Random('x'), events: createEventRecorder({ api, clock, log: silentLog, component: 'x' }) })
  const labelOf = async (name: string) => (await api.get<KubeObject>('secrets', name, 'default')).metadata.labels?.['kubernetes.io/legacy-token-invalid-since']
  await clock.advance(2.5 * DAY_MS)
  expect(await labelOf('idle')).toBeUndefined()
  await clock.advance(DAY_MS)
  expect(await labelOf('idle')).toBe('2026-01-04')
  for (const name of ['used', 'mounted', 'manual']) expect(await labelOf(name)).toBeUndefined()
  await clock.advance(3 * DAY_MS)
  expect((await api.list<KubeObject>('secrets', { namespace: 'default' })).items.map(({ metadata }) => metadata.name)).toEqual(['manual', 'mounted', 'used'])
  running.stop()
})
