import type { Clock } from '../../base/clock.ts'
import { silentLog } from '../../base/log.ts'
import type { Log } from '../../base/log.ts'
import type { Random } from '../../base/random.ts'
import { createPipe, readAll, readerOf } from '../../base/streams.ts'
import type { ByteReader, ByteWriter, Pipe } from '../../base/streams.ts'
import { MemoryFileSystem, createMemoryFileSystem } from '../../unix/file-system.ts'
import { LoopDevices, readOnlyDevice } from '../../unix/fs/block-device.ts'
import { createDeviceTree } from '../../unix/fs/devices.ts'
import { findExecutable } from '../../unix/exec.ts'
import { createMachine } from '../../unix/machine.ts'
import { createTty } from '../../unix/tty.ts'
import type { Terminal } from '../../unix/tty.ts'
import { UnixError } from '../../unix/types.ts'
import type { ExitStatus, Hardware, Machine, MachineLimits, MountableFileSystem, NetStack, Process, Program, Signal, User } from '../../unix/types.ts'
import type { NodeNetwork, PodNetwork } from '../network/types.ts'
import { cdiEdits } from './cdi.ts'
import { capabilitiesOf } from './capabilities.ts'
import { AppArmorProfiles } from './apparmor-profiles.ts'
import { confine } from './confine.ts'
import type { ContainerConfinement } from './confine.ts'
import { KernelLog } from '../../unix/kernel-log.ts'
import { KernelParameters } from '../../unix/kernel-parameters.ts'
import { ContainerLog } from './container-log.ts'
import { RuntimeError } from './cri.ts'
import { IdRanges } from './id-ranges.ts'
import { CONTAINERD } from './cri-implementation.ts'
import type { CriImplementation, RuntimeWords } from './cri-implementation.ts'
import type { ContainerConfig, ContainerEvent, ContainerState, ContainerStatus, ImageService, PodSandbox, RuntimeService } from './cri.ts'
import { createImageStore } from './image-store.ts'
import type { ImageStore } from './image-store.ts'
import type { ImageRegistry } from './image-registry.ts'
import { keepImages } from './kept-images.ts'
import { keptLog, linkLogFile, logFile, removeLogFile, removeLogFiles, writeLogFile } from './log-files.ts'
import { mountAll } from './root-file-system.ts'
import { resolveUser } from './users.ts'

export interface ContainerRuntimeOptions {
  registry: ImageRegistry
  /** Where its images are, if somebody else looks after them. */
  images?: ImageStore
  network: NodeNetwork
  clock: Clock
  random: Random
  log?: Log
  nodeName: string
  /** Which runtime it is; containerd by default. */
  implementation?: CriImplementation
  /** Its version, where another one than the node's image has was installed. */
  version?: string
  /** The node's processors and memory. */
  hardware?: Hardware
  /** The node as a machine of its own, for containers that see its processes and its root. */
  hostMachine?: () => Promise<Machine>
  /** The node's disk, where it held something before; an empty one otherwise. */
  nodeFiles?: MountableFileSystem
  /** Times that setting things up takes, in milliseconds of cluster time. */
  latency?: { sandboxMs: number; startMs: number }
  logMaxBytes?: number
}

export type ContainerRuntime = RuntimeService & {
  readonly images: ImageService
  /** The node's own files. */
  readonly nodeFiles: MountableFileSystem
  /** The node's kernel parameters, and what its kernel says. */
  readonly parameters: KernelParameters
  readonly kernelLog: KernelLog
  /** Files of the node that stand for devices. */
  readonly loopDevices: LoopDevices
  /** What AppArmor has loaded on the node. */
  readonly profiles: AppArmorProfiles
  /** The runtime's process was started anew, from a program of this version. */
  setVersion(version: string): void
  /** A read-only root of an image that is on the node. */
  imageRoot(name: string): MountableFileSystem | undefined
  /** Takes up the images that the node's disk holds from before this process. */
  recallImages(): void
  /** Takes an image that was loaded as an archive ({@link ImageRegistry.load}); it stays over a restart. False when there is none of that name. */
  loadImage(name: string): boolean
}

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
const encoder = new TextEncoder()

interface Sandbox extends PodSandbox {
  state: 'ready' | 'notready'
  network: PodNetwork | undefined
  stack: NetStack
  resources: MachineLimits
  /** Holds the processes of pods whose containers share them. */
  machine: Machine | undefined
  /** The node, where the pod looks into it. */
  host?: Machine
  parameters: KernelParameters
}

