/** Rules for security contexts. k8s: pkg/apis/core/validation */
import { checkRelativePath } from '../checks.ts'
import { duplicate, forbidden, invalid, notSupported, required, tooLong, type Finding } from '../findings.ts'
import { byteLength, dnsSubdomainProblems, rangeText } from '../names.ts'
import { internalValue } from './spec-diff.ts'
import type { AppArmorProfile, PodSecurityContext, PodSpec, SeccompProfile, SecurityContext } from '../generated/types.ts'

const MAX_ID = 2147483647
const SYSCTL_SEGMENT = '[a-z0-9]([-_a-z0-9]*[a-z0-9])?'
const SYSCTL = `^(${SYSCTL_SEGMENT}[\\./])*${SYSCTL_SEGMENT}$`
const sysctlName = new RegExp(SYSCTL)

function checkId(out: Finding[], id: number | undefined, at: string): void {
  if (id !== undefined && (id < 0 || id > MAX_ID)) out.push(invalid(at, id, rangeText(0, MAX_ID)))
}

function checkSeccomp(out: Finding[], profile: Readonly<SeccompProfile> | undefined, at: string): void {
  if (!profile) return
  const types = ['Localhost', 'RuntimeDefault', 'Unconfined']
  if (!profile.type) out.push(required(`${at}.type`, 'type is required when seccompProfile is set'))
  else if (!types.includes(profile.type)) out.push(notSupported(`${at}.type`, profile.type, types))
  if (profile.type === 'Localhost') {
    if (profile.localhostProfile === undefined) out.push(required(`${at}.localhostProfile`, 'must be set when seccomp type is Localhost'))
    else checkRelativePath(out, profile.localhostProfile, `${at}.localhostProfile`)
  } else if (profile.localhostProfile !== undefined) out.push(invalid(`${at}.localhostProfile`, goFields(profile), 'can only be set when seccomp type is Localhost'))
}

/** k8s: ValidateAppArmorProfileField */
export function checkAppArmorProfile(out: Finding[], profile: Readonly<AppArmorProfile> | undefined, at: string): void {
  if (!profile) return
  const local = profile.localhostProfile
  switch (profile.type as string | undefined) {
    case 'Localhost':
      if (local === undefined) out.push(required(`${at}.localhostProfile`, 'must be set when AppArmor type is Localhost'))
      else {
        if (local.trim() !== local) out.push(invalid(`${at}.localhostProfile`, local, 'must not be padded with whitespace'))
        else if (local === '') out.push(required(`${at}.localhostProfile`, 'must be set when AppArmor type is Localhost'))
        if (byteLength(local) > 4095) out.push(tooLong(`${at}.localhostProfile`, 4095))
      }
      break
    case 'RuntimeDefault': case 'Unconfined':
      if (local !== undefined) out.push(invalid(`${at}.localhostProfile`, local, 'can only be set when AppArmor type is Localhost'))
      break
    case '': case undefined:
      out.push(required(`${at}.type`, 'type is required when appArmorProfile is set'))
      break
    default:
      out.push(notSupported(`${at}.type`, profile.type, ['Localhost', 'RuntimeDefault', 'Unconfined']))
  }
}

/** Values of internal types are shown with Go's field names. */
function goFields(value: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key[0]!.toUpperCase() + key.slice(1), item]))
}

/** A container's context as Go shows the internal type. */
const securityContextText = (context: Readonly<SecurityContext>) => internalValue('SecurityContext', context)

/** k8s: ValidateSecurityContext */
export function validateSecurityContext(out: Finding[], context: Readonly<SecurityContext> | undefined, hostUsers: boolean, at: string): void {
  if (!context) return
  checkId(out, context.runAsUser, `${at}.runAsUser`)
  checkId(out, context.runAsGroup, `${at}.runAsGroup`)
  if (context.procMount !== undefined) {
    if (context.procMount !== 'Default' && context.procMount !== 'Unmasked') out.push(notSupported(`${at}.procMount`, context.procMount, ['Default', 'Unmasked']))
    if (hostUsers && context.procMount === 'Unmasked') out.push(invalid(`${at}.procMount`, context.procMount, '`hostUsers` must be false to use `Unmasked`'))
  }
  checkSeccomp(out, context.seccompProfile, `${at}.seccompProfile`)
  if (context.allowPrivilegeEscalation === false) {
    if (context.privileged) out.push(invalid(at, securityContextText(context), 'cannot set `allowPrivilegeEscalation` to false and `privileged` to true'))
    for (const capability of context.capabilities?.add ?? []) {
      if (capability === 'CAP_SYS_ADMIN') out.push(invalid(at, securityContextText(context), 'cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN'))
    }
  }
  checkWindowsOptions(out, context.windowsOptions, `${at}.windowsOptions`)
  checkAppArmorProfile(out, context.appArmorProfile, `${at}.appArmorProfile`)
}

