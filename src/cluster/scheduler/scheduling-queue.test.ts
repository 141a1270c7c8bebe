import { expect, test } from 'vitest'
import { ClusterClock } from '../../base/clock.ts'
import { testPlatform } from '../../base/test-platform.ts'
import type { Pod } from '../kinds/generated/types.ts'
import type { KubeObject } from '../kinds/object.ts'
import { on, type Handle, type Plugin } from './framework.ts'
import { SchedulingQueue } from './scheduling-queue.ts'
import { unresolvable } from './status.ts'

test('a pod that an event might help but that still may not enter is asked once', () => {
  const clock = new ClusterClock(testPlatform, { startMs: 0, mode: 'paused' })
  let asked = 0
  const gate = {
    name: 'Gate', retryOn: [on('Node', 'Add')], less: () => false,
    preEnqueue: () => {
      if (++asked > 10) throw new Error('asked again and again')
      return unresolvable('not yet')
    },
  } as unknown as Plugin
  const queue = new SchedulingQueue({ clock, plugins: [gate], handle: () => ({}) as Handle, counters: { incoming: () => {} } as never, wake: () => {} })
  queue.add({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', namespace: 'default', uid: 'u' }, spec: { containers: [] } } as unknown as Pod)
  expect(asked).toBe(1)
  queue.moveOn({ resource: 'Node', actions: ['Add'], object: { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n' } } as KubeObject })
  expect(asked).toBe(2)
  queue.stop()
})
