import type { Clock, Timer } from '../../../base/clock.ts'
import type { Log } from '../../../base/log.ts'
import { callGrpc, onGrpcGone, streamGrpc } from '../../../unix/net/grpc.ts'
import type { MountableFileSystem } from '../../../unix/types.ts'
import type { Api } from '../../client/api.ts'
import { RESOURCE_SLICES } from '../../client/resource-claims.ts'
import type { PluginInfo } from '../plugin-watcher.ts'
import type { ReportedHealth } from './device-health.ts'

/** Services of drivers that the kubelet knows, the newest first, as drivers register them. */
const SERVICES = ['v1.DRAPlugin', 'v1beta1.DRAPlugin']
/** What comes before those names in those of their methods. */
const API_PACKAGE = 'k8s.io.kubelet.pkg.apis.dra.'
const WATCH_HEALTH = 'v1alpha1.DRAResourceHealth/NodeWatchResources'
const HEALTH_RETRY_MS = 5_000
/** How gRPC's clients try to connect again. grpc: backoff.DefaultConfig */
const FIRST_CONNECT_MS = 1_000
const CONNECT_FACTOR = 1.6
const MAX_CONNECT_MS = 120_000
/** k8s: defaultClientCallTimeout */
const CALL_TIMEOUT_MS = 45_000
/** How long a driver may be away before its devices are taken from the cluster. k8s: defaultWipingDelay */
const WIPING_DELAY_MS = 30_000
const FIRST_RETRY_MS = 1_000
const MAX_RETRY_MS = 300_000

export interface PreparedDevice {
  requestNames: string[]
  poolName: string
  deviceName: string
  cdiDeviceIds: string[]
  shareId?: string
}

export interface ClaimReference {
  namespace: string
  uid: string
  name: string
}

export interface DraPluginsOptions {
  nodeName: string
  api: Api
  clock: Clock
  log: Log
  files: MountableFileSystem
  /** Takes what a driver tells of its devices; undefined once it tells nothing any more. */
  onHealth(driver: string, devices: readonly ReportedHealth[] | undefined): void
}

interface Plugin {
  endpoint: string
  service: string
  isConnected: boolean
  /** Ends the watch over its connection, or the wait for the next attempt to make one. */
  unwatch(): void
  /** Aborts when it is registered no longer. */
  removed: AbortController
}

/** Drivers of devices that are registered with a kubelet. k8s: pkg/kubelet/cm/dra/plugin DRAPluginManager */
export class DraPlugins {
  readonly #options: DraPluginsOptions
  /** By driver: its plugins, the newest last. */
  readonly #plugins = new Map<string, Plugin[]>()
  readonly #wipes = new Map<string, Timer>()
  /** How often it was stopped: what began before goes no further. */
  #stops = 0

  constructor(options: DraPluginsOptions) {
    this.#options = options
  }

  /** @throws Error that tells the driver why it isn't registered */
  async register({ name, endpoint, supportedVersions }: PluginInfo): Promise<void> {
    const invalid = (why: string) => new Error(`invalid supported gRPC versions of DRA driver plugin ${name} at endpoint ${endpoint}: ${why}`)
    if (supportedVersions.length === 0) throw invalid('empty list of supported gRPC services (aka supported versions)')
    const quoted = (names: readonly string[]) => `[${names.map((each) => JSON.stringify(each)).join(' ')}]`
    const service = supportedVersions.find((each) => SERVICES.includes(each))
    if (service === undefined) throw invalid(`none of services supported by the plugin (${quoted(supportedVersions)}) are supported by the kubelet (${quoted(SERVICES)})`)
    const plugins = this.#plugins.get(name) ?? []
    if (plugins.some((other) => other.endpoint === endpoint)) throw new Error(`endpoint ${endpoint} already registered for DRA driver plugin ${name}`)
    const plugin: Plugin = { endpoint, service, isConnected: false, unwatch() {}, removed: new AbortController() }
    this.#plugins.set(name, [...plugins, plugin])
    this.#connect(name, plugin)
    void this.#watchHealth(name, plugin)
    this.#sync(name)
  }

  /** Keeps an eye on whether the driver can be reached, and tries again where not. k8s: monitoredPlugin HandleConn */
  #connect(driver: string, plugin: Plugin, waitMs = FIRST_CONNECT_MS): void {
    const { files, clock } = this.#options
    try {
      plugin.unwatch = onGrpcGone(files, plugin.endpoint, () => {
        plugin.isConnected = false
        this.#sync(driver)
        this.#connect(driver, plugin)
      })
      plugin.isConnected = true
      this.#sync(driver)
    } catch {
      const timer = clock.after(waitMs, () => this.#connect(driver, plugin, Math.min(waitMs * CONNECT_FACTOR, MAX_CONNECT_MS)))
      plugin.unwatch = () => timer.cancel()
    }
  }

