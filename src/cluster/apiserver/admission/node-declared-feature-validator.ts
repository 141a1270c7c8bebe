import { deepEqual } from '../../../base/freeze.ts'
import type { Node, Pod, PodSpec } from '../../kinds/generated/types.ts'
import { semanticEqual } from '../../kinds/semantic-equal.ts'
import type { AdmissionPlugin } from '../seams.ts'
import { forbidden } from './forbidden.ts'

/** Features that a node must have declared for what a change asks of it, sorted. k8s: component-helpers/nodedeclaredfeatures InferForPodUpdate */
function requiredFeatures(spec: Readonly<PodSpec>, old: Readonly<PodSpec>): string[] {
  const resizesInit = old.initContainers?.some((container, i) => container.restartPolicy !== 'Always' && !deepEqual(container.resources ?? {}, spec.initContainers?.[i]?.resources ?? {}))
  return [
    ...((spec.resources === undefined) === (old.resources === undefined) && semanticEqual(spec.resources, old.resources) ? [] : ['InPlacePodLevelResourcesVerticalScaling']),
    ...(resizesInit ? ['InPlacePodVerticalScalingInitContainers'] : []),
  ]
}

/** Bound Pods are changed only in ways that their node's kubelet knows of. k8s: plugin/pkg/admission/nodedeclaredfeatures */
export const nodeDeclaredFeatureValidator: AdmissionPlugin = {
  name: 'NodeDeclaredFeatureValidator',
  validate(attributes, { reader }) {
    const { operation, kind, subresource, object, oldObject } = attributes
    if (operation !== 'UPDATE' || kind.resource !== 'pods' || kind.group !== '' || (subresource !== '' && subresource !== 'resize')) return
    const [pod, old] = [object as Pod, oldObject as Pod]
    // The generation rises with every change of the spec.
    if (!pod.spec.nodeName || old.metadata.generation === pod.metadata.generation) return
    const required = requiredFeatures(pod.spec, old.spec)
    if (required.length === 0) return
    const node = reader.get<Node>('nodes', undefined, pod.spec.nodeName)
    if (!node) throw forbidden(attributes, `node ${JSON.stringify(pod.spec.nodeName)} not found`)
    const missing = required.filter((feature) => !node.status?.declaredFeatures?.includes(feature))
    if (missing.length > 0) throw forbidden(attributes, `pod update requires features ${missing.join(', ')} which are not available on node ${JSON.stringify(node.metadata.name)}`)
  },
}
