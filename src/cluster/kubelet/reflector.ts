import type { Clock, Timer } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import type { Api, ListOptions, WatchHandle } from '../client/api.ts'
import type { KubeObject, ResourceRef } from '../kinds/object.ts'

export interface ReflectorOptions<T extends KubeObject> {
  api: Api
  clock: Clock
  log: Log
  resource: ResourceRef
  select: ListOptions
  onChange(object: T): void
  onDelete(object: T): void
  /** After each full list. */
  onSynced?(): void
  /** After each list that failed. */
  onFailed?(): void
}

const RETRY_MS = 1_000

/** Follows the objects of a selection: a list, then a watch, again and again. */
export class Reflector<T extends KubeObject> {
  readonly #options: ReflectorOptions<T>
  readonly #objects = new Map<string, T>()
  #watch: WatchHandle | undefined
  #retry: Timer | undefined
  /** Counts starts and stops; what an earlier one began is over. */
  #era = 0

  constructor(options: ReflectorOptions<T>) {
    this.#options = options
  }

  /** Begins, also once more after {@link stop}: then only what has changed meanwhile is told. */
  start(): void {
    this.#era++
    void this.#list(this.#era)
  }

  stop(): void {
    this.#era++
    this.#watch?.stop()
    this.#retry?.cancel()
  }

  async #list(era: number): Promise<void> {
    const { api, resource, select, onChange, onDelete, onSynced, onFailed, log } = this.#options
    try {
      const list = await api.list<T>(resource, select)
      if (era !== this.#era) return
      const seen = new Set<string>()
      for (const object of list.items) {
        const uid = object.metadata.uid!
        seen.add(uid)
        if (this.#objects.get(uid)?.metadata.resourceVersion === object.metadata.resourceVersion) continue
        this.#objects.set(uid, object)
        onChange(object)
      }
      for (const [uid, object] of this.#objects) if (!seen.has(uid)) { this.#objects.delete(uid); onDelete(object) }
      onSynced?.()
      this.#watch = api.watch<T>(resource, { ...select, resourceVersion: list.metadata.resourceVersion ?? '0' }, (events) => {
        for (const { type, object } of events) {
          if (era !== this.#era) return
          if (type === 'ADDED' || type === 'MODIFIED') {
            this.#objects.set(object.metadata.uid!, object)
            onChange(object)
          } else if (type === 'DELETED') {
            this.#objects.delete(object.metadata.uid!)
            onDelete(object)
          }
        }
      }, () => this.#again(era))
    } catch (error) {
      if (era !== this.#era) return
      log.warn(`failed to list ${resource}`, { error: String(error) })
      onFailed?.()
      this.#again(era)
    }
  }

  #again(era: number): void {
    if (era !== this.#era) return
    this.#retry = this.#options.clock.after(RETRY_MS, () => void this.#list(era))
  }
}
