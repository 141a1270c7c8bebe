import { ClusterClock } from '../base/clock.ts'
import { httpRequest } from '../base/http.ts'
import type { Platform } from '../base/platform.ts'
import { createPipe, readAll, readerOf } from '../base/streams.ts'
import { BOOT_MS, OTHER_DISKS, createCluster } from '../cluster/cluster.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { controlPlaneNodes } from '../cluster/topology.ts'
import type { Machine, MountableFileSystem, Program, Tty } from '../unix/types.ts'
import { MemoryFileSystem } from '../unix/file-system.ts'
import { ClusterViews } from './cluster-views.ts'
import { presetTopology } from './cluster-presets.ts'
import { actOnFurtherMachine, actOnMachine } from './machine-actions.ts'
import { GoalWatcher } from './goal-watcher.ts'
import { HomeFiles, shortPath } from './home-files.ts'
import { askCluster, furtherClusters } from './lesson-clusters.ts'
import { fetchFromWeb } from './fetch-from-web.ts'
import { LEARNER, SYSTEM_KUBECONFIG, createHome, createLearnersLaptop, furnishHome, learnerEnvironment } from './laptop.ts'
import { flagForCluster } from './learners-context.ts'
import { Fleet } from './fleet/fleet.ts'
import type { FleetRecord } from './fleet/fleet-storage.ts'
import { fetchPage } from './fetch-page.ts'
import { imagePrograms, nodePrograms } from './node-programs.ts'
import { pageEditor } from './page-editor.ts'
import { FleetStore, latestFleetMs } from './persistence/fleet-store.ts'
import { KeptCluster, nodeTree } from './persistence/kept-cluster.ts'
import { exportDatabase } from './persistence/store.ts'
import type { ClusterStore } from './persistence/store.ts'
import { StoreError } from './persistence/store-error.ts'
import { lookAtFiles, restoreFiles } from './persistence/stored-file.ts'
import { FIRST_CLUSTER } from './protocol.ts'
import type { Client, ClockState, EditRequest, FromWorker, OperationName, Operations, Progress, ToWorker } from './protocol.ts'
import { RequestFollowers } from './request-followers.ts'
import { TerminalSession } from './terminal-session.ts'

/** Output of commands without a terminal beyond this is cut off, in bytes. */
const MAX_RUN_BYTES = 2_000_000
/** The tree of {@link StoredFile}s that is the home directory. */
const HOME_TREE = 'home'

/** How much cluster time containers have to start again where the clock is paused, in milliseconds. */
const RESTART_MS = 3_000

interface Pace {
  mode: 'running' | 'paused'
  scale: number
}

interface HostOptions {
  platform: Platform
  store: ClusterStore
  utilities: Readonly<Record<string, Program>>
  /** Something broke that keeps writes from being kept. */
  onStoreFailure(error: Error): void
}

interface Session {
  client: Client
  terminals: Map<number, TerminalSession>
  /** Nobody can see the page at the moment. */
  isHidden: boolean
}

/** What the page calls itself where it asks the API server. */
const PAGE_AGENT = 'drydock-page'

/** A running cluster with its laptop and its place on disk, serving any number of pages. */
export class ClusterHost {
  readonly cluster: Cluster
  /** Clusters besides it. */
  readonly fleet: Fleet
  readonly laptop: Machine
  readonly #platform: Platform
  readonly #clock: ClusterClock
  readonly #store: ClusterStore
  readonly #home: MountableFileSystem
  readonly #files: HomeFiles
  readonly #views: ClusterViews
  readonly #goals: GoalWatcher
  readonly #sessions = new Map<string, Session>()
  readonly #followers = new RequestFollowers(PAGE_AGENT)
  #watched: { lesson: string; step: string } | undefined
  #lastGoals: Extract<FromWorker, { type: 'goals' }> | undefined
  #progress: Progress
  readonly #hints = { on: true }
  #nextEdit = 1
  readonly #edits = new Map<number, { request: EditRequest; finish: (code: number) => void; client: Client }>()
  #ready = false
  /** Resolves once it is known which further clusters there are. */
  #fleetKnown = Promise.resolve()
  readonly #changedFiles = new Set<string>()

