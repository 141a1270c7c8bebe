import { afterEach, describe, expect, it } from 'vitest'
import { httpRequest } from '../../../base/http.ts'
import type { KubeObject } from '../../kinds/object.ts'
import { startTestApiServer, type TestApiServer } from '../auth/test-api-server.ts'
import { FlowControl, TooManyRequests } from './flow-control.ts'

let lab: TestApiServer
afterEach(() => lab.stop())

async function headersFor(user: { commonName: string; organizations?: string[] }, path: string, method = 'GET'): Promise<{ code: number; schema: string | null; level: string | null }> {
  const { certificatePem } = await lab.pki.issueClientCertificate(user)
  const response = await lab.server.handle(httpRequest(`https://localhost${path}`, { method }), { clientCertificatePem: certificatePem })
  await response.body?.cancel()
  return { code: response.status, schema: response.headers.get('x-kubernetes-pf-flowschema-uid'), level: response.headers.get('x-kubernetes-pf-prioritylevel-uid') }
}

const uidOf = async (kind: 'flowschemas' | 'prioritylevelconfigurations', name: string) => (await lab.masters.get<KubeObject>(`${kind}.flowcontrol.apiserver.k8s.io`, name)).metadata.uid

describe('priority and fairness', () => {
  it('tells in each answer which schema and level a request fell under, also in refusals', async () => {
    lab = await startTestApiServer()
    expect(await headersFor({ commonName: 'root', organizations: ['system:masters'] }, '/api/v1/pods')).toEqual({ code: 200, schema: await uidOf('flowschemas', 'exempt'), level: await uidOf('prioritylevelconfigurations', 'exempt') })
    expect(await headersFor({ commonName: 'ann' }, '/api/v1/pods')).toEqual({ code: 403, schema: await uidOf('flowschemas', 'global-default'), level: await uidOf('prioritylevelconfigurations', 'global-default') })
    expect((await headersFor({ commonName: 'system:node:n1', organizations: ['system:nodes'] }, '/api/v1/nodes/n1')).schema).toBe(await uidOf('flowschemas', 'system-node-high'))
    expect((await headersFor({ commonName: 'ann' }, '/healthz')).schema).toBe(await uidOf('flowschemas', 'probes'))
    expect((await headersFor({ commonName: 'root', organizations: ['system:masters'] }, '/api/v1/namespaces/default/pods/x/log')).schema).toBe(null)
  })

  it('follows new schemas, and says of one without a level that it dangles', async () => {
    lab = await startTestApiServer()
    lab.server.start()
    const schema = (level: string) => ({
      apiVersion: 'flowcontrol.apiserver.k8s.io/v1', kind: 'FlowSchema', metadata: { name: 'ann' },
      spec: { matchingPrecedence: 50, priorityLevelConfiguration: { name: level }, rules: [{ subjects: [{ kind: 'User', user: { name: 'ann' } }], resourceRules: [{ verbs: ['list'], apiGroups: [''], resources: ['pods'], namespaces: ['*'], clusterScope: true }] }] },
    })
    await lab.masters.create('flowschemas.flowcontrol.apiserver.k8s.io', schema('none'))
    await lab.clock.advance(1000)
    const { status } = await lab.masters.get<KubeObject>('flowschemas.flowcontrol.apiserver.k8s.io', 'ann')
    expect((status as { conditions: unknown[] }).conditions).toMatchObject([{ type: 'Dangling', status: 'True', reason: 'NotFound', message: 'This FlowSchema references the PriorityLevelConfiguration object named "none" but there is no such object' }])
    expect((await headersFor({ commonName: 'ann' }, '/api/v1/pods')).schema).toBe(await uidOf('flowschemas', 'global-default'))
    await lab.masters.create('prioritylevelconfigurations.flowcontrol.apiserver.k8s.io', { apiVersion: 'flowcontrol.apiserver.k8s.io/v1', kind: 'PriorityLevelConfiguration', metadata: { name: 'none' }, spec: { type: 'Limited', limited: { nominalConcurrencyShares: 1, limitResponse: { type: 'Reject' } } } })
    await lab.clock.advance(1000)
    expect((await headersFor({ commonName: 'ann' }, '/api/v1/pods')).schema).toBe(await uidOf('flowschemas', 'ann'))
    expect(((await lab.masters.get<KubeObject>('flowschemas.flowcontrol.apiserver.k8s.io', 'ann')).status as { conditions: unknown[] }).conditions).toMatchObject([{ status: 'False', reason: 'Found' }])
  })

  it('brings its mandatory objects back', async () => {
    lab = await startTestApiServer()
    lab.server.start()
    await lab.masters.delete('flowschemas.flowcontrol.apiserver.k8s.io', 'catch-all')
    await lab.clock.advance(61_000)
    expect(await lab.masters.get('flowschemas.flowcontrol.apiserver.k8s.io', 'catch-all')).toMatchObject({ spec: { matchingPrecedence: 10_000 } })
  })

  it('gives a seat back to the flow whose turn it is, and refuses those who waited too long', async () => {
    lab = await startTestApiServer()
    const flow = new FlowControl({ clock: lab.clock, reader: lab.server.reader })
    const [schema] = lab.server.reader.list<KubeObject>('flowschemas.flowcontrol.apiserver.k8s.io').filter((s) => s.metadata.name === 'global-default')
    const [level] = lab.server.reader.list<KubeObject>('prioritylevelconfigurations.flowcontrol.apiserver.k8s.io').filter((l) => l.metadata.name === 'global-default')
    const enter = (of: string) => flow.admit({ flowSchema: schema as never, priorityLevel: level as never, flow: of })
    const leave: (() => void)[] = []
    let taken = enter('a')
    while (!(taken instanceof Promise)) { leave.push(taken); taken = enter('a') }
    const order: string[] = []
    const waiting = [taken.then(() => order.push('a1')), (enter('a') as Promise<() => void>).then(() => order.push('a2')), (enter('b') as Promise<() => void>).then(() => order.push('b1'))]
    leave.shift()!()
    leave.shift()!()
    await Promise.all([waiting[0], waiting[2]])
    expect(order).toEqual(['a1', 'b1'])
    const refused = expect(waiting[1]).rejects.toBeInstanceOf(TooManyRequests)
    await lab.clock.advance(16_000)
    await refused
    flow.stop()
  })
})
