import { sortKeys } from '../kinds/go-text.ts'
import type { KubeObject } from '../kinds/object.ts'
import type { FieldSet } from '../kinds/patch/field-set.ts'
import { isShared } from '../kinds/patch/field-set-table.ts'

/** The text of each frozen object without kind and version, made at most once per revision. */
const itemTexts = new WeakMap<object, string>()
const METADATA_ORDER = ['name', 'generateName', 'namespace', 'selfLink', 'uid', 'resourceVersion', 'generation', 'creationTimestamp', 'deletionTimestamp', 'deletionGracePeriodSeconds', 'labels', 'annotations', 'ownerReferences', 'finalizers', 'managedFields']
const ORDERED = new Set(METADATA_ORDER)

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
  const pieces = ['{']
  if (object.metadata !== undefined) {
    pieces.push('"metadata":')
    addMetadata(pieces, object.metadata as Record<string, unknown>)
  }
  for (const key in object) if (key !== 'kind' && key !== 'apiVersion' && key !== 'metadata') addMember(pieces, key, (object as Record<string, unknown>)[key])
  pieces.push('}')
  // Joined, not added up: what is kept is one text, not a tree of its parts.
  const text = pieces.join('')
  if (Object.isFrozen(object)) itemTexts.set(object, text)
  return text
}

/** Most texts need no escapes, and a call of JSON.stringify costs more than looking. */
const PLAIN = /^[ !#-[\]-~]*$/

function addMember(pieces: string[], key: string, value: unknown): void {
  if (value === undefined) return
  if (pieces.at(-1) !== '{') pieces.push(',')
  pieces.push(quoted(key), ':', typeof value === 'string' && PLAIN.test(value) ? `"${value}"` : JSON.stringify(value))
}

/** Metadata has its fields in the order of its Go type, whatever order they were set in. */
function addMetadata(pieces: string[], metadata: Record<string, unknown>): void {
  if (metadata === null || typeof metadata !== 'object') {
    pieces.push(JSON.stringify(metadata))
    return
  }
  pieces.push('{')
  for (const key of METADATA_ORDER) {
    const value = metadata[key]
    // They are about half of most objects' text, and objects that were written alike share them.
    if (key === 'managedFields' && Array.isArray(value)) pieces.push(pieces.at(-1) === '{' ? '' : ',', '"managedFields":[', value.map(entryText).join(','), ']')
    else addMember(pieces, key, value)
  }
  for (const key in metadata) if (!ORDERED.has(key)) addMember(pieces, key, metadata[key])
  pieces.push('}')
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

const sortedTexts = new WeakMap<object, string>()

/** JSON of a custom resource: like any data without a Go type its keys are sorted, at every level. */
export function sortedJsonText(object: KubeObject): string {
  const known = sortedTexts.get(object)
  if (known !== undefined) return known
  const text = JSON.stringify(sortKeys(object))
  if (Object.isFrozen(object)) sortedTexts.set(object, text)
  return text
}
