import type { Proc } from '../../unix/types.ts'
import type { ApiGroup } from './discovery.ts'

/** How long what a server serves is believed without asking again. */
const FRESH_MS = 6 * 3_600_000

/**
 * What discovery said, kept on disk between commands, one file per server. So a user whom the server lets see nothing is still told
 * what is forbidden, and a kind that is gone is asked for once more. k8s: client-go/discovery/cached/disk
 */
export class DiscoveryCache {
  readonly #proc: Proc
  readonly #path: string

  /** @param server the server's URL */
  constructor(proc: Proc, cacheDir: string, server: string) {
    this.#proc = proc
    this.#path = proc.resolve(`${cacheDir}/discovery/${server.replace(/^https?:\/\//, '').replace(/[^\w/.]/g, '_')}/drydock.json`)
  }

  /** Undefined when there is nothing or it is too old. */
  read(): ApiGroup[] | undefined {
    const { fs, clock } = this.#proc
    try {
      if (!fs.exists(this.#path)) return undefined
      const age = clock.nowMs() - fs.stat(this.#path).modifiedMs
      return age > FRESH_MS ? undefined : JSON.parse(fs.readText(this.#path)) as ApiGroup[]
    } catch {
      return undefined
    }
  }

  write(groups: readonly ApiGroup[]): void {
    const { fs } = this.#proc
    try {
      fs.mkdir(this.#path.replace(/\/[^/]*$/, ''), { recursive: true, mode: 0o750 })
      fs.writeFile(this.#path, JSON.stringify(groups), { mode: 0o660 })
    } catch { /* a home that can't be written to: the next command asks again */ }
  }
}
