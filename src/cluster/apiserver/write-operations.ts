import { rfc3339, type Clock } from '../../base/clock.ts'
import { thaw } from '../../base/freeze.ts'
import { applyDefaults } from '../kinds/defaults.ts'
import { DecodeError, decodeObject } from '../kinds/decode.ts'
import { carrySpelledNumbers } from '../kinds/json-text.ts'
import type { KubeObject, ManagedFieldsEntry } from '../kinds/object.ts'
import { throughScale } from '../kinds/patch/scale-managers.ts'
import { applyJsonPatch, carrySpelledValues, unknownJsonPatchFields } from '../kinds/patch/json-patch.ts'
import { trackUpdate } from '../kinds/patch/managed-fields.ts'
import { applyMergePatch } from '../kinds/patch/merge-patch.ts'
import { type ObjectVersions, renamedVersions, withConvertedVersions } from '../kinds/patch/object-versions.ts'
import { inPatchedOrder, touchedBy, type Touched } from '../kinds/patch/patched-order.ts'
import { type Applied, gvkText, serverSideApply, unexplained } from '../kinds/patch/server-side-apply.ts'
import { conversionProblem } from '../kinds/patch/conversion-problem.ts'
import { convertNumbers } from '../kinds/patch/convert-numbers.ts'
import { goValue } from '../kinds/patch/go-format.ts'
import { applyStrategicMergePatch } from '../kinds/patch/strategic-merge-patch.ts'
import { apiError, type StatusError } from '../kinds/status-error.ts'
import type { PatchType } from '../client/api.ts'
import { invalid } from '../kinds/findings.ts'
import { dropDuplicateOwners } from './duplicate-owners.ts'
import type { Endpoint } from './endpoint.ts'
import { checkTypeMeta, jsonTypeOf, understoodPatch } from './patched-type.ts'
import type { Registry, UpdatePlan, WriteRequest } from './registry.ts'
import type { FieldValidation } from './write-options.ts'

/** A write with who made it, for managedFields. */
export interface ManagedWrite extends WriteRequest {
  /** Field manager, or what stands for it (the user agent's first part). */
  manager: string
  fieldValidation: FieldValidation
  force?: boolean
  /** The patch can't be read; said once the object has been found. */
  patchProblem?: StatusError
  /** Keys that come twice in the text of a patch, as strictness would say it. */
  patchDuplicates?: readonly string[]
}

/**
 * The three ways to write an object, on drafts in the served version: what HTTP handlers and in-process clients share.
 * k8s: apiserver/pkg/endpoints/handlers create.go, update.go, patch.go
 */
export class WriteOperations {
  readonly #registry: Registry
  readonly #clock: Clock

  constructor(registry: Registry, clock: Clock) {
    this.#registry = registry
    this.#clock = clock
  }

  /** Takes the draft (served version) over; the answer is in the storage version. */
  create(endpoint: Endpoint, draft: KubeObject, request: ManagedWrite): Promise<KubeObject> {
    checkNamespace(endpoint, draft, request.namespace)
    wipeSystemFields(draft)
    applyDefaults(endpoint.kind, draft)
    dropDuplicateOwners(draft, request.warn)
    void this.#track(endpoint, undefined, draft, request)
    return this.#registry.create(endpoint, endpoint.toHub(draft), request)
  }

  /** What happens to every object that is sent, also to those that are only answered: reviews. k8s: handlers/create.go */
  prepareUnstored(endpoint: Endpoint, draft: KubeObject, request: ManagedWrite): void {
    wipeSystemFields(draft)
    dropDuplicateOwners(draft, request.warn)
    void this.#track(endpoint, undefined, draft, request)
  }

