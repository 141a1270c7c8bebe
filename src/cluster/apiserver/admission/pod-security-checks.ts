/** The checks of the Pod Security Standards, in upstream's order and words. k8s: pod-security-admission/policy */
import { APP_ARMOR_ANNOTATION } from '../../kinds/core/profile-annotations.ts'
import type { Container, EphemeralContainer, PodSpec, Probe, SecurityContext, PodSecurityContext, ObjectMeta } from '../../kinds/generated/types.ts'

export interface Violation {
  reason: string
  detail: string
}

type CheckFunction = (spec: PodSpec, metadata: ObjectMeta) => Violation | undefined

interface Check {
  id: string
  level: 'baseline' | 'restricted'
  /** By the minor version from which a function counts, ascending. */
  versions: readonly (readonly [sinceMinor: number, check: CheckFunction])[]
  /** The baseline check that this one is stricter than. */
  overrides?: string
}

type AnyContainer = Container | EphemeralContainer

function containersOf(spec: PodSpec): AnyContainer[] {
  return [...spec.initContainers ?? [], ...spec.containers ?? [], ...spec.ephemeralContainers ?? []]
}

const plural = (one: string, many: string, count: number) => (count === 1 ? one : many)
const quoted = (items: readonly string[]) => items.map((item) => `"${item}"`).join(', ')
const containerList = (names: readonly string[]) => `${plural('container', 'containers', names.length)} ${quoted(names)}`
const sortedSet = (items: Iterable<string>) => [...new Set(items)].sort()
const isWindows = (spec: PodSpec) => spec.os?.name === 'windows'
const hasOwnUsers = (spec: PodSpec) => spec.hostUsers === false

/** Names of the containers whose security context is bad. */
function badContainers(spec: PodSpec, isBad: (context: SecurityContext | undefined, container: AnyContainer) => boolean): string[] {
  return containersOf(spec).filter((container) => isBad(container.securityContext, container)).map((container) => container.name)
}

/** `pod`, `container "a"` or both. */
function setters(podIsBad: boolean, containers: readonly string[]): string | undefined {
  const parts = [...podIsBad ? ['pod'] : [], ...containers.length > 0 ? [containerList(containers)] : []]
  return parts.length > 0 ? parts.join(' and ') : undefined
}

const unlessWindows = (check: CheckFunction): CheckFunction => (spec, metadata) => (isWindows(spec) ? undefined : check(spec, metadata))
const unlessOwnUsers = (check: CheckFunction): CheckFunction => (spec, metadata) => (hasOwnUsers(spec) ? undefined : check(spec, metadata))

const allowPrivilegeEscalation: CheckFunction = (spec) => {
  const bad = badContainers(spec, (context) => context?.allowPrivilegeEscalation !== false)
  return bad.length ? { reason: 'allowPrivilegeEscalation != false', detail: `${containerList(bad)} must set securityContext.allowPrivilegeEscalation=false` } : undefined
}

const appArmorProfile: CheckFunction = (spec, metadata) => {
  const isBad = (context: PodSecurityContext | SecurityContext | undefined) => context?.appArmorProfile !== undefined && !['RuntimeDefault', 'Localhost'].includes(context.appArmorProfile.type)
  const bad = badContainers(spec, isBad)
  const values = sortedSet([spec.securityContext, ...containersOf(spec).map((c) => c.securityContext)].filter(isBad).map((context) => context!.appArmorProfile!.type))
  const annotations = Object.entries(metadata.annotations ?? {})
    .filter(([key, value]) => key.startsWith(APP_ARMOR_ANNOTATION) && !(value === '' || value === 'runtime/default' || value.startsWith('localhost/'))).map(([key, value]) => `${key}=${JSON.stringify(value)}`).sort()
  const parts = [setters(isBad(spec.securityContext), bad), annotations.length > 0 ? plural('annotation', 'annotations', annotations.length) : undefined].filter(Boolean)
  if (parts.length === 0) return undefined
  const all = [...values, ...annotations]
  return { reason: plural('forbidden AppArmor profile', 'forbidden AppArmor profiles', all.length), detail: `${parts.join(' and ')} must not set AppArmor profile type to ${quoted(all)}` }
}

