import { describe, expect, test } from 'vitest'
import { estimateCelCost } from '../cel/cel-cost.ts'
import { compileProblem } from '../cel/cel-problem.ts'
import type { CustomResourceDefinition } from '../generated/types.ts'
import { celTypeOfSchema } from './cel-schema-types.ts'
import type { SentSchema } from './internal-form.ts'
import { validateDefinition, validateDefinitionUpdate } from './validate-definition.ts'

type Limits = number | undefined

function estimate(schema: SentSchema, rule: string): number {
  const self = celTypeOfSchema(schema)!
  const compiled = compileProblem(rule, { self, oldSelf: self })
  if (compiled.problem !== undefined) throw new Error(compiled.problem)
  return estimateCelCost(compiled.node, compiled.checked, self)
}

const scalar = (type: string): SentSchema => (type === 'int-or-string' ? { 'x-kubernetes-int-or-string': true } : ['duration', 'date', 'date-time'].includes(type) ? { type: 'string', format: type } : { type })
const most = (field: 'maxItems' | 'maxProperties' | 'maxLength', value: Limits): SentSchema => (value === undefined ? {} : { [field]: value })
const arrayOf = (items: SentSchema) => (max: Limits): SentSchema => ({ type: 'array', items, ...most('maxItems', max) })
const mapOf = (values: SentSchema) => (max: Limits): SentSchema => ({ type: 'object', additionalProperties: values, ...most('maxProperties', max) })
const text = (max: Limits): SentSchema => ({ type: 'string', ...most('maxLength', max) })
const texts = (max: Limits): SentSchema => ({ type: 'array', items: text(max), ...most('maxItems', max) })
const record: SentSchema = { type: 'object', required: ['required'], properties: { required: { type: 'string' }, optional: { type: 'string' } } }
const replaced = (max: Limits): SentSchema => ({ type: 'object', properties: { str: text(max), before: text(2), after: text(4) } })

// What the API server reckons, without and with a limit.
describe('the estimated cost of a rule', () => {
  test.each<[string, (max: Limits) => SentSchema, number, number, number]>([
    ['self.all(x, true)', arrayOf(scalar('number')), 4718591, 10, 32],
    ['self.all(x, true)', arrayOf(scalar('string')), 3145727, 20, 62],
    ['self.all(x, true)', arrayOf(scalar('boolean')), 1887437, 5, 17],
    ['self.all(x, true)', arrayOf(arrayOf(scalar('number'))(undefined)), 3145727, 100, 302],
    ['self.all(x, true)', mapOf(scalar('number')), 1348169, 10, 32],
    ['self.all(x, true)', mapOf(scalar('string')), 1179647, 3, 11],
    ['self.all(x, true)', mapOf(record), 428963, 20, 62],
    ['self.all(x, true)', mapOf(scalar('date-time')), 349526, 25, 77],
    ['self.all(x, true)', arrayOf(scalar('duration')), 2359295, 5, 17],
    ['self.all(x, true)', arrayOf(scalar('date')), 725936, 15, 47],
    ['self.all(x, true)', arrayOf(scalar('int-or-string')), 4718591, 10, 32],
    ["self.contains('test')", text, 314574, 10, 5],
    ["self.startsWith('test')", text, 2, 15, 2],
    ['size(self + "hello") > size("hello")', text, 314578, 4, 7],
    ['self[1] == 0.0', arrayOf(scalar('number')), 2, 5000, 2],
    ['self[1] == self[1]', arrayOf(scalar('string')), 314577, 8, 314577],
    ['self.matches("x")', text, 314574, 50, 22],
    ['"".matches("(((((((((())))))))))[0-9]")', text, 7, 10, 7],
    ['self.matches("")', text, 1, 100, 1],
    ['self == "x"', text, 2, 0, 1],
    ['self.all(x, x == 0.0)', arrayOf(scalar('number')), 6291454, 3 * 1024 * 2048, 25165826],
    ['self[0] == 5', arrayOf(scalar('int-or-string')), 3, 10, 3],
    ['self[0] == false', arrayOf(scalar('boolean')), 2, 25, 2],
    ['self[0][0] == -1.0', arrayOf(arrayOf(scalar('number'))(undefined)), 3, 51, 3],
    ['self.all(x, x.y == 25.2)', arrayOf(mapOf(scalar('number'))(undefined)), 6291452, 12, 74],
    ['self[0].getHours() == 2', arrayOf(scalar('duration')), 4, 525, 4],
    ["self.find('[0-9]+') == ''", text, 629147, 10, 11],
    ["self.join(' ') == 'aa bb'", texts, 329853068905, 10, 43],
    ['self.isSorted() == true', texts, 329854432052, 10, 52],
    ["self.str.replace(self.before, self.after) == 'does not matter'", replaced, 629154, 4, 12],
    ['self.str.split(self.before) == []', replaced, 629160, 10, 22],
    ["self.lowerAscii() == 'lower!'", text, 314575, 10, 6],
    ['oldSelf.size() == self.size()', mapOf(scalar('integer')), 5, 10, 5],
    ['self["a"] == self["b"]', mapOf(scalar('date-time')), 8, 7, 8],
    ["self.contains('A')", (max) => ({ ...text(max), enum: ['A', 'B', 'C', 'LongValue'] }), 2, 1000, 401],
    ['isQuantity(self)', (max) => ({ 'x-kubernetes-int-or-string': true, ...most('maxLength', max) }), 314574, 20, 9],
  ])('%s', (rule, schema, unlimited, max, limited) => {
    expect([estimate(schema(undefined), rule), estimate(schema(max), rule)]).toEqual([unlimited, limited])
  })

  test('grows with every loop inside a loop', () => {
    const limited = arrayOf(scalar('number'))(10)
    expect(estimate(limited, 'self.all(x, self.all(y, true))')).toBe(352)
    expect(estimate(limited, 'self.all(x, self.all(y, self.all(z, true)))')).toBe(3552)
  })
})

