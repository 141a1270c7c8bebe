import { beforeEach, describe, expect, test } from 'vitest'
import { ClusterClock } from '../../base/clock.ts'
import { httpRequest } from '../../base/http.ts'
import { silentLog } from '../../base/log.ts'
import { Random } from '../../base/random.ts'
import { nodePlatform } from '../../host/platform-node.ts'
import type { Api } from '../client/api.ts'
import { Etcd } from '../etcd/etcd.ts'
import { builtInKinds } from '../kinds/index.ts'
import type { KubeObject, WatchEvent } from '../kinds/object.ts'
import { decodeProtobuf } from '../kinds/protobuf.ts'
import { isStatusError } from '../kinds/status-error.ts'
import { createApiServer, type ApiServer } from './api-server.ts'
import type { AdmissionPlugin, ClusterDialer } from './seams.ts'

let clock: ClusterClock
let etcd: Etcd
let server: ApiServer
let api: Api
let admission: AdmissionPlugin[]
let dialer: ClusterDialer

/** All have the same chance, in the same order. */
function newServer(): ApiServer {
  return createApiServer({
    etcd, clock, random: new Random('test'), log: silentLog, kinds: builtInKinds, version: { gitVersion: 'v1.36.3' },
    dialer: { kubelet: (...args) => dialer.kubelet(...args), http: (...args) => dialer.http(...args) },
    parts: () => ({
      authenticators: [{ authenticate: async (request) => request.headers.has('anonymous') ? undefined : { name: 'admin', groups: ['system:masters'] } }],
      authorizer: { authorize: ({ user, verb }) => ({ allowed: user.groups.includes('system:masters') || verb === 'get' }) },
      admission: [{ name: 'Test', mutate: async (...args) => { for (const plugin of admission) await plugin.mutate?.(...args) } }],
      virtualResources: [],
    }),
  })
}

beforeEach(async () => {
  clock = new ClusterClock(nodePlatform, { mode: 'paused', startMs: Date.UTC(2030, 0, 1) })
  etcd = new Etcd({ clock })
  admission = []
  dialer = { kubelet: () => Promise.reject(new Error('dial tcp 10.0.0.1:10250: connect: connection refused')), http: () => Promise.reject(new Error('no route')) }
  server = newServer()
  api = server.as({ name: 'admin', groups: ['system:masters'] })
  await api.create('namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'default' } })
})

async function http(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
  const response = await server.handle(httpRequest(`https://test${path}`, {
    method, headers: { 'content-type': 'application/json', ...headers }, body: body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body),
  }))
  const text = await response.text()
  return { status: response.status, headers: response.headers, text, get json() { return JSON.parse(text) } }
}
const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps'
const configMap = (name: string, data: Record<string, string> = {}, more: Partial<KubeObject['metadata']> = {}): KubeObject => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default', ...more }, data })
const pod = (name: string, nodeName?: string): KubeObject => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'default' }, spec: { containers: [{ name: 'a', image: 'x' }], ...(nodeName ? { nodeName } : {}) } })
const reasonOf = (work: Promise<unknown>) => work.then(() => 'none', (error) => isStatusError(error) ? error.reason : String(error))
const settled = async () => { for (let i = 0; i < 5; i++) await Promise.resolve() }

