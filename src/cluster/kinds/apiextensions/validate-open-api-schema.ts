/** Rules for the schema of a definition's version. k8s: apiextensions-apiserver/pkg/apis/apiextensions/validation */
import { celTypeText, type CelType } from '../cel/cel-checker.ts'
import { estimateCelCost } from '../cel/cel-cost.ts'
import { compileProblem, type Compiled } from '../cel/cel-problem.ts'
import { mentionsCelName } from '../cel/cel-syntax.ts'
import { forbidden, internalFinding, invalid, notSupported, required, type Finding } from '../findings.ts'
import type { ValidationRule } from '../structural/json-schema.ts'
import { celTypeOfSchema, LARGEST_REQUEST } from './cel-schema-types.ts'
import { schemaFieldProblem } from '../structural/field-path.ts'
import { itemsText, ruleText, schemaText, type SentSchema } from './internal-form.ts'
import { instantiationProblem, ruleProblem, ruleVariables } from './rule-compilation.ts'
import { META_FIELDS, validateDefaults } from './validate-defaults.ts'
import { structuralFormProblem, validateStructural } from './validate-structural.ts'

const TYPES = ['array', 'boolean', 'integer', 'number', 'object', 'string']
const REASONS = ['FieldValueDuplicate', 'FieldValueForbidden', 'FieldValueInvalid', 'FieldValueRequired']

/** With a status subresource only these say something at the root, by Go's names, in the schema's order of fields. */
const ROOT_FIELDS = [
  'Description', 'Type', 'Format', 'Title', 'Maximum', 'ExclusiveMaximum', 'Minimum', 'ExclusiveMinimum', 'MaxLength', 'MinLength', 'Pattern', 'MaxItems', 'MinItems', 'UniqueItems', 'MultipleOf', 'Required', 'Items', 'Properties',
  'ExternalDocs', 'Example', 'XPreserveUnknownFields', 'XValidations',
]

/** What one rule, and all rules of a version, may cost by estimate. k8s: StaticEstimatedCostLimit, StaticEstimatedCRDCostLimit */
const RULE_COST_LIMIT = 10_000_000
const SCHEMA_COST_LIMIT = 100_000_000
/** So many of the dearest rules are named. */
const NAMED_RULES = 4

/** What the rules of a schema cost together. k8s: TotalCost */
interface RuleCosts {
  total: number
  /** Not those below a hundredth of the limit. */
  dearest: { at: string; cost: number }[]
  /** Single rules aren't limited: the schema was let in before. */
  unchanged: boolean
}

/** What a version's schema is validated with. */
export interface SchemaOptions {
  statusEnabled: boolean
  /** The schema is what it was: its rules may each cost what they did. */
  unchanged: boolean
}

/** k8s: validateCustomResourceDefinitionValidation */
export function validateVersionSchema(out: Finding[], validation: Readonly<{ openAPIV3Schema?: SentSchema }> | undefined, { statusEnabled, unchanged }: SchemaOptions, at: string): void {
  const schema = validation?.openAPIV3Schema
  if (!schema) return
  const here = `${at}.openAPIV3Schema`
  const own: Finding[] = []
  if (statusEnabled) checkRootFields(own, schema, here)
  if (schema.nullable) own.push(forbidden(`${here}.nullable`, 'nullable cannot be true at the root'))
  const formProblem = structuralFormProblem(schema)
  let rules = false
  if (formProblem === undefined) {
    const structural = validateStructural(schema, here)
    const defaults = structural.length > 0 ? [] : validateDefaults(schema, here)
    own.push(...structural, ...defaults)
    rules = structural.length === 0 && defaults.length === 0
  }
  const costs: RuleCosts = { total: 0, dearest: [], unchanged }
  const found = checkSchema(schema, here, { isRoot: true, ...(rules ? { type: celTypeOfSchema(schema, true) ?? null } : {}), costs, times: 1 })
  own.push(...found.schema, ...found.rules)
  if (own.length === 0 && formProblem !== undefined) own.push(invalid(here, '', formProblem))
  if (costs.total > SCHEMA_COST_LIMIT) {
    for (const rule of costs.dearest) own.push(forbidden(rule.at, 'contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema'))
    own.push(forbidden(here, costText('x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema', costs.total, SCHEMA_COST_LIMIT)))
  }
  out.push(...own)
}

