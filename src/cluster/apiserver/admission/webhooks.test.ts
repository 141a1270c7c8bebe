import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { builtInKinds } from '../../kinds/index.ts'
import type { KubeObject } from '../../kinds/object.ts'
import { isStatusError } from '../../kinds/status-error.ts'
import { type TestApiServer, startTestApiServer } from '../auth/test-api-server.ts'

interface Asked {
  host: string
  port: number
  /** Path and query. */
  path: string
  review: Record<string, any>
}

let lab: TestApiServer
const asked: Asked[] = []
/** What the webhook under a path says, an AdmissionResponse without its uid, or a whole answer. */
let answers: Record<string, (request: Record<string, any>) => object | Response | Promise<object | Response>> = {}

beforeAll(async () => {
  lab = await startTestApiServer({
    async http(host, port, request) {
      const { pathname, search } = new URL(request.url)
      const review = JSON.parse(await request.text() || 'null') as Record<string, any>
      asked.push({ host, port, path: pathname + search, review })
      const answer = await answers[pathname]?.(review?.request) ?? { allowed: true }
      return answer instanceof Response ? answer : new Response(JSON.stringify({ apiVersion: review.apiVersion, kind: 'AdmissionReview', response: { uid: review.request.uid, ...answer } }))
    },
  })
  await lab.masters.create('services', { apiVersion: 'v1', kind: 'Service', metadata: { name: 'hook', namespace: 'default' }, spec: { clusterIP: '10.96.7.7', ports: [{ port: 443 }] } })
})
afterAll(() => lab.stop())
afterEach(async () => {
  for (const type of ['validating', 'mutating']) await lab.masters.deleteCollection(`${type}webhookconfigurations.${GROUP}`, {})
  for (const name of ['a', 'b', 'gone']) await lab.masters.delete('configmaps', name, 'default').catch(() => {})
  asked.length = 0
  answers = {}
})

