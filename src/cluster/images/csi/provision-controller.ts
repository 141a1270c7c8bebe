import type { Proc } from '../../../unix/types.ts'
import { BETA_STORAGE_PROVISIONER, classOfClaim, PROVISIONED_BY, SELECTED_NODE, STORAGE_PROVISIONER } from '../../client/volume-matching.ts'
import type { PersistentVolume, PersistentVolumeClaim, StorageClass } from '../../kinds/generated/types.ts'
import { isStatusError } from '../../kinds/status-error.ts'
import { apiCall } from '../in-cluster/api-call.ts'
import type { ClusterClient } from '../in-cluster/cluster-client.ts'
import { inClusterEvents } from '../in-cluster/events.ts'
import { keyedWork, objectPath, ObjectCache } from './cluster-cache.ts'

const CLAIMS = '/api/v1/persistentvolumeclaims'
const VOLUMES = '/api/v1/persistentvolumes'
const CLASSES = '/apis/storage.k8s.io/v1/storageclasses'
const FINALIZER = 'external-provisioner.volume.kubernetes.io/finalizer'

/** What a volume is made for. */
export interface ProvisionOptions {
  claim: PersistentVolumeClaim
  storageClass: StorageClass
  volumeName: string
  selectedNode: string | undefined
}

/** A claim that is left to somebody else. */
export class IgnoredClaim extends Error {}

/** A failure after which the scheduler is to choose another node. */
export class RescheduleError extends Error {}

export interface ProvisionControllerOptions {
  proc: Proc
  client: ClusterClient
  /** As StorageClasses name it. */
  name: string
  /** Keeps volumes until what is behind them is gone. */
  addFinalizer: boolean
  /** @throws Error with the text of the claim's event */
  provision(options: ProvisionOptions): Promise<PersistentVolume>
  /** @throws Error with the text of the volume's event */
  remove(volume: PersistentVolume): Promise<void>
}

