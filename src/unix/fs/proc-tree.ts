import type { Random } from '../../base/random.ts'
import type { ByteReader, ByteWriter } from '../../base/streams.ts'
import { Tree } from './tree.ts'
import type { FileViewer, Inode, Synthetic } from './tree.ts'
import { streamFile } from './devices.ts'
import { errno } from '../errno.ts'
import type { KernelParameters } from '../kernel-parameters.ts'
import type { Confinement } from '../confinement.ts'
import type { Machine, Process, Tty, User } from '../types.ts'
import { ALL_CAPABILITIES, capabilityMask } from '../capabilities.ts'
import { KERNEL_RELEASE } from '../kernel.ts'
import type { MemoryFileSystem } from '../file-system.ts'

/** What /proc needs to know of a process besides its public face. */
export interface ProcessDetails extends Process {
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
  readonly memoryBytes: number
  readonly state: 'R' | 'S' | 'T' | 'Z'
  readonly cpuNanoseconds: number
  readonly tty: Tty | undefined
  readonly streams: { stdin: ByteReader; stdout: ByteWriter; stderr: ByteWriter }
  /** The files that it sees. */
  readonly files: MemoryFileSystem
  /** What it calls itself instead of its arguments. */
  readonly title: string | undefined
  /** What the kernel lets processes of its machine do. */
  readonly privileges: Privileges
  /** The capabilities that it has now, and the most that it can get. */
  readonly capabilities: bigint
  readonly bounding: bigint
  readonly noNewPrivileges: boolean
  /** Where it runs: in a namespace of processes that several machines share, not always where it is seen. */
  readonly machine: Machine
  /** What stands for the namespaces that it shares with others. */
  readonly namespaces: { network: object; processes: object }
}

/** What a machine's processes may do beyond their user's rights. */
export interface Privileges {
  /** One bit for each capability that they can have at all; processes of root have them. */
  capabilities: bigint
  noNewPrivileges: boolean
  /** Whether system calls are filtered. */
  seccomp: boolean
  /** The AppArmor profile that confines them. */
  appArmor?: string
  /** How system calls are filtered and what a profile leaves. */
  confinement?: Confinement
  /** Whether /proc/sys can be written to; as the root file system otherwise. */
  configuresKernel?: boolean
  /** The first of the node's user ids that theirs stand for, in a user namespace of their own. */
  firstHostId?: number
}

/** What /proc shows. */
export interface ProcSource {
  machine: Machine
  bootMs: number
  files: MemoryFileSystem
  processes(): readonly ProcessDetails[]
  parameters: KernelParameters
  /** Whether /proc/sys can be written to. */
  isConfigurable: boolean
  /** CPU time used by all of them and by those that have ended. */
  cpuNanoseconds(): number
}

const LOAD_WINDOWS_MS = [60_000, 300_000, 900_000]

/** Busy cores, averaged over one, five and fifteen minutes: from the CPU time that was accounted since somebody asked last. */
class LoadAverage {
  readonly #source: ProcSource
  readonly #loads = LOAD_WINDOWS_MS.map(() => 0)
  #atMs: number
  #cpuNanoseconds = 0

  constructor(source: ProcSource) {
    this.#source = source
    this.#atMs = source.bootMs
  }

