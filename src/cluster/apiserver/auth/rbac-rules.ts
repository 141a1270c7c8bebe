import type { AuthorizationAttributes } from '../seams.ts'

/** rbac.authorization.k8s.io/v1 PolicyRule. */
export interface PolicyRule {
  verbs?: readonly string[]
  apiGroups?: readonly string[]
  resources?: readonly string[]
  resourceNames?: readonly string[]
  nonResourceURLs?: readonly string[]
}

/** k8s: plugin/pkg/auth/authorizer/rbac RuleAllows */
export function ruleAllows(rule: PolicyRule, attributes: AuthorizationAttributes): boolean {
  if (!attributes.resourceRequest) return verbMatches(rule, attributes.verb) && urlMatches(rule, attributes.path)
  return verbMatches(rule, attributes.verb) && targetMatches(rule, attributes.group, attributes.resource, attributes.subresource) && nameMatches(rule, attributes.name)
}

export function verbMatches(rule: PolicyRule, verb: string): boolean {
  const verbs = rule.verbs
  return verbs !== undefined && (verbs.includes('*') || verbs.includes(verb))
}

export function nameMatches(rule: PolicyRule, name: string): boolean {
  return !rule.resourceNames?.length || rule.resourceNames.includes(name)
}

/** Whether a rule speaks of a resource at all, whatever verb and name. */
export function targetMatches(rule: PolicyRule, group: string, resource: string, subresource: string): boolean {
  const groups = rule.apiGroups
  if (!groups || !(groups.includes('*') || groups.includes(group))) return false
  const full = subresource ? `${resource}/${subresource}` : resource
  return rule.resources?.some((r) => r === '*' || r === full || (subresource !== '' && r === `*/${subresource}`)) === true
}

export function urlMatches(rule: PolicyRule, path: string): boolean {
  return rule.nonResourceURLs?.some((url) => url === '*' || url === path || urlCovers(url, path)) === true
}

function urlCovers(url: string, path: string): boolean {
  return url.endsWith('*') && path.startsWith(url.replace(/\*+$/, ''))
}

/**
 * The rights among `wanted` that `owned` doesn't give, one verb, group and resource each. Empty: all are covered.
 * k8s: component-helpers/auth/rbac/validation Covers
 */
export function missingRights(owned: readonly PolicyRule[], wanted: readonly PolicyRule[]): PolicyRule[] {
  return wanted.flatMap(brokenDown).filter((rule) => !owned.some((owner) => covers(owner, rule)))
}

function brokenDown(rule: PolicyRule): PolicyRule[] {
  const out: PolicyRule[] = []
  for (const group of rule.apiGroups ?? [])
    for (const resource of rule.resources ?? [])
      for (const verb of rule.verbs ?? [])
        if (rule.resourceNames?.length) for (const name of rule.resourceNames) out.push({ apiGroups: [group], resources: [resource], verbs: [verb], resourceNames: [name] })
        else out.push({ apiGroups: [group], resources: [resource], verbs: [verb] })
  for (const url of rule.nonResourceURLs ?? []) for (const verb of rule.verbs ?? []) out.push({ nonResourceURLs: [url], verbs: [verb] })
  return out
}

const hasAll = (set: readonly string[] = [], wanted: readonly string[] = []) => wanted.every((item) => set.includes(item))

function covers(owner: PolicyRule, rule: PolicyRule): boolean {
  const verbs = owner.verbs?.includes('*') || hasAll(owner.verbs, rule.verbs)
  const groups = owner.apiGroups?.includes('*') || hasAll(owner.apiGroups, rule.apiGroups)
  const resources = owner.resources?.includes('*') || (rule.resources ?? []).every((r) => owner.resources?.includes(r) || (r.includes('/') && owner.resources?.includes(`*/${r.slice(r.indexOf('/') + 1)}`)))
  const urls = (rule.nonResourceURLs ?? []).every((url) => owner.nonResourceURLs?.some((o) => o === url || urlCovers(o, url)))
  const names = rule.resourceNames?.length ? !owner.resourceNames?.length || hasAll(owner.resourceNames, rule.resourceNames) : !owner.resourceNames?.length
  return Boolean(verbs && groups && resources && urls && names)
}

/** Joins simple rules that differ in their verbs only. k8s: pkg/registry/rbac/validation CompactRules */
export function compactRules(rules: readonly PolicyRule[]): PolicyRule[] {
  const complex: PolicyRule[] = []
  const simple = new Map<string, PolicyRule>()
  for (const rule of rules) {
    if ((rule.resourceNames?.length ?? 0) > 1 || rule.nonResourceURLs?.length || rule.apiGroups?.length !== 1 || rule.resources?.length !== 1) {
      complex.push(rule)
      continue
    }
    const key = JSON.stringify([rule.apiGroups[0], rule.resources[0], rule.resourceNames?.[0]])
    const known = simple.get(key)
    simple.set(key, known ? { ...known, verbs: [...known.verbs ?? [], ...rule.verbs ?? []] } : rule)
  }
  return [...complex, ...simple.values()]
}

/** k8s: pkg/apis/rbac/v1 CompactString: `{APIGroups:[""], Resources:["pods"], Verbs:["get" "list"]}` */
export function ruleText(rule: PolicyRule): string {
  const parts: string[] = []
  const add = (name: string, values: readonly string[] | undefined) => { if (values?.length) parts.push(`${name}:${quotedList(values)}`) }
  add('APIGroups', rule.apiGroups)
  add('Resources', rule.resources)
  add('NonResourceURLs', rule.nonResourceURLs)
  add('ResourceNames', rule.resourceNames)
  add('Verbs', rule.verbs)
  return `{${parts.join(', ')}}`
}

/** Go's %q of a list of strings. */
export function quotedList(values: readonly string[]): string {
  return `[${values.map((value) => JSON.stringify(value)).join(' ')}]`
}
