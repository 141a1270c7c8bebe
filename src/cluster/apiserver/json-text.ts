import { commonText } from './common-part.ts'
import type { JsonWriter } from './json-writer.ts'
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
export const itemTexts = new ObjectTexts(writeItem)

function writeItem(writer: JsonWriter, object: object): void {
  const { metadata } = object as { metadata?: unknown }
  let isFirst = metadata === undefined
  if (!isFirst) {
    writer.raw('{"metadata":')
    writeMetadata(writer, metadata)
  }
  for (const key in object) {
    const value = (object as Record<string, unknown>)[key]
    if (value === undefined || key === 'metadata' || key === 'kind' || key === 'apiVersion') continue
    writeName(writer, key, isFirst)
    isFirst = false
    writeValue(writer, value)
  }
  writer.raw(isFirst ? '{}' : '}')
}

/** As JSON.stringify writes it, except that what many objects have in common is written once. */
function writeValue(writer: JsonWriter, value: unknown): void {
  if (typeof value === 'string') return writer.string(value)
  if (typeof value === 'boolean') return writer.raw(value ? 'true' : 'false')
  if (typeof value !== 'object' || value === null) return writer.raw(JSON.stringify(value) ?? 'null')
  const common = commonText(value)
  if (common !== undefined) return writer.copy(common)
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      writer.raw(i === 0 ? '[' : ',')
      writeValue(writer, value[i])
    }
    return writer.raw(value.length === 0 ? '[]' : ']')
  }
  let isFirst = true
  for (const key in value) {
    const member = (value as Record<string, unknown>)[key]
    if (member === undefined) continue
    writeName(writer, key, isFirst)
    isFirst = false
    writeValue(writer, member)
  }
  writer.raw(isFirst ? '{}' : '}')
}

/** Metadata has its fields in the order of its Go type, whatever order they were set in. */
function writeMetadata(writer: JsonWriter, metadata: unknown): void {
  if (metadata === null || typeof metadata !== 'object') return writer.raw(JSON.stringify(metadata))
  let isFirst = true
  for (const key of METADATA_ORDER) {
    const value = (metadata as Record<string, unknown>)[key]
    if (value === undefined) continue
    writeName(writer, key, isFirst)
    isFirst = false
    if (key === 'managedFields' && Array.isArray(value)) writeManagedFields(writer, value)
    else writeValue(writer, value)
  }
  for (const key in metadata) {
    const value = (metadata as Record<string, unknown>)[key]
    if (ORDERED.has(key) || value === undefined) continue
    writeName(writer, key, isFirst)
    isFirst = false
    writeValue(writer, value)
  }
  writer.raw(isFirst ? '{}' : '}')
}

/** They are about half of most objects' text, and objects that were written alike share them. */
function writeManagedFields(writer: JsonWriter, entries: readonly { fieldsV1?: object }[]): void {
  for (let i = 0; i < entries.length; i++) {
    writer.raw(i === 0 ? '[' : ',')
    const entry = entries[i]!
    const known = entryTexts.get(entry)
    if (known) { writer.copy(known); continue }
    const text = JSON.stringify(entry)
    writer.raw(text)
    if (Object.isFrozen(entry) && entry.fieldsV1 && isShared(entry.fieldsV1 as FieldSet)) entryTexts.set(entry, encoder.encode(text))
  }
  writer.raw(entries.length === 0 ? '[]' : ']')
}

/** Of entries whose set of fields is shared. */
const entryTexts = new WeakMap<object, Uint8Array>()
const encoder = new TextEncoder()

function writeName(writer: JsonWriter, key: string, isFirst: boolean): void {
  writer.raw(isFirst ? firstName(key) : nextName(key))
}

/** `{"key":`, with which an object begins. Keys come again and again. */
const firstNames = new Map<string, string>()
/** `,"key":` of the others. */
const nextNames = new Map<string, string>()

function firstName(key: string): string {
  return firstNames.get(key) ?? remember(firstNames, key, '{' + JSON.stringify(key) + ':')
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
export const sortedTexts = new ObjectTexts((writer, object) => writer.raw(JSON.stringify(sortKeys(object))))
