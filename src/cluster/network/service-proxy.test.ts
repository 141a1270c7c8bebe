import { expect, it } from 'vitest'
import { Random } from '../../base/random.ts'
import { endpointOf } from '../controllers/endpoints/endpoint-slice.ts'
import type { EndpointSlice, Node, Pod, Service } from '../kinds/generated/types.ts'
import { rulesOf } from './service-proxy.ts'
import { ServiceTable } from './service-table.ts'

const ZONES = new Map([['a', 'east'], ['b', 'east'], ['c', 'west']])

/** Where clients on the nodes may land, with a ready pod on each of the given nodes. */
function reached(trafficDistribution: string, podNodes: readonly string[]) {
  const service = { metadata: { name: 'web', namespace: 'default' }, spec: { clusterIP: '10.96.0.9', ports: [{ port: 80 }], trafficDistribution } } as Service
  const endpoints = podNodes.map((nodeName, i) => {
    const pod = { metadata: { name: nodeName, namespace: 'default', uid: nodeName }, spec: { nodeName }, status: { podIPs: [{ ip: `10.244.0.${i + 2}` }], conditions: [{ type: 'Ready', status: 'True' }] } } as unknown as Pod
    return endpointOf(pod, { metadata: { name: nodeName, labels: { 'topology.kubernetes.io/zone': ZONES.get(nodeName)! } } } as unknown as Node, service, 'IPv4')!
  })
  const table = new ServiceTable(new Random('1'), () => 0)
  table.setZones(ZONES)
  table.replace(rulesOf(service, [{ addressType: 'IPv4', ports: [{ name: '', port: 80 }], endpoints } as unknown as EndpointSlice]))
  const from = (node: string) => [...new Set(Array.from({ length: 40 }, () => {
    const translated = table.translate('TCP', '10.96.0.9', 80, '10.244.9.9', node, false)
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
