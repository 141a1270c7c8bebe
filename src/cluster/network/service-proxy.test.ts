import { expect, it } from 'vitest'
import { Random } from '../../base/random.ts'
import { endpointOf } from '../controllers/endpoints/endpoint-slice.ts'
import type { EndpointSlice, Node, Pod, Service } from '../kinds/generated/types.ts'
import { rulesOf } from './service-proxy.ts'
import { ServiceTable } from './service-table.ts'
import type { ServiceClient } from './service-table.ts'

const ZONES = new Map([['a', 'east'], ['b', 'east'], ['c', 'west']])

/** Where clients on the nodes may land, with a ready pod on each of the given nodes. */
function reached(trafficDistribution: string, podNodes: readonly string[]) {
  const service = { metadata: { name: 'web', namespace: 'default' }, spec: { clusterIP: '10.96.0.9', ports: [{ port: 80 }], trafficDistribution } } as Service
  const endpoints = podNodes.map((nodeName, i) => {
    const pod = { metadata: { name: nodeName, namespace: 'default', uid: nodeName }, spec: { nodeName }, status: { podIPs: [{ ip: `10.244.0.${i + 2}` }], conditions: [{ type: 'Ready', status: 'True' }] } } as unknown as Pod
    return endpointOf(pod, { metadata: { name: nodeName, labels: { 'topology.kubernetes.io/zone': ZONES.get(nodeName)! } } } as unknown as Node, service, 'IPv4')!
  })
  const table = new ServiceTable(new Random('1'), () => 0)
  table.setNodes(new Map([...ZONES].map(([name, zone]) => [name, { zone, isLeaving: false }])))
  table.replace(rulesOf(service, [{ metadata: {}, addressType: 'IPv4', ports: [{ name: '', port: 80 }], endpoints } as unknown as EndpointSlice]))
  const from = (node: string) => [...new Set(Array.from({ length: 40 }, () => {
    const translated = table.translate('TCP', '10.96.0.9', 80, { ip: '10.244.9.9', kind: 'pod' }, node, false)
    return translated.kind === 'endpoint' ? translated.endpoint.nodeName : translated.kind
  }))].sort().join('')
  return { a: from('a'), b: from('b'), c: from('c') }
}

it('trafficDistribution keeps connections on the node or in the zone, where there is an endpoint', () => {
  expect(reached('PreferSameNode', ['a', 'b', 'c'])).toEqual({ a: 'a', b: 'b', c: 'c' })
  expect(reached('PreferSameNode', ['a', 'c'])).toEqual({ a: 'a', b: 'a', c: 'c' })
  expect(reached('PreferSameZone', ['a', 'b', 'c'])).toEqual({ a: 'ab', b: 'ab', c: 'c' })
  expect(reached('PreferClose', ['a', 'b'])).toEqual({ a: 'ab', b: 'ab', c: 'ab' })
})

/** A Service `web` with one endpoint per node that is given, which serves, terminating or not. */
function tableOf(spec: object, endpoints: readonly { node: string; terminating?: boolean }[], labels: { service?: Record<string, string>; slice?: Record<string, string> } = {}) {
  const service = { metadata: { name: 'web', namespace: 'default', labels: labels.service }, spec: { clusterIP: '10.96.0.9', ports: [{ port: 80, nodePort: 30080 }], ...spec }, status: { loadBalancer: { ingress: [{ ip: '192.0.2.9', ipMode: 'VIP' }] } } } as unknown as Service
  const slice = { metadata: { labels: labels.slice }, addressType: 'IPv4', ports: [{ name: '', port: 80 }], endpoints: endpoints.map(({ node, terminating = false }, i) => ({ addresses: [`10.244.0.${i + 2}`], nodeName: node, conditions: { ready: !terminating, serving: true, terminating } })) } as unknown as EndpointSlice
  const table = new ServiceTable(new Random('1'), () => 0)
  table.replace(rulesOf(service, [slice]))
  const from = (kind: ServiceClient['kind'], node: string, ip = '10.89.0.2') => {
    const found = table.translate('TCP', ip, ip === '10.89.0.2' ? 30080 : 80, { ip: '198.51.100.7', kind }, node, ip === '10.89.0.2')
    return found.kind === 'endpoint' ? `${found.endpoint.nodeName}${found.masquerade ? ' as node' : ''}` : found.kind
  }
  return { from, rules: table.rules() }
}

