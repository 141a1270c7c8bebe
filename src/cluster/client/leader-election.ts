import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import type { Random } from '../../base/random.ts'
import type { Lease } from '../kinds/generated/types.ts'
import type { Api } from './api.ts'
import type { EventRecorder } from './event-recorder.ts'
import { LEASE_JITTER, LeaseLock } from './lease-lock.ts'

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
const LEASE_MS = 15_000
const RENEW_DEADLINE_MS = 10_000
const RETRY_MS = 2_000

/** Takes part in the election of the one instance that acts, by a Lease, until the signal. k8s: client-go/tools/leaderelection */
export async function runLeaderElection(options: LeaderElectionOptions, signal: AbortSignal): Promise<void> {
  const { api, clock, random, log, events, name, identity } = options
  const lock = `${NAMESPACE}/${name}`
  const lease = new LeaseLock({
    clock, name, namespace: NAMESPACE, identity, leaseDurationMs: LEASE_MS,
    store: { get: () => api.get<Lease>(LEASES, name, NAMESPACE), create: (made) => api.create<Lease>(LEASES, made), update: (changed) => api.update<Lease>(LEASES, changed) },
  })
  const holds = async (): Promise<boolean> => {
    try {
      return await lease.tryToHold()
    } catch (error) {
      if (!signal.aborted) log.error('Error retrieving lease lock', { err: (error as Error).message, lock })
      return false
    }
  }
  const pause = (ms: number) => clock.sleep(ms, signal).catch(() => {})

  log.info(`attempting to acquire leader lease ${lock}...`)
  while (!signal.aborted && !await holds()) await pause(RETRY_MS * (1 + random.float() * LEASE_JITTER))
  if (signal.aborted) return
  log.info('successfully acquired lease', { lock })
  if (lease.lease) events.event(lease.lease, 'Normal', 'LeaderElection', `${identity} became leader`)
  options.onStartedLeading()
  for (let renewedMs = clock.nowMs(); clock.nowMs() - renewedMs < RENEW_DEADLINE_MS;) {
    await pause(RETRY_MS)
    if (signal.aborted) return
    const late = clock.sleep(Math.max(0, renewedMs + RENEW_DEADLINE_MS - clock.nowMs()), signal).then(() => false, () => false)
    if (await Promise.race([holds(), late])) renewedMs = clock.nowMs()
  }
  if (signal.aborted) return
  log.error('Failed to renew lease', { lock, err: 'context deadline exceeded' })
  if (lease.lease) events.event(lease.lease, 'Normal', 'LeaderElection', `${identity} stopped leading`)
  options.onStoppedLeading()
}
