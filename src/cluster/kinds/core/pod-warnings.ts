/** What the server accepts in a pod but warns about. k8s: pkg/api/pod/warnings.go */
import { deepEqual } from '../../../base/freeze.ts'
import type { Affinity, Container, ContainerPort, PersistentVolumeClaimSpec, PodSpec, PodTemplateSpec } from '../generated/types.ts'
import { ipWarnings } from '../ip.ts'
import { dnsLabelProblems, labelValueProblems } from '../names.ts'
import type { ObjectMeta } from '../object.ts'
import { parseQuantity } from '../quantity.ts'
import type { Strategy } from '../kind.ts'
import { APP_ARMOR_ANNOTATION, appArmorProfileOf, appArmorWarning, SECCOMP_CONTAINER_ANNOTATION, SECCOMP_POD_ANNOTATION } from './profile-annotations.ts'
import { overlappingPathWarnings } from './overlapping-paths.ts'

const NANOS = 1_000_000_000n

/** k8s: pkg/api/node/util.go deprecatedNodeLabels */
const OLD_NODE_LABELS: ReadonlyMap<string, string> = new Map([
  ['beta.kubernetes.io/arch', 'deprecated since v1.14; use "kubernetes.io/arch" instead'],
  ['beta.kubernetes.io/os', 'deprecated since v1.14; use "kubernetes.io/os" instead'],
  ['failure-domain.beta.kubernetes.io/region', 'deprecated since v1.17; use "topology.kubernetes.io/region" instead'],
  ['failure-domain.beta.kubernetes.io/zone', 'deprecated since v1.17; use "topology.kubernetes.io/zone" instead'],
  ['beta.kubernetes.io/instance-type', 'deprecated since v1.17; use "node.kubernetes.io/instance-type" instead'],
  ['app.kubernetes.io/created-by', 'deprecated since v1.9'],
  ['scheduler.alpha.kubernetes.io/preferAvoidPods', 'deprecated since v1.22; use Taints and Tolerations instead'],
  ['node-role.kubernetes.io/master', 'use "node-role.kubernetes.io/control-plane" instead'],
])

const OLD_ANNOTATIONS: readonly (readonly [string, string])[] = [
  ['scheduler.alpha.kubernetes.io/critical-pod', 'non-functional in v1.16+; use the "priorityClassName" field instead'],
  ['security.alpha.kubernetes.io/sysctls', 'non-functional in v1.11+; use the "sysctls" field instead'],
  ['security.alpha.kubernetes.io/unsafe-sysctls', 'non-functional in v1.11+; use the "sysctls" field instead'],
]

const OLD_VOLUMES = {
  photonPersistentDisk: 'deprecated in v1.11, non-functional in v1.16+',
  gitRepo: 'deprecated in v1.11, and disabled by default in v1.33+',
  scaleIO: 'deprecated in v1.16, non-functional in v1.22+',
  flocker: 'deprecated in v1.22, non-functional in v1.25+',
  storageos: 'deprecated in v1.22, non-functional in v1.25+',
  quobyte: 'deprecated in v1.22, non-functional in v1.25+',
  glusterfs: 'deprecated in v1.25, non-functional in v1.26+',
  cephfs: 'deprecated in v1.28, non-functional in v1.31+',
  rbd: 'deprecated in v1.28, non-functional in v1.31+',
} as const

const NO_PODS = 'a null labelSelector results in matching no pod'
const USE_SECCOMP_FIELD = 'non-functional in v1.27+; use the "seccompProfile" field instead'

/** Names that end up in host names. */
export function nameWarnings(name: string | undefined, use = 'Pod names and hostnames'): string[] {
  const problems = dnsLabelProblems(name ?? '')
  return problems.length > 0 ? [`metadata.name: this is used in ${use}, which can result in surprising behavior; a DNS label is recommended: [${problems.join(' ')}]`] : []
}

interface Templated {
  metadata: ObjectMeta
}

/** Warnings of a workload that makes pods. `named` when pods take its name. */
export function templateWarnings<T extends Templated>(template: (object: Readonly<T>) => PodTemplateSpec | undefined, at: string, named = true): Pick<Strategy<T & any>, 'warningsOnCreate' | 'warningsOnUpdate'> {
  const ofTemplate = (object: Readonly<T>): string[] => {
    const found = template(object)
    return found?.spec ? podWarnings(found.spec, found.metadata, `${at}.`) : []
  }
  return {
    warningsOnCreate: (object: Readonly<T>) => [...(named ? nameWarnings(object.metadata.name) : []), ...ofTemplate(object)],
    warningsOnUpdate: (object: Readonly<T>, old: Readonly<T>) => (object.metadata.generation === old.metadata.generation ? [] : ofTemplate(object)),
  }
}