function checkRootFields(out: Finding[], schema: SentSchema, at: string): void {
  const shown = schemaText(schema)
  for (const name of Object.keys(shown)) {
    const value = shown[name]
    if (value === null || value === '' || value === false) continue
    if (name === 'Type') {
      if (schema.type === 'object') continue
      out.push(invalid(`${at}.type`, schema.type, 'only "object" is allowed as the type at the root of the schema if the status subresource is enabled'))
      return
    }
    if (ROOT_FIELDS.includes(name)) continue
    out.push(invalid(at, shown, `only [${ROOT_FIELDS.join(' ')}] fields are allowed at the root of the schema if the status subresource is enabled`))
    return
  }
}

/** What the walk knows of where it is. */
interface Place {
  isRoot?: boolean
  insideMeta?: boolean
  /** Why there may be no default. */
  noDefault?: string
  /** The nearest schema above whose values can't be told apart between two revisions. */
  uncorrelatable?: string
  /** What rules see of such values: null where they can't; absent where rules aren't looked at. */
  type?: CelType | null
  /** There are rules here or above. */
  underRules?: boolean
  /** The type of a schema above, which rules are under, couldn't be told: then no type below can. */
  untyped?: boolean
  costs: RuleCosts
  /** How many values of this schema there may be; absent where maps and lists above set no limit. */
  times?: number | undefined
}

interface Found {
  schema: Finding[]
  rules: Finding[]
}

const UNTYPED = 'internal error: failed to construct type information for x-kubernetes-validations rules: unable to convert structural schema to CEL declarations'

/** k8s: ValidateCustomResourceDefinitionOpenAPISchema */
function checkSchema(schema: SentSchema | undefined, at: string, place: Place): Found {
  const found: Found = { schema: [], rules: [] }
  if (!schema) return found
  const out = found.schema
  const add = (below: Found) => {
    out.push(...below.schema)
    found.rules.push(...below.rules)
  }
  checkSupported(out, schema, at, place)
  if (schema.uniqueItems) out.push(forbidden(`${at}.uniqueItems`, 'uniqueItems cannot be set to true since the runtime complexity becomes quadratic'))
  const properties = schema.properties ?? {}
  const names = Object.keys(properties)
  const rules = schema['x-kubernetes-validations'] ?? []
  const { isRoot, type, ...above } = place
  const underRules = place.underRules === true || rules.length > 0
  const untyped = place.untyped === true || (underRules && type === null)
  const inherited: Place = { ...above, times: timesBelow(schema, place.times), underRules, untyped }
  const typed = (below: SentSchema | undefined) => (type !== undefined && below ? { type: celTypeOfSchema(below) ?? null } : {})
  const additional = schema.additionalProperties
  if (additional !== undefined) {
    if (names.length > 0 && additional !== true) out.push(forbidden(`${at}.additionalProperties`, 'additionalProperties and properties are mutual exclusive'))
    if (typeof additional === 'object') add(checkSchema(additional, `${at}.additionalProperties`, { ...inherited, ...typed(additional), ...(place.insideMeta ? { noDefault: 'inside additionalProperties applying to object metadata' } : {}) }))
  }
  for (const name of names) {
    const below: Place = { ...inherited, ...typed(properties[name]) }
    // k8s: cel.MapIsCorrelatable: of a type that nobody knows nothing can be said
    if (!['atomic', 'granular'].includes(schema['x-kubernetes-map-type'] ?? 'granular')) below.uncorrelatable ??= at
    if ((isRoot || schema['x-kubernetes-embedded-resource']) && META_FIELDS.has(name)) {
      below.insideMeta = true
      if (isRoot) below.noDefault = `in top-level ${name}`
    }
    add(checkSchema(properties[name], `${at}.properties[${name}]`, below))
  }
  add(checkSchema(schema.not, `${at}.not`, inherited))
  for (const field of ['allOf', 'oneOf', 'anyOf'] as const) (schema[field] ?? []).forEach((part, i) => add(checkSchema(part, `${at}.${field}[${i}]`, inherited)))
  for (const name in schema.definitions ?? {}) add(checkSchema(schema.definitions![name], `${at}.definitions[${name}]`, inherited))
  const items = schema.items
  if (items) {
    const below: Place = { ...inherited }
    if (schema['x-kubernetes-list-type'] !== 'map') below.uncorrelatable ??= at
    if (Array.isArray(items)) items.forEach((part: SentSchema, i) => add(checkSchema(part, `${at}.items[${i}]`, below)))
    else add(checkSchema(items as SentSchema, `${at}.items`, { ...below, ...typed(items as SentSchema) }))
  }
  for (const name in schema.dependencies ?? {}) {
    const dependency = schema.dependencies![name]!
    if (!Array.isArray(dependency)) add(checkSchema(dependency as SentSchema, `${at}.dependencies[${name}]`, inherited))
  }
  if (schema['x-kubernetes-preserve-unknown-fields'] === false) out.push(invalid(`${at}.x-kubernetes-preserve-unknown-fields`, false, 'must be true or undefined'))
  checkMapType(out, schema, at)
  checkListType(out, schema, at)
  rules.forEach((rule, i) => checkRuleFields(out, rule, schema, `${at}.x-kubernetes-validations[${i}]`))
  if (out.length > 0 || type === undefined || rules.length === 0) return found
  if (type === null || untyped) found.rules.push(internalFinding(`${at}.x-kubernetes-validations`, UNTYPED))
  else rules.forEach((rule, i) => checkRule(found.rules, rule, place, `${at}.x-kubernetes-validations[${i}]`))
  return found
}

