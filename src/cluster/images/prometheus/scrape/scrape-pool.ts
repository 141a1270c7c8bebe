import type { Proc } from '../../../../unix/types.ts'
import type { ScrapeConfig } from '../config/load.ts'
import type { Storage } from '../tsdb/storage.ts'
import { ScrapeLoop } from './scrape-loop.ts'
import { targetOf } from './target.ts'
import type { TargetGroup, TargetSpec } from './target.ts'

/** The targets of one job. */
export class ScrapePool {
  readonly config: ScrapeConfig
  readonly loops = new Map<string, ScrapeLoop>()
  /** As found, before relabeling dropped them. */
  dropped: ReadonlyMap<string, string>[] = []
  /** Of the pool before, until it is known which of its targets are still there. */
  readonly #before = new Map<string, ScrapeLoop>()
  readonly #proc: Proc
  readonly #storage: Storage
  readonly #version: string
  readonly #log: (message: string) => void

  constructor(proc: Proc, config: ScrapeConfig, storage: Storage, version: string, log: (message: string) => void) {
    this.#proc = proc
    this.config = config
    this.#storage = storage
    this.#version = version
    this.#log = log
  }

  /** Begins with new targets, ends with those that are gone, and leaves the others alone. */
  sync(groups: Iterable<TargetGroup>): void {
    const wanted = new Map<string, TargetSpec>()
    this.dropped = []
    for (const group of groups) {
      for (const [i, target] of group.targets.entries()) {
        try {
          const found = targetOf(this.config, group, target)
          if ('dropped' in found) this.dropped.push(found.dropped)
          else wanted.set(`${found.labels.key}\xff${found.url}`, found)
        } catch (error) {
          this.#log(`msg="Creating target failed" err="instance ${i} in group ${group.source}: ${(error as Error).message}" scrape_pool=${this.config.jobName}`)
        }
      }
    }
    const { targetLimit } = this.config
    const refusal = targetLimit > 0 && wanted.size > targetLimit ? `target_limit exceeded (number of targets: ${wanted.size}, limit: ${targetLimit})` : ''
    for (const [key, loop] of this.loops) {
      if (wanted.has(key)) continue
      loop.end()
      this.loops.delete(key)
    }
    for (const [key, loop] of this.#before) if (!wanted.has(key)) loop.end()
    this.#before.clear()
    for (const [key, spec] of wanted) {
      if (this.loops.has(key)) continue
      const loop = new ScrapeLoop(this.#proc, this.config, this.#storage, spec, this.#version)
      this.loops.set(key, loop)
      void loop.run().catch(() => {})
    }
    for (const loop of this.loops.values()) loop.refusal = refusal
  }

  /** Goes on where another one with another configuration ends. */
  takeOver(before: ScrapePool): void {
    for (const [key, loop] of [...before.#before, ...before.loops]) this.#before.set(key, loop)
    before.stop()
  }

  /** Scrapes no more. */
  stop(): void {
    for (const loop of this.loops.values()) loop.stop()
  }

  /** Scrapes no more, and marks the end of all series. */
  end(): void {
    for (const loop of this.loops.values()) loop.end()
  }
}
