import type { Clock } from '../../../base/clock.ts'
import type { HttpRequest } from '../../../base/http.ts'
import type { Kind } from '../../kinds/kind.ts'
import { schemas, type Schema } from '../../kinds/schema-table.ts'
import { schemaOf } from '../custom-resources/custom-resource-schemas.ts'
import { parseAccept } from '../media-types.ts'
import { textHash } from '../text-hash.ts'
import { pathsOf, QUERY_TYPES } from './operations.ts'
import type { Operation } from './operations.ts'
import { schemaV2, schemaV3, withReferences } from './schema-documents.ts'
import type { Descriptions } from './schema-documents.ts'

const BODY_TYPES = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf']
const PATCH_TYPES = ['application/apply-patch+yaml', 'application/json-patch+json', 'application/merge-patch+json', 'application/strategic-merge-patch+json']
const OTHER_SCHEMAS = ['io.k8s.apimachinery.pkg.apis.meta.v1.Status', 'io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions', 'io.k8s.apimachinery.pkg.apis.meta.v1.WatchEvent', 'io.k8s.apimachinery.pkg.apis.meta.v1.Patch', 'io.k8s.apimachinery.pkg.version.Info']

export interface OpenApiOptions {
  clock: Clock
  /** Kinds served at the moment. */
  kinds(): readonly Kind[]
  gitVersion: string
  /** Loads what fields mean; resolves with nothing where there is no such file. */
  descriptions(): Promise<Descriptions>
}

/** The documents below /openapi: made when first asked for, and anew when the served kinds change. */
export class OpenApi {
  readonly #options: OpenApiOptions
  #kinds: readonly Kind[] = []
  #texts = new Map<string, { text: string; hash: string }>()
  #descriptions: Promise<Descriptions> | undefined

  constructor(options: OpenApiOptions) {
    this.#options = options
  }

  /** The answer for a path below /openapi, or undefined where there is nothing. */
  async handle(request: HttpRequest, path: string): Promise<Response | undefined> {
    const kinds = this.#options.kinds()
    if (kinds.length !== this.#kinds.length || kinds.some((kind, i) => kind !== this.#kinds[i])) {
      this.#kinds = [...kinds]
      this.#texts.clear()
    }
    const trimmed = path.replace(/\/+$/, '')
    if (trimmed === '/openapi/v3') return this.#answer(request, JSON.stringify({ paths: await this.#index() }), undefined)
    const document = await this.#document(trimmed)
    if (!document) return undefined
    return this.#answer(request, document.text, document.hash)
  }

