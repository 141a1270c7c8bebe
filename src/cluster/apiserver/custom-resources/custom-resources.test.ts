import { afterAll, beforeAll, expect, test } from 'vitest'
import { ClusterClock } from '../../../base/clock.ts'
import { deepFreeze } from '../../../base/freeze.ts'
import { httpRequest } from '../../../base/http.ts'
import { silentLog } from '../../../base/log.ts'
import { Random } from '../../../base/random.ts'
import { testPlatform } from '../../../base/test-platform.ts'
import { Etcd } from '../../etcd/etcd.ts'
import { builtInKinds } from '../../kinds/index.ts'
import type { KubeObject } from '../../kinds/object.ts'
import { createApiServer } from '../api-server.ts'
import { startTestApiServer, type TestApiServer } from '../auth/test-api-server.ts'
import type { ConnectionInfo } from '../seams.ts'

const DEFINITIONS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
const MERGE = { 'content-type': 'application/merge-patch+json' }
const APPLY = { 'content-type': 'application/apply-patch+yaml' }

let lab: TestApiServer
let connection: ConnectionInfo
let convert: (object: any, apiVersion: string) => unknown = (object, apiVersion) => ({ ...object, apiVersion })
const reviews: { objects: KubeObject[]; desiredAPIVersion: string }[] = []

beforeAll(async () => {
  lab = await startTestApiServer({
    async http(_host, _port, request) {
      const { request: review } = JSON.parse(await request.text()) as { request: { uid: string; desiredAPIVersion: string; objects: KubeObject[] } }
      reviews.push(review)
      const convertedObjects = review.objects.map((object) => convert(object, review.desiredAPIVersion))
      return new Response(JSON.stringify({ kind: 'ConversionReview', apiVersion: 'apiextensions.k8s.io/v1', response: { uid: review.uid, result: { status: 'Success' }, convertedObjects } }))
    },
  })
  connection = { clientCertificatePem: (await lab.pki.issueClientCertificate({ commonName: 'admin', organizations: ['system:masters'] })).certificatePem }
})
afterAll(() => lab.stop())

async function call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
  const response = await lab.server.handle(httpRequest(`https://localhost${path}`, { method, body: body === undefined ? null : JSON.stringify(body), headers: { 'content-type': 'application/json', 'user-agent': 'tester/1', ...headers } }), connection)
  const text = await response.text()
  return { code: response.status, text, body: (text.startsWith('{') ? JSON.parse(text) : {}) as Record<string, any>, warnings: response.headers.get('warning') ?? '' }
}

/** Defines a kind `Thing` of a group of its own and waits until it is served. */
async function define(group: string, versions: object[], more: object = {}) {
  const { names, ...spec } = more as { names?: object }
  const definition = { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: `things.${group}` }, spec: { group, scope: 'Namespaced', names: { plural: 'things', kind: 'Thing', ...names }, versions, ...spec } }
  const answer = await call('POST', DEFINITIONS, definition)
  expect([answer.code, answer.body.message]).toEqual([201, undefined])
  await lab.clock.advance(10)
}

const version = (name: string, properties: object, more: object = {}) => ({ name, served: true, storage: true, schema: { openAPIV3Schema: { type: 'object', properties } }, ...more })
const thing = (apiVersion: string, name: string, rest: object) => ({ apiVersion, kind: 'Thing', metadata: { name }, ...rest })
const things = (groupVersion: string, name = '') => `/apis/${groupVersion}/namespaces/default/things${name && `/${name}`}`

