/** Rules for containers. k8s: pkg/apis/core/validation */
import {
  checkAlternatives, checkDnsLabel, checkNoBacksteps, checkNotNegative, checkOneOf, checkPortNumberOrName, checkQualifiedName, checkRelativePath,
} from '../checks.ts'
import { givenEmpty } from '../decode.ts'
import { duplicate, forbidden, invalid, notFound, notSupported, required, tooMany, type Finding } from '../findings.ts'
import { configKeyProblems, envVarNameProblems, headerNameProblems, portNameProblems, portNumberProblems, subdomainName } from '../names.ts'
import { isZeroQuantity } from '../quantity.ts'
import type { Container, ContainerPort, EnvFromSource, EnvVar, EphemeralContainer, Lifecycle, LifecycleHandler, ObjectFieldSelector, PodSpec, Probe, ResourceFieldSelector, Volume, VolumeMount } from '../generated/types.ts'
import { validateResourceRequirements } from './validate-resources.ts'
import { validateSecurityContext } from './validate-security.ts'

/** What rules of one container must know of its pod. */
export interface PodContext {
  spec: Readonly<PodSpec>
  /** Volumes that are valid, by name. */
  volumes: ReadonlyMap<string, Readonly<Volume>>
  claimNames: readonly string[]
  hostUsers: boolean
}

type AnyContainer = Readonly<Container> | Readonly<EphemeralContainer>

/** k8s: validateContainers */
export function validateContainers(out: Finding[], containers: readonly Container[] | undefined, pod: PodContext, at: string): void {
  if (!containers?.length) {
    out.push(required(at))
    return
  }
  const names = new Set<string>()
  containers.forEach((container, i) => {
    const here = `${at}[${i}]`
    validateContainer(out, container, pod, here)
    if (names.has(container.name)) out.push(duplicate(`${here}.name`, container.name))
    names.add(container.name)
    validateLifecycleAndProbes(out, container, pod, here)
    checkRestartPolicy(out, container, here)
  })
  checkHostPorts(out, containers, at)
}

/** k8s: validateInitContainers */
export function validateInitContainers(out: Finding[], containers: readonly Container[] | undefined, pod: PodContext, at: string): void {
  if (!containers?.length) return
  const names = new Set((pod.spec.containers ?? []).map((container) => container.name))
  containers.forEach((container, i) => {
    const here = `${at}[${i}]`
    validateContainer(out, container, pod, here)
    // k8s: validateInitContainerRestartPolicy
    if (container.restartPolicy !== undefined) checkRestartPolicy(out, container, here)
    else if (container.restartPolicyRules?.length) out.push(required(`${here}.restartPolicy`, 'must specify restartPolicy when restart rules are used'))
    const sidecar = container.restartPolicy === 'Always'
    if (names.has(container.name)) out.push(duplicate(`${here}.name`, container.name))
    else if (container.name) names.add(container.name)
    checkHostPorts(out, [container], at)
    if (sidecar) validateLifecycleAndProbes(out, container, pod, here)
    else {
      for (const field of ['lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe'] as const) {
        if (container[field]) out.push(forbidden(`${here}.${field}`, 'may not be set for init containers without restartPolicy=Always'))
      }
      ;(container.resizePolicy ?? []).forEach((policy, j) => {
        if (policy.restartPolicy === 'RestartContainer') out.push(invalid(`${here}.resizePolicy[${j}].restartPolicy`, policy.restartPolicy, "must not be set to 'RestartContainer' for non-sidecar initContainers"))
      })
    }
  })
}

/** Fields that make no sense for a container that joins a running pod, in Go's order. */
const NOT_EPHEMERAL = ['ports', 'resources', 'resizePolicy', 'restartPolicy', 'restartPolicyRules', 'livenessProbe', 'readinessProbe', 'startupProbe', 'lifecycle'] as const

