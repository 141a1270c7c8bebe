import { describe, expect, test } from 'vitest'
import { parseSelector } from './selector.ts'

describe('selectors of Calico', () => {
  const labels = { app: 'web', tier: 'front-end', 'projectcalico.org/namespace': 'shop', 'pcns.team': 'blue' }
  test.each([
    ['', true], ['all()', true], ['global()', false], ['!all()', false],
    ["app == 'web'", true], ['app == "db"', false], ["app != 'db'", true], ["missing != 'db'", true],
    ['has(app)', true], ['has( missing )', false], ['!has(missing)', true], ['!!has(app)', true],
    ["app in { 'db', 'web' }", true], ["app not in {'db','web'}", false], ["missing not in {'web'}", true], ["missing in {'web'}", false], ['app in {}', false],
    ["tier contains 'nt-e'", true], ["tier starts with 'front'", true], ["tier startswith 'end'", false], ["tier ends with 'end'", true], ["missing contains ''", false],
    ["app == 'db' || app == 'web' && tier == 'x'", false], ["(app == 'db' || app == 'web') && has(tier)", true], ["projectcalico.org/namespace == 'shop'", true],
  ])('%s', (text, expected) => expect(parseSelector(text)(labels)).toBe(expected))

  test('those of namespaces speak of the labels of an endpoint\'s namespace', () => {
    expect(parseSelector("team == 'blue'", 'pcns.')(labels)).toBe(true)
    expect(parseSelector('has(app)', 'pcns.')(labels)).toBe(false)
    expect(parseSelector('all()', 'pcns.')(labels)).toBe(true)
    expect(parseSelector('all()', 'pcns.')({})).toBe(false)
    expect(parseSelector('global()', 'pcns.')({})).toBe(true)
  })

  test.each([
    ['app = "web"', 'expected =='], ['app', 'unexpected end of string looking for op'], ["app == 'web", 'unterminated string'], ["app is 'web'", 'expected operator after label "app"'],
    ['app == web', 'expected string'], ["app in 'web'", 'expected set literal'], ["app in {'web'", 'expected }'], ["(app == 'web'", 'expected )'], ['has(app', "no closing ')' after has("], ["has(app) has(tier)", 'unexpected content at end of selector has end'], ['§', 'expected identifier'],
  ])('%s is refused', (text, message) => expect(() => parseSelector(text)).toThrow(message))
})
