/** Server-side apply. k8s: apimachinery/pkg/util/managedfields, structured-merge-diff/merge Updater.Apply */
import { deepEqual } from '../../../base/freeze.ts'
import type { Kind } from '../kind.ts'
import type { KubeObject, ManagedFieldsEntry } from '../object.ts'
import { StatusError, apiError } from '../status-error.ts'
import { EMPTY_SET, type FieldSet, differenceOf, intersectionOf, isEmptySet, pathsOf, recursiveDifferenceOf, unionOf, withNamedFields } from './field-set.ts'
import { type Manager, type Managers, apiVersionOf, conflictsOf, decodeManagers, encodeManagers, filtered, identity, resetFields, takeFields, trackUpdate, versionsOf, withoutIdentity } from './managed-fields.ts'
import { type MergeType, emptyObject, mergeType } from './merge-type.ts'
import { comparisonsInVersions, type ObjectVersions, problemsText, VersionProblem } from './object-versions.ts'
import { ownsReplicas, REPLICAS, throughScale } from './scale-managers.ts'
import { compareObjects, fieldSetOf, mergeObjects, removeFields, validateTyped } from './typed-value.ts'

export interface ApplyOptions {
  kind: Kind
  /** Undefined when apply creates. */
  live: Readonly<KubeObject> | undefined
  /** The configuration as sent. */
  applied: unknown
  manager: string
  force?: boolean
  /** RFC 3339, whole seconds. */
  time: string
  /** The version of the request, e.g. `apps/v1`; by default the kind's. */
  apiVersion?: string
  subresource?: string
  /** Of kinds whose versions differ. */
  versions?: ObjectVersions | undefined
}

export interface Applied {
  /** The merged object, not defaulted yet; the live object itself when nothing changes. Its metadata.managedFields is {@link managedFields}. */
  object: KubeObject
  managedFields: readonly ManagedFieldsEntry[] | undefined
  /** False when the configuration changes nothing but perhaps ownership. */
  changed: boolean
}

const BEFORE_FIRST_APPLY = 'before-first-apply'
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration'
/** k8s: apimachinery/pkg/api/validation TotalAnnotationSizeLimitB */
const ANNOTATIONS_LIMIT_BYTES = 256 * 1024

/**
 * Applies a configuration.
 * @throws StatusError 400 for the wrong kind, 409 with a cause per conflict, 500 for a configuration that doesn't fit the schema (as upstream)
 */
export function serverSideApply(options: ApplyOptions): Applied {
  const { kind, live, manager, time, subresource = '' } = options
  const apiVersion = options.apiVersion ?? apiVersionOf(kind)
  const applied = options.applied as KubeObject
  checkType(applied, kind, apiVersion)
  if (namesManagers(applied)) throw apiError.badRequest('metadata.managedFields must be nil')
  const type = mergeType(kind.schema)
  const startingProblems = live && !kind.custom && !live.metadata.managedFields?.length ? validateTyped(live, type, '', true) : []
  if (startingProblems.length > 0)
    throw unexplained(`failed to create manager for existing fields: failed to convert new object (${live!.metadata.namespace ?? ''}/${live!.metadata.name ?? ''}; ${gvkText(apiVersion, kind.kind)}) to smd typed: ${problemsText(startingProblems)}`)
  const problems = validateTyped(applied, type)
  if (problems.length > 0) {
    const metadata = applied.metadata as { name?: unknown; namespace?: unknown } | undefined
    throw unexplained(`failed to create typed patch object (${textOr(metadata?.namespace)}/${textOr(metadata?.name)}; ${gvkText(apiVersion, kind.kind)}): ${problemsText(problems)}`)
  }
  const id = identity('Apply', manager, apiVersion, subresource)
  const { managedFields: _, ...bareMetadata } = live?.metadata ?? {}
  const liveObject = (live ? { ...live, metadata: bareMetadata } : emptyObject(kind.schema)) as KubeObject
  const liveProblems = kind.custom && live ? validateTyped(liveObject, type, '', true) : []
  if (liveProblems.length > 0) throw unexplained(`failed to create typed live object (${live!.metadata.namespace ?? ''}/${live!.metadata.name ?? ''}; ${gvkText(apiVersion, kind.kind)}): ${problemsText(liveProblems)}`)
  const before = startingManagers(options, liveObject, apiVersion)

  let result: { object: unknown; managers: Managers; changed: boolean }
  try {
    result = apply(liveObject, applied, type, before, id, options, apiVersion, options.force ?? false)
  } catch (error) {
    if (error instanceof VersionProblem) throw unexplained(error.message)
    if (!(error instanceof Conflicts)) throw error
    const rest = manager === 'kubectl' ? beyondLastApplied(error, liveObject, type, apiVersion) : error
    if (rest.total > 0) throw conflictStatus(rest)
    result = apply(liveObject, applied, type, before, id, options, apiVersion, true)
  }
  const { managers, changed } = result
  const own = managers.get(id)
  if (own) {
    const set = withoutIdentity(own.set)
    if (isEmptySet(set)) managers.delete(id)
    else managers.set(id, { ...own, set, time: changed ? time : before.get(id)?.time })
  }
  let object = result.object as KubeObject
  if (manager === 'kubectl' && object.metadata?.annotations?.[LAST_APPLIED]) object = withLastApplied(object, applied)
  const previous = live?.metadata.managedFields
  let managedFields = encodeManagers(managers)
  if (subresource === 'scale' && !kind.custom) managedFields = throughScale(managedFields)
  if (previous && managedFields && deepEqual(previous, managedFields)) managedFields = previous
  const { managedFields: _previous, ...metadata } = object.metadata ?? {}
  return { object: { ...object, metadata: { ...metadata, ...(managedFields ? { managedFields: managedFields as ManagedFieldsEntry[] } : {}) } }, managedFields, changed }
}

