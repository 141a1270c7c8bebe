import { expect, test } from 'vitest'
import type { Ingress, Service } from '../../kinds/generated/types.ts'
import { readAnnotations } from './annotations.ts'
import { CATCH_ALL, buildConfiguration } from './configuration.ts'
import { readGlobalOptions } from './global-options.ts'
import { Router } from './route.ts'
import type { ServerCertificate } from '../front/server-certificate.ts'

const global = readGlobalOptions()
const annotated = (annotations: Record<string, string>) => Object.fromEntries(Object.entries(annotations).map(([key, value]) => [`nginx.ingress.kubernetes.io/${key}`, value]))
const backend = (name: string) => ({ service: { name, port: { number: 80 } } })
const path = (path: string, service: string, pathType: 'Exact' | 'Prefix' | 'ImplementationSpecific' = 'Prefix') => ({ path, pathType, backend: backend(service) })

function ingress(name: string, spec: Ingress['spec'], annotations: Record<string, string> = {}): Ingress {
  return { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', metadata: { name, namespace: 'default', uid: name, annotations: annotated(annotations) }, spec, status: {} }
}

const certificate = (secret: string, ...names: string[]): ServerCertificate => ({ secret, pem: secret, keyPem: '', names, commonName: '', expiresMs: Date.UTC(2100, 0) })
const fake = certificate('')

/** Which backend takes a request. */
function routes(ingresses: readonly Ingress[], certificates: readonly ServerCertificate[] = []) {
  const warnings: string[] = []
  const service = (key: string): Service => ({ apiVersion: 'v1', kind: 'Service', metadata: { namespace: key.split('/')[0]!, name: key.split('/')[1]! }, spec: { clusterIP: '10.96.0.9', ports: [{ port: 80, targetPort: 8080 }] }, status: {} })
  const taken = ingresses.map((each) => ({ ingress: each, options: readAnnotations(each, { global, secret: () => undefined }) }))
  const configuration = buildConfiguration(taken, {
    service: (key) => (key.endsWith('/missing') ? undefined : service(key)), defaultCertificate: fake, defaultService: '', nowMs: 0, warn: (_at, text) => { warnings.push(text) }, certificate: (key) => certificates.find(({ secret }) => secret === key),
    slices: (key) => [{ apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', addressType: 'IPv4', metadata: { name: key }, ports: [{ port: 8080, protocol: 'TCP' }], endpoints: [{ addresses: ['10.244.0.9'] }, { addresses: ['10.244.0.10'], conditions: { ready: false } }] }],
  })
  const router = new Router(configuration)
  return { configuration, router, warnings, to: (host: string, uri: string) => router.locationFor(router.serverFor(host), uri)?.backend }
}

test('the longest prefix of whole path elements takes a request, an exact path before it', () => {
  const { to, configuration, router } = routes([ingress('a', { rules: [{ host: 'a.example', http: { paths: [path('/', 'root'), path('/app', 'app'), path('/app/deep/', 'deep'), path('/app', 'only', 'Exact')] } }] })])
  expect(['/', '/application', '/app', '/app/', '/app/x', '/app/deep/x'].map((uri) => to('a.example', uri)?.split('-')[1])).toEqual(['root', 'root', 'only', 'app', 'app', 'deep'])
  expect(['/app', '/app/deep'].map((uri) => router.needsSlash(router.serverFor('a.example'), uri))).toEqual([false, true])
  expect(to('b.example', '/app')).toBe('upstream-default-backend')
  expect(configuration.backends.get('default-app-80')?.endpoints).toEqual(['10.244.0.9:8080'])
})

test('a wildcard is one label, and a host that is named goes before it', () => {
  const { to } = routes([ingress('w', { rules: [{ host: '*.example.com', http: { paths: [path('/', 'any')] } }, { host: 'one.example.com', http: { paths: [path('/', 'one')] } }] })])
  expect(['x.example.com', 'one.example.com', 'a.b.example.com', 'example.com'].map((host) => to(host, '/'))).toEqual(['default-any-80', 'default-one-80', 'upstream-default-backend', 'upstream-default-backend'])
})

test('one regular expression makes all paths of its host such, the longest first and without case', () => {
  const { to } = routes([
    ingress('r', { rules: [{ host: 'r.example', http: { paths: [path('/api(/|$)(.*)', 'api', 'ImplementationSpecific')] } }] }, { 'rewrite-target': '/$2' }),
    ingress('p', { rules: [{ host: 'r.example', http: { paths: [path('/exact', 'exact', 'Exact')] } }] }),
  ])
  expect(['/api/v1', '/API', '/apis', '/exactly'].map((uri) => to('r.example', uri))).toEqual(['default-api-80', 'default-api-80', 'upstream-default-backend', 'default-exact-80'])
})

test('Ingresses of one host are put together; who was first keeps a path', () => {
  const { to } = routes([
    ingress('first', { rules: [{ host: 'm.example', http: { paths: [path('/', 'first')] } }] }), ingress('second', { rules: [{ host: 'm.example', http: { paths: [path('/', 'second'), path('/b', 'second')] } }] }),
    ingress('catch-all', { defaultBackend: backend('rest') }), ingress('own-rest', { defaultBackend: backend('other'), rules: [{ host: 'o.example', http: { paths: [path('/a', 'a')] } }] }),
  ])
  expect([to('m.example', '/'), to('m.example', '/b'), to('nobody.example', '/x'), to('o.example', '/x')]).toEqual(['default-first-80', 'default-second-80', 'default-rest-80', 'default-other-80'])
})

test('a canary lends its backend to the same host and path, and is dropped where there is none', () => {
  const canary = (host: string) => ingress(`canary-${host}`, { rules: [{ host, http: { paths: [path('/', `new-${host}`)] } }] }, { canary: 'true', 'canary-weight': '30' })
  const { configuration, to, warnings } = routes([ingress('main', { rules: [{ host: 'c', http: { paths: [path('/', 'old')] } }] }), canary('c'), canary('d'), ingress('d', { rules: [{ host: 'd', http: { paths: [path('/elsewhere', 'old')] } }] }), canary('e')])
  expect(configuration.backends.get('default-old-80')?.alternatives).toEqual(['default-new-c-80'])
  expect(configuration.backends.has('default-new-d-80')).toBe(false)
  expect(warnings).toEqual(['unable to find real backend for alternative backend default-new-d-80. Deleting.', 'cannot merge alternative backend default-new-e-80 into hostname e that does not exist'])
  expect(to('c', '/')).toBe('default-old-80')
})

test('a host shows the certificate of its TLS section, the default one where that is for others or missing', () => {
  const tls = (host: string, secretName: string) => ingress(host, { tls: [{ hosts: [host], secretName }], rules: [{ host, http: { paths: [path('/', 'a')] } }] })
  const { configuration, warnings } = routes([tls('a.example', 'good'), tls('b.example', 'good'), tls('c.example', 'absent')], [certificate('default/good', 'a.example', '*.sub.example')])
  expect(configuration.servers.map(({ hostname, certificate: shown }) => [hostname, shown?.secret])).toEqual([[CATCH_ALL, ''], ['a.example', 'default/good'], ['b.example', ''], ['c.example', '']])
  expect(warnings[0]).toBe('Unexpected error validating SSL certificate "default/good" for server "b.example": x509: certificate is valid for a.example, *.sub.example, not b.example')
  expect(warnings.at(-1)).toBe('Error getting SSL certificate "default/absent": local SSL certificate default/absent was not found. Using default certificate')
})

test('what is missing is said, and answers nothing', () => {
  const { configuration, warnings } = routes([ingress('m', { rules: [{ host: 'm', http: { paths: [path('/', 'missing')] } }] })])
  expect(configuration.backends.get('default-missing-80')?.endpoints).toEqual([])
  expect(warnings).toEqual(['Error obtaining Endpoints for Service "default/missing": no object matching key "default/missing" in local store'])
})

test('annotations: risky and senseless ones are refused or left out, as each is known for', () => {
  const read = (annotations: Record<string, string>, data: Record<string, string> = {}) => readAnnotations(ingress('x', {}, annotations), { global: readGlobalOptions(data), secret: () => undefined })
  expect(() => read({ 'server-snippet': 'return 200;' })).toThrow('annotation group ServerSnippet contains risky annotation based on ingress configuration')
  expect(() => read({ 'rewrite-target': '/' }, { 'annotations-risk-level': 'low' })).toThrow('annotation group Rewrite contains risky annotation based on ingress configuration')
  expect(() => read({ 'permanent-redirect': 'https://a;b' })).toThrow('annotation nginx.ingress.kubernetes.io/permanent-redirect contains invalid value')
  expect(read({ 'whitelist-source-range': 'everybody' }).denied).toBe('annotation nginx.ingress.kubernetes.io/whitelist-source-range contains invalid value')
  expect(read({ 'auth-type': 'basic', 'auth-secret': 'people' }).denied).toBe('unexpected error reading secret default/people: no object matching key "default/people" in local store')
  expect(read({ 'auth-url': 'http://login.default.svc/' }).denied).toBe("nginx.ingress.kubernetes.io/auth-url: http://login.default.svc/ isn't supported here")
  expect(read({ 'ssl-redirect': 'perhaps', 'proxy-body-size': '8m', 'allowlist-source-range': '10.0.0.0/8, 1.2.3.4' })).toMatchObject({ sslRedirect: true, bodyLimitBytes: 8 * 2 ** 20, allowlist: ['1.2.3.4', '10.0.0.0/8'] })
})
