import { bytesOfBase64 } from '../../base/base64.ts'
import { deflate, deflateRaw, gzip, inflate, inflateRaw, ungzip } from 'pako'
import { JavaScriptInterrupted, createRealm } from '../javascript/engine.ts'
import type { GuestFunction, Realm } from '../javascript/engine.ts'
import { createPipe } from '../../base/streams.ts'
import { KERNEL_RELEASE } from '../kernel.ts'
import { LineEditor } from '../shell/line-editor.ts'
import { SIGNAL_NUMBERS } from '../signals.ts'
import { UnixError } from '../types.ts'
import type { Proc, Process, Signal } from '../types.ts'
import { digests } from './digests.ts'
import { EventLoop } from './event-loop.ts'
import { fileCalls } from './file-calls.ts'
import { bootstrap, library } from './library/index.mjs'
import { ModuleNotFound, ModuleResolution } from './module-resolution.ts'
import type { ResolvedModule } from './module-resolution.ts'
import { networkCalls } from './network-calls.ts'
import type { NodeRelease } from './releases.ts'
import { placeAt, prepareSource } from './source-text.ts'
import type { PreparedSource, SourceKind, SyntaxProblem } from './source-text.ts'

/** Memory of a Node that has done nothing yet, in bytes. */
const BASE_MEMORY_BYTES = 38 * 2 ** 20
/** CPU time of starting, in nanoseconds, and how long it takes, in milliseconds. */
const START_CPU_NANOSECONDS = 40_000_000
const START_MS = 35
/** Node's own work in the first turn, in milliseconds of a core. */
const FIRST_TURN_MS = 4
/** Longest that one turn of a script may compute, in milliseconds of a core. */
const MAX_TURN_MS = 3_000
/** Node's old space has a limit of its own where the container has none. */
const HEAP_BYTES = 256 * 2 ** 20
const heapLimitOf = (memoryBytes = HEAP_BYTES) => Math.min(HEAP_BYTES, memoryBytes)

export interface ScriptOptions {
  release: NodeRelease
  /** The arguments after the script. */
  args: readonly string[]
  execArgv: readonly string[]
  /** Modules to be loaded before. */
  preload: readonly string[]
}

/** What to run. */
export type Script = { path: string } | { text: string; name: string; prints: boolean } | 'repl'

type Call = (...args: never[]) => unknown

// @k8s part: Node.js: scripts run in QuickJS, slower than in Node, and a turn that computes for more than three seconds ends the process; no worker threads, cluster.fork, execSync, streams of the web, Intl or native add-ons; fs.statfs tells the same of every disk, and no time counts as the system's

/** Runs a script as Node does: a realm, the calls that it makes of this process, and its turns. @returns the exit code */
export async function runScript(proc: Proc, script: Script, options: ScriptOptions): Promise<number> {
  return new ScriptProcess(proc, script, options).run()
}

class ScriptProcess {
  readonly #proc: Proc
  readonly #script: Script
  readonly #options: ScriptOptions
  readonly #loop: EventLoop
  readonly #modules: ModuleResolution
  readonly #sources = new Map<string, PreparedSource & { isMain: boolean }>()
  readonly #children = new Map<number, { process: Process; input: ReturnType<typeof createPipe>['writer'] }>()
  readonly #startedMs: number
  #realm!: Realm
  #dispatch!: GuestFunction
  #exitCode: number | undefined
  #written: Promise<unknown> = Promise.resolve()
  #mainPath: string | undefined
  /** Why a module could not be loaded, for whoever meets the failure. */
  #loadProblem: object | undefined
  #cpuMs = 0
  readonly #history: string[] = []
  readonly #lines: LineEditor
  #turnStartedMs = 0
  #hasRejections = false
  /** What the script heard last. */
  #nowMs = 0

  constructor(proc: Proc, script: Script, options: ScriptOptions) {
    this.#proc = proc
    this.#script = script
    this.#options = options
    this.#loop = new EventLoop(proc)
    this.#modules = new ModuleResolution(proc.fs)
    this.#startedMs = proc.clock.nowMs()
    this.#lines = new LineEditor({ proc, history: this.#history, editing: false, isBash: true }, undefined, undefined)
  }

