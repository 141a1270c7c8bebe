import type { Clock, Timer } from '../../base/clock.ts'
import type { ExitStatus, FileSystem, Process } from '../../unix/types.ts'
import { UnixError } from '../../unix/types.ts'
import { UNIT_FOLDER, argvOf, readUnitFile, variablesOf } from './unit-file.ts'
import type { UnitFile } from './unit-file.ts'
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
  description: string
  argv: readonly string[]
  dropIns?: readonly string[]
  /** Its files, as they were read last. */
  file: UnitFile | undefined
  readonly name: string
  /** Running, if it does. */
  process: Process | undefined
  /** How and when it ended last. */
  ended: { status: ExitStatus; pid: number; atMs: number; startedMs: number } | undefined
  /** Its program couldn't be started at all. */
  isUnstartable: boolean
  /** It ended by itself and is about to be started again. */
  isRestarting: boolean
  /** It has told that it has begun, or needn't. */
  isReady: boolean
  /** Starts with the machine. */
  readonly isEnabled: boolean
}

/** kubeadm's and containerd's units say Restart=always; RestartSec of the kubelet's. */
const RESTART_MS = 10_000
const READY_POLL_MS = 100

/** systemd of a node: starts services, and starts them again when they end unasked. */
export class ServiceManager {
  readonly #units = new Map<string, Unit>()
  readonly #restarts = new Map<string, Timer>()
  readonly #clock: Clock
  readonly #start: (argv: readonly string[], startedMs: number, env: Record<string, string>) => Process

  readonly #files: FileSystem
  /** Units that the machine's image brings along. */
  readonly #installed: ReadonlySet<string>

  /** @param files the machine's, that know what was enabled and stopped */
  constructor(units: Readonly<Record<string, UnitDefinition>>, files: FileSystem, clock: Clock, start: (argv: readonly string[], startedMs: number, env: Record<string, string>) => Process) {
    this.#clock = clock
    this.#files = files
    this.#start = start
    for (const [name, definition] of Object.entries(units)) this.#define(name, definition)
    this.#installed = new Set(Object.keys(units))
    this.reload()
  }

  #define(name: string, definition: UnitDefinition): void {
    const files = this.#files
    this.#units.set(name, { ...definition, name, file: undefined, process: undefined, ended: undefined, isRestarting: false, isUnstartable: false, isReady: true, get isEnabled() { return isUnitEnabled(files, name) } })
  }

  /** Reads all files of units anew. systemctl daemon-reload */
  reload(): void {
    const found = this.#files.exists(UNIT_FOLDER) ? this.#files.readdir(UNIT_FOLDER).filter((each) => each.endsWith('.service') && this.#files.stat(`${UNIT_FOLDER}/${each}`).type === 'file').map((each) => each.slice(0, -'.service'.length)) : []
    for (const name of found) if (!this.#units.has(name)) this.#define(name, { description: name, argv: [] })
    for (const [name, { process, isRestarting }] of this.#units) if (!this.#installed.has(name) && !found.includes(name) && !process && !isRestarting) this.#units.delete(name)
    for (const unit of this.#units.values()) {
      const file = readUnitFile(this.#files, unit.name)
      unit.file = file
      if (!file) continue
      unit.description = file.description
      unit.dropIns = file.dropIns
    }
  }

  /** Whether a unit's files have changed since they were read. */
  needsReload(name: string): boolean {
    return (readUnitFile(this.#files, name)?.text ?? '') !== (this.#units.get(name)?.file?.text ?? '')
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
    if (unit.file) unit.argv = argvOf(unit.file, this.#files)
    unit.isReady = this.#installed.has(name) || !/^Type=notify$/m.test(unit.file?.text ?? '')
    let process: Process
    try {
      process = this.#start(unit.argv, startedMs, unit.file ? variablesOf(unit.file, this.#files) : {})
    } catch (error) {
      if (!(error instanceof UnixError)) throw error
      // systemd.exec(5): EXIT_EXEC
      unit.ended = { status: { code: 203 }, pid: 0, atMs: this.#clock.nowMs(), startedMs }
      unit.isRestarting = unit.isUnstartable = true
      this.#restarts.set(name, this.#clock.after(RESTART_MS, () => this.start(name)))
      return
    }
    unit.isUnstartable = false
    unit.process = process
    void process.wait().then((status) => {
      if (unit.process !== process) return
      unit.process = undefined
      unit.ended = { status, pid: process.pid, atMs: this.#clock.nowMs(), startedMs: process.startedMs }
      unit.isRestarting = true
      this.#restarts.set(name, this.#clock.after(RESTART_MS, () => this.start(name)))
    })
  }

  /** A service's process tells that it has begun. sd_notify(3) */
  notify(pid: number): void {
    for (const unit of this.#units.values()) if (unit.process?.pid === pid) unit.isReady = true
  }

  /** @returns whether a service that was started has begun; one that ends before hasn't */
  async untilReady(name: string): Promise<boolean> {
    for (;;) {
      const unit = this.#units.get(name)
      if (!unit || unit.isReady) return unit !== undefined
      if (!unit.process) return false
      await Promise.race([this.#clock.sleep(READY_POLL_MS), unit.process.wait()])
    }
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
