import type { Proc } from '../../../unix/types.ts'
import { textMark } from '../front/text-mark.ts'
import type { Cluster } from './configuration.ts'

/** Chooses endpoints of clusters, and remembers what they are busy with. */
export class LoadBalancers {
  readonly #proc: Proc
  readonly #turns = new Map<string, number>()
  readonly #active = new Map<string, number>()

  constructor(proc: Proc) {
    this.#proc = proc
  }

  /** @param hash of what decides, for clusters that go by it. @param tries how often others were asked before */
  choose({ name, endpoints, policy }: Cluster, hash: number | undefined, tries: number): string {
    if (policy === 'Hash' && hash !== undefined) {
      // Rendezvous hashing: an endpoint that leaves takes only its own clients with it.
      const ranked = endpoints.map((endpoint) => ({ endpoint, mark: textMark(`${hash} ${endpoint}`) })).sort((a, b) => b.mark - a.mark)
      return ranked[tries % ranked.length]!.endpoint
    }
    if (policy === 'Random') return endpoints[this.#proc.random.int(endpoints.length)]!
    if (policy === 'WeightedLeastRequest') {
      const [one, other] = [endpoints[this.#proc.random.int(endpoints.length)]!, endpoints[this.#proc.random.int(endpoints.length)]!]
      const busy = (endpoint: string) => this.#active.get(`${name} ${endpoint}`) ?? 0
      return busy(one) <= busy(other) ? one : other
    }
    const turn = this.#turns.get(name) ?? this.#proc.random.int(endpoints.length)
    this.#turns.set(name, turn + 1)
    return endpoints[turn % endpoints.length]!
  }

  /** Counts an endpoint as busy while something runs. */
  async during<T>(cluster: string, endpoint: string, run: () => Promise<T>): Promise<T> {
    const key = `${cluster} ${endpoint}`
    const add = (count: number) => { const now = (this.#active.get(key) ?? 0) + count; if (now === 0) this.#active.delete(key); else this.#active.set(key, now) }
    add(1)
    try { return await run() } finally { add(-1) }
  }
}
