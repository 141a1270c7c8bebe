import type { Clock } from '../../../base/clock.ts'
import { deepEqual } from '../../../base/freeze.ts'
import type { Random } from '../../../base/random.ts'
import { duplicate, invalid, notSupported, required, type Finding } from '../../kinds/findings.ts'
import { validateIp } from '../../kinds/ip.ts'
import type { KubeObject } from '../../kinds/object.ts'
import { apiError } from '../../kinds/status-error.ts'
import { plainError, type StorageHooks } from '../registry.ts'
import type { ResourceCatalog } from '../resource-catalog.ts'
import { IpError } from './ip-allocator.ts'
import { ServiceIps } from './service-ips.ts'
import { PortAllocator, PortError, type PortOperation } from './port-allocator.ts'

type IpFamily = 'IPv4' | 'IPv6'
type IpFamilyPolicy = 'SingleStack' | 'PreferDualStack' | 'RequireDualStack'

interface ServicePort {
  name?: string
  port: number
  protocol?: string
  nodePort?: number
}

interface ServiceSpec {
  type?: string
  ports?: ServicePort[]
  selector?: Record<string, string>
  clusterIP?: string
  clusterIPs?: string[]
  ipFamilies?: IpFamily[]
  ipFamilyPolicy?: IpFamilyPolicy
  externalTrafficPolicy?: string
  internalTrafficPolicy?: string
  healthCheckNodePort?: number
  allocateLoadBalancerNodePorts?: boolean
}

const NONE = 'None'
const FAMILIES: readonly IpFamily[] = ['IPv4', 'IPv6']
const POLICIES: readonly IpFamilyPolicy[] = ['PreferDualStack', 'RequireDualStack', 'SingleStack']
/** The one family that the cluster has. */
const DEFAULT_FAMILY: IpFamily = 'IPv4'

/** Gives Services their addresses and node ports and takes them back. k8s: registry/core/service/storage storage.go, alloc.go */
export class ServiceAllocation implements StorageHooks {
  readonly #ips: ServiceIps
  readonly #ports: PortAllocator
  readonly #catalog: ResourceCatalog

  constructor(options: { catalog: ResourceCatalog; clock: Clock; random: Random; serviceCidr: string }) {
    const { catalog, clock, random } = options
    this.#catalog = catalog
    this.#ips = new ServiceIps({ cidr: options.serviceCidr, addresses: catalog.byRef('ipaddresses.networking.k8s.io'), serviceCidrs: catalog.byRef('servicecidrs.networking.k8s.io'), clock, random })
    this.#ports = new PortAllocator(random)
    for (const service of catalog.byRef('services').store.list()) for (const port of portsOf(service['spec'])) this.#ports.mark(port)
  }

  /** From now on node ports are given from this range. */
  useNodePorts(range: readonly [number, number]): void {
    this.#ports.range = range
  }

  begin(draft: KubeObject, old: KubeObject | undefined, dryRun: boolean): (succeeded: boolean) => void {
    const spec = draft['spec'] as ServiceSpec
    const before = old?.['spec'] as ServiceSpec | undefined
    // k8s: defaultOnReadInternalTrafficPolicy; what is wrong with it validation still has to see.
    if (spec.type === 'ExternalName' && (spec.internalTrafficPolicy === 'Cluster' || spec.internalTrafficPolicy === 'Local')) delete spec.internalTrafficPolicy
    if (before) keepAllocated(spec, before)
    normalizeClusterIPs(spec, before)
    const findings = this.#initFamilies(draft, spec, before)
    if (findings.length > 0) throw invalidService(draft, findings)
    const takenIps: string[] = []
    const releasedIps: string[] = []
    const ports = this.#ports.begin(dryRun)
    try {
      if (before) this.#updateIps(draft, spec, before, dryRun, takenIps, releasedIps)
      else this.#allocateIps(draft, spec, dryRun, takenIps)
      if (before) this.#updatePorts(draft, spec, before, ports)
      else this.#allocatePorts(draft, spec, ports)
    } catch (error) {
      ports.finish(false)
      if (!dryRun) for (const ip of takenIps) this.#ips.release(ip)
      throw error
    }
    return (succeeded) => {
      ports.finish(succeeded)
      if (!dryRun) for (const ip of succeeded ? releasedIps : takenIps) this.#ips.release(ip)
    }
  }

