import { expect, test } from 'vitest'
import { ClusterClock } from '../../../base/clock.ts'
import { httpRequest } from '../../../base/http.ts'
import { testPlatform } from '../../../base/test-platform.ts'
import { builtInKinds } from '../../kinds/index.ts'
import { OpenApi } from './open-api.ts'

const clock = new ClusterClock(testPlatform, { startMs: Date.UTC(2026, 1, 3, 4, 5, 6), mode: 'paused' })
const openApi = new OpenApi({ clock, kinds: () => builtInKinds.filter(({ group }) => group === 'coordination.k8s.io'), gitVersion: 'v1.36.3', descriptions: () => Promise.resolve({}) })
const get = async (path: string, headers: Record<string, string> = {}) => (await openApi.handle(httpRequest(`https://test${path}`, { headers }), path.replace(/\?.*/, '')))!
const DOCUMENT = '/openapi/v3/apis/coordination.k8s.io/v1'

test('the index is written whatever the client takes, and says how documents are named', async () => {
  const index = await get('/openapi/v3', { accept: 'application/com.github.proto-openapi.spec.v3.v1.0+protobuf' })
  expect([index.status, index.headers.get('content-type'), index.headers.get('vary')]).toEqual([200, 'text/plain; charset=utf-8', null])
  const { serverRelativeURL } = (await index.json()).paths[DOCUMENT.slice('/openapi/v3/'.length)]
  expect((await get(serverRelativeURL)).headers.get('etag')).toBe(`"${serverRelativeURL.split('=')[1]}"`)
})

test('a document that is asked for by its hash is good for a year; by another hash it is elsewhere', async () => {
  const plain = await get(`${DOCUMENT}?hash=`)
  const hash = plain.headers.get('etag')!.slice(1, -1)
  expect([plain.status, plain.headers.get('expires')]).toEqual([200, null])
  const named = await get(`${DOCUMENT}?hash=${hash}`)
  expect([named.headers.get('cache-control'), named.headers.get('expires')]).toEqual(['public, immutable', 'Wed, 03 Feb 2027 04:05:06 UTC'])
  const moved = await get(`${DOCUMENT}?hash=OLD`)
  expect([moved.status, moved.headers.get('location'), moved.headers.get('etag')]).toEqual([301, `${DOCUMENT}?hash=${hash}`, `"${hash}"`])
  expect((await get('/openapi/v2?hash=OLD')).status).toBe(200)
})
