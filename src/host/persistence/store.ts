import { deleteDB, openDB } from 'idb'
import type { DBSchema, IDBPDatabase, IDBPTransaction } from 'idb'
import type { Platform } from '../../base/platform.ts'
import type { Commit, EtcdSnapshot, KeyValue } from '../../cluster/etcd/types.ts'
import type { FileSystem } from '../../unix/types.ts'
import { packTables, unpackTables } from './export-file.ts'
import type { Tables } from './export-file.ts'
import { HeavyFiles } from './heavy-files.ts'
import { LogPieces } from './log-pieces.ts'
import type { PieceKey } from './log-pieces.ts'
import { StoreError, problemOf } from './store-error.ts'
import type { StoredFile } from './stored-file.ts'

export const DATABASE = 'drydock'
/** Version of the tables; IndexedDB refuses a lower one than it holds. 2: `logs` came. */
const SCHEMA_VERSION = 2

/** Rows that an export reads in one turn. */
const READ_AT_ONCE = 100

/** What the cluster is besides etcd and files; written once. */
export interface StoredIdentity {
  schema: number
  seed: string
  topology: unknown
  pki: unknown
}

/** One group commit. */
interface LogGroup {
  first: number
  last: number
  commits: readonly Commit[]
}

interface Schema extends DBSchema {
  /** `identity`, `time`, `folded` (revision up to which the log is in kvs), `leases`, `progress`, `pace`, `fleet` (the records of further clusters). */
  meta: { key: string; value: unknown }
  /** Commits after `folded`, by their last revision. */
  log: { key: number; value: LogGroup }
  /** The state of etcd as of revision `folded`. */
  kvs: { key: string; value: KeyValue }
  files: { key: [tree: string, path: string]; value: StoredFile }
  /** What containers printed; and under {@link LOG_TIME} the time when it was written, because a cluster must not begin before its logs end. */
  logs: { key: PieceKey | typeof LOG_TIME; value: Uint8Array | number }
}

const LOG_TIME: [name: 'time'] = ['time']

type TableName = 'meta' | 'log' | 'kvs' | 'files' | 'logs'
const TABLES: readonly TableName[] = ['meta', 'log', 'kvs', 'files', 'logs']
/** Logs have transactions of their own: nobody waits for them, so that they needn't keep anybody waiting. */
const STATE_TABLES: readonly TableName[] = ['meta', 'log', 'kvs', 'files']

export interface StoredCluster {
  identity: StoredIdentity
  timeMs: number
  snapshot: EtcdSnapshot
  /** Commits after the snapshot, without gaps. */
  commits: Commit[]
  files: { tree: string; path: string; file: StoredFile }[]
  logs: { tree: string; path: string; data: Uint8Array }[]
}

/** What stands beside the cluster. `preset`: what a fresh one is to be, in a database that has none yet. */
type MetaKey = 'progress' | 'pace' | 'fleet' | 'preset'

/** Looks at one place of a file tree when it is written. Undefined: it is gone. */
export type FileLook = (path: string) => Iterable<[path: string, file: StoredFile]>

/** Fold the log into the table of keys when it holds this many changes. */
const FOLD_AFTER_CHANGES = 2_000
/** Objects that are given to the database in one go; one or two milliseconds. */
const PIECE = 32
/** A flush that nobody waits for is delayed so long, so that more changes share it. */
const IDLE_FLUSH_MS = 40
/** What containers print reaches the disk that much later, as lines reach a node's disk some time after they were written. */
const LOG_FLUSH_MS = 1_000

/**
 * The cluster on disk: an append-only log of etcd's commits with group commit, folded now and then into a table of current keys, and beside
 * it the files of the home directory and of volumes. Every transaction leaves a state that the cluster once had.
 */