  afterDelete(service: KubeObject): void {
    const spec = service['spec'] as ServiceSpec
    const { namespace = '', name = '' } = service.metadata
    // The Endpoints go at once, lest a new Service of the name meets old ones.
    const endpoints = this.#catalog.byRef('endpoints').store
    const left = endpoints.get(namespace, name)
    if (left) endpoints.remove(namespace, left)
    if (spec.type !== 'ExternalName') for (const ip of spec.clusterIPs ?? []) if (ip !== NONE) this.#ips.release(ip)
    for (const port of portsOf(spec)) this.#ports.release(port)
  }

  /** k8s: Allocators.initIPFamilyFields */
  #initFamilies(service: KubeObject, spec: ServiceSpec, before: ServiceSpec | undefined): Finding[] {
    if (spec.type === 'ExternalName' || isMatchingPreferDualStack(spec, before)) return []
    const headlessWithoutSelector = spec.clusterIP === NONE && Object.keys(spec.selector ?? {}).length === 0
    spec.ipFamilyPolicy ??= before?.ipFamilyPolicy ?? (headlessWithoutSelector ? 'RequireDualStack' : 'SingleStack')
    const related = relatedFindings(spec, before)
    if (related.length > 0) return related
    const findings: Finding[] = []
    const policyFinding = (detail: string) => findings.push(invalid('spec.ipFamilyPolicy', spec.ipFamilyPolicy, detail))
    if (before) {
      if (spec.ipFamilyPolicy === 'SingleStack') {
        if (deepEqual(before.clusterIPs, spec.clusterIPs) && (spec.clusterIPs?.length ?? 0) > 1) spec.clusterIPs = spec.clusterIPs!.slice(0, 1)
        if (deepEqual(before.ipFamilies, spec.ipFamilies) && (spec.ipFamilies?.length ?? 0) > 1) spec.ipFamilies = spec.ipFamilies!.slice(0, 1)
      } else {
        if (isReduced(before.clusterIPs, spec.clusterIPs)) policyFinding("must be 'SingleStack' to release the secondary cluster IP")
        if (isReduced(before.ipFamilies, spec.ipFamilies)) policyFinding("must be 'SingleStack' to release the secondary IP family")
      }
    }
    if (spec.ipFamilyPolicy === 'SingleStack') {
      if (spec.clusterIPs?.length === 2) policyFinding("must be 'RequireDualStack' or 'PreferDualStack' when multiple cluster IPs are specified")
      if (spec.ipFamilies?.length === 2) policyFinding("must be 'RequireDualStack' or 'PreferDualStack' when multiple IP families are specified")
    }
    for (const [i, ip] of (spec.clusterIPs ?? []).entries()) {
      if (ip === NONE) break
      if (i < (spec.ipFamilies?.length ?? 0)) continue
      const family = familyOf(ip)
      if (family !== DEFAULT_FAMILY) findings.push(invalid(`spec.clusterIPs[${i}]`, spec.clusterIPs, `${family} is not configured on this cluster`))
      else spec.ipFamilies = [...(spec.ipFamilies ?? []), family]
    }
    if (findings.length > 0) return findings
    if (headlessWithoutSelector) {
      const families = spec.ipFamilies?.length ? spec.ipFamilies : [DEFAULT_FAMILY]
      spec.ipFamilies = families.length < 2 && spec.ipFamilyPolicy !== 'SingleStack' ? [families[0]!, families[0] === 'IPv4' ? 'IPv6' : 'IPv4'] : families
      return []
    }
    if (spec.ipFamilyPolicy === 'RequireDualStack') policyFinding('this cluster is not configured for dual-stack services')
    for (const [i, family] of (spec.ipFamilies ?? []).entries()) if (family !== DEFAULT_FAMILY) findings.push(invalid(`spec.ipFamilies[${i}]`, family, 'not configured on this cluster'))
    if (findings.length === 0 && !spec.ipFamilies?.length) spec.ipFamilies = [DEFAULT_FAMILY]
    void service
    return findings
  }

  #allocateIps(service: KubeObject, spec: ServiceSpec, dryRun: boolean, taken: string[]): void {
    if (spec.type === 'ExternalName' || spec.clusterIPs?.[0] === NONE) return
    const ips = [...(spec.clusterIPs ?? [])]
    for (const i of (spec.ipFamilies ?? []).keys()) {
      const wanted = ips[i] ?? ''
      try {
        if (wanted) this.#ips.take(wanted, service, dryRun)
        else ips[i] = this.#ips.takeAny(service, dryRun)
      } catch (error) {
        if (!(error instanceof IpError)) throw error
        if (!wanted && error.isFull) throw apiError.internal(`failed to allocate a serviceIP for Service ${JSON.stringify(service.metadata.name)}: ${error.message}`)
        throw invalidService(service, [invalid('spec.clusterIPs', ips.concat(Array<string>(Math.max(0, (spec.ipFamilies?.length ?? 0) - ips.length)).fill('')), `failed to allocate IP${wanted && ` ${wanted}`}: ${error.message}`)])
      }
      taken.push(ips[i]!)
    }
    spec.clusterIPs = ips
    spec.clusterIP = ips[0]
  }

  /** k8s: Allocators.updateClusterIPs; a cluster of one family never upgrades or downgrades. */
  #updateIps(service: KubeObject, spec: ServiceSpec, before: ServiceSpec, dryRun: boolean, taken: string[], released: string[]): void {
    if (isMatchingPreferDualStack(spec, before)) return
    if (before.type === 'ExternalName' && spec.type !== 'ExternalName') return this.#allocateIps(service, spec, dryRun, taken)
    if (before.clusterIPs?.[0] === NONE) return
    if (before.type !== 'ExternalName' && spec.type === 'ExternalName') released.push(...(before.clusterIPs ?? []))
  }

  #allocatePorts(service: KubeObject, spec: ServiceSpec, operation: PortOperation): void {
    if (spec.type === 'NodePort' || spec.type === 'LoadBalancer') this.#initNodePorts(service, spec, operation)
    if (needsHealthCheckPort(spec)) this.#allocateHealthCheckPort(spec, operation)
  }

  /** k8s: initNodePorts */
  #initNodePorts(service: KubeObject, spec: ServiceSpec, operation: PortOperation): void {
    const byServicePort = new Map<number, number>()
    for (const [i, port] of (spec.ports ?? []).entries()) {
      if (!port.nodePort && !allocatesNodePorts(spec)) continue
      const known = byServicePort.get(port.port)
      if (known !== undefined) {
        if (!port.nodePort) port.nodePort = known
        else if (port.nodePort !== known) takePort(service, operation, port.nodePort, i)
        continue
      }
      const asked = spec.ports!.find((other) => other.port === port.port && other.nodePort)?.nodePort
      if (asked) {
        takePort(service, operation, asked, i)
        port.nodePort = asked
      } else port.nodePort = takeAnyPort(operation)
      byServicePort.set(port.port, port.nodePort)
    }
  }

  /** k8s: Allocators.txnUpdateNodePorts */
  #updatePorts(service: KubeObject, spec: ServiceSpec, before: ServiceSpec, operation: PortOperation): void {
    const hadPorts = before.type === 'NodePort' || before.type === 'LoadBalancer'
    const hasPorts = spec.type === 'NodePort' || spec.type === 'LoadBalancer'
    const old = nodePortsOf(before)
    if (hadPorts && !hasPorts) old.forEach((port) => operation.releaseLater(port))
    if (hasPorts) {
      const mine = new Set<number>()
      const seen = new Set<string>()
      for (const [i, port] of (spec.ports ?? []).entries()) {
        if (!port.nodePort && !allocatesNodePorts(spec)) continue
        if (!port.nodePort) port.nodePort = takeAnyPort(operation)
        else if (!old.includes(port.nodePort) && !mine.has(port.nodePort)) {
          takePort(service, operation, port.nodePort, i)
          mine.add(port.nodePort)
        }
        const key = `${port.protocol}/${port.nodePort}`
        if (seen.has(key)) throw plainError(`duplicate nodePort: {${port.protocol} ${port.nodePort}}`)
        seen.add(key)
      }
      const now = nodePortsOf(spec)
      for (const port of old) if (!now.includes(port)) operation.releaseLater(port)
    }
    if (!needsHealthCheckPort(before) && needsHealthCheckPort(spec)) this.#allocateHealthCheckPort(spec, operation)
    else if (needsHealthCheckPort(before) && !needsHealthCheckPort(spec) && before.healthCheckNodePort) operation.releaseLater(before.healthCheckNodePort)
  }

  #allocateHealthCheckPort(spec: ServiceSpec, operation: PortOperation): void {
    try {
      if (spec.healthCheckNodePort) operation.take(spec.healthCheckNodePort)
      else spec.healthCheckNodePort = operation.takeAny()
    } catch (error) {
      if (!(error instanceof PortError)) throw error
      throw apiError.internal(spec.healthCheckNodePort ? `failed to allocate requested HealthCheck NodePort ${spec.healthCheckNodePort}: ${error.message}` : `failed to allocate a HealthCheck NodePort 0: ${error.message}`)
    }
  }
}

