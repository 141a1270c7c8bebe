import type { Clock, Timer } from '../../base/clock.ts'
import type { HttpHandler } from '../../unix/types.ts'
import { UnixError } from '../../unix/types.ts'

/** An API server behind the load balancer. */
export interface Backend {
  readonly host: string
  readonly handler: HttpHandler
  /** Whether something accepts connections there. */
  isOpen(): boolean
  /** Whether /healthz says ok. */
  isHealthy(): boolean
}

/** haproxy's defaults for checks: every two seconds; three that fail take a server out, two that don't put it in again. */
const INTERVAL_MS = 2_000
const FALL = 3
const RISE = 2

/** What the checks know of a server. */
interface Check {
  isUp: boolean
  /** How many times in a row it was found to be otherwise. */
  contrary: number
}

/**
 * What `haproxy` does on kind's load balancer: connections go to the API servers in turn. Those that accept none are skipped, those that say they aren't well
 * once the checks have found it; where none is left connections end at once.
 */
export class LoadBalancer {
  readonly #clock: Clock
  readonly #backends: () => readonly Backend[]
  readonly #checks = new Map<string, Check>()
  #turn = 0
  #timer: Timer | undefined

  constructor(clock: Clock, backends: () => readonly Backend[]) {
    this.#clock = clock
    this.#backends = backends
  }

  start(): void {
    const run = () => {
      this.#timer = this.#clock.after(INTERVAL_MS, run)
      for (const backend of this.#backends()) this.#look(backend)
    }
    run()
  }

  stop(): void {
    this.#timer?.cancel()
  }

  readonly handler: HttpHandler = async (request, peer) => {
    const up = this.#backends().filter((backend) => backend.isOpen() && (this.#checks.get(backend.host)?.isUp ?? true))
    const chosen = up[this.#turn++ % Math.max(1, up.length)]
    if (!chosen) throw new UnixError('ECONNRESET', 'Connection reset by peer')
    return chosen.handler(request, peer)
  }

  #look({ host, isOpen, isHealthy }: Backend): void {
    const check = this.#checks.get(host) ?? { isUp: true, contrary: 0 }
    this.#checks.set(host, check)
    if ((isOpen() && isHealthy()) === check.isUp) check.contrary = 0
    else if (++check.contrary >= (check.isUp ? FALL : RISE)) Object.assign(check, { isUp: !check.isUp, contrary: 0 })
  }
}
