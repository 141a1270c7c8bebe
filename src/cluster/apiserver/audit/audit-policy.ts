import { parse } from 'yaml'
import type { RequestInfo } from '../request-info.ts'
import type { UserInfo } from '../seams.ts'

export type AuditLevel = 'None' | 'Metadata' | 'Request' | 'RequestResponse'
export type AuditStage = 'RequestReceived' | 'ResponseStarted' | 'ResponseComplete' | 'Panic'

interface PolicyRule {
  level: AuditLevel
  users?: readonly string[]
  userGroups?: readonly string[]
  verbs?: readonly string[]
  resources?: readonly { group?: string; resources?: readonly string[]; resourceNames?: readonly string[] }[]
  namespaces?: readonly string[]
  nonResourceURLs?: readonly string[]
  omitStages?: readonly AuditStage[]
  omitManagedFields?: boolean
}

/** audit.k8s.io/v1 Policy, as --audit-policy-file holds it. */
export interface AuditPolicy {
  kind: 'Policy'
  apiVersion: 'audit.k8s.io/v1'
  rules: readonly PolicyRule[]
  omitStages?: readonly AuditStage[]
  omitManagedFields?: boolean
}

export interface AuditRule {
  level: AuditLevel
  omitStages: ReadonlySet<AuditStage>
  omitManagedFields: boolean
}

const LEVELS = ['None', 'Metadata', 'Request', 'RequestResponse']
const STAGES = ['RequestReceived', 'ResponseStarted', 'ResponseComplete', 'Panic']

/** Reads a policy file. @throws Error as {@link auditPolicyOf} */
export const parseAuditPolicy = (text: string): AuditPolicy => auditPolicyOf(parse(text))

/** Checks a policy. @throws Error in upstream's words. k8s: apiserver/pkg/audit/policy/reader.go, apis/audit/validation */
export function auditPolicyOf(value: unknown): AuditPolicy {
  const policy = value as AuditPolicy | null
  if (typeof policy !== 'object' || policy === null) throw new Error('failed decoding: Object \'Kind\' is missing')
  if (policy.apiVersion !== 'audit.k8s.io/v1') throw new Error(`unknown group version field ${JSON.stringify(policy.apiVersion ?? '')} in policy`)
  if (policy.kind !== 'Policy') throw new Error(`failed decoding: no kind ${JSON.stringify(policy.kind ?? '')} is registered for version "audit.k8s.io/v1"`)
  if (!Array.isArray(policy.rules) || policy.rules.length === 0) throw new Error('loaded illegal policy with 0 rules')
  policy.rules.forEach((rule, i) => {
    if (!LEVELS.includes(rule.level)) throw new Error(`rules[${i}].level: ${rule.level ? `Unsupported value: ${JSON.stringify(rule.level)}: supported values: "Metadata", "None", "Request", "RequestResponse"` : 'Required value'}`)
    for (const stage of rule.omitStages ?? []) if (!STAGES.includes(stage)) throw new Error(`rules[${i}].omitStages: Unsupported value: ${JSON.stringify(stage)}`)
    if (rule.nonResourceURLs?.length && (rule.resources?.length || rule.namespaces?.length)) throw new Error(`rules[${i}].nonResourceURLs: Invalid value: rules cannot apply to both regular resources and non-resource URLs`)
  })
  return policy
}

/** The first rule that fits decides; no rule: nothing is logged. k8s: apiserver/pkg/audit/policy/checker.go */
export function auditRuleFor(policy: AuditPolicy, user: UserInfo, info: RequestInfo): AuditRule {
  const rule = policy.rules.find((candidate) => matches(candidate, user, info))
  if (!rule) return { level: 'None', omitStages: new Set(policy.omitStages ?? []), omitManagedFields: policy.omitManagedFields ?? false }
  return { level: rule.level, omitStages: new Set([...policy.omitStages ?? [], ...rule.omitStages ?? []]), omitManagedFields: rule.omitManagedFields ?? policy.omitManagedFields ?? false }
}

function matches(rule: PolicyRule, user: UserInfo, info: RequestInfo): boolean {
  if (rule.users?.length && !rule.users.includes(user.name)) return false
  if (rule.userGroups?.length && !rule.userGroups.some((group) => user.groups.includes(group))) return false
  if (rule.verbs?.length && !rule.verbs.includes(info.verb)) return false
  if (rule.namespaces?.length || rule.resources?.length) return matchesResource(rule, info)
  if (rule.nonResourceURLs?.length) return !info.isResourceRequest && rule.nonResourceURLs.some((url) => url === '*' || url === info.path || (url.endsWith('*') && info.path.startsWith(url.slice(0, -1))))
  return true
}

function matchesResource({ namespaces, resources }: PolicyRule, info: RequestInfo): boolean {
  if (!info.isResourceRequest) return false
  if (namespaces?.length && !namespaces.includes(info.namespace)) return false
  if (!resources?.length) return true
  const full = info.subresource ? `${info.resource}/${info.subresource}` : info.resource
  return resources.some((of) => (of.group ?? '') === info.group && (!of.resources?.length || of.resources.some((resource) =>
    (!of.resourceNames?.length || of.resourceNames.includes(info.name))
    && (resource === '*' || resource === full || (info.subresource !== '' && (resource === `*/${info.subresource}` || resource === `${info.resource}/*`))))))
}
