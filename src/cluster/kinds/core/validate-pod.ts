/** Rules for pods and pod templates. k8s: pkg/apis/core/validation */
import { specDiff } from './spec-diff.ts'
import { deepEqual } from '../../../base/freeze.ts'
import { checkDnsLabel, checkDnsSubdomain, checkName, checkOneOf, checkQualifiedName } from '../checks.ts'
import { copyOf, givenEmpty } from '../decode.ts'
import { duplicate, forbidden, invalid, notFound, required, tooLong, type Finding } from '../findings.ts'
import { validateIp } from '../ip.ts'
import { compareQuantities } from '../quantity.ts'
import { byteLength, rangeText, subdomainName } from '../names.ts'
import type { Pod, PodSpec, PodTemplateSpec, Toleration } from '../generated/types.ts'
import { validateAnnotations, validateLabels, validateObjectMeta } from '../validate-metadata.ts'
import type { ObjectMeta } from '../object.ts'
import { checkImageSpaces, validateContainers, validateEphemeralContainers, validateInitContainers, type PodContext } from './validate-container.ts'
import { aggregateResources } from './pod-defaults.ts'
import { isHugePage, validateResourceRequirements } from './validate-resources.ts'
import { validateAffinity, validateTolerations, validateTopologySpread } from './validate-scheduling.ts'
import { APP_ARMOR_ANNOTATION, checkProfileAnnotations } from './profile-annotations.ts'
import { takeSteering } from './validate-gated-pod.ts'
import { validateHostProcess, validateOperatingSystem, validatePodSecurityContext } from './validate-security.ts'
import { validateVolumes } from './validate-volume.ts'

const MAX_INT32 = 2147483647
const MIRROR = 'kubernetes.io/config.mirror'
const DELETION_COST = 'controller.kubernetes.io/pod-deletion-cost'

/** k8s: ValidatePodCreate, after ObjectMeta */
export function validatePod(pod: Readonly<Pod>): Finding[] {
  const out: Finding[] = []
  checkMetadataAndSpec(out, pod)
  if (pod.spec.ephemeralContainers?.length) out.push(forbidden('spec.ephemeralContainers', 'cannot be set on create'))
  if (pod.spec.nodeName && pod.spec.schedulingGates?.length) out.push(forbidden('spec.nodeName', 'cannot be set until all schedulingGates have been cleared'))
  checkProfileAnnotations(out, pod.metadata.annotations, pod.spec, 'spec')
  return out
}

function checkMetadataAndSpec(out: Finding[], pod: Readonly<Pod>): void {
  if (pod.metadata.annotations) checkPodAnnotations(out, pod.metadata.annotations, pod.spec, 'metadata.annotations')
  validatePodSpec(out, pod.spec, 'spec', { podName: pod.metadata.name, isPod: true, isMirror: pod.metadata.annotations?.[MIRROR] !== undefined })
  if (!pod.spec.serviceAccountName) {
    ;(pod.spec.volumes ?? []).forEach((volume, i) => {
      ;(volume.projected?.sources ?? []).forEach((source, j) => {
        if (source.serviceAccountToken) out.push(forbidden(`spec.volumes[${i}].projected.sources[${j}].serviceAccountToken`, 'must not be specified when serviceAccountName is not set'))
      })
    })
  }
  ;(pod.spec.containers ?? []).forEach((container, i) => checkImageSpaces(out, container, `spec.containers[${i}]`))
  ;(pod.spec.initContainers ?? []).forEach((container, i) => checkImageSpaces(out, container, `spec.initContainers[${i}]`))
}

/** k8s: ValidatePodSpecificAnnotations */
function checkPodAnnotations(out: Finding[], annotations: Readonly<Record<string, string>>, spec: Readonly<PodSpec>, at: string): void {
  const mirror = annotations[MIRROR]
  if (mirror !== undefined && !spec.nodeName) out.push(invalid(`${at}[${MIRROR}]`, mirror, 'must set spec.nodeName if mirror pod annotation is set'))
  const cost = annotations[DELETION_COST]
  if (cost !== undefined && (!/^-?(?:0|[1-9]\d*)$/.test(cost) || Math.abs(Number(cost)) > MAX_INT32)) out.push(invalid(`${at}[${DELETION_COST}]`, cost, 'must be a 32bit integer'))
  for (const key in annotations) {
    if (!key.startsWith(APP_ARMOR_ANNOTATION)) continue
    const name = key.slice(APP_ARMOR_ANNOTATION.length)
    if (![...(spec.initContainers ?? []), ...(spec.containers ?? []), ...(spec.ephemeralContainers ?? [])].some((container) => container.name === name)) out.push(invalid(`${at}[${key}]`, name, 'container not found'))
    const profile = annotations[key]!
    if (profile !== '' && profile !== 'runtime/default' && profile !== 'unconfined' && !profile.startsWith('localhost/')) out.push(invalid(`${at}[${key}]`, profile, `invalid AppArmor profile name: ${JSON.stringify(profile)}`))
  }
}

