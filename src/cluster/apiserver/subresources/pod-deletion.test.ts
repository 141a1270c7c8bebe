/** Deletions of pods that have begun, evictions and bindings, as a server with all its parts judges them. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type TestApiServer, startTestApiServer } from '../auth/test-api-server.ts'

const PODS = '/api/v1/namespaces/default/pods'
let lab: TestApiServer
let connection: { clientCertificatePem: string }
beforeEach(async () => {
  lab = await startTestApiServer()
  connection = { clientCertificatePem: (await lab.pki.issueClientCertificate({ commonName: 'ada', organizations: ['system:masters'] })).certificatePem }
  await call('POST', '/api/v1/namespaces/default/serviceaccounts', { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default' } })
})
afterEach(() => lab.stop())

const call = (method: string, path: string, body: object = {}) => lab.call(method, path, { body, connection })
const create = (metadata: object, spec: object = {}) =>
  call('POST', PODS, { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', ...metadata }, spec: { automountServiceAccountToken: false, containers: [{ name: 'c', image: 'i' }], ...spec } })

test('a pod that only finalizers keep can still be told what becomes of its dependents', async () => {
  await create({ finalizers: ['example.com/hold'] })
  expect((await call('DELETE', `${PODS}/p`)).body.metadata).toMatchObject({ deletionGracePeriodSeconds: 0, finalizers: ['example.com/hold'] })
  expect((await call('DELETE', `${PODS}/p`, { propagationPolicy: 'Foreground', gracePeriodSeconds: 5 })).body.metadata).toMatchObject({ deletionGracePeriodSeconds: 0, finalizers: ['example.com/hold', 'foregroundDeletion'] })
})

test('a grace period that is over when it is shortened becomes the shortest one', async () => {
  await create({}, { nodeName: 'n' })
  await call('DELETE', `${PODS}/p`, { gracePeriodSeconds: 600 })
  await lab.clock.advance(60_000)
  expect((await call('DELETE', `${PODS}/p`, { gracePeriodSeconds: 5 })).body.metadata.deletionGracePeriodSeconds).toBe(1)
})

test('an eviction that is asked for dryly in two ways is refused', async () => {
  await create({})
  const eviction = (dryRun: string[]) => call('POST', `${PODS}/p/eviction?dryRun=All`, { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'p' }, deleteOptions: { dryRun } })
  expect((await eviction(['All', 'All'])).body).toMatchObject({ code: 500, message: 'Non-matching dry-run options in request and content: [All] and [All All]' })
  expect((await eviction(['All'])).body).toMatchObject({ status: 'Success', code: 201 })
})

test('what a nameless binding says of its node is judged first', async () => {
  const bind = (target: object) => call('POST', '/api/v1/namespaces/default/bindings', { apiVersion: 'v1', kind: 'Binding', metadata: { name: '' }, target })
  expect((await bind({ kind: 'Minion', name: 'n' })).body.message).toBe('target.kind: Unsupported value: "Minion": supported values: "Node", "<empty>"')
  expect((await bind({ name: 'n' })).body.message).toBe('Name parameter required.')
})
