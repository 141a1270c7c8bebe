import { base64Of } from '../../../base/base64.ts'
import { httpRequest } from '../../../base/http.ts'
import { errorText } from '../../../unix/errno.ts'
import { UnixError } from '../../../unix/types.ts'
import type { Proc } from '../../../unix/types.ts'
import { goLog } from '../agnhost/go-server.ts'

/** What the workload does; the names are those of kuard's API. */
export interface KeyGenConfig {
  enable: boolean
  /** Keys to make; 0: without end. */
  numToGen: number
  /** Seconds; 0: without end. */
  timeToRun: number
  /** With a queue: one key for each of its messages, whatever the limits are. */
  memQServer: string
  memQQueue: string
  exitOnComplete: boolean
  exitCode: number
}

const NONE: KeyGenConfig = { enable: false, numToGen: 0, timeToRun: 0, memQServer: '', memQQueue: '', exitOnComplete: false, exitCode: 0 }
const HISTORY_LENGTH = 20
const RETRY_MS = 1_000
/** An RSA key of 4096 bits takes at least so long, and on average so much more: primes are found by trying. */
const LEAST_KEY_MS = 250
const FURTHER_KEY_MS = 700

/** Whether a workload is to go on. */
interface Run { cancelled: boolean }

/** The workload of kuard: makes keys for a while and says so. */
export class KeyGen {
  config: KeyGenConfig = NONE
  readonly history: { id: number; data: string }[] = []
  /** Settles with the exit code once a workload is over that ends the process. */
  readonly exited: Promise<number>
  readonly #proc: Proc
  #exit!: (code: number) => void
  #run: Run | undefined
  #nextHistoryId = 0
  #nextWorkloadId = 0

  constructor(proc: Proc) {
    this.#proc = proc
    this.exited = new Promise((resolve) => { this.#exit = resolve })
  }

  /** Ends what runs, and starts anew. What isn't said is off. */
  configure(config: Partial<KeyGenConfig>): void {
    this.config = { ...NONE, ...config }
    if (this.#run) this.#run.cancelled = true
    this.#run = undefined
    if (!this.config.enable) return
    const run: Run = this.#run = { cancelled: false }
    const work = this.config.memQServer && this.config.memQQueue ? this.#workQueue(this.config, run) : this.#workload(this.config, run, this.#nextWorkloadId++)
    // A workload that could not go on takes the process along.
    work.catch(() => this.#exit(2))
  }

  async #workload(config: KeyGenConfig, run: Run, id: number): Promise<void> {
    this.#say(`(ID ${id}) Workload starting`)
    const { clock } = this.#proc
    const endMs = config.timeToRun > 0 ? clock.nowMs() + config.timeToRun * 1000 : Infinity
    for (let made = 0; !run.cancelled && clock.nowMs() < endMs && (config.numToGen <= 0 || made < config.numToGen);) {
      const key = await this.#makeKey()
      made += 1
      this.#say(`(ID ${id} ${made}/${config.numToGen > 0 ? config.numToGen : 'Inf'}${endMs < Infinity ? ` ${relativeTime(endMs - clock.nowMs(), 'left', 'overdue')}` : ''}) Item done: ${key}`)
    }
    this.#say(`(ID ${id}) Workload exiting`)
    if (!run.cancelled && config.exitOnComplete) this.#exit(config.exitCode)
  }

  async #workQueue(config: KeyGenConfig, run: Run): Promise<void> {
    this.#say('MemQ Worker starting')
    while (!run.cancelled) {
      let empty: boolean
      try {
        empty = !await this.#dequeue(`${config.memQServer}/queues/${config.memQQueue}/dequeue`)
      } catch (error) {
        if (!(error instanceof UnixError)) throw error
        this.#say(`Error talking to server: ${error.message}. Retrying after 1s.`)
        await this.#proc.sleep(RETRY_MS)
        continue
      }
      if (!empty) { this.#say(`Item done: ${await this.#makeKey()}`); continue }
      if (config.exitOnComplete) return this.#exit(config.exitCode)
      this.#say('Queue is empty. Retrying after 1s.')
      await this.#proc.sleep(RETRY_MS)
    }
    this.#say('MemQ Worker shutting down')
  }

  /** False when the queue is empty. @throws UnixError with Go's text */
  async #dequeue(url: string): Promise<boolean> {
    let response: Response
    try {
      response = await this.#proc.net.fetch(httpRequest(url, { method: 'POST' }))
    } catch (error) {
      if (!(error instanceof UnixError)) throw error
      const { host, hostname } = new URL(url)
      const unknown = error.code === 'ENOTFOUND' || error.code === 'EAI_AGAIN'
      throw new UnixError(error.code, `Post ${url}: dial tcp${unknown ? `: lookup ${hostname}: no such host` : ` ${host}: connect: ${errorText(error).toLowerCase()}`}`)
    }
    await response.text()
    if (response.status >= 300) throw new UnixError('EPROTO', `HTTP Error: ${response.status} ${response.statusText || STATUS_TEXT[response.status] || ''}`.trimEnd())
    return response.status !== 204
  }

  async #makeKey(): Promise<string> {
    const { random } = this.#proc
    const ms = Math.round(LEAST_KEY_MS - Math.log(1 - random.float()) * FURTHER_KEY_MS)
    this.#proc.useCpu(ms * 1e6)
    await this.#proc.sleep(ms)
    return `SHA256:${base64Of(random.bytes(32)).replace(/=+$/, '')}`
  }

  #say(text: string): void {
    goLog(this.#proc, text)
    this.history.push({ id: this.#nextHistoryId++, data: text })
    if (this.history.length > HISTORY_LENGTH) this.history.shift()
  }
}

const STATUS_TEXT: Readonly<Record<number, string>> = { 400: 'Bad Request', 404: 'Not Found', 405: 'Method Not Allowed', 500: 'Internal Server Error', 502: 'Bad Gateway', 503: 'Service Unavailable' }

/** How far a moment is, in words: `5 seconds ago`. */
export function relativeTime(ms: number, ahead: string, behind: string): string {
  const seconds = Math.floor(Math.abs(ms) / 1000)
  const label = ms >= 0 ? ahead : behind
  if (seconds < 1) return 'now'
  const units: [number, string][] = [[86_400, 'day'], [3_600, 'hour'], [60, 'minute'], [1, 'second']]
  const [size, unit] = units.find(([each]) => seconds >= each)!
  const count = Math.floor(seconds / size)
  return `${count} ${unit}${count === 1 ? '' : 's'} ${label}`
}