  #answer(request: HttpRequest, text: string, hash: string | undefined): Response {
    const accept = request.headers.get('accept')
    // These documents exist as JSON; whoever takes nothing but the protobuf form of OpenAPI is refused.
    if (accept && !parseAccept(accept).some(({ type, subType }) => (type === '*' || type === 'application') && (subType === '*' || subType === 'json')))
      return new Response(null, { status: 406, headers: { 'content-type': 'text/plain; charset=utf-8' } })
    const headers: Record<string, string> = { 'content-type': 'application/json', vary: 'Accept' }
    if (hash) {
      headers['etag'] = `"${hash}"`
      if (request.headers.get('if-none-match')?.includes(hash)) return new Response(null, { status: 304, headers })
      if (new URL(request.url).searchParams.get('hash') === hash) headers['cache-control'] = 'public, immutable'
    }
    return new Response(text, { headers })
  }

  async #index(): Promise<Record<string, { serverRelativeURL: string }>> {
    const out: Record<string, { serverRelativeURL: string }> = {}
    for (const path of this.#groupVersions()) {
      const document = (await this.#document(`/openapi/v3/${path}`))!
      out[path] = { serverRelativeURL: `/openapi/v3/${path}?hash=${document.hash}` }
    }
    return out
  }

  /** `api/v1`, `apis/apps/v1`, and the paths of groups and the version. */
  #groupVersions(): string[] {
    const out = new Set(['.well-known/openid-configuration', 'api', 'apis', 'version'])
    for (const kind of this.#kinds) {
      if (kind.group) out.add(`apis/${kind.group}`)
      out.add(kind.group ? `apis/${kind.group}/${kind.version}` : `api/${kind.version}`)
    }
    return [...out].sort()
  }

  async #document(path: string): Promise<{ text: string; hash: string } | undefined> {
    const held = this.#texts.get(path)
    if (held) return held
    const descriptions = await (this.#descriptions ??= this.#options.descriptions().catch(() => ({})))
    await this.#options.clock.breathe()
    let body: unknown
    if (path === '/openapi/v2') body = await this.#v2(descriptions)
    else {
      const groupVersion = path.startsWith('/openapi/v3/') ? path.slice('/openapi/v3/'.length) : undefined
      if (groupVersion === undefined || !this.#groupVersions().includes(groupVersion)) return undefined
      body = await this.#v3(groupVersion, descriptions)
    }
    const text = JSON.stringify(body)
    const document = { text, hash: textHash(text) }
    this.#texts.set(path, document)
    return document
  }

  /** Schemas of custom resources, by name. */
  #customSchemas(): Record<string, Schema> {
    return Object.assign({}, ...this.#kinds.map((kind) => kind.custom?.openApi)) as Record<string, Schema>
  }

  #schemaOf = (gvk: { group: string; version: string; kind: string }): string | undefined => {
    const kind = this.#kinds.find((k) => k.group === gvk.group && k.version === gvk.version && k.kind === gvk.kind)
    if (kind) return kind.schema
    return schemaByKind().get(`${gvk.group}/${gvk.version}/${gvk.kind}`)
  }

  async #v3(groupVersion: string, descriptions: Descriptions): Promise<unknown> {
    const [, group, version] = /^apis\/([^/]+)\/([^/]+)$/.exec(groupVersion) ?? [, groupVersion.startsWith('api/') ? '' : undefined, groupVersion.slice(4)]
    const paths: Record<string, unknown> = {}
    const used = new Set<string>()
    if (group !== undefined) {
      used.add('io.k8s.apimachinery.pkg.apis.meta.v1.APIResourceList')
      for (const kind of this.#kinds) {
        if (kind.group !== group || kind.version !== version) continue
        await this.#options.clock.breathe()
        used.add(kind.schema)
        for (const [path, operations] of pathsOf(kind, this.#schemaOf)) {
          for (const operation of operations) for (const schema of [operation.body, operation.response]) if (schema) used.add(schema)
          paths[path] = pathItemV3(path, operations)
        }
      }
    }
    const custom = this.#customSchemas()
    const components = Object.fromEntries(withReferences(used, custom).map((name) => [name, schemaV3(name, schemaOf(name, custom)!, descriptions)]))
    return {
      openapi: '3.0.0', info: { title: 'Kubernetes', version: this.#options.gitVersion }, paths,
      components: { schemas: components, securitySchemes: { BearerToken: { type: 'apiKey', description: 'Bearer Token authentication', name: 'authorization', in: 'header' } } },
    }
  }

  async #v2(descriptions: Descriptions): Promise<unknown> {
    const paths: Record<string, unknown> = {}
    const used = new Set(OTHER_SCHEMAS)
    for (const kind of this.#kinds) {
      await this.#options.clock.breathe()
      used.add(kind.schema)
      for (const [path, operations] of pathsOf(kind, this.#schemaOf)) {
        for (const operation of operations) for (const schema of [operation.body, operation.response]) if (schema) used.add(schema)
        paths[path] = pathItemV2(path, operations)
      }
    }
    const custom = this.#customSchemas()
    const definitions: Record<string, Schema> = {}
    for (const name of withReferences(used, custom)) {
      definitions[name] = schemaV2(name, schemaOf(name, custom)!, descriptions, Object.hasOwn(custom, name))
      if (Object.hasOwn(custom, name)) await this.#options.clock.breathe()
    }
    return {
      swagger: '2.0', info: { title: 'Kubernetes', version: this.#options.gitVersion }, paths,
      definitions,
      securityDefinitions: { BearerToken: { type: 'apiKey', description: 'Bearer Token authentication', name: 'authorization', in: 'header' } },
      security: [{ BearerToken: [] }],
    }
  }
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
      parameters: operation.query.map((name) => ({ name, in: 'query', schema: { type: QUERY_TYPES[name] ?? 'string', uniqueItems: true } })),
      ...(operation.body ? { requestBody: { content: operation.action === 'patch' ? content(PATCH_TYPES, operation.body) : content(['*/*'], operation.body), ...(operation.action.startsWith('delete') ? {} : { required: true }) } } : {}),
      responses: Object.fromEntries(responsesOf(operation).map((code) => [code, { description: descriptionOf(code), ...(code !== '401' && operation.response ? { content: content(BODY_TYPES, operation.response) } : {}) }])),
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
    out[operation.method] = {
      description: operation.summary, consumes: operation.action === 'patch' ? PATCH_TYPES : ['*/*'], produces: BODY_TYPES, schemes: ['https'], tags: [operation.tag], operationId: operation.operationId,
      parameters: [
        ...(operation.body ? [{ name: 'body', in: 'body', ...(operation.action.startsWith('delete') ? {} : { required: true }), schema: ref(operation.body) }] : []),
        ...operation.query.map((name) => ({ name, in: 'query', type: QUERY_TYPES[name] ?? 'string', uniqueItems: true })),
      ],
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
