import { expect, test } from 'vitest'
import { allHeaderLines, appendHeaderLine, copyHeaders, headerLines, httpRequest, httpResponse } from './http.ts'

test('lines of one header stay lines, in copies, requests and answers, until somebody sets the header anew', () => {
  const headers = new Headers({ accept: 'a, b' })
  appendHeaderLine(headers, 'X-More', 'one, two')
  appendHeaderLine(headers, 'x-more', 'three')
  const lines = [['accept', 'a, b'], ['x-more', 'one, two'], ['x-more', 'three']]
  for (const each of [headers, copyHeaders(headers), httpRequest('http://web/', { headers }).headers, httpResponse(null, { headers }).headers]) expect(allHeaderLines(each)).toEqual(lines)
  headers.set('x-more', 'four')
  expect(headerLines(headers, 'X-More')).toEqual(['four'])
  expect(headerLines(headers, 'x-none')).toEqual([])
})

test('cookies are lines of their own, whoever has added them', () => {
  const headers = new Headers()
  headers.append('set-cookie', 'a=1')
  appendHeaderLine(headers, 'set-cookie', 'b=2')
  expect(allHeaderLines(headers)).toEqual([['set-cookie', 'a=1'], ['set-cookie', 'b=2']])
})
