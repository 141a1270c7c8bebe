import type { Clock } from '../base/clock.ts'
import type { Random } from '../base/random.ts'
import type { ByteReader, ByteWriter } from '../base/streams.ts'
import { BrokenPipeError } from '../base/streams.ts'
import { capabilityMask, fileRights } from './capabilities.ts'
import { errno, errorText } from './errno.ts'
import { findExecutable } from './exec.ts'
import type { MemoryFileSystem } from './file-system.ts'
import type { Privileges, ProcessDetails } from './fs/proc-tree.ts'
import type { Confinement, FileGuard } from './confinement.ts'
import type { KernelParameters } from './kernel-parameters.ts'
import type { SystemCall } from './system-calls.ts'
import { emptyReader, sharedReader } from './input.ts'
import type { SharedReader } from './input.ts'
import { ownNet } from './net/process-net.ts'
import type { OwnedNet } from './net/process-net.ts'
import { resolvePath } from './path.ts'
import { SIGNAL_NUMBERS, defaultAction } from './signals.ts'
import { ProcessExit, ProcessKilled } from './types.ts'
import type { ExecOptions, ExitStatus, FileSystem, Machine, NetStack, Proc, Process, Program, Signal, SpawnOptions, Tty, User } from './types.ts'

/** Memory of a process that doesn't say anything, in bytes. */
const BASE_MEMORY_BYTES = 640 * 1024
/** CPU time of starting a program, and of answering a request of the network, where the program itself says nothing. */
const START_CPU_NANOSECONDS = 1_500_000
const REQUEST_CPU_NANOSECONDS = 400_000

/** What a process needs of its machine. */
export interface Kernel {
  readonly machine: Machine
  readonly files: MemoryFileSystem
  readonly privileges: Privileges
  readonly parameters: KernelParameters
  readonly namespaces: { network: object; processes: object }
  readonly stack: NetStack
  spawn(parent: KernelProcess, argv: readonly string[], options: SpawnOptions): KernelProcess
  /** Called once when the process has ended, before waiters hear of it. */
  ended(process: KernelProcess): void
  reaped(process: KernelProcess): void
  memoryChanged(process: KernelProcess): void
  isInit(process: KernelProcess): boolean
}

export interface ProcessInit {
  /** Its root; the machine's by default. */
  files?: MemoryFileSystem
  startedMs?: number
  pid: number
  ppid: number
  group: number
  argv: readonly string[]
  env: Record<string, string>
  cwd: string
  user: User
  stdin: ByteReader | undefined
  stdout: ByteWriter
  stderr: ByteWriter
  tty: Tty | undefined
  umask: number
  /** The machine's by default. */
  bounding?: bigint
  noNewPrivileges?: boolean
}

/** A process as the kernel knows it. */
export class KernelProcess implements ProcessDetails {
  readonly pid: number
  ppid: number
  group: number
  argv: readonly string[]
  env: Record<string, string>
  cwd: string
  user: User
  readonly startedMs: number
  readonly tty: Tty | undefined
  readonly streams: { stdin: SharedReader; stdout: ByteWriter; stderr: ByteWriter }
  status: ExitStatus | undefined
  stopped = false
  memoryBytes = BASE_MEMORY_BYTES
  /** Of it, what is only a figure. */
  figurativeBytes = 0
  /** What was used so far, but for {@link steadyCpuMillis}. */
  #cpuNanoseconds = START_CPU_NANOSECONDS
  /** CPU that is used all the time, in thousandths of a core, since a moment. */
  #steady = { cpuMillis: 0, sinceMs: 0 }
  umask: number
  title: string | undefined
  files: MemoryFileSystem
  bounding: bigint
  noNewPrivileges: boolean
  readonly #kernel: Kernel
  #pending: Set<(error: unknown) => void> | undefined
  #handlers: Map<Signal, 'ignore' | Set<() => void>> | undefined
  #resume: (() => void)[] = []
  #heldSignals: Signal[] = []
  #waiters: ((status: ExitStatus) => void)[] = []
  #changeWaiters: (() => void)[] = []
  #killedBy: Signal | undefined
  #abort: AbortController | undefined
  #net: OwnedNet | undefined
  #awaited = false

