import { expect, test } from 'vitest'
import type { CSIDriver } from '../generated/types.ts'
import { csiDriver } from './csi-driver.ts'

const driver = (spec: object): CSIDriver => ({ apiVersion: 'storage.k8s.io/v1', kind: 'CSIDriver', metadata: { name: 'd.example.com' }, spec } as CSIDriver)
const updated = (before: object, after: object) => {
  const [old, draft] = [driver(before), driver(after)]
  csiDriver.strategy.beforeUpdate!(draft, old, { nowMs: 0 } as never)
  return { generation: draft.metadata.generation, warnings: csiDriver.strategy.warningsOnUpdate!(draft, old) }
}

test('every change of a driver counts, but for fields of features that are off', () => {
  expect(updated({ storageCapacity: false }, { storageCapacity: true }).generation).toBe(1)
  expect(updated({}, { preventPodSchedulingIfMissing: true }).generation).toBeUndefined()
})

test('tokens that are asked for anew are warned of until it is said where they go', () => {
  const tokenRequests = [{ audience: 'a' }]
  expect(updated({}, { tokenRequests }).warnings).toHaveLength(1)
  expect(updated({ tokenRequests }, { tokenRequests, storageCapacity: true }).warnings).toEqual([])
  expect(updated({}, { tokenRequests, serviceAccountTokenInSecrets: true }).warnings).toEqual([])
})