describe('in process', () => {
  test('objects come out frozen, shared, and with the revision of etcd', async () => {
    const made = await api.create('configmaps', configMap('a', { k: '1' }))
    expect(Object.isFrozen(made['data'])).toBe(true)
    expect(made.metadata.resourceVersion).toBe(String(etcd.revision))
    expect(await api.get('configmaps', 'a', 'default')).toBe(made)
    expect(server.reader.get('configmaps', 'default', 'a')).toBe(made)
  })

  test('an update with a stale version conflicts, one without change writes nothing', async () => {
    const made = await api.create('configmaps', configMap('a', { k: '1' }))
    const newer = await api.update('configmaps', { ...made, data: { k: '2' } })
    expect(await reasonOf(api.update('configmaps', { ...made, data: { k: '3' } }))).toBe('Conflict')
    const revision = etcd.revision
    expect(await api.update('configmaps', newer)).toBe(newer)
    expect(etcd.revision).toBe(revision)
  })

  test('an update that names no version survives another one in between', async () => {
    await api.create('configmaps', configMap('a', { k: '1' }))
    let meddled = false
    admission = [{
      name: 'Meddler',
      async mutate({ operation }) {
        if (operation !== 'UPDATE' || meddled) return
        meddled = true
        await api.patch('configmaps', 'a', 'default', 'application/merge-patch+json', { metadata: { labels: { by: 'meddler' } } })
      },
    }]
    await api.patch('configmaps', 'a', 'default', 'application/merge-patch+json', { data: { k: '2' } })
    expect(await api.get('configmaps', 'a', 'default')).toMatchObject({ data: { k: '2' }, metadata: { labels: { by: 'meddler' } } })
  })

  test('who may not, gets Forbidden in upstream words', async () => {
    const error = await server.as({ name: 'eve', groups: [] }).create('configmaps', configMap('a')).catch((e) => e)
    expect(error.status).toMatchObject({ code: 403, message: 'configmaps is forbidden: User "eve" cannot create resource "configmaps" in API group "" in the namespace "default"' })
  })

  test('a watch comes in batches, in order, never synchronously', async () => {
    const batches: (readonly WatchEvent[])[] = []
    const { resourceVersion } = (await api.list('configmaps')).metadata
    const watch = api.watch('configmaps', { resourceVersion: resourceVersion! }, (events) => batches.push(events))
    const made = await api.create('configmaps', configMap('a'))
    await api.delete('configmaps', 'a', 'default')
    await settled()
    expect(batches.flat().map((event) => event.type)).toEqual(['ADDED', 'DELETED'])
    expect(batches.flat()[0]!.object).toBe(made)
    watch.stop()
    await api.create('configmaps', configMap('b'))
    await settled()
    expect(batches.flat()).toHaveLength(2)
  })

  test('a kubelet hears of a Pod as it is bound, by its field selector', async () => {
    const seen: string[] = []
    api.watch('pods', { resourceVersion: String(etcd.revision), fieldSelector: 'spec.nodeName=n1' }, (events) => seen.push(...events.map((e) => `${e.type} ${e.object.metadata.name}`)))
    await api.create('pods', pod('p'))
    await api.create('pods', pod('q', 'n2'))
    await api.createSubresource('pods', 'p', 'default', 'binding', { apiVersion: 'v1', kind: 'Binding', metadata: { name: 'p' }, target: { kind: 'Node', name: 'n1' } })
    await api.delete('pods', 'q', 'default', { gracePeriodSeconds: 0 })
    await settled()
    expect(seen).toEqual(['ADDED p'])
  })

  test('a watch from before the last compaction ends with Expired', async () => {
    await clock.advance(11 * 60_000)
    const ends: unknown[] = []
    api.watch('configmaps', { resourceVersion: '1' }, () => {}, (error) => ends.push(error))
    await settled()
    expect(ends).toHaveLength(1)
    expect(isStatusError(ends[0], 'Expired')).toBe(true)
  })

  test('a generated name that is taken is tried again, and nothing of the first one stays', async () => {
    const create = (by: Api) => by.create<KubeObject>('jobs.batch', {
      apiVersion: 'batch/v1', kind: 'Job', metadata: { generateName: 'gen-', namespace: 'default' }, spec: { template: { spec: { restartPolicy: 'Never', containers: [{ name: 'a', image: 'x' }] } } },
    })
    const first = await create(api)
    const twin = newServer().as({ name: 'admin', groups: ['system:masters'] })
    await twin.create('namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'other' } })
    const second = await create(twin)
    expect(second.metadata.name).not.toBe(first.metadata.name)
    expect(second['spec'].template.metadata.labels).toMatchObject({ 'batch.kubernetes.io/job-name': second.metadata.name, 'batch.kubernetes.io/controller-uid': second.metadata.uid })
  })

  test('a dry run decides everything and stores nothing', async () => {
    const revision = etcd.revision
    const service = await api.create<KubeObject>('services', { apiVersion: 'v1', kind: 'Service', metadata: { name: 's', namespace: 'default' }, spec: { type: 'NodePort', ports: [{ port: 80 }] } }, { dryRun: true })
    expect(service['spec'].clusterIP).toMatch(/^10\.96\./)
    expect(etcd.revision).toBe(revision)
  })
})

test('objects that were written alike share their managed fields', async () => {
  const fields = async (name: string) => {
    await api.create('pods', pod(name, 'n1'))
    const written = await api.updateStatus<KubeObject>('pods', { ...await api.get<KubeObject>('pods', name, 'default'), status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] } })
    return written.metadata.managedFields!.map((entry) => entry.fieldsV1)
  }
  const [first, second] = [await fields('one'), await fields('two')]
  expect(first).toHaveLength(2)
  for (const [i, set] of first.entries()) expect(second[i]).toBe(set)
})