  update(endpoint: Endpoint, draft: KubeObject, request: ManagedWrite, plan: Partial<UpdatePlan> = {}): Promise<{ object: KubeObject; created: boolean }> {
    checkNamespace(endpoint, draft, request.namespace)
    checkName(draft, request.name)
    // What is shared with the stored object has its defaults.
    if (!Object.isFrozen(draft['spec'] ?? draft.metadata)) applyDefaults(endpoint.kind, draft)
    dropDuplicateOwners(draft, request.warn)
    const uid = draft.metadata.uid
    // Only an update that names no version is tried again, and needs its draft twice.
    let next: KubeObject | undefined = draft
    const spare = draft.metadata.resourceVersion ? undefined : thaw(draft)
    return this.#registry.update(endpoint, {
      ...plan,
      preconditions: uid ? { uid } : undefined,
      draft: (current) => {
        const mine = next ?? thaw(spare!)
        next = undefined
        const tracked = this.#track(endpoint, current, mine, request)
        return tracked ? tracked.then(() => endpoint.toHub(mine)) : endpoint.toHub(mine)
      },
    }, request)
  }

  patch(endpoint: Endpoint, type: PatchType, patch: unknown, request: ManagedWrite, plan: Partial<UpdatePlan> = {}): Promise<{ object: KubeObject; created: boolean }> {
    return this.#registry.update(endpoint, {
      ...plan,
      redraws: true,
      createIfMissing: type === 'application/apply-patch+yaml' && request.subresource === '',
      draft: (current) => {
        const isApply = type === 'application/apply-patch+yaml'
        if (!current && !isApply) throw apiError.notFound(endpoint.groupResource, request.name)
        if (request.patchProblem) throw request.patchProblem
        const live = current && endpoint.fromHub(current)
        const finished = (draft: KubeObject) => {
          checkNamespace(endpoint, draft, request.namespace)
          checkName(draft, request.name)
          if (!current && draft.metadata.uid) throw apiError.conflict(endpoint.groupResource, request.name, `uid mismatch: the provided object specified uid ${draft.metadata.uid}, and no existing object was found`)
          dropDuplicateOwners(draft, request.warn, true)
          const tracked = isApply ? undefined : this.#track(endpoint, current, draft, request)
          return tracked ? tracked.then(() => endpoint.toHub(draft)) : endpoint.toHub(draft)
        }
        const draft = isApply ? this.#applied(endpoint, patch, live, request) : this.#patched(endpoint, type, patch, live!, request)
        return draft instanceof Promise ? draft.then(finished) : finished(draft)
      },
    }, request)
  }

  /** Changes the stored object by a function of it (hub version). */
  updateWith(endpoint: Endpoint, change: (current: KubeObject) => KubeObject, request: ManagedWrite, plan: Partial<UpdatePlan> = {}): Promise<{ object: KubeObject; created: boolean }> {
    return this.#registry.update(endpoint, {
      ...plan,
      draft: (current) => {
        if (!current) throw apiError.notFound(endpoint.groupResource, request.name)
        const draft = change(current)
        const tracked = this.#track(endpoint, current, draft, request)
        return tracked ? tracked.then(() => draft) : draft
      },
    }, request)
  }

  /** The current object (served version) with the patch applied, decoded and with defaults. */
  #patched(endpoint: Endpoint, type: PatchType, patch: unknown, current: KubeObject, request: ManagedWrite): KubeObject {
    const patched = applyPatch(endpoint, type, patch, current)
    const notes = [...request.patchDuplicates ?? [], ...type === 'application/json-patch+json' ? unknownJsonPatchFields(patch) : []]
    const draft = type === 'application/strategic-merge-patch+json' ? convertPatched(endpoint, patch, patched, request, notes) : decodePatched(endpoint, patched, request, { notes, touched: () => touchedBy(type, patch) })
    if (!draft.metadata) draft.metadata = {}
    applyDefaults(endpoint.kind, draft)
    return draft
  }

  #applied(endpoint: Endpoint, configuration: unknown, live: KubeObject | undefined, request: ManagedWrite): KubeObject | Promise<KubeObject> {
    const { kind } = endpoint
    if (typeof configuration !== 'object' || Array.isArray(configuration))
      throw apiError.badRequest(`error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal ${jsonTypeOf(configuration)} into Go value of type map[string]interface {}`)
    const applied = (versions: ObjectVersions | undefined) => serverSideApply({
      kind, live, applied: kind.custom ? configuration : convertNumbers(kind.schema, configuration), manager: request.manager, force: request.force, apiVersion: endpoint.apiVersion, subresource: request.subresource, versions,
      time: this.#timeOf(request),
    })
    const finished = ({ object, changed }: Applied) => {
      if (request.fieldValidation === 'Strict' && request.patchDuplicates)
        throw apiError.badRequest(`error strict decoding YAML: error converting YAML to JSON: yaml: unmarshal errors:\n${request.patchDuplicates.map((problem) => `  ${problem}`).join('\n')}`)
      if (request.fieldValidation === 'Warn') request.patchDuplicates?.forEach(request.warn)
      // Custom resources are what was merged: nothing is pruned, so that validation sees also nulls.
      const draft = kind.custom?.merged(object) ?? decodePatched(endpoint, object, request, { undecodable: (why) => unconverted(endpoint, configuration, why) })
      if (!draft.metadata) draft.metadata = {}
      // What another version's defaults would add to an object that stays as it is isn't asked for.
      if (changed || !kind.custom) applyDefaults(kind, draft)
      return draft
    }
    const result = inVersions(endpoint, live, applied)
    return result instanceof Promise ? result.then(finished) : finished(result)
  }

  /** k8s: managedfields ScaleHandler ToParent forgets when */
  #timeOf(request: ManagedWrite): string {
    return request.subresource === 'scale' ? '' : rfc3339(this.#clock.nowMs())
  }

  /** Writes down who owns which fields: at once, unless a webhook is asked about other versions. k8s: managedfields FieldManager UpdateNoErrors */
  #track(endpoint: Endpoint, current: KubeObject | undefined, draft: KubeObject, request: ManagedWrite): Promise<void> | undefined {
    const old = current && endpoint.fromHub(current)
    const time = this.#timeOf(request)
    const write = (tracked: readonly ManagedFieldsEntry[] | undefined) => {
      const entries = request.subresource === 'scale' && !endpoint.kind.custom ? throughScale(tracked) : tracked
      if (entries) draft.metadata.managedFields = entries as ManagedFieldsEntry[]
      else delete draft.metadata.managedFields
    }
    const tracked = inVersions(endpoint, old, (versions) => trackUpdate({
      kind: endpoint.kind, old, updated: draft, manager: request.manager, subresource: request.subresource, time, apiVersion: endpoint.apiVersion, versions,
    }))
    // What can't be seen in a version isn't tracked any more.
    if (tracked instanceof Promise) return tracked.catch(() => undefined).then(write)
    write(tracked)
    return undefined
  }
}

