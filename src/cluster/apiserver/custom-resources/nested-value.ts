/** Values at simple paths (`.spec.replicas`). k8s: apimachinery/pkg/apis/meta/v1/unstructured/helpers.go */
import { setOwn } from '../../../base/freeze.ts'
import { goSprint } from '../../kinds/go-text.ts'
import { isJsonObject, type JsonObject } from '../../kinds/structural/json-schema.ts'

/** A path that leads through something that isn't a map, or to a value of another type. */
export class PathError extends Error {}

function fieldsOf(path: string): string[] {
  return path.replace(/^\./, '').split('.')
}

/** Go reads whole numbers beyond 64 bits as floating-point ones. */
const isInt64 = (value: number) => Number.isInteger(value) && value >= -(2 ** 63) && value < 2 ** 63

function goTypeOf(value: unknown): string {
  if (Array.isArray(value)) return '[]interface {}'
  if (typeof value === 'number') return isInt64(value) ? 'int64' : 'float64'
  return typeof value === 'boolean' ? 'bool' : typeof value === 'string' ? 'string' : value === null ? '<nil>' : 'map[string]interface {}'
}

/** Undefined when nothing is there. @throws PathError */
function nested(object: Readonly<JsonObject>, path: string): unknown {
  let value: unknown = object
  const fields = fieldsOf(path)
  for (const [i, field] of fields.entries()) {
    if (value === null) return undefined
    if (!isJsonObject(value)) throw new PathError(`.${fields.slice(0, i + 1).join('.')} accessor error: ${goSprint(value)} is of the type ${goTypeOf(value)}, expected map[string]interface{}`)
    if (!Object.hasOwn(value, field)) return undefined
    value = value[field]
  }
  return value
}

/** @throws PathError */
export function nestedInteger(object: Readonly<JsonObject>, path: string): number | undefined {
  const value = nested(object, path)
  if (value === undefined) return undefined
  if (typeof value === 'number' && isInt64(value)) return value
  throw new PathError(`.${fieldsOf(path).join('.')} accessor error: ${goSprint(value)} is of the type ${goTypeOf(value)}, expected int64`)
}

/** @throws PathError */
export function nestedText(object: Readonly<JsonObject>, path: string): string | undefined {
  const value = nested(object, path)
  if (value === undefined || typeof value === 'string') return value
  throw new PathError(`.${fieldsOf(path).join('.')} accessor error: ${goSprint(value)} is of the type ${goTypeOf(value)}, expected string`)
}

/** Puts a value at a path, with the maps that lead there. @throws PathError */
export function setNested(object: JsonObject, path: string, value: unknown): void {
  const fields = fieldsOf(path)
  let at = object
  for (const [i, field] of fields.slice(0, -1).entries()) {
    const next = Object.hasOwn(at, field) ? at[field] : undefined
    if (next === undefined) setOwn(at, field, {})
    else if (!isJsonObject(next)) throw new PathError(`value cannot be set because .${fields.slice(0, i + 1).join('.')} is not a map[string]interface{}`)
    at = at[field] as JsonObject
  }
  setOwn(at, fields.at(-1)!, value)
}
