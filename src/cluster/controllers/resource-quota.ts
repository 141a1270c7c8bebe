import { deepEqual } from '../../base/freeze.ts'
import { QUOTA_RESOURCES, quotaUsage } from '../apiserver/admission/quota-evaluators.ts'
import type { Controller } from '../client/controller-runner.ts'
import { keyOf } from '../client/informers.ts'
import type { ResourceQuota } from '../kinds/generated/types.ts'
import { isPodTerminal } from './pods.ts'

/** Everything is counted anew this often. k8s: ResourceQuotaSyncPeriod */
const RESYNC_MS = 5 * 60_000

/** Counts what a namespace uses; the API server counts up on its own when something is created. k8s: pkg/controller/resourcequota */
export const resourceQuotaController: Controller = {
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
  async reconcile(key, { api, cache, informers, clock }) {
    const quota = cache.get<ResourceQuota>('resourcequotas', key)
    if (!quota) return
    const { namespace } = quota.metadata
    const counted = Object.keys(quota.spec?.hard ?? {}).filter((name) => name.startsWith('count/')).map((name) => name.slice('count/'.length))
    await Promise.all(counted.map((resource) => informers.for(resource).synced()))
    const used = quotaUsage(quota, (resource) => informers.for(resource).list(namespace), clock.nowMs())
    const hard = quota.spec?.hard ?? {}
    if (!deepEqual(quota.status?.hard, hard) || !deepEqual(quota.status?.used, used)) await api.updateStatus('resourcequotas', { ...quota, status: { hard, used } })
    return { requeueAfterMs: RESYNC_MS }
  },
}
