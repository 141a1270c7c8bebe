/**
 * Discovery: what the server serves, computed from the kinds that are installed right now.
 * k8s: apiserver/pkg/endpoints/discovery, kube-aggregator/pkg/apiserver/handler_apis.go
 */
import type { APIService } from '../../kinds/generated/types.ts'
import type { Kind, SubresourceInfo } from '../../kinds/kind.ts'
import { DEFAULT_PRIORITIES, groupVersionOf, isRemote } from '../aggregation/api-services.ts'
import type { RemoteVersion } from '../aggregation/remote-discovery.ts'
import { builtInPriorities } from '../bootstrap/cluster-objects.ts'
import { compareVersions } from './compare-versions.ts'

/** Priorities of the aggregator's own group: it is always the first. k8s: handler_discovery.go APIRegistrationGroupPriority */
const OWN_GROUP = 'apiregistration.k8s.io'
const OWN_PRIORITY = 20_000

/** A group version in discovery, answered by this server or by another one. */
export interface ServedVersion {
  group: string
  version: string
  groupPriority: number
  versionPriority: number
  /** Kinds that this server answers for, by name of their resource. */
  kinds: Kind[]
  /** What another server answers for, if one does. */
  remote?: RemoteVersion | undefined
}

/** What discovery is made of. */
export interface DiscoverySource {
  kinds: readonly Kind[]
  apiServices: readonly APIService[]
  /** What the server behind a remote APIService said of its group version. */
  remote(groupVersion: string): RemoteVersion | undefined
}

/** All group versions, parted into groups: the highest priority first. `byName` breaks ties between groups. */
function servedGroups({ kinds, apiServices, remote }: DiscoverySource, byName: (a: ServedVersion, b: ServedVersion) => number): ServedVersion[][] {
  const found = new Map<string, ServedVersion>()
  for (const apiService of apiServices) {
    const { group = '', version = '', groupPriorityMinimum, versionPriority } = apiService.spec
    const known = isRemote(apiService) ? remote(groupVersionOf(apiService)) ?? { version, freshness: 'Stale' as const } : undefined
    found.set(`${group}/${version}`, { group, version, groupPriority: groupPriorityMinimum, versionPriority, kinds: [], remote: known })
  }
  for (const kind of kinds) {
    const key = `${kind.group}/${kind.version}`
    let entry = found.get(key)
    if (!entry) {
      const { groupPriorityMinimum, versionPriority } = kind.group === OWN_GROUP ? { groupPriorityMinimum: OWN_PRIORITY, versionPriority: 15 } : builtInPriorities(kind.group, kind.version) ?? DEFAULT_PRIORITIES
      found.set(key, entry = { group: kind.group, version: kind.version, groupPriority: groupPriorityMinimum, versionPriority, kinds: [] })
    }
    if (!entry.remote) entry.kinds.push(kind)
  }
  const sorted = [...found.values()].filter((entry) => entry.remote || entry.kinds.length > 0).sort((a, b) => b.groupPriority - a.groupPriority || byName(a, b))
  const groups = new Map<string, ServedVersion[]>()
  for (const entry of sorted) {
    entry.kinds.sort((a, b) => (a.resource < b.resource ? -1 : a.resource > b.resource ? 1 : 0))
    const others = groups.get(entry.group)
    if (others) others.push(entry)
    else groups.set(entry.group, [entry])
  }
  for (const group of groups.values()) group.sort((a, b) => b.versionPriority - a.versionPriority || compareVersions(a.version, b.version))
  return [...groups.values()]
}

/** By the names that their APIServices have. */
const byApiServiceName = (a: ServedVersion, b: ServedVersion) => compareText(`${a.version}.${a.group}`, `${b.version}.${b.group}`)
const byGroup = (a: ServedVersion, b: ServedVersion) => compareText(a.group, b.group)
const compareText = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)

function groupVersionText(of: { group: string; version: string }): string {
  return of.group ? `${of.group}/${of.version}` : of.version
}

/** `/api`: the versions of the core group. `serverAddress` is host and port that clients should use. */
export function apiVersionsDocument(serverAddress: string): Record<string, unknown> {
  return { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress }] }
}

