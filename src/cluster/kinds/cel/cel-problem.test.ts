import { describe, expect, test } from 'vitest'
import { simpleType } from './cel-checker.ts'
import { celProblem, compileProblem } from './cel-problem.ts'

// What kube-apiserver v1.36 says of each.
const STARTS = "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}"

describe('an expression of an admission policy', () => {
  test.each([
    ['object.spec.replicas <= 5'], ['has(object.metadata.labels) && "a" in object.metadata.labels'], ['authorizer.group("").resource("pods").check("get").allowed()'],
    ['object.spec.template.spec.containers.all(c, c.image.startsWith("x"))'], ['[1,2,3].sum() == 6'], ['quantity("1Gi").isGreaterThan(quantity("1Mi"))'],
    ['object.metadata.?labels["a"].orValue("x") == "y"'], ['duration("1h") > duration("1m")'], ['"%s".format(["a"]) == "a"'], ['request.userInfo.groups.exists(g, g == "a")'],
    ['"%.2f %e".format(["NaN", request.name]) == ""'],
  ])('%s compiles', (expression) => {
    expect(celProblem(expression, { result: 'bool' })).toBeUndefined()
  })

  test.each([
    ['object.spec.', 13, "Syntax error: no viable alternative at input '.'"],
    ['1 +', 4, `Syntax error: mismatched input '<EOF>' expecting ${STARTS}`],
    ['a b', 3, "Syntax error: extraneous input 'b' expecting <EOF>"],
    ['(a', 3, "Syntax error: missing ')' at '<EOF>'"],
    ['$x', 1, "Syntax error: token recognition error at: '$'"],
    ['foo.bar == 1', 1, "undeclared reference to 'foo' (in container '')"],
    ['params.x == 1', 1, "undeclared reference to 'params' (in container '')"],
    ['1 + "a" == 2', 3, "found no matching overload for '_+_' applied to '(int, string)'"],
    ['object.name.startsWith(1)', 23, "found no matching overload for 'startsWith' applied to 'dyn.(int)'"],
    ['request.foo', 8, "undefined field 'foo'"],
    ['has(object)', 5, 'invalid argument to has() macro'],
    ['object.a || 1', 13, "expected type 'bool' but found 'int'"],
    ['object.`a-b` == 1', 8, "unsupported syntax: '`'"],
    ['[1].existsOne(1, 1 == 1)', 14, "undeclared reference to 'existsOne' (in container '')"],
    ['timestamp(253402300800) == timestamp(0)', 11, 'invalid timestamp argument'],
    ['["x"].transformMapEntry(k, x, "a") == {}', 24, "found no matching overload for 'cel.@mapInsert' applied to '(map(dyn, dyn), string)'"],
    ['[1, 2].exists_one(x, 1)', 18, "found no matching overload for '_?_:_' applied to '(int, int, int)'"],
    ['optional.of(1).optFlatMap(o, "a").hasValue()', 26, "found no matching overload for '_?_:_' applied to '(bool, string, optional_type(dyn))'"],
  ])('%s is refused with the place of what is wrong', (expression, column, text) => {
    expect(celProblem(expression, { result: 'bool' })?.text).toBe(`compilation failed: ERROR: <input>:1:${column}: ${text}\n | ${expression}\n | ${'.'.repeat(column - 1)}^`)
  })

  test('all that is wrong is told where it is: what goes through no list has no type', () => {
    const text = (expression: string) => celProblem(expression, { result: 'bool' })?.text
    expect(text('"😀" == ["x".nope()]')).toContain('<input>:1:17: undeclared reference to \'nope\'')
    expect(text('"a".all(k, request[k] == 1)')).toContain("found no matching overload for '_[_]' applied to '(kubernetes.AdmissionRequest, !error!)'")
    expect(text('list')).toBe('must evaluate to bool but got type(list(dyn))')
    expect(text('[[1], [2, [3]]].startsWith("a")')).toContain("applied to 'list(list(dyn)).(string)'")
    expect(text('cel.bind(x, object, x == x)')).toContain("undeclared reference to 'bind'")
  })

  test('devices are chosen with bindings', () => {
    const device = { name: 'kubernetes.DRADevice', fields: { driver: simpleType('string') } }
    expect(compileProblem('cel.bind(x, device.driver, x == "a")', { device }, {}, true).type).toEqual(simpleType('bool'))
    expect(compileProblem('cel.bind(x, device.driver, x == 1)', { device }, {}, true).problem).toContain("applied to '(string, int)'")
  })

  test('must come to the type that is asked for', () => {
    expect(celProblem('"abc"', { result: 'bool' })?.text).toBe('must evaluate to bool but got string')
    expect(celProblem('object.spec', { result: 'bool' })?.text).toBe('must evaluate to bool but got dyn')
    expect(celProblem('1', { result: 'string or null' })?.text).toBe('must evaluate to one of [string null_type] but got int')
    expect(celProblem('[JSONPatch{op: "add", path: "/a", value: 1}]', { result: 'list(JSONPatch)', patchTypes: true })).toBeUndefined()
  })
})
