import type { HttpRequest } from '../../base/http.ts'
import type { Clock } from '../../base/clock.ts'
import type { Random } from '../../base/random.ts'
import type { Etcd } from '../etcd/etcd.ts'
import type { PatchType } from '../client/api.ts'
import { MAX_KEPT_DEPTH, parseBody, strictWarnings, SyntaxProblem } from '../kinds/decode.ts'
import type { Kind } from '../kinds/kind.ts'
import type { KubeObject } from '../kinds/object.ts'
import { PROTOBUF_TYPE } from '../kinds/protobuf.ts'
import { messageBytes, protobufEnvelope } from '../kinds/protobuf-encode.ts'
import { messageOf } from '../kinds/protobuf-messages.ts'
import { invalid } from '../kinds/findings.ts'
import { apiError, isStatusError } from '../kinds/status-error.ts'
import { managerName } from '../kinds/patch/managed-fields.ts'
import { partialObjectOf, tableOf, type IncludeObject } from '../kinds/table.ts'
import type { Caller } from './admission-chain.ts'
import { componentStatus, componentStatuses } from './component-statuses.ts'
import type { Endpoint } from './endpoint.ts'
import { itemTexts, jsonText, sortedTexts } from './json-text.ts'
import { rowText, tableText } from './table-text.ts'
import { isLong, listStream, listText, type ListText } from './list-body.ts'
import { listObjects, selectionOf } from './listing.ts'
import { isVersion, parseListOptions, versionProblem } from './list-options.ts'
import { ACCEPTED_TYPES, bodyEncoding, checkProducible, negotiate, STREAM_TYPES, type Representation } from './media-types.ts'
import { tooLargeVersion } from './listing.ts'
import { goPackage } from './patched-type.ts'
import { plainError, type DeleteRequest, type Registry } from './registry.ts'
import { applyFieldValidation, decodeBody, protobufReaderOf, readText } from './request-body.ts'
import type { RequestInfo } from './request-info.ts'
import { unknownResource, type ResourceCatalog } from './resource-catalog.ts'
import { checkRoute, methodNotAllowed } from './resource-routes.ts'
import { answer, pathNotFound, protobufAnswer, type TextStyle } from './responses.ts'
import type { ControlPlaneHealth, UserInfo } from './seams.ts'
import type { HttpSubresources, ReadPatch } from './subresources/http-subresources.ts'
import { CUSTOM_SCALE_TABLE, SCALE_TABLE } from './subresources/scale-columns.ts'
import { serveWatch } from './watch-stream.ts'
import { DELETE_OPTIONS_PROTOBUF, parseDeleteOptions, parseWriteOptions } from './write-options.ts'
import { checkNamespace, type ManagedWrite, type WriteOperations } from './write-operations.ts'

export interface HandlerParts {
  clock: Clock
  random: Random
  etcd: Etcd
  catalog: ResourceCatalog
  registry: Registry
  writes: WriteOperations
  subresources: HttpSubresources
  /** Of the components beside this server. */
  health?: ControlPlaneHealth
}

/** A request for a resource that was authenticated and authorized. */
export interface ResourceRequest extends Caller {
  request: HttpRequest
  query: URLSearchParams
  info: RequestInfo
  user: UserInfo
  pretty: boolean
}

const PATCH_TYPES: readonly string[] = ['application/json-patch+json', 'application/merge-patch+json', 'application/strategic-merge-patch+json', 'application/apply-patch+yaml', 'application/apply-patch+cbor']
/** Nobody can tell how lists of a custom resource merge strategically. */
const CUSTOM_PATCH_TYPES: readonly string[] = ['application/json-patch+json', 'application/merge-patch+json', 'application/apply-patch+yaml']
/** Whether an object or a list comes out is found when it is there. */
const OBJECT_TRANSFORMS = ['Table', 'PartialObjectMetadata', 'PartialObjectMetadataList']
/** Reviews and the like have no columns. */
const REVIEW_TRANSFORMS = ['PartialObjectMetadata']
const METADATA_TRANSFORMS = ['PartialObjectMetadata', 'PartialObjectMetadataList']
const LIST_TRANSFORMS = OBJECT_TRANSFORMS
const WATCH_TRANSFORMS = OBJECT_TRANSFORMS

