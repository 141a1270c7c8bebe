import { Tree } from './tree.ts'
import type { Inode, Synthetic } from './tree.ts'
import type { Machine } from '../types.ts'

/** The period that CPU quotas are counted in, in microseconds. */
const PERIOD_US = 100_000
/** The least quota that the kernel takes, in microseconds. */
const MIN_QUOTA_US = 1_000
/** Shares of a group that nobody gave any. */
const DEFAULT_SHARES = 1_024

/** /sys/fs/cgroup as a machine sees its own control group, version 2: limits and usage. */
export function createCgroupTree(machine: Machine, processes: () => readonly { pid: number }[]): Tree {
  const tree = new Tree(machine.clock)
  const file = (make: () => string, mode = 0o444) => Object.assign(tree.create('file', mode), { synthetic: { text: () => `${make()}\n` } satisfies Synthetic })
  const micros = () => Math.floor(machine.usage().cpuNanoseconds / 1_000)
  const count = () => String(processes().length)
  const entries: Record<string, Inode> = {
    'cgroup.controllers': file(() => 'cpuset cpu io memory hugetlb pids rdma misc'),
    'cgroup.procs': file(() => processes().map(({ pid }) => pid).join('\n'), 0o644),
    'cgroup.type': file(() => 'domain', 0o644),
    'cpu.max': file(() => `${machine.limits.cpuMillis === undefined ? 'max' : Math.max(MIN_QUOTA_US, machine.limits.cpuMillis * PERIOD_US / 1_000)} ${PERIOD_US}`, 0o644),
    'cpu.weight': file(() => String(weightOf(machine.limits.cpuShares ?? DEFAULT_SHARES)), 0o644),
    'cpu.stat': file(() => `usage_usec ${micros()}\nuser_usec ${micros()}\nsystem_usec 0\nnr_periods 0\nnr_throttled 0\nthrottled_usec 0`),
    'memory.current': file(() => String(machine.usage().memoryBytes)),
    'memory.max': file(() => String(machine.limits.memoryBytes ?? 'max'), 0o644),
    'memory.high': file(() => 'max', 0o644),
    'memory.min': file(() => '0', 0o644),
    'memory.swap.max': file(() => '0', 0o644),
    'memory.events': file(() => 'low 0\nhigh 0\nmax 0\noom 0\noom_kill 0\noom_group_kill 0'),
    'memory.stat': file(() => `anon ${machine.usage().memoryBytes}\nfile 0\nkernel 0`),
    'pids.current': file(count),
    'pids.max': file(() => 'max', 0o644),
  }
  tree.root.mode = 0o555
  tree.root.synthetic = { names: () => Object.keys(entries).sort(), entry: (name) => entries[name] }
  return tree
}

/**
 * cgroup v2's weight (1 to 10000) for v1's shares (2 to 262144): a curve that leads the least, the default and the most of one to those of the other.
 * The formula is runc's.
 */
function weightOf(shares: number): number {
  if (shares <= 2) return 1
  if (shares >= 262_144) return 10_000
  const log = Math.log2(shares)
  return Math.ceil(10 ** ((log * log + 125 * log) / 612 - 7 / 34))
}
