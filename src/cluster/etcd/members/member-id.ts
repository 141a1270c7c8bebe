import { sha1 } from '@noble/hashes/legacy.js'
import type { MemberId } from '../raft/types.ts'

/** etcd's default for --initial-cluster-token. */
const CLUSTER_TOKEN = 'etcd-cluster'
const firstEight = (bytes: Uint8Array): bigint => new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0)

/** The number of a member: of its addresses and, for one that was added later, of when. k8s: etcdserver/api/membership computeMemberID */
export function computeMemberId(peerUrls: readonly string[], addedSeconds?: number): MemberId {
  return String(firstEight(sha1(new TextEncoder().encode(`${[...peerUrls].sort().join('')}${CLUSTER_TOKEN}${addedSeconds ?? ''}`))))
}

/** The number of a cluster: of its first members' numbers. k8s: etcdserver/api/membership RaftCluster.genID */
export function computeClusterId(first: readonly MemberId[]): string {
  const bytes = new DataView(new ArrayBuffer(8 * first.length))
  first.map(BigInt).sort((a, b) => (a < b ? -1 : 1)).forEach((id, place) => bytes.setBigUint64(8 * place, id))
  return String(firstEight(sha1(new Uint8Array(bytes.buffer))))
}