interface Container {
  id: string
  sandbox: Sandbox
  config: ContainerConfig
  image: string
  imageRef: string
  state: ContainerState
  createdMs: number
  startedMs: number
  finishedMs: number
  exitCode: number
  reason: string
  message: string
  user: User
  argv: readonly string[]
  env: Record<string, string>
  cwd: string
  stopSignal: Signal
  resources: MachineLimits
  root: MountableFileSystem
  confined: ContainerConfinement
  machine: Machine | undefined
  main: Process | undefined
  log: ContainerLog
  /** Where the node's disk has the log, and under what other name. */
  logFile: { path: string; link: string }
  stdin: Pipe | undefined
  terminal: Terminal | undefined
  attached: Set<{ stdout?: ByteWriter; stderr?: ByteWriter }>
  /** Its programs are for another processor. */
  isForeign: boolean
  /** Resolves when it has ended. */
  ended: Promise<void>
  markEnded: () => void
  oomKilled: boolean
}

/** Containers as Unix machines: what containerd and runc, or CRI-O and crun, are on a real node. */
export function createContainerRuntime(options: ContainerRuntimeOptions): ContainerRuntime {
  const { clock, random, network, log = silentLog, implementation = CONTAINERD } = options
  const { words } = implementation
  let { version = implementation.version } = options
  const latency = options.latency ?? { sandboxMs: 60, startMs: 30 }
  const nodeFiles = options.nodeFiles ?? createMemoryFileSystem({ clock, files: { '/tmp': { directory: true, mode: 0o1777 }, '/var/log/pods': { directory: true }, '/var/lib/kubelet': { directory: true }, '/dev': { directory: true }, '/proc': { directory: true, mode: 0o555 }, '/sys/fs/cgroup': { directory: true, mode: 0o555 }, '/etc/hostname': `${options.nodeName}\n` } })
  const images = keepImages(options.images ?? createImageStore({ registry: options.registry, clock, random: random.fork('images'), architecture: options.hardware?.architecture ?? 'amd64', words }), nodeFiles, implementation.storage)
  // A node comes with what every sandbox needs; its own components' images are imported by whoever sets it up.
  images.importImage(SANDBOX_IMAGE)
  const sandboxes = new Map<string, Sandbox>()
  const sandboxByPod = new Map<string, Sandbox>()
  const containers = new Map<string, Container>()
  const containersByPod = new Map<string, Container[]>()
  const listeners = new Set<(event: ContainerEvent) => void>()
  const parameters = new KernelParameters()
  const kernelLog = new KernelLog(() => clock.nowMs())
  const loopDevices = new LoopDevices()
  if (nodeFiles instanceof MemoryFileSystem) nodeFiles.mountLazily('/dev', () => createDeviceTree(clock, random.fork('node devices'), loopDevices), 'tmpfs')
  const profiles = new AppArmorProfiles(nodeFiles)
  const hex = (bytes: number) => random.hex(bytes)
  /** What a step takes on a real node, and whatever longer the one processor needs that nodes share with the control plane. */
  const wait = async (ms: number) => {
    if (ms > 0) await clock.sleep(ms * (0.6 + random.float() * 0.8))
    await clock.breathe('patient')
  }
  const emit = (c: Container, type: ContainerEvent['type']) => {
    const event = { podUid: c.sandbox.config.uid, containerId: c.id, type }
    for (const listener of listeners) listener(event)
  }

  // Read when it is first asked for: whoever makes a node writes it just after.
  let known: readonly string[] | undefined
  const handlers = () => known ??= ['', ...implementation.configuredRuntimes(nodeFiles)]

  const need = (id: string): Container => {
    const container = containers.get(id)
    if (!container) throw new RuntimeError('NotFound', `an error occurred when try to find container ${JSON.stringify(id)}: not found`)
    return container
  }

  const running = (id: string): Container & { machine: Machine; main: Process } => {
    const container = need(id)
    if (container.state !== 'running' || !container.machine || !container.main)
      throw new RuntimeError('Unknown', `failed to exec in container: container is in ${{ created: 'CONTAINER_CREATED', exited: 'CONTAINER_EXITED', running: 'CONTAINER_RUNNING', unknown: 'CONTAINER_UNKNOWN' }[container.state]} state`)
    return container as Container & { machine: Machine; main: Process }
  }

  const prepare = (sandboxId: string, config: ContainerConfig, id: string): Container => {
    const sandbox = sandboxes.get(sandboxId)
    if (!sandbox) throw new RuntimeError('NotFound', `failed to find sandbox id ${JSON.stringify(sandboxId)}: not found`)
    const image = images.find(config.imageRef) ?? images.find(config.image)
    if (!image) throw new RuntimeError('NotFound', `failed to resolve image ${JSON.stringify(config.imageRef)}: not found`)
    const argv = config.command.length > 0 ? [...config.command, ...config.args]
      : [...image.config.entrypoint ?? [], ...(config.args.length > 0 ? config.args : image.config.cmd ?? [])]
    if (argv.length === 0) throw new RuntimeError('Unknown', `failed to generate container ${JSON.stringify(id)} spec: failed to generate spec: no command specified`)
    const root = config.root ?? image.root({ readOnly: config.security.readOnlyRootFilesystem })
    const hostFiles = sandbox.host?.fs
    const devices = config.cdiDevices ? cdiEdits(nodeFiles, config.cdiDevices, words) : undefined
    mountAll(root, devices ? [...config.mounts, ...devices.mounts] : config.mounts, (mount) => mount.tree === nodeFiles ? hostFiles : undefined)
    let user: User
    try {
      user = resolveUser(root, image.config.user, config.security)
    } catch (error) {
      throw new RuntimeError('Unknown', `failed to generate container ${JSON.stringify(id)} spec: ${(error as Error).message}`)
    }
    const confined = confine(config.security, { root, nodeFiles, profiles, kernelLog, words })
    const env: Record<string, string> = { PATH: DEFAULT_PATH, HOSTNAME: sandbox.config.hostname, ...(config.tty ? { TERM: 'xterm' } : {}), ...image.config.env, ...config.env, ...devices?.env }
    env.HOME ??= user.home
    if (implementation.looksForPrograms) {
      try {
        findExecutable((root as MemoryFileSystem).viewAs(user), argv, env, config.workingDir || image.config.workingDir || '/')
      } catch (error) {
        throw new RuntimeError('Unknown', words.startFailed(argv[0]!, error))
      }
    }
    let markEnded!: () => void
    const ended = new Promise<void>((resolve) => { markEnded = resolve })
    const container: Container = {
      id, sandbox, config, image: [...image.tags][0] ?? image.repoDigest, imageRef: image.repoDigest, state: 'created', createdMs: clock.nowMs(),
      startedMs: 0, finishedMs: 0, exitCode: 0, reason: '', message: '', user, argv, env, cwd: config.workingDir || image.config.workingDir || '/',
      stopSignal: config.stopSignal ?? image.config.stopSignal ?? 'SIGTERM', resources: config.resources, root, confined, machine: undefined, main: undefined,
      log: new ContainerLog(() => clock.nowMs(), options.logMaxBytes), logFile: logFileOf(sandbox, config, id), stdin: undefined, terminal: undefined, attached: new Set(), isForeign: image.architectures?.includes(options.hardware?.architecture ?? 'amd64') === false, ended, markEnded, oomKilled: false,
    }
    // From here on clients may attach.
    if (config.tty) container.terminal = createTty({ output: outputOf(container, 'stdout') })
    else if (config.stdin) container.stdin = createPipe()
    return container
  }

  /** What a container writes goes to its log and to who is attached. */
  const outputOf = (container: Container, stream: 'stdout' | 'stderr'): ByteWriter => ({
    async write(data) {
      const bytes = typeof data === 'string' ? encoder.encode(data) : data
      container.log.append(stream, bytes)
      for (const client of container.attached) {
        const writer = stream === 'stdout' ? client.stdout : client.stderr
        if (writer) await writer.write(bytes).catch(() => { container.attached.delete(client) })
      }
    },
    close() {},
  })

  /** Ranges of the node's ids for pods with users of their own. */
  const idRanges = new IdRanges(random.fork('id ranges'))

  /** What a pod's containers use and may use together, where they are several. */
  const podMemory = ({ config: { uid }, resources: { memoryBytes } }: Sandbox): { usedBytes: number; limitBytes: number } | undefined => {
    const siblings = containersByPod.get(uid) ?? []
    if (memoryBytes === undefined || siblings.length < 2) return undefined
    return { usedBytes: siblings.reduce((sum, { machine }) => sum + (machine?.usage().memoryBytes ?? 0), 0), limitBytes: memoryBytes }
  }

  const keep = (container: Container) => {
    containers.set(container.id, container)
    const uid = container.sandbox.config.uid
    const list = containersByPod.get(uid)
    if (list) list.unshift(container)
    else containersByPod.set(uid, [container])
  }

  const finish = (container: Container, exit: { exitCode: number; reason: string; message?: string }) => {
    if (container.state === 'exited') return
    container.state = 'exited'
    container.finishedMs = clock.nowMs()
    container.exitCode = exit.exitCode
    container.reason = exit.reason
    container.message = exit.message ?? ''
    container.log.close()
    container.machine = undefined
    container.stdin = undefined
    container.markEnded()
    emit(container, 'stopped')
  }

  const run = (container: Container, startedMs: number) => {
    const { config, sandbox } = container
    const shared = config.targetId === undefined ? (sandbox.config.hostProcesses ? sandbox.host : sandbox.machine) : containers.get(config.targetId)?.machine
    const machine = createMachine({
      ...(shared ? { shareProcessesWith: shared } : {}), hostname: sandbox.config.hostname, root: container.root, parameters: sandbox.parameters, net: sandbox.stack, clock, random: random.fork(container.id), limits: machineLimits(container.resources), ...(options.hardware ? { hardware: options.hardware } : {}),
      privileges: { capabilities: capabilitiesOf(config.security), noNewPrivileges: config.security.noNewPrivileges ?? false, seccomp: config.security.seccomp ?? false, configuresKernel: config.security.privileged, ...(container.confined.confinement ? { confinement: container.confined.confinement } : {}),
        ...(config.security.appArmor === undefined ? {} : { appArmor: config.security.appArmor }), ...(config.security.ownUsers ? { firstHostId: idRanges.firstOf(sandbox.config.uid) } : {}),
      },
      onOom: () => { container.oomKilled = true },
      outerMemory: () => podMemory(sandbox),
      kernelLog, loopDevices, hasDevices: config.mounts.some(({ containerPath }) => containerPath === '/dev'),
    })
    for (const { containerPath, device, readOnly } of config.devices ?? []) {
      const files = container.root as MemoryFileSystem
      if (!files.exists(containerPath.slice(0, containerPath.lastIndexOf('/')) || '/')) files.mkdir(containerPath.slice(0, containerPath.lastIndexOf('/')), { recursive: true })
      files.remove(containerPath, { force: true })
      files.makeBlockDevice(containerPath, 0o660, readOnly ? readOnlyDevice(device) : device)
    }
    if (!container.root.exists(container.cwd)) {
      container.root.mkdir(container.cwd, { recursive: true })
    }
    let stdin: ByteReader = readerOf('')
    const { terminal } = container
    if (container.stdin) stdin = container.stdin.reader
    const streams = terminal
      ? { stdin: terminal.stdin, stdout: terminal.stdout, stderr: terminal.stdout, tty: terminal }
      : { stdin, stdout: outputOf(container, 'stdout'), stderr: outputOf(container, 'stderr') }
    const main = start(machine, container.argv, { ...(container.isForeign ? { program: foreignProgram(words) } : {}), env: { ...container.env }, cwd: container.cwd, user: asKernel(container.user), ...streams })
    container.machine = machine
    container.main = main
    container.state = 'running'
    container.startedMs = startedMs
    main.wait().then(async (status) => {
      await machine.shutdown()
      const oom = container.oomKilled || status.oomKilled === true
      finish(container, { exitCode: status.code, reason: oom && status.code !== 0 ? 'OOMKilled' : status.code === 0 ? 'Completed' : 'Error' })
    }).catch((error: unknown) => {
      log.error('a container ended in a way that is a bug', { container: container.id, error: String(error) })
      finish(container, { exitCode: 255, reason: 'Error' })
    })
    emit(container, 'started')
  }

  const statusOf = (c: Container): ContainerStatus => ({
    id: c.id, sandboxId: c.sandbox.id, podUid: c.sandbox.config.uid, name: c.config.name, attempt: c.config.attempt, image: c.image, imageRef: c.imageRef, state: c.state,
    createdMs: c.createdMs, startedMs: c.startedMs, finishedMs: c.finishedMs, exitCode: c.exitCode, reason: c.reason, message: c.message,
    user: { uid: c.user.uid, gid: c.user.gid, supplementalGroups: c.user.groups }, resources: c.resources, annotations: c.config.annotations,
  })

  const startError = (container: Container, error: unknown): RuntimeError => {
    const message = error instanceof StartProblem ? words.initFailed(container.id, error.message) : words.startFailed(container.argv[0]!, error)
    return failedStart(container, message)
  }

  const failedStart = (container: Container, message: string): RuntimeError => {
    container.log.close()
    container.state = 'exited'
    container.startedMs = 0
    container.finishedMs = clock.nowMs()
    container.exitCode = 128
    container.reason = 'StartError'
    container.message = message
    container.markEnded()
    emit(container, 'stopped')
    return new RuntimeError('Unknown', message)
  }

  const service: ContainerRuntime = {
    name: implementation.name,
    get version() { return version },
    setVersion(running) { version = running },
    socket: implementation.socket,
    scopeOf: implementation.scopeOf,
    images,
    nodeFiles,
    parameters,
    kernelLog,
    loopDevices,
    profiles,
    recallImages: () => images.recall(),
    loadImage: (name) => images.load(name),
    imageRoot: (name) => images.find(name)?.root({ readOnly: true }),

    get handlers() { return handlers() },

    async runPodSandbox(config, handler = '') {
      await wait(latency.sandboxMs)
      const id = hex(32)
      if (!handlers().includes(handler)) throw new RuntimeError('Unknown', `unable to get OCI runtime for sandbox ${JSON.stringify(id)}: no runtime for ${JSON.stringify(handler)} is configured`)
      let podNetwork: PodNetwork | undefined
      if (!config.hostNetwork) {
        try {
          podNetwork = await network.addPod({ uid: config.uid, sandboxId: id, namespace: config.namespace, name: config.name, hostname: config.hostname, hostPorts: config.portMappings, ...(config.ip ? { ip: config.ip } : {}) })
        } catch (error) {
          throw new RuntimeError('Unknown', words.noNetwork(id, config, (error as Error).message))
        }
      }
      const sandbox: Sandbox = { id, config, state: 'ready', createdMs: clock.nowMs(), ips: podNetwork?.ips ?? [], network: podNetwork, stack: podNetwork?.stack ?? network.hostStack, resources: config.resources ?? {}, machine: undefined, parameters: config.hostNetwork ? parameters : new KernelParameters(config.sysctls, parameters) }
      if ((config.hostProcesses || config.hostMounts) && options.hostMachine) sandbox.host = await options.hostMachine()
      if (config.shareProcesses) {
        sandbox.machine = createMachine({ hostname: config.hostname, root: createMemoryFileSystem({ clock, files: { '/pause': { program: pause } } }), net: sandbox.stack, clock, random: random.fork(id) })
        sandbox.machine.start(['/pause'], { env: {}, cwd: '/', user: PAUSE_USER, stdout: discard, stderr: discard })
      }
      sandboxes.set(id, sandbox)
      sandboxByPod.set(config.uid, sandbox)
      return sandbox
    },

    async stopPodSandbox(id) {
      const sandbox = sandboxes.get(id)
      if (!sandbox) return
      for (const container of containersByPod.get(sandbox.config.uid) ?? [])
        if (container.sandbox === sandbox && container.state === 'running') await service.stopContainer(container.id, 0)
      if (sandbox.state === 'notready') return
      sandbox.state = 'notready'
      void sandbox.machine?.shutdown()
      await clock.sleep(TEARDOWN_MS)
      sandbox.network?.release()
      sandbox.network = undefined
    },

    removePodSandbox(id) {
      const sandbox = sandboxes.get(id)
      if (!sandbox) return
      for (const container of [...containersByPod.get(sandbox.config.uid) ?? []]) if (container.sandbox === sandbox) service.removeContainer(container.id)
      sandboxes.delete(id)
      if (sandboxByPod.get(sandbox.config.uid) !== sandbox) return
      sandboxByPod.delete(sandbox.config.uid)
      idRanges.release(sandbox.config.uid)
      removeLogFiles(nodeFiles, sandbox.config.logDirectory)
    },

    listPodSandboxes: () => [...sandboxes.values()].reverse(),
    podSandbox: (uid) => sandboxByPod.get(uid),
    updatePodSandboxResources(id, limits) {
      const sandbox = sandboxes.get(id)
      if (!sandbox) throw new RuntimeError('NotFound', `failed to find sandbox: not found`)
      sandbox.resources = limits
    },

    createContainer(sandboxId, config) {
      const container = prepare(sandboxId, config, hex(32))
      keep(container)
      writeLogFile(container.log, nodeFiles, container.logFile.path, container.logFile.link, clock)
      emit(container, 'created')
      return container.id
    },

    async startContainer(id) {
      const container = need(id)
      if (container.state !== 'created') throw new RuntimeError('FailedPrecondition', `container ${JSON.stringify(id)} is in ${container.state} state`)
      await wait(latency.startMs)
      if (containers.get(id) !== container || container.sandbox.state !== 'ready') throw new RuntimeError('NotFound', `container ${JSON.stringify(id)} was removed`)
      try {
        const { startProblem, lateProblem } = container.confined
        if (startProblem !== undefined) throw new StartProblem(startProblem)
        if (lateProblem !== undefined) throw failedStart(container, words.lateInitFailed(id, lateProblem))
        run(container, clock.nowMs())
      } catch (error) {
        if (error instanceof RuntimeError) throw error
        throw startError(container, error)
      }
    },

    async restoreContainer(sandboxId, config, was) {
      const container = prepare(sandboxId, config, was.id)
      container.createdMs = was.startedMs
      const { path, link } = container.logFile
      container.log.resume(await logFile(nodeFiles, path, clock).lines())
      keep(container)
      writeLogFile(container.log, nodeFiles, path, link, clock)
      try {
        run(container, was.startedMs)
      } catch (error) {
        startError(container, error)
      }
    },

    recordPodSandbox(config) {
      const sandbox: Sandbox = { id: hex(32), config, state: 'notready', createdMs: clock.nowMs(), ips: [], network: undefined, stack: network.hostStack, resources: config.resources ?? {}, machine: undefined, parameters }
      sandboxes.set(sandbox.id, sandbox)
      sandboxByPod.set(config.uid, sandbox)
      return sandbox
    },

    recordExited(sandboxId, config, { user: { uid, gid, supplementalGroups }, ...was }) {
      const sandbox = sandboxes.get(sandboxId)!
      const logFile = logFileOf(sandbox, config, was.id)
      keep({
        ...was, sandbox, config, state: 'exited', createdMs: was.startedMs, user: { uid, gid, groups: supplementalGroups, name: '', home: '/' }, argv: [], env: {}, cwd: '/', stopSignal: 'SIGTERM', resources: config.resources,
        root: createMemoryFileSystem({ clock }), confined: { confinement: undefined }, machine: undefined, main: undefined, log: keptLog(nodeFiles, logFile.path, clock), logFile, stdin: undefined, terminal: undefined, attached: new Set(),
        isForeign: false, ended: Promise.resolve(), markEnded() {}, oomKilled: false,
      })
      if (nodeFiles.exists(logFile.path)) linkLogFile(nodeFiles, logFile.path, logFile.link)
    },

    async stopContainer(id, graceSeconds, signal) {
      const container = containers.get(id)
      if (!container) return
      if (container.state === 'created') return finish(container, { exitCode: 255, reason: 'Error' })
      if (container.state !== 'running' || !container.main || !container.machine) return
      if (graceSeconds > 0) {
        container.main.kill(container.stopSignal)
        const timer = new AbortController()
        const over = clock.sleep(graceSeconds * 1000, timer.signal).catch(() => {})
        const given = signal ? new Promise<void>((resolve) => { if (signal.aborted) resolve(); else signal.addEventListener('abort', () => resolve(), { once: true }) }) : undefined
        await Promise.race([container.ended, over, ...(given ? [given] : [])])
        timer.abort()
        if (signal?.aborted || (container.state as ContainerState) === 'exited') return
      }
      container.main?.kill('SIGKILL')
      await container.ended
    },

    removeContainer(id, { keepLog } = { keepLog: false }) {
      const container = containers.get(id)
      if (!container) return
      if (container.state === 'running') container.main?.kill('SIGKILL')
      containers.delete(id)
      const uid = container.sandbox.config.uid
      const list = containersByPod.get(uid)?.filter((c) => c !== container) ?? []
      if (list.length > 0) containersByPod.set(uid, list)
      else containersByPod.delete(uid)
      container.log.close()
      if (!keepLog) removeLogFile(nodeFiles, container.logFile.path, container.logFile.link)
      emit(container, 'removed')
    },

    listContainers: (uid) => (uid === undefined ? [...containers.values()].reverse() : containersByPod.get(uid) ?? []).map(statusOf),
    containerStatus(id) {
      const container = containers.get(id)
      return container && statusOf(container)
    },
    updateContainerResources(id, limits) {
      const container = need(id)
      container.resources = limits
      if (container.machine) container.machine.limits = machineLimits(limits)
    },
    machine: (id) => containers.get(id)?.machine,
    containerFiles: (id) => containers.get(id)?.root,
    containerLog: (id) => containers.get(id)?.log,

    async exec(id, argv, io, as = {}) {
      const container = running(id)
      const execId = hex(32)
      const terminal = io.tty ? createTty({ output: io.stdout ?? discard }) : undefined
      let stdin: ByteReader = io.stdin ?? readerOf('')
      if (terminal) {
        stdin = terminal.stdin
        if (io.stdin) typeInto(io.stdin, terminal)
        if (io.resizes) followSizes(io.resizes, terminal)
      }
      let process: Process
      try {
        process = start(container.machine, argv, {
          env: { ...container.env, ...(io.tty ? { TERM: 'xterm' } : {}), ...as.env }, cwd: as.workingDir ?? container.cwd, stdin,
          user: asKernel(as.user === undefined ? container.user : resolveUser(container.root, as.user, { supplementalGroups: [], mergeImageGroups: true })),
          stdout: terminal?.stdout ?? io.stdout ?? discard, stderr: terminal?.stdout ?? io.stderr ?? discard, ...(terminal ? { tty: terminal } : {}),
        })
      } catch (error) {
        throw new RuntimeError('Unknown', words.execFailed(execId, argv[0] ?? '', error))
      }
      const hangUp = () => terminal?.hangup()
      if (terminal) io.signal?.addEventListener('abort', hangUp, { once: true })
      try {
        return await process.wait()
      } finally {
        io.signal?.removeEventListener('abort', hangUp)
      }
    },

    async execSync(id, argv, timeoutMs) {
      const out = createPipe()
      const limit = new AbortController()
      const collected = readAll(out.reader)
      const container = running(id)
      const execId = hex(32)
      let process: Process
      try {
        process = start(container.machine, argv, { env: { ...container.env }, cwd: container.cwd, user: asKernel(container.user), stdin: readerOf(''), stdout: out.writer, stderr: out.writer })
      } catch (error) {
        throw new RuntimeError('Unknown', words.execFailed(execId, argv[0] ?? '', error))
      }
      const late = timeoutMs > 0 ? clock.sleep(timeoutMs, limit.signal).then(() => 'late' as const, () => new Promise<never>(() => {})) : new Promise<never>(() => {})
      const first = await Promise.race([process.wait(), late])
      limit.abort()
      if (first === 'late') {
        process.kill('SIGKILL')
        out.writer.close()
        throw new RuntimeError('DeadlineExceeded', `failed to exec in container: timeout ${goDuration(timeoutMs)} exceeded: context deadline exceeded`)
      }
      out.writer.close()
      return { exitCode: (first as ExitStatus).code, output: await collected }
    },

    async attach(id, io) {
      const container = need(id).state === 'created' ? need(id) : running(id)
      const client = { ...(io.stdout ? { stdout: io.stdout } : {}), ...(io.stderr && !container.config.tty ? { stderr: io.stderr } : {}) }
      container.attached.add(client)
      // A client whose input has ended leaves the container, unless that ends the container's own input. k8s: containerd internal/cri/io ContainerIO.Attach
      const inputOver = new Promise<void>((resolve) => {
        if (!io.stdin) return
        if (container.terminal) void typeInto(io.stdin, container.terminal).then(resolve)
        else if (container.stdin) void feed(io.stdin, container.stdin.writer, container.config.stdinOnce).then(() => { if (!container.config.stdinOnce) resolve() })
      })
      if (io.resizes && container.terminal) followSizes(io.resizes, container.terminal)
      const gone = new Promise<void>((resolve) => { if (io.signal?.aborted) resolve(); else io.signal?.addEventListener('abort', () => resolve(), { once: true }) })
      await Promise.race([container.ended, gone, inputOver])
      container.attached.delete(client)
    },

    async portForward(sandboxId, port) {
      const sandbox = sandboxes.get(sandboxId)
      if (!sandbox || sandbox.state !== 'ready') throw new RuntimeError('NotFound', `failed to find sandbox ${JSON.stringify(sandboxId)} in store: not found`)
      try {
        return await sandbox.stack.connectTcp('127.0.0.1', port)
      } catch (error) {
        const why = error instanceof UnixError && error.code === 'ETIMEDOUT' ? 'i/o timeout' : 'connect: connection refused'
        throw new RuntimeError('Unknown', `failed to execute portforward in network namespace "/var/run/netns/cni-${sandbox.config.uid}": failed to connect to localhost:${port} inside namespace ${JSON.stringify(sandboxId)}, IPv4: dial tcp4 127.0.0.1:${port}: ${why} IPv6 dial tcp6: address localhost: no suitable address found `)
      }
    },

    stats(id) {
      const container = containers.get(id)
      if (!container?.machine) return undefined
      const usage = container.machine.usage()
      return {
        id, name: container.config.name, podUid: container.sandbox.config.uid, memoryBytes: usage.memoryBytes, cpuNanoseconds: usage.cpuNanoseconds,
        rootfsBytes: container.root.usedBytes(), logBytes: container.log.bytes,
      }
    },

    onEvent(listener) {
      listeners.add(listener)
      return () => { listeners.delete(listener) }
    },

    async shutdown() {
      listeners.clear()
      await Promise.all([...containers.values()].map((c) => c.machine?.shutdown()))
      for (const sandbox of sandboxes.values()) sandbox.network?.release()
      sandboxes.clear()
      sandboxByPod.clear()
      containers.clear()
      containersByPod.clear()
    },
  }
  return service
}

