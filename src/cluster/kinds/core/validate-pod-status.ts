/** Rules for the statuses that kubelets write. k8s: pkg/apis/core/validation ValidatePodStatusUpdate */
import { allContainersCouldRestart, shouldRestartAfter } from './restart-rules.ts'
import { checkAnnotationChanges } from './validate-pod.ts'
import { checkDnsLabel, checkName, checkQualifiedName } from '../checks.ts'
import { duplicate, forbidden, internalFinding, invalid, notSupported, required, tooLong, type Finding } from '../findings.ts'
import type { Container, ContainerStatus, Pod, PodSpec } from '../generated/types.ts'
import { parseIp, validateIp } from '../ip.ts'
import { byteLength, subdomainName } from '../names.ts'

/** Highest id of users and groups. k8s: apimachinery/pkg/util/validation IsValidUserID */
const MAX_ID = 2147483647

/** k8s: ValidatePodStatusUpdate, after ObjectMeta */
export function validatePodStatusUpdate(pod: Readonly<Pod>, old: Readonly<Pod>): Finding[] {
  const out: Finding[] = []
  const status = pod.status ?? {}
  const before = old.status ?? {}
  checkAnnotationChanges(out, pod, old)
  ;(status.conditions ?? []).forEach((condition, i) => {
    if ((condition.observedGeneration ?? 0) < 0) out.push(invalid(`status.conditions[${i}].observedGeneration`, condition.observedGeneration, 'must be a non-negative integer'))
    if (!['PodScheduled', 'Ready', 'Initialized'].includes(condition.type)) checkQualifiedName(out, condition.type, `status.conditions[${i}].Type`)
  })
  const nominated = status.nominatedNodeName
  if (nominated && nominated !== before.nominatedNodeName) {
    checkName(out, nominated, subdomainName, 'status.nominatedNodeName')
    if (old.spec.nodeName) out.push(forbidden('status.nominatedNodeName', 'may not be set on pods that are already bound to a node'))
  }
  if ((status.observedGeneration ?? 0) < 0) out.push(invalid('status.observedGeneration', status.observedGeneration, 'must be a non-negative integer'))
  if ((status.qosClass ?? '') !== (before.qosClass ?? '')) out.push(invalid('status.qosClass', status.qosClass ?? '', 'field is immutable'))
  checkStateChanges(out, status.containerStatuses, before.containerStatuses, 'status.containerStatuses', (name, code) => mayRestart(old.spec, name, code, false))
  checkStateChanges(out, status.initContainerStatuses, before.initContainerStatuses, 'status.initContainerStatuses', (name, code) => mayRestart(old.spec, name, code, true))
  checkStateChanges(out, status.ephemeralContainerStatuses, before.ephemeralContainerStatuses, 'status.ephemeralContainerStatuses', () => false)
  checkClaimStatuses(out, pod)
  ;(status.podIPs ?? []).forEach((ip, i) => out.push(...validateIp(ip.ip, `status.podIPs[${i}]`)))
  checkIpPair(out, status.podIPs, 'status.podIPs')
  if (status.hostIPs?.length) {
    if ((status.hostIP ?? '') !== status.hostIPs[0]!.ip) out.push(invalid('status.hostIPs[0].ip', status.hostIPs[0]!.ip, 'must be equal to `hostIP`'))
    status.hostIPs.forEach((ip, i) => out.push(...validateIp(ip.ip, `status.hostIPs[${i}]`)))
    checkIpPair(out, status.hostIPs, 'status.hostIPs')
  }
  for (const list of ['containerStatuses', 'initContainerStatuses', 'ephemeralContainerStatuses'] as const) checkUsers(out, status[list], pod.spec.os?.name ?? 'linux', `status.${list}`)
  checkHealth(out, status.containerStatuses, pod.spec.containers, 'status.containerStatuses')
  checkHealth(out, status.initContainerStatuses, pod.spec.initContainers, 'status.initContainerStatuses')
  ;(status.ephemeralContainerStatuses ?? []).forEach((container, i) => {
    if (container.allocatedResourcesStatus) out.push(forbidden(`status.ephemeralContainerStatuses[${i}].allocatedResourcesStatus`, 'must not be specified in container status'))
  })
  return out
}

function checkClaimStatuses(out: Finding[], { spec, status }: Readonly<Pod>): void {
  const seen = new Set<string>()
  ;(status?.resourceClaimStatuses ?? []).forEach(({ name, resourceClaimName }, i) => {
    const at = `status.resourceClaimStatuses[${i}]`
    if (!spec.resourceClaims?.some((claim) => claim.name === name)) out.push(invalid(`${at}.name`, name, 'must match the name of an entry in `spec.resourceClaims`'))
    if (seen.has(name)) out.push(duplicate(`${at}.name`, name))
    seen.add(name)
    if (resourceClaimName !== undefined) checkName(out, resourceClaimName, subdomainName, `${at}.resourceClaimName`)
  })
  const extended = status?.extendedResourceClaimStatus
  if (!extended) return
  const at = 'status.extendedResourceClaimStatus'
  if (!extended.requestMappings?.length) out.push(required(`${at}.requestMappings`, 'at least one request mapping is required'))
  const mapped = new Set<string>()
  ;(extended.requestMappings ?? []).forEach(({ containerName, resourceName, requestName }, i) => {
    const here = `${at}.requestMappings[${i}]`
    const container = [...(spec.initContainers ?? []), ...spec.containers].find(({ name }) => name === containerName)
    if (!container) out.push(invalid(`${here}.containerName`, containerName, 'must match the name of an entry in spec.initContainers.name or spec.containers.name'))
    else if (container.resources?.requests?.[resourceName] === undefined) {
      out.push(invalid(`${here}.resourceName`, resourceName, 'must match the extended resource name of an entry in spec.initContainers.resources.requests or spec.containers.resources.requests'))
    }
    checkDnsLabel(out, requestName, `${at}.requestName`)
    const key = JSON.stringify([containerName, resourceName, requestName])
    if (mapped.has(key)) out.push(duplicate(`${here}.containerName`, containerName), duplicate(`${here}.resourceName`, resourceName), duplicate(`${here}.requestName`, requestName))
    mapped.add(key)
  })
  if (!extended.resourceClaimName) out.push(required(`${at}.resourceClaimName`))
  else checkName(out, extended.resourceClaimName, subdomainName, `${at}.resourceClaimName`)
}

