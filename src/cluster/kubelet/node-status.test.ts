import { expect, test } from 'vitest'
import { nodeStatus } from './node-status.ts'
import type { NodeConfig } from './node-status.ts'

test('resources that others have announced stay in a node\'s status and can be allocated until they leave its capacity', () => {
  const config = { labels: {}, annotations: {}, taints: [], addresses: [], capacity: { cpu: '4', pods: '110' }, allocatable: { cpu: '3', pods: '110' } } as unknown as NodeConfig
  const of = (capacity: Record<string, string>) => nodeStatus({
    config, identity: { machineID: 'm', systemUUID: 's', bootID: 'b' }, runtime: { name: 'containerd', version: '2.3.7', handlers: ['', 'runc'] }, images: [], old: { capacity, allocatable: { cpu: '3', 'example.com/slot': '1' } }, nowMs: 0, notReady: undefined, pressure: { memory: false, disk: false, pid: false },
  })
  expect(of({ cpu: '2', 'example.com/slot': '1' })).toMatchObject({ capacity: { cpu: '4', pods: '110', 'example.com/slot': '1' }, allocatable: { cpu: '3', pods: '110', 'example.com/slot': '1' } })
  expect(of({ cpu: '2' }).allocatable).toEqual({ cpu: '3', pods: '110' })
})
