import type {
  ClockState, ClusterEntry, ClusterViewChange, EditRequest, FromWorker, GoalState, HostStatus, MachineView, NodeView, OperationName, Operations, PodView, Progress, ToWorker,
} from '../host/protocol.ts'

/** One terminal's end on the page. */
export interface TerminalConnection {
  /** Its number in the protocol. */
  readonly terminal: number
  input(data: string): void
  resize(columns: number, rows: number): void
  /** Tells that bytes were drawn, so that more may come. */
  drawn(bytes: number): void
  close(): void
}

interface TerminalHandlers {
  onData(data: Uint8Array): void
  onExit(code: number): void
}

/** What the page knows of the cluster; `change` events tell which part is new. */
export interface ClientEvents {
  status: HostStatus
  view: undefined
  /** Which clusters there are, or which one is shown. */
  clusters: undefined
  clock: ClockState
  edit: EditRequest
  'edit-gone': number
  files: string[]
  goals: { lesson: string; step: string; states: GoalState[] }
  progress: Progress
  /** Whether with another cluster; otherwise with the same one in another worker. */
  restarted: { isFresh: boolean }
}

/** The page's side of the protocol: keeps the latest state, asks questions, opens terminals. */
export class ClusterClient {
  status: HostStatus = { phase: 'starting', attached: false }
  readonly nodes = new Map<string, NodeView>()
  readonly pods = new Map<string, PodView>()
  machines: readonly MachineView[] = []
  /** The machine in front of several API servers. */
  loadBalancer: string | undefined
  clusters: readonly ClusterEntry[] = []
  /** Id of the one that nodes, pods and machines are of. */
  shownCluster = ''
  clock: ClockState | undefined
  /** `performance.now()` when {@link clock} came. */
  clockReceivedMs = 0
  progress: Progress = { done: {} }
  /** Whether {@link progress} is what the worker told. */
  isProgressKnown = false
  #worker: Worker
  readonly #makeWorker: () => Worker
  #nextId = 1
  readonly #asked = new Map<number, { resolve: (answer: never) => void; reject: (error: Error) => void }>()
  readonly #terminals = new Map<number, TerminalHandlers>()
  readonly #listeners = new Map<string, Set<(detail: never) => void>>()

  constructor(makeWorker: () => Worker) {
    this.#makeWorker = makeWorker
    this.#worker = this.#start()
    addEventListener('pagehide', () => this.#post({ type: 'bye' }))
    document.addEventListener('visibilitychange', () => this.#post({ type: 'visibility', isHidden: document.hidden }))
    addEventListener('pageshow', (event) => { if (event.persisted) this.restart() })
  }

  on<Name extends keyof ClientEvents>(name: Name, listener: (detail: ClientEvents[Name]) => void): () => void {
    let set = this.#listeners.get(name)
    if (!set) this.#listeners.set(name, set = new Set())
    set.add(listener as (detail: never) => void)
    return () => { set.delete(listener as (detail: never) => void) }
  }

  /** Rejects with an Error whose message is meant for people who report it. */
  ask<Name extends OperationName>(operation: Name, ask: Operations[Name]['ask']): Promise<Operations[Name]['answer']> {
    const id = this.#nextId++
    return new Promise((resolve, reject) => {
      this.#asked.set(id, { resolve: resolve as (answer: never) => void, reject })
      this.#post({ type: 'ask', id, operation, ask } as ToWorker)
    })
  }

  openTerminal(columns: number, rows: number, handlers: TerminalHandlers, cwd?: string): TerminalConnection {
    const terminal = this.#nextId++
    this.#terminals.set(terminal, handlers)
    this.#post({ type: 'terminal-open', terminal, columns, rows, ...(cwd ? { cwd } : {}) })
    return {
      terminal,
      input: (data) => this.#post({ type: 'terminal-input', terminal, data }),
      resize: (columns, rows) => this.#post({ type: 'terminal-resize', terminal, columns, rows }),
      drawn: (bytes) => this.#post({ type: 'terminal-drawn', terminal, bytes }),
      close: () => {
        this.#terminals.delete(terminal)
        this.#post({ type: 'terminal-close', terminal })
      },
    }
  }

  /** Ends the worker and starts another. */
  restart(): void {
    this.#worker.terminate()
    this.#forget()
    this.#worker = this.#start()
    this.#emit('status', this.status)
    this.#emit('restarted', { isFresh: true })
  }

  #start(): Worker {
    const worker = this.#makeWorker()
    worker.onmessage = (event: MessageEvent<FromWorker>) => this.#take(event.data)
    worker.onerror = (event) => {
      // Errors after the start are the worker's to report; this one could not even load.
      if (this.status.phase === 'starting') this.#take({ type: 'status', status: { phase: 'failed', attached: false, failure: { kind: 'other', message: event.message || 'the worker could not be loaded' } } })
    }
    worker.postMessage({ type: 'hello' } satisfies ToWorker)
    if (document.hidden) worker.postMessage({ type: 'visibility', isHidden: true } satisfies ToWorker)
    return worker
  }

  #post(message: ToWorker): void {
    this.#worker.postMessage(message)
  }

