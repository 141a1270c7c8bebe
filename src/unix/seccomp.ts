import { capabilityMask } from './capabilities.ts'
import type { Capability } from './capabilities.ts'
import type { ConfinedProcess, FileCall, SystemCallFilter } from './confinement.ts'
import { strerror } from './errno.ts'
import { SYSTEM_CALLS } from './system-calls.ts'
import type { SystemCall } from './system-calls.ts'
import { ProcessKilled, UnixError } from './types.ts'

/** A profile of system calls as runtimes read it. */
export interface SeccompProfile {
  defaultAction?: string
  defaultErrnoRet?: number
  syscalls?: readonly SeccompRule[]
}

interface SeccompRule {
  names?: readonly string[]
  name?: string
  action?: string
  errnoRet?: number
  args?: readonly unknown[] | null
  includes?: { caps?: readonly string[] }
  excludes?: { caps?: readonly string[] }
}

/** Actions that runtimes know. */
const ACTIONS: ReadonlySet<string> = new Set(['SCMP_ACT_ALLOW', 'SCMP_ACT_LOG', 'SCMP_ACT_ERRNO', 'SCMP_ACT_KILL', 'SCMP_ACT_KILL_PROCESS', 'SCMP_ACT_KILL_THREAD', 'SCMP_ACT_TRAP', 'SCMP_ACT_TRACE', 'SCMP_ACT_NOTIFY'])

/** Names of the errors that profiles ask for most. */
const ERRNO_NAMES: Readonly<Record<number, string>> = { 1: 'EPERM', 2: 'ENOENT', 5: 'EIO', 11: 'EAGAIN', 12: 'ENOMEM', 13: 'EACCES', 22: 'EINVAL', 38: 'ENOSYS', 95: 'ENOTSUP' }

/** The calls behind what is done to files: as BusyBox and musl make them, and as coreutils and glibc do. */
const FILE_CALLS: Readonly<Record<FileCall, readonly [small: SystemCall, gnu: SystemCall]>> = {
  open: ['open', 'openat'], getdents: ['getdents64', 'getdents64'], mkdir: ['mkdir', 'mkdir'], rmdir: ['rmdir', 'rmdir'], unlink: ['unlink', 'unlinkat'], rename: ['rename', 'renameat2'], symlink: ['symlink', 'symlinkat'], link: ['link', 'linkat'],
  chmod: ['chmod', 'fchmodat'], chown: ['chown', 'fchownat'], utimes: ['utimensat', 'utimensat'], mknod: ['mknod', 'mknodat'],
}

/** Whose calls programs make. */
export interface UserLand {
  /** BusyBox rather than coreutils. */
  isBusybox: boolean
  /** musl rather than glibc. */
  isMusl: boolean
}

/** Takes a profile as it was read. @throws Error with what is wrong with it */
export function seccompProfile(profile: SeccompProfile): SeccompProfile {
  for (const action of [profile.defaultAction ?? '', ...(profile.syscalls ?? []).map((rule) => rule.action ?? '')]) if (!ACTIONS.has(action)) throw new Error(`string ${action} is not a valid action for seccomp`)
  return profile
}

interface Verdict {
  action: string
  errno: number
}

/** What a profile does with each call, for processes with certain capabilities. Rules that look at arguments count only where they allow something. */
// @k8s part: seccomp: arguments of system calls aren't looked at, and only calls that our programs stand for are filtered
export class SeccompFilter {
  readonly #verdicts = new Map<string, Verdict>()
  readonly #otherwise: Verdict
  readonly #userLand: UserLand
  readonly #onLog: (call: SystemCall, by: ConfinedProcess, verdict: string) => void

  constructor(profile: SeccompProfile, capabilities: bigint, userLand: UserLand, onLog: (call: SystemCall, by: ConfinedProcess, verdict: string) => void = () => {}) {
    this.#otherwise = { action: profile.defaultAction!, errno: profile.defaultErrnoRet ?? 1 }
    this.#userLand = userLand
    this.#onLog = onLog
    const has = (names: readonly string[]) => (capabilityMask(names) & ~capabilities) === 0n
    for (const { names = [], name, action = '', errnoRet = 1, args, includes, excludes } of profile.syscalls ?? []) {
      if (includes?.caps?.length && !has(includes.caps) || excludes?.caps?.length && has(excludes.caps)) continue
      if (args?.length && action !== 'SCMP_ACT_ALLOW') continue
      for (const each of name === undefined ? names : [name, ...names]) this.#verdicts.set(each, { action, errno: errnoRet })
    }
  }