/** k8s: validateEphemeralContainers */
export function validateEphemeralContainers(out: Finding[], containers: readonly EphemeralContainer[] | undefined, pod: PodContext, at: string): void {
  if (!containers?.length) return
  const others = new Set([...(pod.spec.containers ?? []), ...(pod.spec.initContainers ?? [])].map((container) => container.name))
  const names = new Set(others)
  containers.forEach((container, i) => {
    const here = `${at}[${i}]`
    validateContainer(out, container, pod, here)
    checkImageSpaces(out, container, here)
    if (names.has(container.name)) out.push(duplicate(`${here}.name`, container.name))
    else names.add(container.name)
    if (container.targetContainerName && !others.has(container.targetContainerName)) out.push(notFound(`${here}.targetContainerName`, container.targetContainerName))
    for (const field of NOT_EPHEMERAL) {
      const value = (container as unknown as Record<string, unknown>)[field]
      const isSet = field === 'resources' ? ['limits', 'requests', 'claims'].some((part) => givenEmpty(value as object, part)) || Object.keys(value ?? {}).length > 0 : value !== undefined || givenEmpty(container, field)
      if (isSet) out.push(forbidden(`${here}.${field}`, 'cannot be set for an Ephemeral Container'))
    }
    ;(container.volumeMounts ?? []).forEach((mount, j) => {
      if (mount.subPath) out.push(forbidden(`${here}.volumeMounts[${j}].subPath`, 'cannot be set for an Ephemeral Container'))
      if (mount.subPathExpr) out.push(forbidden(`${here}.volumeMounts[${j}].subPathExpr`, 'cannot be set for an Ephemeral Container'))
    })
  })
}

/** k8s: validateContainerOnlyForPod */
export function checkImageSpaces(out: Finding[], container: AnyContainer, at: string): void {
  const image = container.image ?? ''
  if (image.trim() !== image) out.push(invalid(`${at}.image`, image, 'must not have leading or trailing whitespace'))
}

/** k8s: validateContainerCommon */
function validateContainer(out: Finding[], container: AnyContainer, pod: PodContext, at: string): void {
  if (!container.name) out.push(required(`${at}.name`))
  else checkDnsLabel(out, container.name, `${at}.name`)
  if (!container.image) out.push(required(`${at}.image`))
  checkOneOf(out, container.terminationMessagePolicy, ['File', 'FallbackToLogsOnError'], `${at}.terminationMessagePolicy`)
  if (container.ports) checkPorts(out, container.ports, `${at}.ports`)
  if (container.env) checkEnv(out, container.env, `${at}.env`)
  if (container.envFrom) checkEnvFrom(out, container.envFrom, `${at}.envFrom`)
  if (container.volumeMounts) checkMounts(out, container.volumeMounts, container, pod, `${at}.volumeMounts`)
  if (container.volumeDevices) checkDevices(out, container, pod, `${at}.volumeDevices`)
  checkOneOf(out, container.imagePullPolicy, ['Always', 'IfNotPresent', 'Never'], `${at}.imagePullPolicy`)
  validateResourceRequirements(out, container.resources, pod.claimNames, `${at}.resources`)
  if (container.resizePolicy) {
    const seen = new Set<string>()
    container.resizePolicy.forEach(({ resourceName, restartPolicy }, i) => {
      if (seen.has(resourceName)) out.push(duplicate(`${at}.resizePolicy[${i}]`, resourceName))
      seen.add(resourceName)
      checkOneOf(out, resourceName, ['cpu', 'memory'], `${at}.resizePolicy`)
      checkOneOf(out, restartPolicy, ['NotRequired', 'RestartContainer'], `${at}.resizePolicy`)
      if (pod.spec.restartPolicy === 'Never' && restartPolicy !== 'NotRequired') out.push(invalid(`${at}.resizePolicy`, restartPolicy, "must be 'NotRequired' when pod `restartPolicy` is 'Never'"))
    })
  }
  validateSecurityContext(out, container.securityContext, pod.hostUsers, `${at}.securityContext`)
}

/** k8s: validateContainerPorts */
function checkPorts(out: Finding[], ports: readonly ContainerPort[], at: string): void {
  const names = new Set<string>()
  ports.forEach((port, i) => {
    const here = `${at}[${i}]`
    if (port.name) {
      const problems = portNameProblems(port.name)
      for (const problem of problems) out.push(invalid(`${here}.name`, port.name, problem))
      if (problems.length === 0) {
        if (names.has(port.name)) out.push(duplicate(`${here}.name`, port.name))
        names.add(port.name)
      }
    }
    if (!port.containerPort) out.push(required(`${here}.containerPort`))
    else for (const problem of portNumberProblems(port.containerPort)) out.push(invalid(`${here}.containerPort`, port.containerPort, problem))
    if (port.hostPort) for (const problem of portNumberProblems(port.hostPort)) out.push(invalid(`${here}.hostPort`, port.hostPort, problem))
    checkOneOf(out, port.protocol, ['SCTP', 'TCP', 'UDP'], `${here}.protocol`)
  })
}

