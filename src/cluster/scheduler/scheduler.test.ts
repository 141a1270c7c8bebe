import { afterEach, expect, test } from 'vitest'
import { startTestControlPlane, type TestControlPlane } from '../controllers/test-control-plane.ts'
import { findCondition } from '../client/conditions.ts'
import type { Pod } from '../kinds/generated/types.ts'

let plane: TestControlPlane
let errors: string[]
afterEach(() => {
  plane.stop()
  expect(errors).toEqual([])
})

async function start(): Promise<void> {
  errors = []
  plane = await startTestControlPlane({ controllers: false, onLog: (entry) => { if (entry.level === 'error') errors.push(JSON.stringify(entry)) } })
  await plane.addNode('control', { taints: [{ key: 'node-role.kubernetes.io/control-plane', effect: 'NoSchedule' }] })
  await plane.addNode('one')
  await plane.addNode('two')
}

const create = (name: string, spec: object = {}, labels: Record<string, string> = {}) => plane.api.create<Pod>('pods', {
  apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'default', labels }, spec: { terminationGracePeriodSeconds: 0, containers: [{ name: 'c', image: 'nginx' }], ...spec },
} as unknown as Pod)
const get = (name: string) => plane.api.get<Pod>('pods', name, 'default')
const scheduled = (name: string) => async () => Boolean((await get(name)).spec.nodeName)
const message = async (name: string) => findCondition((await get(name)).status?.conditions, 'PodScheduled')?.message
const cpu = (amount: string) => ({ containers: [{ name: 'c', image: 'nginx', resources: { requests: { cpu: amount } } }] })

const NOT_HELPFUL = 'no new claims to deallocate, preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.'

test('a pod that fits nowhere says why, as upstream words it', async () => {
  await start()
  await create('selector', { nodeSelector: { disk: 'ssd' } })
  await create('cpu', cpu('1000'))
  await create('both', { containers: [{ name: 'c', image: 'nginx', resources: { requests: { cpu: '1000', memory: '9000Gi' } } }] })
  await create('pvc', { volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'none' } }] })
  await create('affinity', { affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { app: 'nope' } } }] } } })
  await plane.clock.settle()
  expect(await message('selector')).toBe(`0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 node(s) didn't match Pod's node affinity/selector. ${NOT_HELPFUL}`)
  expect(await message('cpu')).toBe(`0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 Insufficient cpu. ${NOT_HELPFUL}`)
  expect(await message('both')).toBe(`0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 Insufficient cpu, 2 Insufficient memory. ${NOT_HELPFUL}`)
  expect(await message('pvc')).toBe('0/3 nodes are available: persistentvolumeclaim "none" not found. not found')
  expect(await message('affinity')).toBe(`0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 node(s) didn't match pod affinity rules. ${NOT_HELPFUL}`)
  const events = (await plane.api.list('events', { namespace: 'default' })).items
  expect(events.filter((event) => event['reason'] === 'FailedScheduling' && event['involvedObject'].name === 'cpu')).toHaveLength(1)
})

test('a parked pod is tried again when a change may let it in', async () => {
  await start()
  await create('ssd', { nodeSelector: { disk: 'ssd' } })
  await plane.clock.settle()
  expect((await get('ssd')).spec.nodeName).toBeUndefined()
  await plane.api.patch('nodes', 'two', undefined, 'application/merge-patch+json', { metadata: { labels: { disk: 'ssd' } } })
  await plane.clock.until(scheduled('ssd'), { withinMs: 5000 })
  expect((await get('ssd')).spec.nodeName).toBe('two')
})

test('a pod that waits for room is tried again when a resize of another one has made some', async () => {
  await start()
  for (const name of ['first', 'second']) await create(name, cpu('7'))
  await plane.clock.until(scheduled('second'), { withinMs: 5000 })
  await create('third', cpu('6'))
  await plane.clock.settle()
  const held = async (amount: string) => {
    const pod = await get('first')
    await plane.api.updateStatus('pods', { ...pod, status: { ...pod.status, containerStatuses: [{ name: 'c', image: 'nginx', imageID: '', ready: true, restartCount: 0, allocatedResources: { cpu: amount }, resources: { requests: { cpu: amount } } }] } })
    await plane.clock.advance(1_000)
  }
  await held('7')
  await plane.api.patch('pods', 'first', 'default', 'application/strategic-merge-patch+json', { spec: cpu('1') }, { subresource: 'resize' })
  await plane.clock.advance(1_000)
  expect((await get('third')).spec.nodeName).toBeUndefined()
  await held('1')
  await plane.clock.until(scheduled('third'), { withinMs: 15_000 })
  expect((await get('third')).spec.nodeName).toBe((await get('first')).spec.nodeName)
})

