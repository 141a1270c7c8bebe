import { goFloatText, isGoMap, plainValue, sortedKeys } from '../../../cluster/kinds/go-template/values.ts'
import type { GoMap } from '../../../cluster/kinds/go-template/values.ts'
import { nameOf } from '../chart/chart.ts'
import type { Chart } from '../chart/chart.ts'
import { goRegex } from '../engine/go-regex.ts'

/** What a value is wrong in. k8s: santhosh-tekuri/jsonschema ValidationError */
interface Problem {
  kind: 'plain' | 'group' | 'reference'
  at: string
  message: string
  causes: Problem[]
}

type Schema = boolean | GoMap

/** Values against values.schema.json of a chart and the charts inside it. @throws Error listing what is wrong, in the validator's words */
// @k8s part: Helm values.schema.json: references to other files and unevaluatedProperties are not looked at
export function validateValues(chart: Chart, values: GoMap): void {
  const text = problemsOf(chart, values)
  if (text) throw new Error(`values don't meet the specifications of the schema(s) in the following chart(s):\n${text}`)
}

function problemsOf(chart: Chart, values: GoMap): string {
  let out = ''
  if (chart.schema) {
    const wrong = schemaProblems(new TextDecoder().decode(chart.schema), values)
    if (wrong !== undefined) out += `${nameOf(chart)}:\n${wrong}`
  }
  for (const child of chart.dependencies) {
    const inner = values[nameOf(child)]
    if (inner === undefined || inner === null) continue
    if (!isGoMap(inner)) out += `${nameOf(child)}:\ninvalid type for values: expected object (map), got ${typeof inner === 'string' ? 'string' : typeof inner === 'boolean' ? 'bool' : Array.isArray(inner) ? '[]interface {}' : 'float64'}\n`
    else out += problemsOf(child, inner)
  }
  return out
}

/** @returns what is wrong, line by line */
export function schemaProblems(schemaText: string, values: GoMap): string | undefined {
  let root: Schema
  try {
    root = JSON.parse(schemaText) as Schema
  } catch (error) {
    return /end of JSON/i.test((error as Error).message) ? 'unexpected EOF' : `invalid character looking for beginning of value`
  }
  const found = new Validator(root).value(root, plainValue(values), '')
  if (!found) return undefined
  const causes = found.kind === 'group' ? found.causes : [found]
  return `${causes.map((each) => shown(each, 0)).join('\n')}\n`
}

function shown(problem: Problem, depth: number): string {
  if (problem.kind === 'reference' && problem.causes.length === 1) return shown(problem.causes[0]!, depth)
  return [`${'  '.repeat(depth)}- at ${quoted(problem.at)}: ${problem.message}`, ...problem.causes.map((each) => shown(each, depth + 1))].join('\n')
}

const quoted = (text: string) => `'${JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`
const listed = (texts: readonly string[]) => texts.map(quoted).join(', ')
const typeName = (value: unknown) => value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value === 'object' ? 'object' : typeof value
const display = (value: unknown) => typeof value === 'string' ? quoted(value) : value === null ? '<nil>' : typeof value === 'object' ? 'value' : String(value)
const number = (value: number) => goFloatText(value, 21)

function equal(a: unknown, b: unknown): boolean {
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((v, i) => equal(v, b[i]))
  if (isGoMap(a)) return isGoMap(b) && Object.keys(a).length === Object.keys(b).length && Object.keys(a).every((k) => Object.hasOwn(b, k) && equal(a[k], b[k]))
  return a === b
}

class Validator {
  readonly #root: Schema
  readonly #modern: boolean
  #depth = 0

  constructor(root: Schema) {
    this.#root = root
    this.#modern = !(isGoMap(root) && /draft-0?[4-7]/.test(String(root['$schema'] ?? '')))
  }

