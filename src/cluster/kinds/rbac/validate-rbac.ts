/** Rules for roles and bindings. k8s: pkg/apis/rbac/validation */
import { deepEqual } from '../../../base/freeze.ts'
import { invalid, notSupported, required, type Finding } from '../findings.ts'
import { pathSegmentName, rbacName, subdomainName } from '../names.ts'
import type { ClusterRole, PolicyRule, Role, Subject } from '../generated/types.ts'
import type { KubeObject } from '../object.ts'
import { validateLabelSelector, validateObjectMeta, validateObjectMetaUpdate, validateQualifiedFinalizers } from '../validate-metadata.ts'
import type { Bindings } from './subjects.ts'

const RBAC_GROUP = 'rbac.authorization.k8s.io'

const metadataOf = (object: WithMetadata, namespaced: boolean) => validateObjectMeta({ namespaced, nameRule: rbacName }, object.metadata)
const metadataUpdate = (object: WithMetadata, old: WithMetadata) => [...validateObjectMetaUpdate(object.metadata, old.metadata), ...validateQualifiedFinalizers(object.metadata.finalizers)]
type WithMetadata = Readonly<{ metadata: KubeObject['metadata'] }>

/** k8s: ValidatePolicyRule */
function checkRule(out: Finding[], rule: Readonly<PolicyRule>, namespaced: boolean, at: string): void {
  if (!rule.verbs?.length) out.push(required(`${at}.verbs`, 'verbs must contain at least one value'))
  if (rule.nonResourceURLs?.length) {
    if (namespaced) out.push(invalid(`${at}.nonResourceURLs`, rule.nonResourceURLs, 'namespaced rules cannot apply to non-resource URLs'))
    if (rule.apiGroups?.length || rule.resources?.length || rule.resourceNames?.length) out.push(invalid(`${at}.nonResourceURLs`, rule.nonResourceURLs, 'rules cannot apply to both regular resources and non-resource URLs'))
    return
  }
  if (!rule.apiGroups?.length) out.push(required(`${at}.apiGroups`, 'resource rules must supply at least one api group'))
  if (!rule.resources?.length) out.push(required(`${at}.resources`, 'resource rules must supply at least one resource'))
}

function checkRules(out: Finding[], rules: readonly PolicyRule[] | undefined, namespaced: boolean): void {
  rules?.forEach((rule, i) => checkRule(out, rule, namespaced, `rules[${i}]`))
}

export function validateRole(role: Readonly<Role>): Finding[] {
  const out: Finding[] = []
  checkRules(out, role.rules, true)
  return out
}

/** Updates run the rules of creation again, those of ObjectMeta too. */
export const validateRoleUpdate = (role: Readonly<Role>, old: Readonly<Role>): Finding[] => [...metadataOf(role, true), ...validateRole(role), ...metadataUpdate(role, old)]

export function validateClusterRole(role: Readonly<ClusterRole>): Finding[] {
  const out: Finding[] = []
  checkRules(out, role.rules, false)
  const selectors = role.aggregationRule?.clusterRoleSelectors
  const at = 'aggregationRule.clusterRoleSelectors'
  if (role.aggregationRule && !selectors?.length) out.push(required(at, 'at least one clusterRoleSelector required if aggregationRule is non-nil'))
  selectors?.forEach((selector, i) => {
    const problems = validateLabelSelector(selector, `${at}[${i}]`)
    out.push(...problems)
    if (problems.length > 0) out.push(invalid(`${at}[${i}]`, null, 'invalid label selector.'))
  })
  return out
}

export const validateClusterRoleUpdate = (role: Readonly<ClusterRole>, old: Readonly<ClusterRole>): Finding[] => [...metadataOf(role, false), ...validateClusterRole(role), ...metadataUpdate(role, old)]

/** k8s: ValidateRoleBindingSubject */
function checkSubject(out: Finding[], subject: Readonly<Subject>, namespaced: boolean, at: string): void {
  if (!subject.name) out.push(required(`${at}.name`))
  switch (subject.kind) {
    case 'ServiceAccount':
      if (subject.name) for (const problem of subdomainName(subject.name, false)) out.push(invalid(`${at}.name`, subject.name, problem))
      if (subject.apiGroup) out.push(notSupported(`${at}.apiGroup`, subject.apiGroup, ['']))
      if (!namespaced && !subject.namespace) out.push(required(`${at}.namespace`))
      break
    case 'User': case 'Group':
      if (subject.apiGroup !== RBAC_GROUP) out.push(notSupported(`${at}.apiGroup`, subject.apiGroup ?? '', [RBAC_GROUP]))
      break
    default:
      out.push(notSupported(`${at}.kind`, subject.kind, ['ServiceAccount', 'User', 'Group']))
  }
}

export function validateBinding({ roleRef, subjects }: Readonly<Bindings>, namespaced: boolean): Finding[] {
  const out: Finding[] = []
  if (roleRef.apiGroup !== RBAC_GROUP) out.push(notSupported('roleRef.apiGroup', roleRef.apiGroup, [RBAC_GROUP]))
  const kinds = namespaced ? ['Role', 'ClusterRole'] : ['ClusterRole']
  if (!kinds.includes(roleRef.kind)) out.push(notSupported('roleRef.kind', roleRef.kind, kinds))
  if (!roleRef.name) out.push(required('roleRef.name'))
  else for (const problem of pathSegmentName(roleRef.name, false)) out.push(invalid('roleRef.name', roleRef.name, problem))
  subjects?.forEach((subject, i) => checkSubject(out, subject, namespaced, `subjects[${i}]`))
  return out
}

export function validateBindingUpdate<T extends Bindings & { metadata: KubeObject['metadata'] }>(binding: Readonly<T>, old: Readonly<T>, namespaced: boolean): Finding[] {
  const out = [...metadataOf(binding, namespaced), ...validateBinding(binding, namespaced), ...metadataUpdate(binding, old)]
  if (!deepEqual(binding.roleRef, old.roleRef)) out.push(invalid('roleRef', { APIGroup: binding.roleRef.apiGroup, Kind: binding.roleRef.kind, Name: binding.roleRef.name }, 'cannot change roleRef'))
  return out
}