  /** Drivers that don't tell are asked again, as it can't be known which do. k8s: add, HandleWatchResourcesStream */
  async #watchHealth(driver: string, { endpoint, removed: { signal } }: Plugin): Promise<void> {
    const { files, clock, log, onHealth } = this.#options
    while (!signal.aborted) {
      try {
        for await (const { devices } of streamGrpc(files, endpoint, WATCH_HEALTH, {}, signal)) onHealth(driver, (devices as ReportedHealth[] | undefined) ?? [])
      } catch (error) {
        if (!signal.aborted) log.debug('Error receiving from WatchResources stream', { pluginName: driver, error: String(error) })
      }
      onHealth(driver, undefined)
      await clock.sleep(HEALTH_RETRY_MS, signal).catch(() => {})
    }
  }

  /** Devices of a driver that can't be reached are taken from the cluster after a while. k8s: sync */
  #sync(driver: string): void {
    if (this.#plugins.get(driver)?.some(({ isConnected }) => isConnected)) {
      this.#wipes.get(driver)?.cancel()
      this.#wipes.delete(driver)
    } else if (!this.#wipes.has(driver)) {
      this.#wipes.set(driver, this.#options.clock.after(WIPING_DELAY_MS, () => {
        this.#wipes.delete(driver)
        void this.#wipe(driver, FIRST_RETRY_MS)
      }))
    }
  }

  async deregister({ name, endpoint }: PluginInfo): Promise<void> {
    const plugins = this.#plugins.get(name) ?? []
    const plugin = plugins.find((other) => other.endpoint === endpoint)
    if (!plugin) return
    if (plugins.length > 1) this.#plugins.set(name, plugins.filter((other) => other !== plugin))
    else this.#plugins.delete(name)
    remove(plugin)
    this.#sync(name)
  }

  /** No driver has registered yet: devices that the cluster shows can't be had. */
  start(): void {
    void this.#wipe(undefined, FIRST_RETRY_MS)
  }

  stop(): void {
    this.#stops++
    for (const timer of this.#wipes.values()) timer.cancel()
    this.#wipes.clear()
    for (const plugin of [...this.#plugins.values()].flat()) remove(plugin)
    this.#plugins.clear()
  }

  /** k8s: wipeResourceSlices */
  async #wipe(driver: string | undefined, retryMs: number): Promise<void> {
    const { api, nodeName, clock, log } = this.#options
    const stops = this.#stops
    try {
      await api.deleteCollection(RESOURCE_SLICES, { fieldSelector: `spec.nodeName=${nodeName}${driver === undefined ? '' : `,spec.driver=${driver}`}` })
    } catch (error) {
      if (stops !== this.#stops) return
      log.debug('ResourceSlices could not be removed', { error: String(error) })
      this.#wipes.set(driver ?? '', clock.after(retryMs, () => {
        this.#wipes.delete(driver ?? '')
        void this.#wipe(driver, Math.min(retryMs * 2, MAX_RETRY_MS))
      }))
    }
  }

  /** @throws Error for a driver that isn't registered. k8s: GetPlugin */
  demand(driver: string): void {
    if (!this.#plugins.has(driver)) throw new Error(`DRA driver ${driver} is not registered`)
  }

  /** @throws Error, GrpcError */
  async prepare(driver: string, claims: readonly ClaimReference[]): Promise<Record<string, { error?: string; devices?: PreparedDevice[] }>> {
    return ((await this.#call(driver, 'NodePrepareResources', claims)) as { claims: Record<string, { error?: string; devices?: PreparedDevice[] }> }).claims
  }

  /** @throws Error, GrpcError */
  async unprepare(driver: string, claims: readonly ClaimReference[]): Promise<Record<string, { error?: string }>> {
    return ((await this.#call(driver, 'NodeUnprepareResources', claims)) as { claims: Record<string, { error?: string }> }).claims
  }

  #call(driver: string, method: string, claims: readonly ClaimReference[]): Promise<unknown> {
    this.demand(driver)
    const { files, clock } = this.#options
    // The newest, of those that can be reached if there are any. k8s: get
    const plugins = this.#plugins.get(driver)!
    const { endpoint, service } = plugins.findLast(({ isConnected }) => isConnected) ?? plugins.at(-1)!
    return callGrpc(files, endpoint, `${API_PACKAGE}${service}/${method}`, { claims }, { clock, timeoutMs: CALL_TIMEOUT_MS })
  }
}

function remove({ unwatch, removed }: Plugin): void {
  unwatch()
  removed.abort()
}
