import { afterEach, expect, test } from 'vitest'
import { GrpcError, serveGrpc } from '../../unix/net/grpc.ts'
import type { Proc } from '../../unix/types.ts'
import { attachmentName } from '../client/csi-names.ts'
import type { CSIDriver, CSINode, VolumeAttachment } from '../kinds/generated/types.ts'
import type { KubeObject } from '../kinds/object.ts'
import { PLUGIN_REGISTRY } from './plugin-watcher.ts'
import { startTestNode } from './test-node.ts'
import type { TestNode } from './test-node.ts'

let node: TestNode
afterEach(() => node.stop())

const create = (object: object, resource: string) => node.api.create(resource, object as KubeObject)
const limit = async () => (await node.api.get<CSINode>('csinodes.storage.k8s.io', 'node1')).spec!.drivers?.find(({ name }) => name === 'disk')?.allocatable?.count

/** A driver that says another limit at each time that it is asked: 5, 6, ... */
async function startWithDriver(period?: number): Promise<{ asked(): number }> {
  node = await startTestNode()
  let asked = 0
  await create({ apiVersion: 'storage.k8s.io/v1', kind: 'CSIDriver', metadata: { name: 'disk' }, spec: { attachRequired: true, ...(period ? { nodeAllocatableUpdatePeriodSeconds: period } : {}) } }, 'csidrivers.storage.k8s.io')
  const proc = { fs: node.files, killed: new AbortController().signal } as unknown as Proc
  node.files.mkdir('/var/lib/kubelet/plugins/disk', { recursive: true })
  serveGrpc(proc, '/var/lib/kubelet/plugins/disk/csi.sock', {
    'csi.v1.Node/NodeGetInfo': () => ({ nodeId: 'n', maxVolumesPerNode: 5 + asked++ }),
    'csi.v1.Node/NodeGetCapabilities': () => { throw new GrpcError('Unimplemented', 'no') },
  })
  await node.clock.until(async () => node.api.get('csinodes.storage.k8s.io', 'node1').then(() => true, () => false), { withinMs: 60_000 })
  serveGrpc(proc, `${PLUGIN_REGISTRY}/disk-reg.sock`, {
    'pluginregistration.Registration/GetInfo': () => ({ type: 'CSIPlugin', name: 'disk', endpoint: '/var/lib/kubelet/plugins/disk/csi.sock', supportedVersions: ['1.0.0'] }), 'pluginregistration.Registration/NotifyRegistrationStatus': () => ({}),
  })
  await node.clock.until(async () => await limit() === 5, { withinMs: 10_000 })
  return { asked: () => asked }
}

test('a driver is asked for its limit as often as its CSIDriver says, and no more when that says so', async () => {
  const { asked } = await startWithDriver()
  await node.clock.advance(60_000)
  expect(asked()).toBe(1)
  const driver = await node.api.get<CSIDriver>('csidrivers.storage.k8s.io', 'disk')
  await node.api.update('csidrivers.storage.k8s.io', { ...driver, spec: { ...driver.spec, nodeAllocatableUpdatePeriodSeconds: 10 } })
  await node.clock.until(async () => await limit() === 7, { withinMs: 25_000 })
  await node.api.delete('csidrivers.storage.k8s.io', 'disk')
  await node.clock.advance(60_000)
  expect(asked()).toBe(3)
})

test('a pod whose volume can no longer be attached, as the node has all that it can, fails, and the limit is asked for anew', async () => {
  await startWithDriver(100_000)
  const ref = { namespace: 'default', name: 'c' }
  const claim = await create({ apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: ref, spec: { accessModes: ['ReadWriteOnce'], storageClassName: '', volumeName: 'v', resources: { requests: { storage: '1Gi' } } } }, 'persistentvolumeclaims')
  await create({
    apiVersion: 'v1', kind: 'PersistentVolume', metadata: { name: 'v' },
    spec: { accessModes: ['ReadWriteOnce'], capacity: { storage: '1Gi' }, csi: { driver: 'disk', volumeHandle: 'h' }, claimRef: { ...ref, uid: claim.metadata.uid } },
  }, 'persistentvolumes')
  await node.api.updateStatus('persistentvolumeclaims', { ...claim, status: { phase: 'Bound', capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'] } } as never)
  const name = attachmentName('h', 'disk', 'node1')
  const attachment = await create({ apiVersion: 'storage.k8s.io/v1', kind: 'VolumeAttachment', metadata: { name }, spec: { attacher: 'disk', nodeName: 'node1', source: { persistentVolumeName: 'v' } } }, 'volumeattachments.storage.k8s.io')
  const fail = async (errorCode: number) => node.api.updateStatus('volumeattachments.storage.k8s.io', { ...await node.api.get<VolumeAttachment>('volumeattachments.storage.k8s.io', name), status: { attached: false, attachError: { time: '2026-01-01T00:00:00Z', message: 'no', errorCode } } } as never)
  expect(attachment.metadata.name).toBe(name)
  await fail(13)
  await node.createPod('p', { command: ['forever'], containers: [{ name: 'c', image: 'box:1', volumeMounts: [{ name: 'd', mountPath: '/d' }] }], volumes: [{ name: 'd', persistentVolumeClaim: { claimName: 'c' } }] })
  await node.clock.advance(200_000)
  expect((await node.pod('p')).status!.phase).toBe('Pending')
  await fail(8)
  const failed = await node.until('p', ({ status }) => status?.phase === 'Failed', 400_000)
  expect(failed.status).toMatchObject({
    reason: 'VolumeAttachmentLimitExceeded',
    message: 'Pod was rejected: Node has reached its volume attachment limit, rejecting pod. unmounted volumes=[d], unattached volumes=[d], failed to process volumes=[]: context deadline exceeded',
  })
  expect(await limit()).toBe(6)
})