const GROUP = 'admissionregistration.k8s.io'
const hook = (name: string, more: object = {}) => ({
  name: `${name}.example.com`, clientConfig: { url: `https://hooks.example.com/${name}` }, rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['*'], resources: ['configmaps'] }], sideEffects: 'None', admissionReviewVersions: ['v1'], ...more,
})
const configure = (type: 'Validating' | 'Mutating', ...webhooks: object[]) => lab.masters.create(`${type.toLowerCase()}webhookconfigurations.${GROUP}`, { apiVersion: `${GROUP}/v1`, kind: `${type}WebhookConfiguration`, metadata: { name: type.toLowerCase() }, webhooks })
const config = (name: string, more: object = {}) => lab.masters.create<KubeObject>('configmaps', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default', labels: { a: 'b' } }, ...more })
const refusal = (work: Promise<unknown>) => work.then(() => undefined, (error: unknown) => (isStatusError(error) ? [error.code, error.message] : String(error)))
const patchOf = (...operations: object[]) => ({ allowed: true, patchType: 'JSONPatch', patch: btoa(JSON.stringify(operations)) })
const paths = () => asked.map(({ path }) => path.replace(/\?.*/, ''))
const FAILED = 'Internal error occurred: failed calling webhook "h.example.com": '

test('a webhook sees the request and may refuse and warn', async () => {
  await configure('Validating', hook('h', { clientConfig: { service: { namespace: 'default', name: 'hook', path: '/check' } } }))
  answers['/check'] = ({ object }) => (object.metadata.name === 'a' ? { allowed: true } : { allowed: false, status: { code: 403, message: 'not like this', details: { name: 'x' } } })
  expect(await refusal(config('a'))).toBeUndefined()
  expect(asked.at(-1)).toMatchObject({ host: '10.96.7.7', port: 443, path: '/check?timeout=10s', review: { request: { operation: 'CREATE', resource: { group: '', version: 'v1', resource: 'configmaps' }, namespace: 'default', name: 'a', userInfo: { username: 'system:apiserver' }, oldObject: null, options: { kind: 'CreateOptions' } } } })
  expect(await refusal(config('b'))).toEqual([403, 'admission webhook "h.example.com" denied the request: not like this'])
})

test('a refusal without a word is a bad request', async () => {
  await configure('Validating', hook('h'))
  answers['/h'] = () => ({ allowed: false, status: { code: 200, status: 'Success' } })
  expect(await refusal(config('a'))).toEqual([400, 'admission webhook "h.example.com" denied the request without explanation'])
})

test('a patch is an update to webhooks, and a member of a collection has no name', async () => {
  await config('a')
  await configure('Validating', hook('h'))
  await lab.masters.patch('configmaps', 'a', 'default', 'application/merge-patch+json', { data: { k: 'v' } })
  expect(asked.at(-1)!.review['request']).toMatchObject({ operation: 'UPDATE', options: { kind: 'UpdateOptions' }, oldObject: { metadata: { name: 'a' } }, object: { data: { k: 'v' } } })
  await lab.masters.deleteCollection('configmaps', { namespace: 'default', labelSelector: 'a=b' })
  expect(asked.at(-1)!.review['request']).toMatchObject({ operation: 'DELETE', object: null, oldObject: { metadata: { name: 'a' } } })
  expect(asked.at(-1)!.review['request']).not.toHaveProperty('name')
})

test('a mutating webhook patches what its selector takes', async () => {
  await configure('Mutating', hook('h', { objectSelector: { matchLabels: { a: 'b' } } }), hook('other', { objectSelector: { matchLabels: { a: 'c' } } }))
  answers['/h'] = () => patchOf({ op: 'add', path: '/data', value: { k: 'v' } })
  expect((await config('a')).data).toEqual({ k: 'v' })
  expect(paths()).toEqual(['/h'])
})

test('a webhook gets the version that it asks for, and its patch counts for the stored one', async () => {
  await configure('Mutating', hook('h', { rules: [{ apiGroups: ['autoscaling'], apiVersions: ['v1'], operations: ['CREATE'], resources: ['horizontalpodautoscalers'] }] }))
  answers['/h'] = () => patchOf({ op: 'replace', path: '/spec/targetCPUUtilizationPercentage', value: 70 })
  const made = await lab.masters.create<KubeObject>('horizontalpodautoscalers.autoscaling', {
    apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler', metadata: { name: 'a', namespace: 'default' },
    spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' }, maxReplicas: 3, metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } }] },
  })
  expect(asked[0]!.review['request']).toMatchObject({ kind: { version: 'v1' }, requestKind: { version: 'v2' }, object: { apiVersion: 'autoscaling/v1', spec: { targetCPUUtilizationPercentage: 50 } } })
  expect(made['spec'].metrics[0].resource.target.averageUtilization).toBe(70)
})

test('a webhook that wants it is asked again after others changed what it saw, once', async () => {
  const count = (name: string) => ({ object }: Record<string, any>) => patchOf(object.data ? { op: 'add', path: `/data/${name}`, value: `${object.data[name] ?? ''}x` } : { op: 'add', path: '/data', value: { [name]: 'x' } })
  answers = { '/one': count('one'), '/two': count('two') }
  await configure('Mutating', hook('one', { reinvocationPolicy: 'IfNeeded' }), hook('two'))
  expect((await config('a')).data).toEqual({ one: 'xx', two: 'x' })
  expect(paths()).toEqual(['/one', '/two', '/one'])
})

test('what the server itself fills in is filled in again after a webhook', async () => {
  await lab.masters.create('serviceaccounts', { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace: 'default' } })
  await configure('Mutating', hook('h', { rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }] }))
  answers['/h'] = ({ object }) => patchOf({ op: 'remove', path: '/spec/tolerations' }, { op: 'add', path: '/spec/containers/-', value: { ...object.spec.containers[0], name: 'side', volumeMounts: [] } })
  const made = await lab.masters.create<KubeObject>('pods', { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', namespace: 'default' }, spec: { containers: [{ name: 'c', image: 'x' }] } })
  expect(made['spec'].tolerations).toHaveLength(2)
  expect(made['spec'].containers.map((container: { volumeMounts: unknown[] }) => container.volumeMounts.length)).toEqual([1, 1])
})

test('a webhook may rename an object, but not move it', async () => {
  await configure('Mutating', hook('h'))
  answers['/h'] = () => patchOf({ op: 'replace', path: '/metadata/name', value: 'b' })
  expect((await config('a')).metadata.name).toBe('b')
  answers['/h'] = () => patchOf({ op: 'replace', path: '/metadata/namespace', value: 'kube-system' })
  expect(await refusal(config('a'))).toEqual([400, 'the namespace of the provided object does not match the namespace sent on the request'])
})

