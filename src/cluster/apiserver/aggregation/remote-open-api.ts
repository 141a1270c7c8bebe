import type { Clock } from '../../../base/clock.ts'
import { httpRequest } from '../../../base/http.ts'
import { textHash } from '../text-hash.ts'
import type { ApiServiceProxy } from './api-service-proxy.ts'
import { type ApiServiceTable, isAvailable, type RemoteApiService } from './api-services.ts'

/** How long a remote server's documents stand. k8s: kube-aggregator/pkg/controllers/openapi successfulUpdateDelay */
const REFRESH_MS = 60_000
const TIMEOUT_MS = 5_000
const USER = { name: 'system:aggregator', groups: [] }

/** What other servers add to the documents below /openapi. */
export interface RemoteDocuments {
  /** Changes with what follows. */
  hash: string
  v2: { paths: Record<string, unknown>; definitions: Record<string, unknown> }
  /** `apis/example.com/v1` and where its document is, below this server. */
  v3: Record<string, { serverRelativeURL: string }>
}

const NOTHING: RemoteDocuments = { hash: '', v2: { paths: {}, definitions: {} }, v3: {} }

interface Known {
  untilMs: number
  version: string
  paths: Record<string, unknown>
  definitions: Record<string, unknown>
  v3: { serverRelativeURL: string } | undefined
}

/** Fetches the OpenAPI documents of the servers behind APIServices. k8s: kube-aggregator/pkg/controllers/{openapi,openapiv3} */
export class RemoteOpenApi {
  readonly #clock: Clock
  readonly #table: ApiServiceTable
  readonly #proxy: ApiServiceProxy
  readonly #known = new Map<string, Known>()

  constructor(options: { clock: Clock; table: ApiServiceTable; proxy: ApiServiceProxy }) {
    this.#clock = options.clock
    this.#table = options.table
    this.#proxy = options.proxy
  }

  async documents(): Promise<RemoteDocuments> {
    const remotes = [...this.#table.remotes()]
    if (remotes.length === 0) return NOTHING
    const out: RemoteDocuments = { hash: '', v2: { paths: {}, definitions: {} }, v3: {} }
    for (const apiService of remotes) {
      const known = await this.#of(apiService)
      if (!known) continue
      Object.assign(out.v2.paths, known.paths)
      // Schemas that all servers share are this server's own; the others have names of their group.
      for (const [name, schema] of Object.entries(known.definitions)) out.v2.definitions[name] ??= schema
      if (known.v3) out.v3[groupVersionPath(apiService)] = known.v3
    }
    out.hash = textHash(JSON.stringify([out.v2, out.v3]))
    return out
  }

  /** The v3 document of a group version that another server answers; undefined for this server's own. */
  async v3(path: string, query: URLSearchParams): Promise<Response | undefined> {
    const apiService = this.#table.remoteFor(path.slice('/openapi/v3'.length))
    if (!apiService || path !== `/openapi/v3/${groupVersionPath(apiService)}`) return undefined
    return this.#proxy.serve(apiService, { request: httpRequest(`https://localhost${path}`, { headers: { accept: 'application/json' } }), path, query, user: USER })
  }

  async #of(apiService: RemoteApiService): Promise<Known | undefined> {
    const name = apiService.metadata.name!
    const known = this.#known.get(name)
    const nowMs = this.#clock.nowMs()
    const version = apiService.metadata.resourceVersion!
    if (known && known.untilMs > nowMs && known.version === version) return known
    if (!isAvailable(apiService)) return undefined
    const [v2, index] = await Promise.all([this.#get(apiService, '/openapi/v2'), this.#get(apiService, '/openapi/v3')])
    const root = `/${groupVersionPath(apiService)}`
    const paths = Object.fromEntries(Object.entries((v2?.['paths'] ?? {}) as Record<string, unknown>).filter(([path]) => path === root || path.startsWith(`${root}/`)))
    const next: Known = { untilMs: nowMs + REFRESH_MS, version, paths, definitions: Object.keys(paths).length > 0 ? (v2?.['definitions'] ?? {}) as Record<string, unknown> : {}, v3: ((index?.['paths'] ?? {}) as Record<string, { serverRelativeURL: string }>)[root.slice(1)] }
    this.#known.set(name, next)
    return next
  }

  async #get(apiService: RemoteApiService, path: string): Promise<Record<string, unknown> | undefined> {
    const deadline = new AbortController()
    const timer = this.#clock.after(TIMEOUT_MS, () => deadline.abort(new Error('context deadline exceeded')))
    const late = new Promise<undefined>((resolve) => deadline.signal.addEventListener('abort', () => resolve(undefined), { once: true }))
    try {
      const request = httpRequest(`https://localhost${path}`, { headers: { accept: 'application/json' }, signal: deadline.signal })
      const response = await Promise.race([this.#proxy.serve(apiService, { request, path, query: new URLSearchParams(), user: USER }), late])
      return response?.status === 200 ? await response.json() as Record<string, unknown> : undefined
    } catch {
      return undefined
    } finally {
      timer.cancel()
    }
  }
}

function groupVersionPath({ spec }: RemoteApiService): string {
  return spec.group ? `apis/${spec.group}/${spec.version}` : `api/${spec.version}`
}
