import { rfc3339 } from '../../../base/clock.ts'
import { GrpcError } from '../../../unix/net/grpc.ts'
import type { PersistentVolume, PersistentVolumeClaim, PersistentVolumeClaimCondition, Pod } from '../../kinds/generated/types.ts'
import { compareQuantities, quantityValue } from '../../kinds/quantity.ts'
import { apiCall } from '../in-cluster/api-call.ts'
import type { inClusterEvents } from '../in-cluster/events.ts'
import { bytesQuantity } from './bytes-quantity.ts'
import { objectPath } from './cluster-cache.ts'
import type { ObjectCache } from './cluster-cache.ts'
import { secretData } from './secret-data.ts'
import type { Sidecar } from './sidecar.ts'

const CLAIMS = '/api/v1/persistentvolumeclaims'
const VOLUMES = '/api/v1/persistentvolumes'
const PRE_RESIZE = 'volume.alpha.kubernetes.io/pre-resize-capacity'
/** Tells kubelets that nothing is left to do for them. */
const NOT_REQUIRED = 'volume.kubernetes.io/node-expansion-not-required'
const OF_RESIZING: readonly string[] = ['Resizing', 'FileSystemResizePending', 'ControllerResizeError', 'NodeResizeError']
/** How long what can't be done isn't tried again. k8s: external-resizer --retry-interval-max */
const SLOW_RETRY_MS = 300_000
/** Codes after which a driver may still be at it. k8s: external-resizer pkg/util IsFinalError */
const NOT_FINAL: readonly string[] = ['Canceled', 'DeadlineExceeded', 'Unavailable', 'ResourceExhausted', 'Aborted']
/** Codes that tell that it never will work. k8s: external-resizer pkg/util IsInfeasibleError */
const INFEASIBLE: readonly string[] = ['InvalidArgument', 'OutOfRange', 'NotFound']

type Condition = Omit<PersistentVolumeClaimCondition, 'lastTransitionTime'>

interface StatusChange {
  allocated?: string
  /** Null takes it away. */
  resizeStatus?: string | null
  capacity?: string
  /** In the place of those of growing; only added to them where `keepsOthers`. */
  conditions: readonly Condition[]
  keepsOthers: boolean
  isNodeDone?: boolean
  /** Whether the claim has to be as it was. */
  isChecked?: boolean
}

const requested = ({ spec }: PersistentVolumeClaim) => spec?.resources?.requests?.storage ?? '0'
const sizeOf = ({ status }: PersistentVolumeClaim) => status?.capacity?.storage ?? '0'
const resizeStatusOf = ({ status }: PersistentVolumeClaim) => status?.allocatedResourceStatuses?.storage ?? ''

/** Whether a change of a claim is one that growing has to do with. k8s: external-resizer pkg/controller updatePVC */
export function concernsExpansion(now: PersistentVolumeClaim, before: PersistentVolumeClaim | undefined): boolean {
  return !before || compareQuantities(requested(now), requested(before)) !== 0 || compareQuantities(sizeOf(now), sizeOf(before)) > 0 || resizeStatusOf(now) !== resizeStatusOf(before)
}

/** Has the volumes of a driver grow to what their claims ask for, and lets claims ask for less again where that fails. k8s: external-resizer pkg/controller */
export class VolumeExpander {
  readonly #sidecar: Sidecar
  readonly #events: ReturnType<typeof inClusterEvents>
  readonly #caches: { claims: ObjectCache<PersistentVolumeClaim>; volumes: ObjectCache<PersistentVolume> }
  /** Claims with which the driver isn't at it any more. */
  readonly #failed = new Set<string>()
  /** Claims whose size can't be had, and until when that isn't tried again. */
  readonly #slowUntilMs = new Map<string, number>()
  /** Claims whose volume can't grow while it is in use. */
  readonly #refusedInUse = new Set<string>()

  constructor(sidecar: Sidecar, events: ReturnType<typeof inClusterEvents>, caches: { claims: ObjectCache<PersistentVolumeClaim>; volumes: ObjectCache<PersistentVolume> }) {
    this.#sidecar = sidecar
    this.#events = events
    this.#caches = caches
  }

  /** A claim is gone. */
  forget(key: string): void {
    this.#failed.delete(key)
    this.#slowUntilMs.delete(key)
    this.#refusedInUse.delete(key)
  }