test('managed fields that a webhook broke are put right, with a warning', async () => {
  await configure('Mutating', hook('h'))
  answers['/h'] = () => patchOf({ op: 'add', path: '/metadata/managedFields', value: [{ manager: 'x', operation: 'Nope', apiVersion: 'v1', fieldsType: 'FieldsV1', fieldsV1: {} }] })
  const connection = { clientCertificatePem: (await lab.pki.issueClientCertificate({ commonName: 'admin', organizations: ['system:masters'] })).certificatePem }
  const { body, warnings } = await lab.call('POST', '/api/v1/namespaces/default/configmaps?fieldManager=me', { body: { metadata: { name: 'a' }, data: { k: 'v' } }, connection })
  expect(body.metadata.managedFields?.map(({ manager }) => manager)).toEqual(['me'])
  expect(warnings).toEqual(['.metadata.managedFields was in an invalid state after admission; this could be caused by an outdated mutating admission controller; please fix your requests: operation must be `Apply` or `Update`'])
})

test.each<[string, () => object | Response, string]>([
  ['an error', () => new Response('it "broke"\n', { status: 500, headers: { 'content-type': 'text/plain' } }), 'failed to call webhook: an error on the server ("it \\"broke\\"") has prevented the request from succeeding'],
  ['an error that it may not show', () => new Response('{}', { status: 502, headers: { 'content-type': 'application/json' } }), 'failed to call webhook: an error on the server ("unknown") has prevented the request from succeeding'],
  ['a Status', () => new Response('{"kind":"Status","apiVersion":"v1","status":"Failure","message":"my own words"}', { status: 500 }), 'failed to call webhook: my own words'],
  ['nothing', () => new Response('', { headers: { 'content-type': 'application/json' } }), 'failed to call webhook: 0-length response with status code: 200 and content type: application/json'],
  ['text', () => new Response('hello'), "failed to call webhook: couldn't get version/kind; json parse error: json: cannot unmarshal string into Go value of type struct { APIVersion string \"json:\\\"apiVersion,omitempty\\\"\"; Kind string \"json:\\\"kind,omitempty\\\"\" }"],
  ['another version', () => new Response('{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1beta1"}'), 'failed to call webhook: converting (v1beta1.AdmissionReview) to (v1.AdmissionReview): unknown conversion'],
  ['another kind', () => new Response('{"kind":"Review","apiVersion":"admission.k8s.io/v1"}'), 'failed to call webhook: no kind "Review" is registered for version "admission.k8s.io/v1" in scheme "pkg/runtime/scheme.go:111"'],
  ['no response', () => new Response('{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1"}'), 'received invalid webhook response: webhook response was absent'],
  ['a wrong type', () => ({ allowed: 'yes' }), 'failed to call webhook: json: cannot unmarshal string into Go struct field AdmissionResponse.response.allowed of type bool'],
  ['a patch without its type', () => ({ allowed: true, patch: btoa('[]') }), 'received invalid webhook response: webhook returned response.patch but not response.patchType'],
  ['another type of patch', () => ({ allowed: true, patchType: 'MergePatch', patch: btoa('[{"op":"test"}]') }), 'unsupported patch type "MergePatch"'],
  ['a patch that is none', () => ({ allowed: true, patchType: 'JSONPatch', patch: btoa('nope') }), "received undecodable patch in webhook response: invalid character 'o' in literal null (expecting 'u')"],
])('a webhook that answers with %s stops the request, unless failures are ignored', async (_, answer, why) => {
  answers['/h'] = answer
  await configure('Mutating', hook('h'))
  expect(await refusal(config('a'))).toEqual([500, FAILED + why])
  await lab.masters.patch(`mutatingwebhookconfigurations.${GROUP}`, 'mutating', undefined, 'application/json-patch+json', [{ op: 'replace', path: '/webhooks/0/failurePolicy', value: 'Ignore' }])
  expect(await refusal(config('a'))).toBeUndefined()
})

test('a patch that does not fit stops the request even where failures are ignored', async () => {
  answers['/h'] = () => patchOf({ op: 'remove', path: '/data/nope' })
  await configure('Mutating', hook('h', { failurePolicy: 'Ignore' }))
  expect(await refusal(config('a'))).toEqual([500, 'Internal error occurred: remove operation does not apply: doc is missing path: "/data/nope": missing value'])
  answers['/h'] = () => patchOf({ op: 'add', path: '/data', value: { k: 1 } })
  expect(await refusal(config('a'))).toEqual([500, 'Internal error occurred: json: cannot unmarshal number into Go struct field ConfigMap.data of type string'])
})

