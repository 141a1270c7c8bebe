import { expect, it } from 'vitest'
import { CookieJar } from './cookie-jar.ts'

const headers = (...lines: string[]) => { const all = new Headers(); for (const line of lines) all.append('set-cookie', line); return all }

it('gives cookies back to the host and path that set them, until they expire', () => {
  const jar = new CookieJar()
  jar.take(new URL('http://blog.example:8080/wp-login.php'), headers('a=1; path=/; HttpOnly', 'b=2; Path=/wp-admin', 'c=3; Max-Age=10', 'd=4; Domain=other.example', 'e=5; Domain=example'), 0)
  expect(jar.header(new URL('http://blog.example:9090/wp-admin/x'), 5_000)).toBe('b=2; a=1; c=3; e=5')
  expect(jar.header(new URL('http://blog.example/wp-administrator'), 11_000)).toBe('a=1; e=5')
  expect(jar.header(new URL('http://shop.example/'), 0)).toBe('e=5')
  expect(jar.header(new URL('http://example.org/'), 0)).toBeUndefined()
  jar.take(new URL('http://blog.example/'), headers('a=; path=/; expires=Thu, 01 Jan 1970 00:00:01 GMT'), 20_000)
  expect(jar.header(new URL('http://blog.example/'), 20_000)).toBe('e=5')
})

it("is kept in the file that curl's -c writes and -b reads", () => {
  const jar = new CookieJar()
  jar.take(new URL('http://a.example/x/y'), headers('s=1; HttpOnly', 't=2; Path=/; Max-Age=100'), 0)
  expect(jar.text).toContain('#HttpOnly_a.example\tFALSE\t/x\tFALSE\t0\ts\t1\na.example\tFALSE\t/\tFALSE\t100\tt\t2\n')
  const other = new CookieJar()
  other.read(jar.text, 0)
  expect(other.header(new URL('http://a.example/x/z'), 0)).toBe('s=1; t=2')
})
