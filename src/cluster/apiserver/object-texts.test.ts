import { expect, test } from 'vitest'
import { concatBytes } from '../../base/streams.ts'
import { deepFreeze } from '../../base/freeze.ts'
import { ObjectTexts } from './object-texts.ts'

const textOf = (bytes: Iterable<Uint8Array>) => new TextDecoder().decode(concatBytes([...bytes]))

test('each text is made once, whoever asks first, and together they have commas between them', () => {
  const made: string[] = []
  const texts = new ObjectTexts((writer, object) => { made.push((object as { n: string }).n); writer.raw(JSON.stringify(object)) })
  const [a, b, c, d] = ['a', 'ü€😀', 'c', 'd'].map((n) => deepFreeze({ n })) as [object, object, object, object]
  expect(texts.text(c)).toBe('{"n":"c"}')
  expect(textOf(texts.joined([a, b, c]))).toBe('{"n":"a"},{"n":"ü€😀"},{"n":"c"}')
  expect(textOf(texts.joined([d, a, c, b]))).toBe('{"n":"d"},{"n":"a"},{"n":"c"},{"n":"ü€😀"}')
  expect(texts.text(b)).toBe('{"n":"ü€😀"}')
  expect(texts.text(a)).toBe('{"n":"a"}')
  expect(made).toEqual(['c', 'a', 'ü€😀', 'd'])
})

test('neighbours of a piece are one run of its bytes', () => {
  const texts = new ObjectTexts((writer, object) => writer.raw(JSON.stringify(object)))
  const objects = Array.from({ length: 5 }, (_, n) => deepFreeze({ n }))
  expect([...texts.joined(objects)]).toHaveLength(1)
  expect([...texts.joined(objects)]).toHaveLength(1)
  expect(textOf(texts.joined(objects.toSpliced(2, 1)))).toBe('{"n":0},{"n":1},{"n":3},{"n":4}')
})

test('what may still change is written anew each time', () => {
  const texts = new ObjectTexts((writer, object) => writer.raw(JSON.stringify(object)))
  const draft = { n: 1 }
  expect(textOf(texts.joined([draft]))).toBe('{"n":1}')
  draft.n = 2
  expect(textOf(texts.joined([draft]))).toBe('{"n":2}')
  expect(texts.text(draft)).toBe('{"n":2}')
})
