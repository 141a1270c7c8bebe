import { matchesRequiredNodeAffinity } from '../client/node-selection.ts'
import { findUntolerated, isTolerated } from '../client/tolerations.ts'
import { qosOf } from '../kinds/core/pod-qos.ts'
import type { ContainerPort, Node, Pod, Taint } from '../kinds/generated/types.ts'
import { quantityMilliValue, quantityValue } from '../kinds/quantity.ts'
import { requestOf, type Shortage } from './critical-pods.ts'
import { isCriticalPod } from './node-pressure.ts'
import { podRequests } from './pod-resources.ts'
import type { ResizeRefusal } from './pod-resize.ts'
import { dottedSysctl, isSidecar, isStaticPod } from './pod-spec.ts'

export interface Rejection {
  reason: string
  message: string
}

/** Kernel parameters that a pod may set: each has a value per pod. k8s: pkg/kubelet/sysctl/safe_sysctls.go */
const SAFE_SYSCTLS: ReadonlySet<string> = new Set([
  'kernel.shm_rmid_forced', 'net.ipv4.ip_local_port_range', 'net.ipv4.tcp_syncookies', 'net.ipv4.ping_group_range', 'net.ipv4.ip_unprivileged_port_start', 'net.ipv4.ip_local_reserved_ports',
  'net.ipv4.tcp_keepalive_time', 'net.ipv4.tcp_fin_timeout', 'net.ipv4.tcp_keepalive_intvl', 'net.ipv4.tcp_keepalive_probes', 'net.ipv4.tcp_rmem', 'net.ipv4.tcp_wmem',
])

/** k8s: pkg/kubelet/sysctl/allowlist.go */
function refusedSysctl(pod: Pod, allowedUnsafe: readonly string[]): string | undefined {
  for (const { name } of pod.spec.securityContext?.sysctls ?? []) {
    const sysctl = dottedSysctl(name)
    if (!SAFE_SYSCTLS.has(sysctl) && !allowedUnsafe.includes(sysctl)) return `${JSON.stringify(sysctl)} not allowlisted`
    const shared = sysctl.startsWith('net.') ? pod.spec.hostNetwork && 'net' : pod.spec.hostIPC && 'ipc'
    if (shared) return `${JSON.stringify(sysctl)} not allowed with host ${shared} enabled`
  }
  return undefined
}

/** Pressure that a node is under. */
export interface Pressure {
  memory: boolean
  disk: boolean
}

const MEMORY_PRESSURE_TAINT: Taint = { key: 'node.kubernetes.io/memory-pressure', effect: 'NoSchedule' }

/** What a node under pressure takes: critical pods, and where it is short of memory alone, pods that ask for some or tolerate it. k8s: pkg/kubelet/eviction Admit */
export function rejectUnderPressure(pod: Pod, { memory, disk }: Pressure): Rejection | undefined {
  if ((!memory && !disk) || isCriticalPod(pod)) return undefined
  if (!disk && (qosOf(pod) !== 'BestEffort' || isTolerated(pod.spec.tolerations, MEMORY_PRESSURE_TAINT))) return undefined
  return { reason: 'Evicted', message: `The node had condition: [${[...(memory ? ['MemoryPressure'] : []), ...(disk ? ['DiskPressure'] : [])].join(' ')}]. ` }
}

/** What keeps a pod from a node that it was bound to: what it is short of, which others may make up for, and what nothing can change. */
export interface PredicateFailures {
  shortages: Shortage[]
  others: Rejection[]
}

const predicate = (reason: string, message: string): Rejection => ({ reason, message: `Predicate ${reason} failed: ${message}` })

/** A shortage as the reason for which a pod fails. */
export function shortageRejection({ resource, requested, used, capacity }: Shortage): Rejection {
  return { reason: `OutOf${resource}`, message: `Node didn't have enough resource: ${resource}, requested: ${requested}, used: ${used}, capacity: ${capacity}` }
}

/** What of a pod doesn't suit the node whatever else is on it. Undefined: nothing. k8s: pkg/kubelet/sysctl, pkg/kubelet/lifecycle predicate.go */
export function rejectPod(pod: Pod, allowedUnsafeSysctls: readonly string[] = []): Rejection | undefined {
  const os = pod.spec.os?.name
  const sysctl = refusedSysctl(pod, allowedUnsafeSysctls)
  if (sysctl !== undefined) return { reason: 'SysctlForbidden', message: `forbidden sysctl: ${sysctl}` }
  const osLabel = pod.metadata.labels?.['kubernetes.io/os']
  if (osLabel !== undefined && osLabel !== 'linux')
    return { reason: 'PodOSSelectorNodeLabelDoesNotMatch', message: "Failed to admit pod as the `kubernetes.io/os` label doesn't match node label" }
  if (os !== undefined && os !== 'linux') return { reason: 'PodOSNotSupported', message: "Failed to admit pod as the OS field doesn't match node OS" }
  return undefined
}

