/** Rules for Services. k8s: pkg/apis/core/validation validateService */
import { checkDnsLabel, checkDnsSubdomain, checkOneOf, checkPortNumberOrName, checkQualifiedName } from '../checks.ts'
import { duplicate, forbidden, invalid, notSupported, required, type Finding } from '../findings.ts'
import { cidrWarnings, ipWarnings, parseIp, validateCidr, validateIp, validateNonSpecialIp } from '../ip.ts'
import { portNumberProblems } from '../names.ts'
import type { Service, ServicePort } from '../generated/types.ts'
import { validateLabels } from '../validate-metadata.ts'
import { isExternallyAccessible } from './service.ts'

const SOURCE_RANGES = 'service.beta.kubernetes.io/load-balancer-source-ranges'
const TOPOLOGY_HINTS = 'service.kubernetes.io/topology-aware-hints'
const TOPOLOGY_MODE = 'service.kubernetes.io/topology-mode'
const MAX_AFFINITY_SECONDS = 86400

/** Whether a Service has no address of its own. */
export function isHeadless({ spec }: Pick<Service, 'spec'>): boolean {
  return spec.clusterIPs?.length === 1 && spec.clusterIPs[0] === 'None'
}

const needsHealthCheck = ({ spec }: Readonly<Service>) => spec.type === 'LoadBalancer' && spec.externalTrafficPolicy === 'Local'