/** k8s: specStandardValidatorV3 */
function checkSupported(out: Finding[], schema: SentSchema, at: string, place: Place): void {
  const refuse = (field: string, given: boolean) => {
    if (given) out.push(forbidden(`${at}.${field}`, `${field} is not supported`))
  }
  const { type = '' } = schema
  if (type !== '' && !TYPES.includes(type)) out.push(notSupported(`${at}.type`, type, TYPES))
  if (schema.default !== undefined && schema.default !== null && place.noDefault !== undefined) out.push(forbidden(`${at}.default`, `must not be set ${place.noDefault}`))
  refuse('id', Boolean(schema.id))
  refuse('additionalItems', schema.additionalItems !== undefined)
  refuse('patternProperties', Object.keys(schema.patternProperties ?? {}).length > 0)
  refuse('definitions', Object.keys(schema.definitions ?? {}).length > 0)
  refuse('dependencies', Object.keys(schema.dependencies ?? {}).length > 0)
  refuse('$ref', schema.$ref !== undefined)
  if (type === 'null') out.push(forbidden(`${at}.type`, 'type cannot be set to null, use nullable as an alternative'))
  if (Array.isArray(schema.items) && schema.items.length > 0) out.push(forbidden(`${at}.items`, 'items must be a schema object and not an array'))
  if (place.insideMeta && schema['x-kubernetes-embedded-resource']) out.push(forbidden(`${at}.x-kubernetes-embedded-resource`, 'must not be used inside of resource meta'))
}

function checkMapType(out: Finding[], schema: SentSchema, at: string): void {
  const mapType = schema['x-kubernetes-map-type']
  if (mapType === undefined) return
  if (schema.type !== 'object') {
    const text = 'must be object if x-kubernetes-map-type is specified'
    out.push(schema.type ? invalid(`${at}.type`, schema.type, text) : required(`${at}.type`, text))
  }
  if (mapType !== 'atomic' && mapType !== 'granular') out.push(notSupported(`${at}.x-kubernetes-map-type`, mapType, ['atomic', 'granular']))
}

