import type { Clock } from '../../../base/clock.ts'
import type { Random } from '../../../base/random.ts'
import type { PatchType } from '../../client/api.ts'
import { invalid } from '../../kinds/findings.ts'
import type { Kind } from '../../kinds/kind.ts'
import { resourceRef, type KubeObject } from '../../kinds/object.ts'
import { apiError, isStatusError } from '../../kinds/status-error.ts'
import { objectKindOf } from '../admission/admission-version.ts'
import type { AdmissionChain } from '../admission-chain.ts'
import type { Endpoint } from '../endpoint.ts'
import { jsonText } from '../json-text.ts'
import { bodyEncoding } from '../media-types.ts'
import type { ResourceRequest } from '../resource-handler.ts'
import { methodNotAllowed } from '../resource-routes.ts'
import type { Registry, UpdatePlan } from '../registry.ts'
import { queryFlag } from '../request-info.ts'
import { applyFieldValidation, decodeBody, protobufReaderOf, readText } from '../request-body.ts'
import type { ResourceCatalog } from '../resource-catalog.ts'
import { answer } from '../responses.ts'
import type { ClusterDialer, VirtualResource } from '../seams.ts'
import { checkNamespace, type ManagedWrite, type WriteOperations } from '../write-operations.ts'
import { bindPod } from './binding.ts'
import { approvalPlan } from './certificate-approval.ts'
import { evictPod } from './eviction.ts'
import { podLog, podPortForward, podStream } from './pod-connections.ts'
import { ephemeralContainersPlan, resizePlan } from './pod-spec-changes.ts'
import { serveProxy } from './proxy.ts'
import { scaleSubresource } from './scale.ts'
import type { HttpSubresources, SubresourceTools } from './http-subresources.ts'
import type { SubresourceOperations } from './subresource-operations.ts'

export interface SubresourceParts {
  clock: Clock
  random: Random
  catalog: ResourceCatalog
  registry: Registry
  writes: WriteOperations
  admission: AdmissionChain
  dialer: ClusterDialer
  virtualResources: readonly VirtualResource[]
}

/** What one subresource does; members that are absent aren't allowed. Objects are as clients see them. */
export interface Subresource {
  get?(endpoint: Endpoint, request: { namespace: string; name: string }): Promise<KubeObject> | KubeObject
  create?(endpoint: Endpoint, body: KubeObject, write: ManagedWrite): Promise<KubeObject>
  update?(endpoint: Endpoint, body: KubeObject, write: ManagedWrite): Promise<KubeObject>
  patch?(endpoint: Endpoint, type: PatchType, patch: unknown, write: ManagedWrite): Promise<KubeObject>
  connect?(endpoint: Endpoint, context: ResourceRequest): Promise<Response>
}

/** All subresources by `pods/binding`, or `* /scale` for any resource. */
export class Subresources implements HttpSubresources, SubresourceOperations {
  readonly #parts: SubresourceParts
  readonly #known = new Map<string, Subresource>()
  readonly #virtual = new Map<string, VirtualResource>()

