/** Columns and selectable fields, which are JSON paths. k8s: apiextensions-apiserver/pkg/registry/customresource/tableconvertor */
import { JsonPath, jsonPathText } from '../../kinds/jsonpath.ts'
import { humanDuration } from '../../kinds/duration.ts'
import { age } from '../../kinds/age.ts'
import type { Column } from '../../kinds/kind.ts'
import type { KubeObject } from '../../kinds/object.ts'
import type { PrinterColumn } from './definition.ts'

const NAME: Column = { name: 'Name', type: 'string', format: 'name', priority: 0, value: (object) => object.metadata.name }
const AGE: Column = { name: 'Age', type: 'date', format: '', priority: 0, value: (object, nowMs) => age(object, nowMs) }

/** The name and what the definition adds, or the age. A path that can't be read leaves the columns before it. */
export function columnsOf(added: readonly PrinterColumn[] | undefined): Column[] {
  if (!added || added.length === 0) return [NAME, AGE]
  const columns = [NAME]
  for (const { name, type, format = '', description, priority = 0, jsonPath } of added) {
    let value: (object: KubeObject) => unknown
    try {
      value = fieldValue(jsonPath)
    } catch {
      return columns
    }
    columns.push({
      name, type: type as Column['type'], format, priority, description: description || `Custom resource definition column (in JSONPath format): ${jsonPath}`,
      value: (object, nowMs) => cellOf(type, value(object), nowMs),
    })
  }
  return columns
}

/** Reads the first value at a path; undefined where there is none. @throws Error for a path that can't be read */
export function fieldValue(jsonPath: string): (object: KubeObject) => unknown {
  const path = new JsonPath(`{${jsonPath}}`, { allowMissingKeys: true })
  return (object) => {
    try {
      return path.find(object)[0]?.[0]
    } catch {
      return undefined
    }
  }
}

function cellOf(type: string, value: unknown, nowMs: number): string | number | boolean | null {
  if (value === undefined) return null
  if (type === 'string') return value === null ? '<no value>' : jsonPathText(value)
  if (value === null) return null
  switch (type) {
    // What doesn't fit becomes the least integer, as Go converts it.
    case 'integer': return typeof value !== 'number' ? null : Math.abs(value) < 2 ** 63 ? Math.trunc(value) : -(2 ** 63)
    case 'number': return typeof value === 'number' ? value : null
    case 'boolean': return typeof value === 'boolean' ? value : null
    case 'date': return typeof value === 'string' ? dateCell(value, nowMs) : null
    default: return null
  }
}

/** k8s: metatable.ConvertToHumanReadableDateType */
function dateCell(text: string, nowMs: number): string {
  if (text === '' || text === 'null') return '<unknown>'
  const ms = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2})$/.test(text) ? Date.parse(text) : NaN
  return Number.isNaN(ms) ? '<invalid>' : humanDuration(nowMs - ms)
}