  #resolve(reference: string): Schema {
    if (reference === '#') return this.#root
    if (!reference.startsWith('#/')) return this.#byId(this.#root, reference) ?? true
    let at: unknown = this.#root
    for (const part of reference.slice(2).split('/')) {
      const key = decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~')
      at = Array.isArray(at) ? at[Number(key)] : isGoMap(at) ? at[key] : undefined
    }
    return (at ?? true) as Schema
  }

  #byId(at: unknown, id: string): Schema | undefined {
    if (Array.isArray(at)) { for (const each of at) { const found = this.#byId(each, id); if (found !== undefined) return found } return undefined }
    if (!isGoMap(at)) return undefined
    if (at['$id'] === id || `#${String(at['$anchor'])}` === id) return at
    for (const each of Object.values(at)) { const found = this.#byId(each, id); if (found !== undefined) return found }
    return undefined
  }

  /** What is wrong with a value, if anything. */
  value(schema: Schema, value: unknown, at: string): Problem | undefined {
    const plain = (message: string, causes: Problem[] = []): Problem => ({ kind: 'plain', at, message, causes })
    if (schema === true) return undefined
    if (schema === false) return plain('false schema')
    if (!isGoMap(schema) || ++this.#depth > 200) return undefined
    try {
      const wanted = schema['type']
      if (wanted !== undefined) {
        const types = Array.isArray(wanted) ? wanted as string[] : [wanted as string]
        const got = typeName(value)
        if (!types.includes(got) && !(types.includes('integer') && typeof value === 'number' && Number.isInteger(value))) return plain(`got ${got}, want ${types.join(' or ')}`)
      }
      if (Object.hasOwn(schema, 'const') && !equal(schema['const'], value)) return plain(typeof schema['const'] === 'object' && schema['const'] !== null ? "'const' failed" : `value must be ${display(schema['const'])}`)
      const allowed = schema['enum']
      if (Array.isArray(allowed) && !allowed.some((each) => equal(each, value))) {
        if (allowed.some((each) => typeof each === 'object' && each !== null)) return plain("'enum' failed")
        return plain(allowed.length === 1 ? `value must be ${display(allowed[0])}` : `value must be one of ${allowed.map(display).join(', ')}`)
      }
      const problems: Problem[] = []
      const add = (problem: Problem | undefined) => { if (problem) problems.push(problem) }
      if (typeof schema['$ref'] === 'string') {
        const found = this.value(this.#resolve(schema['$ref']), value, at)
        const wrapped: Problem | undefined = found && { kind: 'reference', at, message: 'validation failed', causes: found.kind === 'group' ? found.causes : [found] }
        if (!this.#modern) return wrapped
        add(wrapped)
      }
      if (isGoMap(value)) this.#object(schema, value, at, add, plain)
      else if (Array.isArray(value)) this.#array(schema, value, at, add, plain)
      else if (typeof value === 'string') text(schema, value, add, plain)
      else if (typeof value === 'number') numeric(schema, value, add, plain)
      this.#conditions(schema, value, at, add, plain)
      return problems.length <= 1 ? problems[0] : { kind: 'group', at, message: 'validation failed', causes: problems }
    } finally {
      this.#depth--
    }
  }

  #object(schema: GoMap, value: GoMap, at: string, add: (p: Problem | undefined) => void, plain: (m: string, c?: Problem[]) => Problem): void {
    const names = sortedKeys(value)
    const inner = (name: string) => `${at}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`
    if (typeof schema['minProperties'] === 'number' && names.length < schema['minProperties']) add(plain(`minProperties: got ${names.length}, want ${schema['minProperties']}`))
    if (typeof schema['maxProperties'] === 'number' && names.length > schema['maxProperties']) add(plain(`maxProperties: got ${names.length}, want ${schema['maxProperties']}`))
    const missing = (wanted: unknown) => (Array.isArray(wanted) ? wanted as string[] : []).filter((name) => !Object.hasOwn(value, name))
    const absent = missing(schema['required'])
    if (absent.length > 0) add(plain(absent.length === 1 ? `missing property ${quoted(absent[0]!)}` : `missing properties ${listed(absent)}`))
    const depends = (of: unknown) => {
      if (!isGoMap(of)) return
      for (const [name, each] of Object.entries(of)) {
        if (!Object.hasOwn(value, name)) continue
        if (!Array.isArray(each)) { add(this.value(each as Schema, value, at)); continue }
        const lacking = missing(each)
        if (lacking.length > 0) add(plain(`properties ${listed(lacking)} required, if ${quoted(name)} exists`))
      }
    }
    depends(schema['dependencies'])
    const properties = schema['properties'] as GoMap | undefined
    const extra: string[] = []
    for (const name of names) {
      let known = false
      if (properties && Object.hasOwn(properties, name)) { known = true; add(this.value(properties[name] as Schema, value[name], inner(name))) }
      for (const [pattern, each] of Object.entries(schema['patternProperties'] as GoMap ?? {})) if (goRegex(pattern).test(name)) { known = true; add(this.value(each as Schema, value[name], inner(name))) }
      if (known || schema['additionalProperties'] === undefined) continue
      if (schema['additionalProperties'] === false) extra.push(name)
      else add(this.value(schema['additionalProperties'] as Schema, value[name], inner(name)))
    }
    if (extra.length > 0) add(plain(`additional properties ${listed(extra)} not allowed`))
    if (schema['propertyNames'] !== undefined) for (const name of names) {
      const found = this.value(schema['propertyNames'] as Schema, name, '')
      if (found) add(plain(`invalid propertyName ${quoted(name)}`, found.kind === 'group' ? found.causes : [found]))
    }
    depends(schema['dependentSchemas'])
    depends(schema['dependentRequired'])
  }

  #array(schema: GoMap, value: unknown[], at: string, add: (p: Problem | undefined) => void, plain: (m: string, c?: Problem[]) => Problem): void {
    const { minItems, maxItems, items } = schema
    if (typeof minItems === 'number' && value.length < minItems) add(plain(`minItems: got ${value.length}, want ${minItems}`))
    if (typeof maxItems === 'number' && value.length > maxItems) add(plain(`maxItems: got ${value.length}, want ${maxItems}`))
    if (schema['uniqueItems'] === true) {
      search: for (let i = 0; i < value.length; i++) for (let j = i + 1; j < value.length; j++) if (equal(value[i], value[j])) { add(plain(`items at ${i} and ${j} are equal`)); break search }
    }
    const first = Array.isArray(items) ? items as Schema[] : (schema['prefixItems'] as Schema[] | undefined) ?? []
    const rest = (Array.isArray(items) ? schema['additionalItems'] : items) as Schema | undefined
    first.slice(0, value.length).forEach((each, i) => add(this.value(each, value[i], `${at}/${i}`)))
    if (rest === false && Array.isArray(items)) { if (value.length > first.length) add(plain(`last ${value.length - first.length} additionalItem(s) not allowed`)) }
    else if (rest !== undefined) value.slice(first.length).forEach((item, i) => add(this.value(rest, item, `${at}/${first.length + i}`)))
    if (schema['contains'] === undefined) return
    const found = value.map((item, i) => this.value(schema['contains'] as Schema, item, `${at}/${i}`))
    const matched = found.flatMap((problem, i) => problem ? [] : [i])
    const { minContains, maxContains } = schema
    const wrong = found.filter((problem) => problem !== undefined)
    if (typeof minContains === 'number' && matched.length < minContains) add(plain(matched.length === 0 ? `min ${minContains} items required to match contains schema, but none matched` : `min ${minContains} items required to match contains schema, but matched ${matched.length} items at ${matched.join(' ')}`, wrong))
    else if (minContains === undefined && matched.length === 0) add(plain('no items match contains schema', wrong))
    if (typeof maxContains === 'number' && matched.length > maxContains) add(plain(`max ${maxContains} items required to match contains schema, but matched ${matched.length} items at ${matched.join(' ')}`))
  }

  #conditions(schema: GoMap, value: unknown, at: string, add: (p: Problem | undefined) => void, plain: (m: string, c?: Problem[]) => Problem): void {
    const each = (list: unknown) => (list as Schema[]).map((inner) => this.value(inner, value, at))
    if (schema['not'] !== undefined && !this.value(schema['not'] as Schema, value, at)) add(plain("'not' failed"))
    if (Array.isArray(schema['allOf'])) {
      const wrong = each(schema['allOf']).filter((p) => p !== undefined)
      if (wrong.length > 0) add(plain("'allOf' failed", wrong))
    }
    if (Array.isArray(schema['anyOf'])) {
      const found = each(schema['anyOf'])
      if (found.every((p) => p !== undefined)) add(plain("'anyOf' failed", found))
    }
    if (Array.isArray(schema['oneOf'])) {
      const found = each(schema['oneOf'])
      const fitting = found.flatMap((p, i) => p ? [] : [i])
      if (fitting.length === 0) add(plain("'oneOf' failed, none matched", found.filter((p) => p !== undefined)))
      else if (fitting.length > 1) add(plain(`'oneOf' failed, subschemas ${fitting[0]}, ${fitting[1]} matched`))
    }
    if (schema['if'] !== undefined) {
      const branch = this.value(schema['if'] as Schema, value, at) ? schema['else'] : schema['then']
      if (branch !== undefined) add(this.value(branch as Schema, value, at))
    }
  }
}

function text(schema: GoMap, value: string, add: (p: Problem) => void, plain: (m: string) => Problem): void {
  const length = [...value].length
  if (typeof schema['minLength'] === 'number' && length < schema['minLength']) add(plain(`minLength: got ${length}, want ${schema['minLength']}`))
  if (typeof schema['maxLength'] === 'number' && length > schema['maxLength']) add(plain(`maxLength: got ${length}, want ${schema['maxLength']}`))
  if (typeof schema['pattern'] === 'string' && !goRegex(schema['pattern']).test(value)) add(plain(`${quoted(value)} does not match pattern ${quoted(schema['pattern'])}`))
}

function numeric(schema: GoMap, value: number, add: (p: Problem) => void, plain: (m: string) => Problem): void {
  const check = (name: string, holds: (limit: number) => boolean) => {
    const limit = schema[name]
    if (typeof limit === 'number' && !holds(limit)) add(plain(`${name}: got ${number(value)}, want ${number(limit)}`))
  }
  check('minimum', (limit) => value >= limit)
  check('maximum', (limit) => value <= limit)
  check('exclusiveMinimum', (limit) => value > limit)
  check('exclusiveMaximum', (limit) => value < limit)
  check('multipleOf', (limit) => Number.isInteger(value / limit))
}
