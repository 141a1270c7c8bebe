/** Which requests a policy or webhook is for. k8s: apiserver/pkg/admission/plugin/{policy/matching,webhook/predicates} */
import type { LabelSelectorSpec } from '../../kinds/label-selector.ts'
import { matchesLabelSelector } from '../../kinds/label-selector.ts'
import type { Kind } from '../../kinds/kind.ts'
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

/** Policies never judge what they are made of, nor questions about rights. k8s: pkg/kubeapiserver/admission/exclusion */
export function isExemptFromPolicies({ kind }: AdmissionAttributes): boolean {
  if (kind.group === 'authentication.k8s.io' || kind.group === 'authorization.k8s.io') return true
  return kind.group === 'admissionregistration.k8s.io'
}

/**
 * The version in which a policy or binding sees the request; undefined when it isn't for it. Without rules (in bindings) any request
 * matches that the selectors take.
 */
export function matchingVersion(match: MatchResources | undefined, attributes: AdmissionAttributes, reader: Reader, options: { rulesRequired: boolean }): Kind | undefined {
  const unruled = options.rulesRequired ? undefined : attributes.kind
  if (!match) return unruled
  if (!matchesNamespace(match.namespaceSelector, attributes, reader) || !matchesObject(match.objectSelector, attributes)) return undefined
  if (match.excludeResourceRules && matchedVersion(match.excludeResourceRules, match.matchPolicy, attributes, reader)) return undefined
  return match.resourceRules?.length ? matchedVersion(match.resourceRules, match.matchPolicy, attributes, reader) : unruled
}

/** The version by which one of the rules takes the request: the request's own, or unless exactness is wanted the first that counts as the same. */
export function matchedVersion(rules: readonly MatchRule[], matchPolicy: string | undefined, attributes: AdmissionAttributes, reader: Reader): Kind | undefined {
  const { kind, subresource } = attributes
  if (rules.some((rule) => matchesRule(rule, attributes, kind))) return kind
  if (matchPolicy === 'Exact' || rules.length === 0) return undefined
  const others = reader.equivalentsOf(kind).filter((other) => other !== kind && (subresource === '' || Object.hasOwn(other.subresources, subresource)))
  for (const rule of rules) for (const other of others) if (matchesRule(rule, attributes, other)) return other
  return undefined
}

/** k8s: webhook/predicates/rules Matcher */
function matchesRule(rule: MatchRule, { operation, subresource, name, object }: AdmissionAttributes, { group, version, resource, namespaced }: Kind): boolean {
  const has = (list: readonly string[] | undefined, item: string) => list?.includes('*') === true || list?.includes(item) === true
  if (!has(rule.operations, operation) || !has(rule.apiGroups, group) || !has(rule.apiVersions, version)) return false
  if (rule.scope === 'Namespaced' && !namespaced) return false
  if (rule.scope === 'Cluster' && namespaced) return false
  if (rule.resourceNames?.length && !rule.resourceNames.includes(name || object?.metadata?.name || '')) return false
  return rule.resources?.some((wanted) => {
    const slash = wanted.indexOf('/')
    const [wantedResource, sub] = slash < 0 ? [wanted, ''] : [wanted.slice(0, slash), wanted.slice(slash + 1)]
    return (wantedResource === '*' || wantedResource === resource) && (sub === '*' || sub === subresource)
  }) === true
}

/** False where labels would have to be looked up of a namespace that isn't there. */
export function isNamespaceKnown(selector: LabelSelectorSpec | undefined, { kind, namespace }: AdmissionAttributes, reader: Reader): boolean {
  return isEmpty(selector) || !kind.namespaced || reader.get('namespaces', undefined, namespace) !== undefined
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
