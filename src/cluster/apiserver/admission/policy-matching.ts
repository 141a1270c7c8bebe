/** Which requests a policy or webhook is for. k8s: apiserver/pkg/admission/plugin/{policy/matching,webhook/predicates} */
import type { LabelSelectorSpec } from '../../kinds/label-selector.ts'
import { matchesLabelSelector } from '../../kinds/label-selector.ts'
import type { AdmissionAttributes, Reader } from '../seams.ts'

export interface MatchRule {
  operations?: readonly string[]
  apiGroups?: readonly string[]
  apiVersions?: readonly string[]
  resources?: readonly string[]
  resourceNames?: readonly string[]
  scope?: string
}

export interface MatchResources {
  resourceRules?: readonly MatchRule[]
  excludeResourceRules?: readonly MatchRule[]
  namespaceSelector?: LabelSelectorSpec
  objectSelector?: LabelSelectorSpec
  matchPolicy?: string
}

/** Policies and webhooks never judge themselves, nor questions about rights. */
export function isExemptFromPolicies({ kind }: AdmissionAttributes): boolean {
  if (kind.group === 'authentication.k8s.io' || kind.group === 'authorization.k8s.io') return true
  return kind.group === 'admissionregistration.k8s.io'
}

/** Without rules (in bindings) any request matches that the selectors take. */
export function matchesResources(match: MatchResources | undefined, attributes: AdmissionAttributes, reader: Reader, options: { rulesRequired: boolean }): boolean {
  if (!match) return !options.rulesRequired
  if (!matchesNamespace(match.namespaceSelector, attributes, reader) || !matchesObject(match.objectSelector, attributes)) return false
  const equivalent = match.matchPolicy === 'Exact' ? undefined : reader
  if (match.excludeResourceRules?.some((rule) => matchesRule(rule, attributes, equivalent))) return false
  if (!match.resourceRules?.length) return !options.rulesRequired
  return match.resourceRules.some((rule) => matchesRule(rule, attributes, equivalent))
}

/** @param equivalent knows the versions that count as the same; without it only the one of the request does */
export function matchesRule(rule: MatchRule, attributes: AdmissionAttributes, equivalent: Reader | undefined): boolean {
  const { operation, kind, subresource, name, object } = attributes
  const has = (list: readonly string[] | undefined, item: string) => list?.includes('*') === true || list?.includes(item) === true
  if (!has(rule.operations, operation) || !has(rule.apiGroups, kind.group)) return false
  // Equivalent are the other versions that the kind has.
  const isServed = (version: string) => equivalent?.kindOf(kind.group ? `${kind.group}/${version}` : version, kind.kind) !== undefined
  if (!has(rule.apiVersions, kind.version) && !rule.apiVersions?.some(isServed)) return false
  if (rule.scope === 'Namespaced' && !kind.namespaced) return false
  if (rule.scope === 'Cluster' && kind.namespaced) return false
  if (rule.resourceNames?.length && !rule.resourceNames.includes(name || object?.metadata?.name || '')) return false
  return rule.resources?.some((wanted) => {
    const [resource, sub = ''] = wanted.split('/') as [string, string?]
    const resourceMatches = resource === '*' || resource === kind.resource
    if (wanted === '*') return subresource === ''
    return resourceMatches && (sub === subresource || (sub === '*' && wanted.includes('/')))
  }) === true
}

export function matchesNamespace(selector: LabelSelectorSpec | undefined, attributes: AdmissionAttributes, reader: Reader): boolean {
  if (isEmpty(selector)) return true
  const { kind, namespace, object, oldObject } = attributes
  if (kind.resource === 'namespaces' && kind.group === '') {
    const labels = attributes.subresource === '' && attributes.operation !== 'DELETE' ? object?.metadata.labels : (oldObject ?? reader.get('namespaces', undefined, attributes.name))?.metadata.labels
    return matchesLabelSelector(selector, labels)
  }
  if (namespace === '') return true
  return matchesLabelSelector(selector, reader.get('namespaces', undefined, namespace)?.metadata.labels)
}

export function matchesObject(selector: LabelSelectorSpec | undefined, { object, oldObject }: AdmissionAttributes): boolean {
  if (isEmpty(selector)) return true
  return [object, oldObject].some((candidate) => candidate?.metadata !== undefined && matchesLabelSelector(selector, candidate.metadata.labels))
}

function isEmpty(selector: LabelSelectorSpec | undefined): boolean {
  return !selector || (!selector.matchExpressions?.length && Object.keys(selector.matchLabels ?? {}).length === 0)
}
