import type { Clock } from '../../base/clock.ts'
import type { Etcd } from '../etcd/etcd.ts'

/** Objects that one lease may hold, and how long new ones join it at most, in seconds and as a part of their time. */
const MAX_OBJECTS = 1_000
const REUSE_SECONDS = 60
const REUSE_PART = 0.05

/** Leases for objects that live for some time only: those that come within a minute share one. k8s: apiserver/pkg/storage/etcd3/lease_manager.go */
export class ObjectLeases {
  readonly #etcd: Etcd
  readonly #clock: Pick<Clock, 'nowMs'>
  /** What events live for, where it isn't what their kind says. k8s: kube-apiserver --event-ttl */
  ttlSeconds: number | undefined
  #last = { id: 0, expiresMs: 0, objects: 0 }

  constructor(etcd: Etcd, clock: Pick<Clock, 'nowMs'>) {
    this.#etcd = etcd
    this.#clock = clock
  }

  /** The lease for one more object that is to live for so long, or a little longer. */
  leaseFor(byDefaultSeconds: number): number {
    const ttlSeconds = this.ttlSeconds ?? byDefaultSeconds
    const nowMs = this.#clock.nowMs()
    const reuseSeconds = Math.min(REUSE_SECONDS, Math.floor(ttlSeconds * REUSE_PART))
    const endMs = nowMs + ttlSeconds * 1000
    const last = this.#last
    if (endMs < last.expiresMs && endMs + reuseSeconds * 1000 >= last.expiresMs && ++last.objects <= MAX_OBJECTS) return last.id
    const id = this.#etcd.grantLease(ttlSeconds + reuseSeconds)
    this.#last = { id, expiresMs: endMs + reuseSeconds * 1000, objects: 1 }
    return id
  }
}
