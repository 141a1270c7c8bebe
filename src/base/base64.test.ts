import { expect, test } from 'vitest'
import { base64Of, base64Url, bytesOfBase64, bytesOfBase64Url } from './base64.ts'

test('bytes come back, also more of them than a call takes arguments', () => {
  const bytes = Uint8Array.from({ length: 1_000_000 }, (_, i) => (i * 31) & 0xff)
  const back = bytesOfBase64(base64Of(bytes))
  expect(back.length).toBe(bytes.length)
  expect(back.every((byte, i) => byte === bytes[i])).toBe(true)
})

test('base64 for addresses has no padding and other signs', () => {
  const bytes = Uint8Array.of(0xfb, 0xff, 0xfe, 0x01)
  expect(base64Of(bytes)).toBe('+//+AQ==')
  expect(base64Url(bytes)).toBe('-__-AQ')
  expect(bytesOfBase64Url('-__-AQ')).toEqual(bytes)
})
