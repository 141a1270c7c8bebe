import { httpRequest } from '../../../base/http.ts'
import type { Proc } from '../../../unix/types.ts'
import { goLog } from '../agnhost/go-server.ts'

export interface KeyGenConfig {
  enable: boolean
  exitOnComplete: boolean
  exitCode: number
  /** 0: without end. */
  numToGen: number
  timeToRunSeconds: number
  memQServer: string
  memQQueue: string
}

const KEY_MS = 450

/** The workload of kuard: makes keys for a while and says so. */
export class KeyGen {
  readonly config: KeyGenConfig
  readonly history: { id: number; data: string }[] = []
  readonly #proc: Proc
  #wake = () => {}

  constructor(proc: Proc, config: KeyGenConfig) {
    this.#proc = proc
    this.config = config
  }

  configure(change: Partial<KeyGenConfig>): void {
    Object.assign(this.config, change)
    this.#wake()
  }

  /** Settles with the exit code when the work is done and the process should end. */
  async run(): Promise<number> {
    const proc = this.#proc
    for (let workload = 0; ; workload++) {
      while (!this.config.enable) await new Promise<void>((resolve) => { this.#wake = resolve })
      this.#say(`(ID ${workload}) Workload starting`)
      const startMs = proc.clock.nowMs()
      for (let item = 1; this.config.enable && (this.config.numToGen === 0 || item <= this.config.numToGen); item++) {
        if (this.config.timeToRunSeconds > 0 && proc.clock.nowMs() - startMs > this.config.timeToRunSeconds * 1000) break
        let name = `${item}/${this.config.numToGen || '∞'}`
        if (this.config.memQServer) {
          const response = await proc.net.fetch(httpRequest(`${this.config.memQServer}/queues/${this.config.memQQueue}/dequeue`, { method: 'POST' }))
          if (response.status === 204) break
          name = `MemQ ${(await response.text()).slice(0, 40)}`
        }
        proc.useCpu(KEY_MS * 1e6)
        await proc.sleep(KEY_MS)
        const print = btoa(String.fromCharCode(...proc.random.bytes(32))).replace(/=+$/, '')
        this.#say(`(ID ${workload} ${name}) Item done: SHA256:${print}`)
      }
      this.#say(`(ID ${workload}) Workload exiting`)
      this.config.enable = false
      if (this.config.exitOnComplete) return this.config.exitCode
    }
  }

  #say(text: string): void {
    goLog(this.#proc, text)
    this.history.unshift({ id: this.history.length, data: text })
    this.history.length = Math.min(this.history.length, 20)
  }
}
