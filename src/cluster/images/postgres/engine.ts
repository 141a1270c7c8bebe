import type { PGlite } from '@electric-sql/pglite'
import type { Clock } from '../../../base/clock.ts'
import type { Random } from '../../../base/random.ts'
import type { FileSystem } from '../../../unix/types.ts'
import { ClusterFiles } from './cluster-files.ts'
import { engineFiles } from './engine-files.ts'
import type { ClusterTree } from './page-log.ts'

/** What the engine is not asked for: there is one process, which nobody else shares memory with. */
const FIXED = ['exit_on_error=false', 'log_checkpoints=off', 'max_worker_processes=0', 'max_parallel_workers=0', 'max_parallel_workers_per_gather=0', 'max_parallel_maintenance_workers=0', 'io_method=sync', 'shared_buffers=8MB', 'log_line_prefix=', 'log_destination=stderr', 'logging_collector=off', 'wal_recycle=off', 'min_wal_size=32MB', 'max_wal_size=64MB', 'shared_preload_libraries=', 'fsync=on', 'ssl=off']
/** Where the engine sees its files. */
const DATA = '/pglite/data'
/** Looks at the clock that follow each other with nothing between them: a loop that waits, which nothing else ends. */
const WAITING_LOOKS = 20_000
const MAX_STEP_MS = 20
/** In the place of the engine's initdb, which finds its files made and isn't called: it needn't be loaded. */
const NO_INITDB = new WebAssembly.Module(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0))
/** The engine runs anew where its own memory is no longer to be trusted. */
export class EngineCrashed extends Error {}

export interface EngineOptions {
  fs: FileSystem
  directory: string
  database: string
  clock: Clock
  random: Random
  /** Settings from the server's command line, `name=value`. */
  settings: readonly string[]
  /** What `version()` says. */
  versionText: string
  /** A line of the log, without time and process. */
  log: (line: string) => void
}

const WASI = 'wasi_snapshot_preview1'

type Imports = Record<string, Record<string, (...args: never[]) => unknown>>

/**
 * PostgreSQL itself, compiled to WebAssembly (PGlite), connected to one database. It computes synchronously; its time is the cluster's, which it may run
 * ahead of where it waits ({@link Engine.aheadMs}); what it wrote is in the data directory before anybody gets its answer.
 */
export class Engine {
  readonly database: string
  readonly #options: EngineOptions
  readonly #files: ClusterFiles
  #pg!: PGlite
  #aheadMs = 0
  #looks = 0

  private constructor(options: EngineOptions) {
    this.#options = options
    this.database = options.database
    this.#files = new ClusterFiles(options.fs, options.directory)
  }

  /** Opens a database. Takes real time: wrap in {@link Clock.outside}. @throws Error when the engine doesn't start; it has logged why */
  static async open(options: EngineOptions): Promise<Engine> {
    const engine = new Engine(options)
    await engine.#start()
    return engine
  }

  async #start(): Promise<void> {
    const [{ PGlite }, { MemfsFrontendFS }, loaded] = await Promise.all([import('@electric-sql/pglite'), import('@electric-sql/pglite/memfs-frontend'), engineFiles()])
    const files = new MemfsFrontendFS(this.#files)
    const prepare = files.init.bind(files)
    files.init = async (pg, given) => {
      this.#pg = pg
      const { emscriptenOpts } = await prepare(pg, given)
      const instantiate = emscriptenOpts.instantiateWasm!
      return {
        emscriptenOpts: {
          ...emscriptenOpts,
          print: () => {},
          printErr: (line: string) => { if (!line.startsWith('pglitec:')) this.#options.log(line) },
          instantiateWasm: (imports: Parameters<typeof instantiate>[0], done: Parameters<typeof instantiate>[1]) => {
            this.#takeOver(imports as unknown as Imports)
            return instantiate(imports, done)
          },
        },
      }
    }
    const { database, settings } = this.#options
    this.#pg = await PGlite.create({ fs: files, database, ...loaded ? { pgliteWasmModule: loaded.module, fsBundle: loaded.bundle } : {}, initdbWasmModule: NO_INITDB, startParams: ['--single', '-O', '-j', ...settings.flatMap((each) => ['-c', each]), ...FIXED.flatMap((each) => ['-c', each])] })
    this.#nameVersion()
    await this.#pg.syncToFs()
  }

  #nowMs(): number { return this.#options.clock.nowMs() + this.#aheadMs }

  /** A look at the clock takes a microsecond, and longer where the engine does nothing else: it has no other way to wait. */
  #look(): number {
    this.#looks++
    this.#aheadMs += this.#looks < WAITING_LOOKS ? 0.000_1 : Math.min(MAX_STEP_MS, 0.001 * 2 ** ((this.#looks - WAITING_LOOKS) / 500))
    return this.#nowMs()
  }

