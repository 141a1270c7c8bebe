/** k8s: pkg/apis/discovery/validation */
import { deepEqual } from '../../../base/freeze.ts'
import { checkDnsLabel, checkDnsSubdomain, checkQualifiedName } from '../checks.ts'
import { duplicate, invalid, notSupported, required, tooMany, type Finding } from '../findings.ts'
import type { Endpoint, EndpointSlice } from '../generated/types.ts'
import { ipWarnings, parseIp, validateCanonicalIp, validateIp, validateNonSpecialIp } from '../ip.ts'
import { dnsLabelProblems, dnsSubdomainProblems, labelValueProblems } from '../names.ts'
import { IMMUTABLE, validateLabels, validateObjectMeta } from '../validate-metadata.ts'

const ADDRESS_TYPES = ['FQDN', 'IPv4', 'IPv6']
const PROTOCOLS = ['SCTP', 'TCP', 'UDP']
const MAX = { endpoints: 1000, ports: 20_000, addresses: 100, topology: 16, hints: 8 }

export function validateEndpointSlice(slice: Readonly<EndpointSlice>, old?: Readonly<EndpointSlice>): Finding[] {
  const out: Finding[] = []
  const type = slice.addressType as string
  if (!type) out.push(required('addressType'))
  else if (!ADDRESS_TYPES.includes(type)) out.push(notSupported('addressType', type, ADDRESS_TYPES))
  checkPorts(out, slice)
  // Data that was accepted once stays so.
  if (!old || !deepEqual(slice.endpoints ?? null, old.endpoints ?? null)) checkEndpoints(out, slice.endpoints ?? [], type)
  return out
}

export function validateEndpointSliceUpdate(slice: Readonly<EndpointSlice>, old: Readonly<EndpointSlice>): Finding[] {
  const out = [...validateObjectMeta({ namespaced: true }, slice.metadata), ...validateEndpointSlice(slice, old)]
  if (slice.addressType !== old.addressType) out.push(invalid('addressType', slice.addressType, IMMUTABLE))
  return out
}

export function newSliceWarnings(slice: Readonly<EndpointSlice>): string[] {
  return [...(slice.addressType === 'FQDN' ? ['spec.addressType: FQDN endpoints are deprecated'] : []), ...addressWarnings(slice)]
}

/** Slices of the controllers have addresses that are known to be well written. k8s: warnOnBadIPs */
export function addressWarnings({ metadata, endpoints }: Readonly<EndpointSlice>): string[] {
  const manager = metadata.labels?.['endpointslice.kubernetes.io/managed-by']
  if (manager === 'endpointslice-controller.k8s.io' || manager === 'endpointslicemirroring-controller.k8s.io') return []
  return (endpoints ?? []).flatMap(({ addresses }, i) => (addresses ?? []).flatMap((address, j) => ipWarnings(address, `endpoints[${i}].addresses[${j}]`)))
}

function checkPorts(out: Finding[], { ports = [] }: Readonly<EndpointSlice>): void {
  if (ports && ports.length > MAX.ports) {
    out.push(tooMany('ports', ports.length, MAX.ports))
    return
  }
  const names = new Set<string>()
  ports?.forEach((port, i) => {
    const at = `ports[${i}]`
    const name = port.name ?? ''
    if (name) checkDnsLabel(out, name, `${at}.name`)
    if (names.has(name)) out.push(duplicate(`${at}.name`, name))
    names.add(name)
    if (port.protocol === undefined) out.push(required(`${at}.protocol`))
    else if (!PROTOCOLS.includes(port.protocol)) out.push(notSupported(`${at}.protocol`, port.protocol, PROTOCOLS))
    if (port.appProtocol !== undefined) checkQualifiedName(out, port.appProtocol, `${at}.appProtocol`)
  })
}

function checkEndpoints(out: Finding[], endpoints: readonly Endpoint[], type: string): void {
  if (endpoints.length > MAX.endpoints) {
    out.push(tooMany('endpoints', endpoints.length, MAX.endpoints))
    return
  }
  endpoints.forEach((endpoint, i) => {
    const at = `endpoints[${i}]`
    const addresses = endpoint.addresses ?? []
    if (addresses.length === 0) out.push(required(`${at}.addresses`, 'must contain at least 1 address'))
    else if (addresses.length > MAX.addresses) out.push(tooMany(`${at}.addresses`, addresses.length, MAX.addresses))
    addresses.forEach((address, j) => checkAddress(out, address, type, `${at}.addresses`, j))
    if (endpoint.nodeName !== undefined) checkDnsSubdomain(out, endpoint.nodeName, `${at}.nodeName`)
    const topology = endpoint.deprecatedTopology
    if (topology) {
      if (Object.keys(topology).length > MAX.topology) out.push(tooMany(`${at}.deprecatedTopology`, Object.keys(topology).length, MAX.topology))
      out.push(...validateLabels(topology, `${at}.deprecatedTopology`))
    }
    if (endpoint.hostname !== undefined) checkDnsLabel(out, endpoint.hostname, `${at}.hostname`)
    checkHints(out, endpoint.hints?.forZones, labelValueProblems, `${at}.hints.forZones`)
    checkHints(out, endpoint.hints?.forNodes, dnsSubdomainProblems, `${at}.hints.forNodes`)
  })
}

function checkAddress(out: Finding[], address: string, type: string, at: string, index: number): void {
  const here = `${at}[${index}]`
  if (type === 'FQDN') {
    checkDomainName(out, address, here)
    return
  }
  if (type !== 'IPv4' && type !== 'IPv6') return
  const bad = type === 'IPv4' ? validateIp(address, here) : validateCanonicalIp(address).map((problem) => invalid(here, address, problem))
  out.push(...bad)
  if (bad.length > 0) return
  if (parseIp(address)?.family !== (type === 'IPv4' ? 4 : 6)) out.push(invalid(at, address, `must be an ${type} address`))
  out.push(...validateNonSpecialIp(address, here))
}

/** k8s: IsFullyQualifiedDomainName */
function checkDomainName(out: Finding[], name: string, at: string): void {
  if (!name) {
    out.push(required(at))
    return
  }
  const bare = name.endsWith('.') ? name.slice(0, -1) : name
  const problems = dnsSubdomainProblems(bare)
  const labels = bare.split('.')
  if (problems.length > 0) out.push(...problems.map((problem) => invalid(at, bare, problem)))
  else if (labels.length < 2) out.push(invalid(at, bare, 'should be a domain with at least two segments separated by dots'))
  else for (const label of labels) out.push(...dnsLabelProblems(label).map((problem) => invalid(at, label, problem)))
}

function checkHints(out: Finding[], hints: readonly { name: string }[] | undefined, rule: (name: string) => string[], at: string): void {
  if (!hints) return
  if (hints.length > MAX.hints) {
    out.push(tooMany(at, hints.length, MAX.hints))
    return
  }
  const seen = new Set<string>()
  hints.forEach(({ name }, i) => {
    if (seen.has(name)) out.push(duplicate(`${at}[${i}].name`, name))
    seen.add(name)
    for (const problem of rule(name)) out.push(invalid(`${at}[${i}].name`, name, problem))
  })
}
