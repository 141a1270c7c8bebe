import type { Clock } from '../../../base/clock.ts'
import type { HttpRequest } from '../../../base/http.ts'
import type { Kind } from '../../kinds/kind.ts'
import { schemas, type Schema } from '../../kinds/schema-table.ts'
import { schemaOf } from '../custom-resources/custom-resource-schemas.ts'
import type { RemoteDocuments } from '../aggregation/remote-open-api.ts'
import { parseAccept } from '../media-types.ts'
import { textHash } from '../text-hash.ts'
import { OPENAPI_PROTOBUF_TYPES, openApiProtobuf } from './open-api-protobuf.ts'
import { pathsOf, QUERY_TYPES } from './operations.ts'
import type { Operation } from './operations.ts'
import { referencesOf, schemaV2, schemaV3 } from './schema-documents.ts'
import type { Descriptions } from './schema-documents.ts'

const BODY_TYPES = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf']
const PATCH_TYPES = ['application/apply-patch+yaml', 'application/json-patch+json', 'application/merge-patch+json', 'application/strategic-merge-patch+json']
const CUSTOM_TYPES = ['application/json', 'application/yaml']
const CUSTOM_PATCH_TYPES = ['application/apply-patch+yaml', 'application/json-patch+json', 'application/merge-patch+json']
const OTHER_SCHEMAS = ['io.k8s.apimachinery.pkg.apis.meta.v1.Status', 'io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions', 'io.k8s.apimachinery.pkg.apis.meta.v1.WatchEvent', 'io.k8s.apimachinery.pkg.apis.meta.v1.Patch', 'io.k8s.apimachinery.pkg.version.Info']

export interface OpenApiOptions {
  clock: Clock
  /** Kinds served at the moment. */
  kinds(): readonly Kind[]
  gitVersion: string
  /** Loads what fields mean; resolves with nothing where there is no such file. */
  descriptions(): Promise<Descriptions>
  /** What other servers add. */
  remote?: { documents(): Promise<RemoteDocuments>; v3(path: string, query: URLSearchParams): Promise<Response | undefined> }
}

/** A document, and what it was made of. */
interface Document {
  kinds: readonly Kind[]
  /** What other servers had added. */
  remoteHash: string
  text: string
  hash: string
  /** The same in protobuf, once somebody asked for it. */
  protobuf?: Uint8Array
}

/** A part of documents: members of a JSON object, without its braces. */
interface Part {
  text: string
  hash: string
  /** Schemas that it refers to. */
  references: readonly string[]
}

type Form = 'v2' | 'v3'

/**
 * The documents below /openapi: made when first asked for, and anew when the served kinds change. They are put together from parts of their
 * own, so that one more custom resource costs little more than its own part.
 */
export class OpenApi {
  readonly #options: OpenApiOptions
  readonly #documents = new Map<string, Document>()
  readonly #paths = new WeakMap<Kind, Partial<Record<Form, Part>>>()
  readonly #definitions: Record<Form, Map<string, Part & { schema: Schema }>> = { v2: new Map(), v3: new Map() }
  #descriptions: Promise<Descriptions> | undefined

  constructor(options: OpenApiOptions) {
    this.#options = options
  }

