import { expect, it } from 'vitest'
import { httpRequest } from '../../../base/http.ts'
import { testMachine } from '../../../unix/test-machine.ts'
import type { MachineLimits } from '../../../unix/types.ts'
import { agnhostImage } from '../agnhost/agnhost.ts'
import { resourceConsumerImage } from './resource-consumer.ts'

const ROOT = { uid: 0, gid: 0, groups: [], name: 'root', home: '/root' }
const nowhere = { write: async () => {}, close() {} }

async function running(argv: readonly string[], { limits = {}, files = {} }: { limits?: MachineLimits; files?: Record<string, string> } = {}) {
  const on = testMachine({ programs: { ...resourceConsumerImage.programs, '/agnhost': agnhostImage.programs!['/agnhost']! }, files, limits })
  on.machine.start(argv, { env: { PATH: '/usr/bin:/bin' }, cwd: '/', user: ROOT, stdout: nowhere, stderr: nowhere })
  await on.clock.until(() => on.machine.net.listeners().some((listener) => listener.port === 8080), { withinMs: 10_000 })
  const post = async (path: string, method = 'POST') => {
    const response = await on.machine.net.fetch(httpRequest(`http://127.0.0.1:8080${path}`, { method }))
    return { status: response.status, text: await response.text() }
  }
  const usedCores = async (ms: number) => {
    const before = on.machine.usage().cpuNanoseconds
    await on.clock.advance(ms)
    return (on.machine.usage().cpuNanoseconds - before) / ms / 1e6
  }
  return { ...on, post, usedCores }
}

it('uses the processor as asked, up to what the container may, and for as long as asked', async () => {
  const { post, usedCores } = await running(['/consumer'], { limits: { cpuMillis: 500 } })
  expect(await post('/ConsumeCPU?millicores=100&durationSec=30')).toEqual({ status: 200, text: 'ConsumeCPU\n100 millicores\n30 durationSec\n' })
  await post('/ConsumeCPU?millicores=250&durationSec=30')
  expect(await usedCores(10_000)).toBeCloseTo(0.35, 1)
  await post('/ConsumeCPU?millicores=700&durationSec=15')
  expect(await usedCores(10_000)).toBeCloseTo(0.5, 1)
  await usedCores(15_000)
  expect(await usedCores(10_000)).toBeCloseTo(0, 1)
})

it('holds memory for a while', async () => {
  const { post, machine, clock } = await running(['/consumer'])
  const before = machine.usage().memoryBytes
  await post('/ConsumeMem?megabytes=100&durationSec=30')
  await clock.advance(10_000)
  expect(machine.usage().memoryBytes - before).toBeGreaterThan(99 * 2 ** 20)
  await clock.advance(30_000)
  expect(machine.usage().memoryBytes - before).toBeLessThan(5 * 2 ** 20)
})

it('raises a metric for a while, and says what is wrong with a request', async () => {
  const { post, clock } = await running(['/consumer'])
  expect((await post('/BumpMetric?metric=QPS&delta=10&durationSec=30')).text).toBe('BumpMetric\nQPS metric\n10 delta\n30 durationSec\n')
  await post('/BumpMetric?metric=QPS&delta=2.5&durationSec=60')
  expect((await post('/metrics', 'GET')).text).toBe('# HELP QPS info message.\n# TYPE QPS gauge\nQPS 12.500000\n')
  await clock.advance(45_000)
  expect((await post('/metrics', 'GET')).text).toContain('QPS 2.500000')
  expect(await post('/ConsumeCPU?millicores=1', 'GET')).toEqual({ status: 400, text: 'Bad request. Not a POST request\n' })
  expect(await post('/ConsumeCPU?millicores=1')).toEqual({ status: 400, text: 'not given function argument\n' })
  expect(await post('/ConsumeCPU?millicores=1.5&durationSec=1')).toEqual({ status: 400, text: 'incorrect function argument\n' })
  expect(await post('/Nothing')).toEqual({ status: 404, text: 'unknown function: /Nothing\n' })
})

it('the controller cuts a request into portions', async () => {
  const { post } = await running(['/agnhost', 'resource-consumer-controller', '--consumer-service-name=consumers'], { files: { '/etc/resolv.conf': 'search default.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.96.0.10\n' } })
  const { text } = await post('/ConsumeCPU?millicores=250&durationSec=30&requestSizeMillicores=100')
  expect(text.split('\n').slice(0, 1)).toEqual(['RC manager: sending 2 requests to consume 100 millicores each and 1 request to consume 50 millicores'])
  expect(text.match(/Failed to connect to consumer: Post "http:\/\/consumers\.default\.svc\.cluster\.local:8080\/ConsumeCPU"/g)).toHaveLength(3)
  expect((await post('/ConsumeCPU?millicores=250&durationSec=30&requestSizeMillicores=0')).text).toBe('incorrect function argument\n')
})
