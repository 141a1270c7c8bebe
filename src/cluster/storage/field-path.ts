import type { Container, ObjectFieldSelector, Pod, ResourceFieldSelector } from '../kinds/generated/types.ts'
import { isZeroQuantity, quantityMilliValue, quantityValue } from '../kinds/quantity.ts'

/** What a downward API reference needs besides the pod. */
export interface FieldContext {
  hostIps: readonly string[]
  podIps: readonly string[]
  /** Stands in for limits that are not set. */
  nodeAllocatable: Readonly<Record<string, string>>
}

/** `key="value"` lines. k8s: pkg/fieldpath FormatMap */
function formatMap(map: Record<string, string> | undefined): string {
  return Object.keys(map ?? {}).sort().map((key) => `${key}=${goQuote(map![key]!)}`).join('\n')
}

/** Go's %q. */
function goQuote(text: string): string {
  return JSON.stringify(text).replace(/[\u007f-\uffff]/g, (c) => c > '\u00a0' ? c : `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`).replace(/\\b/g, '\\b').replace(/\\u0007/g, '\\a').replace(/\\u000b/g, '\\v')
}

/**
 * The value of a `fieldRef`. @throws Error for a field that doesn't exist.
 */
// k8s: pkg/fieldpath ExtractFieldPathAsString, pkg/kubelet podFieldSelectorRuntimeValue
export function fieldValue(pod: Pod, selector: Pick<ObjectFieldSelector, 'fieldPath'>, context: FieldContext): string {
  const path = selector.fieldPath
  const subscript = /^metadata\.(labels|annotations)\['(.*)'\]$/.exec(path)
  if (subscript) return (subscript[1] === 'labels' ? pod.metadata.labels : pod.metadata.annotations)?.[subscript[2]!] ?? ''
  switch (path) {
    case 'metadata.annotations': return formatMap(pod.metadata.annotations)
    case 'metadata.labels': return formatMap(pod.metadata.labels)
    case 'metadata.name': return pod.metadata.name ?? ''
    case 'metadata.namespace': return pod.metadata.namespace ?? ''
    case 'metadata.uid': return pod.metadata.uid ?? ''
    case 'spec.nodeName': return pod.spec.nodeName ?? ''
    case 'spec.serviceAccountName': return pod.spec.serviceAccountName ?? ''
    case 'status.hostIP': return context.hostIps[0] ?? ''
    case 'status.hostIPs': return context.hostIps.join(',')
    case 'status.podIP': return context.podIps[0] ?? ''
    case 'status.podIPs': return context.podIps.join(',')
    default: throw new Error(`unsupported fieldPath: ${path}`)
  }
}

/** Resources whose limit is the pod's, or what the node has, where a container names none. k8s: pkg/api/v1/resource MergeContainerResourceLimits */
const ALWAYS_LIMITED = new Set(['cpu', 'memory', 'ephemeral-storage'])

/** The value of a `resourceFieldRef`, rounded up to the divisor. k8s: pkg/api/v1/resource ExtractContainerResourceValue, pkg/kubelet defaultPodLimitsForDownwardAPI */
export function resourceValue(pod: Pod, container: Container, selector: ResourceFieldSelector, context: FieldContext): string {
  const [kind, ...rest] = selector.resource.split('.')
  const resource = rest.join('.')
  const isSet = (quantity: string | undefined) => quantity !== undefined && !isZeroQuantity(quantity)
  let text = container.resources?.[kind as 'limits' | 'requests']?.[resource]
  if (kind === 'limits' && ALWAYS_LIMITED.has(resource) && !isSet(text)) {
    const ofPod = pod.spec.resources?.limits?.[resource]
    text = isSet(ofPod) ? ofPod : context.nodeAllocatable[resource]
  }
  const divisor = selector.divisor && selector.divisor !== '0' ? selector.divisor : '1'
  const amount = resource === 'cpu' ? quantityMilliValue : quantityValue
  return String(text === undefined ? 0 : Math.ceil(amount(text) / amount(divisor)))
}
