import type { Clock } from '../../../base/clock.ts'
import type { HttpRequest } from '../../../base/http.ts'
import type { Kind } from '../../kinds/kind.ts'
import { schemas, type Schema } from '../../kinds/schema-table.ts'
import { schemaOf } from '../custom-resources/custom-resource-schemas.ts'
import type { RemoteDocuments } from '../aggregation/remote-open-api.ts'
import { parseAccept } from '../media-types.ts'
import { textHash } from '../text-hash.ts'
import { OPENAPI_PROTOBUF_TYPES, openApiProtobuf } from './open-api-protobuf.ts'
import { commonKindsOf } from './common-types.ts'
import { discoveryPaths, pathsOf, type Paths } from './operations.ts'
import { pathItemV2, pathItemV3 } from './path-items.ts'
import { referencesOf, schemaV2, schemaV3 } from './schema-documents.ts'
import type { Descriptions } from './schema-documents.ts'

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

/** A member of a JSON object that documents are put together from. */
interface Part {
  text: string
  hash: string
  /** Schemas that it refers to. */
  references: readonly string[]
}

/** A path of a document. */
interface PathPart extends Part {
  path: string
  /** Parameters that it shares with other paths. */
  parameters: ReadonlyMap<string, object>
}

type Form = 'v2' | 'v3'

/**
 * The documents below /openapi: made when first asked for, and anew when the served kinds change. They are put together from parts of their
 * own, so that one more custom resource costs little more than its own part.
 */
export class OpenApi {
  readonly #options: OpenApiOptions
  readonly #documents = new Map<string, Document>()
  readonly #paths = new WeakMap<Kind, Partial<Record<Form, readonly PathPart[]>>>()
  /** Of what is there whatever kinds are served, by document. */
  readonly #discovery: Record<Form, Map<string, readonly PathPart[]>> = { v2: new Map(), v3: new Map() }
  readonly #definitions: Record<Form, Map<string, Part & { schema: Schema }>> = { v2: new Map(), v3: new Map() }
  #descriptions: Promise<Descriptions> | undefined

  constructor(options: OpenApiOptions) {
    this.#options = options
  }