function logFileOf({ config: { logDirectory, namespace, name } }: Sandbox, config: ContainerConfig, id: string): Container['logFile'] {
  return { path: `${logDirectory}/${config.logPath}`, link: `/var/log/containers/${name}_${namespace}_${config.name}-${id}.log` }
}

/** The kernel keeps a process's groups in order. */
function asKernel(user: User): User {
  return user.groups.length > 1 ? { ...user, groups: [...user.groups].sort((a, b) => a - b) } : user
}

/** What holds the namespaces of a pod: containerd's `sandbox_image`. */
const SANDBOX_IMAGE = 'registry.k8s.io/pause:3.10.1'
/** How long the shim and the CNI plugin take to take a sandbox apart, in milliseconds of cluster time. */
const TEARDOWN_MS = 250
/** What one container without a limit can take before the node itself is out of memory, in bytes. */
const NODE_FREE_BYTES = 512 * 2 ** 20

function machineLimits(limits: MachineLimits): MachineLimits {
  return { ...limits, hostMemoryBytes: NODE_FREE_BYTES }
}

/** The program of the container that holds a pod's namespaces. */
const pause: Program = async (proc) => {
  await proc.signal('SIGTERM', 'SIGINT')
  return 0
}
/** What becomes of a program for another processor: the runtime has become the container by then, and says it there. */
const foreignProgram = ({ foreignProgram: outcomeOf }: RuntimeWords): Program => async (proc) => {
  const { text, code } = outcomeOf(proc.argv[0]!)
  await proc.stderr.write(`${text}\n`)
  return code
}
const PAUSE_USER: User = { uid: 65535, gid: 65535, groups: [], name: 'pause', home: '/' }

