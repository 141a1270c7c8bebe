import { matchesRequiredNodeAffinity } from '../../client/node-selection.ts'
import { findUntolerated } from '../../client/tolerations.ts'
import type { Affinity, DaemonSet, Node, PodSpec, Toleration } from '../../kinds/generated/types.ts'

/** What daemons put up with. k8s: pkg/controller/daemon/util AddOrUpdateDaemonPodTolerations */
const DAEMON_TOLERATIONS: readonly Toleration[] = [
  { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute' },
  { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute' },
  { key: 'node.kubernetes.io/disk-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/memory-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/pid-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/unschedulable', operator: 'Exists', effect: 'NoSchedule' },
]
const HOST_NETWORK_TOLERATION: Toleration = { key: 'node.kubernetes.io/network-unavailable', operator: 'Exists', effect: 'NoSchedule' }

/** The template's tolerations with a daemon's own. */
export function daemonTolerations(spec: Readonly<PodSpec>): Toleration[] {
  const out = [...spec.tolerations ?? []]
  for (const toleration of [...DAEMON_TOLERATIONS, ...spec.hostNetwork ? [HOST_NETWORK_TOLERATION] : []]) {
    const at = out.findIndex(({ key = '', operator = 'Equal', effect = '', value = '' }) => key === toleration.key && operator === toleration.operator && effect === toleration.effect && value === '')
    if (at < 0) out.push(toleration)
    else out[at] = toleration
  }
  return out
}

/** Affinity to exactly one node, in place of whatever was required. k8s: ReplaceDaemonSetPodNodeNameNodeAffinity */
export function affinityToNode(affinity: Affinity | undefined, nodeName: string): Affinity {
  return {
    ...affinity,
    nodeAffinity: {
      ...affinity?.nodeAffinity,
      requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: [nodeName] }] }] },
    },
  }
}

/** Whether a daemon belongs on the node, and whether one that is there may stay. k8s: NodeShouldRunDaemonPod */
export function nodeShouldRun(node: Readonly<Node>, ds: Readonly<DaemonSet>): { shouldRun: boolean; mayContinue: boolean } {
  const spec = ds.spec!.template.spec!
  const no = { shouldRun: false, mayContinue: false }
  if (spec.nodeName && spec.nodeName !== node.metadata.name) return no
  if (!matchesRequiredNodeAffinity(spec, node)) return no
  const tolerations = daemonTolerations(spec)
  if (!findUntolerated(node.spec?.taints, tolerations, 'NoSchedule', 'NoExecute')) return { shouldRun: true, mayContinue: true }
  return { shouldRun: false, mayContinue: !findUntolerated(node.spec?.taints, tolerations, 'NoExecute') }
}
