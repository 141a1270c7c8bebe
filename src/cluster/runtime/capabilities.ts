import { ALL_CAPABILITIES, capabilityMask } from '../../unix/capabilities.ts'

/** What containers have unless they ask for more or less. */
const DEFAULT = capabilityMask(['CHOWN', 'DAC_OVERRIDE', 'FSETID', 'FOWNER', 'MKNOD', 'NET_RAW', 'SETGID', 'SETUID', 'SETFCAP', 'SETPCAP', 'NET_BIND_SERVICE', 'SYS_CHROOT', 'KILL', 'AUDIT_WRITE'])

const isAll = (name: string) => /^(?:CAP_)?ALL$/i.test(name)

/** The capabilities of a container, a bit for each. */
// containerd: internal/cri/opts WithCapabilities: ALL is looked at first, then single names are added and dropped
export function capabilitiesOf({ privileged, addCapabilities = [], dropCapabilities = [] }: { privileged: boolean; addCapabilities?: readonly string[]; dropCapabilities?: readonly string[] }): bigint {
  if (privileged) return ALL_CAPABILITIES
  const start = addCapabilities.some(isAll) ? ALL_CAPABILITIES : dropCapabilities.some(isAll) ? 0n : DEFAULT
  return (start | capabilityMask(addCapabilities)) & ~capabilityMask(dropCapabilities)
}
