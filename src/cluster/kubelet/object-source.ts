import type { Clock, Timer } from '../../base/clock.ts'
import { apiError } from '../kinds/status-error.ts'
import type { ConfigMap, Secret } from '../kinds/generated/types.ts'
import type { KubeObject } from '../kinds/object.ts'
import type { Api, WatchHandle } from '../client/api.ts'

interface Watched {
  references: number
  object: KubeObject | undefined
  ready: Promise<void>
  isReady: boolean
  watch: WatchHandle | undefined
  retry: Timer | undefined
  stopped: boolean
}

/**
 * ConfigMaps and Secrets that pods of this node refer to, each watched by itself while a pod needs it.
 * k8s: pkg/kubelet/util/manager watch_based_manager.go
 */
export class ObjectSource {
  readonly #api: Api
  readonly #clock: Clock
  readonly #watched = new Map<string, Watched>()
  /** Keys a pod holds. */
  readonly #held = new Map<string, Set<string>>()
  readonly #onChange: (podUids: readonly string[]) => void

  constructor(api: Api, clock: Clock, onChange: (podUids: readonly string[]) => void) {
    this.#api = api
    this.#clock = clock
    this.#onChange = onChange
  }

  /** @throws StatusError NotFound in the kubelet's words. */
  configMap(podUid: string, namespace: string, name: string): Promise<ConfigMap> {
    return this.#get(podUid, 'configmap', 'configmaps', namespace, name) as Promise<ConfigMap>
  }

  secret(podUid: string, namespace: string, name: string): Promise<Secret> {
    return this.#get(podUid, 'secret', 'secrets', namespace, name) as Promise<Secret>
  }

  release(podUid: string): void {
    for (const key of this.#held.get(podUid) ?? []) {
      const watched = this.#watched.get(key)
      if (!watched || --watched.references > 0) continue
      watched.stopped = true
      watched.watch?.stop()
      watched.retry?.cancel()
      this.#watched.delete(key)
    }
    this.#held.delete(podUid)
  }

  stop(): void {
    for (const uid of [...this.#held.keys()]) this.release(uid)
  }

  async #get(podUid: string, noun: string, resource: string, namespace: string, name: string): Promise<KubeObject> {
    const key = `${resource}/${namespace}/${name}`
    let watched = this.#watched.get(key)
    if (!watched) {
      watched = { references: 0, object: undefined, ready: Promise.resolve(), isReady: false, watch: undefined, retry: undefined, stopped: false }
      this.#watched.set(key, watched)
      watched.ready = this.#start(key, watched, resource, namespace, name)
    }
    let held = this.#held.get(podUid)
    if (!held) this.#held.set(podUid, held = new Set())
    if (!held.has(key)) {
      held.add(key)
      watched.references++
    }
    if (!watched.isReady) await watched.ready
    if (!watched.object) throw apiError.notFound({ group: '', resource: noun }, name)
    return watched.object
  }

  async #start(key: string, watched: Watched, resource: string, namespace: string, name: string): Promise<void> {
    const options = { namespace, fieldSelector: `metadata.name=${name}` }
    try {
      const list = await this.#api.list(resource, options)
      if (watched.stopped) return
      const before = watched.object
      watched.object = list.items[0]
      watched.isReady = true
      if (before !== undefined && before.metadata.resourceVersion !== watched.object?.metadata.resourceVersion) this.#changed(key)
      watched.watch = this.#api.watch(resource, { ...options, resourceVersion: list.metadata.resourceVersion ?? '0' }, (events) => {
        let changed = false
        for (const event of events) {
          if (event.type === 'ADDED' || event.type === 'MODIFIED') watched.object = event.object
          else if (event.type === 'DELETED') watched.object = undefined
          else continue
          changed = true
        }
        if (changed) this.#changed(key)
      }, () => this.#restart(key, watched, resource, namespace, name))
    } catch (error) {
      this.#restart(key, watched, resource, namespace, name)
      if (!watched.isReady) throw error
    }
  }

  #restart(key: string, watched: Watched, resource: string, namespace: string, name: string): void {
    if (watched.stopped) return
    watched.retry = this.#clock.after(1_000, () => {
      watched.ready = this.#start(key, watched, resource, namespace, name)
      watched.ready.catch(() => {})
    })
  }

  #changed(key: string): void {
    const uids: string[] = []
    for (const [uid, keys] of this.#held) if (keys.has(key)) uids.push(uid)
    this.#onChange(uids)
  }
}
