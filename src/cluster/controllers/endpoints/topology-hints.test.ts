import { expect, it } from 'vitest'
import type { EndpointSlice, Node, Pod, Service } from '../../kinds/generated/types.ts'
import { startTestControlPlane } from '../test-control-plane.ts'
import { planSlices, withHintsOf } from './endpoint-slice.ts'
import type { Endpoint, SlicesPlan } from './endpoint-slice.ts'
import { addTopologyHints, HintedServices, zoneShares } from './topology-hints.ts'

const node = (zone: string | undefined, cpu: string, more: { ready?: boolean; controlPlane?: boolean } = {}) => ({
  metadata: { labels: { ...(zone ? { 'topology.kubernetes.io/zone': zone } : {}), ...(more.controlPlane ? { 'node-role.kubernetes.io/control-plane': '' } : {}) } },
  status: { allocatable: { cpu }, conditions: [{ type: 'Ready', status: more.ready === false ? 'False' : 'True' }] },
}) as unknown as Node
const endpoints = (...zones: (string | undefined)[]): Endpoint[] => zones.map((zone, i) => ({ addresses: [`10.244.0.${i}`], conditions: { ready: true }, ...(zone ? { zone } : {}) }))
const hintsOf = (list: readonly Endpoint[] | undefined) => (list ?? []).map(({ hints }) => hints?.forZones?.[0]?.name).join('')
const planOf = (list: Endpoint[]): SlicesPlan => ({ create: [{ ports: [], endpoints: list }], update: [], remove: [] })

it('zones have their share of the processors, where that can be said', () => {
  expect(Object.fromEntries(zoneShares([node('a', '2'), node('a', '2'), node('b', '1'), node('b', '3', { ready: false }), node(undefined, '8', { controlPlane: true })])!)).toEqual({ a: 0.8, b: 0.2 })
  expect(zoneShares([node('a', '2'), node(undefined, '2')])).toBeUndefined()
  expect(zoneShares([node('a', '2'), node('a', '2')])).toBeUndefined()
})

it('endpoints are their own zone’s, but for those of zones with too many', () => {
  const even = new Map([['a', 1 / 3], ['b', 1 / 3], ['c', 1 / 3]])
  const hinted = (shares: ReadonlyMap<string, number>, ...zones: string[]) => { const plan = planOf(endpoints(...zones)); const given = addTopologyHints(plan, [], shares); return typeof given === 'string' ? given : hintsOf(plan.create[0]!.endpoints) }
  expect(hinted(even, 'a', 'b', 'c')).toBe('abc')
  expect(hinted(even, 'a', 'a', 'a', 'a', 'b', 'c')).toBe('bcaabc')
  expect(hinted(new Map([['a', 0.5], ['b', 0.5]]), 'a', 'a', 'a', 'b')).toBe('baab')
  expect(hinted(even, 'a', 'b')).toBe('Insufficient number of endpoints (2 endpoints, 3 zones)')
  expect(hinted(new Map([['a', 0.9], ['b', 0.05], ['c', 0.05]]), 'a', 'b', 'c')).toBe('Unable to allocate minimum required endpoints to each zone without exceeding overload threshold (3 endpoints, 3 zones)')
})

it('a slice that stays keeps its hints, and loses them where there can be none', () => {
  const shares = new Map([['a', 0.5], ['b', 0.5]])
  const plan = planOf(endpoints('a', 'b'))
  addTopologyHints(plan, [], shares)
  const slice = (list: Endpoint[]) => ({ metadata: { uid: 'u' }, endpoints: list }) as unknown as EndpointSlice
  const kept: SlicesPlan = { create: [], update: [], remove: [] }
  expect([addTopologyHints(kept, [slice(plan.create[0]!.endpoints)], shares), kept.update]).toEqual([new Map([['a', 1], ['b', 1]]), []])
  expect(addTopologyHints(kept, [slice(endpoints('a', undefined))], shares)).toBe('One or more endpoints do not have a zone specified')
  const gone: SlicesPlan = { create: [], update: [], remove: [] }
  expect(addTopologyHints(gone, [slice(plan.create[0]!.endpoints)], undefined)).toContain('Insufficient Node information')
  expect(hintsOf(gone.update[0]!.endpoints)).toBe('')
})

