import { expect, test } from 'vitest'
import { hexOf } from '../../base/pem.ts'
import { md5, md5Crypt } from './md5-crypt.ts'

test('MD5 gives the digests of RFC 1321, over the end of a block', () => {
  const digest = (text: string) => hexOf(md5(new TextEncoder().encode(text)))
  expect([digest(''), digest('abc'), digest('1234567890'.repeat(8))]).toEqual(['d41d8cd98f00b204e9800998ecf8427e', '900150983cd24fb0d6963f7d28e17f72', '57edf4a22be3c955ac49da2e2107b67a'])
})

test('passwords come out as OpenSSL writes them', () => {
  expect([md5Crypt('myPassword', 'r31.....', 'apr1'), md5Crypt('password', 'xxxxxxxx', 'apr1'), md5Crypt('password', 'xxxxxxxx', '1')]).toEqual(['$apr1$r31.....$HqJZimcKQFAMYayBlzkrA/', '$apr1$xxxxxxxx$dxHfLAsjHkDRmG83UXe8K0', '$1$xxxxxxxx$UYCIxa628.9qXjpQCjM4a.'])
})