export class ClusterStore {
  readonly #db: IDBPDatabase<Schema>
  readonly #setTimer: (fn: () => void, delayMs: number) => () => void
  #nowMs: () => number = () => 0
  #leases: () => EtcdSnapshot['leases'] = () => []
  /** Those on disk. */
  #leaseIds = ''
  #pending: Commit[] = []
  #dirtyFiles = new Map<string, { look: FileLook; paths: Set<string> }>()
  /** Trees of the write that runs. */
  #writingFiles: ReadonlyMap<string, unknown> = new Map()
  #dirtyMeta = new Map<string, unknown>()
  #identity: StoredIdentity | undefined
  #flushedRevision = 0
  #folded = 0
  /** Changed keys since `folded`, newest first wins. */
  #unfolded = new Map<string, KeyValue | undefined>()
  #unfoldedRevision = 0
  #waiting: { revision: number; resolve: () => void; reject: (error: unknown) => void }[] = []
  #running: Promise<void> | undefined
  #cancelTimer: (() => void) | undefined
  #failed: Error | undefined
  #closed = false
  readonly #logs = new LogPieces()
  readonly #heavy: HeavyFiles
  #writingLogs: Promise<void> | undefined
  #cancelLogTimer: (() => void) | undefined
  #logsFailed = false
  /** Called once when writing fails: from then on nothing is acknowledged. */
  onFailure: (error: Error) => void = () => {}

  private constructor(db: IDBPDatabase<Schema>, setTimer: (fn: () => void, delayMs: number) => () => void) {
    this.#db = db
    this.#setTimer = setTimer
    this.#heavy = new HeavyFiles({ setTimer, realMs: () => performance.now() })
  }

  /** @throws StoreError `newer` for a database of a later version. */
  static async open(options: { name?: string; setTimer: (fn: () => void, delayMs: number) => () => void }): Promise<ClusterStore> {
    const name = options.name ?? DATABASE
    try {
      const db = await openDB<Schema>(name, SCHEMA_VERSION, {
        upgrade(db) {
          for (const table of TABLES) if (!db.objectStoreNames.contains(table)) db.createObjectStore(table)
        },
        // Another tab resets or upgrades: let go.
        blocking: (_current, _blocked, event) => (event.target as IDBDatabase).close(),
      })
      for (const table of TABLES) if (!db.objectStoreNames.contains(table)) throw new StoreError('corrupt', `table ${table} is missing`)
      return new ClusterStore(db, options.setTimer)
    } catch (error) {
      if (error instanceof StoreError) throw error
      if ((error as DOMException).name === 'VersionError') throw new StoreError('newer', `the database was written by a later version of Drydock (this one knows version ${SCHEMA_VERSION})`)
      // So says Firefox in some private windows; later it would mean that the database was closed meanwhile.
      const isWithheld = (error as DOMException).name === 'InvalidStateError'
      throw new StoreError(problemOf(error) ?? (isWithheld ? 'denied' : 'corrupt'), `the database can't be opened: ${(error as Error).message}`)
    }
  }

  /** Makes an empty database that says what the cluster in it is to be. */
  static async prepare({ preset, setTimer }: { preset: string; setTimer: (fn: () => void, delayMs: number) => () => void }): Promise<void> {
    const store = await ClusterStore.open({ setTimer })
    store.setMeta('preset', preset)
    await store.close()
  }

  /** What was saved; undefined in an empty database. @throws StoreError when it doesn't hold together. */
  async load(): Promise<StoredCluster | undefined> {
    try {
      return await this.#load()
    } catch (error) {
      throw error instanceof StoreError ? error : new StoreError(problemOf(error) ?? 'corrupt', `the database can't be read: ${(error as Error).message}`)
    }
  }

