import type { Proc } from '../../../unix/types.ts'
import { isStatusError } from '../../kinds/status-error.ts'
import { apiCall } from './api-call.ts'
import type { ClusterClient } from './cluster-client.ts'
import { klog } from './klog.ts'

interface LeaseSpec {
  holderIdentity?: string
  leaseDurationSeconds?: number
  acquireTime?: string
  renewTime?: string
  leaseTransitions?: number
}

interface Lease {
  metadata: { name: string; namespace: string; resourceVersion?: string }
  spec: LeaseSpec
}

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

const JITTER = 1.2

/** Takes part in the election of the one instance that acts, by a Lease. Runs until the process ends. k8s: client-go/tools/leaderelection */
export async function runLeaderElection(options: LeaderElectionOptions): Promise<never> {
  const { proc, client, namespace, name, identity, leaseDurationMs } = options
  const folder = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`
  const retryMs = leaseDurationMs / 4
  let observed: { version: string | undefined; atMs: number } = { version: undefined, atMs: 0 }
  let reported = ''
  const now = () => `${new Date(proc.clock.nowMs()).toISOString().slice(0, -1)}000Z`
  const report = (holder: string) => { if (holder !== '' && holder !== reported) { reported = holder; options.onNewLeader(holder) } }

  const tryToHold = async (): Promise<boolean> => {
    const mine = { holderIdentity: identity, leaseDurationSeconds: leaseDurationMs / 1000, renewTime: now() }
    let lease: Lease
    try {
      lease = await apiCall<Lease>(client, 'GET', `${folder}/${name}`)
    } catch (error) {
      if (!isStatusError(error, 'NotFound')) throw error
      await apiCall(client, 'POST', folder, { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name, namespace }, spec: { ...mine, acquireTime: mine.renewTime, leaseTransitions: 0 } })
      report(identity)
      return true
    }
    if (lease.metadata.resourceVersion !== observed.version) observed = { version: lease.metadata.resourceVersion, atMs: proc.clock.nowMs() }
    const { holderIdentity = '', leaseDurationSeconds = 0, leaseTransitions = 0, acquireTime } = lease.spec
    report(holderIdentity)
    const isMine = holderIdentity === identity
    if (holderIdentity !== '' && !isMine && observed.atMs + leaseDurationSeconds * 1000 > proc.clock.nowMs()) return false
    const spec = { ...mine, acquireTime: isMine ? acquireTime : mine.renewTime, leaseTransitions: isMine ? leaseTransitions : leaseTransitions + 1 }
    const written = await apiCall<Lease>(client, 'PUT', `${folder}/${name}`, { ...lease, spec })
    observed = { version: written.metadata.resourceVersion, atMs: proc.clock.nowMs() }
    report(identity)
    return true
  }
  const holds = async () => {
    try {
      return await tryToHold()
    } catch (error) {
      if (proc.killed.aborted) throw error
      klog(proc, 'E', 'leaderelection.go:448', `"Error retrieving lease lock" err=${JSON.stringify((error as Error).message)} lock="${namespace}/${name}"`)
      return false
    }
  }

  for (;;) {
    klog(proc, 'I', 'leaderelection.go:257', `attempting to acquire leader lease ${namespace}/${name}...`)
    while (!await holds()) await proc.sleep(retryMs * (1 + proc.random.float() * JITTER))
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
