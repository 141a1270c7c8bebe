import { rfc3339 } from '../../../base/clock.ts'
import { GrpcError } from '../../../unix/net/grpc.ts'
import type { Proc } from '../../../unix/types.ts'
import type { PersistentVolume, PersistentVolumeClaim, PersistentVolumeClaimCondition } from '../../kinds/generated/types.ts'
import { compareQuantities, quantityValue } from '../../kinds/quantity.ts'
import { apiCall } from '../in-cluster/api-call.ts'
import { inClusterEvents } from '../in-cluster/events.ts'
import { bytesQuantity } from './bytes-quantity.ts'
import { secretData } from './secret-data.ts'
import { keyedWork, objectPath, ObjectCache } from './cluster-cache.ts'
import { runSidecar } from './sidecar.ts'
import type { Sidecar } from './sidecar.ts'
import { VolumeModifier } from './volume-modifier.ts'

const CLAIMS = '/api/v1/persistentvolumeclaims'
const VOLUMES = '/api/v1/persistentvolumes'
const PRE_RESIZE = 'volume.alpha.kubernetes.io/pre-resize-capacity'
const KNOWN = ['handle-volume-inuse-error', 'workers', 'extra-modify-metadata']
const RESIZING = ['Resizing', 'FileSystemResizePending', 'ControllerResizeError', 'NodeResizeError']

/** The sidecar that grows volumes whose claims ask for more, and changes them to the VolumeAttributesClass that their claims name. */
export const csiResizer = (proc: Proc) => runSidecar(proc, { known: KNOWN, lock: (driver) => `external-resizer-${driver.replace(/[^a-zA-Z0-9]/g, '-')}`, run })

