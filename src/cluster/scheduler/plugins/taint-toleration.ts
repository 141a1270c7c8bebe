import { findUntolerated, isTolerated } from '../../client/tolerations.ts'
import type { Node, Toleration } from '../../kinds/generated/types.ts'
import { normalizeByMax, on, type FilterPlugin, type PreScorePlugin, type ScorePlugin } from '../framework.ts'
import { PASS, SKIP, unresolvable } from '../status.ts'

const NAME = 'TaintToleration'

/** Keeps pods from nodes whose taints they don't tolerate, and prefers nodes with fewer soft ones. k8s: plugins/tainttoleration */
export const taintToleration: FilterPlugin & PreScorePlugin & ScorePlugin = {
  name: NAME,
  weight: 3,
  filter({ pod }, { node }) {
    const taints = node.spec?.taints
    if (!taints || !findUntolerated(taints, pod.spec.tolerations, 'NoSchedule', 'NoExecute')) return PASS
    return unresolvable('node(s) had untolerated taint(s)')
  },
  preScore({ pod, state }, nodes) {
    // Equal scores for all are none.
    if (!nodes.some(({ node }) => node.spec?.taints?.some((taint) => taint.effect === 'PreferNoSchedule'))) return SKIP
    state.set(NAME, (pod.spec.tolerations ?? []).filter((toleration) => !toleration.effect || toleration.effect === 'PreferNoSchedule'))
    return PASS
  },
  score({ state }, { node }) {
    const taints = node.spec?.taints
    if (!taints) return 0
    const tolerations = state.get(NAME) as Toleration[]
    return taints.filter((taint) => taint.effect === 'PreferNoSchedule' && !isTolerated(tolerations, taint)).length
  },
  normalize(_, scores) { normalizeByMax(scores, true) },
  retryOn: [
    on('Node', ['Add', 'UpdateNodeTaint'], (pod, { object, old }) => {
      const isUntolerated = (node: Node) => findUntolerated(node.spec?.taints, pod.spec.tolerations, 'NoSchedule', 'NoExecute') !== undefined
      return !isUntolerated(object as Node) && (!old || isUntolerated(old as Node))
    }),
    on('Pod', 'UpdatePodTolerations', (pod, { object }) => object.metadata.uid === pod.metadata.uid),
  ],
}
