import { deepEqual } from '../../../base/freeze.ts'
import type { Controller, ControllerContext, ReconcileResult } from '../../client/controller-runner.ts'
import { keyOf } from '../../client/informers.ts'
import {
  BETA_STORAGE_PROVISIONER, BIND_COMPLETED, BOUND_BY_CONTROLLER, classOfClaim, classOfVolume, delaysBinding, findMatchingVolume, isBoundToClaim,
  NO_PROVISIONER, PROVISIONED_BY, SELECTED_NODE, STORAGE_PROVISIONER,
} from '../../client/volume-matching.ts'
import type { PersistentVolume, PersistentVolumeClaim, PersistentVolumeClaimStatus, Pod, StorageClass } from '../../kinds/generated/types.ts'
import { compareQuantities } from '../../kinds/quantity.ts'
import { isStatusError } from '../../kinds/status-error.ts'
import { isPodTerminal, timeMs } from '../pods.ts'
import { PODS_BY_CLAIM } from './pods-by-claim.ts'
import { recycle } from './recycle.ts'

const CLAIMS = 'persistentvolumeclaims'
const VOLUMES = 'persistentvolumes'
const CLASSES = 'storageclasses.storage.k8s.io'
const DEFAULT_CLASS = 'storageclass.kubernetes.io/is-default-class'
/** What can't be bound is looked at again, everything at the same moments. k8s: PVClaimBinderSyncPeriod */
const RESYNC_MS = 15_000

/** Where the deleter of hostPath volumes works. k8s: pkg/volume/hostpath hostPathDeleter.Delete */
const DELETABLE_PATH = /\/tmp\/.+/

/** What the binder knows of a claim besides the claim. */
interface KnownClaim {
  /** The version that the binder itself wrote last. Upstream looks at it once more if it shows before the write's operation has ended, which is chance. */
  ownVersion?: string
  /** When the claim is looked at whatever happened. */
  resyncAtMs?: number
  /** A volume asks for it. */
  isAskedFor?: boolean
}

interface BinderContext extends ControllerContext {
  /** Tells that the binder has written a claim. */
  wrote(claim: PersistentVolumeClaim): void
}

/**
 * Finds volumes for claims. Volumes and classes that come wake nobody: claims that wait are looked at again every fifteen seconds since the controller's
 * start. k8s: pkg/controller/volume/persistentvolume syncClaim, resync
 */
export function claimBinder(): Controller {
  const known = new Map<string, KnownClaim>()
  let startMs = 0
  const nextResyncMs = (nowMs: number) => nowMs + RESYNC_MS - (nowMs - startMs) % RESYNC_MS
  const knownOf = (key: string): KnownClaim => {
    let entry = known.get(key)
    if (!entry) known.set(key, entry = {})
    return entry
  }
  return {
    name: 'persistentvolume-controller', for: CLAIMS, reads: [CLASSES, 'pods'], workers: 1,
    indexes: [{ resource: 'pods', ...PODS_BY_CLAIM }],
    watches: [{
      resource: VOLUMES,
      // k8s: deleteVolume, syncVolume
      keys: ({ type, object, old }, { cache }) => {
        const volume = object as PersistentVolume
        const ref = volume.spec?.claimRef
        if (!ref) {
          const before = old as PersistentVolume
          if (type !== 'update' || volume.status?.phase !== 'Available' || before.status?.phase !== 'Pending') return []
          // A claim that came right after its volume would have found it: between two requests of a client upstream makes a new volume available.
          return cache.list<PersistentVolumeClaim>(CLAIMS).filter((claim) => claim.status?.phase === 'Pending' && !claim.spec!.volumeName && Number(claim.metadata.resourceVersion) > Number(before.metadata.resourceVersion) &&
            findMatchingVolume(claim, [volume], { delayBinding: delaysBinding(claim, (name) => cache.get<StorageClass>(CLASSES, name)) })).map((claim) => {
            knownOf(keyOf(claim)).isAskedFor = true
            return keyOf(claim)
          })
        }
        const key = `${ref.namespace}/${ref.name}`
        const claim = cache.get<PersistentVolumeClaim>(CLAIMS, key)
        if (!claim || (type !== 'delete' && (claim.metadata.uid !== ref.uid || claim.spec!.volumeName || modeOf(volume) !== modeOf(claim)))) return []
        knownOf(key).isAskedFor = true
        return [key]
      },
    }],
    start({ clock }) {
      startMs = clock.nowMs()
    },
    async reconcile(key, context) {
      const claim = context.cache.get<PersistentVolumeClaim>(CLAIMS, key)
      if (!claim) {
        known.delete(key)
        return
      }
      const state = knownOf(key)
      const nowMs = context.clock.nowMs()
      const isDue = state.resyncAtMs !== undefined && state.resyncAtMs <= nowMs
      if (claim.metadata.resourceVersion === state.ownVersion && !state.isAskedFor && !isDue) return untilResync(state, nowMs)
      state.isAskedFor = false
      const binder: BinderContext = { ...context, wrote: ({ metadata }) => { state.ownVersion = metadata.resourceVersion! } }
      try {
        const waits = claim.metadata.annotations?.[BIND_COMPLETED] !== undefined ? await syncBound(claim, binder) : await syncUnbound(claim, binder)
        if (waits) state.resyncAtMs = nextResyncMs(nowMs)
        else delete state.resyncAtMs
      } catch (error) {
        delete state.ownVersion
        throw error
      }
      return untilResync(state, nowMs)
    },
  }
}

