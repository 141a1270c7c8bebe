import type { KubeObject } from '../../kinds/object.ts'
import { apiError } from '../../kinds/status-error.ts'
import { deepEqual } from '../../../base/freeze.ts'
import type { RbacAuthorizer } from '../auth/rbac-authorizer.ts'
import { type PolicyRule, compactRules, missingRights, quotedList, ruleText } from '../auth/rbac-rules.ts'
import type { AdmissionAttributes, AdmissionContext, AdmissionPlugin } from '../seams.ts'

const GROUP = 'rbac.authorization.k8s.io'

/**
 * Nobody may give more rights than they have, neither by writing a role nor by binding one, unless they may `escalate` or `bind` it.
 * Upstream does this where roles are stored; here it is the last thing before that. k8s: pkg/registry/rbac
 */
export function rbacEscalation(rbac: RbacAuthorizer): AdmissionPlugin {
  return {
    name: 'RBACEscalation',
    mutate(attributes, context) {
      const { kind, operation, object, subresource } = attributes
      if (kind.group !== GROUP || subresource !== '' || !object || (operation !== 'CREATE' && operation !== 'UPDATE')) return
      if (attributes.user.groups.includes('system:masters')) return
      if (kind.resource === 'roles' || kind.resource === 'clusterroles') checkRole(rbac, attributes, object, context)
      else if (kind.resource === 'rolebindings' || kind.resource === 'clusterrolebindings') checkBinding(rbac, attributes, object, context)
    },
  }
}

function checkRole(rbac: RbacAuthorizer, attributes: AdmissionAttributes, role: KubeObject, context: AdmissionContext): void {
  const { kind, oldObject } = attributes
  if (oldObject && onlyOwnership(role, oldObject)) return
  if (may(attributes, context, 'escalate', kind.resource, attributes.operation === 'UPDATE' ? attributes.name : '')) return
  const name = role.metadata.name ?? ''
  refuseMissing(rbac, attributes, (role.rules ?? []) as PolicyRule[], name)
  // An aggregated role may come to hold anything, so that it takes all rights to write one.
  if (kind.resource !== 'clusterroles' || !(aggregates(role) || aggregates(oldObject))) return
  if (missingRights(rbac.rulesFor(attributes.user, attributes.namespace).rules, EVERYTHING).length > 0) throw apiError.forbidden({ group: GROUP, resource: kind.resource }, name, 'must have cluster-admin privileges to use the aggregationRule')
}

const aggregates = (role: KubeObject | undefined): boolean => ((role?.aggregationRule as { clusterRoleSelectors?: unknown[] } | undefined)?.clusterRoleSelectors?.length ?? 0) > 0

const EVERYTHING: PolicyRule[] = [{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }, { nonResourceURLs: ['*'], verbs: ['*'] }]

function checkBinding(rbac: RbacAuthorizer, attributes: AdmissionAttributes, binding: KubeObject, context: AdmissionContext): void {
  const { kind, namespace, oldObject } = attributes
  if (oldObject && onlyOwnership(binding, oldObject)) return
  const roleRef = (binding.roleRef ?? {}) as { apiGroup?: string; kind?: string; name?: string }
  const resource = roleRef.kind === 'ClusterRole' ? 'clusterroles' : roleRef.kind === 'Role' ? 'roles' : undefined
  if (resource && may(attributes, context, 'bind', resource, roleRef.name ?? '')) return
  const rules = rbac.rulesOfRole({ kind: roleRef.kind ?? '', name: roleRef.name ?? '' }, namespace)
  // k8s: the error of the missing role is given the resource of the request
  if (!rules) throw apiError.notFound({ group: GROUP, resource: kind.resource }, roleRef.name ?? '')
  refuseMissing(rbac, attributes, rules, binding.metadata.name ?? '')
}

function refuseMissing(rbac: RbacAuthorizer, attributes: AdmissionAttributes, wanted: readonly PolicyRule[], name: string): void {
  const { user, namespace, kind } = attributes
  const { rules, errors } = rbac.rulesFor(user, namespace)
  const missing = missingRights(rules, wanted)
  if (missing.length === 0) return
  const lines = [...new Set(compactRules(missing).map(ruleText))].sort()
  const text = `user ${JSON.stringify(user.name)} (groups=${quotedList(user.groups)}) is attempting to grant RBAC permissions not currently held:\n${lines.join('\n')}`
  throw apiError.forbidden({ group: GROUP, resource: kind.resource }, name, errors.length > 0 ? `${text}; resolution errors: [${errors.join(', ')}]` : text)
}

function may({ user, namespace }: AdmissionAttributes, { authorizer }: AdmissionContext, verb: string, resource: string, name: string): boolean {
  return authorizer.authorize({ user, verb, resourceRequest: true, group: GROUP, version: '*', resource, subresource: '', namespace, name, path: '' }).allowed
}

/** Changes that the garbage collector makes. k8s: pkg/registry/rbac IsOnlyMutatingGCFields */
function onlyOwnership(object: KubeObject, old: KubeObject): boolean {
  const bare = ({ metadata, ...rest }: KubeObject) => {
    const { ownerReferences: _o, finalizers: _f, managedFields: _m, ...kept } = metadata
    return { ...rest, metadata: kept }
  }
  return deepEqual(bare(object), bare(old))
}
