/** x-kubernetes-validations. k8s: apiextensions-apiserver/pkg/apiserver/schema/cel/validation.go */
import { CALL_LIMIT_EXCEEDED, CelError, compileCel, type CelBudget, type CelProgram } from '../cel/cel-environment.ts'
import { duplicate, forbidden, invalid, required, type Finding } from '../findings.ts'
import { CelOptional } from '../cel/cel-values.ts'
import { byteLength } from '../names.ts'
import { itemsByKey, oldItem, type Correlation } from './correlation.ts'
import { childPath, isJsonObject, keyPath, propertySchema, shownPath, valuesSchema, type JsonSchema, type ValidationRule } from './json-schema.ts'
import { schemaFieldProblem } from './field-path.ts'
import { typedCelValue } from './cel-values.ts'

/** k8s: celconfig.MaxEvaluatedMessageExpressionSizeBytes */
const MAX_MESSAGE_BYTES = 5 * 1024

/** k8s: celconfig.RuntimeCELCostBudget: what all rules of an object may cost together. */
const COST_BUDGET = 10_000_000

/** What the rules of a schema say of an object. */
export interface RuleFindings {
  findings: Finding[]
  /** Of rules that unchanged parts break: they are let be, with a warning. */
  warnings: string[]
}

/** Checks all rules of a resource. `old`: what is stored, for updates. */
export function validateRules(value: unknown, schema: JsonSchema, old?: unknown, correlation?: Correlation): RuleFindings {
  const out: RuleFindings = { findings: [], warnings: [] }
  if (hasRules(schema)) new Walk(out).check(value, old, schema, schema, '', true, { current: correlation, nearest: undefined })
  return out
}

/** Why a rule of this schema doesn't compile, if so; `untyped` where rules can't see such values at all. */
type CompileProblem = (rule: ValidationRule, schema: JsonSchema, isResource: boolean) => { problem: string } | 'untyped' | undefined

/** Checks the rules for a default at `path`, of a schema that wasn't let in yet: its rules may not even compile. */
export function validateRulesOfDefault(value: unknown, schema: JsonSchema, path: string, isResource: boolean, old: unknown, problemOf: CompileProblem): Finding[] {
  const out: RuleFindings = { findings: [], warnings: [] }
  if (hasRules(schema)) new Walk(out, problemOf).check(value, old, schema, schema, path, isResource, { current: undefined, nearest: undefined })
  return out.findings
}

const withRules = new WeakMap<JsonSchema, boolean>()

/** Whether there is a rule anywhere in the schema. */
export function hasRules(schema: JsonSchema): boolean {
  const before = withRules.get(schema)
  if (before !== undefined) return before
  const values = valuesSchema(schema)
  const found = (schema['x-kubernetes-validations']?.length ?? 0) > 0 || Object.values(schema.properties ?? {}).some(hasRules)
    || (schema.items !== undefined && hasRules(schema.items)) || (values !== undefined && hasRules(values)) || (schema.allOf ?? []).some(hasRules)
  withRules.set(schema, found)
  return found
}

/** Where the walk is among values that could be told apart from their old ones. */
interface Place {
  current: Correlation | undefined
  /** The nearest above that could. */
  nearest: Correlation | undefined
}

class Walk {
  readonly #out: RuleFindings
  readonly #budget: CelBudget = { left: COST_BUDGET }
  readonly #problemOf: CompileProblem | undefined

  constructor(out: RuleFindings, problemOf?: CompileProblem) {
    this.#out = out
    this.#problemOf = problemOf
  }