test('a kind appears everywhere once its names are accepted, and goes with all its objects', async () => {
  expect((await call('GET', things('a.example.com/v1'))).text).toBe('404 page not found\n')
  await define('a.example.com', [version('v1', { spec: { type: 'object', description: 'what is wanted', properties: { n: { type: 'integer' } } } })], { names: { shortNames: ['th'], categories: ['all'] } })
  const definition = (await call('GET', `${DEFINITIONS}/things.a.example.com`)).body
  expect(definition['status'].conditions.map((condition: any) => [condition.type, condition.status, condition.reason])).toEqual([['NamesAccepted', 'True', 'NoConflicts'], ['Established', 'True', 'InitialNamesAccepted']])
  expect(definition['status'].acceptedNames).toEqual({ plural: 'things', singular: 'thing', kind: 'Thing', listKind: 'ThingList', shortNames: ['th'], categories: ['all'] })
  expect((await call('POST', things('a.example.com/v1'), thing('a.example.com/v1', 'held', { metadata: { name: 'held', finalizers: ['example.com/hold'] }, spec: { n: 1 } }))).code).toBe(201)
  const openApi = (await call('GET', '/openapi/v3/apis/a.example.com/v1')).body
  expect(openApi['components'].schemas['com.example.a.v1.Thing'].properties.spec.description).toBe('what is wanted')
  // By this kubectl knows that it can't merge strategically.
  expect(Object.keys(openApi['paths']['/apis/a.example.com/v1/namespaces/{namespace}/things/{name}'].patch.requestBody.content)).toEqual(['application/apply-patch+yaml', 'application/json-patch+json', 'application/merge-patch+json'])
  const { definitions } = (await call('GET', '/openapi/v2')).body
  expect(definitions['com.example.a.v1.Thing'].properties.metadata.$ref).toBe('#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta')
  expect(definitions['io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps'].properties.oneOf.type).toBe('array')

  expect((await call('DELETE', `${DEFINITIONS}/things.a.example.com`)).body['metadata'].finalizers).toEqual(['customresourcecleanup.apiextensions.k8s.io'])
  await lab.clock.advance(100)
  const refused = await call('POST', things('a.example.com/v1'), thing('a.example.com/v1', 'late', {}))
  expect([refused.code, refused.body['message']]).toEqual([403, 'things.a.example.com "late" is forbidden: create not allowed while custom resource definition is terminating'])
  expect((await call('GET', '/apis/a.example.com/v1')).body['resources'][0].verbs).not.toContain('create')
  await call('PATCH', things('a.example.com/v1', 'held'), { metadata: { finalizers: null } }, MERGE)
  await lab.clock.advance(10_000)
  expect((await call('GET', `${DEFINITIONS}/things.a.example.com`)).code).toBe(404)
  expect((await call('GET', '/apis/a.example.com')).code).toBe(404)
  expect((await call('GET', '/openapi/v3')).text).not.toContain('a.example.com')
})

test('names of a group are given once, and again when their holder has gone', async () => {
  await define('b.example.com', [version('v1', {})], { names: { shortNames: ['th'] } })
  const second = { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: 'items.b.example.com' }, spec: { group: 'b.example.com', scope: 'Cluster', names: { plural: 'items', kind: 'Item', shortNames: ['th'] }, versions: [version('v1', {})] } }
  await call('POST', DEFINITIONS, second)
  await lab.clock.advance(10)
  const conditions = async () => (await call('GET', `${DEFINITIONS}/items.b.example.com`)).body['status'].conditions.map((condition: any) => [condition.type, condition.status, condition.reason, condition.message])
  expect(await conditions()).toEqual([['NamesAccepted', 'False', 'ShortNamesConflict', '"th" is already in use'], ['Established', 'False', 'NotAccepted', 'not all names are accepted']])
  await call('DELETE', `${DEFINITIONS}/things.b.example.com`)
  await lab.clock.advance(10_000)
  expect((await conditions()).map(([, status]: string[]) => status)).toEqual(['True', 'True'])
  expect((await call('GET', '/apis/b.example.com/v1/items')).code).toBe(200)
})

test('versions show one object, and a new storage version reaches what is written again', async () => {
  const text = { spec: { type: 'object', properties: { a: { type: 'string' } } } }
  await define('c.example.com', [version('v1beta1', text), version('v1', text, { storage: false })])
  await call('POST', things('c.example.com/v1'), thing('c.example.com/v1', 'x', { spec: { a: 'b' } }))
  const store = () => lab.etcd.get<KubeObject>('/registry/c.example.com/things/default/x')!.value.apiVersion
  expect(store()).toBe('c.example.com/v1beta1')
  await call('PATCH', `${DEFINITIONS}/things.c.example.com`, { spec: { versions: [version('v1beta1', text, { storage: false }), version('v1', text)] } }, MERGE)
  await lab.clock.advance(10)
  expect((await call('GET', `${DEFINITIONS}/things.c.example.com`)).body['status'].storedVersions).toEqual(['v1beta1', 'v1'])
  expect(store()).toBe('c.example.com/v1beta1')
  const written = (await call('PATCH', things('c.example.com/v1beta1', 'x'), {}, MERGE)).body
  expect([written['apiVersion'], store()]).toEqual(['c.example.com/v1beta1', 'c.example.com/v1'])
  expect((await call('GET', things('c.example.com/v1beta1'))).body['items'][0].apiVersion).toBe('c.example.com/v1beta1')
})

