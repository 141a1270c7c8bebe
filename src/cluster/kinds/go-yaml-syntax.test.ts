import { describe, expect, test } from 'vitest'
import { goYamlObjection } from './go-yaml-syntax.ts'

/** Texts and what kubectl says of them after `error converting YAML to JSON: yaml: `, recorded; undefined: it reads them, or as much as is whole. */
const RECORDED: readonly [text: string, objection: string | undefined][] = [
  ['spec:\n  containers:\n    - name: a\n      image: b\n    probe: c\n', 'line 4: did not find expected \'-\' indicator'],
  ['spec:\n  containers:\n  - name: a\n   image: b\n', 'line 3: did not find expected key'],
  ['a:\n  b: 1\n c: 2\n', 'line 2: did not find expected key'],
  ['a: 1\n  b: 2\n', 'line 2: mapping values are not allowed in this context'],
  ['a: b: c\n', 'mapping values are not allowed in this context'],
  ['kind:Pod\nname: a\n', 'line 2: mapping values are not allowed in this context'],
  ['a: 1\nname\nb: 2\n', 'line 3: could not find expected \':\''],
  ['a:\n\tb: 1\n', 'line 2: found character that cannot start any token'],
  ['a: 1\n\tb: 2\n', 'line 2: found a tab character that violates indentation'],
  ['a: x\n y\n\tz: 1\n', 'line 3: found a tab character that violates indentation'],
  ['a: "b\n', 'line 2: found unexpected end of stream'],
  ['a: \'b\nc: d\n', 'line 3: found unexpected end of stream'],
  ['a: "\\q"\nb: "\\q"\n', 'found unknown escape character'],
  ['b: 1\na: "\\u12"\n', 'line 2: did not find expected hexdecimal number'],
  ['b: 1\na: [1, 2\n', 'line 2: did not find expected \',\' or \']\''],
  ['b: 1\na: [1, 2}\n', 'line 1: did not find expected \',\' or \']\''],
  ['b: 1\na: {b: 1, c: 2\nd: e\n', 'line 2: did not find expected \',\' or \'}\''],
  ['b: 1\na: {b: 1 c: 2}\n', 'line 1: did not find expected \',\' or \'}\''],
  ['b: 1\na: [1, {\n', 'line 2: did not find expected node content'],
  ['b: 1\na: @c\n', 'line 2: found character that cannot start any token'],
  ['b: 1\na: %c\n', 'line 2: found character that cannot start any token'],
  ['b: 1\na: `c`\n', 'line 2: found character that cannot start any token'],
  ['b: 1\na: *c\n', 'unknown anchor \'c\' referenced'],
  ['b: 1\na: *\n', 'line 2: did not find expected alphabetic or numeric character'],
  ['b: 1\na: &\n', 'line 2: did not find expected alphabetic or numeric character'],
  ['b: 1\na: !x!y z\n', 'line 1: found undefined tag handle'],
  ['b: 1\na: !y"z" w\n', 'line 2: did not find expected whitespace or line break'],
  ['b: 1\na: - c\n', 'line 2: block sequence entries are not allowed in this context'],
  ['b: 1\na: |0\n  x\n', 'line 2: found an indentation indicator equal to 0'],
  ['b: 1\na: |x\n  y\n', 'line 2: did not find expected comment or line break'],
  ['b: 1\na: |\n   x\n  y\n', 'line 3: did not find expected key'],
  ['b: 1\na: >-\n \tx\n\ty\n', 'line 3: found a tab character where an indentation space is expected'],
  ['b: 1\na: "x" y\n', 'line 1: did not find expected key'],
  ['b: 1\na: [x] y\n', 'line 1: did not find expected key'],
  ['b: 1\n%foo\n', 'line 2: found unknown directive name'],
  ['b: 1\n? a\n  - x\n', undefined],
  ['  a: 1\nb: 2\n', undefined],
  ['- a\nb: 1\n', 'line 1: did not find expected \'-\' indicator'],
  ['a: 1\n- b\n', 'line 1: did not find expected key'],
  ['a: 1\n}\n', 'line 1: did not find expected key'],
  ['a: 1\r\nb\r\nc: d\r\n', 'line 3: could not find expected \':\''],
  ['a:\n  - b\n  c: d\n', 'line 2: did not find expected \'-\' indicator'],
  ['a:\n- b\n c: d\n', 'line 3: mapping values are not allowed in this context'],
  ['%YAML 1.2\n---\na: b\n', 'found incompatible YAML document'],
  ['#c\n%TAG ! x\na: b\n', 'line 2: did not find expected <document start>'],
  ['[}%[\t\n  - \n  - 0\n', 'did not find expected node content'],
  ['k: 1\n\r\n[{\n', 'line 4: could not find expected \':\''],
]

describe('go-yaml on', () => {
  for (const [text, objection] of RECORDED) test(`${JSON.stringify(text)}: ${objection ?? 'nothing to object to'}`, () => {
    expect(goYamlObjection(text)).toBe(objection === undefined ? undefined : `yaml: ${objection}`)
  })

  test('a key of more than 1024 characters', () => {
    expect(goYamlObjection(`a: ${'x'.repeat(1030)}: y\n`)).toBe('yaml: mapping values are not allowed in this context')
    expect(goYamlObjection(`b: 1\n${'y'.repeat(1030)}\n`)).toBe("yaml: line 3: could not find expected ':'")
  })
})
