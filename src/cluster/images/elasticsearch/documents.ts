/** A JSON object. */
export type Json = Record<string, unknown>

/** A document of an index. */
export interface Document {
  id: string
  source: Json
  version: number
  seqNo: number
}

/** A field's type, as mappings say it. */
export type FieldType = 'text' | 'keyword' | 'long' | 'float' | 'boolean' | 'date' | 'ip'

/** A request that can't be carried out, as Elasticsearch says it. */
export class ElasticError extends Error {
  readonly status: number
  readonly type: string
  readonly more: Json
  constructor(status: number, type: string, reason: string, more: Json = {}) {
    super(reason)
    this.status = status
    this.type = type
    this.more = more
  }

  body(): Json {
    const cause = { type: this.type, reason: this.message, ...this.more }
    return { error: { root_cause: [cause], ...cause }, status: this.status }
  }
}

export function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Values of a field by its dotted path, through objects and arrays. A path of a `.keyword` subfield leads to its field. */
export function valuesAt(source: Json, path: string): unknown[] {
  const found = walk(source, path.split('.'))
  return found.length === 0 && path.endsWith('.keyword') ? walk(source, path.slice(0, -'.keyword'.length).split('.')) : found
}

function walk(value: unknown, parts: readonly string[]): unknown[] {
  if (Array.isArray(value)) return value.flatMap((each) => walk(each, parts))
  if (parts.length === 0) return value === null || value === undefined ? [] : [value]
  if (!isJson(value)) return []
  // Names may have dots of their own.
  const out: unknown[] = []
  for (let n = 1; n <= parts.length; n++) {
    const name = parts.slice(0, n).join('.')
    if (name in value) out.push(...walk(value[name], parts.slice(n)))
  }
  return out
}

/** Words as the standard analyzer makes them. */
export function analyze(text: string): string[] {
  return text.toLowerCase().match(/[\p{L}\p{N}]+(?:['’.:_](?=[\p{L}\p{N}])[\p{L}\p{N}]+)*/gu)?.flatMap((word) => /[.:]/.test(word) && !/^\d+(?:[.]\d+)*$/.test(word) && /:/.test(word) ? word.split(':') : [word]) ?? []
}

const DATE = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?$/

/** The type that a new field gets of its first value. */
export function dynamicType(value: unknown): FieldType | undefined {
  switch (typeof value) {
    case 'string': return DATE.test(value) ? 'date' : 'text'
    case 'number': return Number.isInteger(value) ? 'long' : 'float'
    case 'boolean': return 'boolean'
    default: return undefined
  }
}

/** A value as numbers and dates are compared. */
export function comparable(value: unknown, type: FieldType | undefined, nowMs: number): number | string {
  if (type === 'date') return dateMs(value, nowMs)
  if (type === 'long' || type === 'float') return Number(value)
  return typeof value === 'number' ? value : String(value)
}

/** A date, also by its distance from now (`now-5m`), in milliseconds. */
function dateMs(value: unknown, nowMs: number): number {
  if (typeof value === 'number') return value
  const text = String(value)
  const relative = /^now((?:[+-]\d+[smhdw])*)(?:\/([smhdw]))?$/.exec(text)
  if (!relative) {
    const ms = Date.parse(/T.*(?:Z|[+-]\d\d:?\d\d)$/.test(text) || !text.includes('T') ? text : `${text}Z`)
    if (Number.isNaN(ms)) throw new ElasticError(400, 'parse_exception', `failed to parse date field [${text}] with format [strict_date_optional_time||epoch_millis]`)
    return ms
  }
  const unit = (letter: string) => ({ s: 1e3, m: 6e4, h: 36e5, d: 864e5, w: 6048e5 })[letter]!
  let ms = nowMs
  for (const [, sign, count, letter] of relative[1]!.matchAll(/([+-])(\d+)([smhdw])/g)) ms += (sign === '-' ? -1 : 1) * Number(count) * unit(letter!)
  return relative[2] ? Math.floor(ms / unit(relative[2])) * unit(relative[2]) : ms
}
