import { expect, it } from 'vitest'
import { glossary } from './glossary.ts'

it('terms stand in the order of the alphabet, each once, with a meaning in both languages', () => {
  const terms = glossary.map(({ term }) => term)
  expect(terms).toEqual([...new Set(terms)].sort((a, b) => a.localeCompare(b, 'en')))
  for (const { term, en, de } of glossary) for (const meaning of [en, de]) expect(meaning, term).toMatch(/^[\p{L}“„].*[.?]$/u)
})

it('old names lead to those of today', () => {
  const today = (name: string) => glossary.find(({ formerly, also }) => [...formerly ?? [], ...also ?? []].includes(name))?.term
  expect(['minion', 'kubelet-proxy', 'rktlet', 'ReplicationController', 'Endpoints'].map(today)).toEqual(['Node', 'kube-proxy', 'rkt', 'ReplicaSet', 'EndpointSlice'])
})