it('endpoints that terminate serve those who find no ready one, for each traffic policy on its own', () => {
  const external = tableOf({ externalTrafficPolicy: 'Local' }, [{ node: 'a', terminating: true }, { node: 'b' }])
  expect([external.from('other', 'a'), external.from('other', 'b'), external.from('other', 'c'), external.from('pod', 'a', '10.96.0.9')]).toEqual(['a', 'b', 'drop', 'b'])
  const internal = tableOf({ internalTrafficPolicy: 'Local' }, [{ node: 'a', terminating: true }, { node: 'b' }])
  expect([internal.from('pod', 'a', '10.96.0.9'), internal.from('pod', 'c', '10.96.0.9'), internal.from('other', 'c')]).toEqual(['a', 'drop', 'b as node'])
  expect(tableOf({}, [{ node: 'a', terminating: true }]).from('pod', 'c', '10.96.0.9')).toBe('a')
})

it('externalTrafficPolicy keeps out nobody who is in the cluster already, and hides clients only where nodes pass them on', () => {
  const { from } = tableOf({ externalTrafficPolicy: 'Local' }, [{ node: 'b' }])
  expect([from('pod', 'a'), from('node', 'a'), from('other', 'a'), from('other', 'b')]).toEqual(['b', 'b as node', 'drop', 'b'])
  expect(tableOf({}, [{ node: 'b' }]).from('other', 'b')).toBe('b as node')
})

it('a load balancer lets in only those of its ranges; node ports know none', () => {
  const web = (loadBalancerSourceRanges: string[]) => tableOf({ type: 'LoadBalancer', loadBalancerSourceRanges }, [{ node: 'a' }])
  expect(['192.0.2.9', '10.89.0.2'].map((ip) => web(['203.0.113.0/24']).from('other', 'a', ip))).toEqual(['drop', 'a as node'])
  expect([['198.51.100.0/24 '], ['203.0.113.0/24', '0.0.0.0/0'], []].map((ranges) => web(ranges).from('other', 'a', '192.0.2.9'))).toEqual(['a as node', 'a as node', 'a as node'])
})

it('leaves alone Services of another proxy, and the slices of headless ones', () => {
  const [proxyName, headless] = ['service.kubernetes.io/service-proxy-name', 'service.kubernetes.io/headless']
  expect(tableOf({}, [{ node: 'a' }], { service: { [proxyName]: '' } }).rules).toEqual([])
  expect(tableOf({}, [{ node: 'a' }], { slice: { [headless]: '' } }).from('pod', 'a', '10.96.0.9')).toBe('reject')
  for (const labels of [{ service: { [headless]: '' } }, { slice: { [proxyName]: '' } }]) expect(tableOf({}, [{ node: 'a' }], labels).from('pod', 'a', '10.96.0.9')).toBe('a')
})

it('counts an endpoint once that several slices have, and takes no addresses of other families', () => {
  const service = { metadata: { name: 'web', namespace: 'default' }, spec: { clusterIP: '10.96.0.9', ports: [{ port: 80 }] } } as Service
  const slice = (addressType: string, address: string, conditions?: object) => ({ metadata: {}, addressType, ports: [{ name: '', port: 80 }], endpoints: [{ addresses: [address], nodeName: 'a', conditions }] }) as unknown as EndpointSlice
  const ending = { ready: false, terminating: true }
  const endpoints = (...slices: EndpointSlice[]) => rulesOf(service, slices)[0]!.endpoints
  const ready = { ip: '10.244.0.2', port: 80, nodeName: 'a' }
  expect(endpoints(slice('IPv4', ready.ip), slice('IPv4', ready.ip, ending), slice('IPv6', 'fd00::2'), slice('FQDN', 'example.com'))).toEqual([ready])
  expect(endpoints(slice('IPv4', ready.ip, ending), slice('IPv4', ready.ip))).toEqual([ready])
  // Who doesn't say whether it serves does so.
  expect(endpoints(slice('IPv4', ready.ip, ending))).toEqual([{ ...ready, isTerminating: true }])
})