  /** Time and chance are the cluster's. */
  #takeOver(imports: Imports): void {
    // Whoever takes a function's address goes by what is written on it.
    const replace = (module: string, name: string, make: (original: (...args: never[]) => unknown) => (...args: never[]) => unknown) => {
      const functions = imports[module]
      const original = functions?.[name]
      if (original) functions[name] = Object.assign(make(original), original)
    }
    for (const [module, name] of [...['fd_write', 'fd_read', 'fd_pread', 'fd_pwrite'].map((each) => [WASI, each]), ['env', '__syscall_openat']] as [string, string][]) replace(module, name, (original) => (...args) => { this.#looks = 0; return original(...args) })
    const memory = () => this.#pg.Module.HEAPU8
    replace('env', 'emscripten_date_now', () => () => this.#look())
    replace('env', 'emscripten_get_now', () => () => this.#look())
    replace(WASI, 'clock_time_get', () => (_id: number, _precision: bigint, at: number) => {
      new DataView(memory().buffer).setBigInt64(at, BigInt(Math.round(this.#look() * 1000)) * 1000n, true)
      return 0
    })
    replace(WASI, 'random_get', () => (at: number, length: number) => { memory().set(this.#options.random.bytes(length), at); return 0 })
  }

  /** Puts the image's release into the place of what the engine calls itself. */
  #nameVersion(): void {
    const memory = this.#pg.Module.HEAPU8
    const own = new TextEncoder().encode('PostgreSQL 18.')
    const text = new TextEncoder().encode(`${this.#options.versionText}\0`)
    for (let at = memory.indexOf(own[0]!, 1024); at >= 0 && at < 32 * 2 ** 20; at = memory.indexOf(own[0]!, at + 1)) {
      if (!own.every((byte, i) => memory[at + i] === byte)) continue
      const end = memory.indexOf(0, at)
      if (new TextDecoder().decode(memory.subarray(at, end)).includes('(PGlite') && text.length <= end - at + 1) memory.set(text, at)
      at = end
    }
  }

  /** How far its clock has run ahead of the cluster's, in milliseconds, since this was asked last: so long its work took. */
  takeAheadMs(): number {
    const ms = this.#aheadMs
    this.#aheadMs = 0
    return ms
  }

  /**
   * Hands messages of the protocol to the engine; what it answers comes when its changes are kept.
   * @throws EngineCrashed when it can't go on
   */
  async run(messages: Uint8Array): Promise<Uint8Array[]> {
    const out: Uint8Array[] = []
    this.#looks = 0
    try {
      await this.#pg.execProtocolRawStream(messages, { syncToFs: true, onRawData: (bytes) => { out.push(bytes.slice()) } })
    } catch (error) {
      throw new EngineCrashed(String(error))
    }
    if (this.#files.isLong(false)) this.#files.compact(this.#tree())
    return out
  }

  #tree(): ClusterTree {
    const { FS } = this.#pg.Module
    const tree: ClusterTree = new Map()
    const walk = (path: string) => {
      for (const name of FS.readdir(DATA + path)) {
        if (name === '.' || name === '..') continue
        const each = `${path}/${name}`
        if (FS.isDir(FS.lstat(DATA + each).mode)) { tree.set(each, null); walk(each) } else tree.set(each, FS.readFile(DATA + each))
      }
    }
    walk('')
    return tree
  }

  /** Ends as a server does that is told to: all is written. */
  async close(): Promise<void> {
    // The files are there only as long as the engine: read them between its last write and its end.
    const quit = this.#pg.fs!.closeFs.bind(this.#pg.fs)
    this.#pg.fs!.closeFs = async () => {
      await this.#pg.fs!.syncToFs()
      if (this.#files.isLong(true)) this.#files.compact(this.#tree())
      await quit()
    }
    await this.#pg.close()
  }
}