test('what is stored is shown by the schema of today', async () => {
  await define('d.example.com', [version('v1', { spec: { type: 'object', properties: { old: { type: 'string' } } } })])
  await call('POST', things('d.example.com/v1'), thing('d.example.com/v1', 'x', { spec: { old: 'value' } }))
  await call('PATCH', `${DEFINITIONS}/things.d.example.com`, { spec: { versions: [version('v1', { spec: { type: 'object', properties: { fresh: { type: 'integer', default: 7 } } } })] } }, MERGE)
  await lab.clock.advance(10)
  expect((await call('GET', things('d.example.com/v1', 'x'))).body['spec']).toEqual({ fresh: 7 })
})

test('a webhook converts what is read, written and watched', async () => {
  convert = ({ spec, ...object }, apiVersion) => ({ ...object, apiVersion, spec: apiVersion.endsWith('/v1') ? { host: spec.hostPort.split(':')[0], port: spec.hostPort.split(':')[1] } : { hostPort: `${spec.host}:${spec.port}` } })
  const texts = (...names: string[]) => ({ spec: { type: 'object', properties: Object.fromEntries(names.map((name) => [name, { type: 'string' }])) } })
  await define('e.example.com', [version('v1', texts('host', 'port')), version('v1beta1', texts('hostPort'), { storage: false, selectableFields: [{ jsonPath: '.spec.hostPort' }] })], {
    conversion: { strategy: 'Webhook', webhook: { clientConfig: { url: 'https://convert.example.com/crd' }, conversionReviewVersions: ['v1'] } },
  })
  const created = await call('POST', things('e.example.com/v1beta1'), thing('e.example.com/v1beta1', 'x', { spec: { hostPort: 'web:80' } }))
  expect([created.code, created.body['spec']]).toEqual([201, { hostPort: 'web:80' }])
  expect((await call('GET', things('e.example.com/v1', 'x'))).body['spec']).toEqual({ host: 'web', port: '80' })
  const watched = await lab.server.handle(httpRequest(`https://localhost${things('e.example.com/v1beta1')}?watch=true&resourceVersion=${created.body['metadata'].resourceVersion}`, { method: 'GET' }), connection)
  const reader = watched.body!.getReader()
  const patched = await call('PATCH', things('e.example.com/v1beta1', 'x'), { spec: { hostPort: 'web:81' } }, MERGE)
  expect([patched.body['apiVersion'], patched.body['spec'], patched.body['metadata'].generation]).toEqual(['e.example.com/v1beta1', { hostPort: 'web:81' }, 2])
  expect(JSON.parse(new TextDecoder().decode((await reader.read()).value))).toMatchObject({ type: 'MODIFIED', object: { apiVersion: 'e.example.com/v1beta1', spec: { hostPort: 'web:81' } } })
  await reader.cancel()
  expect((await call('GET', things('e.example.com/v1beta1'))).body['items'][0].spec).toEqual({ hostPort: 'web:81' })
  const asked = reviews.length
  expect((await call('GET', things('e.example.com/v1'))).body['items'][0].spec).toEqual({ host: 'web', port: '81' })
  expect(reviews.length).toBe(asked)

  const selector = 'fieldSelector=spec.hostPort%3Dweb:81'
  expect((await call('GET', `${things('e.example.com/v1beta1')}?${selector}`)).body['items']).toHaveLength(1)
  const chosen = await lab.server.handle(httpRequest(`https://localhost${things('e.example.com/v1beta1')}?watch=true&${selector}`, { method: 'GET' }), connection)
  const events = chosen.body!.getReader()
  const next = async () => JSON.parse(new TextDecoder().decode((await events.read()).value)) as { type: string; object: KubeObject }
  expect((await next()).type).toBe('ADDED')
  await call('PATCH', things('e.example.com/v1', 'x'), { spec: { port: '82' } }, MERGE)
  expect(await next()).toMatchObject({ type: 'DELETED', object: { apiVersion: 'e.example.com/v1beta1', spec: { hostPort: 'web:81' } } })
  await events.cancel()

  convert = (object, apiVersion) => ({ ...object, apiVersion, metadata: { ...object.metadata, name: 'other' } })
  const failed = await call('POST', things('e.example.com/v1beta1'), thing('e.example.com/v1beta1', 'y', { spec: { hostPort: 'a:1' } }))
  expect([failed.code, failed.body['message']]).toEqual([500, 'conversion webhook for e.example.com/v1beta1, Kind=Thing returned invalid object: must have the same name: y != other'])
})

