import { rfc3339 } from '../../../base/clock.ts'
import type { Proc } from '../../../unix/types.ts'
import { GrpcError } from '../../../unix/net/grpc.ts'
import { isStatusError } from '../../kinds/status-error.ts'
import { apiCall } from '../in-cluster/api-call.ts'
import { inClusterEvents } from '../in-cluster/events.ts'
import { klog } from '../in-cluster/klog.ts'
import { keyedWork, ObjectCache } from './cluster-cache.ts'
import { runSidecar } from './sidecar.ts'
import type { Sidecar } from './sidecar.ts'
import { secretData } from './secret-data.ts'
import { BEING_CREATED, BEING_DELETED, CONTENT_FINALIZER, CONTENTS, MANAGED_BY, SECRET_NAME, SECRET_NAMESPACE, SNAPSHOT_API, SNAPSHOT_CLASSES } from './snapshots.ts'
import type { VolumeSnapshotClass, VolumeSnapshotContent } from './snapshots.ts'

const KNOWN = ['snapshot-name-prefix', 'snapshot-name-uuid-length', 'extra-create-metadata', 'node-deployment', 'groupsnapshot-name-prefix', 'groupsnapshot-name-uuid-length']

/** Codes after which a driver may still be at it. k8s: external-snapshotter pkg/sidecar-controller isCSIFinalError */
const NOT_FINAL: readonly string[] = ['Canceled', 'DeadlineExceeded', 'Unavailable', 'Aborted']

interface TakenSnapshot { snapshotId: string; creationTime: { seconds: number; nanos: number }; sizeBytes: number; readyToUse: boolean }

/** The sidecar that has a driver take and delete the snapshots that VolumeSnapshotContents stand for. */
export const csiSnapshotter = (proc: Proc) => runSidecar(proc, { known: KNOWN, lock: (driver) => `external-snapshotter-leader-${driver.replace(/[^a-zA-Z0-9]/g, '-')}`, run })

