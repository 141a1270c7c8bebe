/**
 * Who set which field: metadata.managedFields, kept on every write. k8s: apimachinery/pkg/util/managedfields
 */
import { deepEqual } from '../../../base/freeze.ts'
import type { Kind } from '../kind.ts'
import type { KubeObject, ManagedFieldsEntry } from '../object.ts'
import { rememberingPairs, tableSet } from './field-set-table.ts'
import { EMPTY_SET, type FieldSet, differenceOf as differenceOfAny, intersectionOf, isEmptySet, recursiveDifferenceOf as recursiveDifferenceOfAny, unionOf as unionOfAny } from './field-set.ts'
import { type MergeType, emptyObject, mergeType } from './merge-type.ts'
import { comparisonsInVersions, type ObjectVersions, VersionProblem } from './object-versions.ts'
import { type Comparison, compareObjects, KeylessItem, validateTyped } from './typed-value.ts'

/** What one manager owns. */
export interface Manager {
  readonly manager: string
  readonly operation: 'Apply' | 'Update'
  readonly apiVersion: string
  readonly subresource: string
  readonly set: FieldSet
  readonly time?: string | undefined
  /** The entry it was read from, reused while nothing changes. */
  readonly entry?: ManagedFieldsEntry
}

/** Managers by identity: Apply entries are one per manager and subresource, Update entries also per version. */
export type Managers = Map<string, Manager>

export interface TrackOptions {
  kind: Kind
  /** Undefined for a creation. */
  old: Readonly<KubeObject> | undefined
  /** As the user wants it: defaulted, before admission and strategy. */
  updated: Readonly<KubeObject>
  /** See {@link managerName}. */
  manager: string
  /** '' for the resource itself. */
  subresource?: string
  /** RFC 3339, whole seconds. */
  time: string
  /** The version of the request, e.g. `apps/v1`; by default the kind's. */
  apiVersion?: string
  /** Of kinds whose versions differ; built-in ones are looked at in one version. */
  versions?: ObjectVersions | undefined
}

const unionOf = rememberingPairs(unionOfAny)
const differenceOf = rememberingPairs(differenceOfAny)
const recursiveDifferenceOf = rememberingPairs(recursiveDifferenceOfAny)

/** k8s: DefaultMaxUpdateManagers */
const MAX_UPDATE_MANAGERS = 10
const OLD_UPDATES_MANAGER = 'ancient-changes'

/**
 * The managedFields of an object after any write but apply. Returns the old list itself when nothing changed, undefined for objects that
 * aren't tracked (they existed before anyone tracked them, or don't fit the schema in a version that somebody owns fields in).
 */
export function trackUpdate(options: TrackOptions): readonly ManagedFieldsEntry[] | undefined {
  const { kind, old, updated, subresource = '' } = options
  const given = updated.metadata.managedFields
  const live = old?.metadata.managedFields
  let entries: readonly ManagedFieldsEntry[] | undefined
  if (subresource !== '') entries = live
  else if (given && (given.length === 0 || (given.length === 1 && Object.keys(given[0]!).length === 0))) entries = []
  else entries = given && given.length > 0 && decodeManagers(given) ? given : live
  const managers = (entries && decodeManagers(entries)) ?? new Map<string, Manager>()
  if (managers.size === 0 && old) return undefined
  // Of a scale there is only what somebody owns by now: replicas of nobody stay nobody's. k8s: managedfields skipNonAppliedManager
  if (subresource === 'scale' && !kind.custom && ![...managers.values()].some(({ set }) => set['f:spec']?.['f:replicas'] !== undefined)) return live
  const apiVersion = options.apiVersion ?? apiVersionOf(kind)
  const type = mergeType(kind.schema)
  // A scale is tracked for itself: what the rest of the object looks like doesn't matter. k8s: managedfields ScaleHandler
  if (kind.custom && subresource !== 'scale' && (validateTyped(updated, type, '', true).length > 0 || (old && validateTyped(old, type, '', true).length > 0))) return undefined
  const reset = resetFields(kind, subresource)
  let others: Map<string, Comparison> | undefined
  let comparison: Comparison
  try {
    comparison = filtered(compareObjects(old ?? emptyObject(kind.schema), updated, type), reset)
    others = options.versions && old && subresource !== 'scale' ? comparisonsInVersions(versionsOf(managers), apiVersion, old, updated, options.versions) : undefined
  } catch (error) {
    if (!(error instanceof VersionProblem || error instanceof KeylessItem)) throw error
    return undefined
  }
  const changed = takeFields(managers, comparison, undefined, others && new Map([...others].map(([version, other]) => [version, filtered(other, reset)])))
  let taken = withoutIdentity(unionOf(comparison.modified, comparison.added))
  // A scale of none is one without replicas: nobody has them then.
  if (subresource === 'scale' && !kind.custom && !updated['spec']?.replicas) taken = EMPTY_SET
  let touched = changed
  if (!isEmptySet(taken)) {
    const id = identity('Update', options.manager, apiVersion, subresource)
    const before = managers.get(id)
    const set = before ? unionOf(before.set, taken) : taken
    managers.set(id, { manager: options.manager || 'unknown', operation: 'Update', apiVersion, subresource, set, time: options.time })
    touched = true
  }
  // What somebody wrote into the list is put in order, and of two entries that are named alike the last one counts.
  if (!touched && (entries === live ? managers.size === (entries?.length ?? 0) : deepEqual(entries, live))) return live && live.length > 0 ? live : undefined
  capUpdateManagers(managers)
  return encodeManagers(managers)
}

