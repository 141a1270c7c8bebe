import { expect, test } from 'vitest'
import { NginxConfigError, parseNginxConfig } from './nginx-config.ts'

test('directives, blocks, quotes and comments are read with their lines', () => {
  const [http] = parseNginxConfig('http {\n  # comment\n  add_header X "a; b";\n  server { listen 80; }\n}', 'nginx.conf')
  expect(http).toMatchObject({ name: 'http', line: 1, block: [{ name: 'add_header', args: ['X', 'a; b'], line: 3 }, { name: 'server', block: [{ name: 'listen', args: ['80'] }], line: 4 }] })
})

test('mistakes are told as nginx tells them', () => {
  expect(() => parseNginxConfig('http { server { listen 80 } }', 'nginx.conf')).toThrow(new NginxConfigError('unexpected "}" in nginx.conf:1'))
  expect(() => parseNginxConfig('http {', 'nginx.conf')).toThrow('unexpected end of file, expecting "}" in nginx.conf:1')
})
