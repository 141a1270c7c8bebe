import type { Configuration, DurableState, MemberId } from '../raft/types.ts'

/** A host's disk, as far as a member needs one. */
export interface MemberDisk {
  exists(path: string): boolean
  readText(path: string): string
  mkdir(path: string, options: { recursive: boolean }): void
  writeFile(path: string, text: string, options: { mode: number }): void
}

/** Who belongs to an etcd cluster, as its members know each other. */
export interface MemberInfo {
  readonly id: MemberId
  /** Empty until it has started for the first time. */
  readonly name: string
  readonly peerUrls: readonly string[]
  readonly clientUrls: readonly string[]
  readonly isLearner: boolean
}

/**
 * What a member's disk says of its part in the cluster. What the cluster holds is kept once for all members; here is only how far this one has got.
 */
export interface MemberRecord {
  readonly id: MemberId
  readonly term: number
  readonly votedFor?: MemberId
  /** The last entry that was certain, its term, and the store's revision behind it. */
  readonly index: number
  readonly indexTerm: number
  readonly revision: number
  /** Written while its process ran: it went on with the store for as long as there was one. */
  readonly isRunning: boolean
  readonly wasLeader: boolean
  readonly members: readonly MemberInfo[]
  readonly removed: readonly MemberId[]
}

/** The write-ahead log's first file. */
const FILE = '/var/lib/etcd/member/wal/0000000000000000-0000000000000000.wal'
const FOLDER = FILE.slice(0, FILE.lastIndexOf('/'))

export function readRecord(disk: MemberDisk): MemberRecord | undefined {
  if (!disk.exists(FILE)) return undefined
  try {
    return JSON.parse(disk.readText(FILE)) as MemberRecord
  } catch {
    return undefined
  }
}

export function writeRecord(disk: MemberDisk, record: MemberRecord): void {
  disk.mkdir(FOLDER, { recursive: true })
  disk.writeFile(FILE, `${JSON.stringify(record)}\n`, { mode: 0o600 })
}

export function configurationOf(members: readonly MemberInfo[]): Configuration {
  return { voters: members.filter(({ isLearner }) => !isLearner).map(({ id }) => id), learners: members.filter(({ isLearner }) => isLearner).map(({ id }) => id) }
}

/** The state that a record stands for, with the store at a revision now. */
export function stateOf(record: MemberRecord, revision: number): DurableState {
  const index = record.index + (record.isRunning ? revision - record.revision : 0)
  const place = { index, term: record.indexTerm }
  return { term: record.term, votedFor: record.votedFor, commit: index, snapshot: { ...place, configuration: configurationOf(record.members) }, base: place, entries: [] }
}
