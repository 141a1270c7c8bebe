import { commonText } from './common-part.ts'
import { ObjectTexts } from './object-texts.ts'
import { sortKeys } from '../kinds/go-text.ts'
import type { KubeObject } from '../kinds/object.ts'
import type { FieldSet } from '../kinds/patch/field-set.ts'
import { isShared } from '../kinds/patch/field-set-table.ts'

const METADATA_ORDER = ['name', 'generateName', 'namespace', 'selfLink', 'uid', 'resourceVersion', 'generation', 'creationTimestamp', 'deletionTimestamp', 'deletionGracePeriodSeconds', 'labels', 'annotations', 'ownerReferences', 'finalizers', 'managedFields']
const ORDERED = new Set(METADATA_ORDER)

/** JSON of an object as the server writes it: kind and apiVersion first. */
export function jsonText(object: KubeObject | Readonly<Record<string, unknown>>): string {
  const { kind, apiVersion } = object
  let head = ''
  if (kind !== undefined) head = `"kind":${quoted(kind)}`
  if (apiVersion !== undefined) head += `${head && ','}"apiVersion":${quoted(apiVersion)}`
  const item = itemTexts.text(object)
  if (head === '') return item
  return item === '{}' ? `{${head}}` : `{${head},${item.slice(1)}`
}

/** JSON of objects as items of a typed list, which carry neither kind nor apiVersion. */
export const itemTexts = new ObjectTexts(itemText)

function itemText(object: object): string {
  let text = '{'
  for (const key of ['metadata', ...Object.keys(object)]) {
    if (key === 'kind' || key === 'apiVersion' || (key === 'metadata' && text !== '{')) continue
    const value = (object as Record<string, unknown>)[key]
    if (value !== undefined) text += (text === '{' ? nameOf(key) : nextName(key)) + (key === 'metadata' ? metadataText(value) : valueText(value))
  }
  return text + '}'
}

/** Most texts need no escapes, and a call of JSON.stringify costs more than looking. */
const PLAIN = /^[ !#-[\]-~]*$/

/** As JSON.stringify writes it, except that what many objects have in common is written once. */
function valueText(value: unknown): string {
  if (typeof value === 'string') return PLAIN.test(value) ? '"' + value + '"' : JSON.stringify(value)
  if (typeof value === 'boolean') return value ? 'true' : 'false'
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  const common = commonText(value)
  if (common !== undefined) return common
  if (Array.isArray(value)) {
    if (value.length === 0) return '[]'
    let text = '[' + valueText(value[0])
    for (let i = 1; i < value.length; i++) text += ',' + valueText(value[i])
    return text + ']'
  }
  let text = '{'
  for (const key in value) {
    const member = (value as Record<string, unknown>)[key]
    if (member !== undefined) text += (text === '{' ? nameOf(key) : nextName(key)) + valueText(member)
  }
  return text + '}'
}

/** Metadata has its fields in the order of its Go type, whatever order they were set in. */
function metadataText(metadata: unknown): string {
  if (metadata === null || typeof metadata !== 'object') return JSON.stringify(metadata)
  let text = '{'
  for (const key of METADATA_ORDER) {
    const value = (metadata as Record<string, unknown>)[key]
    if (value === undefined) continue
    // They are about half of most objects' text, and objects that were written alike share them.
    const written = key === 'managedFields' && Array.isArray(value) ? '[' + value.map(entryText).join(',') + ']' : valueText(value)
    text += (text === '{' ? nameOf(key) : nextName(key)) + written
  }
  for (const key in metadata) {
    const value = (metadata as Record<string, unknown>)[key]
    if (!ORDERED.has(key) && value !== undefined) text += (text === '{' ? nameOf(key) : nextName(key)) + valueText(value)
  }
  return text + '}'
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

/** `"key":` of members that stand first. Keys come again and again. */
const names = new Map<string, string>()
/** `,"key":` of the others. */
const nextNames = new Map<string, string>()

function nameOf(key: string): string {
  return names.get(key) ?? remember(names, key, JSON.stringify(key) + ':')
}

function nextName(key: string): string {
  return nextNames.get(key) ?? remember(nextNames, key, ',' + JSON.stringify(key) + ':')
}

/** Kinds and versions. */
const quotes = new Map<string, string>()

function quoted(value: unknown): string {
  if (typeof value !== 'string') return JSON.stringify(value)
  return quotes.get(value) ?? remember(quotes, value, JSON.stringify(value))
}

/** Users choose keys, too: what they may fill is bounded. */
function remember(texts: Map<string, string>, key: string, text: string): string {
  if (texts.size < 10_000 && key.length < 200) texts.set(key, text)
  return text
}

/** JSON of custom resources: like any data without a Go type their keys are sorted, at every level. */
export const sortedTexts = new ObjectTexts((object) => JSON.stringify(sortKeys(object)))
