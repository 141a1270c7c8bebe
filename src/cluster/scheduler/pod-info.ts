import { nonZeroRequests, podAmounts, type Amounts } from '../client/pod-resources.ts'
import type { Pod, PodAffinityTerm } from '../kinds/generated/types.ts'

/** A port that a pod takes on its node. */
export interface HostPort {
  ip: string
  protocol: string
  port: number
}

/** A pod with everything about it that scheduling asks often. */
export interface PodInfo {
  readonly pod: Pod
  readonly priority: number
  readonly requests: Amounts
  readonly nonZero: { readonly cpu: number; readonly memory: number }
  readonly hostPorts: readonly HostPort[]
  readonly requiredAffinity: readonly PodAffinityTerm[]
  readonly requiredAntiAffinity: readonly PodAffinityTerm[]
  readonly hasAffinity: boolean
}

const NONE: readonly never[] = []

export function podInfoOf(pod: Pod): PodInfo {
  const affinity = pod.spec.affinity
  return {
    pod, priority: pod.spec.priority ?? 0, requests: podAmounts(pod), nonZero: nonZeroRequests(pod), hostPorts: hostPortsOf(pod),
    requiredAffinity: affinity?.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? NONE,
    requiredAntiAffinity: affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? NONE,
    hasAffinity: affinity?.podAffinity !== undefined || affinity?.podAntiAffinity !== undefined,
  }
}

function hostPortsOf({ spec }: Pod): readonly HostPort[] {
  let ports: HostPort[] | undefined
  for (const container of spec.initContainers?.length ? [...spec.containers, ...spec.initContainers.filter((c) => c.restartPolicy === 'Always')] : spec.containers)
    for (const port of container.ports ?? [])
      if (port.hostPort) (ports ??= []).push({ ip: port.hostIP || '0.0.0.0', protocol: port.protocol ?? 'TCP', port: port.hostPort })
  return ports ?? NONE
}

/** Whether two ports can't be on one node. An address of 0.0.0.0 means all. k8s: HostPortInfo.CheckConflict */
export function portsConflict(a: HostPort, b: HostPort): boolean {
  return a.port === b.port && a.protocol === b.protocol && (a.ip === b.ip || a.ip === '0.0.0.0' || b.ip === '0.0.0.0')
}

/** Whether the end of a pod leaves room on a node: it is on one, or has one promised. */
export function holdsRoom({ spec, status }: Pod): boolean {
  return Boolean(spec.nodeName) || Boolean(status?.nominatedNodeName)
}
