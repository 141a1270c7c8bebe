import { afterEach, expect, test } from 'vitest'
import type { DaemonSet, Pod } from '../../kinds/generated/types.ts'
import { startTestControlPlane, type TestControlPlane } from '../test-control-plane.ts'

let plane: TestControlPlane
afterEach(() => plane.stop())

const pods = async () => (await plane.api.list<Pod>('pods', { namespace: 'default' })).items
const version = (pod: Pod) => pod.spec.containers[0]!.env![0]!.value

async function start(updateStrategy: object, podMetadata: object = {}): Promise<void> {
  plane = await startTestControlPlane()
  await plane.addNode('control', { taints: [{ key: 'node-role.kubernetes.io/control-plane', effect: 'NoSchedule' }] })
  await plane.addNode('one', { labels: { zone: 'a' } })
  await plane.addNode('two', { labels: { zone: 'b' } })
  plane.runPods()
  await plane.api.create<DaemonSet>('daemonsets.apps', {
    apiVersion: 'apps/v1', kind: 'DaemonSet', metadata: { name: 'agent', namespace: 'default' },
    spec: {
      selector: { matchLabels: { app: 'agent' } }, minReadySeconds: 10, updateStrategy: { type: 'RollingUpdate', rollingUpdate: updateStrategy },
      template: { metadata: { labels: { app: 'agent' }, ...podMetadata }, spec: { containers: [{ name: 'c', image: 'nginx', env: [{ name: 'VERSION', value: '1' }] }] } },
    },
  } as unknown as DaemonSet)
  await plane.clock.until(async () => (await plane.api.get<DaemonSet>('daemonsets.apps', 'agent', 'default')).status?.numberAvailable === 2, { withinMs: 30_000 })
}
const change = (podSpec: object) => plane.api.patch('daemonsets.apps', 'agent', 'default', 'application/strategic-merge-patch+json', { spec: { template: { spec: podSpec } } })
const VERSION_2 = { containers: [{ name: 'c', env: [{ name: 'VERSION', value: '2' }] }] }

test('a surge keeps to its limit, and goes on when the new pod has been ready for long enough', async () => {
  await start({ maxUnavailable: 0, maxSurge: '20%' })
  await change(VERSION_2)
  for (let i = 0; i < 20; i++) {
    await plane.clock.advance(100)
    expect((await pods()).filter((pod) => version(pod) === '2')).toHaveLength(1)
  }
  await plane.clock.until(async () => (await pods()).every((pod) => version(pod) === '2'), { withinMs: 60_000 })
  expect(await pods()).toHaveLength(2)
})

test('with a surge an old pod that is no longer ready gives way at once', async () => {
  await start({ maxUnavailable: 0, maxSurge: 1 })
  await change(VERSION_2)
  await plane.clock.advance(1_000)
  const crowded = (await pods()).find((pod) => version(pod) === '2')!.spec.nodeName
  const old = (await pods()).find((pod) => version(pod) === '1' && pod.spec.nodeName === crowded)!
  await plane.api.patch('pods', old.metadata.name!, 'default', 'application/strategic-merge-patch+json', { status: { conditions: [{ type: 'Ready', status: 'False' }] } }, { subresource: 'status' })
  await plane.clock.advance(1_000)
  expect((await pods()).filter((pod) => pod.spec.nodeName === crowded).map(version)).toEqual(['2'])
})

test('with a surge a pod leaves a node that is no longer meant only while enough others are available', async () => {
  await start({ maxUnavailable: 0, maxSurge: 1 })
  await change({ nodeSelector: { zone: 'b' } })
  await plane.clock.until(async () => (await pods()).every((pod) => pod.spec.nodeName === 'two' && pod.spec.nodeSelector?.zone === 'b'), { withinMs: 60_000 })
  expect(await pods()).toHaveLength(1)
})

test('with a surge each old pod is deleted once, however long it takes to go', async () => {
  await start({ maxUnavailable: 0, maxSurge: 2 }, { finalizers: ['example.com/hold'] })
  await change(VERSION_2)
  const old = async () => (await pods()).filter((pod) => version(pod) === '1')
  await plane.clock.until(async () => (await old()).every((pod) => pod.metadata.deletionTimestamp), { withinMs: 60_000 })
  await plane.clock.advance(5_000)
  const events = (await plane.api.list<any>('events', { namespace: 'default' })).items.filter((event) => event.reason === 'SuccessfulDelete')
  expect(events.map(({ count }) => count)).toEqual([1, 1])
})
