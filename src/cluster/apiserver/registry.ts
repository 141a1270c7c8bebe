import { rfc3339, type Clock } from '../../base/clock.ts'
import { deepEqual, deepFreeze, thaw } from '../../base/freeze.ts'
import type { Random } from '../../base/random.ts'
import type { Kind } from '../kinds/kind.ts'
import { resourceRef, type KubeObject, type ResourceRef } from '../kinds/object.ts'
import { invalid, type Finding } from '../kinds/findings.ts'
import { apiError, isStatusError, StatusError, type Status } from '../kinds/status-error.ts'
import { checkAccess } from './access.ts'
import { AdmissionChain, ignoreWarning, type AdmissionRequest, type Caller } from './admission-chain.ts'
import type { Endpoint } from './endpoint.ts'
import { pathSegmentName } from '../kinds/names.ts'
import { validateCreate, validateStatusUpdate, validateUpdate } from '../kinds/validate.ts'
import { validateObjectMeta, validateObjectMetaUpdate } from '../kinds/validate-metadata.ts'
import type { ResourceStore } from './resource-store.ts'
import type { UserInfo } from './seams.ts'
import { returnsDeleted } from './returns-deleted.ts'
import { checkNamespace } from './write-operations.ts'

/** What a write says besides the object. */
export interface WriteRequest extends Caller {
  namespace: string
  /** Name in the URL; empty for POST to a collection. */
  name: string
  subresource: string
  dryRun: boolean
  /** The options object, for admission. */
  options: Readonly<Record<string, unknown>>
}

export interface DeleteRequest extends WriteRequest {
  gracePeriodSeconds?: number
  propagationPolicy?: 'Orphan' | 'Background' | 'Foreground'
  orphanDependents?: boolean
  preconditions?: { uid?: string; resourceVersion?: string }
  /** One of many: admission isn't told which. */
  isOneOfMany?: boolean
}

/** What happens around a write of one resource, k8s: Store BeginCreate, BeginUpdate, AfterDelete. */
export interface StorageHooks {
  /** Before validation. May change the draft and claim things; the returned function is told whether the write came through. */
  begin?(draft: KubeObject, old: KubeObject | undefined, dryRun: boolean): ((succeeded: boolean) => void) | undefined
  /** After the object is gone from etcd. */
  afterDelete?(object: KubeObject): void
}

/** Findings about a status from who writes it, beside what the kind itself checks. */
export type StatusCheck = (draft: KubeObject, old: KubeObject, by: { user: UserInfo; verb: 'update' | 'patch' }) => Finding[]

/** The answer of a deletion: the object where it goes on existing (or its kind always answers so), else a Status. */
export interface DeleteResult {
  answer: KubeObject | Status
  /** False while finalizers or a grace period hold it. */
  deleted: boolean
}

/** What a deletion came to. */
interface Deletion {
  /** As stored, or as it was last. */
  object: KubeObject
  /** The answer is the object whatever its kind. */
  shown?: boolean
  deleted: boolean
}

/** How an update comes to its new object. */
export interface UpdatePlan {
  /**
   * The new object, from the one stored now (undefined where there is none). Called again when the stored one changed meanwhile.
   * Gets a frozen object; returns a draft, both in the hub version.
   */
  draft(current: KubeObject | undefined): KubeObject | Promise<KubeObject>
  /** Whether a missing object is created (server-side apply; otherwise the kind's strategy says). */
  createIfMissing?: boolean
  preconditions?: { uid?: string }
  /** How the strategy prepares the draft; default by subresource. */
  prepare?(draft: KubeObject, old: KubeObject): void
  /** Findings; default by subresource. */
  validate?(draft: KubeObject, old: KubeObject): StatusError | undefined
  /** A patch is made anew from what is stored then; only a version that the patch itself names can conflict. */
  redraws?: boolean
  /** The body of a subresource that has one of its own, which admission sees instead of the object. */
  body?: {
    of(object: KubeObject): KubeObject
    /** Of the stored object as mutating admission sees it, where that is something else. */
    before?(object: KubeObject): KubeObject
    /** The draft with what admission made of its body. */
    take(body: KubeObject, draft: KubeObject): KubeObject
  }
}

