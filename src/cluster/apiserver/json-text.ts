import { setOwn } from '../../base/freeze.ts'
import { sortKeys } from '../kinds/go-text.ts'
import type { KubeObject } from '../kinds/object.ts'
import type { FieldSet } from '../kinds/patch/field-set.ts'
import { isShared } from '../kinds/patch/field-set-table.ts'

/** The text of each frozen object without kind and version, made at most once per revision. */
const itemTexts = new WeakMap<object, string>()
const METADATA_ORDER = new Map(['name', 'generateName', 'namespace', 'selfLink', 'uid', 'resourceVersion', 'generation', 'creationTimestamp', 'deletionTimestamp', 'deletionGracePeriodSeconds', 'labels', 'annotations', 'ownerReferences', 'finalizers', 'managedFields'].map((name, place) => [name, place]))

/** JSON of an object as the server writes it: kind and apiVersion first. */
export function jsonText(object: KubeObject | Readonly<Record<string, unknown>>): string {
  const { kind, apiVersion } = object
  let head = ''
  if (kind !== undefined) head = `"kind":${quoted(kind)}`
  if (apiVersion !== undefined) head += `${head && ','}"apiVersion":${quoted(apiVersion)}`
  const item = itemText(object)
  if (head === '') return item
  return item === '{}' ? `{${head}}` : `{${head},${item.slice(1)}`
}

/** JSON of an item of a typed list, which carries neither kind nor apiVersion. */
export function itemText(object: KubeObject | Readonly<Record<string, unknown>>): string {
  const known = itemTexts.get(object)
  if (known !== undefined) return known
  const { metadata } = object
  const rest: Record<string, unknown> = {}
  for (const key of Object.keys(object)) if (key !== 'kind' && key !== 'apiVersion' && key !== 'metadata') setOwn(rest, key, (object as Record<string, unknown>)[key])
  let text = JSON.stringify(rest)
  if (metadata !== undefined) text = `{"metadata":${metadataText(metadata as Record<string, unknown>)}${text === '{}' ? '}' : `,${text.slice(1)}`}`
  if (Object.isFrozen(object)) itemTexts.set(object, text)
  return text
}

function metadataText(metadata: Record<string, unknown>): string {
  if (metadata === null || typeof metadata !== 'object') return JSON.stringify(metadata)
  const ordered = orderedMetadata(metadata)
  const { managedFields, ...others } = ordered
  // They are about half of most objects' text, and objects that were written alike share them.
  if (!Array.isArray(managedFields) || managedFields.length === 0 || !isLast(ordered, 'managedFields')) return JSON.stringify(ordered)
  const text = JSON.stringify(others)
  return `${text === '{}' ? '{' : `${text.slice(0, -1)},`}"managedFields":[${managedFields.map(entryText).join(',')}]}`
}

function isLast(object: Record<string, unknown>, name: string): boolean {
  let last: string | undefined
  for (const key in object) last = key
  return last === name
}

/** Of entries whose set of fields is shared. */
const entryTexts = new WeakMap<object, string>()

function entryText(entry: { fieldsV1?: object }): string {
  const known = entryTexts.get(entry)
  if (known !== undefined) return known
  const text = JSON.stringify(entry)
  if (Object.isFrozen(entry) && entry.fieldsV1 && isShared(entry.fieldsV1 as FieldSet)) entryTexts.set(entry, text)
  return text
}

/** Keys, kinds and versions come again and again. */
const quotes = new Map<string, string>()

function quoted(value: unknown): string {
  if (typeof value !== 'string') return JSON.stringify(value)
  const known = quotes.get(value)
  if (known !== undefined) return known
  const text = JSON.stringify(value)
  if (quotes.size < 10_000 && value.length < 200) quotes.set(value, text)
  return text
}

/** Decoded objects have their metadata in order; a copy is only made of those that were changed since. */
function orderedMetadata(metadata: Record<string, unknown>): Record<string, unknown> {
  if (metadata === null || typeof metadata !== 'object') return metadata
  let last = -1
  for (const key in metadata) {
    const place = METADATA_ORDER.get(key) ?? METADATA_ORDER.size
    if (place < last) return reordered(metadata)
    last = place
  }
  return metadata
}

function reordered(metadata: Record<string, unknown>): Record<string, unknown> {
  const out: Record<string, unknown> = {}
  for (const key of METADATA_ORDER.keys()) if (metadata[key] !== undefined) out[key] = metadata[key]
  for (const key in metadata) if (!(key in out)) out[key] = metadata[key]
  return out
}

const sortedTexts = new WeakMap<object, string>()

/** JSON of a custom resource: like any data without a Go type its keys are sorted, at every level. */
export function sortedJsonText(object: KubeObject): string {
  const known = sortedTexts.get(object)
  if (known !== undefined) return known
  const text = JSON.stringify(sortKeys(object))
  if (Object.isFrozen(object)) sortedTexts.set(object, text)
  return text
}
