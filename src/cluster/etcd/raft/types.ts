/** A member, by its number as text. */
export type MemberId = string

/** Who belongs to the cluster. Learners get the log and have no say. */
export interface Configuration {
  readonly voters: readonly MemberId[]
  readonly learners: readonly MemberId[]
}

/** One step from a {@link Configuration} to the next. A learner that is added as a voter is promoted. */
export interface ConfigurationChange {
  readonly type: 'add-voter' | 'add-learner' | 'remove'
  readonly id: MemberId
}

/** A place of the log. Without data and change it is what a leader begins its term with. */
export interface Entry {
  readonly index: number
  readonly term: number
  readonly data?: unknown
  readonly change?: ConfigurationChange
}

/** What all entries up to one have led to, for members that lack them. */
export interface Snapshot {
  readonly index: number
  readonly term: number
  readonly configuration: Configuration
}

/** What a member must find again after a restart. */
export interface DurableState {
  readonly term: number
  readonly votedFor: MemberId | undefined
  readonly commit: number
  readonly snapshot: Snapshot
  /** The place before the first of the entries. */
  readonly base: { readonly index: number; readonly term: number }
  readonly entries: readonly Entry[]
}

interface Envelope {
  readonly from: MemberId
  readonly to: MemberId
  readonly term: number
}

/** What members tell each other. k8s: go.etcd.io/raft raftpb.Message */
export type Message = Envelope & MessageBody
export type MessageBody =
  | { readonly type: 'vote'; readonly isPreliminary: boolean; readonly lastIndex: number; readonly lastTerm: number; /** The leader itself wants it. */ readonly isTransfer: boolean }
  | { readonly type: 'vote-response'; readonly isPreliminary: boolean; readonly isGranted: boolean }
  | { readonly type: 'append'; readonly previousIndex: number; readonly previousTerm: number; readonly entries: readonly Entry[]; readonly commit: number }
  | { readonly type: 'append-response'; readonly index: number; /** Where the log should be looked at again, if the place before the entries wasn't there. */ readonly hint?: number }
  | { readonly type: 'heartbeat'; readonly commit: number; /** The read that it is to confirm. */ readonly read?: number }
  | { readonly type: 'heartbeat-response'; readonly read?: number }
  | { readonly type: 'snapshot'; readonly snapshot: Snapshot }
  | { readonly type: 'timeout-now' }

/** What an input has led to. */
export interface Output {
  readonly messages: readonly Message[]
  /** Entries that are certain from now on, in order. */
  readonly committed: readonly Entry[]
  /** A snapshot that took the place of the log. */
  readonly installed?: Snapshot
  /** Reads that may be answered, as the leader still is one. */
  readonly confirmedReads: readonly number[]
}

export type Role = 'follower' | 'pre-candidate' | 'candidate' | 'leader'

/** Why a leader takes nothing, or there is none. */
export type Refusal = 'not-leader' | 'transferring' | 'change-under-way'