  async run(): Promise<number> {
    const { killed, clock, machine } = this.#proc
    this.#proc.useCpu(START_CPU_NANOSECONDS)
    this.#proc.useMemory(BASE_MEMORY_BYTES, { figurative: true })
    this.#realm = await clock.outside(createRealm({
      maxMs: MAX_TURN_MS, memoryLimitBytes: heapLimitOf(machine.limits.memoryBytes),
      onTurn: (ms) => { this.#cpuMs += ms; this.#loop.computed(ms) },
      interrupt: () => killed.aborted,
      modules: { resolve: (specifier, referrer) => this.#resolveImport(specifier, referrer), load: (id) => this.#loadModule(id) },
    }))
    const release = () => { this.#loop.stop(); this.#realm.dispose() }
    killed.addEventListener('abort', release, { once: true })
    try {
      await clock.breathe()
      this.#furnish()
      // Starting takes its time, so that what a script sets its first timers to is due before the next turn.
      await this.#proc.sleep(START_MS)
      this.#loop.post(() => { for (const name of this.#options.preload) this.#enter('preload', name); this.#enter(...this.#first()); this.#loop.computed(FIRST_TURN_MS) })
      await this.#loop.run(() => { this.#enter('idle') })
      if (this.#exitCode === undefined) this.#enter('exit')
      await this.#written
      return this.#exitCode ?? 0
    } finally {
      killed.removeEventListener('abort', release)
      release()
    }
  }

  #first(): unknown[] {
    const script = this.#script
    if (script === 'repl') return ['repl']
    if ('path' in script) return ['main', script.path]
    return ['text', script.text, script.name, script.prints]
  }

  /** A turn of the script. */
  #enter(...args: unknown[]): void {
    if (this.#exitCode !== undefined) return
    this.#turnStartedMs = this.#proc.clock.nowMs()
    try {
      this.#dispatch(...args)
      // Whoever minds a rejection may do so until the turn's jobs are done.
      while (this.#hasRejections) {
        this.#hasRejections = false
        this.#dispatch('rejected')
      }
      this.#proc.useMemory(this.#memory().rss, { figurative: true })
    } catch (error) {
      if (this.#proc.killed.aborted || this.#exitCode !== undefined) return
      if (error instanceof JavaScriptInterrupted) this.#end(1, `node: the script computed for more than ${MAX_TURN_MS / 1000} seconds without a pause; this Node lets no script do that\n`)
      else if (/out of memory/.test((error as Error).message)) this.#end(134, '\n<--- Last few GCs --->\n\n\nFATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory\n')
      else this.#end(1, `${(error as Error).message}\n`)
    }
  }

  #end(code: number, message = ''): void {
    if (message) this.#write(2, message)
    this.#exitCode ??= code & 255
    this.#loop.stop()
  }

