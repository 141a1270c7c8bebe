import { escapeHtml, goFloat, quoted } from './go-text.ts'

/** k8s: apimachinery/pkg/util/validation/field ErrorType */
export type FindingType =
  | 'FieldValueNotFound' | 'FieldValueRequired' | 'FieldValueDuplicate' | 'FieldValueInvalid' | 'FieldValueNotSupported'
  | 'FieldValueForbidden' | 'FieldValueTooLong' | 'FieldValueTooMany' | 'InternalError' | 'FieldValueTypeInvalid'

/** One thing that validation found wrong. */
export interface Finding {
  type: FindingType
  /** Path of the field, e.g. `spec.containers[0].name`. */
  field: string
  /** The text without the field, as in a Status cause. */
  body: string
  /** `field: body`, as in the Status message. */
  message: string
}

/** Go's %#v-like rendering of a value in messages: strings quoted, null as `null`, objects as JSON. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return quoted(value)
  if (value === undefined || value === null) return 'null'
  if (typeof value === 'object') return escapeHtml(JSON.stringify(value))
  return typeof value === 'number' ? goFloat(value) : String(value)
}

/** A text that Go holds by a pointer: messages show it as JSON. */
export const pointed = (text: string): object => ({ toJSON: () => text })

function finding(type: FindingType, field: string, body: string): Finding {
  return { type, field, body, message: `${field}: ${body}` }
}

const withDetail = (head: string, detail: string) => detail ? `${head}: ${detail}` : head

/** Constructors in upstream's wording. k8s: apimachinery/pkg/util/validation/field/errors.go */
export const required = (field: string, detail = '') => finding('FieldValueRequired', field, withDetail('Required value', detail))
export const invalid = (field: string, value: unknown, detail: string) => finding('FieldValueInvalid', field, withDetail(`Invalid value: ${shown(value)}`, detail))
/** With a value that is text already. */
export const invalidText = (field: string, value: string, detail: string) => finding('FieldValueInvalid', field, `Invalid value: ${value}: ${detail}`)
export const typeInvalid = (field: string, value: unknown, detail: string) => finding('FieldValueTypeInvalid', field, withDetail(`Invalid value: ${shown(value)}`, detail))
export const duplicate = (field: string, value: unknown) => finding('FieldValueDuplicate', field, `Duplicate value: ${shown(value)}`)
export const notFound = (field: string, value: unknown) => finding('FieldValueNotFound', field, `Not found: ${shown(value)}`)
export const forbidden = (field: string, detail: string) => finding('FieldValueForbidden', field, withDetail('Forbidden', detail))
export const notSupported = (field: string, value: unknown, supported: readonly string[]) =>
  finding('FieldValueNotSupported', field, withDetail(`Unsupported value: ${shown(value)}`, supported.length ? `supported values: ${supported.map((s) => JSON.stringify(s)).join(', ')}` : ''))
export const tooLong = (field: string, maxBytes: number) => finding('FieldValueTooLong', field, maxBytes < 0 ? 'Too long: value is too long' : `Too long: may not be more than ${maxBytes} byte${maxBytes === 1 ? '' : 's'}`)
export const tooMany = (field: string, actual: number, max: number) => finding('FieldValueTooMany', field, `Too many: ${actual}: ${max < 0 ? 'has too many items' : `must have at most ${max} item${max === 1 ? '' : 's'}`}`)
export const internalFinding = (field: string, detail: string) => finding('InternalError', field, `Internal error: ${detail}`)