/** Several addresses are one of each family. */
function checkIpPair(out: Finding[], ips: readonly { ip: string }[] | undefined, at: string): void {
  if (!ips || ips.length < 2) return
  const parsed = ips.map(({ ip }) => parseIp(ip))
  const bad = parsed.indexOf(undefined)
  if (bad >= 0) out.push(internalFinding(at, `failed to check for dual stack with error:invalid IP[${bad}]: ${ips[bad]!.ip}`))
  if (bad >= 0 || ips.length > 2 || parsed[0]!.family === parsed[1]!.family) out.push(invalid(at, ips.map(({ ip }) => ({ IP: ip })), 'may specify no more than one IP for each IP family'))
}

/** Whom containers run as. k8s: validateContainerStatusUsers */
function checkUsers(out: Finding[], statuses: readonly ContainerStatus[] | undefined, os: string, at: string): void {
  statuses?.forEach(({ user }, i) => {
    const linux = user?.linux
    if (!linux) return
    const here = `${at}[${i}].user.linux`
    if (os === 'windows') return void out.push(forbidden(here, 'cannot be set for a windows pod'))
    if (os !== 'linux') return
    const check = (id: number, field: string) => { if (id < 0 || id > MAX_ID) out.push(invalid(`${here}.${field}`, id, `must be between 0 and ${MAX_ID}, inclusive`)) }
    check(linux.uid, 'uid')
    check(linux.gid, 'gid')
    linux.supplementalGroups?.forEach((group, g) => check(group, `supplementalGroups[${g}]`))
  })
}

/** k8s: core/v1 ResourceHealthMessageMaxLength, bytes */
const MAX_HEALTH_MESSAGE = 1024
const HEALTH = ['Healthy', 'Unhealthy', 'Unknown']

/** What containers have of devices. k8s: validateContainerStatusAllocatedResourcesStatus */
function checkHealth(out: Finding[], statuses: readonly ContainerStatus[] | undefined, containers: readonly Container[] | undefined, at: string): void {
  statuses?.forEach(({ name: containerName, allocatedResourcesStatus }, i) => allocatedResourcesStatus?.forEach(({ name, resources }, j) => {
    const here = `${at}[${i}].allocatedResourcesStatus[${j}]`
    // Containers that the pod doesn't have are passed over.
    const asked = containers?.find((container) => container.name === containerName)
    if (asked && !asksFor(asked, name)) {
      out.push(invalid(`${here}.name`, name, name.startsWith('claim:')
        ? "must match one of the container's resource claims in a format 'claim:<claimName>/<request>' or 'claim:<claimName>' if request is empty"
        : "must match one of the container's resource requests"))
    }
    const seen = new Set<string>()
    resources?.forEach(({ health = '', message, resourceID }, n) => {
      const one = `${here}.resources[${n}]`
      if (!HEALTH.includes(health)) out.push(notSupported(`${one}.health`, health, HEALTH))
      if (message === '') out.push(required(`${one}.message`, 'must be non-empty if specified'))
      else if (message !== undefined && byteLength(message) > MAX_HEALTH_MESSAGE) out.push(tooLong(`${one}.message`, MAX_HEALTH_MESSAGE))
      if (seen.has(resourceID)) out.push(duplicate(`${one}.resourceID`, resourceID))
      seen.add(resourceID)
    })
  }))
}

/** Whether a container asks for a resource, or for a claim that is named `claim:NAME` or `claim:NAME/REQUEST`. */
function asksFor({ resources }: Readonly<Container>, name: string): boolean {
  if (!name.startsWith('claim:')) return Object.hasOwn(resources?.requests ?? {}, name)
  return resources?.claims?.some((claim) => name === `claim:${claim.name}${claim.request ? `/${claim.request}` : ''}`) ?? false
}

/** Whether a container that ended may run again. k8s: ValidateContainerStateTransition, ValidateInitContainerStateTransition */
function mayRestart(spec: Readonly<PodSpec>, name: string, exitCode: number, init: boolean): boolean {
  if (allContainersCouldRestart(spec)) return true
  const container = (init ? spec.initContainers : spec.containers)?.find((candidate) => candidate.name === name)
  return container !== undefined && shouldRestartAfter(container, spec, exitCode)
}

function checkStateChanges(out: Finding[], now: readonly ContainerStatus[] | undefined, before: readonly ContainerStatus[] | undefined, at: string, allowed: (name: string, exitCode: number) => boolean): void {
  ;(before ?? []).forEach((old, i) => {
    const ended = old.state?.terminated
    if (!ended) return
    const current = now?.find((status) => status.name === old.name)
    if (current && !current.state?.terminated && !allowed(old.name, ended.exitCode)) out.push(forbidden(`${at}[${i}].state`, 'may not be transitioned to non-terminated state'))
  })
}
