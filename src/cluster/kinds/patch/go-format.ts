import { goFloat64 } from '../go-text.ts'
import { isInt64, spelledNumbers, type SpelledNumbers } from '../json-text.ts'

/** Go's `%v` of JSON data: maps with sorted keys, lists in brackets, strings bare. */
export function goValue(value: unknown, spelled: SpelledNumbers | undefined = spelledNumbers(value), spelling?: string): string {
  if (value === null || value === undefined) return '<nil>'
  if (Array.isArray(value)) return `[${value.map((item, i) => goValue(item, spelled, spelled?.get(value)?.get(String(i)))).join(' ')}]`
  if (typeof value === 'object') {
    const map = value as Record<string, unknown>
    return `map[${Object.keys(map).sort().map((key) => `${key}:${goValue(map[key], spelled, spelled?.get(map)?.get(key))}`).join(' ')}]`
  }
  if (typeof value === 'number') return spelling !== undefined && isInt64(spelling) ? String(BigInt(spelling)) : goNumber(value, spelling !== undefined)
  return String(value)
}

/** Go's `%s` of JSON data: what is no text says its type. */
export function goText(value: unknown): string {
  if (value === null || value === undefined) return '%!s(<nil>)'
  if (Array.isArray(value)) return `[${value.map(goText).join(' ')}]`
  if (typeof value === 'object') {
    const map = value as Record<string, unknown>
    return `map[${Object.keys(map).sort().map((key) => `${key}:${goText(map[key])}`).join(' ')}]`
  }
  return typeof value === 'string' ? value : `%!s(${goTypeName(value)}=${goValue(value)})`
}

/** Go's `%#v` of JSON data. */
export function goSyntax(value: unknown): string {
  if (value === null || value === undefined) return 'interface {}(nil)'
  if (Array.isArray(value)) return `[]interface {}{${value.map(goSyntax).join(', ')}}`
  if (typeof value === 'object') {
    const map = value as Record<string, unknown>
    return `map[string]interface {}{${Object.keys(map).sort().map((key) => `${JSON.stringify(key)}:${goSyntax(map[key])}`).join(', ')}}`
  }
  if (typeof value === 'string') return JSON.stringify(value)
  return typeof value === 'number' ? goNumber(value) : String(value)
}

/** Go's name of the type that JSON decoding gives a value. */
export function goTypeName(value: unknown): string {
  if (value === null || value === undefined) return '%!s(<nil>)'
  if (Array.isArray(value)) return '[]interface {}'
  switch (typeof value) {
    case 'object': return 'map[string]interface {}'
    case 'string': return 'string'
    case 'boolean': return 'bool'
    default: return Number.isInteger(value) ? 'int64' : 'float64'
  }
}

/** How encoding/json names the kind of a JSON value in its errors. */
export function jsonKind(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  return typeof value === 'boolean' ? 'bool' : typeof value
}

/** @param isFloat whether Go reads the number as one of its floats */
function goNumber(value: number, isFloat = !Number.isInteger(value) || Math.abs(value) >= 2 ** 63): string {
  if (!isFloat) return String(value)
  return goFloat64(value)
}

const needsEscape = /[<>&\u2028\u2029]/
const escapes: Record<string, string> = { '<': '\\u003c', '>': '\\u003e', '&': '\\u0026', '\u2028': '\\u2028', '\u2029': '\\u2029' }

/** JSON as Go's encoding/json writes it: so that HTML can hold it. */
export function goJson(value: unknown): string {
  const text = JSON.stringify(value)
  return needsEscape.test(text) ? text.replace(/[<>&\u2028\u2029]/g, (c) => escapes[c]!) : text
}