/** A list with something else than entries in it says nothing. k8s: unstructured.Unstructured GetManagedFields */
function namesManagers({ metadata }: KubeObject): boolean {
  const entries: unknown = metadata?.managedFields
  return entries !== undefined && entries !== null && !(Array.isArray(entries) && entries.some((entry) => entry === null || typeof entry !== 'object' || Array.isArray(entry)))
}

const textOr = (value: unknown) => (typeof value === 'string' ? value : '')

function checkType(applied: KubeObject, kind: Kind, apiVersion: string): void {
  const given = applied !== null && typeof applied === 'object' ? applied : {} as KubeObject
  const givenVersion = typeof given.apiVersion === 'string' ? given.apiVersion : ''
  const givenKind = typeof given.kind === 'string' ? given.kind : ''
  if (givenVersion === apiVersion && givenKind === kind.kind) return
  // What is no version makes Go forget the kind too.
  throw apiError.badRequest(`invalid object type: ${givenVersion.split('/').length > 2 ? gvkText('', '') : gvkText(givenVersion, givenKind)}`)
}

/** Go's GroupVersionKind.String: `apps/v1, Kind=Deployment`, `/v1, Kind=Pod`. */
export function gvkText(apiVersion: string, kind: string): string {
  return `${apiVersion.includes('/') ? apiVersion : `/${apiVersion}`}, Kind=${kind}`
}

/** An object that nobody tracked so far: its fields belong to whoever wrote them before the first apply. */
function startingManagers(options: ApplyOptions, liveObject: KubeObject, apiVersion: string): Managers {
  const { live, kind, subresource = '' } = options
  const entries = live?.metadata.managedFields
  if (entries && entries.length > 0) {
    const managers = decodeManagers(entries)
    if (!managers) throw unexplained('failed to decode managed fields: operation must be `Apply` or `Update`')
    if (subresource === 'scale' && !kind.custom && liveObject['spec']?.replicas && !ownsReplicas(managers))
      managers.set(identity('Update', BEFORE_FIRST_APPLY, apiVersion, subresource), { manager: BEFORE_FIRST_APPLY, operation: 'Update', apiVersion, subresource, set: REPLICAS })
    return managers
  }
  if (!live) return new Map()
  const tracked = trackUpdate({ kind, old: undefined, updated: liveObject, manager: BEFORE_FIRST_APPLY, subresource, time: options.time, apiVersion })
  return (tracked && decodeManagers(tracked)) ?? new Map()
}

