import type { Node, Pod } from '../../kinds/generated/types.ts'
import { compareQuantities, quantityMilliValue, quantityValue } from '../../kinds/quantity.ts'
import type { StatusError } from '../../kinds/status-error.ts'
import type { AdmissionAttributes, AdmissionPlugin } from '../seams.ts'
import { forbidden } from './forbidden.ts'
import { podResources } from './pod-resources.ts'

/** A bound Pod grows only on Linux, and only as far as its node could ever hold it. k8s: plugin/pkg/admission/podresize */
export const podResizeValidator: AdmissionPlugin = {
  name: 'PodResizeValidator',
  validate(attributes, { reader }) {
    const { operation, kind, subresource, object, oldObject } = attributes
    if (operation !== 'UPDATE' || kind.resource !== 'pods' || kind.group !== '' || subresource !== 'resize') return
    const { metadata, spec } = object as Pod
    // The generation rises with every change of the spec.
    if (!spec.nodeName || oldObject!.metadata.generation === metadata.generation) return
    const node = reader.get<Node>('nodes', undefined, spec.nodeName)
    if (!node) throw forbidden(attributes, `node ${JSON.stringify(spec.nodeName)} not found`)
    const os = node.metadata.labels?.['kubernetes.io/os']
    if (os !== undefined && os !== 'linux') throw refusal(attributes, `pod resize is only supported on linux nodes, node ${JSON.stringify(node.metadata.name)} is ${JSON.stringify(os)}`, 'UnsupportedPlatform')
    const excess = excessOf(object as Pod, node.status?.allocatable ?? {})
    if (excess.length > 0) throw refusal(attributes, `node didn't have enough allocatable resources: ${excess.join('; ')}`, 'NodeCapacity')
  },
}

/** What a Pod asks for beyond what its node has, in millicores and bytes. */
function excessOf(pod: Pod, allocatable: Readonly<Record<string, string>>): string[] {
  const requests = podResources(pod, 'requests', { overhead: true })
  return ([['cpu', quantityMilliValue], ['memory', quantityValue]] as const).flatMap(([name, valueOf]) => {
    const [asked, has] = [requests[name] ?? '0', allocatable[name] ?? '0']
    return compareQuantities(asked, has) > 0 ? [`${name}, requested: ${valueOf(asked)}, allocatable: ${valueOf(has)}`] : []
  })
}

function refusal(attributes: AdmissionAttributes, why: string, cause: string): StatusError {
  const error = forbidden(attributes, why)
  error.status.details!.causes = [{ reason: cause }]
  return error
}
