/** What a Pod asks for in all. k8s: component-helpers/resource/helpers.go, plugin/pkg/admission/limitranger podRequests */
import type { Container, Pod } from '../../kinds/generated/types.ts'
import { addQuantities, compareQuantities } from '../../kinds/quantity.ts'

export type ResourceList = Record<string, string>

const isSidecar = (container: Container) => container.restartPolicy === 'Always'
/** k8s: IsSupportedPodLevelResource */
const isPodLevel = (name: string) => name === 'cpu' || name === 'memory' || name.startsWith('hugepages-')

/** Sums of a Pod's containers, init containers at their peak; what the Pod itself states comes before. */
export function podResources(pod: Pod, what: 'requests' | 'limits', options: { overhead?: boolean } = {}): ResourceList {
  const total: ResourceList = {}
  for (const container of pod.spec.containers) addTo(total, container.resources?.[what])
  const sidecars: ResourceList = {}
  const peak: ResourceList = {}
  for (const container of pod.spec.initContainers ?? []) {
    const own = container.resources?.[what]
    if (isSidecar(container)) {
      addTo(total, own)
      addTo(sidecars, own)
      maxInto(peak, sidecars)
    } else {
      const step: ResourceList = { ...own }
      addTo(step, sidecars)
      maxInto(peak, step)
    }
  }
  maxInto(total, peak)
  for (const [name, quantity] of Object.entries(pod.spec.resources?.[what] ?? {})) if (isPodLevel(name)) total[name] = quantity
  // Overhead counts towards limits only where there is a limit.
  if (options.overhead) for (const [name, quantity] of Object.entries(pod.spec.overhead ?? {})) if (what === 'requests' || total[name] !== undefined) total[name] = total[name] === undefined ? quantity : addQuantities(total[name], quantity)
  return total
}

export function addTo(total: ResourceList, more: Readonly<ResourceList> | undefined): void {
  for (const name in more) total[name] = total[name] === undefined ? more[name]! : addQuantities(total[name], more[name]!)
}

function maxInto(total: ResourceList, other: Readonly<ResourceList>): void {
  for (const name in other) if (total[name] === undefined || compareQuantities(other[name]!, total[name]) > 0) total[name] = other[name]!
}
