import type { PersistentVolume, PersistentVolumeClaim, PersistentVolumeClaimCondition, Pod } from '../kinds/generated/types.ts'
import { compareQuantities } from '../kinds/quantity.ts'
import type { MountedVolume, VolumeContext } from './volume.ts'
import { UncertainMountError } from './volume.ts'

/** Retries of what failed: doubling from half a second to about two minutes. k8s: pkg/util/goroutinemap/exponentialbackoff */
const FIRST_RETRY_MS = 500
const MAX_RETRY_MS = 122_000
/** How often is looked whether a claim may be expanded (again). The real kubelet looks every 100 ms, which nobody can see. */
const LOOK_MS = 1_000
/** Set by the resizer where drivers have nothing to do on nodes. k8s: pkg/volume/util/types NodeExpansionNotRequired */
const NOT_REQUIRED = 'volume.kubernetes.io/node-expansion-not-required'

/** How the growing of a volume on its node failed. k8s: pkg/volume/util/types */
export class ExpansionError extends Error {
  /**
   * `infeasible`: it never will work with this size; `inUse`: not as long as the volume is in use, which keeps nobody from using it; `unsupported`: the driver has nothing to
   * do here; `transient`: it wasn't tried; otherwise it failed for this time.
   */
  readonly kind: 'infeasible' | 'inUse' | 'unsupported' | 'transient' | 'failed'
  constructor(kind: ExpansionError['kind'], message: string) {
    super(message)
    this.kind = kind
  }
}

/** What of a claim's status changes; what is null goes, `conditions` are added to those of the same process unless they replace them. */
export interface ClaimStatusChange {
  capacity?: string
  resizeStatus?: string | null
  condition?: Omit<PersistentVolumeClaimCondition, 'lastTransitionTime'>
  /** Takes all conditions of growing away. */
  isDone?: boolean
}

/** What a kubelet does for a volume that grows. */
export interface ExpansionReports {
  /** Names of volumes whose last attempt to grow on this node has failed for good. k8s: pkg/kubelet/volumemanager/cache CheckVolumeInFailedExpansionWithFinalErrors */
  readonly failed: Set<string>
  /** Changes a claim's status; where `isChecked`, only if it is as it was. */
  setStatus(claim: PersistentVolumeClaim, change: ClaimStatusChange, isChecked: boolean): Promise<PersistentVolumeClaim>
  /** Tells the pod, and the claim where it is given. */
  event(pod: Pod, claim: PersistentVolumeClaim | undefined, type: 'Normal' | 'Warning', reason: string, message: string): void
}

export interface NodeExpansionOptions {
  volume: PersistentVolume
  claim: PersistentVolumeClaim
  pod: Pod
  readOnly: boolean
  context: Pick<VolumeContext, 'clock' | 'objects' | 'nodeName' | 'expansion'>
  /** Aborts when the pod is gone. */
  signal: AbortSignal
  /** Has the volume grown to a size. @throws ExpansionError */
  expand(size: string): Promise<void>
}

const sizeOf = (claim: PersistentVolumeClaim) => claim.status?.capacity?.storage ?? '0'

/**
 * Grows a volume on its node to what its claim was allotted, and keeps the claim's status: when it is mounted, and when it has grown while it is
 * mounted. k8s: pkg/volume/util/operationexecutor (expandVolumeDuringMount, nodeExpandVolume, NodeExpander)
 */
export class NodeExpansion {
  readonly #options: NodeExpansionOptions
  /** The size that the volume has on this node as far as is known. */
  #size: string
  /** The size that it is to have. */
  #wanted: string
  #isInUse = false
  #isAtIt = false

  constructor(options: NodeExpansionOptions) {
    this.#options = options
    this.#size = sizeOf(options.claim)
    this.#wanted = options.volume.spec!.capacity?.storage ?? '0'
  }