const OPTIMISTIC_LOCK = 'the object has been modified; please apply your changes to the latest version and try again'
const ORPHAN = 'orphan'
const FOREGROUND = 'foregroundDeletion'
/** k8s: registry/generic/registry Store maxNameGenerationCreateAttempts */
const NAME_ATTEMPTS = 8

/**
 * Creates, updates and deletes objects: strategy, validation, admission, finalizers and grace periods around the store.
 * k8s: apiserver/pkg/registry/generic/registry Store, apiserver/pkg/registry/rest
 */
export class Registry {
  readonly #clock: Clock
  readonly #random: Random
  readonly #admission: AdmissionChain
  readonly #hooks = new Map<string, StorageHooks>()
  readonly #statusChecks = new Map<string, StatusCheck>()

  constructor(options: { clock: Clock; random: Random; admission: AdmissionChain }) {
    this.#clock = options.clock
    this.#random = options.random
    this.#admission = options.admission
  }

  /** Attaches hooks to a resource (`services`). */
  hook(ref: string, hooks: StorageHooks): void {
    this.#hooks.set(ref, hooks)
  }

  /** Attaches a check to status writes of a resource, by its plural. */
  checkStatus(resource: string, check: StatusCheck): void {
    this.#statusChecks.set(resource, check)
  }

  /** Stores a new object; takes the draft (hub version, defaults applied) over. Answers with what is stored. */
  async create(endpoint: Endpoint, draft: KubeObject, request: WriteRequest): Promise<KubeObject> {
    checkNotTerminating(endpoint, request.name || draft.metadata?.name || '')
    const admission = admissionOf('CREATE', endpoint, request, request.name || draft.metadata?.name || '')
    await this.#admission.mutate(admission, request, draft)
    return this.#createAdmitted(endpoint, draft, request)
  }

