import type { Pod, Toleration } from '../../kinds/generated/types.ts'
import { commonPart } from '../common-part.ts'
import type { AdmissionPlugin } from '../seams.ts'
import { isAbout } from './forbidden.ts'

const KEYS = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable']
const TOLERATION_SECONDS = 300
const TOLERATIONS = KEYS.map((key) => commonPart<Toleration>({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: TOLERATION_SECONDS }))
/** What pods get that tolerate nothing by themselves: most of them. */
const ALL = commonPart(TOLERATIONS)

/** Pods stay for five minutes on nodes that are in trouble. k8s: plugin/pkg/admission/defaulttolerationseconds */
export const defaultTolerationSeconds: AdmissionPlugin = {
  name: 'DefaultTolerationSeconds',
  mutate(attributes) {
    if ((attributes.operation !== 'CREATE' && attributes.operation !== 'UPDATE') || !isAbout(attributes, 'pods') || !attributes.object) return
    const { spec } = attributes.object as Pod
    const { tolerations = [] } = spec
    const missing = TOLERATIONS.filter(({ key }) => !tolerations.some((t) => (t.key === key || !t.key) && (t.effect === 'NoExecute' || !t.effect)))
    if (missing.length > 0) spec.tolerations = tolerations.length === 0 ? ALL : [...tolerations, ...missing]
  },
}
