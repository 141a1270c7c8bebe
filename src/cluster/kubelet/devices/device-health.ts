import type { Clock } from '../../../base/clock.ts'
import type { Log } from '../../../base/log.ts'
import type { MountableFileSystem } from '../../../unix/types.ts'
import type { ResourceHealth } from '../../kinds/generated/types.ts'

const STATE_FILE = '/var/lib/kubelet/dra_health_state'
/** How long a driver's word holds where it doesn't say so itself. k8s: DefaultHealthTimeout */
const DEFAULT_TIMEOUT_MS = 30_000
/** k8s: core/v1 ResourceHealthMessageMaxLength, bytes */
const MAX_MESSAGE_BYTES = 1024
const UNKNOWN = 'Unknown'

/** What a driver tells of a device. k8s: kubelet/pkg/apis/dra-health/v1alpha1 DeviceHealth */
export interface ReportedHealth {
  device?: { poolName?: string; deviceName?: string }
  health?: string
  healthCheckTimeoutSeconds?: number
  message?: string
}

/** A device of a driver. */
export interface DeviceName {
  poolName: string
  deviceName: string
}

interface State extends DeviceName {
  health: string
  message: string
  timeoutMs: number
  updatedMs: number
}

/** What drivers have told about the health of their devices; it holds for some time only. k8s: pkg/kubelet/cm/dra healthInfoCache */
export class DeviceHealth {
  readonly #clock: Clock
  readonly #log: Log
  readonly #files: MountableFileSystem
  /** By driver, then by pool and device. */
  #drivers: Map<string, Map<string, State>> | undefined

  constructor({ clock, log, files }: { clock: Clock; log: Log; files: MountableFileSystem }) {
    this.#clock = clock
    this.#log = log
    this.#files = files
  }

  /** Takes a driver's report over. @returns devices of which something else is known now. k8s: updateHealthInfo */
  update(driver: string, reported: readonly ReportedHealth[]): DeviceName[] {
    const nowMs = this.#clock.nowMs()
    const known = this.#known.get(driver) ?? new Map<string, State>()
    this.#known.set(driver, known)
    const changed: DeviceName[] = []
    const names = new Set<string>()
    for (const each of reported) {
      const now = stateOf(each, nowMs)
      const key = keyOf(now)
      const before = known.get(key)
      names.add(key)
      if (before?.health !== now.health || before.message !== now.message || before.timeoutMs !== now.timeoutMs) changed.push(now)
      known.set(key, now)
    }
    for (const [key, state] of known) {
      if (names.has(key) || state.health === UNKNOWN || !isStale(state, nowMs)) continue
      known.set(key, { ...state, health: UNKNOWN, message: '', updatedMs: nowMs })
      changed.push(state)
    }
    if (changed.length > 0) this.#save()
    return changed
  }

  /** Nothing is known of a driver's devices any more. k8s: clearDriver */
  clear(driver: string): void {
    if (this.#known.delete(driver)) this.#save()
  }

  /** What a pod's status says of a device. k8s: getHealthInfo, buildResourceHealth */
  of(driver: string, device: DeviceName): Pick<ResourceHealth, 'health' | 'message'> {
    const state = this.#known.get(driver)?.get(keyOf(device))
    if (!state || isStale(state, this.#clock.nowMs())) return { health: UNKNOWN }
    return { health: state.health, ...(state.message ? { message: state.message } : {}) }
  }

  get #known(): Map<string, Map<string, State>> {
    if (this.#drivers) return this.#drivers
    this.#drivers = new Map()
    try {
      if (this.#files.exists(STATE_FILE)) for (const [driver, states] of JSON.parse(this.#files.readText(STATE_FILE)) as [string, State[]][]) this.#drivers.set(driver, new Map(states.map((state) => [keyOf(state), state])))
    } catch (error) {
      this.#log.error('Failed to load health checkpoint, proceeding with empty cache', { error: String(error) })
    }
    return this.#drivers
  }

  #save(): void {
    try {
      this.#files.writeFile(STATE_FILE, JSON.stringify([...this.#known].map(([driver, states]) => [driver, [...states.values()]])), { mode: 0o600 })
    } catch (error) {
      this.#log.error('Failed to save health checkpoint. Kubelet restart may lose the device health information.', { error: String(error) })
    }
  }
}

const keyOf = ({ poolName, deviceName }: DeviceName): string => `${poolName}/${deviceName}`
const isStale = ({ updatedMs, timeoutMs }: State, nowMs: number): boolean => nowMs - updatedMs > timeoutMs

/** k8s: buildDeviceHealth */
function stateOf({ device = {}, health, healthCheckTimeoutSeconds = 0, message = '' }: ReportedHealth, nowMs: number): State {
  return {
    poolName: device.poolName ?? '', deviceName: device.deviceName ?? '', health: health === 'HEALTHY' ? 'Healthy' : health === 'UNHEALTHY' ? 'Unhealthy' : UNKNOWN, message: shortened(message),
    timeoutMs: healthCheckTimeoutSeconds > 0 ? healthCheckTimeoutSeconds * 1000 : DEFAULT_TIMEOUT_MS, updatedMs: nowMs,
  }
}

function shortened(message: string): string {
  const bytes = new TextEncoder().encode(message)
  return bytes.length <= MAX_MESSAGE_BYTES ? message : `${new TextDecoder().decode(bytes.subarray(0, MAX_MESSAGE_BYTES - 3))}...`
}
