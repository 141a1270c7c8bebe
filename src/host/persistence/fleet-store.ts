import { openDB } from 'idb'
import type { ClusterClock } from '../../base/clock.ts'
import type { Topology } from '../../cluster/topology.ts'
import type { ClusterDisk, FleetRecord, FleetStorage } from '../fleet/fleet-storage.ts'
import { KeptCluster } from './kept-cluster.ts'
import { ClusterStore, databaseOfFurther, deleteDatabase, furtherDatabases } from './store.ts'

/** Further clusters in databases of their own; which there are stands in the first one's. */
export class FleetStore implements FleetStorage {
  readonly #main: ClusterStore
  readonly #clock: ClusterClock
  readonly #setTimer: (fn: () => void, delayMs: number) => () => void
  readonly #onFailure: (error: Error) => void

  constructor(options: { main: ClusterStore; clock: ClusterClock; setTimer: (fn: () => void, delayMs: number) => () => void; onFailure: (error: Error) => void }) {
    this.#main = options.main
    this.#clock = options.clock
    this.#setTimer = options.setTimer
    this.#onFailure = options.onFailure
  }

  async records(): Promise<readonly FleetRecord[]> {
    const records = await storedRecords(this.#main)
    // A page that went while a cluster was being made leaves its database behind.
    const known = new Set(records.map(({ id }) => databaseOfFurther(id)))
    for (const name of await furtherDatabases()) if (!known.has(name)) await deleteDatabase(name)
    return records
  }

  async write(records: readonly FleetRecord[]): Promise<void> {
    this.#main.setMeta('fleet', records)
    await this.#main.flush()
  }

  async open(id: string, change?: { topology: Topology }): Promise<ClusterDisk> {
    const store = await ClusterStore.open({ name: databaseOfFurther(id), setTimer: this.#setTimer })
    store.onFailure = this.#onFailure
    const kept = new KeptCluster(store, await store.load(), change)
    const close = async () => {
      kept.end()
      await store.close()
    }
    return {
      options: kept.options,
      run: (cluster) => kept.run(cluster, this.#clock),
      flush: () => store.flush(),
      close,
      abandon: close,
    }
  }

  erase(id: string): Promise<void> {
    return deleteDatabase(databaseOfFurther(id))
  }
}

async function storedRecords(main: ClusterStore): Promise<readonly FleetRecord[]> {
  return (await main.getMeta('fleet') as readonly FleetRecord[] | undefined) ?? []
}

/** When the clusters that run were written to last, in cluster time: a clock that begins before that would go back for them. */
export async function latestFleetMs(main: ClusterStore): Promise<number> {
  let latestMs = 0
  for (const { id, running } of await storedRecords(main)) {
    if (!running) continue
    const db = await openDB(databaseOfFurther(id))
    try {
      if (db.objectStoreNames.contains('meta')) latestMs = Math.max(latestMs, Number(await db.get('meta', 'time') ?? 0))
    } finally {
      db.close()
    }
  }
  return latestMs
}
