import type { Node } from '../../kinds/generated/types.ts'
import type { AdmissionPlugin } from '../seams.ts'
import { isAbout } from './forbidden.ts'

/** New nodes take no Pods until they are ready. k8s: plugin/pkg/admission/nodetaint */
export const taintNodesByCondition: AdmissionPlugin = {
  name: 'TaintNodesByCondition',
  mutate(attributes) {
    if (attributes.operation !== 'CREATE' || !isAbout(attributes, 'nodes') || !attributes.object) return
    const node = attributes.object as Node
    const spec = node.spec ??= {}
    if (spec.taints?.some((taint) => taint.key === 'node.kubernetes.io/not-ready' && taint.effect === 'NoSchedule')) return
    spec.taints = [...spec.taints ?? [], { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }]
  },
}
