import { matchesRequiredNodeAffinity } from '../client/node-selection.ts'
import type { ContainerPort, Node, Pod } from '../kinds/generated/types.ts'
import { quantityMilliValue, quantityValue } from '../kinds/quantity.ts'
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

/** Whether a node can take a pod that was bound to it. Undefined: it can. k8s: pkg/kubelet/lifecycle predicate.go */
export function rejectPod(pod: Pod, node: Node, allocatable: Readonly<Record<string, string>>, others: readonly Pod[], allowedUnsafeSysctls: readonly string[] = []): Rejection | undefined {
  const os = pod.spec.os?.name
  const sysctl = refusedSysctl(pod, allowedUnsafeSysctls)
  if (sysctl !== undefined) return { reason: 'SysctlForbidden', message: `forbidden sysctl: ${sysctl}` }
  const osLabel = pod.metadata.labels?.['kubernetes.io/os']
  if (osLabel !== undefined && osLabel !== 'linux')
    return { reason: 'PodOSSelectorNodeLabelDoesNotMatch', message: "Failed to admit pod as the `kubernetes.io/os` label doesn't match node label" }
  if (os !== undefined && os !== 'linux') return { reason: 'PodOSNotSupported', message: "Failed to admit pod as the OS field doesn't match node OS" }

  const maxPods = Number(allocatable.pods ?? 110)
  const exceeded = (resource: string, requested: number, used: number, capacity: number): Rejection =>
    ({ reason: `OutOf${resource}`, message: `Node didn't have enough resource: ${resource}, requested: ${requested}, used: ${used}, capacity: ${capacity}` })
  if (others.length + 1 > maxPods) return exceeded('pods', 1, others.length, maxPods)
  const requests = podRequests(pod)
  for (const [resource, text] of Object.entries(requests)) {
    const amount = resource === 'cpu' ? quantityMilliValue : quantityValue
    const requested = amount(text)
    if (requested === 0) continue
    const capacity = resource in allocatable ? amount(allocatable[resource]!) : resource === 'cpu' || resource === 'memory' || resource === 'ephemeral-storage' ? 0 : undefined
    // Extended resources that the node doesn't have at all are not its business.
    if (capacity === undefined) continue
    let used = 0
    for (const other of others) {
      const own = podRequests(other)[resource]
      if (own !== undefined) used += amount(own)
    }
    if (used + requested > capacity) return exceeded(resource, requested, used, capacity)
  }
  if (!matchesRequiredNodeAffinity(pod.spec, node)) return { reason: 'NodeAffinity', message: 'Predicate NodeAffinity failed: node(s) didn\'t match Pod\'s node affinity/selector' }
  if (pod.spec.nodeName && pod.spec.nodeName !== node.metadata.name) return { reason: 'NodeName', message: "Predicate NodeName failed: node(s) didn't match the requested node name" }
  const wanted = heldHostPorts(pod)
  if (wanted.length > 0 && others.flatMap(heldHostPorts).some((other) => wanted.some((port) => conflicts(port, other)))) return { reason: 'NodePorts', message: "Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports" }
  if (!isStaticPod(pod)) {
    for (const taint of node.spec?.taints ?? []) {
      if (taint.effect !== 'NoExecute') continue
      const tolerated = (pod.spec.tolerations ?? []).some((t) => (!t.effect || t.effect === taint.effect) && (!t.key || t.key === taint.key) && (t.operator === 'Exists' || (t.value ?? '') === (taint.value ?? '')))
      if (!tolerated) return { reason: 'TaintToleration', message: 'Predicate TaintToleration failed: node(s) had taints that the pod didn\'t tolerate' }
    }
  }
  return undefined
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
