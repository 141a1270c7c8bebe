import type { Clock } from '../base/clock.ts'
import type { Random } from '../base/random.ts'
import { fileRights, isCapable } from './capabilities.ts'
import { errno } from './errno.ts'
import { findExecutable } from './exec.ts'
import type { Executable } from './exec.ts'
import { MemoryFileSystem } from './file-system.ts'
import { LoopDevices } from './fs/block-device.ts'
import { createDeviceTree } from './fs/devices.ts'
import { createCgroupTree } from './fs/cgroup-tree.ts'
import type { ControlGroup } from './fs/cgroup-tree.ts'
import { FULL_PRIVILEGES, createProcTree } from './fs/proc-tree.ts'
import type { Privileges, ProcessDetails } from './fs/proc-tree.ts'
import { afterExec, markTerminalStream, KernelProcess } from './process.ts'
import type { Kernel } from './process.ts'
import { KernelLog } from './kernel-log.ts'
import { KernelParameters } from './kernel-parameters.ts'
import { bindNames } from './net/names.ts'
import { Terminal } from './tty.ts'
import type { Hardware, Machine, MachineLimits, MountableFileSystem, NetStack, Proc, Process, Program, Signal, SpawnOptions, StartOptions, User } from './types.ts'

export interface MachineOptions {
  hostname: string
  root: MountableFileSystem
  /** Shared by the containers of a pod. Names are looked up as this machine's own /etc says. */
  net: NetStack
  clock: Clock
  random: Random
  limits?: MachineLimits
  /** Four processors and 8 GiB by default. */
  hardware?: Hardware
  /** Kernel parameters; those of a computer that was just started by default. */
  parameters?: KernelParameters
  /** Told when processes were killed because memory ran out. */
  onOom?: (process: Process) => void
  /**
   * `process`: the first process that is started is pid 1 and the machine ends with it, like a container. `kernel`: pid 1 is an init of the
   * machine's own, like a computer. Default `process`.
   */
  init?: 'process' | 'kernel'
  /** When it was switched on; now by default. */
  bootMs?: number
  /** Processes of other namespaces that this machine sees: a node sees those of its containers. */
  guests?: () => readonly ProcessDetails[]
  /** Memory of the control group around its own, in bytes: OOM kill beyond that limit too. */
  outerMemory?: () => { usedBytes: number; limitBytes: number } | undefined
  /** Control groups inside its own, by the names of their directories: a node's are those of its pods. */
  controlGroups?: () => ReadonlyMap<string, ControlGroup>
  /** What its kernel says; a container shares its computer's. */
  kernelLog?: KernelLog
  /** Files that stand for devices; a container's are its computer's. */
  loopDevices?: LoopDevices
  /** /dev is mounted in the root already. */
  hasDevices?: boolean
  /** What its processes may do; everything by default. */
  privileges?: Privileges
  /** Joins the process namespace of this machine: both see all processes, each ends and counts its own. */
  shareProcessesWith?: Machine
}

/** A numbering of processes: one per machine, unless machines share it. */
class ProcessNamespace {
  readonly table = new Map<number, KernelProcess>()
  readonly owners = new Map<number, MemoryMachine>()
  lastPid = 0
  /** Processes of namespaces below it, which it sees too. */
  readonly guests: () => readonly ProcessDetails[]

  constructor(guests: () => readonly ProcessDetails[]) {
    this.guests = guests
  }
}

export const ROOT_USER: User = { uid: 0, gid: 0, groups: [], name: 'root', home: '/root' }

/** A machine that is switched on: no processes yet (but init, if it has its own). Mounts /proc and /dev where the root lacks them. */
export function createMachine(options: MachineOptions): Machine {
  return new MemoryMachine(options)
}