describe('deletion', () => {
  test('waits for finalizers and happens when the last one goes', async () => {
    await api.create('configmaps', configMap('a', {}, { finalizers: ['example.com/hold'] }))
    await api.delete('configmaps', 'a', 'default')
    expect((await api.get<KubeObject>('configmaps', 'a', 'default')).metadata).toMatchObject({ deletionTimestamp: '2030-01-01T00:00:00Z', deletionGracePeriodSeconds: 0 })
    const events: { type: string; finalizers: unknown }[] = []
    api.watch<KubeObject>('configmaps', { namespace: 'default', resourceVersion: String(etcd.revision) }, (batch) => { for (const { type, object } of batch) events.push({ type, finalizers: object.metadata.finalizers }) })
    const answer = await api.patch<KubeObject>('configmaps', 'a', 'default', 'application/merge-patch+json', { metadata: { finalizers: null } })
    expect(answer.metadata.finalizers).toBeUndefined()
    expect(await reasonOf(api.get('configmaps', 'a', 'default'))).toBe('NotFound')
    await clock.settle()
    // The state without finalizers was never stored.
    expect(events).toEqual([{ type: 'DELETED', finalizers: ['example.com/hold'] }])
  })

  test('of a bound Pod takes its grace period, which can only get shorter', async () => {
    await api.create('pods', pod('p', 'n1'))
    await api.delete('pods', 'p', 'default')
    expect((await api.get<KubeObject>('pods', 'p', 'default')).metadata).toMatchObject({ deletionGracePeriodSeconds: 30, deletionTimestamp: '2030-01-01T00:00:30Z' })
    await api.delete('pods', 'p', 'default', { gracePeriodSeconds: 60 })
    expect((await api.get<KubeObject>('pods', 'p', 'default')).metadata.deletionGracePeriodSeconds).toBe(30)
    await api.delete('pods', 'p', 'default', { gracePeriodSeconds: 0 })
    expect(await reasonOf(api.get('pods', 'p', 'default'))).toBe('NotFound')
  })

  test('respects preconditions', async () => {
    const made = await api.create('configmaps', configMap('a'))
    expect(await reasonOf(api.delete('configmaps', 'a', 'default', { preconditions: { uid: 'other' } }))).toBe('Conflict')
    await api.delete('configmaps', 'a', 'default', { preconditions: { uid: made.metadata.uid! } })
  })

  test('gives addresses and ports of a Service back', async () => {
    const service = { apiVersion: 'v1', kind: 'Service', metadata: { name: 's', namespace: 'default' }, spec: { type: 'NodePort', clusterIP: '10.96.7.7', ports: [{ port: 80, nodePort: 30007 }] } }
    await api.create('services', service)
    expect(await reasonOf(api.create('services', { ...service, metadata: { name: 't', namespace: 'default' } }))).toBe('Invalid')
    expect(server.reader.get('ipaddresses.networking.k8s.io', undefined, '10.96.7.7')).toBeDefined()
    await api.delete('services', 's', 'default')
    expect(server.reader.get('ipaddresses.networking.k8s.io', undefined, '10.96.7.7')).toBeUndefined()
    await api.create('services', service)
  })
})

