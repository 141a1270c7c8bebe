import { expect, test } from 'vitest'
import { pathPattern } from './path-pattern.ts'

const matches = (pattern: string, name: string) => pathPattern(pattern)?.test(name)

test('names that Go matches', () => {
  for (const [pattern, name] of [['*.yaml', 'a.yaml'], ['a?c', 'a☺c'], ['[a-c]', 'b'], ['[^a-c]', 'd'], ['[\\]x]', ']'], ['[\\-x]', '-'], ['a\\*', 'a*'], ['[.]', '.'], ['[[]', '['], ['[d\\d]', 'd'], ['templates/*', 'templates/a.yaml'], ['{a,b}', '{a,b}']] as const) expect(matches(pattern, name), pattern).toBe(true)
  for (const [pattern, name] of [['*', 'a/b'], ['a?b', 'a/b'], ['[c-a]', 'b'], ['[\\d]', '1'], ['a.c', 'abc'], ['[!a]', 'b']] as const) expect(matches(pattern, name), pattern).toBe(false)
})

test('patterns that Go refuses', () => {
  for (const pattern of ['[', '[a', '[]a]', '[-]', '[x-]', '[a-', '[^', '\\', '[a-]']) expect(pathPattern(pattern), pattern).toBeUndefined()
})