class MemoryMachine implements Machine, Kernel {
  hostname: string
  readonly parameters: KernelParameters
  readonly kernelLog: KernelLog
  readonly loopDevices: LoopDevices
  readonly fs: MountableFileSystem
  readonly files: MemoryFileSystem
  readonly net: NetStack
  readonly stack: NetStack
  readonly clock: Clock
  readonly random: Random
  limits: MachineLimits
  readonly hardware: Hardware
  readonly privileges: Privileges
  readonly namespaces: { network: object; processes: object }
  readonly #onOom: ((process: Process) => void) | undefined
  readonly #outerMemory: MachineOptions['outerMemory']
  readonly #namespace: ProcessNamespace
  readonly #table: Map<number, KernelProcess>
  /** The processes of the namespace that run on this machine. */
  readonly #own = new Set<KernelProcess>()
  readonly #hasOwnInit: boolean
  #finishedCpuNanoseconds = 0
  #whenEmpty: (() => void)[] = []

  constructor(options: MachineOptions) {
    this.hostname = options.hostname
    this.loopDevices = options.loopDevices ?? new LoopDevices()
    this.kernelLog = options.kernelLog ?? new KernelLog(() => options.clock.nowMs())
    this.parameters = options.parameters ?? new KernelParameters()
    if (!(options.root instanceof MemoryFileSystem)) throw new TypeError('a machine needs a memory file system')
    this.fs = this.files = options.root
    const shared = options.shareProcessesWith
    this.#namespace = shared instanceof MemoryMachine ? shared.#namespace : new ProcessNamespace(options.guests ?? (() => []))
    this.#table = this.#namespace.table
    this.clock = options.clock
    this.random = options.random
    this.limits = options.limits ?? {}
    this.hardware = options.hardware ?? { cpus: 4, memoryBytes: 8 * 2 ** 30 }
    this.privileges = options.privileges ?? FULL_PRIVILEGES
    this.namespaces = { network: options.net, processes: this.#namespace }
    this.#onOom = options.onOom
    this.#outerMemory = options.outerMemory
    this.net = this.stack = bindNames(options.net, this.fs, options.clock)
    this.#hasOwnInit = options.init === 'kernel'
    const bootMs = options.bootMs ?? this.clock.nowMs()
    this.files.mountLazily('/proc', () => createProcTree({
      machine: this, bootMs, files: this.files, processes: () => [...this.#table.values(), ...this.#namespace.guests()], parameters: this.parameters, isConfigurable: this.privileges.configuresKernel ?? true,
      cpuNanoseconds: () => this.#namespace.guests().reduce((sum, guest) => sum + guest.cpuNanoseconds, this.usage().cpuNanoseconds),
    }), 'proc')
    this.files.mountLazily('/sys/fs/cgroup', () => createCgroupTree(this.clock, controlGroupOf(this, () => [...this.#own], options.controlGroups)), 'cgroup2', true)
    if (!options.hasDevices) this.files.mountLazily('/dev', () => createDeviceTree(this.clock, this.random, this.#hasOwnInit ? this.loopDevices : undefined), 'tmpfs')
    if (this.#hasOwnInit) this.#boot(bootMs)
  }

  get machine(): Machine {
    return this
  }

  setHostname(name: string): void {
    this.hostname = name
  }

  #boot(startedMs: number): void {
    const sink = { write: async () => {}, close() {} }
    const init = new KernelProcess(this, { pid: ++this.#namespace.lastPid, ppid: 0, group: 1, argv: ['/sbin/init'], env: {}, cwd: '/', user: ROOT_USER, stdin: undefined, stdout: sink, stderr: sink, tty: undefined, umask: 0o022, startedMs })
    this.#adopt(init)
    init.run(() => new Promise<number>(() => {}))
  }

  start(argv: readonly string[], options: StartOptions): Process {
    const tty = options.tty
    const process = this.#create(0, undefined, argv, {
      env: options.env, cwd: options.cwd, user: options.user, stdin: options.stdin, stdout: options.stdout, stderr: options.stderr, tty, umask: 0o022, ...(options.startedMs === undefined ? {} : { startedMs: options.startedMs }),
    }, options.program)
    if (tty) {
      for (const stream of [options.stdin, options.stdout, options.stderr]) if (stream) markTerminalStream(stream)
      if (tty instanceof Terminal) tty.attach((group, signal) => this.signalGroup(group, signal))
      tty.foregroundGroup ??= process.group
    }
    return process
  }

  spawn(parent: KernelProcess, argv: readonly string[], options: SpawnOptions): KernelProcess {
    if (options.user) parent.demandIdentity(options.user)
    if (parent.confinement) parent.systemCall('clone')
    return this.#create(parent.pid, options.newGroup ? undefined : options.group ?? parent.group, argv, {
      env: options.env ?? parent.env,
      cwd: options.cwd ?? parent.cwd,
      user: options.user ?? parent.user,
      stdin: options.stdin ?? parent.streams.stdin,
      stdout: options.stdout ?? parent.streams.stdout,
      stderr: options.stderr ?? parent.streams.stderr,
      tty: options.tty ?? parent.tty,
      umask: parent.umask,
      ...(parent.files === this.files ? {} : { files: parent.files }),
      bounding: parent.bounding, noNewPrivileges: parent.noNewPrivileges,
    }, options.program, parent.ignoredSignals())
  }

  #create(ppid: number, group: number | undefined, argv: readonly string[], init: Omit<ConstructorParameters<typeof KernelProcess>[1], 'pid' | 'ppid' | 'group' | 'argv'>, given?: Program, ignored: readonly Signal[] = []): KernelProcess {
    const rights = fileRights(init.user.uid === 0 ? init.bounding ?? this.privileges.capabilities : 0n)
    const found: Pick<Executable, 'program' | 'argv' | 'setUid' | 'setGid'> = given ? { program: given, argv } : findExecutable((init.files ?? this.files).viewAs(init.user, undefined, rights), argv, init.env, init.cwd)
    const pid = ++this.#namespace.lastPid
    const user = given ? init.user : afterExec(init.user, found, init.noNewPrivileges ?? this.privileges.noNewPrivileges)
    const process = new KernelProcess(this, { ...init, user, env: { ...init.env }, pid, ppid, group: group ?? pid, argv: found.argv })
    if (!given) process.demandExecution((found as Executable).path)
    for (const signal of ignored) process.onSignal(signal, 'ignore')
    this.#adopt(process)
    process.run(found.program)
    this.memoryChanged(process)
    return process
  }

  #adopt(process: KernelProcess): void {
    this.#table.set(process.pid, process)
    this.#namespace.owners.set(process.pid, this)
    this.#own.add(process)
  }

  isInit(process: KernelProcess): boolean {
    return process.pid === 1
  }

  ended(process: KernelProcess): void {
    this.#finishedCpuNanoseconds += process.takeUsage()
    for (const child of [...this.#table.values()]) {
      if (child.ppid !== process.pid) continue
      child.ppid = process.pid === 1 ? 0 : 1
      // Init reaps orphans.
      if (child.status) this.reaped(child)
    }
    const parent = this.#table.get(process.ppid)
    if (!parent || parent.status || process.ppid <= 1 && (process.ppid === 0 || this.#hasOwnInit)) this.reaped(process)
    else parent.kill('SIGCHLD')
    if (process.pid === 1) for (const other of [...this.#table.values()]) other.die('SIGKILL')
  }

  reaped(process: KernelProcess): void {
    this.#table.delete(process.pid)
    const owner = this.#namespace.owners.get(process.pid)
    this.#namespace.owners.delete(process.pid)
    if (owner) owner.#forget(process)
  }

  #forget(process: KernelProcess): void {
    this.#own.delete(process)
    if (this.#own.size > (this.#hasOwnInit ? 1 : 0)) return
    const waiting = this.#whenEmpty
    this.#whenEmpty = []
    for (const resolve of waiting) resolve()
  }

  memoryChanged(process: KernelProcess): void {
    const { memoryBytes = Infinity, hostMemoryBytes = Infinity } = this.limits
    const used = this.usage().memoryBytes
    const figurative = [...this.#own].reduce((sum, each) => sum + each.figurativeBytes, 0)
    const { usedBytes, limitBytes } = this.#outerMemory?.() ?? { usedBytes: 0, limitBytes: 0 }
    if (used <= Math.min(memoryBytes, this.hardware.memoryBytes) && used - figurative <= hostMemoryBytes && usedBytes <= limitBytes) return
    this.#onOom?.(process)
    // memory.oom.group: a container is killed as a whole.
    for (const each of [...this.#own].sort((a, b) => b.memoryBytes - a.memoryBytes)) each.die('SIGKILL', true)
  }

  /** kill(2) with a negative pid. */
  signalGroup(group: number, signal: Signal): void {
    for (const process of [...this.#table.values()]) if (process.group === group) process.kill(signal)
  }

  processes(): readonly Process[] {
    return [...this.#table.values(), ...this.#namespace.guests()]
  }

  process(pid: number): Process | undefined {
    return this.#table.get(pid) ?? this.#namespace.guests().find((process) => process.pid === pid)
  }

  shutdown(): Promise<void> {
    for (const process of [...this.#own]) process.die('SIGKILL')
    for (const process of [...this.#own]) if (process.status) this.reaped(process)
    if (this.#own.size === 0) return Promise.resolve()
    return new Promise((resolve) => this.#whenEmpty.push(resolve))
  }

  usage(): { memoryBytes: number; cpuNanoseconds: number } {
    let memoryBytes = 0
    let cpuNanoseconds = this.#finishedCpuNanoseconds
    for (const process of this.#own) {
      memoryBytes += process.memoryBytes
      cpuNanoseconds += process.cpuNanoseconds
    }
    return { memoryBytes, cpuNanoseconds }
  }
}

/** What all processes of a machine are in. */
function controlGroupOf(machine: Machine, processes: () => readonly Process[], children: (() => ReadonlyMap<string, ControlGroup>) | undefined): ControlGroup {
  return {
    get limits() { return machine.limits },
    usage: () => [...children?.().values() ?? []].reduce((sum, child) => {
      const { memoryBytes, cpuNanoseconds } = child.usage()
      return { memoryBytes: sum.memoryBytes + memoryBytes, cpuNanoseconds: sum.cpuNanoseconds + cpuNanoseconds }
    }, machine.usage()),
    processes,
    ...(children ? { children } : {}),
  }
}

/**
 * kill(2) by a process: a pid, 0 (its own group) or a negative group.
 * @throws UnixError ESRCH, EPERM
 */
export function sendSignal(proc: Proc, pid: number, signal: Signal | undefined): void {
  const own = proc.machine.process(proc.pid)
  const all = proc.machine.processes()
  proc.systemCall?.('kill')
  const targets = pid > 0 ? all.filter((p) => p.pid === pid)
    : pid === -1 ? all.filter((p) => p.pid !== 1 && p.pid !== proc.pid)
    : all.filter((p) => p.group === (pid === 0 ? own?.group : -pid))
  if (targets.length === 0) throw errno('ESRCH')
  const mayKillAll = isCapable(proc, 'KILL')
  const ownUid = proc.user.real?.uid ?? proc.user.uid
  const allowed = targets.filter((p) => mayKillAll || [p.user.uid, p.user.real?.uid].some((uid) => uid === proc.user.uid || uid === ownUid))
  if (allowed.length === 0) throw errno('EPERM')
  if (!signal) return
  for (const target of allowed) {
    // From inside, even SIGKILL doesn't reach pid 1.
    if (target.pid === 1 && (signal === 'SIGKILL' || signal === 'SIGSTOP')) continue
    target.kill(signal)
  }
}
