import { typeNode } from './schema-table.ts'
import type { TypeNode } from './schema-table.ts'

/** A value of the API with its fields in the order of Go's structs and its maps sorted, as Go's encoder writes them. */
export function inGoOrder<T>(schema: string, value: T): T {
  return ordered(typeNode(schema), value) as T
}

function ordered(node: TypeNode, value: any): unknown {
  if (value === null || typeof value !== 'object') return value
  if (Array.isArray(value)) return node.items ? value.map((item) => ordered(node.items!, item)) : value
  if (node.kind === 'struct') return Object.fromEntries((node.fields ?? []).filter((f) => value[f.name] !== undefined).map((f) => [f.name, ordered(f.type, value[f.name])]))
  return Object.fromEntries(Object.keys(value).sort().map((key) => [key, node.items ? ordered(node.items, value[key]) : value[key]]))
}
