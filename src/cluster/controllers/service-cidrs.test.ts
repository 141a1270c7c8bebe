import { afterEach, expect, test } from 'vitest'
import { findCondition } from '../client/conditions.ts'
import type { Service, ServiceCIDR } from '../kinds/generated/types.ts'
import { startTestControlPlane, type TestControlPlane } from './test-control-plane.ts'

let plane: TestControlPlane
afterEach(() => plane.stop())

const RESOURCE = 'servicecidrs.networking.k8s.io'
const range = (name: string, cidr: string) => plane.api.create(RESOURCE, { apiVersion: 'networking.k8s.io/v1', kind: 'ServiceCIDR', metadata: { name }, spec: { cidrs: [cidr] } } as ServiceCIDR)
const service = async (name: string) => (await plane.api.create<Service>('services', { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace: 'default' }, spec: { ports: [{ port: 80 }] } } as unknown as Service)).spec.clusterIP!
const current = (name: string) => plane.api.get<ServiceCIDR>(RESOURCE, name)

test('a second range gives addresses when the first is full, and stays until they are given back', async () => {
  plane = await startTestControlPlane()
  await range('small', '10.97.0.0/29')
  await plane.clock.settle()
  expect((await current('small')).metadata.finalizers).toEqual(['networking.k8s.io/service-cidr-finalizer'])
  expect(findCondition((await current('small')).status?.conditions, 'Ready')).toMatchObject({ status: 'True', reason: '', message: 'Kubernetes Service CIDR is ready' })
  const first = []
  for (let i = 0; i < 6; i++) first.push(await service(`s${i}`))
  expect(first.every((ip) => ip.startsWith('10.97.0.'))).toBe(true)
  await expect(service('late')).rejects.toThrow('failed to allocate a serviceIP for Service "late": range is full')
  await range('more', '10.98.0.0/24')
  expect(await service('late')).toMatch(/^10\.98\.0\.\d+$/)
  await plane.api.delete(RESOURCE, 'more')
  await plane.clock.advance(20_000)
  expect(findCondition((await current('more')).status?.conditions, 'Ready')).toMatchObject({ status: 'False', reason: 'Terminating', message: 'There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR' })
  await expect(service('later')).rejects.toThrow('range is full')
  await plane.api.delete('services', 'late', 'default')
  await plane.clock.advance(20_000)
  await expect(current('more')).rejects.toMatchObject({ reason: 'NotFound' })
  expect(await current('small')).toBeDefined()
})

test('a range inside another may go at once', async () => {
  plane = await startTestControlPlane()
  await range('outer', '10.97.0.0/16')
  await range('inner', '10.97.0.0/24')
  await service('web')
  await plane.api.delete(RESOURCE, 'inner')
  await plane.clock.advance(5_000)
  expect((await current('inner')).metadata.deletionTimestamp).toBeDefined()
  await plane.clock.advance(10_000)
  await expect(current('inner')).rejects.toMatchObject({ reason: 'NotFound' })
})

test('a range stays for an address that is the last of a smaller one and so not given by that', async () => {
  plane = await startTestControlPlane()
  await range('outer', '10.97.0.0/24')
  await range('inner', '10.97.0.0/29')
  await plane.api.create('services', { apiVersion: 'v1', kind: 'Service', metadata: { name: 'edge', namespace: 'default' }, spec: { clusterIP: '10.97.0.7', ports: [{ port: 80 }] } } as unknown as Service)
  await plane.api.delete(RESOURCE, 'outer')
  await plane.clock.advance(20_000)
  expect(findCondition((await current('outer')).status?.conditions, 'Ready')).toMatchObject({ status: 'False', reason: 'Terminating' })
  await plane.api.delete('services', 'edge', 'default')
  await plane.clock.advance(20_000)
  await expect(current('outer')).rejects.toMatchObject({ reason: 'NotFound' })
  expect(await current('inner')).toBeDefined()
})

test('who takes the ranges away is told whether none were given or no list', async () => {
  plane = await startTestControlPlane()
  await range('small', '10.97.0.0/29')
  const patched = (cidrs: null | []) => plane.api.patch(RESOURCE, 'small', '', 'application/merge-patch+json', { spec: { cidrs } })
  await expect(patched([])).rejects.toThrow('spec.cidrs: Invalid value: []: field is immutable')
  await expect(patched(null)).rejects.toThrow('spec.cidrs: Invalid value: null: field is immutable')
})
