import { afterAll, beforeAll, expect, test } from 'vitest'
import { httpRequest } from '../../base/http.ts'
import { startTestApiServer, type TestApiServer } from './auth/test-api-server.ts'

let api: TestApiServer
let connection: { clientCertificatePem: string }

beforeAll(async () => {
  api = await startTestApiServer()
  connection = { clientCertificatePem: (await api.pki.issueClientCertificate({ commonName: 'admin', organizations: ['system:masters'] })).certificatePem }
  await api.masters.create('configmaps', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', namespace: 'default' } })
})
afterAll(() => api.stop())

const CONFIG_MAP = '/api/v1/namespaces/default/configmaps/a'

async function send(method: string, path: string, body: string | Uint8Array, type: string): Promise<{ code: number; text: string; json: any }> {
  const response = await api.server.handle(httpRequest(`https://localhost${path}`, { method, body, headers: { 'content-type': type } }), connection)
  const text = await response.text()
  return { code: response.status, text, get json() { return JSON.parse(text) } }
}
const MERGE = 'application/merge-patch+json'
const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)

test('a DaemonSet whose template generation is no number is refused', async () => {
  const { code, json } = await send('POST', '/apis/apps/v1/namespaces/default/daemonsets', JSON.stringify({ metadata: { name: 'd', annotations: { 'deprecated.daemonset.template.generation': 'x' } }, spec: { selector: {}, template: {} } }), 'application/json')
  expect(code).toBe(400)
  expect(json.message).toBe('DaemonSet in version "v1" cannot be handled as a DaemonSet: strconv.ParseInt: parsing "x": invalid syntax')
})

