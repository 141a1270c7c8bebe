import { expect, test } from 'vitest'
import { warningHeaders } from './warnings.ts'

test('quotes and backslashes are escaped; what no header may hold is left out', () => {
  expect(warningHeaders(['unknown field "a\\b"', '', 'two\nlines'])).toEqual(['299 - "unknown field \\"a\\\\b\\""'])
})

test('characters beyond ASCII travel as the bytes of their UTF-8 form', () => {
  const [header] = warningHeaders(['unknown field "\ufffd"'])
  expect(new Headers([['warning', header!]]).get('warning')).toBe('299 - "unknown field \\"\u00ef\u00bf\u00bd\\""')
})

test('many warnings are cut to 256 characters each, and end after 4096 in all', () => {
  const headers = warningHeaders(Array.from({ length: 30 }, (_, i) => `${i} ${'x'.repeat(400)}`))
  expect(headers).toHaveLength(16)
  expect(headers.every((header) => header.length === '299 - ""'.length + 256)).toBe(true)
})
