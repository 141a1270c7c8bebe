/**
 * The contracts of the small Unix: what a program sees (Proc), what a machine offers, and what it needs from the network.
 * No Kubernetes in here. The learner's terminal is one machine, every container is another; under Node src/host gives kubectl a Proc
 * made of the real machine.
 */
import type { ByteReader, ByteWriter } from '../base/streams.ts'
import type { Clock } from '../base/clock.ts'
import type { Random } from '../base/random.ts'
import type { HttpRequest, HttpVersion } from '../base/http.ts'
import type { Architecture } from './architecture.ts'
import type { LoopDevices } from './fs/block-device.ts'
import type { KernelLog } from './kernel-log.ts'
import type { SystemCall } from './system-calls.ts'

export type Signal =
  | 'SIGHUP' | 'SIGINT' | 'SIGQUIT' | 'SIGKILL' | 'SIGUSR1' | 'SIGUSR2' | 'SIGPIPE' | 'SIGALRM' | 'SIGTERM' | 'SIGCHLD'
  | 'SIGCONT' | 'SIGSTOP' | 'SIGTSTP' | 'SIGWINCH' | 'SIGSYS'

/** What a program is: it runs until its promise settles; the number is the exit code. Throwing {@link ProcessExit} ends it too. */
export type Program = (proc: Proc) => Promise<number> | number

/** How a process ended. `code` is 128 + signal number when a signal ended it. */
export interface ExitStatus {
  code: number
  signal?: Signal
  /** The kernel killed it for its memory. */
  oomKilled?: boolean
}

export interface User {
  uid: number
  gid: number
  /** Supplementary groups. */
  groups: readonly number[]
  name: string
  home: string
  /** Who started it, where a set-user-ID or set-group-ID file made it somebody else. */
  real?: { uid: number; gid: number }
}

/** A process as its own program sees it. Every promise here rejects with {@link ProcessKilled} once a deadly signal arrived. */
export interface Proc {
  readonly pid: number
  readonly ppid: number
  /** argv[0] is the name it was called by. */
  readonly argv: readonly string[]
  /** Changes are seen by children that are started later. */
  readonly env: Record<string, string>
  cwd: string
  readonly user: User
  /** What it may do beyond its user's rights, a bit for each capability; without it root may do everything. */
  readonly capabilities?: bigint
  readonly stdin: ByteReader
  readonly stdout: ByteWriter
  readonly stderr: ByteWriter
  /** The controlling terminal if standard input is one. */
  readonly tty: Tty | undefined
  /** Whether that stream is a terminal. */
  isTty(fd: 0 | 1 | 2): boolean
  readonly fs: FileSystem
  readonly net: NetStack
  readonly clock: Clock
  readonly random: Random
  readonly machine: Machine
  /** Aborts when the process must end now. */
  readonly killed: AbortSignal
  /** Handles a signal instead of its default action; `'ignore'` drops it. Returns the way to undo. SIGKILL and SIGSTOP can't be handled. */
  onSignal(signal: Signal, handler: (() => void) | 'ignore'): () => void
  /** Waits for one of the signals (which are then not deadly). */
  signal(...signals: Signal[]): Promise<Signal>
  sleep(ms: number): Promise<void>
  /** An absolute, normalised path. */
  resolve(path: string): string
  /** Starts a child; `argv[0]` is looked up in PATH. @throws UnixError ENOENT or EACCES when it can't be started, EPERM where it may not be another user. */
  spawn(argv: readonly string[], options?: SpawnOptions): Process
  /**
   * Replaces this process's program (execve): the returned promise is the new program's exit code, which the caller returns.
   * @throws UnixError ENOENT, EACCES, ENOEXEC; EPERM for another user or root that it may not take
   */
  exec?(argv: readonly string[], options?: ExecOptions): Promise<number>
  /** What ps shows instead of the arguments from now on. */
  setTitle?(title: string): void
  /** Ends the process. Never returns. */
  exit(code: number): never
  /** Passes the filter of system calls. @throws UnixError what the filter answers; ProcessKilled where it kills */
  systemCall?(call: SystemCall): void
  /** Passes the profile that confines the process. @throws UnixError EACCES */
  confined?(call: SystemCall): void
  /** Reports the memory in use, so that limits bite. Rejects by OOM kill when the machine's limit is exceeded. */
  useMemory(bytes: number, options?: { /** A figure only: there is nothing of that size here. */ figurative?: boolean }): void
  /** CPU time used, in nanoseconds of one core, for usage figures. */
  useCpu(nanoseconds: number): void
  /** CPU that the process uses from now on even when nothing happens, in thousandths of a core: polling, garbage collection. */
  useCpuSteadily(cpuMillis: number): void
}