/** k8s: warningsForPodSpecAndMeta; `prefix` is empty or ends with a dot */
export function podWarnings(spec: Readonly<PodSpec>, metadata: Readonly<{ annotations?: Record<string, string> }> | undefined, prefix = ''): string[] {
  const out: string[] = []
  const at = `${prefix}spec`
  const annotations = metadata?.annotations ?? {}
  for (const key in spec.nodeSelector) if (OLD_NODE_LABELS.has(key)) out.push(`${at}.nodeSelector[${key}]: ${OLD_NODE_LABELS.get(key)}`)
  nodeAffinityWarnings(out, spec.affinity, `${at}.affinity.nodeAffinity`)
  spec.topologySpreadConstraints?.forEach((constraint, i) => {
    const here = `${at}.topologySpreadConstraints[${i}]`
    if (OLD_NODE_LABELS.has(constraint.topologyKey)) out.push(`${here}.topologyKey: ${constraint.topologyKey} is ${OLD_NODE_LABELS.get(constraint.topologyKey)}`)
    if (!constraint.labelSelector) out.push(`${here}.labelSelector: ${NO_PODS}`)
  })
  for (const [key, text] of OLD_ANNOTATIONS) if (Object.hasOwn(annotations, key)) out.push(`${prefix}metadata.annotations[${key}]: ${text}`)
  spec.volumes?.forEach((volume, i) => {
    const here = `${at}.volumes[${i}]`
    for (const field of Object.keys(OLD_VOLUMES) as (keyof typeof OLD_VOLUMES)[]) {
      if (field in volume) out.push(`${here}.${field === 'storageos' ? 'storageOS' : field}: ${OLD_VOLUMES[field]}`)
    }
    const claim = volume.ephemeral?.volumeClaimTemplate
    if (claim) out.push(...claimSpecWarnings(claim.spec, `${here}.ephemeral.volumeClaimTemplate.spec`))
  })
  out.push(...overlappingPathWarnings(spec.volumes))
  repeated(out, spec.hostAliases?.map(({ ip }) => ip ?? ''), (i, ip) => `${at}.hostAliases[${i}].ip: duplicate ip ${JSON.stringify(ip)}`)
  repeated(out, spec.imagePullSecrets?.map(({ name }) => name ?? ''), (i, name) => `${at}.imagePullSecrets[${i}].name: duplicate name ${JSON.stringify(name)}`)
  spec.imagePullSecrets?.forEach(({ name }, i) => name || out.push(`${at}.imagePullSecrets[${i}].name: invalid empty name ""`))
  fractions(out, spec.overhead, `${at}.overhead`)
  if (!spec.securityContext?.seccompProfile && Object.hasOwn(annotations, SECCOMP_POD_ANNOTATION)) out.push(`${prefix}metadata.annotations[${SECCOMP_POD_ANNOTATION}]: ${USE_SECCOMP_FIELD}`)
  const containers = allContainers(spec, at)
  for (const [container, here] of containers) {
    const key = SECCOMP_CONTAINER_ANNOTATION + container.name
    if (!container.securityContext?.seccompProfile && Object.hasOwn(annotations, key)) out.push(`${prefix}metadata.annotations[${key}]: ${USE_SECCOMP_FIELD}`)
    const appArmor = annotations[APP_ARMOR_ANNOTATION + container.name]
    if (prefix !== '' && appArmor !== undefined && !container.securityContext?.appArmorProfile && !deepEqual(appArmorProfileOf(appArmor), spec.securityContext?.appArmorProfile)) out.push(appArmorWarning(container.name, prefix))
    containerWarnings(out, container, here)
  }
  portWarnings(out, containers)
  if ((spec.terminationGracePeriodSeconds ?? 0) < 0) out.push(`${at}.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1`)
  for (const field of ['podAffinity', 'podAntiAffinity'] as const) {
    const affinity = spec.affinity?.[field]
    affinity?.requiredDuringSchedulingIgnoredDuringExecution?.forEach((term, i) => term.labelSelector || out.push(`${at}.affinity.${field}.requiredDuringSchedulingIgnoredDuringExecution[${i}].labelSelector: ${NO_PODS}`))
    affinity?.preferredDuringSchedulingIgnoredDuringExecution?.forEach((term, i) => term.podAffinityTerm?.labelSelector || out.push(`${at}.affinity.${field}.preferredDuringSchedulingIgnoredDuringExecution[${i}].podAffinityTerm.labelSelector: ${NO_PODS}`))
  }
  spec.dnsConfig?.nameservers?.forEach((server, i) => out.push(...ipWarnings(server, `${at}.dnsConfig.nameservers[${i}]`)))
  spec.hostAliases?.forEach(({ ip }, i) => out.push(...ipWarnings(ip ?? '', `${at}.hostAliases[${i}].ip`)))
  return out
}

/** k8s: GetWarningsForPersistentVolumeClaimSpec */
export function claimSpecWarnings(spec: Readonly<PersistentVolumeClaimSpec>, at: string): string[] {
  const out: string[] = []
  for (const list of ['requests', 'limits'] as const) fraction(out, spec.resources?.[list], 'storage', `${at}.resources.${list}`)
  return out
}