/** All that keeps a pod from a node. k8s: pkg/kubelet/lifecycle generalFilter, scheduler AdmissionCheck */
export function predicateFailures(pod: Pod, node: Node, allocatable: Readonly<Record<string, string>>, others: readonly Pod[]): PredicateFailures {
  const shortages: Shortage[] = []
  const rest: Rejection[] = []
  const maxPods = Number(allocatable.pods ?? 110)
  if (others.length + 1 > maxPods) shortages.push({ resource: 'pods', requested: 1, used: others.length, capacity: maxPods })
  for (const resource of Object.keys(podRequests(pod))) {
    const requested = requestOf(pod, resource)
    if (requested === 0) continue
    const amount = resource === 'cpu' ? quantityMilliValue : quantityValue
    const capacity = resource in allocatable ? amount(allocatable[resource]!) : resource === 'cpu' || resource === 'memory' || resource === 'ephemeral-storage' ? 0 : undefined
    // Extended resources that the node doesn't have at all are not its business.
    if (capacity === undefined) continue
    const used = others.reduce((sum, other) => sum + requestOf(other, resource), 0)
    if (used + requested > capacity) shortages.push({ resource, requested, used, capacity })
  }
  if (!matchesRequiredNodeAffinity(pod.spec, node)) rest.push(predicate('NodeAffinity', "node(s) didn't match Pod's node affinity/selector"))
  if (pod.spec.nodeName && pod.spec.nodeName !== node.metadata.name) rest.push(predicate('NodeName', "node(s) didn't match the requested node name"))
  const wanted = heldHostPorts(pod)
  if (wanted.length > 0 && others.flatMap(heldHostPorts).some((other) => wanted.some((port) => conflicts(port, other)))) rest.push(predicate('NodePorts', "node(s) didn't have free ports for the requested pod ports"))
  if (!isStaticPod(pod) && findUntolerated(node.spec?.taints, pod.spec.tolerations, 'NoExecute')) rest.push(predicate('TaintToleration', "node(s) had taints that the pod didn't tolerate"))
  return { shortages, others: rest }
}

/** Ports of the node that a pod takes, on the host network too. k8s: scheduler util GetHostPorts */
function heldHostPorts(pod: Pod): ContainerPort[] {
  const held: ContainerPort[] = []
  const take = (container: { ports?: ContainerPort[] }) => { for (const port of container.ports ?? []) if (port.hostPort) held.push(port) }
  for (const container of pod.spec.initContainers ?? []) if (isSidecar(container)) take(container)
  for (const container of pod.spec.containers) take(container)
  return held
}

function conflicts(a: ContainerPort, b: ContainerPort): boolean {
  const any = (ip: string | undefined) => !ip || ip === '0.0.0.0'
  return a.hostPort === b.hostPort && (a.protocol ?? 'TCP') === (b.protocol ?? 'TCP') && (any(a.hostIP) || any(b.hostIP) || a.hostIP === b.hostIP)
}

/** Whether a node can give a pod that runs on it more. k8s: allocation canAdmitPod for resizes */
export function refuseResize(pod: Pod, allocatable: Readonly<Record<string, string>>, others: readonly Pod[]): ResizeRefusal | undefined {
  const requests = podRequests(pod)
  for (const resource of ['cpu', 'memory']) {
    const amount = resource === 'cpu' ? quantityMilliValue : quantityValue
    const requested = amount(requests[resource] ?? '0')
    const capacity = amount(allocatable[resource] ?? '0')
    if (requested > capacity) return { reason: 'Infeasible', message: `Node didn't have enough capacity: ${resource}, requested: ${requested}, capacity: ${capacity}` }
  }
  for (const resource of ['cpu', 'memory']) {
    const amount = resource === 'cpu' ? quantityMilliValue : quantityValue
    const requested = amount(requests[resource] ?? '0')
    const capacity = amount(allocatable[resource] ?? '0')
    const used = others.reduce((sum, other) => sum + amount(podRequests(other)[resource] ?? '0'), 0)
    if (requested + used > capacity) return { reason: 'Deferred', message: `Node didn't have enough resource: ${resource}, requested: ${requested}, used: ${used}, capacity: ${capacity}` }
  }
  return undefined
}