export interface SpawnOptions {
  env?: Record<string, string>
  cwd?: string
  stdin?: ByteReader
  stdout?: ByteWriter
  stderr?: ByteWriter
  tty?: Tty
  user?: User
  /** A new process group, led by the child (job control). */
  newGroup?: boolean
  /** Joins an existing process group instead of the parent's. */
  group?: number
  /** Ready-made program instead of a file: built-ins and functions of the shell. */
  program?: Program
}

/** What changes when a process gets another program. */
export interface ExecOptions extends Pick<SpawnOptions, 'env' | 'cwd' | 'stdin' | 'stdout' | 'stderr'> {
  /** Whom it becomes. */
  user?: User
  /** The directory that is its root from then on. */
  root?: string
  /** The most that it can get from now on: capabilities that it had and that are missing here are gone for good. */
  bounding?: bigint
  /** With what is mounted now, but mounts of its own from now on. */
  ownMounts?: boolean
  /** Programs give no rights from now on. */
  noNewPrivileges?: boolean
}

/** A process as others see it. */
export interface Process {
  readonly pid: number
  readonly ppid: number
  readonly group: number
  readonly argv: readonly string[]
  readonly user: User
  readonly startedMs: number
  readonly status: ExitStatus | undefined
  /** Sends a signal with the kernel's power: pid 1 dies of SIGKILL, but still only of those others that it handles. */
  kill(signal: Signal): void
  wait(): Promise<ExitStatus>
  /** Whether a signal stopped it (^Z). */
  readonly stopped?: boolean
  /** Resolves when it ends or is stopped. */
  waitChange?(): Promise<void>
}

/** Thrown by {@link Proc.exit}. */
export class ProcessExit extends Error {
  readonly code: number
  constructor(code: number) {
    super(`exit ${code}`)
    this.code = code
  }
}

/** What pending calls of a killed process reject with. Programs let it pass. */
export class ProcessKilled extends Error {
  readonly signal: Signal
  constructor(signal: Signal) {
    super(signal)
    this.signal = signal
  }
}

/** A failed system call. `code` is errno's name: ENOENT, EACCES, ECONNREFUSED, EHOSTUNREACH, ETIMEDOUT, EADDRINUSE ... */
export class UnixError extends Error {
  readonly code: string
  readonly path: string | undefined
  constructor(code: string, message?: string, path?: string) {
    super(message ?? code)
    this.code = code
    this.path = path
  }
}

/** A terminal: size, modes, and who is in the foreground. Line discipline (echo, erase, ^C, ^D, ^Z) belongs to it. */
export interface Tty {
  /** What is typed, and the screen: for those whose standard streams are something else. */
  readonly stdin: ByteReader
  readonly stdout: ByteWriter
  readonly columns: number
  readonly rows: number
  onResize(listener: () => void): () => void
  /** Raw: no echo, no line editing, no signals from keys. */
  setRaw(raw: boolean): void
  readonly raw: boolean
  /** The process group that keys like ^C signal; shells with job control set it. */
  foregroundGroup?: number
}

// --- files ---------------------------------------------------------------------------------------------------------------------

