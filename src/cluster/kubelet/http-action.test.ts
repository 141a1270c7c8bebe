import { expect, it } from 'vitest'
import { ClusterClock } from '../../base/clock.ts'
import { testPlatform } from '../../base/test-platform.ts'
import type { NetStack } from '../../unix/types.ts'
import { fetchForProbe } from './http-action.ts'

/** What a probe makes of a server's answers. */
function probe(answer: (url: string) => Response) {
  const clock = new ClusterClock(testPlatform, { startMs: 0, mode: 'paused' })
  const stack = { fetch: async ({ url }: { url: string }) => answer(url) } as unknown as NetStack
  return fetchForProbe({ path: '/start', port: 80 }, '10.0.0.1', 80, { stack, clock, timeoutMs: 1_000, userAgent: 'kube-probe/1.36' })
}
const to = (location: string, status = 302) => new Response(`<a href="${location}">Found</a>.\n`, { status, headers: { location } })

it('redirects on the same host are followed, others end the probe with a warning', async () => {
  expect(await probe((url) => url.endsWith('/start') ? to('/end') : new Response('ok'))).toEqual({ result: 'success', output: '' })
  expect(await probe(() => to('http://0.0.0.0/'))).toEqual({ result: 'warning', output: 'Probe terminated redirects, Response body: <a href="http://0.0.0.0/">Found</a>.\n' })
  expect(await probe(() => new Response(null, { status: 304 }))).toEqual({ result: 'warning', output: 'Probe terminated redirects, Response body: ' })
  expect(await probe((url) => to(`${url}x`))).toMatchObject({ result: 'failure', output: expect.stringContaining('stopped after 10 redirects') })
  // The place is told as the server said it.
  expect(await probe(() => to('/start'))).toEqual({ result: 'failure', output: 'Get "/start": stopped after 10 redirects' })
  expect(await probe(() => new Response('', { status: 404 }))).toEqual({ result: 'failure', output: 'HTTP probe failed with statuscode: 404' })
})

it('reads no more than the beginning of a body, and that only as long as the probe may take', async () => {
  let chunks = 0
  const endless = await probe(() => new Response(new ReadableStream({ pull(controller) { chunks++; controller.enqueue(new Uint8Array(4096).fill(120)) } }), { status: 300 }))
  expect(endless).toEqual({ result: 'warning', output: `Probe terminated redirects, Response body: ${'x'.repeat(10 * 1024)}` })
  expect(chunks).toBeLessThan(6)
  const clock = new ClusterClock(testPlatform, { startMs: 0, mode: 'paused' })
  const stack = { fetch: async () => new Response(new ReadableStream(), { status: 300 }) } as unknown as NetStack
  const hanging = fetchForProbe({ path: '/', port: 80 }, '10.0.0.1', 80, { stack, clock, timeoutMs: 1_000, userAgent: 'kube-probe/1.36' })
  await clock.advance(1_000)
  expect(await hanging).toEqual({ result: 'failure', output: 'context deadline exceeded (Client.Timeout or context cancellation while reading body)' })
})