// k8s: external-resizer pkg/controller/expand_and_recover.go, pkg/modifycontroller/controller.go
async function run(sidecar: Sidecar): Promise<void> {
  const { proc, client, driver } = sidecar
  const events = inClusterEvents(proc, client, `external-resizer ${driver.name}`)
  const volumes = new ObjectCache<PersistentVolume>(proc, client, VOLUMES, { apiVersion: 'v1', kind: 'PersistentVolume' }, () => {})
  const claims = new ObjectCache<PersistentVolumeClaim>(proc, client, CLAIMS, { apiVersion: 'v1', kind: 'PersistentVolumeClaim' }, (key, claim, before) => {
    if (!claim) modifier?.forget(key)
    if (claim?.status?.phase !== 'Bound') return
    queue(key)
    if (!before || before.spec?.volumeAttributesClassName !== claim.spec?.volumeAttributesClassName || claim.status.modifyVolumeStatus === undefined) modifyQueue?.(key)
  })
  const now = () => rfc3339(proc.clock.nowMs())
  /** The sidecar may only patch. `conditions` are those of resizing from now on; what is null goes. */
  const setStatus = (claim: PersistentVolumeClaim, status: object, conditions?: readonly Omit<PersistentVolumeClaimCondition, 'lastTransitionTime'>[]) => apiCall<PersistentVolumeClaim>(client, 'PATCH', `${objectPath(CLAIMS, claim)}/status`, {
    status: { ...status, ...(conditions ? { conditions: [{ $patch: 'replace' }, ...(claim.status?.conditions ?? []).filter(({ type }) => !RESIZING.includes(type)), ...conditions.map((condition) => ({ ...condition, lastTransitionTime: now() }))] } : {}) },
  })

  const resize = async (claim: PersistentVolumeClaim, volume: PersistentVolume): Promise<void> => {
    const wanted = claim.spec!.resources!.requests!.storage!
    if (compareQuantities(wanted, claim.status?.capacity?.storage ?? '0') <= 0) return
    const pending = claim.status?.conditions?.some(({ type }) => type === 'FileSystemResizePending')
    if (pending && compareQuantities(volume.spec?.capacity?.storage ?? '0', wanted) >= 0) return
    const controller = driver.controllerCapabilities.has('EXPAND_VOLUME')
    let current = await setStatus(claim, { allocatedResources: { storage: wanted }, allocatedResourceStatuses: { storage: 'ControllerResizeInProgress' } }, [{ type: 'Resizing', status: 'True' }])
    events.event(claim, 'Normal', 'Resizing', `External resizer is resizing volume ${volume.metadata.name}`)
    let bytes = quantityValue(wanted)
    let onNode = true
    const { csi } = volume.spec!
    if (controller) {
      try {
        const answer = await driver.call('Controller/ControllerExpandVolume', {
          volumeId: csi!.volumeHandle, capacityRange: { requiredBytes: bytes }, secrets: await secretData(client, csi!.controllerExpandSecretRef), volumeCapability: volume.spec!.volumeMode === 'Block' ? { block: {} } : { mount: { fsType: csi!.fsType ?? '', mountFlags: volume.spec!.mountOptions ?? [] } },
        }) as { capacityBytes: number; nodeExpansionRequired: boolean }
        bytes = answer.capacityBytes
        onNode = answer.nodeExpansionRequired
      } catch (error) {
        const infeasible = error instanceof GrpcError && ['InvalidArgument', 'OutOfRange', 'NotFound', 'Unimplemented'].includes(error.code)
        const message = `resize volume ${JSON.stringify(volume.metadata.name)} by resizer ${JSON.stringify(driver.name)} failed: ${(error as Error).message}`
        await setStatus(current, infeasible ? { allocatedResourceStatuses: { storage: 'ControllerResizeInfeasible' } } : {}, [{ type: 'Resizing', status: 'True' }, { type: 'ControllerResizeError', status: 'True', message: (error as Error).message }])
        events.event(claim, 'Warning', 'VolumeResizeFailed', message)
        throw new Error(message)
      }
    }
    const size = bytesQuantity(bytes)
    await apiCall(client, 'PATCH', `${VOLUMES}/${volume.metadata.name}`, { spec: { capacity: { storage: size } }, ...(onNode ? { metadata: { annotations: { [PRE_RESIZE]: claim.status?.capacity?.storage } } } : {}) })
    if (onNode) {
      current = await setStatus(current, { allocatedResourceStatuses: { storage: 'NodeResizePending' } }, [{ type: 'FileSystemResizePending', status: 'True', message: 'Waiting for user to (re-)start a pod to finish file system resize of volume on node.' }])
      events.event(claim, 'Normal', 'FileSystemResizeRequired', 'Require file system resize of volume on node')
      return
    }
    await setStatus(current, { capacity: { storage: size }, allocatedResourceStatuses: { storage: null } }, [])
    events.event(claim, 'Normal', 'VolumeResizeSuccessful', 'Resize volume succeeded')
  }

  /** A claim and its volume, if that is the driver's. */
  const find = async (key: string): Promise<{ claim: PersistentVolumeClaim; volume: PersistentVolume } | undefined> => {
    await volumes.synced
    const claim = claims.get(key)
    if (!claim?.spec?.volumeName) return undefined
    const volume = volumes.get(claim.spec.volumeName) ?? await apiCall<PersistentVolume>(client, 'GET', `${VOLUMES}/${claim.spec.volumeName}`)
    return volume.spec?.csi?.driver === driver.name && volume.spec.claimRef?.uid === claim.metadata.uid ? { claim, volume } : undefined
  }

  const modifier = driver.controllerCapabilities.has('MODIFY_VOLUME') ? new VolumeModifier(sidecar, events) : undefined
  const modifyQueue = modifier && keyedWork(proc, 'PVC', async (key) => {
    const found = await find(key)
    const laterMs = found && await modifier.modify(key, found.claim, found.volume)
    if (laterMs !== undefined) proc.clock.after(laterMs, () => { if (!proc.killed.aborted) modifyQueue!(key) })
  })

  const queue = keyedWork(proc, 'PVC', async (key) => {
    const found = await find(key)
    if (!found) return
    const { claim, volume } = found
    if (volume.metadata.annotations?.[PRE_RESIZE] !== undefined && compareQuantities(claim.status?.capacity?.storage ?? '0', volume.spec.capacity?.storage ?? '0') >= 0)
      await apiCall(client, 'PATCH', `${VOLUMES}/${volume.metadata.name}`, { metadata: { annotations: { [PRE_RESIZE]: null } } })
    await resize(claim, volume)
  })
}