  #write(fd: 1 | 2, data: string | Uint8Array): void {
    const stream = fd === 1 ? this.#proc.stdout : this.#proc.stderr
    const written = stream.write(data)
    written.catch(() => {})
    this.#written = Promise.all([this.#written, written]).catch(() => {})
  }

  readonly #notify = (id: number, ...values: unknown[]): void => this.#loop.post(() => this.#enter('event', id, ...values))

  #furnish(): void {
    const calls: Record<string, Call> = { ...this.#processCalls(), ...this.#moduleCalls(), ...fileCalls(this.#proc, this.#loop, this.#notify), ...networkCalls(this.#proc, this.#loop, this.#notify) }
    this.#realm.define('__host', (name, ...args) => {
      if (this.#exitCode !== undefined) return undefined
      const call = calls[name as string]
      if (!call) throw new UnixError('ENOSYS', `no such call: ${String(name)}`)
      return call(...args as never[])
    })
    this.#realm.definePromiseState('__promiseState')
    const start = this.#realm.evaluate(`(${String(bootstrap)})`, { filename: 'node:internal/bootstrap' }) as GuestFunction
    this.#dispatch = start(this.#config()) as GuestFunction
  }

  #config(): object {
    const proc = this.#proc
    const { release } = this.#options
    const major = Number(/\d+/.exec(release.version)![0])
    const script = this.#script !== 'repl' && 'path' in this.#script ? this.#script.path : undefined
    const execPath = '/usr/local/bin/node'
    const frames = FRAMES[major] ?? FRAMES[24]!
    return {
      version: release.version, v8: release.v8, abi: release.abi, lts: release.lts, builtins: [...Object.keys(library).filter((name) => name !== 'web' && name !== 'util/types'), 'util/types', 'module', 'timers', 'perf_hooks', 'process'],
      argv: [execPath, ...(script === undefined ? [] : [this.#modules.main(proc.resolve(script))?.path ?? proc.resolve(script)]), ...this.#options.args], argv0: proc.argv[0], execArgv: this.#options.execArgv, execPath, cwd: proc.cwd,
      pid: proc.pid, ppid: proc.ppid, uid: proc.user.uid, gid: proc.user.gid, user: proc.user.name, home: proc.user.home, hostname: proc.machine.hostname, kernel: KERNEL_RELEASE,
      cpus: proc.machine.hardware.cpus, memoryBytes: proc.machine.hardware.memoryBytes, memoryLimit: proc.machine.limits.memoryBytes ?? 0, heapLimit: heapLimitOf(proc.machine.limits.memoryBytes), startedMs: this.#startedMs,
      isTty: [proc.isTty(0), proc.isTty(1), proc.isTty(2)], columns: proc.tty?.columns ?? 80, rows: proc.tty?.rows ?? 24,
      mainFrames: [...frames.compile, ...frames.main], requireFrames: frames.require, importFrames: frames.import, timerFrames: frames.timer, syntaxFrames: [...frames.wrap, ...frames.main], moduleFrames: frames.module,
      textFrames: ['    at makeContextifyScript (node:internal/vm:194:14)', '    at compileScript (node:internal/process/execution:388:10)', '    at evalTypeScript (node:internal/process/execution:260:22)', '    at node:internal/main/eval_string:71:3'],
    }
  }

  #memory(): { rss: number; heapTotal: number; heapUsed: number; external: number; arrayBuffers: number } {
    const script = this.#realm.memoryBytes()
    return { rss: BASE_MEMORY_BYTES + script, heapTotal: 6_537_216 + script, heapUsed: 4_480_000 + script, external: 0, arrayBuffers: 0 }
  }

  #processCalls(): Record<string, Call> {
    const proc = this.#proc
    const loop = this.#loop
    const notify = this.#notify
    const now = (id: number, ...values: unknown[]) => this.#enter('event', id, ...values)
    return {
      /** A script that waits for time in a loop gets there, as computing takes time. */
      now: () => this.#nowMs = Math.max(this.#nowMs, proc.clock.nowMs(), this.#turnStartedMs + this.#realm.computedMs),
      write: (fd: 1 | 2, data: string | Uint8Array) => this.#write(fd, data),
      exit: (code: number) => this.#end(code),
      rejected: () => { this.#hasRejections = true },
      close: (id: number) => loop.close(id),
      ref: (id: number) => loop.count(id, true),
      unref: (id: number) => loop.count(id, false),
      immediate(id: number) { loop.open(id); loop.postLater(() => { if (loop.isOpen(id)) { loop.close(id); now(id) } }) },
      timer(id: number, ms: number, repeats: boolean) {
        let timer: { cancel(): void }
        const arm = () => {
          timer = proc.clock.after(ms, () => loop.post(() => {
            if (!loop.isOpen(id)) return
            if (repeats) arm()
            else loop.close(id)
            now(id)
          }))
        }
        arm()
        loop.open(id, () => timer.cancel())
      },
      signal(id: number, name: Signal) {
        const undo = proc.onSignal(name, () => notify(id, SIGNAL_NUMBERS[name]))
        loop.open(id, undo)
        loop.count(id, false)
      },
      kill(pid: number, signal: Signal | 0) {
        const target = proc.machine.process(pid)
        if (!target || target.status) return 'ESRCH'
        if (signal !== 0) target.kill(signal)
        return undefined
      },
      stdin(id: number) {
        loop.open(id)
        void (async () => {
          for (let chunk = await proc.stdin.read(); chunk; chunk = await proc.stdin.read()) notify(id, chunk)
          loop.post(() => { loop.close(id); now(id, null) })
        })().catch(() => {})
      },
      readLine: (id: number, prompt: string) => {
        loop.open(id)
        void this.#lines.readLine(prompt).then((line) => {
          if (line !== undefined && line !== 'interrupted' && line.trim() !== '') this.#history.push(line)
          loop.post(() => { loop.close(id); now(id, line ?? null) })
        }).catch(() => {})
      },
      rawMode: (raw: boolean) => proc.tty?.setRaw(raw),
      environment: () => ({ ...proc.env }),
      randomBytes: (count: number) => Uint8Array.from({ length: count }, () => proc.random.int(256)),
      digest: (name: string, bytes: Uint8Array) => (digests[name] ?? (() => { throw new UnixError('ERR_CRYPTO_INVALID_DIGEST', 'Digest method not supported') }))(bytes),
      zlib: (format: 'gzip' | 'zlib' | 'raw', way: 'pack' | 'unpack', bytes: Uint8Array) => ZLIB[format][way](bytes),
      toBytes: (text: string, encoding: string) => bytesOf(text, encoding),
      toText: (bytes: Uint8Array, encoding: string) => textOf(bytes, encoding),
      memoryUsage: () => this.#memory(),
      freeMemory: () => {
        const told = proc.fs.exists('/proc/meminfo') ? /^MemAvailable:\s*(\d+)/m.exec(proc.fs.readText('/proc/meminfo'))?.[1] : undefined
        return told === undefined ? proc.machine.hardware.memoryBytes - proc.machine.usage().memoryBytes : Number(told) * 1024
      },
      cpuUsage: () => ({ user: Math.round((this.#cpuMs + this.#realm.computedMs) * 1000) + START_CPU_NANOSECONDS / 1000, system: 0 }),
      bootedSeconds: () => Math.floor((proc.clock.nowMs() - (proc.machine.process(1)?.startedMs ?? this.#startedMs)) / 1000),
      parseUrl: (text: string, base: string | null) => { try { return urlParts(new URL(text, base ?? undefined)) } catch { return null } },
      changeUrl: (href: string, part: string, value: string) => { const url = new URL(href); try { (url as unknown as Record<string, string>)[part] = value } catch { return null } return urlParts(url) },
      spawn: (id: number, argv: string[], options: { cwd?: string; env?: Record<string, string>; inherit: boolean[] }) => this.#spawn(id, argv, options),
      childInput: (id: number, bytes: Uint8Array | null) => { const input = this.#children.get(id)?.input; if (bytes === null) input?.close(); else input?.write(bytes).catch(() => {}) },
      childKill: (id: number, signal: Signal) => { const child = this.#children.get(id)?.process; if (!child || child.status) return false; child.kill(signal); return true },
    }
  }

  #spawn(id: number, argv: string[], options: { cwd?: string; env?: Record<string, string>; inherit: boolean[] }): void {
    const proc = this.#proc
    const input = createPipe()
    const pipes = [createPipe(), createPipe()] as const
    let child: Process
    this.#loop.open(id)
    try {
      child = proc.spawn(argv, {
        stdin: options.inherit[0] ? proc.stdin : input.reader, stdout: options.inherit[1] ? proc.stdout : pipes[0].writer, stderr: options.inherit[2] ? proc.stderr : pipes[1].writer,
        ...(options.cwd === undefined ? {} : { cwd: proc.resolve(options.cwd) }), ...(options.env ? { env: options.env } : {}),
      })
    } catch (error) {
      if (!(error instanceof UnixError)) throw error
      this.#notify(id, 'failed', error.code)
      this.#loop.post(() => this.#loop.close(id))
      return
    }
    this.#children.set(id, { process: child, input: input.writer })
    this.#notify(id, 'started', child.pid)
    const outputs = pipes.map(async ({ reader }, i) => {
      for (let chunk = await reader.read(); chunk; chunk = await reader.read()) this.#notify(id, i === 0 ? 'stdout' : 'stderr', chunk)
      this.#notify(id, i === 0 ? 'stdout' : 'stderr', null)
    })
    void child.wait().then(async (status) => {
      for (const { writer } of pipes) writer.close()
      this.#notify(id, 'exit', status.signal ? null : status.code, status.signal ?? null)
      await Promise.all(outputs)
      this.#loop.post(() => { this.#loop.close(id); this.#children.delete(id) })
    })
  }

  // --- modules --------------------------------------------------------------------------------------------------------------------

  #moduleCalls(): Record<string, Call> {
    return {
      library: (name: string) => {
        const fn = library[name]
        if (!fn) throw new UnixError('ENOENT', `No such built-in module: ${name}`)
        return this.#realm.evaluate(`(${String(fn)})`, { filename: `node:${name}` })
      },
      resolve: (name: string, directory: string, how: 'require' | 'main' | 'import') => this.#resolve(name, directory, how),
      modulePaths: (directory: string) => this.#modules.paths(directory),
      compile: (path: string, isMain: boolean): SyntaxProblem | undefined => this.#prepare(path, this.#proc.fs.readText(path), 'commonjs', isMain).problem,
      compileText: (text: string, name: string): SyntaxProblem | undefined => this.#prepare(name, text, 'script', true).problem,
      function: (path: string) => this.#realm.evaluate(this.#sources.get(path)!.code, { filename: path }),
      run: (name: string) => this.#realm.evaluate(this.#sources.get(name)!.code, { filename: name, refer: true }),
      source: (file: string) => {
        const source = this.#sources.get(file)
        return source ? { text: source.text, shown: source.kind === 'module' ? `file://${file}` : file, kind: source.kind, isMain: source.isMain, offset: source.offset, insertions: source.insertions } : null
      },
      place: (file: string, line: number, column: number, property?: string) => placeAt(this.#sources.get(file)!, line, column, property),
      loadProblem: () => { const problem = this.#loadProblem; this.#loadProblem = undefined; return problem ?? null },
      replText: (text: string) => replText(text),
    }
  }

  #prepare(path: string, text: string, kind: SourceKind, isMain: boolean): PreparedSource {
    const source = { ...prepareSource(text, kind, path), isMain }
    this.#sources.set(path, source)
    return source
  }

  #resolve(name: string, directory: string, how: 'require' | 'main' | 'import'): ResolvedModule | { error: true; missing?: string } {
    if (how === 'main') {
      const path = this.#proc.resolve(name)
      const found = this.#modules.main(path)
      this.#mainPath = found?.path
      if (found?.format === 'module') this.#warnOfGuessedModule(found.path)
      return found ?? { error: true, missing: path }
    }
    return (how === 'import' ? this.#modules.import(name, `${directory}/.`) : this.#modules.require(name, directory)) ?? { error: true }
  }

  /** Node says where it had to guess. */
  #warnOfGuessedModule(path: string): void {
    const told = this.#modules.packageType(path)
    if (!path.endsWith('.js') || !told || told.type !== undefined) return
    this.#write(2, `(node:${this.#proc.pid}) [MODULE_TYPELESS_PACKAGE_JSON] Warning: Module type of file://${path} is not specified and it doesn't parse as CommonJS.\nReparsing as ES module because module syntax was detected. This incurs a performance overhead.\nTo eliminate this warning, add "type": "module" to ${told.file}.\n(Use \`node --trace-warnings ...\` to show where the warning was created)\n`)
  }

  #resolveImport(specifier: string, referrer: string): string {
    const name = specifier.replace(/^node:/, '')
    if (name in library || ['module', 'timers', 'perf_hooks', 'process'].includes(name)) return `node:${name}`
    if (referrer.startsWith('node:') && specifier.startsWith('/')) return specifier
    try {
      return this.#modules.import(specifier, referrer.startsWith('/') ? referrer : `${this.#proc.cwd}/${referrer}`).path
    } catch (error) {
      if (error instanceof ModuleNotFound) this.#loadProblem = { code: error.code, message: error.message, details: error.path === undefined ? {} : { url: `file://${error.path}` }, kind: error.path === undefined ? 'package' : 'file', place: IMPORT_PLACES[error.path === undefined ? 'package' : 'file'] }
      throw error
    }
  }

  /** The text of an ECMAScript module; modules of other kinds get one that hands on what they export. */
  #loadModule(id: string): string {
    if (id.startsWith('node:')) return this.#handedOn('builtin', id.slice(5))
    const { format } = this.#modules.main(id)!
    if (format !== 'module') return this.#handedOn('file', id)
    const source = this.#prepare(id, this.#proc.fs.readText(id), 'module', id === this.#mainPath)
    if (source.problem) {
      this.#loadProblem = { syntax: true, ...source.problem }
      throw new SyntaxError(source.problem.message)
    }
    return source.code
  }

  #handedOn(kind: 'builtin' | 'file', name: string): string {
    const names = this.#realm.evaluate(`((exports) => (typeof exports === 'object' || typeof exports === 'function') && exports !== null ? Object.keys(exports) : [])(__import(${JSON.stringify(kind)}, ${JSON.stringify(name)}))`, { filename: 'node:internal/import' }) as string[]
    const own = names.filter((each) => each !== 'default' && /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(each))
    return `const exports = __import(${JSON.stringify(kind)}, ${JSON.stringify(name)})\nexport default exports\nexport { exports as 'module.exports' }\n${own.map((each, i) => `const name${i} = exports[${JSON.stringify(each)}]\nexport { name${i} as ${each} }\n`).join('')}`
  }
}

const ZLIB = { gzip: { pack: gzip, unpack: ungzip }, zlib: { pack: deflate, unpack: inflate }, raw: { pack: deflateRaw, unpack: inflateRaw } }

/** What Node shows above the errors of imports. */
const IMPORT_PLACES = {
  package: ['node:internal/modules/package_json_reader:331', '  throw new ERR_MODULE_NOT_FOUND(packageName, fileURLToPath(base), null);', '        ^'],
  file: ['node:internal/modules/esm/resolve:272', '    throw new ERR_MODULE_NOT_FOUND(', '          ^'],
}

const IMPORTING_24 = ['    at defaultResolve (node:internal/modules/esm/resolve:1006:11)', '    at #cachedDefaultResolve (node:internal/modules/esm/loader:705:20)', '    at #resolveAndMaybeBlockOnLoaderThread (node:internal/modules/esm/loader:725:38)', '    at ModuleLoader.resolveSync (node:internal/modules/esm/loader:763:56)', '    at #resolve (node:internal/modules/esm/loader:687:17)', '    at ModuleLoader.getOrCreateModuleJob (node:internal/modules/esm/loader:607:35)', '    at ModuleJob.syncLink (node:internal/modules/esm/module_job:276:33)', '    at ModuleJob.link (node:internal/modules/esm/module_job:381:17)']

/** Node's own frames below those of a script, by major version. */
const FRAMES: Readonly<Record<number, { wrap: string[]; compile: string[]; main: string[]; module: string[]; require: { main: string[]; other: string[] }; import: { package: string[]; file: string[] }; timer: string[] }>> = {
  24: {
    wrap: ['    at wrapSafe (node:internal/modules/cjs/loader:1861:18)', '    at Module._compile (node:internal/modules/cjs/loader:1903:20)'],
    compile: ['    at Module._compile (node:internal/modules/cjs/loader:1929:14)'],
    main: ['    at Object..js (node:internal/modules/cjs/loader:2060:10)', '    at Module.load (node:internal/modules/cjs/loader:1651:32)', '    at Module._load (node:internal/modules/cjs/loader:1443:12)', '    at wrapModuleLoad (node:internal/modules/cjs/loader:261:19)', '    at Module.executeUserEntryPoint [as runMain] (node:internal/modules/run_main:154:5)', '    at node:internal/main/run_main_module:33:47'],
    module: ['    at ModuleJob.run (node:internal/modules/esm/module_job:561:25)', '    at async node:internal/modules/esm/loader:647:26', '    at async asyncRunEntryPointWithESMLoader (node:internal/modules/run_main:101:5)'],
    require: {
      main: ['    at Module._resolveFilename (node:internal/modules/cjs/loader:1564:15)', '    at wrapResolveFilename (node:internal/modules/cjs/loader:1118:27)', '    at defaultResolveImplForCJSLoading (node:internal/modules/cjs/loader:1142:10)', '    at resolveForCJSWithHooks (node:internal/modules/cjs/loader:1169:12)', '    at Module._load (node:internal/modules/cjs/loader:1341:5)', '    at wrapModuleLoad (node:internal/modules/cjs/loader:261:19)', '    at Module.executeUserEntryPoint [as runMain] (node:internal/modules/run_main:154:5)', '    at node:internal/main/run_main_module:33:47'],
      other: ['    at Module._resolveFilename (node:internal/modules/cjs/loader:1564:15)', '    at wrapResolveFilename (node:internal/modules/cjs/loader:1118:27)', '    at defaultResolveImplForCJSLoading (node:internal/modules/cjs/loader:1142:10)', '    at resolveForCJSWithHooks (node:internal/modules/cjs/loader:1169:12)', '    at Module._load (node:internal/modules/cjs/loader:1341:5)', '    at wrapModuleLoad (node:internal/modules/cjs/loader:261:19)', '    at Module.require (node:internal/modules/cjs/loader:1674:12)', '    at require (node:internal/modules/helpers:157:16)'],
    },
    import: {
      package: ['    at Object.getPackageJSONURL (node:internal/modules/package_json_reader:331:9)', '    at packageResolve (node:internal/modules/esm/resolve:784:25)', '    at moduleResolve (node:internal/modules/esm/resolve:873:18)', ...IMPORTING_24],
      file: ['    at finalizeResolution (node:internal/modules/esm/resolve:272:11)', '    at moduleResolve (node:internal/modules/esm/resolve:879:10)', ...IMPORTING_24],
    },
    timer: ['    at listOnTimeout (node:internal/timers:685:17)', '    at process.processTimers (node:internal/timers:618:7)'],
  },
  20: {
    wrap: ['    at wrapSafe (node:internal/modules/cjs/loader:1464:18)', '    at Module._compile (node:internal/modules/cjs/loader:1495:20)'],
    compile: ['    at Module._compile (node:internal/modules/cjs/loader:1521:14)'],
    main: ['    at Module._extensions..js (node:internal/modules/cjs/loader:1623:10)', '    at Module.load (node:internal/modules/cjs/loader:1266:32)', '    at Module._load (node:internal/modules/cjs/loader:1091:12)', '    at Function.executeUserEntryPoint [as runMain] (node:internal/modules/run_main:164:12)', '    at node:internal/main/run_main_module:28:49'],
    module: ['    at ModuleJob.run (node:internal/modules/esm/module_job:325:25)', '    at async ModuleLoader.import (node:internal/modules/esm/loader:606:24)', '    at async asyncRunEntryPointWithESMLoader (node:internal/modules/run_main:117:5)'],
    require: {
      main: ['    at Module._resolveFilename (node:internal/modules/cjs/loader:1207:15)', '    at Module._load (node:internal/modules/cjs/loader:1038:27)', '    at Function.executeUserEntryPoint [as runMain] (node:internal/modules/run_main:164:12)', '    at node:internal/main/run_main_module:28:49'],
      other: ['    at Module._resolveFilename (node:internal/modules/cjs/loader:1207:15)', '    at Module._load (node:internal/modules/cjs/loader:1038:27)', '    at Module.require (node:internal/modules/cjs/loader:1289:19)', '    at require (node:internal/modules/helpers:182:18)'],
    },
    import: {
      package: ['    at packageResolve (node:internal/modules/esm/resolve:873:9)', '    at moduleResolve (node:internal/modules/esm/resolve:946:18)', '    at defaultResolve (node:internal/modules/esm/resolve:1188:11)', '    at ModuleLoader.defaultResolve (node:internal/modules/esm/loader:708:12)', '    at #cachedDefaultResolve (node:internal/modules/esm/loader:657:25)', '    at ModuleLoader.resolve (node:internal/modules/esm/loader:640:38)', '    at ModuleLoader.getModuleJobForImport (node:internal/modules/esm/loader:264:38)', '    at ModuleWrap.<anonymous> (node:internal/modules/esm/module_job:168:49)'],
      file: ['    at finalizeResolution (node:internal/modules/esm/resolve:283:11)', '    at moduleResolve (node:internal/modules/esm/resolve:952:10)', '    at defaultResolve (node:internal/modules/esm/resolve:1188:11)', '    at ModuleLoader.defaultResolve (node:internal/modules/esm/loader:708:12)', '    at #cachedDefaultResolve (node:internal/modules/esm/loader:657:25)', '    at ModuleLoader.resolve (node:internal/modules/esm/loader:640:38)', '    at ModuleLoader.getModuleJobForImport (node:internal/modules/esm/loader:264:38)', '    at ModuleWrap.<anonymous> (node:internal/modules/esm/module_job:168:49)'],
    },
    timer: ['    at listOnTimeout (node:internal/timers:594:17)', '    at process.processTimers (node:internal/timers:529:7)'],
  },
}

/** A line of the prompt as a script: object literals in parentheses, awaits in a function; whether more must come. */
function replText(text: string): { text: string; awaits: boolean; incomplete: boolean } {
  const literal = /^\s*\{/.test(text) && !/;\s*$/.test(text) ? `(${text.trim()}\n)` : text
  for (const each of new Set([literal, text])) if (!prepareSource(each, 'script', 'REPL').problem) return { text: each, awaits: false, incomplete: false }
  if (/\bawait\b/.test(text)) {
    // Names that are declared beside an await are the session's.
    const own = text.replace(/^\s*(?:const|let|var)\s+(?=[\w$]+\s*=)/, '').replace(/^\s*(?:const|let|var)\s+(\{[^}]*\}\s*=[^]*)$/, '($1)').replace(/;\s*$/, '')
    for (const each of [`(async () => ({ value: (${own}\n) }))()`, `(async () => { ${text}\n return { value: undefined } })()`]) if (!prepareSource(each, 'script', 'REPL').problem) return { text: each, awaits: true, incomplete: false }
  }
  const problem = prepareSource(text, 'script', 'REPL').problem!
  return { text, awaits: false, incomplete: /^Unexpected end of input$|^Unterminated template/.test(problem.message) }
}

const encoder = new TextEncoder()

function bytesOf(text: string, encoding: string): Uint8Array {
  switch (encoding) {
    case 'latin1': return Uint8Array.from(text, (character) => character.charCodeAt(0) & 255)
    case 'hex': return Uint8Array.from({ length: /^(?:[\da-f]{2})*/i.exec(text)![0].length / 2 }, (_, i) => parseInt(text.slice(i * 2, i * 2 + 2), 16))
    case 'base64': case 'base64url': {
      const clean = text.replaceAll('-', '+').replaceAll('_', '/').replace(/[^A-Za-z0-9+/]/g, '')
      const whole = clean.length % 4 === 1 ? clean.slice(0, -1) : clean
      return bytesOfBase64(whole)
    }
    case 'utf16le': { const bytes = new DataView(new ArrayBuffer(text.length * 2)); for (let i = 0; i < text.length; i++) bytes.setUint16(i * 2, text.charCodeAt(i), true); return new Uint8Array(bytes.buffer) }
    default: return encoder.encode(text)
  }
}

function textOf(bytes: Uint8Array, encoding: string): string {
  const latin = () => { let text = ''; for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192)); return text }
  switch (encoding) {
    case 'latin1': return latin()
    case 'hex': return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')
    case 'base64': return btoa(latin())
    case 'base64url': return btoa(latin()).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')
    case 'utf16le': return new TextDecoder('utf-16le', { ignoreBOM: true }).decode(bytes.subarray(0, bytes.length & ~1))
    default: return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)
  }
}

function urlParts({ href, origin, protocol, username, password, host, hostname, port, pathname, search, hash }: URL): object {
  return { href, origin, protocol, username, password, host, hostname, port, pathname, search, hash }
}