  /** `rules`: the schema whose rules count, which in allOf isn't the one that types the value. */
  check(value: unknown, old: unknown, rules: JsonSchema, schema: JsonSchema, path: string, isResource: boolean, place: Place): void {
    if (value === null || value === undefined || this.#budget.left < 0 || !hasRules(rules)) return
    this.#evaluate(value, old ?? undefined, rules, schema, path, isResource, place)
    for (const part of rules.allOf ?? []) this.check(value, old, part, schema, path, isResource, { current: undefined, nearest: place.nearest })
    if (Array.isArray(value)) {
      const items = rules.items
      if (!items || !schema.items || !hasRules(items)) return
      const olds = Array.isArray(old) && schema['x-kubernetes-list-type'] === 'map' ? itemsByKey(schema, old) : undefined
      value.forEach((item, i) => this.check(item, olds && oldItem(schema, item, () => olds), items, schema.items!, `${path}[${i}]`, schema.items!['x-kubernetes-embedded-resource'] === true, below(place, place.current?.index(i))))
      return
    }
    if (!isJsonObject(value)) return
    const olds = isJsonObject(old) ? old : undefined
    const oldOf = (key: string) => olds && Object.hasOwn(olds, key) ? olds[key] : undefined
    const keys = Object.keys(value).sort()
    const [ruleValues, values] = [valuesSchema(rules), valuesSchema(schema)]
    if (ruleValues && values && hasRules(ruleValues))
      for (const key of keys) this.check(value[key], oldOf(key), ruleValues, values, keyPath(path, key), values['x-kubernetes-embedded-resource'] === true, below(place, place.current?.key(key)))
    for (const key of keys) {
      const [rule, property] = [propertySchema(rules, key), propertySchema(schema, key)]
      if (!rule || !property || !hasRules(rule)) continue
      const isRootField = place.nearest === undefined && place.current !== undefined && (key === 'apiVersion' || key === 'kind')
      this.check(value[key], oldOf(key), rule, property, childPath(path, key), property['x-kubernetes-embedded-resource'] === true, isRootField ? { current: undefined, nearest: undefined } : below(place, place.current?.key(key)))
    }
  }

  #isSpent(path: string, type: string): boolean {
    if (this.#budget.left >= 0) return false
    this.#out.findings.push(invalid(shownPath(path), type, 'validation failed due to running out of cost budget, no further validation rules will be run'))
    return true
  }

  #evaluate(value: unknown, old: unknown, rules: JsonSchema, schema: JsonSchema, path: string, isResource: boolean, place: Place): void {
    const list = rules['x-kubernetes-validations']
    if (!list || list.length === 0) return
    const self = typedCelValue(value, schema, isResource)
    const oldSelf = old === undefined ? undefined : typedCelValue(old, schema, isResource)
    const type = schema.type ?? ''
    // Messages see the old value, as it is, where any rule beside them does. k8s: celActivationFactory
    const forMessages = { self, ...(oldSelf !== undefined && list.some((rule) => compiledRule(rule).usesOldSelf) ? { oldSelf } : {}) }
    for (const rule of list) {
      const compiled = compiledRule(rule)
      const checked = this.#problemOf?.(rule, schema, isResource)
      if (checked === 'untyped') {
        this.#out.findings.push(invalid(shownPath(path), type, 'rule compiler initialization error: failed to convert to declType for CEL validation rules'))
        return
      }
      const problem = this.#problemOf ? checked?.problem : compiled.error?.message
      if (problem !== undefined) {
        this.#out.findings.push(invalid(shownPath(path), type, `rule compile error: ${problem}`))
        continue
      }
      if (!compiled.program) continue
      if (compiled.usesOldSelf && old === undefined && !rule.optionalOldSelf) continue
      const variables = { self, ...(rule.optionalOldSelf ? { oldSelf: oldSelf === undefined ? CelOptional.none : CelOptional.of(oldSelf) } : oldSelf !== undefined ? { oldSelf } : {}) }
      let result: unknown
      try {
        result = compiled.program.evaluate(variables, this.#budget)
        if (this.#isSpent(path, type)) return
      } catch (error) {
        if (!(error instanceof CelError)) throw error
        const { message } = error
        if (this.#isSpent(path, type)) return
        if (message === CALL_LIMIT_EXCEEDED) {
          this.#out.findings.push(invalid(shownPath(path), type, `'${message}': no further validation rules will be run due to call cost exceeds limit for rule: ${ruleText(rule)}`))
          this.#budget.left = -1
          return
        }
        this.#out.findings.push(invalid(shownPath(path), type, message.startsWith('no such overload')
          ? `'${message}': call arguments did not match a supported operator, function or macro signature for rule: ${ruleText(rule)}` : `${message} evaluating rule: ${ruleText(rule)}`))
        continue
      }
      if (result === true) continue
      const detail = (compiled.message && messageOf(compiled.message, forMessages, this.#budget)) ?? rule.message?.trim() ?? `failed rule: ${ruleText(rule)}`
      const at = shownPath(rule.fieldPath ? childOf(path, rule.fieldPath, schema) : path)
      const finding = findingFor(rule.reason, at, typeof value === 'object' ? undefined : { value }, detail)
      if (!compiled.usesOldSelf && (place.current ?? place.nearest)?.same) this.#out.warnings.push(finding.message)
      else this.#out.findings.push(finding)
    }
  }
}

function below(place: Place, next: Correlation | undefined): Place {
  return place.current ? { current: next, nearest: place.current } : place
}

interface CompiledRule {
  program?: CelProgram
  message?: CelProgram
  error?: CelError
  usesOldSelf: boolean
}

const compiled = new WeakMap<ValidationRule, CompiledRule>()

function compiledRule(rule: ValidationRule): CompiledRule {
  let known = compiled.get(rule)
  if (!known) {
    const withoutStrings = rule.rule.replace(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/g, '""')
    known = { usesOldSelf: /\boldSelf\b/.test(withoutStrings) }
    try {
      if (rule.rule.trim()) known.program = compileCel(rule.rule)
      if (rule.messageExpression?.trim()) known.message = compileCel(rule.messageExpression)
    } catch (error) {
      if (!(error instanceof CelError)) throw error
      known.error = error
    }
    compiled.set(rule, known)
  }
  return known
}

/** What the messageExpression says, where it says anything that can be shown. */
function messageOf(program: CelProgram, variables: Readonly<Record<string, unknown>>, budget: CelBudget): string | undefined {
  try {
    const result = program.evaluate(variables, budget)
    if (typeof result !== 'string') return undefined
    const text = result.trim()
    return text === '' || text.includes('\n') || byteLength(text) > MAX_MESSAGE_BYTES ? undefined : text
  } catch (error) {
    if (error instanceof CelError) return undefined
    throw error
  }
}

/** How messages name a rule. */
function ruleText(rule: ValidationRule): string {
  return (rule.message || rule.rule).trim()
}

/** `.a['b.c']` below a path; what leads nowhere in the schema doesn't count. k8s: CompilationResult.NormalizedRuleFieldPath */
function childOf(path: string, fieldPath: string, schema: JsonSchema): string {
  const below = schemaFieldProblem(fieldPath, schema)
  if (below.problem !== undefined) return path
  return childPath(path, below.path.join('.').replaceAll('.[', '['))
}

function findingFor(reason: string | undefined, at: string, given: { value: unknown } | undefined, detail: string): Finding {
  switch (reason) {
    case 'FieldValueForbidden': return forbidden(at, detail)
    case 'FieldValueRequired': return required(at, detail)
    case 'FieldValueDuplicate': return given ? duplicate(at, given.value) : bare('FieldValueDuplicate', at, 'Duplicate value')
    default: return given ? invalid(at, given.value, detail) : bare('FieldValueInvalid', at, `Invalid value: ${detail}`)
  }
}

/** Objects and lists aren't shown in messages. */
function bare(type: Finding['type'], field: string, body: string): Finding {
  return { type, field, body, message: `${field}: ${body}` }
}