describe('over HTTP', () => {
  test('the JSON has kind and version first, and lists leave them out of their items', async () => {
    const made = await http('POST', CONFIG_MAPS, configMap('a', { k: '1' }))
    expect(made.status).toBe(201)
    expect(made.text).toMatch(/^\{"kind":"ConfigMap","apiVersion":"v1","metadata":\{"name":"a","namespace":"default","uid":/)
    const list = await http('GET', CONFIG_MAPS)
    expect(list.json).toMatchObject({ kind: 'ConfigMapList', items: [{ metadata: { name: 'a' }, data: { k: '1' } }] })
    expect(list.json.items[0].kind).toBeUndefined()
  })

  test('pages of a list belong to one revision', async () => {
    for (const name of ['a', 'b', 'c']) await api.create('configmaps', configMap(name))
    const first = (await http('GET', `${CONFIG_MAPS}?limit=2`)).json
    expect(first).toMatchObject({ metadata: { remainingItemCount: 1 }, items: [{}, {}] })
    await api.delete('configmaps', 'c', 'default')
    const second = (await http('GET', `${CONFIG_MAPS}?limit=2&continue=${first.metadata.continue}`)).json
    expect(second).toMatchObject({ items: [{ metadata: { name: 'c' } }], metadata: { resourceVersion: first.metadata.resourceVersion } })
    await clock.advance(11 * 60_000)
    const late = await http('GET', `${CONFIG_MAPS}?limit=2&continue=${first.metadata.continue}`)
    expect(late.json).toMatchObject({ code: 410, reason: 'Expired', metadata: { continue: expect.any(String) } })
  })

  test('a watch streams lines and ends after timeoutSeconds', async () => {
    const response = await server.handle(httpRequest(`https://test${CONFIG_MAPS}?watch=1&timeoutSeconds=5&allowWatchBookmarks=1&sendInitialEvents=1&resourceVersionMatch=NotOlderThan`))
    const text = response.text()
    await api.create('configmaps', configMap('a'))
    await clock.advance(5000)
    const lines = (await text).trim().split('\n').map((line) => JSON.parse(line))
    expect(lines.map((line) => line.type)).toEqual(['BOOKMARK', 'ADDED'])
    expect(lines[0].object.metadata.annotations).toEqual({ 'k8s.io/initial-events-end': 'true' })
  })

  test('a client that goes away ends its watch', async () => {
    const gone = new AbortController()
    const response = await server.handle(httpRequest(`https://test${CONFIG_MAPS}?watch=1`, { signal: gone.signal }))
    const text = response.text()
    gone.abort()
    expect(await text).toBe('')
  })

  test('the anonymous may not write, and impersonation asks for leave', async () => {
    expect((await http('POST', CONFIG_MAPS, configMap('a'), { anonymous: '1' })).json).toMatchObject({ code: 403, message: 'configmaps is forbidden: User "system:anonymous" cannot create resource "configmaps" in API group "" in the namespace "default"' })
    expect((await http('GET', CONFIG_MAPS, undefined, { anonymous: '1', 'impersonate-user': 'root' })).json.message).toBe('users "root" is forbidden: User "system:anonymous" cannot impersonate resource "users" in API group "" at the cluster scope')
    expect((await http('DELETE', `${CONFIG_MAPS}/a`, undefined, { 'impersonate-user': 'eve' })).json.code).toBe(403)
  })

  test('a media type may ask for indented JSON, too, and an empty query asks for nothing', async () => {
    await http('POST', CONFIG_MAPS, configMap('a'))
    const accept = 'application/json;pretty=1'
    for (const path of [CONFIG_MAPS, `${CONFIG_MAPS}/a`, `${CONFIG_MAPS}/gone`, '/api/v1', '/apis']) {
      expect((await http('GET', path, undefined, { accept })).text).toMatch(/^\{\n {2}"kind"/)
      expect((await http('GET', path)).text).toMatch(/^\{"kind"/)
    }
    expect((await http('GET', `${CONFIG_MAPS}/a`, undefined, { accept: 'application/json;pretty=0' })).text).toMatch(/^\{"kind"/)
    expect((await http('GET', `${CONFIG_MAPS}/a?pretty=`, undefined, { 'user-agent': 'curl/8' })).text).toMatch(/^\{\n/)
    expect((await http('GET', `${CONFIG_MAPS}/a?pretty=0`, undefined, { 'user-agent': 'curl/8' })).text).toMatch(/^\{"kind"/)
  })

  test('YAML goes in and out', async () => {
    const made = await http('POST', CONFIG_MAPS, 'metadata:\n  name: app\ndata:\n  k: "1"\n', { 'content-type': 'application/yaml', accept: 'application/yaml' })
    expect(made.headers.get('content-type')).toBe('application/yaml')
    expect(made.text).toMatch(/^apiVersion: v1\ndata:\n {2}k: "1"\nkind: ConfigMap\n/)
  })

  test('a Table is made for kubectl', async () => {
    await api.create('configmaps', configMap('a', { k: '1' }))
    const table = (await http('GET', CONFIG_MAPS, undefined, { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json' })).json
    expect(table).toMatchObject({ kind: 'Table', apiVersion: 'meta.k8s.io/v1', rows: [{ object: { kind: 'PartialObjectMetadata', metadata: { name: 'a' } } }] })
    expect(table.columnDefinitions.map((column: { name: string }) => column.name)).toEqual(['Name', 'Data', 'Age'])
  })

  test('a watch of a Table has definitions in its first event only, and metadata in the order of their type', async () => {
    for (const name of ['a', 'b']) await api.create('configmaps', configMap(name, { k: '1' }))
    const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io'
    const watch = await server.handle(httpRequest(`https://test${CONFIG_MAPS}?watch=1&timeoutSeconds=1`, { headers: { accept } }))
    const text = watch.text()
    await clock.advance(1500)
    const lines = (await text).trim().split('\n')
    const tables = lines.map((line) => (JSON.parse(line) as { object: { columnDefinitions: unknown[] | null } }).object)
    expect(tables.map(({ columnDefinitions }) => columnDefinitions?.length ?? columnDefinitions)).toEqual([3, null])
    const order = /"metadata":\{"name":"[ab]","namespace":"default","uid":"[^"]+","resourceVersion":"\d+","creationTimestamp"/
    expect(lines.map((line) => order.test(line))).toEqual([true, true])
    expect((await http('GET', CONFIG_MAPS, undefined, { accept })).text).toMatch(order)
  })

  test('server-side apply creates, conflicts and takes over by force', async () => {
    const apply = (manager: string, k: string, more = '') => http('PATCH', `${CONFIG_MAPS}/a?fieldManager=${manager}${more}`, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' }, data: { k } }, { 'content-type': 'application/apply-patch+yaml' })
    expect((await apply('one', '1')).status).toBe(201)
    expect((await apply('two', '2')).json).toMatchObject({ code: 409, reason: 'Conflict', details: { causes: [{ reason: 'FieldManagerConflict', field: '.data.k' }] } })
    expect((await apply('two', '2', '&force=true')).json.data).toEqual({ k: '2' })
  })
})

describe('kubelets', () => {
  const UPGRADE = { connection: 'Upgrade', upgrade: 'websocket' }
  const addNode = () => api.create('nodes', { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1' } })

  test('of nodes that nobody registered are not asked', async () => {
    await api.create('pods', pod('p', 'n1'))
    expect((await http('GET', '/api/v1/namespaces/default/pods/p/log')).json).toMatchObject({ code: 404, message: 'pods "n1" not found' })
    for (const headers of [UPGRADE, {}]) expect((await http('POST', '/api/v1/namespaces/default/pods/p/exec?command=ls&stdout=1', undefined, headers)).json).toMatchObject({ code: 404, message: 'pods "n1" not found' })
  })

  test('are asked for logs with the parameters that matter to them', async () => {
    await addNode()
    await api.create('pods', pod('p', 'n1'))
    const asked: string[] = []
    dialer.kubelet = async (node, request) => {
      asked.push(`${node} ${new URL(request.url).pathname}${new URL(request.url).search}`)
      return new Response('hello\n')
    }
    const log = await http('GET', '/api/v1/namespaces/default/pods/p/log?follow=true&tailLines=5&pretty=true')
    expect(log).toMatchObject({ status: 200, text: 'hello\n' })
    expect(log.headers.get('content-type')).toBe('text/plain')
    expect(asked).toEqual(['n1 /containerLogs/default/p/a?follow=true&tailLines=5'])
  })

  test('that cannot be reached make an error that says so', async () => {
    await addNode()
    await api.create('pods', pod('p', 'n1'))
    expect((await http('GET', '/api/v1/namespaces/default/pods/p/log')).json).toMatchObject({ code: 500, message: 'Get "https://n1:10250/containerLogs/default/p/a": dial tcp 10.0.0.1:10250: connect: connection refused' })
    expect((await http('POST', '/api/v1/namespaces/default/pods/p/exec?command=ls&stdout=1')).json).toMatchObject({ code: 400, message: 'Upgrade request required' })
    expect((await http('POST', '/api/v1/namespaces/default/pods/p/exec?command=ls&stdout=1', undefined, UPGRADE)).json).toMatchObject({ code: 500, message: 'error dialing backend: dial tcp 10.0.0.1:10250: connect: connection refused' })
  })
})

test('a pod is proxied to with any method and whatever body, also a patch of no known type', async () => {
  const created = await api.create('pods', pod('a', 'n1'))
  await api.updateStatus('pods', { ...created, status: { podIP: '10.244.1.2', podIPs: [{ ip: '10.244.1.2' }] } })
  dialer.http = async (host, port, request) => new Response(`${request.method} ${host}:${port}`)
  for (const method of ['DELETE', 'OPTIONS', 'PATCH', 'POST', 'PUT']) {
    const answer = await http(method, '/api/v1/namespaces/default/pods/a/proxy?x=1', 'anything', { 'content-type': '' })
    expect([answer.status, answer.text]).toEqual([200, `${method} 10.244.1.2:80`])
  }
  expect((await http('PATCH', '/api/v1/namespaces/default/pods/a/exec?command=ls')).status).toBe(405)
  expect((await http('PATCH', '/api/v1/namespaces/default/pods/a', '{}', { 'content-type': '' })).status).toBe(415)
})

test('events are selected by their fields under the names of either group', async () => {
  await api.create('events', { apiVersion: 'v1', kind: 'Event', metadata: { name: 'e', namespace: 'default' }, involvedObject: { kind: 'Pod', name: 'p', namespace: 'default' }, reason: 'R', message: 'm', type: 'Normal', reportingComponent: 'tester', reportingInstance: 'i' })
  const count = async (path: string, selector: string) => (await http('GET', `${path}/namespaces/default/events?fieldSelector=${selector}`)).json.items?.length
  expect(await count('/apis/events.k8s.io/v1', 'reportingController=tester,regarding.name=p')).toBe(1)
  expect(await count('/apis/events.k8s.io/v1', 'reportingController=other')).toBe(0)
  expect(await count('/api/v1', 'reportingComponent=tester,involvedObject.name=p')).toBe(1)
  expect((await http('GET', '/apis/events.k8s.io/v1/namespaces/default/events?fieldSelector=involvedObject.name=p')).json.message).toContain('field label not supported: involvedObject.name')
})

test('a bookmark of another version has a version to show, and what the kind can\'t leave out', async () => {
  const watched = async (accept: string) => {
    const response = await server.handle(httpRequest('https://test/apis/autoscaling/v1/horizontalpodautoscalers?watch=1&allowWatchBookmarks=1&sendInitialEvents=1&resourceVersionMatch=NotOlderThan', { headers: { accept } }))
    const reader = response.body!.getReader()
    const { value } = await reader.read()
    await reader.cancel()
    return JSON.parse(new TextDecoder().decode(value))
  }
  expect(await watched('application/json')).toEqual({ type: 'BOOKMARK', object: {
    kind: 'HorizontalPodAutoscaler', apiVersion: 'autoscaling/v1', metadata: { resourceVersion: String(etcd.revision), annotations: { 'k8s.io/initial-events-end': 'true' } },
    spec: { scaleTargetRef: { kind: '', name: '' }, maxReplicas: 0 }, status: { currentReplicas: 0, desiredReplicas: 0 },
  } })
  expect((await watched('application/json;as=Table;v=v1;g=meta.k8s.io')).object.kind).toBe('Table')
})

test('typed clients get protobuf where a kind has it, JSON where it has none, and a Status in what they asked for', async () => {
  const PROTOBUF = 'application/vnd.kubernetes.protobuf'
  await api.create('configmaps', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c', namespace: 'default' }, data: { k: 'v' } })
  const get = async (path: string, accept = PROTOBUF) => {
    const response = await server.handle(httpRequest(`https://test${path}`, { headers: { accept } }))
    return { status: response.status, type: response.headers.get('content-type'), body: decodeProtobuf(new Uint8Array(await response.arrayBuffer())) }
  }
  const path = '/api/v1/namespaces/default/configmaps'
  expect(await get(`${path}/c`)).toMatchObject({ status: 200, type: PROTOBUF, body: { kind: 'ConfigMap', data: { k: 'v' } } })
  expect(await get(path)).toMatchObject({ body: { kind: 'ConfigMapList', items: [{ metadata: { name: 'c' } }] } })
  expect(await get(path, `${PROTOBUF};as=PartialObjectMetadataList;v=v1;g=meta.k8s.io`)).toMatchObject({ body: { kind: 'PartialObjectMetadataList', items: [{ metadata: { name: 'c' } }] } })
  expect(await get(`${path}/d`)).toMatchObject({ status: 404, type: PROTOBUF, body: { kind: 'Status', message: 'configmaps "d" not found' } })
  const table = await server.handle(httpRequest(`https://test${path}`, { headers: { accept: `${PROTOBUF};as=Table;v=v1;g=meta.k8s.io` } }))
  expect([table.status, table.headers.get('content-type')]).toEqual([406, 'application/json'])
  const watch = await server.handle(httpRequest(`https://test${path}?watch=1`, { headers: { accept: PROTOBUF } }))
  expect(watch.headers.get('content-type')).toBe(`${PROTOBUF};stream=watch`)
  const reader = watch.body!.getReader()
  const frame = (await reader.read()).value!
  await reader.cancel()
  expect(new DataView(frame.buffer, frame.byteOffset).getUint32(0)).toBe(frame.length - 4)
  expect(new TextDecoder().decode(frame.subarray(4, 11))).toBe('\n\x05ADDED')
})

test('metadata is shown in the version that was asked for in Tables, too; a watch of lists ends with the first object', async () => {
  await api.create('configmaps', configMap('c'))
  const accept = (as: string, version: string) => ({ accept: `application/json;as=${as};v=${version};g=meta.k8s.io` })
  for (const version of ['v1', 'v1beta1']) {
    for (const path of [CONFIG_MAPS, `${CONFIG_MAPS}/c`, `${CONFIG_MAPS}?watch=1&timeoutSeconds=1`]) {
      const reading = http('GET', path, undefined, accept('Table', version))
      await clock.advance(2000)
      const { json } = await reading
      const table = json.object ?? json
      expect([table.apiVersion, table.rows[0].object.apiVersion]).toEqual([`meta.k8s.io/${version}`, `meta.k8s.io/${version}`])
    }
  }
  expect(await http('GET', `${CONFIG_MAPS}?watch=1`, undefined, accept('PartialObjectMetadataList', 'v1'))).toMatchObject({ status: 200, text: '' })
  const refused = http('GET', `${CONFIG_MAPS}?watch=1&fieldSelector=nope%3D1&includeObject=Bad`, undefined, accept('Table', 'v1'))
  expect((await refused).json.message).toContain('"nope" is not a known field selector')
})

test('only routes of the API may end with a slash; unknown versions of known groups are unknown resources', async () => {
  const statusOf = async (path: string) => {
    const response = await server.handle(httpRequest(`http://test${path}`), {})
    const text = await response.text()
    return [response.status, text.startsWith('{') ? JSON.parse(text).reason ?? 'document' : text.trim()]
  }
  for (const path of ['/api/', '/apis/', '/apis/apps/', '/apis/apps/v1/', '/version/', '/index.html']) expect([path, ...await statusOf(path)]).toEqual([path, 200, 'document'])
  for (const path of ['/healthz/', '/metrics/', '/statusz/', '/index.html/', '/openapi/v2/']) expect([path, ...await statusOf(path)]).toEqual([path, 404, '404 page not found'])
  for (const path of ['/apis/apps/v9', '/apis/apiregistration.k8s.io/v9/', '/version/x', '/api/v2']) expect([path, ...await statusOf(path)]).toEqual([path, 404, 'NotFound'])
  expect(await statusOf('/apis/nope.io/v1')).toEqual([404, '404 page not found'])
})