  constructor(parts: SubresourceParts) {
    this.#parts = parts
    for (const virtual of parts.virtualResources) this.#virtual.set(virtual.resource, virtual)
    const { writes, registry, clock, catalog, random } = parts
    // k8s: kubelet/client NodeConnectionInfoGetter: who isn't registered can't be reached
    const dialerFor = (resource: string, upgradeRequired = false): ClusterDialer => ({
      http: parts.dialer.http,
      kubelet: async (node, request) => {
        // The store of nodes names the resource that the request is for.
        if (!catalog.reader.get('nodes', undefined, node)) throw apiError.notFound({ group: '', resource }, node)
        // k8s: apimachinery/pkg/util/proxy UpgradeAwareHandler
        if (upgradeRequired && !/upgrade/i.test(request.headers.get('connection') ?? '')) throw apiError.badRequest('Upgrade request required')
        return parts.dialer.kubelet(node, request)
      },
    })
    const dialer = dialerFor('pods')
    const streams = dialerFor('pods', true)
    const connection = (connect: NonNullable<Subresource['connect']>): Subresource => ({
      connect: async (endpoint, context) => {
        await this.#admitConnection(endpoint, context)
        return connect(endpoint, context)
      },
    })
    const planned = (plan: (endpoint: Endpoint) => Partial<UpdatePlan>): Subresource => ({
      update: async (endpoint, body, write) => (await writes.update(endpoint, body, write, plan(endpoint))).object,
      patch: async (endpoint, type, patch, write) => (await writes.patch(endpoint, type, patch, write, plan(endpoint))).object,
    })
    const proxy = connection((endpoint, context) => serveProxy({ dialer: dialerFor('nodes'), reader: catalog.reader, random }, endpoint, context))
    const evictions = { clock, admission: parts.admission, registry, catalog }
    this.#known
      .set('*/scale', scaleSubresource(writes))
      .set('pods/binding', { create: (endpoint, body, write) => bindPod(parts, endpoint, body, write) })
      .set('pods/eviction', { create: (endpoint, body, write) => evictPod(evictions, endpoint, body, write) })
      .set('pods/ephemeralcontainers', planned(ephemeralContainersPlan))
      .set('pods/resize', planned(resizePlan))
      .set('namespaces/finalize', planned(finalizePlan))
      .set('certificatesigningrequests.certificates.k8s.io/approval', planned((endpoint) => approvalPlan(endpoint, clock)))
      .set('pods/log', { connect: (endpoint, context) => podLog(dialer, clock, endpoint, context) })
      .set('pods/exec', connection((endpoint, context) => podStream(streams, endpoint, context, 'exec')))
      .set('pods/attach', connection((endpoint, context) => podStream(streams, endpoint, context, 'attach')))
      .set('pods/portforward', connection((endpoint, context) => podPortForward(streams, endpoint, context)))
      .set('pods/proxy', proxy)
      .set('services/proxy', proxy)
      .set('nodes/proxy', proxy)
  }

  isConnection(endpoint: Endpoint, subresource: string): boolean {
    return this.#find(endpoint, subresource)?.connect !== undefined
  }

  connect(endpoint: Endpoint, context: ResourceRequest): Promise<Response> {
    const method = context.request.method
    const verb = { GET: 'get', HEAD: 'get', POST: 'create', PUT: 'update', PATCH: 'patch', DELETE: 'delete' }[method]
    const { verbs } = endpoint.kind.subresources[context.info.subresource]!
    if (context.info.subresource !== 'proxy' && (!verb || !verbs.includes(verb))) throw methodNotAllowed()
    return this.#find(endpoint, context.info.subresource)!.connect!(endpoint, context)
  }

  async handle(endpoint: Endpoint, verb: string, context: ResourceRequest, tools: SubresourceTools): Promise<Response> {
    const { info, request } = context
    const { subresource } = info
    const namespace = endpoint.kind.namespaced ? info.namespace : ''
    if (verb === 'get') return tools.object(200, await this.get(endpoint, subresource, { namespace, name: info.name }))
    if (verb === 'patch') {
      const { type, patch, notes } = await tools.readPatch()
      return tools.object(200, await this.patch(endpoint, subresource, type, patch, { ...tools.write('PatchOptions', type === 'application/apply-patch+yaml'), ...notes }))
    }
    const write = tools.write(verb === 'create' ? 'CreateOptions' : 'UpdateOptions')
    const kind = this.#bodyKind(endpoint, subresource)
    const text = await readText(request, protobufReaderOf(kind))
    const encoding = bodyEncoding(request.headers.get('content-type'))
    const decoded = endpoint.kind.custom ? decodeCustomBody(text, encoding, kind) : decodeBody(text, encoding, kind, FORMER_BODIES[subresource])
    applyFieldValidation(kind, decoded, write.fieldValidation, context.warn)
    if (verb === 'update') return tools.object(200, await this.update(endpoint, subresource, decoded.object, write))
    checkNamespace(endpoint, decoded.object, namespace)
    const result = await this.create(endpoint, subresource, decoded.object, write)
    return result.kind === 'Status' ? answer(Number(result['code'] ?? 201), jsonText(result), tools.style()) : tools.object(201, result)
  }