test('whoever owns fields in one version loses them by changes in another, as the webhook converts them', async () => {
  convert = ({ spec = {}, ...object }, apiVersion) => ({ ...object, apiVersion, spec: apiVersion.endsWith('/v1') ? { host: spec.hostPort.split(':')[0], port: spec.hostPort.split(':')[1] } : { hostPort: `${spec.host}:${spec.port}` } })
  const texts = (...names: string[]) => ({ spec: { type: 'object', properties: Object.fromEntries(names.map((name) => [name, { type: 'string' }])) } })
  await define('owned.example.com', [version('v1', texts('host', 'port')), version('v2', texts('hostPort'), { storage: false })], {
    conversion: { strategy: 'Webhook', webhook: { clientConfig: { url: 'https://convert.example.com/crd' }, conversionReviewVersions: ['v1'] } },
  })
  const apply = (of: 'v1' | 'v2', manager: string, spec: object, more = '') => call('PATCH', `${things(`owned.example.com/${of}`, 'x')}?fieldManager=${manager}${more}`, thing(`owned.example.com/${of}`, 'x', { spec }), APPLY)
  expect((await apply('v1', 'one', { host: 'web', port: '80' })).code).toBe(201)
  expect((await apply('v2', 'two', { hostPort: 'web:80' })).body['metadata'].generation).toBe(1)
  const conflict = await apply('v2', 'two', { hostPort: 'web:81' })
  expect([conflict.code, conflict.body['message']]).toEqual([409, 'Apply failed with 1 conflict: conflict with "one": .spec.port'])
  const forced = await apply('v2', 'two', { hostPort: 'web:81' }, '&force=true')
  expect(forced.body['metadata'].managedFields.map((entry: any) => [entry.manager, entry.fieldsV1])).toEqual([['one', { 'f:spec': { 'f:host': {} } }], ['two', { 'f:spec': { 'f:hostPort': {} } }]])
  // Objects are shown to the webhook before they have a revision, one at a time.
  const review = reviews.at(-1) as unknown as { objects: KubeObject[] }
  expect([review.objects.length, review.objects[0]!.metadata.resourceVersion]).toEqual([1, undefined])

  convert = () => ({})
  await call('PATCH', things('owned.example.com/v1', 'x'), { spec: { port: '90' } }, MERGE)
  const watched = await lab.server.handle(httpRequest(`https://localhost${things('owned.example.com/v2')}?watch=true`, { method: 'GET' }), connection)
  const reader = watched.body!.getReader()
  const event = reader.read()
  await lab.clock.advance(3_100)
  expect(JSON.parse(new TextDecoder().decode((await event).value))).toMatchObject({ type: 'ERROR', object: { reason: 'Timeout', code: 504, details: { causes: [{ reason: 'ResourceVersionTooLarge' }] } } })
})

test('rules see the past, and let be what they find as it was', async () => {
  const rules = (...list: object[]) => ({ 'x-kubernetes-validations': list })
  const schema = (limit: number) => ({
    spec: {
      type: 'object', properties: {
        size: { type: 'integer', ...rules({ rule: 'self >= oldSelf', message: 'may only grow' }) },
        color: { type: 'string', ...rules({ rule: '!oldSelf.hasValue() || oldSelf.value() == self', optionalOldSelf: true, message: 'is fixed' }) },
        name: { type: 'string', ...rules({ rule: `size(self) <= ${limit}`, messageExpression: `"longer than ${limit}"`, reason: 'FieldValueForbidden' }) },
        other: { type: 'integer' },
      },
    },
  })
  await define('f.example.com', [version('v1', schema(20))])
  expect((await call('POST', things('f.example.com/v1'), thing('f.example.com/v1', 'x', { spec: { size: 3, color: 'red', name: 'longish' } }))).code).toBe(201)
  const shrunk = await call('PATCH', things('f.example.com/v1', 'x'), { spec: { size: 2, color: 'blue' } }, MERGE)
  expect(shrunk.body['details'].causes.map((cause: any) => [cause.field, cause.message])).toEqual([['spec.color', 'Invalid value: "blue": is fixed'], ['spec.size', 'Invalid value: 2: may only grow']])
  await call('PATCH', `${DEFINITIONS}/things.f.example.com`, { spec: { versions: [version('v1', schema(3))] } }, MERGE)
  await lab.clock.advance(10)
  const elsewhere = await call('PATCH', things('f.example.com/v1', 'x'), { spec: { other: 1 } }, MERGE)
  expect([elsewhere.code, elsewhere.warnings]).toEqual([200, '299 - "spec.name: Forbidden: longer than 3"'])
  expect((await call('PATCH', things('f.example.com/v1', 'x'), { spec: { name: 'another' } }, MERGE)).body['message']).toBe('Thing.f.example.com "x" is invalid: spec.name: Forbidden: longer than 3')
})