test('a Service that is not there and a slow webhook say so', async () => {
  await configure('Validating', hook('h', { clientConfig: { service: { namespace: 'default', name: 'nobody', path: '/check' } } }))
  expect(await refusal(config('a'))).toEqual([500, `${FAILED}failed to call webhook: Post "https://nobody.default.svc:443/check?timeout=10s": service "nobody" not found`])
  await lab.masters.deleteCollection(`validatingwebhookconfigurations.${GROUP}`, {})
  await configure('Validating', hook('h', { timeoutSeconds: 2 }))
  answers['/h'] = () => new Promise(() => {})
  const waiting = refusal(config('a'))
  await lab.clock.advance(2_000)
  expect(await waiting).toEqual([500, `${FAILED}failed to call webhook: Post "https://hooks.example.com/h?timeout=2s": context deadline exceeded`])
})

test('a server that asks for patience is asked again', async () => {
  await configure('Validating', hook('h'))
  let attempts = 0
  answers['/h'] = () => (++attempts === 1 ? new Response('', { status: 503, headers: { 'retry-after': '1' } }) : { allowed: true })
  const waiting = refusal(config('a'))
  await lab.clock.advance(1_000)
  expect(await waiting).toBeUndefined()
  expect(attempts).toBe(2)
})

test('validating webhooks are all asked, and the first refusal counts', async () => {
  let release!: () => void
  const whenReleased = new Promise<void>((resolve) => { release = resolve })
  answers = {
    '/slow': async () => { await whenReleased; return { allowed: false, status: { message: 'slow' } } },
    '/fast': () => { setImmediate(release); return { allowed: false, status: { message: 'fast' } } },
  }
  await configure('Validating', hook('slow'), hook('fast'))
  expect(await refusal(config('a'))).toEqual([400, 'admission webhook "fast.example.com" denied the request: fast'])
  expect(paths()).toEqual(['/slow', '/fast'])
})

test('conditions that fail to evaluate refuse by the name of the object, or skip the webhook', async () => {
  const matchConditions = [{ name: 'x', expression: "object.data.k == 'v'" }]
  await configure('Validating', hook('h', { matchConditions }))
  expect(await refusal(config('a'))).toEqual([403, `configmaps "a" is forbidden: expression 'object.data.k == 'v'' resulted in error: no such key: data`])
  expect(await refusal(config('b', { data: { k: 'v' } }))).toBeUndefined()
  expect(paths()).toEqual(['/h'])
})

test('scales and connections are seen as what they are', async () => {
  await configure('Mutating', hook('h', { rules: [{ apiGroups: ['*'], apiVersions: ['*'], operations: ['*'], resources: ['*/scale', 'pods/exec'] }] }))
  answers['/h'] = ({ operation }) => (operation === 'CONNECT' ? { allowed: false, status: { code: 403, message: 'no shells' } } : patchOf({ op: 'replace', path: '/spec/replicas', value: 2 }))
  await lab.masters.create('deployments.apps', { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'd', namespace: 'default' }, spec: { replicas: 1, selector: { matchLabels: { a: 'd' } }, template: { metadata: { labels: { a: 'd' } }, spec: { containers: [{ name: 'c', image: 'x' }] } } } })
  await lab.masters.patch('deployments.apps', 'd', 'default', 'application/merge-patch+json', { spec: { replicas: 5 } }, { subresource: 'scale' })
  expect(asked[0]!.review['request']).toMatchObject({ kind: { group: 'autoscaling', version: 'v1', kind: 'Scale' }, resource: { group: 'apps', resource: 'deployments' }, subResource: 'scale', object: { kind: 'Scale', spec: { replicas: 5 } }, oldObject: { kind: 'Scale', spec: { replicas: 1 } } })
  expect((await lab.masters.get<KubeObject>('deployments.apps', 'd', 'default'))['spec'].replicas).toBe(2)
  const connection = { clientCertificatePem: (await lab.pki.issueClientCertificate({ commonName: 'admin', organizations: ['system:masters'] })).certificatePem }
  const { code, body } = await lab.call('POST', '/api/v1/namespaces/default/pods/p/exec?command=ls&command=-l&stdout=true', { connection })
  expect([code, body['message']]).toEqual([403, 'admission webhook "h.example.com" denied the request: no shells'])
  expect(asked.at(-1)!.review['request']).toMatchObject({ kind: { group: '', version: 'v1', kind: 'PodExecOptions' }, object: { kind: 'PodExecOptions', apiVersion: 'v1', stdout: true, command: ['ls', '-l'] }, options: null })
})