export type FileType = 'file' | 'directory' | 'symlink' | 'fifo' | 'character' | 'block' | 'socket'

export interface FileStat {
  type: FileType
  /** Permission bits. */
  mode: number
  uid: number
  gid: number
  sizeBytes: number
  modifiedMs: number
  accessedMs: number
  changedMs: number
  inode: number
  links: number
}

/**
 * A tree of files. Synchronous, because everything is in memory; only open files of terminals and pipes wait. Paths are absolute.
 * Every method throws {@link UnixError}.
 */
export interface FileSystem {
  readFile(path: string): Uint8Array
  readText(path: string): string
  writeFile(path: string, data: Uint8Array | string, options?: { mode?: number; append?: boolean }): void
  /** Follows symbolic links. */
  stat(path: string): FileStat
  lstat(path: string): FileStat
  exists(path: string): boolean
  /** Names, sorted. */
  readdir(path: string): string[]
  mkdir(path: string, options?: { recursive?: boolean; mode?: number }): void
  /** @throws UnixError EISDIR for a directory unless recursive. */
  remove(path: string, options?: { recursive?: boolean; force?: boolean }): void
  /** Removes an empty directory. @throws UnixError ENOTEMPTY */
  rmdir?(path: string): void
  /** Another name for the same file. */
  link?(existing: string, path: string): void
  /** An exclusive lock on a file, as flock(2) gives it, held until the signal aborts ({@link Proc.killed}). False while somebody else has it. */
  lock?(path: string, until: AbortSignal): boolean
  /** A named pipe. */
  mkfifo?(path: string, mode?: number): void
  /** Permission bits that new files don't get. */
  umask?: number
  /** Whether the file's user may read (4), write (2) or execute (1). */
  access?(path: string, bit: 1 | 2 | 4): boolean
  rename(from: string, to: string): void
  symlink(target: string, path: string): void
  readlink(path: string): string
  realpath(path: string): string
  chmod(path: string, mode: number): void
  chown(path: string, uid: number, gid: number): void
  utimes(path: string, accessedMs: number, modifiedMs: number): void
  /** Opens for streaming; devices and pipes included. Flags as in fopen: r, w, a, r+. */
  open(path: string, flags: 'r' | 'w' | 'a' | 'r+'): OpenFile
  /** The program behind an executable file, if it is one of ours rather than a script. */
  program(path: string): Program | undefined
  /** Calls back after changes at or below the path. */
  watch(path: string, listener: (changedPath: string) => void): () => void
}

export interface OpenFile {
  /** Next bytes or null at the end. `tail -f` polls or watches. */
  read(maxBytes?: number): Promise<Uint8Array | null>
  write(data: Uint8Array | string): Promise<void>
  /** Goes on at another place; files and block devices have places. */
  seek?(positionBytes: number): void
  close(): void
}

/** A file tree that can be mounted at a path of a machine: an image's root, an emptyDir, a projected ConfigMap, a host directory. */
export interface MountableFileSystem extends FileSystem {
  /** Adds a tree below a path, creating the mount point; a file may be mounted over a file (subPath). Returns the way to unmount. */
  mount(path: string, tree: MountableFileSystem, options?: { readOnly?: boolean; subPath?: string; source?: string; type?: string; recursive?: boolean; shared?: boolean; receives?: boolean }): () => void
  /** Mounts files with everything that is mounted in them. */
  mountWithMounts(path: string, files: MountableFileSystem, options?: { readOnly?: boolean; source?: string; type?: string; shared?: boolean; receives?: boolean }): void
  /** Bytes held by this tree alone, without mounts. */
  usedBytes(): number
}

// --- network -------------------------------------------------------------------------------------------------------------------

/** A TCP connection. */
export interface TcpSocket {
  readonly reader: ByteReader
  readonly writer: ByteWriter
  readonly local: SocketAddress
  readonly remote: SocketAddress
  /** Abrupt end in both directions. */
  destroy(): void
}