it('endpoints come to a slice that was empty, and one that is as it was stays with its hints', () => {
  const labels = () => ({})
  const shares = new Map([['a', 0.5], ['b', 0.5]])
  const empty = { metadata: { uid: 'u', labels: {} }, endpoints: null, ports: null } as unknown as EndpointSlice
  const group = { ports: [], endpoints: endpoints('a', 'b') }
  const first = planSlices([empty], withHintsOf([empty], [group]), labels)
  addTopologyHints(first, [empty], shares)
  expect(hintsOf(first.update[0]!.endpoints)).toBe('ab')
  const filled = { ...empty, endpoints: first.update[0]!.endpoints }
  expect(planSlices([filled], withHintsOf([filled], [group]), labels)).toEqual({ create: [], update: [], remove: [] })
})

it('a Service is told once that it has hints, and once that it has none any more', async () => {
  const plane = await startTestControlPlane({ scheduler: false })
  const { api, clock } = plane
  for (const zone of ['a', 'b']) {
    await plane.addNode(zone, { labels: { 'topology.kubernetes.io/zone': zone } })
    await api.create<Pod>('pods', { apiVersion: 'v1', kind: 'Pod', metadata: { name: zone, namespace: 'default', labels: { app: 'x' } }, spec: { nodeName: zone, containers: [{ name: 'c', image: 'i' }] } } as unknown as Pod)
    const pod = await api.get<Pod>('pods', zone, 'default')
    await api.updateStatus('pods', { ...pod, status: { phase: 'Running', podIP: `10.0.0.${zone === 'a' ? 1 : 2}`, conditions: [{ type: 'Ready', status: 'True' }] } } as Pod)
  }
  await api.create<Service>('services', {
    apiVersion: 'v1', kind: 'Service', metadata: { name: 's', namespace: 'default', annotations: { 'service.kubernetes.io/topology-mode': 'Auto' } },
    spec: { selector: { app: 'x' }, ports: [{ port: 80 }] },
  } as unknown as Service)
  const told = async () => (await api.list('events', { namespace: 'default' })).items.flatMap((event) => String(event['reason']).startsWith('TopologyAwareHints') ? [event['message'] as string] : [])
  await clock.advance(5_000)
  await api.patch('services', 's', 'default', 'application/merge-patch+json', { metadata: { labels: { touched: '' } } })
  await clock.advance(5_000)
  expect(await told()).toEqual(['Topology Aware Hints has been enabled, addressType: IPv4'])
  await api.patch('services', 's', 'default', 'application/merge-patch+json', { metadata: { annotations: { 'service.kubernetes.io/topology-mode': null } } })
  await clock.advance(5_000)
  expect((await told()).sort()).toEqual(['Topology Aware Hints has been disabled, addressType: IPv4', 'Topology Aware Hints has been enabled, addressType: IPv4'])
  const [slice] = (await api.list<EndpointSlice>('endpointslices.discovery.k8s.io', { namespace: 'default' })).items
  expect([slice!.endpoints?.length, hintsOf(slice!.endpoints)]).toEqual([2, ''])
  plane.stop()
})

it('Services are looked at again when a change of nodes leaves a zone too few of their endpoints', () => {
  const hinted = new HintedServices()
  hinted.set('default/web', 'IPv4', addTopologyHints(planOf(endpoints('a', 'a', 'a', 'b')), [], new Map([['a', 0.5], ['b', 0.5]])) as ReadonlyMap<string, number>)
  expect([[0.5, 0.5], [0.6, 0.4], [0.9, 0.1]].map(([a, b]) => hinted.overloaded(new Map([['a', a!], ['b', b!]])))).toEqual([[], [], ['default/web']])
  expect(hinted.overloaded(new Map([['a', 0.4], ['b', 0.4], ['c', 0.2]]))).toEqual(['default/web'])
  expect(hinted.overloaded(undefined)).toEqual(['default/web'])
  hinted.remove('default/web', 'IPv4')
  expect([hinted.has('default/web'), hinted.overloaded(undefined)]).toEqual([false, []])
})
