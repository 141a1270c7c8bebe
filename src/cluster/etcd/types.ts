/** A key with its value at some revision. k8s: go.etcd.io/etcd/api mvccpb KeyValue */
export interface KeyValue<V = unknown> {
  readonly key: string
  readonly value: V
  /** Revision at which the key last came into being. */
  readonly createRevision: number
  readonly modRevision: number
  /** 1 at creation, one more with every put. */
  readonly version: number
  /** The lease that the key hangs on. */
  readonly lease?: number
}

/** One change of a commit. A put is also the {@link KeyValue} it made. */
export type Change = PutChange | DeleteChange

export interface PutChange extends KeyValue {
  readonly type: 'put'
}

export interface DeleteChange {
  readonly type: 'delete'
  readonly key: string
  readonly value?: undefined
  readonly createRevision: 0
  readonly modRevision: number
  readonly version: 0
  readonly lease?: undefined
}

/** Everything that one revision changed, in order. */
export interface Commit {
  readonly revision: number
  readonly changes: readonly Change[]
}

/** Keys from `key` up to (not including) `rangeEnd`; only `key` without one. {@link FROM_KEY} as end: all keys from `key` on. */
export interface KeyRange {
  key: string
  rangeEnd?: string
}

/** As `rangeEnd`: no end (the zero byte of etcd's API). */
export const FROM_KEY = '\0'

/** The `rangeEnd` that makes a range of all keys with this prefix. */
export function prefixEnd(prefix: string): string {
  for (let i = prefix.length - 1; i >= 0; i--) {
    const code = prefix.charCodeAt(i)
    if (code < 0xffff) return prefix.slice(0, i) + String.fromCharCode(code + 1)
  }
  return FROM_KEY
}

export type SortTarget = 'key' | 'version' | 'create' | 'mod' | 'value'

export interface RangeRequest extends KeyRange {
  /** At most so many; 0 or absent: all. */
  limit?: number
  /** As of this revision; 0 or absent: now. */
  revision?: number
  sort?: { by: SortTarget; order: 'ascend' | 'descend' }
  keysOnly?: boolean
  countOnly?: boolean
}

export interface RangeResponse<V = unknown> {
  /** The store's revision now, not the one asked for. */
  revision: number
  kvs: readonly KeyValue<V>[]
  /** Whether the limit cut something off. */
  more: boolean
  /** Of all keys in the range, whatever the limit. */
  count: number
}

export interface PutRequest {
  key: string
  /** The value, or a function that makes it from the revision at which it will be stored. */
  value: unknown
  lease?: number
  prevKv?: boolean
}

export interface PutResponse {
  revision: number
  prevKv?: KeyValue
}

export interface DeleteRequest extends KeyRange {
  prevKv?: boolean
}

export interface DeleteResponse {
  revision: number
  deleted: number
  prevKvs?: readonly KeyValue[]
}

export type CompareResult = 'equal' | 'greater' | 'less' | 'not-equal'

/** A condition of a transaction on one key (or on all keys of a range). An absent key has version, revisions and lease 0. */
export interface Compare extends KeyRange {
  target: 'version' | 'create' | 'mod' | 'value' | 'lease'
  result: CompareResult
  /** A number, or for `value` the value itself. */
  operand: unknown
}

export type Operation =
  | { range: RangeRequest }
  | { put: PutRequest }
  | { delete: DeleteRequest }
  | { txn: TxnRequest }

export interface TxnRequest {
  compare?: readonly Compare[]
  success?: readonly Operation[]
  failure?: readonly Operation[]
}

export type OperationResponse =
  | { range: RangeResponse }
  | { put: PutResponse }
  | { delete: DeleteResponse }
  | { txn: TxnResponse }

export interface TxnResponse {
  revision: number
  succeeded: boolean
  responses: readonly OperationResponse[]
}

export interface WatchRequest extends KeyRange {
  /** First revision to tell of; absent or 0: what comes from now on. */
  startRevision?: number
  /** Events carry what was there before. */
  prevKv?: boolean
  /** Leaves events of this kind out. */
  filters?: readonly ('noPut' | 'noDelete')[]
  /** Sends an empty response this often (milliseconds) while nothing happens, so that the watcher knows how far it has seen. */
  progressIntervalMs?: number
}

export interface WatchEventKv<V = unknown> {
  type: 'put' | 'delete'
  /** For a delete: the key, and the revision as modRevision. */
  kv: Change
  prevKv?: KeyValue<V>
}

export interface WatchResponse<V = unknown> {
  /** The watcher has seen everything up to this revision. */
  revision: number
  events: readonly WatchEventKv<V>[]
  /** Set when the start was compacted away: the watch is over. */
  compactRevision?: number
  canceled?: boolean
}

export interface Watcher {
  readonly id: number
  cancel(): void
  /** Asks for a response with the revision the watcher has reached. */
  requestProgress(): void
}

export interface LeaseInfo {
  id: number
  grantedTtlSeconds: number
  /** Seconds left. */
  ttlSeconds: number
  keys: readonly string[]
}

/** State of the store as of one revision. */
export interface EtcdSnapshot {
  readonly revision: number
  readonly kvs: readonly KeyValue[]
  readonly leases: readonly { id: number; ttlSeconds: number }[]
}

export type EtcdErrorCode = 'compacted' | 'future-revision' | 'lease-not-found' | 'lease-exists' | 'lease-ttl-too-large' | 'empty-key' | 'duplicate-key'
  | 'timeout' | 'no-leader' | 'not-leader' | 'bad-leader-transferee' | 'member-not-found' | 'member-removed' | 'peer-url-exists' | 'not-learner' | 'learner-not-ready' | 'too-many-learners' | 'not-enough-started'

const MESSAGES: Record<EtcdErrorCode, string> = {
  'compacted': 'etcdserver: mvcc: required revision has been compacted',
  'future-revision': 'etcdserver: mvcc: required revision is a future revision',
  'lease-not-found': 'etcdserver: requested lease not found',
  'lease-exists': 'etcdserver: lease already exists',
  'lease-ttl-too-large': 'etcdserver: too large lease TTL',
  'empty-key': 'etcdserver: key is not provided',
  'duplicate-key': 'etcdserver: duplicate key given in txn request',
  'timeout': 'etcdserver: request timed out',
  'no-leader': 'etcdserver: no leader',
  'not-leader': 'etcdserver: not leader',
  'bad-leader-transferee': 'etcdserver: bad leader transferee',
  'member-not-found': 'etcdserver: member not found',
  'member-removed': 'etcdserver: member not found',
  'peer-url-exists': 'etcdserver: Peer URLs already exists',
  'not-learner': 'etcdserver: can only promote a learner member',
  'learner-not-ready': 'etcdserver: can only promote a learner member which is in sync with leader',
  'too-many-learners': 'etcdserver: too many learner members in cluster',
  'not-enough-started': 'etcdserver: re-configuration failed due to not enough started members',
}

/** A request that the store refuses, in etcd's wording. k8s: etcd api/v3rpc/rpctypes */
export class EtcdError extends Error {
  readonly code: EtcdErrorCode
  constructor(code: EtcdErrorCode) {
    super(MESSAGES[code])
    this.code = code
  }
}
