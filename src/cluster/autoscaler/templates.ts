import type { Node, Pod } from '../kinds/generated/types.ts'
import type { CloudProvider, NodeGroup } from './cloud-provider.ts'
import { isDaemonSetPod, isMirrorPod, isReady } from './pods.ts'
import { CANDIDATE_TAINT, TO_BE_DELETED_TAINT } from './taints.ts'

/** What a new machine of a group would be as a node, and what runs there from the beginning. */
export interface NodeTemplate {
  node: Node
  pods: readonly Pod[]
}

const HOSTNAME = 'kubernetes.io/hostname'
/** Taints of nodes that aren't whole yet, or not any more: new ones won't have them. k8s: utils/taints */
const PASSING_TAINTS = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable', 'node.kubernetes.io/unschedulable', 'node.kubernetes.io/network-unavailable', 'node.kubernetes.io/out-of-disk', 'node.kubernetes.io/memory-pressure', 'node.kubernetes.io/disk-pressure', 'node.cloudprovider.kubernetes.io/uninitialized', TO_BE_DELETED_TAINT, CANDIDATE_TAINT]

/** What each group's next machine looks like: like one that is ready, or else as the cloud says. k8s: processors/nodeinfosprovider */
export function templatesOf(cloud: CloudProvider, nodes: readonly Node[], podsOn: (nodeName: string) => readonly Pod[]): Map<string, NodeTemplate> {
  const templates = new Map<string, NodeTemplate>()
  for (const node of nodes) {
    const group = cloud.nodeGroupFor(node)
    if (!group || templates.has(group.id) || !isReady(node)) continue
    templates.set(group.id, { node, pods: podsOn(node.metadata.name!).filter((pod) => isDaemonSetPod(pod) || isMirrorPod(pod)) })
  }
  for (const group of cloud.nodeGroups()) if (!templates.has(group.id)) templates.set(group.id, { node: cloud.template(group), pods: [] })
  return templates
}

/** One new node after a template, with pods of its own. k8s: simulator/node_info_utils SanitizedNodeInfo */
export function nodeFrom({ node, pods }: NodeTemplate, group: NodeGroup, name: string): NodeTemplate {
  const { unschedulable: _, ...spec } = node.spec ?? {}
  const taints = (spec.taints ?? []).filter(({ key }) => !PASSING_TAINTS.includes(key))
  return {
    node: { ...node, metadata: { ...node.metadata, name, uid: `${name} ${group.id}`, labels: { ...node.metadata.labels, [HOSTNAME]: name } }, spec: { ...spec, taints } },
    pods: pods.map((pod) => ({ ...pod, metadata: { ...pod.metadata, name: `${pod.metadata.name}-${name}`, uid: `${pod.metadata.uid}-${name}` } })),
  }
}