/** k8s: checkHostPortConflicts */
function checkHostPorts(out: Finding[], containers: readonly Container[], at: string): void {
  let seen: Set<string> | undefined
  containers.forEach((container, i) => {
    container.ports?.forEach((port, j) => {
      if (!port.hostPort) return
      const key = `${port.protocol}/${port.hostIP ?? ''}/${port.hostPort}`
      if (seen?.has(key)) out.push(duplicate(`${at}[${i}].ports[${j}].hostPort`, key))
      else (seen ??= new Set()).add(key)
    })
  })
}

const ENV_FIELDS = ['metadata.name', 'metadata.namespace', 'metadata.uid', 'spec.nodeName', 'spec.serviceAccountName', 'status.hostIP', 'status.hostIPs', 'status.podIP', 'status.podIPs']
export const VOLUME_FIELDS = ['metadata.annotations', 'metadata.labels', 'metadata.name', 'metadata.namespace', 'metadata.uid']
const KNOWN_FIELDS = new Set([...ENV_FIELDS, ...VOLUME_FIELDS, 'spec.restartPolicy', 'spec.schedulerName', 'status.phase'])
const RESOURCES = ['limits.cpu', 'limits.ephemeral-storage', 'limits.memory', 'requests.cpu', 'requests.ephemeral-storage', 'requests.memory']
const SIZE_DIVISORS = ['1', '1k', '1M', '1G', '1T', '1P', '1E', '1Ki', '1Mi', '1Gi', '1Ti', '1Pi', '1Ei']

function checkEnv(out: Finding[], env: readonly EnvVar[], at: string): void {
  env.forEach((variable, i) => {
    const here = `${at}[${i}]`
    if (!variable.name) out.push(required(`${here}.name`))
    else for (const problem of envVarNameProblems(variable.name)) out.push(invalid(`${here}.name`, variable.name, problem))
    const from = variable.valueFrom
    if (!from) return
    const source = `${here}.valueFrom`
    let sources = 0
    if (from.fieldRef) {
      sources++
      checkFieldRef(out, from.fieldRef, ENV_FIELDS, `${source}.fieldRef`)
    }
    if (from.resourceFieldRef) {
      sources++
      checkResourceFieldRef(out, from.resourceFieldRef, false, `${source}.resourceFieldRef`)
    }
    for (const ref of ['configMapKeyRef', 'secretKeyRef'] as const) {
      const selector = from[ref]
      if (!selector) continue
      sources++
      const name = selector.name ?? ''
      for (const problem of subdomainName(name, false)) out.push(invalid(`${source}.${ref}.name`, name, problem))
      if (!selector.key) out.push(required(`${source}.${ref}.key`))
      else for (const problem of configKeyProblems(selector.key)) out.push(invalid(`${source}.${ref}.key`, selector.key, problem))
    }
    if (from.fileKeyRef) {
      sources++
      const { key, volumeName, path } = from.fileKeyRef
      if (!key) out.push(required(`${source}.fileKeyRef.key`))
      else for (const problem of envVarNameProblems(key)) out.push(invalid(`${source}.fileKeyRef.key`, key, problem))
      if (!volumeName) out.push(required(`${source}.fileKeyRef.volumeName`))
      else checkDnsLabel(out, volumeName, `${source}.fileKeyRef.volumeName`)
      if (!path) out.push(required(`${source}.fileKeyRef.path`))
      else checkNoBacksteps(out, path, `${source}.fileKeyRef.path`)
    }
    if (sources === 0) out.push(invalid(source, '', 'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`'))
    else if (variable.value) out.push(invalid(source, '', 'may not be specified when `value` is not empty'))
    else if (sources > 1) out.push(invalid(source, '', 'may not have more than one field specified at a time'))
  })
}