test('apply merges by the keys of the schema and keeps to its fields', async () => {
  await define('g.example.com', [version('v1', { spec: { type: 'object', properties: { ports: { type: 'array', 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'], items: { type: 'object', required: ['name'], properties: { name: { type: 'string' }, port: { type: 'integer' } } } }, tags: { type: 'array', 'x-kubernetes-list-type': 'set', items: { type: 'string' } } } } })])
  const apply = (manager: string, spec: object) => call('PATCH', `${things('g.example.com/v1', 'x')}?fieldManager=${manager}`, thing('g.example.com/v1', 'x', { spec }), APPLY)
  expect((await apply('one', { ports: [{ name: 'a', port: 1 }], tags: ['x'] })).code).toBe(201)
  expect((await apply('two', { ports: [{ name: 'b', port: 2 }], tags: ['y'] })).body['spec']).toEqual({ ports: [{ name: 'a', port: 1 }, { name: 'b', port: 2 }], tags: ['x', 'y'] })
  expect((await apply('two', { ports: [] })).body['spec']).toEqual({ ports: [{ name: 'a', port: 1 }], tags: ['x'] })
  expect((await apply('two', { nothing: 1 })).body['message']).toBe('failed to create typed patch object (/x; g.example.com/v1, Kind=Thing): .spec.nothing: field not declared in schema')
  const twice = await call('PUT', things('g.example.com/v1', 'x'), { ...(await call('GET', things('g.example.com/v1', 'x'))).body, spec: { tags: ['x', 'x'], ports: [{ name: 'a' }, { name: 'a' }] } })
  expect(twice.body['message']).toBe('Thing.g.example.com "x" is invalid: [spec.ports[1]: Duplicate value: {"name":"a"}, spec.tags[1]: Duplicate value: "x"]')
  expect((await call('PATCH', things('g.example.com/v1', 'x'), {}, { 'content-type': 'application/strategic-merge-patch+json' })).code).toBe(415)
})

test('a policy takes a custom resource for its parameters', async () => {
  const GROUP = 'admissionregistration.k8s.io'
  await define('i.example.com', [version('v1', { limit: { type: 'integer' } })])
  await call('POST', things('i.example.com/v1'), thing('i.example.com/v1', 'limits', { limit: 2 }))
  await lab.masters.create(`validatingadmissionpolicies.${GROUP}`, {
    apiVersion: `${GROUP}/v1`, kind: 'ValidatingAdmissionPolicy', metadata: { name: 'few-keys' },
    spec: { paramKind: { apiVersion: 'i.example.com/v1', kind: 'Thing' }, matchConstraints: { resourceRules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['configmaps'] }] }, validations: [{ expression: 'size(object.data) <= params.limit', message: 'too many keys' }] },
  })
  await lab.masters.create(`validatingadmissionpolicybindings.${GROUP}`, {
    apiVersion: `${GROUP}/v1`, kind: 'ValidatingAdmissionPolicyBinding', metadata: { name: 'few-keys' },
    spec: { policyName: 'few-keys', paramRef: { name: 'limits', parameterNotFoundAction: 'Deny' }, validationActions: ['Deny'] },
  })
  await lab.clock.advance(1_000)
  const create = (name: string, data: object) => call('POST', '/api/v1/namespaces/default/configmaps', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data })
  expect((await create('small', { a: '1' })).code).toBe(201)
  expect((await create('large', { a: '1', b: '2', c: '3' })).body['message']).toContain('too many keys')
  await lab.masters.delete(`validatingadmissionpolicies.${GROUP}`, 'few-keys')
})

test('custom resources are served again after a restart', async () => {
  await define('h.example.com', [version('v1', { spec: { type: 'object', properties: { a: { type: 'string', default: 'b' } } } })])
  await call('POST', things('h.example.com/v1'), thing('h.example.com/v1', 'x', { spec: {} }))
  const clock = new ClusterClock(testPlatform, { startMs: lab.clock.nowMs(), mode: 'paused' })
  const etcd = Etcd.restore(deepFreeze(JSON.parse(JSON.stringify(lab.etcd.snapshot())) as ReturnType<Etcd['snapshot']>), [], { clock })
  const server = createApiServer({
    etcd, clock, random: new Random('restart'), log: silentLog, kinds: builtInKinds, version: { gitVersion: 'v1.36.3' },
    dialer: { kubelet: () => Promise.reject(new Error('no kubelet')), http: () => Promise.reject(new Error('no network')) },
    parts: () => lab.parts,
  })
  const answer = await server.handle(httpRequest(`https://localhost${things('h.example.com/v1', 'x')}`, { method: 'GET' }), connection)
  expect(((await answer.json()) as KubeObject)['spec']).toEqual({ a: 'b' })
  server.stop()
})
