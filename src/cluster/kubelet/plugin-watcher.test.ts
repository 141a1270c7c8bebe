import { expect, test } from 'vitest'
import { ClusterClock } from '../../base/clock.ts'
import { silentLog } from '../../base/log.ts'
import { testPlatform } from '../../base/test-platform.ts'
import { createMemoryFileSystem } from '../../unix/file-system.ts'
import { serveGrpc } from '../../unix/net/grpc.ts'
import type { Proc } from '../../unix/types.ts'
import { PLUGIN_REGISTRY, PluginWatcher } from './plugin-watcher.ts'

test('a plugin registers with its socket, again when another socket takes its place, and goes with it', async () => {
  const clock = new ClusterClock(testPlatform, { startMs: 0, mode: 'paused' })
  const fs = createMemoryFileSystem({ clock })
  const path = `${PLUGIN_REGISTRY}/disk-reg.sock`
  const calls: string[] = []
  const serve = (endpoint: string) => serveGrpc({ fs, killed: new AbortController().signal } as unknown as Proc, path, {
    'pluginregistration.Registration/GetInfo': () => ({ type: 'CSIPlugin', name: 'disk', endpoint, supportedVersions: ['1.0.0'] }),
    'pluginregistration.Registration/NotifyRegistrationStatus': () => ({}),
  })
  const watcher = new PluginWatcher({ files: fs, clock, log: silentLog, handlers: { CSIPlugin: { register: async ({ endpoint }) => { calls.push(`register ${endpoint}`) }, deregister: async ({ endpoint }) => { calls.push(`deregister ${endpoint}`) } } } })
  watcher.start()
  serve('/first')
  await clock.advance(1_000)
  expect(calls).toEqual(['register /first'])
  fs.remove(path)
  serve('/second')
  await clock.advance(1_000)
  expect(calls).toEqual(['register /first', 'register /second'])
  fs.remove(path)
  await clock.advance(1_000)
  expect(calls).toEqual(['register /first', 'register /second', 'deregister /second'])
  watcher.stop()
})

test('a plugin whose socket goes while it registers is not registered', async () => {
  const clock = new ClusterClock(testPlatform, { startMs: 0, mode: 'paused' })
  const fs = createMemoryFileSystem({ clock })
  const registered = new Set<string>()
  const watcher = new PluginWatcher({ files: fs, clock, log: silentLog, handlers: { CSIPlugin: { register: async ({ name }) => { await clock.sleep(500); registered.add(name) }, deregister: async ({ name }) => { registered.delete(name) } } } })
  watcher.start()
  for (const name of ['stays', 'goes'])
    serveGrpc({ fs, killed: new AbortController().signal } as unknown as Proc, `${PLUGIN_REGISTRY}/${name}.sock`, {
      'pluginregistration.Registration/GetInfo': () => ({ type: 'CSIPlugin', name, endpoint: '', supportedVersions: ['1.0.0'] }), 'pluginregistration.Registration/NotifyRegistrationStatus': () => ({}),
    })
  await clock.advance(100)
  fs.remove(`${PLUGIN_REGISTRY}/goes.sock`)
  await clock.advance(1_000)
  expect([...registered]).toEqual(['stays'])
  watcher.stop()
})
