import { expect, test } from 'vitest'
import { parseKept } from './kept-terminals.ts'

test('terminals are taken up as they were kept', () => {
  expect(parseKept(JSON.stringify({ terminals: [{ text: 'a' }, { text: 'b', cwd: '/tmp' }], front: 1 }))).toEqual({ terminals: [{ text: 'a' }, { text: 'b', cwd: '/tmp' }], front: 1 })
  expect(parseKept(JSON.stringify({ terminals: [{ text: 'a' }], front: 7 }))).toEqual({ terminals: [{ text: 'a' }], front: 0 })
})

test.each([null, '', '{', 'null', '[]', '{"terminals":[]}', '{"terminals":[null],"front":0}', '{"terminals":[{"text":1}],"front":0}', '{"terminals":[{"text":"","cwd":{}}],"front":0}'])('what has another form is left: %s', (text) => {
  expect(parseKept(text)).toBeUndefined()
})