  now(): readonly number[] {
    const nowMs = this.#source.machine.clock.nowMs()
    const cpuNanoseconds = this.#source.cpuNanoseconds()
    const elapsedMs = nowMs - this.#atMs
    if (elapsedMs <= 0) return this.#loads
    const busy = Math.max(0, cpuNanoseconds - this.#cpuNanoseconds) / 1e6 / elapsedMs
    LOAD_WINDOWS_MS.forEach((windowMs, i) => {
      const kept = Math.exp(-elapsedMs / windowMs)
      this.#loads[i] = this.#loads[i]! * kept + busy * (1 - kept)
    })
    this.#atMs = nowMs
    this.#cpuNanoseconds = cpuNanoseconds
    return this.#loads
  }
}

/** The files of /proc, made when they are read. */
export function createProcTree(source: ProcSource): Tree {
  const tree = new Tree(source.machine.clock)
  const text = (make: (viewer: FileViewer | undefined) => string, mode = 0o444) => Object.assign(tree.create('file', mode), { synthetic: { text: make } satisfies Synthetic })
  const link = (target: (viewer: FileViewer | undefined) => string) => Object.assign(tree.create('symlink', 0o777), { synthetic: { target } satisfies Synthetic })
  const directory = (entries: Record<string, Inode>) => {
    const inode = tree.create('directory', 0o555)
    for (const [name, entry] of Object.entries(entries)) inode.entries!.set(name, entry)
    inode.synthetic = {}
    return inode
  }
  const seconds = () => (source.machine.clock.nowMs() - source.bootMs) / 1000
  /** /proc/sys: a directory for each dot of a name. */
  function sysctlTree(): Inode {
    const root = directory({})
    const { parameters, isConfigurable, machine } = source
    const set = (name: string, value: string) => {
      if (!isConfigurable) throw errno('EROFS', `/proc/sys/${name.replaceAll('.', '/')}`)
      if (name === 'kernel.hostname') machine.setHostname?.(value)
      else parameters.set(name, value)
    }
    for (const name of ['kernel.hostname', ...parameters.names()]) {
      let at = root
      const path = name.split('.')
      for (const part of path.slice(0, -1)) {
        const next = at.entries!.get(part) ?? directory({})
        at.entries!.set(part, next)
        at = next
      }
      const inode = text(() => `${name === 'kernel.hostname' ? machine.hostname : parameters.get(name)}\n`, 0o644)
      inode.synthetic!.write = (value) => set(name, value.trim())
      at.entries!.set(path.at(-1)!, inode)
    }
    return root
  }
  const cpuSeconds = () => source.cpuNanoseconds() / 1e9
  const load = new LoadAverage(source)
  const fixed: Record<string, Inode> = {
    self: link((viewer) => String(viewer?.pid ?? 1)),
    'thread-self': link((viewer) => `${viewer?.pid ?? 1}/task/${viewer?.pid ?? 1}`),
    uptime: text(() => `${seconds().toFixed(2)} ${Math.max(0, seconds() * source.machine.hardware.cpus - cpuSeconds()).toFixed(2)}\n`),
    loadavg: text(() => `${load.now().map((each) => each.toFixed(2)).join(' ')} 1/${source.processes().length} ${Math.max(0, ...source.processes().map((p) => p.pid))}\n`),
    version: text(() => `Linux version ${KERNEL_RELEASE} (gcc 13.2.0, GNU ld 2.42) #1 SMP PREEMPT_DYNAMIC\n`),
    cpuinfo: text(() => Array.from({ length: source.machine.hardware.cpus }, (_, i) => `processor\t: ${i}\nvendor_id\t: Drydock\nmodel name\t: Drydock Virtual CPU\ncpu MHz\t\t: 2400.000\ncache size\t: 4096 KB\n`).join('\n') + '\n'),
    meminfo: text(() => {
      const used = source.machine.usage().memoryBytes
      const kib = (bytes: number) => `${Math.floor(bytes / 1024)} kB`.padStart(16)
      return `MemTotal:  ${kib(source.machine.hardware.memoryBytes)}\nMemFree:   ${kib(source.machine.hardware.memoryBytes - used)}\nMemAvailable:${kib(source.machine.hardware.memoryBytes - used)}\nBuffers:   ${kib(0)}\nCached:    ${kib(0)}\nSwapTotal: ${kib(0)}\nSwapFree:  ${kib(0)}\n`
    }),
    stat: text(() => `cpu  ${Math.floor(cpuSeconds() * 100)} 0 0 ${Math.floor(Math.max(0, seconds() * source.machine.hardware.cpus - cpuSeconds()) * 100)} 0 0 0 0 0 0\nbtime ${Math.floor(source.bootMs / 1000)}\nprocesses ${source.processes().length}\n`),
    filesystems: text(() => 'nodev\tproc\nnodev\ttmpfs\nnodev\toverlay\n\text4\n'),
    mounts: link(() => 'self/mounts'),
    net: directory({
      dev: text(() => 'Inter-|   Receive                                                |  Transmit\n face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n    lo:       0       0    0    0    0     0          0         0        0       0    0    0    0     0       0          0\n  eth0:       0       0    0    0    0     0          0         0        0       0    0    0    0     0       0          0\n'),
      tcp: text(() => socketTable(source.machine, 'tcp')),
      udp: text(() => socketTable(source.machine, 'udp')),
    }),
    sys: sysctlTree(),
  }
  const cache = new Map<number, { of: ProcessDetails; inode: Inode }>()
  const byPid = (pid: number): Inode | undefined => {
    const of = source.processes().find((p) => p.pid === pid)
    if (!of) { cache.delete(pid); return undefined }
    const known = cache.get(pid)
    if (known?.of === of) return known.inode
    const streams = (fd: 0 | 1 | 2) => Object.assign(tree.create('character', 0o620), { device: (_: string, viewer: FileViewer | undefined) => streamFile(viewer?.pid === pid ? viewer : of.streams, fd) })
    const inode = directory({
      cmdline: text(() => of.title === undefined ? of.argv.map((a) => `${a}\0`).join('') : `${of.title}\0`),
      comm: text(() => `${commandName(of)}\n`),
      environ: text(() => Object.entries(of.env).map(([k, v]) => `${k}=${v}\0`).join(''), 0o400),
      status: text(() => statusText(of)),
      stat: text(() => `${of.pid} (${commandName(of)}) ${of.state} ${of.ppid} ${of.group} ${of.group} 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 ${Math.floor((of.startedMs - source.bootMs) / 10)} ${of.memoryBytes} ${Math.floor(of.memoryBytes / 4096)}\n`),
      limits: text(() => 'Limit                     Soft Limit           Hard Limit           Units     \nMax open files            1048576              1048576              files     \n'),
      mounts: text(() => mountTable(source.files)),
      mountinfo: text(() => source.files.mounts().map((m, i) => `${i + 100} 1 0:${i + 30} / ${m.path} ${m.readOnly ? 'ro' : 'rw'},relatime - ${m.type} ${m.source} ${m.readOnly ? 'ro' : 'rw'}\n`).join('')),
      cgroup: text(() => '0::/\n'),
      oom_score_adj: text(() => `${of.machine.limits.oomScoreAdjust ?? 0}\n`),
      attr: directory({ current: text(() => of.privileges.appArmor === undefined ? 'unconfined\n' : `${of.privileges.appArmor} (${of.privileges.confinement?.profile?.isComplaining ? 'complain' : 'enforce'})\n`) }),
      uid_map: text(() => idMap(of.privileges)),
      gid_map: text(() => idMap(of.privileges)),
      ns: directory(Object.fromEntries(NAMESPACES.map((kind) => [kind, Object.assign(tree.create('symlink', 0o777), { synthetic: { target: () => `${kind}:[${namespaceId(kind, of, source.machine.random)}]`, process: of } satisfies Synthetic })]))),
      cwd: link(() => of.cwd),
      exe: link(() => of.argv[0] ?? ''),
      root: Object.assign(link(() => '/'), {
        synthetic: {
          target: () => '/',
          root: (user: Pick<User, 'uid'> | undefined, viewer: FileViewer | undefined) => of.files.space === source.files.space ? undefined : user && viewer && !mayTrace(user, viewer.capabilities, of) ? 'denied' : of.files,
        } satisfies Synthetic,
      }),
      fd: directory({ 0: streams(0), 1: streams(1), 2: streams(2) }),
      task: directory({}),
    })
    inode.uid = of.user.uid
    inode.gid = of.user.gid
    cache.set(pid, { of, inode })
    return inode
  }
  tree.root.mode = 0o555
  tree.root.synthetic = {
    names: () => [...Object.keys(fixed), ...source.processes().map((p) => String(p.pid))],
    entry: (name) => fixed[name] ?? (/^\d+$/.test(name) ? byPid(Number(name)) : undefined),
  }
  return tree
}

/** The name that the kernel keeps for a process: at most 15 characters. */
export function commandName(process: { argv: readonly string[] }): string {
  return (process.argv[0] ?? '').replace(/^.*\//, '').slice(0, 15)
}

/** How many ids a user namespace of a pod has. */
const NAMESPACE_IDS = 65_536

function idMap({ firstHostId }: Privileges): string {
  return [0, firstHostId ?? 0, firstHostId === undefined ? 2 ** 32 - 1 : NAMESPACE_IDS].map((number) => String(number).padStart(10)).join(' ') + '\n'
}

const NAMESPACES = ['cgroup', 'ipc', 'mnt', 'net', 'pid', 'user', 'uts'] as const
type NamespaceKind = typeof NAMESPACES[number]
/** The first user namespace, which most processes are in. */
const INITIAL_USER_NAMESPACE = 4_026_531_837
const FIRST_NAMESPACE = 4_026_532_100
/** Numbers of namespaces, by what makes them one: containers of a pod have a network in common, each has its own files. */
const namespaceIds = new WeakMap<object, Partial<Record<NamespaceKind, number>>>()

function namespaceId(kind: NamespaceKind, of: ProcessDetails, random: Random): number {
  if (kind === 'user' && of.privileges.firstHostId === undefined) return INITIAL_USER_NAMESPACE
  const { network, processes } = of.namespaces
  const owner = kind === 'pid' ? processes : kind === 'mnt' || kind === 'cgroup' ? of.files.space.root : network
  const known = namespaceIds.get(owner) ?? {}
  if (known[kind] === undefined) namespaceIds.set(owner, { ...known, [kind]: FIRST_NAMESPACE + random.fork(`${kind} namespace`).int(2_000) })
  return namespaceIds.get(owner)![kind]!
}

/** Whether somebody may look into a process: their own, with no more rights than they have, or anybody's with CAP_SYS_PTRACE. */
function mayTrace(user: Pick<User, 'uid'>, capabilities: bigint, of: ProcessDetails): boolean {
  return (capabilities & TRACE) !== 0n || user.uid === of.user.uid && (of.capabilities & ~capabilities) === 0n
}

const TRACE = capabilityMask(['SYS_PTRACE'])

/** A machine without limits to what its root may do. */
export const FULL_PRIVILEGES: Privileges = { capabilities: ALL_CAPABILITIES, noNewPrivileges: false, seccomp: false }

function statusText(p: ProcessDetails): string {
  const states = { R: 'R (running)', S: 'S (sleeping)', T: 'T (stopped)', Z: 'Z (zombie)' }
  const ids = (id: number, real = id) => `${real}\t${id}\t${id}\t${id}`
  const kib = `${Math.floor(p.memoryBytes / 1024)} kB`
  const { seccomp } = p.privileges
  const { cpus } = p.machine.hardware
  const mask = (bits: bigint) => bits.toString(16).padStart(16, '0')
  const held = mask(p.user.uid === 0 ? p.bounding : 0n)
  return `Name:\t${commandName(p)}\nUmask:\t0022\nState:\t${states[p.state]}\nTgid:\t${p.pid}\nPid:\t${p.pid}\nPPid:\t${p.ppid}\nUid:\t${ids(p.user.uid, p.user.real?.uid)}\nGid:\t${ids(p.user.gid, p.user.real?.gid)}\nGroups:\t${p.user.groups.join(' ')}\nVmSize:\t${kib}\nVmRSS:\t${kib}\nThreads:\t1\n`
    + `CapInh:\t${mask(0n)}\nCapPrm:\t${held}\nCapEff:\t${held}\nCapBnd:\t${mask(p.bounding)}\nCapAmb:\t${mask(0n)}\nNoNewPrivs:\t${p.noNewPrivileges ? 1 : 0}\nSeccomp:\t${seccomp ? 2 : 0}\nSeccomp_filters:\t${seccomp ? 1 : 0}\n`
    + `Cpus_allowed:\t${(2 ** cpus - 1).toString(16)}\nCpus_allowed_list:\t${cpus === 1 ? '0' : `0-${cpus - 1}`}\n`
}

function mountTable(files: MemoryFileSystem): string {
  return files.mounts().map((m) => `${m.source} ${m.path} ${m.type} ${m.readOnly ? 'ro' : 'rw'},relatime 0 0\n`).join('')
}

function socketTable(machine: Machine, protocol: 'tcp' | 'udp'): string {
  const hex = (value: number, width: number) => value.toString(16).toUpperCase().padStart(width, '0')
  const address = (ip: string) => /^\d+\./.test(ip) ? ip.split('.').reverse().map((part) => hex(Number(part), 2)).join('') : '00000000'
  const lines = machine.net.listeners().filter((l) => l.protocol === protocol)
    .map((l, i) => `${String(i).padStart(4)}: ${address(l.ip)}:${hex(l.port, 4)} 00000000:0000 ${protocol === 'tcp' ? '0A' : '07'} 00000000:00000000 00:00000000 00000000     0        0 ${1000 + i} 1 0000000000000000 100 0 0 10 0\n`)
  return '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n' + lines.join('')
}