  /** Does what a claim still wants. Resolves with the milliseconds after which it is to be called again, if so. @throws Error when it didn't work and is to be tried again. k8s: expandAndRecover */
  async expand(key: string, claim: PersistentVolumeClaim, volume: PersistentVolume): Promise<number | undefined> {
    const { proc, driver } = this.#sidecar
    if (volume.metadata.annotations?.[PRE_RESIZE] !== undefined && compareQuantities(sizeOf(claim), volume.spec.capacity?.storage ?? '0') >= 0)
      await this.#patchVolume(volume, { metadata: { annotations: { [PRE_RESIZE]: null } } })
    if (claim.status?.phase !== 'Bound' || compareQuantities(requested(claim), sizeOf(claim)) <= 0) return undefined
    const nowMs = proc.clock.nowMs()
    const allocated = claim.status.allocatedResources?.storage
    if ((this.#slowUntilMs.get(key) ?? Infinity) <= nowMs) this.#slowUntilMs.delete(key)
    const slowUntilMs = this.#slowUntilMs.get(key)
    if (resizeStatusOf(claim) === 'ControllerResizeInfeasible' && slowUntilMs === undefined) this.#slowUntilMs.set(key, nowMs + SLOW_RETRY_MS)
    const size = this.#sizeToHave(key, claim, volume)
    if (size === undefined) return undefined
    const isSame = allocated !== undefined && compareQuantities(allocated, size) === 0
    if (isSame && slowUntilMs !== undefined) return slowUntilMs - nowMs
    const current = await this.#setStatus(claim, { allocated: size, ...(isSame ? {} : { resizeStatus: 'ControllerResizeInProgress' }), conditions: [{ type: 'Resizing', status: 'True' }], keepsOthers: isSame, isNodeDone: false })
    if (this.#refusedInUse.has(key) && await this.#isInUse(claim)) {
      const message = `Unable to expand ${key} because CSI driver ${driver.name} only supports offline expansion and volume is currently in-use`
      this.#events.event(current, 'Warning', 'VolumeResizeFailed', message)
      throw new Error(message)
    }
    this.#events.event(current, 'Normal', 'Resizing', `External resizer is resizing volume ${volume.metadata.name}`)
    this.#refusedInUse.delete(key)
    try {
      await this.#grow(key, current, volume, size)
    } catch (error) {
      this.#events.event(current, 'Warning', 'VolumeResizeFailed', (error as Error).message)
      throw error
    }
    return undefined
  }

  /** The size that the volume is to have next; undefined where that is left to its node. */
  #sizeToHave(key: string, claim: PersistentVolumeClaim, volume: PersistentVolume): string | undefined {
    const wanted = requested(claim)
    const allocated = claim.status?.allocatedResources?.storage
    const has = volume.spec.capacity?.storage ?? '0'
    const status = resizeStatusOf(claim)
    if (compareQuantities(has, wanted) < 0) {
      // What was begun before is brought to an end first.
      if (status === 'NodeResizeInfeasible') return allocated ?? wanted
      if (status === 'NodeResizePending' || status === 'NodeResizeInProgress') {
        const size = allocated ?? wanted
        return compareQuantities(has, size) >= 0 ? undefined : size
      }
      return status === 'ControllerResizeInProgress' && !this.#failed.has(key) ? allocated ?? wanted : wanted
    }
    if (status === 'NodeResizePending' || status === 'NodeResizeInProgress') return undefined
    // Where only nodes make volumes grow, what was asked for before can still be taken back.
    if (status === 'NodeResizeInfeasible') return this.#growsHere ? allocated ?? wanted : wanted
    if (allocated !== undefined) return allocated
    return status === '' && claim.status?.conditions?.some((each) => each.type === 'FileSystemResizePending' && each.status === 'True') ? undefined : wanted
  }

  get #growsHere(): boolean {
    return this.#sidecar.driver.controllerCapabilities.has('EXPAND_VOLUME')
  }

