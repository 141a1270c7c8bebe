import type { StorageBackend } from '@electric-sql/pglite/memfs-frontend'
import { concatBytes, fromWebStream } from '../../../base/streams.ts'
import type { FileSystem } from '../../../unix/types.ts'
import { TarReader } from '../../../unix/utilities/tar-format.ts'
import { engineFiles } from './engine-files.ts'
import { PageLog, differences, encodeGroup } from './page-log.ts'
import type { ClusterTree, FileChange } from './page-log.ts'

/** The engine's release: what its files are. */
const ENGINE_MAJOR = '18'
/** Files that people read and write in the data directory; the engine sees them when it starts. */
const SETTINGS = ['postgresql.conf', 'postgresql.auto.conf', 'pg_hba.conf', 'pg_ident.conf'] as const
const SETTING_PATHS = new Set<string>(SETTINGS.map((name) => `/${name}`))
/** Belongs to whoever serves: not to the files. */
const OWN = new Set(['/PG_VERSION', '/postmaster.pid', '/postmaster.opts'])
const PACKED = 'base/cluster.tar.gz'
/** So much log is worth being told shorter. */
const COMPACT_BYTES = 16 * 2 ** 20
/** At the end of a server, that much. */
const REST_BYTES = 2 * 2 ** 20
const DIRECTORIES = ['base', 'base/1', 'base/4', 'base/5', 'global', 'pg_commit_ts', 'pg_dynshmem', 'pg_logical', 'pg_logical/mappings', 'pg_logical/snapshots', 'pg_multixact', 'pg_multixact/members', 'pg_multixact/offsets', 'pg_notify', 'pg_replslot', 'pg_serial', 'pg_snapshots', 'pg_stat', 'pg_stat_tmp', 'pg_subtrans', 'pg_tblspc', 'pg_twophase', 'pg_wal', 'pg_wal/archive_status', 'pg_xact']

/** Unpacked clusters by the end of their archives (sum and length): all begin as the same one. */
const unpacked = new Map<string, Promise<ClusterTree>>()

/** Reads a packed cluster. Wrap in {@link Clock.outside}. */
function unpack(archive: Uint8Array): Promise<ClusterTree> {
  const key = [...archive.subarray(-8)].join()
  let tree = unpacked.get(key)
  if (!tree) unpacked.set(key, tree = readArchive(archive))
  return tree
}

async function contentOf(reader: TarReader): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  for await (const chunk of reader.content()) chunks.push(chunk)
  return concatBytes(chunks)
}

async function readArchive(archive: Uint8Array): Promise<ClusterTree> {
  const stream = new Blob([archive as BlobPart]).stream().pipeThrough(new DecompressionStream('gzip') as unknown as ReadableWritablePair<Uint8Array, Uint8Array>)
  const reader = new TarReader(fromWebStream(stream))
  const tree: ClusterTree = new Map()
  for (let entry = await reader.next(); entry; entry = await reader.next()) {
    const path = `/${entry.name.replace(/^\.?\/+|\/+$/g, '')}`
    if (path === '/' || OWN.has(path) || SETTING_PATHS.has(path)) continue
    tree.set(path, entry.type === 'directory' ? null : await contentOf(reader))
  }
  return tree
}

async function packedCluster(): Promise<Uint8Array> {
  const { dataDir } = await import('@electric-sql/pglite-prepopulatedfs')
  return new Uint8Array(await (await dataDir()).arrayBuffer())
}

/** The cluster that initdb makes, as an archive, and the settings that come with it. */
export async function freshCluster(): Promise<{ archive: Uint8Array; settings: Record<(typeof SETTINGS)[number], string> }> {
  const archive = (await engineFiles())?.cluster ?? await packedCluster()
  const stream = new Blob([archive as BlobPart]).stream().pipeThrough(new DecompressionStream('gzip') as unknown as ReadableWritablePair<Uint8Array, Uint8Array>)
  const reader = new TarReader(fromWebStream(stream))
  const settings = {} as Record<(typeof SETTINGS)[number], string>
  for (let entry = await reader.next(); entry; entry = await reader.next()) {
    const name = SETTINGS.find((each) => entry!.name.replace(/^\.?\/+/, '') === each)
    if (name) settings[name] = new TextDecoder().decode(await contentOf(reader))
  }
  return { archive, settings }
}

