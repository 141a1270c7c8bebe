import { expect, test } from 'vitest'
import { formatTime } from './go-time.ts'

const LAYOUT = '2006-01-02 15:04 MST -07:00 Z0700'

test('a time reads as the clocks of its zone show it, in summer and in winter', () => {
  const winter = Date.UTC(2026, 0, 31, 23, 30)
  const summer = Date.UTC(2026, 6, 31, 23, 30)
  expect(formatTime(LAYOUT, winter, 'UTC')).toBe('2026-01-31 23:30 UTC +00:00 Z')
  expect(formatTime(LAYOUT, winter, 'Europe/Berlin')).toBe('2026-02-01 00:30 CET +01:00 +0100')
  expect(formatTime(LAYOUT, summer, 'Europe/Berlin')).toBe('2026-08-01 01:30 CEST +02:00 +0200')
  expect(formatTime(LAYOUT, summer, 'America/New_York')).toBe('2026-07-31 19:30 EDT -04:00 -0400')
  expect(formatTime(LAYOUT, winter, 'America/New_York')).toBe('2026-01-31 18:30 EST -05:00 -0500')
  expect(formatTime(LAYOUT, winter, 'Australia/Sydney')).toBe('2026-02-01 10:30 AEDT +11:00 +1100')
  expect(formatTime(LAYOUT, summer, 'Asia/Kolkata')).toBe('2026-08-01 05:00 IST +05:30 +0530')
  expect(formatTime(LAYOUT, summer, 'Asia/Kathmandu')).toBe('2026-08-01 05:15 +0545 +05:45 +0545')
  expect(formatTime(LAYOUT, summer, 'America/Sao_Paulo')).toBe('2026-07-31 20:30 -03 -03:00 -0300')
})

test('an unknown zone is UTC, as templates have it', () => {
  expect(formatTime(LAYOUT, 0, 'Nowhere/Land')).toBe('1970-01-01 00:00 UTC +00:00 Z')
})
