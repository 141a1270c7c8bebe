import type { Clock } from '../../../base/clock.ts'
import { callGrpc, GrpcError } from '../../../unix/net/grpc.ts'
import type { MountableFileSystem } from '../../../unix/types.ts'

/** How long a call of a driver may take. k8s: pkg/volume/csi csiTimeout */
const CSI_TIMEOUT_MS = 120_000
const POLL_MS = 200

/** What a driver's node service says of itself when it is registered. */
export interface CsiNodeInfo {
  nodeId: string
  maxVolumesPerNode?: number
  accessibleTopology?: { segments: Readonly<Record<string, string>> }
}

export type NodeCapability = 'STAGE_UNSTAGE_VOLUME' | 'EXPAND_VOLUME' | 'SINGLE_NODE_MULTI_WRITER' | 'VOLUME_MOUNT_GROUP'

/** The CSI drivers that are registered with a kubelet, by name. k8s: pkg/volume/csi DriversStore, csiDriverClient */
export class CsiDrivers {
  readonly #endpoints = new Map<string, string>()
  readonly #files: MountableFileSystem
  readonly #clock: Clock

  constructor(files: MountableFileSystem, clock: Clock) {
    this.#files = files
    this.#clock = clock
  }

  set(name: string, endpoint: string): void {
    this.#endpoints.set(name, endpoint)
  }

  delete(name: string): void {
    this.#endpoints.delete(name)
  }

  has(name: string): boolean {
    return this.#endpoints.has(name)
  }

  /** @throws Error for a driver that isn't registered. k8s: newCsiDriverClient */
  demand(name: string): void {
    if (!this.#endpoints.has(name)) throw new Error(`driver name ${name} not found in the list of registered CSI drivers`)
  }

  /** Resolves once a driver is registered, or when that takes too long. */
  async settled(name: string, withinMs: number, signal: AbortSignal): Promise<void> {
    for (const untilMs = this.#clock.nowMs() + withinMs; !this.#endpoints.has(name) && this.#clock.nowMs() < untilMs;) await this.#clock.sleep(POLL_MS, signal)
  }

  /** Calls a method of a driver's node service. @throws Error where it isn't registered, GrpcError */
  async call(name: string, method: string, request: object): Promise<any> {
    this.demand(name)
    return callGrpc(this.#files, this.#endpoints.get(name)!, `csi.v1.${method}`, request, { clock: this.#clock, timeoutMs: CSI_TIMEOUT_MS })
  }

  /** k8s: nodeSupportsCapability */
  async supports(name: string, capability: NodeCapability): Promise<boolean> {
    try {
      const { capabilities } = await this.call(name, 'Node/NodeGetCapabilities', {}) as { capabilities: readonly { rpc: { type: string } }[] }
      return capabilities.some(({ rpc }) => rpc.type === capability)
    } catch (error) {
      // A driver without that call has none.
      if (error instanceof GrpcError && error.code === 'Unimplemented') return false
      throw error
    }
  }
}
