/** What makes a schema structural: every field's type is said once, outside of logic. k8s: apiextensions-apiserver/pkg/apiserver/schema/{validation,complete,convert}.go */
import { deepEqual } from '../../../base/freeze.ts'
import { forbidden, invalid, required, type Finding } from '../findings.ts'
import { goPattern } from '../go-pattern.ts'
import type { SentSchema } from './internal-form.ts'

type Level = 'root' | 'item' | 'field'

const INT_OR_STRING = [{ type: 'integer' }, { type: 'string' }]
/** What structural form makes of it: a lone `additionalProperties: false` says nothing there. */
const isIntOrString = (parts: readonly SentSchema[] | undefined) => deepEqual(parts?.map(({ additionalProperties, ...rest }) => additionalProperties === false ? rest : { ...rest, ...(additionalProperties !== undefined ? { additionalProperties } : {}) }), INT_OR_STRING)
const oneSchema = (items: SentSchema['items']) => (Array.isArray(items) ? undefined : (items as SentSchema | undefined))
const valuesOf = (schema: SentSchema) => (typeof schema.additionalProperties === 'object' ? schema.additionalProperties : undefined)

/** Why the schema can't be brought into structural form at all, if so. k8s: NewStructural */
export function structuralFormProblem(schema: SentSchema | undefined): string | undefined {
  if (!schema) return undefined
  const unsupported: [string, boolean][] = [
    ['id', Boolean(schema.id)], ['schema', Boolean(schema.$schema)], ['$ref', schema.$ref !== undefined], ['patternProperties', !isEmpty(schema.patternProperties)], ['dependencies', !isEmpty(schema.dependencies)],
    ['additionalItems', schema.additionalItems !== undefined], ['definitions', !isEmpty(schema.definitions)],
  ]
  const found = unsupported.find(([, given]) => given)
  if (found) return `OpenAPIV3Schema '${found[0]}' is not supported`
  if (schema['x-kubernetes-preserve-unknown-fields'] === false) return "internal error: 'x-kubernetes-preserve-unknown-fields' must be true or undefined"
  if (Array.isArray(schema.items) && schema.items.length > 0) return "OpenAPIV3Schema 'items' must be a schema, but is an array"
  for (const below of [oneSchema(schema.items), ...Object.values(schema.properties ?? {}), valuesOf(schema), ...(schema.allOf ?? []), ...(schema.anyOf ?? []), ...(schema.oneOf ?? []), schema.not]) {
    const problem = structuralFormProblem(below)
    if (problem) return problem
  }
  return undefined
}

const isEmpty = (map: object | undefined) => !map || Object.keys(map).length === 0

/** k8s: ValidateStructural */
export function validateStructural(schema: SentSchema, at: string): Finding[] {
  const out: Finding[] = []
  checkInvariants(out, schema, 'root', at)
  checkComplete(out, schema, schema, at, at, false)
  return out.sort((a, b) => (a.message < b.message ? -1 : a.message > b.message ? 1 : 0))
}

function checkInvariants(out: Finding[], schema: SentSchema | undefined, level: Level, at: string): void {
  if (!schema) return
  const items = oneSchema(schema.items)
  const { type = '', properties = {} } = schema
  const embedded = schema['x-kubernetes-embedded-resource'] === true
  const preserves = schema['x-kubernetes-preserve-unknown-fields'] === true
  const intOrString = schema['x-kubernetes-int-or-string'] === true
  if (type === 'array' && !items) out.push(required(`${at}.items`, 'must be specified'))
  checkInvariants(out, items, 'item', `${at}.items`)
  for (const name in properties) checkInvariants(out, properties[name], 'field', `${at}.properties[${name}]`)
  if (schema.additionalProperties !== undefined) {
    if (level === 'root') out.push(forbidden(`${at}.additionalProperties`, 'must not be used at the root'))
    checkInvariants(out, valuesOf(schema), 'field', `${at}.additionalProperties`)
  }
  if (intOrString && preserves) out.push(invalid(`${at}.x-kubernetes-preserve-unknown-fields`, true, 'must be false if x-kubernetes-int-or-string is true'))
  if (intOrString && embedded) out.push(invalid(`${at}.x-kubernetes-embedded-resource`, true, 'must be false if x-kubernetes-int-or-string is true'))
  checkLogic(out, schema, isIntOrString(schema.anyOf), isIntOrString(schema.allOf?.[0]?.anyOf), at)
  if (embedded && type !== 'object') {
    const text = 'must be object if x-kubernetes-embedded-resource is true'
    out.push(type === '' ? required(`${at}.type`, text) : invalid(`${at}.type`, type, text))
  } else if (type === '' && !intOrString && !preserves) {
    out.push(required(`${at}.type`, `must not be empty ${level === 'root' ? 'at the root' : level === 'item' ? 'for specified array items' : 'for specified object fields'}`))
  }
  if (embedded && schema.additionalProperties !== undefined) out.push(forbidden(`${at}.additionalProperties`, 'must not be used if x-kubernetes-embedded-resource is set'))
  if (level === 'root' && type !== '' && type !== 'object') out.push(invalid(`${at}.type`, type, 'must be object at the root'))
  const isResource = level === 'root' || embedded
  for (const name of ['kind', 'apiVersion']) {
    const property = Object.hasOwn(properties, name) ? properties[name] : undefined
    if (property && isResource && property.type !== 'string') out.push(invalid(`${at}.properties[${name}].type`, property.type ?? '', 'must be string'))
  }
  if (Object.hasOwn(properties, 'metadata')) checkMetadata(out, properties['metadata']!, isResource, level, `${at}.properties[metadata]`)
  if (embedded && !preserves && Object.keys(properties).length === 0) out.push(required(`${at}.properties`, 'must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields'))
}

