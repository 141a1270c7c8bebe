import { rfc3339Micro } from '../../base/clock.ts'
import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import type { Random } from '../../base/random.ts'
import type { Lease } from '../kinds/generated/types.ts'
import { isStatusError } from '../kinds/status-error.ts'
import type { Api } from './api.ts'
import type { EventRecorder } from './event-recorder.ts'

export interface LeaderElectionOptions {
  api: Api
  clock: Clock
  random: Random
  log: Log
  events: EventRecorder
  /** Of the Lease, in kube-system. */
  name: string
  /** Who this is. */
  identity: string
  onStartedLeading(): void
  /** It couldn't renew its Lease in time: its process ends now. */
  onStoppedLeading(): void
}

const LEASES = 'leases.coordination.k8s.io'
const NAMESPACE = 'kube-system'
/** k8s: component-base/config/v1alpha1 RecommendedDefaultLeaderElectionConfiguration */
const LEASE_SECONDS = 15
const RENEW_DEADLINE_MS = 10_000
const RETRY_MS = 2_000
const JITTER = 1.2

/** Takes part in the election of the one instance that acts, by a Lease, until the signal. k8s: client-go/tools/leaderelection */
export async function runLeaderElection(options: LeaderElectionOptions, signal: AbortSignal): Promise<void> {
  const { api, clock, random, log, events, name, identity } = options
  const lock = `${NAMESPACE}/${name}`
  /** The Lease as it was last seen to change, and when. */
  let observed: { lease: Lease | undefined; atMs: number } = { lease: undefined, atMs: 0 }
  const observe = (lease: Lease) => { if (lease.metadata.resourceVersion !== observed.lease?.metadata.resourceVersion) observed = { lease, atMs: clock.nowMs() } }

  const tryToHold = async (): Promise<boolean> => {
    const now = rfc3339Micro(clock.nowMs())
    const mine = { holderIdentity: identity, leaseDurationSeconds: LEASE_SECONDS, renewTime: now }
    let lease: Lease
    try {
      lease = await api.get<Lease>(LEASES, name, NAMESPACE)
    } catch (error) {
      if (!isStatusError(error, 'NotFound')) throw error
      observe(await api.create<Lease>(LEASES, { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name, namespace: NAMESPACE }, spec: { ...mine, acquireTime: now, leaseTransitions: 0 } }))
      return true
    }
    observe(lease)
    const { holderIdentity = '', leaseDurationSeconds = LEASE_SECONDS, leaseTransitions = 0, acquireTime } = lease.spec ?? {}
    const isMine = holderIdentity === identity
    if (holderIdentity !== '' && !isMine && observed.atMs + leaseDurationSeconds * 1000 > clock.nowMs()) return false
    observe(await api.update<Lease>(LEASES, { ...lease, spec: { ...lease.spec, ...mine, acquireTime: isMine ? acquireTime ?? now : now, leaseTransitions: isMine ? leaseTransitions : leaseTransitions + 1 } }))
    return true
  }
  const holds = async (): Promise<boolean> => {
    try {
      return await tryToHold()
    } catch (error) {
      if (!signal.aborted) log.error('Error retrieving lease lock', { err: (error as Error).message, lock })
      return false
    }
  }
  const pause = (ms: number) => clock.sleep(ms, signal).catch(() => {})

  log.info(`attempting to acquire leader lease ${lock}...`)
  while (!signal.aborted && !await holds()) await pause(RETRY_MS * (1 + random.float() * JITTER))
  if (signal.aborted) return
  log.info('successfully acquired lease', { lock })
  if (observed.lease) events.event(observed.lease, 'Normal', 'LeaderElection', `${identity} became leader`)
  options.onStartedLeading()
  for (let renewedMs = clock.nowMs(); clock.nowMs() - renewedMs < RENEW_DEADLINE_MS;) {
    await pause(RETRY_MS)
    if (signal.aborted) return
    const late = clock.sleep(Math.max(0, renewedMs + RENEW_DEADLINE_MS - clock.nowMs()), signal).then(() => false, () => false)
    if (await Promise.race([holds(), late])) renewedMs = clock.nowMs()
  }
  if (signal.aborted) return
  log.error('Failed to renew lease', { lock, err: 'context deadline exceeded' })
  if (observed.lease) events.event(observed.lease, 'Normal', 'LeaderElection', `${identity} stopped leading`)
  options.onStoppedLeading()
}
