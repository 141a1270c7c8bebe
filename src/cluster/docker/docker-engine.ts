import type { Clock } from '../../base/clock.ts'
import type { Random } from '../../base/random.ts'
import { silentLog } from '../../base/log.ts'
import { createOverlay } from '../../unix/file-system.ts'
import { copyTree } from '../../unix/fs/copy-tree.ts'
import { layerChanges } from '../../unix/fs/layer-changes.ts'
import { ROOT_USER } from '../../unix/machine.ts'
import { UnixError } from '../../unix/types.ts'
import type { Machine, MountableFileSystem, NetStack, Signal } from '../../unix/types.ts'
import type { BridgeNetwork } from '../network/types.ts'
import { createContainerRuntime } from '../runtime/container-runtime.ts'
import type { ContainerRuntime } from '../runtime/container-runtime.ts'
import { RuntimeError } from '../runtime/cri.ts'
import type { ExecContext, StreamIo } from '../runtime/cri.ts'
import type { LogReadOptions } from '../runtime/container-log.ts'
import type { ImageRegistry } from '../runtime/image-registry.ts'
import type { ByteWriter } from '../../base/streams.ts'
import { CONTAINERS, ContainerConfigs } from './container-configs.ts'
import { randomContainerName } from './container-names.ts'
import { cpusetOf } from './cpu-shares.ts'
import type { ContainerRecord, ContainerSpec, DockerContainer } from './docker-container.ts'
import { DockerError } from './docker-error.ts'
import { envRecord, sizeOnDisk } from './docker-image.ts'
import type { DockerImage } from './docker-image.ts'
import { DockerNetworks } from './docker-networks.ts'
import { HealthChecks } from './health-checks.ts'
import { ImageShelf } from './image-shelf.ts'
import { ImageTable } from './image-table.ts'
import { LayerStore } from './layer-store.ts'
import type { ProgramNames } from './program-names.ts'
import { PublishedPorts } from './published-ports.ts'
import type { PushedImages } from './pushed-images.ts'
import { RegistryAccess } from './registry-access.ts'
import { RegistryTransfer } from './registry-transfer.ts'
import { isRuntimeFile } from './runtime-files.ts'
import { Volumes } from './volumes.ts'

/** Restarting waits that long at first, twice as long each further time, a minute at most. docker: daemon/internal/restartmanager */
const FIRST_BACKOFF_MS = 100
const MAX_BACKOFF_MS = 60_000
/** Who ran longer than this begins anew with the shortest wait. */
const STEADY_MS = 10_000
const DEFAULT_STOP_SECONDS = 10
const MIN_MEMORY_BYTES = 6 * 2 ** 20

export interface DockerEngineOptions {
  /** The engine's disk. */
  disk: MountableFileSystem
  /** The machine's own files, for bind mounts. */
  machine: () => Machine
  network: BridgeNetwork
  net: NetStack
  registry: ImageRegistry
  pushed: PushedImages
  clock: Clock
  random: Random
}

export interface DockerEvent {
  container: DockerContainer
  type: 'start' | 'die' | 'destroy' | 'health'
}

/** The engine behind `docker`: images, containers and volumes of one machine. Containers run as those of nodes do. */
export class DockerEngine {
  readonly images: ImageTable
  readonly volumes: Volumes
  readonly access: RegistryAccess
  readonly layers: LayerStore
  /** What files are that have no bytes. */
  readonly programs: ProgramNames
  readonly shelf: ImageShelf
  readonly transfer: RegistryTransfer
  readonly runtime: ContainerRuntime
  readonly clock: Clock
  readonly random: Random
  readonly disk: MountableFileSystem
  readonly startedMs: number
  readonly #options: DockerEngineOptions
  readonly #containers = new Map<string, DockerContainer>()
  readonly #ports: PublishedPorts
  readonly #configs: ContainerConfigs
  readonly #followed = new Map<string, () => Promise<void>>()
  readonly #backoff = new Map<string, { waitMs: number; timer?: { cancel(): void } }>()
  readonly #listeners = new Set<(event: DockerEvent) => void>()
  readonly #health: HealthChecks
  /** Containers that other programs look after: the nodes of their clusters. */
  guests: () => readonly DockerContainer[] = () => []
  readonly networks: DockerNetworks