/** k8s: ValidatePodTemplateSpec */
export function validatePodTemplate(out: Finding[], template: Readonly<PodTemplateSpec> | undefined, at: string): void {
  const meta: ObjectMeta = template?.metadata ?? {}
  const spec = template?.spec ?? ({} as PodSpec)
  out.push(...validateLabels(meta.labels ?? {}, `${at}.labels`), ...validateAnnotations(meta.annotations ?? {}, `${at}.annotations`))
  checkPodAnnotations(out, meta.annotations ?? {}, spec, `${at}.annotations`)
  validatePodSpec(out, spec, `${at}.spec`, { isPod: false })
  checkProfileAnnotations(out, meta.annotations, spec, `${at}.spec`)
  if (spec.ephemeralContainers?.length) out.push(forbidden(`${at}.spec.ephemeralContainers`, 'ephemeral containers not allowed in pod template'))
}

/** k8s: validatePodResourceConsistency */
function checkResourceConsistency(out: Finding[], spec: Readonly<PodSpec>, at: string): void {
  const { requests = {}, limits = {} } = spec.resources!
  const total = aggregateResources(spec)
  for (const name in total.requests) {
    if (Object.hasOwn(requests, name) && compareQuantities(total.requests[name]!, requests[name]!) > 0) out.push(invalid(`${at}.requests[${name}]`, requests[name], `must be greater than or equal to aggregate container requests of ${total.requests[name]}`))
  }
  for (const name in total.limits) {
    if (isHugePage(name) && Object.hasOwn(limits, name) && compareQuantities(total.limits[name]!, limits[name]!) > 0) out.push(invalid(`${at}.limits[${name}]`, limits[name], `must be greater than or equal to aggregate container limits of ${total.limits[name]}`))
  }
  ;(spec.containers ?? []).forEach((container, i) => {
    const own = container.resources?.limits ?? {}
    for (const name in own) {
      if (Object.hasOwn(limits, name) && compareQuantities(own[name]!, limits[name]!) > 0) out.push(invalid(`${at}.containers[${i}][${name}].limits`, own[name], `must be less than or equal to pod limits of ${limits[name]}`))
    }
  })
}

