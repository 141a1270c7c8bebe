import type { RestClient } from '../rest-client.ts'
import { NoKindMatch, NoResourceMatch } from './errors.ts'

/** A resource of one group version, as discovery shows it. */
export interface ApiResource {
  group: string
  version: string
  kind: string
  /** Plural. */
  resource: string
  singular: string
  namespaced: boolean
  shortNames: readonly string[]
  categories: readonly string[]
  verbs: readonly string[]
  subresources: readonly { name: string; kind: string; group: string; version: string }[]
}

export interface ApiGroup {
  name: string
  /** In the server's order of preference. */
  versions: { version: string; resources: ApiResource[] }[]
}

const AGGREGATED = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json'

/** `apps/v1`, `v1`. */
export function groupVersion(of: { group: string; version: string }): string {
  return of.group ? `${of.group}/${of.version}` : of.version
}

/** `deployments.apps`, `pods`. */
export function groupResource(of: { group: string; resource: string }): string {
  return of.group ? `${of.resource}.${of.group}` : of.resource
}

/** `deployment.apps`, `pod`: how printers name a kind. */
export function lowerGroupKind(of: { group: string; kind: string }): string {
  return (of.group ? `${of.kind}.${of.group}` : of.kind).toLowerCase()
}

/** Splits `apps/v1` or `v1`. */
export function parseGroupVersion(apiVersion: string): { group: string; version: string } {
  const at = apiVersion.indexOf('/')
  return at < 0 ? { group: '', version: apiVersion } : { group: apiVersion.slice(0, at), version: apiVersion.slice(at + 1) }
}

/** Everything the server serves: aggregated discovery, or group by group where that is not offered. */
export async function discover(rest: RestClient): Promise<ApiGroup[]> {
  const core = await rest.json('GET', '/api', { accept: AGGREGATED, query: { timeout: '32s' } })
  const named = await rest.json('GET', '/apis', { accept: AGGREGATED, query: { timeout: '32s' } })
  const groups: ApiGroup[] = []
  if (core.kind === 'APIGroupDiscoveryList') groups.push(...core.items.map(fromAggregated))
  else groups.push({ name: '', versions: await Promise.all((core.versions as string[]).map(async (version) => ({ version, resources: await listResources(rest, '', version) }))) })
  if (named.kind === 'APIGroupDiscoveryList') groups.push(...named.items.map(fromAggregated))
  else for (const group of named.groups as any[]) {
    const preferred = group.preferredVersion?.version
    const versions = (group.versions as any[]).map((v) => v.version as string).sort((a, b) => Number(b === preferred) - Number(a === preferred))
    groups.push({ name: group.name, versions: await Promise.all(versions.map(async (version) => ({ version, resources: await listResources(rest, group.name, version) }))) })
  }
  return groups
}

function fromAggregated(item: any): ApiGroup {
  const name = item.metadata?.name ?? ''
  return {
    name,
    versions: (item.versions ?? []).map((v: any) => ({
      version: v.version,
      resources: (v.resources ?? []).map((r: any): ApiResource => ({
        group: name, version: v.version, kind: r.responseKind?.kind ?? '', resource: r.resource, singular: r.singularResource ?? '',
        namespaced: r.scope === 'Namespaced', shortNames: r.shortNames ?? [], categories: r.categories ?? [], verbs: r.verbs ?? [],
        subresources: (r.subresources ?? []).map((s: any) => ({ name: s.subresource, kind: s.responseKind?.kind ?? '', group: s.responseKind?.group ?? '', version: s.responseKind?.version ?? '' })),
      })),
    })),
  }
}

async function listResources(rest: RestClient, group: string, version: string): Promise<ApiResource[]> {
  let list: any
  try {
    list = await rest.json('GET', group ? `/apis/${group}/${version}` : `/api/${version}`)
  } catch {
    return [] // k8s: a failing aggregated API doesn't spoil the rest
  }
  const all = list.resources as any[]
  return all.filter((r) => !r.name.includes('/')).map((r): ApiResource => ({
    group: r.group ?? group, version: r.version ?? version, kind: r.kind, resource: r.name, singular: r.singularName ?? '', namespaced: r.namespaced,
    shortNames: r.shortNames ?? [], categories: r.categories ?? [], verbs: r.verbs ?? [],
    subresources: all.filter((s) => s.name.startsWith(`${r.name}/`)).map((s) => ({ name: s.name.slice(r.name.length + 1), kind: s.kind, group: s.group ?? group, version: s.version ?? version })),
  }))
}

/** Finds resources by the many names users give them. k8s: client-go/restmapper */
export class RestMapper {
  readonly groups: readonly ApiGroup[]
  readonly #warn: (text: string) => void
  /** @param warn hears of short names that several resources have */
  constructor(groups: readonly ApiGroup[], warn: (text: string) => void = () => {}) {
    this.groups = groups
    this.#warn = warn
  }

  /** Every resource, groups and versions in the server's order of preference. */
  *resources(): Generator<ApiResource> {
    for (const group of this.groups) for (const v of group.versions) yield* v.resources
  }

