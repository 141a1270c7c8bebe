import { afterEach, expect, test } from 'vitest'
import type { Endpoints, EndpointSlice, Service } from '../../kinds/generated/types.ts'
import { startTestControlPlane, type TestControlPlane } from '../test-control-plane.ts'

let plane: TestControlPlane
afterEach(() => plane.stop())

const slices = async () => (await plane.api.list<EndpointSlice>('endpointslices.discovery.k8s.io', { namespace: 'default' })).items
const owned = (slice: EndpointSlice) => Object.keys((slice.metadata.managedFields![0] as { fieldsV1: object }).fieldsV1).sort()

async function start(subsets: Endpoints['subsets']): Promise<void> {
  plane = await startTestControlPlane({ scheduler: false })
  await plane.api.create<Service>('services', { apiVersion: 'v1', kind: 'Service', metadata: { name: 'outside', namespace: 'default' }, spec: { ports: [{ port: 80 }] } } as unknown as Service)
  await plane.api.create<Endpoints>('endpoints', { apiVersion: 'v1', kind: 'Endpoints', metadata: { name: 'outside', namespace: 'default', labels: { a: 'b' } }, subsets } as unknown as Endpoints)
  await plane.clock.advance(1000)
}

test('a subset becomes one slice, however many addresses it has, and one that nobody wants any more becomes the next', async () => {
  await start([{ addresses: Array.from({ length: 150 }, (_, i) => ({ ip: `10.0.0.${i + 1}` })), ports: [{ name: 'a', port: 80 }] }] as Endpoints['subsets'])
  const before = await slices()
  expect(before.map(({ endpoints }) => endpoints!.length)).toEqual([150])
  await plane.api.patch('endpoints', 'outside', 'default', 'application/merge-patch+json', { subsets: [{ addresses: [{ ip: '10.0.0.9' }], ports: [{ name: 'a', port: 81 }] }] })
  await plane.clock.advance(1000)
  expect((await slices()).map(({ metadata: { name, generation }, ports, endpoints }) => [name, generation, ports![0]!.port, endpoints!.length])).toEqual([[before[0]!.metadata.name, 2, 81, 1]])
})

test('addresses beyond the first thousand are left out, which an event tells', async () => {
  await start([{ addresses: Array.from({ length: 1003 }, (_, i) => ({ ip: `10.0.${i >> 8}.${i & 255}` })), ports: [{ port: 80 }] }] as Endpoints['subsets'])
  expect((await slices()).map(({ endpoints }) => endpoints!.length)).toEqual([1000])
  const events = (await plane.api.list<any>('events', { namespace: 'default' })).items
  expect(events.map(({ reason, message }) => `${reason}: ${message}`)).toEqual(['TooManyAddressesToMirror: A max of 1000 addresses can be mirrored to EndpointSlices per Endpoints subset. 3 addresses were skipped'])
})

test('nobody owns the endpoints of an empty slice', async () => {
  plane = await startTestControlPlane({ scheduler: false })
  await plane.api.create<Service>('services', { apiVersion: 'v1', kind: 'Service', metadata: { name: 'empty', namespace: 'default' }, spec: { selector: { a: 'b' }, ports: [{ port: 80 }] } } as unknown as Service)
  await plane.clock.advance(1000)
  expect((await slices()).map((slice) => [slice.endpoints, owned(slice)])).toEqual([[null, ['f:addressType', 'f:metadata']]])
})
