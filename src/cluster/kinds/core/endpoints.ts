import { deepEqual } from '../../../base/freeze.ts'
import { listWithMore } from '../cells.ts'
import { checkDnsLabel, checkName, checkOneOf, checkQualifiedName } from '../checks.ts'
import { defineKind } from '../define-kind.ts'
import { invalid, required, type Finding } from '../findings.ts'
import { ipWarnings, validateIp, validateNonSpecialIp } from '../ip.ts'
import { portNumberProblems, subdomainName } from '../names.ts'
import { validateObjectMeta } from '../validate-metadata.ts'
import type { Endpoints } from '../generated/types.ts'

export const endpoints = defineKind<Endpoints>({
  group: '', version: 'v1', resource: 'endpoints',
  deprecationWarning: 'v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice',
  defaults(draft) {
    for (const subset of draft.subsets ?? []) for (const port of subset.ports ?? []) port.protocol ??= 'TCP'
  },
  validate: validateEndpoints,
  validateUpdate(object, old) {
    const findings = deepEqual(object.subsets, old.subsets) ? [] : validateEndpoints(object)
    return [...validateObjectMeta({ namespaced: true }, object.metadata), ...findings]
  },
  strategy: { allowCreateOnUpdate: true, warningsOnCreate: addressWarnings, warningsOnUpdate: addressWarnings },
  cells: {
    Endpoints({ subsets }) {
      if (!subsets?.length) return '<none>'
      const hosts = subsets.flatMap(({ addresses = [], ports = [] }) =>
        ports.length === 0 ? addresses.map((address) => address.ip) : ports.flatMap((port) => addresses.map((address) => `${address.ip.includes(':') ? `[${address.ip}]` : address.ip}:${port.port}`)))
      return hosts.length === 0 ? '' : listWithMore(hosts)
    },
  },
})

/** What the controller of Endpoints writes is well written. k8s: endpointsWarnings */
function addressWarnings({ metadata, subsets }: Readonly<Endpoints>): string[] {
  if (metadata.labels?.['endpoints.kubernetes.io/managed-by'] === 'endpoint-controller') return []
  return (subsets ?? []).flatMap((subset, i) => (['addresses', 'notReadyAddresses'] as const).flatMap((list) => (subset[list] ?? []).flatMap(({ ip }, j) => ipWarnings(ip, `subsets[${i}].${list}[${j}].ip`))))
}

/** k8s: validateEndpointSubsets */
function validateEndpoints({ subsets = [] }: Readonly<Endpoints>): Finding[] {
  const out: Finding[] = []
  subsets.forEach((subset, i) => {
    const at = `subsets[${i}]`
    if (!subset.addresses?.length && !subset.notReadyAddresses?.length) out.push(required(at, 'must specify `addresses` or `notReadyAddresses`'))
    for (const list of ['addresses', 'notReadyAddresses'] as const) {
      ;(subset[list] ?? []).forEach((address, j) => {
        const here = `${at}.${list}[${j}]`
        out.push(...validateIp(address.ip, `${here}.ip`))
        if (address.hostname) checkDnsLabel(out, address.hostname, `${here}.hostname`)
        if (address.nodeName !== undefined) checkName(out, address.nodeName, subdomainName, `${here}.nodeName`)
        out.push(...validateNonSpecialIp(address.ip, `${here}.ip`))
      })
    }
    const ports = subset.ports ?? []
    ports.forEach((port, j) => {
      const here = `${at}.ports[${j}]`
      if (ports.length > 1 && !port.name) out.push(required(`${here}.name`))
      else if (port.name) checkDnsLabel(out, port.name, `${here}.name`)
      for (const problem of portNumberProblems(port.port)) out.push(invalid(`${here}.port`, port.port, problem))
      checkOneOf(out, port.protocol, ['SCTP', 'TCP', 'UDP'], `${here}.protocol`)
      if (port.appProtocol !== undefined) checkQualifiedName(out, port.appProtocol, `${here}.appProtocol`)
    })
  })
  return out
}