/** k8s: validateObjectFieldSelector */
export function checkFieldRef(out: Finding[], ref: Readonly<ObjectFieldSelector>, allowed: readonly string[], at: string): void {
  if (!ref.apiVersion) {
    out.push(required(`${at}.apiVersion`))
    return
  }
  if (!ref.fieldPath) {
    out.push(required(`${at}.fieldPath`))
    return
  }
  const problem = (why: string) => out.push(invalid(`${at}.fieldPath`, ref.fieldPath, `error converting fieldPath: ${why}`))
  const subscript = /^(.*)\['(.*)'\]$/.exec(ref.fieldPath)
  if (ref.apiVersion !== 'v1') problem(`unsupported pod version: ${ref.apiVersion}`)
  else if (subscript) {
    const [, path = '', key = ''] = subscript
    if (path === 'metadata.annotations') checkQualifiedName(out, key.toLowerCase(), at)
    else if (path === 'metadata.labels') checkQualifiedName(out, key, at)
    else problem(`field label does not support subscript: ${ref.fieldPath}`)
  } else if (ref.fieldPath !== 'spec.host' && !KNOWN_FIELDS.has(ref.fieldPath)) problem(`field label not supported: ${ref.fieldPath}`)
  else {
    const path = ref.fieldPath === 'spec.host' ? 'spec.nodeName' : ref.fieldPath
    if (!allowed.includes(path)) out.push(notSupported(`${at}.fieldPath`, path, allowed))
  }
}

/** k8s: validateContainerResourceFieldSelector */
export function checkResourceFieldRef(out: Finding[], ref: Readonly<ResourceFieldSelector>, needsContainer: boolean, at: string): void {
  const resource = ref.resource ?? ''
  const hugePages = resource.startsWith('requests.hugepages-') || resource.startsWith('limits.hugepages-')
  if (needsContainer && !ref.containerName) out.push(required(`${at}.containerName`))
  else if (!resource) out.push(required(`${at}.resource`))
  else if (!RESOURCES.includes(resource) && !hugePages) out.push(notSupported(`${at}.resource`, resource, RESOURCES))
  const divisor = ref.divisor ?? '0'
  if (isZeroQuantity(divisor)) return
  const sizes = '1, 1k, 1M, 1G, 1T, 1P, 1E, 1Ki, 1Mi, 1Gi, 1Ti, 1Pi, 1Ei'
  if (/\.cpu$/.test(resource)) {
    if (divisor !== '1m' && divisor !== '1') out.push(invalid(`${at}.divisor`, resource, "only divisor's values 1m and 1 are supported with the cpu resource"))
  } else if (!SIZE_DIVISORS.includes(divisor)) {
    const what = /\.memory$/.test(resource) ? 'memory' : /\.ephemeral-storage$/.test(resource) ? 'local ephemeral storage' : hugePages ? 'hugepages' : ''
    if (what) out.push(invalid(`${at}.divisor`, resource, `only divisor's values ${sizes} are supported with the ${what} resource`))
  }
}

function checkEnvFrom(out: Finding[], sources: readonly EnvFromSource[], at: string): void {
  sources.forEach((source, i) => {
    const here = `${at}[${i}]`
    if (source.prefix) for (const problem of envVarNameProblems(source.prefix)) out.push(invalid(`${here}.prefix`, source.prefix, problem))
    let count = 0
    for (const ref of ['configMapRef', 'secretRef'] as const) {
      const selector = source[ref]
      if (!selector) continue
      count++
      if (!selector.name) out.push(required(`${here}.${ref}.name`))
      else for (const problem of subdomainName(selector.name, true)) out.push(invalid(`${here}.${ref}.name`, selector.name, problem))
    }
    if (count === 0) out.push(invalid(at, '', 'must specify one of: `configMapRef` or `secretRef`'))
    else if (count > 1) out.push(invalid(at, '', 'may not have more than one field specified at a time'))
  })
}