  private constructor(options: DockerEngineOptions) {
    this.#options = options
    this.clock = options.clock
    this.disk = options.disk
    this.startedMs = options.clock.nowMs()
    // Never the same chance twice: what was made up before a reload is still there.
    this.random = options.random.fork(`docker/${options.clock.nowMs()}`)
    this.access = new RegistryAccess(options.registry)
    this.programs = options.pushed.programs
    this.layers = new LayerStore({ disk: options.disk, directory: '/var/lib/docker/overlay2', programs: options.pushed.programs, clock: options.clock })
    this.shelf = new ImageShelf({ layers: this.layers, registry: options.registry, clock: options.clock })
    this.images = new ImageTable(options.disk, options.clock)
    this.transfer = new RegistryTransfer({ registry: options.registry, access: this.access, pushed: options.pushed, images: this.images, shelf: this.shelf, layers: this.layers, clock: this.clock, random: this.random })
    this.volumes = new Volumes(options.disk, options.clock)
    this.networks = new DockerNetworks(options.disk, this.clock, this.random)
    this.#configs = new ContainerConfigs({ disk: options.disk, machine: options.machine, network: options.network, net: options.net, clock: this.clock, networks: this.networks, volumes: this.volumes, containers: () => this.containers() })
    this.runtime = createContainerRuntime({
      registry: options.registry, images: this.images.forRuntime(), nodeFiles: options.disk, network: options.network, clock: options.clock, random: this.random.fork('runtime'), log: silentLog, nodeName: options.net.hostname,
      latency: { sandboxMs: 120, startMs: 80 },
    })
    this.#ports = new PublishedPorts(options.net)
    this.#health = new HealthChecks(this.runtime, this.clock, (container) => this.#emit(container, 'health'))
    this.runtime.onEvent(({ podUid, containerId, type }) => {
      const container = this.#containers.get(podUid)
      if (type === 'stopped' && container?.runs.at(-1)?.runtimeId === containerId && (container.status === 'running' || container.status === 'paused')) this.#ended(container)
    })
  }

  /** An engine with what its disk holds; containers that ran are taken up again. */
  static async open(options: DockerEngineOptions): Promise<DockerEngine> {
    const engine = new DockerEngine(options)
    await engine.images.recall(engine.shelf)
    for (const image of engine.images.list()) if (image.base) options.pushed.programs.learn(`${image.base.repository}:${image.base.tag}`)
    await engine.#recall()
    return engine
  }

  // --- images --------------------------------------------------------------------------------------------------------------------

  sizeOfImage(id: string): number {
    const image = this.images.find(id)
    return image ? sizeOnDisk(image) : 0
  }

  /** What a container changed of its image: A(dded), C(hanged) or D(eleted). */
  changesOf(container: DockerContainer): [kind: 'A' | 'C' | 'D', path: string][] {
    const image = this.images.find(container.imageId)
    return [...layerChanges(container.layer)].filter(({ path }) => !isRuntimeFile(path) || image?.files.exists(path)).map(({ path, kind }) => [kind === 'removed' ? 'D' : image?.files.exists(path) ? 'C' : 'A', path])
  }

  /** The containers that were made from an image, newest first. */
  usersOf(imageId: string): DockerContainer[] {
    return this.containers().filter((container) => container.imageId === imageId)
  }

  // --- containers ----------------------------------------------------------------------------------------------------------------