  /** The answer for a path below /openapi, or undefined where there is nothing. */
  async handle(request: HttpRequest, path: string): Promise<Response | undefined> {
    const kinds = this.#options.kinds()
    // k8s: kube-aggregator handleDiscovery leaves the type to be guessed from the text, whatever the client takes
    if (path === '/openapi/v3') return new Response(JSON.stringify({ paths: await this.#index(kinds) }), { headers: { 'content-type': 'text/plain; charset=utf-8' } })
    const isOfVersion3 = path.startsWith('/openapi/v3/')
    if (isOfVersion3) {
      const remote = await this.#options.remote?.v3(path, new URL(request.url).searchParams)
      if (remote) return remote
    }
    const document = await this.#document(path, kinds)
    // k8s: kube-openapi/pkg/handler3 HandleGroupVersion says nothing more
    if (!document) return isOfVersion3 ? new Response(null, { status: 404 }) : undefined
    if (path === '/openapi/v2' && wantsProtobuf(request)) {
      document.protobuf ??= await openApiProtobuf(JSON.parse(document.text), this.#options.clock)
      return new Response(document.protobuf.slice(), { headers: { 'content-type': `application/${OPENAPI_PROTOBUF_TYPES[0]}`, vary: 'Accept', etag: `"${document.hash}"` } })
    }
    return this.#answer(request, document.text, document.hash)
  }

  #answer(request: HttpRequest, text: string, hash: string): Response {
    const accept = request.headers.get('accept')
    // Below v3 documents exist as JSON; whoever takes nothing but protobuf is refused.
    if (accept && !parseAccept(accept).some(({ type, subType }) => (type === '*' || type === 'application') && (subType === '*' || subType === 'json')))
      return new Response(null, { status: 406, headers: { 'content-type': 'text/plain; charset=utf-8' } })
    const headers: Record<string, string> = { 'content-type': 'application/json', vary: 'Accept', etag: `"${hash}"` }
    if (request.headers.get('if-none-match')?.includes(hash)) return new Response(null, { status: 304, headers })
    // k8s: kube-openapi/pkg/handler3: a document is asked for by its hash, and then not again for a year; that of v2 knows no hashes
    const { pathname, searchParams } = new URL(request.url)
    const asked = pathname === '/openapi/v2' ? undefined : searchParams.get('hash')
    if (asked && asked !== hash) return new Response(null, { status: 301, headers: { ...headers, location: `${pathname}?hash=${hash}` } })
    if (asked === hash) {
      const end = new Date(this.#options.clock.nowMs())
      end.setUTCFullYear(end.getUTCFullYear() + 1)
      Object.assign(headers, { 'cache-control': 'public, immutable', expires: end.toUTCString().replace('GMT', 'UTC') })
    }
    return new Response(text, { headers })
  }

  async #index(kinds: readonly Kind[]): Promise<Record<string, { serverRelativeURL: string }>> {
    const out: Record<string, { serverRelativeURL: string }> = {}
    for (const path of subjectsOf(kinds)) {
      const document = (await this.#document(`/openapi/v3/${path}`, kinds))!
      out[path] = { serverRelativeURL: `/openapi/v3/${path}?hash=${document.hash}` }
    }
    Object.assign(out, (await this.#options.remote?.documents())?.v3)
    return Object.fromEntries(Object.entries(out).sort(([a], [b]) => (a < b ? -1 : 1)))
  }

  async #document(path: string, all: readonly Kind[]): Promise<Document | undefined> {
    const form: Form = path === '/openapi/v2' ? 'v2' : 'v3'
    const subjects = subjectsOf(all)
    const subject = path.startsWith('/openapi/v3/') ? path.slice('/openapi/v3/'.length) : undefined
    if (form === 'v3' && (subject === undefined || !subjects.includes(subject))) return undefined
    const kinds = subject === undefined ? all : all.filter((kind) => documentOf(kind) === subject)
    const remote = form === 'v2' ? await this.#options.remote?.documents() : undefined
    const held = this.#documents.get(path)
    if (held && held.remoteHash === (remote?.hash ?? '') && held.kinds.length === kinds.length && held.kinds.every((kind, i) => kind === kinds[i])) return held
    const document = await this.#made(form, subject === undefined ? subjects : [subject], kinds, all, remote)
    this.#documents.set(path, document)
    return document
  }

  async #made(form: Form, subjects: readonly string[], kinds: readonly Kind[], all: readonly Kind[], remote: RemoteDocuments | undefined): Promise<Document> {
    const descriptions = await (this.#descriptions ??= this.#options.descriptions().catch(() => ({})))
    const { clock, gitVersion } = this.#options
    const custom = Object.assign({}, ...all.map((kind) => kind.custom?.openApi)) as Record<string, Schema>
    const isCustom = kinds.length > 0 && kinds.every((kind) => kind.custom)
    const paths: PathPart[] = []
    for (const kind of kinds) {
      await clock.breathe()
      paths.push(...this.#pathsPart(form, kind, all, descriptions))
    }
    // The documents of custom resources are made by a builder that knows nothing of discovery.
    const ofBuiltIns = new Set(all.filter((kind) => !kind.custom).map(documentOf))
    for (const subject of subjects) if (ofBuiltIns.has(subject) || !all.some((kind) => documentOf(kind) === subject)) paths.push(...this.#discoveryPart(form, subject, descriptions))
    const names = new Set<string>()
    for (const part of paths) for (const name of part.references) names.add(name)
    const definitions = new Map<string, Part>()
    // What a definition refers to is added behind it, and so comes up in its turn.
    for (const name of names) {
      const part = this.#definitionPart(form, name, custom, descriptions, form === 'v3' ? kinds[0] : undefined)
      if (!part) continue
      await clock.breathe()
      definitions.set(name, part)
      for (const reference of part.references) names.add(reference)
    }
    const parameters = new Map(paths.flatMap((part) => [...part.parameters]))
    if (remote) {
      const of = (name: string, value: unknown): Part => ({ text: `${JSON.stringify(name)}:${JSON.stringify(value)}`, hash: '', references: [] })
      for (const [path, item] of Object.entries(remote.v2.paths)) paths.push({ ...of(path, item), path, parameters: new Map() })
      for (const [name, schema] of Object.entries(remote.v2.definitions)) if (!definitions.has(name)) definitions.set(name, of(name, schema))
    }
    paths.sort((a, b) => (a.path < b.path ? -1 : 1))
    const sorted = [...definitions.keys()].sort().map((name) => definitions.get(name)!)
    const members = (parts: readonly Part[]) => `{${parts.map((part) => part.text).join(',')}}`
    const shared = JSON.stringify(Object.fromEntries([...parameters].sort(([a], [b]) => (a < b ? -1 : 1))))
    const schemas = sorted.length > 0 ? [`"schemas":${members(sorted)}`] : []
    const info = JSON.stringify(form === 'v3' && isCustom ? { title: 'Kubernetes CRD Swagger', version: 'v0.1.0' } : { title: 'Kubernetes', version: /^v(\d+\.\d+)/.exec(gitVersion)?.[1] ?? gitVersion })
    const security = JSON.stringify({ BearerToken: { type: 'apiKey', description: 'Bearer Token authentication', name: 'authorization', in: 'header' } })
    const text = form === 'v2'
      ? `{"swagger":"2.0","info":${info},"paths":${members(paths)},"definitions":${members(sorted)},"parameters":${shared},"securityDefinitions":${security},"security":[{"BearerToken":[]}]}`
      : `{"openapi":"3.0.0","info":${info},"paths":${members(paths)},"components":{${[...schemas, ...(isCustom ? [] : [`"securitySchemes":${security}`])].join()}}}`
    return { kinds, remoteHash: remote?.hash ?? '', text, hash: textHash([...[...paths, ...sorted].map((part) => part.hash), remote?.hash ?? ''].join()) }
  }

  #pathsPart(form: Form, kind: Kind, all: readonly Kind[], descriptions: Descriptions): readonly PathPart[] {
    let known = this.#paths.get(kind)
    if (!known) this.#paths.set(kind, known = {})
    const schemaNameOf = (gvk: { group: string; version: string; kind: string }) =>
      all.find((k) => k.group === gvk.group && k.version === gvk.version && k.kind === gvk.kind)?.schema ?? schemaByKind().get(`${gvk.group}/${gvk.version}/${gvk.kind}`)
    return known[form] ??= pathParts(form, pathsOf(kind, schemaNameOf), descriptions)
  }

  #discoveryPart(form: Form, subject: string, descriptions: Descriptions): readonly PathPart[] {
    let known = this.#discovery[form].get(subject)
    if (!known) this.#discovery[form].set(subject, known = pathParts(form, discoveryPaths(subject), descriptions))
    return known
  }

  #definitionPart(form: Form, name: string, custom: Readonly<Record<string, Schema>>, descriptions: Descriptions, groupVersion: Kind | undefined): Part | undefined {
    const schema = schemaOf(name, custom)
    if (!schema) return undefined
    const gvks = commonKindsOf(name, groupVersion)
    const key = gvks && groupVersion ? `${name} ${groupVersion.group}/${groupVersion.version}` : name
    const known = this.#definitions[form].get(key)
    if (known?.schema === schema) return known
    const whole = gvks ? { ...schema, 'x-kubernetes-group-version-kind': gvks } : schema
    const shown = form === 'v2' ? schemaV2(name, whole, descriptions, Object.hasOwn(custom, name)) : schemaV3(name, whole, descriptions)
    const text = `${JSON.stringify(name)}:${JSON.stringify(shown)}`
    const part = { schema, text, hash: textHash(text), references: referencesOf(schema) }
    this.#definitions[form].set(key, part)
    return part
  }
}

/** Whether OpenAPI's protobuf is what the client likes best. */
function wantsProtobuf(request: HttpRequest): boolean {
  const accept = request.headers.get('accept')
  const first = accept ? parseAccept(accept)[0] : undefined
  return first?.type === 'application' && OPENAPI_PROTOBUF_TYPES.includes(first.subType)
}

function pathParts(form: Form, paths: Paths, descriptions: Descriptions): PathPart[] {
  const texts = descriptions[''] ?? {}
  return [...paths].map(([path, operations]) => {
    const parameters = new Map<string, object>()
    const text = `${JSON.stringify(path)}:${JSON.stringify(form === 'v2' ? pathItemV2(path, operations, texts, parameters) : pathItemV3(path, operations, texts))}`
    return { path, text, parameters, hash: textHash(text), references: operations.flatMap(({ body, response }) => [body, response].filter((name) => name !== undefined)) }
  })
}

const documentOf = (kind: Kind): string => kind.group ? `apis/${kind.group}/${kind.version}` : `api/${kind.version}`

/** What there are v3 documents about: `api/v1`, `apis/apps/v1`, and discovery of groups, the version, the issuer of tokens. */
function subjectsOf(kinds: readonly Kind[]): string[] {
  const out = new Set(['.well-known/openid-configuration', 'api', 'apis', 'openid/v1/jwks', 'version'])
  for (const kind of kinds) {
    if (kind.group && !kind.custom) out.add(`apis/${kind.group}`)
    out.add(documentOf(kind))
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
