/** Requests for devices that stand behind containers' extended resources. k8s: plugins/dynamicresources/extendeddynamicresources.go */
import type { Container, ContainerExtendedResourceRequest, DeviceRequest, Pod } from '../../kinds/generated/types.ts'
import { quantityValue } from '../../kinds/quantity.ts'

export interface ExtendedResourceRequests {
  requests: DeviceRequest[]
  /** Which container's resource is which request. */
  mappings: ContainerExtendedResourceRequest[]
}

interface ContainerRequest {
  request: DeviceRequest | undefined
  mappings: ContainerExtendedResourceRequest[]
}

/** `classes`: names of classes by resource, for those that the node has no device plugin for. k8s: createRequestsAndMappings */
export function extendedResourceRequests({ spec }: Readonly<Pod>, classes: ReadonlyMap<string, string>): ExtendedResourceRequests {
  const initContainers = spec.initContainers ?? []
  const containers = [...initContainers, ...spec.containers]
  const isShortLived = (index: number) => index < initContainers.length && containers[index]!.restartPolicy !== 'Always'
  const out: ExtendedResourceRequests = { requests: [], mappings: [] }
  for (const resource of [...classes.keys()].sort()) {
    const className = classes.get(resource)!
    // Those of containers that run together; init containers use what containers after them will need.
    const lasting = containers.map((container, i) => isShortLived(i) ? undefined : containerRequest(i, container, resource, className, []))
    const lastingRequests = lasting.map((each) => each?.request)
    let largest: DeviceRequest | undefined
    const shortLived: ContainerExtendedResourceRequest[] = []
    const shortLivedNames = new Set<string>()
    for (const [i, container] of containers.entries()) {
      if (!isShortLived(i)) continue
      const { request, mappings } = containerRequest(i, container, resource, className, lastingRequests.slice(i))
      if (request) {
        shortLivedNames.add(request.name)
        if (!largest || largest.exactly!.count! < request.exactly!.count!) largest = request
      }
      shortLived.push(...mappings)
    }
    // They run one after another and share the largest.
    if (largest) for (const mapping of shortLived) if (shortLivedNames.has(mapping.requestName)) mapping.requestName = largest.name
    out.requests.push(...(largest ? [largest] : []), ...lastingRequests.filter((request) => request !== undefined))
    out.mappings.push(...lasting.flatMap((each) => each?.mappings ?? []), ...shortLived)
  }
  out.requests.sort((a, b) => a.name < b.name ? -1 : a.name > b.name ? 1 : 0)
  return out
}

/** k8s: createResourceRequestAndMappings */
function containerRequest(index: number, { name, resources }: Readonly<Container>, resource: string, className: string, reusable: readonly (DeviceRequest | undefined)[]): ContainerRequest {
  const wanted = resources?.requests?.[resource]
  const count = wanted === undefined ? 0 : quantityValue(wanted)
  const mappings: ContainerExtendedResourceRequest[] = []
  if (count === 0) return { request: undefined, mappings }
  let sum = 0
  for (const other of reusable) {
    if (!other) continue
    sum += other.exactly!.count!
    mappings.push({ containerName: name, resourceName: resource, requestName: other.name })
    if (sum >= count) return { request: undefined, mappings }
  }
  const requestName = `container-${index}-request-${Object.keys(resources!.requests!).sort().indexOf(resource)}`
  mappings.push({ containerName: name, resourceName: resource, requestName })
  return { request: { name: requestName, exactly: { deviceClassName: className, allocationMode: 'ExactCount', count: count - sum } }, mappings }
}
