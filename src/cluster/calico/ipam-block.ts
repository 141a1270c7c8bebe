import { formatIPv4, parseCidr, parseIPv4 } from '../network/cidr.ts'
import type { Resource } from './resources.ts'

/** Whose some of a block's addresses are. */
export interface AllocationAttribute {
  handle_id?: string
  /** pod, namespace, node, timestamp; type for the address of a tunnel. */
  secondary?: Record<string, string>
}

/** A range of addresses that belongs to a node, and who has which. */
export interface BlockSpec {
  cidr: string
  /** `host:NODE`. */
  affinity?: string
  affinityClaimTime?: string
  /** For each address what in `attributes` speaks of it, null where it is free. */
  allocations: (number | null)[]
  attributes: AllocationAttribute[]
  /** Free addresses, in the order in which they are given away: what was returned last comes last. */
  unallocated: number[]
  strictAffinity: boolean
  deleted?: boolean
  sequenceNumber?: number
  sequenceNumberForAllocation?: Record<string, number>
}
/** The object that a range and its addresses are kept in. */
export type Block = Resource<BlockSpec>

/** `10-244-1-0-26`, the name of a range's object. */
export const rangeName = (cidr: string) => cidr.replaceAll('.', '-').replace('/', '-')

/** calico: libcalico-go/lib/ipam/ipam_block.go newBlock. differs: it counts from milliseconds, as nanoseconds are no number of JavaScript's */
export function newBlock(cidr: string, node: string, nowMs: number): BlockSpec {
  const { size } = parseCidr(cidr)
  return {
    cidr, affinity: `host:${node}`, affinityClaimTime: `${new Date(nowMs).toISOString().slice(0, 19)}Z`, allocations: new Array<null>(size).fill(null), attributes: [], deleted: false,
    sequenceNumber: Math.floor(nowMs), sequenceNumberForAllocation: {}, strictAffinity: false, unallocated: Array.from({ length: size }, (_, i) => i),
  }
}

/** The address at a place of a block. */
export const addressAt = ({ cidr }: BlockSpec, ordinal: number) => formatIPv4(parseCidr(cidr).first + ordinal)
/** The place of an address in a block. */
export const ordinalOf = ({ cidr }: BlockSpec, ip: string) => parseIPv4(ip) - parseCidr(cidr).first

/** Gives an address away, the next free one or a certain one. @returns its place, undefined where none is free */
export function assignOrdinal(block: BlockSpec, handle: string, secondary: Record<string, string>, isReserved: (ip: string) => boolean, wanted?: number): number | undefined {
  const ordinal = wanted === undefined ? block.unallocated.find((each) => !isReserved(addressAt(block, each))) : block.unallocated.find((each) => each === wanted)
  if (ordinal === undefined) return undefined
  let attribute = block.attributes.findIndex((each) => each.handle_id === handle && isSame(each.secondary ?? {}, secondary))
  if (attribute < 0) attribute = block.attributes.push({ handle_id: handle, secondary }) - 1
  block.allocations[ordinal] = attribute
  block.unallocated.splice(block.unallocated.indexOf(ordinal), 1)
  block.sequenceNumberForAllocation = { ...block.sequenceNumberForAllocation, [ordinal]: block.sequenceNumber ?? 0 }
  return ordinal
}

/** Takes addresses back. @returns by handle how many those were */
export function releaseOrdinals(block: BlockSpec, ordinals: readonly number[]): Map<string, number> {
  const byHandle = new Map<string, number>()
  for (const ordinal of ordinals) {
    const attribute = block.allocations[ordinal]
    if (attribute === null || attribute === undefined) continue
    const handle = block.attributes[attribute]?.handle_id
    if (handle !== undefined) byHandle.set(handle, (byHandle.get(handle) ?? 0) + 1)
    block.allocations[ordinal] = null
    block.unallocated.push(ordinal)
    delete block.sequenceNumberForAllocation?.[ordinal]
  }
  const kept = [...new Set(block.allocations.filter((i) => i !== null))].sort((a, b) => a - b)
  const moved = new Map(kept.map((before, i) => [before, i]))
  block.attributes = kept.map((i) => block.attributes[i]!)
  block.allocations = block.allocations.map((i) => (i === null ? null : moved.get(i)!))
  return byHandle
}

/** Whether nobody has an address of a block. */
export const isEmpty = ({ allocations }: BlockSpec) => allocations.every((each) => each === null)

/** Addresses in use with what is known of them. */
export function allocationsOf(block: BlockSpec): { ordinal: number; ip: string; attribute: AllocationAttribute }[] {
  return block.allocations.flatMap((index, ordinal) => (index === null ? [] : [{ ordinal, ip: addressAt(block, ordinal), attribute: block.attributes[index] ?? {} }]))
}

function isSame(a: Record<string, string>, b: Record<string, string>): boolean {
  const names = Object.keys(a)
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name])
}