test('pods that avoid one another take a node each, and the third waits', async () => {
  await start()
  const affinity = { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { app: 'a' } } }] } }
  for (const name of ['a1', 'a2', 'a3']) await create(name, { affinity }, { app: 'a' })
  await plane.clock.settle()
  expect([(await get('a1')).spec.nodeName, (await get('a2')).spec.nodeName].sort()).toEqual(['one', 'two'])
  expect(await message('a3')).toBe("0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 node(s) didn't match pod anti-affinity rules. no new claims to deallocate, preemption: 0/3 nodes are available: 1 Preemption is not helpful for scheduling, 2 No preemption victims found for incoming pod.")
})

test('a hard spread constraint keeps the difference between nodes within its limit', async () => {
  await start()
  const spec = { topologySpreadConstraints: [{ maxSkew: 1, topologyKey: 'kubernetes.io/hostname', whenUnsatisfiable: 'DoNotSchedule', nodeTaintsPolicy: 'Honor', labelSelector: { matchLabels: { app: 'even' } } }] }
  for (let i = 0; i < 6; i++) await create(`even-${i}`, spec, { app: 'even' })
  await plane.clock.settle()
  const nodes = (await plane.api.list<Pod>('pods', { namespace: 'default' })).items.map((pod) => pod.spec.nodeName)
  expect(nodes.sort()).toEqual(['one', 'one', 'one', 'two', 'two', 'two'])
})

test('a more important pod evicts a less important one and takes its place', async () => {
  await start()
  plane.runPods()
  await create('low-1', { ...cpu('6'), priority: 1 })
  await create('low-2', { ...cpu('6'), priority: 2 })
  await plane.clock.until(async () => (await scheduled('low-1')()) && (await scheduled('low-2')()), { withinMs: 5000 })
  await create('high', { ...cpu('6'), priority: 1000 })
  await plane.clock.until(scheduled('high'), { withinMs: 20_000 })
  await expect(get('low-1')).rejects.toThrow('not found')
  expect((await get('low-2')).spec.nodeName).toBeDefined()
  const events = (await plane.api.list('events', { namespace: 'default' })).items
  expect(events.find((event) => event['reason'] === 'Preempted')?.['message']).toMatch(/^Preempted by pod [0-9a-f-]{36} on node (one|two)$/)
})

test('a gated pod waits until its gates are gone', async () => {
  await start()
  await create('gated', { schedulingGates: [{ name: 'wait' }] })
  await plane.clock.settle()
  expect((await get('gated')).spec.nodeName).toBeUndefined()
  await plane.api.patch('pods', 'gated', 'default', 'application/json-patch+json', [{ op: 'remove', path: '/spec/schedulingGates' }])
  await plane.clock.until(scheduled('gated'), { withinMs: 5000 })
})

test('a pod that takes the place of others takes back what less important pods were promised there, and evicts nobody twice', async () => {
  await start()
  const there = (amount: string, priority: number) => ({ ...cpu(amount), priority, terminationGracePeriodSeconds: 300, nodeSelector: { 'kubernetes.io/hostname': 'one' } })
  await create('low-1', there('4', 1))
  await create('low-2', there('4', 1))
  await plane.clock.until(async () => (await scheduled('low-1')()) && (await scheduled('low-2')()), { withinMs: 5000 })
  await create('middle', there('4', 10))
  await plane.clock.until(async () => (await get('middle')).status?.nominatedNodeName === 'one', { withinMs: 5000 })
  await create('high', there('8', 1000))
  await plane.clock.until(async () => (await get('high')).status?.nominatedNodeName === 'one', { withinMs: 5000 })
  await plane.clock.until(async () => (await get('middle')).status?.nominatedNodeName === undefined, { withinMs: 5000 })
  await plane.clock.settle()
  const evicted = (await plane.api.list('events', { namespace: 'default' })).items.filter((event) => event['reason'] === 'Preempted').map((event) => event['involvedObject'].name)
  expect(evicted.sort()).toEqual(['low-1', 'low-2'])
})

test('a pod that waits for its volume says which node it will be on', async () => {
  await start()
  await plane.api.create('storageclasses.storage.k8s.io', { apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass', metadata: { name: 'late' }, provisioner: 'example.com/nobody', volumeBindingMode: 'WaitForFirstConsumer' } as never)
  await plane.api.create('persistentvolumeclaims', { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'data', namespace: 'default' }, spec: { storageClassName: 'late', accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } } as never)
  await create('waits', { volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }] })
  await plane.clock.until(async () => Boolean((await get('waits')).status?.nominatedNodeName), { withinMs: 5000 })
  expect((await get('waits')).status?.nominatedNodeName).toMatch(/^(one|two)$/)
  expect(await scheduled('waits')()).toBe(false)
})