test('a binding is what webhooks made of it', async () => {
  await lab.masters.create('pods', { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'unbound', namespace: 'default' }, spec: { serviceAccountName: 'default', containers: [{ name: 'c', image: 'x' }] } })
  await configure('Mutating', hook('h', { rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods/binding'] }] }))
  answers['/h'] = () => patchOf({ op: 'replace', path: '/target/name', value: 'elsewhere' }, { op: 'add', path: '/metadata/annotations', value: { from: 'hook' } })
  await lab.masters.createSubresource('pods', 'unbound', 'default', 'binding', { apiVersion: 'v1', kind: 'Binding', metadata: { name: 'unbound' }, target: { kind: 'Node', name: 'n1' } })
  expect(await lab.masters.get<KubeObject>('pods', 'unbound', 'default')).toMatchObject({ metadata: { annotations: { from: 'hook' } }, spec: { nodeName: 'elsewhere' } })
})

test('a client that waits no longer is told so, and nothing is written for it', async () => {
  await configure('Mutating', hook('h', { failurePolicy: 'Ignore' }))
  answers['/h'] = () => new Promise(() => {})
  const connection = { clientCertificatePem: (await lab.pki.issueClientCertificate({ commonName: 'admin', organizations: ['system:masters'] })).certificatePem }
  const waiting = lab.call('POST', '/api/v1/namespaces/default/configmaps?timeout=3s', { body: { metadata: { name: 'gone' } }, connection })
  await lab.clock.advance(3_000)
  expect(await waiting).toMatchObject({ code: 504, body: { metadata: {}, status: 'Failure', message: 'Timeout: request did not complete within the allotted timeout', reason: 'Timeout' } })
  expect(asked.at(-1)!.path).toBe('/h?timeout=3s')
  await lab.clock.advance(30_000)
  expect(await refusal(lab.masters.get('configmaps', 'gone', 'default'))).toEqual([404, 'configmaps "gone" not found'])
})

test('the audit log is told who changed what, and who failed', async () => {
  await configure('Mutating', hook('one'), hook('two', { failurePolicy: 'Ignore' }))
  answers = { '/one': () => ({ ...patchOf({ value: '<v>', path: '/metadata/labels/x', op: 'add' }), auditAnnotations: { key: 'value', 'bad key!': 'x' } }), '/two': () => new Response('', { status: 500 }) }
  const noted: Record<string, string> = {}
  const [kind] = builtInKinds.filter(({ resource, group }) => resource === 'configmaps' && group === '')
  const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', namespace: 'default', labels: {} } }
  await lab.parts.admission.find(({ name }) => name === 'MutatingAdmissionWebhook')!.mutate!({
    operation: 'CREATE', kind: kind!, objectKind: { group: '', version: 'v1', kind: 'ConfigMap' }, resource: 'configmaps', subresource: '', namespace: 'default', name: 'a', object, options: {}, dryRun: false,
    user: { name: 'u', groups: [] }, warn: () => {}, annotate: (key, value, level) => { noted[level ? `${key} (${level})` : key] = value },
  }, { reader: lab.server.reader, api: lab.masters, nowMs: () => lab.clock.nowMs(), authorizer: lab.parts.authorizer })
  expect(object.metadata.labels).toEqual({ x: '<v>' })
  expect(noted).toEqual({
    'one.example.com/key': 'value',
    'mutation.webhook.admission.k8s.io/round_0_index_0': '{"configuration":"mutating","webhook":"one.example.com","mutated":true}',
    'patch.webhook.admission.k8s.io/round_0_index_0 (Request)': '{"configuration":"mutating","webhook":"one.example.com","patch":[{"op":"add","path":"/metadata/labels/x","value":"\\u003cv\\u003e"}],"patchType":"JSONPatch"}',
    'mutation.webhook.admission.k8s.io/round_0_index_1': '{"configuration":"mutating","webhook":"two.example.com","mutated":false}',
    'failed-open.mutation.webhook.admission.k8s.io/round_0_index_1': 'two.example.com',
  })
})

test('webhooks are never asked about webhooks', async () => {
  await configure('Validating', hook('h', { rules: [{ apiGroups: ['*'], apiVersions: ['*'], operations: ['*'], resources: ['*'] }], clientConfig: { service: { namespace: 'default', name: 'nobody' } } }))
  expect(await refusal(configure('Mutating', hook('m')))).toBeUndefined()
  expect(await refusal(lab.masters.delete(`validatingwebhookconfigurations.${GROUP}`, 'validating'))).toBeUndefined()
})