function checkListType(out: Finding[], schema: SentSchema, at: string): void {
  const listType = schema['x-kubernetes-list-type']
  const keys = schema['x-kubernetes-list-map-keys'] ?? []
  const items = Array.isArray(schema.items) ? undefined : (schema.items as SentSchema | undefined)
  if (listType !== undefined && schema.type !== 'array') {
    const text = 'must be array if x-kubernetes-list-type is specified'
    out.push(schema.type ? invalid(`${at}.type`, schema.type, text) : required(`${at}.type`, text))
  } else if (listType === 'set' && items) {
    const text = 'must be atomic as item of a list with x-kubernetes-list-type=set'
    const ofItems = items['x-kubernetes-list-type']
    if (items.type === 'array' && ofItems !== undefined && ofItems !== 'atomic') out.push(invalid(`${at}.items.x-kubernetes-list-type`, ofItems, text))
    if (items.type === 'object' && items['x-kubernetes-map-type'] !== 'atomic') out.push(invalid(`${at}.items.x-kubernetes-map-type`, ofItems ?? null, text))
  }
  if (listType !== undefined && !['atomic', 'set', 'map'].includes(listType)) out.push(notSupported(`${at}.x-kubernetes-list-type`, listType, ['atomic', 'set', 'map']))
  if (keys.length > 0) {
    const text = 'must be map if x-kubernetes-list-map-keys is non-empty'
    if (listType === undefined) out.push(required(`${at}.x-kubernetes-list-type`, text))
    else if (listType !== 'map') out.push(invalid(`${at}.x-kubernetes-list-type`, listType, text))
  }
  if (listType === 'map') checkListMap(out, schema, items, keys, at)
  if (!items || (listType !== 'set' && listType !== 'map')) return
  if (items.nullable) out.push(forbidden(`${at}.items.nullable`, `cannot be nullable when x-kubernetes-list-type is ${listType}`))
  if (listType !== 'map') return
  for (const key of keys) {
    const property = items.properties && Object.hasOwn(items.properties, key) ? items.properties[key]! : undefined
    if (!property) continue
    const here = `${at}.items.properties[${key}]`
    if (!items.required?.includes(key) && (property.default === undefined || property.default === null)) out.push(required(`${here}.default`, 'this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property'))
    if (property.nullable) out.push(forbidden(`${here}.nullable`, 'this property is in x-kubernetes-list-map-keys, so it cannot be nullable'))
  }
}

function checkListMap(out: Finding[], schema: SentSchema, items: SentSchema | undefined, keys: readonly string[], at: string): void {
  if (keys.length === 0) out.push(required(`${at}.x-kubernetes-list-map-keys`, 'must not be empty if x-kubernetes-list-type is map'))
  if (schema.items === undefined) out.push(required(`${at}.items`, 'must have a schema if x-kubernetes-list-type is map'))
  else if (!items) out.push(invalid(`${at}.items`, itemsText(schema.items), 'must only have a single schema if x-kubernetes-list-type is map'))
  if (!items) return
  if (items.type !== 'object') {
    out.push(invalid(`${at}.items.type`, items.type ?? '', "must be object if parent array's x-kubernetes-list-type is map"))
    return
  }
  const seen = new Set<string>()
  for (const key of keys) {
    const property = items.properties && Object.hasOwn(items.properties, key) ? items.properties[key]! : undefined
    if (!property) out.push(invalid(`${at}.x-kubernetes-list-map-keys`, keys, 'entries must all be names of item properties'))
    else if (property.type === 'array' || property.type === 'object') out.push(invalid(`${at}.items.properties[${key}].type`, items.type, "must be a scalar type if parent array's x-kubernetes-list-type is map"))
    if (seen.has(key)) out.push(invalid(`${at}.x-kubernetes-list-map-keys`, keys, 'must not contain duplicate entries'))
    seen.add(key)
  }
}

