import type { DnsRecord, RecordType } from '../../../unix/net/dns.ts'

/** The parts of API objects that names depend on. */
export interface ServiceObject {
  metadata: { name: string; namespace: string }
  spec: { type?: string; clusterIP?: string; clusterIPs?: string[]; externalName?: string; ports?: { name?: string; port: number; protocol?: string }[]; publishNotReadyAddresses?: boolean }
}

export interface SliceObject {
  metadata: { name: string; namespace: string; labels?: Record<string, string> }
  addressType: string
  endpoints?: { addresses: string[]; hostname?: string; conditions?: { ready?: boolean; serving?: boolean }; targetRef?: { name?: string } }[]
  ports?: { name?: string; port?: number; protocol?: string }[]
}

/** What the kubernetes plugin knows at a moment. */
export interface NameSource {
  service(namespace: string, name: string): ServiceObject | undefined
  slices(namespace: string, service: string): readonly SliceObject[]
  hasNamespace(name: string): boolean
  /** Services and endpoints by address, for reverse names. */
  reverse(ip: string): readonly string[]
}

export interface LookupOptions {
  zone: string
  ttlSeconds: number
  pods: string
}

export type Lookup = { code: 'NOERROR' | 'NXDOMAIN'; records: DnsRecord[] }

const NOTHING: Lookup = { code: 'NXDOMAIN', records: [] }

/**
 * The records of a name below the cluster's zone.
 * k8s: the DNS-based service discovery specification, version 1.1.0
 */
export function lookupClusterName(name: string, type: RecordType | number, source: NameSource, options: LookupOptions): Lookup {
  const { zone, ttlSeconds } = options
  const labels = name === zone ? [] : name.slice(0, zone === '' ? undefined : -zone.length - 1).split('.')
  if (labels.length === 0) return { code: 'NOERROR', records: [] }
  if (labels.length === 1 && labels[0] === 'dns-version') return { code: 'NOERROR', records: type === 'TXT' ? [{ name, type: 'TXT', ttlSeconds, data: '1.1.0' }] : [] }
  const category = labels.pop()!
  if (category === 'pod') return lookupPod(name, labels, type, source, options)
  if (category !== 'svc') return NOTHING
  const namespace = labels.pop()
  if (namespace === undefined) return { code: 'NOERROR', records: [] }
  if (labels.length === 0) return source.hasNamespace(namespace) ? { code: 'NOERROR', records: [] } : NOTHING
  const service = source.service(namespace, labels.pop()!)
  if (!service) return NOTHING
  const base = `${service.metadata.name}.${namespace}.svc.${zone}`
  if (service.spec.type === 'ExternalName') {
    if (labels.length > 0) return NOTHING
    return { code: 'NOERROR', records: type === 'A' || type === 'AAAA' || type === 'CNAME' ? [{ name, type: 'CNAME', ttlSeconds, data: service.spec.externalName ?? '' }] : [] }
  }
  const headless = service.spec.clusterIP === 'None'
  const slices = source.slices(namespace, service.metadata.name)
  if (labels.length === 0) {
    if (type === 'SRV') return { code: 'NOERROR', records: srvRecords(name, base, service, slices, undefined, undefined, ttlSeconds) }
    const addresses = headless ? endpointsOf(service, slices).flatMap((e) => e.addresses) : service.spec.clusterIPs ?? [service.spec.clusterIP!]
    if (headless && addresses.length === 0) return NOTHING
    return { code: 'NOERROR', records: addressRecords(name, type, addresses, ttlSeconds) }
  }
  if (labels.length === 2 && labels[0]!.startsWith('_') && labels[1]!.startsWith('_')) {
    const records = srvRecords(name, base, service, slices, labels[0]!.slice(1), labels[1]!.slice(1), ttlSeconds)
    return records.length > 0 ? { code: 'NOERROR', records: type === 'SRV' ? records : [] } : NOTHING
  }
  if (labels.length === 1 && headless) {
    const addresses = endpointsOf(service, slices).filter((e) => endpointName(e) === labels[0]).flatMap((e) => e.addresses)
    return addresses.length > 0 ? { code: 'NOERROR', records: addressRecords(name, type, addresses, ttlSeconds) } : NOTHING
  }
  return NOTHING
}

type Endpoint = NonNullable<SliceObject['endpoints']>[number]

function endpointsOf(service: ServiceObject, slices: readonly SliceObject[]): Endpoint[] {
  return slices.flatMap((slice) => slice.endpoints ?? []).filter((e) => service.spec.publishNotReadyAddresses || e.conditions?.ready !== false)
}

/** A pod's hostname where it has one, else its address with dashes. */
export function endpointName(endpoint: { addresses: string[]; hostname?: string }): string {
  return endpoint.hostname || endpoint.addresses[0]!.replace(/[.:]/g, '-')
}

function addressRecords(name: string, type: RecordType | number, addresses: readonly string[], ttlSeconds: number): DnsRecord[] {
  const wanted = (ip: string) => (type === 'ANY' ? true : ip.includes(':') ? type === 'AAAA' : type === 'A')
  return addresses.filter(wanted).map((ip) => ({ name, type: ip.includes(':') ? 'AAAA' : 'A', ttlSeconds, data: ip }))
}

function srvRecords(name: string, base: string, service: ServiceObject, slices: readonly SliceObject[], port: string | undefined, protocol: string | undefined, ttlSeconds: number): DnsRecord[] {
  const matches = (p: { name?: string; protocol?: string }) => (port === undefined || p.name === port) && (protocol === undefined || (p.protocol ?? 'TCP').toLowerCase() === protocol)
  const targets: { target: string; port: number }[] = []
  if (service.spec.clusterIP === 'None') {
    for (const slice of slices) {
      for (const endpoint of slice.endpoints ?? []) {
        if (endpoint.conditions?.ready === false && !service.spec.publishNotReadyAddresses) continue
        for (const p of slice.ports ?? []) if (p.port && matches(p)) targets.push({ target: `${endpointName(endpoint)}.${base}`, port: p.port })
      }
    }
  } else for (const p of service.spec.ports ?? []) if (matches(p)) targets.push({ target: base, port: p.port })
  const weight = Math.max(1, Math.floor(100 / Math.max(1, targets.length)))
  return targets.map((t) => ({ name, type: 'SRV', ttlSeconds, data: `0 ${weight} ${t.port} ${t.target}` }))
}

/** `10-244-1-3.default.pod.cluster.local`, in insecure mode for any address in any namespace that exists. */
function lookupPod(name: string, labels: string[], type: RecordType | number, source: NameSource, options: LookupOptions): Lookup {
  const namespace = labels.pop()
  if (namespace === undefined) return { code: 'NOERROR', records: [] }
  if (!source.hasNamespace(namespace)) return NOTHING
  if (labels.length === 0) return { code: 'NOERROR', records: [] }
  const ip = labels[0]!.replace(/-/g, '.')
  if (options.pods === 'disabled' || labels.length > 1 || !/^\d{1,3}(\.\d{1,3}){3}$/.test(ip)) return NOTHING
  return { code: 'NOERROR', records: addressRecords(name, type, [ip], options.ttlSeconds) }
}