/** k8s: ValidatePodSpec */
function validatePodSpec(out: Finding[], spec: Readonly<PodSpec>, at: string, options: { podName?: string | undefined; isPod: boolean; isMirror?: boolean }): void {
  if (spec.terminationGracePeriodSeconds === undefined) out.push(required(`${at}.terminationGracePeriodSeconds`))
  const pod: PodContext = {
    spec, volumes: validateVolumes(out, spec.volumes, options.podName, `${at}.volumes`),
    claimNames: (spec.resourceClaims ?? []).map((claim) => claim.name).filter(Boolean), hostUsers: spec.hostUsers !== false,
  }
  if (options.isMirror) for (const _ of spec.resourceClaims ?? []) out.push(forbidden('[]', 'static pods do not support resource claims'))
  else checkResourceClaims(out, spec, `${at}.resourceClaims`)
  validateContainers(out, spec.containers, pod, `${at}.containers`)
  validateInitContainers(out, spec.initContainers, pod, `${at}.initContainers`)
  validateEphemeralContainers(out, spec.ephemeralContainers, pod, `${at}.ephemeralContainers`)
  if (spec.resources && spec.os?.name === 'windows') out.push(forbidden(`${at}.resources`, 'may not be set for a windows pod'))
  else if (spec.resources) {
    if (spec.resources.claims || givenEmpty(spec.resources, 'claims')) out.push(forbidden(`${at}.resources.claims`, 'claims may not be set for Resources at pod-level'))
    validateResourceRequirements(out, spec.resources, pod.claimNames, `${at}.resources`, 'pod')
    checkResourceConsistency(out, spec, `${at}.resources`)
  }
  if (spec.hostNetwork) {
    ;(spec.containers ?? []).forEach((container, i) => {
      ;(container.ports ?? []).forEach((port, j) => {
        if ((options.isPod || port.hostPort) && (port.hostPort ?? 0) !== port.containerPort) out.push(invalid(`${at}.containers[${i}].ports[${j}].hostPort`, port.hostPort ?? 0, 'must match `containerPort` when `hostNetwork` is true'))
      })
    })
  }
  checkOneOf(out, spec.restartPolicy, ['Always', 'OnFailure', 'Never'], `${at}.restartPolicy`)
  checkOneOf(out, spec.dnsPolicy, ['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None'], `${at}.dnsPolicy`)
  if (spec.nodeSelector) out.push(...validateLabels(spec.nodeSelector, `${at}.nodeSelector`))
  validatePodSecurityContext(out, spec.securityContext, spec, `${at}.securityContext`)
  if (spec.affinity) validateAffinity(out, spec.affinity, `${at}.affinity`)
  checkDns(out, spec, `${at}.dnsConfig`)
  ;(spec.readinessGates ?? []).forEach((gate, i) => checkQualifiedName(out, gate.conditionType, `${at}.readinessGates[${i}].conditionType`))
  const gates = new Set<string>()
  ;(spec.schedulingGates ?? []).forEach(({ name }, i) => {
    checkQualifiedName(out, name, `${at}.schedulingGates[${i}]`)
    if (gates.has(name)) out.push(duplicate(`${at}.schedulingGates[${i}]`, name))
    gates.add(name)
  })
  if (spec.topologySpreadConstraints) validateTopologySpread(out, spec.topologySpreadConstraints, `${at}.topologySpreadConstraints`)
  validateHostProcess(out, spec, at)
  if (spec.hostUsers === false) {
    if (spec.hostNetwork) out.push(forbidden(`${at}.hostNetwork`, 'when `hostUsers` is false'))
    if (spec.hostPID) out.push(forbidden(`${at}.HostPID`, 'when `hostUsers` is false'))
    if (spec.hostIPC) out.push(forbidden(`${at}.HostIPC`, 'when `hostUsers` is false'))
    for (const list of ['initContainers', 'containers', 'ephemeralContainers'] as const) spec[list]?.forEach(({ volumeDevices }, i) => { if (volumeDevices?.length) out.push(forbidden(`${at}.${list}[${i}].volumeDevices`, 'when `hostUsers` is false')) })
  }
  if (spec.hostnameOverride !== undefined) {
    if (spec.setHostnameAsFQDN) out.push(forbidden(`${at}.hostnameOverride`, 'may not be specified when setHostnameAsFQDN is true'))
    if (spec.hostNetwork) out.push(forbidden(`${at}.hostnameOverride`, 'may not be specified when hostNetwork is true'))
    if (byteLength(spec.hostnameOverride) > 64) out.push(tooLong(`${at}.hostnameOverride`, 64))
    checkDnsSubdomain(out, spec.hostnameOverride, `${at}.hostnameOverride`)
  }
  if (spec.serviceAccountName) checkName(out, spec.serviceAccountName, subdomainName, `${at}.serviceAccountName`)
  if (spec.nodeName) checkName(out, spec.nodeName, subdomainName, `${at}.nodeName`)
  const deadline = spec.activeDeadlineSeconds
  if (deadline !== undefined && (deadline < 1 || deadline > MAX_INT32)) out.push(invalid(`${at}.activeDeadlineSeconds`, deadline, rangeText(1, MAX_INT32)))
  if (spec.hostname) checkDnsLabel(out, spec.hostname, `${at}.hostname`)
  if (spec.subdomain) checkDnsLabel(out, spec.subdomain, `${at}.subdomain`)
  if (spec.tolerations) validateTolerations(out, spec.tolerations, `${at}.tolerations`)
  ;(spec.hostAliases ?? []).forEach((alias, i) => {
    out.push(...validateIp(alias.ip, `${at}.hostAliases[${i}].ip`))
    ;(alias.hostnames ?? []).forEach((hostname, j) => checkDnsSubdomain(out, hostname, `${at}.hostAliases[${i}].hostnames[${j}]`))
  })
  if (spec.priorityClassName) checkName(out, spec.priorityClassName, subdomainName, `${at}.priorityClassName`)
  if (spec.runtimeClassName !== undefined) checkName(out, spec.runtimeClassName, subdomainName, `${at}.runtimeClassName`)
  if (spec.preemptionPolicy !== undefined) checkOneOf(out, spec.preemptionPolicy, ['PreemptLowerPriority', 'Never'], `${at}.preemptionPolicy`)
  if (spec.overhead) validateResourceRequirements(out, { limits: spec.overhead }, [], `${at}.overhead`)
  validateOperatingSystem(out, spec, at)
  checkFileKeyVolumes(out, spec, at)
}

