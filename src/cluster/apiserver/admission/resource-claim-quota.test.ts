import { expect, test } from 'vitest'
import { quotaUsage } from './quota-evaluators.ts'
import type { ResourceQuota } from '../../kinds/generated/types.ts'
import type { KubeObject } from '../../kinds/object.ts'

const claim = (...requests: object[]) => ({ apiVersion: 'resource.k8s.io/v1', kind: 'ResourceClaim', metadata: { name: 'c', namespace: 'default' }, spec: { devices: { requests } } }) as unknown as KubeObject
const quota = { apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'q', namespace: 'default' }, spec: { hard: { 'count/resourceclaims.resource.k8s.io': '5', 'gold.deviceclass.resource.k8s.io/devices': '9', 'tin.deviceclass.resource.k8s.io/devices': '9' } } } as unknown as ResourceQuota
const used = (...claims: KubeObject[]) => quotaUsage(quota, (resource) => resource === 'resourceclaims.resource.k8s.io' ? claims : [], 0)
const usage = (count: string, gold: string, tin: string) => ({ 'count/resourceclaims.resource.k8s.io': count, 'gold.deviceclass.resource.k8s.io/devices': gold, 'tin.deviceclass.resource.k8s.io/devices': tin })

test('a quota for the devices of a class is used by nothing until there are claims', () => {
  expect(used()).toEqual(usage('0', '0', '0'))
})

test('claims use devices of the classes that they name', () => {
  const gold = (count: number) => ({ name: 'a', exactly: { deviceClassName: 'gold', allocationMode: 'ExactCount', count } })
  expect(used(claim(gold(2), { ...gold(1), name: 'b' }), claim(gold(3)))).toEqual(usage('2', '6', '0'))
})

test('a request for all devices counts for as many as one claim may get', () => {
  expect(used(claim({ name: 'a', exactly: { deviceClassName: 'tin', allocationMode: 'All' } }))).toEqual(usage('1', '0', '32'))
})

test('of alternatives the most demanding counts, for each class', () => {
  const alternative = (deviceClassName: string, count: number) => ({ name: 'x', deviceClassName, allocationMode: 'ExactCount', count })
  expect(used(claim({ name: 'a', firstAvailable: [alternative('gold', 1), alternative('gold', 4), alternative('tin', 2)] }))).toEqual(usage('1', '4', '2'))
})