/** Makes an empty data directory a cluster. @throws UnixError */
export function writeCluster(fs: FileSystem, directory: string, version: string, fresh: Awaited<ReturnType<typeof freshCluster>>): void {
  for (const path of DIRECTORIES) fs.mkdir(`${directory}/${path}`, { recursive: true, mode: 0o700 })
  fs.writeFile(`${directory}/${PACKED}`, fresh.archive, { mode: 0o600 })
  for (const name of SETTINGS) fs.writeFile(`${directory}/${name}`, fresh.settings[name], { mode: 0o600 })
  fs.writeFile(`${directory}/PG_VERSION`, `${version}\n`, { mode: 0o600 })
}

/** The engine's files: what it reads when it starts, and where its changes go before anybody hears of them. */
export class ClusterFiles implements StorageBackend {
  readonly #fs: FileSystem
  readonly #directory: string
  readonly #log: PageLog
  #packed!: ClusterTree

  constructor(fs: FileSystem, directory: string) {
    this.#fs = fs
    this.#directory = directory
    this.#log = new PageLog(fs, `${directory}/pg_wal`)
  }

  async init(): Promise<void> { this.#packed = await unpack(this.#fs.readFile(`${this.#directory}/${PACKED}`)) }

  async * load(): AsyncGenerator<{ kind: 'dir'; path: string } | { kind: 'file'; path: string; data: Uint8Array }> {
    const tree = this.#log.load(this.#packed)
    for (const [path, data] of [...tree].sort(([a], [b]) => a < b ? -1 : 1)) {
      if (data === null) yield { kind: 'dir', path }
      // The engine writes into what it is given.
      else yield { kind: 'file', path, data: data === this.#packed.get(path) ? data.slice() : data }
    }
    yield { kind: 'file', path: '/PG_VERSION', data: new TextEncoder().encode(`${ENGINE_MAJOR}\n`) }
    for (const name of SETTINGS) if (this.#fs.exists(`${this.#directory}/${name}`)) yield { kind: 'file', path: `/${name}`, data: this.#fs.readFile(`${this.#directory}/${name}`).slice() }
  }

  async apply({ ops, files }: Parameters<StorageBackend['apply']>[0]): Promise<void> {
    const changes: FileChange[] = ops.filter(({ path }) => !OWN.has(path) && !SETTING_PATHS.has(path)).map(({ op, path }) => ({ kind: op, path }))
    for (const { path, size, full, truncate, chunks } of [...files.wal, ...files.data, ...files.control]) {
      if (OWN.has(path)) continue
      if (SETTING_PATHS.has(path)) {
        const data = new Uint8Array(size)
        for (const chunk of chunks) data.set(chunk.data, chunk.at)
        this.#fs.writeFile(this.#directory + path, data)
        continue
      }
      if (full || truncate || chunks.length > 0) changes.push({ kind: 'write', path, size, whole: full, chunks })
    }
    if (changes.length > 0) this.#log.append(encodeGroup(changes))
    // A database's directory is there for people to see.
    for (const change of changes) if (change.kind === 'mkdir' && !this.#fs.exists(this.#directory + change.path)) this.#fs.mkdir(this.#directory + change.path, { recursive: true, mode: 0o700 })
    else if (change.kind === 'remove' && /^\/base\/\d+$/.test(change.path)) this.#fs.remove(this.#directory + change.path, { recursive: true, force: true })
  }

  async close(): Promise<void> {}

  /** Whether the log has become so long that {@link compact} is worth it. */
  isLong(atEnd: boolean): boolean { return this.#log.hasGrown(atEnd ? REST_BYTES : COMPACT_BYTES) }

  /** Tells the state of the files anew. */
  compact(now: ClusterTree): void {
    for (const path of [...OWN, ...SETTING_PATHS]) now.delete(path)
    this.#log.replace(encodeGroup(differences(this.#packed, now), { reset: true }))
  }
}