  async get(endpoint: Endpoint, subresource: string, request: { namespace: string; name: string }): Promise<KubeObject> {
    const known = this.#find(endpoint, subresource)
    if (known?.get) return known.get(endpoint, request)
    const object = endpoint.store.get(request.namespace, request.name)
    if (!object) throw apiError.notFound(endpoint.groupResource, request.name)
    await endpoint.ready([object])
    return endpoint.fromStorage(object)
  }

  async create(endpoint: Endpoint, subresource: string, body: KubeObject, write: ManagedWrite): Promise<KubeObject> {
    const ref = resourceRef(endpoint.kind.resource, endpoint.kind.group)
    const virtual = this.#virtual.get(`${endpoint.kind.resource}/${subresource}`) ?? this.#virtual.get(`${ref}/${subresource}`)
    if (virtual) return this.#createVirtual(virtual, endpoint, body, write)
    const known = this.#find(endpoint, subresource)
    if (!known?.create) throw methodNotAllowed()
    return known.create(endpoint, body, write)
  }

  async update(endpoint: Endpoint, subresource: string, body: KubeObject, write: ManagedWrite): Promise<KubeObject> {
    const known = this.#find(endpoint, subresource)
    if (known?.update) return known.update(endpoint, body, write)
    const { object } = await this.#parts.writes.update(endpoint, body, write)
    return endpoint.fromStorage(object)
  }

  async patch(endpoint: Endpoint, subresource: string, type: PatchType, patch: unknown, write: ManagedWrite): Promise<KubeObject> {
    const known = this.#find(endpoint, subresource)
    if (known?.patch) return known.patch(endpoint, type, patch, write)
    const { object } = await this.#parts.writes.patch(endpoint, type, patch, write)
    return endpoint.fromStorage(object)
  }

  virtualOf(endpoint: Endpoint): ((body: KubeObject, write: ManagedWrite) => Promise<KubeObject>) | undefined {
    if (endpoint.kind.resource === 'bindings' && endpoint.kind.group === '')
      return (body, write) => bindPod(this.#parts, this.#parts.catalog.byRef('pods'), withoutUid(body), { ...write, name: body.metadata.name ?? '' }, endpoint.kind)
    const virtual = this.#virtual.get(endpoint.ref)
    return virtual && ((body, write) => {
      this.#parts.writes.prepareUnstored(endpoint, body, write)
      return this.#createVirtual(virtual, endpoint, body, write)
    })
  }

  /** k8s: endpoints/handlers ConnectResource */
  async #admitConnection(endpoint: Endpoint, context: ResourceRequest): Promise<void> {
    const { info, query } = context
    if (query.getAll('dryRun').some((value) => value !== '')) throw apiError.badRequest('dryRun is not supported')
    const body = connectOptions(endpoint.kind, info.subresource, query, context.info.parts.slice(3)) as unknown as KubeObject
    const request = { operation: 'CONNECT' as const, kind: endpoint.kind, subresource: info.subresource, namespace: info.namespace, name: info.name, options: {}, dryRun: false }
    await this.#parts.admission.mutate(request, context, body)
    await this.#parts.admission.validate(request, context, body)
  }

