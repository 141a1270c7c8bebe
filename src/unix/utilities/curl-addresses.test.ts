import { expect, test } from 'vitest'
import { connectTo, redirectionOf } from './curl-addresses.ts'

test('--connect-to leads to another host and port where its own match, the first rule first', () => {
  expect(connectTo(['a.example:443:10.0.0.1:8443', '::b:'], 'a.example', 443)).toEqual({ host: '10.0.0.1', port: 8443 })
  expect(connectTo(['a.example:443:10.0.0.1:8443', '::b:'], 'a.example', 80)).toEqual({ host: 'b' })
  expect(connectTo([':80::81'], 'a.example', 80)).toEqual({ port: 81 })
  expect(connectTo(['a.example:80:[fd00::1]:81'], 'a.example', 80)).toEqual({ host: 'fd00::1', port: 81 })
  expect(connectTo(['b.example:80:c:81'], 'a.example', 80)).toEqual({})
})

test('a redirection that was not followed is told with its whole address', () => {
  const url = new URL('http://a.example/x')
  expect(redirectionOf(new Response(null, { status: 302, headers: { location: '/y?z=1' } }), url)).toBe('http://a.example/y?z=1')
  expect(redirectionOf(new Response(null, { status: 200, headers: { location: '/y' } }), url)).toBe('')
})
