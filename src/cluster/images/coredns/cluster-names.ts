import { endpointName } from './service-names.ts'
import type { NameSource, ServiceObject, SliceObject } from './service-names.ts'

/** The kubernetes plugin's copy of the API's objects. */
export class ClusterNames implements NameSource {
  readonly #services = new Map<string, ServiceObject>()
  readonly #slices = new Map<string, SliceObject>()
  readonly #slicesByService = new Map<string, Map<string, SliceObject>>()
  readonly #namespaces = new Set<string>()

  setService(key: string, service: ServiceObject | undefined): void {
    if (service) this.#services.set(key, service)
    else this.#services.delete(key)
  }

  setSlice(key: string, slice: SliceObject | undefined): void {
    const old = this.#slices.get(key)
    if (old) this.#slicesByService.get(serviceKey(old))?.delete(key)
    if (!slice) { this.#slices.delete(key); return }
    this.#slices.set(key, slice)
    const owner = serviceKey(slice)
    let group = this.#slicesByService.get(owner)
    if (!group) this.#slicesByService.set(owner, group = new Map())
    group.set(key, slice)
  }

  setNamespace(name: string, exists: boolean): void {
    if (exists) this.#namespaces.add(name)
    else this.#namespaces.delete(name)
  }

  service(namespace: string, name: string): ServiceObject | undefined {
    return this.#services.get(`${namespace}/${name}`)
  }

  slices(namespace: string, service: string): readonly SliceObject[] {
    return [...this.#slicesByService.get(`${namespace}/${service}`)?.values() ?? []]
  }

  hasNamespace(name: string): boolean {
    return this.#namespaces.has(name)
  }

  reverse(ip: string): readonly string[] {
    for (const { metadata, spec } of this.#services.values()) if (spec.clusterIPs?.includes(ip)) return [`${metadata.name}.${metadata.namespace}.svc`]
    const out: string[] = []
    for (const slice of this.#slices.values()) {
      const service = slice.metadata.labels?.['kubernetes.io/service-name']
      if (!service || this.service(slice.metadata.namespace, service)?.spec.clusterIP !== 'None') continue
      for (const endpoint of slice.endpoints ?? []) if (endpoint.addresses.includes(ip)) out.push(`${endpointName(endpoint)}.${service}.${slice.metadata.namespace}.svc`)
    }
    return out
  }
}

function serviceKey(slice: SliceObject): string {
  return `${slice.metadata.namespace}/${slice.metadata.labels?.['kubernetes.io/service-name'] ?? ''}`
}