function takePort(service: KubeObject, operation: PortOperation, port: number, index: number): void {
  try {
    operation.take(port)
  } catch (error) {
    if (!(error instanceof PortError)) throw error
    throw invalidService(service, [invalid(`spec.ports[${index}].nodePort`, port, error.message)])
  }
}

function takeAnyPort(operation: PortOperation): number {
  try {
    return operation.takeAny()
  } catch (error) {
    throw apiError.internal(`failed to allocate a nodePort: ${(error as Error).message}`)
  }
}

function invalidService(service: KubeObject, findings: readonly Finding[]) {
  return apiError.invalid({ group: '', kind: 'Service' }, service.metadata.name ?? '', findings)
}

/** Every port that a Service holds, the health check's too. */
function portsOf(spec: ServiceSpec): number[] {
  return [...nodePortsOf(spec), ...(needsHealthCheckPort(spec) && spec.healthCheckNodePort ? [spec.healthCheckNodePort] : [])]
}

function nodePortsOf(spec: ServiceSpec): number[] {
  return [...new Set((spec.ports ?? []).flatMap((port) => port.nodePort ? [port.nodePort] : []))]
}

function allocatesNodePorts(spec: ServiceSpec): boolean {
  return spec.type === 'NodePort' || (spec.type === 'LoadBalancer' && spec.allocateLoadBalancerNodePorts !== false)
}

