/**
 * Discovery: what the server serves, computed from the kinds that are installed right now.
 * k8s: apiserver/pkg/endpoints/discovery, kube-aggregator/pkg/apiserver/handler_apis.go
 */
import type { Kind, SubresourceInfo } from '../../kinds/kind.ts'

/** Groups in the order in which the aggregator's priorities put them; groups of custom resources follow by name. */
const GROUP_ORDER = [
  '', 'apiregistration.k8s.io', 'apps', 'events.k8s.io', 'authentication.k8s.io', 'authorization.k8s.io', 'autoscaling', 'batch', 'certificates.k8s.io',
  'networking.k8s.io', 'policy', 'rbac.authorization.k8s.io', 'storage.k8s.io', 'admissionregistration.k8s.io', 'apiextensions.k8s.io', 'scheduling.k8s.io',
  'coordination.k8s.io', 'node.k8s.io', 'discovery.k8s.io', 'resource.k8s.io', 'flowcontrol.apiserver.k8s.io',
]

interface GroupVersion {
  group: string
  version: string
  kinds: Kind[]
}

/** Newest first: v2, v1, v1beta2, v1beta1, v1alpha1, then anything else by name. k8s: apimachinery/pkg/version CompareKubeAwareVersionStrings */
export function compareVersions(a: string, b: string): number {
  const rank = (version: string): [number, number, number, number] => {
    const match = /^v([1-9]\d*)(?:(alpha|beta)([1-9]\d*))?$/.exec(version)
    if (!match) return [1, 0, 0, 0]
    return [0, match[2] === undefined ? 0 : match[2] === 'beta' ? 1 : 2, -Number(match[1]), -Number(match[3] ?? 0)]
  }
  const left = rank(a)
  const right = rank(b)
  for (let i = 0; i < 4; i++) if (left[i] !== right[i]) return left[i]! - right[i]!
  return a < b ? -1 : a > b ? 1 : 0
}

/** Group versions with their kinds, in discovery's order. */
export function groupVersions(kinds: readonly Kind[]): GroupVersion[] {
  const found = new Map<string, GroupVersion>()
  for (const kind of kinds) {
    const key = `${kind.group}/${kind.version}`
    let entry = found.get(key)
    if (!entry) found.set(key, (entry = { group: kind.group, version: kind.version, kinds: [] }))
    entry.kinds.push(kind)
  }
  const order = (group: string) => {
    const at = GROUP_ORDER.indexOf(group)
    return at < 0 ? GROUP_ORDER.length : at
  }
  const sorted = [...found.values()].sort((a, b) =>
    order(a.group) - order(b.group) || (a.group < b.group ? -1 : a.group > b.group ? 1 : 0) || compareVersions(a.version, b.version))
  for (const entry of sorted) entry.kinds.sort((a, b) => (a.resource < b.resource ? -1 : a.resource > b.resource ? 1 : 0))
  return sorted
}

function groupVersionText(of: { group: string; version: string }): string {
  return of.group ? `${of.group}/${of.version}` : of.version
}

/** `/api`: the versions of the core group. `serverAddress` is host and port that clients should use. */
export function apiVersionsDocument(serverAddress: string): Record<string, unknown> {
  return { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress }] }
}

/** `/apis`: all groups. */
export function apiGroupListDocument(kinds: readonly Kind[]): Record<string, unknown> {
  const groups = [...new Set(groupVersions(kinds).map((entry) => entry.group))].filter((group) => group !== '')
  return { kind: 'APIGroupList', apiVersion: 'v1', groups: groups.map((group) => groupOf(kinds, group)) }
}

function groupOf(kinds: readonly Kind[], group: string): Record<string, unknown> {
  const versions = groupVersions(kinds).filter((entry) => entry.group === group).map((entry) => ({ groupVersion: groupVersionText(entry), version: entry.version }))
  return { name: group, versions, preferredVersion: versions[0] }
}

/** `/apis/GROUP`, or undefined when there is no such group. */
export function apiGroupDocument(kinds: readonly Kind[], group: string): Record<string, unknown> | undefined {
  if (!kinds.some((kind) => kind.group === group)) return undefined
  return { kind: 'APIGroup', apiVersion: 'v1', ...groupOf(kinds, group) }
}

/** `/api/v1` (group '') and `/apis/GROUP/VERSION`, or undefined when there is no such version. */
export function apiResourceListDocument(kinds: readonly Kind[], group: string, version: string): Record<string, unknown> | undefined {
  const entry = groupVersions(kinds).find((found) => found.group === group && found.version === version)
  if (!entry) return undefined
  return { kind: 'APIResourceList', ...(group ? { apiVersion: 'v1' } : {}), groupVersion: groupVersionText(entry), resources: entry.kinds.flatMap(resourcesOf) }
}

function resourcesOf(kind: Kind): Record<string, unknown>[] {
  const main = {
    name: kind.resource, singularName: kind.singular, namespaced: kind.namespaced, kind: kind.kind, verbs: kind.verbs,
    ...(kind.shortNames.length > 0 ? { shortNames: kind.shortNames } : {}),
    ...(kind.categories.length > 0 ? { categories: kind.categories } : {}),
    ...(kind.storageVersionHash ? { storageVersionHash: kind.storageVersionHash } : {}),
  }
  const subresources = subresourcesOf(kind).map(([name, info]) => ({
    name: `${kind.resource}/${name}`, singularName: '', namespaced: kind.namespaced,
    ...(info.group ? { group: info.group } : {}), ...(info.version ? { version: info.version } : {}),
    kind: info.kind ?? kind.kind, verbs: info.verbs,
  }))
  return [main, ...subresources]
}

function subresourcesOf(kind: Kind): [string, SubresourceInfo][] {
  return Object.entries(kind.subresources).sort(([a], [b]) => (a < b ? -1 : 1))
}

/** The aggregated form of `/api` (only the core group) and `/apis` (all others): one document with everything. */
export function aggregatedDiscoveryDocument(kinds: readonly Kind[], of: 'api' | 'apis'): Record<string, unknown> {
  const entries = groupVersions(kinds).filter((entry) => (entry.group === '') === (of === 'api'))
  const groups = [...new Set(entries.map((entry) => entry.group))]
  return {
    kind: 'APIGroupDiscoveryList', apiVersion: 'apidiscovery.k8s.io/v2', metadata: {},
    items: groups.map((group) => ({
      metadata: group ? { name: group } : {},
      versions: entries.filter((entry) => entry.group === group).map((entry) => ({
        version: entry.version, resources: entry.kinds.map(aggregatedResource), freshness: 'Current',
      })),
    })),
  }
}

function aggregatedResource(kind: Kind): Record<string, unknown> {
  const subresources = subresourcesOf(kind).map(([name, info]) => ({
    subresource: name, responseKind: { group: info.group ?? '', version: info.version ?? '', kind: info.kind ?? kind.kind }, verbs: info.verbs,
  }))
  return {
    resource: kind.resource, responseKind: { group: '', version: '', kind: kind.kind }, scope: kind.namespaced ? 'Namespaced' : 'Cluster',
    singularResource: kind.singular, verbs: kind.verbs,
    ...(kind.shortNames.length > 0 ? { shortNames: kind.shortNames } : {}),
    ...(kind.categories.length > 0 ? { categories: kind.categories } : {}),
    ...(subresources.length > 0 ? { subresources } : {}),
  }
}
