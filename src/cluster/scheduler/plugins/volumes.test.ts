import { afterEach, expect, test } from 'vitest'
import { findCondition } from '../../client/conditions.ts'
import { startTestControlPlane, type TestControlPlane } from '../../controllers/test-control-plane.ts'
import type { Pod, Volume } from '../../kinds/generated/types.ts'

let plane: TestControlPlane
afterEach(() => plane.stop())

async function start(...nodes: string[]): Promise<void> {
  plane = await startTestControlPlane({ controllers: false })
  for (const name of nodes) await plane.addNode(name)
}
const make = (resource: string, apiVersion: string, kind: string) => (name: string, body: object, metadata: object = {}) => plane.api.create(resource, { apiVersion, kind, metadata: { name, ...metadata }, ...body } as any)
const storageClass = (name: string, provisioner: string) => make('storageclasses.storage.k8s.io', 'storage.k8s.io/v1', 'StorageClass')(name, { provisioner, volumeBindingMode: 'WaitForFirstConsumer' })
const volume = (name: string, spec: object, labels: object = {}) => make('persistentvolumes', 'v1', 'PersistentVolume')(name, { spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], hostPath: { path: '/x' }, ...spec } }, { labels })
/** A claim; with a volume it is bound, as the controller would have it. */
const claim = (name: string, spec: object, volumeName?: string) => make('persistentvolumeclaims', 'v1', 'PersistentVolumeClaim')(name, { spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, ...(volumeName ? { volumeName } : {}), ...spec } },
  { namespace: 'default', ...(volumeName ? { annotations: { 'pv.kubernetes.io/bind-completed': 'yes' } } : {}) })
const pod = (name: string, volumes: Partial<Volume>[] | string, spec: object = {}) => plane.api.create<Pod>('pods', {
  apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'default' },
  spec: { terminationGracePeriodSeconds: 0, containers: [{ name: 'c', image: 'nginx' }], volumes: typeof volumes === 'string' ? [{ name: 'v', persistentVolumeClaim: { claimName: volumes } }] : volumes.map((source, i) => ({ name: `v${i}`, ...source })), ...spec },
} as unknown as Pod)
const get = (name: string) => plane.api.get<Pod>('pods', name, 'default')
const why = async (name: string) => {
  await plane.clock.settle()
  return findCondition((await get(name)).status?.conditions, 'PodScheduled')?.message
}
const HELPLESS = 'no new claims to deallocate, preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.'

test('a volume that has gone is missed before nodes are asked', async () => {
  await start('one')
  await claim('c', { storageClassName: 'x' }, 'gone')
  await pod('p', 'c')
  expect(await why('p')).toBe('0/1 nodes are available: persistentvolume "gone" not found. not found')
})

test('a claim for one pod alone: a more important pod evicts its user', async () => {
  await start('one')
  await volume('pv', { storageClassName: 'x', accessModes: ['ReadWriteOncePod'] })
  await claim('c', { storageClassName: 'x', accessModes: ['ReadWriteOncePod'] }, 'pv')
  await pod('first', 'c', { priority: 0 })
  await plane.clock.until(async () => Boolean((await get('first')).spec.nodeName), { withinMs: 5000 })
  await pod('equal', 'c')
  expect(await why('equal')).toBe('0/1 nodes are available: 1 node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod. no new claims to deallocate, preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.')
  await make('priorityclasses.scheduling.k8s.io', 'scheduling.k8s.io/v1', 'PriorityClass')('high', { value: 1000 })
  await plane.api.patch('pods', 'first', 'default', 'application/merge-patch+json', { metadata: { finalizers: ['example.com/stay'] } })
  await pod('high', 'c', { priorityClassName: 'high', priority: 1000 })
  await plane.clock.settle()
  expect((await get('high')).status?.nominatedNodeName).toBe('one')
  const first = await get('first')
  expect(first.metadata.deletionTimestamp).toBeDefined()
  expect(first.status?.conditions?.map(({ type }) => type)).toEqual(['PodScheduled', 'DisruptionTarget'])
})

