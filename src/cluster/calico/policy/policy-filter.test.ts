import { describe, expect, test } from 'vitest'
import type { EndpointSlice, NetworkPolicy, Pod } from '../../kinds/generated/types.ts'
import { Endpoints } from './endpoints.ts'
import { calicoPolicyOf } from './kubernetes-policy.ts'
import { compilePolicy } from './policy.ts'
import type { PolicyObject } from './policy.ts'
import { PolicyFilter, recallPolicyFilter } from './policy-filter.ts'
import type { EndpointToHostAction, Tier } from './policy-filter.ts'
import { ServiceEndpoints } from './service-endpoints.ts'

const ADDRESSES: Record<string, string> = { 'shop/web': '10.0.0.1', 'shop/db': '10.0.0.2', 'other/web': '10.0.0.3' }
const NODE_IP = '192.168.0.1'
const DEFAULT: Tier = { name: 'default', order: 1_000_000, defaultAction: 'Deny' }

function endpoints(): Endpoints {
  const all = new Endpoints(new Map([['shop', { metadata: { labels: { team: 'blue' } } }], ['other', { metadata: {} }]]), new Map([['shop/robot', { metadata: { labels: { trusted: 'yes' } } }]]))
  for (const [key, ip] of Object.entries(ADDRESSES)) {
    const [namespace, name] = key.split('/')
    all.takePod(key, { metadata: { namespace, name, labels: { app: name } }, spec: { nodeName: 'n1', serviceAccountName: key === 'shop/web' ? 'robot' : 'default', containers: [{ name: 'c', image: 'i', ports: [{ name: 'http', containerPort: 80 }] }] }, status: { podIP: ip, phase: 'Running' } } as unknown as Pod)
  }
  return all
}

/** Whether policies let something from one to another; a filter that was written down must say the same. */
function judge(policies: [kind: string, policy: PolicyObject][], tiers: Tier[] = [DEFAULT], { services = new ServiceEndpoints(), toHost = 'Accept' }: { services?: ServiceEndpoints; toHost?: EndpointToHostAction } = {}) {
  const filter = new PolicyFilter({ endpoints: endpoints(), services }, { node: 'n1', ips: [NODE_IP], toHost }, () => {})
  filter.setPolicies(tiers, policies.flatMap(([kind, policy]) => compilePolicy(kind, policy) ?? []))
  const recalled = recallPolicyFilter(JSON.parse(JSON.stringify(filter.keep())))
  const end = (who: string) => (ADDRESSES[who] ? { ip: ADDRESSES[who], pod: who } : { ip: who, pod: undefined })
  return (from: string, to: string, port = 80, protocol: 'TCP' | 'UDP' = 'TCP') => {
    const packet = { protocol, source: end(from), destination: end(to), port }
    const [verdict, later] = [filter, recalled].map((each) => each.allowsEgress(packet) && each.allowsIngress(packet))
    if (later !== verdict) throw new Error(`written down and read again, the rules say ${later}`)
    return verdict
  }
}
const global = (name: string, spec: PolicyObject['spec']): [string, PolicyObject] => ['GlobalNetworkPolicy', { metadata: { name }, spec }]
const local = (name: string, namespace: string, spec: PolicyObject['spec']): [string, PolicyObject] => ['NetworkPolicy', { metadata: { name, namespace }, spec }]

