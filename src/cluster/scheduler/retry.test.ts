import { afterEach, expect, test } from 'vitest'
import { startTestControlPlane, type TestControlPlane } from '../controllers/test-control-plane.ts'
import type { Event, Pod } from '../kinds/generated/types.ts'

let plane: TestControlPlane
afterEach(() => plane.stop())

const start = async (...nodes: string[]) => {
  plane = await startTestControlPlane({ controllers: false })
  for (const name of nodes) await plane.addNode(name)
}
const create = (name: string, spec: object = {}, labels: Record<string, string> = {}) => plane.api.create<Pod>('pods', {
  apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'default', labels }, spec: { terminationGracePeriodSeconds: 0, containers: [{ name: 'c', image: 'nginx' }], ...spec },
} as unknown as Pod)
const patchNode = (name: string, patch: object) => plane.api.patch('nodes', name, undefined, 'application/strategic-merge-patch+json', patch)
const nodeOf = async (name: string) => (await plane.api.get<Pod>('pods', name, 'default')).spec.nodeName
/** How often an attempt to place the pod has failed. */
const failures = async (name: string) => (await plane.api.list<Event>('events', { namespace: 'default' })).items.filter(({ reason, involvedObject }) => reason === 'FailedScheduling' && involvedObject.name === name).reduce((sum, { count }) => sum + (count ?? 1), 0)
const settle = async (ms = 3000) => {
  await plane.clock.advance(ms)
  await plane.clock.settle()
}

test('without any node a pod is tried again as after an error: later each time, whatever happens', async () => {
  await start()
  await create('p')
  await settle(500)
  expect(await failures('p')).toBe(1)
  // The waits of one, two and four seconds end with a second: 0, 2, 5 and 10.
  for (const [untilMs, count] of [[1900, 1], [2100, 2], [4900, 2], [5100, 3], [9900, 3], [10_100, 4]] as const) {
    await plane.clock.advance(untilMs - (plane.clock.nowMs() - Date.parse('2026-01-01T00:00:00Z')))
    await plane.clock.settle()
    expect([untilMs, await failures('p')]).toEqual([untilMs, count])
  }
})

test('what can not help does not bring a pod back', async () => {
  await start('one', 'two')
  await patchNode('two', { spec: { taints: [{ key: 'k', effect: 'NoSchedule' }] } })
  await settle()
  await create('disk', { nodeSelector: { disk: 'ssd' } })
  await create('near', { affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { app: 'z' } } }] } } })
  await create('big', { containers: [{ name: 'c', image: 'nginx', resources: { requests: { cpu: '20' } } }] })
  await settle()
  const counts = async () => Promise.all(['disk', 'near', 'big'].map(failures))
  expect(await counts()).toEqual([1, 1, 1])
  await create('other', {}, { app: 'y' })
  await patchNode('one', { metadata: { labels: { colour: 'red' } } })
  await plane.api.patch('nodes', 'one', undefined, 'application/strategic-merge-patch+json', { status: { allocatable: { cpu: '9' } } }, { subresource: 'status' })
  await settle()
  expect(await counts()).toEqual([1, 1, 1])
  // A changed taint is told to all that wait for new nodes.
  await patchNode('two', { spec: { taints: [{ key: 'k', value: 'v', effect: 'NoSchedule' }] } })
  await settle()
  expect(await counts()).toEqual([2, 2, 2])
  await create('wanted', { nodeName: 'one' }, { app: 'z' })
  await patchNode('one', { metadata: { labels: { disk: 'ssd' } } })
  await settle()
  expect([await nodeOf('disk'), await nodeOf('near'), await nodeOf('big')]).toEqual(['one', 'one', undefined])
})

test('a nomination that is taken back brings back those that are not more important', async () => {
  await start('one')
  await create('waiting', { priority: 0, containers: [{ name: 'c', image: 'nginx', resources: { requests: { cpu: '5' } } }] })
  await settle()
  expect(await nodeOf('waiting')).toBe('one')
  await create('next', { containers: [{ name: 'c', image: 'nginx', resources: { requests: { cpu: '5' } } }] })
  await settle()
  expect(await failures('next')).toBe(1)
  await create('gated', { schedulingGates: [{ name: 'example.com/later' }] })
  const nominate = (nodeName: string | null) => plane.api.patch('pods', 'gated', 'default', 'application/merge-patch+json', { status: { nominatedNodeName: nodeName } }, { subresource: 'status' })
  await nominate('one')
  await settle()
  expect(await failures('next')).toBe(1)
  await nominate(null)
  await settle()
  expect(await failures('next')).toBe(2)
})
