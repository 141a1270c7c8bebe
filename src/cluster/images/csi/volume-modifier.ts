import { rfc3339 } from '../../../base/clock.ts'
import { GrpcError } from '../../../unix/net/grpc.ts'
import type { PersistentVolume, PersistentVolumeClaim, PersistentVolumeClaimCondition, VolumeAttributesClass } from '../../kinds/generated/types.ts'
import { isStatusError } from '../../kinds/status-error.ts'
import { apiCall } from '../in-cluster/api-call.ts'
import type { inClusterEvents } from '../in-cluster/events.ts'
import { objectPath } from './cluster-cache.ts'
import type { Sidecar } from './sidecar.ts'

const CLAIMS = '/api/v1/persistentvolumeclaims'
/** How long what can't be done isn't tried again. k8s: external-resizer --retry-interval-max */
const SLOW_RETRY_MS = 300_000
/** Codes after which a driver may still be at it. k8s: external-resizer pkg/util IsFinalError */
const NOT_FINAL: readonly string[] = ['Canceled', 'DeadlineExceeded', 'Unavailable', 'ResourceExhausted', 'Aborted']
const MODIFYING = 'ModifyingVolume'
const MODIFY_ERROR = 'ModifyVolumeError'

type Condition = Omit<PersistentVolumeClaimCondition, 'lastTransitionTime'>

/** Changes volumes to the VolumeAttributesClass that their claims name, by the driver of the pod. k8s: external-resizer pkg/modifycontroller */
export class VolumeModifier {
  readonly #sidecar: Pick<Sidecar, 'proc' | 'client' | 'driver' | 'flags'>
  readonly #events: ReturnType<typeof inClusterEvents>
  /** Claims whose driver may still be at the last change: that has to be ended before another one begins. */
  readonly #uncertain = new Set<string>()
  /** Claims whose change the driver can't do, and until when that isn't tried again. */
  readonly #slowUntilMs = new Map<string, number>()
  /** Claims that were looked at before: a change in progress that this process hasn't begun is uncertain. */
  readonly #known = new Set<string>()

  constructor(sidecar: Pick<Sidecar, 'proc' | 'client' | 'driver' | 'flags'>, events: ReturnType<typeof inClusterEvents>) {
    this.#sidecar = sidecar
    this.#events = events
  }

