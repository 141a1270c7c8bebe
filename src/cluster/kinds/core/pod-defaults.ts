/** Defaults of pods and of everything that has a pod template. k8s: pkg/apis/core/v1/defaults.go, zz_generated.defaults.go */
import { parseQuantity, addQuantities, compareQuantities, formatQuantity } from '../quantity.ts'
import type { Container, EphemeralContainer, Pod, PodSpec, PodTemplateSpec, Probe, Volume } from '../generated/types.ts'
import { imageTag } from './image-name.ts'
import { defaultCommonSources } from './volume-source-defaults.ts'

/** SetDefaults_Pod and all below. */
export function defaultPod(pod: Pod): void {
  defaultPodSpec(pod.spec)
  const { spec, status } = pod
  // One address and many are two views of one field inside the server, and the one wins. k8s: Convert_v1_PodStatus_To_core_PodStatus
  if (status?.podIP) {
    if (status.podIPs?.[0]?.ip !== status.podIP) status.podIPs = [{ ip: status.podIP }]
  } else if (status?.podIPs?.[0]) status.podIP = status.podIPs[0].ip
  // k8s: Convert_v1_Pod_To_core_Pod
  if (spec.terminationGracePeriodSeconds! < 0) spec.terminationGracePeriodSeconds = 1
  for (const container of spec.containers ?? []) defaultRequests(container)
  for (const container of spec.initContainers ?? []) defaultRequests(container)
  defaultPodLevelResources(pod)
  spec.enableServiceLinks ??= true
  if (spec.hostNetwork) {
    for (const container of [...(spec.containers ?? []), ...(spec.initContainers ?? [])]) {
      for (const port of container.ports ?? []) if (!port.hostPort && port.containerPort) port.hostPort = port.containerPort
    }
  }
}

/** The defaults of `spec.template` of workloads. Ports of the host are filled in for pods alone. */
export function defaultPodTemplate(template: PodTemplateSpec | undefined): void {
  if (template?.spec) defaultPodSpec(template.spec)
}

/** SetDefaults_PodSpec and all below. */
export function defaultPodSpec(spec: PodSpec): void {
  spec.dnsPolicy ??= 'ClusterFirst'
  spec.restartPolicy ??= 'Always'
  spec.securityContext ??= {}
  spec.terminationGracePeriodSeconds ??= 30
  spec.schedulerName ??= 'default-scheduler'
  // Both names are one field inside the server.
  if (spec.serviceAccountName) spec.serviceAccount = spec.serviceAccountName
  else if (spec.serviceAccount) spec.serviceAccountName = spec.serviceAccount
  for (const volume of spec.volumes ?? []) defaultVolume(volume)
  for (const container of spec.initContainers ?? []) defaultContainer(container)
  for (const container of spec.containers ?? []) defaultContainer(container)
  for (const container of spec.ephemeralContainers ?? []) defaultContainer(container)
  // k8s: dropDisabledFields, for features that are off by default: GenericWorkload, ContainerStopSignals, ClusterTrustBundleProjection, PodCertificateRequest
  if (spec.schedulingGroup) delete spec.schedulingGroup
  if (spec.overhead) roundUpToMillis(spec.overhead)
  if (spec.resources?.limits) roundUpToMillis(spec.resources.limits)
  if (spec.resources?.requests) roundUpToMillis(spec.resources.requests)
}

function defaultContainer(container: Container | EphemeralContainer): void {
  container.imagePullPolicy ??= imageTag(container.image ?? '') === 'latest' ? 'Always' : 'IfNotPresent'
  container.terminationMessagePath ??= '/dev/termination-log'
  container.terminationMessagePolicy ??= 'File'
  if (container.lifecycle?.stopSignal !== undefined) {
    delete container.lifecycle.stopSignal
    if (!container.lifecycle.postStart && !container.lifecycle.preStop) delete container.lifecycle
  }
  if (container.ports) for (const port of container.ports) port.protocol ??= 'TCP'
  if (container.env) {
    for (const { valueFrom } of container.env) {
      if (valueFrom?.fieldRef) valueFrom.fieldRef.apiVersion ??= 'v1'
      if (valueFrom?.fileKeyRef) valueFrom.fileKeyRef.optional ??= false
    }
  }
  if (container.resources?.limits) roundUpToMillis(container.resources.limits)
  if (container.resources?.requests) roundUpToMillis(container.resources.requests)
  defaultProbe(container.livenessProbe)
  defaultProbe(container.readinessProbe)
  defaultProbe(container.startupProbe)
  for (const handler of [container.lifecycle?.postStart, container.lifecycle?.preStop]) if (handler?.httpGet) defaultHttpGet(handler.httpGet)
}

function defaultProbe(probe: Probe | undefined): void {
  if (!probe) return
  if (probe.httpGet) defaultHttpGet(probe.httpGet)
  if (probe.grpc) probe.grpc.service ??= ''
  probe.timeoutSeconds ??= 1
  probe.periodSeconds ??= 10
  probe.successThreshold ??= 1
  probe.failureThreshold ??= 3
}

function defaultHttpGet(action: { path?: string; scheme?: string }): void {
  action.path ??= '/'
  action.scheme ??= 'HTTP'
}