/** k8s: ValidateVolumeMounts */
function checkMounts(out: Finding[], mounts: readonly VolumeMount[], container: AnyContainer, { volumes }: PodContext, at: string): void {
  const paths = new Set<string>()
  const devices = container.volumeDevices ?? []
  mounts.forEach((mount, i) => {
    const here = `${at}[${i}]`
    if (!mount.name) out.push(required(`${here}.name`))
    if (!volumes.has(mount.name)) out.push(notFound(`${here}.name`, mount.name))
    if (!mount.mountPath) out.push(required(`${here}.mountPath`))
    if (paths.has(mount.mountPath)) out.push(invalid(`${here}.mountPath`, mount.mountPath, 'must be unique'))
    paths.add(mount.mountPath)
    if (devices.some((device) => device.name === mount.name)) out.push(invalid(`${here}.name`, mount.name, 'must not already exist in volumeDevices'))
    if (devices.some((device) => device.devicePath === mount.mountPath)) out.push(invalid(`${here}.mountPath`, mount.mountPath, 'must not already exist as a path in volumeDevices'))
    if (mount.subPath) checkRelativePath(out, mount.subPath, `${at}.subPath`)
    if (mount.subPathExpr) {
      if (mount.subPath) out.push(invalid(`${here}.subPathExpr`, mount.subPathExpr, 'subPathExpr and subPath are mutually exclusive'))
      checkRelativePath(out, mount.subPathExpr, `${at}.subPathExpr`)
    }
    if (mount.mountPropagation !== undefined) {
      const propagation = mount.mountPropagation as string
      if (!['Bidirectional', 'HostToContainer', 'None'].includes(propagation)) out.push(notSupported(`${at}.mountPropagation`, propagation, ['Bidirectional', 'HostToContainer', 'None']))
      if (propagation === 'Bidirectional' && !container.securityContext?.privileged) out.push(forbidden(`${at}.mountPropagation`, 'Bidirectional mount propagation is available only to privileged containers'))
    }
    if (mount.recursiveReadOnly !== undefined && mount.recursiveReadOnly !== 'Disabled') {
      if (mount.recursiveReadOnly !== 'Enabled' && mount.recursiveReadOnly !== 'IfPossible') out.push(notSupported(`${at}.recursiveReadOnly`, mount.recursiveReadOnly, ['Disabled', 'Enabled', 'IfPossible']))
      else {
        if (!mount.readOnly) out.push(forbidden(`${at}.recursiveReadOnly`, 'may only be specified when readOnly is true'))
        if (mount.mountPropagation !== undefined && mount.mountPropagation !== 'None') out.push(forbidden(`${at}.recursiveReadOnly`, 'may only be specified when mountPropagation is None or not specified'))
      }
    }
  })
}

/** k8s: ValidateVolumeDevices */
function checkDevices(out: Finding[], container: AnyContainer, { volumes }: PodContext, at: string): void {
  const paths = new Set<string>()
  const names = new Set<string>()
  const mounts = container.volumeMounts ?? []
  container.volumeDevices!.forEach(({ name, devicePath }, i) => {
    const here = `${at}[${i}]`
    const volume = volumes.get(name)
    if (!name) out.push(required(`${here}.name`))
    if (names.has(name)) out.push(invalid(`${here}.name`, name, 'must be unique'))
    if (volume && !volume.persistentVolumeClaim && !volume.ephemeral) out.push(invalid(`${here}.name`, name, 'can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode'))
    if (!volume) out.push(notFound(`${here}.name`, name))
    if (!devicePath) out.push(required(`${here}.devicePath`))
    if (paths.has(devicePath)) out.push(invalid(`${here}.devicePath`, devicePath, 'must be unique'))
    if (devicePath?.split('/').includes('..')) out.push(invalid(`${here}.devicePath`, devicePath, "can not contain backsteps ('..')"))
    else paths.add(devicePath)
    if (mounts.some((mount) => mount.name === name)) out.push(invalid(`${here}.name`, name, 'must not already exist in volumeMounts'))
    if (mounts.some((mount) => mount.mountPath === devicePath)) out.push(invalid(`${here}.devicePath`, devicePath, 'must not already exist as a path in volumeMounts'))
    if (name) names.add(name)
  })
}

function validateLifecycleAndProbes(out: Finding[], container: Readonly<Container>, pod: PodContext, at: string): void {
  if (container.lifecycle) checkLifecycle(out, container.lifecycle, pod, `${at}.lifecycle`)
  if (container.livenessProbe) {
    checkProbe(out, container.livenessProbe, `${at}.livenessProbe`)
    if (container.livenessProbe.successThreshold !== 1) out.push(invalid(`${at}.livenessProbe.successThreshold`, container.livenessProbe.successThreshold ?? 0, 'must be 1'))
  }
  if (container.readinessProbe) {
    checkProbe(out, container.readinessProbe, `${at}.readinessProbe`)
    const grace = container.readinessProbe.terminationGracePeriodSeconds
    if (grace !== undefined) out.push(invalid(`${at}.readinessProbe.terminationGracePeriodSeconds`, grace, 'must not be set for readinessProbes'))
  }
  if (container.startupProbe) {
    checkProbe(out, container.startupProbe, `${at}.startupProbe`)
    if (container.startupProbe.successThreshold !== 1) out.push(invalid(`${at}.startupProbe.successThreshold`, container.startupProbe.successThreshold ?? 0, 'must be 1'))
  }
}