const DEFAULT_CAPABILITIES = new Set(['AUDIT_WRITE', 'CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'FSETID', 'KILL', 'MKNOD', 'NET_BIND_SERVICE', 'SETFCAP', 'SETGID', 'SETPCAP', 'SETUID', 'SYS_CHROOT'])

const capabilitiesBaseline: CheckFunction = (spec) => {
  const beyond = (context: SecurityContext | undefined) => (context?.capabilities?.add ?? []).filter((capability) => !DEFAULT_CAPABILITIES.has(capability))
  const bad = badContainers(spec, (context) => beyond(context).length > 0)
  const names = sortedSet(containersOf(spec).flatMap((container) => beyond(container.securityContext)))
  return bad.length ? { reason: 'non-default capabilities', detail: `${containerList(bad)} must not include ${quoted(names)} in securityContext.capabilities.add` } : undefined
}

const capabilitiesRestricted: CheckFunction = (spec) => {
  const keeping = badContainers(spec, (context) => !context?.capabilities?.drop?.includes('ALL'))
  const beyond = (context: SecurityContext | undefined) => (context?.capabilities?.add ?? []).filter((capability) => capability !== 'NET_BIND_SERVICE')
  const adding = badContainers(spec, (context) => beyond(context).length > 0)
  const details: string[] = []
  if (keeping.length) details.push(`${containerList(keeping)} must set securityContext.capabilities.drop=["ALL"]`)
  if (adding.length) details.push(`${containerList(adding)} must not include ${quoted(sortedSet(containersOf(spec).flatMap((c) => beyond(c.securityContext))))} in securityContext.capabilities.add`)
  return details.length ? { reason: 'unrestricted capabilities', detail: details.join('; ') } : undefined
}

const hostNamespaces: CheckFunction = (spec) => {
  const used = (['hostNetwork', 'hostPID', 'hostIPC'] as const).filter((field) => spec[field]).map((field) => `${field}=true`)
  return used.length ? { reason: 'host namespaces', detail: used.join(', ') } : undefined
}

const hostPathVolumes: CheckFunction = (spec) => {
  const bad = (spec.volumes ?? []).filter((volume) => volume.hostPath).map((volume) => volume.name)
  return bad.length ? { reason: 'hostPath volumes', detail: `${plural('volume', 'volumes', bad.length)} ${quoted(bad)}` } : undefined
}

const hostPorts: CheckFunction = (spec) => {
  const portsOf = (container: AnyContainer) => (container.ports ?? []).flatMap((port) => (port.hostPort ? [String(port.hostPort)] : []))
  const bad = badContainers(spec, (_, container) => portsOf(container).length > 0)
  const ports = sortedSet(containersOf(spec).flatMap(portsOf))
  return bad.length ? { reason: 'hostPort', detail: `${containerList(bad)} ${plural('uses', 'use', bad.length)} ${plural('hostPort', 'hostPorts', ports.length)} ${ports.join(', ')}` } : undefined
}

const hostProbes: CheckFunction = (spec) => {
  const hostsOf = (container: AnyContainer) => {
    const handlers: (Pick<Probe, 'httpGet' | 'tcpSocket'> | undefined)[] = [container.livenessProbe, container.readinessProbe, container.startupProbe, container.lifecycle?.postStart, container.lifecycle?.preStop]
    return handlers.flatMap((handler) => [handler?.httpGet?.host, handler?.tcpSocket?.host]).filter((host): host is string => Boolean(host))
  }
  const bad = sortedSet(badContainers(spec, (_, container) => hostsOf(container).length > 0))
  const hosts = sortedSet(containersOf(spec).flatMap(hostsOf))
  return bad.length ? { reason: 'probe or lifecycle host', detail: `${containerList(bad)} ${plural('uses', 'use', bad.length)} ${plural('probe or lifecycle host', 'probe or lifecycle hosts', hosts.length)} ${quoted(hosts)}` } : undefined
}

const privileged: CheckFunction = (spec) => {
  const bad = badContainers(spec, (context) => context?.privileged === true)
  return bad.length ? { reason: 'privileged', detail: `${containerList(bad)} must not set securityContext.privileged=true` } : undefined
}

const procMount: CheckFunction = (spec) => {
  const isBad = (context: SecurityContext | undefined) => context?.procMount !== undefined && context.procMount !== 'Default'
  const bad = badContainers(spec, isBad)
  const types = sortedSet(containersOf(spec).filter((c) => isBad(c.securityContext)).map((c) => c.securityContext!.procMount!))
  return bad.length ? { reason: 'procMount', detail: `${containerList(bad)} must not set securityContext.procMount to ${quoted(types)}` } : undefined
}

const FREE_VOLUMES = ['configMap', 'csi', 'downwardAPI', 'emptyDir', 'ephemeral', 'image', 'persistentVolumeClaim', 'projected', 'secret']
const OTHER_VOLUMES = [
  'hostPath', 'gcePersistentDisk', 'awsElasticBlockStore', 'gitRepo', 'nfs', 'iscsi', 'glusterfs', 'rbd', 'flexVolume', 'cinder', 'cephfs', 'flocker', 'fc', 'azureFile', 'vsphereVolume', 'quobyte', 'azureDisk',
  'photonPersistentDisk', 'portworxVolume', 'scaleIO', 'storageos',
]

const restrictedVolumes: CheckFunction = (spec) => {
  const bad = (spec.volumes ?? []).filter((volume) => !FREE_VOLUMES.some((type) => type in volume))
  const types = sortedSet(bad.map((volume) => OTHER_VOLUMES.find((type) => type in volume) ?? 'unknown'))
  return bad.length ? {
    reason: 'restricted volume types',
    detail: `${plural('volume', 'volumes', bad.length)} ${quoted(bad.map((v) => v.name))} ${plural('uses', 'use', bad.length)} ${plural('restricted volume type', 'restricted volume types', types.length)} ${quoted(types)}`,
  } : undefined
}

const runAsNonRoot: CheckFunction = (spec) => {
  const reason = 'runAsNonRoot != true'
  const pod = spec.securityContext?.runAsNonRoot
  const explicit = setters(pod === false, badContainers(spec, (context) => context?.runAsNonRoot === false))
  if (explicit) return { reason, detail: `${explicit} must not set securityContext.runAsNonRoot=false` }
  const implicit = pod === true ? [] : badContainers(spec, (context) => context?.runAsNonRoot === undefined)
  return implicit.length ? { reason, detail: `pod or ${containerList(implicit)} must set securityContext.runAsNonRoot=true` } : undefined
}

const runAsUser: CheckFunction = (spec) => {
  const bad = setters(spec.securityContext?.runAsUser === 0, badContainers(spec, (context) => context?.runAsUser === 0))
  return bad ? { reason: 'runAsUser=0', detail: `${bad} must not set runAsUser=0` } : undefined
}

const seLinuxOptions = (allowed: readonly string[]): CheckFunction => (spec) => {
  const optionsOf = (context: PodSecurityContext | SecurityContext | undefined) => context?.seLinuxOptions
  const isBad = (context: PodSecurityContext | SecurityContext | undefined) => {
    const options = optionsOf(context)
    return options !== undefined && (!allowed.includes(options.type ?? '') || Boolean(options.user) || Boolean(options.role))
  }
  const bad = setters(isBad(spec.securityContext), badContainers(spec, isBad))
  if (!bad) return undefined
  const all = [spec.securityContext, ...containersOf(spec).map((c) => c.securityContext)].map(optionsOf)
  const types = sortedSet(all.flatMap((options) => (options && !allowed.includes(options.type ?? '') ? [options.type!] : [])))
  const data: string[] = []
  if (types.length > 0) data.push(`${plural('type', 'types', types.length)} ${quoted(types)}`)
  if (all.some((options) => options?.user)) data.push('user may not be set')
  if (all.some((options) => options?.role)) data.push('role may not be set')
  return { reason: 'seLinuxOptions', detail: `${bad} set forbidden securityContext.seLinuxOptions: ${data.join('; ')}` }
}

const SECCOMP_POD_ANNOTATION = 'seccomp.security.alpha.kubernetes.io/pod'
const SECCOMP_CONTAINER_ANNOTATION = 'container.seccomp.security.alpha.kubernetes.io/'

const seccompAnnotations: CheckFunction = (spec, metadata) => {
  const keys = [SECCOMP_POD_ANNOTATION, ...containersOf(spec).map((container) => SECCOMP_CONTAINER_ANNOTATION + container.name)]
  const bad = sortedSet(keys.flatMap((key) => {
    const value = metadata.annotations?.[key]
    return value === undefined || ['runtime/default', 'docker/default'].includes(value) || value.startsWith('localhost/') ? [] : [`${key}=${JSON.stringify(value)}`]
  }))
  return bad.length ? { reason: 'seccompProfile', detail: `forbidden ${plural('annotation', 'annotations', bad.length)} ${bad.join(', ')}` } : undefined
}

const seccompType = (context: PodSecurityContext | SecurityContext | undefined) => context?.seccompProfile?.type
const isGoodSeccomp = (type: string) => type === 'Localhost' || type === 'RuntimeDefault'

const seccompBaseline: CheckFunction = (spec) => {
  const isBad = (context: PodSecurityContext | SecurityContext | undefined) => { const type = seccompType(context); return type !== undefined && !isGoodSeccomp(type) }
  const bad = setters(isBad(spec.securityContext), badContainers(spec, isBad))
  const values = sortedSet([spec.securityContext, ...containersOf(spec).map((c) => c.securityContext)].filter(isBad).map((context) => seccompType(context)!))
  return bad ? { reason: 'seccompProfile', detail: `${bad} must not set securityContext.seccompProfile.type to ${quoted(values)}` } : undefined
}

const seccompRestricted: CheckFunction = (spec, metadata) => {
  const explicit = seccompBaseline(spec, metadata)
  if (explicit) return explicit
  if (seccompType(spec.securityContext) !== undefined) return undefined
  const implicit = badContainers(spec, (context) => seccompType(context) === undefined)
  return implicit.length ? { reason: 'seccompProfile', detail: `pod or ${containerList(implicit)} must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"` } : undefined
}

const SYSCTLS_1_0 = ['kernel.shm_rmid_forced', 'net.ipv4.ip_local_port_range', 'net.ipv4.tcp_syncookies', 'net.ipv4.ping_group_range', 'net.ipv4.ip_unprivileged_port_start']
const SYSCTLS_1_27 = [...SYSCTLS_1_0, 'net.ipv4.ip_local_reserved_ports']
const SYSCTLS_1_29 = [...SYSCTLS_1_27, 'net.ipv4.tcp_keepalive_time', 'net.ipv4.tcp_fin_timeout', 'net.ipv4.tcp_keepalive_intvl', 'net.ipv4.tcp_keepalive_probes']
const SYSCTLS_1_32 = [...SYSCTLS_1_29, 'net.ipv4.tcp_rmem', 'net.ipv4.tcp_wmem']

const sysctls = (allowed: readonly string[]): CheckFunction => (spec) => {
  const bad = (spec.securityContext?.sysctls ?? []).map((sysctl) => sysctl.name).filter((name) => !allowed.includes(name))
  return bad.length ? { reason: 'forbidden sysctls', detail: bad.join(', ') } : undefined
}

const windowsHostProcess: CheckFunction = (spec) => {
  const isBad = (context: PodSecurityContext | SecurityContext | undefined) => context?.windowsOptions?.hostProcess === true
  const bad = setters(isBad(spec.securityContext), badContainers(spec, isBad))
  return bad ? { reason: 'hostProcess', detail: `${bad} must not set securityContext.windowsOptions.hostProcess=true` } : undefined
}

const SELINUX_1_0 = ['', 'container_t', 'container_init_t', 'container_kvm_t']

const CHECKS: readonly Check[] = [
  { id: 'allowPrivilegeEscalation', level: 'restricted', versions: [[8, allowPrivilegeEscalation], [25, unlessWindows(allowPrivilegeEscalation)]] },
  { id: 'appArmorProfile', level: 'baseline', versions: [[0, appArmorProfile]] },
  { id: 'capabilities_baseline', level: 'baseline', versions: [[0, capabilitiesBaseline]] },
  { id: 'capabilities_restricted', level: 'restricted', versions: [[22, capabilitiesRestricted], [25, unlessWindows(capabilitiesRestricted)]], overrides: 'capabilities_baseline' },
  { id: 'hostNamespaces', level: 'baseline', versions: [[0, hostNamespaces]] },
  { id: 'hostPathVolumes', level: 'baseline', versions: [[0, hostPathVolumes]] },
  { id: 'hostPorts', level: 'baseline', versions: [[0, hostPorts]] },
  { id: 'hostProbesAndHostLifecycle', level: 'baseline', versions: [[34, hostProbes]] },
  { id: 'privileged', level: 'baseline', versions: [[0, privileged]] },
  { id: 'procMount', level: 'baseline', versions: [[0, procMount], [35, unlessOwnUsers(procMount)]] },
  { id: 'procMount_restricted', level: 'restricted', versions: [[35, procMount]], overrides: 'procMount' },
  { id: 'restrictedVolumes', level: 'restricted', versions: [[0, restrictedVolumes]], overrides: 'hostPathVolumes' },
  { id: 'runAsNonRoot', level: 'restricted', versions: [[0, runAsNonRoot], [35, unlessOwnUsers(runAsNonRoot)]] },
  { id: 'runAsUser', level: 'restricted', versions: [[23, runAsUser], [35, unlessOwnUsers(runAsUser)]] },
  { id: 'seLinuxOptions', level: 'baseline', versions: [[0, seLinuxOptions(SELINUX_1_0)], [31, seLinuxOptions([...SELINUX_1_0, 'container_engine_t'])]] },
  { id: 'seccompProfile_baseline', level: 'baseline', versions: [[0, seccompAnnotations], [19, seccompBaseline]] },
  { id: 'seccompProfile_restricted', level: 'restricted', versions: [[19, seccompRestricted], [25, unlessWindows(seccompRestricted)]], overrides: 'seccompProfile_baseline' },
  { id: 'sysctls', level: 'baseline', versions: [[0, sysctls(SYSCTLS_1_0)], [27, sysctls(SYSCTLS_1_27)], [29, sysctls(SYSCTLS_1_29)], [32, sysctls(SYSCTLS_1_32)]] },
  { id: 'windowsHostProcess', level: 'baseline', versions: [[0, windowsHostProcess]] },
]

/** Baseline before restricted, otherwise as listed. */
const IN_ORDER = [...CHECKS.filter((check) => check.level === 'baseline'), ...CHECKS.filter((check) => check.level === 'restricted')]

/** @param minor the minor version of the policy; Infinity for `latest` */
export function podSecurityViolations(level: 'privileged' | 'baseline' | 'restricted', minor: number, metadata: ObjectMeta, spec: PodSpec): Violation[] {
  if (level === 'privileged') return []
  const active = IN_ORDER.filter((check) => (level === 'restricted' || check.level === 'baseline') && check.versions[0]![0] <= minor)
  const overridden = new Set(active.map((check) => check.overrides))
  return active.filter((check) => !overridden.has(check.id)).flatMap((check) => check.versions.findLast(([since]) => since <= minor)![1](spec, metadata) ?? [])
}
