import { type LabelSelectorSpec, matchesLabelSelector } from '../../kinds/label-selector.ts'
import type { KubeObject } from '../../kinds/object.ts'
import type { PolicyRule } from '../auth/rbac-rules.ts'
import { CLUSTER_ROLES, CLUSTER_ROLE_BINDINGS, ROLES, ROLE_BINDINGS, VERB_LISTS } from './rbac-policy.ts'

const GROUP = 'rbac.authorization.k8s.io'
const AGGREGATE = 'rbac.authorization.k8s.io/aggregate-to-'
const CONTROLLER = 'system:controller:'

/** The bootstrap roles and bindings as objects. */
export function rbacObjects(): { clusterRoles: KubeObject[]; clusterRoleBindings: KubeObject[]; roles: KubeObject[]; roleBindings: KubeObject[] } {
  const clusterRoles = parseRoles(CLUSTER_ROLES).map(({ head, rules }) => {
    const [name, ...marks] = head.split(' ') as [string, ...string[]]
    const labels = Object.fromEntries(marks.filter((mark) => mark.startsWith('>')).map((mark) => [AGGREGATE + mark.slice(1), 'true']))
    const collects = marks.find((mark) => mark.startsWith('<'))?.slice(1)
    return {
      apiVersion: `${GROUP}/v1`, kind: 'ClusterRole', metadata: metadata(name, undefined, labels), rules,
      ...(collects ? { aggregationRule: { clusterRoleSelectors: [{ matchLabels: { [AGGREGATE + collects]: 'true' } }] } } : {}),
    } as KubeObject
  })
  // From the narrowest to the widest, as each collects the one before.
  for (const name of ['view', 'edit', 'admin']) {
    const role = clusterRoles.find((r) => r.metadata.name === name)!
    role.rules = aggregatedRules(role, clusterRoles)
  }
  const controllers = clusterRoles.map((role) => role.metadata.name!).filter((name) => name.startsWith(CONTROLLER))
  return {
    clusterRoles,
    clusterRoleBindings: [
      ...parseBindings(CLUSTER_ROLE_BINDINGS, 'ClusterRole'),
      ...controllers.map((name) => binding(undefined, name, 'ClusterRole', name, [`sa:kube-system/${name.slice(CONTROLLER.length)}`])),
    ].sort((a, b) => (a.metadata.name! < b.metadata.name! ? -1 : 1)),
    roles: parseRoles(ROLES).map(({ head, rules }) => {
      const [namespace, name] = scoped(head)
      return { apiVersion: `${GROUP}/v1`, kind: 'Role', metadata: metadata(name, namespace), rules }
    }),
    roleBindings: parseBindings(ROLE_BINDINGS, 'Role'),
  }
}

/** What an aggregated role holds: the rules of the roles it selects, by name, each once. k8s: clusterroleaggregation-controller */
export function aggregatedRules(role: KubeObject, all: readonly KubeObject[]): PolicyRule[] {
  const selectors = (role.aggregationRule as { clusterRoleSelectors?: LabelSelectorSpec[] } | undefined)?.clusterRoleSelectors ?? []
  const out: PolicyRule[] = []
  const seen = new Set<string>()
  const sorted = [...all].sort((a, b) => (a.metadata.name! < b.metadata.name! ? -1 : 1))
  for (const selector of selectors) {
    for (const part of sorted) {
      if (part.metadata.name === role.metadata.name || !matchesLabelSelector(selector, part.metadata.labels)) continue
      for (const rule of (part.rules ?? []) as PolicyRule[]) {
        const key = JSON.stringify(rule)
        if (!seen.has(key)) out.push(rule)
        seen.add(key)
      }
    }
  }
  return out
}

function metadata(name: string, namespace?: string, labels: Record<string, string> = {}) {
  return {
    name, ...(namespace ? { namespace } : {}),
    annotations: { 'rbac.authorization.kubernetes.io/autoupdate': 'true' }, labels: { 'kubernetes.io/bootstrapping': 'rbac-defaults', ...labels },
  }
}

function parseRoles(text: string): { head: string; rules: PolicyRule[] }[] {
  const out: { head: string; rules: PolicyRule[] }[] = []
  for (const line of text.trim().split('\n')) {
    if (line.startsWith('  ')) out.at(-1)!.rules.push(parseRule(line.trim()))
    else out.push({ head: line, rules: [] })
  }
  return out
}

function parseRule(line: string): PolicyRule {
  const [verbs = '', groups = '', resources = '', names] = line.split(' ')
  const verbList = VERB_LISTS[verbs] ?? verbs.split(',')
  if (groups === 'url') return { nonResourceURLs: resources.split(','), verbs: verbList }
  return {
    apiGroups: groups.split(',').map((group) => (group === 'core' ? '' : group)), ...(names ? { resourceNames: names.split(',') } : {}), resources: resources.split(','), verbs: verbList,
  }
}

function parseBindings(text: string, roleKind: 'ClusterRole' | 'Role'): KubeObject[] {
  return text.trim().split('\n').map((line) => {
    const [head, ...rest] = line.trim().split(' ') as [string, ...string[]]
    const [namespace, name] = roleKind === 'Role' ? scoped(head) : [undefined, head]
    const roleName = rest[0]?.startsWith('=') ? rest.shift()!.slice(1) : name
    return binding(namespace, name, roleKind, roleName, rest)
  })
}

function binding(namespace: string | undefined, name: string, roleKind: 'ClusterRole' | 'Role', roleName: string, subjects: readonly string[]): KubeObject {
  return {
    apiVersion: `${GROUP}/v1`, kind: `${roleKind}Binding`, metadata: metadata(name, namespace), roleRef: { apiGroup: GROUP, kind: roleKind, name: roleName },
    ...(subjects.length > 0 ? { subjects: subjects.map(parseSubject) } : {}),
  }
}

function parseSubject(text: string): Record<string, string> {
  const colon = text.indexOf(':')
  const rest = text.slice(colon + 1)
  switch (text.slice(0, colon)) {
    case 'sa': {
      const [namespace, name] = scoped(rest)
      return { kind: 'ServiceAccount', name, namespace }
    }
    case 'user': return { apiGroup: GROUP, kind: 'User', name: rest }
    default: return { apiGroup: GROUP, kind: 'Group', name: rest }
  }
}

function scoped(text: string): [namespace: string, name: string] {
  const slash = text.indexOf('/')
  return [text.slice(0, slash), text.slice(slash + 1)]
}
