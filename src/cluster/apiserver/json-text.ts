import { sortKeys } from '../kinds/go-text.ts'
import type { KubeObject } from '../kinds/object.ts'

/** Text of each frozen object, made at most once per revision. */
const texts = new WeakMap<object, string>()
const METADATA_ORDER = ['name', 'generateName', 'namespace', 'selfLink', 'uid', 'resourceVersion', 'generation', 'creationTimestamp', 'deletionTimestamp', 'deletionGracePeriodSeconds', 'labels', 'annotations', 'ownerReferences', 'finalizers', 'managedFields']

/** JSON of an object as the server writes it: kind and apiVersion first. */
export function jsonText(object: KubeObject | Readonly<Record<string, unknown>>): string {
  const known = texts.get(object)
  if (known !== undefined) return known
  const text = write(object as Record<string, unknown>)
  if (Object.isFrozen(object)) texts.set(object, text)
  return text
}

/** JSON of an item of a typed list, which carries neither kind nor apiVersion. */
export function itemText(object: KubeObject): string {
  const text = jsonText(object)
  const head = `{"kind":${JSON.stringify(object.kind)},"apiVersion":${JSON.stringify(object.apiVersion)}`
  if (!text.startsWith(head)) return text
  return '{' + (text[head.length] === ',' ? text.slice(head.length + 1) : text.slice(head.length))
}

function write(object: Record<string, unknown>): string {
  const { kind, apiVersion, metadata, ...rest } = object
  const parts: string[] = []
  if (kind !== undefined) parts.push(`"kind":${JSON.stringify(kind)}`)
  if (apiVersion !== undefined) parts.push(`"apiVersion":${JSON.stringify(apiVersion)}`)
  if (metadata !== undefined) parts.push(`"metadata":${JSON.stringify(orderedMetadata(metadata as Record<string, unknown>))}`)
  const body = JSON.stringify(rest)
  if (body !== '{}') parts.push(body.slice(1, -1))
  return `{${parts.join(',')}}`
}

function orderedMetadata(metadata: Record<string, unknown>): Record<string, unknown> {
  if (metadata === null || typeof metadata !== 'object') return metadata
  const out: Record<string, unknown> = {}
  for (const key of METADATA_ORDER) if (metadata[key] !== undefined) out[key] = metadata[key]
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
