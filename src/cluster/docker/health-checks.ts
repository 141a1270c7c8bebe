import type { Clock } from '../../base/clock.ts'
import { goDurationText } from '../kinds/duration.ts'
import type { ContainerRuntime } from '../runtime/container-runtime.ts'
import type { ContainerRecord, DockerContainer } from './docker-container.ts'

/** Of a check's output this much is kept, and of so many checks. */
const OUTPUT_BYTES = 4_096
const RESULTS = 5

/** The checks that images and users ask for, each in the last run of its container. docker: daemon/health.go */
export class HealthChecks {
  readonly #runtime: ContainerRuntime
  readonly #clock: Clock
  readonly #onResult: (container: DockerContainer) => void
  /** By container. */
  readonly #running = new Map<string, AbortController>()

  constructor(runtime: ContainerRuntime, clock: Clock, onResult: (container: DockerContainer) => void) {
    this.#runtime = runtime
    this.#clock = clock
    this.#onResult = onResult
  }

  /** Begins to check a container that has just begun to run; without a check of its own nothing happens. */
  watch(container: DockerContainer): void {
    const check = container.spec.healthCheck
    if (!check || check.test[0] === 'NONE' || check.test.length === 0) return
    const argv = check.test[0] === 'CMD-SHELL' ? ['/bin/sh', '-c', check.test.slice(1).join(' ')] : check.test.slice(1)
    const stop = new AbortController()
    this.#running.get(container.id)?.abort()
    this.#running.set(container.id, stop)
    const health: NonNullable<ContainerRecord['health']> = container.health = { status: 'starting', failingStreak: 0, log: [] }
    const { runtimeId } = container.runs.at(-1)!
    const beganMs = this.#clock.nowMs()
    void (async () => {
      for (;;) {
        await this.#clock.sleep(check.intervalMs, stop.signal)
        const startMs = this.#clock.nowMs()
        const { exitCode, output } = await this.#runtime.execSync(runtimeId, argv, check.timeoutMs).then(
          (done) => ({ exitCode: done.exitCode, output: new TextDecoder().decode(done.output.subarray(0, OUTPUT_BYTES)) }),
          () => ({ exitCode: -1, output: `Health check exceeded timeout (${goDurationText(check.timeoutMs)})` }),
        )
        if (stop.signal.aborted) return
        health.log = [...health.log, { startMs, endMs: this.#clock.nowMs(), exitCode, output }].slice(-RESULTS)
        if (exitCode === 0) { health.failingStreak = 0; health.status = 'healthy' }
        else if (health.status !== 'starting' || this.#clock.nowMs() - beganMs > check.startPeriodMs) {
          health.failingStreak += 1
          if (health.failingStreak >= check.retries) health.status = 'unhealthy'
        }
        this.#onResult(container)
      }
    })().catch(() => { /* The container has ended. */ })
  }

  /** A container has ended. */
  stop(id: string): void {
    this.#running.get(id)?.abort()
    this.#running.delete(id)
  }

  close(): void {
    for (const stop of this.#running.values()) stop.abort()
  }
}
