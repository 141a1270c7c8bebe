import { expect, test } from 'vitest'
import { Random } from '../../base/random.ts'
import { JsonWriter } from './json-writer.ts'
import type { Place } from './json-writer.ts'

const textOf = ({ bytes, begin, end }: Place) => new TextDecoder().decode(bytes.subarray(begin, end))

test('strings are written as JSON.stringify does, whatever is in them', () => {
  const writer = new JsonWriter()
  const random = new Random('json')
  const letters = ['a', '"', '\\', '\n', '\u0000', '\u007f', 'ü', '€', '😀', '\ud800', '\u2028', ' ', '~']
  for (let i = 0; i < 2_000; i++) {
    const text = Array.from({ length: random.int(300) }, () => random.int(20) > 0 ? 'x' : letters[random.int(letters.length)]).join('')
    writer.begin()
    writer.string(text)
    expect(textOf(writer.end())).toBe(JSON.stringify(text))
  }
})

test('texts stay where they were written, with commas between them, also where one outgrows its piece', () => {
  const writer = new JsonWriter()
  const texts = ['1', '"é"', `"${'long'.repeat(100_000)}"`, '{}', `["${'ö'.repeat(90_000)}"]`]
  const places = texts.map((text) => {
    writer.begin()
    for (const part of text.match(/[\s\S]{1,70000}/g)!) writer.raw(part)
    return writer.end()
  })
  expect(places.map(textOf)).toEqual(texts)
  expect(textOf({ ...places[0]!, end: places[1]!.end })).toBe('1,"é"')
})

test('written over, a text is gone', () => {
  const writer = new JsonWriter()
  writer.begin()
  writer.copy(new TextEncoder().encode('"first"'))
  const first = writer.end()
  writer.restart()
  writer.begin()
  writer.raw('"other"')
  expect([textOf(writer.end()), textOf(first)]).toEqual(['"other"', '"other"'])
})
