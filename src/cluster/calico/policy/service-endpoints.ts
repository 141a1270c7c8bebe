import type { EndpointSlice } from '../../kinds/generated/types.ts'

/** What rules ask of a slice. */
interface KeptSlice {
  namespace: string
  service: string
  ips: readonly string[]
  ports: readonly { protocol: string; port: number | undefined }[]
}

/** What can be written down of all Services' endpoints. */
export type KeptServices = readonly (readonly [key: string, slice: KeptSlice])[]

/** Addresses and ports behind Services, for rules that name one. */
export class ServiceEndpoints {
  readonly #slices = new Map<string, KeptSlice>()

  /** Takes an EndpointSlice's new state. */
  takeSlice(key: string, slice: EndpointSlice | undefined): void {
    const service = (slice?.metadata.labels as Record<string, string> | undefined)?.['kubernetes.io/service-name']
    if (!slice || service === undefined) this.#slices.delete(key)
    else this.#slices.set(key, { namespace: slice.metadata.namespace!, service, ips: (slice.endpoints ?? []).flatMap(({ addresses }) => addresses), ports: (slice.ports ?? []).map(({ protocol = 'TCP', port }) => ({ protocol, port })) })
  }

  /** Whether an address is among a Service's; a port too, unless it is undefined. */
  has(namespace: string, name: string, ip: string, port: number | undefined, protocol: string): boolean {
    for (const slice of this.#slices.values()) {
      if (slice.namespace !== namespace || slice.service !== name || !slice.ips.includes(ip)) continue
      if (port === undefined || slice.ports.some((each) => each.port === port && each.protocol === protocol)) return true
    }
    return false
  }

  /** All of it, to be written down. */
  kept(): KeptServices {
    return [...this.#slices]
  }

  /** Takes up what was written down. */
  recall(slices: KeptServices): void {
    for (const [key, slice] of slices) this.#slices.set(key, slice)
  }
}