  /** Newest first. */
  containers(): DockerContainer[] {
    return [...this.#containers.values(), ...this.guests()].sort((a, b) => b.createdMs - a.createdMs)
  }

  /** By name, id or the beginning of an id. @throws DockerError */
  find(text: string): DockerContainer {
    const named = this.containers().find(({ name, id }) => name === text.replace(/^\//, '') || id === text)
    if (named) return named
    const found = /^[0-9a-f]+$/.test(text) ? this.containers().filter(({ id }) => id.startsWith(text)) : []
    if (found.length > 1) throw new DockerError(`multiple IDs found with provided prefix: ${text}`)
    if (!found[0]) throw new DockerError(`No such container: ${text}`, 'not found')
    return found[0]
  }

  /** @throws DockerError */
  async create(spec: ContainerSpec, image: DockerImage): Promise<DockerContainer> {
    this.#check(spec)
    const name = spec.name ?? randomContainerName(this.random, (each) => this.containers().some((container) => container.name === each))
    this.#demandFreeName(name)
    const id = this.random.hex(32)
    const layer = createOverlay(image.files, this.clock)
    const container: DockerContainer = {
      id, name, createdMs: this.clock.nowMs(), imageId: image.id, spec, status: 'created', startedMs: 0, finishedMs: 0, exitCode: 0, oomKilled: false, error: '', restartCount: 0, stoppedByUser: false, ip: '', bindings: [], runs: [], anonymousVolumes: [], layer,
    }
    await this.#prepareVolumes(container, image)
    this.#containers.set(id, container)
    this.#followed.set(id, this.layers.follow(layer, `container-${id}`))
    this.#save(container)
    return container
  }

  rename(container: DockerContainer, name: string): void {
    refuseGuest(container, 'rename')
    this.#demandFreeName(name)
    container.name = name
    this.#save(container)
  }

  #demandFreeName(name: string): void {
    if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/.test(name)) throw new DockerError(`Invalid container name (${name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`)
    const taken = this.containers().find((container) => container.name === name)
    if (taken) throw new DockerError(`Conflict. The container name "/${name}" is already in use by container "${taken.id}". You have to remove (or rename) that container to be able to reuse that name.`, 'conflict')
  }

  #check(spec: ContainerSpec): void {
    if (spec.entrypoint.length === 0 && spec.cmd.length === 0) throw new DockerError('no command specified')
    if (spec.memoryBytes > 0 && spec.memoryBytes < MIN_MEMORY_BYTES) throw new DockerError('Minimum memory limit allowed is 6MB')
    if (spec.memorySwapBytes > 0 && spec.memoryBytes === 0) throw new DockerError('You should always set the Memory limit when using Memoryswap limit, see usage')
    if (spec.memorySwapBytes > 0 && spec.memorySwapBytes < spec.memoryBytes) throw new DockerError('Minimum memoryswap limit should be larger than memory limit, see usage')
    const cpus = this.#options.machine().hardware.cpus
    if (spec.nanoCpus > cpus * 1e9) throw new DockerError(`range of CPUs is from 0.01 to ${cpus.toFixed(2)}, as there are only ${cpus} CPUs available`)
    const wanted = cpusetOf(spec.cpuset)
    if (!wanted) throw new DockerError(`invalid cpuset cpus: ${spec.cpuset}`)
    if (wanted.some((cpu) => cpu >= cpus)) throw new DockerError(`requested CPUs are not available - requested ${spec.cpuset}, available: 0-${cpus - 1}`)
    if (spec.autoRemove && spec.restart.name !== 'no') throw new DockerError('conflicting options: cannot specify both --restart and --rm')
    if (!['default', 'bridge', 'host'].includes(spec.networkMode) && !this.networks.has(spec.networkMode)) throw new DockerError(`network ${spec.networkMode} not found`, 'not found')
  }

