import type { Clock, Timer } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import type { Api } from '../client/api.ts'
import type { CSIDriver } from '../kinds/generated/types.ts'
import { Reflector } from './reflector.ts'

export interface CsiNodeUpdaterOptions {
  api: Api
  clock: Clock
  log: Log
  /** Whether a driver is registered on this node. */
  isInstalled(driver: string): boolean
  /** Asks a driver what it says of the node, and tells the cluster. */
  update(driver: string): Promise<void>
}

/** Asks drivers again and again how many volumes the node can have, as often as their CSIDriver says (nodeAllocatableUpdatePeriodSeconds). k8s: pkg/volume/csi csiNodeUpdater */
export class CsiNodeUpdater {
  readonly #options: CsiNodeUpdaterOptions
  /** Periods in seconds, as CSIDrivers have them. */
  readonly #periods = new Map<string, number>()
  readonly #timers = new Map<string, Timer>()
  readonly #reflector: Reflector<CSIDriver>
  #follows = false

  constructor(options: CsiNodeUpdaterOptions) {
    this.#options = options
    const { api, clock, log } = options
    this.#reflector = new Reflector<CSIDriver>({
      api, clock, log, resource: 'csidrivers.storage.k8s.io', select: {},
      onChange: ({ metadata, spec }) => this.#setPeriod(metadata.name!, spec.nodeAllocatableUpdatePeriodSeconds ?? 0),
      onDelete: ({ metadata }) => this.#setPeriod(metadata.name!, 0),
    })
  }

  /** A driver has been registered, or is so no longer: it is asked from now on, or no more. */
  sync(driver: string): void {
    this.#timers.get(driver)?.cancel()
    this.#timers.delete(driver)
    if (!this.#options.isInstalled(driver)) return
    // A node without drivers has nothing to ask.
    if (!this.#follows) this.#reflector.start()
    this.#follows = true
    const seconds = this.#periods.get(driver) ?? 0
    if (seconds > 0) this.#askAfter(driver, seconds * 1_000)
  }

  stop(): void {
    this.#reflector.stop()
    this.#follows = false
    for (const timer of this.#timers.values()) timer.cancel()
    this.#timers.clear()
  }

  #setPeriod(driver: string, seconds: number): void {
    if ((this.#periods.get(driver) ?? 0) === seconds) return
    if (seconds > 0) this.#periods.set(driver, seconds)
    else this.#periods.delete(driver)
    this.sync(driver)
  }

  #askAfter(driver: string, periodMs: number): void {
    const { clock, log, update } = this.#options
    this.#timers.set(driver, clock.after(periodMs, () => {
      this.#askAfter(driver, periodMs)
      void update(driver).catch((error: unknown) => log.warn('failed to update CSIDriver', { driver, error: String(error) }))
    }))
  }
}
