import { expect, it } from 'vitest'
import { ClusterClock } from '../../base/clock.ts'
import { createCluster } from '../../cluster/cluster.ts'
import { bareTopology } from '../../cluster/topology.ts'
import { createMemoryFileSystem } from '../../unix/file-system.ts'
import { UnixError } from '../../unix/types.ts'
import { nodePlatform } from '../platform-node.ts'
import { Fleet, FleetError } from './fleet.ts'
import type { FleetRecord, FleetStorage } from './fleet-storage.ts'

/** A storage that counts what is open, and remembers what was last written down. */
function countingStorage(): FleetStorage & { isOpen: number; written: readonly FleetRecord[] } {
  const storage = {
    isOpen: 0, written: [] as readonly FleetRecord[],
    async records() { return [] },
    async write(records: readonly FleetRecord[]) { storage.written = records },
    async open() {
      storage.isOpen++
      const close = async () => { storage.isOpen-- }
      return { options: {}, run: async () => {}, flush: async () => {}, close, abandon: close }
    },
    async erase() {},
  }
  return storage
}

async function fleetWith(storage: FleetStorage) {
  const clock = new ClusterClock(nodePlatform, { startMs: 0 })
  const home = await createCluster({ platform: nodePlatform, clock, seed: 'fleet', topology: bareTopology() })
  const { machine, docker } = home.createLaptop({ root: createMemoryFileSystem({ clock }) })
  const fleet = new Fleet({ platform: nodePlatform, clock, seed: 'fleet', storage })
  fleet.standBefore({ machine, docker, home })
  return { fleet, machine }
}
const plan = (name: string, apiPort = 0) => ({ provider: 'kind' as const, name, apiPort, topology: () => bareTopology(name) })

it('lets go of the place on disk of a cluster that could not begin, and knows nothing of it afterwards', async () => {
  const storage = countingStorage()
  const { fleet, machine } = await fleetWith(storage)
  await fleet.create(plan('one'))
  machine.net.listenTcp(7443, (socket) => socket.destroy())
  await expect(fleet.create({ ...plan('two'), ports: [{ hostIp: '', hostPort: 7443, node: 'two-control-plane', containerPort: 80, protocol: 'tcp' }] })).rejects.toThrow(UnixError)
  expect(storage.isOpen).toBe(1)
  expect(storage.written.map(({ id }) => id)).toEqual(['kind/one'])
  expect(fleet.list().map(({ record }) => record.id)).toEqual(['kind/one'])
})

it('writes nothing down for a cluster that was deleted meanwhile', async () => {
  const storage = countingStorage()
  const { fleet } = await fleetWith(storage)
  const { record } = await fleet.create(plan('one'))
  await fleet.delete(record)
  await expect(fleet.remember(record, { addons: [] })).rejects.toThrow(FleetError)
  expect(storage.written).toEqual([])
})

it('says how each cluster stands, and tells whenever that changes', async () => {
  const { fleet } = await fleetWith(countingStorage())
  const seen: string[] = []
  const stop = fleet.onChange(() => {
    const now = fleet.list().map(({ state }) => state).join() || 'none'
    if (seen.at(-1) !== now) seen.push(now)
  })
  const { record } = await fleet.create(plan('one'))
  await fleet.stop(record)
  await fleet.start(record)
  await fleet.delete(record)
  stop()
  expect(seen).toEqual(['none', 'making', 'running', 'stopping', 'off', 'starting', 'running', 'stopping', 'none'])
})
