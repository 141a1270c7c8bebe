import { expect, test } from 'vitest'
import { ClusterClock } from '../../base/clock.ts'
import { testPlatform } from '../../base/test-platform.ts'
import { createMemoryFileSystem } from '../../unix/file-system.ts'
import { GrpcError } from '../../unix/net/grpc.ts'
import type { EventRecorder } from '../client/event-recorder.ts'
import type { Pod } from '../kinds/generated/types.ts'
import type { VolumeContext } from '../storage/volume.ts'
import { VolumeManager } from './volume-manager.ts'

const pod = { metadata: { name: 'p', namespace: 'default', uid: 'u' }, spec: { containers: [{ name: 'c', volumeMounts: [{ name: 'v', mountPath: '/v' }] }], volumes: [{ name: 'v', csi: { driver: 'd' } }] } } as unknown as Pod

test('what an attempt may have left behind is taken down with the pod, whatever later attempts have failed for', async () => {
  const clock = new ClusterClock(testPlatform, { startMs: 0, mode: 'paused' })
  const calls: string[] = []
  const driver = { spec: { volumeLifecycleModes: ['Ephemeral'] } }
  let fail: (error: Error) => void = () => {}
  const looks = [async () => driver, async () => { throw new Error('no answer') }, () => new Promise((_, reject) => { fail = reject })]
  const context = {
    clock, nodeFiles: createMemoryFileSystem({ clock }),
    csi: {
      driverObject: () => looks.shift()!(),
      drivers: { settled: async () => {}, demand: () => {}, call: async (_: string, method: string) => { calls.push(method); if (method === 'Node/NodePublishVolume') throw new GrpcError('DeadlineExceeded', 'slow'); return {} } },
    },
  } as unknown as VolumeContext
  let unmounted = 0
  const manager = new VolumeManager({ clock, events: { event: () => {} } as unknown as EventRecorder, onUnmounted: () => { unmounted++ }, context: () => context })
  const over = new AbortController()
  const waiting = manager.waitForMounts(pod, over.signal).catch(() => {})
  await clock.advance(5_000)
  expect(looks).toEqual([])
  over.abort(new Error('deleted'))
  await waiting
  const gone = manager.unmount('u')
  fail(new Error('the pod is gone'))
  await gone
  expect(calls).toEqual(['Node/NodePublishVolume', 'Node/NodeUnpublishVolume'])
  expect(unmounted).toBe(1)
})
