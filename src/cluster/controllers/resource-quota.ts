import { deepEqual } from '../../base/freeze.ts'
import { masked, QUOTA_RESOURCES, quotaUsage } from '../apiserver/admission/quota-evaluators.ts'
import type { Controller } from '../client/controller-runner.ts'
import { keyOf } from '../client/informers.ts'
import type { ResourceQuota } from '../kinds/generated/types.ts'
import type { ResourceRef } from '../kinds/object.ts'
import { isPodTerminal } from './pods.ts'
import type { ResourceDirectory } from './resource-directory.ts'

/** Everything is counted anew this often. k8s: ResourceQuotaSyncPeriod */
const RESYNC_MS = 5 * 60_000

/** k8s: pkg/quota/v1/install DefaultIgnoredResources */
const IGNORED: ReadonlySet<ResourceRef> = new Set(['events', 'events.events.k8s.io'])

/**
 * Counts what a namespace uses; the API server counts up on its own when something is created. k8s: pkg/controller/resourcequota
 * @param directory tells which resources `count/` quotas can be about
 */
export function resourceQuotaController(directory: ResourceDirectory): Controller {
  /** Resources without usage of their own whose deletions free quota: followed once a quota counts them. */
  const followed = new Map<ResourceRef, () => void>()
  return {
    name: 'resourcequota-controller', for: 'resourcequotas', minIntervalMs: 50,
    wants: ({ type, object, old }) => type !== 'delete' && (type === 'add' || !deepEqual(object.spec, old.spec) || !deepEqual(object.status?.hard, object.spec?.hard)),
    watches: QUOTA_RESOURCES.filter((resource) => resource !== 'resourcequotas').map((resource) => ({
      resource,
      // Only what frees quota: deletions, pods that end, services and claims that change.
      keys: ({ type, object, old }, { cache }) => {
        const frees = type === 'delete' || (type === 'update' && (resource === 'pods' ? isPodTerminal(object) !== isPodTerminal(old) || object.metadata.generation !== old.metadata.generation
          : resource === 'services' || resource === 'persistentvolumeclaims'))
        return frees ? cache.list<ResourceQuota>('resourcequotas', object.metadata.namespace).map(keyOf) : []
      },
    })),
    start({ cache, enqueue }) {
      const stopListening = directory.onChange(() => { for (const quota of cache.list<ResourceQuota>('resourcequotas')) if (countedBy(quota).length > 0) enqueue(keyOf(quota)) })
      return () => {
        stopListening()
        for (const stop of followed.values()) stop()
      }
    },
    async reconcile(key, { api, cache, informers, clock, enqueue }) {
      const quota = cache.get<ResourceQuota>('resourcequotas', key)
      if (!quota) return
      const { namespace } = quota.metadata
      const served = new Set(directory.list().map(({ ref }) => ref))
      // What isn't served (a custom resource that is gone, say) can't be counted; events are too many for it.
      const counted = countedBy(quota).filter((resource) => served.has(resource) && !IGNORED.has(resource))
      for (const resource of counted) {
        if (followed.has(resource) || QUOTA_RESOURCES.includes(resource)) continue
        followed.set(resource, informers.for(resource).onChanges((changes) => {
          for (const { type, object } of changes) if (type === 'delete') for (const affected of cache.list<ResourceQuota>('resourcequotas', object.metadata.namespace)) enqueue(keyOf(affected))
        }))
      }
      await Promise.all(counted.map((resource) => informers.for(resource).synced()))
      const hard = quota.spec?.hard ?? {}
      const counts = quotaUsage(quota, (resource) => counted.includes(resource) || QUOTA_RESOURCES.includes(resource) ? informers.for(resource).list(namespace) : undefined, clock.nowMs())
      // Of what can't be counted the last that was known stays, if anything was.
      const used = masked({ ...quota.status?.used, ...counts }, Object.keys(hard))
      if (!deepEqual(quota.status?.hard, hard) || !deepEqual(quota.status?.used, used)) await api.updateStatus('resourcequotas', { ...quota, status: { hard, used } })
      return { requeueAfterMs: RESYNC_MS }
    },
  }
}

/** The resources that a quota counts by `count/`. */
function countedBy(quota: ResourceQuota): ResourceRef[] {
  return Object.keys(quota.spec?.hard ?? {}).filter((name) => name.startsWith('count/')).map((name) => name.slice('count/'.length))
}