  /** Volumes that the image asks for and the user didn't give; new ones begin with what the image has there. */
  async #prepareVolumes(container: DockerContainer, image: DockerImage): Promise<void> {
    const mounts = container.spec.mounts as ContainerSpec['mounts'][number][]
    const all = [...mounts]
    for (const target of image.config.volumes) if (!all.some((mount) => mount.target === target)) all.push({ type: 'volume', source: '', target, readOnly: false })
    for (const [index, mount] of all.entries()) {
      if (mount.type !== 'volume') continue
      const anonymous = mount.source === ''
      const name = anonymous ? this.random.hex(32) : mount.source
      if (anonymous) {
        all[index] = { ...mount, source: name }
        container.anonymousVolumes.push(name)
      }
      const { isNew } = this.volumes.ensure(name, { anonymous })
      if (isNew && image.files.exists(mount.target) && image.files.stat(mount.target).type === 'directory') await copyTree(image.files, mount.target, this.disk, this.volumes.pathOf(name), { clock: this.clock })
    }
    ;(container.spec as { mounts: ContainerSpec['mounts'] }).mounts = all
  }

  /**
   * Starts a container. `attach`: streams that are joined before it says anything; the returned `attached` resolves when they end.
   * @throws DockerError
   */
  async start(container: DockerContainer, attach?: StreamIo): Promise<{ attached?: Promise<void> }> {
    if (container.status === 'running' || container.status === 'paused') return {}
    if (container.guest) {
      await container.guest.start()
      return {}
    }
    this.#backoff.get(container.id)?.timer?.cancel()
    container.stoppedByUser = false
    const run = await this.#begin(container)
    const attached = attach && this.runtime.attach(run.runtimeId, attach)
    container.status = 'running'
    container.error = ''
    try {
      await this.runtime.startContainer(run.runtimeId)
    } catch (error) {
      container.runs = container.runs.filter((each) => each !== run)
      container.status = 'created'
      this.#ports.close(container.id)
      void this.runtime.stopPodSandbox(this.runtime.podSandbox(container.id)?.id ?? '')
      if (!(error instanceof RuntimeError)) throw error
      container.error = `${error.message.replace('failed to create containerd task', 'failed to create task for container')}: unknown`
      container.exitCode = /permission denied|is a directory|exec format/.test(error.message) ? 126 : 127
      this.#save(container)
      throw new DockerError(container.error, 'start')
    }
    container.startedMs = run.startedMs = this.runtime.containerStatus(run.runtimeId)?.startedMs || this.clock.nowMs()
    container.finishedMs = 0
    container.exitCode = 0
    container.oomKilled = false
    this.#begun(container)
    return attached ? { attached } : {}
  }

  /** A container runs, for the first time or again. */
  #begun(container: DockerContainer): void {
    this.#save(container)
    this.#configs.writeHosts()
    this.#health.watch(container)
    this.#emit(container, 'start')
  }

  /** What comes before a container's first process: its place in the network, its ports, its files. */
  async #begin(container: DockerContainer): Promise<{ runtimeId: string; attempt: number; startedMs: number }> {
    const { sandbox } = await this.#sandbox(container)
    try {
      this.#open(container, sandbox.ips[0] ?? '')
    } catch (error) {
      await this.runtime.stopPodSandbox(sandbox.id)
      throw error
    }
    const attempt = (container.runs.at(-1)?.attempt ?? -1) + 1
    let runtimeId: string
    try {
      runtimeId = this.runtime.createContainer(sandbox.id, this.#configs.container(container, attempt))
    } catch (error) {
      this.#ports.close(container.id)
      await this.runtime.stopPodSandbox(sandbox.id)
      if (!(error instanceof RuntimeError)) throw error
      throw new DockerError(error.message.replace(/^failed to generate container "\w+" spec: /, ''))
    }
    const run = { runtimeId, attempt, startedMs: 0 }
    container.runs.push(run)
    return run
  }

  async #sandbox(container: DockerContainer, ip?: string) {
    const sandbox = await this.runtime.runPodSandbox(this.#configs.sandbox(container, ip))
    container.ip = sandbox.ips[0] ?? ''
    return { sandbox }
  }

  #open(container: DockerContainer, ip: string): void {
    const { ports, publishAll, exposedPorts, networkMode } = container.spec
    const all = publishAll ? exposedPorts.filter((port) => !ports.some((each) => `${each.containerPort}/${each.protocol}` === port)).map((port) => {
      const [number, protocol] = port.split('/')
      return { containerPort: Number(number), protocol: protocol === 'udp' ? 'udp' as const : 'tcp' as const, hostIp: '', hostPort: 0 }
    }) : []
    container.bindings = networkMode === 'host' ? [] : this.#ports.open(container, [...ports, ...all], ip)
  }

  /** A container's first process has ended. */
  #ended(container: DockerContainer): void {
    const run = container.runs.at(-1)!
    const status = this.runtime.containerStatus(run.runtimeId)
    container.status = 'exited'
    container.finishedMs = status?.finishedMs ?? this.clock.nowMs()
    container.exitCode = status?.exitCode ?? 0
    container.oomKilled = status?.reason === 'OOMKilled'
    container.ip = ''
    container.bindings = []
    delete container.health
    this.#health.stop(container.id)
    this.#ports.close(container.id)
    const sandbox = this.runtime.podSandbox(container.id)
    if (sandbox) void this.runtime.stopPodSandbox(sandbox.id)
    this.#save(container)
    this.#configs.writeHosts()
    this.#emit(container, 'die')
    if (this.#shallRestart(container)) this.#restartLater(container)
    else if (container.spec.autoRemove) this.#destroy(container)
  }

  #shallRestart({ spec: { restart }, exitCode, stoppedByUser, restartCount }: DockerContainer): boolean {
    if (stoppedByUser) return false
    if (restart.name === 'always' || restart.name === 'unless-stopped') return true
    return restart.name === 'on-failure' && exitCode !== 0 && (restart.maximumRetryCount === 0 || restartCount < restart.maximumRetryCount)
  }

  #restartLater(container: DockerContainer): void {
    const ranMs = container.finishedMs - container.startedMs
    const known = this.#backoff.get(container.id)
    const waitMs = !known || ranMs > STEADY_MS ? FIRST_BACKOFF_MS : Math.min(MAX_BACKOFF_MS, known.waitMs * 2)
    container.status = 'restarting'
    const timer = this.clock.after(waitMs, () => {
      container.status = 'exited'
      container.restartCount += 1
      this.start(container).catch(() => { /* What is wrong stands in the container's state. */ })
    })
    this.#backoff.set(container.id, { waitMs, timer })
    this.#save(container)
  }

  /** Stop signal, then SIGKILL. */
  async stop(container: DockerContainer, options: { seconds?: number; signal?: Signal } = {}): Promise<void> {
    if (container.guest) return container.status === 'running' ? container.guest.stop(options.seconds === 0 ? 'at once' : 'in order') : undefined
    this.#hold(container)
    if (container.status !== 'running' && container.status !== 'paused') return
    if (container.status === 'paused') this.unpause(container)
    const runtimeId = container.runs.at(-1)!.runtimeId
    const seconds = options.seconds ?? container.spec.stopTimeoutSeconds ?? DEFAULT_STOP_SECONDS
    if (options.signal && seconds !== 0) {
      this.#signal(container, options.signal)
      await Promise.race([this.wait(container), this.clock.sleep(Math.max(0, seconds) * 1000)])
      if ((container.status as string) === 'running') await this.runtime.stopContainer(runtimeId, 0)
    } else await this.runtime.stopContainer(runtimeId, seconds < 0 ? 86_400 : seconds)
  }

  /** It isn't started again by itself. */
  #hold(container: DockerContainer): void {
    container.stoppedByUser = true
    const waiting = this.#backoff.get(container.id)
    this.#backoff.delete(container.id)
    waiting?.timer?.cancel()
    if (container.status === 'restarting') { container.status = 'exited'; this.#save(container) }
  }

  /** @throws DockerError unless it runs */
  kill(container: DockerContainer, signal: Signal): void {
    if (container.status !== 'running' && container.status !== 'paused') throw new DockerError(`cannot kill container: ${container.id}: container ${container.id} is not running`, 'conflict')
    if (container.guest) return void container.guest.stop(signal === 'SIGKILL' ? 'at once' : 'in order')
    if (signal === 'SIGKILL' || signal === (container.spec.stopSignal ?? 'SIGTERM')) container.stoppedByUser = true
    this.#signal(container, signal)
  }

  #signal(container: DockerContainer, signal: Signal): void {
    const machine = this.machineOf(container)
    machine?.processes()[0]?.kill(signal)
  }

  pause(container: DockerContainer): void {
    refuseGuest(container, 'pause')
    if (container.status !== 'running') throw new DockerError(container.status === 'paused' ? `cannot pause container ${container.id}: container is already paused` : `container ${container.id} is not running`)
    for (const process of this.machineOf(container)?.processes() ?? []) process.kill('SIGSTOP')
    container.status = 'paused'
    this.#save(container)
  }

  unpause(container: DockerContainer): void {
    if (container.status !== 'paused') throw new DockerError(`Container ${container.id} is not paused`)
    for (const process of this.machineOf(container)?.processes() ?? []) process.kill('SIGCONT')
    container.status = 'running'
    this.#save(container)
  }

  async restart(container: DockerContainer, options: { seconds?: number; signal?: Signal } = {}): Promise<void> {
    if (container.status === 'running' || container.status === 'paused') await this.stop(container, options)
    await this.start(container.guest ? this.find(container.id) : container)
  }

  /** @throws DockerError for one that runs, unless forced */
  async remove(container: DockerContainer, options: { force?: boolean; volumes?: boolean } = {}): Promise<void> {
    refuseGuest(container, 'remove')
    if (container.status === 'running' || container.status === 'paused' || container.status === 'restarting') {
      if (!options.force) throw new DockerError(`cannot remove container "${container.name}": container is ${container.status}: stop the container before removing or force remove`, 'conflict')
      const gone = this.#containers.has(container.id) && container.spec.autoRemove ? this.waitGone(container) : undefined
      await this.stop(container, { seconds: 0 })
      if (gone) return gone
    }
    this.#destroy(container, options.volumes)
  }

  #destroy(container: DockerContainer, withVolumes = container.spec.autoRemove): void {
    if (!this.#containers.delete(container.id)) return
    this.#backoff.get(container.id)?.timer?.cancel()
    this.#backoff.delete(container.id)
    for (const sandbox of this.runtime.listPodSandboxes()) if (sandbox.config.uid === container.id) this.runtime.removePodSandbox(sandbox.id)
    const layerId = `container-${container.id}`
    void this.#followed.get(container.id)?.().then(() => this.layers.remove(layerId))
    this.#followed.delete(container.id)
    this.disk.remove(`${CONTAINERS}/${container.id}`, { recursive: true, force: true })
    if (withVolumes) for (const name of container.anonymousVolumes) this.volumes.remove(name)
    this.#emit(container, 'destroy')
  }

  /** Resolves once the container doesn't run: with its exit code. */
  wait(container: DockerContainer): Promise<number> {
    if (container.status !== 'running' && container.status !== 'paused' && container.status !== 'restarting') return Promise.resolve(container.exitCode)
    return new Promise((resolve) => {
      const off = this.onEvent((event) => { if (event.container === container && event.type !== 'start' && event.type !== 'health') { off(); resolve(container.exitCode) } })
    })
  }

  /** Resolves once the container is removed. */
  waitGone(container: DockerContainer): Promise<void> {
    if (!this.#containers.has(container.id)) return Promise.resolve()
    return new Promise((resolve) => {
      const off = this.onEvent((event) => { if (event.container === container && event.type === 'destroy') { off(); resolve() } })
    })
  }

  onEvent(listener: (event: DockerEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => { this.#listeners.delete(listener) }
  }

  #emit(container: DockerContainer, type: DockerEvent['type']): void {
    for (const listener of [...this.#listeners]) listener({ container, type })
  }

  /** What a container printed over all its runs; with `follow` until it has ended. */
  async logs(container: DockerContainer, options: LogReadOptions, streams: { stdout: ByteWriter; stderr: ByteWriter }): Promise<void> {
    refuseGuest(container, 'show the console of')
    const { follow, ...rest } = options
    for (let index = options.tailLines === undefined ? 0 : Math.max(0, container.runs.length - 1); index < container.runs.length; index++) {
      const isLast = index === container.runs.length - 1
      await this.runtime.containerLog(container.runs[index]!.runtimeId)?.readInto({ ...rest, ...(follow && isLast ? { follow } : {}) }, streams)
      // It may be started again at once.
      if (follow && isLast && container.status === 'restarting') await new Promise<void>((resolve) => { const off = this.onEvent((event) => { if (event.container === container) { off(); resolve() } }) })
    }
  }

  /** @throws DockerError */
  async exec(container: DockerContainer, argv: readonly string[], io: StreamIo, as: ExecContext): Promise<number> {
    if (container.status === 'paused') throw new DockerError(`container ${container.name} is paused, unpause the container before exec`, 'conflict')
    if (container.status !== 'running') throw new DockerError(`container ${container.id} is not running`, 'conflict')
    if (container.guest) return this.#execInGuest(container, argv, io, as)
    try {
      return (await this.runtime.exec(container.runs.at(-1)!.runtimeId, argv, io, as)).code
    } catch (error) {
      if (!(error instanceof RuntimeError)) throw error
      throw new DockerError(`${error.message.replace(/^failed to exec in container: failed to start exec "\w+": /, '')}: unknown`, 'start')
    }
  }

  async #execInGuest({ guest, spec }: DockerContainer, argv: readonly string[], io: StreamIo, as: ExecContext): Promise<number> {
    const [{ execInGuest }, { createTty }] = await this.clock.outside(Promise.all([import('./guest-container.ts'), import('../../unix/tty.ts')]))
    const machine = await guest!.machine()
    if (!machine) throw new DockerError(`container ${spec.hostname} is not running`, 'conflict')
    if (as.user !== undefined && as.user !== 'root' && as.user !== '0') throw new DockerError(`unable to find user ${as.user}: no matching entries in passwd file`)
    try {
      return await execInGuest(machine, argv, io, { env: { ...envRecord(spec.env), ...as.env }, cwd: as.workingDir ?? '/', createTty, user: ROOT_USER })
    } catch (error) {
      if (!(error instanceof UnixError)) throw error
      throw new DockerError(`OCI runtime exec failed: exec failed: unable to start container process: exec: ${JSON.stringify(argv[0])}: ${argv[0]!.includes('/') ? `stat ${argv[0]}: no such file or directory` : 'executable file not found in $PATH'}: unknown`, 'start')
    }
  }

  /** @throws DockerError unless it runs */
  async attach(container: DockerContainer, io: StreamIo): Promise<void> {
    refuseGuest(container, 'attach to the console of')
    if (container.status !== 'running') throw new DockerError('cannot attach to a stopped container, start it first')
    await this.runtime.attach(container.runs.at(-1)!.runtimeId, io)
  }

  machineOf(container: DockerContainer): Machine | undefined {
    const run = container.runs.at(-1)
    return run && (container.status === 'running' || container.status === 'paused') ? this.runtime.machine(run.runtimeId) : undefined
  }

  /** The container's files with what is mounted there, as long as it runs. */
  filesOf(container: DockerContainer): MountableFileSystem {
    return container.guest?.files() ?? this.machineOf(container)?.fs ?? container.layer
  }

  // --- over a reload -------------------------------------------------------------------------------------------------------------

  #save(container: DockerContainer): void {
    if (!this.#containers.has(container.id)) return
    const { layer: _, ...record } = container
    const directory = `${CONTAINERS}/${container.id}`
    this.disk.mkdir(directory, { recursive: true })
    this.disk.writeFile(`${directory}/config.json`, JSON.stringify(record satisfies ContainerRecord))
  }

  async #recall(): Promise<void> {
    if (!this.disk.exists(CONTAINERS)) return
    const records = this.disk.readdir(CONTAINERS).filter((id) => this.disk.exists(`${CONTAINERS}/${id}/config.json`)).map((id) => JSON.parse(this.disk.readText(`${CONTAINERS}/${id}/config.json`)) as ContainerRecord)
    for (const record of records.sort((a, b) => a.createdMs - b.createdMs)) {
      // Earlier versions kept no results.
      if (record.health) record.health.log ??= []
      const image = this.images.find(record.imageId)
      if (!image) continue
      const layer = createOverlay(image.files, this.clock)
      await this.layers.restore(`container-${record.id}`, layer)
      const container: DockerContainer = { ...record, layer }
      this.#containers.set(container.id, container)
      this.#followed.set(container.id, this.layers.follow(layer, `container-${container.id}`))
      const wasRunning = record.status === 'running' || record.status === 'paused' || record.status === 'restarting'
      const ended = wasRunning && record.status !== 'restarting' ? container.runs.slice(0, -1) : container.runs
      if (ended.length > 0) {
        const sandbox = this.runtime.recordPodSandbox(this.#configs.sandbox(container))
        for (const run of ended) this.runtime.recordExited(sandbox.id, this.#configs.container(container, run.attempt), { id: run.runtimeId, image: container.spec.image, imageRef: container.imageId, user: { uid: 0, gid: 0, supplementalGroups: [] }, startedMs: run.startedMs, finishedMs: container.finishedMs, exitCode: container.exitCode, reason: '', message: '' })
      }
      if (record.status === 'restarting') { container.status = 'exited'; await this.start(container).catch(() => {}) }
      else if (wasRunning) await this.#takeUp(container)
    }
  }

  /** A container that ran when the process before this one ended. */
  async #takeUp(container: DockerContainer): Promise<void> {
    const run = container.runs.at(-1)!
    try {
      const { sandbox } = await this.#sandbox(container, container.ip)
      this.#open({ ...container, spec: { ...container.spec, publishAll: false, ports: container.bindings } }, container.ip)
      await this.runtime.restoreContainer(sandbox.id, this.#configs.container(container, run.attempt), { id: run.runtimeId, startedMs: run.startedMs })
      container.status = 'running'
      if (this.runtime.containerStatus(run.runtimeId)?.state === 'running') this.#begun(container)
      else this.#ended(container)
    } catch (error) {
      container.status = 'exited'
      container.exitCode = 255
      container.finishedMs = this.clock.nowMs()
      container.error = (error as Error).message
      this.#save(container)
    }
  }

  /** Writes down what is pending: the process ends. Containers go on in the next one. */
  async close(): Promise<void> {
    this.#health.close()
    for (const { timer } of this.#backoff.values()) timer?.cancel()
    for (const id of [...this.#containers.keys()]) this.#ports.close(id)
    await Promise.all([...this.#followed.values()].map((stop) => stop()))
    await this.runtime.shutdown()
  }
}

/** @throws DockerError for a container that isn't the engine's own */
function refuseGuest({ guest, name }: DockerContainer, what: string): void {
  if (guest) throw new DockerError(`cannot ${what} container ${name}: it is a node of a cluster, and the program that made the cluster looks after it`, 'conflict')
}
