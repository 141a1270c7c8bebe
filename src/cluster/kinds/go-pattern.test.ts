import { expect, test } from 'vitest'
import { goPattern } from './go-pattern.ts'

test("Go's own syntax is understood: flags anywhere, named groups, classes by name", () => {
  expect(goPattern('^(?i)(abort|warn)?$').test('WARN')).toBe(true)
  expect(goPattern('(?P<word>[[:alpha:]]+)').find('12ab34')).toBe('ab')
  expect(goPattern('^[a-z_\\-]+$').test('a-b_c')).toBe(true)
})

test("what Go's doesn't understand is refused in its words", () => {
  expect(() => goPattern('[')).toThrow('error parsing regexp: missing closing ]: `[`')
  expect(() => goPattern('(?=a)')).toThrow('error parsing regexp: invalid or unsupported Perl syntax: `(?=`')
  expect(() => goPattern('a{1001}')).toThrow('error parsing regexp: invalid repeat count: `{1001}`')
})

test('matching takes time in proportion to the text, whatever the pattern', () => {
  const text = 'a'.repeat(5000)
  expect(goPattern('^(a+)+$').test(`${text}!`)).toBe(false)
  expect(goPattern('(x+x+)+y').test('x'.repeat(5000))).toBe(false)
})

test('matches are found one after the other', () => {
  expect(goPattern('[0-9]+').findAll('1 22 333')).toEqual(['1', '22', '333'])
  expect(goPattern('[0-9]+').findAll('1 22 333', 2)).toEqual(['1', '22'])
  expect(goPattern('x').findAll('abc')).toEqual([])
})
