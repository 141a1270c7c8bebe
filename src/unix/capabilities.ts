import type { Proc } from './types.ts'

/** Linux' capabilities: the place of a name is its bit. */
export const CAPABILITIES = [
  'CHOWN', 'DAC_OVERRIDE', 'DAC_READ_SEARCH', 'FOWNER', 'FSETID', 'KILL', 'SETGID', 'SETUID', 'SETPCAP', 'LINUX_IMMUTABLE', 'NET_BIND_SERVICE', 'NET_BROADCAST', 'NET_ADMIN', 'NET_RAW', 'IPC_LOCK', 'IPC_OWNER', 'SYS_MODULE', 'SYS_RAWIO',
  'SYS_CHROOT', 'SYS_PTRACE', 'SYS_PACCT', 'SYS_ADMIN', 'SYS_BOOT', 'SYS_NICE', 'SYS_RESOURCE', 'SYS_TIME', 'SYS_TTY_CONFIG', 'MKNOD', 'LEASE', 'AUDIT_WRITE', 'AUDIT_CONTROL', 'SETFCAP', 'MAC_OVERRIDE', 'MAC_ADMIN', 'SYSLOG', 'WAKE_ALARM',
  'BLOCK_SUSPEND', 'AUDIT_READ', 'PERFMON', 'BPF', 'CHECKPOINT_RESTORE',
] as const

export type Capability = typeof CAPABILITIES[number]

/** The capabilities of the kernel, all set. */
export const ALL_CAPABILITIES = (1n << BigInt(CAPABILITIES.length)) - 1n

const bit = (capability: Capability) => 1n << BigInt(CAPABILITIES.indexOf(capability))

/** The bits of names, with or without `CAP_`, in either case. Names that the kernel doesn't know count for nothing. */
export function capabilityMask(names: readonly string[]): bigint {
  return names.reduce((mask, name) => {
    const short = name.toUpperCase().replace(/^CAP_/, '')
    return isCapability(short) ? mask | bit(short) : mask
  }, 0n)
}

/** Whether a name, in capitals and without `CAP_`, is a capability's. */
export function isCapability(name: string): name is Capability {
  return (CAPABILITIES as readonly string[]).includes(name)
}

/** The names that are set, in the kernel's order. */
export function capabilityNames(mask: bigint): Capability[] {
  return CAPABILITIES.filter((_, i) => mask >> BigInt(i) & 1n)
}

/** Whether a process has a capability. Where nobody keeps capabilities, root has them all. */
export function isCapable(proc: Pick<Proc, 'user' | 'capabilities'>, capability: Capability): boolean {
  return proc.capabilities === undefined ? proc.user.uid === 0 : (proc.capabilities & bit(capability)) !== 0n
}

/** What capabilities mean for files, as bits of a small number, because files are looked at all the time. */
export const FileRight = { Override: 1, Search: 2, ChangeOwner: 4, ActAsOwner: 8, KeepSetId: 16 } as const

const FILE_CAPABILITIES: readonly [Capability, number][] = [['DAC_OVERRIDE', FileRight.Override], ['DAC_READ_SEARCH', FileRight.Search], ['CHOWN', FileRight.ChangeOwner], ['FOWNER', FileRight.ActAsOwner], ['FSETID', FileRight.KeepSetId]]
/** What root may do on a machine without limits. */
export const ALL_FILE_RIGHTS = 31

let lastMask = 0n
let lastRights = 0

/** The {@link FileRight}s of capabilities. */
export function fileRights(capabilities: bigint): number {
  if (capabilities === ALL_CAPABILITIES) return ALL_FILE_RIGHTS
  if (capabilities !== lastMask) {
    lastRights = FILE_CAPABILITIES.reduce((rights, [capability, right]) => capabilities & bit(capability) ? rights | right : rights, 0)
    lastMask = capabilities
  }
  return lastRights
}
