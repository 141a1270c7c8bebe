import type { Clock, Timer } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import { callGrpc } from '../../unix/net/grpc.ts'
import type { MountableFileSystem } from '../../unix/types.ts'

/** Where plugins put the sockets at which they tell who they are. */
export const PLUGIN_REGISTRY = '/var/lib/kubelet/plugins_registry'

const SETTLE_MS = 10
const REGISTRATION = 'pluginregistration.Registration'
const TIMEOUT_MS = 10_000
/** k8s: pkg/kubelet/pluginmanager/operationexecutor, goroutinemap/exponentialbackoff */
const FIRST_RETRY_MS = 500
const MAX_RETRY_MS = 122_000

/** What a plugin says of itself. */
export interface PluginInfo {
  type: string
  name: string
  /** The socket of its service; the one that it registers at when empty. */
  endpoint: string
  supportedVersions: readonly string[]
}

/** Takes plugins of one kind in. k8s: pkg/kubelet/pluginmanager/cache PluginHandler */
export interface PluginHandler {
  /** @throws Error that tells the plugin why it isn't registered */
  register(plugin: PluginInfo): Promise<void>
  deregister(plugin: PluginInfo): Promise<void>
}

export interface PluginWatcherOptions {
  files: MountableFileSystem
  clock: Clock
  log: Log
  /** By kind. */
  handlers: Readonly<Record<string, PluginHandler>>
}

interface Registered {
  /** Number of the socket's inode: another socket of the same name is another plugin. */
  inode: number
  plugin: PluginInfo | undefined
  retryMs: number
  timer: Timer | undefined
}

/** Finds plugins by the sockets in a folder: they come and go with their files. k8s: pkg/kubelet/pluginmanager */
export class PluginWatcher {
  readonly #options: PluginWatcherOptions
  readonly #sockets = new Map<string, Registered>()
  #unwatch: (() => void) | undefined
  #timer: Timer | undefined

  constructor(options: PluginWatcherOptions) {
    this.#options = options
  }

  start(): void {
    const { files, clock } = this.#options
    // k8s: pkg/kubelet setupDataDirs
    for (const folder of [PLUGIN_REGISTRY, '/var/lib/kubelet/plugins', '/var/lib/kubelet/pods']) files.mkdir(folder, { recursive: true, mode: 0o750 })
    this.#unwatch ??= files.watch(PLUGIN_REGISTRY, () => {
      this.#timer ??= clock.after(SETTLE_MS, () => {
        this.#timer = undefined
        this.#look()
      })
    })
    this.#look()
  }

  stop(): void {
    this.#unwatch?.()
    this.#unwatch = undefined
    this.#timer?.cancel()
    this.#timer = undefined
    for (const { timer } of this.#sockets.values()) timer?.cancel()
    this.#sockets.clear()
  }

  #look(): void {
    const { files } = this.#options
    const present = new Map(files.readdir(PLUGIN_REGISTRY).filter((name) => !name.startsWith('.')).map((name) => `${PLUGIN_REGISTRY}/${name}`).flatMap((path) => { const { type, inode } = files.lstat(path); return type === 'socket' ? [[path, inode] as const] : [] }))
    for (const [path, { inode, plugin, timer }] of this.#sockets) {
      const now = present.get(path)
      if (now === inode) continue
      this.#sockets.delete(path)
      timer?.cancel()
      // One that came back registers again, which puts what it says in the place of what it said.
      if (plugin && now === undefined) this.#deregister(plugin)
    }
    for (const [path, inode] of present) {
      if (this.#sockets.has(path)) continue
      const state: Registered = { inode, plugin: undefined, retryMs: FIRST_RETRY_MS, timer: undefined }
      this.#sockets.set(path, state)
      void this.#register(path, state)
    }
  }

  #deregister(plugin: PluginInfo): void {
    const { handlers, log } = this.#options
    handlers[plugin.type]!.deregister(plugin).catch((error: unknown) => log.error('DeRegisterPlugin failed', { error: String(error) }))
  }

  async #register(path: string, state: Registered): Promise<void> {
    const { files, clock, log, handlers } = this.#options
    const call = (method: string, request: object) => callGrpc(files, path, `${REGISTRATION}/${method}`, request, { clock, timeoutMs: TIMEOUT_MS })
    try {
      const info = await call('GetInfo', {}) as PluginInfo
      const plugin = { ...info, endpoint: info.endpoint || path }
      try {
        const handler = handlers[plugin.type]
        if (!handler) throw new Error(`failed to get registered handlers for plugin type: ${plugin.type}`)
        await handler.register(plugin)
      } catch (error) {
        await call('NotifyRegistrationStatus', { pluginRegistered: false, error: `RegisterPlugin error -- plugin registration failed with err: ${(error as Error).message}` })
        throw error
      }
      state.plugin = plugin
      // Its socket went while it registered.
      if (this.#unwatch && !this.#sockets.has(path)) return this.#deregister(plugin)
      await call('NotifyRegistrationStatus', { pluginRegistered: true, error: '' })
    } catch (error) {
      log.error('RegisterPlugin failed', { path, error: String(error) })
      if (this.#sockets.get(path) !== state) return
      state.timer = clock.after(state.retryMs, () => void this.#register(path, state))
      state.retryMs = Math.min(state.retryMs * 2, MAX_RETRY_MS)
    }
  }
}