function untilResync({ resyncAtMs }: KnownClaim, nowMs: number): ReconcileResult | void {
  if (resyncAtMs !== undefined) return { requeueAfterMs: resyncAtMs - nowMs }
}

const modeOf = (object: PersistentVolume | PersistentVolumeClaim) => object.spec!.volumeMode ?? 'Filesystem'

/** True: the claim waits for the next resync. k8s: syncUnboundClaim */
async function syncUnbound(claim: PersistentVolumeClaim, context: BinderContext): Promise<boolean> {
  const { cache, events } = context
  const getClass = (name: string) => cache.get<StorageClass>(CLASSES, name)
  const wanted = claim.spec!.volumeName
  if (!wanted) {
    const delay = delaysBinding(claim, getClass)
    const volume = findMatchingVolume(claim, cache.list<PersistentVolume>(VOLUMES), { delayBinding: delay })
    if (volume) {
      await bind(volume, claim, context)
      return false
    }
    if (await assignDefaultClass(claim, context)) return false
    if (delay && claim.metadata.annotations?.[SELECTED_NODE] === undefined) {
      const pods = cache.byIndex<Pod>('pods', PODS_BY_CLAIM.name, keyOf(claim)).filter((pod) => !isPodTerminal(pod) && !pod.spec.nodeName).map(({ metadata }) => metadata.name)
      if (pods.length > 0) events.event(claim, 'Normal', 'WaitForPodScheduled', `waiting for ${pods.length === 1 ? 'pod' : 'pods'} ${pods.join(',')} to be scheduled`)
      else events.event(claim, 'Normal', 'WaitForFirstConsumer', 'waiting for first consumer to be created before binding')
    } else if (classOfClaim(claim) !== '') await askProvisioner(claim, context)
    else events.event(claim, 'Normal', 'FailedBinding', 'no persistent volumes available for this claim and no storage class is set')
    await setPhase(claim, 'Pending', undefined, context)
    return true
  }
  const volume = cache.get<PersistentVolume>(VOLUMES, wanted)
  if (!volume) {
    await setPhase(claim, 'Pending', undefined, context)
    return true
  }
  if (!volume.spec!.claimRef) {
    const mismatch = whyUnsuitable(volume, claim)
    if (mismatch) {
      events.event(claim, 'Warning', 'VolumeMismatch', `Cannot bind to requested volume "${wanted}": ${mismatch}`)
      await setPhase(claim, 'Pending', undefined, context)
      return true
    }
    await bind(volume, claim, context)
    return false
  }
  if (isBoundToClaim(volume, claim)) {
    await bind(volume, claim, context)
    return false
  }
  events.event(claim, 'Warning', 'FailedBinding', `volume "${wanted}" already bound to a different claim.`)
  await setPhase(claim, 'Pending', undefined, context)
  return true
}

