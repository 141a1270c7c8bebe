import { sortKeys } from '../go-text.ts'

/** What a patch reached into. Beneath `true` all was read and written anew. */
export type Touched = true | { readonly [key: string]: Touched }

/**
 * Which parts of an object a patch takes apart: upstream keeps the text of all others as it is, and writes these with sorted keys.
 * k8s: evanphx/json-patch, partialDoc and lazyNode
 */
export function touchedBy(type: string, patch: unknown): Touched {
  if (type === 'application/merge-patch+json') return touchedByMerge(patch)
  if (type !== 'application/json-patch+json' || !Array.isArray(patch)) return true
  const root: Tree = {}
  for (const operation of patch as { path?: unknown; from?: unknown }[]) {
    for (const pointer of [operation?.path, operation?.from]) {
      if (typeof pointer !== 'string') continue
      let at = root
      for (const part of pointer.split('/').slice(1, -1)) at = at[part.replaceAll('~1', '/').replaceAll('~0', '~')] ??= {}
    }
  }
  return root
}

type Tree = { [key: string]: Tree }

function touchedByMerge(patch: unknown): Touched {
  if (Array.isArray(patch)) return true
  const out: { [key: string]: Touched } = Object.create(null) as { [key: string]: Touched }
  for (const [key, value] of Object.entries(patch as object)) if (value !== null && typeof value === 'object') out[key] = touchedByMerge(value)
  return out
}

/** A patched value with its keys in the order in which upstream writes them. */
export function inPatchedOrder(value: unknown, touched: Touched | undefined): unknown {
  if (touched === undefined || value === null || typeof value !== 'object') return value
  if (touched === true) return sortKeys(value)
  const below = (item: unknown, key: string) => inPatchedOrder(item, Object.hasOwn(touched, key) ? touched[key] : undefined)
  if (Array.isArray(value)) return value.map((item, i) => below(item, String(i)))
  return Object.fromEntries(Object.keys(value).sort().map((key) => [key, below((value as Record<string, unknown>)[key], key)]))
}