  constructor(kernel: Kernel, init: ProcessInit) {
    this.#kernel = kernel
    this.pid = init.pid
    this.ppid = init.ppid
    this.group = init.group
    this.argv = init.argv
    this.env = init.env
    this.cwd = init.cwd
    this.user = init.user
    this.tty = init.tty
    this.umask = init.umask
    this.bounding = init.bounding ?? kernel.privileges.capabilities
    this.noNewPrivileges = init.noNewPrivileges ?? kernel.privileges.noNewPrivileges
    this.files = init.files ?? kernel.files
    this.startedMs = init.startedMs ?? kernel.machine.clock.nowMs()
    this.streams = { stdin: init.stdin ? sharedReader(unwrapStream(init.stdin)) : emptyReader, stdout: unwrapStream(init.stdout), stderr: unwrapStream(init.stderr) }
  }

  /** Where it runs. */
  get machine(): Machine {
    return this.#kernel.machine
  }

  get namespaces(): { network: object; processes: object } {
    return this.#kernel.namespaces
  }

  get privileges(): Privileges {
    return this.#kernel.privileges
  }

  /** What it may do now: root all that is left of the bounding set, others nothing. */
  get capabilities(): bigint {
    const profile = this.confinement?.profile
    return this.user.uid !== 0 ? 0n : profile ? this.bounding & profile.capabilities : this.bounding
  }

  get confinement(): Confinement | undefined {
    return this.#kernel.privileges.confinement
  }

  /** Passes the filter of system calls. @throws UnixError, ProcessKilled */
  systemCall(call: SystemCall): void {
    this.confinement?.filter?.(call, this)
  }

  /** Passes the profile. @throws UnixError EACCES */
  confined(call: SystemCall): void {
    if (this.confinement?.profile?.refusedCalls.has(call)) throw errno('EACCES')
  }

  /** execve(2) as far as it is confined. @throws UnixError */
  demandExecution(path: string): void {
    if (!this.confinement) return
    this.systemCall('execve')
    if (this.confinement.profile?.allowsFile?.(path, 1, this) === false) throw errno('EACCES', path)
  }

  /** setgroups(2), setgid(2) and setuid(2), in this order. @throws UnixError EPERM whose path is the call's name */
  demandIdentity(user: User): void {
    const own = this.user
    if (user === own) return
    const sameGroups = user.gid === own.gid && user.groups.every((group) => group === own.gid || own.groups.includes(group))
    if (!sameGroups) { this.systemCall('setgroups'); this.systemCall('setgid') }
    if (user.uid !== own.uid) this.systemCall('setuid')
    if (!sameGroups && !(this.capabilities & SET_GROUPS)) throw errno('EPERM', 'setgid')
    if (user.uid !== own.uid && user.uid !== own.real?.uid && !(this.capabilities & SET_USER)) throw errno('EPERM', 'setuid')
  }

  /** CPU time used so far. */
  get cpuNanoseconds(): number {
    return this.#cpuNanoseconds + (this.#steady.cpuMillis > 0 ? this.#steady.cpuMillis * (this.#kernel.machine.clock.nowMs() - this.#steady.sinceMs) * 1000 : 0)
  }

  useCpu(nanoseconds: number): void {
    this.#cpuNanoseconds += nanoseconds
  }

  useCpuSteadily(cpuMillis: number): void {
    this.#cpuNanoseconds = this.cpuNanoseconds
    this.#steady = { cpuMillis, sinceMs: this.#kernel.machine.clock.nowMs() }
  }

  /** An ended process's figures, that its machine takes over. */
  takeUsage(): number {
    const used = this.cpuNanoseconds
    this.#cpuNanoseconds = 0
    this.#steady.cpuMillis = 0
    this.memoryBytes = 0
    this.figurativeBytes = 0
    return used
  }

