/** What requests give as empty lists and maps is gone once stored, but not before it was judged. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { KubeObject } from '../kinds/object.ts'
import { isStatusError } from '../kinds/status-error.ts'
import { type TestApiServer, startTestApiServer } from './auth/test-api-server.ts'

let lab: TestApiServer
let connection: { clientCertificatePem: string }
beforeAll(async () => {
  lab = await startTestApiServer()
  connection = { clientCertificatePem: (await lab.pki.issueClientCertificate({ commonName: 'ada', organizations: ['system:masters'] })).certificatePem }
})
afterAll(() => lab.stop())

const call = (method: string, path: string, body: object) => lab.call(method, path, { body, connection })
const metadata = { name: 'a', namespace: 'default' }

test('a network policy whose rules are given as none counts as changed each time', async () => {
  const policy = (spec: object) => ({ apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata, spec: { podSelector: {}, policyTypes: ['Ingress'], ...spec } })
  const path = '/apis/networking.k8s.io/v1/namespaces/default/networkpolicies'
  await call('POST', path, policy({ ingress: [] }))
  expect((await call('PUT', `${path}/a`, policy({}))).body.metadata.generation).toBe(1)
  expect((await call('PUT', `${path}/a`, policy({ ingress: [] }))).body.metadata.generation).toBe(2)
  const labelled = await lab.call('PATCH', `${path}/a`, { body: { metadata: { labels: { a: 'b' } } }, connection, headers: { 'content-type': 'application/merge-patch+json' } })
  expect(labelled.body.metadata.generation).toBe(2)
})

test('the difference between two claims tells empty from absent', async () => {
  const claim = (spec: object) => ({ apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, storageClassName: 'x', ...spec } })
  const path = '/api/v1/namespaces/default/persistentvolumeclaims'
  await call('POST', path, claim({}))
  // What was given as empty long ago is absent by now.
  await call('POST', path, { ...claim({ resources: { limits: {}, requests: { storage: '1Gi' } } }), metadata: { ...metadata, name: 'b' } })
  expect((await call('PUT', `${path}/b`, { ...claim({ storageClassName: 'y' }), metadata: { ...metadata, name: 'b' } })).body.message).not.toContain('"Limits": {}')
  expect((await call('PUT', `${path}/a`, claim({ accessModes: [] }))).body.message).toContain('+ "AccessModes": [],\n')
  expect((await call('PUT', `${path}/a`, claim({ dataSource: { apiGroup: 'A_b', kind: 'X', name: 'x' }, dataSourceRef: { apiGroup: 'A_b', kind: 'X', name: 'x' } }))).body.message).toContain('spec.dataSource.apiGroup: Invalid value: "A_b"')
})

test('ephemeral containers may not even have an empty list of ports', async () => {
  const answer = await call('POST', '/api/v1/namespaces/default/podtemplates', { apiVersion: 'v1', kind: 'PodTemplate', metadata, template: { metadata: {}, spec: { containers: [{ name: 'c', image: 'i' }], ephemeralContainers: [{ name: 'e', image: 'i', ports: [], resources: { limits: {} } }] } } })
  expect(answer.body.details.causes.map(({ field }: { field: string }) => field)).toEqual(['template.spec.ephemeralContainers[0].ports', 'template.spec.ephemeralContainers[0].resources', 'template.spec.ephemeralContainers'])
})

test('field managers own fields of features that are off, which are not kept', async () => {
  const made = await lab.masters.create<KubeObject>('leases.coordination.k8s.io', { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata, spec: { holderIdentity: 'h', strategy: 'OldestEmulationVersion' } })
  expect(made['spec']).toEqual({ holderIdentity: 'h' })
  expect(JSON.stringify(made.metadata.managedFields)).toContain('"f:strategy":{}')
})

test('a slice may come without endpoints', async () => {
  expect((await call('POST', '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices', { apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', metadata, addressType: 'IPv4' })).code).toBe(201)
})

test('a signer can only issue certificates', async () => {
  const request = `-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n`
  const made = await lab.masters.create<KubeObject>('certificatesigningrequests.certificates.k8s.io', { apiVersion: 'certificates.k8s.io/v1', kind: 'CertificateSigningRequest', metadata: { name: 'a' }, spec: { request: btoa(request), signerName: 'example.com/x', usages: ['client auth'] } })
  const problem = (certificate: string) => lab.masters.updateStatus('certificatesigningrequests.certificates.k8s.io', { ...made, status: { certificate: btoa(certificate) } }).then(() => '', (error: unknown) => (isStatusError(error) ? error.message.replace(/^.*certificate data>": /, '') : String(error)))
  expect(await problem('hello')).toBe('must contain at least one CERTIFICATE PEM block')
  expect(await problem(request)).toBe('only CERTIFICATE PEM blocks are allowed, found "CERTIFICATE REQUEST"')
  expect(await problem('-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n')).toBe('x509: malformed certificate')
  expect(await problem((await lab.pki.issueClientCertificate({ commonName: 'ada' })).certificatePem)).toBe('')
})

test('a field selector that compares nothing with nothing is none', async () => {
  expect((await lab.call('GET', '/api/v1/namespaces/default/configmaps?fieldSelector=%3D', { connection })).code).toBe(200)
  expect((await lab.call('GET', '/api/v1/namespaces/default/configmaps?fieldSelector=%3Dx', { connection })).code).toBe(400)
})
