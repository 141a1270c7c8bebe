import type { Proc } from '../../../unix/types.ts'
import type { Namespace, Pod } from '../../kinds/generated/types.ts'
import { apiCall } from '../in-cluster/api-call.ts'
import { clusterClient } from '../in-cluster/cluster-client.ts'
import type { ClusterClient } from '../in-cluster/cluster-client.ts'

/** The container that a log file belongs to, as its name says. */
export interface LogFileName {
  pod: string
  namespace: string
  container: string
  id: string
}

/** `POD_NAMESPACE_CONTAINER-ID.log`, possibly with dots of a tag before it. */
export function parseLogFileName(text: string): LogFileName | undefined {
  const [, pod, namespace, container, id] = /([a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*)_([^_]+)_(.+)-([a-z0-9]{64})\.log$/.exec(text)?.filter((_, i) => i !== 2) ?? []
  return pod === undefined ? undefined : { pod: pod.replace(/^.*\.containers\./, ''), namespace: namespace!, container: container!, id: id! }
}

const KEPT_MS = 3_600_000
const FAILED_MS = 10_000

/** What the API server says of pods and namespaces, asked once and kept for an hour. */
export class PodMetadata {
  readonly #client: ClusterClient
  readonly #proc: Proc
  readonly #kept = new Map<string, { value: unknown; untilMs: number }>()

  constructor(proc: Proc, userAgent: string) {
    this.#proc = proc
    this.#client = clusterClient(proc, userAgent)
  }

  pod({ namespace, pod }: LogFileName): Promise<Pod | undefined> {
    return this.#ask(`/api/v1/namespaces/${namespace}/pods/${pod}`)
  }

  namespace(name: string): Promise<Namespace | undefined> {
    return this.#ask(`/api/v1/namespaces/${name}`)
  }

  /** Undefined where it is gone, may not be seen, or nobody answers. */
  async #ask<T>(path: string): Promise<T | undefined> {
    const kept = this.#kept.get(path)
    const nowMs = this.#proc.clock.nowMs()
    if (kept && kept.untilMs > nowMs) return kept.value as T | undefined
    let value: T | undefined
    try { value = await apiCall<T>(this.#client, 'GET', path) } catch { value = undefined }
    for (const [old, { untilMs }] of this.#kept) if (untilMs <= nowMs) this.#kept.delete(old)
    this.#kept.set(path, { value, untilMs: nowMs + (value === undefined ? FAILED_MS : KEPT_MS) })
    return value
  }
}