  async #createVirtual(virtual: VirtualResource, endpoint: Endpoint, body: KubeObject, write: ManagedWrite): Promise<KubeObject> {
    const { admission } = this.#parts
    const { user, namespace, name, dryRun, warn, subresource, options } = write
    const request = { operation: 'CREATE' as const, kind: endpoint.kind, subresource, namespace, name: name || body.metadata?.name || '', options, dryRun }
    virtual.defaults?.(body)
    await admission.mutate(request, write, body)
    return virtual.create(body, { user, namespace, name, dryRun, warn, context: admission.context, admit: (checked) => admission.validate(request, write, checked) })
  }

  #find(endpoint: Endpoint, subresource: string): Subresource | undefined {
    return this.#known.get(`${endpoint.ref}/${subresource}`) ?? this.#known.get(`*/${subresource}`)
  }

  /** The kind of a subresource's body: the resource's own, or as discovery says. */
  #bodyKind(endpoint: Endpoint, subresource: string): Kind {
    const info = endpoint.kind.subresources[subresource]!
    if (!info.kind || info.kind === endpoint.kind.kind) return endpoint.kind
    const group = info.group ?? endpoint.kind.group
    const version = info.version ?? endpoint.kind.version
    const { custom: _, ...kind } = endpoint.kind
    return { ...kind, group, version, kind: info.kind, schema: schemaOf(group, version, info.kind) }
  }
}

/** Older versions of bodies that are read as well. k8s: GroupVersionAcceptor */
const FORMER_BODIES: Record<string, readonly string[]> = { eviction: ['policy/v1beta1'] }

/** What is created without a name in its path begins with a uid of its own. k8s: rest.WipeObjectMetaSystemFields */
function withoutUid(body: KubeObject): KubeObject {
  const { uid: _, ...metadata } = body.metadata
  return { ...body, metadata }
}

/** The options object that admission judges, e.g. PodExecOptions. k8s: the ParameterCodec's conversion of a query */
function connectOptions(kind: Kind, subresource: string, query: URLSearchParams, path: readonly string[]): Record<string, unknown> {
  const options: Record<string, unknown> = { kind: objectKindOf(kind, subresource).kind, apiVersion: 'v1' }
  if (subresource === 'proxy') {
    if (path.length > 0) options['path'] = `/${path.join('/')}`
  } else if (subresource === 'portforward') {
    const ports = query.getAll('ports').map(Number).filter(Number.isInteger)
    if (ports.length > 0) options['ports'] = ports
  } else {
    for (const flag of ['stdin', 'stdout', 'stderr', 'tty']) if (queryFlag(query.get(flag))) options[flag] = true
    if (query.get('container')) options['container'] = query.get('container')
    if (subresource === 'exec') options['command'] = query.has('command') ? query.getAll('command') : null
  }
  return options
}

/** A Namespace's spec.finalizers and nothing else. k8s: registry/core/namespace namespaceFinalizeStrategy */
function finalizePlan(): Partial<UpdatePlan> {
  return {
    prepare(draft, old) {
      draft['status'] = old['status']
    },
    validate(draft) {
      // k8s: ValidateNamespaceFinalizeUpdate
      const findings = ((draft['spec']?.finalizers ?? []) as string[]).flatMap((finalizer, i) => finalizer.includes('/') || ['kubernetes', 'orphan', 'foregroundDeletion'].includes(finalizer)
        ? [] : [invalid(`spec.finalizers[${i}]`, finalizer, 'name is neither a standard finalizer name nor is it fully qualified')])
      return findings.length > 0 ? apiError.invalid({ group: '', kind: 'Namespace' }, draft.metadata.name ?? '', findings) : undefined
    },
  }
}

/** Key of a built-in type in the schema table. */
function schemaOf(group: string, version: string, kind: string): string {
  const first = group === '' ? 'core' : group.split('.')[0]
  return `io.k8s.api.${first}.${version}.${kind}`
}

/** The handlers of custom resources know scales, but not what to call what isn't one. k8s: endpoints/handlers transformDecodeError */
function decodeCustomBody(text: string, encoding: ReturnType<typeof bodyEncoding>, kind: Kind): ReturnType<typeof decodeBody> {
  try {
    return decodeBody(text, encoding, kind)
  } catch (error) {
    if (!isStatusError(error, 'BadRequest') || !error.message.includes(' cannot be handled as a ')) throw error
    throw apiError.badRequest('no kind is registered for the type v1.Scale in scheme "pkg/runtime/scheme.go:111"')
  }
}
