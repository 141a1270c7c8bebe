import { rfc3339Micro } from '../../base/clock.ts'
import type { Clock } from '../../base/clock.ts'
import type { Lease } from '../kinds/generated/types.ts'
import { isStatusError } from '../kinds/status-error.ts'

/** How often who failed to get the lock waits longer at most, as a share of the usual time. k8s: client-go/tools/leaderelection JitterFactor */
export const LEASE_JITTER = 1.2

/** How a lock's Lease is read and written: in process, or over the cluster's network. */
export interface LeaseStore {
  /** @throws StatusError NotFound while there is none */
  get(): Promise<Lease>
  create(lease: Lease): Promise<Lease>
  update(lease: Lease): Promise<Lease>
}

export interface LeaseLockOptions {
  store: LeaseStore
  clock: Clock
  name: string
  namespace: string
  /** Who this is. */
  identity: string
  /** How long others wait for a holder that says nothing. */
  leaseDurationMs: number
}

/** A Lease that one of several instances holds, by whom it was last seen to be renewed. k8s: client-go/tools/leaderelection tryAcquireOrRenew */
export class LeaseLock {
  readonly #options: LeaseLockOptions
  #observed: { lease: Lease; atMs: number } | undefined

  constructor(options: LeaseLockOptions) {
    this.#options = options
  }

  /** The Lease as it was last seen. */
  get lease(): Lease | undefined {
    return this.#observed?.lease
  }

  /** Takes the lock if nobody has it, or renews it. Resolves with whether it is held. @throws what the store throws */
  async tryToHold(): Promise<boolean> {
    const { store, clock, name, namespace, identity, leaseDurationMs } = this.#options
    const now = rfc3339Micro(clock.nowMs())
    const mine = { holderIdentity: identity, leaseDurationSeconds: leaseDurationMs / 1000, renewTime: now }
    let lease: Lease
    try {
      lease = await store.get()
    } catch (error) {
      if (!isStatusError(error, 'NotFound')) throw error
      this.#observe(await store.create({ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name, namespace }, spec: { ...mine, acquireTime: now, leaseTransitions: 0 } }))
      return true
    }
    const seenMs = this.#observe(lease)
    const { holderIdentity = '', leaseDurationSeconds = leaseDurationMs / 1000, leaseTransitions = 0, acquireTime } = lease.spec ?? {}
    const isMine = holderIdentity === identity
    // Its own clock decides, for the holder's may be wrong.
    if (holderIdentity !== '' && !isMine && seenMs + leaseDurationSeconds * 1000 > clock.nowMs()) return false
    this.#observe(await store.update({ ...lease, spec: { ...lease.spec, ...mine, acquireTime: isMine ? acquireTime ?? now : now, leaseTransitions: isMine ? leaseTransitions : leaseTransitions + 1 } }))
    return true
  }

  /** Returns when the Lease was first seen to be as it is, in milliseconds. */
  #observe(lease: Lease): number {
    if (lease.metadata.resourceVersion !== this.#observed?.lease.metadata.resourceVersion) this.#observed = { lease, atMs: this.#options.clock.nowMs() }
    return this.#observed!.atMs
  }
}
