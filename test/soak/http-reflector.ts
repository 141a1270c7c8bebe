import type { ClusterClock } from '../../src/base/clock.ts'
import { httpRequest } from '../../src/base/http.ts'
import type { Random } from '../../src/base/random.ts'
import type { ConnectionInfo } from '../../src/cluster/apiserver/seams.ts'
import { parseLabelSelector } from '../../src/cluster/kinds/label-selector.ts'
import type { KubeObject } from '../../src/cluster/kinds/object.ts'

type Handle = (request: ReturnType<typeof httpRequest>, connection: ConnectionInfo) => Promise<Response>

export interface HttpReflectorOptions {
  name: string
  handle: Handle
  connection: ConnectionInfo
  clock: ClusterClock
  random: Random
  /** `/api/v1/namespaces/default/configmaps` */
  path: string
  labelSelector?: string
  fieldSelector?: string
  /** Objects a page; everything at once without. */
  limit?: number
  /** The present state comes through the watch, up to a marked bookmark. */
  watchList?: boolean
  /** Seconds after which the server ends the watch. */
  timeoutSeconds?: number
}

/**
 * A client that keeps a copy of a resource over HTTP as client-go's reflector does: list in pages, watch from there, go on after a cut,
 * list again after 410. k8s: client-go/tools/cache reflector.go
 */
export class HttpReflector {
  readonly name: string
  readonly objects = new Map<string, KubeObject>()
  /** The revision up to which everything was seen. */
  revision = ''
  /** How often it listed, watched, and was told that its revision is gone. */
  readonly counts = { lists: 0, watches: 0, cuts: 0, gone: 0, restartedPages: 0 }
  /** Events that can't be: something added that is there, something deleted that isn't. */
  readonly wrong: string[] = []
  /** A watch is open and its present state is in. */
  connected = false
  readonly #options: HttpReflectorOptions
  #abort: AbortController | undefined
  #awayMs = 0
  #stopped = false

  constructor(options: HttpReflectorOptions) {
    this.name = options.name
    this.#options = options
    void this.#run()
  }

  /** Whether this client wants to see an object. */
  wants(object: KubeObject): boolean {
    const { path, labelSelector, fieldSelector } = this.#options
    const namespace = /\/namespaces\/([^/]+)\//.exec(path)?.[1]
    if (namespace && object.metadata.namespace !== namespace) return false
    if (labelSelector && !parseLabelSelector(labelSelector).matches(object.metadata.labels)) return false
    return !fieldSelector || `metadata.name=${object.metadata.name}` === fieldSelector || fieldSelector.startsWith('metadata.name!=') && fieldSelector !== `metadata.name!=${object.metadata.name}`
  }

  /** Cuts the connection, as a network would, and keeps it from coming back for a while. */
  cut(awayMs = 0): void {
    this.counts.cuts++
    this.#awayMs = awayMs
    this.#abort?.abort()
  }

  stop(): void {
    this.#stopped = true
    this.#abort?.abort()
  }

  async #run(): Promise<void> {
    const { clock, random, watchList } = this.#options
    let needsList = true
    let backoffMs = 100
    while (!this.#stopped) {
      try {
        if (needsList && !watchList) await this.#list()
        const ended = await this.#watch(needsList && Boolean(watchList))
        needsList = ended === 'gone'
        backoffMs = 100
      } catch (error) {
        if (!(error instanceof Gone)) throw error
        needsList = true
      }
      this.connected = false
      if (this.#stopped) return
      await clock.sleep(this.#awayMs + random.int(backoffMs))
      this.#awayMs = 0
      backoffMs = Math.min(backoffMs * 2, 5_000)
    }
  }

  #url(params: Record<string, string | undefined>): string {
    const { path, labelSelector, fieldSelector } = this.#options
    const query = new URLSearchParams()
    for (const [name, value] of Object.entries({ labelSelector, fieldSelector, ...params })) if (value !== undefined) query.set(name, value)
    return `https://soak.test${path}?${query.toString()}`
  }

