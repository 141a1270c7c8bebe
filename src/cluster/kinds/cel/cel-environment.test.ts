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

test('tells whether a field is there, behind an index too', () => {
  const object = { list: [{ a: 1 }], text: 'has(x)', none: null }
  expect(['has(object.list[0].a)', 'has(object.list[0].b)', 'has(object.none)', 'has(object.?no.b)', "object.text == 'has(x)'"].map((expression) => evaluate(expression, object))).toEqual([true, false, true, false, true])
  expect(() => evaluate('has(object.no.b)', object)).toThrow('no such key: no')
})

test('knows quantities and lists', () => {
  expect(evaluate("quantity('1Gi').isGreaterThan(quantity('500Mi'))")).toBe(true)
  expect(evaluate("isQuantity('x') || [1, 2, 3].sum() == 6 && [3, 1].min() == 1 && ['a'].indexOf('b') == -1")).toBe(true)
})

test('takes messages of mutations for maps', () => {
  expect(jsonOfCel(evaluate('[JSONPatch{op: "add", path: "/metadata/labels/" + "a{b: c}", value: {"k": object.n}}]', { n: 1 }))).toEqual([{ op: 'add', path: '/metadata/labels/a{b: c}', value: { k: 1 } }])
  expect(jsonOfCel(evaluate("Object{metadata: Object.metadata{labels: {'a': 'b'}}, spec: Object.spec{replicas: object.n > 1 ? 2 : 3}}", { n: 1 }))).toEqual({ metadata: { labels: { a: 'b' } }, spec: { replicas: 3 } })
})

test('knows the functions that Kubernetes adds', () => {
  for (const expression of [
    "url('https://example.com:80/a?b=c').getHostname() == 'example.com' && url('/a').getScheme() == ''",
    "ip('10.0.0.1').family() == 4 && cidr('10.0.0.0/8').containsIP('10.1.1.1') && !isIP('x') && string(cidr('10.1.2.3/8').masked()) == '10.0.0.0/8'",
    "sets.contains([1, 2], [2]) && [3, 1].sort() == [1, 3] && lists.range(2) == [0, 1] && [1].first().value() == 1",
    "format.named('dns1123Label').value().validate('a_').hasValue() && !format.uuid().validate('123e4567-e89b-12d3-a456-426614174000').hasValue()",
    "semver('1.2.3').isLessThan(semver('1.10.0')) && isSemver('v1.2', true)",
    "'%s is %d'.format(['a', 3]) == 'a is 3' && 'a-b'.replace('-', '.') == 'a.b' && 'AB'.matches('(?i)^ab$')",
    "{'a': 1}.transformMap(k, v, v + 1) == {'a': 2} && [5].all(i, v, i == 0 && v == 5) && {'a': 1}.transformList(k, v, k) == ['a']",
    "['bb', 'a'].sortBy(x, size(x))[0] == 'a' && [[1], [2]].flatten() == [1, 2] && [1, 2, 3].slice(1, 2) == [2] && [1, 1].distinct() == [1] && lists.range(2).reverse() == [1, 0]",
    "{'a': 2}[?'a'].optMap(x, x + 1).value() == 3 && !{'a': 2}[?'b'].optFlatMap(x, optional.of(x)).hasValue() && [optional.of(1), optional.none()].unwrapOpt() == [1] && !optional.ofNonZeroValue('').hasValue()",
    "matches('ab', '^a') && !matches('ab', '^b')",
  ]) expect([expression, evaluate(expression)]).toEqual([expression, true])
})

test('stops an evaluation that costs too much', () => {
  const budget = { left: 10 }
  compileCel('object.l.all(x, x > 0)').evaluate({ object: { l: [1n, 2n, 3n] } }, budget)
  expect(budget.left).toBeLessThan(0)
  const many = { object: { l: Array.from({ length: 200 }, () => 1n) } }
  expect(() => compileCel('object.l.all(x, object.l.all(y, object.l.all(z, x == y && y == z)))').evaluate(many)).toThrow('operation cancelled: actual cost limit exceeded')
  const numbers = { object: { l: Array.from({ length: 20_000 }, (_, i) => BigInt(i)) } }
  for (const expression of ['object.l.all(x, x in object.l)', 'object.l.distinct().size() > 0', 'sets.contains(object.l, object.l)', 'lists.range(100000000).size() > 0']) expect(() => compileCel(expression).evaluate(numbers)).toThrow('actual cost limit exceeded')
})
