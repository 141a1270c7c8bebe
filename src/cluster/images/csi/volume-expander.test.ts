import { expect, test } from 'vitest'
import { ClusterClock } from '../../../base/clock.ts'
import { testPlatform } from '../../../base/test-platform.ts'
import { GrpcError } from '../../../unix/net/grpc.ts'
import type { PersistentVolume, PersistentVolumeClaim } from '../../kinds/generated/types.ts'
import { concernsExpansion, VolumeExpander } from './volume-expander.ts'

const GIB = 2 ** 30

/** A claim of 1Gi that asks for `wanted`, and a driver that answers as `answer` does. */
function cluster(wanted: string, answer: (bytes: number) => boolean, { growsHere = true } = {}) {
  const clock = new ClusterClock(testPlatform, { startMs: Date.parse('2026-01-01T00:00:00Z'), mode: 'paused' })
  const held = {
    claim: { metadata: { name: 'c', namespace: 'default', resourceVersion: '1' }, spec: { resources: { requests: { storage: wanted } } }, status: { phase: 'Bound', capacity: { storage: '1Gi' } } } as unknown as PersistentVolumeClaim,
    volume: { metadata: { name: 'pv' }, spec: { capacity: { storage: '1Gi' }, csi: { driver: 'd', volumeHandle: 'h' } } } as unknown as PersistentVolume,
  }
  const calls: number[] = []
  const client = {
    async fetch(path: string, init: { body: string }) {
      const { spec, status } = JSON.parse(init.body) as { spec?: object; status?: Record<string, any> }
      if (path.includes('persistentvolumes/')) return Response.json(held.volume = { ...held.volume, spec: { ...held.volume.spec, ...spec } } as PersistentVolume)
      const { conditions, allocatedResourceStatuses, ...rest } = status!
      held.claim = { ...held.claim, status: { ...held.claim.status, ...rest, conditions: (conditions as object[]).slice(1), ...(allocatedResourceStatuses ? { allocatedResourceStatuses: (allocatedResourceStatuses as { storage: string | null }).storage === null ? undefined : allocatedResourceStatuses } : {}) } } as PersistentVolumeClaim
      return Response.json(held.claim)
    },
  }
  const driver = {
    name: 'd', controllerCapabilities: new Set(growsHere ? ['EXPAND_VOLUME'] : []),
    async call(_: string, { capacityRange: { requiredBytes } }: { capacityRange: { requiredBytes: number } }) {
      calls.push(requiredBytes / GIB)
      return { capacityBytes: requiredBytes, nodeExpansionRequired: answer(requiredBytes) }
    },
  }
  const expander = new VolumeExpander({ proc: { clock }, client, driver, flags: new Map() } as never, { event: () => {} } as never, { claims: { put() {} }, volumes: { put() {} } } as never)
  return {
    held, calls, clock, expand: () => expander.expand('default/c', held.claim, held.volume),
    want: (storage: string) => { held.claim = { ...held.claim, spec: { resources: { requests: { storage } } } } as PersistentVolumeClaim },
    status: (storage: 'NodeResizeInfeasible') => { held.claim = { ...held.claim, status: { ...held.claim.status, allocatedResourceStatuses: { storage } } } },
    types: () => (held.claim.status!.conditions ?? []).map(({ type }) => type),
  }
}

const tooBig = (code: 'OutOfRange' | 'PermissionDenied') => (bytes: number) => { if (bytes > 4 * GIB) throw new GrpcError(code, 'no'); return false }

test('a size that can\'t be had is tried again late, and a smaller one at once', async () => {
  const { held, calls, expand, want, types } = cluster('9Gi', tooBig('OutOfRange'))
  await expect(expand()).rejects.toThrow('resize volume "pv" by resizer "d" failed: rpc error: code = OutOfRange desc = no')
  expect(held.claim.status).toMatchObject({ allocatedResources: { storage: '9Gi' }, allocatedResourceStatuses: { storage: 'ControllerResizeInfeasible' } })
  expect(types()).toEqual(['Resizing', 'ControllerResizeError'])
  await expect(expand()).rejects.toThrow('OutOfRange')
  expect(await expand()).toBe(300_000)
  want('3Gi')
  expect(await expand()).toBeUndefined()
  expect(calls).toEqual([9, 9, 3])
  expect(held.claim.status).toMatchObject({ capacity: { storage: '3Gi' }, allocatedResources: { storage: '3Gi' }, allocatedResourceStatuses: undefined, conditions: [] })
})

test('a driver that may still be at it is asked for the same again, one that is not for what is wanted now', async () => {
  let code: 'DeadlineExceeded' | 'PermissionDenied' = 'DeadlineExceeded'
  const { calls, expand, want } = cluster('9Gi', () => { throw new GrpcError(code, 'no') })
  await expect(expand()).rejects.toThrow('DeadlineExceeded')
  want('3Gi')
  code = 'PermissionDenied'
  await expect(expand()).rejects.toThrow('PermissionDenied')
  await expect(expand()).rejects.toThrow('PermissionDenied')
  expect(calls).toEqual([9, 9, 3])
})

test('what a node couldn\'t do may be taken back where only nodes make the volume grow', async () => {
  const onNode = cluster('9Gi', () => true, { growsHere: false })
  await onNode.expand()
  expect(onNode.held.claim.status!.allocatedResourceStatuses).toEqual({ storage: 'NodeResizePending' })
  expect(onNode.types()).toEqual(['Resizing', 'FileSystemResizePending'])
  onNode.status('NodeResizeInfeasible')
  onNode.want('3Gi')
  await onNode.expand()
  expect(onNode.held.claim.status!.allocatedResources).toEqual({ storage: '3Gi' })
  const here = cluster('9Gi', () => true)
  await here.expand()
  here.status('NodeResizeInfeasible')
  here.want('3Gi')
  await here.expand()
  expect(here.held.claim.status).toMatchObject({ allocatedResources: { storage: '9Gi' }, allocatedResourceStatuses: { storage: 'NodeResizePending' } })
})

test('only sizes and how far they have got concern the resizer', () => {
  const { held } = cluster('9Gi', () => true)
  expect(concernsExpansion(held.claim, undefined)).toBe(true)
  expect(concernsExpansion({ ...held.claim, status: { ...held.claim.status, conditions: [{ type: 'Resizing', status: 'True' }] } }, held.claim)).toBe(false)
  expect(concernsExpansion({ ...held.claim, status: { ...held.claim.status, allocatedResourceStatuses: { storage: 'NodeResizeInfeasible' } } }, held.claim)).toBe(true)
})
