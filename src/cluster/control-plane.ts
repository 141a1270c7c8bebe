import type { Clock } from '../base/clock.ts'
import type { ControlPlaneHealth, EtcdOutage } from './apiserver/seams.ts'
import type { Api } from './client/api.ts'
import type { EtcdMembers } from './etcd/members/etcd-members.ts'
import { apiError } from './kinds/status-error.ts'

/** What a component's process does: it begins with it and ends with it. */
export interface ComponentPart {
  start(): void
  stop(): void | Promise<void>
}

/** Where scheduler and controller manager answer about their health. */
const HEALTH_PORTS: Readonly<Record<string, { component: string; port: number }>> = {
  scheduler: { component: 'kube-scheduler', port: 10259 }, 'controller-manager': { component: 'kube-controller-manager', port: 10257 },
}

/** A node of the control plane. */
export interface ControlPlaneHost {
  name: string
  ip: string
}

/** The components of the control plane, in the order in which they start. */
export const COMPONENTS = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler']

/** A component on one of the control plane's nodes. */
export function componentOn(component: string, host: string): string {
  return `${component}/${host}`
}

/**
 * Which components of the control plane run, each on its node ({@link componentOn}). Their parts live in this process, and with the containers of
 * their pods: where no container of a component runs any more, its part stops.
 */
export class ControlPlane {
  readonly #clock: Clock
  readonly #hosts: () => readonly ControlPlaneHost[]
  readonly #members: Pick<EtcdMembers, 'outage' | 'isAvailable'>
  readonly #parts = new Map<string, () => ComponentPart>()
  readonly #running = new Map<string, ComponentPart>()
  /** Processes that stand for a component. */
  readonly #holders = new Map<string, number>()
  readonly #listeners = new Set<() => void>()
  readonly #doors = new Map<string, Door>()

  /**
   * @param hosts the nodes of the control plane, the first one first
   * @param members whether etcd's members agree
   */
  constructor(clock: Clock, hosts: () => readonly ControlPlaneHost[], members: Pick<EtcdMembers, 'outage' | 'isAvailable'>) {
    this.#clock = clock
    this.#hosts = hosts
    this.#members = members
  }

  /** Says what a component does; `make` is asked each time it starts. */
  define(component: string, make: () => ComponentPart): void {
    this.#parts.set(component, make)
  }

  /** Whether a component runs; without a node: on any of the control plane's. */
  isRunning(component: string): boolean {
    return this.#running.has(component) || this.#hosts().some(({ name }) => this.#running.has(componentOn(component, name)))
  }

  /** Starts a component whose container is yet to come, as at the boot of a cluster. */
  start(component: string): void {
    if (this.#running.has(component)) return
    const part = this.#parts.get(component)?.() ?? NOTHING_TO_DO
    this.#running.set(component, part)
    this.#doors.clear()
    part.start()
    this.#tell()
  }

  /** A process of the component has begun. Returns what to call when it has ended. */
  begin(component: string): () => void {
    this.#holders.set(component, (this.#holders.get(component) ?? 0) + 1)
    this.start(component)
    let hasEnded = false
    return () => {
      if (hasEnded) return
      hasEnded = true
      const left = this.#holders.get(component)! - 1
      this.#holders.set(component, left)
      if (left === 0) this.#stop(component)
    }
  }

  /** Resolves once the component runs, or with false after `withinMs`. */
  async untilRunning(component: string, withinMs: number): Promise<boolean> {
    const endMs = this.#clock.nowMs() + withinMs
    while (!this.isRunning(component)) {
      const leftMs = endMs - this.#clock.nowMs()
      if (leftMs <= 0) return false
      await this.#change(leftMs)
    }
    return true
  }

  /** Resolves once the component has been away for `ms` without a break. */
  async lost(component: string, ms: number, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      if (this.isRunning(component)) await this.#change(undefined, signal)
      else if (!await this.untilRunning(component, ms)) return
    }
  }

  /** Calls back after each start and end of a component. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** What the API server learns of its neighbours. */
  readonly health: ControlPlaneHealth = this.healthOn(undefined)

  /** What the API server on one of the nodes learns of its neighbours there. */
  healthOn(host: string | undefined): ControlPlaneHealth {
    const on = (component: string) => host === undefined ? component : componentOn(component, host)
    return {
      etcdOutage: () => this.#etcdOutage(on('etcd')),
      problem: (name) => {
        const probed = HEALTH_PORTS[name]
        if (!probed || this.isRunning(on(probed.component))) return undefined
        return `Get "https://127.0.0.1:${probed.port}/healthz": dial tcp 127.0.0.1:${probed.port}: connect: connection refused`
      },
    }
  }

