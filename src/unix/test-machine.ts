/** For tests: a machine on a stepped clock that runs scripts. */
import { ClusterClock } from '../base/clock.ts'
import type { Platform } from '../base/platform.ts'
import { Random } from '../base/random.ts'
import { errno } from './errno.ts'
import { createMemoryFileSystem } from './file-system.ts'
import type { InitialFile } from './file-system.ts'
import { createMachine } from './machine.ts'
import { createNetStack } from './net/stack.ts'
import { readerOf } from '../base/streams.ts'
import type { ByteReader } from '../base/streams.ts'
import type { ExitStatus, Fabric, Machine, MachineLimits, Program, User } from './types.ts'

/** The test runner's own timers. */
export const testPlatform: Platform = {
  wallMs: () => 1_700_000_000_000,
  monotonicMs: () => performance.timeOrigin + performance['now'](),
  setTimer(fn, delayMs) { const timer = globalThis['setTimeout'](fn, delayMs); return () => clearTimeout(timer) },
  macrotask: (fn) => void globalThis['setImmediate'](fn),
  randomBytes: (length) => new Uint8Array(length),
}

/** A network with nobody else on it. */
const emptyFabric: Fabric = {
  openTcp: async () => { throw errno('EHOSTUNREACH') },
  fetch: async () => { throw errno('EHOSTUNREACH') },
  askUdp: async () => { throw errno('ETIMEDOUT') },
}

export interface TestMachine {
  clock: ClusterClock
  machine: Machine
  /** Runs a command to its end, letting time jump. */
  run(argv: readonly string[], options?: { stdin?: string | ByteReader; env?: Record<string, string>; user?: User; cwd?: string }): Promise<{ stdout: string; stderr: string; status: ExitStatus }>
}

const ROOT: User = { uid: 0, gid: 0, groups: [], name: 'root', home: '/root' }

/** Programs are given by path. */
export function testMachine(options: { programs?: Record<string, Program>; files?: Record<string, InitialFile>; limits?: MachineLimits; ownInit?: boolean } = {}): TestMachine {
  const clock = new ClusterClock(testPlatform, { startMs: 1_700_000_000_000, mode: 'paused' })
  const random = new Random('test')
  const files: Record<string, InitialFile> = {
    '/tmp': { directory: true, mode: 0o1777 }, '/root': { directory: true, mode: 0o700 },
    '/etc/passwd': 'root:x:0:0:root:/root:/bin/sh\nguest:x:1000:1000::/home/guest:/bin/sh\n', '/etc/group': 'root:x:0:\nguest:x:1000:\n', ...options.files,
  }
  for (const [path, program] of Object.entries(options.programs ?? {})) files[path] = { program }
  const root = createMemoryFileSystem({ clock, files })
  const net = createNetStack({ hostname: 'box', addresses: ['10.0.0.2'], fabric: emptyFabric, clock, random })
  const machine = createMachine({ hostname: 'box', root, net, clock, random, init: options.ownInit === false ? 'process' : 'kernel', ...(options.limits ? { limits: options.limits } : {}) })
  return {
    clock,
    machine,
    async run(argv, { stdin = '', env = {}, user = ROOT, cwd = '/' } = {}) {
      const out: string[] = []
      const err: string[] = []
      const collect = (into: string[]) => {
        const decoder = new TextDecoder()
        return { write: async (data: Uint8Array | string) => { into.push(typeof data === 'string' ? data : decoder.decode(data, { stream: true })) }, close() {} }
      }
      const process = machine.start(argv, {
        env: { PATH: '/usr/bin:/bin', HOME: user.home, ...env }, cwd, user,
        stdin: typeof stdin === 'string' ? readerOf(stdin) : stdin, stdout: collect(out), stderr: collect(err),
      })
      let status: ExitStatus | undefined
      void process.wait().then((s) => { status = s })
      await clock.until(() => status !== undefined, { withinMs: 3_600_000, what: argv.join(' ') })
      return { stdout: out.join(''), stderr: err.join(''), status: status! }
    },
  }
}
