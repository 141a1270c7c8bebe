import type { Clock } from '../../../base/clock.ts'
import { deepEqual } from '../../../base/freeze.ts'
import { httpRequest } from '../../../base/http.ts'
import { WorkQueue } from '../../client/work-queue.ts'
import type { Reader } from '../seams.ts'
import { API_SERVICES, type ApiServiceTable, groupVersionOf, type RemoteApiService } from './api-services.ts'
import type { ApiServiceProxy } from './api-service-proxy.ts'

/** Documents are asked for again this often. k8s: handler_discovery.go discoveryRefreshInterval */
const REFRESH_MS = 60_000
const FIRST_BACKOFF_MS = 500
const TIMEOUT_MS = 5_000
const ACCEPT = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList'

/** What a remote server says of one group version, as aggregated discovery shows it. */
export interface RemoteVersion {
  version: string
  resources?: unknown[]
  /** Stale: the server didn't answer; what it said last is shown, if anything. */
  freshness: 'Current' | 'Stale'
}

export interface RemoteDiscoveryOptions {
  clock: Clock
  reader: Reader
  table: ApiServiceTable
  proxy: ApiServiceProxy
}

/** Remembers what the servers behind APIServices serve. k8s: kube-aggregator/pkg/apiserver/handler_discovery.go */
export class RemoteDiscovery {
  readonly #options: RemoteDiscoveryOptions
  readonly #versions = new Map<string, RemoteVersion>()
  readonly #queue: WorkQueue
  readonly #failures = new Map<string, number>()
  #stopListening = () => {}
  /** Counts changes. */
  generation = 0

  constructor(options: RemoteDiscoveryOptions) {
    this.#options = options
    this.#queue = new WorkQueue({ clock: options.clock, workers: 2, process: (key) => this.#sync(key) })
  }

  start(): void {
    const { reader, table } = this.#options
    for (const apiService of table.remotes()) this.#queue.add(groupVersionOf(apiService))
    this.#stopListening = reader.onChange(API_SERVICES, ({ object, old }) => {
      const changed = (object ?? old) as unknown as RemoteApiService
      if (changed.spec?.service || old?.['spec']?.service) this.#queue.add(groupVersionOf(changed))
    })
  }

  stop(): void {
    this.#queue.stop()
    this.#stopListening()
  }

  /** What is known of a remote group version; undefined until it was first asked for. */
  get(groupVersion: string): RemoteVersion | undefined {
    return this.#versions.get(groupVersion)
  }

  async #sync(groupVersion: string): Promise<void> {
    const apiService = [...this.#options.table.remotes()].find((candidate) => groupVersionOf(candidate) === groupVersion)
    const version = groupVersion.slice(groupVersion.indexOf('/') + 1)
    if (!apiService) {
      this.#failures.delete(groupVersion)
      this.#put(groupVersion, undefined)
      return
    }
    const resources = await this.#ask(apiService)
    if (resources) {
      this.#failures.delete(groupVersion)
      this.#put(groupVersion, { version, ...(resources.length > 0 ? { resources } : {}), freshness: 'Current' })
      this.#queue.addAfter(groupVersion, REFRESH_MS)
      return
    }
    const known = this.#versions.get(groupVersion)?.resources
    this.#put(groupVersion, { version, ...(known ? { resources: known } : {}), freshness: 'Stale' })
    const failures = this.#failures.get(groupVersion) ?? 0
    this.#failures.set(groupVersion, failures + 1)
    this.#queue.addAfter(groupVersion, Math.min(FIRST_BACKOFF_MS * 2 ** failures, REFRESH_MS))
  }

  #put(groupVersion: string, next: RemoteVersion | undefined): void {
    if (deepEqual(this.#versions.get(groupVersion), next)) return
    this.generation++
    if (next) this.#versions.set(groupVersion, next)
    else this.#versions.delete(groupVersion)
  }

  /** The resources of a remote group version in the aggregated form; undefined when they can't be had. */
  async #ask(apiService: RemoteApiService): Promise<unknown[] | undefined> {
    const { group = '', version } = apiService.spec
    const all = await this.#get(apiService, '/apis', ACCEPT)
    if (all?.status === 503) return undefined
    if (all?.status === 200 && all.body?.['kind'] === 'APIGroupDiscoveryList') {
      const items = (all.body['items'] ?? []) as { metadata?: { name?: string }; versions?: { version: string; resources?: unknown[] }[] }[]
      return items.find((item) => (item.metadata?.name ?? '') === group)?.versions?.find((candidate) => candidate.version === version)?.resources ?? []
    }
    const one = await this.#get(apiService, group ? `/apis/${group}/${version}` : `/api/${version}`, 'application/json')
    if (one?.status !== 200) return undefined
    return aggregatedResources((one.body?.['resources'] ?? []) as ApiResource[], group, version!)
  }

  async #get(apiService: RemoteApiService, path: string, accept: string): Promise<{ status: number; body: Record<string, unknown> | undefined } | undefined> {
    const { clock, proxy } = this.#options
    const deadline = new AbortController()
    const timer = clock.after(TIMEOUT_MS, () => deadline.abort(new Error('request timed out')))
    const late = new Promise<undefined>((resolve) => deadline.signal.addEventListener('abort', () => resolve(undefined), { once: true }))
    try {
      const request = httpRequest(`https://localhost${path}`, { headers: { accept }, signal: deadline.signal })
      const asked = proxy.serve(apiService, { request, path, query: new URLSearchParams(), user: { name: 'system:kube-aggregator', groups: ['system:masters'] } })
      const response = await Promise.race([asked, late])
      if (!response) return undefined
      const text = await response.text()
      let body: Record<string, unknown> | undefined
      try {
        body = JSON.parse(text) as Record<string, unknown>
      } catch {
        body = undefined
      }
      return { status: response.status, body }
    } catch {
      return undefined
    } finally {
      timer.cancel()
    }
  }
}

interface ApiResource {
  name: string
  singularName?: string
  namespaced?: boolean
  group?: string
  version?: string
  kind: string
  verbs?: string[]
  shortNames?: string[]
  categories?: string[]
}

/** Plain discovery's resources in the aggregated form. k8s: apiserver/pkg/endpoints ConvertGroupVersionIntoToDiscovery */
function aggregatedResources(resources: readonly ApiResource[], group: string, version: string): unknown[] {
  const out = new Map<string, Record<string, unknown>>()
  const kindOf = (resource: ApiResource) => ({ group: resource.group || group, version: resource.version || version, kind: resource.kind })
  for (const resource of resources) {
    if (resource.name.includes('/')) continue
    out.set(resource.name, {
      resource: resource.name, responseKind: kindOf(resource), scope: resource.namespaced ? 'Namespaced' : 'Cluster', singularResource: resource.singularName ?? '', verbs: resource.verbs ?? [],
      ...(resource.shortNames ? { shortNames: resource.shortNames } : {}), ...(resource.categories ? { categories: resource.categories } : {}),
    })
  }
  for (const resource of resources) {
    const [name = '', subresource] = resource.name.split('/')
    if (subresource === undefined) continue
    let parent = out.get(name)
    if (!parent) out.set(name, parent = { resource: name, responseKind: { group: '', version: '', kind: '' }, scope: resource.namespaced ? 'Namespaced' : 'Cluster', singularResource: '', verbs: null })
    const list = (parent['subresources'] ??= []) as unknown[]
    list.push({ subresource, responseKind: resource.kind ? kindOf(resource) : { group: '', version: '', kind: '' }, verbs: resource.verbs ?? [] })
  }
  return [...out.values()]
}