  /** The answer for a path below /openapi, or undefined where there is nothing. */
  async handle(request: HttpRequest, path: string): Promise<Response | undefined> {
    const kinds = this.#options.kinds()
    const trimmed = path.replace(/\/+$/, '')
    if (trimmed === '/openapi/v3') return this.#answer(request, JSON.stringify({ paths: await this.#index(kinds) }), undefined)
    if (trimmed.startsWith('/openapi/v3/')) {
      const remote = await this.#options.remote?.v3(trimmed, new URL(request.url).searchParams)
      if (remote) return remote
    }
    const document = await this.#document(trimmed, kinds)
    if (!document) return undefined
    if (trimmed === '/openapi/v2' && wantsProtobuf(request)) {
      document.protobuf ??= await openApiProtobuf(JSON.parse(document.text), this.#options.clock)
      return new Response(document.protobuf.slice(), { headers: { 'content-type': `application/${OPENAPI_PROTOBUF_TYPES[0]}`, vary: 'Accept', etag: `"${document.hash}"` } })
    }
    return this.#answer(request, document.text, document.hash)
  }

  #answer(request: HttpRequest, text: string, hash: string | undefined): Response {
    const accept = request.headers.get('accept')
    // Below v3 documents exist as JSON; whoever takes nothing but protobuf is refused.
    if (accept && !parseAccept(accept).some(({ type, subType }) => (type === '*' || type === 'application') && (subType === '*' || subType === 'json')))
      return new Response(null, { status: 406, headers: { 'content-type': 'text/plain; charset=utf-8' } })
    // k8s: handler3.HandleDiscovery leaves the type of the index to be guessed from its text
    const headers: Record<string, string> = { 'content-type': hash ? 'application/json' : 'text/plain; charset=utf-8', vary: 'Accept' }
    if (hash) {
      headers['etag'] = `"${hash}"`
      if (request.headers.get('if-none-match')?.includes(hash)) return new Response(null, { status: 304, headers })
      // k8s: kube-openapi/pkg/handler3: a document is asked for by its hash, and then never again
      const asked = new URL(request.url).searchParams.get('hash')
      if (asked === hash) Object.assign(headers, { 'cache-control': 'public, immutable', expires: 'Thu, 31 Dec 2099 23:59:59 GMT' })
      else if (asked !== null) return new Response(null, { status: 301, headers: { location: `${new URL(request.url).pathname}?hash=${hash}` } })
    }
    return new Response(text, { headers })
  }

