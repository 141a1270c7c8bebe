import { afterAll, beforeAll, expect, test } from 'vitest'
import type { KubeObject } from '../../kinds/object.ts'
import { isStatusError, type Status } from '../../kinds/status-error.ts'
import { type TestApiServer, startTestApiServer } from '../auth/test-api-server.ts'

let lab: TestApiServer
beforeAll(async () => {
  lab = await startTestApiServer()
  await lab.masters.create('serviceaccounts', { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace: 'default' } })
  const node = (name: string, labels: Record<string, string>, status: object) => lab.masters.create('nodes', { apiVersion: 'v1', kind: 'Node', metadata: { name, labels }, status } as KubeObject)
  await node('near', { 'topology.kubernetes.io/zone': 'z', 'topology.kubernetes.io/region': 'r', other: 'x' }, { allocatable: { cpu: '2', memory: '1Gi' } })
  await node('windows', { 'kubernetes.io/os': 'windows' }, { allocatable: { cpu: '2', memory: '1Gi' } })
})
afterAll(() => lab.stop())

const status = (work: Promise<unknown>): Promise<Status | undefined> => work.then(() => undefined, (error: unknown) => { if (isStatusError(error)) return error.status; throw error })
const pod = (name: string, nodeName?: string, spec: object = {}) => lab.masters.create<KubeObject>('pods', {
  apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'default', labels: { app: 'a', 'topology.kubernetes.io/zone': 'mine' } },
  spec: { ...(nodeName ? { nodeName } : {}), containers: [{ name: 'c', image: 'i', resources: { requests: { cpu: '1', memory: '1Mi' } } }], ...spec },
})
const resize = (name: string, requests: Record<string, string>) => lab.masters.patch('pods', name, 'default', 'application/strategic-merge-patch+json', { spec: { containers: [{ name: 'c', resources: { requests } }] } }, { subresource: 'resize' })

test('pods carry the zone and region of their node', async () => {
  await pod('bound')
  await lab.masters.createSubresource('pods', 'bound', 'default', 'binding', { apiVersion: 'v1', kind: 'Binding', metadata: { name: 'bound' }, target: { kind: 'Node', name: 'near' } })
  const wanted = { app: 'a', 'topology.kubernetes.io/region': 'r', 'topology.kubernetes.io/zone': 'z' }
  expect((await lab.masters.get<KubeObject>('pods', 'bound', 'default')).metadata.labels).toEqual(wanted)
  expect((await pod('placed', 'near')).metadata.labels).toEqual(wanted)
  expect((await pod('nowhere', 'unknown')).metadata.labels).toEqual({ app: 'a', 'topology.kubernetes.io/zone': 'mine' })
})

test('a bound pod grows to what its node has, and only on Linux', async () => {
  await pod('grows', 'near')
  await resize('grows', { cpu: '2' })
  expect(await status(resize('grows', { cpu: '2001m', memory: '2Gi' }))).toMatchObject({
    code: 403, reason: 'Forbidden', message: 'pods "grows" is forbidden: node didn\'t have enough allocatable resources: cpu, requested: 2001, allocatable: 2000; memory, requested: 2147483648, allocatable: 1073741824',
    details: { name: 'grows', kind: 'pods', causes: [{ reason: 'NodeCapacity' }] },
  })
  await pod('wide')
  await resize('wide', { cpu: '64' })
  await pod('elsewhere', 'windows')
  expect(await status(resize('elsewhere', { cpu: '2' }))).toMatchObject({ message: 'pods "elsewhere" is forbidden: pod resize is only supported on linux nodes, node "windows" is "windows"', details: { causes: [{ reason: 'UnsupportedPlatform' }] } })
})

test('what only newer kubelets can change needs a node that declares it', async () => {
  await pod('whole', 'near', { resources: { requests: { cpu: '1', memory: '1Mi' }, limits: { cpu: '2' } } })
  const change = () => lab.masters.patch<KubeObject>('pods', 'whole', 'default', 'application/merge-patch+json', { spec: { resources: { requests: { cpu: '2' } } } }, { subresource: 'resize' })
  expect((await status(change()))?.message).toBe('pods "whole" is forbidden: pod update requires features InPlacePodLevelResourcesVerticalScaling which are not available on node "near"')
  await lab.masters.patch('nodes', 'near', undefined, 'application/merge-patch+json', { status: { declaredFeatures: ['InPlacePodLevelResourcesVerticalScaling'] } }, { subresource: 'status' })
  expect((await change())['spec'].resources.requests.cpu).toBe('2')
})