  async #list(): Promise<void> {
    const { handle, connection, limit, clock, random } = this.#options
    this.counts.lists++
    const found = new Map<string, KubeObject>()
    let token: string | undefined
    let version = ''
    do {
      const response = await handle(httpRequest(this.#url({ limit: limit === undefined ? undefined : String(limit), continue: token })), connection)
      const body = await response.json() as { kind: string; apiVersion: string; code?: number; message?: string; metadata: { continue?: string; resourceVersion: string }; items: KubeObject[] }
      if (response.status === 410 && token !== undefined) {
        // The pages' revision was compacted away: a whole new list, in one piece.
        this.counts.restartedPages++
        return this.#listWhole()
      }
      if (response.status !== 200) throw new Error(`${this.name}: list answered ${response.status}: ${body.message}`)
      if (token !== undefined && version !== body.metadata.resourceVersion) this.wrong.push(`pages of different revisions: ${version}, ${body.metadata.resourceVersion}`)
      version = body.metadata.resourceVersion
      for (const item of body.items) {
        if (found.has(keyOf(item))) this.wrong.push(`${keyOf(item)} came on two pages`)
        found.set(keyOf(item), itemOf(item, body))
      }
      token = body.metadata.continue || undefined
      if (token) await clock.sleep(random.int(50))
    } while (token)
    this.#replace(found, version)
  }

  async #listWhole(): Promise<void> {
    const response = await this.#options.handle(httpRequest(this.#url({})), this.#options.connection)
    const body = await response.json() as { kind: string; apiVersion: string; metadata: { resourceVersion: string }; items: KubeObject[] }
    this.#replace(new Map(body.items.map((item) => [keyOf(item), itemOf(item, body)])), body.metadata.resourceVersion)
  }

  #replace(found: Map<string, KubeObject>, version: string): void {
    this.objects.clear()
    for (const [key, object] of found) this.objects.set(key, object)
    this.revision = version
  }

  async #watch(initial: boolean): Promise<'cut' | 'gone'> {
    const { handle, connection, timeoutSeconds } = this.#options
    this.counts.watches++
    const abort = this.#abort = new AbortController()
    const params: Record<string, string | undefined> = { watch: 'true', allowWatchBookmarks: 'true', timeoutSeconds: timeoutSeconds === undefined ? undefined : String(timeoutSeconds) }
    if (initial) Object.assign(params, { sendInitialEvents: 'true', resourceVersionMatch: 'NotOlderThan' })
    else params['resourceVersion'] = this.revision
    const response = await handle(httpRequest(this.#url(params), { signal: abort.signal }), connection)
    if (response.status === 410) {
      this.counts.gone++
      throw new Gone()
    }
    if (response.status !== 200) throw new Error(`${this.name}: watch answered ${response.status}: ${await response.text()}`)
    const fresh: Map<string, KubeObject> | undefined = initial ? new Map() : undefined
    let state = fresh ?? this.objects
    if (!initial) this.connected = true
    const reader = response.body!.getReader()
    const decoder = new TextDecoder()
    let rest = ''
    for (;;) {
      const part = await reader.read().catch(() => ({ done: true as const, value: undefined }))
      // What was on its way when the connection was cut is lost.
      if (part.done || abort.signal.aborted) return 'cut'
      rest += decoder.decode(part.value, { stream: true })
      const end = rest.lastIndexOf('\n') + 1
      for (const line of rest.slice(0, end).split('\n')) {
        if (!line) continue
        const { type, object } = JSON.parse(line) as { type: string; object: KubeObject & { code?: number } }
        if (type === 'ERROR') {
          if (object.code !== 410) throw new Error(`${this.name}: ${JSON.stringify(object)}`)
          this.counts.gone++
          abort.abort()
          return 'gone'
        }
        this.#apply(type, object, state)
        if (type === 'BOOKMARK' && object.metadata.annotations?.['k8s.io/initial-events-end'] && fresh) {
          this.#replace(fresh, object.metadata.resourceVersion!)
          state = this.objects
          this.connected = true
        }
      }
      rest = rest.slice(end)
    }
  }

  #apply(type: string, object: KubeObject, state: Map<string, KubeObject>): void {
    const version = object.metadata.resourceVersion!
    if (state === this.objects) {
      if (type !== 'BOOKMARK' && Number(version) <= Number(this.revision)) this.wrong.push(`${type} of revision ${version} after ${this.revision}`)
      this.revision = version
    }
    if (type === 'BOOKMARK') return
    const key = keyOf(object)
    if (type !== (state.has(key) ? 'MODIFIED' : 'ADDED') && type !== 'DELETED') this.wrong.push(`${type} of ${key}, which ${state.has(key) ? 'was' : 'was not'} there`)
    if (type === 'DELETED') {
      if (!state.delete(key)) this.wrong.push(`DELETED of ${key}, which was not there`)
    } else state.set(key, object)
  }
}

class Gone extends Error {}

/** Items of lists don't say what they are. */
const itemOf = (item: KubeObject, list: { kind: string; apiVersion: string }): KubeObject => ({ ...item, kind: list.kind.replace(/List$/, ''), apiVersion: list.apiVersion })

export const keyOf = (object: KubeObject): string => `${object.metadata.namespace ?? ''}/${object.metadata.name}`
