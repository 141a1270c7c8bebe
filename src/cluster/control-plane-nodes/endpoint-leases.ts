import type { Clock, Timer } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import { deepEqual } from '../../base/freeze.ts'
import type { Api } from '../client/api.ts'
import type { ComponentPart } from '../control-plane.ts'
import type { Etcd } from '../etcd/etcd.ts'
import { prefixEnd } from '../etcd/types.ts'
import type { KubeObject } from '../kinds/object.ts'
import { kubernetesEndpoints } from '../apiserver/bootstrap/cluster-objects.ts'

export interface EndpointLeasesOptions {
  etcd: Etcd
  /** With the API server's own rights. */
  api: Api
  clock: Clock
  log: Log
  /** Address of this API server. */
  ip: string
  port: number
  /** Whether etcd takes anything right now. */
  canWrite(): boolean
}

/** k8s: controlplane DefaultEndpointReconcilerTTL and Interval */
const TTL_SECONDS = 15
const INTERVAL_MS = 10_000
const PREFIX = '/registry/masterleases/'

/**
 * One API server of several: says by a key with a lease that it is there, and puts all that do so behind the Service `kubernetes`.
 * k8s: pkg/controlplane/reconcilers lease.go
 */
export function endpointLeases({ etcd, api, clock, log, ip, port, canWrite }: EndpointLeasesOptions): ComponentPart {
  const key = `${PREFIX}${ip}`
  let lease: number | undefined
  let timer: Timer | undefined
  let hasStopped = false

  const renew = () => {
    if (lease !== undefined && etcd.get(key)?.lease === lease) etcd.keepAliveLease(lease)
    else {
      lease = etcd.grantLease(TTL_SECONDS)
      etcd.put(key, { kind: 'Endpoints', apiVersion: 'v1', metadata: {}, subsets: [{ addresses: [{ ip }] }] }, { lease })
    }
  }
  const reconcile = async (): Promise<void> => {
    if (!canWrite()) return
    if (!hasStopped) renew()
    const addresses = etcd.range({ key: PREFIX, rangeEnd: prefixEnd(PREFIX) }).kvs.map((kv) => kv.key.slice(PREFIX.length))
    // The last one to leave takes nobody's address away.
    if (addresses.length === 0) return
    for (const wanted of kubernetesEndpoints(addresses, port)) {
      const resource = wanted.kind === 'Endpoints' ? 'endpoints' : 'endpointslices.discovery.k8s.io'
      const current = await api.get<KubeObject>(resource, 'kubernetes', 'default')
      const next = { ...current, ...wanted, metadata: { ...current.metadata, labels: { ...current.metadata.labels, ...wanted.metadata.labels } } }
      if (!deepEqual(next, current)) await api.update(resource, next, { fieldManager: 'kube-apiserver' })
    }
  }
  const run = () => {
    reconcile().catch((error: unknown) => log.warn('Could not reconcile the endpoints of the Service kubernetes', { error: String(error) }))
    if (!hasStopped) timer = clock.after(INTERVAL_MS, run)
  }
  return {
    start: run,
    stop() {
      hasStopped = true
      timer?.cancel()
    },
  }
}