function checkResourceClaims(out: Finding[], spec: Readonly<PodSpec>, at: string): void {
  const names = new Set<string>()
  ;(spec.resourceClaims ?? []).forEach((claim, i) => {
    const here = `${at}[${i}]`
    if (!claim.name) out.push(required(`${here}.name`))
    else if (names.has(claim.name)) out.push(duplicate(`${here}.name`, claim.name))
    else {
      checkDnsLabel(out, claim.name, `${here}.name`)
      names.add(claim.name)
    }
    const shown = { Name: claim.name ?? '', ResourceClaimName: claim.resourceClaimName ?? null, ResourceClaimTemplateName: claim.resourceClaimTemplateName ?? null }
    if (claim.resourceClaimName !== undefined && claim.resourceClaimTemplateName !== undefined) out.push(invalid(here, shown, 'at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified'))
    if (claim.resourceClaimName === undefined && claim.resourceClaimTemplateName === undefined) out.push(invalid(here, shown, 'must specify one of: `resourceClaimName`, `resourceClaimTemplateName`'))
    for (const field of ['resourceClaimName', 'resourceClaimTemplateName'] as const) if (claim[field] !== undefined) checkName(out, claim[field], subdomainName, `${here}.${field}`)
  })
}

const SEARCH_LABEL = '_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?'
const SEARCH_PATH = new RegExp(`^${SEARCH_LABEL}(\\.${SEARCH_LABEL})*$`)

/** k8s: validatePodDNSConfig */
function checkDns(out: Finding[], spec: Readonly<PodSpec>, at: string): void {
  const dns = spec.dnsConfig
  if (spec.dnsPolicy === 'None') {
    if (!dns) {
      out.push(required(at, 'must provide `dnsConfig` when `dnsPolicy` is None'))
      return
    }
    if (!dns.nameservers?.length) {
      out.push(required(`${at}.nameservers`, 'must provide at least one DNS nameserver when `dnsPolicy` is None'))
      return
    }
  }
  if (!dns) return
  const { nameservers = [], searches = [], options = [] } = dns
  if (nameservers.length > 3) out.push(invalid(`${at}.nameservers`, nameservers, 'must not have more than 3 nameservers'))
  nameservers.forEach((server, i) => out.push(...validateIp(server, `${at}.nameservers[${i}]`)))
  if (searches.length > 32) out.push(invalid(`${at}.searches`, searches, 'must not have more than 32 search paths'))
  if (searches.join(' ').length > 2048) out.push(invalid(`${at}.searches`, searches, 'must not have more than 2048 characters (including spaces) in the search list'))
  searches.forEach((search, i) => {
    if (search === '.') return
    const name = search.replace(/\.$/, '')
    // Search paths may have underscores, unlike names.
    if (name.length > 253) out.push(invalid(`${at}.searches[${i}]`, name, 'must be no more than 253 characters'))
    if (!SEARCH_PATH.test(name)) {
      out.push(invalid(`${at}.searches[${i}]`, name, `a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '${SEARCH_LABEL}(\\.${SEARCH_LABEL})*')`))
    }
  })
  options.forEach((option, i) => {
    if (!option.name) out.push(required(`${at}.options[${i}]`, 'must not be empty'))
  })
}

function checkFileKeyVolumes(out: Finding[], spec: Readonly<PodSpec>, at: string): void {
  for (const list of ['initContainers', 'containers', 'ephemeralContainers'] as const) {
    ;(spec[list] ?? []).forEach((container, i) => {
      ;(container.env ?? []).forEach((variable, j) => {
        const name = variable.valueFrom?.fileKeyRef?.volumeName
        if (name === undefined) return
        const here = `${at}.${list}[${i}].env[${j}].valueFrom.fileKeyRef.volumeName`
        const volume = spec.volumes?.find((candidate) => candidate.name === name)
        if (!volume) out.push(notFound(here, name))
        else if (!volume.emptyDir) out.push(invalid(here, name, 'referenced volume must be of type emptyDir'))
      })
    })
  }
}

const UPDATABLE = '`spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)'