describe('policies of Calico', () => {
  test('without any everything passes, and unknown pods reach nobody', () => {
    const allows = judge([])
    expect([allows('shop/web', 'shop/db'), allows('8.8.8.8', 'shop/db')]).toEqual([true, true])
    const filter = new PolicyFilter({ endpoints: endpoints(), services: new ServiceEndpoints() }, { node: 'n2', ips: [], toHost: 'Accept' }, () => {})
    expect(filter.allowsEgress({ protocol: 'TCP', source: { ip: '10.0.0.1', pod: 'shop/web' }, destination: { ip: '10.0.0.2', pod: 'shop/db' }, port: 80 })).toBe(false)
  })

  test('a policy of a namespace selects there, and so do its rules unless they name namespaces', () => {
    const open = (source: object) => judge([local('p', 'shop', { selector: "app == 'db'", types: ['Ingress'], ingress: [{ action: 'Allow', source }] })])
    expect([open({ selector: "app == 'web'" })('shop/web', 'shop/db'), open({ selector: "app == 'web'" })('other/web', 'shop/db'), open({ selector: "app == 'web'" })('other/web', 'other/web')]).toEqual([true, false, true])
    expect([open({ selector: "app == 'web'", namespaceSelector: 'all()' })('other/web', 'shop/db'), open({ namespaceSelector: "team == 'blue'" })('shop/web', 'shop/db'), open({ namespaceSelector: "team == 'blue'" })('other/web', 'shop/db')]).toEqual([true, true, false])
    expect([open({ serviceAccounts: { names: ['robot'] } })('shop/web', 'shop/db'), open({ serviceAccounts: { selector: "trusted == 'yes'" } })('shop/web', 'shop/db'), open({ serviceAccounts: { names: ['robot'] } })('shop/db', 'shop/db')]).toEqual([true, true, false])
    expect([open({ nets: ['10.0.0.0/30'], notNets: ['10.0.0.3'] })('shop/web', 'shop/db'), open({ nets: ['10.0.0.0/30'], notNets: ['10.0.0.3'] })('other/web', 'shop/db')]).toEqual([true, false])
    expect([open({ notSelector: "app == 'web'" })('shop/web', 'shop/db'), open({ notSelector: "app == 'web'" })('shop/db', 'shop/db'), open({ notSelector: "app == 'nobody'" })('other/web', 'shop/db')]).toEqual([false, true, false])
  })

  test('orders, names and actions decide; Pass goes on with the next tier', () => {
    const deny = { selector: "app == 'db'", types: ['Ingress'], ingress: [{ action: 'Deny' as const }] }
    const allow = { ...deny, ingress: [{ action: 'Allow' as const }] }
    expect(judge([global('a', { ...deny, order: 2 }), global('b', { ...allow, order: 1 })])('shop/web', 'shop/db')).toBe(true)
    expect(judge([global('a', deny), global('b', { ...allow, order: 1 })])('shop/web', 'shop/db')).toBe(true)
    expect(judge([global('a', deny), global('b', allow)])('shop/web', 'shop/db')).toBe(false)
    expect(judge([global('a', { ...deny, ingress: [{ action: 'Log' }] })])('shop/web', 'shop/db')).toBe(false)
    const tiers: Tier[] = [DEFAULT, { name: 'first', order: 1, defaultAction: 'Deny' }, { name: 'base', order: Infinity, defaultAction: 'Pass' }]
    expect(judge([global('a', { ...allow, tier: 'first', ingress: [{ action: 'Pass' }] }), global('b', deny)], tiers)('shop/web', 'shop/db')).toBe(false)
    expect(judge([global('a', { ...allow, tier: 'first', ingress: [{ action: 'Pass' }] })], tiers)('shop/web', 'shop/db')).toBe(true)
    expect(judge([global('a', { ...deny, tier: 'first', ingress: [] }), global('b', allow)], tiers)('shop/web', 'shop/db')).toBe(false)
    expect(judge([global('a', { ...deny, tier: 'base', ingress: [] })], tiers)('shop/web', 'shop/db')).toBe(true)
  })

  test('ports are numbers, ranges and names; protocols are names and numbers', () => {
    const to = (destination: object, more: object = { protocol: 'TCP' }) => judge([global('a', { types: ['Egress'], selector: "app == 'web'", egress: [{ action: 'Allow', ...more, destination }] })])
    expect([to({ ports: [80] })('shop/web', 'shop/db'), to({ ports: ['79:90'] })('shop/web', 'shop/db'), to({ ports: ['http'] })('shop/web', 'shop/db'), to({ ports: ['http'] })('shop/web', 'shop/db', 81), to({ notPorts: [80] })('shop/web', 'shop/db')]).toEqual([true, true, true, false, false])
    expect([to({}, { protocol: 'UDP' })('shop/web', 'shop/db', 53, 'UDP'), to({}, { protocol: 17 })('shop/web', 'shop/db', 53), to({}, { notProtocol: 'UDP' })('shop/web', 'shop/db', 53), to({}, { protocol: 'ICMP' })('shop/web', 'shop/db')]).toEqual([true, false, true, false])
    expect(() => compilePolicy('GlobalNetworkPolicy', { metadata: { name: 'x' }, spec: { egress: [{ action: 'Allow', destination: { ports: [80] } }] } })).toThrow('rules that specify ports must set protocol to TCP or UDP or SCTP')
    expect([to({}, { ipVersion: 6 })('shop/web', 'shop/db'), to({}, { http: { methods: ['GET'] } })('shop/web', 'shop/db')]).toEqual([false, false])
  })

  test('Services lend their addresses and ports', () => {
    const services = new ServiceEndpoints()
    services.takeSlice('shop/db-1', { metadata: { namespace: 'shop', labels: { 'kubernetes.io/service-name': 'db' } }, ports: [{ port: 5432 }], endpoints: [{ addresses: ['10.0.0.2'] }] } as unknown as EndpointSlice)
    const allows = judge([local('p', 'shop', { selector: "app == 'web'", types: ['Egress'], egress: [{ action: 'Allow', destination: { services: { name: 'db' } } }] })], [DEFAULT], { services })
    expect([allows('shop/web', 'shop/db', 5432), allows('shop/web', 'shop/db', 80), allows('shop/web', 'other/web', 5432)]).toEqual([true, false, false])
  })

  test('what a pod sends to its own node goes by its policies and by a setting', () => {
    const none = judge([global('a', { types: ['Egress'], egress: [{ action: 'Deny', destination: { nets: [`${NODE_IP}/32`] } }, { action: 'Allow' }] })])
    expect([none('shop/web', NODE_IP), none('shop/web', '192.168.0.2')]).toEqual([false, true])
    expect([judge([], [DEFAULT], { toHost: 'Drop' })('shop/web', NODE_IP), judge([], [DEFAULT], { toHost: 'Drop' })('shop/web', '192.168.0.2'), judge([], [DEFAULT], { toHost: 'Return' })('shop/web', NODE_IP)]).toEqual([false, true, true])
  })

  test('a network set inherits the labels of its namespace, whenever those are known', () => {
    const namespaces = new Map<string, { metadata: { labels: Record<string, string> } }>()
    const all = new Endpoints(namespaces, new Map())
    all.takeSet('shop/offices', { metadata: { name: 'offices', namespace: 'shop', labels: { role: 'office' } }, spec: { nets: ['192.0.2.0/24'] } })
    const isBlue = () => all.matches('192.0.2.7', (labels) => labels.role === 'office' && labels['pcns.team'] === 'blue')
    expect(isBlue()).toBe(false)
    namespaces.set('shop', { metadata: { labels: { team: 'blue' } } })
    all.inherit('shop')
    expect(isBlue()).toBe(true)
  })

  test("Kubernetes' policies say the same in its words", () => {
    const np = (spec: object) => judge([['KubernetesNetworkPolicy', calicoPolicyOf({ metadata: { name: 'p', namespace: 'shop' }, spec } as unknown as NetworkPolicy)]])
    const db = { matchLabels: { app: 'db' } }
    expect(np({ podSelector: {} })('8.8.8.8', 'shop/db')).toBe(false)
    expect([np({ podSelector: {} })('shop/web', 'other/web'), np({ podSelector: {}, policyTypes: ['Egress'] })('shop/web', 'other/web')]).toEqual([true, false])
    const from = (...peers: object[]) => np({ podSelector: db, ingress: [{ from: peers, ports: [{ port: 80 }, { port: 'http' }, { protocol: 'UDP', port: 53, endPort: 54 }] }] })
    expect([from({ podSelector: {} })('shop/web', 'shop/db'), from({ podSelector: {} })('other/web', 'shop/db'), from({ namespaceSelector: {} })('other/web', 'shop/db'), from({ namespaceSelector: {} })('8.8.8.8', 'shop/db')]).toEqual([true, false, true, false])
    expect([from({ podSelector: {} })('shop/web', 'shop/db', 54, 'UDP'), from({ podSelector: {} })('shop/web', 'shop/db', 54), from({ podSelector: {} })('shop/web', 'shop/db', 55, 'UDP')]).toEqual([true, false, false])
    expect([from({ ipBlock: { cidr: '10.0.0.0/24', except: ['10.0.0.3/32'] } })('shop/web', 'shop/db'), from({ ipBlock: { cidr: '10.0.0.0/24', except: ['10.0.0.3/32'] } })('other/web', 'shop/db')]).toEqual([true, false])
    expect([from({ namespaceSelector: { matchExpressions: [{ key: 'team', operator: 'In', values: ['blue'] }] }, podSelector: { matchExpressions: [{ key: 'app', operator: 'NotIn', values: ['db'] }] } })('shop/web', 'shop/db')]).toEqual([true])
    expect(np({ podSelector: db, ingress: [{}] })('8.8.8.8', 'shop/db', 9, 'UDP')).toBe(true)
    expect(np({ podSelector: db, ingress: [{ ports: [{ protocol: 'TCP' }, { port: 53 }] }] })('8.8.8.8', 'shop/db', 99)).toBe(true)
  })
})