export interface SocketAddress {
  ip: string
  port: number
}

export interface Listener {
  /** The port asked for; the one chosen for 0 (once {@link ready}). */
  readonly port: number
  /** Where listening takes time (real sockets): resolves with the port, rejects with UnixError EADDRINUSE and the like. */
  readonly ready?: Promise<number>
  close(): void
}

/** What a handler knows of the connection besides the request. */
export interface HttpPeer {
  remote: SocketAddress
  local: SocketAddress
  /** The certificate that a TLS client authenticated with ({@link FetchOptions.clientCertificatePem}). */
  clientCertificatePem?: string
  /** Where the connection is over TLS: for which name the client asked (SNI). */
  tls?: { serverName: string | undefined }
  /** By which version of HTTP the request came; HTTP/1.1 where nothing is said. */
  version?: HttpVersion
}

export type HttpHandler = (request: HttpRequest, peer: HttpPeer) => Response | Promise<Response>

/** Certificates of a TLS end. */
export interface TlsServerOptions {
  /**
   * PEM of the certificate, with others up to its authority; a function where it is made when first needed, or depends on the name that the client
   * asks for (SNI; undefined where it wants an address).
   */
  certificatePem: string | ((serverName: string | undefined) => Promise<string>)
  /** The certificate's private key, for clients that come over a stream of bytes (port-forward, real sockets); without it those are turned away. */
  keyPem?: string | ((serverName: string | undefined) => Promise<string>)
  /** What a client gets that speaks plain HTTP; the words of Go's server otherwise. */
  plainAnswer?: () => Response
}

/** What an HTTPS or HTTP client can say besides the request. */
export interface FetchOptions {
  /** Skip checking the server's certificate. */
  insecure?: boolean
  /** PEM bundle the server must be signed by; without it no server is trusted. */
  caPem?: string
  /** Takes a certificate without alternative names at its common name, as OpenSSL's clients do and Go's don't. */
  acceptCommonName?: boolean
  /** The name that the server's certificate must have; the URL's host otherwise. */
  serverName?: string
  /** PEM of certificate and key, for client authentication. */
  clientCertificatePem?: string
  clientKeyPem?: string
  /** An HTTP proxy or SOCKS server to go through: `http://host:port`, `https://`, `socks5://`. Real sockets only. */
  proxyUrl?: string
  /** Milliseconds for connecting; ETIMEDOUT afterwards. */
  connectTimeoutMs?: number
  /** Connects to this address instead of looking the host up (curl --resolve). */
  connectTo?: SocketAddress
  /** Versions of HTTP that the client speaks, HTTP/1.1 by default. Over TLS the server chooses among them (ALPN); without, a client that has HTTP/2 alone begins with it (prior knowledge). */
  versions?: readonly HttpVersion[]
}

/** How a server takes requests. */
export interface HttpListenOptions {
  ip?: string
  tls?: TlsServerOptions
  /** Versions of HTTP that it speaks, what it likes best first; HTTP/1.1 by default. Without TLS it sees from the first bytes which one a client begins with. */
  versions?: readonly HttpVersion[]
}