function definition(spec: SentSchema): CustomResourceDefinition {
  return {
    apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: 'foos.example.com', resourceVersion: '1' },
    spec: {
      group: 'example.com', scope: 'Namespaced', names: { plural: 'foos', singular: 'foo', kind: 'Foo', listKind: 'FooList' },
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object', properties: { spec } } } }],
    },
    status: { storedVersions: ['v1'], conditions: [], acceptedNames: { plural: 'foos', singular: 'foo', kind: 'Foo', listKind: 'FooList' } },
  } as unknown as CustomResourceDefinition
}
const messages = (findings: { message: string }[]) => findings.map(({ message }) => message)
const HINT = '(try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)'
const AT = 'spec.validation.openAPIV3Schema'

test('a rule over the estimated cost limit is refused, with the rules that make up the total', () => {
  const nested: SentSchema = { type: 'object', properties: { list: { type: 'array', items: { type: 'string' }, 'x-kubernetes-validations': [{ rule: 'self.all(x, self.all(y, x == y))' }] } } }
  const at = `${AT}.properties[spec].properties[list].x-kubernetes-validations[0].rule`
  expect(messages(validateDefinition(definition(nested)))).toEqual([
    `${at}: Forbidden: estimated rule cost exceeds budget by factor of more than 100x ${HINT}`,
    `${at}: Forbidden: contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema`,
    `${AT}: Forbidden: x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema exceeds budget by factor of more than 100x ${HINT}`,
  ])
})

test('a rule under a list without a limit runs as often as its values fit into a request', () => {
  const items = (limits: SentSchema): SentSchema => ({ type: 'array', items: { type: 'string', ...limits }, maxItems: 5, 'x-kubernetes-validations': [{ rule: "self.all(s, s == 'string constant')" }] })
  const spec = (limits: SentSchema): SentSchema => ({ type: 'object', properties: { x: { type: 'array', items: items(limits) } } })
  // Each of 1048576 lists costs 5 * 6 + 2, or 5 * 5 + 2 where texts are shorter than the constant.
  const at = `${AT}.properties[spec].properties[x].items.x-kubernetes-validations[0].rule`
  expect(messages(validateDefinition(definition(spec({})))).filter((message) => message.startsWith(at))).toContain(`${at}: Forbidden: estimated rule cost exceeds budget by factor of 3.4x ${HINT}`)
  expect(messages(validateDefinition(definition(spec({ maxLength: 2 }))))).toContain(`${at}: Forbidden: estimated rule cost exceeds budget by factor of 2.8x ${HINT}`)
})

test('limits on lists, maps and strings above count how often a rule runs', () => {
  const list = (limits: SentSchema): SentSchema => ({ type: 'array', ...limits, items: { type: 'object', properties: { name: { type: 'string', 'x-kubernetes-validations': [{ rule: "self.contains('abcdefghijk')" }] } } } })
  // 2 * 314573 + 1 for each of 20 items.
  expect(messages(validateDefinition(definition(list({ maxItems: 20 }))))).toEqual([`${AT}.properties[spec].items.properties[name].x-kubernetes-validations[0].rule: Forbidden: estimated rule cost exceeds budget by factor of 1.258294x ${HINT}`])
  expect(messages(validateDefinition(definition(list({ maxItems: 10 }))))).toEqual([])
})

test('a version whose schema stays may keep its single dear rules', () => {
  const dear = definition({ type: 'array', maxItems: 30, items: { type: 'string', 'x-kubernetes-validations': [{ rule: "self.contains('abcdefghijk')" }] } })
  expect(validateDefinition(dear)).toHaveLength(1)
  expect(validateDefinitionUpdate(dear, dear)).toEqual([])
})
