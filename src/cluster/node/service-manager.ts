import type { Clock, Timer } from '../../base/clock.ts'
import type { ExitStatus, FileSystem, Process } from '../../unix/types.ts'
import { disableUnit, enableUnit, isUnitEnabled, isUnitStopped, markUnit } from './unit-state.ts'

/** A service as its unit file describes it. */
export interface UnitDefinition {
  description: string
  argv: readonly string[]
  /** Names of files that add to the unit. */
  dropIns?: readonly string[]
}

/** A service of a node. */
export interface Unit extends UnitDefinition {
  readonly name: string
  /** Running, if it does. */
  process: Process | undefined
  /** How and when it ended last. */
  ended: { status: ExitStatus; pid: number; atMs: number; startedMs: number } | undefined
  /** It ended by itself and is about to be started again. */
  isRestarting: boolean
  /** Starts with the machine. */
  readonly isEnabled: boolean
}

/** kubeadm's and containerd's units say Restart=always; RestartSec of the kubelet's. */
const RESTART_MS = 10_000

/** systemd of a node: starts services, and starts them again when they end unasked. */
export class ServiceManager {
  readonly #units = new Map<string, Unit>()
  readonly #restarts = new Map<string, Timer>()
  readonly #clock: Clock
  readonly #start: (argv: readonly string[], startedMs: number) => Process

  readonly #files: FileSystem

  /** @param files the machine's, that know what was enabled and stopped */
  constructor(units: Readonly<Record<string, UnitDefinition>>, files: FileSystem, clock: Clock, start: (argv: readonly string[], startedMs: number) => Process) {
    this.#clock = clock
    this.#files = files
    this.#start = start
    for (const [name, definition] of Object.entries(units)) this.#units.set(name, { ...definition, name, process: undefined, ended: undefined, isRestarting: false, get isEnabled() { return isUnitEnabled(files, name) } })
  }

  /** Starts what starts with the machine and wasn't stopped since. */
  startEnabled(startedMs: number): void {
    for (const { name, isEnabled } of this.#units.values()) if (isEnabled && !isUnitStopped(this.#files, name)) this.start(name, startedMs)
  }

  enable(name: string): void {
    enableUnit(this.#files, name)
  }

  disable(name: string): void {
    disableUnit(this.#files, name)
  }

  unit(name: string): Unit | undefined {
    return this.#units.get(name)
  }

  units(): readonly Unit[] {
    return [...this.#units.values()]
  }

  /** @param startedMs when it counts as started: a machine that is looked at for the first time has been up for a while. */
  start(name: string, startedMs = this.#clock.nowMs()): void {
    const unit = this.#units.get(name)!
    this.#restarts.get(name)?.cancel()
    unit.isRestarting = false
    if (unit.process) return
    markUnit(this.#files, name, false)
    const process = this.#start(unit.argv, startedMs)
    unit.process = process
    void process.wait().then((status) => {
      if (unit.process !== process) return
      unit.process = undefined
      unit.ended = { status, pid: process.pid, atMs: this.#clock.nowMs(), startedMs: process.startedMs }
      unit.isRestarting = true
      this.#restarts.set(name, this.#clock.after(RESTART_MS, () => this.start(name)))
    })
  }

  /** The machine goes: what ends now isn't started again. */
  close(): void {
    for (const unit of this.#units.values()) unit.process = undefined
    for (const timer of this.#restarts.values()) timer.cancel()
  }

  /** Ends a service for as long as nobody starts it. */
  async stop(name: string): Promise<void> {
    const unit = this.#units.get(name)!
    this.#restarts.get(name)?.cancel()
    unit.isRestarting = false
    markUnit(this.#files, name, true)
    const { process } = unit
    if (!process) return
    unit.process = undefined
    process.kill('SIGTERM')
    const status = await process.wait()
    unit.ended = { status, pid: process.pid, atMs: this.#clock.nowMs(), startedMs: process.startedMs }
  }
}