/** Makes volumes for the claims of its StorageClasses and deletes them when they are released: the library that provisioners are built on. */
// sigs.k8s.io/sig-storage-lib-external-provisioner controller.go
export async function runProvisionController({ proc, client, name, addFinalizer, provision, remove }: ProvisionControllerOptions): Promise<void> {
  const events = inClusterEvents(proc, client, `${name}_${proc.machine.hostname}_${proc.random.uuid()}`)
  const told = new Set<string>()
  const claims = new ObjectCache<PersistentVolumeClaim>(proc, client, CLAIMS, { apiVersion: 'v1', kind: 'PersistentVolumeClaim' }, (key, claim) => { if (claim) claimQueue(key) })
  const volumes = new ObjectCache<PersistentVolume>(proc, client, VOLUMES, { apiVersion: 'v1', kind: 'PersistentVolume' }, (key, volume) => { if (volume) volumeQueue(key) })
  const classes = new ObjectCache<StorageClass>(proc, client, CLASSES, { apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass' }, (_key, storageClass) => {
    // What could not be made for want of its class.
    if (storageClass?.provisioner === name) for (const [key, claim] of claims.objects) if (classOfClaim(claim) === storageClass.metadata.name && !claim.spec?.volumeName) claimQueue(key)
  })

  const syncClaim = async (key: string): Promise<void> => {
    await Promise.all([classes.synced, volumes.synced])
    const claim = claims.get(key)
    if (!claim || claim.spec?.volumeName || claim.metadata.deletionTimestamp) return
    const { annotations = {}, uid } = claim.metadata
    if ((annotations[STORAGE_PROVISIONER] ?? annotations[BETA_STORAGE_PROVISIONER]) !== name) return
    const className = classOfClaim(claim)
    const storageClass = classes.get(className)
    if (!storageClass || storageClass.provisioner !== name) return
    const selectedNode = annotations[SELECTED_NODE]
    if (storageClass.volumeBindingMode === 'WaitForFirstConsumer' && !selectedNode) return
    const volumeName = `pvc-${uid}`
    if (volumes.get(volumeName)) return
    const about = `${claim.metadata.namespace}/${claim.metadata.name}`
    events.event(claim, 'Normal', 'Provisioning', `External provisioner is provisioning volume for claim ${JSON.stringify(about)}`)
    let volume: PersistentVolume
    try {
      volume = await provision({ claim, storageClass, volumeName, selectedNode })
    } catch (error) {
      if (error instanceof IgnoredClaim) return
      const failure = new Error(`failed to provision volume with StorageClass ${JSON.stringify(className)}: ${(error as Error).message}`)
      events.event(claim, 'Warning', 'ProvisioningFailed', failure.message)
      if (error instanceof RescheduleError && selectedNode) {
        const { [SELECTED_NODE]: _node, ...rest } = annotations
        await apiCall(client, 'PUT', objectPath(CLAIMS, claim), { ...claim, metadata: { ...claim.metadata, annotations: rest } })
      }
      throw failure
    }
    try {
      await apiCall(client, 'POST', VOLUMES, {
        ...volume, apiVersion: 'v1', kind: 'PersistentVolume',
        metadata: { ...volume.metadata, annotations: { ...volume.metadata.annotations, [PROVISIONED_BY]: storageClass.provisioner }, ...(addFinalizer ? { finalizers: [FINALIZER] } : {}) },
        spec: { ...volume.spec, storageClassName: className, claimRef: { kind: 'PersistentVolumeClaim', namespace: claim.metadata.namespace, name: claim.metadata.name, uid, apiVersion: 'v1', resourceVersion: claim.metadata.resourceVersion } },
      })
    } catch (error) {
      if (!isStatusError(error, 'AlreadyExists')) throw error
    }
    if (!told.has(volumeName)) events.event(claim, 'Normal', 'ProvisioningSucceeded', `Successfully provisioned volume ${volumeName}`)
    told.add(volumeName)
  }

  const syncVolume = async (key: string): Promise<void> => {
    const volume = volumes.get(key)
    // A CSI volume that somebody made by hand is its driver's, too. sig-storage-lib-external-provisioner isProvisionerForVolume
    if (!volume || (volume.metadata.annotations?.[PROVISIONED_BY] ?? volume.spec?.csi?.driver) !== name) return
    const { finalizers = [], deletionTimestamp } = volume.metadata
    const held = finalizers.includes(FINALIZER)
    const keep = async (next: string[]) => { await apiCall(client, 'PATCH', `${VOLUMES}/${key}`, { metadata: { uid: volume.metadata.uid, resourceVersion: volume.metadata.resourceVersion, [`$deleteFromPrimitiveList/finalizers`]: finalizers.filter((each) => !next.includes(each)), finalizers: next.filter((each) => !finalizers.includes(each)) } }) }
    const policy = volume.spec?.persistentVolumeReclaimPolicy
    if (addFinalizer && policy === 'Delete' && !deletionTimestamp && volume.status?.phase === 'Bound' && !held) return keep([...finalizers, FINALIZER])
    if (held && policy !== 'Delete') return keep(finalizers.filter((each) => each !== FINALIZER))
    if (volume.status?.phase !== 'Released' || policy !== 'Delete') return
    if (addFinalizer ? !held && deletionTimestamp : deletionTimestamp) return
    try {
      await remove(volume)
    } catch (error) {
      if (error instanceof IgnoredClaim) return
      events.event(volume, 'Warning', 'VolumeFailedDelete', (error as Error).message)
      throw error
    }
    if (!deletionTimestamp) await apiCall(client, 'DELETE', `${VOLUMES}/${key}`).catch((error: unknown) => { if (!isStatusError(error, 'NotFound')) throw error })
    if (!held) return
    try {
      const now = await apiCall<PersistentVolume>(client, 'GET', `${VOLUMES}/${key}`)
      await apiCall(client, 'PATCH', `${VOLUMES}/${key}`, { metadata: { resourceVersion: now.metadata.resourceVersion, '$deleteFromPrimitiveList/finalizers': [FINALIZER] } })
    } catch (error) {
      if (!isStatusError(error, 'NotFound')) throw error
    }
  }
  const claimQueue = keyedWork(proc, 'PVC', syncClaim)
  const volumeQueue = keyedWork(proc, 'PV', syncVolume)
  await Promise.all([claims.synced, volumes.synced, classes.synced])
}
