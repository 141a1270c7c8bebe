import { afterEach, expect, test, vi } from 'vitest'
import { httpRequest } from '../base/http.ts'
import { fetchFromWeb } from './fetch-from-web.ts'

afterEach(() => { vi.unstubAllGlobals() })

test('examples of the documentation are read where browsers may read them, without cookies', async () => {
  const asked: [string, RequestInit][] = []
  vi.stubGlobal('fetch', async (address: string, options: RequestInit) => { asked.push([address, options]); return new Response('kind: Pod', { headers: { 'content-type': 'text/plain', 'content-encoding': 'gzip' } }) })
  const answer = await fetchFromWeb(httpRequest('https://k8s.io/examples/pods/simple-pod.yaml'))
  expect([await answer.text(), answer.headers.get('content-encoding')]).toEqual(['kind: Pod', null])
  await fetchFromWeb(httpRequest('https://github.com/kubernetes/ingress-nginx/raw/main/deploy.yaml'))
  await fetchFromWeb(httpRequest('https://example.com/k8s.io/examples/x.yaml'))
  expect(asked.map(([address]) => address)).toEqual([
    'https://raw.githubusercontent.com/kubernetes/website/main/content/en/examples/pods/simple-pod.yaml', 'https://raw.githubusercontent.com/kubernetes/ingress-nginx/main/deploy.yaml', 'https://example.com/k8s.io/examples/x.yaml',
  ])
  expect(asked[0]![1]).toMatchObject({ credentials: 'omit', referrerPolicy: 'no-referrer' })
})

test('what cannot be read is not there, and nothing is written to the web', async () => {
  vi.stubGlobal('fetch', () => Promise.reject(new TypeError('Failed to fetch')))
  await expect(fetchFromWeb(httpRequest('https://example.com/'))).rejects.toMatchObject({ code: 'ENOTFOUND' })
  vi.stubGlobal('fetch', () => { throw new Error('nobody may ask') })
  for (const request of [httpRequest('https://example.com/', { method: 'POST', body: 'secret' }), httpRequest('http://example.com/')]) await expect(fetchFromWeb(request)).rejects.toMatchObject({ code: 'ENOTFOUND' })
})

test('repositories are cloned from servers that let browsers do so', async () => {
  const asked: RequestInit[] = []
  vi.stubGlobal('fetch', async (_: string, options: RequestInit) => { asked.push(options); return new Response('0008NAK\n') })
  const answer = await fetchFromWeb(httpRequest('https://git.example.com/x.git/git-upload-pack', { method: 'POST', body: '0000' }))
  expect(await answer.text()).toBe('0008NAK\n')
  expect([new TextDecoder().decode(asked[0]!.body as ArrayBuffer), asked[0]!.credentials, asked[0]!.headers]).toEqual(['0000', 'omit', { 'content-type': 'application/x-git-upload-pack-request' }])
})
