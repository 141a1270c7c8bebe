import type { Proc } from '../../../unix/types.ts'
import type { PersistentVolume, PersistentVolumeClaim } from '../../kinds/generated/types.ts'
import { apiCall } from '../in-cluster/api-call.ts'
import { inClusterEvents } from '../in-cluster/events.ts'
import { keyedWork, ObjectCache } from './cluster-cache.ts'
import { runSidecar } from './sidecar.ts'
import type { Sidecar } from './sidecar.ts'
import { concernsExpansion, VolumeExpander } from './volume-expander.ts'
import { VolumeModifier } from './volume-modifier.ts'

const CLAIMS = '/api/v1/persistentvolumeclaims'
const VOLUMES = '/api/v1/persistentvolumes'
const KNOWN = ['handle-volume-inuse-error', 'workers', 'extra-modify-metadata']

/** The sidecar that grows volumes whose claims ask for more, and changes them to the VolumeAttributesClass that their claims name. */
export const csiResizer = (proc: Proc) => runSidecar(proc, { known: KNOWN, lock: (driver) => `external-resizer-${driver.replace(/[^a-zA-Z0-9]/g, '-')}`, run })

// k8s: external-resizer pkg/controller/controller.go, pkg/modifycontroller/controller.go
async function run(sidecar: Sidecar): Promise<void> {
  const { proc, client, driver } = sidecar
  const events = inClusterEvents(proc, client, `external-resizer ${driver.name}`)
  const volumes = new ObjectCache<PersistentVolume>(proc, client, VOLUMES, { apiVersion: 'v1', kind: 'PersistentVolume' }, () => {})
  const claims = new ObjectCache<PersistentVolumeClaim>(proc, client, CLAIMS, { apiVersion: 'v1', kind: 'PersistentVolumeClaim' }, (key, claim, before) => {
    if (!claim) {
      modifier?.forget(key)
      expander.forget(key)
    }
    if (claim?.status?.phase !== 'Bound') return
    if (concernsExpansion(claim, before) || before!.status?.phase !== 'Bound') queue(key)
    if (!before || before.spec?.volumeAttributesClassName !== claim.spec?.volumeAttributesClassName || claim.status.modifyVolumeStatus === undefined) modifyQueue?.(key)
  })

  /** A claim and its volume, if that is the driver's. */
  const find = async (key: string): Promise<{ claim: PersistentVolumeClaim; volume: PersistentVolume } | undefined> => {
    await volumes.synced
    const claim = claims.get(key)
    if (!claim?.spec?.volumeName) return undefined
    const volume = volumes.get(claim.spec.volumeName) ?? await apiCall<PersistentVolume>(client, 'GET', `${VOLUMES}/${claim.spec.volumeName}`)
    return volume.spec?.csi?.driver === driver.name && volume.spec.claimRef?.uid === claim.metadata.uid ? { claim, volume } : undefined
  }
  /** Does a part's work for each claim of the driver, again when it says so. */
  const workOf = (work: (key: string, claim: PersistentVolumeClaim, volume: PersistentVolume) => Promise<number | undefined>) => {
    const add = keyedWork(proc, 'PVC', async (key) => {
      const found = await find(key)
      const laterMs = found && await work(key, found.claim, found.volume)
      if (laterMs !== undefined) proc.clock.after(laterMs, () => { if (!proc.killed.aborted) add(key) })
    })
    return add
  }

  const modifier = driver.controllerCapabilities.has('MODIFY_VOLUME') ? new VolumeModifier(sidecar, events) : undefined
  const modifyQueue = modifier && workOf((key, claim, volume) => modifier.modify(key, claim, volume))
  const expander = new VolumeExpander(sidecar, events, { claims, volumes })
  const queue = workOf((key, claim, volume) => expander.expand(key, claim, volume))
}