  /** Before the pod gets the volume, which is taken down by `tearDown` should the pod give up. @throws UncertainMountError */
  async whileMounting(tearDown: () => Promise<void>): Promise<void> {
    const { volume, claim, context, readOnly } = this.#options
    if (compareQuantities(this.#size, this.#wanted) >= 0) return
    try {
      const current = await context.objects.claim(claim.metadata.namespace!, claim.metadata.name!)
      if (compareQuantities(sizeOf(current), this.#wanted) >= 0) return
      if (readOnly) return this.#tellReadOnly(current)
      const size = await this.#grow(current)
      if (size !== undefined) this.#size = size
    } catch (error) {
      throw new UncertainMountError(`MountVolume.Setup failed while expanding volume for volume ${JSON.stringify(volume.metadata.name)} : ${(error as Error).message}`, tearDown)
    }
  }

  /** Looks whether the volume has grown meanwhile, and follows it in the background. k8s: checkVolumeFSResize */
  readonly update = async (): Promise<void> => {
    const { volume, context, readOnly } = this.#options
    if (readOnly) return
    this.#wanted = (await context.objects.persistentVolume(volume.metadata.name!)).spec!.capacity?.storage ?? '0'
    if (!this.#isAtIt) void this.#follow()
  }

  async #follow(): Promise<void> {
    const { volume, claim, pod, context, signal } = this.#options
    this.#isAtIt = true
    try {
      for (let retryMs = FIRST_RETRY_MS; !signal.aborted && !this.#isInUse && compareQuantities(this.#size, this.#wanted) < 0;) {
        let waitMs = LOOK_MS
        try {
          const size = await this.#grow(await context.objects.claim(claim.metadata.namespace!, claim.metadata.name!))
          if (size !== undefined) this.#size = size
          if (compareQuantities(this.#size, this.#wanted) >= 0) return
        } catch (error) {
          context.expansion.event(pod, undefined, 'Warning', 'VolumeResizeFailed', `NodeExpandVolume.NodeExpandVolume failed for volume ${JSON.stringify(volume.metadata.name)} : ${(error as Error).message}`)
          waitMs = retryMs
          retryMs = Math.min(retryMs * 2, MAX_RETRY_MS)
        }
        await context.clock.sleep(waitMs, signal)
      }
    } catch { /* the pod is gone */ } finally {
      this.#isAtIt = false
    }
  }

  /** @returns the size that the volume has now; undefined while that is to stay as it is. @throws Error to try again later */
  async #grow(claim: PersistentVolumeClaim): Promise<string | undefined> {
    const { volume, pod, context: { nodeName, expansion }, expand } = this.#options
    const status = claim.status?.allocatedResourceStatuses?.storage ?? ''
    const allotted = claim.status?.allocatedResources?.storage
    const isOldResizer = status === '' && claim.status?.allocatedResources === undefined
    // Growing tells nothing of its steps where the resizer is one that doesn't either. k8s: checkForRecoveryFromExpansion
    const size = isOldResizer ? this.#wanted : allotted ?? '0'
    const isKnown = compareQuantities(sizeOf(claim), size) >= 0 && status === ''
    // Whoever asks for something else after a failure is to have it, by the resizer.
    const givesUp = expansion.failed.has(volume.metadata.name!) && compareQuantities(claim.spec?.resources?.requests?.storage ?? '0', size) !== 0
    const isShared = (claim.spec?.accessModes ?? []).includes('ReadWriteMany')
    const mayGrow = isOldResizer || (isKnown && isShared && claim.metadata.annotations?.[NOT_REQUIRED] === undefined) || status === 'NodeResizePending' || status === 'NodeResizeInProgress'
    if (!mayGrow) return isKnown ? size : undefined
    let current = claim
    if (!isKnown && !isOldResizer) current = await expansion.setStatus(claim, { resizeStatus: 'NodeResizeInProgress' }, true)
    try {
      await expand(size)
    } catch (error) {
      const kind = error instanceof ExpansionError ? error.kind : 'failed'
      if (kind === 'unsupported' && (isKnown || isOldResizer)) return size
      if (kind === 'inUse' && isOldResizer) {
        this.#isInUse = true
        return size
      }
      if (kind !== 'transient' && !isOldResizer) {
        expansion.failed.add(volume.metadata.name!)
        const condition = { type: 'NodeResizeError', status: 'True', message: `failed to expand pvc with ${(error as Error).message}` }
        await expansion.setStatus(current, kind === 'infeasible' || givesUp ? { resizeStatus: 'NodeResizeInfeasible', condition } : { condition }, false).catch(() => { /* said with the next attempt */ })
      }
      if (kind !== 'inUse') throw error
      this.#isInUse = true
      return undefined
    }
    expansion.failed.delete(volume.metadata.name!)
    expansion.event(pod, claim, 'Normal', 'FileSystemResizeSuccessful', `MountVolume.NodeExpandVolume succeeded for volume ${JSON.stringify(volume.metadata.name)} ${nodeName}`)
    if (!isKnown) await expansion.setStatus(current, { capacity: size, resizeStatus: null, isDone: true }, true)
    return size
  }

  #tellReadOnly(claim: PersistentVolumeClaim): void {
    const { volume, pod, context } = this.#options
    context.expansion.event(pod, claim, 'Warning', 'FileSystemResizeFailed', `MountVolume.NodeExpandVolume failed for volume ${JSON.stringify(volume.metadata.name)} requested read-only file system`)
  }
}

/** A volume that grows while it is mounted. */
export const growing = (mounted: MountedVolume, expansion: NodeExpansion): MountedVolume => ({
  ...mounted,
  async update(pod) {
    await mounted.update?.(pod)
    await expansion.update()
  },
})