  #forget(): void {
    this.status = { phase: 'starting', attached: false }
    this.nodes.clear()
    this.pods.clear()
    this.machines = []
    this.loadBalancer = undefined
    this.clusters = []
    this.shownCluster = ''
    this.isProgressKnown = false
    this.#terminals.clear()
    for (const { reject } of this.#asked.values()) reject(new Error('the cluster was restarted'))
    this.#asked.clear()
  }

  #take(message: FromWorker): void {
    switch (message.type) {
      case 'status':
        this.status = message.status
        return this.#emit('status', message.status)
      case 'restarted':
        this.#forget()
        // Whoever serves from now on takes every page for a visible one.
        if (document.hidden) this.#post({ type: 'visibility', isHidden: true })
        return this.#emit('restarted', { isFresh: false })
      case 'respawn': return this.restart()
      case 'terminal-output': return this.#terminals.get(message.terminal)?.onData(message.data)
      case 'terminal-exit': {
        const handlers = this.#terminals.get(message.terminal)
        this.#terminals.delete(message.terminal)
        return handlers?.onExit(message.code)
      }
      case 'clusters':
        this.clusters = message.clusters
        this.shownCluster = message.shown
        return this.#emit('clusters', undefined)
      case 'view':
        this.#applyView(message.change)
        return this.#emit('view', undefined)
      case 'clock':
        this.clock = message.clock
        this.clockReceivedMs = performance.now()
        return this.#emit('clock', message.clock)
      case 'edit': return this.#emit('edit', message.request)
      case 'edit-gone': return this.#emit('edit-gone', message.edit)
      case 'files-changed': return this.#emit('files', message.paths)
      case 'goals': return this.#emit('goals', message)
      case 'progress':
        this.progress = message.progress
        this.isProgressKnown = true
        return this.#emit('progress', message.progress)
      case 'answer': {
        const asked = this.#asked.get(message.id)
        this.#asked.delete(message.id)
        if (message.error !== undefined) asked?.reject(new Error(message.error))
        else asked?.resolve(message.answer as never)
      }
    }
  }

  #applyView({ reset, machines, loadBalancer, nodes, pods, gone }: ClusterViewChange): void {
    if (machines) this.machines = machines
    if (reset) { this.nodes.clear(); this.pods.clear(); this.loadBalancer = loadBalancer }
    for (const uid of gone ?? []) { this.nodes.delete(uid); this.pods.delete(uid) }
    for (const node of nodes ?? []) this.nodes.set(node.uid, node)
    for (const pod of pods ?? []) this.pods.set(pod.uid, pod)
  }

  #emit<Name extends keyof ClientEvents>(name: Name, detail: ClientEvents[Name]): void {
    for (const listener of this.#listeners.get(name) ?? []) (listener as (detail: ClientEvents[Name]) => void)(detail)
  }
}

/** Cluster time now, milliseconds since 1970. */
export function clusterNowMs(client: ClusterClient): number | undefined {
  const { clock } = client
  if (!clock) return undefined
  return clock.mode === 'paused' ? clock.nowMs : clock.nowMs + (performance.now() - client.clockReceivedMs) * clock.scale
}
