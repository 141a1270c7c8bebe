import { expect, it } from 'vitest'
import { testMachine } from '../test-machine.ts'
import { utilityPrograms } from '../utilities/list.ts'

it('a machine reads its limits in its control group, also after they changed', async () => {
  const on = testMachine({ programs: utilityPrograms('busybox'), limits: { memoryBytes: 64 * 2 ** 20, cpuMillis: 250, cpuShares: 102, hostMemoryBytes: 2 ** 30, oomScoreAdjust: 991 } })
  const read = async (...files: string[]) => (await on.run(['cat', ...files.map((file) => `/sys/fs/cgroup/${file}`)])).stdout
  expect(await read('memory.max', 'cpu.max', 'cpu.weight')).toBe('67108864\n25000 100000\n17\n')
  on.machine.limits = { hostMemoryBytes: 2 ** 30 }
  expect(await read('memory.max', 'cpu.max', 'cpu.weight')).toBe('max\nmax 100000\n100\n')
  expect((await on.run(['mount', '-t', 'cgroup2'])).stdout).toContain('on /sys/fs/cgroup type cgroup2')
})