function needsHealthCheckPort(spec: ServiceSpec): boolean {
  return spec.type === 'LoadBalancer' && spec.externalTrafficPolicy === 'Local'
}

/** What the server chose before stays when the client doesn't say otherwise. k8s: patchAllocatedValues */
function keepAllocated(spec: ServiceSpec, before: ServiceSpec): void {
  if (before.type !== 'ExternalName' && spec.type !== 'ExternalName') {
    if (!spec.clusterIP && before.clusterIP) spec.clusterIP = before.clusterIP
    if (!spec.clusterIPs?.length && before.clusterIPs?.length) spec.clusterIPs = [...before.clusterIPs]
  }
  if (allocatesNodePorts(before) && allocatesNodePorts(spec)) {
    const now = nodePortsOf(spec)
    const kept = new Set(nodePortsOf(before).filter((port) => now.includes(port)))
    const byName = new Map((before.ports ?? []).map((port) => [port.name ?? '', port.nodePort]))
    for (const port of spec.ports ?? []) {
      const known = byName.get(port.name ?? '')
      if (!port.nodePort && known && !kept.has(known)) port.nodePort = known
    }
  }
  if (needsHealthCheckPort(before) && needsHealthCheckPort(spec) && !spec.healthCheckNodePort) spec.healthCheckNodePort = before.healthCheckNodePort
}

