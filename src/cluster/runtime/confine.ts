import type { Confinement } from '../../unix/confinement.ts'
import type { KernelLog } from '../../unix/kernel-log.ts'
import { RUNTIME_DEFAULT, SeccompFilter, seccompAuditLine, seccompProfile } from '../../unix/seccomp.ts'
import type { SeccompProfile } from '../../unix/seccomp.ts'
import type { MountableFileSystem } from '../../unix/types.ts'
import type { AppArmorProfiles } from './apparmor-profiles.ts'
import { capabilitiesOf } from './capabilities.ts'
import { RuntimeError } from './cri.ts'
import type { ContainerSecurity } from './cri.ts'
import type { RuntimeWords } from './cri-implementation.ts'

/** What confines a container's processes, and what keeps it from starting at all. */
export interface ContainerConfinement {
  confinement: Confinement | undefined
  /** runc's words for why its init can't become the container's first process. */
  startProblem?: string
  /** The same, where that is found out only after it has let go. */
  lateProblem?: string
}

/** @throws RuntimeError where a profile isn't there */
// containerd: internal/cri/server generateApparmorSpecOpts, contrib/seccomp WithProfile
export function confine(security: ContainerSecurity, { root, nodeFiles, profiles, kernelLog, words }: { root: MountableFileSystem; nodeFiles: MountableFileSystem; profiles: AppArmorProfiles; kernelLog: KernelLog; words: RuntimeWords }): ContainerConfinement {
  const { appArmor, seccomp, seccompFile, seccompText, noNewPrivileges = false } = security
  const profile = appArmor === undefined ? undefined : profiles.find(appArmor)
  if (appArmor !== undefined && !profile) throw new RuntimeError('Unknown', `failed to get container spec opts: failed to generate apparmor spec opts: apparmor profile not found ${appArmor}`)
  if (!seccomp) return { confinement: profile && { profile: profile.rules } }
  let rules: SeccompProfile = seccompText === undefined ? RUNTIME_DEFAULT : JSON.parse(seccompText) as SeccompProfile
  if (seccompFile !== undefined) {
    if (!nodeFiles.exists(seccompFile)) throw new RuntimeError('Unknown', words.noSeccompProfile(seccompFile))
    try {
      rules = seccompProfile(JSON.parse(nodeFiles.readText(seccompFile)) as SeccompProfile)
    } catch (error) {
      if (error instanceof SyntaxError) throw new RuntimeError('Unknown', words.badSeccompProfile(seccompFile, jsonProblem(nodeFiles.readText(seccompFile))))
      return { confinement: undefined, startProblem: (error as Error).message }
    }
  }
  const userLand = { isBusybox: root.exists('/bin/busybox'), isMusl: root.exists('/etc/alpine-release') }
  const filter = new SeccompFilter(rules, capabilitiesOf(security), userLand, (call, by, action) => kernelLog.add((atMs, serial) => seccompAuditLine(call, by, action, atMs, serial)))
  const confinement: Confinement = { filter: filter.filter, filtersFiles: rules !== RUNTIME_DEFAULT, ...(profile ? { profile: profile.rules } : {}) }
  return { confinement, ...problemOf(filter, noNewPrivileges) }
}

/** What runc's init still calls once the filter is in place: with no_new_privs that is right before execve. */
function problemOf(filter: SeccompFilter, noNewPrivileges: boolean): Pick<ContainerConfinement, 'startProblem' | 'lateProblem'> {
  if (noNewPrivileges) return filter.allows('openat') && filter.allows('write') && filter.allows('execve') ? {} : { lateProblem: 'cannot start a stopped process' }
  const denied = (['openat', 'fstatfs', 'capset', 'execve'] as const).find((call) => !filter.allows(call))
  switch (denied) {
    case undefined: return {}
    case 'openat': return { startProblem: 'unable to start container process: error during container init: error closing exec fds: open /proc/thread-self/fd: operation not permitted' }
    case 'fstatfs': return { startProblem: 'unable to start container process: error during container init: error closing exec fds: ensure /proc/thread-self/fd is on procfs: operation not permitted' }
    case 'capset': return { startProblem: 'unable to start container process: error during container init: unable to apply caps: operation not permitted' }
    case 'execve': return { startProblem: 'unable to start container process: error during container init: exec: operation not permitted' }
  }
}

/** What Go says of text that is no JSON, as far as its beginning tells. */
function jsonProblem(text: string): string {
  const [first] = text.trim()
  if (first === undefined) return 'unexpected end of JSON input'
  return /[{["\d\-tfn]/.test(first) ? 'invalid character in JSON text' : `invalid character '${first}' looking for beginning of value`
}