function apply(live: KubeObject, applied: KubeObject, type: MergeType, before: Managers, id: string, options: ApplyOptions, apiVersion: string, force: boolean): { object: unknown; managers: Managers; changed: boolean } {
  const { kind, subresource = '', manager } = options
  const reset = resetFields(kind, subresource)
  const managers: Managers = new Map(before)
  const last = managers.get(id)
  let set = fieldSetOf(applied, type)
  if (reset) set = recursiveDifferenceOf(set, reset)
  managers.set(id, { manager: manager || 'unknown', operation: 'Apply', apiVersion, subresource, set })
  let object = mergeObjects(live, applied, type)
  const { versions } = options
  // Whoever owns fields in a version must be able to see the object in it, before anything else is looked at.
  if (versions && options.live) for (const version of versionsOf(before)) if (version !== apiVersion) versions.convert(live, version)
  if (last && !isEmptySet(last.set)) {
    object = versions && hasOtherVersions(managers, last, apiVersion) ? prunedInVersions(object, apiVersion, managers, last, versions) : pruned(object, type, managers, last)
  }
  const comparison = filtered(compareObjects(live, object, type), reset)
  const inVersions = versions && options.live ? comparisonsInVersions(versionsOf(managers), apiVersion, live, object, versions) : undefined
  const others = inVersions && new Map([...inVersions].map(([version, other]) => [version, filtered(other, reset)]))
  if (!force) {
    const conflicts = conflictsOf(managers, comparison, id, others)
    if (conflicts.length > 0) throw new Conflicts(conflicts)
  }
  takeFields(managers, comparison, id, others)
  if (isEmptySet(managers.get(id)!.set)) managers.delete(id)
  const changed = !deepEqual(live, object)
  if (!changed) return { object: live, managers, changed }
  // What pruning emptied is there as a null: who owns it keeps it, though Go's structs show nothing of it. Custom resources are maps all the way down, with their nulls.
  return { object: kind.custom ? object : withoutNulls(object, type), managers, changed }
}

/** Removes what the manager applied last time, doesn't now, and nobody else owns. k8s: Updater.prune */
function pruned(merged: unknown, type: MergeType, managers: Managers, last: Manager): unknown {
  const lastSet = withNamedFields(last.set, type)
  let out = removeFields(merged, lastSet, type)
  const mergedSet = withNamedFields(fieldSetOf(merged, type), type)
  const setOf = (value: unknown): FieldSet => withNamedFields(fieldSetOf(value, type), type)
  // What others (and the new configuration) own comes back.
  let owned: FieldSet = {}
  for (const manager of managers.values()) owned = unionOf(owned, manager.set)
  out = removeFields(merged, differenceOf(mergedSet, unionOf(setOf(out), withNamedFields(owned, type))), type)
  // So does what would dangle: it was never this manager's to remove.
  return removeFields(merged, intersectionOf(differenceOf(mergedSet, setOf(out)), lastSet), type)
}

function hasOtherVersions(managers: Managers, last: Manager, apiVersion: string): boolean {
  return last.apiVersion !== apiVersion || [...managers.values()].some((manager) => manager.apiVersion !== apiVersion)
}

/** The same where fields are owned in several versions: each is looked at in its own. k8s: Updater.prune, addBackOwnedItems, addBackDanglingItems */
function prunedInVersions(merged: unknown, apiVersion: string, managers: Managers, last: Manager, versions: ObjectVersions): unknown {
  const inVersion = (object: unknown, version: string, what: string) => {
    try {
      return versions.convert(object, version)
    } catch (error) {
      if (!(error instanceof VersionProblem)) throw error
      throw new VersionProblem(`failed to prune fields: ${what}${error.message}`)
    }
  }
  const base = inVersion(merged, last.apiVersion, 'failed to convert merged object to last applied version: ')
  const lastSet = withNamedFields(last.set, base.type)
  let out = removeFields(base.object, lastSet, base.type)
  const owned = new Map<string, FieldSet>([[last.apiVersion, EMPTY_SET]])
  for (const manager of managers.values()) owned.set(manager.apiVersion, unionOf(owned.get(manager.apiVersion) ?? EMPTY_SET, manager.set))
  for (const [version, set] of owned) {
    if (version !== apiVersion && isEmptySet(set)) continue
    const failed = 'failed add back owned items: failed to convert '
    const whole = inVersion(merged, version, `${failed}merged object at version ${version}: `)
    const kept = inVersion(out, version, `${failed}pruned object at version ${version}: `)
    const setOf = (value: unknown): FieldSet => withNamedFields(fieldSetOf(value, whole.type), whole.type)
    out = removeFields(whole.object, differenceOf(setOf(whole.object), unionOf(setOf(kept.object), withNamedFields(set, whole.type))), whole.type)
  }
  const kept = inVersion(out, last.apiVersion, 'failed add back dangling items: failed to convert pruned object to last applied version: ')
  const mergedSet = withNamedFields(fieldSetOf(base.object, base.type), base.type)
  out = removeFields(base.object, intersectionOf(differenceOf(mergedSet, withNamedFields(fieldSetOf(kept.object, base.type), base.type)), lastSet), base.type)
  return inVersion(out, apiVersion, '').object
}