/** k8s: validateService */
export function validateService(service: Readonly<Service>): Finding[] {
  const out: Finding[] = []
  const { spec } = service
  const annotations = service.metadata.annotations ?? {}
  const type = spec.type as string | undefined
  const headless = isHeadless(service)
  const ports = spec.ports ?? []
  if (annotations[TOPOLOGY_MODE] !== undefined && annotations[TOPOLOGY_HINTS] !== undefined && annotations[TOPOLOGY_MODE] !== annotations[TOPOLOGY_HINTS]) {
    out.push(invalid(`metadata.annotations[${TOPOLOGY_MODE}]`, annotations[TOPOLOGY_MODE], `must match annotations[${TOPOLOGY_HINTS}] when both are specified`))
  }
  if (ports.length === 0 && !headless && type !== 'ExternalName') out.push(required('spec.ports'))
  if ((type === 'LoadBalancer' || type === 'NodePort') && headless) out.push(invalid('spec.clusterIPs[0]', 'None', `may not be set to 'None' for ${type} services`))
  if (type === 'ExternalName') {
    if (spec.clusterIPs?.length) out.push(forbidden('spec.clusterIPs', 'may not be set for ExternalName services'))
    if (spec.ipFamilies?.length) out.push(forbidden('spec.ipFamilies', 'may not be set for ExternalName services'))
    if (spec.ipFamilyPolicy !== undefined) out.push(forbidden('spec.ipFamilyPolicy', 'may not be set for ExternalName services'))
    const name = (spec.externalName ?? '').replace(/\.$/, '')
    if (name) checkDnsSubdomain(out, name, 'spec.externalName')
    else out.push(required('spec.externalName'))
  }
  const names = new Set<string>()
  ports.forEach((port, i) => checkPort(out, port, ports.length > 1, names, `spec.ports[${i}]`))
  if (spec.selector) out.push(...validateLabels(spec.selector, 'spec.selector'))
  checkOneOf(out, spec.sessionAffinity, ['ClientIP', 'None'], 'spec.sessionAffinity')
  if (spec.sessionAffinity === 'ClientIP') {
    const at = 'spec.sessionAffinityConfig'
    const why = 'when session affinity type is ClientIP'
    const seconds = spec.sessionAffinityConfig?.clientIP?.timeoutSeconds
    if (!spec.sessionAffinityConfig) out.push(required(at, why))
    else if (!spec.sessionAffinityConfig.clientIP) out.push(required(`${at}.clientIP`, why))
    else if (seconds === undefined) out.push(required(`${at}.clientIP.timeoutSeconds`, why))
    else if (seconds <= 0 || seconds > MAX_AFFINITY_SECONDS) out.push(invalid(`${at}.clientIP.timeoutSeconds`, seconds, `must be greater than 0 and less than ${MAX_AFFINITY_SECONDS}`))
  } else if (spec.sessionAffinity === 'None' && spec.sessionAffinityConfig) out.push(forbidden('spec.sessionAffinityConfig', 'must not be set when session affinity is None'))
  checkClusterIps(out, service)
  ;(spec.externalIPs ?? []).forEach((ip, i) => {
    const findings = validateIp(ip, `spec.externalIPs[${i}]`)
    out.push(...(findings.length > 0 ? findings : validateNonSpecialIp(ip, `spec.externalIPs[${i}]`)))
  })
  checkOneOf(out, type, ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'], 'spec.type')
  if (type === 'ClusterIP') {
    ports.forEach((port, i) => {
      if (port.nodePort) out.push(forbidden(`spec.ports[${i}].nodePort`, "may not be used when `type` is 'ClusterIP'"))
    })
  }
  const nodePorts = new Set<string>()
  ports.forEach((port, i) => {
    if (!port.nodePort) return
    const key = `${port.protocol}/${port.nodePort}`
    if (nodePorts.has(key)) out.push(duplicate(`spec.ports[${i}].nodePort`, port.nodePort))
    nodePorts.add(key)
  })
  const pairs = new Set<string>()
  ports.forEach((port, i) => {
    const key = `${port.protocol}/${port.port}`
    if (pairs.has(key)) out.push(duplicate(`spec.ports[${i}]`, { Name: '', Protocol: port.protocol, AppProtocol: null, Port: port.port, TargetPort: 0, NodePort: 0 }))
    pairs.add(key)
  })
  if (spec.loadBalancerSourceRanges?.length) {
    if (type !== 'LoadBalancer') out.push(forbidden('spec.LoadBalancerSourceRanges', "may only be used when `type` is 'LoadBalancer'"))
    spec.loadBalancerSourceRanges.forEach((range, i) => out.push(...validateCidr(range.trim(), `spec.LoadBalancerSourceRanges[${i}]`)))
  } else if (annotations[SOURCE_RANGES] !== undefined) {
    const at = `metadata.annotations[${SOURCE_RANGES}]`
    if (type !== 'LoadBalancer') out.push(forbidden(at, "may only be used when `type` is 'LoadBalancer'"))
    for (const range of annotations[SOURCE_RANGES].trim().split(',').filter(Boolean)) out.push(...validateCidr(range.trim(), at))
  }
  if (spec.allocateLoadBalancerNodePorts !== undefined && type !== 'LoadBalancer') out.push(forbidden('spec.allocateLoadBalancerNodePorts', "may only be used when `type` is 'LoadBalancer'"))
  if (type === 'LoadBalancer' && spec.allocateLoadBalancerNodePorts === undefined) out.push(required('allocateLoadBalancerNodePorts'))
  checkLoadBalancerClass(out, service)
  checkTrafficPolicies(out, service)
  return out
}

function checkPort(out: Finding[], port: Readonly<ServicePort>, needsName: boolean, names: Set<string>, at: string): void {
  if (needsName && !port.name) out.push(required(`${at}.name`))
  else if (port.name) {
    checkDnsLabel(out, port.name, `${at}.name`)
    if (names.has(port.name)) out.push(duplicate(`${at}.name`, port.name))
    names.add(port.name)
  }
  for (const problem of portNumberProblems(port.port)) out.push(invalid(`${at}.port`, port.port, problem))
  checkOneOf(out, port.protocol, ['SCTP', 'TCP', 'UDP'], `${at}.protocol`)
  checkPortNumberOrName(out, port.targetPort, `${at}.targetPort`)
  if (port.appProtocol !== undefined) checkQualifiedName(out, port.appProtocol, `${at}.appProtocol`)
}

/** k8s: ValidateServiceClusterIPsRelatedFields */
function checkClusterIps(out: Finding[], service: Readonly<Service>): void {
  const { spec } = service
  if (spec.type === 'ExternalName') return
  const ips = spec.clusterIPs ?? []
  const families = spec.ipFamilies ?? []
  const at = 'spec.clusterIPs'
  if (spec.clusterIP) {
    if (ips.length === 0) out.push(required(at))
    else if (ips[0] !== spec.clusterIP) out.push(invalid(at, ips, 'first value must match `clusterIP`'))
  } else if (ips.length > 0) out.push(invalid(at, ips, 'must be empty when `clusterIP` is not specified'))
  families.forEach((family, i) => {
    if ((family as string) !== 'IPv4' && (family as string) !== 'IPv6') out.push(notSupported(`spec.ipFamilies[${i}]`, family, ['IPv4', 'IPv6']))
    if (families.indexOf(family) < i) out.push(duplicate(`spec.ipFamilies[${i}]`, family))
  })
  const familyPolicies = ['PreferDualStack', 'RequireDualStack', 'SingleStack']
  if (spec.ipFamilyPolicy !== undefined && !familyPolicies.includes(spec.ipFamilyPolicy)) out.push(notSupported('spec.ipFamilyPolicy', spec.ipFamilyPolicy, familyPolicies))
  let bad = false
  ips.forEach((ip, i) => {
    if (i === 0 && ip === 'None') {
      if (ips.length > 1) {
        bad = true
        out.push(invalid(at, ips, "'None' must be the first and only value"))
      }
      return
    }
    const findings = validateIp(ip, `${at}[${i}]`)
    if (findings.length > 0) bad = true
    out.push(...findings)
  })
  if (ips.length > 2) out.push(invalid(at, ips, 'may only hold up to 2 values'))
  if (bad) return
  if (ips.length > 1 && new Set(ips.map((ip) => parseIp(ip)?.family)).size < 2) out.push(invalid(at, ips, 'may specify no more than one IP for each IP family'))
  if (isHeadless(service)) return
  ips.forEach((ip, i) => {
    const family = parseIp(ip)?.family
    if (families[i] === 'IPv4' && family === 6) out.push(invalid(`${at}[${i}]`, ip, `expected an IPv4 value as indicated by \`ipFamilies[${i}]\``))
    if (families[i] === 'IPv6' && family === 4) out.push(invalid(`${at}[${i}]`, ip, `expected an IPv6 value as indicated by \`ipFamilies[${i}]\``))
  })
}

function checkLoadBalancerClass(out: Finding[], { spec }: Readonly<Service>): void {
  if (spec.loadBalancerClass === undefined) return
  if (spec.type === 'LoadBalancer') checkQualifiedName(out, spec.loadBalancerClass, 'spec.loadBalancerClass')
  else out.push(forbidden('spec.loadBalancerClass', "may only be used when `type` is 'LoadBalancer'"))
}

function checkTrafficPolicies(out: Finding[], service: Readonly<Service>): void {
  const { spec } = service
  const external = spec.externalTrafficPolicy as string | undefined
  if (!isExternallyAccessible(service)) {
    if (external) out.push(invalid('spec.externalTrafficPolicy', external, 'may only be set for externally-accessible services'))
  } else checkOneOf(out, external, ['Cluster', 'Local'], 'spec.externalTrafficPolicy')
  const port = spec.healthCheckNodePort ?? 0
  if (!needsHealthCheck(service)) {
    if (port) out.push(invalid('spec.healthCheckNodePort', port, "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"))
  } else if (!port) out.push(required('spec.healthCheckNodePort'))
  else for (const problem of portNumberProblems(port)) out.push(invalid('spec.healthCheckNodePort', port, problem))
  if (spec.internalTrafficPolicy === undefined) {
    if (['NodePort', 'LoadBalancer', 'ClusterIP'].includes(spec.type ?? '')) out.push(required('spec.internalTrafficPolicy'))
  } else if (!['Cluster', 'Local'].includes(spec.internalTrafficPolicy)) out.push(notSupported('spec.internalTrafficPolicy', spec.internalTrafficPolicy, ['Cluster', 'Local']))
  const distributions = ['PreferClose', 'PreferSameZone', 'PreferSameNode']
  if (spec.trafficDistribution !== undefined && !distributions.includes(spec.trafficDistribution)) out.push(notSupported('spec.trafficDistribution', spec.trafficDistribution, distributions))
}

/** k8s: ValidateServiceUpdate, after ObjectMeta */
export function validateServiceUpdate(service: Readonly<Service>, old: Readonly<Service>): Finding[] {
  const out: Finding[] = []
  const now = service.spec
  const before = old.spec
  if (now.type !== 'ExternalName' && before.type !== 'ExternalName') {
    const headless = isHeadless(service)
    const wasHeadless = isHeadless(old)
    if (!(headless && wasHeadless)) checkPairChange(out, now.clusterIPs ?? [], before.clusterIPs ?? [], 'spec.clusterIPs', now.clusterIPs, 'clusterIP', now.ipFamilyPolicy)
    if (!headless && !wasHeadless) checkPairChange(out, now.ipFamilies ?? [], before.ipFamilies ?? [], 'spec.ipFamilies', now.ipFamilies, 'ipFamily', now.ipFamilyPolicy, (now.clusterIPs?.length ?? 0) === 0)
  }
  if (now.type === 'LoadBalancer' && before.type === 'LoadBalancer' && now.loadBalancerClass !== before.loadBalancerClass) {
    out.push(invalid('spec.loadBalancerClass', now.loadBalancerClass ?? null, 'may not change once set'))
  }
  checkLoadBalancerClass(out, service)
  if (needsHealthCheck(old) && needsHealthCheck(service) && now.healthCheckNodePort !== before.healthCheckNodePort) out.push(forbidden('spec.healthCheckNodePort', 'field is immutable'))
  return out.concat(validateService(service))
}

/** The first of two addresses (or families) stays; the second may come and, with SingleStack, go. k8s: validateUpgradeDowngradeClusterIPs, validateUpgradeDowngradeIPFamilies */
function checkPairChange(
  out: Finding[], now: readonly string[], before: readonly string[], at: string, shown: readonly string[] | undefined, what: 'clusterIP' | 'ipFamily', policy: string | undefined, unset = now.length === 0,
): void {
  const value = shown ?? null
  if (now.length === before.length) {
    before.forEach((item, i) => {
      if (item !== now[i]) out.push(invalid(what === 'clusterIP' ? `${at}[${i}]` : `${at}[0]`, value, 'may not change once set'))
    })
  } else if (before.length > now.length) {
    if (unset) out.push(invalid(`${at}[0]`, value, `primary ${what} can not be unset`))
    if (now.length > 0 && now[0] !== before[0]) out.push(invalid(`${at}[0]`, value, 'may not change once set'))
    if (now.length === 1 && policy !== 'SingleStack') out.push(invalid('spec.ipFamilyPolicy', policy ?? null, `must be set to 'SingleStack' when releasing the secondary ${what}`))
  } else if (before.length > 0 && now[0] !== before[0]) out.push(invalid(`${at}[0]`, value, 'may not change once set'))
}

/** k8s: ValidateLoadBalancerStatus */
export function validateServiceStatus({ spec, status }: Readonly<Service>): Finding[] {
  const out: Finding[] = []
  const ingress = status?.loadBalancer?.ingress ?? []
  const at = 'status.loadBalancer.ingress'
  if (spec.type !== 'LoadBalancer' && ingress.length > 0) {
    out.push(forbidden(at, "may only be used when `spec.type` is 'LoadBalancer'"))
    return out
  }
  ingress.forEach(({ ip, ipMode, hostname }, i) => {
    const here = `${at}[${i}]`
    if (ip) out.push(...validateIp(ip, `${here}.ip`))
    if (ipMode === undefined) {
      if (ip) out.push(required(`${here}.ipMode`, 'must be specified when `ip` is set'))
    } else if (!ip) out.push(forbidden(`${here}.ipMode`, 'may not be specified when `ip` is not set'))
    else if (ipMode !== 'VIP' && ipMode !== 'Proxy') out.push(notSupported(`${here}.ipMode`, ipMode, ['Proxy', 'VIP']))
    if (hostname) {
      checkDnsSubdomain(out, hostname, `${here}.hostname`)
      if (parseIp(hostname)) out.push(invalid(`${here}.hostname`, hostname, 'must be a DNS name, not an IP address'))
    }
  })
  return out
}

/** Warning header texts. k8s: pkg/api/service/warnings.go */
export function serviceWarnings({ spec, metadata }: Readonly<Service>): string[] {
  const warnings: string[] = []
  if (metadata.annotations?.[TOPOLOGY_HINTS] !== undefined) warnings.push(`annotation ${TOPOLOGY_HINTS} is deprecated, please use ${TOPOLOGY_MODE} instead`)
  const headless = spec.type === 'ClusterIP' && spec.clusterIP === 'None'
  if (spec.clusterIP && spec.clusterIP !== 'None') spec.clusterIPs?.forEach((ip, i) => warnings.push(...ipWarnings(ip, `spec.clusterIPs[${i}]`)))
  if (headless) {
    if (spec.loadBalancerIP) warnings.push('spec.loadBalancerIP is ignored for headless services')
    if (spec.externalIPs?.length) warnings.push('spec.externalIPs is ignored for headless services')
    if (spec.sessionAffinity !== 'None') warnings.push('spec.SessionAffinity is ignored for headless services')
  }
  spec.externalIPs?.forEach((ip, i) => warnings.push(...ipWarnings(ip, `spec.externalIPs[${i}]`)))
  if (spec.externalIPs?.length && !headless && spec.type !== 'ExternalName') warnings.push('spec.externalIPs is deprecated and may no longer be implemented in some clusters')
  if (spec.loadBalancerIP) warnings.push(...ipWarnings(spec.loadBalancerIP, 'spec.loadBalancerIP'))
  spec.loadBalancerSourceRanges?.forEach((range, i) => warnings.push(...cidrWarnings(range, `spec.loadBalancerSourceRanges[${i}]`)))
  if (spec.type === 'ExternalName' && spec.externalIPs?.length) warnings.push('spec.externalIPs is ignored when spec.type is "ExternalName"')
  if (spec.type !== 'ExternalName' && spec.externalName) warnings.push('spec.externalName is ignored when spec.type is not "ExternalName"')
  if (spec.trafficDistribution === 'PreferClose') warnings.push('spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"')
  return warnings
}
