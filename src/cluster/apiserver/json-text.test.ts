import { expect, test } from 'vitest'
import { deepFreeze } from '../../base/freeze.ts'
import { commonPart } from './common-part.ts'
import { itemTexts, jsonText } from './json-text.ts'

test('an object reads as JSON.stringify would write it, with kind, version and metadata in the server\'s order', () => {
  const spec = { list: [], empty: {}, nothing: null, gone: undefined, text: 'a "quoted"\n\u2028 ü \ud800', n: -0, big: 1e21, on: true, off: false, deep: [[1, 'x'], [{ a: [null] }]], ['__proto__']: 1, 'k"y': 2 }
  Object.defineProperty(spec, '__proto__', { value: { own: 1 }, enumerable: true })
  const object = deepFreeze({ spec, metadata: { uid: 'u', labels: { b: '1', a: '' }, name: 'n', odd: 1 }, apiVersion: 'v1', kind: 'Thing' })
  const text = jsonText(object)
  expect(text).toBe(`{"kind":"Thing","apiVersion":"v1","metadata":{"name":"n","uid":"u","labels":{"b":"1","a":""},"odd":1},"spec":${JSON.stringify(spec)}}`)
  expect(itemTexts.text(object)).toBe(`{${text.slice('{"kind":"Thing","apiVersion":"v1",'.length)}`)
  expect(jsonText({ kind: 'Empty' })).toBe('{"kind":"Empty"}')
  expect(jsonText({})).toBe('{}')
})

test('what many objects share is written as anything else', () => {
  const shared = commonPart([{ key: 'k', list: [1, 2] }])
  expect(Object.isFrozen(shared[0]!.list)).toBe(true)
  expect(jsonText(deepFreeze({ kind: 'A', spec: { x: shared, y: [shared] } }))).toBe('{"kind":"A","spec":{"x":[{"key":"k","list":[1,2]}],"y":[[{"key":"k","list":[1,2]}]]}}')
})
