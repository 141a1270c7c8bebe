import type { Proc } from '../../../unix/types.ts'
import { LEASE_JITTER, LeaseLock } from '../../client/lease-lock.ts'
import type { Lease } from '../../kinds/generated/types.ts'
import { apiCall } from './api-call.ts'
import type { ClusterClient } from './cluster-client.ts'
import { klog } from './klog.ts'

export interface LeaderElectionOptions {
  proc: Proc
  client: ClusterClient
  namespace: string
  /** Of the Lease. */
  name: string
  /** Who this is: the pod's name. */
  identity: string
  /** How long others wait for a leader that says nothing. It tries for half of that to renew, every quarter of it. */
  leaseDurationMs: number
  onStartedLeading(): void
  onStoppedLeading(): void
  onNewLeader(identity: string): void
}

/** Takes part in the election of the one instance that acts, by a Lease. Runs until the process ends. k8s: client-go/tools/leaderelection */
export async function runLeaderElection(options: LeaderElectionOptions): Promise<never> {
  const { proc, client, namespace, name, identity, leaseDurationMs } = options
  const folder = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`
  const retryMs = leaseDurationMs / 4
  let reported = ''
  const lease = new LeaseLock({
    clock: proc.clock, name, namespace, identity, leaseDurationMs,
    store: { get: () => apiCall<Lease>(client, 'GET', `${folder}/${name}`), create: (made) => apiCall<Lease>(client, 'POST', folder, made), update: (changed) => apiCall<Lease>(client, 'PUT', `${folder}/${name}`, changed) },
  })
  const report = () => {
    const holder = lease.lease?.spec?.holderIdentity ?? ''
    if (holder === '' || holder === reported) return
    reported = holder
    options.onNewLeader(holder)
  }
  const holds = async () => {
    try {
      const isHeld = await lease.tryToHold()
      report()
      return isHeld
    } catch (error) {
      if (proc.killed.aborted) throw error
      klog(proc, 'E', 'leaderelection.go:448', `"Error retrieving lease lock" err=${JSON.stringify((error as Error).message)} lock="${namespace}/${name}"`)
      return false
    }
  }

  for (;;) {
    klog(proc, 'I', 'leaderelection.go:257', `attempting to acquire leader lease ${namespace}/${name}...`)
    while (!await holds()) await proc.sleep(retryMs * (1 + proc.random.float() * LEASE_JITTER))
    klog(proc, 'I', 'leaderelection.go:271', `successfully acquired lease ${namespace}/${name}`)
    options.onStartedLeading()
    for (let renewedMs = proc.clock.nowMs(); proc.clock.nowMs() - renewedMs < leaseDurationMs / 2;) {
      await proc.sleep(retryMs)
      if (await holds()) renewedMs = proc.clock.nowMs()
    }
    klog(proc, 'E', 'leaderelection.go:302', `failed to renew lease ${namespace}/${name}: context deadline exceeded`)
    options.onStoppedLeading()
  }
}