/** True: the claim waits for the next resync. k8s: syncBoundClaim */
async function syncBound(claim: PersistentVolumeClaim, context: BinderContext): Promise<boolean> {
  const { cache, events } = context
  const name = claim.spec!.volumeName
  const lose = async (reason: string, message: string) => {
    if (claim.status?.phase === 'Lost') return true
    await setPhase(claim, 'Lost', undefined, context)
    events.event(claim, 'Warning', reason, message)
    return true
  }
  if (!name) return lose('ClaimLost', 'Bound claim has lost reference to PersistentVolume. Data on the volume is lost!')
  const volume = cache.get<PersistentVolume>(VOLUMES, name)
  if (!volume) return lose('ClaimLost', 'Bound claim has lost its PersistentVolume. Data on the volume is lost!')
  if (!volume.spec!.claimRef || volume.spec!.claimRef.uid === claim.metadata.uid) {
    await bind(volume, claim, context)
    return false
  }
  return lose('ClaimMisbound', 'Two claims are bound to the same volume, this one is bound incorrectly')
}

/** Both sides, volume first: whoever crashes in between finds it half done and goes on. k8s: bind */
async function bind(volume: PersistentVolume, claim: PersistentVolumeClaim, context: BinderContext): Promise<void> {
  const { api } = context
  const { name, namespace, uid, resourceVersion, annotations } = claim.metadata
  const ref = volume.spec!.claimRef
  if (!isBoundToClaim(volume, claim) || !ref?.uid) {
    const byController = ref === undefined
    volume = await api.update<PersistentVolume>(VOLUMES, {
      ...volume, metadata: byController ? { ...volume.metadata, annotations: { ...volume.metadata.annotations, [BOUND_BY_CONTROLLER]: 'yes' } } : volume.metadata,
      spec: { ...volume.spec!, claimRef: { kind: 'PersistentVolumeClaim', namespace: namespace!, name: name!, uid: uid!, apiVersion: 'v1', resourceVersion: resourceVersion! } },
    })
  }
  if (volume.status?.phase !== 'Bound') volume = await api.updateStatus<PersistentVolume>(VOLUMES, { ...volume, status: { ...volume.status, phase: 'Bound' } })
  let current = claim
  if (claim.spec!.volumeName !== volume.metadata.name || annotations?.[BIND_COMPLETED] === undefined) {
    const byController = claim.spec!.volumeName !== volume.metadata.name
    current = await api.update<PersistentVolumeClaim>(CLAIMS, {
      ...claim, metadata: { ...claim.metadata, annotations: { ...annotations, [BIND_COMPLETED]: 'yes', ...(byController ? { [BOUND_BY_CONTROLLER]: 'yes' } : {}) } },
      spec: { ...claim.spec!, volumeName: volume.metadata.name! },
    })
    context.wrote(current)
  }
  await setPhase(current, 'Bound', volume, context)
}

/** k8s: updateClaimStatus */
async function setPhase(claim: PersistentVolumeClaim, phase: 'Pending' | 'Bound' | 'Lost', volume: PersistentVolume | undefined, { api, wrote }: BinderContext): Promise<void> {
  const { accessModes: _a, capacity: _c, currentVolumeAttributesClassName, ...others } = claim.status ?? {}
  // Later than at the binding the class is the resizer's to tell.
  const attributesClass = claim.status?.phase === 'Pending' && phase === 'Bound' ? volume?.spec!.volumeAttributesClassName : currentVolumeAttributesClassName
  const status: PersistentVolumeClaimStatus = {
    ...others, phase,
    ...(volume ? {
      ...(attributesClass === undefined ? {} : { currentVolumeAttributesClassName: attributesClass }),
      accessModes: volume.spec!.accessModes,
      // A bound claim's capacity grows by resizing only.
      capacity: claim.status?.phase === 'Bound' && claim.status.capacity?.storage !== undefined ? claim.status.capacity : { storage: volume.spec!.capacity!.storage! },
    } : {}),
  } as PersistentVolumeClaimStatus
  if (!deepEqual(status, claim.status)) wrote(await api.updateStatus<PersistentVolumeClaim>(CLAIMS, { ...claim, status }))
}