function checkLifecycle(out: Finding[], lifecycle: Readonly<Lifecycle>, pod: PodContext, at: string): void {
  if (lifecycle.postStart) checkHandler(out, lifecycle.postStart, `${at}.postStart`, pod.spec.terminationGracePeriodSeconds)
  if (lifecycle.preStop) checkHandler(out, lifecycle.preStop, `${at}.preStop`, pod.spec.terminationGracePeriodSeconds)
}

function checkProbe(out: Finding[], probe: Readonly<Probe>, at: string): void {
  checkHandler(out, probe, at, undefined)
  checkNotNegative(out, probe.initialDelaySeconds, `${at}.initialDelaySeconds`)
  checkNotNegative(out, probe.timeoutSeconds, `${at}.timeoutSeconds`)
  checkNotNegative(out, probe.periodSeconds, `${at}.periodSeconds`)
  checkNotNegative(out, probe.successThreshold, `${at}.successThreshold`)
  checkNotNegative(out, probe.failureThreshold, `${at}.failureThreshold`)
  const grace = probe.terminationGracePeriodSeconds
  if (grace !== undefined && grace <= 0) out.push(invalid(`${at}.terminationGracePeriodSeconds`, grace, 'must be greater than 0'))
}

/** k8s: validateHandler */
function checkHandler(out: Finding[], handler: Readonly<Probe & LifecycleHandler>, at: string, graceSeconds: number | undefined): void {
  const taken = checkAlternatives(out, handler, [
    ['exec', () => {
      if (!handler.exec!.command?.length) out.push(required(`${at}.exec.command`))
    }],
    ['httpGet', () => {
      const http = handler.httpGet!
      if (!http.path) out.push(required(`${at}.httpGet.path`))
      checkPortNumberOrName(out, http.port, `${at}.httpGet.port`)
      if (!['HTTP', 'HTTPS'].includes(http.scheme ?? '')) out.push(notSupported(`${at}.httpGet.scheme`, http.scheme ?? '', ['HTTP', 'HTTPS']))
      for (const header of http.httpHeaders ?? []) for (const problem of headerNameProblems(header.name)) out.push(invalid(`${at}.httpGet.httpHeaders`, header.name, problem))
    }],
    ['tcpSocket', () => checkPortNumberOrName(out, handler.tcpSocket!.port, `${at}.tcpSocket.port`)],
    ['grpc', () => checkPortNumberOrName(out, handler.grpc!.port, `${at}.grpc.port`)],
    ['sleep', () => {
      const { seconds } = handler.sleep!
      if (graceSeconds !== undefined && (seconds < 0 || seconds > graceSeconds)) out.push(invalid(`${at}.sleep`, seconds, `must be non-negative and less than terminationGracePeriodSeconds (${graceSeconds})`))
    }],
  ], at, 'may not specify more than 1 handler type')
  if (taken === 0) out.push(required(at, 'must specify a handler type'))
}

/** k8s: validateContainerRestartPolicy */
function checkRestartPolicy(out: Finding[], container: Readonly<Container>, at: string): void {
  const { restartPolicy: policy, restartPolicyRules: rules = [] } = container
  if (policy === undefined) {
    if (rules.length > 0) out.push(required(`${at}.restartPolicy`, 'must specify restartPolicy when restart rules are used'))
  } else if (!['Always', 'Never', 'OnFailure'].includes(policy)) out.push(notSupported(`${at}.restartPolicy`, policy, ['Always', 'Never', 'OnFailure']))
  if (rules.length > 20) out.push(tooMany(`${at}.restartPolicyRules`, rules.length, 20))
  rules.forEach((rule, i) => {
    const here = `${at}.restartPolicyRules[${i}]`
    if (!['Restart', 'RestartAllContainers'].includes(rule.action)) out.push(notSupported(`${here}.action`, rule.action ?? '', ['Restart', 'RestartAllContainers']))
    if (!rule.exitCodes) out.push(required(`${here}.exitCodes`, 'must be specified'))
    else {
      if (!['In', 'NotIn'].includes(rule.exitCodes.operator)) out.push(notSupported(`${here}.exitCodes.operator`, rule.exitCodes.operator ?? '', ['In', 'NotIn']))
      if ((rule.exitCodes.values?.length ?? 0) > 255) out.push(tooMany(`${here}.exitCodes.values`, rule.exitCodes.values!.length, 255))
    }
  })
}
