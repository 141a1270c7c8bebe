import type { Clock, Timer } from '../../base/clock.ts'
import { FROM_KEY, prefixEnd, type Change, type Commit, type KeyValue, type WatchEventKv, type WatchRequest, type Watcher, type WatchResponse } from './types.ts'

type Deliver = (response: WatchResponse) => void

/**
 * Hands commits to watchers. Watchers are filed by single key, by prefix and (the rest) by range, so that a change finds those it
 * concerns without asking all of them. Delivery happens in a microtask: every watcher gets what gathered until then as one batch.
 */
export class WatcherHub {
  readonly #clock: Clock
  #nextId = 1
  readonly #byKey = new Map<string, Set<ActiveWatcher>>()
  readonly #byPrefix = new Map<string, Set<ActiveWatcher>>()
  /** Distinct lengths of watched prefixes, with how many prefixes have each. */
  readonly #prefixLengths = new Map<number, number>()
  readonly #ranges = new Set<ActiveWatcher>()
  #waiting: ActiveWatcher[] = []
  #flushing = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  add(request: WatchRequest, start: number, deliver: Deliver, revision: () => number): ActiveWatcher {
    const watcher = new ActiveWatcher(this.#nextId++, request, start, deliver, revision, this.#clock, {
      wake: (w) => this.#wake(w),
      remove: (w) => this.#unfile(w),
    })
    this.#file(watcher)
    return watcher
  }

  /** A watch whose start is gone: it says so and is over. */
  refuse(deliver: Deliver, revision: number, compactRevision: number): Watcher {
    let canceled = false
    Promise.resolve().then(() => { if (!canceled) deliver({ revision, events: [], compactRevision, canceled: true }) })
    return { id: this.#nextId++, cancel: () => { canceled = true }, requestProgress() {} }
  }

  publish(commit: Commit, previous: readonly (KeyValue | undefined)[]): void {
    if (this.#byKey.size === 0 && this.#byPrefix.size === 0 && this.#ranges.size === 0) return
    for (let i = 0; i < commit.changes.length; i++) {
      const change = commit.changes[i]!
      const before = previous[i]
      const exact = this.#byKey.get(change.key)
      if (exact) for (const watcher of exact) watcher.take(commit.revision, change, before)
      for (const length of this.#prefixLengths.keys()) {
        if (length > change.key.length) continue
        const group = this.#byPrefix.get(change.key.slice(0, length))
        if (group) for (const watcher of group) watcher.take(commit.revision, change, before)
      }
      for (const watcher of this.#ranges) if (watcher.covers(change.key)) watcher.take(commit.revision, change, before)
    }
  }

  #file(watcher: ActiveWatcher): void {
    const { key, rangeEnd } = watcher.request
    if (rangeEnd === undefined) groupOf(this.#byKey, key).add(watcher)
    else if (rangeEnd === prefixEnd(key)) {
      const group = groupOf(this.#byPrefix, key)
      if (group.size === 0) this.#prefixLengths.set(key.length, (this.#prefixLengths.get(key.length) ?? 0) + 1)
      group.add(watcher)
    } else this.#ranges.add(watcher)
  }

  #unfile(watcher: ActiveWatcher): void {
    const { key, rangeEnd } = watcher.request
    if (rangeEnd === undefined) leave(this.#byKey, key, watcher)
    else if (rangeEnd === prefixEnd(key)) {
      if (!leave(this.#byPrefix, key, watcher)) return
      const left = this.#prefixLengths.get(key.length)! - 1
      if (left > 0) this.#prefixLengths.set(key.length, left)
      else this.#prefixLengths.delete(key.length)
    } else this.#ranges.delete(watcher)
  }

  #wake(watcher: ActiveWatcher): void {
    this.#waiting.push(watcher)
    if (this.#flushing) return
    this.#flushing = true
    Promise.resolve().then(() => {
      this.#flushing = false
      const waiting = this.#waiting
      this.#waiting = []
      for (const w of waiting) w.flush()
    })
  }
}

interface Hooks {
  wake(watcher: ActiveWatcher): void
  remove(watcher: ActiveWatcher): void
}

class ActiveWatcher implements Watcher {
  readonly id: number
  readonly request: WatchRequest
  readonly #start: number
  readonly #deliver: Deliver
  readonly #revision: () => number
  readonly #hooks: Hooks
  readonly #noPut: boolean
  readonly #noDelete: boolean
  #events: WatchEventKv[] = []
  #awake = false
  #progressAsked = false
  #canceled = false
  #progressTimer: Timer | undefined

  constructor(id: number, request: WatchRequest, start: number, deliver: Deliver, revision: () => number, clock: Clock, hooks: Hooks) {
    this.id = id
    this.request = request
    this.#start = start
    this.#deliver = deliver
    this.#revision = revision
    this.#hooks = hooks
    this.#noPut = request.filters?.includes('noPut') ?? false
    this.#noDelete = request.filters?.includes('noDelete') ?? false
    const intervalMs = request.progressIntervalMs
    if (intervalMs) {
      const again = () => { this.requestProgress(); this.#progressTimer = clock.after(intervalMs, again) }
      this.#progressTimer = clock.after(intervalMs, again)
    }
  }

  covers(key: string): boolean {
    const { key: from, rangeEnd } = this.request
    if (rangeEnd === undefined) return key === from
    return key >= from && (rangeEnd === FROM_KEY || key < rangeEnd)
  }

  /** For history: takes those changes of a commit that the watch covers. */
  offer(commit: Commit, previous: readonly (KeyValue | undefined)[]): void {
    commit.changes.forEach((change, i) => { if (this.covers(change.key)) this.take(commit.revision, change, previous[i]) })
  }

  take(revision: number, change: Change, previous: KeyValue | undefined): void {
    if (revision < this.#start || this.#canceled) return
    if (change.type === 'put' ? this.#noPut : this.#noDelete) return
    this.#events.push(this.request.prevKv && previous ? { type: change.type, kv: change, prevKv: previous } : { type: change.type, kv: change })
    this.#awaken()
  }

  requestProgress(): void {
    this.#progressAsked = true
    this.#awaken()
  }

  cancel(): void {
    if (this.#canceled) return
    this.#canceled = true
    this.#progressTimer?.cancel()
    this.#hooks.remove(this)
  }

  flush(): void {
    this.#awake = false
    if (this.#canceled) return
    const events = this.#events
    const progressAsked = this.#progressAsked
    this.#events = []
    this.#progressAsked = false
    if (events.length > 0 || progressAsked) this.#deliver({ revision: this.#revision(), events })
  }

  #awaken(): void {
    if (this.#awake) return
    this.#awake = true
    this.#hooks.wake(this)
  }
}

function groupOf(groups: Map<string, Set<ActiveWatcher>>, key: string): Set<ActiveWatcher> {
  let group = groups.get(key)
  if (!group) groups.set(key, group = new Set())
  return group
}

/** Returns whether the group is gone. */
function leave(groups: Map<string, Set<ActiveWatcher>>, key: string, watcher: ActiveWatcher): boolean {
  const group = groups.get(key)
  if (!group?.delete(watcher) || group.size > 0) return false
  groups.delete(key)
  return true
}