  async #index(kinds: readonly Kind[]): Promise<Record<string, { serverRelativeURL: string }>> {
    const out: Record<string, { serverRelativeURL: string }> = {}
    for (const path of groupVersionsOf(kinds)) {
      const document = (await this.#document(`/openapi/v3/${path}`, kinds))!
      out[path] = { serverRelativeURL: `/openapi/v3/${path}?hash=${document.hash}` }
    }
    Object.assign(out, (await this.#options.remote?.documents())?.v3)
    return Object.fromEntries(Object.entries(out).sort(([a], [b]) => (a < b ? -1 : 1)))
  }

  async #document(path: string, all: readonly Kind[]): Promise<Document | undefined> {
    let form: Form = 'v2'
    let kinds = all
    if (path !== '/openapi/v2') {
      form = 'v3'
      const groupVersion = path.startsWith('/openapi/v3/') ? path.slice('/openapi/v3/'.length) : undefined
      if (groupVersion === undefined || !groupVersionsOf(all).includes(groupVersion)) return undefined
      const [, group, version] = /^apis\/([^/]+)\/([^/]+)$/.exec(groupVersion) ?? [, groupVersion.startsWith('api/') ? '' : undefined, groupVersion.slice(4)]
      kinds = all.filter((kind) => kind.group === group && kind.version === version)
    }
    const remote = form === 'v2' ? await this.#options.remote?.documents() : undefined
    const held = this.#documents.get(path)
    if (held && held.remoteHash === (remote?.hash ?? '') && held.kinds.length === kinds.length && held.kinds.every((kind, i) => kind === kinds[i])) return held
    const document = await this.#made(form, kinds, all, remote)
    this.#documents.set(path, document)
    return document
  }

  async #made(form: Form, kinds: readonly Kind[], all: readonly Kind[], remote: RemoteDocuments | undefined): Promise<Document> {
    const descriptions = await (this.#descriptions ??= this.#options.descriptions().catch(() => ({})))
    const { clock, gitVersion } = this.#options
    const paths: Part[] = []
    for (const kind of kinds) {
      await clock.breathe()
      paths.push(this.#pathsPart(form, kind, all))
    }
    const custom = Object.assign({}, ...all.map((kind) => kind.custom?.openApi)) as Record<string, Schema>
    const isCustom = kinds.length > 0 && kinds.every((kind) => kind.custom)
    const names = new Set(form === 'v2' ? OTHER_SCHEMAS : kinds.length > 0 && !isCustom ? ['io.k8s.apimachinery.pkg.apis.meta.v1.APIResourceList'] : [])
    for (const part of paths) for (const name of part.references) names.add(name)
    const definitions = new Map<string, Part>()
    // What a definition refers to is added behind it, and so comes up in its turn.
    for (const name of names) {
      const part = this.#definitionPart(form, name, custom, descriptions)
      if (!part) continue
      await clock.breathe()
      definitions.set(name, part)
      for (const reference of part.references) names.add(reference)
    }
    if (remote) {
      const of = (name: string, value: unknown): Part => ({ text: `${JSON.stringify(name)}:${JSON.stringify(value)}`, hash: '', references: [] })
      for (const [path, item] of Object.entries(remote.v2.paths)) paths.push(of(path, item))
      for (const [name, schema] of Object.entries(remote.v2.definitions)) if (!definitions.has(name)) definitions.set(name, of(name, schema))
    }
    const sorted = [...definitions.keys()].sort().map((name) => definitions.get(name)!)
    const members = (parts: readonly Part[]) => `{${parts.filter((part) => part.text).map((part) => part.text).join(',')}}`
    const info = JSON.stringify(form === 'v3' && isCustom ? { title: 'Kubernetes CRD Swagger', version: 'v0.1.0' } : { title: 'Kubernetes', version: /^v(\d+\.\d+)/.exec(gitVersion)?.[1] ?? gitVersion })
    const security = JSON.stringify({ BearerToken: { type: 'apiKey', description: 'Bearer Token authentication', name: 'authorization', in: 'header' } })
    const text = form === 'v2'
      ? `{"swagger":"2.0","info":${info},"paths":${members(paths)},"definitions":${members(sorted)},"securityDefinitions":${security},"security":[{"BearerToken":[]}]}`
      : `{"openapi":"3.0.0","info":${info},"paths":${members(paths)},"components":{"schemas":${members(sorted)},"securitySchemes":${security}}}`
    return { kinds, remoteHash: remote?.hash ?? '', text, hash: textHash([...[...paths, ...sorted].map((part) => part.hash), remote?.hash ?? ''].join()) }
  }

  #pathsPart(form: Form, kind: Kind, all: readonly Kind[]): Part {
    let known = this.#paths.get(kind)
    if (!known) this.#paths.set(kind, known = {})
    if (known[form]) return known[form]
    const references = new Set([kind.schema])
    const schemaNameOf = (gvk: { group: string; version: string; kind: string }) =>
      all.find((k) => k.group === gvk.group && k.version === gvk.version && k.kind === gvk.kind)?.schema ?? schemaByKind().get(`${gvk.group}/${gvk.version}/${gvk.kind}`)
    const items: string[] = []
    for (const [path, operations] of pathsOf(kind, schemaNameOf)) {
      for (const operation of operations) for (const schema of [operation.body, operation.response]) if (schema) references.add(schema)
      items.push(`${JSON.stringify(path)}:${JSON.stringify(form === 'v2' ? pathItemV2(path, operations) : pathItemV3(path, operations))}`)
    }
    const text = items.join(',')
    return known[form] = { text, hash: textHash(text), references: [...references] }
  }

  #definitionPart(form: Form, name: string, custom: Readonly<Record<string, Schema>>, descriptions: Descriptions): Part | undefined {
    const schema = schemaOf(name, custom)
    if (!schema) return undefined
    const known = this.#definitions[form].get(name)
    if (known?.schema === schema) return known
    const shown = form === 'v2' ? schemaV2(name, schema, descriptions, Object.hasOwn(custom, name)) : schemaV3(name, schema, descriptions)
    const text = `${JSON.stringify(name)}:${JSON.stringify(shown)}`
    const part = { schema, text, hash: textHash(text), references: referencesOf(schema) }
    this.#definitions[form].set(name, part)
    return part
  }
}

/** Whether OpenAPI's protobuf is what the client likes best. */
function wantsProtobuf(request: HttpRequest): boolean {
  const accept = request.headers.get('accept')
  const first = accept ? parseAccept(accept)[0] : undefined
  return first?.type === 'application' && OPENAPI_PROTOBUF_TYPES.includes(first.subType)
}

/** `api/v1`, `apis/apps/v1`, and the paths of groups and the version. */
function groupVersionsOf(kinds: readonly Kind[]): string[] {
  const out = new Set(['.well-known/openid-configuration', 'api', 'apis', 'version'])
  for (const kind of kinds) {
    if (kind.group && !kind.custom) out.add(`apis/${kind.group}`)
    out.add(kind.group ? `apis/${kind.group}/${kind.version}` : `api/${kind.version}`)
  }
  return [...out].sort()
}

