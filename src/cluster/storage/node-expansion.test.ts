import { expect, test } from 'vitest'
import { ClusterClock } from '../../base/clock.ts'
import { testPlatform } from '../../base/test-platform.ts'
import type { PersistentVolume, PersistentVolumeClaim, Pod } from '../kinds/generated/types.ts'
import { ExpansionError, NodeExpansion } from './node-expansion.ts'
import type { ClaimStatusChange, ExpansionReports } from './node-expansion.ts'
import { UncertainMountError } from './volume.ts'

const pod = { metadata: { name: 'p', namespace: 'default', uid: 'u' }, spec: {} } as unknown as Pod

/** A claim of 1Gi whose volume has grown to 3Gi, on a node whose driver answers as `expand` says. */
function lab(expand: (size: string) => void, { status = 'NodeResizePending', spec = '3Gi', size = '3Gi' } = {}) {
  const clock = new ClusterClock(testPlatform, { startMs: 0, mode: 'paused' })
  const volume = { metadata: { name: 'pv' }, spec: { capacity: { storage: size } } } as unknown as PersistentVolume
  const cluster = { resizeStatus: status as string | undefined, capacity: '1Gi', spec }
  const claim = () => ({
    metadata: { name: 'c', namespace: 'default', resourceVersion: '1' }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: cluster.spec } } },
    status: { capacity: { storage: cluster.capacity }, allocatedResources: { storage: '3Gi' }, ...(cluster.resizeStatus ? { allocatedResourceStatuses: { storage: cluster.resizeStatus } } : {}) },
  }) as unknown as PersistentVolumeClaim
  const changes: ClaimStatusChange[] = []
  const events: string[] = []
  const expansion: ExpansionReports = {
    failed: new Set(),
    setStatus: async (_claim, change) => {
      changes.push(change)
      if (change.resizeStatus !== undefined) cluster.resizeStatus = change.resizeStatus ?? undefined
      if (change.capacity) cluster.capacity = change.capacity
      return claim()
    },
    event: (_pod, _claim, _type, reason, message) => { events.push(`${reason}: ${message}`) },
  }
  const gone = new AbortController()
  const work = new NodeExpansion({
    volume, claim: claim(), pod, readOnly: false, signal: gone.signal, expand: async (size) => expand(size),
    context: { clock, nodeName: 'n', expansion, objects: { claim: async () => claim(), persistentVolume: async () => volume } as never },
  })
  return { clock, cluster, changes, events, work, gone }
}

test('a volume grows while it is mounted, once its claim says that it is the node\'s turn', async () => {
  const sizes: string[] = []
  const { clock, cluster, work, events, changes } = lab((size) => sizes.push(size), { status: 'ControllerResizeInProgress' })
  await work.update()
  await clock.advance(5_000)
  expect(sizes).toEqual([])
  cluster.resizeStatus = 'NodeResizePending'
  await clock.advance(5_000)
  expect(sizes).toEqual(['3Gi'])
  expect(changes).toEqual([{ resizeStatus: 'NodeResizeInProgress' }, { capacity: '3Gi', resizeStatus: null, isDone: true }])
  expect(events).toEqual(['FileSystemResizeSuccessful: MountVolume.NodeExpandVolume succeeded for volume "pv" n'])
})

test('what never will work is left to the resizer, and tried again when that has decided', async () => {
  let refuses = true
  const { clock, cluster, work, events, changes } = lab(() => { if (refuses) throw new ExpansionError('infeasible', 'too big') })
  await work.update()
  await clock.advance(60_000)
  expect(changes.at(-1)).toEqual({ resizeStatus: 'NodeResizeInfeasible', condition: { type: 'NodeResizeError', status: 'True', message: 'failed to expand pvc with too big' } })
  expect(events).toEqual(['VolumeResizeFailed: NodeExpandVolume.NodeExpandVolume failed for volume "pv" : too big'])
  refuses = false
  cluster.resizeStatus = 'NodeResizePending'
  await clock.advance(2_000)
  expect(cluster).toMatchObject({ capacity: '3Gi', resizeStatus: undefined })
})

test('who asks for something else after a failure gets it from the resizer', async () => {
  const { clock, cluster, work } = lab(() => { throw new ExpansionError('failed', 'no') })
  await work.update()
  await clock.advance(3_000)
  expect(cluster.resizeStatus).toBe('NodeResizeInProgress')
  cluster.spec = '2Gi'
  await clock.advance(10_000)
  expect(cluster.resizeStatus).toBe('NodeResizeInfeasible')
})

test('a claim that was allotted less than its volume has is looked at now and then, and nothing is held up', async () => {
  const { clock, work, events, gone } = lab(() => {}, { size: '5Gi' })
  await work.update()
  await clock.advance(10_000)
  expect(events).toHaveLength(1)
  gone.abort(new Error('gone'))
})

test('a pod doesn\'t get a volume that can\'t grow, unless it may not while it is in use', async () => {
  const failing = lab(() => { throw new ExpansionError('failed', 'no') })
  const error = await failing.work.whileMounting(async () => {}).catch((each: unknown) => each)
  expect(error).toBeInstanceOf(UncertainMountError)
  expect((error as Error).message).toBe('MountVolume.Setup failed while expanding volume for volume "pv" : no')
  const inUse = lab(() => { throw new ExpansionError('inUse', 'busy') })
  await inUse.work.whileMounting(async () => {})
  await inUse.work.update()
  await inUse.clock.advance(60_000)
  expect(inUse.events).toEqual([])
})
