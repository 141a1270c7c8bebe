import { expect, test } from 'vitest'
import { ConfigurationError, chooseLocation, parseConfiguration, readServers } from './configuration.ts'

const read = (text: string) => readServers(parseConfiguration(text, 'nginx.conf', () => []), 'nginx.conf').servers

test('servers, their ports and locations are read', () => {
  const [server] = read('http { server { listen 8080; listen [::]:8080; server_name a b; location /x { return 200 "hi there"; } } }')
  expect(server).toMatchObject({ ports: [8080], names: ['a', 'b'] })
  expect(server!.locations[0]!.settings.returns).toEqual({ status: 200, text: 'hi there' })
})

test('the location is the exact one, else a pattern, else the longest prefix', () => {
  const [server] = read('http { server { location / {} location /img/ {} location ^~ /static/ {} location = /img/x.png {} location ~ \\.png$ {} } }')
  const chosen = (path: string) => { const l = chooseLocation(server!, path)!; return `${l.match} ${l.path}`.trim() }
  expect(chosen('/img/x.png')).toBe('= /img/x.png')
  expect(chosen('/img/y.png')).toBe('~ \\.png$')
  expect(chosen('/static/y.png')).toBe('^~ /static/')
  expect(chosen('/img/y.gif')).toBe('/img/')
  expect(chosen('/else')).toBe('/')
})

test('mistakes are told as nginx tells them', () => {
  expect(() => read('http {\n server {\n  lisen 80;\n }\n}')).toThrow(new ConfigurationError('unknown directive "lisen" in nginx.conf:3'))
  expect(() => read('http { server { listen 80 }')).toThrow('unexpected "}" in nginx.conf:1')
  expect(() => read('http {')).toThrow('unexpected end of file, expecting "}" in nginx.conf:1')
})
