import { expect, it } from 'vitest'
import { findTerms } from './glossary-search.ts'
import { glossary } from './messages/glossary.ts'

const terms = (query: string, language: 'en' | 'de') => findTerms(query, language).map(({ term }) => term)

it('finds terms by what they are called now and were formerly, then by their meaning', () => {
  expect(findTerms('  ', 'en')).toBe(glossary)
  expect(terms('minion', 'en')).toEqual(['Node'])
  expect(terms('ReplicaSet', 'en')).toEqual(['ReplicaSet', 'Deployment'])
  expect(terms('nothing is called so', 'en')).toEqual([])
})

it('takes hyphens for blanks: German has them where English has none', () => {
  expect(terms('API-Server', 'de')[0]).toBe('API server')
  expect(terms('kube proxy', 'en')[0]).toBe('kube-proxy')
})
