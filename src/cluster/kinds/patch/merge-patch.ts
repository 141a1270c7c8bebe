import { deepEqual, setOwn } from '../../../base/freeze.ts'
import { apiError } from '../status-error.ts'
import { jsonKind } from './go-format.ts'

type Json = Record<string, unknown>

/**
 * Applies a JSON merge patch (RFC 7386) to an object and returns the new one; parts that the patch doesn't name are shared.
 * @throws StatusError 400 for a patch that is no object
 */
export function applyMergePatch<T = unknown>(document: T, patch: unknown): T {
  if (patch === null) throw apiError.badRequest('Invalid JSON Patch')
  if (!isMap(patch)) throw apiError.badRequest(`error decoding patch: json: cannot unmarshal ${jsonKind(patch)} into Go value of type map[string]interface {}`)
  return merged(document as Json, patch) as T
}

function merged(document: Json, patch: Json): Json {
  const out: Json = { ...document }
  for (const key of Object.keys(patch)) {
    const value = patch[key]
    if (value === null || value === undefined) {
      delete out[key]
      continue
    }
    const current = Object.hasOwn(out, key) ? out[key] : undefined
    if (isMap(current)) setOwn(out, key, isMap(value) ? merged(current, value) : value)
    else setOwn(out, key, withoutNulls(value))
  }
  return out
}

/** k8s: jsonpatch pruneNulls: nulls leave objects, also those in lists; lists keep theirs. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls)
  if (!isMap(value)) return value
  const out: Json = {}
  for (const key of Object.keys(value)) if (value[key] !== null && value[key] !== undefined) setOwn(out, key, withoutNulls(value[key]))
  return out
}

/** The merge patch that turns `original` into `modified`. k8s: jsonpatch.CreateMergePatch */
export function createMergePatch(original: Json, modified: Json): Json {
  const patch: Json = {}
  for (const key of Object.keys(modified)) {
    const before = original[key]
    const after = modified[key]
    if (before === undefined) {
      if (after !== undefined) setOwn(patch, key, after)
    } else if (isMap(before) && isMap(after)) {
      const inner = createMergePatch(before, after)
      if (Object.keys(inner).length > 0) setOwn(patch, key, inner)
    } else if (!deepEqual(before, after)) {
      setOwn(patch, key, after)
    }
  }
  for (const key of Object.keys(original)) if (original[key] !== undefined && modified[key] === undefined) setOwn(patch, key, null)
  return patch
}

/**
 * The merge patch that `kubectl apply` sends for kinds without a schema: additions and changes from `current` to `modified`, deletions
 * from `original` to `modified`. k8s: apimachinery/pkg/util/jsonmergepatch CreateThreeWayJSONMergePatch
 */
export function createThreeWayJsonMergePatch(original: Json, modified: Json, current: Json): Json {
  const changes = keepNulls(createMergePatch(current, modified), false) ?? {}
  const deletions = keepNulls(createMergePatch(original, modified), true) ?? {}
  return combined(deletions, changes)
}

/** Only the nulls of a patch, or everything but them. */
function keepNulls(patch: Json, nulls: boolean): Json | undefined {
  const out: Json = {}
  for (const key of Object.keys(patch)) {
    const value = patch[key]
    if (value === null) {
      if (nulls) setOwn(out, key, null)
    } else if (isMap(value)) {
      const inner = keepNulls(value, nulls)
      // An empty object that was added is a change of its own.
      if (inner !== undefined) setOwn(out, key, inner)
      else if (!nulls && Object.keys(value).length === 0) setOwn(out, key, value)
    } else if (!nulls) {
      setOwn(out, key, value)
    }
  }
  return Object.keys(out).length > 0 ? out : undefined
}

/** Joins two patches into one that does both. */
function combined(first: Json, second: Json): Json {
  const out: Json = { ...first }
  for (const key of Object.keys(second)) setOwn(out, key, isMap(out[key]) && isMap(second[key]) ? combined(out[key], second[key]) : second[key])
  return out
}

function isMap(value: unknown): value is Json {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
}