  async #createAdmitted(endpoint: Endpoint, draft: KubeObject, request: WriteRequest): Promise<KubeObject> {
    const generated = !draft.metadata.name && Boolean(draft.metadata.generateName)
    try {
      return await this.#createOnce(endpoint, draft, request)
    } catch (error) {
      if (!generated || !isStatusError(error, 'AlreadyExists')) throw error
      throw apiError.generic(409, 'AlreadyExists', `${textOf(endpoint)} "${draft.metadata.name}" already exists, the server was not able to generate a unique name for the object`, { ...error.status.details })
    }
  }

  /**
   * A generated name that nothing has, or the last one that was tried. Upstream tries whole creations, each with a copy of the object, as what one
   * fills in (a Job's labels) can't serve another; a look at the store beforehand does without copies.
   */
  #freeName({ store }: Endpoint, namespace: string, base: string): string {
    for (let attempt = 1; ; attempt++) {
      const name = generateName(base, this.#random)
      if (attempt === NAME_ATTEMPTS || !store.get(namespace, name)) return name
    }
  }

  async #createOnce(endpoint: Endpoint, draft: KubeObject, request: WriteRequest): Promise<KubeObject> {
    const { store, rules } = endpoint
    const { strategy } = rules
    const { metadata } = draft
    fillSystemFields(metadata, this.#clock.nowMs(), this.#random)
    if (!metadata.name && metadata.generateName) metadata.name = this.#freeName(endpoint, request.namespace, metadata.generateName)
    const finish = this.#hooks.get(storageRef(store.kind))?.begin?.(draft, undefined, request.dryRun)
    let succeeded = false
    try {
      checkNamespace(endpoint, draft, request.namespace)
      strategy.beforeCreate?.(draft, { nowMs: this.#clock.nowMs(), user: request.user, warn: request.warn })
      const findings = validateCreate(rules, draft)
      request.trace?.step('schema', invalidKind(rules, draft).kind, findings.length > 0 ? 'refused' : 'passed')
      if (findings.length > 0) throw apiError.invalid(invalidKind(rules, draft), metadata.name ?? '', findings)
      if (request.warn !== ignoreWarning) for (const text of strategy.warningsOnCreate?.(draft) ?? []) request.warn(text)
      strategy.canonicalize?.(draft)
      await this.#admission.validate(admissionOf('CREATE', endpoint, request, metadata.name ?? ''), request, draft)
      // etcd's client refuses it, and isn't asked when nothing is to be stored.
      if (metadata.resourceVersion && !request.dryRun) throw plainError('resourceVersion should not be set on objects to be created')
      if (!request.dryRun) delete metadata.resourceVersion
      const converted = endpoint.toStorage(draft)
      const stored = converted instanceof Promise ? await converted : converted
      const existing = store.get(request.namespace, metadata.name!)
      if (existing) {
        const error = apiError.alreadyExists(endpoint.groupResource, metadata.name!)
        if (existing.metadata.deletionTimestamp) error.status.message = `object is being deleted: ${error.status.message}`
        throw error
      }
      const out = request.dryRun ? stored : store.create(request.namespace, stored)
      request.trace?.stored(store.key(request.namespace, metadata.name!), request.dryRun, `revision ${out.metadata.resourceVersion}`)
      succeeded = true
      const conversion = endpoint.ready([out])
      if (conversion) await conversion
      return out
    } finally {
      finish?.(succeeded)
    }
  }

  /** Changes an object through its resource or `/status`, or another subresource that the plan describes. */
  async update(endpoint: Endpoint, plan: UpdatePlan, request: WriteRequest): Promise<{ object: KubeObject; created: boolean }> {
    const { store } = endpoint
    for (;;) {
      const stored = store.get(request.namespace, request.name)
      const conversion = endpoint.ready([stored])
      if (conversion) await conversion
      const current = stored && endpoint.inHub(stored)
      if (!current && !plan.createIfMissing && !endpoint.rules.strategy.allowCreateOnUpdate) throw apiError.notFound(endpoint.groupResource, request.name)
      if (!current && request.subresource) throw apiError.notFound(endpoint.groupResource, request.name)
      let draft = await plan.draft(current)
      if (!current) {
        // A precondition can't hold for what isn't there.
        if (plan.preconditions?.uid) throw uidConflict(endpoint, store, request, plan.preconditions.uid, '')
        // Whatever version it names, there is none to compare with.
        delete draft.metadata.resourceVersion
        delete draft.metadata.deletionTimestamp
        delete draft.metadata.deletionGracePeriodSeconds
        checkNotTerminating(endpoint, request.name)
        await this.#admission.mutate(admissionOf('CREATE', endpoint, request, request.name), request, draft)
        if (store.get(request.namespace, request.name)) continue
        // Whoever may change may not for that reason create. k8s: handlers/update.go withAuthorization
        checkAccess(this.#admission.context.authorizer, {
          user: request.user, verb: 'create', resourceRequest: true, group: endpoint.kind.group, version: endpoint.kind.version, resource: endpoint.kind.resource, subresource: '',
          namespace: request.namespace, name: request.name, path: '',
        })
        return { object: await this.#createAdmitted(endpoint, draft, request), created: true }
      }
      if (plan.preconditions?.uid && plan.preconditions.uid !== current.metadata.uid)
        throw uidConflict(endpoint, store, request, plan.preconditions.uid, current.metadata.uid ?? '')
      const body = plan.body ? thaw(plan.body.of(draft)) : draft
      await this.#admission.mutate(admissionOf('UPDATE', endpoint, request, request.name), request, body, plan.body ? (plan.body.before ?? plan.body.of)(current) : current)
      if (plan.body) draft = plan.body.take(body, draft)
      const object = await this.#updateOnce(endpoint, plan, draft, current, stored!, request)
      if (object) return { object, created: false }
    }
  }

  /** Returns undefined when the stored object changed meanwhile and the draft didn't insist on a version. */
  async #updateOnce(endpoint: Endpoint, plan: UpdatePlan, draft: KubeObject, current: KubeObject, stored: KubeObject, request: WriteRequest): Promise<KubeObject | undefined> {
    const { store } = endpoint
    const { strategy } = endpoint.rules
    const asked = parseVersion(draft.metadata.resourceVersion)
    if (asked === 0) {
      if (strategy.allowUnconditionalUpdate === false)
        throw apiError.invalid({ group: endpoint.kind.group, kind: endpoint.kind.resource }, request.name, [invalid('metadata.resourceVersion', 0, 'must be specified for an update')])
    } else if (String(asked) !== current.metadata.resourceVersion) throw apiError.conflict(endpoint.groupResource, request.name, OPTIMISTIC_LOCK)
    draft.metadata.resourceVersion = current.metadata.resourceVersion
    const hooks = request.subresource ? undefined : this.#hooks.get(storageRef(store.kind))
    const finish = hooks?.begin?.(draft, current, request.dryRun)
    let succeeded = false
    try {
      checkNamespace(endpoint, draft, request.namespace)
      prepareUpdate(draft, current, (d, old) => {
        if (plan.prepare) plan.prepare(d, old)
        else if (request.subresource === 'status') (strategy.beforeStatusUpdate ?? keepAllButStatus)(d, old, { nowMs: this.#clock.nowMs(), user: request.user, warn: request.warn })
        else strategy.beforeUpdate?.(d, old, { nowMs: this.#clock.nowMs(), user: request.user, warn: request.warn })
      })
      const error = plan.validate ? plan.validate(draft, current) : this.#updateFindings(endpoint, draft, current, request, plan)
      request.trace?.step('schema', endpoint.kind.kind, error ? 'refused' : 'passed')
      if (error) throw error
      if (request.warn !== ignoreWarning) {
        // Whoever scales updates the object.
        const texts = !request.subresource || request.subresource === 'scale' ? strategy.warningsOnUpdate?.(draft, current) : request.subresource === 'status' ? strategy.warningsOnStatusUpdate?.(draft) : undefined
        for (const text of texts ?? []) request.warn(text)
      }
      await this.#admission.validate(admissionOf('UPDATE', endpoint, request, request.name), request, plan.body ? plan.body.of(draft) : draft, plan.body ? plan.body.of(current) : current)
      const converted = endpoint.toStorage(draft)
      const next = converted instanceof Promise ? await converted : converted
      const latest = store.get(request.namespace, request.name)
      if (latest !== stored) {
        if (!latest) throw apiError.notFound(endpoint.groupResource, request.name)
        if (asked !== 0 && !plan.redraws) throw apiError.conflict(endpoint.groupResource, request.name, OPTIMISTIC_LOCK)
        return undefined
      }
      succeeded = true
      // What takes the last finalizer away is never stored: watchers see the object go as it was.
      const isGone = this.#deletedDuringUpdate(next, stored)
      if (isGone && !request.dryRun) this.#remove(store, request.namespace, stored)
      const key = store.key(request.namespace, request.name)
      if (!isGone && isUnchanged(next, stored)) {
        request.trace?.stored(key, request.dryRun, 'unchanged')
        return stored
      }
      if (request.dryRun) {
        request.trace?.stored(key, true, '')
        return next
      }
      const out = isGone ? deepFreeze(next) : store.replace(request.namespace, next)
      request.trace?.stored(key, false, isGone ? 'deleted' : `revision ${out.metadata.resourceVersion}`)
      const conversion = endpoint.ready([out])
      if (conversion) await conversion
      return out
    } finally {
      finish?.(succeeded)
    }
  }

  #updateFindings(endpoint: Endpoint, draft: KubeObject, current: KubeObject, request: WriteRequest, { redraws }: UpdatePlan): StatusError | undefined {
    const { rules } = endpoint
    // k8s: rest.validateCommonFields, before what the kind itself asks for; it repeats some of it, as upstream does.
    const common = [...validateObjectMeta({ namespaced: rules.namespaced, nameRule: pathSegmentName, schema: '' }, draft.metadata), ...validateObjectMetaUpdate(draft.metadata, current.metadata)]
    const own = request.subresource === 'status' ? validateStatusUpdate(rules, draft, current) : validateUpdate(rules, draft, current)
    const check = request.subresource === 'status' ? this.#statusChecks.get(endpoint.kind.resource) : undefined
    const findings = common.length > 0 || check ? [...common, ...check?.(draft, current, { user: request.user, verb: redraws ? 'patch' : 'update' }) ?? [], ...own] : own
    if (request.warn !== ignoreWarning) rules.strategy.warningsOfValidation?.(draft).forEach(request.warn)
    return findings.length > 0 ? apiError.invalid(invalidKind(rules, draft), draft.metadata.name ?? '', findings) : undefined
  }

  /** The last finalizer of an object that waits for deletion was taken away. k8s: ShouldDeleteDuringUpdate */
  #deletedDuringUpdate(draft: KubeObject, old: KubeObject): boolean {
    if (!draft.metadata.deletionTimestamp || (draft.metadata.finalizers?.length ?? 0) > 0) return false
    if (draft.kind === 'Namespace' && (draft['spec']?.finalizers?.length ?? 0) > 0) return false
    return (draft.metadata.deletionGracePeriodSeconds ?? 0) === 0 && (old.metadata.deletionGracePeriodSeconds ?? 0) === 0
  }

  /** Deletes or begins to delete. k8s: Store Delete */
  async delete(endpoint: Endpoint, request: DeleteRequest): Promise<DeleteResult> {
    const { store } = endpoint
    const admission = admissionOf('DELETE', endpoint, request, request.isOneOfMany ? '' : request.name)
    let judged: KubeObject | undefined
    for (;;) {
      const current = store.get(request.namespace, request.name)
      if (!current) throw apiError.notFound(endpoint.groupResource, request.name)
      checkPreconditions(endpoint, current, request)
      if (judged !== current) {
        // k8s: registry/core/namespace/storage Delete: it is this very namespace that is meant
        if (storageRef(store.kind) === 'namespaces') admission.options = { ...request.options, preconditions: { uid: current.metadata.uid, ...request.preconditions } }
        const conversion = endpoint.ready([current])
        if (conversion) await conversion
        await this.#admission.mutate(admission, request, undefined, endpoint.inHub(current))
        await this.#admission.validate(admission, request, undefined, endpoint.inHub(current))
        judged = current
        if (store.get(request.namespace, request.name) !== current) continue
      }
      const deletion = this.#deleteAdmitted(endpoint, current, request)
      request.trace?.stored(store.key(request.namespace, request.name), request.dryRun, deletion.deleted ? 'deleted' : `revision ${deletion.object.metadata.resourceVersion}, marked for deletion`)
      return this.#answered(endpoint, deletion)
    }
  }

  /** Deletes without asking admission, for those that were asked already. */
  async deleteAdmitted(endpoint: Endpoint, request: DeleteRequest): Promise<DeleteResult> {
    const current = endpoint.store.get(request.namespace, request.name)
    if (!current) throw apiError.notFound(endpoint.groupResource, request.name)
    checkPreconditions(endpoint, current, request)
    return this.#answered(endpoint, this.#deleteAdmitted(endpoint, current, request))
  }

  async #answered(endpoint: Endpoint, { object, shown, deleted }: Deletion): Promise<DeleteResult> {
    const conversion = endpoint.ready([object])
    if (conversion) await conversion
    return { answer: this.#answer(endpoint, object, shown), deleted }
  }

  #deleteAdmitted(endpoint: Endpoint, current: KubeObject, request: DeleteRequest): Deletion {
    const { store } = endpoint
    if (storageRef(store.kind) === 'namespaces') return this.#deleteNamespace(endpoint, current, request)
    const marked = current.metadata.deletionTimestamp ? undefined : store.kind.strategy.beforeDelete?.(current, this.#clock.nowMs())
    if (marked) return { object: request.dryRun ? marked : store.replace(request.namespace, marked), shown: true, deleted: false }
    const draft = thaw(current)
    const outcome = this.#beforeDelete(store.kind, draft, request)
    if (outcome === 'pending') return { object: current, deleted: false }
    const graceful = outcome === 'graceful'
    setGarbageFinalizers(store.kind, draft, request)
    const pendingFinalizers = (draft.metadata.finalizers?.length ?? 0) > 0
    if (!graceful && pendingFinalizers) markAsDeleting(draft, this.#clock.nowMs())
    let last = current
    if (graceful || pendingFinalizers) {
      if (!isUnchanged(draft, current)) last = request.dryRun ? draft : store.replace(request.namespace, draft)
      if (pendingFinalizers || draft.metadata.deletionGracePeriodSeconds! > 0) return { object: last, shown: true, deleted: false }
    }
    if (request.dryRun) return { object: last, deleted: true }
    return { object: this.#remove(store, request.namespace, last), deleted: true }
  }

  #remove(store: ResourceStore, namespace: string, object: KubeObject): KubeObject {
    const gone = store.remove(namespace, object)
    this.#hooks.get(storageRef(store.kind))?.afterDelete?.(gone)
    return gone
  }

  /** k8s: rest.BeforeDelete. Changes the draft for a graceful deletion. */
  #beforeDelete(kind: Kind, draft: KubeObject, request: DeleteRequest): 'graceful' | 'pending' | 'now' {
    const { metadata } = draft
    const asked = request.gracePeriodSeconds === undefined ? undefined : request.gracePeriodSeconds < 0 ? 1 : request.gracePeriodSeconds
    const { gracePeriodSeconds } = kind.strategy
    if (!gracePeriodSeconds) return 'now'
    if (metadata.deletionTimestamp) {
      const current = metadata.deletionGracePeriodSeconds
      // Nothing is waited for any more; what was asked for now may still say what becomes of dependents.
      if (!current) return 'now'
      if (asked === undefined || asked >= current) return 'pending'
      const endsMs = Date.parse(metadata.deletionTimestamp) + (asked - current) * 1000
      const isPast = endsMs < this.#clock.nowMs()
      metadata.deletionTimestamp = rfc3339(isPast ? this.#clock.nowMs() : endsMs)
      // Whoever asked for grace gets the shortest one: the kubelet still has to see it.
      metadata.deletionGracePeriodSeconds = isPast && asked !== 0 ? 1 : asked
      return 'graceful'
    }
    const seconds = gracePeriodSeconds(draft, asked)
    if (seconds === undefined) return 'now'
    metadata.deletionTimestamp = rfc3339(this.#clock.nowMs() + seconds * 1000)
    metadata.deletionGracePeriodSeconds = seconds
    if ((metadata.generation ?? 0) > 0) metadata.generation!++
    return 'graceful'
  }

  /** A Namespace first becomes Terminating; its controller empties it. k8s: registry/core/namespace/storage Delete */
  #deleteNamespace(endpoint: Endpoint, current: KubeObject, request: DeleteRequest): Deletion {
    const { store } = endpoint
    const draft = thaw(current)
    if (!draft.metadata.deletionTimestamp) {
      draft.metadata.deletionTimestamp = rfc3339(this.#clock.nowMs())
      draft['status'] = { ...draft['status'], phase: 'Terminating' }
      setGarbageFinalizers(store.kind, draft, request)
      const stored = request.dryRun ? draft : store.replace(request.namespace, draft)
      return { object: stored, shown: true, deleted: false }
    }
    if ((draft['spec']?.finalizers?.length ?? 0) > 0)
      throw apiError.conflict(endpoint.groupResource, request.name, 'The system is ensuring all content is removed from this namespace.  Upon completion, this namespace will automatically be purged by the system.')
    if ((draft.metadata.finalizers?.length ?? 0) > 0) return { object: current, shown: true, deleted: false }
    if (request.dryRun) return { object: current, shown: true, deleted: true }
    return { object: this.#remove(store, request.namespace, current), shown: true, deleted: true }
  }

  /** k8s: Store finalizeDelete */
  #answer(endpoint: Endpoint, object: KubeObject, shown = false): KubeObject | Status {
    if (shown || returnsDeleted(endpoint.store.kind)) return endpoint.fromStorage(object)
    const { group, resource } = endpoint.groupResource
    return {
      kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success',
      details: { name: object.metadata.name, ...(group ? { group } : {}), kind: resource, uid: object.metadata.uid },
    }
  }
}

function storageRef(kind: Kind): ResourceRef {
  return resourceRef(kind.resource, kind.group)
}

function textOf(endpoint: Endpoint): string {
  return storageRef(endpoint.kind)
}

function admissionOf(operation: AdmissionRequest['operation'], endpoint: Endpoint, request: WriteRequest, name: string): AdmissionRequest {
  return { operation, kind: endpoint.kind, subresource: request.subresource, namespace: request.namespace, name, options: optionsOf(operation, request.options), dryRun: request.dryRun }
}

/** A patch is an update to admission, and what is created by an update a creation. k8s: handlers patchToUpdateOptions, patchToCreateOptions, updateToCreateOptions */
function optionsOf(operation: AdmissionRequest['operation'], options: WriteRequest['options']): WriteRequest['options'] {
  const kind = operation === 'CREATE' ? 'CreateOptions' : operation === 'UPDATE' ? 'UpdateOptions' : options['kind']
  if (options['kind'] === kind) return options
  const { force: _, ...rest } = options
  return { ...rest, kind }
}

/** An error that upstream doesn't class: code 500 without a reason. */
export function plainError(message: string): StatusError {
  return new StatusError({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, code: 500 })
}

/** 0 when absent. @throws StatusError for what is no number. */
function parseVersion(text: string | undefined): number {
  if (text === undefined || text === '' || text === '0') return 0
  if (!/^\d+$/.test(text)) throw plainError(`strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`)
  return Number(text)
}

/** k8s: rest.FillObjectMetaSystemFields */
function fillSystemFields(metadata: KubeObject['metadata'], nowMs: number, random: Random): void {
  metadata.creationTimestamp = rfc3339(nowMs)
  metadata.uid = random.uuid()
  delete metadata.selfLink
}

/** Longest base that leaves room for the suffix. k8s: apiserver/pkg/storage/names */
const MAX_BASE_LENGTH = 63 - 5

function generateName(base: string, random: Random): string {
  return base.slice(0, MAX_BASE_LENGTH) + random.suffix(5)
}

/** What an update may never change. k8s: rest.BeforeUpdate */
function prepareUpdate(draft: KubeObject, old: KubeObject, prepare: (draft: KubeObject, old: KubeObject) => void): void {
  const meta = draft.metadata
  const before = old.metadata
  keep(meta, before, 'generation')
  prepare(draft, old)
  if (!meta.uid) meta.uid = before.uid
  meta.creationTimestamp = before.creationTimestamp
  if (before.deletionTimestamp) meta.deletionTimestamp = before.deletionTimestamp
  if (before.deletionGracePeriodSeconds !== undefined && meta.deletionGracePeriodSeconds === undefined) meta.deletionGracePeriodSeconds = before.deletionGracePeriodSeconds
  delete meta.selfLink
}

function keep<K extends keyof KubeObject['metadata']>(meta: KubeObject['metadata'], before: KubeObject['metadata'], field: K): void {
  if (before[field] === undefined) delete meta[field]
  else meta[field] = before[field]
}

/** A status update takes status (and metadata) from the draft and the rest from what is stored. */
function keepAllButStatus(draft: KubeObject, old: KubeObject): void {
  for (const field of Object.keys(draft)) if (field !== 'status' && field !== 'metadata' && !(field in old)) delete draft[field]
  for (const field of Object.keys(old)) if (field !== 'status' && field !== 'metadata') draft[field] = old[field]
}

/** Nothing is written when nothing changed, whatever the times in managedFields say. */
function isUnchanged(draft: KubeObject, current: KubeObject): boolean {
  return deepEqual(draft, current)
}

/** k8s: apiextensions-apiserver forbidCreateAdmission */
function checkNotTerminating({ kind, groupResource }: Endpoint, name: string): void {
  if (kind.custom?.terminating) throw apiError.forbidden(groupResource, name, 'create not allowed while custom resource definition is terminating')
}

/** Custom resources are called what they say that they are, right or wrong. */
function invalidKind(rules: Kind, draft: KubeObject): { group: string; kind: string } {
  if (!rules.custom) return rules
  const { apiVersion = '', kind } = draft
  return { group: apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '', kind: kind ?? '' }
}

function uidConflict(endpoint: Endpoint, store: ResourceStore, request: WriteRequest, asked: string, actual: string): StatusError {
  return apiError.conflict(endpoint.groupResource, request.name,
    `StorageError: invalid object, Code: 4, Key: ${request.dryRun ? store.key(request.namespace, request.name).replace(/^\/registry/, '') : store.key(request.namespace, request.name)}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: ${asked}, UID in object meta: ${actual}`)
}

function checkPreconditions(endpoint: Endpoint, current: KubeObject, request: DeleteRequest): void {
  const { uid, resourceVersion } = request.preconditions ?? {}
  // Upstream names the kind where a resource belongs.
  const of = { group: endpoint.kind.group, resource: endpoint.kind.kind }
  if (uid !== undefined && uid !== current.metadata.uid)
    throw apiError.conflict(of, request.name, `the UID in the precondition (${uid}) does not match the UID in record (${current.metadata.uid}). The object might have been deleted and then recreated`)
  if (resourceVersion !== undefined && resourceVersion !== current.metadata.resourceVersion)
    throw apiError.conflict(of, request.name, `the ResourceVersion in the precondition (${resourceVersion}) does not match the ResourceVersion in record (${current.metadata.resourceVersion}). The object might have been modified`)
}

/** k8s: deletionFinalizersForGarbageCollection */
function setGarbageFinalizers(kind: Kind, draft: KubeObject, request: DeleteRequest): void {
  const finalizers = draft.metadata.finalizers ?? []
  const has = (name: string) => finalizers.includes(name)
  const { propagationPolicy, orphanDependents } = request
  const orphan = orphanDependents ?? (propagationPolicy ? propagationPolicy === 'Orphan'
    : has(ORPHAN) || (!has(FOREGROUND) && kind.strategy.defaultGarbagePolicy === 'orphan'))
  const foreground = orphanDependents !== undefined ? false
    : propagationPolicy ? propagationPolicy === 'Foreground' : has(FOREGROUND) && !has(ORPHAN)
  const wanted = finalizers.filter((name) => name !== ORPHAN && name !== FOREGROUND)
  if (orphan) wanted.push(ORPHAN)
  if (foreground) wanted.push(FOREGROUND)
  if (wanted.length === finalizers.length && wanted.every((name) => finalizers.includes(name))) return
  if (wanted.length > 0) draft.metadata.finalizers = wanted
  else delete draft.metadata.finalizers
}

/** k8s: Store markAsDeleting */
function markAsDeleting(draft: KubeObject, nowMs: number): void {
  const { metadata } = draft
  if (!metadata.deletionTimestamp && (metadata.generation ?? 0) > 0) metadata.generation!++
  if (!metadata.deletionTimestamp || Date.parse(metadata.deletionTimestamp) > nowMs) metadata.deletionTimestamp = rfc3339(nowMs)
  metadata.deletionGracePeriodSeconds = 0
}
