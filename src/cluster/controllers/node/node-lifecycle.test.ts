import { afterEach, expect, test } from 'vitest'
import type { Node, Pod } from '../../kinds/generated/types.ts'
import { startTestControlPlane, type TestControlPlane } from '../test-control-plane.ts'
import { CidrSet } from './node-ipam.ts'
import { secondsTolerated } from './taint-eviction.ts'

let plane: TestControlPlane | undefined
afterEach(() => plane?.stop())

test('a node whose kubelet falls silent becomes unknown and tainted, and its pods move on when their time is over', async () => {
  const errors: string[] = []
  plane = await startTestControlPlane({ onLog: (entry) => { if (entry.level === 'error') errors.push(JSON.stringify(entry)) } })
  plane.runPods()
  for (const name of ['one', 'two', 'three']) await plane.addNode(name)
  await plane.clock.advance(6000)
  await plane.api.create('pods', {
    apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web', namespace: 'default' },
    spec: { nodeName: 'one', terminationGracePeriodSeconds: 0, containers: [{ name: 'c', image: 'nginx' }], tolerations: [{ key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 60 }] },
  } as unknown as Pod)
  await plane.clock.advance(1000)
  plane.silence('one')
  const silentMs = plane.clock.nowMs()
  const node = () => plane!.api.get<Node>('nodes', 'one')
  await plane.clock.until(async () => (await node()).status!.conditions!.some(({ type, status }) => type === 'Ready' && status === 'Unknown'), { withinMs: 120_000 })
  expect((await node()).status!.conditions!.find(({ type }) => type === 'Ready')).toMatchObject({ reason: 'NodeStatusUnknown', message: 'Kubelet stopped posting node status.' })
  expect((await plane.api.get<Pod>('pods', 'web', 'default')).status!.conditions!.find(({ type }) => type === 'Ready')!.status).toBe('False')
  await plane.clock.until(async () => (await node()).spec!.taints?.filter(({ key }) => key === 'node.kubernetes.io/unreachable').length === 2, { withinMs: 60_000 })
  await plane.clock.until(async () => (await plane!.api.list('pods', { namespace: 'default' })).items.length === 0, { withinMs: 120_000 })
  expect(plane.clock.nowMs() - silentMs).toBeGreaterThan(100_000)
  const events = (await plane.api.list('events', { namespace: 'default' })).items
  expect(events.map((event) => event['reason'])).toContain('NodeNotReady')
  // Upstream names the pod without its uid there.
  expect(events.find((event) => event['reason'] === 'TaintManagerEviction')!['involvedObject']).toEqual({ kind: 'Pod', namespace: 'default', name: 'web', apiVersion: 'v1' })
  expect(errors).toEqual([])
})

test('every node has a part of the pod network of its own', async () => {
  plane = await startTestControlPlane()
  for (const name of ['one', 'two']) await plane.addNode(name)
  await plane.clock.settle()
  const cidrs = (await plane.api.list<Node>('nodes')).items.map((node) => node.spec!.podCIDR)
  expect(cidrs.sort()).toEqual(['10.244.0.0/24', '10.244.1.0/24'])
  const set = new CidrSet('10.0.0.0/22')
  set.occupy('10.0.1.0/24')
  expect([set.allocate(), set.allocate(), set.allocate(), set.allocate()]).toEqual(['10.0.0.0/24', '10.0.2.0/24', '10.0.3.0/24', undefined])
  set.release('10.0.2.0/24')
  expect(set.allocate()).toBe('10.0.2.0/24')
})

test('the shortest toleration counts, and a taint without one counts at once', () => {
  const taint = (key: string) => ({ key, effect: 'NoExecute' as const })
  expect(secondsTolerated([taint('a')], [])).toBe(0)
  expect(secondsTolerated([taint('a')], [{ key: 'a', operator: 'Exists' }])).toBe(Infinity)
  expect(secondsTolerated([taint('a'), taint('b')], [{ key: 'a', operator: 'Exists', tolerationSeconds: 30 }, { operator: 'Exists', tolerationSeconds: 60 }])).toBe(30)
})

test('labels have their older names too', async () => {
  plane = await startTestControlPlane()
  await plane.addNode('one', { labels: { 'kubernetes.io/os': 'linux', 'kubernetes.io/arch': 'arm64', 'beta.kubernetes.io/arch': 'amd64' } })
  await plane.clock.advance(1000)
  expect((await plane.api.get<Node>('nodes', 'one')).metadata.labels).toMatchObject({ 'beta.kubernetes.io/os': 'linux', 'beta.kubernetes.io/arch': 'arm64' })
})

test('a taint that comes later stands behind those that were there', async () => {
  plane = await startTestControlPlane()
  await plane.addNode('one', { taints: [{ key: 'mine', effect: 'NoSchedule' }] })
  await plane.api.patch('nodes', 'one', undefined, 'application/merge-patch+json', { spec: { unschedulable: true } })
  await plane.clock.advance(1000)
  expect((await plane.api.get<Node>('nodes', 'one')).spec!.taints!.map(({ key }) => key)).toEqual(['mine', 'node.kubernetes.io/unschedulable'])
})