test('one disk is for one pod of a node, unless both only read', async () => {
  await start('one')
  const disk = (readOnly: boolean) => [{ gcePersistentDisk: { pdName: 'd', readOnly } }]
  await pod('writer', disk(false))
  await plane.clock.until(async () => Boolean((await get('writer')).spec.nodeName), { withinMs: 5000 })
  await pod('reader', disk(true))
  expect(await why('reader')).toContain('1 node(s) had no available disk.')
  await plane.api.delete('pods', 'writer', 'default')
  await plane.clock.until(async () => Boolean((await get('reader')).spec.nodeName), { withinMs: 15_000 })
  await pod('other', disk(true))
  await plane.clock.until(async () => Boolean((await get('other')).spec.nodeName), { withinMs: 5000 })
})

test('volumes that are attached or not yet made count for the limit of a driver', async () => {
  await start('one')
  await make('csinodes.storage.k8s.io', 'storage.k8s.io/v1', 'CSINode')('one', { spec: { drivers: [{ name: 'd.io', nodeID: 'one', topologyKeys: null, allocatable: { count: 1 } }] } })
  await volume('old', { hostPath: undefined, csi: { driver: 'd.io', volumeHandle: 'old' } })
  await make('volumeattachments.storage.k8s.io', 'storage.k8s.io/v1', 'VolumeAttachment')('va', { spec: { attacher: 'd.io', nodeName: 'one', source: { persistentVolumeName: 'old' } } })
  await storageClass('made', 'd.io')
  await claim('c', { storageClassName: 'made' })
  await pod('p', 'c')
  expect(await why('p')).toContain('1 node(s) exceed max volume count.')
})

test('a driver that tells its capacity has to have enough where the node is', async () => {
  await start('one')
  await storageClass('cap', 'cap.io')
  await make('csidrivers.storage.k8s.io', 'storage.k8s.io/v1', 'CSIDriver')('cap.io', { spec: { storageCapacity: true } })
  await claim('c', { storageClassName: 'cap' })
  await pod('p', 'c')
  expect(await why('p')).toBe(`0/1 nodes are available: 1 node(s) did not have enough free storage. ${HELPLESS}`)
  await make('csistoragecapacities.storage.k8s.io', 'storage.k8s.io/v1', 'CSIStorageCapacity')('room', { storageClassName: 'cap', capacity: '5Gi', nodeTopology: { matchLabels: { 'kubernetes.io/hostname': 'one' } } }, { namespace: 'default' })
  await plane.clock.advance(2000)
  // It is the provisioner's turn: the scheduler has said where.
  expect((await plane.api.get('persistentvolumeclaims', 'c', 'default')).metadata.annotations).toMatchObject({ 'volume.kubernetes.io/selected-node': 'one' })
  expect((await get('p')).status?.nominatedNodeName).toBe('one')
})

test('two pods of one claim that waits get one place', async () => {
  await start('one', 'two')
  await storageClass('local', 'kubernetes.io/no-provisioner')
  for (const name of ['one', 'two']) await volume(`on-${name}`, { storageClassName: 'local', nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: [name] }] }] } } })
  for (const name of ['on-one', 'on-two']) await plane.api.patch('persistentvolumes', name, undefined, 'application/merge-patch+json', { status: { phase: 'Available' } }, { subresource: 'status' })
  await claim('c', { storageClassName: 'local' })
  await Promise.all([pod('a', 'c'), pod('b', 'c')])
  // Both write the volume at once: one of them loses, and tries again.
  await plane.clock.advance(3000)
  const places = (await Promise.all(['a', 'b'].map(get))).map(({ status }) => status?.nominatedNodeName)
  expect(places[0]).toBeDefined()
  expect(places[1]).toBe(places[0])
  const claimed = (await plane.api.list('persistentvolumes')).items.filter((item) => (item as any).spec.claimRef)
  expect(claimed.map(({ metadata }) => [metadata.name, metadata.annotations])).toEqual([[`on-${places[0]}`, { 'pv.kubernetes.io/bound-by-controller': 'yes' }]])
})
