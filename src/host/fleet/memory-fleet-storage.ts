import type { Cluster, ClusterSnapshot } from '../../cluster/cluster.ts'
import type { Topology } from '../../cluster/topology.ts'
import { withOwnMounts } from '../../unix/file-system.ts'
import type { MountableFileSystem } from '../../unix/types.ts'
import { lookAtFiles, restoreFiles } from '../persistence/stored-file.ts'
import type { StoredFile } from '../persistence/stored-file.ts'
import type { ClusterDisk, FleetRecord, FleetStorage } from './fleet-storage.ts'

type StoredTree = { path: string; file: StoredFile }[]

/** A cluster that doesn't run, as its disks have it. */
interface Kept {
  cluster: ClusterSnapshot
  nodes: Map<string, StoredTree>
}

// A disk keeps what is on it, not what is mounted over it.
const treeOf = (files: MountableFileSystem): StoredTree => Array.from(lookAtFiles(withOwnMounts(files), '/'), ([path, file]) => ({ path, file }))

/** Keeps further clusters for as long as the process runs. */
export class MemoryFleetStorage implements FleetStorage {
  #records: readonly FleetRecord[] = []
  readonly #kept = new Map<string, Kept>()

  async records(): Promise<readonly FleetRecord[]> {
    return this.#records
  }

  async write(records: readonly FleetRecord[]): Promise<void> {
    this.#records = structuredClone(records)
  }

  async open(id: string, change?: { topology: Topology }): Promise<ClusterDisk> {
    const kept = this.#kept.get(id)
    const restore = kept && { ...kept.cluster, ...change }
    const trees = new Map<string, MountableFileSystem>()
    return {
      options: {
        ...(restore ? { restore } : {}),
        onNodeFiles(node, files) {
          if (!trees.has(node)) restoreFiles(files, kept?.nodes.get(node) ?? [])
          trees.set(node, files)
        },
      },
      run: (cluster: Cluster) => cluster.start(),
      async flush() { /* it is written when it ends */ },
      async abandon() { /* what was kept stays as it is */ },
      close: async (cluster: Cluster) => {
        this.#kept.set(id, structuredClone({ cluster: cluster.snapshot(), nodes: new Map(Array.from(trees, ([node, files]) => [node, treeOf(files)])) }))
      },
    }
  }

  async erase(id: string): Promise<void> {
    this.#kept.delete(id)
  }
}
