import { expect, test } from 'vitest'
import type { DynamicConfiguration } from './configuration.ts'
import { cookieName, ruleKey, stickyMark } from './names.ts'
import { addRedirections } from './redirections.ts'
import { readStaticConfiguration } from './static-configuration.ts'

const redirected = (...args: string[]) => {
  const into: DynamicConfiguration = { routers: new Map(), services: new Map(), middlewares: new Map(), certificates: [] }
  const complaints: string[] = []
  addRedirections(readStaticConfiguration(['--entryPoints.web.address=:8000/tcp', '--entryPoints.websecure.address=:8443/tcp', ...args]).entryPoints, into, (message) => complaints.push(message))
  return { routers: [...into.routers.values()].map(({ name, entryPoints, service }) => ({ name, entryPoints, service })), middlewares: [...into.middlewares].map(([name, { spec }]) => [name, spec.redirectScheme]), complaints }
}

test('an entry point is sent on to the port that is named, or to the one of another entry point', () => {
  expect(redirected('--entryPoints.web.http.redirections.entryPoint.to=:443')).toEqual({ routers: [{ name: 'web-to-443@internal', entryPoints: ['web'], service: 'noop@internal' }], middlewares: [['redirect-web-to-443@internal', { scheme: 'https', port: '443', permanent: true }]], complaints: [] })
  expect(redirected('--entryPoints.web.http.redirections.entryPoint.to=websecure', '--entryPoints.web.http.redirections.entryPoint.permanent=false').middlewares).toEqual([['redirect-web-to-websecure@internal', { scheme: 'https', port: '8443', permanent: false }]])
  expect(redirected('--entryPoints.web.http.redirections.entryPoint.to=nowhere')).toEqual({ routers: [], middlewares: [], complaints: ["'to' entry point field references a non-existing entry point: nowhere"] })
})

test('flags that nothing follows are refused by name', () => {
  expect(() => readStaticConfiguration(['--log.format=json'])).toThrow('not supported by this build, node: log.format')
  expect(readStaticConfiguration(['--log.level=DEBUG', '--ping']).entryPoints.map(({ name, port }) => [name, port])).toEqual([['http', 80], ['traefik', 8080]])
})

test('routers, cookies and servers in them are named as Traefik names them', () => {
  expect([ruleKey('Host(`a.example.com`)'), cookieName('default-web-80@kubernetes'), stickyMark('http://10.244.0.5:80')]).toEqual(['629990b524bf9a1a8d27', '_b81e4', '2040a936efa1ceee'])
})