/** k8s: validatePodSpecSecurityContext */
export function validatePodSecurityContext(out: Finding[], context: Readonly<PodSecurityContext> | undefined, spec: Readonly<PodSpec>, at: string): void {
  if (!context) return
  checkId(out, context.fsGroup, `${at}.fsGroup`)
  checkId(out, context.runAsUser, `${at}.runAsUser`)
  checkId(out, context.runAsGroup, `${at}.runAsGroup`)
  ;(context.supplementalGroups ?? []).forEach((group, i) => checkId(out, group, `${at}.supplementalGroups[${i}]`))
  if (spec.shareProcessNamespace && spec.hostPID) out.push(invalid(`${at}.shareProcessNamespace`, true, 'ShareProcessNamespace and HostPID cannot both be enabled'))
  const names = new Set<string>()
  ;(context.sysctls ?? []).forEach(({ name }, i) => {
    const here = `${at}.sysctls[${i}].name`
    if (!name) out.push(required(here))
    else if (name.length > 253 || !sysctlName.test(name)) out.push(invalid(here, name, `must have at most 253 characters and match regex ${SYSCTL}`))
    else if (names.has(name)) out.push(duplicate(here, name))
    const dotted = name.replaceAll('/', '.')
    if (spec.hostNetwork && dotted.startsWith('net.')) out.push(invalid(here, name, "may not be specified when 'hostNetwork' is true"))
    if (spec.hostIPC && /^(?:kernel\.shm|kernel\.msg|kernel\.sem$|fs\.mqueue\.)/.test(dotted)) out.push(invalid(here, name, "may not be specified when 'hostIPC' is true"))
    names.add(name)
  })
  if (context.fsGroupChangePolicy !== undefined && !['Always', 'OnRootMismatch'].includes(context.fsGroupChangePolicy)) out.push(notSupported(`${at}.fsGroupChangePolicy`, context.fsGroupChangePolicy, ['Always', 'OnRootMismatch']))
  checkSeccomp(out, context.seccompProfile, `${at}.seccompProfile`)
  checkWindowsOptions(out, context.windowsOptions, `${at}.windowsOptions`)
  checkAppArmorProfile(out, context.appArmorProfile, `${at}.appArmorProfile`)
  if (context.supplementalGroupsPolicy !== undefined && !['Merge', 'Strict'].includes(context.supplementalGroupsPolicy)) out.push(notSupported(`${at}.supplementalGroupsPolicy`, context.supplementalGroupsPolicy, ['Merge', 'Strict']))
  // MountOption needs a feature that is off by default (SELinuxMount).
  if (context.seLinuxChangePolicy !== undefined && context.seLinuxChangePolicy !== 'Recursive') out.push(notSupported(`${at}.seLinuxChangePolicy`, context.seLinuxChangePolicy, ['Recursive']))
}

/** k8s: validateWindowsHostProcessPod */
export function validateHostProcess(out: Finding[], spec: Readonly<PodSpec>, at: string): void {
  const ofPod = spec.securityContext?.windowsOptions?.hostProcess
  let all = 0
  let onHost = 0
  // In the order in which upstream visits containers.
  for (const [name, list] of [['initContainers', spec.initContainers], ['containers', spec.containers], ['ephemeralContainers', spec.ephemeralContainers]] as const) {
    if (!list) continue
    for (let i = 0; i < list.length; i++) {
      const own = list[i]!.securityContext?.windowsOptions?.hostProcess
      all++
      if (ofPod !== undefined && own !== undefined && ofPod !== own) out.push(invalid(`${at}.${name}[${i}].securityContext.windowsOptions.hostProcess`, own, `pod hostProcess value must be identical if both are specified, was ${ofPod}`))
      if (own ?? ofPod) onHost++
    }
  }
  if (onHost === 0) return
  if (onHost !== all) out.push(invalid(at, '', 'If pod contains any hostProcess containers then all containers must be HostProcess containers'))
  if (!spec.hostNetwork) out.push(invalid(`${at}.hostNetwork`, false, 'hostNetwork must be true if pod contains any hostProcess containers'))
}

