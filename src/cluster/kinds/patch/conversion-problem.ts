import { typeNode } from '../schema-table.ts'
import type { TypeNode } from '../schema-table.ts'

/**
 * Why an object made by a strategic merge patch isn't of its kind: the server turns it from maps into structs, whose errors aren't those of
 * decoding JSON. `undefined` if nothing is wrong, or only with a value that brings its own decoding (quantities, times).
 * k8s: apimachinery/pkg/runtime converter.go fromUnstructured
 */
export function conversionProblem(schema: string, value: unknown): string | undefined {
  return problemOf(typeNode(schema), value)
}

function problemOf(type: TypeNode, value: unknown): string | undefined {
  if (value === null || value === undefined) return undefined
  switch (type.kind) {
    case 'struct': return structProblem(type, value)
    case 'map':
      if (!isMap(value)) return `cannot restore map from ${goKind(value)}`
      return firstProblem(Object.keys(value).sort(), (key) => problemOf(type.items!, value[key]))
    case 'list':
      if (!Array.isArray(value)) return `cannot restore slice from ${goKind(value)}`
      return firstProblem(value, (item) => problemOf(type.items!, item))
    case 'bytes': return typeof value === 'string' || Array.isArray(value) ? undefined : `cannot restore slice from ${goKind(value)}`
    case 'string': return typeof value === 'string' ? undefined : Number.isInteger(value) ? `cannot convert int64 to ${type.goType}` : 'unrecognized type: string'
    case 'boolean': return typeof value === 'boolean' ? undefined : 'unrecognized type: bool'
    case 'integer': return typeof value !== 'number' ? `unrecognized type: int${type.bits}` : Number.isInteger(value) ? undefined : `cannot convert float64 to int${type.bits}`
    case 'number': return typeof value === 'number' ? undefined : 'unrecognized type: float64'
    default: return undefined
  }
}

function structProblem(type: TypeNode, value: unknown): string | undefined {
  if (!isMap(value)) return `cannot restore struct from: ${goKind(value)}`
  return firstProblem(type.fields ?? [], (field) => Object.hasOwn(value, field.name) ? problemOf(field.type, value[field.name]) : undefined)
}

function firstProblem<T>(items: readonly T[], problem: (item: T) => string | undefined): string | undefined {
  for (const item of items) {
    const found = problem(item)
    if (found !== undefined) return found
  }
  return undefined
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Go's `reflect.Kind` of a JSON value. */
function goKind(value: unknown): string {
  if (Array.isArray(value)) return 'slice'
  if (typeof value === 'number') return Number.isInteger(value) ? 'int64' : 'float64'
  return typeof value === 'boolean' ? 'bool' : typeof value === 'string' ? 'string' : 'map'
}
