import type { Clock, Timer } from '../../base/clock.ts'
import { deepEqual } from '../../base/freeze.ts'
import { KeyIndex } from './key-index.ts'
import { WatcherHub } from './watcher-hub.ts'
import {
  EtcdError, FROM_KEY, type Change, type Commit, type Compare, type DeleteRequest, type DeleteResponse, type EtcdSnapshot, type KeyRange, type KeyValue,
  type LeaseInfo, type OperationResponse, type Operation, type PutChange, type PutRequest, type PutResponse, type RangeRequest, type RangeResponse,
  type TxnRequest, type TxnResponse, type WatchRequest, type Watcher, type WatchResponse,
} from './types.ts'

export type { EtcdSnapshot } from './types.ts'

/** Called for every commit, synchronously and in order; `previous[i]` is what `commit.changes[i]` replaced. */
export type CommitListener = (commit: Commit, previous: readonly (KeyValue | undefined)[]) => void

/** All versions of one key since the last compaction, oldest first. */
interface History {
  readonly key: string
  versions: Change[]
}

interface Lease {
  id: number
  ttlSeconds: number
  expiresMs: number
  timer: Timer
  keys: Set<string>
}

/** What a commit did, with what was there before. */
interface LogEntry {
  commit: Commit
  previous: readonly (KeyValue | undefined)[]
}

/** etcd's limit, seconds. */
const MAX_LEASE_TTL_SECONDS = 9_000_000_000
/** k8s: lease/lessor defaultExpiredleaseRetryInterval */
const EXPIRY_RETRY_MS = 3_000

/**
 * What an etcd cluster holds: multi-version key-value store with a global revision, transactions, watches, leases and compaction.
 * Operations are synchronous; watchers hear of changes afterwards, in order and in batches. Values are opaque and never copied.
 *
 * A new store is at revision 1, as the real one is.
 */
export class Etcd {
  readonly #clock: Clock
  #revision = 1
  #compactRevision = 0
  readonly #histories = new Map<string, History>()
  readonly #index = new KeyIndex<History>()
  /** Commits after #compactRevision; entry i has revision #logStart + i. */
  #log: LogEntry[] = []
  #logStart = 2
  readonly #listeners: CommitListener[] = []
  readonly #watchers: WatcherHub
  readonly #leases = new Map<number, Lease>()
  #nextLeaseId = 1
  #batch: Batch | undefined
  #agree: ((revision: number) => void) | undefined

  constructor(options: { clock: Clock }) {
    this.#clock = options.clock
    this.#watchers = new WatcherHub(options.clock)
  }

