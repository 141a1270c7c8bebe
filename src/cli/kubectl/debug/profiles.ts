import type { ContainerSpec } from '../pods.ts'

/** What a profile may change; a draft. */
export interface DebugDraft {
  metadata: { labels?: Record<string, string>; annotations?: Record<string, string>; [field: string]: unknown }
  spec: { containers: ContainerSpec[]; initContainers?: ContainerSpec[]; ephemeralContainers?: ContainerSpec[]; volumes?: unknown[]; [field: string]: unknown }
}

/** Where the debugging container goes: into the pod itself, into a copy, or into a pod on a node. */
export type DebugStyle = 'ephemeral' | 'copy' | 'node'

/** What of the original pod a copy keeps. */
export interface KeepFlags { labels: boolean; annotations: boolean; liveness: boolean; readiness: boolean; startup: boolean; initContainers: boolean }

export type DebugProfile = (pod: DebugDraft, container: ContainerSpec, style: DebugStyle, keep: KeepFlags) => void

/** How far a debugging container may reach. k8s: kubectl/pkg/cmd/debug/profiles.go @throws Error for unknown names */
export function debugProfile(name: string): DebugProfile {
  if (!Object.hasOwn(PROFILES, name)) throw new Error(`unknown profile: ${name}`)
  return PROFILES[name]!
}

const PROFILES: Record<string, DebugProfile> = {
  legacy(pod, container, style) {
    if (style === 'node') { mountRoot(pod, container); useHostNamespaces(pod) }
    if (style === 'copy') delete pod.metadata.labels
  },
  general(pod, container, style, keep) {
    if (style === 'node') {
      mountRoot(pod, container)
      delete container['securityContext']
      useHostNamespaces(pod)
      return
    }
    if (style === 'copy') strip(pod, keep)
    addCapabilities(container, 'SYS_PTRACE')
    if (style === 'copy') shareProcesses(pod)
  },
  baseline(pod, container, style, keep) {
    delete container['securityContext']
    if (style === 'copy') { strip(pod, keep); shareProcesses(pod) }
  },
  restricted(pod, container, style, keep) {
    container['securityContext'] = { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] }, runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } }
    if (style === 'copy') { strip(pod, keep); shareProcesses(pod) }
  },
  netadmin(pod, container, style, keep) {
    addCapabilities(container, 'NET_ADMIN', 'NET_RAW')
    if (style === 'node') useHostNamespaces(pod)
    if (style === 'copy') { strip(pod, keep); shareProcesses(pod) }
  },
  sysadmin(pod, container, style, keep) {
    container['securityContext'] = { ...container['securityContext'], privileged: true }
    if (style === 'node') { useHostNamespaces(pod); mountRoot(pod, container) }
    if (style === 'copy') { strip(pod, keep); shareProcesses(pod) }
  },
}

function mountRoot(pod: DebugDraft, container: ContainerSpec): void {
  pod.spec.volumes = [...(pod.spec.volumes ?? []), { name: 'host-root', hostPath: { path: '/' } }]
  container['volumeMounts'] = [...(container['volumeMounts'] ?? []), { mountPath: '/host', name: 'host-root' }]
}

function useHostNamespaces(pod: DebugDraft): void {
  Object.assign(pod.spec, { hostNetwork: true, hostPID: true, hostIPC: true })
}

function shareProcesses(pod: DebugDraft): void {
  pod.spec['shareProcessNamespace'] ??= true
}

function addCapabilities(container: ContainerSpec, ...names: string[]): void {
  const context = container['securityContext'] ?? {}
  container['securityContext'] = { ...context, capabilities: { ...context.capabilities, add: [...(context.capabilities?.add ?? []), ...names] } }
}

/** A copy shall not be taken for the original: no labels that a Service selects, no probes that restart it. */
function strip(pod: DebugDraft, keep: KeepFlags): void {
  if (!keep.labels) delete pod.metadata.labels
  if (!keep.annotations) delete pod.metadata.annotations
  for (const container of pod.spec.containers) {
    if (!keep.liveness) delete container['livenessProbe']
    if (!keep.readiness) delete container['readinessProbe']
    if (!keep.startup) delete container['startupProbe']
  }
  if (!keep.initContainers) delete pod.spec.initContainers
}