  /** Whether a call comes through, however it is asked for. */
  allows(call: SystemCall): boolean {
    const { action } = this.#verdicts.get(call) ?? this.#otherwise
    return action === 'SCMP_ACT_ALLOW' || action === 'SCMP_ACT_LOG'
  }

  /** The filter as processes pass it. @throws UnixError, ProcessKilled */
  readonly filter: SystemCallFilter = (asked, by) => {
    const call = this.#callOf(asked)
    const { action, errno } = this.#verdicts.get(call) ?? this.#otherwise
    switch (action) {
      case 'SCMP_ACT_ALLOW': return
      case 'SCMP_ACT_LOG': this.#onLog(call, by, 'SCMP_ACT_LOG'); return
      case 'SCMP_ACT_ERRNO': {
        const code = ERRNO_NAMES[errno] ?? `E${errno}`
        throw new UnixError(code, strerror(code))
      }
      case 'SCMP_ACT_TRACE': case 'SCMP_ACT_NOTIFY': throw new UnixError('ENOSYS', strerror('ENOSYS'))
      default:
        this.#onLog(call, by, action)
        throw new ProcessKilled('SIGSYS')
    }
  }

  #callOf(asked: SystemCall | FileCall): SystemCall {
    // Forking goes by several names; a profile that lets any of them through means all.
    if (asked === 'clone') return (['clone', 'clone3', 'vfork', 'fork'] as const).find((call) => this.allows(call)) ?? 'clone'
    if (!(asked in FILE_CALLS)) return asked as SystemCall
    const [small, gnu] = FILE_CALLS[asked as FileCall]
    return (asked === 'open' ? this.#userLand.isMusl : this.#userLand.isBusybox) ? small : gnu
  }
}

/** Calls that the runtimes' own profile refuses to processes without a capability. */
const REFUSED: Partial<Record<SystemCall, Capability>> = {
  mount: 'SYS_ADMIN', umount2: 'SYS_ADMIN', sethostname: 'SYS_ADMIN', setns: 'SYS_ADMIN', unshare: 'SYS_ADMIN', pivot_root: 'SYS_ADMIN', clock_settime: 'SYS_TIME', settimeofday: 'SYS_TIME', reboot: 'SYS_BOOT', chroot: 'SYS_CHROOT', syslog: 'SYSLOG',
}

/** The profile that runtimes come with. */
// containerd: contrib/seccomp/seccomp_default.go
export const RUNTIME_DEFAULT: SeccompProfile = {
  defaultAction: 'SCMP_ACT_ALLOW',
  syscalls: Object.entries(REFUSED).map(([name, capability]) => ({ names: [name], action: 'SCMP_ACT_ERRNO', errnoRet: 1, excludes: { caps: [`CAP_${capability}`] } })),
}

/** The line that the kernel writes of a call that a filter reports. */
export function seccompAuditLine(call: SystemCall, by: ConfinedProcess, action: string, atMs: number, serial: number): string {
  const codes: Record<string, string> = { SCMP_ACT_LOG: '0x7ffc0000', SCMP_ACT_TRAP: '0x30000', SCMP_ACT_KILL: '0x0', SCMP_ACT_KILL_THREAD: '0x0', SCMP_ACT_KILL_PROCESS: '0x80000000' }
  const path = by.argv[0] ?? ''
  return `audit: type=1326 audit(${(atMs / 1000).toFixed(3)}:${serial}): auid=4294967295 uid=${by.user.uid} gid=${by.user.gid} ses=4294967295 pid=${by.pid} comm="${path.replace(/^.*\//, '').slice(0, 15)}" exe="${path}" sig=${action === 'SCMP_ACT_LOG' ? 0 : 31} arch=c000003e syscall=${SYSTEM_CALLS[call]} compat=0 code=${codes[action] ?? '0x0'}`
}