/** How a request's manager is called: what it says, else the program's name. k8s: handlers managerOrUserAgent */
export function managerName(fieldManager: string | undefined, userAgent: string | null | undefined): string {
  if (fieldManager) return fieldManager
  const name = (userAgent ?? '').split('/', 1)[0]!
  let out = ''
  for (const char of name) {
    // k8s: validation.FieldManagerMaxLength
    if (out.length + char.length > 128) break
    if (/\p{C}|\p{Zl}|\p{Zp}/u.test(char)) continue
    out += char
  }
  return out
}

export function apiVersionOf(kind: Kind): string {
  return kind.group ? `${kind.group}/${kind.version}` : kind.version
}

/** The versions in which fields are owned. */
export function versionsOf(managers: Managers): Set<string> {
  return new Set([...managers.values()].map((manager) => manager.apiVersion))
}

/** Every other manager loses what the write changed or removed. True when a set changed. `others`: the same change in other versions. */
export function takeFields(managers: Managers, comparison: Comparison, except: string | undefined, others?: ReadonlyMap<string, Comparison>): boolean {
  const { added, modified, removed } = comparison
  if (!others && isEmptySet(added) && isEmptySet(modified) && isEmptySet(removed)) return false
  const overwritten = unionOf(modified, added)
  let changed = false
  for (const [id, manager] of managers) {
    if (id === except) continue
    const other = others?.get(manager.apiVersion)
    const set = differenceOf(differenceOf(manager.set, other ? unionOf(other.modified, other.added) : overwritten), other ? other.removed : removed)
    if (set === manager.set) continue
    changed = true
    if (isEmptySet(set)) managers.delete(id)
    else managers.set(id, { ...without(manager), set })
  }
  return changed
}

function without(manager: Manager): Manager {
  const { entry: _, ...rest } = manager
  return rest
}

/** What each other manager would lose. */
export function conflictsOf(managers: Managers, comparison: Comparison, self: string, others?: ReadonlyMap<string, Comparison>): { manager: Manager; set: FieldSet }[] {
  const overwritten = unionOf(comparison.modified, comparison.added)
  const out: { id: string; manager: Manager; set: FieldSet }[] = []
  for (const [id, manager] of managers) {
    if (id === self) continue
    const other = others?.get(manager.apiVersion)
    const set = intersectionOf(manager.set, other ? unionOf(other.modified, other.added) : overwritten)
    if (!isEmptySet(set)) out.push({ id, manager, set })
  }
  return out.sort((a, b) => compare(identifierText(a.manager), identifierText(b.manager)))
}

/** k8s: BuildManagerIdentifier */
export function identity(operation: 'Apply' | 'Update', manager: string, apiVersion: string, subresource: string): string {
  return `${manager || 'unknown'}\u0000${operation}\u0000${operation === 'Apply' ? '' : apiVersion}\u0000${subresource}`
}

/** Upstream's identifiers are JSON, by which conflicts are told in order: a manager's subresource comes before the resource itself. k8s: BuildManagerIdentifier */
function identifierText({ manager, operation, apiVersion, subresource }: Manager): string {
  return JSON.stringify({ ...(manager && { manager }), operation, ...(operation === 'Update' && { apiVersion }), ...(subresource && { subresource }) })
}

const decoded = new WeakMap<readonly ManagedFieldsEntry[], readonly [string, Manager][]>()