type AnyContainer = Pick<Container, 'name' | 'env' | 'ports' | 'resources' | 'securityContext'>

function allContainers(spec: Readonly<PodSpec>, at: string): [AnyContainer, string][] {
  return (['initContainers', 'containers', 'ephemeralContainers'] as const).flatMap((list) => (spec[list] as AnyContainer[] | undefined ?? []).map((container, i): [AnyContainer, string] => [container, `${at}.${list}[${i}]`]))
}

function repeated(out: string[], values: readonly string[] | undefined, text: (index: number, value: string) => string): void {
  const seen = new Set<string>()
  values?.forEach((value, i) => {
    if (seen.has(value)) out.push(text(i, value))
    seen.add(value)
  })
}

function fraction(out: string[], list: Readonly<Record<string, string>> | undefined, name: string, at: string): void {
  const value = list?.[name]
  if (value !== undefined && parseQuantity(value).nanos % NANOS !== 0n) out.push(`${at}[${name}]: fractional byte value ${JSON.stringify(value)} is invalid, must be an integer`)
}

function fractions(out: string[], list: Readonly<Record<string, string>> | undefined, at: string): void {
  fraction(out, list, 'memory', at)
  fraction(out, list, 'ephemeral-storage', at)
}

function containerWarnings(out: string[], { resources, env }: Readonly<AnyContainer>, at: string): void {
  for (const name of resources ? ['memory', 'ephemeral-storage'] : []) for (const list of ['limits', 'requests'] as const) fraction(out, resources?.[list], name, `${at}.resources.${list}`)
  const seen = new Set<string>()
  env?.forEach((item, i) => {
    // Building on the earlier value is fine, hiding it is not.
    const reference = `$(${item.name})`
    if (seen.has(item.name) && (item.valueFrom || item.value === reference || !(item.value ?? '').includes(reference))) out.push(`${at}.env[${i}]: hides previous definition of ${JSON.stringify(item.name)}, which may be dropped when using apply`)
    seen.add(item.name)
  })
}

function portWarnings(out: string[], containers: readonly (readonly [AnyContainer, string])[]): void {
  const known = new Map<string, [string, ContainerPort][]>()
  const names = new Map<string, string>()
  const all = containers.flatMap(([{ ports = [] }, at]) => ports.map((port, i) => [port, `${at}.ports[${i}]`] as const))
  for (const [port, at] of all) {
    const { hostIP = '', hostPort = 0 } = port
    if (hostIP && !hostPort) out.push(`${at}: hostIP set without hostPort: {Name:${port.name ?? ''} HostPort:0 ContainerPort:${port.containerPort} Protocol:${port.protocol ?? ''} HostIP:${hostIP}}`)
    const key = `${port.containerPort}/${port.protocol ?? ''}`
    const others = known.get(key) ?? []
    for (const [where, other] of others) {
      const otherIp = other.hostIP ?? ''
      const otherPort = other.hostPort ?? 0
      if (hostIP === otherIp && hostPort === otherPort) out.push(`${at}: duplicate port definition with ${where}`)
      else if (hostPort === 0 || otherPort === 0) out.push(`${at}: overlapping port definition with ${where}`)
      else if (hostPort === otherPort && (hostIP === '') !== (otherIp === '')) out.push(`${at}: dangerously ambiguous port definition with ${where}`)
    }
    known.set(key, [...others, [at, port]])
  }
  for (const [{ name }, at] of all) {
    if (!name) continue
    const other = names.get(name)
    if (other) out.push(`${at}: duplicate port name ${JSON.stringify(name)} with ${other}, services and probes that select ports by name will use ${other}`)
    else names.set(name, at)
  }
}

/** k8s: GetWarningsForNodeSelectorTerm. `values`: whether they are looked at too */
export function nodeLabelWarnings(out: string[], { matchExpressions }: { matchExpressions?: readonly { key: string; values?: readonly string[] }[] }, at: string, values = false): void {
  matchExpressions?.forEach(({ key, values: list }, i) => {
    if (OLD_NODE_LABELS.has(key)) out.push(`${at}.matchExpressions[${i}].key: ${key} is ${OLD_NODE_LABELS.get(key)}`)
    if (values) list?.forEach((value, j) => labelValueProblems(value).forEach((problem) => out.push(`${at}.matchExpressions[${i}].values[${j}]: ${value} is invalid, ${problem}`)))
  })
}

function nodeAffinityWarnings(out: string[], affinity: Readonly<Affinity> | undefined, at: string): void {
  const node = affinity?.nodeAffinity
  node?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms?.forEach((term, i) => nodeLabelWarnings(out, term, `${at}.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[${i}]`))
  node?.preferredDuringSchedulingIgnoredDuringExecution?.forEach((term, i) => nodeLabelWarnings(out, term.preference ?? {}, `${at}.preferredDuringSchedulingIgnoredDuringExecution[${i}].preference`, true))
}