function callerOf({ user, warn, annotate, deadlineMs, admissionMetrics, trace }: Caller): Caller {
  return { user, warn, annotate, ...(deadlineMs === undefined ? {} : { deadlineMs }), ...(admissionMetrics ? { admissionMetrics } : {}), ...(trace ? { trace } : {}) }
}

/** Serves the verbs of resources over HTTP. k8s: apiserver/pkg/endpoints/installer.go and handlers */
export class ResourceHandler {
  readonly #parts: HandlerParts

  constructor(parts: HandlerParts) {
    this.#parts = parts
  }

  async handle(context: ResourceRequest): Promise<Response> {
    const { info, request } = context
    const endpoint = this.#parts.catalog.find(info.group, info.version, info.resource)
    if (!endpoint || (info.namespace !== '' && info.resource !== 'namespaces' && !endpoint.kind.namespaced)) {
      // What the API server doesn't serve itself, nor knows the group of, falls through to the end of the chain.
      if (info.apiPrefix === 'api' || this.#parts.catalog.hasBuiltInGroup(info.group)) throw unknownResource()
      return pathNotFound()
    }
    const { kind } = endpoint
    if (!kind.custom) checkRoute(kind, info, request.method)
    else if (kind.namespaced && info.namespace === '' && info.verb !== 'list' && info.verb !== 'watch') return pathNotFound()
    // go-restful refuses what no route consumes before anybody warns. What is connected through takes any method and body.
    if (request.method === 'PATCH' && !kind.custom && !this.#parts.subresources.isConnection(endpoint, info.subresource)) patchTypeOf(request)
    if (kind.deprecationWarning) context.warn(kind.deprecationWarning)
    if (info.subresource !== '') {
      const hasSubresource = Object.hasOwn(kind.subresources, info.subresource)
      if (kind.custom && !hasSubresource) throw apiError.notFound(endpoint.groupResource, info.name)
      if (kind.custom && ((kind.namespaced && info.namespace === '') || info.parts.length > 3)) throw unknownResource()
      return this.#subresource(endpoint, context)
    }
    if (info.name !== '' && info.parts.length >= 2) {
      if (kind.namespaced && info.namespace === '') throw unknownResource()
      return this.#item(endpoint, context)
    }
    const inNamespace = !kind.namespaced || info.namespace !== ''
    switch (request.method) {
      case 'GET': case 'HEAD':
        if (!kind.verbs.includes('list')) break
        this.#checkProducible(endpoint, request, true)
        return info.verb === 'watch' ? this.#watch(endpoint, context) : this.#list(endpoint, context)
      case 'POST':
        if (!kind.verbs.includes('create') || !inNamespace) break
        this.#checkProducible(endpoint, request)
        return this.#create(endpoint, context)
      case 'DELETE':
        if (!kind.verbs.includes('deletecollection') || !inNamespace) break
        this.#checkProducible(endpoint, request)
        return this.#deleteCollection(endpoint, context)
      case 'PUT': case 'PATCH':
        if (kind.custom) throw apiError.badRequest('name must be provided')
    }
    throw unsupported(endpoint, context)
  }

  async #item(endpoint: Endpoint, context: ResourceRequest): Promise<Response> {
    const { kind } = endpoint
    const { request, info } = context
    switch (request.method) {
      case 'GET': case 'HEAD':
        this.#checkProducible(endpoint, request)
        return info.verb === 'watch' ? this.#watch(endpoint, context) : this.#get(endpoint, context)
      case 'PUT':
        if (!kind.verbs.includes('update')) break
        this.#checkProducible(endpoint, request)
        return this.#update(endpoint, context)
      case 'PATCH':
        if (!kind.verbs.includes('patch')) break
        this.#checkProducible(endpoint, request)
        return this.#patch(endpoint, context)
      case 'DELETE':
        if (!kind.verbs.includes('delete')) break
        this.#checkProducible(endpoint, request)
        return this.#delete(endpoint, context)
    }
    throw unsupported(endpoint, context)
  }

  async #subresource(endpoint: Endpoint, context: ResourceRequest): Promise<Response> {
    const { request, info } = context
    const { verbs } = endpoint.kind.subresources[info.subresource]!
    const isConnection = this.#parts.subresources.isConnection(endpoint, info.subresource)
    if (isConnection) return this.#parts.subresources.connect(endpoint, context)
    const verb = { GET: 'get', HEAD: 'get', PUT: 'update', PATCH: 'patch', POST: 'create', DELETE: 'delete' }[request.method]
    if (!verb || !verbs.includes(verb)) throw unsupported(endpoint, context)
    this.#checkProducible(endpoint, request)
    if (info.subresource === 'status') {
      if (verb === 'get') return this.#get(endpoint, context)
      return verb === 'update' ? this.#update(endpoint, context) : this.#patch(endpoint, context)
    }
    // Only what has a table convertor is shown as a table.
    const transforms = info.subresource === 'scale' ? OBJECT_TRANSFORMS : METADATA_TRANSFORMS
    const representation = this.#representation(endpoint, context, transforms)
    if (verb === 'get') this.#checkReadVersion(context)
    return this.#parts.subresources.handle(endpoint, verb, context, {
      style: (as) => styleOf(context, as ?? representation),
      write: (kind, isApply) => this.#writeRequest(context, kind, isApply),
      object: (code, object) => this.#object(code, endpoint, object, context, representation),
      readPatch: () => this.#readPatch(context, endpoint),
    })
  }

  async #get(endpoint: Endpoint, context: ResourceRequest): Promise<Response> {
    const representation = this.#representation(endpoint, context, OBJECT_TRANSFORMS)
    const { namespace, name } = this.#place(endpoint, context)
    this.#checkReadVersion(context)
    const object = endpoint.ref === 'componentstatuses' ? componentStatus(name, this.#parts.health) : endpoint.store.get(namespace, name)
    if (!object) throw apiError.notFound(endpoint.groupResource, name)
    const conversion = endpoint.ready([object])
    if (conversion) await conversion
    return this.#object(200, endpoint, endpoint.fromStorage(object), context, representation)
  }

  /** @throws StatusError 500 for what is no version, 504 for one that is still to come. */
  #checkReadVersion({ query }: ResourceRequest): void {
    const version = query.get('resourceVersion') ?? ''
    if (version !== '' && !isVersion(version)) throw plainError(versionProblem(version))
    const asked = Number(version)
    if (asked > this.#parts.etcd.revision) throw tooLargeVersion(asked, this.#parts.etcd.revision)
  }

  async #list(endpoint: Endpoint, context: ResourceRequest): Promise<Response> {
    const representation = this.#representation(endpoint, context, LIST_TRANSFORMS)
    const options = parseListOptions(context.query)
    await this.#parts.clock.breathe()
    if (endpoint.convertsByWebhook) await endpoint.ready(endpoint.store.list(context.info.namespace || undefined))
    const listing = listObjects(this.#parts.etcd, endpoint, context.info.namespace || undefined, options)
    if (endpoint.ref === 'componentstatuses') return this.#listAnswer(endpoint, componentStatuses(this.#parts.health).filter(selectionOf(endpoint, undefined, options).matches ?? (() => true)), {}, context, representation)
    const objects = endpoint.isStorageVersion ? listing.objects : await this.#served(endpoint, listing.objects)
    const metadata = { resourceVersion: listing.resourceVersion, continue: listing.continue, remainingItemCount: listing.remainingItemCount }
    return this.#listAnswer(endpoint, objects, metadata, context, representation)
  }

  /** Stored objects in the served version. */
  async #served(endpoint: Endpoint, stored: readonly KubeObject[]): Promise<KubeObject[]> {
    await endpoint.ready(stored)
    const out: KubeObject[] = []
    for (const object of stored) {
      out.push(endpoint.fromStorage(object))
      if (out.length % 50 === 0) await this.#parts.clock.breathe()
    }
    return out
  }

  async #listAnswer(endpoint: Endpoint, objects: readonly KubeObject[], metadata: object, context: ResourceRequest, representation: Representation): Promise<Response> {
    const style = styleOf(context, representation)
    if (style.encoding === 'protobuf') return this.#protobufList(endpoint, objects, metadata, representation)
    const text = this.#listText(endpoint, objects, metadata, context, representation)
    if (style.encoding !== 'json' || style.pretty || !isLong(text)) return answer(200, listText(text), style)
    return new Response(listStream({ ...text, tail: text.tail + '\n' }, this.#parts.clock), { status: 200, headers: { 'content-type': 'application/json' } })
  }

  #listText({ kind, apiVersion }: Endpoint, objects: readonly KubeObject[], metadata: object, context: ResourceRequest, { as, asVersion }: Representation): ListText {
    const version = `meta.k8s.io/${asVersion}`
    if (as === 'PartialObjectMetadata') throw isAList(kind)
    if (as === 'Table') {
      const nowMs = this.#parts.clock.nowMs()
      const include = includeObject(context.query)
      const empty = jsonText({ ...tableOf(kind, [], nowMs), metadata, apiVersion: version })
      return {
        head: empty.slice(0, -']}'.length), items: kind.rowOrder ? [...objects].sort(kind.rowOrder) : objects, tail: ']}',
        texts: (object) => rowText(tableOf(kind, [object], nowMs, { includeObject: include, withoutColumns: true, apiVersion: version }).rows[0]!, kind),
      }
    }
    if (as === 'PartialObjectMetadataList') {
      // Go's list of nothing was never made.
      if (objects.length === 0) return { head: `{"kind":"PartialObjectMetadataList","apiVersion":"${version}","metadata":${JSON.stringify(metadata)},"items":null}`, items: [], texts: () => '', tail: '' }
      return { head: `{"kind":"PartialObjectMetadataList","apiVersion":"${version}","metadata":${JSON.stringify(metadata)},"items":[`, items: objects, texts: (object) => jsonText({ ...partialObjectOf(object), apiVersion: version }), tail: ']}' }
    }
    if (kind.custom) {
      return {
        head: `{"apiVersion":${JSON.stringify(apiVersion)},"items":[`, items: objects, texts: sortedTexts,
        tail: `],"kind":${JSON.stringify(kind.listKind)},"metadata":${JSON.stringify({ ...metadata, continue: (metadata as { continue?: string }).continue ?? '' })}}`,
      }
    }
    // Typed lists leave kind and version out of their items; custom resources keep them.
    return { head: `{"kind":${JSON.stringify(kind.listKind)},"apiVersion":${JSON.stringify(apiVersion)},"metadata":${JSON.stringify(metadata)},"items":[`, items: objects, texts: itemTexts, tail: ']}' }
  }

  /** k8s: runtime/serializer/protobuf collections.go */
  async #protobufList({ kind, apiVersion }: Endpoint, objects: readonly KubeObject[], metadata: object, { as, asVersion }: Representation): Promise<Response> {
    if (as === 'PartialObjectMetadata') throw isAList(kind)
    const [listVersion, listKind, itemKind] = as ? [`meta.k8s.io/${asVersion}`, as, 'PartialObjectMetadata'] : [apiVersion, kind.listKind, kind.kind]
    const message = messageOf(listVersion, itemKind)!
    const items: Uint8Array[] = []
    for (const object of objects) {
      items.push(messageBytes(message, as ? partialObjectOf(object) : object))
      if (items.length % 50 === 0) await this.#parts.clock.breathe()
    }
    const bytes = protobufEnvelope(listVersion, listKind, (writer) => {
      for (let i = items.length - 1; i >= 0; i--) writer.field(2, () => writer.bytes(items[i]!))
      writer.field(1, () => writer.bytes(messageBytes(LIST_META_MESSAGE, metadata)))
    })
    return new Response(bytes as Uint8Array<ArrayBuffer>, { status: 200, headers: { 'content-type': PROTOBUF_TYPE } })
  }

  async #watch(endpoint: Endpoint, context: ResourceRequest): Promise<Response> {
    const options = parseListOptions(context.query)
    const representation = this.#representation(endpoint, context, WATCH_TRANSFORMS)
    const fieldSelector = context.info.parts.length >= 2 ? `metadata.name=${context.info.name}` : options.fieldSelector
    return serveWatch(this.#parts, endpoint, context.info.namespace || undefined, { ...options, fieldSelector }, {
      representation, includeObject: () => includeObject(context.query), signal: context.request.signal,
    })
  }

  async #create(endpoint: Endpoint, context: ResourceRequest): Promise<Response> {
    const virtual = this.#parts.subresources.virtualOf(endpoint)
    const representation = this.#representation(endpoint, context, virtual ? REVIEW_TRANSFORMS : OBJECT_TRANSFORMS)
    const write = this.#writeRequest(context, 'CreateOptions')
    const encoding = bodyEncoding(context.request.headers.get('content-type'))
    const text = await readText(context.request, protobufReaderOf(endpoint.kind))
    const decoded = decodeBody(text, encoding, endpoint.kind)
    applyFieldValidation(endpoint.kind, decoded, write.fieldValidation, context.warn)
    if (virtual) {
      checkNamespace(endpoint, decoded.object, context.info.namespace)
      return this.#object(201, endpoint, await virtual(decoded.object, write), context, representation)
    }
    await this.#parts.clock.breathe()
    const stored = await this.#parts.writes.create(endpoint, decoded.object, write)
    return this.#object(201, endpoint, endpoint.fromStorage(stored), context, representation)
  }

  async #update(endpoint: Endpoint, context: ResourceRequest): Promise<Response> {
    const representation = this.#representation(endpoint, context, OBJECT_TRANSFORMS)
    const write = this.#writeRequest(context, 'UpdateOptions')
    const encoding = bodyEncoding(context.request.headers.get('content-type'))
    const decoded = decodeBody(await readText(context.request, protobufReaderOf(endpoint.kind)), encoding, endpoint.kind)
    applyFieldValidation(endpoint.kind, decoded, write.fieldValidation, context.warn)
    await this.#parts.clock.breathe()
    const { object, created } = await this.#parts.writes.update(endpoint, decoded.object, write)
    return this.#object(created ? 201 : 200, endpoint, endpoint.fromStorage(object), context, representation)
  }

  async #readPatch(context: ResourceRequest, endpoint?: Endpoint): Promise<ReadPatch> {
    const type = contentTypeOf(context.request)
    if (endpoint?.kind.custom && !CUSTOM_PATCH_TYPES.includes(type))
      throw apiError.unsupportedMediaType(`the body of the request was in an unknown format - accepted media types include: ${CUSTOM_PATCH_TYPES.join(', ')}`)
    patchTypeOf(context.request)
    const text = await readText(context.request)
    try {
      const body = parseBody(text, type === 'application/apply-patch+yaml' ? 'yaml' : 'json', MAX_KEPT_DEPTH)
      const duplicates = strictWarnings(body, []).map((text) => type === 'application/json-patch+json' ? `json patch ${text}` : text)
      return { type: type as PatchType, patch: body.value, notes: duplicates.length > 0 ? { patchDuplicates: duplicates } : {} }
    } catch (error) {
      if (!(error instanceof SyntaxProblem)) throw error
      // k8s: handlers/patch.go: only strategic patches leave out what was being done
      const doing = type === 'application/apply-patch+yaml' ? 'error decoding YAML: error converting YAML to JSON: ' : type === 'application/strategic-merge-patch+json' ? '' : 'error decoding patch: '
      return { type: type as PatchType, patch: undefined, notes: { patchProblem: apiError.badRequest(doing + error.message) } }
    }
  }

  async #patch(endpoint: Endpoint, context: ResourceRequest): Promise<Response> {
    const { type, patch, notes } = await this.#readPatch(context, endpoint)
    const representation = this.#representation(endpoint, context, OBJECT_TRANSFORMS)
    const write = { ...this.#writeRequest(context, 'PatchOptions', type === 'application/apply-patch+yaml'), ...notes }
    checkPathName(context.info.name)
    await this.#parts.clock.breathe()
    const { object, created } = await this.#parts.writes.patch(endpoint, type, patch, write)
    return this.#object(created ? 201 : 200, endpoint, endpoint.fromStorage(object), context, representation)
  }

  async #delete(endpoint: Endpoint, context: ResourceRequest): Promise<Response> {
    const representation = this.#representation(endpoint, context, OBJECT_TRANSFORMS)
    const deletion = await this.#deleteRequest(endpoint, context)
    for (const text of endpoint.kind.strategy.warningsOnDelete?.(deletion) ?? []) context.warn(text)
    const { answer: result, deleted } = await this.#parts.registry.delete(endpoint, deletion)
    const accepted = !deleted && deletion.orphanDependents === false
    if (result.kind === 'Status' && result.apiVersion === 'v1') return answer(accepted ? 202 : 200, jsonText(result as unknown as Record<string, unknown>), styleOf(context, representation))
    return this.#object(accepted ? 202 : 200, endpoint, result as KubeObject, context, representation)
  }

  async #deleteCollection(endpoint: Endpoint, context: ResourceRequest): Promise<Response> {
    const representation = this.#representation(endpoint, context, LIST_TRANSFORMS)
    const options = parseListOptions(context.query)
    const deletion = await this.#deleteRequest(endpoint, context)
    for (const text of endpoint.kind.strategy.warningsOnDelete?.(deletion) ?? []) context.warn(text)
    if (endpoint.convertsByWebhook) await endpoint.ready(endpoint.store.list(context.info.namespace || undefined))
    const listing = listObjects(this.#parts.etcd, endpoint, context.info.namespace || undefined, options)
    for (const object of listing.objects) {
      await this.#parts.clock.breathe()
      try {
        await this.#parts.registry.delete(endpoint, { ...deletion, namespace: object.metadata.namespace ?? '', name: object.metadata.name!, isOneOfMany: true })
      } catch (error) {
        if (!isStatusError(error, 'NotFound')) throw error
      }
    }
    return this.#listAnswer(endpoint, await this.#served(endpoint, listing.objects), { resourceVersion: listing.resourceVersion, continue: listing.continue, remainingItemCount: listing.remainingItemCount }, context, representation)
  }

  async #deleteRequest(endpoint: Endpoint, context: ResourceRequest): Promise<DeleteRequest> {
    const text = await readText(context.request, DELETE_OPTIONS_PROTOBUF)
    const encoding = text === '' ? 'json' : bodyEncoding(context.request.headers.get('content-type'))
    const options = parseDeleteOptions(text, encoding, context.query)
    const { namespace, name } = this.#place(endpoint, context)
    return { ...callerOf(context), subresource: '', namespace, name, ...options }
  }

  #writeRequest(context: ResourceRequest, kind: 'CreateOptions' | 'UpdateOptions' | 'PatchOptions', isApply = false): ManagedWrite {
    const { info, query, request } = context
    const { dryRun, fieldManager, fieldValidation, force, options } = parseWriteOptions(kind, query, isApply)
    const manager = managerName(fieldManager, request.headers.get('user-agent'))
    return {
      ...callerOf(context), namespace: info.resource === 'namespaces' ? '' : info.namespace, name: info.name, subresource: info.subresource, dryRun, options, manager, fieldValidation, force,
    }
  }

  #place(endpoint: Endpoint, { info }: ResourceRequest): { namespace: string; name: string } {
    checkPathName(info.name)
    return { namespace: endpoint.kind.namespaced ? info.namespace : '', name: info.name }
  }

  /** `streams`: lists share their route with watches. */
  #checkProducible(endpoint: Endpoint, request: HttpRequest, streams = false): void {
    // Custom resources have a handler of their own, without go-restful before it.
    if (endpoint.kind.custom) return
    checkProducible(request.headers.get('accept'), undefined, streams ? `${ACCEPTED_TYPES}, ${STREAM_TYPES}` : undefined)
  }

  #representation(endpoint: Endpoint, context: ResourceRequest, transforms: readonly string[]): Representation {
    return negotiate(context.request.headers.get('accept'), transforms, !endpoint.kind.custom)
  }

  #object(code: number, endpoint: Endpoint, object: KubeObject, context: ResourceRequest, representation: Representation): Response {
    const style = styleOf(context, representation)
    if (representation.as === 'Table') {
      const shown = object.kind !== 'Scale' ? endpoint.kind : endpoint.kind.custom ? CUSTOM_SCALE_TABLE : SCALE_TABLE
      const table = { ...tableOf(shown, [object], this.#parts.clock.nowMs(), { includeObject: includeObject(context.query), apiVersion: `meta.k8s.io/${representation.asVersion}` }), metadata: { resourceVersion: object.metadata?.resourceVersion } }
      return answer(code, tableText(table, shown), style)
    }
    if (representation.as === 'PartialObjectMetadataList') {
      if (endpoint.kind.custom && object.kind === endpoint.kind.kind) throw plainError('content is not a list')
      throw apiError.notAcceptable(`you requested ${representation.as}, but the requested object is not a list (${endpoint.kind.custom ? `*v1.${object.kind}` : `*${goPackage(endpoint.kind.group)}.${endpoint.kind.kind}`})`)
    }
    if (representation.encoding === 'protobuf') return protobufAnswer(code, representation.as ? { ...partialObjectOf(object), apiVersion: `meta.k8s.io/${representation.asVersion}` } : object as unknown as Record<string, unknown>)
    if (representation.as === 'PartialObjectMetadata') return answer(code, jsonText({ ...partialObjectOf(object), apiVersion: `meta.k8s.io/${representation.asVersion}` }), style)
    return answer(code, endpoint.kind.custom && object.kind === endpoint.kind.kind ? sortedTexts.text(object) : jsonText(object), style)
  }
}

