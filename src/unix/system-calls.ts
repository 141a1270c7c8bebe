import { isCapable } from './capabilities.ts'
import type { Capability } from './capabilities.ts'
import { errno } from './errno.ts'
import type { Proc } from './types.ts'

/** Linux' numbers of the system calls that our programs stand for, on x86_64. */
export const SYSTEM_CALLS = {
  read: 0, write: 1, open: 2, stat: 4, socket: 41, connect: 42, sendto: 44, bind: 49, listen: 50, clone: 56, fork: 57, vfork: 58, execve: 59, kill: 62, getdents64: 217, rename: 82, mkdir: 83, rmdir: 84, link: 86, unlink: 87, symlink: 88, readlink: 89,
  chmod: 90, chown: 92, syslog: 103, setuid: 105, setgid: 106, setgroups: 116, mknod: 133, pivot_root: 155, chroot: 161, settimeofday: 164, mount: 165, umount2: 166, reboot: 169, sethostname: 170, clock_settime: 227, openat: 257, fchownat: 260,
  unlinkat: 263, linkat: 265, symlinkat: 266, readlinkat: 267, fchmodat: 268, unshare: 272, utimensat: 280, setns: 308, renameat2: 316, clone3: 435, fstatfs: 138, capset: 126, mknodat: 259, mkdirat: 258,
} as const

export type SystemCall = keyof typeof SYSTEM_CALLS

/** Calls that take a capability whatever they are asked for. */
const NEEDS: Partial<Record<SystemCall, Capability>> = {
  mount: 'SYS_ADMIN', umount2: 'SYS_ADMIN', sethostname: 'SYS_ADMIN', unshare: 'SYS_ADMIN', setns: 'SYS_ADMIN', pivot_root: 'SYS_ADMIN', clock_settime: 'SYS_TIME', settimeofday: 'SYS_TIME', syslog: 'SYSLOG', chroot: 'SYS_CHROOT', reboot: 'SYS_BOOT', mknod: 'MKNOD', mknodat: 'MKNOD',
}

/**
 * Makes a privileged system call as far as it may be refused: by the filter of system calls, for want of a capability, or by a profile.
 * @throws UnixError EPERM, EACCES
 */
export function demandCall(proc: Proc, call: SystemCall): void {
  const needed = NEEDS[call]
  proc.systemCall?.(call)
  if (needed && !isCapable(proc, needed)) throw errno('EPERM')
  proc.confined?.(call)
}