/** Does work that may have to look at the object in other versions; only a webhook makes that take time. */
function inVersions<T>(endpoint: Endpoint, live: KubeObject | undefined, work: (versions: ObjectVersions | undefined) => T): T | Promise<T> {
  const { custom } = endpoint.kind
  if (!custom || !live?.metadata.managedFields?.some((entry) => entry.apiVersion !== endpoint.apiVersion)) return work(undefined)
  return custom.usesWebhook ? withConvertedVersions(custom.mergeTypeIn, custom.convertTo, work) : work(renamedVersions(custom.mergeTypeIn))
}

const SYSTEM_FIELDS = ['selfLink', 'uid', 'creationTimestamp', 'deletionTimestamp', 'deletionGracePeriodSeconds'] as const

/** What isn't for clients to say of a new object. k8s: rest.WipeObjectMetaSystemFields */
function wipeSystemFields({ metadata }: KubeObject): void {
  for (const field of SYSTEM_FIELDS) if (metadata[field] !== undefined) delete metadata[field]
}

function applyPatch(endpoint: Endpoint, type: PatchType, patch: unknown, current: KubeObject): KubeObject {
  switch (type) {
    case 'application/json-patch+json': {
      const patched = applyJsonPatch(current, patch)
      carrySpelledValues(patch, patched)
      return patched
    }
    case 'application/merge-patch+json': {
      const merged = applyMergePatch(current, patch)
      carrySpelledNumbers(patch, merged)
      return merged
    }
    default: return applyStrategicMergePatch(endpoint.kind, current, convertNumbers(endpoint.kind.schema, patch))
  }
}

interface Patched {
  /** What strictness has to say of the patch itself. */
  notes?: readonly string[]
  /** What the patch reached into, see {@link touchedBy}. */
  touched?: () => Touched
  undecodable?: (why: string) => StatusError
  checksType?: boolean
}

