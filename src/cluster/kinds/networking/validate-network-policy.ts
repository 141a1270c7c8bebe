/** k8s: ValidateNetworkPolicySpec */
import { deepEqual } from '../../../base/freeze.ts'
import { checkPortNumberOrName } from '../checks.ts'
import { forbidden, invalid, notSupported, required, type Finding } from '../findings.ts'
import { cidrContains, parseSloppyCidr, plainIp, validateCidr } from '../ip.ts'
import type { NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort } from '../generated/types.ts'
import { validateLabelSelector } from '../validate-metadata.ts'

const PROTOCOLS = ['TCP', 'UDP', 'SCTP']

export function validateNetworkPolicy({ spec }: Readonly<NetworkPolicy>): Finding[] {
  const out: Finding[] = []
  if (!spec) return out
  out.push(...validateLabelSelector(spec.podSelector, 'spec.podSelector'))
  const check = (at: string, ports: readonly NetworkPolicyPort[] | undefined, peers: readonly NetworkPolicyPeer[] | undefined, side: 'from' | 'to') => {
    ports?.forEach((port, i) => checkPort(out, port, `${at}.ports[${i}]`))
    peers?.forEach((peer, i) => checkPeer(out, peer, `${at}.${side}[${i}]`))
  }
  spec.ingress?.forEach((rule, i) => check(`spec.ingress[${i}]`, rule.ports, rule.from, 'from'))
  spec.egress?.forEach((rule, i) => check(`spec.egress[${i}]`, rule.ports, rule.to, 'to'))
  const types = (spec.policyTypes ?? []) as readonly string[]
  if (types.length > 2) out.push(invalid('spec.policyTypes', types, 'may not specify more than two policyTypes'))
  else types.forEach((type, i) => type !== 'Ingress' && type !== 'Egress' && out.push(notSupported(`spec.policyTypes[${i}]`, type, ['Ingress', 'Egress'])))
  return out
}

export function validateNetworkPolicyUpdate(policy: Readonly<NetworkPolicy>, old: Readonly<NetworkPolicy>): Finding[] {
  return deepEqual(policy.spec, old.spec) ? [] : validateNetworkPolicy(policy)
}

function checkPort(out: Finding[], { port, endPort, protocol }: Readonly<NetworkPolicyPort>, at: string): void {
  if (protocol !== undefined && !PROTOCOLS.includes(protocol)) out.push(notSupported(`${at}.protocol`, protocol, PROTOCOLS))
  if (port === undefined) {
    if (endPort !== undefined) out.push(invalid(`${at}.endPort`, endPort, 'may not be specified when `port` is not specified'))
    return
  }
  if (typeof port === 'string' && endPort !== undefined) out.push(invalid(`${at}.endPort`, endPort, 'may not be specified when `port` is non-numeric'))
  checkPortNumberOrName(out, port, `${at}.port`)
  if (typeof port !== 'number' || endPort === undefined) return
  if (endPort < port) out.push(invalid(`${at}.endPort`, port, 'must be greater than or equal to `port`'))
  checkPortNumberOrName(out, endPort, `${at}.endPort`)
}

function checkPeer(out: Finding[], { podSelector, namespaceSelector, ipBlock }: Readonly<NetworkPolicyPeer>, at: string): void {
  out.push(...validateLabelSelector(podSelector, `${at}.podSelector`), ...validateLabelSelector(namespaceSelector, `${at}.namespaceSelector`))
  if (ipBlock) checkBlock(out, ipBlock, `${at}.ipBlock`)
  if (!podSelector && !namespaceSelector && !ipBlock) out.push(required(at, 'must specify a peer'))
  else if (ipBlock && (podSelector || namespaceSelector)) out.push(forbidden(at, 'may not specify both ipBlock and another peer'))
}

function checkBlock(out: Finding[], { cidr, except }: Readonly<NonNullable<NetworkPolicyPeer['ipBlock']>>, at: string): void {
  if (!cidr) {
    out.push(required(`${at}.cidr`))
    return
  }
  out.push(...validateCidr(cidr, `${at}.cidr`))
  const whole = parseSloppyCidr(cidr)
  if (!whole) return
  except?.forEach((text, i) => {
    out.push(...validateCidr(text, `${at}.except[${i}]`))
    const part = parseSloppyCidr(text)
    if (part && (!cidrContains(whole, whole.ip.family === 4 ? plainIp(part.ip) : part.ip) || whole.prefix >= part.prefix)) out.push(invalid(`${at}.except[${i}]`, text, 'must be a strict subset of `cidr`'))
  })
}
