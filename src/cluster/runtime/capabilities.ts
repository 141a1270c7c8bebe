/** Linux' capabilities: the place of a name is its bit. */
const NAMES = [
  'CHOWN', 'DAC_OVERRIDE', 'DAC_READ_SEARCH', 'FOWNER', 'FSETID', 'KILL', 'SETGID', 'SETUID', 'SETPCAP', 'LINUX_IMMUTABLE', 'NET_BIND_SERVICE', 'NET_BROADCAST', 'NET_ADMIN', 'NET_RAW', 'IPC_LOCK', 'IPC_OWNER', 'SYS_MODULE', 'SYS_RAWIO',
  'SYS_CHROOT', 'SYS_PTRACE', 'SYS_PACCT', 'SYS_ADMIN', 'SYS_BOOT', 'SYS_NICE', 'SYS_RESOURCE', 'SYS_TIME', 'SYS_TTY_CONFIG', 'MKNOD', 'LEASE', 'AUDIT_WRITE', 'AUDIT_CONTROL', 'SETFCAP', 'MAC_OVERRIDE', 'MAC_ADMIN', 'SYSLOG', 'WAKE_ALARM',
  'BLOCK_SUSPEND', 'AUDIT_READ', 'PERFMON', 'BPF', 'CHECKPOINT_RESTORE',
]
const ALL = (1n << BigInt(NAMES.length)) - 1n
/** What containers have unless they ask for more or less. */
const DEFAULT = maskOf(['CHOWN', 'DAC_OVERRIDE', 'FSETID', 'FOWNER', 'MKNOD', 'NET_RAW', 'SETGID', 'SETUID', 'SETFCAP', 'SETPCAP', 'NET_BIND_SERVICE', 'SYS_CHROOT', 'KILL', 'AUDIT_WRITE'])

function maskOf(names: readonly string[]): bigint {
  return names.reduce((mask, name) => {
    const short = name.toUpperCase().replace(/^CAP_/, '')
    const bit = NAMES.indexOf(short)
    return short === 'ALL' ? ALL : bit < 0 ? mask : mask | 1n << BigInt(bit)
  }, 0n)
}

/** The capabilities of a container, a bit for each. */
// containerd: internal/cri/opts WithCapabilities: ALL is looked at first, then single names are added and dropped
export function capabilitiesOf({ privileged, addCapabilities = [], dropCapabilities = [] }: { privileged: boolean; addCapabilities?: readonly string[]; dropCapabilities?: readonly string[] }): bigint {
  if (privileged) return ALL
  const has = (names: readonly string[], name: string) => names.some((each) => each.toUpperCase() === name)
  const start = has(addCapabilities, 'ALL') ? ALL : has(dropCapabilities, 'ALL') ? 0n : DEFAULT
  const single = (names: readonly string[]) => maskOf(names.filter((name) => name.toUpperCase() !== 'ALL'))
  return (start | single(addCapabilities)) & ~single(dropCapabilities)
}
