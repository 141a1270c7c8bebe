import { expect, test } from 'vitest'
import { ClusterClock } from '../../../base/clock.ts'
import { testPlatform } from '../../../base/test-platform.ts'
import { GrpcError } from '../../../unix/net/grpc.ts'
import type { PersistentVolume, PersistentVolumeClaim, PersistentVolumeClaimCondition } from '../../kinds/generated/types.ts'
import { VolumeModifier } from './volume-modifier.ts'

const volume = { metadata: { name: 'pv' }, spec: { csi: { driver: 'd', volumeHandle: 'h' } } } as unknown as PersistentVolume

/** A cluster with one claim and two classes, and a driver that answers as `answer` does. */
function cluster(answer: (parameters: object) => void) {
  const clock = new ClusterClock(testPlatform, { startMs: Date.parse('2026-01-01T00:00:00Z'), mode: 'paused' })
  let claim = { metadata: { name: 'c', namespace: 'default', resourceVersion: '1' }, spec: {}, status: { phase: 'Bound' } } as unknown as PersistentVolumeClaim
  const calls: object[] = []
  const events: string[] = []
  const change = (body: { spec?: object; status?: object }) => { claim = { ...claim, metadata: { ...claim.metadata, resourceVersion: String(Number(claim.metadata.resourceVersion) + 1) }, spec: { ...claim.spec, ...body.spec }, status: { ...claim.status, ...body.status } } as PersistentVolumeClaim }
  const client = {
    async fetch(path: string, init: { body?: string }) {
      const name = path.split('/').at(-1)!
      if (path.includes('volumeattributesclasses')) return name === 'none' ? Response.json({ kind: 'Status', code: 404, reason: 'NotFound', message: 'none' }, { status: 404 }) : Response.json({ metadata: { name }, parameters: { is: name } })
      const { status } = JSON.parse(init.body!) as { status?: { conditions?: PersistentVolumeClaimCondition[]; modifyVolumeStatus?: object | null } }
      if (status) change({ status: { ...status, ...(status.modifyVolumeStatus === null ? { modifyVolumeStatus: undefined } : {}), ...(status.conditions ? { conditions: status.conditions.slice(1) } : {}) } })
      return Response.json(claim)
    },
  }
  const driver = { name: 'd', call: async (_: string, { mutableParameters }: { mutableParameters: object }) => { calls.push(mutableParameters); answer(mutableParameters) } }
  const modifier = new VolumeModifier({ proc: { clock }, client, driver, flags: new Map() } as never, { event: (_: unknown, __: string, reason: string, message: string) => { events.push(`${reason}: ${message}`) } } as never)
  return {
    clock, calls, events, claim: () => claim, want: (name: string) => change({ spec: { volumeAttributesClassName: name } }), modify: () => modifier.modify('default/c', claim, volume), forget: () => modifier.forget('default/c'),
    conditions: () => (claim.status!.conditions ?? []).map(({ type, reason = '', message }) => `${type} ${reason}: ${message}`),
  }
}

test('what a driver can\'t do is told in conditions and tried again late; another class at once', async () => {
  const { clock, calls, events, claim, want, modify, conditions } = cluster((parameters) => { if ((parameters as { is: string }).is === 'bad') throw new GrpcError('InvalidArgument', 'no such parameter') })
  want('bad')
  expect(await modify()).toBe(300_000)
  expect(claim().status!.modifyVolumeStatus).toEqual({ targetVolumeAttributesClassName: 'bad', status: 'Infeasible' })
  expect(conditions()).toEqual(['ModifyingVolume : Modifying volume to "bad" failed. Waiting for retry.', 'ModifyVolumeError InvalidArgument: no such parameter'])
  await clock.advance(100_000)
  expect(await modify()).toBe(200_000)
  expect(calls).toHaveLength(1)
  want('good')
  expect(await modify()).toBeUndefined()
  expect(claim().status).toMatchObject({ currentVolumeAttributesClassName: 'good', modifyVolumeStatus: undefined, conditions: [] })
  expect(calls).toEqual([{ is: 'bad' }, { is: 'good' }])
  expect(events).toEqual([
    'VolumeModify: external resizer is modifying volume c with vac bad', 'VolumeModifyFailed: rpc error: code = InvalidArgument desc = no such parameter',
    'VolumeModify: external resizer is modifying volume c with vac good', 'VolumeModifySuccessful: external resizer modified volume c with vac good successfully',
  ])
})

test('what a driver may still be at is ended before another class is tried', async () => {
  let isBusy = true
  const { calls, claim, want, modify, conditions } = cluster(() => { if (isBusy) throw new GrpcError('DeadlineExceeded', 'late') })
  want('first')
  await expect(modify()).rejects.toThrow('late')
  expect(conditions()).toEqual(['ModifyingVolume : Modifying volume to "first" is still in progress.', 'ModifyVolumeError DeadlineExceeded: late'])
  want('second')
  isBusy = false
  await modify()
  expect(claim().status!.currentVolumeAttributesClassName).toBe('first')
  await modify()
  expect(claim().status!.currentVolumeAttributesClassName).toBe('second')
  expect(calls).toEqual([{ is: 'first' }, { is: 'first' }, { is: 'second' }])
})

test('a class that does not exist leaves the change pending', async () => {
  const { calls, claim, want, modify } = cluster(() => {})
  want('none')
  await expect(modify()).rejects.toThrow()
  expect(claim().status!.modifyVolumeStatus).toEqual({ status: 'Pending' })
  expect(calls).toEqual([])
})

test('what was known of a claim goes with it: another one of its name has the change that it finds in progress ended first', async () => {
  const { calls, want, modify, forget, claim } = cluster(() => {})
  want('first')
  await modify()
  want('second')
  claim().status!.modifyVolumeStatus = { targetVolumeAttributesClassName: 'first', status: 'InProgress' }
  forget()
  await modify()
  expect(calls).toEqual([{ is: 'first' }, { is: 'first' }])
})
