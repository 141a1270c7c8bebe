import { isInt64, spelledNumbers, type SpelledNumbers } from '../json-text.ts'
import { typeNode } from '../schema-table.ts'
import type { TypeNode } from '../schema-table.ts'

/**
 * Why an object made by a strategic merge patch isn't of its kind: the server turns it from maps into structs, whose errors aren't those of
 * decoding JSON. `undefined` if nothing is wrong, or only with a value that brings its own decoding (quantities, times).
 * k8s: apimachinery/pkg/runtime converter.go fromUnstructured
 */
export function conversionProblem(schema: string, value: unknown): string | undefined {
  return problemOf(typeNode(schema), value, spelledNumbers(value))
}

function problemOf(type: TypeNode, value: unknown, spelled: SpelledNumbers | undefined, spelling?: string): string | undefined {
  if (value === null || value === undefined) return undefined
  switch (type.kind) {
    case 'struct': return structProblem(type, value, spelled, spelling)
    case 'map':
      if (!isMap(value)) return `cannot restore map from ${goKind(value, spelling)}`
      return firstProblem(Object.keys(value).sort(), (key) => problemOf(type.items!, value[key], spelled, spelled?.get(value)?.get(key)))
    case 'list':
      if (!Array.isArray(value)) return `cannot restore slice from ${goKind(value, spelling)}`
      return firstProblem([...value.keys()], (i) => problemOf(type.items!, value[i], spelled, spelled?.get(value)?.get(String(i))))
    case 'bytes': return typeof value === 'string' || Array.isArray(value) ? undefined : `cannot restore slice from ${goKind(value, spelling)}`
    case 'string': return typeof value === 'string' ? undefined : goKind(value, spelling) === 'int64' ? `cannot convert int64 to ${type.goType}` : 'unrecognized type: string'
    case 'boolean': return typeof value === 'boolean' ? undefined : 'unrecognized type: bool'
    case 'integer': return typeof value !== 'number' ? `unrecognized type: int${type.bits}` : Number.isInteger(value) ? undefined : `cannot convert float64 to int${type.bits}`
    case 'number': return typeof value === 'number' ? undefined : 'unrecognized type: float64'
    default: return undefined
  }
}

function structProblem(type: TypeNode, value: unknown, spelled: SpelledNumbers | undefined, spelling?: string): string | undefined {
  if (!isMap(value)) return `cannot restore struct from: ${goKind(value, spelling)}`
  return firstProblem(type.fields ?? [], (field) => Object.hasOwn(value, field.name) ? problemOf(field.type, value[field.name], spelled, spelled?.get(value)?.get(field.name)) : undefined)
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
function goKind(value: unknown, spelling?: string): string {
  if (Array.isArray(value)) return 'slice'
  if (typeof value === 'number') return (spelling === undefined ? Number.isInteger(value) && Math.abs(value) < 2 ** 63 : isInt64(spelling)) ? 'int64' : 'float64'
  return typeof value === 'boolean' ? 'bool' : typeof value === 'string' ? 'string' : 'map'
}