  async #load(): Promise<StoredCluster | undefined> {
    const tx = this.#db.transaction(TABLES as TableName[])
    const meta = tx.objectStore('meta')
    const [identity, timeMs, folded, leases, groups, kvs, fileKeys, files, logKeys, logs, logTimeMs] = await Promise.all([
      meta.get('identity') as Promise<StoredIdentity | undefined>, meta.get('time'), meta.get('folded'), meta.get('leases'),
      tx.objectStore('log').getAll(), tx.objectStore('kvs').getAll(), tx.objectStore('files').getAllKeys(), tx.objectStore('files').getAll(),
      tx.objectStore('logs').getAllKeys(), tx.objectStore('logs').getAll(), tx.objectStore('logs').get(LOG_TIME),
    ])
    if (!identity) {
      if (groups.length + kvs.length > 0) throw new StoreError('corrupt', 'there are objects but no identity of the cluster')
      return undefined
    }
    if (!(identity.schema <= SCHEMA_VERSION)) throw new StoreError('newer', `the data was written by a later version of Drydock (schema ${identity.schema})`)
    if (typeof identity.seed !== 'string' || typeof timeMs !== 'number' || typeof folded !== 'number') throw new StoreError('corrupt', 'identity, time or revision are missing')
    const commits: Commit[] = []
    let revision = folded
    for (const group of groups) {
      for (const commit of group?.commits ?? []) {
        if (commit.revision <= folded) continue
        if (commit.revision !== ++revision) throw new StoreError('corrupt', `revision ${revision} is missing from the log`)
        commits.push(commit)
      }
    }
    for (const kv of kvs) if (typeof kv?.key !== 'string' || !(kv.modRevision <= folded)) throw new StoreError('corrupt', `key ${JSON.stringify(kv?.key)} is damaged`)
    this.#identity = identity
    this.#folded = folded
    this.#flushedRevision = revision
    for (const commit of commits) this.#note(commit)
    return {
      identity, timeMs: typeof logTimeMs === 'number' ? Math.max(timeMs, logTimeMs) : timeMs, commits,
      snapshot: { revision: folded, kvs, leases: (leases ?? []) as EtcdSnapshot['leases'] },
      files: files.map((file, i) => ({ tree: fileKeys[i]![0], path: fileKeys[i]![1], file })),
      logs: this.#logs.load(logs.map((data, i) => [logKeys[i], data])),
    }
  }

  /** Starts recording a cluster. For a fresh one its identity and the state it begins with are written first. */
  async begin(options: { nowMs: () => number; leases: () => EtcdSnapshot['leases']; fresh?: { identity: Omit<StoredIdentity, 'schema'>; snapshot: EtcdSnapshot } }): Promise<void> {
    this.#nowMs = options.nowMs
    this.#leases = options.leases
    if (!options.fresh) return
    const { identity, snapshot } = options.fresh
    const tx = this.#db.transaction(['meta', 'log', 'kvs', 'logs'], 'readwrite', { durability: 'strict' })
    const meta = tx.objectStore('meta')
    void tx.objectStore('log').clear()
    void tx.objectStore('kvs').clear()
    void tx.objectStore('logs').clear()
    this.#identity = { schema: SCHEMA_VERSION, ...identity }
    void meta.put(this.#identity, 'identity')
    void meta.put(this.#nowMs(), 'time')
    void meta.put(snapshot.revision, 'folded')
    void meta.put(snapshot.leases, 'leases')
    for (const kv of snapshot.kvs) void tx.objectStore('kvs').put(kv, kv.key)
    await tx.done
    this.#folded = this.#flushedRevision = snapshot.revision
  }

  /** Takes a commit; it is written soon. Commits must come in order. */
  append(commit: Commit): void {
    this.#pending.push(commit)
    this.#schedule(IDLE_FLUSH_MS)
  }

  /** Takes note that a file changed; `look` is called when it is written. */
  fileChanged(tree: string, path: string, look: FileLook): void {
    this.#heavy.changed(`${tree} ${path}`, () => {
      let entry = this.#dirtyFiles.get(tree)
      if (!entry) this.#dirtyFiles.set(tree, entry = { look, paths: new Set() })
      // Another disk may have come under the same name.
      entry.look = look
      entry.paths.add(path)
      this.#schedule(IDLE_FLUSH_MS)
    })
  }

  /** Takes note that a log grew, was rotated or went, or that a folder with logs did. */
  logChanged(tree: string, path: string, files: FileSystem): void {
    this.#logs.changed(tree, path, files)
    this.#scheduleLogs()
  }

  setMeta(key: MetaKey, value: unknown): void {
    this.#dirtyMeta.set(key, value)
    this.#schedule(IDLE_FLUSH_MS)
  }

  /** What machines there are, and which of them are on. */
  setTopology(topology: unknown, pki: unknown): void {
    if (!this.#identity) return
    this.#identity = { ...this.#identity, topology, pki }
    this.#dirtyMeta.set('identity', this.#identity)
    this.#schedule(IDLE_FLUSH_MS)
  }

  async getMeta(key: MetaKey): Promise<unknown> {
    return this.#db.get('meta', key)
  }

  /** Resolves once everything up to the revision is on disk. Rejects when it can't be written. */
  durable(revision: number): Promise<void> {
    if (this.#failed) return Promise.reject(this.#failed)
    if (revision <= this.#flushedRevision) return Promise.resolve()
    return new Promise((resolve, reject) => {
      this.#waiting.push({ revision, resolve, reject })
      this.#schedule(0)
    })
  }

  /** Resolves once what was changed in a tree so far is on disk; also when it can't be written, which {@link onFailure} hears. */
  async filesDurable(tree: string): Promise<void> {
    this.#heavy.release((key) => key.startsWith(`${tree} `))
    if (this.#dirtyFiles.has(tree)) await this.#flushState()
    else if (this.#writingFiles.has(tree)) await this.#running
  }

  /** Writes what is pending. */
  async flush(): Promise<void> {
    this.#heavy.release()
    await Promise.all([this.#flushState(), this.#flushLogs()])
  }

  async #flushState(): Promise<void> {
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
    while (this.#running) await this.#running
    if (this.#closed || this.#pending.length + this.#dirtyFiles.size + this.#dirtyMeta.size === 0) return
    this.#running = this.#write().finally(() => { this.#running = undefined })
    await this.#running
  }

  /** Writes what is pending and lets the database go; what is still told after that (by processes that are on their way out) is for nobody. */
  async close(): Promise<void> {
    await this.flush()
    // What came in the meantime.
    await this.flush()
    this.#closed = true
    this.#cancelTimer?.()
    this.#cancelLogTimer?.()
    this.#db.close()
  }

  #scheduleLogs(): void {
    if (this.#closed || this.#cancelLogTimer || this.#writingLogs || this.#logsFailed || this.#failed) return
    this.#cancelLogTimer = this.#setTimer(() => { void this.#flushLogs() }, LOG_FLUSH_MS)
  }

  /** Logs that can't be written (there is no room) must not cost the cluster: it goes on without keeping them. */
  async #flushLogs(): Promise<void> {
    this.#cancelLogTimer?.()
    this.#cancelLogTimer = undefined
    while (this.#writingLogs) await this.#writingLogs
    if (this.#closed || !this.#logs.isDirty || this.#logsFailed || this.#failed) return
    this.#writingLogs = this.#writeLogs().catch((error: unknown) => {
      this.#logsFailed = true
      console.warn('what containers print is no longer kept', error)
    }).finally(() => { this.#writingLogs = undefined })
    await this.#writingLogs
    if (this.#logs.isDirty) this.#scheduleLogs()
  }

  async #writeLogs(): Promise<void> {
    const tx = this.#db.transaction('logs', 'readwrite', { durability: 'relaxed' })
    void tx.store.put(this.#nowMs(), LOG_TIME)
    const { commit } = await this.#logs.write({ put: (key, data) => tx.store.put(data, key), delete: (key) => tx.store.delete(key) })
    await tx.done
    commit()
  }

  #schedule(delayMs: number): void {
    if (this.#failed || this.#closed) return
    if (this.#running) return // what comes meanwhile is written right after
    if (this.#cancelTimer && delayMs > 0) return
    this.#cancelTimer?.()
    this.#cancelTimer = this.#setTimer(() => { void this.#flushState().catch(() => {}) }, delayMs)
  }

  async #write(): Promise<void> {
    const commits = this.#pending
    const files = this.#dirtyFiles
    const meta = this.#dirtyMeta
    const leases = this.#leases()
    const leaseIds = leases.map(({ id }) => id).join()
    this.#pending = []
    this.#dirtyFiles = new Map()
    this.#writingFiles = files
    this.#dirtyMeta = new Map()
    try {
      // Somebody who waits wants it on the disk; otherwise the system's buffers will do, which outlive a killed tab or browser.
      const tx = this.#db.transaction(STATE_TABLES as TableName[], 'readwrite', { durability: this.#waiting.length > 0 ? 'strict' : 'relaxed' })
      // The database copies what it is given at once, so others get a turn between the pieces; the transaction stays one.
      for (let at = 0; at < commits.length; at += PIECE) {
        const group = commits.slice(at, at + PIECE)
        const last = group[group.length - 1]!.revision
        const put = tx.objectStore('log').put({ first: group[0]!.revision, last, commits: group }, last)
        for (const commit of group) this.#note(commit)
        if (at + PIECE < commits.length) await put
      }
      void tx.objectStore('meta').put(this.#nowMs(), 'time')
      if (leaseIds !== this.#leaseIds) void tx.objectStore('meta').put(leases, 'leases')
      this.#leaseIds = leaseIds
      for (const [key, value] of meta) void tx.objectStore('meta').put(value, key)
      for (const [tree, { look, paths }] of files) this.#writeFiles(tx, tree, look, paths)
      if (this.#unfolded.size >= FOLD_AFTER_CHANGES) await this.#fold(tx)
      await tx.done
    } catch (error) {
      this.#fail(error as Error)
      return
    }
    if (commits.length > 0) this.#flushedRevision = commits[commits.length - 1]!.revision
    const waiting = this.#waiting
    this.#waiting = []
    for (const each of waiting) if (each.revision <= this.#flushedRevision) each.resolve(); else this.#waiting.push(each)
    if (this.#pending.length + this.#dirtyFiles.size + this.#dirtyMeta.size > 0) {
      const delayMs = this.#waiting.length > 0 ? 0 : IDLE_FLUSH_MS
      this.#cancelTimer ??= this.#setTimer(() => { void this.#flushState().catch(() => {}) }, delayMs)
    }
  }

  #note(commit: Commit): void {
    for (const change of commit.changes) this.#unfolded.set(change.key, change.type === 'put' ? keyValueOf(change) : undefined)
    this.#unfoldedRevision = commit.revision
  }

  /** Moves the log into the table of keys, in the same transaction as the write that made it too long. */
  async #fold(tx: IDBPTransaction<Schema, TableName[], 'readwrite'>): Promise<void> {
    const kvs = tx.objectStore('kvs')
    let count = 0
    for (const [key, kv] of this.#unfolded) {
      const done = kv ? kvs.put(kv, key) : kvs.delete(key)
      if (++count % PIECE === 0) await done
    }
    void tx.objectStore('log').delete(IDBKeyRange.upperBound(this.#unfoldedRevision))
    void tx.objectStore('meta').put(this.#unfoldedRevision, 'folded')
    this.#folded = this.#unfoldedRevision
    this.#unfolded = new Map()
  }

  #writeFiles(tx: IDBPTransaction<Schema, TableName[], 'readwrite'>, tree: string, look: FileLook, paths: ReadonlySet<string>): void {
    const files = tx.objectStore('files')
    for (const path of paths) {
      // What was below is written anew: a directory may have been renamed to here, or removed.
      const below = path === '/' ? '/' : `${path}/`
      void files.delete([tree, path])
      void files.delete(IDBKeyRange.bound([tree, below], [tree, `${below}\uffff`]))
      for (const [each, file] of look(path)) {
        void files.put(file, [tree, each])
        this.#heavy.written(`${tree} ${each}`, file.data?.length ?? 0)
      }
    }
  }

  #fail(error: Error): void {
    const first = !this.#failed
    this.#failed = error
    for (const each of this.#waiting.splice(0)) each.reject(error)
    if (first) this.onFailure(error)
  }

  /** The revision up to which everything is on disk. */
  get flushedRevision(): number {
    return this.#flushedRevision
  }

  get foldedRevision(): number {
    return this.#folded
  }
}

function keyValueOf({ key, value, createRevision, modRevision, version, lease }: KeyValue): KeyValue {
  return { key, value, createRevision, modRevision, version, ...(lease ? { lease } : {}) }
}

/** The database of a further cluster, which stands beside the first one's. */
export const databaseOfFurther = (id: string, name = DATABASE): string => `${name}/${id}`

/** Ids of further clusters, as the first one's table says. */
function furtherIds(tables: Tables): string[] {
  const records = tables['meta']?.find(([key]) => key === 'fleet')?.[1]
  return Array.isArray(records) ? records.map(({ id }: { id: string }) => id) : []
}

/** Databases of further clusters that there are, whether anybody knows them or not. */
export async function furtherDatabases(name = DATABASE): Promise<string[]> {
  return (await indexedDB.databases()).flatMap((each) => each.name?.startsWith(`${name}/`) ? [each.name] : [])
}

/** Everything in the database and in those of further clusters, readable or not, as one file. Works on databases of any version. */
export async function exportDatabase(platform: Pick<Platform, 'monotonicMs' | 'macrotask'>, name = DATABASE): Promise<Uint8Array<ArrayBuffer>> {
  const { tables, version } = await readTables(name)
  for (const id of furtherIds(tables)) {
    const further = await readTables(databaseOfFurther(id, name))
    for (const [table, rows] of Object.entries(further.tables)) tables[`${id}/${table}`] = rows
  }
  return await packTables(tables, version, platform)
}

async function readTables(name: string): Promise<{ tables: Tables; version: number }> {
  const db = await openDB(name)
  try {
    const names = Array.from(db.objectStoreNames)
    const tables: Tables = {}
    if (names.length > 0) {
      // All at one moment: the cluster goes on meanwhile.
      const tx = db.transaction(names)
      await Promise.all(names.map(async (table) => {
        const store = tx.objectStore(table)
        const rows: [IDBValidKey, unknown][] = []
        // In pieces, each of which is read in a turn of its own.
        for (let range: IDBKeyRange | null = null; ;) {
          const [keys, values]: [IDBValidKey[], unknown[]] = await Promise.all([store.getAllKeys(range, READ_AT_ONCE), store.getAll(range, READ_AT_ONCE)])
          for (const [i, value] of values.entries()) rows.push([keys[i]!, value])
          if (keys.length < READ_AT_ONCE) break
          range = IDBKeyRange.lowerBound(keys.at(-1), true)
        }
        tables[table] = rows
      }))
    }
    return { tables, version: db.version }
  } finally {
    db.close()
  }
}

/** Replaces the database by an exported file. @throws StoreError when the file isn't one, or is of a later version; nothing is changed then. */
export async function importDatabase(data: Uint8Array, name = DATABASE): Promise<void> {
  const tables = await tablesOf(data)
  await deleteDatabase(name)
  await fill(name, tables)
  for (const id of furtherIds(tables)) await fill(databaseOfFurther(id, name), Object.fromEntries(TABLES.map((table) => [table, tables[`${id}/${table}`] ?? []])))
}

/** Tries a file out beside the database. @throws StoreError when no cluster can be started from it. */
export async function checkExportedFile(data: Uint8Array, name = DATABASE): Promise<void> {
  const trial = `${name}-import`
  const tables = await tablesOf(data)
  try {
    await deleteDB(trial)
    await fill(trial, tables)
    const store = await ClusterStore.open({ name: trial, setTimer: () => () => {} })
    try {
      await store.load()
    } finally {
      await store.close()
    }
  } catch (error) {
    throw error instanceof StoreError ? error : new StoreError('corrupt', `the tables in the file are damaged: ${(error as Error).message}`)
  } finally {
    await deleteDB(trial)
  }
}

async function tablesOf(data: Uint8Array): Promise<Tables> {
  const tables = await unpackTables(data, SCHEMA_VERSION)
  // Files of the first version have no logs.
  tables['logs'] ??= []
  for (const table of TABLES) if (!Array.isArray(tables[table])) throw new StoreError('corrupt', `the file has no table ${table}`)
  if (!tables['meta']!.some(([key]) => key === 'identity')) throw new StoreError('corrupt', 'the file has no identity of a cluster')
  return tables
}

async function fill(name: string, tables: Tables): Promise<void> {
  const db = await openDB<Schema>(name, SCHEMA_VERSION, { upgrade(db) { for (const table of TABLES) db.createObjectStore(table) } })
  try {
    const tx = db.transaction(TABLES as TableName[], 'readwrite', { durability: 'strict' })
    for (const table of TABLES) for (const [key, value] of tables[table]!) tx.objectStore(table).put(value as never, key as never).catch(() => {})
    await tx.done
  } finally {
    db.close()
  }
}

/** Forgets everything: the cluster, and those that stand beside it. */
export async function deleteDatabase(name = DATABASE): Promise<void> {
  for (const further of await furtherDatabases(name)) await deleteDB(further)
  await deleteDB(name)
}