/** k8s: checkVolumeSatisfyClaim */
function whyUnsuitable(volume: PersistentVolume, claim: PersistentVolumeClaim): string | undefined {
  if (volume.metadata.deletionTimestamp !== undefined) return `the volume is marked for deletion "${volume.metadata.name}"`
  const asked = claim.spec!.resources?.requests?.storage ?? '0'
  if (compareQuantities(volume.spec!.capacity?.storage ?? '0', asked) < 0) return 'requested PV is too small'
  if (classOfVolume(volume) !== classOfClaim(claim)) return 'storageClassName does not match'
  if ((volume.spec!.volumeAttributesClassName ?? '') !== (claim.spec!.volumeAttributesClassName ?? '')) return 'volumeAttributesClassName does not match'
  if (modeOf(volume) !== modeOf(claim)) return 'incompatible volumeMode'
  if (!claim.spec!.accessModes?.every((mode) => volume.spec!.accessModes?.includes(mode))) return 'incompatible accessMode'
  return undefined
}

/** A claim that names no class gets the default one as soon as there is one. k8s: assignDefaultStorageClass */
async function assignDefaultClass(claim: PersistentVolumeClaim, { api, cache }: ControllerContext): Promise<boolean> {
  if (claim.spec!.storageClassName !== undefined || claim.metadata.annotations?.['volume.beta.kubernetes.io/storage-class'] !== undefined) return false
  const newest = cache.list<StorageClass>(CLASSES).filter(({ metadata }) => metadata.annotations?.[DEFAULT_CLASS] === 'true')
    .sort((a, b) => timeMs(b.metadata.creationTimestamp) - timeMs(a.metadata.creationTimestamp) || (a.metadata.name! < b.metadata.name! ? -1 : 1))[0]
  if (!newest) return false
  await api.update(CLAIMS, { ...claim, spec: { ...claim.spec!, storageClassName: newest.metadata.name! } })
  return true
}

/** k8s: provisionClaim, provisionClaimOperationExternal */
async function askProvisioner(claim: PersistentVolumeClaim, { api, cache, events, wrote }: BinderContext): Promise<void> {
  const className = classOfClaim(claim)
  const storageClass = cache.get<StorageClass>(CLASSES, className)
  if (!storageClass) {
    events.event(claim, 'Warning', 'ProvisioningFailed', `storageclass.storage.k8s.io "${className}" not found`)
    return
  }
  const { provisioner } = storageClass
  if (provisioner === NO_PROVISIONER) {
    events.event(claim, 'Normal', 'FailedBinding', 'no persistent volumes available for this claim and no storage class is set')
    return
  }
  if (claim.metadata.annotations?.[STORAGE_PROVISIONER] !== provisioner)
    wrote(await api.update<PersistentVolumeClaim>(CLAIMS, { ...claim, metadata: { ...claim.metadata, annotations: { ...claim.metadata.annotations, [BETA_STORAGE_PROVISIONER]: provisioner, [STORAGE_PROVISIONER]: provisioner } } }))
  events.event(claim, 'Normal', 'ExternalProvisioning', `Waiting for a volume to be created either by the external provisioner '${provisioner}' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered.`)
}

