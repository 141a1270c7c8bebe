/** Defaults in the schema of a definition's version. k8s: apiextensions-apiserver/pkg/apiserver/schema/defaulting/validation.go */
import { deepEqual, thaw } from '../../../base/freeze.ts'
import { compileProblem } from '../cel/cel-problem.ts'
import { invalid, type Finding } from '../findings.ts'
import { sortKeys } from '../go-text.ts'
import { coerceEmbedded, EmbeddedResourceError, validateEmbedded } from '../structural/embedded-resources.ts'
import { asKubeOpenApi, asResourceRoot, type JsonObject, type JsonSchema, type ValidationRule } from '../structural/json-schema.ts'
import { pruneUnknownFields } from '../structural/prune.ts'
import { validateAgainstSchema } from '../structural/validate-schema.ts'
import { validateRulesOfDefault } from '../structural/validation-rules.ts'
import { celTypeOfSchema } from './cel-schema-types.ts'
import type { SentSchema } from './internal-form.ts'
import { ruleProblem, ruleVariables } from './rule-compilation.ts'

/** What every resource has. */
export const META_FIELDS: ReadonlySet<string> = new Set(['metadata', 'kind', 'apiVersion'])

/** Where a default is: which resource it is part of, and what that is with the default in its place. */
interface DefaultPlace {
  /** Inside of apiVersion, kind or metadata of a resource. */
  insideMeta: boolean
  isResource: boolean
  resource: JsonSchema
  /** k8s: apiserver/schema/defaulting SurroundingObjectFunc */
  around: (value: unknown) => JsonObject
}

const resourcePlace = (resource: JsonSchema): DefaultPlace =>
  ({ insideMeta: false, isResource: true, resource, around: (value) => ({ apiVersion: 'validation/v1', kind: 'Validation', ...(value as JsonObject) }) })

/** Defaults must themselves be valid. `at`: where the schema is. */
export function validateDefaults(schema: SentSchema, at: string): Finding[] {
  const out: Finding[] = []
  const root = asResourceRoot(schema as unknown as JsonSchema)
  checkDefaults(out, root as unknown as SentSchema, at, resourcePlace(root))
  return out
}

function checkDefaults(out: Finding[], schema: SentSchema, at: string, above: DefaultPlace): void {
  const isResource = schema['x-kubernetes-embedded-resource'] === true
  const place = isResource ? resourcePlace(schema as unknown as JsonSchema) : { ...above, isResource }
  const value = schema.default
  if (value !== undefined && value !== null) out.push(...defaultFindings(value, schema as unknown as JsonSchema, `${at}.default`, place))
  if (schema.items && !Array.isArray(schema.items)) checkDefaults(out, schema.items as SentSchema, `${at}.items`, { ...place, around: (item) => place.around([item]) })
  for (const name in schema.properties ?? {}) {
    const insideMeta = place.insideMeta || (isResource && META_FIELDS.has(name))
    checkDefaults(out, schema.properties![name]!, `${at}.properties[${name}]`, { ...place, insideMeta, around: (property) => place.around({ [name]: property }) })
  }
}

/** The first kind of thing that is wrong with a default counts. */
function defaultFindings(value: unknown, schema: JsonSchema, at: string, place: DefaultPlace): Finding[] {
  const unknown = !place.insideMeta && hasUnknownFields(value, schema) ? [invalid(at, sortKeys(value), 'must not have unknown fields')] : []
  const embedded = place.insideMeta ? metadataProblems(value, at, place) : embeddedProblems(value, schema, at)
  if (embedded.length > 0) return [...unknown, ...embedded]
  const findings = validateAgainstSchema(value, asKubeOpenApi(schema), at)
  if (findings.length > 0) return [...unknown, ...findings]
  const rules = (old: unknown) => validateRulesOfDefault(value, schema, at, place.isResource, old, compileProblemOf)
  // Once as if nothing changed, once as if it was new.
  const kept = rules(value)
  return [...unknown, ...(kept.length > 0 ? kept : rules(undefined))]
}

/** What is wrong with the resource that has this default in its metadata. */
function metadataProblems(value: unknown, at: string, { resource, around }: DefaultPlace): Finding[] {
  const findings = embeddedProblems(around(value), resource, '')
  if (findings.length === 0) return []
  const messages = [...new Set(findings.map(({ message }) => message))]
  return [invalid(at, sortKeys(value), `must result in valid metadata: ${messages.length === 1 ? messages[0] : `[${messages.join(', ')}]`}`)]
}

/** What is wrong with the resources in a value. */
function embeddedProblems(value: unknown, schema: JsonSchema, at: string): Finding[] {
  const copy = thaw(value as object) as unknown
  try {
    coerceEmbedded(copy, schema, at)
  } catch (error) {
    if (!(error instanceof EmbeddedResourceError)) throw error
    return [error.finding]
  }
  return validateEmbedded(copy, schema, at)
}

/** Why a rule doesn't compile. */
function compileProblemOf(rule: ValidationRule, schema: JsonSchema, isResource: boolean): { problem: string } | 'untyped' | undefined {
  const type = celTypeOfSchema(schema as unknown as SentSchema, isResource)
  if (!type) return 'untyped'
  const problem = rule.rule.trim() === '' ? undefined : ruleProblem(compileProblem(rule.rule, ruleVariables(rule, type, rule.rule)))
  return problem === undefined ? undefined : { problem }
}

function hasUnknownFields(value: unknown, schema: JsonSchema): boolean {
  const wrapped = { value: thaw(value as object) as unknown }
  pruneUnknownFields(wrapped, { type: 'object', properties: { value: schema } })
  return !deepEqual(wrapped.value, value)
}
