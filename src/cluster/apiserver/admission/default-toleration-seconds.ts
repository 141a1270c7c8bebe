import type { Pod } from '../../kinds/generated/types.ts'
import type { AdmissionPlugin } from '../seams.ts'
import { isAbout } from './forbidden.ts'

const KEYS = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable']
const TOLERATION_SECONDS = 300

/** Pods stay for five minutes on nodes that are in trouble. k8s: plugin/pkg/admission/defaulttolerationseconds */
export const defaultTolerationSeconds: AdmissionPlugin = {
  name: 'DefaultTolerationSeconds',
  mutate(attributes) {
    if ((attributes.operation !== 'CREATE' && attributes.operation !== 'UPDATE') || !isAbout(attributes, 'pods') || !attributes.object) return
    const { spec } = attributes.object as Pod
    for (const key of KEYS) {
      const tolerated = spec.tolerations?.some((t) => (t.key === key || !t.key) && (t.effect === 'NoExecute' || !t.effect))
      if (!tolerated) spec.tolerations = [...spec.tolerations ?? [], { key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: TOLERATION_SECONDS }]
    }
  },
}
