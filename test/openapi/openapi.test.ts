import { expect, test } from 'vitest'
import { ClusterClock } from '../../src/base/clock.ts'
import { httpRequest } from '../../src/base/http.ts'
import { silentLog } from '../../src/base/log.ts'
import { Random } from '../../src/base/random.ts'
import { createApiServer } from '../../src/cluster/apiserver/api-server.ts'
import { Etcd } from '../../src/cluster/etcd/etcd.ts'
import { builtInKinds } from '../../src/cluster/kinds/index.ts'
import { nodePlatform } from '../../src/host/platform-node.ts'
import digests from './digests.json' with { type: 'json' }
// @ts-expect-error plain JavaScript
import { digestOf } from './digest.mjs'

const clock = new ClusterClock(nodePlatform, { startMs: Date.UTC(2030, 0, 1) })
const server = createApiServer({
  etcd: new Etcd({ clock }), clock, random: new Random('test'), log: silentLog, kinds: builtInKinds, version: { gitVersion: 'v1.36.3' },
  dialer: { kubelet: () => Promise.reject(new Error('no kubelet')), http: () => Promise.reject(new Error('no route')) },
  parts: () => ({ authenticators: [{ authenticate: async () => ({ name: 'admin', groups: ['system:masters'] }) }], authorizer: { authorize: () => ({ allowed: true }) }, admission: [], virtualResources: [] }),
})
const get = async (path: string) => (await server.handle(httpRequest(`http://test${path}`), {})).json()

test('the index names the documents of a real API server', async () => {
  expect(Object.keys((await get('/openapi/v3')).paths).map((name) => `/openapi/v3/${name}`)).toEqual(Object.keys(digests).slice(1))
})

test.each(Object.entries(digests))('%s says what a real API server says', async (path, digest) => {
  expect(digestOf(await get(path))).toBe(digest)
})

test('parameters that are alike everywhere have the names that their texts give them', async () => {
  const { parameters, paths } = await get('/openapi/v2')
  expect(Object.keys(parameters)).toEqual(expect.arrayContaining(['allowWatchBookmarks-HC2hJt-J', 'body-2Y1dVQaQ', 'continue-QfD61s0i', 'namespace-vgWSWtn3', 'pretty-tJGM1-ng', 'sendInitialEvents-rLXlEK_k']))
  expect(paths['/api/v1/namespaces/{namespace}/pods'].parameters).toEqual([{ $ref: '#/parameters/namespace-vgWSWtn3' }, { $ref: '#/parameters/pretty-tJGM1-ng' }])
})

test('fields are described, also those that are objects of their own', async () => {
  const { components } = await get('/openapi/v3/apis/apps/v1')
  expect(components.schemas['io.k8s.api.apps.v1.DeploymentSpec'].properties.template.description).toContain('Template describes the pods')
})
