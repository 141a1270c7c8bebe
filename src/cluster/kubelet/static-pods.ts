import { rfc3339 } from '../../base/clock.ts'
import { thaw } from '../../base/freeze.ts'
import { Random } from '../../base/random.ts'
import type { KubeObject } from '../kinds/object.ts'
import type { Node, Pod } from '../kinds/generated/types.ts'

/**
 * A manifest of the node's folder as the pod that the kubelet runs. k8s: pkg/kubelet/config applyDefaults
 * @param origin where the manifest is and how it reads: another one is another pod.
 */
export function staticPod(manifest: KubeObject, nodeName: string, nowMs: number, origin: string): Pod {
  const pod = thaw(manifest) as Pod
  const hash = new Random(`static pod ${nodeName} ${origin}`).hex(16)
  pod.metadata.namespace ??= 'default'
  pod.metadata.name = `${manifest.metadata.name}-${nodeName}`
  pod.metadata.uid = hash
  pod.metadata.annotations = { ...pod.metadata.annotations, 'kubernetes.io/config.hash': hash, 'kubernetes.io/config.seen': rfc3339(nowMs), 'kubernetes.io/config.source': 'file' }
  const spec = pod.spec
  spec.nodeName = nodeName
  spec.tolerations = [...spec.tolerations ?? [], { effect: 'NoExecute', operator: 'Exists' }]
  return pod
}

/** What stands for a static pod in the API. k8s: pkg/kubelet/pod mirror_client.go */
export function mirrorPod(pod: Pod, node: Node): Pod {
  const { name, namespace, labels, annotations } = pod.metadata
  return {
    apiVersion: 'v1', kind: 'Pod',
    metadata: {
      name: name!, namespace: namespace!, ...(labels ? { labels } : {}),
      annotations: { ...annotations, 'kubernetes.io/config.mirror': annotations!['kubernetes.io/config.hash']! },
      ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: node.metadata.name!, uid: node.metadata.uid!, controller: true }],
    },
    spec: pod.spec,
  } as unknown as Pod
}

export function podFullName(pod: Pod): string {
  return `${pod.metadata.name}_${pod.metadata.namespace}`
}