/** Undefined for lists that aren't valid. */
export function decodeManagers(entries: readonly ManagedFieldsEntry[]): Managers | undefined {
  const known = decoded.get(entries)
  if (known) return new Map(known)
  const managers: Managers = new Map()
  // What is stored was looked at when it came.
  const areFrozen = Object.isFrozen(entries)
  for (const entry of entries) {
    const { operation, apiVersion } = entry
    if ((operation !== 'Apply' && operation !== 'Update') || !apiVersion || entry.fieldsType !== 'FieldsV1' || (!areFrozen && !isFieldSet(entry.fieldsV1))) return undefined
    managers.set(identity(operation, entry.manager ?? '', apiVersion, entry.subresource ?? ''), {
      manager: entry.manager ?? '', operation, apiVersion, subresource: entry.subresource ?? '',
      set: (entry.fieldsV1 ?? EMPTY_SET) as FieldSet, time: entry.time, entry,
    })
  }
  if (areFrozen) decoded.set(entries, [...managers])
  return managers
}

/** Whether a user's FieldsV1 can be read as a set. k8s: structured-merge-diff fieldpath Set.FromJSON */
function isFieldSet(value: unknown): boolean {
  if (value === undefined || value === null) return true
  if (typeof value !== 'object' || Array.isArray(value)) return false
  for (const key of Object.keys(value)) {
    if (key === '.') continue
    if (key.length < 2 || key[1] !== ':') return false
    if ((key[0] === 'k' || key[0] === 'v' || key[0] === 'i') && !isElement(key)) return false
    const inner = (value as Record<string, unknown>)[key]
    if (inner === null || !isFieldSet(inner)) return false
  }
  return true
}

function isElement(key: string): boolean {
  try {
    const element: unknown = JSON.parse(key.slice(2))
    if (key[0] === 'k') return element !== null && typeof element === 'object' && !Array.isArray(element)
    return key[0] === 'v' || Number.isInteger(element)
  } catch {
    return false
  }
}

/** Sorted as upstream: Apply before Update, then by time, manager, version, subresource. */
export function encodeManagers(managers: Managers): readonly ManagedFieldsEntry[] | undefined {
  if (managers.size === 0) return undefined
  const list = [...managers.values()]
  if (list.length > 1) {
    list.sort((a, b) => compare(a.operation, b.operation) || compare(a.time ?? '', b.time ?? '')
      || compare(a.manager, b.manager) || compare(a.apiVersion, b.apiVersion) || compare(a.subresource, b.subresource))
  }
  return list.map((m) => m.entry ?? entryOf(m))
}

/** The last entry made for a set: what one manager writes in a second is owned alike. */
const lastEntries = new WeakMap<FieldSet, ManagedFieldsEntry>()

function entryOf({ manager, operation, apiVersion, time, set, subresource }: Manager): ManagedFieldsEntry {
  const last = lastEntries.get(set)
  if (last && last.time === time && (last.manager ?? '') === manager && last.operation === operation && last.apiVersion === apiVersion && (last.subresource ?? '') === subresource) return last
  const entry: ManagedFieldsEntry = {}
  if (manager) entry.manager = manager
  entry.operation = operation
  entry.apiVersion = apiVersion
  if (time) entry.time = time
  entry.fieldsType = 'FieldsV1'
  entry.fieldsV1 = set as Record<string, unknown>
  if (subresource) entry.subresource = subresource
  if (Object.isFrozen(set)) lastEntries.set(set, Object.freeze(entry))
  return entry
}

/**
 * Gives an object that was read from a disk, and isn't frozen yet, the sets that all objects like it have: each was read on its own, and would
 * be computed with on its own. Entries that can't be read as sets stay as they are.
 */
export function shareManagedFields(object: { metadata?: { managedFields?: unknown } } | null | undefined): void {
  const entries = object?.metadata?.managedFields
  if (!Array.isArray(entries) || Object.isFrozen(entries)) return
  for (let i = 0; i < entries.length; i++) {
    const entry = entries[i] as ManagedFieldsEntry | null
    if (entry?.fieldsType !== 'FieldsV1' || Object.isFrozen(entry) || !isTableSet(entry.fieldsV1)) continue
    const set = tableSet(entry.fieldsV1)
    const last = lastEntries.get(set)
    if (last && last.time === entry.time && last.manager === entry.manager && last.operation === entry.operation && last.apiVersion === entry.apiVersion && last.subresource === entry.subresource) entries[i] = last
    else {
      entry.fieldsV1 = set as Record<string, unknown>
      lastEntries.set(set, Object.freeze(entry))
    }
  }
}

/** The table knows no positions in lists. */
function isTableSet(value: unknown): value is FieldSet {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return false
  for (const key in value) if (key.startsWith('i:') || !isTableSet((value as Record<string, unknown>)[key])) return false
  return true
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)

