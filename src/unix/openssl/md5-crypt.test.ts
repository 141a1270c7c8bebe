import { expect, test } from 'vitest'
import { md5Crypt } from './md5-crypt.ts'

test('passwords come out as OpenSSL writes them', () => {
  expect([md5Crypt('myPassword', 'r31.....', 'apr1'), md5Crypt('password', 'xxxxxxxx', 'apr1'), md5Crypt('password', 'xxxxxxxx', '1')]).toEqual(['$apr1$r31.....$HqJZimcKQFAMYayBlzkrA/', '$apr1$xxxxxxxx$dxHfLAsjHkDRmG83UXe8K0', '$1$xxxxxxxx$UYCIxa628.9qXjpQCjM4a.'])
})
