import { expect, test } from 'vitest'
import { asKubeOpenApi, type JsonSchema } from './json-schema.ts'
import { validateAgainstSchema } from './validate-schema.ts'
import { validateRules } from './validation-rules.ts'

const said = (value: unknown, schema: JsonSchema) => validateAgainstSchema(value, schema, 'a').map(({ message }) => message)

// What kube-apiserver v1.36 says of each.
test('numbers are shown as Go counts them: as floating-point ones where the limit is none for their type', () => {
  expect(said(2147483648, { type: 'number', maximum: 3 })).toEqual(['a: Invalid value: 2147483648: a in body should be less than or equal to 3'].map((text) => text.replace('a in', ' in')))
  expect(said(2147483648, { type: 'integer', maximum: 2.5 })).toEqual(['a: Invalid value: "": Maximum boundary value must be of type integer (default format) in ', 'a: Invalid value: 2.147483648e+09:  in body should be less than or equal to 2.5'])
  expect(said(1234567.5, { type: 'number', maximum: 1000000 })).toEqual(['a: Invalid value: 1.2345675e+06:  in body should be less than or equal to 1e+06'])
  expect(said(5, asKubeOpenApi({ type: 'integer', format: 'int64', multipleOf: 2.5 }))[0]).toBe('a: Invalid value: "": MultipleOf value must be of type integer with format int64 in ')
  expect(said('x', asKubeOpenApi({ type: 'string', format: 'ip' }))).toEqual([])
})

test('too many of what may not be at all; objects are shown with sorted keys', () => {
  expect(said([1], { type: 'array', maxItems: -1 })).toEqual(['a: Too many: 1: has too many items'])
  expect(said({ b: 1, a: { d: 1, c: 2 } }, { type: 'object', enum: [{}] })).toEqual(['a: Unsupported value: {"a":{"c":2,"d":1},"b":1}: supported values: "{}"'])
})

test("a rule's path counts only where its schema leads it", () => {
  const rule = (fieldPath: string): JsonSchema => ({ type: 'object', properties: { b: { type: 'object', additionalProperties: { type: 'string' } } }, 'x-kubernetes-validations': [{ rule: 'false', fieldPath }] })
  const at = (fieldPath: string) => validateRules({ b: {} }, rule(fieldPath)).findings[0]!.field
  expect([at('.b'), at(".b['x.y']"), at('.c'), at('.b.')]).toEqual(['b', 'b[x.y]', '<nil>', '<nil>'])
})

test('what a rule says with its old value it says where a rule looks at that, else its plain message', () => {
  const said = (...rules: object[]) => validateRules('a', { type: 'string', 'x-kubernetes-validations': rules } as unknown as JsonSchema, 'b').findings.map(({ message }) => message)
  const plain = { rule: 'self == "x"', message: 'must be x', messageExpression: '"was " + oldSelf' }
  expect(said(plain)).toEqual(['<nil>: Invalid value: "a": must be x'])
  expect(said(plain, { rule: 'self != oldSelf' })).toEqual(['<nil>: Invalid value: "a": was b'])
})