/** Removing leaves nulls where the last member of a struct or list went. A map's own nulls are values that were applied: empty ones, as Go reads them. */
function withoutNulls(value: unknown, type: MergeType | undefined): unknown {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return value
  let out: Record<string, unknown> | undefined
  for (const [key, inner] of Object.entries(value)) {
    const field = type?.map?.fields.get(key)
    if (inner === null && !field && type?.map) continue
    const clean = inner === null ? undefined : withoutNulls(inner, field?.type ?? type?.map?.element)
    if (clean === inner) continue
    out ??= { ...value }
    if (clean === undefined) delete out[key]
    else out[key] = clean
  }
  return out ?? value
}

class Conflicts extends Error {
  readonly conflicts: readonly { manager: Manager; set: FieldSet }[]
  constructor(conflicts: readonly { manager: Manager; set: FieldSet }[]) {
    super('apply conflicts')
    this.conflicts = conflicts
  }
  get total(): number {
    return this.conflicts.reduce((sum, { set }) => sum + pathsOf(set).length, 0)
  }
}

/** k8s: lastAppliedManager: fields that client-side apply set are kubectl's already. */
function beyondLastApplied(error: Conflicts, live: KubeObject, type: MergeType, apiVersion: string): Conflicts {
  const text = live.metadata.annotations?.[LAST_APPLIED]
  if (!text) return error
  let config: unknown
  try {
    config = JSON.parse(text)
  } catch {
    return error
  }
  // An object with duplicates in its lists can't be compared.
  if ((config as KubeObject | null)?.apiVersion !== apiVersion || !(config as KubeObject).kind || validateTyped(config, type).length > 0 || validateTyped(live, type).length > 0) return error
  const comparison = compareObjects(config, live, type)
  const allowed = differenceOf(differenceOf(differenceOf(fieldSetOf(config, type), comparison.modified), comparison.added), comparison.removed)
  return new Conflicts(error.conflicts.map(({ manager, set }) => ({ manager, set: differenceOf(set, allowed) })).filter(({ set }) => !isEmptySet(set)))
}

function withLastApplied(object: KubeObject, applied: KubeObject): KubeObject {
  const annotations = { ...applied.metadata.annotations }
  delete annotations[LAST_APPLIED]
  const config = { ...applied, metadata: { ...applied.metadata, ...(applied.metadata.annotations ? { annotations } : {}) } }
  const next: Record<string, string> = { ...object.metadata.annotations, [LAST_APPLIED]: `${sortedJson(config)}\n` }
  let bytes = 0
  for (const [key, value] of Object.entries(next)) bytes += key.length + value.length
  if (bytes > ANNOTATIONS_LIMIT_BYTES) delete next[LAST_APPLIED]
  return { ...object, metadata: { ...object.metadata, annotations: next } }
}

function sortedJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => inner !== null && typeof inner === 'object' && !Array.isArray(inner)
    ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1))) : inner)
}

function managerText(manager: Manager): string {
  let text = JSON.stringify(manager.manager)
  if (manager.subresource) text += ` with subresource ${JSON.stringify(manager.subresource)}`
  return manager.operation === 'Update' ? `${text} using ${manager.apiVersion}` : text
}

/** k8s: managedfields/internal/conflict.go */
function conflictStatus({ conflicts }: Conflicts): StatusError {
  const all = conflicts.flatMap(({ manager, set }) => pathsOf(set).map((path) => ({ manager: managerText(manager), path })))
  const message = all.length === 1 ? `Apply failed with 1 conflict: conflict with ${all[0]!.manager}: ${all[0]!.path}`
    : `Apply failed with ${all.length} conflicts: ${conflicts.flatMap(({ manager, set }) => [`conflicts with ${managerText(manager)}:`, ...pathsOf(set).map((path) => `- ${path}`)]).join('\n')}`
  return apiError.generic(409, 'Conflict', message, { causes: all.map(({ manager, path }) => ({ reason: 'FieldManagerConflict', message: `conflict with ${manager}`, field: path })) })
}

/** Errors that upstream gives no code: 500 without a reason. */
export function unexplained(message: string): StatusError {
  const error = apiError.generic(500, '', message)
  delete error.status.reason
  return error
}