let byKind: Map<string, string> | undefined
function schemaByKind(): Map<string, string> {
  if (byKind) return byKind
  byKind = new Map()
  for (const [name, schema] of Object.entries(schemas)) for (const gvk of schema['x-kubernetes-group-version-kind'] ?? []) byKind.set(`${gvk.group}/${gvk.version}/${gvk.kind}`, name)
  return byKind
}

const pathParameters = (path: string) => [...path.matchAll(/\{(\w+)\}/g)].map((m) => m[1]!)
const responsesOf = (operation: Operation): string[] => operation.action === 'post' ? ['200', '201', '202', '401'] : operation.action === 'put' || operation.action === 'patch' ? ['200', '201', '401'] : operation.action === 'delete' ? ['200', '202', '401'] : ['200', '401']
const descriptionOf = (code: string) => ({ 200: 'OK', 201: 'Created', 202: 'Accepted', 401: 'Unauthorized' })[code as '200']

function pathItemV3(path: string, operations: readonly Operation[]): unknown {
  const out: Record<string, unknown> = {}
  for (const operation of operations) {
    const ref = (schema: string) => ({ $ref: `#/components/schemas/${schema}` })
    const content = (types: readonly string[], schema: string) => Object.fromEntries(types.map((type) => [type, { schema: ref(schema) }]))
    out[operation.method] = {
      tags: [operation.tag], description: operation.summary, operationId: operation.operationId,
      ...(operation.query.length > 0 ? { parameters: operation.query.map((name) => ({ name, in: 'query', schema: { type: QUERY_TYPES[name] ?? 'string', uniqueItems: true } })) } : {}),
      ...(operation.body ? { requestBody: { content: operation.action === 'patch' ? content(operation.custom ? CUSTOM_PATCH_TYPES : PATCH_TYPES, operation.body) : content(operation.custom ? CUSTOM_TYPES : ['*/*'], operation.body), ...(operation.action.startsWith('delete') ? {} : { required: true }) } } : {}),
      responses: Object.fromEntries(responsesOf(operation).map((code) => [code, { description: descriptionOf(code), ...(code !== '401' && operation.response ? { content: content(operation.custom ? CUSTOM_TYPES : BODY_TYPES, operation.response) } : {}) }])),
      'x-kubernetes-action': operation.action, 'x-kubernetes-group-version-kind': operation.gvk,
    }
  }
  out['parameters'] = [
    ...pathParameters(path).map((name) => ({ name, in: 'path', required: true, schema: { type: 'string', uniqueItems: true } })),
    { name: 'pretty', in: 'query', schema: { type: 'string', uniqueItems: true } },
  ]
  return out
}

function pathItemV2(path: string, operations: readonly Operation[]): unknown {
  const out: Record<string, unknown> = {}
  for (const operation of operations) {
    const ref = (schema: string) => ({ $ref: `#/definitions/${schema}` })
    const parameters = [
      ...(operation.body ? [{ name: 'body', in: 'body', ...(operation.action.startsWith('delete') ? {} : { required: true }), schema: ref(operation.body) }] : []),
      ...operation.query.map((name) => ({ name, in: 'query', type: QUERY_TYPES[name] ?? 'string', uniqueItems: true })),
    ]
    out[operation.method] = {
      description: operation.summary, consumes: operation.custom ? operation.action === 'patch' ? CUSTOM_PATCH_TYPES : CUSTOM_TYPES : operation.action === 'patch' ? PATCH_TYPES : ['*/*'], produces: operation.custom ? CUSTOM_TYPES : BODY_TYPES, schemes: ['https'], tags: [operation.tag], operationId: operation.operationId,
      ...(parameters.length > 0 ? { parameters } : {}),
      responses: Object.fromEntries(responsesOf(operation).map((code) => [code, { description: descriptionOf(code), ...(code !== '401' && operation.response ? { schema: ref(operation.response) } : {}) }])),
      'x-kubernetes-action': operation.action, 'x-kubernetes-group-version-kind': operation.gvk,
    }
  }
  out['parameters'] = [
    ...pathParameters(path).map((name) => ({ name, in: 'path', required: true, type: 'string', uniqueItems: true })),
    { name: 'pretty', in: 'query', type: 'string', uniqueItems: true },
  ]
  return out
}