  get state(): 'R' | 'S' | 'T' | 'Z' {
    return this.status ? 'Z' : this.stopped ? 'T' : 'S'
  }

  /** Runs the program until it settles or a signal ends the process. */
  run(program: Program): void {
    const proc = new ProcView(this, this.#kernel)
    void (async () => {
      try {
        // The program starts in a later microtask, so that whoever spawned it can finish setting up.
        await undefined
        if (this.status) return
        const code = await program(proc)
        this.#end({ code: code & 255 })
      } catch (error) {
        this.#failed(error)
      }
    })()
  }

  /** execve(2): same process, other program; handlers go, ignored signals stay. @throws UnixError */
  async replace(argv: readonly string[], options: ExecOptions): Promise<number> {
    const env = options.env ?? this.env
    if (options.root !== undefined && !options.ownMounts) {
      this.systemCall('chroot')
      if (!(this.capabilities & CHANGE_ROOT)) throw errno('EPERM', 'chroot')
    }
    const files = options.root === undefined ? this.files : options.ownMounts ? this.files.withMountsOfItsOwn() : this.files.rootedAt(options.root)
    const cwd = options.cwd ?? (options.root === undefined ? this.cwd : '/')
    if (options.user) this.demandIdentity(options.user)
    const user = options.user ?? this.user
    const bounding = this.bounding & (options.bounding ?? this.bounding)
    const found = findExecutable(files.viewAs(user, undefined, fileRights(user.uid === 0 ? bounding : 0n)), argv, env, cwd)
    this.demandExecution(found.path)
    this.files = files
    this.argv = found.argv
    this.title = undefined
    this.bounding = bounding
    if (options.noNewPrivileges) this.noNewPrivileges = true
    this.user = afterExec(user, found, this.noNewPrivileges)
    this.env = { ...env }
    this.cwd = cwd
    if (options.stdin) this.streams.stdin = sharedReader(unwrapStream(options.stdin))
    if (options.stdout) this.streams.stdout = unwrapStream(options.stdout)
    if (options.stderr) this.streams.stderr = unwrapStream(options.stderr)
    for (const [signal, handler] of this.#handlers ?? []) if (handler !== 'ignore') this.#handlers!.delete(signal)
    return found.program(new ProcView(this, this.#kernel))
  }

  #failed(error: unknown): void {
    if (this.status) return
    if (error instanceof ProcessExit) return this.#end({ code: error.code & 255 })
    if (error instanceof ProcessKilled) return this.#end({ code: 128 + SIGNAL_NUMBERS[error.signal], signal: error.signal })
    if (error instanceof BrokenPipeError) return this.#end({ code: 128 + SIGNAL_NUMBERS.SIGPIPE, signal: 'SIGPIPE' })
    this.streams.stderr.write(`${this.argv[0]}: ${errorText(error)}\n`).catch(() => {})
    this.#end({ code: 1 })
  }

  kill(signal: Signal): void {
    if (this.status) return
    if (signal === 'SIGCONT' && this.stopped) this.#continue()
    if (signal === 'SIGKILL') return this.die('SIGKILL')
    if (signal === 'SIGSTOP') return this.#stop()
    if (this.stopped && signal !== 'SIGCONT') { this.#heldSignals.push(signal); return }
    const handler = this.#handlers?.get(signal)
    if (handler === 'ignore') return
    if (handler && handler.size > 0) {
      for (const run of [...handler]) run()
      return
    }
    // k8s containers: pid 1 of a pid namespace has no default actions.
    if (this.#kernel.isInit(this)) return
    const action = defaultAction(signal)
    if (action === 'terminate') this.die(signal)
    else if (action === 'stop') this.#stop()
  }

  /** Whether the process handles or ignores a signal itself. */
  handles(signal: Signal): boolean {
    const handler = this.#handlers?.get(signal)
    return handler === 'ignore' || (handler !== undefined && handler.size > 0)
  }

  /** Whether the process ignores a signal; children inherit that. */
  ignoredSignals(): Signal[] {
    return [...this.#handlers ?? []].filter(([, handler]) => handler === 'ignore').map(([signal]) => signal)
  }

  /** Ends at once, whatever the program does. */
  die(signal: Signal, oomKilled = false): void {
    if (this.status) return
    this.#killedBy = signal
    this.#end({ code: 128 + SIGNAL_NUMBERS[signal], signal, ...(oomKilled ? { oomKilled } : {}) })
  }

  #end(status: ExitStatus): void {
    if (this.status) return
    this.status = status
    this.stopped = false
    const error = new ProcessKilled(this.#killedBy ?? 'SIGKILL')
    this.#net?.closeAll()
    this.#abort?.abort(error)
    for (const reject of this.#pending ?? []) reject(error)
    this.#pending = undefined
    this.#handlers = undefined
    this.#resume = []
    this.#kernel.ended(this)
    const waiters = this.#waiters
    this.#waiters = []
    if (this.#awaited) this.#kernel.reaped(this)
    for (const resolve of waiters) resolve(status)
    this.#changed()
  }

  #stop(): void {
    if (this.stopped) return
    this.stopped = true
    this.#changed()
  }

  #continue(): void {
    this.stopped = false
    const resume = this.#resume
    this.#resume = []
    for (const go of resume) go()
    const held = this.#heldSignals
    this.#heldSignals = []
    for (const signal of held) this.kill(signal)
  }

  #changed(): void {
    const waiters = this.#changeWaiters
    this.#changeWaiters = []
    for (const resolve of waiters) resolve()
  }

  wait(): Promise<ExitStatus> {
    this.#awaited = true
    if (this.status) {
      this.#kernel.reaped(this)
      return Promise.resolve(this.status)
    }
    return new Promise((resolve) => this.#waiters.push(resolve))
  }

  waitChange(): Promise<void> {
    if (this.status || this.stopped) return Promise.resolve()
    return new Promise((resolve) => this.#changeWaiters.push(resolve))
  }

  /** Hands out a promise that rejects when the process ends, and that waits while it is stopped. */
  guard<T>(work: Promise<T>): Promise<T> {
    if (this.status) {
      work.catch(() => {})
      return quiet(Promise.reject(new ProcessKilled(this.#killedBy ?? 'SIGKILL')))
    }
    const guarded = new Promise<T>((resolve, reject) => {
      const pending = this.#pending ??= new Set()
      pending.add(reject)
      const settle = (act: () => void) => {
        if (this.stopped) { this.#resume.push(() => settle(act)); return }
        pending.delete(reject)
        act()
      }
      work.then((value) => settle(() => resolve(value)), (error) => settle(() => reject(error)))
    })
    return quiet(guarded)
  }

  onSignal(signal: Signal, handler: (() => void) | 'ignore'): () => void {
    const handlers = this.#handlers ??= new Map()
    if (signal === 'SIGKILL' || signal === 'SIGSTOP' || this.status) return () => {}
    const before = handlers.get(signal)
    if (handler === 'ignore') {
      handlers.set(signal, 'ignore')
      return () => {
        if (handlers.get(signal) !== 'ignore') return
        if (before) handlers.set(signal, before)
        else handlers.delete(signal)
      }
    }
    const set = before instanceof Set ? before : new Set<() => void>()
    handlers.set(signal, set)
    set.add(handler)
    return () => {
      set.delete(handler)
      if (set.size === 0 && handlers.get(signal) === set) {
        if (before === 'ignore') handlers.set(signal, 'ignore')
        else handlers.delete(signal)
      }
    }
  }

  get killedSignal(): AbortSignal {
    this.#abort ??= new AbortController()
    if (this.status && !this.#abort.signal.aborted) this.#abort.abort(new ProcessKilled(this.#killedBy ?? 'SIGKILL'))
    return this.#abort.signal
  }

  get net(): NetStack {
    return this.#net ??= ownNet(this.#kernel.stack, (work) => this.guard(work), () => this.useCpu(REQUEST_CPU_NANOSECONDS), {
      userName: () => this.user.name,
      mayBind: (port) => (this.capabilities & BIND_SERVICE) !== 0n || port >= Number(this.#kernel.parameters.get('net.ipv4.ip_unprivileged_port_start')),
      ...(this.confinement ? { systemCall: (call: SystemCall) => { this.systemCall(call); this.confined(call) } } : {}),
    })
  }
}

/** Whom a process is once it runs a file: set-user-ID and set-group-ID count unless programs give it no rights. */
export function afterExec(user: User, { setUid, setGid }: { setUid?: number; setGid?: number }, noNewPrivileges: boolean): User {
  if (noNewPrivileges || (setUid === undefined && setGid === undefined)) return user
  return { ...user, uid: setUid ?? user.uid, gid: setGid ?? user.gid, real: user.real ?? { uid: user.uid, gid: user.gid } }
}

const SET_USER = capabilityMask(['SETUID'])
const SET_GROUPS = capabilityMask(['SETGID'])
const BIND_SERVICE = capabilityMask(['NET_BIND_SERVICE'])
const CHANGE_ROOT = capabilityMask(['SYS_CHROOT'])

function quiet<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {})
  return promise
}

/** The process as its program sees it; parts are made when first used. */
class ProcView implements Proc {
  readonly #process: KernelProcess
  readonly #kernel: Kernel
  #fs: MemoryFileSystem | undefined
  #stdin: SharedReader | undefined
  #stdout: ByteWriter | undefined
  #stderr: ByteWriter | undefined

  constructor(process: KernelProcess, kernel: Kernel) {
    this.#process = process
    this.#kernel = kernel
  }

  get pid(): number { return this.#process.pid }
  get ppid(): number { return this.#process.ppid }
  get argv(): readonly string[] { return this.#process.argv }
  get env(): Record<string, string> { return this.#process.env }
  get cwd(): string { return this.#process.cwd }
  set cwd(path: string) { this.#process.cwd = path }
  get user(): User { return this.#process.user }
  get capabilities(): bigint { return this.#process.capabilities }
  get tty(): Tty | undefined { return this.#process.tty }
  get net(): NetStack { return this.#process.net }
  get clock(): Clock { return this.#kernel.machine.clock }
  get random(): Random { return this.#kernel.machine.random }
  get machine(): Machine { return this.#kernel.machine }
  get killed(): AbortSignal { return this.#process.killedSignal }

  get stdin(): ByteReader {
    const process = this.#process
    const source = process.streams.stdin
    return this.#stdin ??= wrapped<SharedReader>({
      read: () => process.guard(source.read().then((data) => {
        // What arrives after the process has gone is for the next reader.
        if (!process.status) return data
        if (data) source.unread(data)
        else source.unreadEnd?.()
        return null
      })),
      unread: (data) => source.unread(data),
      cancel() {},
    }, source)
  }

  get stdout(): ByteWriter {
    return this.#stdout ??= this.#writer(this.#process.streams.stdout)
  }

  get stderr(): ByteWriter {
    return this.#stderr ??= this.#writer(this.#process.streams.stderr)
  }

  #writer(writer: ByteWriter): ByteWriter {
    const process = this.#process
    return wrapped<ByteWriter>({
      write: (data) => {
        if (process.status) return process.guard(Promise.resolve())
        return process.guard(writer.write(data).catch((error: unknown) => {
          if (error instanceof BrokenPipeError && !process.handles('SIGPIPE')) process.die('SIGPIPE')
          throw error
        }))
      },
      close() {},
    }, writer)
  }

  get fs(): FileSystem {
    if (!this.#fs) {
      const view: Required<Pick<Proc, 'capabilities'>> & Proc = this
      this.#fs = this.#process.files.viewAs(this.user, {
        pid: this.pid,
        get stdin() { return view.stdin },
        get stdout() { return view.stdout },
        get stderr() { return view.stderr },
        tty: this.tty,
        get capabilities() { return view.capabilities },
      }, fileRights(this.capabilities), this.#guard())
      const process = this.#process
      Object.defineProperty(this.#fs, 'umask', { get: () => process.umask, set: (mask: number) => { process.umask = mask } })
    }
    return this.#fs
  }

  /** Machines that nothing confines have no guard, so that files cost nothing more. */
  #guard(): FileGuard | undefined {
    const process = this.#process
    const { filter: calls, filtersFiles, profile } = process.confinement ?? {}
    const filter = filtersFiles ? calls : undefined
    if (!filter && !profile?.allowsFile) return undefined
    return {
      check(call, path, access) {
        filter?.(call, process)
        if (profile?.allowsFile?.(path, access, process) === false) throw errno('EACCES', path)
      },
    }
  }

  systemCall(call: SystemCall): void { this.#process.systemCall(call) }
  confined(call: SystemCall): void { this.#process.confined(call) }

  isTty(fd: 0 | 1 | 2): boolean {
    const { stdin, stdout, stderr } = this.#process.streams
    return this.tty !== undefined && isTerminalStream([stdin, stdout, stderr][fd]!)
  }

  onSignal(signal: Signal, handler: (() => void) | 'ignore'): () => void {
    return this.#process.onSignal(signal, handler)
  }

  signal(...signals: Signal[]): Promise<Signal> {
    return this.#process.guard(new Promise<Signal>((resolve) => {
      const undo: (() => void)[] = signals.map((signal) => this.onSignal(signal, () => {
        for (const each of undo) each()
        resolve(signal)
      }))
    }))
  }

  sleep(ms: number): Promise<void> {
    const process = this.#process
    // Timers go away with the process, so that a killed sleeper leaves nothing behind.
    let done!: () => void
    const timer = this.clock.after(ms, () => done())
    const work = new Promise<void>((resolve) => { done = resolve })
    const guarded = process.guard(work)
    guarded.catch(() => timer.cancel())
    return guarded
  }

  resolve(path: string): string {
    return resolvePath(this.cwd, path)
  }

  spawn(argv: readonly string[], options: SpawnOptions = {}): Process {
    return this.#kernel.spawn(this.#process, argv, options)
  }

  async exec(argv: readonly string[], options: ExecOptions = {}): Promise<number> {
    return this.#process.replace(argv, options)
  }

  setTitle(title: string): void {
    this.#process.title = title
  }

  exit(code: number): never {
    throw new ProcessExit(code)
  }

  useMemory(bytes: number, { figurative = false }: { figurative?: boolean } = {}): void {
    this.#process.memoryBytes = BASE_MEMORY_BYTES + Math.max(0, bytes)
    this.#process.figurativeBytes = figurative ? Math.max(0, bytes) : 0
    this.#kernel.memoryChanged(this.#process)
    if (this.#process.status) throw new ProcessKilled('SIGKILL')
  }

  useCpu(nanoseconds: number): void {
    this.#process.useCpu(nanoseconds)
  }

  useCpuSteadily(cpuMillis: number): void {
    this.#process.useCpuSteadily(cpuMillis)
  }
}

const wrappedStreams = new WeakMap<object, object>()

/** Remembers the stream behind a process's own view of it. */
function wrapped<T extends object>(view: T, source: T): T {
  wrappedStreams.set(view, source)
  return view
}

/** The stream itself, where a process passes its own standard stream on to a child. */
function unwrapStream<T extends object>(stream: T): T {
  return (wrappedStreams.get(stream) as T | undefined) ?? stream
}

const terminalStreams = new WeakSet<object>()

/** Marks a stream as one end of a terminal, for isatty(3). */
export function markTerminalStream(stream: object): void {
  terminalStreams.add(stream)
}

/** isatty(3) for streams. */
function isTerminalStream(stream: object): boolean {
  return terminalStreams.has(stream)
}