  /** Takes up the state of a snapshot and the commits that came after it. Older history counts as compacted. */
  static restore(snapshot: EtcdSnapshot, laterCommits: Iterable<Commit>, options: { clock: Clock }): Etcd {
    const etcd = new Etcd(options)
    etcd.#revision = snapshot.revision
    etcd.#compactRevision = snapshot.revision > 1 ? snapshot.revision : 0
    etcd.#logStart = snapshot.revision + 1
    for (const lease of snapshot.leases) etcd.#addLease(lease.id, lease.ttlSeconds)
    for (const kv of snapshot.kvs) {
      const change: PutChange = { ...kv, type: 'put' }
      etcd.#file(change)
      if (kv.lease) etcd.#leases.get(kv.lease)?.keys.add(kv.key)
    }
    for (const commit of laterCommits) {
      if (commit.revision <= etcd.#revision) continue
      const previous = commit.changes.map((change) => {
        const before = etcd.get(change.key)
        etcd.#file(change)
        etcd.#moveLease(change.key, before?.lease, change.lease)
        return before
      })
      etcd.#revision = commit.revision
      etcd.#log.push({ commit, previous })
    }
    return etcd
  }

  /** The revision of the latest commit. */
  get revision(): number {
    return this.#revision
  }

  /** History up to and including this revision is gone. */
  get compactRevision(): number {
    return this.#compactRevision
  }

  /** The current value of one key. */
  get<V = unknown>(key: string): KeyValue<V> | undefined {
    const history = this.#histories.get(key)
    if (history === undefined) return undefined
    const latest = history.versions[history.versions.length - 1]!
    return latest.type === 'put' ? latest as PutChange & KeyValue<V> : undefined
  }

  /** @throws EtcdError for a revision that is compacted or still to come. */
  range<V = unknown>(request: RangeRequest): RangeResponse<V> {
    const at = request.revision ? request.revision : 0
    if (at > this.#revision) throw new EtcdError('future-revision')
    if (at !== 0 && at < this.#compactRevision) throw new EtcdError('compacted')
    let kvs: KeyValue<V>[] = []
    let count = 0
    const limit = request.limit || Infinity
    const earlyLimit = request.sort && (request.sort.by !== 'key' || request.sort.order !== 'ascend') ? Infinity : limit
    const take = (history: History) => {
      const kv = at === 0 ? latestOf(history) : versionAt(history, at)
      if (kv === undefined) return
      count++
      if (!request.countOnly && kvs.length < earlyLimit) kvs.push(kv as KeyValue<V>)
    }
    if (request.rangeEnd === undefined) {
      const history = this.#histories.get(request.key)
      if (history) take(history)
    } else this.#index.scan(request.key, endOf(request), take)
    if (request.sort) kvs = sorted(kvs, request.sort)
    if (kvs.length > limit) kvs.length = limit
    if (request.keysOnly) kvs = kvs.map((kv) => ({ ...kv, value: undefined as V }))
    return { revision: this.#revision, kvs, more: !request.countOnly && count > kvs.length, count }
  }

  /**
   * Stores a value. A function as value is called with the revision that the put will have.
   * @throws EtcdError without a key or for an unknown lease.
   */
  put(key: string, value: unknown, options: { lease?: number; prevKv?: boolean } = {}): PutResponse {
    return this.#write((batch) => this.#put(batch, { key, value, ...options }))
  }

  delete(key: string, options: { rangeEnd?: string; prevKv?: boolean } = {}): DeleteResponse {
    return this.#write((batch) => this.#delete(batch, { key, ...options }))
  }

  /** Runs `success` if all conditions hold, else `failure`; all its changes get one revision. */
  txn(request: TxnRequest): TxnResponse {
    checkDuplicates(request)
    return this.#write((batch) => this.#txn(batch, request))
  }

  /**
   * Tells of changes from a revision on. `onResponse` is never called synchronously.
   * A start that is compacted away ends the watch with a response that carries `compactRevision`.
   */
  watch<V = unknown>(request: WatchRequest, onResponse: (response: WatchResponse<V>) => void): Watcher {
    const start = request.startRevision || this.#revision + 1
    const deliver = onResponse as (response: WatchResponse) => void
    if (start <= this.#compactRevision) return this.#watchers.refuse(deliver, this.#revision, this.#compactRevision)
    const watcher = this.#watchers.add(request, start, deliver, () => this.#revision)
    for (let revision = Math.max(start, this.#logStart); revision <= this.#revision; revision++) {
      const entry = this.#log[revision - this.#logStart]!
      watcher.offer(entry.commit, entry.previous)
    }
    return watcher
  }

  /** The commits after a revision, oldest first. @throws EtcdError when some of them are compacted away. */
  commitsAfter(revision: number): readonly Commit[] {
    if (revision < this.#logStart - 1) throw new EtcdError('compacted')
    return this.#log.slice(revision - this.#logStart + 1).map((entry) => entry.commit)
  }

  /** Calls the listener after every commit, synchronously, before the operation returns. */
  onCommit(listener: CommitListener): () => void {
    this.#listeners.push(listener)
    return () => {
      const at = this.#listeners.indexOf(listener)
      if (at >= 0) this.#listeners.splice(at, 1)
    }
  }

  /** Has several members agree on each commit before it is one; `agree` throws where they can't, and nothing has happened then. */
  replicateBy(agree: ((revision: number) => void) | undefined): void {
    this.#agree = agree
  }

  /**
   * Begins anew without anything, as with an empty data directory.
   * differs: revisions go on, so that whoever keeps the log of commits keeps one
   */
  erase(): void {
    this.#agree = undefined
    for (const { id } of this.leases()) this.revokeLease(id)
    if (this.range({ key: '', rangeEnd: FROM_KEY, limit: 1 }).kvs.length > 0) this.delete('', { rangeEnd: FROM_KEY })
    if (this.#revision > Math.max(1, this.#compactRevision)) this.compact(this.#revision)
  }

  /** Forgets versions that were replaced at or before `revision`. @throws EtcdError for one that is compacted already or still to come. */
  compact(revision: number): void {
    if (revision > this.#revision) throw new EtcdError('future-revision')
    if (revision <= this.#compactRevision) throw new EtcdError('compacted')
    const gone = Math.min(this.#log.length, revision - this.#logStart + 1)
    const touched = new Set<string>()
    for (let i = 0; i < gone; i++) for (const change of this.#log[i]!.commit.changes) touched.add(change.key)
    this.#log.splice(0, gone)
    this.#logStart += gone
    this.#compactRevision = revision
    for (const key of touched) {
      const history = this.#histories.get(key)
      if (!history) continue
      const versions = history.versions
      let kept = versions.length - 1
      while (kept > 0 && versions[kept]!.modRevision > revision) kept--
      // The version that was current at the compacted revision stays readable, a deletion leaves nothing.
      if (versions[kept]!.type === 'delete' && versions[kept]!.modRevision <= revision) kept++
      if (kept >= versions.length) {
        this.#histories.delete(key)
        this.#index.remove(key)
      } else if (kept > 0) history.versions = versions.slice(kept)
    }
  }

  /** State now, or as of a revision that is not compacted. */
  snapshot(revision = this.#revision): EtcdSnapshot {
    const { kvs } = this.range({ key: '', rangeEnd: FROM_KEY, revision })
    return {
      revision,
      kvs: kvs.map(({ key, value, createRevision, modRevision, version, lease }) => ({ key, value, createRevision, modRevision, version, ...(lease ? { lease } : {}) })),
      leases: this.leases(),
    }
  }

  /** Makes a lease: keys put with it disappear when it isn't kept alive. Returns its id. */
  grantLease(ttlSeconds: number, id = 0): number {
    if (ttlSeconds > MAX_LEASE_TTL_SECONDS) throw new EtcdError('lease-ttl-too-large')
    if (id !== 0 && this.#leases.has(id)) throw new EtcdError('lease-exists')
    if (id === 0) {
      while (this.#leases.has(this.#nextLeaseId)) this.#nextLeaseId++
      id = this.#nextLeaseId++
    }
    this.#addLease(id, Math.max(1, ttlSeconds))
    return id
  }

  /** Starts the lease's time anew; returns the seconds it now has. */
  keepAliveLease(id: number): number {
    const lease = this.#lease(id)
    lease.expiresMs = this.#clock.nowMs() + lease.ttlSeconds * 1000
    return lease.ttlSeconds
  }

  /** Ends a lease and deletes its keys in one commit. */
  revokeLease(id: number): void {
    const lease = this.#lease(id)
    lease.timer.cancel()
    this.#leases.delete(id)
    if (lease.keys.size === 0) return
    const keys = [...lease.keys].sort()
    this.#write((batch) => { for (const key of keys) this.#delete(batch, { key }) })
  }

  leaseInfo(id: number): LeaseInfo {
    const lease = this.#lease(id)
    const ttlSeconds = Math.max(0, Math.floor((lease.expiresMs - this.#clock.nowMs()) / 1000))
    return { id, grantedTtlSeconds: lease.ttlSeconds, ttlSeconds, keys: [...lease.keys].sort() }
  }

  /** What of the leases outlives a restart: each has its whole time anew then. */
  leases(): EtcdSnapshot['leases'] {
    return [...this.#leases.values()].map(({ id, ttlSeconds }) => ({ id, ttlSeconds }))
  }

  leaseIds(): number[] {
    return [...this.#leases.keys()].sort((a, b) => a - b)
  }

  #lease(id: number): Lease {
    const lease = this.#leases.get(id)
    if (!lease) throw new EtcdError('lease-not-found')
    return lease
  }

  #addLease(id: number, ttlSeconds: number): void {
    const expiresMs = this.#clock.nowMs() + ttlSeconds * 1000
    const lease: Lease = { id, ttlSeconds, expiresMs, keys: new Set(), timer: this.#clock.after(ttlSeconds * 1000, () => this.#expire(lease)) }
    this.#leases.set(id, lease)
  }

  /** Keeping alive only moves `expiresMs`; the timer looks again when it fires. */
  #expire(lease: Lease): void {
    if (this.#leases.get(lease.id) !== lease) return
    const leftMs = lease.expiresMs - this.#clock.nowMs()
    if (leftMs > 0) lease.timer = this.#clock.after(leftMs, () => this.#expire(lease))
    else try {
      this.revokeLease(lease.id)
    } catch (error) {
      // Without a leader nothing expires.
      if (!(error instanceof EtcdError)) throw error
      if (!this.#leases.has(lease.id)) this.#leases.set(lease.id, lease)
      lease.timer = this.#clock.after(EXPIRY_RETRY_MS, () => this.#expire(lease))
    }
  }

  #moveLease(key: string, from: number | undefined, to: number | undefined): void {
    if (from === to) return
    if (from) this.#leases.get(from)?.keys.delete(key)
    if (to) this.#leases.get(to)?.keys.add(key)
  }

  /** Runs `work` with the batch that becomes the next commit, if it changes anything. */
  #write<R>(work: (batch: Batch) => R): R {
    if (this.#batch) throw new Error('etcd: a commit listener or a value function must not write')
    const batch: Batch = { revision: this.#revision + 1, changes: NONE, previous: NONE }
    this.#batch = batch
    try {
      const result = work(batch)
      if (batch.changes.length > 0) this.#commit(batch)
      return result
    } catch (error) {
      // Nothing of a failed transaction may stay.
      for (let i = batch.changes.length - 1; i >= 0; i--) this.#unfile(batch.changes[i]!, batch.previous[i])
      throw error
    } finally {
      this.#batch = undefined
    }
  }

  #commit(batch: Batch): void {
    this.#agree?.(batch.revision)
    this.#revision = batch.revision
    const commit: Commit = { revision: batch.revision, changes: batch.changes }
    this.#log.push({ commit, previous: batch.previous })
    for (let i = 0; i < this.#listeners.length; i++) this.#listeners[i]!(commit, batch.previous)
    this.#watchers.publish(commit, batch.previous)
  }

  #put(batch: Batch, request: PutRequest): PutResponse {
    const { key } = request
    if (key === '') throw new EtcdError('empty-key')
    if (request.lease) this.#lease(request.lease)
    const previous = this.get(key)
    const value = typeof request.value === 'function' ? request.value(batch.revision) : request.value
    const change: PutChange = {
      type: 'put', key, value, modRevision: batch.revision,
      createRevision: previous ? previous.createRevision : batch.revision,
      version: previous ? previous.version + 1 : 1,
      lease: request.lease || undefined,
    }
    this.#file(change)
    if (previous?.lease || change.lease) this.#moveLease(key, previous?.lease, change.lease)
    addChange(batch, change, previous)
    return request.prevKv ? { revision: batch.revision, prevKv: previous } : { revision: batch.revision }
  }

  #delete(batch: Batch, request: DeleteRequest): DeleteResponse {
    const gone: KeyValue[] = []
    if (request.rangeEnd === undefined) {
      const kv = this.get(request.key)
      if (kv) gone.push(kv)
    } else this.#index.scan(request.key, endOf(request), (history) => { const kv = latestOf(history); if (kv) gone.push(kv) })
    for (const kv of gone) {
      const change: Change = { type: 'delete', key: kv.key, createRevision: 0, modRevision: batch.revision, version: 0 }
      this.#file(change)
      if (kv.lease) this.#moveLease(kv.key, kv.lease, undefined)
      addChange(batch, change, kv)
    }
    const revision = gone.length > 0 ? batch.revision : this.#revision
    return request.prevKv ? { revision, deleted: gone.length, prevKvs: gone } : { revision, deleted: gone.length }
  }

  #txn(batch: Batch, request: TxnRequest): TxnResponse {
    const succeeded = (request.compare ?? []).every((compare) => this.#holds(compare))
    const responses: OperationResponse[] = []
    for (const operation of (succeeded ? request.success : request.failure) ?? []) {
      if ('range' in operation) responses.push({ range: this.range(operation.range) })
      else if ('put' in operation) responses.push({ put: this.#put(batch, operation.put) })
      else if ('delete' in operation) responses.push({ delete: this.#delete(batch, operation.delete) })
      else responses.push({ txn: this.#txn(batch, operation.txn) })
    }
    return { revision: batch.changes.length > 0 ? batch.revision : this.#revision, succeeded, responses }
  }

  #holds(compare: Compare): boolean {
    if (compare.rangeEnd === undefined) return compareHolds(compare, this.get(compare.key))
    // A range holds if every key in it does; an empty one is compared as an absent key would be.
    const { kvs } = this.range({ key: compare.key, rangeEnd: compare.rangeEnd })
    if (kvs.length === 0) return compare.target !== 'value' && compareHolds(compare, undefined)
    return kvs.every((kv) => compareHolds(compare, kv))
  }

  #file(change: Change): void {
    const history = this.#histories.get(change.key)
    if (history) history.versions.push(change)
    else {
      const made: History = { key: change.key, versions: [change] }
      this.#histories.set(change.key, made)
      this.#index.insert(made)
    }
  }

  #unfile(change: Change, previous: KeyValue | undefined): void {
    const history = this.#histories.get(change.key)!
    history.versions.pop()
    if (history.versions.length === 0) {
      this.#histories.delete(change.key)
      this.#index.remove(change.key)
    }
    this.#moveLease(change.key, change.lease, previous?.lease)
  }
}

/** The commit in the making. */
interface Batch {
  revision: number
  changes: Change[]
  previous: (KeyValue | undefined)[]
}

/** Of a batch without changes yet; never pushed to. */
const NONE: never[] = []

/** Most commits have one change, and all are kept until compaction: a list that is made with its one member takes a tenth of one that grows. */
function addChange(batch: Batch, change: Change, previous: KeyValue | undefined): void {
  if (batch.changes.length === 0) {
    batch.changes = [change]
    batch.previous = [previous]
  } else {
    batch.changes.push(change)
    batch.previous.push(previous)
  }
}

function endOf(range: KeyRange): string | undefined {
  return range.rangeEnd === FROM_KEY ? undefined : range.rangeEnd
}

function latestOf(history: History): KeyValue | undefined {
  const latest = history.versions[history.versions.length - 1]!
  return latest.type === 'put' ? latest : undefined
}

function versionAt(history: History, revision: number): KeyValue | undefined {
  const versions = history.versions
  for (let i = versions.length - 1; i >= 0; i--) {
    const version = versions[i]!
    if (version.modRevision <= revision) return version.type === 'put' ? version : undefined
  }
  return undefined
}

function sorted<V>(kvs: KeyValue<V>[], sort: NonNullable<RangeRequest['sort']>): KeyValue<V>[] {
  const field = sort.by === 'create' ? 'createRevision' : sort.by === 'mod' ? 'modRevision' : sort.by
  const sign = sort.order === 'ascend' ? 1 : -1
  return [...kvs].sort((a, b) => {
    const left = a[field] as string | number
    const right = b[field] as string | number
    return left < right ? -sign : left > right ? sign : 0
  })
}

function compareHolds(compare: Compare, kv: KeyValue | undefined): boolean {
  if (compare.target === 'value') {
    // etcd: a comparison with the value of an absent key fails, whatever is asked.
    if (!kv) return false
    if (compare.result === 'equal') return deepEqual(kv.value, compare.operand)
    if (compare.result === 'not-equal') return !deepEqual(kv.value, compare.operand)
  }
  const actual = compare.target === 'create' ? kv?.createRevision ?? 0
    : compare.target === 'mod' ? kv?.modRevision ?? 0
    : compare.target === 'version' ? kv?.version ?? 0
    : compare.target === 'lease' ? kv?.lease ?? 0
    : kv!.value
  const operand = compare.operand
  switch (compare.result) {
    case 'equal': return actual === operand
    case 'not-equal': return actual !== operand
    case 'greater': return (actual as number) > (operand as number)
    case 'less': return (actual as number) < (operand as number)
  }
}

/** A transaction may put a key only once per branch. k8s: etcd server/etcdserver/api/v3rpc checkIntervals */
function checkDuplicates(request: TxnRequest): void {
  for (const branch of [request.success, request.failure]) {
    if (!branch) continue
    const puts = new Set<string>()
    collectPuts(branch, puts)
    for (const operation of branch) if ('delete' in operation) for (const key of puts) if (inRange(operation.delete, key)) throw new EtcdError('duplicate-key')
  }
}

function collectPuts(branch: readonly Operation[], puts: Set<string>): void {
  for (const operation of branch) {
    if ('put' in operation) {
      if (puts.has(operation.put.key)) throw new EtcdError('duplicate-key')
      puts.add(operation.put.key)
    } else if ('txn' in operation) {
      const success = new Set(puts)
      const failure = new Set(puts)
      collectPuts(operation.txn.success ?? [], success)
      collectPuts(operation.txn.failure ?? [], failure)
      for (const key of [...success, ...failure]) puts.add(key)
    }
  }
}

function inRange(range: KeyRange, key: string): boolean {
  if (range.rangeEnd === undefined) return key === range.key
  const end = endOf(range)
  return key >= range.key && (end === undefined || key < end)
}