function decodePatched(endpoint: Endpoint, patched: KubeObject, request: ManagedWrite, { notes = [], touched, undecodable = (why) => undecodablePatch(patched, why, touched?.()), checksType = true }: Patched): KubeObject {
  const { kind } = endpoint
  try {
    if (kind.custom) checkCustomType(patched)
    const { object, unknownFields } = decodeObject(kind, checksType && !kind.custom ? understoodPatch(kind, patched) : patched)
    const unknown = unknownFields.length > 1 && touched ? decodeObject(kind, inPatchedOrder(patched, touched()) as KubeObject).unknownFields : unknownFields
    const texts = [...notes, ...unknown.map((path) => `unknown field ${JSON.stringify(path)}`)]
    if (request.fieldValidation === 'Warn') texts.forEach(request.warn)
    else if (request.fieldValidation === 'Strict' && texts.length > 0) throw undecodable(`strict decoding error: ${texts.join(', ')}`)
    return object
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error
    throw undecodable(error.message)
  }
}

/** Custom resources have to say what they are; validation sees whether it is right. k8s: UnstructuredJSONScheme @throws DecodeError */
function checkCustomType(patched: KubeObject): void {
  checkTypeMeta(patched)
  if (!patched.kind) throw new DecodeError(`Object 'Kind' is missing in '${JSON.stringify(inPatchedOrder(patched, true))}'`)
}

/** Of a strategic merge patch the server names the patch, not the result, and converts without decoding JSON. k8s: handlers/patch.go applyPatchToObject */
function convertPatched(endpoint: Endpoint, patch: unknown, patched: KubeObject, request: ManagedWrite, notes: readonly string[]): KubeObject {
  return decodePatched(endpoint, patched, request, { notes, touched: () => true, checksType: false, undecodable: (why) =>
    apiError.invalid({ group: '', kind: '' }, '', [invalid('patch', goValue(patch), conversionProblem(endpoint.kind.schema, patch) ?? conversionProblem(endpoint.kind.schema, patched) ?? asConversion(why))]) })
}

/** What fits the schema of an apply may still be refused by the conversion to Go's types. k8s: managedfields structuredMergeManager Apply */
function unconverted({ apiVersion, kind }: Endpoint, configuration: unknown, why: string): StatusError {
  const { metadata } = configuration as KubeObject
  const type = gvkText(apiVersion, kind.kind)
  return unexplained(`failed to convert new object (${metadata?.namespace ?? ''}/${metadata?.name ?? ''}; ${type}) to proper version: unable to convert unstructured object to ${type}: ${conversionProblem(kind.schema, configuration) ?? asConversion(why)}`)
}

/** A decoder's complaint of a single value that was given to it by the conversion. */
function asConversion(why: string): string {
  return why.replace(/^illegal base64/, 'error decoding from json: $&').replace(/Go struct field \S+ of type/, 'Go value of type')
}

/** The patched object doesn't fit its kind. k8s: endpoints/handlers patch.go applyPatchToCurrentObject */
export function undecodablePatch(patched: unknown, why: string, touched: Touched = true): StatusError {
  return apiError.invalid({ group: '', kind: '' }, '', [invalid('patch', JSON.stringify(inPatchedOrder(patched, touched)), why)])
}

/** The body may leave the namespace out, but not name another. k8s: rest.EnsureObjectNamespaceMatchesRequestNamespace */
export function checkNamespace(endpoint: Endpoint, draft: KubeObject, namespace: string): void {
  const { metadata } = draft
  if (!endpoint.kind.namespaced) {
    delete metadata.namespace
    return
  }
  if (!metadata.namespace) metadata.namespace = namespace
  else if (metadata.namespace !== namespace) throw apiError.badRequest('the namespace of the provided object does not match the namespace sent on the request')
}

/** k8s: endpoints/handlers checkName */
export function checkName(draft: KubeObject, name: string): void {
  if (!draft.metadata.name) throw apiError.badRequest(`the name of the object (${name} based on URL) was undeterminable: name must be provided`)
  if (draft.metadata.name !== name)
    throw apiError.badRequest(`the name of the object (${draft.metadata.name}) does not match the name on the URL (${name})`)
}
