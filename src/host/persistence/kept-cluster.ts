import type { ClusterClock } from '../../base/clock.ts'
import type { Cluster, ClusterOptions, ClusterSnapshot } from '../../cluster/cluster.ts'
import type { Topology } from '../../cluster/topology.ts'
import { withOwnMounts } from '../../unix/file-system.ts'
import type { MountableFileSystem } from '../../unix/types.ts'
import type { ClusterStore, StoredCluster } from './store.ts'
import { lookAtFiles, restoreFiles } from './stored-file.ts'

/** The tree of a node: its volumes. */
export const nodeTree = (node: string) => `node/${node}`
/** Where containers' logs are. They grow with every line, so that they are kept in another way; links to them are made with the containers. */
const LOGS = '/var/log/pods'
const isLog = (path: string) => path.startsWith(`${LOGS}/`)
const isKeptOnNodes = (path: string) => !isLog(path) && !path.startsWith('/var/log/containers/')

/** A cluster with its store: brings back what was kept, and keeps what becomes of it. */
export class KeptCluster {
  readonly stored: StoredCluster | undefined
  readonly #store: ClusterStore
  readonly #topology: Topology | undefined
  /** Whether there is a state that can be lost. A fresh cluster that doesn't stand yet isn't kept, so that its own pods, the only ones that write to it, wait for nothing; they would hold up the boot. */
  #stands: boolean
  /** Nothing may be acknowledged before the first state is on disk. */
  readonly #begun: Promise<void>
  #begin!: () => void
  /** Trees that were put back: another computer of the same name begins with an empty disk. */
  readonly #takenUp = new Set<string>()
  #isOver = false

  /** @param change what differs from what was stored */
  constructor(store: ClusterStore, stored: StoredCluster | undefined, change?: { topology: Topology }) {
    this.stored = stored
    this.#stands = stored !== undefined
    this.#store = store
    this.#topology = change?.topology
    this.#begun = new Promise((resolve) => { this.#begin = resolve })
  }

  /** What the cluster is to be made with. */
  get options(): Pick<ClusterOptions, 'restore' | 'onTopology' | 'onNodeFiles' | 'durable'> {
    const store = this.#store
    return {
      ...(this.stored ? { restore: snapshotOf(this.stored, this.#topology) } : {}),
      onTopology: (topology, pki) => { if (!this.#isOver) store.setTopology(topology, pki) },
      onNodeFiles: (node, files) => this.#keepFiles(node, files),
      durable: async (revision) => {
        if (!this.#stands) return
        await this.#begun
        await store.durable(revision)
      },
    }
  }

  /**
   * Starts the cluster; from then on what is committed is kept. A fresh one's recording begins when it stands: one that is only half installed is not worth keeping.
   * @param record begins to record what else belongs to the cluster
   */
  async run(cluster: Cluster, clock: ClusterClock, record: () => void = () => {}): Promise<void> {
    const store = this.#store
    const leases = () => cluster.etcd.leases()
    const nowMs = () => clock.nowMs()
    const follow = () => {
      cluster.etcd.onCommit((commit) => { if (!this.#isOver) store.append(commit) })
      record()
    }
    if (this.stored) {
      await clock.outside(store.begin({ nowMs, leases }))
      follow()
      this.#begin()
      await cluster.start()
      return
    }
    await cluster.start()
    this.#stands = true
    const { seed, topology, pki, etcd } = cluster.snapshot()
    follow()
    await clock.outside(store.begin({ nowMs, leases, fresh: { identity: { seed, topology, pki }, snapshot: etcd } }))
    this.#begin()
  }

  /** What happens from now on isn't kept: the cluster's parts are about to be ended for lack of a process. */
  end(): void {
    this.#isOver = true
  }

  #keepFiles(node: string, files: MountableFileSystem): void {
    const store = this.#store
    const tree = nodeTree(node)
    const kept = this.#takenUp.has(tree) ? undefined : this.stored
    this.#takenUp.add(tree)
    restoreFiles(files, kept?.files.filter((file) => file.tree === tree) ?? [])
    restoreLogs(files, kept?.logs.filter((file) => file.tree === tree) ?? [], kept?.timeMs ?? 0)
    // A disk keeps what is on it, not what is mounted over it.
    const disk = withOwnMounts(files)
    const record = () => {
      files.watch('/', (path) => {
        if (this.#isOver) return
        if (isKeptOnNodes(path)) store.fileChanged(tree, path, (each) => lookAtFiles(disk, each, isKeptOnNodes))
        if (isLog(path)) store.logChanged(tree, path, files)
      })
    }
    // A fresh node's files are written as a whole once it stands.
    if (this.stored) record()
    else void this.#begun.then(() => {
      record()
      store.fileChanged(tree, '/', (path) => lookAtFiles(disk, path, isKeptOnNodes))
      store.logChanged(tree, LOGS, files)
    })
  }
}

/** Puts kept logs back; when they were written to last isn't kept. */
function restoreLogs(files: MountableFileSystem, logs: readonly { path: string; data: Uint8Array }[], timeMs: number): void {
  for (const { path, data } of logs) {
    files.mkdir(path.slice(0, path.lastIndexOf('/')), { recursive: true })
    files.writeFile(path, data, { mode: 0o640 })
    files.utimes(path, timeMs, timeMs)
  }
}

function snapshotOf(stored: StoredCluster, topology?: Topology): ClusterSnapshot {
  const { identity, timeMs, snapshot, commits } = stored
  return { formatVersion: 1, seed: identity.seed, topology: topology ?? identity.topology as Topology, timeMs, pki: identity.pki as ClusterSnapshot['pki'], etcd: snapshot, commits }
}
