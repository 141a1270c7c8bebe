import { expect, test } from 'vitest'
import { ClusterClock } from '../../../base/clock.ts'
import { silentLog } from '../../../base/log.ts'
import { testPlatform } from '../../../base/test-platform.ts'
import { createMemoryFileSystem } from '../../../unix/file-system.ts'
import { serveGrpc } from '../../../unix/net/grpc.ts'
import type { Proc } from '../../../unix/types.ts'
import type { Api } from '../../client/api.ts'
import { DraPlugins } from './dra-plugins.ts'

const SOCKET = '/plugins/driver/dra.sock'

function lab() {
  const clock = new ClusterClock(testPlatform, { startMs: 0, mode: 'paused' })
  const files = createMemoryFileSystem({ clock })
  files.mkdir('/plugins/driver', { recursive: true })
  const wiped: string[] = []
  const health: unknown[] = []
  const api = { deleteCollection: async (_kind: string, { fieldSelector }: { fieldSelector: string }) => { wiped.push(fieldSelector) } } as unknown as Api
  const plugins = new DraPlugins({ nodeName: 'node', api, clock, log: silentLog, files, onHealth: (driver, devices) => health.push([driver, devices]) })
  const serve = (answer = {}) => {
    const killed = new AbortController()
    files.remove(SOCKET, { force: true })
    serveGrpc({ fs: files, killed: killed.signal } as unknown as Proc, SOCKET, { 'k8s.io.kubelet.pkg.apis.dra.v1.DRAPlugin/NodePrepareResources': () => ({ claims: answer }) }, {
      async* 'v1alpha1.DRAResourceHealth/NodeWatchResources'(_request, stopped) {
        yield { devices: [{ device: { poolName: 'node', deviceName: 'a' }, health: 'HEALTHY' }] }
        await new Promise<void>((resolve) => { stopped.addEventListener('abort', () => resolve()) })
      },
    })
    return () => killed.abort()
  }
  return { clock, plugins, wiped, health, serve, plugin: { type: 'DRAPlugin', name: 'driver', endpoint: SOCKET, supportedVersions: ['v1.DRAPlugin'] } }
}

test('devices of a driver that died without a word go after a while, unless it comes back before', async () => {
  const { clock, plugins, wiped, serve, plugin } = lab()
  const kill = serve()
  await plugins.register(plugin)
  await clock.advance(60_000)
  expect(wiped).toEqual([])
  kill()
  await clock.advance(20_000)
  const killAgain = serve({ uid: {} })
  await clock.advance(60_000)
  expect(wiped).toEqual([])
  expect(await plugins.prepare('driver', [])).toEqual({ uid: {} })
  killAgain()
  await clock.advance(31_000)
  expect(wiped).toEqual(['spec.nodeName=node,spec.driver=driver'])
  plugins.stop()
})

test('what a driver tells of its devices is passed on, and that it no longer does', async () => {
  const { clock, plugins, health, serve, plugin } = lab()
  const report = ['driver', [{ device: { poolName: 'node', deviceName: 'a' }, health: 'HEALTHY' }]]
  const kill = serve()
  await plugins.register(plugin)
  await clock.advance(20_000)
  expect(health).toEqual([report])
  kill()
  await clock.advance(1_000)
  expect(health).toEqual([report, ['driver', undefined]])
  serve()
  await clock.advance(5_000)
  expect(health.at(-1)).toEqual(report)
  await plugins.deregister(plugin)
  await clock.advance(20_000)
  expect(health.at(-1)).toEqual(['driver', undefined])
  plugins.stop()
})
