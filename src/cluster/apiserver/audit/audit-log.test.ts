import { expect, it } from 'vitest'
import { ClusterClock } from '../../../base/clock.ts'
import { httpRequest } from '../../../base/http.ts'
import { testPlatform } from '../../../base/test-platform.ts'
import { requestInfo } from '../request-info.ts'
import { AuditLog } from './audit-log.ts'
import { auditPolicyOf, auditRuleFor } from './audit-policy.ts'

const policy = auditPolicyOf({
  apiVersion: 'audit.k8s.io/v1', kind: 'Policy', omitStages: ['RequestReceived'],
  rules: [
    { level: 'None', users: ['system:kube-proxy'], verbs: ['watch'] },
    { level: 'RequestResponse', resources: [{ group: '', resources: ['configmaps'] }], omitManagedFields: true },
    { level: 'Metadata', resources: [{ group: '', resources: ['pods/log', '*/status'] }] },
    { level: 'Metadata', nonResourceURLs: ['/healthz*'] },
    { level: 'Request', namespaces: ['kube-system'] },
  ],
})
const info = (method: string, path: string) => requestInfo(method, path, new URLSearchParams(path.split('?')[1] ?? ''))
const ann = { name: 'ann', groups: ['dev'] }

it('the first rule that fits gives the level', () => {
  const level = (method: string, path: string, user = ann) => auditRuleFor(policy, user, info(method, path)).level
  expect(level('GET', '/api/v1/namespaces/x/configmaps/c')).toBe('RequestResponse')
  expect(level('GET', '/api/v1/namespaces/x/pods/p/log')).toBe('Metadata')
  expect(level('PUT', '/api/v1/namespaces/x/pods/p/status')).toBe('Metadata')
  expect(level('GET', '/api/v1/namespaces/x/pods/p')).toBe('None')
  expect(level('GET', '/api/v1/namespaces/kube-system/pods')).toBe('Request')
  expect(level('GET', '/healthz/etcd')).toBe('Metadata')
})

it('a policy must have rules with levels', () => {
  expect(() => auditPolicyOf({ apiVersion: 'audit.k8s.io/v1', kind: 'Policy', rules: [] })).toThrow('loaded illegal policy with 0 rules')
  expect(() => auditPolicyOf({ apiVersion: 'audit.k8s.io/v1', kind: 'Policy', rules: [{ level: 'All' }] })).toThrow('supported values')
})

it('an event holds who asked for what, both objects, the status and annotations', async () => {
  const lines: string[] = []
  const clock = new ClusterClock(testPlatform, { startMs: Date.UTC(2026, 0, 1), mode: 'paused' })
  const log = new AuditLog({ policy, write: (line) => lines.push(line) }, clock)
  const path = '/api/v1/namespaces/x/configmaps'
  const request = httpRequest(`https://h${path}`, { method: 'POST', headers: { 'content-type': 'application/json', 'user-agent': 'kubectl/v1' }, body: '{"metadata":{"name":"c","managedFields":[]}}' })
  const trail = log.begin({ auditId: 'id', request, uri: path, info: info('POST', path), user: ann, remoteAddress: '10.0.0.9' })!
  trail.annotate('authorization.k8s.io/decision', 'allow')
  expect(await (await trail.read(request)).text()).toContain('"name":"c"')
  const answer = await trail.complete(new Response('{"kind":"ConfigMap"}', { status: 201 }), false)
  expect(await answer.text()).toBe('{"kind":"ConfigMap"}')
  expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([{
    kind: 'Event', apiVersion: 'audit.k8s.io/v1', level: 'RequestResponse', auditID: 'id', stage: 'ResponseComplete', requestURI: path, verb: 'create', user: { username: 'ann', groups: ['dev'] },
    sourceIPs: ['10.0.0.9'], userAgent: 'kubectl/v1', objectRef: { resource: 'configmaps', namespace: 'x', name: 'c', apiVersion: 'v1' }, responseStatus: { metadata: {}, code: 201 },
    requestObject: { metadata: { name: 'c' } }, responseObject: { kind: 'ConfigMap' }, requestReceivedTimestamp: '2026-01-01T00:00:00.000000Z', stageTimestamp: '2026-01-01T00:00:00.000000Z',
    annotations: { 'authorization.k8s.io/decision': 'allow' },
  }])
})

it('who is unknown leaves one event, when the refusal begins', async () => {
  const lines: string[] = []
  const clock = new ClusterClock(testPlatform, { startMs: Date.UTC(2026, 0, 1), mode: 'paused' })
  const log = new AuditLog({ policy, write: (line) => lines.push(line) }, clock)
  const path = '/api/v1/namespaces/x/configmaps'
  const refusal = () => new Response('{"kind":"Status","status":"Failure","message":"Unauthorized","reason":"Unauthorized","code":401}', { status: 401 })
  const asked = (at: string) => ({ auditId: 'id', request: httpRequest(`https://h${at}`, { method: 'GET' }), uri: at, info: info('GET', at) })
  expect((await log.refused(asked(path), refusal())).status).toBe(401)
  await log.refused(asked('/api/v1/namespaces/x/pods'), refusal())
  expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([{
    kind: 'Event', apiVersion: 'audit.k8s.io/v1', level: 'RequestResponse', auditID: 'id', stage: 'ResponseStarted', requestURI: path, verb: 'list', user: {}, objectRef: { resource: 'configmaps', namespace: 'x', apiVersion: 'v1' },
    responseStatus: { metadata: {}, status: 'Failure', message: 'Unauthorized', reason: 'Unauthorized', code: 401 }, responseObject: { kind: 'Status', status: 'Failure', message: 'Unauthorized', reason: 'Unauthorized', code: 401 },
    requestReceivedTimestamp: '2026-01-01T00:00:00.000000Z', stageTimestamp: '2026-01-01T00:00:00.000000Z',
  }])
})