/** k8s: ValidatePodUpdate, after ObjectMeta */
export function validatePodUpdate(pod: Readonly<Pod>, old: Readonly<Pod>): Finding[] {
  const out: Finding[] = []
  const spec = pod.spec
  const before = old.spec
  out.push(...validateObjectMeta({ namespaced: true }, pod.metadata))
  checkMetadataAndSpec(out, pod)
  checkAnnotationChanges(out, pod, old)
  for (const list of ['containers', 'initContainers'] as const) {
    const now = spec[list] ?? []
    if (now.length !== (before[list]?.length ?? 0)) {
      out.push(forbidden(`spec.${list}`, 'pod updates may not add or remove containers'))
      return out
    }
    now.forEach((container, i) => {
      if (!container.image) out.push(required(`spec.${list}[${i}].image`))
      checkImageSpaces(out, container, `spec.${list}[${i}]`)
    })
  }
  const deadline = spec.activeDeadlineSeconds
  if (deadline !== undefined) {
    if (deadline < 0 || deadline > MAX_INT32) {
      out.push(invalid('spec.activeDeadlineSeconds', deadline, rangeText(0, MAX_INT32)))
      return out
    }
    if (before.activeDeadlineSeconds !== undefined && before.activeDeadlineSeconds < deadline) {
      out.push(invalid('spec.activeDeadlineSeconds', deadline, 'must be less than or equal to previous value'))
      return out
    }
  } else if (before.activeDeadlineSeconds !== undefined) out.push(invalid('spec.activeDeadlineSeconds', null, 'must not update from a positive integer to nil value'))
  checkOnlyAddedTolerations(out, spec.tolerations ?? [], before.tolerations ?? [], 'spec.tolerations')
  const oldGates = (before.schedulingGates ?? []).map((gate) => gate.name)
  ;(spec.schedulingGates ?? []).forEach((gate, i, gates) => {
    if (!oldGates.includes(gate.name) && gates.findLastIndex(({ name }) => name === gate.name) === i) out.push(forbidden(`spec.schedulingGates[${i}].name`, `only deletion is allowed, but found new scheduling gate '${gate.name}'`))
  })
  if (deepEqual(spec, before)) return out
  const masked = maskUpdatable(out, spec, before)
  if (!deepEqual(masked, before)) out.push(forbidden('spec', `pod updates may not change fields other than ${UPDATABLE}\n${specDiff('PodSpec', before, masked)}`))
  return out
}

/** The new spec with everything that may change taken from the old one. */
function maskUpdatable(out: Finding[], spec: Readonly<PodSpec>, before: Readonly<PodSpec>): PodSpec {
  const masked: PodSpec = copyOf(spec)
  const images = <T extends { image?: string }>(now: readonly T[] | undefined, then: readonly T[] | undefined): T[] | undefined =>
    now?.map((container, i) => Object.assign(copyOf(container), { image: then?.[i]?.image }) as T)
  masked.containers = images(spec.containers, before.containers)!
  if (spec.initContainers) masked.initContainers = images(spec.initContainers, before.initContainers)!
  const take = (field: keyof PodSpec) => {
    if (before[field] === undefined) delete masked[field]
    else (masked as unknown as Record<string, unknown>)[field] = before[field]
  }
  take('activeDeadlineSeconds')
  take('schedulingGates')
  take('tolerations')
  if ((before.terminationGracePeriodSeconds ?? 0) < 0 && spec.terminationGracePeriodSeconds === 1) take('terminationGracePeriodSeconds')
  if (before.schedulingGates?.length) takeSteering(out, masked, before)
  return masked
}

function checkOnlyAddedTolerations(out: Finding[], now: readonly Toleration[], before: readonly Toleration[], at: string): void {
  const bare = ({ tolerationSeconds: _, ...rest }: Toleration) => rest
  for (const old of before) {
    if (!now.some((toleration) => deepEqual(bare(toleration), bare(old)))) {
      out.push(forbidden(at, 'existing toleration can not be modified except its tolerationSeconds'))
      return
    }
  }
  validateTolerations(out, now, at)
}

/** k8s: ValidatePodSpecificAnnotationUpdates */
export function checkAnnotationChanges(out: Finding[], pod: Readonly<Pod>, old: Readonly<Pod>): void {
  const now = pod.metadata.annotations ?? {}
  const before = old.metadata.annotations ?? {}
  for (const key in before) {
    if (now[key] === before[key]) continue
    if (key.startsWith(APP_ARMOR_ANNOTATION)) out.push(forbidden(`metadata.annotations[${key}]`, 'may not remove or update AppArmor annotations'))
    if (key === MIRROR) out.push(forbidden(`metadata.annotations[${key}]`, 'may not remove or update mirror pod annotation'))
  }
  for (const key in now) {
    if (key in before) continue
    if (key.startsWith(APP_ARMOR_ANNOTATION)) out.push(forbidden(`metadata.annotations[${key}]`, 'may not add AppArmor annotations'))
    if (key === MIRROR) out.push(forbidden(`metadata.annotations[${key}]`, 'may not add mirror pod annotation'))
  }
  checkPodAnnotations(out, now, pod.spec, 'metadata.annotations')
}