  /**
   * Does what a claim still wants. Resolves with the milliseconds after which it is to be called again, if so.
   * @throws Error when it didn't work and is to be tried again
   */
  async modify(key: string, claim: PersistentVolumeClaim, volume: PersistentVolume): Promise<number | undefined> {
    const wanted = claim.spec?.volumeAttributesClassName ?? ''
    const status = claim.status?.modifyVolumeStatus
    if (!this.#known.has(key) && status?.status === 'InProgress') this.#uncertain.add(key)
    this.#known.add(key)
    const nowMs = this.#sidecar.proc.clock.nowMs()
    // Another class may well be possible.
    if (status?.targetVolumeAttributesClassName !== wanted) this.#slowUntilMs.delete(key)
    const slowUntilMs = this.#slowUntilMs.get(key) ?? 0
    if (slowUntilMs > nowMs) return slowUntilMs - nowMs
    if (!status && wanted === (claim.status?.currentVolumeAttributesClassName ?? '')) return undefined
    const inProgress = status?.status === 'InProgress'
    if (wanted === '' && !inProgress) {
      if (claim.status?.conditions?.some(({ type }) => type === MODIFYING)) {
        this.#events.event(claim, 'Normal', 'VolumeModifyCancelled', 'Cancelled modify.')
        await this.#setStatus(claim, {}, claim.status.conditions.filter(({ type }) => type !== MODIFYING))
      }
      return undefined
    }
    if (wanted === '' || (inProgress && this.#uncertain.has(key))) {
      const target = status!.targetVolumeAttributesClassName ?? ''
      return this.#callDriver(key, claim, volume, await this.#attributes(claim, target))
    }
    let attributes: VolumeAttributesClass
    try {
      attributes = await this.#attributes(claim, wanted)
    } catch (error) {
      await this.#setStatus(claim, { modifyVolumeStatus: { ...status, status: 'Pending' } }, undefined, { asSeen: true })
      throw error
    }
    const begun = await this.#setStatus(claim, { modifyVolumeStatus: { targetVolumeAttributesClassName: wanted, status: 'InProgress' } }, this.#merged(claim, [{ type: MODIFYING, status: 'True', message: `Modifying volume to ${JSON.stringify(wanted)} is in progress.` }]), { asSeen: true })
    this.#events.event(claim, 'Normal', 'VolumeModify', `external resizer is modifying volume ${claim.metadata.name} with vac ${wanted}`)
    return this.#callDriver(key, begun, volume, attributes)
  }

  /** A claim is gone: one that gets its name later is another. */
  forget(key: string): void {
    this.#uncertain.delete(key)
    this.#slowUntilMs.delete(key)
    this.#known.delete(key)
  }

  /** k8s: controllerModifyVolumeWithTarget, callModifyVolumeOnPlugin */
  async #callDriver(key: string, claim: PersistentVolumeClaim, volume: PersistentVolume, { metadata: { name }, parameters }: VolumeAttributesClass): Promise<number | undefined> {
    const { client, driver, flags, proc } = this.#sidecar
    const { metadata } = claim
    const about = flags.get('extra-modify-metadata') === 'true' ? { 'csi.storage.k8s.io/pvc/name': metadata.name!, 'csi.storage.k8s.io/pvc/namespace': metadata.namespace!, 'csi.storage.k8s.io/pv/name': volume.metadata.name! } : {}
    try {
      await driver.call('Controller/ControllerModifyVolume', { volumeId: volume.spec!.csi!.volumeHandle, secrets: {}, mutableParameters: { ...parameters, ...about } })
    } catch (error) {
      if (!(error instanceof GrpcError)) throw error
      const isFinal = !NOT_FINAL.includes(error.code)
      const isInfeasible = error.code === 'InvalidArgument'
      if (isFinal) this.#uncertain.delete(key)
      else this.#uncertain.add(key)
      const message = isFinal ? `Modifying volume to ${JSON.stringify(name)} failed. Waiting for retry.` : `Modifying volume to ${JSON.stringify(name)} is still in progress.`
      await this.#setStatus(claim, { modifyVolumeStatus: { ...claim.status?.modifyVolumeStatus, status: isInfeasible ? 'Infeasible' : 'InProgress' } },
        this.#merged(claim, [{ type: MODIFYING, status: 'True', message }, { type: MODIFY_ERROR, status: 'True', reason: error.code, message: error.description }]), { asSeen: true })
      this.#events.event(claim, 'Warning', 'VolumeModifyFailed', isFinal ? error.message : `${error.message}. Still modifying to VAC ${name}`)
      if (!isInfeasible) throw error
      this.#slowUntilMs.set(key, proc.clock.nowMs() + SLOW_RETRY_MS)
      return SLOW_RETRY_MS
    }
    this.#uncertain.delete(key)
    // The volume first, so that it never says less than its claim.
    await apiCall(client, 'PATCH', `/api/v1/persistentvolumes/${volume.metadata.name}`, { spec: { volumeAttributesClassName: name } })
    await this.#setStatus(claim, { modifyVolumeStatus: null, currentVolumeAttributesClassName: name }, (claim.status?.conditions ?? []).filter(({ type }) => type !== MODIFYING && type !== MODIFY_ERROR))
    this.#events.event(claim, 'Normal', 'VolumeModifySuccessful', `external resizer modified volume ${metadata.name} with vac ${name} successfully`)
    return undefined
  }

  /** @throws StatusError, of which an event has told when there is no such class */
  async #attributes(claim: PersistentVolumeClaim, name: string): Promise<VolumeAttributesClass> {
    try {
      return await apiCall<VolumeAttributesClass>(this.#sidecar.client, 'GET', `/apis/storage.k8s.io/v1/volumeattributesclasses/${name}`)
    } catch (error) {
      if (isStatusError(error, 'NotFound')) this.#events.event(claim, 'Warning', 'VolumeModifyFailed', `VAC ${JSON.stringify(name)} does not exist.`)
      throw error
    }
  }

  /** A claim's conditions with some of them anew; one whose status and reason stay keeps its time. k8s: external-resizer pkg/util MergePVCConditions */
  #merged(claim: PersistentVolumeClaim, changed: readonly Condition[]): PersistentVolumeClaimCondition[] {
    const now = rfc3339(this.#sidecar.proc.clock.nowMs())
    const old = claim.status?.conditions ?? []
    const anew = changed.map((condition) => {
      const before = old.find(({ type }) => type === condition.type)
      return { ...condition, lastProbeTime: now, lastTransitionTime: before?.status === condition.status && before.reason === condition.reason ? before.lastTransitionTime ?? now : now } as PersistentVolumeClaimCondition
    })
    const kept = old.map((condition) => anew.find(({ type }) => type === condition.type) ?? condition)
    return [...kept, ...anew.filter((condition) => !kept.includes(condition))]
  }

  /** The sidecar may only patch. @throws StatusError Conflict where `asSeen` and the claim has changed */
  #setStatus(claim: PersistentVolumeClaim, status: object, conditions?: readonly PersistentVolumeClaimCondition[], { asSeen }: { asSeen?: boolean } = {}): Promise<PersistentVolumeClaim> {
    return apiCall<PersistentVolumeClaim>(this.#sidecar.client, 'PATCH', `${objectPath(CLAIMS, claim)}/status`, { ...(asSeen ? { metadata: { resourceVersion: claim.metadata.resourceVersion } } : {}), status: { ...status, ...(conditions ? { conditions: [{ $patch: 'replace' }, ...conditions] } : {}) } })
  }
}