test('an autoscaler that is given an empty list of policies is refused, one that is given none gets them', async () => {
  const create = (name: string, scaleUp: object) => send('POST', '/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers', JSON.stringify({ metadata: { name }, spec: { maxReplicas: 3, scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' }, behavior: { scaleUp } } }), 'application/json')
  expect((await create('empty', { policies: [] })).json.message).toBe('HorizontalPodAutoscaler.autoscaling "empty" is invalid: spec.behavior.scaleUp.policies: Required value: must specify at least one Policy')
  expect((await create('none', {})).json.spec.behavior.scaleUp.policies).toHaveLength(2)
})

test('a claim that names an empty data source is told what is missing in both places', async () => {
  const { code, json } = await send('POST', '/api/v1/namespaces/default/persistentvolumeclaims', JSON.stringify({ metadata: { name: 'c' }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, dataSourceRef: {} } }), 'application/json')
  expect(code).toBe(422)
  expect(json.details.causes.map((cause: any) => cause.field)).toEqual(['spec.dataSource.name', 'spec.dataSource.kind', 'spec.dataSource', 'spec.dataSourceRef.name', 'spec.dataSourceRef.kind', 'spec.dataSourceRef'])
})

test('names that every JavaScript object has are no subresources', async () => {
  for (const name of ['__proto__', 'constructor', 'toString']) expect((await api.call('GET', `${CONFIG_MAP}/${name}`, { connection })).code).toBe(404)
})

test('patches that nest deeper than they can be walked are refused', async () => {
  for (const type of [MERGE, 'application/strategic-merge-patch+json']) {
    const { code, json } = await send('PATCH', CONFIG_MAP, `{"x":${nested(9_000)}}`, type)
    expect(code).toBe(400)
    expect(json.message).toMatch(/exceeded max depth$/)
  }
  expect((await send('PATCH', CONFIG_MAP, `[{"op":"add","path":"/data","value":${nested(9_000)}}]`, 'application/json-patch+json')).code).toBe(400)
  expect((await send('DELETE', CONFIG_MAP, `{"kind":${nested(9_000)}}`, 'application/json')).code).toBe(400)
})

test('unknown and repeated fields may nest deeply', async () => {
  expect((await send('POST', '/api/v1/namespaces/default/configmaps', `{"metadata":{"name":"deep"},"kind":null,"kind":"ConfigMap","x":${nested(9_000)}}`, 'application/json')).code).toBe(201)
})

test('what is kept as it came may not nest without end', async () => {
  const revision = (depth: number) => send('POST', '/apis/apps/v1/namespaces/default/controllerrevisions', `{"metadata":{"name":"r${depth}"},"revision":1,"data":{"a":${nested(depth)}}}`, 'application/json')
  expect((await revision(500)).code).toBe(201)
  expect((await revision(9_000)).code).toBe(400)
})

test('a YAML alias of what it stands in is refused', async () => {
  for (const text of ['&a [*a]', 'data: &a\n  b: *a\n', 'data: &a\n  <<: *a\n']) {
    const { code, json } = await send('PATCH', `${CONFIG_MAP}?fieldManager=m`, text, 'application/apply-patch+yaml')
    expect(code).toBe(400)
    expect(json.message).toBe("error decoding YAML: error converting YAML to JSON: yaml: anchor 'a' value contains itself")
  }
})

test('continue tokens of other shapes are refused', async () => {
  const list = (token: unknown) => api.call('GET', `/api/v1/namespaces/default/configmaps?continue=${btoa(JSON.stringify(token)).replace(/=+$/, '')}`, { connection })
  for (const token of [{ v: 'meta.k8s.io/v1', rv: 5, start: {} }, { v: 'meta.k8s.io/v1', rv: 1.5, start: 'a' }, { v: 1 }, [], 7]) expect((await list(token)).code).toBe(400)
  expect((await list({ v: 'meta.k8s.io/v1', rv: 999_999_999, start: 'a' })).code).toBe(504)
})

test('a list goes on after its token, from the slash on; a version next to a token is told after the token, and not read', async () => {
  interface Listed { metadata: { continue: string }; items: { metadata: { name: string } }[]; message: string }
  const list = async (query: string, accept = 'application/json') => (await api.call('GET', `/api/v1/namespaces/kube-system/configmaps?${query}`, { connection, headers: { accept } })).body as unknown as Listed
  const token = (start: string, rv = -1) => btoa(JSON.stringify({ v: 'meta.k8s.io/v1', rv, start })).replace(/=+$/, '')
  for (const name of ['p1', 'p2', 'p3']) await api.call('POST', '/api/v1/namespaces/kube-system/configmaps', { connection, body: { metadata: { name, labels: { paged: 'yes' } } } })
  const first = await list('limit=1')
  expect(JSON.parse(atob(first.metadata.continue)).start).toBe(`/${first.items[0]!.metadata.name}\0`)
  const names = async (start: string) => (await list(`continue=${token(start)}`)).items.map((item) => item.metadata.name)
  expect(await names('/p2')).toEqual(await names('p2'))
  expect(JSON.parse(atob((await list(`limit=1&continue=${token('p1')}`)).metadata.continue)).start).toBe('p1\0')
  expect((await list(`continue=${token('')}`)).message).toBe('invalid continue token: continue key is not valid: encoded start key empty (version meta.k8s.io/v1)')
  expect((await list(`continue=${token('//p')}`)).message).toBe('invalid continue token: continue key is not valid: //p')
  expect((await list(`continue=${token('p')}&resourceVersion=x`)).message).toBe('specifying resource version is not allowed when using continue')
  expect((await list('labelSelector=paged%3Dno', 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io')).items).toBeNull()
})

test('events are listed past the cache: their tokens begin without a slash, and a limit counts with resourceVersion=0 too', async () => {
  for (const name of ['e1', 'e2']) await api.call('POST', '/api/v1/namespaces/default/events', { connection, body: { metadata: { name }, involvedObject: { namespace: 'default' } } })
  for (const path of ['/api/v1', '/apis/events.k8s.io/v1']) {
    const { items, metadata } = (await api.call('GET', `${path}/namespaces/default/events?limit=1&resourceVersion=0`, { connection })).body as unknown as { items: unknown[]; metadata: { continue: string } }
    expect([items.length, JSON.parse(atob(metadata.continue)).start]).toEqual([1, 'e1\0'])
  }
})

test('managed fields that are no sets of fields are dropped, and apply goes on working', async () => {
  const entry = { manager: 'm', operation: 'Update', apiVersion: 'v1', fieldsType: 'FieldsV1', fieldsV1: { 'f:data': 'text' } }
  expect((await send('PATCH', CONFIG_MAP, JSON.stringify({ metadata: { managedFields: [entry] } }), MERGE)).json.metadata.managedFields?.some((e: { fieldsV1: object }) => JSON.stringify(e.fieldsV1).includes('text')) ?? false).toBe(false)
  expect((await send('PATCH', `${CONFIG_MAP}?fieldManager=x`, 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {k: v}\n', 'application/apply-patch+yaml')).code).toBe(200)
})

test('warnings may hold any character', async () => {
  const { code, warnings } = await api.call('POST', '/api/v1/namespaces/default/configmaps', { connection, body: { metadata: { name: 'u' }, 'schlüssel\u0000': 1, 'größe': 1 } })
  expect(code).toBe(201)
  expect(warnings.map((text) => new TextDecoder().decode(Uint8Array.from(text, (c) => c.charCodeAt(0))))).toContain('unknown field "größe"')
})

test('fields that come as null where a text is expected are validated, not tripped over', async () => {
  expect((await api.call('POST', '/apis/certificates.k8s.io/v1/certificatesigningrequests', { connection, body: { metadata: { name: 'c' }, spec: {} } })).code).toBe(422)
  expect((await api.call('POST', '/apis/networking.k8s.io/v1/namespaces/default/ingresses', { connection, body: { metadata: { name: 'i' }, spec: { defaultBackend: { resource: {} } } } })).code).toBe(422)
})

test("a ReplicationController's selector needn't hold valid labels to be compared with its template", async () => {
  const spec = { selector: { '$a': '1' }, template: { metadata: { labels: { '$a': '2' } }, spec: { containers: [{ name: 'c', image: 'i' }] } } }
  const { code, body } = await api.call('POST', '/api/v1/namespaces/default/replicationcontrollers', { connection, body: { metadata: { name: 'rc' }, spec } })
  expect(code).toBe(422)
  expect(body.message).toContain('`selector` does not match template `labels`')
})

test('objects of older versions are stored in the form of the version that is stored', async () => {
  const body = { metadata: { name: 'e' }, eventTime: '2030-01-01T00:00:00.000000Z', series: { count: 0, lastObservedTime: '2030-01-01T00:00:00.000000Z' }, reportingInstance: 'i', action: 'A', reason: 'R', type: 'Normal' }
  const about = { kind: 'Pod', namespace: 'default' }
  const refused = await api.call('POST', '/apis/events.k8s.io/v1/namespaces/default/events', { connection, body: { ...body, reportingController: 'a.b/c', regarding: about } })
  expect(refused.body.message).toBe('Event "e" is invalid: series.count: Invalid value: "": should be at least 2')
  await api.call('POST', '/api/v1/namespaces/default/events', { connection, body: { ...body, reportingComponent: 'a.b/c', involvedObject: about } })
  const core = await api.call('GET', '/api/v1/namespaces/default/events/e', { connection })
  const newer = await api.call('GET', '/apis/events.k8s.io/v1/namespaces/default/events/e', { connection })
  expect(core.body.series).not.toHaveProperty('count')
  expect(newer.body.series).toHaveProperty('count', 0)
})

test('what is asked for in vain leaves no metrics behind', async () => {
  for (let i = 0; i < 20; i++) await api.server.handle(httpRequest(`https://localhost/apis/x${i}.example.com/v${i}/namespaces/default/things${i}/a/b${i}?dryRun=${i}`), connection)
  const response = await api.server.handle(httpRequest('https://localhost/metrics'), connection)
  expect(await response.text()).not.toContain('example.com')
})

test('numbers are judged as they are written, in bodies and in patches that are merged or point somewhere', async () => {
  const DEPLOYMENT = '/apis/apps/v1/namespaces/default/deployments'
  const body = (replicas: string) => `{"metadata":{"name":"n"},"spec":{"replicas":${replicas},"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}}`
  expect((await send('POST', DEPLOYMENT, body('9223372036854775807'), 'application/json')).json.message).toContain('cannot unmarshal number 9223372036854775807 into Go struct field DeploymentSpec.spec.replicas of type int32')
  expect((await send('POST', DEPLOYMENT, body('1'), 'application/json')).code).toBe(201)
  for (const number of ['1.0', '1e0', '9223372036854775808']) {
    const refused = `cannot unmarshal number ${number} into Go struct field`
    expect((await send('PATCH', `${DEPLOYMENT}/n`, `{"spec":{"replicas":${number}}}`, MERGE)).json.message).toContain(refused)
    expect((await send('PATCH', `${DEPLOYMENT}/n`, `{"spec":{"template":{"spec":{"terminationGracePeriodSeconds":${number}}}}}`, MERGE)).json.message).toContain(refused)
    expect((await send('PATCH', `${DEPLOYMENT}/n`, `[{"op":"replace","path":"/spec/replicas","value":${number}}]`, 'application/json-patch+json')).json.message).toContain(refused)
    expect((await send('PATCH', `${DEPLOYMENT}/n/scale`, `{"spec":{"replicas":${number}}}`, MERGE)).json.message).toContain(refused)
  }
  expect((await send('DELETE', `${DEPLOYMENT}/n`, '{"gracePeriodSeconds":9223372036854775808}', 'application/json')).json.message).toBe('json: cannot unmarshal number 9223372036854775808 into Go struct field DeleteOptions.gracePeriodSeconds of type int64')
  expect((await send('PATCH', `${DEPLOYMENT}/n`, '{"spec":{"template":{"spec":{"terminationGracePeriodSeconds":9223372036854775807}}}}', MERGE)).code).toBe(200)
})

test('a name that storage cannot have, and an escape that is none, are refused', async () => {
  const get = async (name: string) => api.server.handle(httpRequest(`https://localhost/api/v1/namespaces/default/configmaps/${name}`, { method: 'GET' }), connection)
  expect((await (await get('%2e%2e')).json()).message).toBe(`Name parameter invalid: "..": may not be '..'`)
  const response = await get('a%zz')
  expect([response.status, await response.text()]).toEqual([400, '400 Bad Request'])
  // Bytes that are no text don't end the request either.
  expect((await get('%E4')).status).toBe(404)
})