/** Names of accounts on Windows. k8s: validateWindowsSecurityContextOptions */
const NETBIOS_DOMAIN = /^[^\\/:*?"<>|.][^\\/:*?"<>|]{0,14}$/
const DNS_DOMAIN = /^(?:[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?\.)*[a-zA-Z0-9][a-zA-Z0-9-]{0,61}[a-zA-Z0-9]$/

function checkWindowsOptions(out: Finding[], options: Readonly<{ gmsaCredentialSpecName?: string; gmsaCredentialSpec?: string; runAsUserName?: string }> | undefined, at: string): void {
  if (!options) return
  const { gmsaCredentialSpecName: specName, gmsaCredentialSpec: text, runAsUserName: account } = options
  if (specName !== undefined) for (const problem of dnsSubdomainProblems(specName)) out.push(invalid(`${at}.gmsaCredentialSpecName`, specName, problem))
  if (text !== undefined) {
    if (text === '') out.push(invalid(`${at}.gmsaCredentialSpec`, text, 'gmsaCredentialSpec cannot be an empty string'))
    else if (byteLength(text) > 65536) out.push(invalid(`${at}.gmsaCredentialSpec`, text, 'gmsaCredentialSpec size must be under 64 KiB'))
  }
  if (account === undefined) return
  const bad = (why: string) => out.push(invalid(`${at}.runAsUserName`, account, why))
  const parts = account.split('\\')
  // eslint-disable-next-line no-control-regex -- what is looked for
  if (account === '') bad('runAsUserName cannot be an empty string')
  else if (/[\u0000-\u001f\u007f]/.test(account)) bad('runAsUserName cannot contain control characters')
  else if (parts.length > 2) bad('runAsUserName cannot contain more than one backslash')
  else {
    const user = parts.at(-1)!
    const domain = parts.length === 2 ? parts[0]! : undefined
    if (domain !== undefined && byteLength(domain) >= 256) bad("runAsUserName's Domain length must be under 256 characters")
    if (domain !== undefined && !NETBIOS_DOMAIN.test(domain) && !DNS_DOMAIN.test(domain)) bad("runAsUserName's Domain doesn't match the NetBios nor the DNS format")
    if (user === '') bad("runAsUserName's User cannot be empty")
    else if (byteLength(user) > 104) bad("runAsUserName's User length must not be longer than 104 characters")
    if (/^[. ]+$/.test(user)) bad("runAsUserName's User cannot contain only periods or spaces")
    if (/["/\\:;|=,+*?<>@[\]]/.test(user)) bad('runAsUserName\'s User cannot contain the following characters: "/\\:;|=,+*?<>@[]')
  }
}

const POD_LINUX_ONLY: readonly [keyof PodSpec | keyof PodSecurityContext, boolean][] = [
  ['appArmorProfile', true], ['seLinuxOptions', true], ['hostUsers', false], ['hostPID', false], ['hostIPC', false], ['seccompProfile', true], ['fsGroup', true], ['fsGroupChangePolicy', true],
  ['sysctls', true], ['shareProcessNamespace', false], ['runAsUser', true], ['runAsGroup', true], ['supplementalGroups', true], ['supplementalGroupsPolicy', true], ['seLinuxChangePolicy', true],
]
const CONTAINER_LINUX_ONLY = ['appArmorProfile', 'seLinuxOptions', 'seccompProfile', 'capabilities', 'readOnlyRootFilesystem', 'privileged', 'allowPrivilegeEscalation', 'procMount', 'runAsUser', 'runAsGroup'] as const

/** k8s: validateOS, validateLinux, validateWindows */
export function validateOperatingSystem(out: Finding[], spec: Readonly<PodSpec>, at: string): void {
  const os = spec.os
  if (!os) return
  if (!os.name) out.push(required(`${at}.os.name`))
  else if (os.name !== 'linux' && os.name !== 'windows') out.push(notSupported(`${at}.os`, os.name, ['linux', 'windows']))
  const containers = [['initContainers', spec.initContainers], ['containers', spec.containers], ['ephemeralContainers', spec.ephemeralContainers]] as const
  if (os.name === 'linux') {
    if (spec.securityContext?.windowsOptions) out.push(forbidden(`${at}.securityContext.windowsOptions`, 'windows options cannot be set for a linux pod'))
    for (const [name, list] of containers) {
      ;(list ?? []).forEach((container, i) => {
        if (container.securityContext?.windowsOptions) out.push(forbidden(`${at}.${name}[${i}].securityContext.windowsOptions`, 'windows options cannot be set for a linux pod'))
      })
    }
  }
  if (os.name !== 'windows') return
  for (const [field, inContext] of POD_LINUX_ONLY) {
    const value = inContext ? (spec.securityContext as Record<string, unknown> | undefined)?.[field] : (spec as Record<string, unknown>)[field]
    if (value !== undefined) out.push(forbidden(`${at}.${inContext ? 'securityContext.' : ''}${field}`, 'cannot be set for a windows pod'))
  }
  for (const [name, list] of containers) {
    ;(list ?? []).forEach((container, i) => {
      for (const field of CONTAINER_LINUX_ONLY) if (container.securityContext?.[field] !== undefined) out.push(forbidden(`${at}.${name}[${i}].securityContext.${field}`, 'cannot be set for a windows pod'))
    })
  }
}
