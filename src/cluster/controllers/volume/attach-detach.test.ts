import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Node, PersistentVolume, PersistentVolumeClaim, Pod, VolumeAttachment } from '../../kinds/generated/types.ts'
import { startTestControlPlane, type TestControlPlane } from '../test-control-plane.ts'

const ATTACHMENTS = 'volumeattachments.storage.k8s.io'
const UNIQUE = 'kubernetes.io/csi/disk.example.com^vol-1'

let plane: TestControlPlane
beforeEach(async () => {
  plane = await startTestControlPlane({ scheduler: false })
  plane.runPods()
  for (const node of ['one', 'two']) await plane.addNode(node)
  await plane.api.create('persistentvolumes', {
    apiVersion: 'v1', kind: 'PersistentVolume', metadata: { name: 'disk' },
    spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], persistentVolumeReclaimPolicy: 'Retain', storageClassName: '', csi: { driver: 'disk.example.com', volumeHandle: 'vol-1' } },
  } as unknown as PersistentVolume)
  await plane.api.create('persistentvolumeclaims', { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'data', namespace: 'default' }, spec: { accessModes: ['ReadWriteOnce'], storageClassName: '', resources: { requests: { storage: '1Gi' } } } } as unknown as PersistentVolumeClaim)
  await plane.clock.until(async () => (await plane.api.get<PersistentVolumeClaim>('persistentvolumeclaims', 'data', 'default')).status?.phase === 'Bound', { withinMs: 30_000 })
})
afterEach(() => plane.stop())

const run = (name: string, nodeName: string) => plane.api.create('pods', {
  apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'default' },
  spec: { nodeName, terminationGracePeriodSeconds: 0, containers: [{ name: 'c', image: 'busybox' }], volumes: [{ name: 'd', persistentVolumeClaim: { claimName: 'data' } }] },
} as unknown as Pod)
const attachments = async () => (await plane.api.list<VolumeAttachment>(ATTACHMENTS)).items
const attachmentTo = (node: string) => plane.clock.until(async () => (await attachments()).some(({ spec }) => spec?.nodeName === node), { withinMs: 30_000 })
/** What a driver's external-attacher does. */
const report = async (status: object) => { const [attachment] = await attachments(); await plane.api.updateStatus(ATTACHMENTS, { ...attachment!, status } as VolumeAttachment); await plane.clock.advance(1_000) }
const eventsOf = async (name: string) => (await plane.api.list('events', { namespace: 'default' })).items.filter((event) => event['involvedObject'].name === name).map((event) => `${event['reason']}: ${event['message']}`)
const setInUse = async (node: string, volumesInUse: string[]) => { const found = await plane.api.get<Node>('nodes', node); await plane.api.updateStatus('nodes', { ...found, status: { ...found.status, volumesInUse } } as Node) }

test('a volume is attached to the node of its pod, and the node says so', async () => {
  await run('a', 'one')
  await attachmentTo('one')
  expect((await attachments())[0]).toMatchObject({ metadata: { name: expect.stringMatching(/^csi-[0-9a-f]{64}$/) as string }, spec: { attacher: 'disk.example.com', nodeName: 'one', source: { persistentVolumeName: 'disk' } } })
  await report({ attached: true })
  await plane.clock.advance(5_000)
  expect(await eventsOf('a')).toEqual(['SuccessfulAttachVolume: AttachVolume.Attach succeeded for volume "disk" '])
  expect((await plane.api.get<Node>('nodes', 'one')).status!.volumesAttached).toEqual([{ name: UNIQUE, devicePath: '' }])
})

test('what a driver refuses is told, and a driver that never answers is late', async () => {
  await run('a', 'one')
  await attachmentTo('one')
  await plane.clock.advance(125_000)
  expect(await eventsOf('a')).toEqual(['FailedAttachVolume: AttachVolume.Attach failed for volume "disk" : timed out waiting for external-attacher of disk.example.com CSI driver to attach volume vol-1'])
  await report({ attached: false, attachError: { time: '2026-01-01T00:10:00Z', message: 'rpc error: code = Internal desc = no such disk' } })
  await plane.clock.advance(5_000)
  expect(await eventsOf('a')).toContain('FailedAttachVolume: AttachVolume.Attach failed for volume "disk" : rpc error: code = Internal desc = no such disk')
})

test('a volume for one node waits for the other to let go, and tells who has it', async () => {
  await run('a', 'one')
  await attachmentTo('one')
  await report({ attached: true })
  await setInUse('one', [UNIQUE])
  await run('b', 'two')
  await plane.clock.advance(10_000)
  expect(await eventsOf('b')).toEqual(['FailedAttachVolume: Multi-Attach error for volume "disk" Volume is already used by pod(s) a'])
  await plane.api.delete('pods', 'a', 'default')
  await plane.clock.advance(20_000)
  // Still mounted, the node says.
  expect((await attachments()).map(({ spec }) => spec!.nodeName)).toEqual(['one'])
  await setInUse('one', [])
  await attachmentTo('two')
  expect((await attachments()).map(({ spec }) => spec!.nodeName)).toEqual(['two'])
})

test('a lost node is relieved of its volume after six minutes', async () => {
  await run('a', 'one')
  await attachmentTo('one')
  await report({ attached: true })
  await setInUse('one', [UNIQUE])
  // Its pod is evicted.
  plane.silence('one')
  await plane.clock.advance(60_000)
  await plane.clock.advance(300_000)
  expect(await attachments()).toHaveLength(1)
  await plane.clock.advance(90_000)
  expect(await attachments()).toEqual([])
})

test('a driver that does not attach leaves no objects', async () => {
  await plane.api.create('csidrivers.storage.k8s.io', { apiVersion: 'storage.k8s.io/v1', kind: 'CSIDriver', metadata: { name: 'disk.example.com' }, spec: { attachRequired: false } } as never)
  await run('a', 'one')
  await plane.clock.advance(10_000)
  expect(await attachments()).toEqual([])
})

test('attachments that somebody else made stay, whatever volume they name', async () => {
  for (const volume of ['disk', 'unknown']) {
    await plane.api.create(ATTACHMENTS, { apiVersion: 'storage.k8s.io/v1', kind: 'VolumeAttachment', metadata: { name: `own-${volume}` }, spec: { attacher: 'own.example.com', nodeName: 'one', source: { persistentVolumeName: volume } } } as VolumeAttachment)
  }
  await run('a', 'one')
  await plane.clock.advance(20_000)
  expect((await attachments()).map(({ metadata }) => metadata.name)).toEqual([expect.stringMatching(/^csi-[0-9a-f]{64}$/), 'own-disk', 'own-unknown'])
  await plane.api.delete('pods', 'a', 'default')
  await plane.clock.advance(20_000)
  expect((await attachments()).map(({ metadata }) => metadata.name)).toEqual(['own-disk', 'own-unknown'])
})

test('a node whose kubelet attaches for itself is left alone', async () => {
  await plane.api.patch('nodes', 'one', undefined, 'application/merge-patch+json', { metadata: { annotations: { 'volumes.kubernetes.io/controller-managed-attach-detach': null } } })
  await run('a', 'one')
  await plane.clock.advance(10_000)
  expect(await attachments()).toEqual([])
})