/** k8s: registry/generic/registry/store.go NamespaceKeyFunc, content.IsPathSegmentName */
function checkPathName(name: string): void {
  const problem = name === '.' || name === '..' ? `may not be '${name}'` : name.includes('%') ? "may not contain '%'" : undefined
  if (problem !== undefined) throw apiError.badRequest(`Name parameter invalid: ${JSON.stringify(name)}: ${problem}`)
}

/** What a resource can't do: go-restful knows only its routes, the handler of custom resources names the verb. */
function unsupported({ kind, groupResource }: Endpoint, { info }: ResourceRequest) {
  return kind.custom ? apiError.methodNotSupported(groupResource, info.verb) : methodNotAllowed()
}

const contentTypeOf = (request: HttpRequest) => (request.headers.get('content-type') ?? '').split(';')[0]!.trim()

/** @throws StatusError 415 for what is no patch. */
function patchTypeOf(request: HttpRequest): PatchType {
  const type = contentTypeOf(request)
  if (!PATCH_TYPES.includes(type) || type === 'application/apply-patch+cbor') throw apiError.generic(415, 'UnsupportedMediaType', '415: Unsupported Media Type', {})
  return type as PatchType
}

const LIST_META_MESSAGE = 'k8s.io.apimachinery.pkg.apis.meta.v1.ListMeta'

function isAList(kind: Kind) {
  return apiError.notAcceptable(`you requested PartialObjectMetadata, but the requested object is a list (${kind.custom ? '*unstructured.UnstructuredList' : `*${goPackage(kind.group)}.${kind.listKind}`})`)
}

function styleOf(context: ResourceRequest, representation: Representation): TextStyle {
  return { encoding: representation.encoding, pretty: context.pretty || representation.pretty === true }
}

/** @throws StatusError 400. k8s: metav1 ValidateTableOptions */
function includeObject(query: URLSearchParams): IncludeObject {
  const value = query.get('includeObject') ?? ''
  if (!['', 'None', 'Metadata', 'Object'].includes(value)) throw apiError.badRequest(`Unable to convert to Table as requested: ${invalid('includeObject', value, "must be 'Metadata', 'Object', 'None', or empty").message}`)
  return (value || 'Metadata') as IncludeObject
}
