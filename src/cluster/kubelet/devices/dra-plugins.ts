import type { Clock, Timer } from '../../../base/clock.ts'
import type { Log } from '../../../base/log.ts'
import { callGrpc } from '../../../unix/net/grpc.ts'
import type { MountableFileSystem } from '../../../unix/types.ts'
import type { Api } from '../../client/api.ts'
import { RESOURCE_SLICES } from '../../client/resource-claims.ts'
import type { PluginInfo } from '../plugin-watcher.ts'

/** Services of drivers that the kubelet knows, the newest first. */
const SERVICES = ['v1.DRAPlugin', 'v1beta1.DRAPlugin']
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
}

/** Drivers of devices that are registered with a kubelet. k8s: pkg/kubelet/cm/dra/plugin DRAPluginManager */
export class DraPlugins {
  readonly #options: DraPluginsOptions
  /** By driver: its plugins, the newest last. */
  readonly #plugins = new Map<string, { endpoint: string; service: string }[]>()
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
    this.#plugins.set(name, [...plugins, { endpoint, service }])
    this.#wipes.get(name)?.cancel()
    this.#wipes.delete(name)
  }

  async deregister({ name, endpoint }: PluginInfo): Promise<void> {
    const left = (this.#plugins.get(name) ?? []).filter((other) => other.endpoint !== endpoint)
    if (left.length > 0) {
      this.#plugins.set(name, left)
      return
    }
    this.#plugins.delete(name)
    if (!this.#wipes.has(name)) this.#wipes.set(name, this.#options.clock.after(WIPING_DELAY_MS, () => {
      this.#wipes.delete(name)
      void this.#wipe(name, FIRST_RETRY_MS)
    }))
  }

  /** No driver has registered yet: devices that the cluster shows can't be had. */
  start(): void {
    void this.#wipe(undefined, FIRST_RETRY_MS)
  }

  stop(): void {
    this.#stops++
    for (const timer of this.#wipes.values()) timer.cancel()
    this.#wipes.clear()
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
    const { endpoint, service } = this.#plugins.get(driver)!.at(-1)!
    return callGrpc(files, endpoint, `${service}/${method}`, { claims }, { clock, timeoutMs: CALL_TIMEOUT_MS })
  }
}
