import type { UtilityContext } from '../../../unix/utilities/utility.ts'
import type { Node, Taint } from '../../kinds/generated/types.ts'
import { askApi } from '../kubeconfig-client.ts'
import type { Access } from '../kubeconfig-client.ts'

const LABELS = ['node-role.kubernetes.io/control-plane', 'node.kubernetes.io/exclude-from-external-load-balancers']
export const CONTROL_PLANE_TAINT: Taint = { key: 'node-role.kubernetes.io/control-plane', effect: 'NoSchedule' }
/** k8s: constants KubernetesAPICallRetryInterval, KubernetesAPICall */
const POLL_MS = 500
const PATIENCE_MS = 60_000

/** Label and taints that a kubelet may not give itself; waits for the node to be there. k8s: cmd/kubeadm/app/phases/markcontrolplane */
export async function markControlPlane({ proc, out }: UtilityContext, admin: Access, name: string, taints: readonly Taint[]): Promise<void> {
  await out(`[mark-control-plane] Marking the node ${name} as control-plane by adding the labels: [${LABELS.join(' ')}]\n`)
  if (taints.length > 0) await out(`[mark-control-plane] Marking the node ${name} as control-plane by adding the taints [${taints.map(taintText).join(' ')}]\n`)
  const path = `/api/v1/nodes/${name}`
  const endMs = proc.clock.nowMs() + PATIENCE_MS
  for (;;) {
    try {
      const { spec } = await askApi<Node>(proc, admin, 'GET', path)
      const others = (spec.taints ?? []).filter(({ key, effect }) => !taints.some((taint) => taint.key === key && taint.effect === effect))
      await askApi(proc, admin, 'PATCH', path, { metadata: { labels: Object.fromEntries(LABELS.map((label) => [label, ''])) }, spec: { taints: [...taints, ...others] } })
      return
    } catch (error) {
      if (proc.clock.nowMs() > endMs) throw error
      await proc.clock.sleep(POLL_MS)
    }
  }
}

const taintText = ({ key, value, effect }: Taint): string => `${key}${value ? `=${value}` : ''}:${effect}`
