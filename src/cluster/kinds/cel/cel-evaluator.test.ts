import { expect, test } from 'vitest'
import { CelError, compileCel } from './cel-environment.ts'
import { compileProblem } from './cel-problem.ts'
import { programProblem } from './cel-literal-checks.ts'

const text = (expression: string): string => {
  try {
    return String(compileCel(expression).evaluate({}))
  } catch (error) {
    if (error instanceof CelError) return `error: ${error.message}`
    throw error
  }
}

test.each([
  ['string(1e10)', '1e+10'], ['string(123456789.0)', '1.23456789e+08'], ['string(-0.0)', '-0'], ['string(.5)', '0.5'],
  ['9223372036854775807 + 1', 'error: integer overflow'], ['string(1u - 2u)', 'error: unsigned integer overflow'], ['1 % 0', 'error: modulus by zero'],
  ["dyn('a') + dyn(1)", 'error: no such overload'], ["dyn({}) <= dyn({})", 'error: no such overload: _<=_'], ["!dyn('a')", 'error: no such overload: !_'], ["ip('x').family() in []", 'false'],
  ["timestamp('2020-01-01T00:00:00Z') - timestamp('0001-01-01T00:00:00Z')", 'error: integer overflow'], ["quantity('1.5Gi').sub(quantity('1k')).isInteger()", 'false'], ["quantity('1Gi').sub(1).isInteger()", 'true'], ["quantity('99Ti').add(quantity('99Ti')).isInteger()", 'true'], ["quantity('900000000000000000').add(200000000000000001).isInteger()", 'true'], ["quantity('1').add(1000000000000000000).isInteger()", 'true'],
  ["quantity('5E').add(quantity('5E')).isInteger()", 'false'], ["quantity('1\\n2')", "error: quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"], ["size(dyn(1))", 'error: no such overload: size'], ["dyn(1).foo", 'error: no such key: foo'], ["dyn(5).all(x, true)", "error: got 'types.Int', expected iterable type"],
  ['dyn(1) == dyn(1u) && dyn(1) == dyn(1.0)', 'true'], ["(1 / 0 == 1) || true", 'true'], ['[0, -1].all(x, 1 / x > 0)', 'false'], ['[1, 2][dyn(1.5)]', 'error: unsupported index value 1.5 in list'],
  ["string(timestamp('2020-01-02T03:04:05.5+02:00'))", '2020-01-02T03:04:05.5+02:00'], ["string(duration('1h2m3s'))", '3723s'], ["string(timestamp('9999-12-31T23:59:59Z') + duration('1s'))", 'error: timestamp overflow'],
  ["timestamp('2020-02-03T04:05:06.789Z').getHours('-02:30')", '1'], ["timestamp('2020-02-03T04:05:06.789Z').getHours('America/New_York')", '23'],
  ["'hello'.replace('', '_', 2)", '_h_ello'], ["'tacocat'.substring(2, 1)", 'error: invalid substring range. start: 2, end: 1'], ["'%s'.format([{'b': 1, 'a': [2.5, 'x']}])", '{"a":[2.500000, "x"], "b":1}'], ["'%e'.format([1234.5])", '1.234500×10⁰³'],
  ["quantity('1k') == quantity('1000') && quantity('1').add(2) == quantity('3')", 'true'], ["ip('1.2.3.04').family()", 'error: IP Address "1.2.3.04" parse error during conversion from string: ParseAddr("1.2.3.04"): IPv4 field has octet with leading zero'],
  ["url('https://example.com:80x/').getHost()", 'error: URL parse error during conversion from string: parse "https://example.com:80x/": invalid port ":80x" after host'], ["semver('v1.2.3').major()", 'error: Invalid character(s) found in major number "v1"'],
  ["[?optional.of(1), ?optional.none()].size()", '1'], ["{'a': {'b': 1}}.?x.b.orValue(9)", '9'], ["['q', 'q'].transformMapEntry(i, v, {v: i}).size()", 'error: insert failed: key q already exists'],
])('%s comes to %s', (expression, expected) => {
  expect(text(expression)).toBe(expected)
})

test.each([
  ["'%d'.format([1.5])", 15 - 1, 'error during formatting: decimal clause can only be used on integers, was given double'], ["'%s %s'.format(['x'])", 15, 'index 1 out of range'],
  ["[1, 'a'][0]", 5, "expected type 'int' but found 'string'"], ["'a' == null", 5, "found no matching overload for '_==_' applied to '(string, null)'"], ['18446744073709551616u', 1, 'invalid uint literal'],
])('%s is refused', (expression, column, message) => {
  expect(compileProblem(expression, {}).problem).toContain(`<input>:1:${column}: ${message}`)
})

test('constants are converted when a program is made', () => {
  const problem = (expression: string) => {
    const compiled = compileProblem(expression, {})
    return compiled.problem ?? programProblem(compiled.node, compiled.checked)
  }
  expect(problem("int('4x') == 1")).toBe("type conversion error from 'string' to 'int'")
  expect(problem("string(uint(-5)) == ''")).toBe('unsigned integer overflow')
  expect(problem("'a'.find('[') == ''")).toBe('error parsing regexp: missing closing ]: `[`')
  expect(problem("int('4') == 4")).toBeUndefined()
})
