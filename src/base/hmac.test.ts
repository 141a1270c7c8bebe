import { expect, test } from 'vitest'
import { hmacSha256 } from './hmac.ts'
import { hexOf } from './pem.ts'

const bytes = (text: string) => new TextEncoder().encode(text)

// RFC 4231, test cases 2 and 6
test('gives the codes that the standard does, for short keys and for long ones', () => {
  expect(hexOf(hmacSha256(bytes('Jefe'), bytes('what do ya want for nothing?')))).toBe('5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843')
  expect(hexOf(hmacSha256(new Uint8Array(131).fill(0xaa), bytes('Test Using Larger Than Block-Size Key - Hash Key First')))).toBe('60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54')
})