function checkRuleFields(out: Finding[], rule: ValidationRule, schema: SentSchema, at: string): void {
  const { rule: text = '', message = '', messageExpression = '', reason, fieldPath = '' } = rule
  const hasLines = (value: string) => /[\n\r]/.test(value)
  if (text.trim() === '') out.push(required(`${at}.rule`, 'rule is not specified'))
  else if (message !== '' && message.trim() === '') out.push(invalid(`${at}.message`, message, 'must be non-empty if specified'))
  else if (hasLines(message.trim())) out.push(invalid(`${at}.message`, message, 'must not contain line breaks'))
  else if (hasLines(text.trim()) && message.trim() === '') out.push(required(`${at}.message`, 'message must be specified if rule contains line breaks'))
  if (messageExpression !== '' && messageExpression.trim() === '') out.push(required(`${at}.messageExpression`, 'messageExpression must be non-empty if specified'))
  if (reason !== undefined && !REASONS.includes(reason)) out.push(notSupported(`${at}.reason`, reason, REASONS))
  if (fieldPath === '') return
  if (fieldPath.trim() === '') out.push(invalid(`${at}.fieldPath`, fieldPath, 'must be non-empty if specified'))
  if (hasLines(fieldPath)) out.push(invalid(`${at}.fieldPath`, fieldPath, 'must not contain line breaks'))
  if (structuralFormProblem(schema) === undefined && schemaFieldProblem(fieldPath, schema).problem !== undefined) out.push(invalid(`${at}.fieldPath`, fieldPath, 'must be a valid path'))
}

/** k8s: extractMaxElements */
function timesBelow(schema: SentSchema, here: number | undefined): number | undefined {
  const most = schema.type === 'array' ? schema.maxItems : schema.type === 'object' && schema.additionalProperties !== undefined ? schema.maxProperties : 1
  return here === undefined || most === undefined ? undefined : here * Math.max(most, 0)
}

/** Whether a rule compiles, and what it may cost. k8s: apiserver/schema/cel compileRule */
function checkRule(out: Finding[], rule: ValidationRule, place: Place, at: string): void {
  const variables = ruleVariables(rule, place.type!, at)
  const { self } = variables
  const compiled = compileProblem(rule.rule, variables)
  const problem = ruleProblem(compiled)
  if (problem !== undefined) out.push(invalid(`${at}.rule`, ruleText(rule), problem))
  else {
    // Lists and maps without a limit hold as many values as fit into a request, with a comma each.
    const times = place.times ?? Math.floor(LARGEST_REQUEST / (self.limits!.leastBytes + 1))
    checkCost(out, compiled, times, place, 'estimated rule cost', `${at}.rule`)
    if (rule.messageExpression) {
      const message = compileProblem(rule.messageExpression, variables)
      const wrong = message.problem !== undefined ? `messageExpression compilation failed: ${message.problem}` : celTypeText(message.type) !== 'string' ? 'messageExpression must evaluate to a string' : instantiationProblem(message, 'messageExpression ')
      if (wrong !== undefined) out.push(invalid(`${at}.messageExpression`, ruleText(rule), wrong))
      else checkCost(out, message, 1, place, 'estimated messageExpression cost', `${at}.messageExpression`)
    }
  }
  if (problem === undefined && mentionsCelName(rule.rule, 'oldSelf')) {
    if (place.uncorrelatable !== undefined) out.push(invalid(`${at}.rule`, rule.rule, `oldSelf cannot be used on the uncorrelatable portion of the schema within ${place.uncorrelatable}`))
  } else if (rule.optionalOldSelf !== undefined) out.push(invalid(`${at}.optionalOldSelf`, rule.optionalOldSelf, 'may not be set if oldSelf is not used in rule'))
}

/** k8s: getExpressionCost, TotalCost.ObserveExpressionCost */
function checkCost(out: Finding[], compiled: Compiled, times: number, { costs, type }: Place, what: string, at: string): void {
  if (compiled.problem !== undefined) return
  const cost = estimateCelCost(compiled.node, compiled.checked, type!) * times
  if (cost > RULE_COST_LIMIT && !costs.unchanged) out.push(forbidden(at, costText(what, cost, RULE_COST_LIMIT)))
  costs.total += cost
  if (cost < SCHEMA_COST_LIMIT / 100) return
  costs.dearest = [...costs.dearest, { at, cost }].sort((a, b) => b.cost - a.cost).slice(0, NAMED_RULES)
}

/** k8s: getCostErrorMessage */
function costText(what: string, cost: number, limit: number): string {
  const over = cost / limit
  const factor = over > 100 ? 'more than 100x' : `${over.toFixed(over < 1.5 ? 6 : 1)}x`
  return `${what} exceeds budget by factor of ${factor} (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)`
}
