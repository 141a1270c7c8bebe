import type { Clock } from '../../base/clock.ts'
import type { HttpRequest } from '../../base/http.ts'
import type { Random } from '../../base/random.ts'
import { Etcd } from '../etcd/etcd.ts'
import type { Kind } from '../kinds/kind.ts'
import { isStatusError } from '../kinds/status-error.ts'
import { AdmissionChain } from './admission-chain.ts'
import { apiGroupDocument, apiGroupListDocument, apiResourceListDocument, type DiscoverySource } from './discovery/discovery.ts'
import { jsonText } from './json-text.ts'
import { OpenApi } from './openapi/open-api.ts'
import { Registry } from './registry.ts'
import { requestInfo, type RequestInfo } from './request-info.ts'
import { ResourceCatalog } from './resource-catalog.ts'
import { ResourceHandler } from './resource-handler.ts'
import { answer, pathNotFound, plainText, statusAnswer } from './responses.ts'
import type { AdmissionPlugin, Reader, UserInfo } from './seams.ts'
import { Subresources } from './subresources/subresources.ts'
import { warningHeaders } from './warnings.ts'
import { WriteOperations } from './write-operations.ts'

export interface GenericServerOptions {
  clock: Clock
  random: Random
  kinds: readonly Kind[]
  gitVersion: string
  admission?: readonly AdmissionPlugin[]
}

/** The library's part of an extension API server: it serves some kinds and their discovery. Who asks and whether they may is the caller's to know. */
export interface GenericServer {
  readonly reader: Reader
  handle(request: HttpRequest, user: UserInfo): Promise<Response>
  /** What a request asks for, to judge it by. */
  infoOf(request: HttpRequest): RequestInfo
  stop(): void
}

const json = (body: Record<string, unknown>) => answer(200, jsonText(body), { encoding: 'json', pretty: false })
const nowhere = () => Promise.reject(new Error('no network'))

/** k8s: apiserver/pkg/server GenericAPIServer */
export function createGenericServer({ clock, random, kinds, gitVersion, admission = [] }: GenericServerOptions): GenericServer {
  const etcd = new Etcd({ clock })
  const catalog = new ResourceCatalog({ etcd, clock, kinds })
  const { reader } = catalog
  const chain = new AdmissionChain(admission, { reader, api: undefined as never, nowMs: () => clock.nowMs(), authorizer: { authorize: () => ({ allowed: true }) } })
  const registry = new Registry({ clock, random, admission: chain })
  const writes = new WriteOperations(registry, clock)
  const subresources = new Subresources({ clock, random, catalog, registry, writes, admission: chain, dialer: { kubelet: nowhere, http: nowhere }, virtualResources: [] })
  const resources = new ResourceHandler({ clock, random, etcd, catalog, registry, writes, subresources })
  const openApi = new OpenApi({ clock, kinds: () => catalog.kinds(), gitVersion, descriptions: async () => ({}) })

  const infoOf = (request: HttpRequest) => {
    const url = new URL(request.url)
    return requestInfo(request.method, url.pathname, url.searchParams)
  }

  async function serve(request: HttpRequest, user: UserInfo, warnings: string[]): Promise<Response> {
    const url = new URL(request.url)
    const path = url.pathname.replace(/\/+$/, '')
    if (['/healthz', '/livez', '/readyz'].includes(path)) return plainText(200, 'ok')
    if (path.startsWith('/openapi/')) return await openApi.handle(request, url.pathname) ?? pathNotFound()
    const info = infoOf(request)
    if (info.isResourceRequest && info.parts.length > 0)
      return resources.handle({ request, query: url.searchParams, info, user, pretty: false, warn: (text) => { if (!warnings.includes(text)) warnings.push(text) }, annotate: () => {} })
    const source: DiscoverySource = { kinds: catalog.kinds(), apiServices: [], remote: () => undefined }
    const [root, group = '', version = '', ...rest] = path.slice(1).split('/')
    if (root !== 'apis' || rest.length > 0) return pathNotFound()
    const document = version ? apiResourceListDocument(source.kinds, group, version) : group ? apiGroupDocument(source, group) : apiGroupListDocument(source)
    return document ? json(document) : pathNotFound()
  }

  return {
    reader, infoOf,
    async handle(request, user) {
      const warnings: string[] = []
      let response: Response
      try {
        response = await serve(request, user, warnings)
      } catch (error) {
        if (!isStatusError(error)) throw error
        response = statusAnswer(error, { encoding: 'json', pretty: false })
      }
      for (const header of warningHeaders(warnings)) response.headers.append('warning', header)
      return response
    },
    stop: () => catalog.stop(),
  }
}