/** Keeps clusterIP and clusterIPs in step for clients that know only the first. k8s: normalizeClusterIPs */
function normalizeClusterIPs(spec: ServiceSpec, before: ServiceSpec | undefined): void {
  if (!before) {
    if (spec.clusterIP && !spec.clusterIPs?.length) spec.clusterIPs = [spec.clusterIP]
    return
  }
  if (before.clusterIPs?.length && !spec.clusterIPs?.length && (before.clusterIP ?? '') === (spec.clusterIP ?? '')) spec.clusterIPs = [...before.clusterIPs]
  if ((before.clusterIP ?? '') === (spec.clusterIP ?? '')) return
  const same = deepEqual(before.clusterIPs ?? [], spec.clusterIPs ?? [])
  if (!same) return
  if (before.clusterIP && !spec.clusterIP) delete spec.clusterIPs
  else spec.clusterIPs = [spec.clusterIP!]
}

function isMatchingPreferDualStack(spec: ServiceSpec, before: ServiceSpec | undefined): boolean {
  return before !== undefined && spec.ipFamilyPolicy === 'PreferDualStack' && before.ipFamilyPolicy === 'PreferDualStack'
    && deepEqual(before.clusterIPs, spec.clusterIPs) && deepEqual(before.ipFamilies, spec.ipFamilies)
}

/** There are some, but fewer than before. */
function isReduced(before: readonly string[] | undefined, now: readonly string[] | undefined): boolean {
  return now !== undefined && now.length > 0 && now.length < (before?.length ?? 0)
}

function familyOf(ip: string): IpFamily {
  return ip.includes(':') ? 'IPv6' : 'IPv4'
}

/** k8s: ValidateServiceClusterIPsRelatedFields */
function relatedFindings(spec: ServiceSpec, before: ServiceSpec | undefined): Finding[] {
  const findings: Finding[] = []
  const ips = spec.clusterIPs ?? []
  if (spec.clusterIP) {
    if (ips.length === 0) findings.push(required('spec.clusterIPs'))
    else if (ips[0] !== spec.clusterIP) findings.push(invalid('spec.clusterIPs', ips, 'first value must match `clusterIP`'))
  } else if (ips.length > 0) findings.push(invalid('spec.clusterIPs', ips, 'must be empty when `clusterIP` is not specified'))
  const families = spec.ipFamilies ?? []
  for (const [i, family] of families.entries()) {
    if (!FAMILIES.includes(family)) findings.push(notSupported(`spec.ipFamilies[${i}]`, family, FAMILIES))
    if (families.indexOf(family) < i) findings.push(duplicate(`spec.ipFamilies[${i}]`, family))
  }
  if (spec.ipFamilyPolicy !== undefined && !POLICIES.includes(spec.ipFamilyPolicy)) findings.push(notSupported('spec.ipFamilyPolicy', spec.ipFamilyPolicy, POLICIES))
  let wrong = false
  for (const [i, ip] of ips.entries()) {
    if (i === 0 && ip === NONE) {
      if (ips.length > 1) {
        wrong = true
        findings.push(invalid('spec.clusterIPs', ips, "'None' must be the first and only value"))
      }
      continue
    }
    const bad = before?.clusterIPs?.includes(ip) ? [] : validateIp(ip, `spec.clusterIPs[${i}]`)
    if (bad.length > 0) wrong = true
    findings.push(...bad)
  }
  if (ips.length > 2) findings.push(invalid('spec.clusterIPs', ips, 'may only hold up to 2 values'))
  if (wrong) return findings
  if (ips.length > 1 && new Set(ips.map(familyOf)).size < 2) findings.push(invalid('spec.clusterIPs', ips, 'may specify no more than one IP for each IP family'))
  if (spec.clusterIP !== NONE) for (const [i, ip] of ips.entries()) {
    const family = families[i]
    if (family && FAMILIES.includes(family) && family !== familyOf(ip)) findings.push(invalid(`spec.clusterIPs[${i}]`, ip, `expected an ${family} value as indicated by \`ipFamilies[${i}]\``))
  }
  return findings
}
