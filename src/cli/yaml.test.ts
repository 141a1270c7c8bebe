import { describe, expect, test } from 'vitest'
import { parseYaml, printYaml, splitYamlDocuments } from './yaml.ts'

describe('printYaml', () => {
  test('sorts keys, keeps lists flush with their key and quotes what would be read as something else', () => {
    expect(printYaml({ b: ['1', 1, true, 'true', null], a: { z: '', y: 'yes', x: '*/5 * * * *', w: 'a: b', v: ' lead' } })).toBe(
      'a:\n  v: \' lead\'\n  w: \'a: b\'\n  x: \'*/5 * * * *\'\n  "y": "yes"\n  z: ""\nb:\n- "1"\n- 1\n- true\n- "true"\n- null\n')
  })

  test('writes texts of several lines as literal blocks and folds long ones at 80 columns', () => {
    expect(printYaml({ a: 'one\ntwo\n', b: 'one\ntwo', c: 'tab\there', d: `${'word '.repeat(18)}end` })).toBe(
      'a: |\n  one\n  two\nb: |-\n  one\n  two\nc: "tab\\there"\nd: word word word word word word word word word word word word word word word word\n  word word end\n')
  })

  test('orders keys with numbers by value', () => {
    expect(printYaml({ a10: 1, a9: 2, B: 3 })).toBe('B: 3\na9: 2\na10: 1\n')
  })

  test('what it prints is read back as the same data', () => {
    const data = { list: [[1, [2]], { a: [] }, {}], time: '2026-01-02T03:04:05Z', octal: '0644', base60: '12:30', empty: '', text: "it's: # not a comment" }
    expect(parseYaml(printYaml(data))).toEqual(data)
  })
})

describe('parseYaml', () => {
  test('follows the older rules of the Go reader', () => {
    expect(parseYaml('mode: 0644\non: yes\nday: 2020-01-02\nclock: 12:30')).toEqual({ mode: 420, true: true, day: '2020-01-02', clock: '12:30' })
  })

  test.each([
    ['a:\n\tb: 1\n', 'yaml: line 2: found character that cannot start any token'],
    ['not: [yaml\n', "yaml: line 1: did not find expected ',' or ']'"],
    ['a: 1\n b: 2\n', 'yaml: line 2: mapping values are not allowed in this context'],
    ['a: 1\nb\nc: 2\n', "yaml: line 3: could not find expected ':'"],
    ['a: {{ .x }}\nb: 1\n', 'yaml: invalid map key: map[interface {}]interface {}{".x":interface {}(nil)}'],
    ['null: 1\n', 'unsupported map key of type: %!s(<nil>), key: <nil>, value: 1'],
  ])('words the error of %j as the Go library does', (text, message) => {
    expect(() => parseYaml(text)).toThrow(message)
  })

  test('reads no further than the first thing that is whole, as the Go library does', () => {
    expect(parseYaml('  a: 1\nb: 2\n')).toEqual({ a: 1 })
  })

  test('documents are split at lines of three dashes, and each ends with a line break', () => {
    expect(splitYamlDocuments('a: 1\n---\nb: 2')).toEqual(['a: 1\n', 'b: 2\n'])
    expect(splitYamlDocuments('a: 1\n---\n# only a comment\n---\nb: "---"\n')).toHaveLength(3)
  })
})

test('scalars mean what they mean to Go, not to YAML 1.1', () => {
  expect(parseYaml('{name: e1, b: E5, c: .e1, d: 1e3, e: 0644, f: yes, g: 1:30, h: 2020-01-01, i: ~, j: "5", k: 1_0, l: .5, m: !!str 5, o: +1}')).toEqual({
    name: 'e1', b: 'E5', c: '.e1', d: 1000, e: 420, f: true, g: '1:30', h: '2020-01-01', i: null, j: '5', k: 10, l: 0.5, m: '5', o: 1,
  })
  expect(parseYaml('a: &x {p: 1, q: no}\nb: {<<: *x, q: 2}\nc: *x\nd:\n')).toEqual({ a: { p: 1, q: false }, b: { p: 1, q: 2 }, c: { p: 1, q: false }, d: null })
})
