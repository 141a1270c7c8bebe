import { deepEqual } from '../../base/freeze.ts'
import { aggregatedRules } from '../apiserver/bootstrap/rbac-objects.ts'
import type { Controller } from '../client/controller-runner.ts'
import type { ClusterRole } from '../kinds/generated/types.ts'

const RESOURCE = 'clusterroles.rbac.authorization.k8s.io'

/** Gathers the rules of ClusterRoles into those that select them by label. k8s: pkg/controller/clusterroleaggregation */
export const clusterRoleAggregationController: Controller = {
  name: 'clusterrole-aggregation-controller', for: RESOURCE,
  watches: [{
    resource: RESOURCE,
    // Any role may feed any aggregated one, also indirectly; there are few of the latter.
    keys: (_change, { cache }) => cache.list<ClusterRole>(RESOURCE).filter((role) => role.aggregationRule).map((role) => role.metadata.name!),
  }],
  wants: ({ object }) => (object as ClusterRole).aggregationRule !== undefined,
  async reconcile(key, { api, cache }) {
    const role = cache.get<ClusterRole>(RESOURCE, key)
    if (!role?.aggregationRule) return
    const rules = aggregatedRules(role, cache.list(RESOURCE))
    if (deepEqual(rules, role.rules ?? [])) return
    await api.patch(RESOURCE, key, undefined, 'application/apply-patch+yaml', {
      apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name: key }, rules,
    }, { fieldManager: 'clusterrole-aggregation-controller', force: true })
  },
}
