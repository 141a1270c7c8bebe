import { expect, test } from 'vitest'
import { ClusterClock } from '../../../base/clock.ts'
import { silentLog } from '../../../base/log.ts'
import { testPlatform } from '../../../base/test-platform.ts'
import { createMemoryFileSystem } from '../../../unix/file-system.ts'
import { DeviceHealth } from './device-health.ts'

const device = { poolName: 'node', deviceName: 'gpu-0' }

test('what a driver tells of a device holds for as long as it says, and outlives the kubelet', async () => {
  const clock = new ClusterClock(testPlatform, { startMs: 0, mode: 'paused' })
  const files = createMemoryFileSystem({ clock })
  files.mkdir('/var/lib/kubelet', { recursive: true })
  const health = new DeviceHealth({ clock, log: silentLog, files })
  expect(health.of('driver', device)).toEqual({ health: 'Unknown' })
  const report = { device, health: 'UNHEALTHY', message: 'too hot', healthCheckTimeoutSeconds: 10 }
  expect(health.update('driver', [report])).toMatchObject([device])
  expect(health.update('driver', [report])).toEqual([])
  expect(health.update('driver', [{ ...report, message: 'much too hot' }])).toMatchObject([device])
  expect(new DeviceHealth({ clock, log: silentLog, files }).of('driver', device)).toEqual({ health: 'Unhealthy', message: 'much too hot' })
  await clock.advance(10_001)
  expect(health.of('driver', device)).toEqual({ health: 'Unknown' })
  expect(health.update('driver', [])).toMatchObject([device])
  expect(health.update('driver', [])).toEqual([])
})

test('a driver that tells nothing any more leaves nothing, and long messages are cut', () => {
  const clock = new ClusterClock(testPlatform, { startMs: 0, mode: 'paused' })
  const files = createMemoryFileSystem({ clock })
  files.mkdir('/var/lib/kubelet', { recursive: true })
  const health = new DeviceHealth({ clock, log: silentLog, files })
  health.update('driver', [{ device, health: 'HEALTHY', message: 'x'.repeat(2_000) }])
  expect(health.of('driver', device)).toEqual({ health: 'Healthy', message: `${'x'.repeat(1021)}...` })
  health.clear('driver')
  expect(health.of('driver', device)).toEqual({ health: 'Unknown' })
})

test('a disk that takes nothing keeps nobody from knowing', () => {
  const clock = new ClusterClock(testPlatform, { startMs: 0, mode: 'paused' })
  const health = new DeviceHealth({ clock, log: silentLog, files: createMemoryFileSystem({ clock, files: { '/var/lib/kubelet': 'no folder' } }) })
  expect(health.update('driver', [{ device, health: 'HEALTHY' }])).toMatchObject([device])
  expect(health.of('driver', device)).toEqual({ health: 'Healthy' })
  health.clear('driver')
  expect(health.of('driver', device)).toEqual({ health: 'Unknown' })
})
