import { expect, test } from 'vitest'
import { nestsTooDeeply } from './yaml-depth.ts'

test('deep nesting of every kind is noticed', () => {
  expect(nestsTooDeeply('['.repeat(20_000))).toBe(true)
  expect(nestsTooDeeply('{a: '.repeat(2_000))).toBe(true)
  expect(nestsTooDeeply('- '.repeat(20_000) + 'a')).toBe(true)
  expect(nestsTooDeeply('? '.repeat(2_000) + 'a')).toBe(true)
  expect(nestsTooDeeply(Array.from({ length: 600 }, (_, i) => `${' '.repeat(i)}a:`).join('\n'))).toBe(true)
})

test('brackets and dashes inside strings are no nesting', () => {
  expect(nestsTooDeeply(`a: "${'['.repeat(5_000)}"`)).toBe(false)
  expect(nestsTooDeeply(`a: |\n  ${'['.repeat(5_000)}\n`)).toBe(false)
  expect(nestsTooDeeply(`a: ${'-'.repeat(5_000)}`)).toBe(false)
  expect(nestsTooDeeply('- a\n'.repeat(5_000))).toBe(false)
  expect(nestsTooDeeply(`{${Array.from({ length: 5_000 }, (_, i) => `"a${i}": {"b": -1}`).join(', ')}}`)).toBe(false)
})