/** `/apis`: all groups. */
export function apiGroupListDocument(source: DiscoverySource): Record<string, unknown> {
  return { kind: 'APIGroupList', apiVersion: 'v1', groups: servedGroups(source, byApiServiceName).filter((versions) => versions[0]!.group !== '').map(groupOf) }
}

function groupOf(served: readonly ServedVersion[]): Record<string, unknown> {
  const versions = served.map((entry) => ({ groupVersion: groupVersionText(entry), version: entry.version }))
  return { name: served[0]!.group, versions, preferredVersion: versions[0] }
}

/** `/apis/GROUP`, or undefined when there is no such group. */
export function apiGroupDocument(source: DiscoverySource, group: string): Record<string, unknown> | undefined {
  const served = servedGroups(source, byApiServiceName).find((versions) => versions[0]!.group === group)
  return served && { kind: 'APIGroup', apiVersion: 'v1', ...groupOf(served) }
}

/** `/api/v1` (group '') and `/apis/GROUP/VERSION` as this server answers them, or undefined when it serves no such version. */
export function apiResourceListDocument(kinds: readonly Kind[], group: string, version: string): Record<string, unknown> | undefined {
  const served = kinds.filter((kind) => kind.group === group && kind.version === version).sort((a, b) => compareText(a.resource, b.resource))
  if (served.length === 0) return undefined
  return { kind: 'APIResourceList', ...(group ? { apiVersion: 'v1' } : {}), groupVersion: groupVersionText({ group, version }), resources: served.flatMap(resourcesOf) }
}

function resourcesOf(kind: Kind): Record<string, unknown>[] {
  const main = {
    name: kind.resource, singularName: kind.singular, namespaced: kind.namespaced, kind: kind.kind, verbs: shownVerbs(kind),
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

/** Of a kind that is on its way out, what brings new objects isn't shown any more. */
function shownVerbs(kind: Kind): readonly string[] {
  return kind.custom?.terminating ? kind.verbs.filter((verb) => !['create', 'patch', 'update'].includes(verb)) : kind.verbs
}

function subresourcesOf(kind: Kind): [string, SubresourceInfo][] {
  const all = Object.entries(kind.subresources)
  return kind.custom ? all : all.sort(([a], [b]) => (a < b ? -1 : 1))
}

/** The aggregated form of `/api` (only the core group) and `/apis` (all others): one document with everything. */
export function aggregatedDiscoveryDocument(source: DiscoverySource, of: 'api' | 'apis'): Record<string, unknown> {
  const groups = servedGroups(source, byGroup).filter((versions) => (versions[0]!.group === '') === (of === 'api'))
  return {
    kind: 'APIGroupDiscoveryList', apiVersion: 'apidiscovery.k8s.io/v2', metadata: {},
    items: groups.map((versions) => ({
      metadata: versions[0]!.group ? { name: versions[0]!.group } : {},
      versions: versions.map((entry) => entry.remote ?? { version: entry.version, resources: entry.kinds.map(aggregatedResource), freshness: 'Current' }),
    })),
  }
}

function aggregatedResource(kind: Kind): Record<string, unknown> {
  // Built-in kinds leave out what goes without saying.
  const own = kind.custom ? { group: kind.group, version: kind.version } : { group: '', version: '' }
  const subresources = subresourcesOf(kind).map(([name, info]) => ({
    subresource: name, responseKind: { group: info.group ?? own.group, version: info.version ?? own.version, kind: info.kind ?? kind.kind }, verbs: info.verbs,
  }))
  return {
    resource: kind.resource, responseKind: { ...own, kind: kind.kind }, scope: kind.namespaced ? 'Namespaced' : 'Cluster',
    singularResource: kind.singular, verbs: shownVerbs(kind),
    ...(kind.shortNames.length > 0 ? { shortNames: kind.shortNames } : {}),
    ...(kind.categories.length > 0 ? { categories: kind.categories } : {}),
    ...(subresources.length > 0 ? { subresources } : {}),
  }
}
