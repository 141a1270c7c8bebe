import { Tree } from './tree.ts'
import type { Inode, Synthetic } from './tree.ts'
import type { Clock } from '../../base/clock.ts'
import type { MachineLimits } from '../types.ts'

/** The period that CPU quotas are counted in, in microseconds. */
const PERIOD_US = 100_000
/** The least quota that the kernel takes, in microseconds. */
const MIN_QUOTA_US = 1_000
/** Shares of a group that nobody gave any. */
const DEFAULT_SHARES = 1_024
/** What limits of memory are counted in, in bytes. */
const PAGE_BYTES = 4_096

/** A control group of the kernel, version 2: processes with common limits, and groups inside it. */
export interface ControlGroup {
  readonly limits: MachineLimits
  /** Of its own processes and of those in the groups inside. */
  usage(): { memoryBytes: number; cpuNanoseconds: number }
  /** Its own processes. */
  processes(): readonly { pid: number }[]
  /** The groups inside, by the names of their directories. */
  children?(): ReadonlyMap<string, ControlGroup>
}

/** /sys/fs/cgroup as a machine sees its own control group: limits and usage, and a directory for each group inside. */
export function createCgroupTree(clock: Pick<Clock, 'nowMs'>, group: ControlGroup): Tree {
  const tree = new Tree(clock)
  const directories = new WeakMap<ControlGroup, Inode>()
  const directoryOf = (of: ControlGroup): Inode => {
    const known = directories.get(of)
    if (known) return known
    const inode = fill(tree.create('directory', 0o755), of)
    directories.set(of, inode)
    return inode
  }
  const fill = (inode: Inode, of: ControlGroup): Inode => {
    const entries = filesOf(tree, of)
    inode.synthetic = {
      names: () => [...Object.keys(entries), ...of.children?.().keys() ?? []].sort(),
      entry: (name) => {
        if (entries[name]) return entries[name]
        const child = of.children?.().get(name)
        return child && directoryOf(child)
      },
    }
    return inode
  }
  tree.root.mode = 0o555
  fill(tree.root, group)
  return tree
}

function filesOf(tree: Tree, group: ControlGroup): Record<string, Inode> {
  const text = (make: () => string, mode: number) => Object.assign(tree.create('file', mode), { synthetic: { text: make } satisfies Synthetic })
  const file = (make: () => string, mode = 0o444) => text(() => `${make()}\n`, mode)
  const micros = () => Math.floor(group.usage().cpuNanoseconds / 1_000)
  const count = () => String(group.processes().length)
  return {
    'cgroup.controllers': file(() => 'cpuset cpu io memory hugetlb pids rdma misc'),
    'cgroup.procs': text(() => group.processes().map(({ pid }) => `${pid}\n`).join(''), 0o644),
    'cgroup.type': file(() => 'domain', 0o644),
    'cpu.max': file(() => `${group.limits.cpuMillis === undefined ? 'max' : Math.max(MIN_QUOTA_US, group.limits.cpuMillis * PERIOD_US / 1_000)} ${PERIOD_US}`, 0o644),
    'cpu.weight': file(() => String(weightOf(group.limits.cpuShares ?? DEFAULT_SHARES)), 0o644),
    'cpu.stat': file(() => `usage_usec ${micros()}\nuser_usec ${micros()}\nsystem_usec 0\nnr_periods 0\nnr_throttled 0\nthrottled_usec 0`),
    'memory.current': file(() => String(group.usage().memoryBytes)),
    'memory.max': file(() => group.limits.memoryBytes === undefined ? 'max' : String(Math.floor(group.limits.memoryBytes / PAGE_BYTES) * PAGE_BYTES), 0o644),
    'memory.high': file(() => 'max', 0o644),
    'memory.min': file(() => '0', 0o644),
    'memory.swap.max': file(() => '0', 0o644),
    'memory.events': file(() => 'low 0\nhigh 0\nmax 0\noom 0\noom_kill 0\noom_group_kill 0'),
    'memory.stat': file(() => `anon ${group.usage().memoryBytes}\nfile 0\nkernel 0`),
    'pids.current': file(count),
    'pids.max': file(() => 'max', 0o644),
  }
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