const discard: ByteWriter = { async write() {}, close() {} }

/** Why runc can't set a container up, in its words. */
class StartProblem extends Error {}

/** Starts a process; a `#!` script or binary that isn't there fails as UnixError. */
function start(machine: Machine, argv: readonly string[], options: Parameters<Machine['start']>[1]): Process {
  if (!machine.fs.exists(options.cwd)) throw new UnixError('ENOENT', `chdir to cwd (${JSON.stringify(options.cwd)}) set in config.json failed: no such file or directory`, options.cwd)
  return machine.start(argv, options)
}

async function feed(from: ByteReader, to: ByteWriter, closeAtEnd: boolean): Promise<void> {
  try {
    for (let chunk = await from.read(); chunk; chunk = await from.read()) await to.write(chunk)
  } catch {
    from.cancel()
    return
  }
  if (closeAtEnd) to.close()
}

/** Keys of a client go to the terminal. */
async function typeInto(from: ByteReader, terminal: Terminal): Promise<void> {
  try {
    for (let chunk = await from.read(); chunk; chunk = await from.read()) terminal.type(chunk)
  } catch { /* the client went away */ }
}

async function followSizes(sizes: AsyncIterable<{ columns: number; rows: number }>, terminal: Terminal): Promise<void> {
  try {
    for await (const { columns, rows } of sizes) terminal.resize(columns, rows)
  } catch { /* the client went away */ }
}

function goDuration(ms: number): string {
  return ms % 1000 === 0 && ms < 60_000 ? `${ms / 1000}s` : `${ms}ms`
}