  /** Each resource in one version: the preferred one, or the first that has it. k8s: client-go/discovery ServerPreferredResources */
  *preferredResources(): Generator<ApiResource> {
    for (const group of this.groups) {
      const names = new Set<string>()
      for (const { resources } of group.versions) {
        for (const r of resources) {
          if (names.has(r.resource)) continue
          names.add(r.resource)
          yield r
        }
      }
    }
  }

  /**
   * What a user means by `po`, `Pods`, `deployments.apps`, `deployments.v1.apps` or a kind's name.
   * @throws Error `the server doesn't have a resource type ...`
   */
  mappingFor(arg: string): ApiResource {
    const found = this.resourceFor(arg) ?? this.#byKindArg(arg)
    if (!found) throw new Error(`the server doesn't have a resource type ${JSON.stringify(arg.split('.')[0])}`)
    return found
  }

  /** As {@link mappingFor} by resource names only. @throws NoResourceMatch */
  requireResource(arg: string): ApiResource {
    const found = this.resourceFor(arg)
    if (!found) {
      const [resource, ...group] = arg.split('.')
      throw new NoResourceMatch(resource!, group.join('.'))
    }
    return found
  }

  resourceFor(arg: string): ApiResource | undefined {
    const [name, ...rest] = arg.split('.')
    if (rest.length >= 2) {
      const found = this.#match(name!, rest.slice(1).join('.'), rest[0]!)
      if (found) return found
    }
    return this.#match(name!, rest.join('.'), '')
  }

  #match(given: string, group: string, version: string): ApiResource | undefined {
    const name = given.toLowerCase()
    const fits = (r: ApiResource, exact: boolean) => (group === '' || (exact ? r.group === group : r.group.startsWith(group))) && (version === '' || r.version === version)
    for (const exact of [true, false]) {
      for (const r of this.resources()) if (fits(r, exact) && (r.resource === name || (r.singular || r.kind.toLowerCase()) === name)) return r
      // A short name of a group stands for the resource in whatever version there is. k8s: restmapper expandResourceShortcut
      const anyVersion = (r: ApiResource) => exact && version !== '' ? group === '' || r.group === group : fits(r, exact)
      let found: ApiResource | undefined
      for (const r of this.resources()) {
        if (!anyVersion(r) || !r.shortNames.includes(given)) continue
        // The same resource in another version isn't another one.
        if (found && (r.group !== found.group || r.resource !== found.resource)) this.#warn(`short name ${JSON.stringify(name)} could also match lower priority resource ${groupResource(r)}`)
        found ??= r
      }
      if (found) return found
    }
    return undefined
  }

  #byKindArg(arg: string): ApiResource | undefined {
    const [kind, ...rest] = arg.split('.')
    if (rest.length >= 2) {
      const found = this.#firstKind(kind!, rest.slice(1).join('.'), rest[0]!)
      if (found) return found
    }
    return this.#firstKind(kind!, rest.join('.'), '')
  }

  #firstKind(kind: string, group: string, version: string): ApiResource | undefined {
    for (const r of this.resources()) if (r.kind === kind && r.group === group && (version === '' || r.version === version)) return r
    return undefined
  }

  /** The resource of an object. @throws NoKindMatch */
  forKind(apiVersion: string, kind: string): ApiResource {
    const { group, version } = parseGroupVersion(apiVersion)
    const found = this.#firstKind(kind, group, version)
    if (!found) throw new NoKindMatch(kind, group, [version])
    return found
  }

  /** The preferred version's resource of a kind. */
  forGroupKind(group: string, kind: string): ApiResource | undefined {
    return this.#firstKind(kind, group, '')
  }

  /** The resources of a category such as `all`, or undefined when there is none of that name. */
  expandCategory(name: string): ApiResource[] | undefined {
    const out: ApiResource[] = []
    const seen = new Set<string>()
    for (const group of this.groups) for (const { resources } of group.versions)
      for (const r of resources) if (r.categories.includes(name) && !seen.has(groupResource(r))) { seen.add(groupResource(r)); out.push(r) }
    return out.length > 0 ? out : undefined
  }
}

/** What a name may not be because it would lead elsewhere. k8s: apimachinery/pkg/api/validate/content IsPathSegmentName */
function pathSegmentProblems(name: string): string[] {
  if (name === '.' || name === '..') return [`may not be '${name}'`]
  return ['/', '%'].filter((c) => name.includes(c)).map((c) => `may not contain '${c}'`)
}

/** The path of a resource, or of one object of it. @throws Error for names that can't be part of a path. k8s: client-go/rest Request.Name, Namespace */
export function resourcePath(of: ApiResource, namespace: string, name = '', subresource = ''): string {
  for (const [what, text] of [['namespace', of.namespaced ? namespace : ''], ['resource name', name]] as const) {
    const problems = text ? pathSegmentProblems(text) : []
    if (problems.length > 0) throw new Error(`invalid ${what} ${JSON.stringify(text)}: [${problems.join(' ')}]`)
  }
  const base = of.group ? `/apis/${of.group}/${of.version}` : of.version ? `/api/${of.version}` : '/api'
  const scope = of.namespaced && namespace ? `/namespaces/${namespace}` : ''
  return `${base}${scope}/${of.resource}${name ? `/${encodeURIComponent(name)}` : ''}${subresource ? `/${subresource}` : ''}`
}