/** A machine's sockets. Names are looked up as /etc/hosts and /etc/resolv.conf say. */
export interface NetStack {
  readonly hostname: string
  /** Own addresses, without loopback. */
  readonly addresses: readonly string[]
  /** Serves HTTP. Clients in the cluster reach the handler directly; raw TCP connections (port-forward, nc) are parsed. */
  listenHttp(port: number, handler: HttpHandler, options?: HttpListenOptions): Listener
  /** @throws UnixError EADDRINUSE */
  listenTcp(port: number, handler: (socket: TcpSocket) => void, options?: { ip?: string }): Listener
  listenUdp(port: number, handler: (payload: Uint8Array, from: SocketAddress) => Uint8Array | undefined | Promise<Uint8Array | undefined>, options?: { ip?: string }): Listener
  connectTcp(host: string, port: number, options?: { timeoutMs?: number }): Promise<TcpSocket>
  /** One datagram and its answer; rejects ETIMEDOUT without one. */
  askUdp(ip: string, port: number, payload: Uint8Array, timeoutMs: number): Promise<Uint8Array>
  /** An HTTP exchange; redirects are not followed. WebSocket upgrades come back as UpgradeResponse. Rejects with UnixError. */
  fetch(request: HttpRequest, options?: FetchOptions): Promise<Response>
  /** Addresses of a name. @throws UnixError ENOTFOUND or EAI_AGAIN */
  lookup(name: string): Promise<string[]>
  /** HTTP to names that nobody here knows, where there is a way to the real network. @throws UnixError ENOTFOUND */
  outside?: ((request: HttpRequest) => Promise<Response>) | undefined
  /**
   * Who connected from a port of this machine's loopback address, by the name of the process's user at that time: what SO_PEERCRED says of a Unix socket's other end.
   * Undefined for others, and where nobody keeps it.
   */
  userAt?(port: number): string | undefined
  /** What listens, for ss and netstat. */
  listeners(): { protocol: 'tcp' | 'udp'; ip: string; port: number }[]
  /** Devices and routes as `ip` shows them; made up from {@link addresses} where nothing is said. */
  devices?: (() => { links: readonly NetworkLink[]; routes: readonly NetworkRoute[] }) | undefined
  /** The machine's way to others' networks, for those who set it up; absent where nobody may. */
  kernel?: KernelNetwork | undefined
}

/** A network device. */
export interface NetworkLink {
  name: string
  kind: 'loopback' | 'device' | 'veth' | 'bridge' | 'vxlan' | 'ipip' | 'dummy'
  mtu: number
  hardwareAddress: string
  /** With the length of their prefix: `10.244.1.1/24`. */
  addresses: readonly string[]
  /** The bridge that it is plugged into. */
  master?: string
  isDown?: boolean
  /** What `ip -d link` adds. */
  details?: string
}

/** Where packets for a range go. */
export interface NetworkRoute {
  /** A range, an address, or `default`. */
  destination: string
  /** The next hop; without, the destination is on the device itself. */
  via?: string
  device: string
  protocol?: 'kernel' | 'bird' | '80'
  scope?: 'link' | 'host'
  /** What is sent from here has this address. */
  source?: string
  onlink?: boolean
  /** Packets are thrown away. */
  blackhole?: boolean
  /** The machine at the other end, where the device is a tunnel. */
  tunnel?: string
}

/** One end of a connection that a machine passes on: its address, and who has it (`namespace/name`) where that is known. */
export interface PacketEnd {
  ip: string
  pod: string | undefined
}

/** The first packet of a connection, after its destination was translated. */
export interface Packet {
  protocol: 'TCP' | 'UDP'
  source: PacketEnd
  destination: PacketEnd
  /** Of the destination. */
  port: number
}

/** Rules for what machines behind this one send and get. */
export interface PacketFilter {
  /** Whose rules they are, where one that begins again puts others in their place. */
  readonly owner?: string
  /** Asked of what the machines behind this one send to itself, too. */
  readonly coversOwnNode?: boolean
  /** All that its rules are made of, as JSON has it: for those that outlast who made them. */
  keep?(): unknown
  allowsEgress(packet: Packet): boolean
  allowsIngress(packet: Packet): boolean
}

/** Routes that several machines may share, the narrowest range first. */
export interface RouteLookup {
  /** The route for an address. */
  find(ip: string): NetworkRoute | undefined
  all(): readonly NetworkRoute[]
}

