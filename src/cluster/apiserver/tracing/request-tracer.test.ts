import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestApiServer } from '../auth/test-api-server.ts'
import type { TestApiServer } from '../auth/test-api-server.ts'
import { changesBetween } from './changes.ts'

test('changes are told by their place; what went has no value, and a long list ends', () => {
  expect(changesBetween({ a: 1, b: { c: [1, 2], 'x/y': 'z' } }, { a: 1, b: { c: [1, 3, 4] }, d: {} })).toEqual(['b.c[1]: 3', 'b.c[2]: 4', 'b["x/y"]', 'd: {}'])
  expect(changesBetween({}, Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`k${i}`, i])))).toHaveLength(21)
  expect(changesBetween({}, { long: 'x'.repeat(500) })[0]!.length).toBeLessThan(140)
})

let api: TestApiServer
beforeAll(async () => {
  api = await startTestApiServer()
  await api.masters.create('namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'x' } })
  await api.masters.create('serviceaccounts', { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace: 'x' } })
})
afterAll(() => api.stop())

const certificateFor = async ({ pki }: TestApiServer, { name, groups }: { name: string; groups: string[] }) => ({ clientCertificatePem: (await pki.issueClientCertificate({ commonName: name, organizations: groups })).certificatePem })
const steps = () => api.server.tracer.requests().at(-1)!.steps.map(({ stage, name, outcome }) => `${stage} ${name} ${outcome}`)
const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', namespace: 'x' }, spec: { containers: [{ name: 'c', image: 'i' }] } }

test('nothing is noted while nobody looks, and all is forgotten afterwards', async () => {
  await api.call('GET', '/api/v1/namespaces/x/pods')
  expect(api.server.tracer.requests()).toEqual([])
  api.server.tracer.on()
  await api.call('GET', '/version')
  expect(api.server.tracer.requests()).toHaveLength(1)
  api.server.tracer.off()
  expect(api.server.tracer.requests()).toEqual([])
})

test('a write passes authentication, authorization, admission in its order, validation, and is stored', async () => {
  api.server.tracer.on()
  const connection = await certificateFor(api, { name: 'root', groups: ['system:masters'] })
  expect((await api.call('POST', '/api/v1/namespaces/x/pods', { body: pod, connection, headers: { 'user-agent': 'kubectl/v1.36.3' } })).code).toBe(201)
  const { method, uri, userAgent, code, steps: all } = api.server.tracer.requests().at(-1)!
  expect({ method, uri, userAgent, code }).toEqual({ method: 'POST', uri: '/api/v1/namespaces/x/pods', userAgent: 'kubectl/v1.36.3', code: 201 })
  expect([...new Set(all.map(({ stage }) => stage))]).toEqual(['authentication', 'flow', 'authorization', 'mutation', 'schema', 'validation', 'storage'])
  expect(all[0]).toEqual({ stage: 'authentication', name: 'root', outcome: 'passed', detail: 'system:masters, system:authenticated' })
  expect(all.find(({ stage }) => stage === 'authorization')).toMatchObject({ name: 'create pods', outcome: 'passed' })
  const account = all.find(({ stage, name }) => stage === 'mutation' && name === 'ServiceAccount')!
  expect(account.outcome).toBe('changed')
  expect(account.changes).toContain('spec.serviceAccountName: "default"')
  expect(all.at(-1)).toMatchObject({ stage: 'storage', name: '/registry/pods/x/p' })
  expect(all.at(-1)!.detail).toMatch(/^revision \d+$/)
})

test('what a write comes to: nothing on a dry run, nothing where nothing changes, the end of what is deleted', async () => {
  const connection = await certificateFor(api, { name: 'root', groups: ['system:masters'] })
  const stored = () => api.server.tracer.requests().at(-1)!.steps.at(-1)
  const path = '/api/v1/namespaces/x/configmaps'
  const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c', finalizers: ['a/b'] }, data: { a: 'b' } }
  const key = { stage: 'storage', name: '/registry/configmaps/x/c' }
  await api.call('POST', path, { body: object, connection })
  await api.call('PUT', `${path}/c?dryRun=All`, { body: { ...object, data: { a: 'c' } }, connection })
  expect(stored()).toMatchObject({ ...key, detail: 'dry run' })
  await api.call('PUT', `${path}/c`, { body: object, connection })
  expect(stored()).toMatchObject({ ...key, detail: 'unchanged' })
  await api.call('DELETE', `${path}/c`, { connection })
  expect(stored()!.detail).toMatch(/^revision \d+, marked for deletion$/)
  await api.call('PUT', `${path}/c`, { body: { ...object, metadata: { name: 'c' } }, connection })
  expect(stored()).toMatchObject({ ...key, detail: 'deleted' })
})

test('who looks sees nothing of their own questions, which leave room for the others', async () => {
  api.server.tracer.off()
  api.server.tracer.on('page')
  await api.call('GET', '/version', { headers: { 'user-agent': 'page' } })
  await api.call('GET', '/version', { headers: { 'user-agent': 'kubectl' } })
  expect(api.server.tracer.requests().map(({ userAgent }) => userAgent)).toEqual(['kubectl'])
})

test('a refusal says where it was refused and why', async () => {
  const someone = await certificateFor(api, { name: 'someone', groups: [] })
  await api.call('DELETE', '/api/v1/namespaces/x/pods/p', { connection: someone })
  expect(steps().at(-1)).toBe('authorization delete pods refused')
  expect(api.server.tracer.requests().at(-1)).toMatchObject({ code: 403, problem: expect.stringContaining('User "someone" cannot delete resource "pods"') as string })
  const root = await certificateFor(api, { name: 'root', groups: ['system:masters'] })
  await api.call('POST', '/api/v1/namespaces/x/pods', { body: { ...pod, metadata: { name: 'q' }, spec: { containers: [] } }, connection: root })
  expect(steps().at(-1)).toBe('schema Pod refused')
  await api.call('POST', '/api/v1/namespaces/gone/pods', { body: { ...pod, metadata: { name: 'q' } }, connection: root })
  expect(steps().at(-1)).toBe('mutation NamespaceLifecycle refused')
  await api.call('GET', '/api/v1/pods', { connection: root, headers: { 'impersonate-user': 'ann' } })
  expect(steps().slice(-3)).toEqual(['impersonation ann passed', 'flow global-default passed', 'authorization list pods refused'])
  await api.call('GET', '/api/v1/pods', { connection: someone, headers: { 'impersonate-user': 'ann' } })
  expect(steps()).toEqual(['authentication someone passed', 'impersonation ann refused'])
  await api.call('GET', '/api/v1/pods', { token: 'nonsense' })
  expect(steps()).toEqual(['authentication  refused'])
})
