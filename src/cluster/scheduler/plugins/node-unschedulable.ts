import { isTolerated } from '../../client/tolerations.ts'
import type { Node, Pod, Taint } from '../../kinds/generated/types.ts'
import { on, type FilterPlugin } from '../framework.ts'
import { PASS, unresolvable } from '../status.ts'

const UNSCHEDULABLE_TAINT: Taint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' }

/** Cordoned nodes take no new pods, unless tolerated. k8s: plugins/nodeunschedulable */
export const nodeUnschedulable: FilterPlugin = {
  name: 'NodeUnschedulable',
  filter({ pod }, { node }) {
    if (!node.spec?.unschedulable || isTolerated(pod.spec.tolerations, UNSCHEDULABLE_TAINT)) return PASS
    return unresolvable('node(s) were unschedulable')
  },
  retryOn: [
    on('Node', ['Add', 'UpdateNodeTaint'], (_, { object, old }) => !(object as Node).spec?.unschedulable && (!old || Boolean((old as Node).spec?.unschedulable))),
    on('Pod', 'UpdatePodTolerations', (pod, { object }) => object.metadata.uid === pod.metadata.uid && isTolerated((object as Pod).spec.tolerations, UNSCHEDULABLE_TAINT)),
  ],
}
