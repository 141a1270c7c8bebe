import type { EndpointSlice } from '../../kinds/generated/types.ts'

/** `address:port` of every endpoint that is ready, each once. @param portsOf the numbers that a slice has for the port in question */
export function readyEndpoints(slices: readonly EndpointSlice[], portsOf: (slice: EndpointSlice) => readonly number[]): string[] {
  const out = new Set<string>()
  for (const slice of slices) {
    const numbers = portsOf(slice)
    for (const endpoint of slice.endpoints ?? []) {
      if (endpoint.conditions?.ready === false) continue
      for (const number of numbers) for (const address of endpoint.addresses ?? []) out.add(`${address}:${number}`)
    }
  }
  return [...out]
}

/** EndpointSlices by `namespace/name` of the Service that they belong to. */
export function slicesByService(slices: Iterable<EndpointSlice>): Map<string, EndpointSlice[]> {
  const out = new Map<string, EndpointSlice[]>()
  for (const slice of slices) {
    const key = `${slice.metadata.namespace}/${slice.metadata.labels?.['kubernetes.io/service-name']}`
    const known = out.get(key)
    if (known) known.push(slice)
    else out.set(key, [slice])
  }
  return out
}
