import { expect, test } from 'vitest'
import { bcrypt } from './bcrypt.ts'

test('passwords are kept as other programs of bcrypt check them', () => {
  const salt = Uint8Array.from({ length: 16 }, (_, i) => i * 7)
  expect(bcrypt('secret', salt, 4)).toBe('$2a$04$..aMDPuhIhC2NyXLTDrgYO38bNxcdGSb/R1pX.Zm57.m4hAM85GwS')
  expect(() => bcrypt('x'.repeat(73), salt)).toThrow('bcrypt: password length exceeds 72 bytes')
})