// k8s: external-snapshotter pkg/sidecar-controller/snapshot_controller.go
async function run({ proc, client, driver, flags }: Sidecar): Promise<void> {
  const events = inClusterEvents(proc, client, `csi-snapshotter ${driver.name}`)
  const isOnEachNode = flags.get('node-deployment') === 'true'
  const node = proc.env['NODE_NAME'] || undefined
  if (isOnEachNode && node === undefined) {
    klog(proc, 'F', 'main.go:170', 'The NODE_NAME environment variable must be set when using --enable-node-deployment.')
    return proc.exit(255)
  }
  // One of each node's looks after those that lie there.
  const isOwn = ({ metadata: { labels } }: VolumeSnapshotContent) => !isOnEachNode || labels?.[MANAGED_BY] === node
  const contents = new ObjectCache<VolumeSnapshotContent>(proc, client, CONTENTS, { apiVersion: SNAPSHOT_API, kind: 'VolumeSnapshotContent' }, (key, content) => { if (content?.spec.driver === driver.name && isOwn(content)) queue(key) })
  const put = (content: VolumeSnapshotContent) => apiCall<VolumeSnapshotContent>(client, 'PUT', `${CONTENTS}/${content.metadata.name}`, content)
  const putStatus = (content: VolumeSnapshotContent) => apiCall<VolumeSnapshotContent>(client, 'PUT', `${CONTENTS}/${content.metadata.name}/status`, content)
  const annotated = (content: VolumeSnapshotContent, isBeing: boolean): VolumeSnapshotContent => {
    const { [BEING_CREATED]: _being, ...annotations } = content.metadata.annotations ?? {}
    return { ...content, metadata: { ...content.metadata, annotations: isBeing ? { ...annotations, [BEING_CREATED]: 'yes' } : annotations } }
  }
  const statusOf = ({ snapshotId, creationTime, sizeBytes, readyToUse }: TakenSnapshot) => ({ snapshotHandle: snapshotId, creationTime: creationTime.seconds * 1e9 + creationTime.nanos, readyToUse, restoreSize: sizeBytes })

  const fail = async (content: VolumeSnapshotContent, reason: string, error: Error): Promise<never> => {
    if (content.status?.error?.message !== error.message) {
      const now = await apiCall<VolumeSnapshotContent>(client, 'GET', `${CONTENTS}/${content.metadata.name}`)
      await putStatus({ ...now, status: { ...now.status, readyToUse: false, error: { message: error.message, time: rfc3339(proc.clock.nowMs()) } } })
      events.event(content, 'Warning', reason, error.message)
    }
    throw error
  }

  /** k8s: GetCredentialsFromAnnotation */
  const secretsOf = ({ metadata: { annotations = {} } }: VolumeSnapshotContent) => {
    const { [SECRET_NAME]: name, [SECRET_NAMESPACE]: namespace } = annotations
    return secretData(client, name && namespace ? { name, namespace } : undefined)
  }

  const create = async (content: VolumeSnapshotContent): Promise<void> => {
    const name = content.spec.volumeSnapshotClassName
    if (!name) throw new Error(`failed to take snapshot ${content.metadata.name} without a snapshot class`)
    const snapshotClass = await apiCall<VolumeSnapshotClass>(client, 'GET', `${SNAPSHOT_CLASSES}/${name}`)
    const secrets = await secretsOf(content)
    const marked = await put(annotated(content, true))
    let taken: TakenSnapshot
    try {
      const answer = await driver.call('Controller/CreateSnapshot', {
        name: `snapshot-${content.spec.volumeSnapshotRef.uid}`, sourceVolumeId: content.spec.source.volumeHandle, secrets, parameters: Object.fromEntries(Object.entries(snapshotClass.parameters ?? {}).filter(([key]) => !key.startsWith('csi.storage.k8s.io/'))),
      }) as { snapshot: TakenSnapshot }
      taken = answer.snapshot
    } catch (error) {
      if (error instanceof GrpcError && !NOT_FINAL.includes(error.code)) await put(annotated(marked, false))
      return fail(marked, 'SnapshotCreationFailed', new Error(`Failed to create snapshot: failed to take snapshot of the volume ${content.spec.source.volumeHandle}: ${JSON.stringify((error as Error).message)}`))
    }
    const updated = await putStatus({ ...marked, status: statusOf(taken) })
    await put(annotated(updated, false))
  }

  const queue = keyedWork(proc, 'VolumeSnapshotContent', async (key) => {
    const content = contents.get(key)
    if (!content) return
    const { annotations = {}, finalizers = [], deletionTimestamp } = content.metadata
    if (deletionTimestamp) {
      if (annotations[BEING_DELETED] !== 'yes' || !finalizers.includes(CONTENT_FINALIZER)) return
      let current = content
      if (content.spec.deletionPolicy === 'Delete' && content.status?.snapshotHandle) {
        try {
          await driver.call('Controller/DeleteSnapshot', { snapshotId: content.status.snapshotHandle, secrets: await secretsOf(content) })
        } catch (error) {
          events.event(content, 'Warning', 'SnapshotDeleteError', 'Failed to delete snapshot')
          throw error
        }
        const { snapshotHandle: _handle, ...status } = content.status
        current = await putStatus({ ...content, status })
      }
      await put({ ...current, metadata: { ...current.metadata, finalizers: finalizers.filter((each) => each !== CONTENT_FINALIZER) } }).catch((error: unknown) => { if (!isStatusError(error, 'NotFound')) throw error })
      return
    }
    if (content.status?.readyToUse) return
    const { volumeHandle, snapshotHandle } = content.spec.source
    if (volumeHandle) return create(content)
    const found = await driver.call('Controller/ListSnapshots', { snapshotId: snapshotHandle, secrets: {} }) as { entries: { snapshot: TakenSnapshot }[] }
    const [entry] = found.entries
    if (!entry) return fail(content, 'SnapshotContentCheckandUpdateFailed', new Error(`Failed to check and update snapshot content: failed to list snapshot for content ${key}: ${JSON.stringify('rpc error: code = NotFound desc = snapshot not found')}`))
    await putStatus({ ...content, status: statusOf(entry.snapshot) })
  })
}
