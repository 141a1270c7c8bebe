import type { EndpointAddress, EndpointSubset } from '../../kinds/generated/types.ts'
import { goDump } from '../../kinds/go-dump.ts'
import { compact } from '../compact.ts'

export type SubsetPort = NonNullable<EndpointSubset['ports']>[number]

/** One address behind one port; without a port for a Service that has none. */
export interface SubsetEntry {
  address: EndpointAddress
  ready: boolean
  port: SubsetPort | undefined
}

/** k8s: pkg/controller/endpoint maxCapacity */
const MAX_ADDRESSES = 1000

/** Addresses grouped by the ports they have in common, everything in order. k8s: pkg/api/v1/endpoints RepackSubsets */
export function packSubsets(entries: readonly SubsetEntry[]): EndpointSubset[] {
  const known = new Map<string, EndpointAddress>()
  const byPort = new Map<string, { port: SubsetPort | undefined; addresses: Map<string, boolean> }>()
  for (const { address, ready, port } of entries) {
    const key = port ? JSON.stringify([port.name, port.port, port.protocol, port.appProtocol]) : ''
    let group = byPort.get(key)
    if (!group) byPort.set(key, group = { port, addresses: new Map() })
    const id = `${address.ip}/${address.targetRef?.uid ?? ''}`
    if (!known.has(id)) known.set(id, address)
    // Not ready wins.
    group.addresses.set(id, ready && (group.addresses.get(id) ?? true))
  }
  const byAddresses = new Map<string, { ports: SubsetPort[]; addresses: Map<string, boolean> }>()
  for (const { port, addresses } of byPort.values()) {
    const key = [...addresses].map(([id, ready]) => `${id}=${ready}`).sort().join('|')
    let group = byAddresses.get(key)
    if (!group) byAddresses.set(key, group = { ports: [], addresses })
    if (port) group.ports.push(port)
  }
  const subsets = [...byAddresses.values()].map(({ ports, addresses }) => {
    const those = (wanted: boolean) => {
      const list = [...addresses].filter(([, ready]) => ready === wanted).map(([id]) => known.get(id)!).sort(compareAddresses)
      return list.length > 0 ? list : undefined
    }
    return compact<EndpointSubset>({ addresses: those(true), notReadyAddresses: those(false), ports: ports.length > 0 ? sortByHash('io.k8s.api.core.v1.EndpointPort', ports) : undefined })
  })
  return sortByHash('io.k8s.api.core.v1.EndpointSubset', subsets)
}

/** The entries that subsets are made of. */
export function subsetEntries(subsets: readonly EndpointSubset[]): SubsetEntry[] {
  return subsets.flatMap(({ addresses = [], notReadyAddresses = [], ports }) => (ports?.length ? ports : [undefined]).flatMap((port) => [
    ...addresses.map((address) => ({ address, ready: true, port })), ...notReadyAddresses.map((address) => ({ address, ready: false, port })),
  ]))
}

const compareText = (a: string, b: string) => a < b ? -1 : a > b ? 1 : 0

/** By the text of the address. k8s: LessEndpointAddress */
function compareAddresses(a: EndpointAddress, b: EndpointAddress): number {
  if (a.ip !== b.ip) return compareText(a.ip, b.ip)
  if (!a.targetRef !== !b.targetRef) return a.targetRef ? 1 : -1
  return compareText(a.targetRef?.uid ?? '', b.targetRef?.uid ?? '')
}

const encoder = new TextEncoder()

/** Ports and subsets stand in an order that says nothing but is the same everywhere. k8s: portsByHash, subsetsByHash */
function sortByHash<T>(schema: string, items: T[]): T[] {
  if (items.length < 2) return items
  return items.map((item) => ({ item, hash: fnv128a(encoder.encode(goDump(schema, item))) })).sort((a, b) => compareText(a.hash, b.hash)).map(({ item }) => item)
}

/** FNV-1a with 128 bits in hexadecimal, as hash/fnv New128a. */
export function fnv128a(bytes: ArrayLike<number>): string {
  // 16 bits each, a the lowest: all stays within 32 bits. The prime is 2^88 + 0x13b. Written out, as a Service with many pods has hundreds of kB to hash.
  let [h, g, f, e, d, c, b, a] = [0x6c62, 0x272e, 0x07bb, 0x0142, 0x62b8, 0x2175, 0x6295, 0xc58d]
  for (let i = 0; i < bytes.length; i++) {
    const low = a ^ bytes[i]!
    const second = b
    const third = c
    a = low * 0x13b
    b = b * 0x13b + (a >>> 16)
    c = c * 0x13b + (b >>> 16)
    d = d * 0x13b + (c >>> 16)
    e = e * 0x13b + (d >>> 16)
    f = f * 0x13b + (e >>> 16) + (low << 8 & 0xffff)
    g = g * 0x13b + (f >>> 16) + (second << 8 & 0xffff | low >>> 8)
    h = h * 0x13b + (g >>> 16) + (third << 8 & 0xffff | second >>> 8) & 0xffff
    a &= 0xffff
    b &= 0xffff
    c &= 0xffff
    d &= 0xffff
    e &= 0xffff
    f &= 0xffff
    g &= 0xffff
  }
  return [h, g, f, e, d, c, b, a].map((part) => part.toString(16).padStart(4, '0')).join('')
}

/**
 * At most 1000 addresses: of more than 1000 ready ones each subset keeps its share, else those that aren't ready share what is left. Returns whether some
 * were left out. k8s: truncateEndpoints
 */
export function truncateSubsets(subsets: EndpointSubset[]): boolean {
  const count = (field: 'addresses' | 'notReadyAddresses') => subsets.reduce((sum, subset) => sum + (subset[field]?.length ?? 0), 0)
  const ready = count('addresses')
  const notReady = count('notReadyAddresses')
  if (ready + notReady <= MAX_ADDRESSES) return false
  const field = ready > MAX_ADDRESSES ? 'addresses' : 'notReadyAddresses'
  const total = ready > MAX_ADDRESSES ? ready : notReady
  const room = ready > MAX_ADDRESSES ? MAX_ADDRESSES : MAX_ADDRESSES - ready
  let left = room
  for (const subset of subsets) {
    if (field === 'addresses') delete subset.notReadyAddresses
    const list = subset[field]
    if (!list) continue
    const kept = list.slice(0, Math.min(left, Math.ceil(list.length / total * room)))
    left -= kept.length
    if (kept.length > 0) subset[field] = kept
    else delete subset[field]
  }
  return true
}
