import { afterAll, beforeAll, expect, test } from 'vitest'
import type { KubeObject } from '../../kinds/object.ts'
import { isStatusError } from '../../kinds/status-error.ts'
import { type TestApiServer, startTestApiServer } from '../auth/test-api-server.ts'

let lab: TestApiServer
const asked: { host: string; port: number; url: string; review: Record<string, any> }[] = []
let answer: (request: Record<string, any>) => unknown = () => ({})

beforeAll(async () => {
  lab = await startTestApiServer({
    async http(host, port, request) {
      const review = JSON.parse(await request.text()) as Record<string, any>
      asked.push({ host, port, url: request.url, review })
      const response = await answer(review.request as Record<string, any>)
      return new Response(JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response: { uid: review.request.uid, ...response as object } }))
    },
  })
  await lab.masters.create('services', { apiVersion: 'v1', kind: 'Service', metadata: { name: 'hook', namespace: 'default' }, spec: { clusterIP: '10.96.7.7', ports: [{ port: 443 }] } })
})
afterAll(() => lab.stop())

const GROUP = 'admissionregistration.k8s.io'
const configure = (type: 'Validating' | 'Mutating', hook: object) => lab.masters.create(`${type.toLowerCase()}webhookconfigurations.${GROUP}`, {
  apiVersion: `${GROUP}/v1`, kind: `${type}WebhookConfiguration`, metadata: { name: type.toLowerCase() },
  webhooks: [{
    name: 'hook.example.com', clientConfig: { service: { namespace: 'default', name: 'hook', path: '/check' } }, rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['configmaps'] }],
    sideEffects: 'None', admissionReviewVersions: ['v1'], ...hook,
  }],
})
const remove = (type: 'Validating' | 'Mutating') => lab.masters.delete(`${type.toLowerCase()}webhookconfigurations.${GROUP}`, type.toLowerCase())
const config = (name: string) => lab.masters.create<KubeObject>('configmaps', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default', labels: { a: 'b' } } })
const refusal = (work: Promise<unknown>) => work.then(() => undefined, (error: unknown) => (isStatusError(error) ? [error.code, error.message] : String(error)))

test('a webhook sees the request and may refuse and warn', async () => {
  await configure('Validating', {})
  answer = ({ object }) => (object.metadata.name === 'good' ? { allowed: true } : { allowed: false, status: { code: 403, message: 'not like this' } })
  expect(await refusal(config('good'))).toBeUndefined()
  expect(asked.at(-1)).toMatchObject({ host: '10.96.7.7', port: 443, url: 'https://hook.default.svc:443/check?timeout=10s', review: { request: { operation: 'CREATE', resource: { group: '', version: 'v1', resource: 'configmaps' }, namespace: 'default', userInfo: { username: 'system:apiserver' } } } })
  expect(await refusal(config('bad'))).toEqual([403, 'admission webhook "hook.example.com" denied the request: not like this'])
  await remove('Validating')
})

test('a mutating webhook patches', async () => {
  await configure('Mutating', { objectSelector: { matchLabels: { a: 'b' } } })
  answer = () => ({ allowed: true, patchType: 'JSONPatch', patch: btoa(JSON.stringify([{ op: 'add', path: '/data', value: { k: 'v' } }])) })
  expect((await config('patched')).data).toEqual({ k: 'v' })
  await remove('Mutating')
})

test('a webhook that can not be reached stops requests, unless failures are ignored', async () => {
  await configure('Validating', { clientConfig: { service: { namespace: 'default', name: 'nobody', path: '/check' } }, timeoutSeconds: 2 })
  expect(await refusal(config('x'))).toEqual([500, 'Internal error occurred: failed calling webhook "hook.example.com": failed to call webhook: Post "https://nobody.default.svc:443/check?timeout=2s": service "nobody" not found'])
  await remove('Validating')
  await configure('Validating', { failurePolicy: 'Ignore', timeoutSeconds: 2 })
  answer = () => new Promise(() => {})
  const waiting = refusal(config('slow'))
  await lab.clock.advance(2_000)
  expect(await waiting).toBeUndefined()
  await remove('Validating')
})