/** k8s: capManagersManager: the oldest updates are merged, one bucket per version. */
function capUpdateManagers(managers: Managers): void {
  if (managers.size <= MAX_UPDATE_MANAGERS) return
  const updates = [...managers].filter(([, m]) => m.operation === 'Update')
  if (updates.length <= MAX_UPDATE_MANAGERS) return
  updates.sort(([idA, a], [idB, b]) => compare(a.time ?? '', b.time ?? '') || compare(idA, idB))
  const firstOf = new Map<string, string>()
  let count = updates.length
  for (const [id, manager] of updates) {
    if (count <= MAX_UPDATE_MANAGERS) return
    const first = firstOf.get(manager.apiVersion)
    if (first === undefined) {
      firstOf.set(manager.apiVersion, id)
      continue
    }
    const bucket = identity('Update', OLD_UPDATES_MANAGER, manager.apiVersion, '')
    const held = managers.get(bucket) ?? managers.get(first)!
    managers.delete(first)
    managers.delete(id)
    managers.set(bucket, { manager: OLD_UPDATES_MANAGER, operation: 'Update', apiVersion: manager.apiVersion, subresource: '', set: unionOf(manager.set, held.set), time: manager.time })
    firstOf.set(manager.apiVersion, bucket)
    count--
  }
}

const leaf: FieldSet = EMPTY_SET

/** k8s: stripMetaManager: fields that nobody owns. */
const IDENTITY_FIELDS: FieldSet = tableSet({
  'f:apiVersion': leaf, 'f:kind': leaf,
  'f:metadata': {
    '.': leaf, 'f:name': leaf, 'f:namespace': leaf, 'f:creationTimestamp': leaf, 'f:selfLink': leaf, 'f:uid': leaf, 'f:clusterName': leaf,
    'f:generation': leaf, 'f:managedFields': leaf, 'f:resourceVersion': leaf,
  },
})

export function withoutIdentity(set: FieldSet): FieldSet {
  return differenceOf(set, IDENTITY_FIELDS)
}

const STATUS: FieldSet = tableSet({ 'f:status': leaf })
const SPEC: FieldSet = tableSet({ 'f:spec': leaf })
const META_AND_SPEC: FieldSet = tableSet({ 'f:metadata': leaf, 'f:spec': leaf })
const SPEC_AND_STATUS: FieldSet = tableSet({ 'f:spec': leaf, 'f:status': leaf })
const APPROVAL_RESETS: FieldSet = tableSet({ 'f:spec': leaf, 'f:status': { 'f:certificate': leaf } })
/** Where the status subresource resets more or less than spec. k8s: GetResetFields of the status strategies */
const STATUS_RESETS: Readonly<Record<string, FieldSet>> = {
  'Pod': tableSet({ 'f:metadata': { 'f:deletionTimestamp': leaf, 'f:ownerReferences': leaf }, 'f:spec': leaf }),
  'Deployment.apps': tableSet({ 'f:metadata': { 'f:labels': leaf }, 'f:spec': leaf }),
  'CertificateSigningRequest.certificates.k8s.io': tableSet({ 'f:spec': leaf, 'f:status': { 'f:conditions': leaf } }),
  'ServiceCIDR.networking.k8s.io': META_AND_SPEC, 'ResourceClaim.resource.k8s.io': META_AND_SPEC, 'VolumeAttachment.storage.k8s.io': META_AND_SPEC,
  'FlowSchema.flowcontrol.apiserver.k8s.io': META_AND_SPEC, 'PriorityLevelConfiguration.flowcontrol.apiserver.k8s.io': META_AND_SPEC,
  'ValidatingAdmissionPolicy.admissionregistration.k8s.io': META_AND_SPEC, 'StorageVersion.internal.apiserver.k8s.io': META_AND_SPEC,
  'APIService.apiregistration.k8s.io': META_AND_SPEC,
}

/** Fields that a write to this (sub)resource can't set, so nobody comes to own them by it. */
export function resetFields(kind: Kind, subresource: string): FieldSet | undefined {
  const name = kind.group ? `${kind.kind}.${kind.group}` : kind.kind
  if (subresource === '') {
    if (!('status' in kind.subresources)) return undefined
    return name === 'CertificateSigningRequest.certificates.k8s.io' ? SPEC_AND_STATUS : STATUS
  }
  if (subresource === 'status') return kind.custom ? META_AND_SPEC : STATUS_RESETS[name] ?? SPEC
  if (subresource === 'approval') return APPROVAL_RESETS
  if (subresource === 'finalize') return STATUS
  return undefined
}

export function filtered(comparison: Comparison, reset: FieldSet | undefined): Comparison {
  if (!reset) return comparison
  return {
    added: recursiveDifferenceOf(comparison.added, reset), modified: recursiveDifferenceOf(comparison.modified, reset), removed: recursiveDifferenceOf(comparison.removed, reset),
  }
}

export type { Comparison, MergeType }
