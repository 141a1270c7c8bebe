import { setOwn } from '../../base/freeze.ts'
import { sortKeys } from '../kinds/go-text.ts'
import type { KubeObject } from '../kinds/object.ts'

/** What stands behind kind and version in the text of each frozen object, made at most once per revision. */
const tails = new WeakMap<object, string>()
const METADATA_ORDER = new Map(['name', 'generateName', 'namespace', 'selfLink', 'uid', 'resourceVersion', 'generation', 'creationTimestamp', 'deletionTimestamp', 'deletionGracePeriodSeconds', 'labels', 'annotations', 'ownerReferences', 'finalizers', 'managedFields'].map((name, place) => [name, place]))

/** JSON of an object as the server writes it: kind and apiVersion first. */
export function jsonText(object: KubeObject | Readonly<Record<string, unknown>>): string {
  const { kind, apiVersion } = object
  let head = ''
  if (kind !== undefined) head = `"kind":${quoted(kind)}`
  if (apiVersion !== undefined) head += `${head && ','}"apiVersion":${quoted(apiVersion)}`
  const tail = tailOf(object)
  return head && tail ? `{${head},${tail}}` : `{${head}${tail}}`
}

/** JSON of an item of a typed list, which carries neither kind nor apiVersion. */
export function itemText(object: KubeObject): string {
  return `{${tailOf(object)}}`
}

function tailOf(object: KubeObject | Readonly<Record<string, unknown>>): string {
  const known = tails.get(object)
  if (known !== undefined) return known
  const rest: Record<string, unknown> = {}
  const { metadata } = object
  if (metadata !== undefined) rest['metadata'] = orderedMetadata(metadata as Record<string, unknown>)
  for (const key of Object.keys(object)) if (key !== 'kind' && key !== 'apiVersion' && key !== 'metadata') setOwn(rest, key, (object as Record<string, unknown>)[key])
  const text = JSON.stringify(rest).slice(1, -1)
  if (Object.isFrozen(object)) tails.set(object, text)
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
