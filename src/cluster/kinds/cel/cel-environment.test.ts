import { expect, test } from 'vitest'
import { celValue, compileCel, jsonOfCel } from './cel-environment.ts'

const evaluate = (expression: string, object: unknown = {}) => compileCel(expression).evaluate({ object: celValue(object) })

test('reads objects the way policies do', () => {
  const object = { metadata: { name: 'web', labels: { team: 'a' } }, spec: { replicas: 5, ratio: 0.5 } }
  expect(evaluate('object.spec.replicas <= 3', object)).toBe(false)
  expect(evaluate("has(object.metadata.labels) && 'team' in object.metadata.labels", object)).toBe(true)
  expect(evaluate('has(object.spec.missing)', object)).toBe(false)
  expect(evaluate('object.?spec.?missing.orValue(7)', object)).toBe(7n)
  expect(() => evaluate("object.metadata.labels['x'] == 'y'", object)).toThrow('no such key: x')
})

test('knows quantities and lists', () => {
  expect(evaluate("quantity('1Gi').isGreaterThan(quantity('500Mi'))")).toBe(true)
  expect(evaluate("isQuantity('x') || [1, 2, 3].sum() == 6 && [3, 1].min() == 1 && ['a'].indexOf('b') == -1")).toBe(true)
})

test('takes messages of mutations for maps', () => {
  expect(jsonOfCel(evaluate('[JSONPatch{op: "add", path: "/metadata/labels/" + "a{b: c}", value: {"k": object.n}}]', { n: 1 }))).toEqual([{ op: 'add', path: '/metadata/labels/a{b: c}', value: { k: 1 } }])
  expect(jsonOfCel(evaluate("Object{metadata: Object.metadata{labels: {'a': 'b'}}, spec: Object.spec{replicas: object.n > 1 ? 2 : 3}}", { n: 1 }))).toEqual({ metadata: { labels: { a: 'b' } }, spec: { replicas: 3 } })
})
