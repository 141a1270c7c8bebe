/** Small questions about pods, shared by the kubelet's parts. */
import type { Container, EphemeralContainer, Pod } from '../kinds/generated/types.ts'
import type { HostPort } from '../network/types.ts'
import type { ObjectReference } from '../client/owner-references.ts'

export type AnyContainer = Container | EphemeralContainer

/** An init container that keeps running beside the others. k8s: podutil.IsRestartableInitContainer */
export function isSidecar(container: AnyContainer): boolean {
  return container.restartPolicy === 'Always'
}

/** All containers by name. */
export function containerSpec(pod: Pod, name: string): AnyContainer | undefined {
  return pod.spec.containers.find((c) => c.name === name) ?? pod.spec.initContainers?.find((c) => c.name === name) ?? pod.spec.ephemeralContainers?.find((c) => c.name === name)
}

/** `web_default(4c7...)`, as in messages. k8s: pkg/kubelet/util/format Pod */
export function podText(pod: Pod): string {
  return `${pod.metadata.name}_${pod.metadata.namespace}(${pod.metadata.uid})`
}

/** Where log files of the pod's containers are. k8s: kuberuntime BuildPodLogsDirectory */
export function podLogDirectory(pod: Pod): string {
  return `/var/log/pods/${pod.metadata.namespace}_${pod.metadata.name}_${pod.metadata.uid}`
}

/** What the node's ports map to. k8s: kuberuntime generatePodSandboxConfig */
export function hostPortsOf(pod: Pod): HostPort[] {
  if (pod.spec.hostNetwork) return []
  return [...pod.spec.initContainers?.filter(isSidecar) ?? [], ...pod.spec.containers].flatMap((container) => container.ports ?? []).flatMap(({ hostPort, hostIP, protocol, containerPort }) =>
    hostPort ? [{ protocol: (protocol ?? 'TCP') as HostPort['protocol'], hostPort, containerPort, ...(hostIP && hostIP !== '0.0.0.0' && hostIP !== '::' ? { hostIp: hostIP } : {}) }] : [])
}

/** Kernel parameters that the pod asks for, by dotted name. */
export function sysctlsOf(pod: Pod): Record<string, string> {
  return Object.fromEntries((pod.spec.securityContext?.sysctls ?? []).map(({ name, value }) => [dottedSysctl(name), value]))
}

/** `net/ipv4/ip_forward` as `net.ipv4.ip_forward`; where the first separator is a slash, the others change places. k8s: component-helpers/node/util/sysctl NormalizeName */
export function dottedSysctl(name: string): string {
  if (!/^[^.]*\//.test(name)) return name
  return name.replace(/[./]/g, (separator) => (separator === '.' ? '/' : '.'))
}

/** What an event about a container refers to. k8s: pkg/kubelet/container GenerateContainerRef */
export function containerReference(pod: Pod, container: AnyContainer): ObjectReference {
  const list = pod.spec.containers.some((c) => c.name === container.name) ? 'containers' : pod.spec.initContainers?.some((c) => c.name === container.name) ? 'initContainers' : 'ephemeralContainers'
  return { ...podReference(pod), fieldPath: `spec.${list}{${container.name}}` }
}

export function podReference(pod: Pod): ObjectReference {
  const { name, namespace, uid, resourceVersion } = pod.metadata
  return { apiVersion: 'v1', kind: 'Pod', name: name!, ...(namespace ? { namespace } : {}), ...(uid ? { uid } : {}), ...(resourceVersion ? { resourceVersion } : {}) }
}

export function isTerminalPhase(phase: string | undefined): boolean {
  return phase === 'Succeeded' || phase === 'Failed'
}

/** Read from the node's manifests, not from the API. */
export function isStaticPod(pod: Pod): boolean {
  const source = pod.metadata.annotations?.['kubernetes.io/config.source']
  return source !== undefined && source !== 'api' && pod.metadata.annotations?.['kubernetes.io/config.mirror'] === undefined
}

export function isMirrorPod(pod: Pod): boolean {
  return pod.metadata.annotations?.['kubernetes.io/config.mirror'] !== undefined
}