/** Keeps volumes' phases and frees them when their claim is gone: the other queue of upstream's controller. k8s: syncVolume */
export const volumeBinder: Controller = {
  name: 'persistentvolume-volumes-controller', for: VOLUMES, workers: 1,
  indexes: [{ resource: 'pods', ...PODS_BY_CLAIM }],
  watches: [{ resource: CLAIMS, keys: ({ object }) => { const name = (object as PersistentVolumeClaim).spec?.volumeName; return name ? [name] : [] } }],
  async reconcile(key, context) {
    const { api, cache, events } = context
    const volume = cache.get<PersistentVolume>(VOLUMES, key)
    if (!volume) return
    const ref = volume.spec!.claimRef
    const phase = async (next: 'Available' | 'Bound' | 'Released' | 'Failed', message?: string) => {
      if (volume.status?.phase === next && volume.status.message === message) return
      const { message: _m, reason: _r, ...others } = volume.status ?? {}
      await api.updateStatus(VOLUMES, { ...volume, status: { ...others, phase: next, ...(message ? { message } : {}) } })
    }
    if (!ref?.uid) return phase('Available')
    const claim = await claimOf(volume, context)
    if (!claim) {
      if (volume.status?.phase !== 'Released' && volume.status?.phase !== 'Failed') {
        await phase('Released')
        return
      }
      return reclaim(volume, context)
    }
    if (!claim.spec!.volumeName) {
      if (modeOf(volume) !== modeOf(claim)) {
        events.event(volume, 'Warning', 'VolumeMismatch', `Cannot bind PersistentVolume to requested PersistentVolumeClaim "${claim.metadata.name}" due to incompatible volumeMode.`)
        events.event(claim, 'Warning', 'VolumeMismatch', `Cannot bind PersistentVolume "${key}" to requested PersistentVolumeClaim due to incompatible volumeMode.`)
      }
      return
    }
    if (claim.spec!.volumeName === key) return phase('Bound')
    // The claim has another volume.
    if (volume.metadata.annotations?.[PROVISIONED_BY] !== undefined && volume.spec!.persistentVolumeReclaimPolicy === 'Delete') {
      if (volume.status?.phase !== 'Released' && volume.status?.phase !== 'Failed') return phase('Released')
      return reclaim(volume, context)
    }
    await unbind(volume, context)
  },
}

async function claimOf(volume: PersistentVolume, { api, cache }: ControllerContext): Promise<PersistentVolumeClaim | undefined> {
  const { namespace, name, uid } = volume.spec!.claimRef!
  const cached = cache.get<PersistentVolumeClaim>(CLAIMS, `${namespace}/${name}`)
  if (cached?.metadata.uid === uid) return cached
  const fresh = await api.get<PersistentVolumeClaim>(CLAIMS, name!, namespace).catch((error: unknown) => { if (!isStatusError(error, 'NotFound')) throw error; return undefined })
  return fresh?.metadata.uid === uid ? fresh : undefined
}

/** k8s: unbindVolume */
async function unbind(volume: PersistentVolume, { api }: ControllerContext): Promise<void> {
  const { [BOUND_BY_CONTROLLER]: byController, ...annotations } = volume.metadata.annotations ?? {}
  const { claimRef, ...spec } = volume.spec!
  // A volume that its maker reserved stays reserved.
  const kept = byController === undefined && claimRef ? { claimRef: { ...claimRef, uid: undefined, resourceVersion: undefined } } : {}
  if (kept.claimRef) {
    delete kept.claimRef.uid
    delete kept.claimRef.resourceVersion
  }
  const updated = await api.update<PersistentVolume>(VOLUMES, { ...volume, metadata: { ...volume.metadata, annotations }, spec: { ...spec, ...kept } as PersistentVolume['spec'] })
  if (updated.status?.phase !== 'Available') await api.updateStatus(VOLUMES, { ...updated, status: { ...updated.status, phase: 'Available' } })
}

/** k8s: reclaimVolume */
async function reclaim(volume: PersistentVolume, context: ControllerContext): Promise<ReconcileResult | void> {
  const { api, events } = context
  // A provisioner of its own deletes what it made.
  if (volume.metadata.annotations?.[PROVISIONED_BY] !== undefined) return
  const policy = volume.spec!.persistentVolumeReclaimPolicy
  if (policy === 'Recycle') {
    recycle(volume, context, () => unbind(volume, context))
    return { requeueAfterMs: RESYNC_MS }
  }
  if (policy !== 'Delete' || volume.status?.phase === 'Failed') return
  // The driver's provisioner deletes those.
  if (volume.spec!.csi) return
  const path = volume.spec!.hostPath?.path
  if (path !== undefined && DELETABLE_PATH.test(path)) {
    // What is deleted besides lies on the controller manager's own disk, which nodes don't share.
    await api.delete(VOLUMES, volume.metadata.name!)
    return
  }
  const message = path === undefined ? `error getting deleter volume plugin for volume "${volume.metadata.name}": no deletable volume plugin matched` : `host_path deleter only supports /tmp/.+ but received provided ${path}`
  await api.updateStatus(VOLUMES, { ...volume, status: { ...volume.status, phase: 'Failed', message } })
  events.event(volume, 'Warning', 'VolumeFailedDelete', message)
}