  /** k8s: callResizeOnPlugin */
  async #grow(key: string, claim: PersistentVolumeClaim, volume: PersistentVolume, size: string): Promise<void> {
    let grown = { size, onNode: true }
    try {
      if (this.#growsHere) grown = await this.#ask(volume, size)
    } catch (error) {
      await this.#failedWith(key, claim, error)
      throw new Error(`resize volume ${JSON.stringify(volume.metadata.name)} by resizer ${JSON.stringify(this.#sidecar.driver.name)} failed: ${(error as Error).message}`)
    }
    this.#failed.delete(key)
    this.#slowUntilMs.delete(key)
    await this.#patchVolume(volume, {
      spec: { capacity: { storage: grown.size } }, ...(grown.onNode && volume.metadata.annotations?.[PRE_RESIZE] === undefined ? { metadata: { annotations: { [PRE_RESIZE]: sizeOf(claim) } } } : {}),
    })
    if (grown.onNode) {
      await this.#setStatus(claim, { resizeStatus: 'NodeResizePending', conditions: [{ type: 'FileSystemResizePending', status: 'True', message: 'Waiting for user to (re-)start a pod to finish file system resize of volume on node.' }], keepsOthers: true, isNodeDone: false })
      this.#events.event(claim, 'Normal', 'FileSystemResizeRequired', 'Require file system resize of volume on node')
      return
    }
    await this.#setStatus(claim, { capacity: grown.size, resizeStatus: null, conditions: [], keepsOthers: false, isNodeDone: true })
    this.#events.event(claim, 'Normal', 'VolumeResizeSuccessful', 'Resize volume succeeded')
  }

  /** @throws GrpcError, Error */
  async #ask({ spec }: PersistentVolume, size: string): Promise<{ size: string; onNode: boolean }> {
    const { client, driver } = this.#sidecar
    const csi = spec.csi!
    const { capacityBytes, nodeExpansionRequired } = await driver.call('Controller/ControllerExpandVolume', {
      volumeId: csi.volumeHandle, capacityRange: { requiredBytes: quantityValue(size) }, secrets: await secretData(client, csi.controllerExpandSecretRef),
      volumeCapability: spec.volumeMode === 'Block' ? { block: {} } : { mount: { fsType: csi.fsType ?? '', mountFlags: spec.mountOptions ?? [] } },
    }) as { capacityBytes: number; nodeExpansionRequired: boolean }
    return { size: bytesQuantity(capacityBytes), onNode: nodeExpansionRequired }
  }

  async #failedWith(key: string, claim: PersistentVolumeClaim, error: unknown): Promise<void> {
    const code = error instanceof GrpcError ? error.code : undefined
    if (code === 'FailedPrecondition' && this.#sidecar.flags.get('handle-volume-inuse-error') !== 'false') this.#refusedInUse.add(key)
    const isInfeasible = code !== undefined && INFEASIBLE.includes(code)
    if (!isInfeasible) this.#slowUntilMs.delete(key)
    if (code === undefined || NOT_FINAL.includes(code)) {
      this.#failed.delete(key)
      return
    }
    this.#failed.add(key)
    await this.#setStatus(claim, {
      ...(isInfeasible ? { resizeStatus: 'ControllerResizeInfeasible' } : {}), conditions: [{ type: 'ControllerResizeError', status: 'True', message: `failed to expand pvc with ${(error as Error).message}` }], keepsOthers: true, isChecked: false,
    })
  }

  /** Whether a pod that hasn't ended has the claim. k8s: external-resizer pkg/controller inuse_pvc_store.go */
  async #isInUse({ metadata: { namespace, name } }: PersistentVolumeClaim): Promise<boolean> {
    const pods = (await apiCall<{ items: Pod[] }>(this.#sidecar.client, 'GET', `/api/v1/namespaces/${namespace}/pods`)).items
    return pods.some(({ spec, status }) => status?.phase !== 'Succeeded' && status?.phase !== 'Failed' && (spec.volumes ?? []).some((volume) => volume.persistentVolumeClaim?.claimName === name))
  }

  async #patchVolume(volume: PersistentVolume, patch: object): Promise<void> {
    this.#caches.volumes.put(await apiCall<PersistentVolume>(this.#sidecar.client, 'PATCH', `${VOLUMES}/${volume.metadata.name}`, patch))
  }

  /** The sidecar may only patch. k8s: external-resizer pkg/controller resize_status.go */
  async #setStatus(claim: PersistentVolumeClaim, { allocated, resizeStatus, capacity, conditions, keepsOthers, isNodeDone, isChecked = true }: StatusChange): Promise<PersistentVolumeClaim> {
    const { client, proc } = this.#sidecar
    const lastTransitionTime = rfc3339(proc.clock.nowMs())
    const annotation = isNodeDone === true ? { [NOT_REQUIRED]: 'true' } : isNodeDone === false && claim.metadata.annotations?.[NOT_REQUIRED] !== undefined ? { [NOT_REQUIRED]: null } : undefined
    const kept = (claim.status?.conditions ?? []).filter(({ type }) => !OF_RESIZING.includes(type) || (keepsOthers && conditions.every((each) => each.type !== type)))
    const now = await apiCall<PersistentVolumeClaim>(client, 'PATCH', `${objectPath(CLAIMS, claim)}/status`, {
      metadata: { ...(isChecked ? { resourceVersion: claim.metadata.resourceVersion } : {}), ...(annotation ? { annotations: annotation } : {}) },
      status: {
        ...(allocated === undefined ? {} : { allocatedResources: { storage: allocated } }), ...(resizeStatus === undefined ? {} : { allocatedResourceStatuses: { storage: resizeStatus } }), ...(capacity === undefined ? {} : { capacity: { storage: capacity } }),
        conditions: [{ $patch: 'replace' }, ...kept, ...conditions.map((condition) => ({ ...condition, lastTransitionTime }))],
      },
    })
    // What is done next begins with what is there now, also before the watch tells.
    this.#caches.claims.put(now)
    return now
  }
}
