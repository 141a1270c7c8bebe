import { expect, it } from 'vitest'
import { testMachine } from '../../../unix/test-machine.ts'
import type { MachineLimits } from '../../../unix/types.ts'
import { goStressImage } from './go-stress.ts'
import { stressImage } from './stress.ts'

const MIB = 2 ** 20
const box = (limits: MachineLimits) => testMachine({ programs: { '/bin/stress': stressImage.programs!['/usr/local/bin/stress']!, '/bin/go-stress': goStressImage.programs!['/stress']! }, limits, ownInit: false })

it('memory within the limit is held, and what is beyond it kills the container', async () => {
  const args = ['stress', '--vm', '1', '--vm-bytes', '150M', '--vm-hang', '1', '--timeout', '10s']
  const roomy = await box({ memoryBytes: 200 * MIB }).run(args)
  expect(roomy).toMatchObject({ status: { code: 0 }, stdout: 'stress: info: [1] dispatching hogs: 0 cpu, 0 io, 1 vm, 0 hdd\nstress: info: [1] successful run completed in 10s\n' })
  expect((await box({ memoryBytes: 100 * MIB }).run(args)).status).toEqual({ code: 137, signal: 'SIGKILL', oomKilled: true })
})

it('without a limit it may have what the node has, though nothing of that size is here', async () => {
  const run = (size: string) => testMachine({ programs: { '/bin/stress': stressImage.programs!['/usr/local/bin/stress']! }, limits: { hostMemoryBytes: 512 * MIB }, ownInit: false }).run(['stress', '--vm', '1', '--vm-bytes', size, '--vm-hang', '1', '-t', '20'])
  expect((await run('2G')).status).toEqual({ code: 0 })
  expect((await run('20G')).status).toMatchObject({ code: 137, oomKilled: true })
})

it('threads share the CPU that the container may use', async () => {
  const { machine, clock } = box({ cpuMillis: 1000 })
  const nowhere = { write: async () => {}, close() {} }
  machine.start(['go-stress', '-cpus', '2'], { env: { PATH: '/bin' }, cwd: '/', user: { uid: 0, gid: 0, groups: [], name: 'root', home: '/' }, stdout: nowhere, stderr: nowhere })
  await clock.advance(10_000)
  expect(machine.usage().cpuNanoseconds / 1e9).toBeCloseTo(10, 0)
  machine.limits = { cpuMillis: 500 }
  const before = machine.usage().cpuNanoseconds
  await clock.advance(10_000)
  expect((machine.usage().cpuNanoseconds - before) / 1e9).toBeCloseTo(5, 0)
})

it('a worker that is killed makes the run fail', async () => {
  const on = testMachine({ programs: { '/bin/stress': stressImage.programs!['/usr/local/bin/stress']! } })
  on.clock.after(100, () => on.machine.process(3)!.kill('SIGKILL'))
  expect((await on.run(['stress', '-c', '2', '-t', '60'])).stderr).toBe('stress: FAIL: [2] (416) <-- worker 3 got signal 9\nstress: WARN: [2] (418) now reaping child worker processes\nstress: FAIL: [2] (452) failed run completed in 0s\n')
})