/** SetDefaults_ResourceList: no finer than thousandths. */
export function roundUpToMillis(list: Record<string, string>): void {
  for (const name in list) {
    const quantity = parseQuantity(list[name]!)
    const rest = quantity.nanos % 1_000_000n
    if (rest !== 0n) list[name] = formatQuantity({ nanos: quantity.nanos - rest + (rest > 0n ? 1_000_000n : -1_000_000n), format: quantity.format })
  }
}

/** What has a limit requests as much, unless it says otherwise. */
function defaultRequests(container: Container): void {
  const resources = container.resources
  if (!resources?.limits) return
  const requests = (resources.requests ??= {})
  for (const name in resources.limits) requests[name] ??= resources.limits[name]!
  resources.requests = sorted(requests)
}

function sorted(list: Record<string, string>): Record<string, string> {
  const out: Record<string, string> = {}
  for (const name of Object.keys(list).sort()) out[name] = list[name]!
  return out
}

const isHugePage = (name: string) => name.startsWith('hugepages-')

/** k8s: defaultHugePagePodLimits, defaultPodRequests */
function defaultPodLevelResources({ spec }: Pod): void {
  const resources = spec.resources
  if (!resources) return
  const total = aggregateResources(spec)
  if (Object.keys(resources.requests ?? {}).length > 0 || Object.keys(resources.limits ?? {}).length > 0) {
    const limits = { ...resources.limits }
    for (const name of Object.keys(total.limits)) {
      if (isHugePage(name) && limits[name] === undefined && resources.requests?.[name] === undefined) limits[name] = total.limits[name]!
    }
    if (Object.keys(limits).length > 0) resources.limits = sorted(limits)
  }
  if (Object.keys(resources.limits ?? {}).length === 0) return
  const requests = { ...resources.requests }
  for (const name of Object.keys(total.requests)) if (requests[name] === undefined && (name === 'cpu' || name === 'memory')) requests[name] = total.requests[name]!
  for (const name of Object.keys(resources.limits!)) if (requests[name] === undefined && (name === 'cpu' || name === 'memory' || isHugePage(name))) requests[name] = resources.limits![name]!
  if (Object.keys(requests).length > 0) resources.requests = sorted(requests)
}

/** What the containers ask for together: sum of the running ones, or the biggest init container if that is more. k8s: component-helpers/resource AggregateContainerRequests */
export function aggregateResources(spec: Readonly<PodSpec>): { requests: Record<string, string>; limits: Record<string, string> } {
  const sum = (pick: (container: Container) => Record<string, string> | undefined) => {
    const total: Record<string, string> = {}
    const add = (into: Record<string, string>, list: Record<string, string> | undefined) => {
      for (const name in list) into[name] = into[name] === undefined ? list[name]! : addQuantities(into[name]!, list[name]!)
    }
    const max = (list: Record<string, string>) => {
      for (const name in list) if (total[name] === undefined || compareQuantities(list[name]!, total[name]!) > 0) total[name] = list[name]!
    }
    for (const container of spec.containers ?? []) add(total, pick(container))
    const sidecars: Record<string, string> = {}
    const peaks: Record<string, string>[] = []
    for (const container of spec.initContainers ?? []) {
      if (container.restartPolicy === 'Always') {
        add(total, pick(container))
        add(sidecars, pick(container))
      } else {
        const peak = { ...sidecars }
        add(peak, pick(container))
        peaks.push(peak)
      }
    }
    for (const peak of peaks) max(peak)
    return total
  }
  return { requests: sum((container) => container.resources?.requests), limits: sum((container) => container.resources?.limits) }
}

function defaultVolume(volume: Volume): void {
  let sources = 0
  for (const key in volume) if (key !== 'name') sources++
  if (sources === 0) volume.emptyDir = {}
  if (volume.secret) volume.secret.defaultMode ??= 0o644
  if (volume.configMap) volume.configMap.defaultMode ??= 0o644
  if (volume.downwardAPI) {
    volume.downwardAPI.defaultMode ??= 0o644
    for (const item of volume.downwardAPI.items ?? []) if (item.fieldRef) item.fieldRef.apiVersion ??= 'v1'
  }
  if (volume.projected) {
    volume.projected.defaultMode ??= 0o644
    for (const source of volume.projected.sources ?? []) {
      if (source.clusterTrustBundle) delete source.clusterTrustBundle
      if (source.podCertificate) delete source.podCertificate
      for (const item of source.downwardAPI?.items ?? []) if (item.fieldRef) item.fieldRef.apiVersion ??= 'v1'
      if (source.serviceAccountToken) source.serviceAccountToken.expirationSeconds ??= 3600
    }
  }
  if (volume.image) volume.image.pullPolicy ??= imageTag(volume.image.reference ?? '') === 'latest' ? 'Always' : 'IfNotPresent'
  defaultCommonSources(volume)
  const claim = volume.ephemeral?.volumeClaimTemplate?.spec
  if (claim) {
    claim.volumeMode ??= 'Filesystem'
    if (claim.resources?.limits) roundUpToMillis(claim.resources.limits)
    if (claim.resources?.requests) roundUpToMillis(claim.resources.requests)
  }
}
