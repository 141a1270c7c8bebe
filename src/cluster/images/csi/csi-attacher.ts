import { rfc3339 } from '../../../base/clock.ts'
import { GrpcError } from '../../../unix/net/grpc.ts'
import type { Proc } from '../../../unix/types.ts'
import type { CSINode, PersistentVolume, VolumeAttachment } from '../../kinds/generated/types.ts'
import { apiCall } from '../in-cluster/api-call.ts'
import { keyedWork, ObjectCache } from './cluster-cache.ts'
import { secretData } from './secret-data.ts'
import { runSidecar } from './sidecar.ts'
import type { Sidecar } from './sidecar.ts'

const ATTACHMENTS = '/apis/storage.k8s.io/v1/volumeattachments'
const NODE_ID = 'csi.alpha.kubernetes.io/node-id'
/** Null where a node has none. */
type CSIDrivers = NonNullable<CSINode['spec']>['drivers']

const KNOWN = ['default-fstype', 'reconcile-sync', 'max-entries', 'max-grpc-log-length']

/** The sidecar that attaches volumes as VolumeAttachments say; for drivers that don't attach, it says so at once. */
export const csiAttacher = (proc: Proc) => runSidecar(proc, { known: KNOWN, lock: (driver) => `external-attacher-leader-${driver.replace(/[^a-zA-Z0-9]/g, '-')}`, run })

// k8s: external-attacher pkg/controller/csi_handler.go, trivial_handler.go
async function run({ proc, client, driver }: Sidecar): Promise<void> {
  const attaches = driver.controllerCapabilities.has('PUBLISH_UNPUBLISH_VOLUME')
  const finalizer = `external-attacher/${driver.name.replace(/\./g, '-')}`
  const attachments = new ObjectCache<VolumeAttachment>(proc, client, ATTACHMENTS, { apiVersion: 'storage.k8s.io/v1', kind: 'VolumeAttachment' }, (key, attachment) => { if (attachment?.spec?.attacher === driver.name) queue(key) })
  const patch = <T>(path: string, body: object) => apiCall<T>(client, 'PATCH', path, body)
  const without = (finalizers: readonly string[] = []) => ({ '$deleteFromPrimitiveList/finalizers': finalizers.filter((each) => each === finalizer) })

  const attach = async (attachment: VolumeAttachment): Promise<Record<string, string>> => {
    const volume = await apiCall<PersistentVolume>(client, 'GET', `/api/v1/persistentvolumes/${attachment.spec!.source.persistentVolumeName}`)
    if (volume.metadata.deletionTimestamp) throw new Error(`PersistentVolume ${JSON.stringify(volume.metadata.name)} is marked for deletion`)
    if (!volume.metadata.finalizers?.includes(finalizer)) await patch(`/api/v1/persistentvolumes/${volume.metadata.name}`, { metadata: { finalizers: [finalizer] } })
    const csi = volume.spec?.csi
    if (!csi) throw new Error('pv spec contained non-csi source that was not migrated')
    const csiNode = await apiCall<CSINode>(client, 'GET', `/apis/storage.k8s.io/v1/csinodes/${attachment.spec!.nodeName}`)
    const nodeId = (csiNode.spec?.drivers as CSIDrivers | null | undefined)?.find(({ name }) => name === driver.name)?.nodeID
    if (!nodeId) throw new Error(`CSINode ${attachment.spec!.nodeName} does not contain driver ${driver.name}`)
    await patch(`${ATTACHMENTS}/${attachment.metadata.name}`, { metadata: { finalizers: [finalizer], annotations: { [NODE_ID]: nodeId } } })
    const single = driver.controllerCapabilities.has('SINGLE_NODE_MULTI_WRITER')
    const modes: Readonly<Record<string, string>> = { ReadOnlyMany: 'MULTI_NODE_READER_ONLY', ReadWriteMany: 'MULTI_NODE_MULTI_WRITER', ReadWriteOncePod: single ? 'SINGLE_NODE_SINGLE_WRITER' : 'SINGLE_NODE_WRITER' }
    const mode = modes[volume.spec!.accessModes?.[0] ?? ''] ?? (single ? 'SINGLE_NODE_MULTI_WRITER' : 'SINGLE_NODE_WRITER')
    const answer = await driver.call('Controller/ControllerPublishVolume', {
      volumeId: csi.volumeHandle, nodeId, readonly: driver.controllerCapabilities.has('PUBLISH_READONLY') && (csi.readOnly ?? false), secrets: await secretData(client, csi.controllerPublishSecretRef), volumeContext: csi.volumeAttributes ?? {},
      volumeCapability: { accessMode: { mode }, ...(volume.spec!.volumeMode === 'Block' ? { block: {} } : { mount: { fsType: csi.fsType ?? '', mountFlags: volume.spec!.mountOptions ?? [] } }) },
    }) as { publishContext?: Record<string, string> }
    return answer.publishContext ?? {}
  }
  const failure = (error: unknown) => ({ message: (error as Error).message, time: rfc3339(proc.clock.nowMs()), ...(error instanceof GrpcError && error.code === 'ResourceExhausted' ? { errorCode: 8 } : {}) })
  const status = (attachment: VolumeAttachment, body: object) => patch(`${ATTACHMENTS}/${attachment.metadata.name}/status`, { status: body })

  const queue = keyedWork(proc, 'VolumeAttachment', async (key) => {
    const attachment = attachments.get(key)
    if (!attachment) return
    if (!attachment.metadata.deletionTimestamp) {
      if (attachment.status?.attached) return
      if (!attaches) { await status(attachment, { attached: true, attachError: null }); return }
      try {
        const metadata = await attach(attachment)
        await status(attachment, { attached: true, attachError: null, ...(Object.keys(metadata).length > 0 ? { attachmentMetadata: metadata } : {}) })
      } catch (error) {
        await status(attachment, { attached: false, attachError: failure(error) }).catch(() => {})
        throw error
      }
      return
    }
    if (!attachment.metadata.finalizers?.includes(finalizer)) return
    try {
      const volume = await apiCall<PersistentVolume>(client, 'GET', `/api/v1/persistentvolumes/${attachment.spec!.source.persistentVolumeName}`)
      await driver.call('Controller/ControllerUnpublishVolume', { volumeId: volume.spec!.csi!.volumeHandle, nodeId: attachment.metadata.annotations?.[NODE_ID] ?? '', secrets: await secretData(client, volume.spec!.csi!.controllerPublishSecretRef) })
      await patch(`${ATTACHMENTS}/${key}`, { metadata: without(attachment.metadata.finalizers) })
    } catch (error) {
      await status(attachment, { attached: true, detachError: failure(error) }).catch(() => {})
      throw error
    }
  })

  if (!attaches) return
  // A volume that is going away is let go once nothing of it is attached.
  const volumes = new ObjectCache<PersistentVolume>(proc, client, '/api/v1/persistentvolumes', { apiVersion: 'v1', kind: 'PersistentVolume' }, (key, volume) => { if (volume?.metadata.deletionTimestamp) volumeQueue(key) })
  const volumeQueue = keyedWork(proc, 'PersistentVolume', async (key) => {
    const volume = volumes.get(key)
    if (!volume?.metadata.deletionTimestamp || !volume.metadata.finalizers?.includes(finalizer)) return
    await attachments.synced
    if (attachments.list().some(({ spec }) => spec?.source.persistentVolumeName === key)) throw new Error('still attached')
    await patch(`/api/v1/persistentvolumes/${key}`, { metadata: without(volume.metadata.finalizers) })
  })
}