/** A machine's devices, routes and filters: what needs CAP_NET_ADMIN on a real one. */
export interface KernelNetwork {
  addLink(link: NetworkLink): void
  removeLink(name: string): void
  hasLink(name: string): boolean
  /** Puts a route in the place of the one for the same range. */
  replaceRoute(route: NetworkRoute): void
  removeRoute(destination: string): void
  /** Routes of its own. */
  routes(): readonly NetworkRoute[]
  /** What somebody made here stays from now on, also once they have ended. */
  leave(): void
  /** What every connection of machines behind this one is asked for. */
  readonly filters: Set<PacketFilter>
}

/** The network that machines are plugged into: moves connections between stacks by address. Implemented by src/cluster/network. */
export interface Fabric {
  /**
   * Opens a connection from a stack to an address and port that is not its own. Services are translated on the way.
   * @throws UnixError ECONNREFUSED, EHOSTUNREACH, ETIMEDOUT (dropped)
   */
  openTcp(from: SocketAddress, to: SocketAddress, options?: { timeoutMs?: number }): Promise<TcpSocket>
  /** The same for HTTP: straight to the handler where the target listens with listenHttp, else over {@link openTcp}. */
  fetch(from: SocketAddress, to: SocketAddress, request: HttpRequest, options: FetchOptions & { tls: boolean }): Promise<Response>
  askUdp(from: SocketAddress, to: SocketAddress, payload: Uint8Array, timeoutMs: number): Promise<Uint8Array>
  /** Whether what a stack sends to an address of its own is led elsewhere all the same (ports of a node that lead to pods). */
  redirects?(protocol: 'TCP' | 'UDP', to: SocketAddress): boolean
}

/** A stack as the fabric sees it: where connections arrive. */
export interface StackPort {
  readonly addresses: readonly string[]
  /** @throws UnixError ECONNREFUSED */
  acceptTcp(socket: TcpSocket): void
  acceptHttp(to: SocketAddress, from: SocketAddress, request: HttpRequest, options: FetchOptions & { tls: boolean }): Promise<Response>
  acceptUdp(to: SocketAddress, from: SocketAddress, payload: Uint8Array): Promise<Uint8Array | undefined>
}

// --- machines ------------------------------------------------------------------------------------------------------------------

/** What a machine runs on. */
export interface Hardware {
  cpus: number
  memoryBytes: number
  /** amd64 by default. */
  architecture?: Architecture
}

export interface MachineLimits {
  /** OOM kill beyond it; undefined: no limit. */
  memoryBytes?: number
  cpuMillis?: number
  /** Weight among others for the processor, as cgroup v1 counts it: 1024 for one whole. */
  cpuShares?: number
  /** What the host has for all: OOM kill beyond it too. */
  hostMemoryBytes?: number
  /** How willingly the kernel kills these processes when memory runs out: -1000 to 1000. */
  oomScoreAdjust?: number
}

/** A kernel with processes, one root file system and one network stack. Containers of a pod share `net`, each has its own machine. */
export interface Machine {
  readonly hostname: string
  /** Calls the machine something else; its network keeps the name that it began with. */
  setHostname?(name: string): void
  readonly fs: MountableFileSystem
  readonly net: NetStack
  readonly clock: Clock
  readonly random: Random
  readonly kernelLog: KernelLog
  /** Files that stand for devices. */
  readonly loopDevices: LoopDevices
  limits: MachineLimits
  readonly hardware: Hardware
  /** Starts a process whose parent is the kernel: pid 1 first, then what exec brings in. @throws UnixError when the file can't be executed. */
  start(argv: readonly string[], options: StartOptions): Process
  processes(): readonly Process[]
  process(pid: number): Process | undefined
  /** SIGKILL to all; resolves when none is left. */
  shutdown(): Promise<void>
  usage(): { memoryBytes: number; cpuNanoseconds: number }
}

export interface StartOptions {
  /** When it counts as started, for what ran before the machine was looked at. */
  startedMs?: number
  env: Record<string, string>
  cwd: string
  user: User
  stdin?: ByteReader
  stdout: ByteWriter
  stderr: ByteWriter
  tty?: Tty
  /** Runs in place of what the file system has under the name. */
  program?: Program
}
