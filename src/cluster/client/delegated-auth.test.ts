import { expect, test } from 'vitest'
import { ClusterClock } from '../../base/clock.ts'
import { httpRequest } from '../../base/http.ts'
import { testPlatform } from '../../base/test-platform.ts'
import { createClusterPki } from '../apiserver/pki/cluster-pki.ts'
import type { Api } from './api.ts'
import { DelegatedAuth } from './delegated-auth.ts'

const ann = { username: 'ann', groups: ['system:authenticated'] }

async function start(options: { allowsAnonymous?: boolean } = {}) {
  const clock = new ClusterClock(testPlatform, { startMs: Date.UTC(2026, 0, 1), mode: 'paused' })
  const { caCertificatePem } = await createClusterPki({ nowMs: clock.nowMs() })
  const asked: string[] = []
  const server = { isUp: true }
  const api = { create: (resource: string) => {
    asked.push(resource.split('.')[0]!)
    return server.isUp ? Promise.resolve({ status: { authenticated: true, user: ann, allowed: true } }) : Promise.reject(new Error('no route to host'))
  } } as unknown as Api
  const auth = new DelegatedAuth({ api, clock, clientCaPem: caCertificatePem, cacheMs: 10_000, ...options })
  const userOf = (token?: string) => auth.userOf(httpRequest('https://localhost/metrics', { headers: token ? { authorization: `Bearer ${token}` } : {} }), undefined)
  return { auth, asked, server, clock, userOf, may: () => auth.mayDo(ann, { nonResourceAttributes: { verb: 'get', path: '/metrics' } }) }
}

test('answers count for a while, failures to ask do not', async () => {
  const { asked, server, clock, userOf, may } = await start()
  server.isUp = false
  expect(await userOf('t')).toBeUndefined()
  await expect(may()).rejects.toThrow('no route to host')
  server.isUp = true
  expect(await userOf('t')).toEqual(ann)
  expect(await may()).toBe(true)
  server.isUp = false
  expect(await userOf('t')).toEqual(ann)
  expect(await may()).toBe(true)
  expect(asked).toEqual(['tokenreviews', 'subjectaccessreviews', 'tokenreviews', 'subjectaccessreviews'])
  await clock.advance(10_000)
  expect(await userOf('t')).toBeUndefined()
  await expect(may()).rejects.toThrow('no route to host')
})

test('who shows nothing is anonymous, unless nobody may be', async () => {
  expect(await (await start()).userOf()).toMatchObject({ username: 'system:anonymous' })
  expect(await (await start({ allowsAnonymous: false })).userOf()).toBeUndefined()
})
