import { deepEqual } from '../../../base/freeze.ts'
import type { Proc } from '../../../unix/types.ts'
import type { Node, ResourceSlice, ResourceSliceSpec } from '../../kinds/generated/types.ts'
import { apiCall } from '../in-cluster/api-call.ts'
import type { ClusterClient } from '../in-cluster/cluster-client.ts'
import { keyedWork, ObjectCache } from '../csi/cluster-cache.ts'

const SLICES = '/apis/resource.k8s.io/v1/resourceslices'
/** How long changes by others are left before they are undone. k8s: DefaultSyncDelay */
const SYNC_DELAY_MS = 30_000

export interface PublishOptions {
  driver: string
  nodeName: string
  slices: readonly Pick<ResourceSliceSpec, 'devices' | 'sharedCounters'>[]
  /** Prefix of a slice's name. */
  generateName(index: number): string
}

/** Shows a driver's devices as the pool of its node, and keeps it so. k8s: dynamic-resource-allocation/resourceslice Controller */
export function publishResources(proc: Proc, client: ClusterClient, { driver, nodeName, slices, generateName }: PublishOptions): void {
  const isOwn = ({ spec }: ResourceSlice) => spec.driver === driver && spec.nodeName === nodeName
  const sync = keyedWork(proc, 'pool', async () => {
    const current = cache.list().filter(isOwn).sort((a, b) => a.metadata.name! < b.metadata.name! ? -1 : 1)
    const generation = Math.max(1, ...current.map(({ spec }) => spec.pool.generation))
    const pool = (at: number) => ({ name: nodeName, generation: at, resourceSliceCount: slices.length })
    const spec = (i: number, at: number): ResourceSliceSpec => ({ driver, nodeName, pool: pool(at), ...slices[i]! })
    const isSame = (slice: ResourceSlice, i: number) => deepEqual(slice.spec.pool, pool(generation)) && deepEqual(slice.spec.devices, slices[i]?.devices) && deepEqual(slice.spec.sharedCounters, slices[i]?.sharedCounters)
    if (current.length === slices.length && current.every(isSame)) return
    for (const { metadata } of current) await apiCall(client, 'DELETE', `${SLICES}/${metadata.name}`)
    const next = current.length > 0 ? generation + 1 : generation
    const node = await apiCall<Node>(client, 'GET', `/api/v1/nodes/${nodeName}`)
    for (let i = 0; i < slices.length; i++) await apiCall(client, 'POST', SLICES, {
      apiVersion: 'resource.k8s.io/v1', kind: 'ResourceSlice',
      metadata: { generateName: generateName(i), ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: nodeName, uid: node.metadata.uid, controller: true }] }, spec: spec(i, next),
    })
  })
  let isReady = false
  let timer: { cancel(): void } | undefined
  const later = () => {
    if (!isReady) return
    timer ??= proc.clock.after(SYNC_DELAY_MS, () => {
      timer = undefined
      if (!proc.killed.aborted) sync(nodeName)
    })
  }
  const cache = new ObjectCache<ResourceSlice>(proc, client, SLICES, { apiVersion: 'resource.k8s.io/v1', kind: 'ResourceSlice' }, (_key, now, before) => {
    if (before && isOwn(before) && !deepEqual(before.spec, now?.spec)) later()
  })
  void cache.synced.then(() => {
    isReady = true
    sync(nodeName)
  })
}