  private constructor(parts: { cluster: Cluster; fleet: Fleet; clock: ClusterClock; home: MountableFileSystem; progress: Progress; options: HostOptions }) {
    const { cluster, fleet, clock, home, progress, options } = parts
    this.cluster = cluster
    this.fleet = fleet
    this.#clock = clock
    this.#platform = options.platform
    this.#store = options.store
    this.#home = home
    this.#progress = progress
    const edit = pageEditor((tty, file, gone) => this.#openEditor(tty, file, gone))
    this.laptop = createLearnersLaptop({
      cluster, fleet, home, utilities: options.utilities, hints: () => this.#hints.on, homeKept: async () => { await this.#homeKept() }, outside: fetchFromWeb,
      programs: { '/usr/local/bin/edit': edit, '/usr/local/bin/editor': edit },
    })
    this.#files = new HomeFiles(this.laptop.fs instanceof MemoryFileSystem ? this.laptop.fs.viewAs(LEARNER) : this.laptop.fs)
    this.#views = new ClusterViews({ first: cluster, fleet, platform: options.platform, clock })
    this.#goals = new GoalWatcher({ platform: options.platform, etcd: cluster.etcd, ask: askCluster(cluster), further: furtherClusters(fleet) })
  }

  /** Takes up the saved cluster, or makes a fresh one. Resolves once a prompt makes sense. @throws StoreError for data that can't be used. */
  static async start(options: HostOptions): Promise<ClusterHost> {
    const { platform, store } = options
    const stored = await store.load()
    const clock = new ClusterClock(platform, { startMs: stored ? Math.max(stored.timeMs, await latestFleetMs(store)) : platform.wallMs() - BOOT_MS })
    const seed = stored?.identity.seed ?? Array.from(platform.randomBytes(16), (byte) => byte.toString(16).padStart(2, '0')).join('')
    const kept = new KeptCluster(store, stored)
    const topology = stored ? {} : { topology: presetTopology(await store.getMeta('preset')) }
    const cluster = await createCluster({ platform, clock, seed, nodePrograms, imagePrograms, ...topology, ...kept.options })
      .catch((error: unknown) => { throw stored ? new StoreError('corrupt', `the saved cluster can't be restored: ${(error as Error).message}`) : error })
    const fleet = new Fleet({ platform, clock, seed, nodePrograms, imagePrograms, storage: new FleetStore({ main: store, clock, setTimer: (fn, delayMs) => platform.setTimer(fn, delayMs), onFailure: options.onStoreFailure }) })
    const home = createHome(clock)
    if (stored) restoreFiles(home, stored.files.filter((file) => file.tree === HOME_TREE))
    else furnishHome(home, cluster)
    const progress = (await store.getMeta('progress') as Progress | undefined) ?? { done: {} }
    const pace = await store.getMeta('pace') as Pace | undefined

    const host = new ClusterHost({ cluster, fleet, clock, home, progress, options })
    store.onFailure = options.onStoreFailure
    await kept.run(cluster, clock, () => host.#recordFiles())
    if (!stored) store.fileChanged(HOME_TREE, '/', (path) => lookAtFiles(home, path))
    if (pace) host.#setPace(pace)
    // Time stands still; the containers were running when it stopped, so they get the moment that they need to start again.
    if (stored && pace?.mode === 'paused') await clock.advance(RESTART_MS)
    host.#ready = true
    if (stored) host.#fleetKnown = host.#recallFleet()
    return host
  }

  /** Resolves once it is known which further clusters there are; they begin to run meanwhile. */
  #recallFleet(): Promise<void> {
    return new Promise((resolve) => {
      const stop = this.fleet.onChange(() => { stop(); resolve() })
      void this.fleet.recall().catch((error: unknown) => { console.warn('the further clusters can\'t be taken up', error) }).finally(() => { stop(); resolve() })
    })
  }

  #recordFiles(): void {
    this.#home.watch('/', (path) => {
      this.#store.fileChanged(HOME_TREE, path, (each) => lookAtFiles(this.#home, each))
      if (this.#changedFiles.size === 0) this.#platform.setTimer(() => {
        const paths = [...this.#changedFiles]
        this.#changedFiles.clear()
        this.#broadcast({ type: 'files-changed', paths })
      }, 100)
      this.#changedFiles.add(path.replace(/^\//, ''))
    })
  }

  /** A page begins to look. */
  connect(client: Client): void {
    this.#sessions.set(client.id, { client, terminals: new Map(), isHidden: false })
    this.#whoSees()
    client.send({ type: 'clock', clock: this.#clockState() })
    this.#views.add(client)
    client.send({ type: 'progress', progress: this.#progress })
    if (this.#lastGoals) client.send(this.#lastGoals)
  }

  /** A page has gone; its terminals hang up. */
  disconnect(clientId: string): void {
    const session = this.#sessions.get(clientId)
    this.#sessions.delete(clientId)
    this.#views.remove(clientId)
    this.#followers.forget(clientId)
    for (const terminal of session?.terminals.values() ?? []) terminal.close()
    this.#whoSees()
  }

  #whoSees(): void {
    this.#goals.isSeen = Array.from(this.#sessions.values()).some(({ isHidden }) => !isHidden)
  }

  take(clientId: string, message: ToWorker): void {
    const session = this.#sessions.get(clientId)
    if (!session) return
    const { client, terminals } = session
    switch (message.type) {
      case 'terminal-open': {
        const { terminal } = message
        const opened = new TerminalSession({
          platform: this.#platform, columns: message.columns, rows: message.rows,
          send: (data) => client.send({ type: 'terminal-output', terminal, data }),
          onExit: (code) => {
            if (terminals.delete(terminal)) client.send({ type: 'terminal-exit', terminal, code })
          },
        })
        terminals.set(terminal, opened)
        return opened.start(this.laptop, message.cwd)
      }
      case 'terminal-input': return terminals.get(message.terminal)?.type(message.data)
      case 'terminal-resize': return terminals.get(message.terminal)?.resize(message.columns, message.rows)
      case 'terminal-drawn': return terminals.get(message.terminal)?.drawn(message.bytes)
      case 'terminal-close': {
        const terminal = terminals.get(message.terminal)
        terminals.delete(message.terminal)
        return terminal?.close()
      }
      case 'visibility': {
        session.isHidden = message.isHidden
        return this.#whoSees()
      }
      case 'ask':
        this.#perform(message.operation, message.ask, clientId).then(
          (answer) => client.send({ type: 'answer', id: message.id, answer }),
          (error: unknown) => client.send({ type: 'answer', id: message.id, error: (error as Error).message }),
        )
        return
    }
  }

  /** Writes everything, then ends what runs. */
  async stop(): Promise<void> {
    for (const id of [...this.#sessions.keys()]) this.disconnect(id)
    this.#views.stop()
    this.#goals.stop()
    await this.laptop.shutdown()
    await this.fleet.close()
    await this.cluster.stop()
    await this.#store.close()
  }

  get ready(): boolean {
    return this.#ready
  }

  #broadcast(message: FromWorker): void {
    for (const { client } of this.#sessions.values()) client.send(message)
  }

  async #perform<Name extends OperationName>(name: Name, given: Operations[Name]['ask'], clientId: string): Promise<unknown> {
    const ask = given as never
    switch (name) {
      case 'api': return this.#api(ask)
      case 'run': return this.#run(ask)
      case 'clock': return this.#setClock(ask)
      case 'listFiles': return this.#files.list((ask as Operations['listFiles']['ask']).path)
      case 'readFile': return { text: this.#files.read((ask as Operations['readFile']['ask']).path) }
      case 'writeFile': { const { path, text } = ask as Operations['writeFile']['ask']; this.#files.write(path, text); return this.#homeKept() }
      case 'readBytes': return { data: this.#files.readBytes((ask as Operations['readBytes']['ask']).path) }
      case 'writeBytes': { const { path, data } = ask as Operations['writeBytes']['ask']; this.#files.write(path, data); return this.#homeKept() }
      case 'browse': return fetchPage(this.laptop, ask)
      case 'hints': this.#hints.on = (ask as Operations['hints']['ask']).on; return null
      case 'removeFile': this.#files.remove((ask as Operations['removeFile']['ask']).path); return this.#homeKept()
      case 'renameFile': { const { from, to } = ask as Operations['renameFile']['ask']; this.#files.rename(from, to); return this.#homeKept() }
      case 'finishEdit': { const { edit, code } = ask as Operations['finishEdit']['ask']; this.#edits.get(edit)?.finish(code); return null }
      case 'machine': return this.#actOnMachine(ask)
      case 'startCluster': await this.fleet.start(this.#furtherCluster((ask as Operations['startCluster']['ask']).cluster)); return null
      case 'showCluster': await this.#fleetKnown; return { cluster: this.#views.show(clientId, (ask as Operations['showCluster']['ask']).cluster) }
      case 'installed': return this.#installed(ask)
      case 'requests': return this.#requests(ask, clientId)
      case 'traffic': return this.#traffic(ask)
      case 'versions': return this.#versions()
      case 'watchGoals': return this.#watchGoals(ask)
      case 'saveProgress': {
        this.#progress = ask
        this.#store.setMeta('progress', ask)
        this.#broadcast({ type: 'progress', progress: ask })
        await this.#store.flush()
        return null
      }
      case 'export': {
        await this.#store.flush()
        await this.fleet.flush()
        return { name: exportName(this.#platform.wallMs()), data: await exportDatabase(this.#platform) }
      }
      default: throw new Error(`operation ${name} isn't the cluster's`)
    }
  }

  /** A page may go at any moment: what it or its shell is told is done must be on disk. */
  async #homeKept(): Promise<null> {
    for (const tree of [HOME_TREE, ...Object.values(OTHER_DISKS).map(nodeTree)]) await this.#store.filesDurable(tree)
    return null
  }

  async #api({ method, path, body, contentType, accept }: Operations['api']['ask']): Promise<Operations['api']['answer']> {
    const request = httpRequest(`https://127.0.0.1:6443${path}`, {
      method, headers: { 'user-agent': PAGE_AGENT, accept: accept ?? 'application/json', ...(body === undefined ? {} : { 'content-type': contentType ?? 'application/json' }) }, ...(body === undefined ? {} : { body }),
    })
    const response = await this.cluster.handle(request, this.cluster.adminConnection)
    return { status: response.status, body: await response.text() }
  }

  async #actOnMachine(ask: Operations['machine']['ask']): Promise<Operations['machine']['answer']> {
    const isFirst = (ask.cluster ?? FIRST_CLUSTER) === FIRST_CLUSTER
    const name = await (isFirst ? actOnMachine(this.cluster, ask) : actOnFurtherMachine(this.fleet, this.#furtherCluster(ask.cluster!), ask))
    await (isFirst ? this.#store.flush() : this.fleet.flush())
    return { name }
  }

  #furtherCluster(id: string): FleetRecord {
    const found = this.fleet.list().find(({ record }) => record.id === id)
    if (!found) throw new Error(`there is no cluster ${id}`)
    return found.record
  }

  /** A kubeconfig of the page's own for a cluster, so that views don't depend on what the learner does to theirs. @throws Error for one that is off */
  #kubeconfigFor(id: string): { server: string; kubeconfig: string } {
    if (id === FIRST_CLUSTER) return { server: '127.0.0.1:6443', kubeconfig: SYSTEM_KUBECONFIG }
    const { apiPort } = this.#furtherCluster(id)
    const cluster = this.#views.cluster(id)
    const controlPlane = cluster && controlPlaneNodes(cluster.topology)[0]
    if (!controlPlane) throw new Error(cluster ? `nobody has installed Kubernetes on ${id}` : `the cluster ${id} is off`)
    const server = apiPort ? `127.0.0.1:${apiPort}` : `${controlPlane.ip}:6443`
    const kubeconfig = SYSTEM_KUBECONFIG.replace(/[^/]+$/, `${id.replaceAll('/', '-')}.conf`)
    this.laptop.fs.writeFile(kubeconfig, cluster.adminKubeconfig(`https://${server}`), { mode: 0o644 })
    return { server, kubeconfig }
  }

  #flagFor(api: { server: string; kubeconfig: string }): { flag?: string } {
    const flag = flagForCluster(this.laptop.fs, LEARNER.home, api)
    return flag === undefined ? {} : { flag }
  }

  async #installed({ cluster: id }: Operations['installed']['ask']): Promise<Operations['installed']['answer']> {
    const cluster = this.#views.cluster(id)
    if (!cluster) throw new Error(`the cluster ${id} is off`)
    const { readInstalled } = await this.#clock.outside(import('./installed.ts'))
    const flag = this.#flagFor(this.#kubeconfigFor(id))
    return { ...await readInstalled(cluster), ...flag }
  }

  #requests({ cluster: id, follow }: Operations['requests']['ask'], clientId: string): Operations['requests']['answer'] {
    const cluster = this.#views.cluster(id)
    if (!cluster) throw new Error(`the cluster ${id} is off`)
    const { requestTracer } = cluster
    if (!follow) {
      this.#followers.unfollow(requestTracer, clientId)
      return { requests: [] }
    }
    return { requests: this.#followers.follow(requestTracer, clientId) }
  }

  async #traffic({ cluster: id, ...wanted }: Operations['traffic']['ask']): Promise<Operations['traffic']['answer']> {
    const cluster = this.#views.cluster(id)
    if (!cluster) throw new Error(`the cluster ${id} is off`)
    const { serviceTraffic } = await this.#clock.outside(import('./service-traffic.ts'))
    return serviceTraffic(cluster, wanted)
  }

  async #versions(): Promise<Operations['versions']['answer']> {
    const { deploymentVersions } = await this.#clock.outside(import('./deployment-versions.ts'))
    return deploymentVersions([{ id: FIRST_CLUSTER, cluster: this.cluster }, ...this.fleet.list().flatMap(({ record: { id }, cluster }) => cluster && controlPlaneNodes(cluster.topology).length > 0 ? [{ id, cluster }] : [])])
  }

  async #run({ argv, stdin, cluster }: Operations['run']['ask']): Promise<Operations['run']['answer']> {
    const api = this.#kubeconfigFor(cluster ?? FIRST_CLUSTER)
    const out = createPipe()
    const err = createPipe()
    const process = this.laptop.start(argv, {
      env: { ...learnerEnvironment(), KUBECONFIG: api.kubeconfig, TERM: 'dumb' }, cwd: LEARNER.home, user: LEARNER, stdin: readerOf(stdin ?? ''), stdout: out.writer, stderr: err.writer,
    })
    const texts = Promise.all([out, err].map(async ({ reader }) => new TextDecoder().decode((await readAll(reader)).subarray(0, MAX_RUN_BYTES))))
    const { code } = await process.wait()
    out.writer.close()
    err.writer.close()
    const [stdout, stderr] = await texts
    return { stdout: stdout!, stderr: stderr!, code, ...(cluster === undefined ? {} : this.#flagFor(api)) }
  }

  async #setClock({ mode, scale, stepMs }: Operations['clock']['ask']): Promise<ClockState> {
    if (mode === 'paused') this.#clock.pause()
    if (mode === 'running') this.#clock.resume()
    if (scale !== undefined) this.#clock.setScale(Math.max(0.01, Math.min(1_000, scale)))
    if (stepMs !== undefined) await this.#clock.advance(Math.max(0, Math.min(3_600_000, stepMs)))
    this.#store.setMeta('pace', { mode: this.#clock.mode, scale: this.#clock.scale } satisfies Pace)
    const clock = this.#clockState()
    this.#broadcast({ type: 'clock', clock })
    return clock
  }

  #setPace({ mode, scale }: Pace): void {
    if (scale > 0 && Number.isFinite(scale)) this.#clock.setScale(scale)
    if (mode === 'paused') this.#clock.pause()
  }

  #clockState(): ClockState {
    return { mode: this.#clock.mode, scale: this.#clock.scale, nowMs: this.#clock.nowMs() }
  }

  async #watchGoals({ lesson, step, goals, manifest }: Operations['watchGoals']['ask']): Promise<null> {
    const same = this.#watched?.lesson === lesson && this.#watched.step === step
    this.#watched = { lesson, step }
    if (!same) this.#lastGoals = undefined
    this.#goals.watch(goals, (states) => {
      this.#lastGoals = { type: 'goals', lesson, step, states }
      this.#broadcast(this.#lastGoals)
    })
    if (manifest) {
      const { code, stderr } = await this.#run({ argv: ['kubectl', 'apply', '-f', '-'], stdin: manifest })
      // The first refusal says enough; the others are mostly the same again.
      if (code !== 0) throw new Error(stderr.split('\n').find((line) => line !== '' && !line.startsWith('Warning:')) ?? stderr)
    }
    return null
  }

  #openEditor(tty: Tty, file: { path: string; line?: number }, gone: AbortSignal): Promise<number> {
    for (const { client, terminals } of this.#sessions.values()) {
      for (const [terminal, session] of terminals) {
        if (session.tty !== tty) continue
        const request: EditRequest = { edit: this.#nextEdit++, terminal, path: shortPath(file.path), ...(file.line ? { line: file.line } : {}) }
        return new Promise((resolve, reject) => {
          const end = () => {
            this.#edits.delete(request.edit)
            gone.removeEventListener('abort', onGone)
          }
          const onGone = () => {
            end()
            client.send({ type: 'edit-gone', edit: request.edit })
            reject(gone.reason)
          }
          gone.addEventListener('abort', onGone)
          this.#edits.set(request.edit, { request, client, finish: (code) => { end(); resolve(code) } })
          client.send({ type: 'edit', request })
        })
      }
    }
    return Promise.reject(new Error('no page shows this terminal'))
  }
}

/** `drydock-2026-11-21-1830.drydock` */
export function exportName(wallMs: number): string {
  const iso = new Date(wallMs).toISOString()
  return `drydock-${iso.slice(0, 10)}-${iso.slice(11, 13)}${iso.slice(14, 16)}.drydock`
}