  #etcdOutage(etcd: string): EtcdOutage | undefined {
    if (!this.isRunning(etcd)) return { over: this.untilRunning(etcd, Infinity).then(() => {}) }
    const over = this.#members.outage()
    return over && { over, refusal: { afterMs: ETCD_REQUEST_MS, message: 'etcdserver: request timed out' } }
  }

  /** Resolves once a node's etcd runs and its members agree, or with false after `withinMs`. */
  async untilEtcdAnswers(host: string, withinMs: number): Promise<boolean> {
    const endMs = this.#clock.nowMs() + withinMs
    if (!await this.untilRunning(componentOn('etcd', host), withinMs)) return false
    const outage = this.#members.outage()
    if (!outage) return true
    const limit = new AbortController()
    const isOver = await Promise.race([outage.then(() => true), this.#clock.sleep(Math.max(0, endMs - this.#clock.nowMs()), limit.signal).then(() => false, () => false)])
    limit.abort()
    return isOver
  }

  /**
   * A client of the API as long as there is an API server with its etcd. Watches outlast an absence: nobody writes meanwhile.
   * @param astray why this client doesn't even get there, in the words of Go's dialler
   * @param host the node whose API server it asks; undefined: any
   */
  gated(api: Api, astray?: () => string | undefined, host?: string): Api {
    return new GatedApi(api, () => {
      const problem = astray?.()
      return problem === undefined ? this.#obstacle(host) : () => Promise.reject(new Error(problem))
    })
  }

  /** What keeps the API from answering: undefined, or the way to learn how a request fails. */
  #obstacle(host: string | undefined): (() => Promise<never>) | undefined {
    switch (this.#door(host)) {
      case 'open': return this.#members.isAvailable ? undefined : async () => {
        await this.#clock.sleep(ETCD_REQUEST_MS)
        throw apiError.generic(500, '', 'etcdserver: request timed out', {})
      }
      case 'without-etcd': return async () => {
        await this.#clock.sleep(REQUEST_MS)
        throw new Error('Timeout: request did not complete within requested timeout - context deadline exceeded')
      }
      case 'closed': {
        const hosts = this.#hosts()
        const { ip } = hosts.find(({ name }) => name === host) ?? hosts[0] ?? {}
        return () => Promise.reject(new Error(`dial tcp ${ip ?? ''}:6443: connect: connection refused`))
      }
    }
  }

  /** How it is with the API server of a node, or with the best of all. Asked for each request inside the process, and so remembered. */
  #door(host = ''): Door {
    const known = this.#doors.get(host)
    if (known) return known
    const open = this.#hosts().filter(({ name }) => (host === '' || name === host) && this.isRunning(componentOn('kube-apiserver', name)))
    const door = open.length === 0 ? 'closed' : open.some(({ name }) => this.isRunning(componentOn('etcd', name))) ? 'open' : 'without-etcd'
    this.#doors.set(host, door)
    return door
  }

  /** Ends a component whose node has lost its power. */
  halt(component: string): void {
    if (this.isRunning(component)) this.#stop(component)
  }

  async stop(): Promise<void> {
    const parts = [...this.#running.values()].reverse()
    this.#running.clear()
    this.#doors.clear()
    await Promise.all(parts.map((part) => part.stop()))
  }

  #stop(component: string): void {
    const part = this.#running.get(component)
    this.#running.delete(component)
    this.#doors.clear()
    void part?.stop()
    this.#tell()
  }

  #tell(): void {
    this.#doors.clear()
    for (const listener of [...this.#listeners]) listener()
  }

  /** Resolves after the next change, or when the time is over. */
  #change(withinMs: number | undefined, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        stop()
        timer?.cancel()
        signal?.removeEventListener('abort', done)
        resolve()
      }
      const stop = this.onChange(done)
      const timer = withinMs === undefined || withinMs === Infinity ? undefined : this.#clock.after(withinMs, done)
      signal?.addEventListener('abort', done)
    })
  }
}

/** How long the API server tries to reach etcd for a request, milliseconds. */
const REQUEST_MS = 34_000
/** How long etcd tries to get its members to agree on a request, milliseconds. k8s: etcd server/config ReqTimeout */
const ETCD_REQUEST_MS = 7_000
const NOTHING_TO_DO: ComponentPart = { start() {}, stop() {} }

type Door = 'open' | 'without-etcd' | 'closed'

class GatedApi implements Api {
  readonly #api: Api
  readonly #obstacle: () => (() => Promise<never>) | undefined

  constructor(api: Api, obstacle: () => (() => Promise<never>) | undefined) {
    this.#api = api
    this.#obstacle = obstacle
  }

  get: Api['get'] = (...args) => this.#obstacle()?.() ?? this.#api.get(...args)
  list: Api['list'] = (...args) => this.#obstacle()?.() ?? this.#api.list(...args)
  create: Api['create'] = (...args) => this.#obstacle()?.() ?? this.#api.create(...args)
  update: Api['update'] = (...args) => this.#obstacle()?.() ?? this.#api.update(...args)
  updateStatus: Api['updateStatus'] = (...args) => this.#obstacle()?.() ?? this.#api.updateStatus(...args)
  patch: Api['patch'] = (...args) => this.#obstacle()?.() ?? this.#api.patch(...args)
  delete: Api['delete'] = (...args) => this.#obstacle()?.() ?? this.#api.delete(...args)
  deleteCollection: Api['deleteCollection'] = (...args) => this.#obstacle()?.() ?? this.#api.deleteCollection(...args)
  createSubresource: Api['createSubresource'] = (...args) => this.#obstacle()?.() ?? this.#api.createSubresource(...args)

  watch: Api['watch'] = (resource, options, onEvents, onEnd) => {
    const obstacle = this.#obstacle()
    if (!obstacle) return this.#api.watch(resource, options, onEvents, onEnd)
    let stopped = false
    obstacle().catch((error: unknown) => { if (!stopped) onEnd?.(error) })
    return { stop: () => { stopped = true } }
  }
}