function checkMetadata(out: Finding[], metadata: SentSchema, isResource: boolean, level: Level, at: string): void {
  if (isResource && metadata.type !== 'object') out.push(invalid(`${at}.type`, metadata.type ?? '', 'must be object'))
  if (level !== 'root') return
  const { type: _, default: __, properties, additionalProperties, ...rest } = metadata
  const names = Object.keys(properties ?? {})
  const more = names.length > 2 || names.some((name) => name !== 'name' && name !== 'generateName') || additionalProperties !== undefined || Object.values(rest).some((value) => value !== undefined && value !== false && value !== '')
  if (more) out.push(forbidden(at, 'must not specify anything other than name and generateName, but metadata is implicitly specified'))
}

/** k8s: validateValueValidation */
function checkLogic(out: Finding[], schema: SentSchema, skipAnyOf: boolean, skipFirstAllOf: boolean, at: string): void {
  if (!skipAnyOf) (schema.anyOf ?? []).forEach((part, i) => checkNested(out, part, false, `${at}.anyOf[${i}]`))
  ;(schema.allOf ?? []).forEach((part, i) => checkNested(out, part, skipFirstAllOf && i === 0, `${at}.allOf[${i}]`))
  ;(schema.oneOf ?? []).forEach((part, i) => checkNested(out, part, false, `${at}.oneOf[${i}]`))
  checkNested(out, schema.not, false, `${at}.not`)
  if (schema.pattern) {
    try {
      goPattern(schema.pattern)
    } catch (error) {
      out.push(invalid(`${at}.pattern`, schema.pattern, `must be a valid regular expression, but isn't: ${(error as Error).message}`))
    }
  }
}

/** k8s: validateNestedValueValidation */
function checkNested(out: Finding[], schema: SentSchema | undefined, skipAnyOf: boolean, at: string): void {
  if (!schema) return
  checkLogic(out, schema, skipAnyOf, false, at)
  checkNested(out, oneSchema(schema.items), false, `${at}.items`)
  const properties = schema.properties ?? {}
  for (const name in properties) checkNested(out, properties[name], false, `${at}.properties[${name}]`)
  const refuse = (field: string, given: unknown, text: string) => {
    if (given) out.push(forbidden(`${at}.${field}`, text))
  }
  refuse('type', schema.type, 'must be empty to be structural')
  refuse('additionalProperties', schema.additionalProperties, 'must be undefined to be structural')
  refuse('default', schema.default !== undefined && schema.default !== null, 'must be undefined to be structural')
  refuse('title', schema.title, 'must be empty to be structural')
  refuse('description', schema.description, 'must be empty to be structural')
  refuse('nullable', schema.nullable, 'must be false to be structural')
  refuse('x-kubernetes-preserve-unknown-fields', schema['x-kubernetes-preserve-unknown-fields'], 'must be false to be structural')
  refuse('x-kubernetes-embedded-resource', schema['x-kubernetes-embedded-resource'], 'must be false to be structural')
  refuse('x-kubernetes-int-or-string', schema['x-kubernetes-int-or-string'], 'must be false to be structural')
  refuse('x-kubernetes-list-map-keys', schema['x-kubernetes-list-map-keys']?.length, 'must be empty to be structural')
  refuse('x-kubernetes-list-type', schema['x-kubernetes-list-type'] !== undefined, 'must be undefined to be structural')
  refuse('x-kubernetes-map-type', schema['x-kubernetes-map-type'] !== undefined, 'must be undefined to be structural')
  refuse('x-kubernetes-validations', schema['x-kubernetes-validations']?.length, 'must be empty to be structural')
  refuse('properties[metadata]', Object.hasOwn(properties, 'metadata'), 'must not be specified in a nested context')
}

/** Whatever logic speaks of must be specified outside of it. k8s: validateStructuralCompleteness */
function checkComplete(out: Finding[], logic: SentSchema | undefined, schema: SentSchema | undefined, at: string, logicAt: string, nested: boolean): void {
  if (!logic) return
  if (!schema) {
    out.push(required(at, `because it is defined in ${logicAt}`))
    return
  }
  checkComplete(out, logic.not, schema, at, `${logicAt}.not`, true)
  for (const field of ['allOf', 'anyOf', 'oneOf'] as const) (logic[field] ?? []).forEach((part, i) => checkComplete(out, part, schema, at, `${logicAt}.${field}[${i}]`, true))
  if (!nested) {
    // Also fields below may be spoken of in logic of their own.
    return
  }
  checkComplete(out, oneSchema(logic.items), oneSchema(schema.items), `${at}.items`, `${logicAt}.items`, true)
  for (const name in logic.properties ?? {}) {
    const known = schema.properties && Object.hasOwn(schema.properties, name) ? schema.properties[name] : undefined
    const below = `${at}.properties[${name}]`
    const logicBelow = `${logicAt}.properties[${name}]`
    if (!known) out.push(required(below, `because it is defined in ${logicBelow}`))
    else checkComplete(out, logic.properties![name], known, below, logicBelow, true)
  }
}
