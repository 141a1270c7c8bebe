import { cidrContains, formatIPv4, parseCidr, parseIPv4 } from '../network/cidr.ts'
import { addressAt, allocationsOf, assignOrdinal, isEmpty, newBlock, ordinalOf, rangeName, releaseOrdinals } from './ipam-block.ts'
import type { AllocationAttribute, Block, BlockSpec } from './ipam-block.ts'
import { isFailure } from './resources.ts'
import type { BlockAffinitySpec, Datastore, IpPool, IpPoolSpec, IpamConfigSpec, IpamHandleSpec, Resource } from './resources.ts'
import { parseSelector } from './selector.ts'
import type { Labels } from './selector.ts'

const RETRIES = 100
const DEFAULT_BLOCK_SIZE = 26
/** How many blocks a node may have where nothing is said. */
const MAX_BLOCKS = 20
/** How long nobody takes away a block that a node has just got, in milliseconds. */
const RECLAIM_AFTER_MS = 60_000

/** Who wants an address. */
export interface AddressRequest {
  node: string
  handle: string
  attributes: Record<string, string>
  use: 'Workload' | 'Tunnel'
  /** Ranges of pools that it must come from; from any where there are none. */
  pools?: readonly string[]
  /** Labels of the pod's namespace. */
  namespaceLabels?: Labels
}

/** Calico's address management: pools are cut into blocks, nodes take blocks, and pods get addresses of their node's blocks. calico: libcalico-go/lib/ipam */
export class Ipam {
  readonly #store: Datastore
  readonly #nowMs: () => number

  constructor(store: Datastore, nowMs: () => number) {
    this.#store = store
    this.#nowMs = nowMs
  }

  /** Gives away one address. @throws Error in Calico's words where there is none */
  async autoAssign(request: AddressRequest): Promise<string> {
    const isReserved = await this.#reservations()
    const pools = await this.#poolsFor(request)
    const config = await this.#config()
    const own = (await this.affinities(request.node)).map(({ spec: { cidr } }) => cidr).filter((cidr) => poolOf(pools, cidr))
    const assign = (cidr: string) => this.#assignFrom(cidr, request, isReserved, config.strictAffinity)
    for (const cidr of own) {
      const ip = await assign(cidr)
      if (ip !== undefined) return ip
    }
    const limit = config.maxBlocksPerHost || MAX_BLOCKS
    const complaints: string[] = []
    if (own.length >= limit) throw new Error(`cannot allocate new block due to per host block limit`)
    for (let attempt = 0; attempt < RETRIES; attempt++) {
      const cidr = await this.#findUsableBlock(pools, request.node, isReserved)
      if (cidr === undefined) {
        if (config.strictAffinity) complaints.push('No more free affine blocks and strict affinity enabled')
        break
      }
      if (!await this.#claim(cidr, request.node)) continue
      const ip = await assign(cidr)
      if (ip !== undefined) return ip
    }
    if (!config.strictAffinity) {
      for (const { spec } of pools) {
        for (const cidr of blocksOf(spec, request.node)) {
          const ip = await this.#store.get<BlockSpec>('ipamblocks', rangeName(cidr)) && await assign(cidr)
          if (ip !== undefined) return ip
        }
      }
      complaints.push(`No IPs available in pools: [${pools.map(({ spec }) => spec.cidr).join(' ')}]`)
    }
    throw new Error(['Assigned 0 out of 1 requested IPv4 addresses', ...complaints].join('; '))
  }

  /** Gives away a certain address. @throws Error in Calico's words */
  async assignAddress(ip: string, request: AddressRequest): Promise<void> {
    const pool = (await this.pools()).find(({ spec }) => contains(spec.cidr, ip))
    if (!pool) throw new Error(`the provided IP address ${ip} is not in a configured pool`)
    const cidr = blockAround(pool.spec, ip)
    if (!await this.#store.get('ipamblocks', rangeName(cidr))) await this.#claim(cidr, request.node)
    const { strictAffinity } = await this.#config()
    if (await this.#assignFrom(cidr, request, () => false, strictAffinity, ip) === undefined) throw new Error(`resource already exists: ${ip} with error: Address already assigned in block`)
  }

  /** What is known of an address; undefined where nobody has it. */
  async attributesOf(ip: string): Promise<AllocationAttribute | undefined> {
    const block = await this.#blockOf(ip)
    return block && allocationsOf(block.spec).find((each) => each.ip === ip)?.attribute
  }

  /** Takes back all addresses of a handle. */
  async releaseByHandle(handle: string): Promise<void> {
    const known = await this.#store.get<IpamHandleSpec>('ipamhandles', handle.toLowerCase())
    for (const cidr of Object.keys(known?.spec.block ?? {})) await this.#release(cidr, (each) => each.attribute.handle_id === handle)
  }

  /** Takes back one address, as long as it is whose it should be. */
  async releaseAddress(ip: string, isOwner: (attribute: AllocationAttribute) => boolean): Promise<void> {
    const block = await this.#blockOf(ip)
    if (block) await this.#release(block.spec.cidr, (each) => each.ip === ip && isOwner(each.attribute))
  }

  pools(): Promise<IpPool[]> {
    return this.#store.list<IpPoolSpec>('ippools')
  }

  blocks(): Promise<Block[]> {
    return this.#store.list<BlockSpec>('ipamblocks')
  }

  /** The blocks that a node has, or all. */
  async affinities(node?: string): Promise<Resource<BlockAffinitySpec>[]> {
    return (await this.#store.list<BlockAffinitySpec>('blockaffinities')).filter(({ spec }) => spec.deleted !== 'true' && (node === undefined || spec.node === node))
  }

  /** A block belongs to its node no more; one without addresses in use goes. calico: releaseBlockAffinity @returns whether it was the node's, and empty where that is asked for */
  async releaseAffinity(affinity: Resource<BlockAffinitySpec>, { mustBeEmpty }: { mustBeEmpty: boolean }): Promise<boolean> {
    const block = await this.#store.get<BlockSpec>('ipamblocks', rangeName(affinity.spec.cidr))
    if (block && block.spec.affinity !== undefined && block.spec.affinity !== `host:${affinity.spec.node}`) { await this.#remove('blockaffinities', affinity); return false }
    if (block && mustBeEmpty && !isEmpty(block.spec)) return false
    const doomed = await this.#store.update('blockaffinities', { ...affinity, spec: { ...affinity.spec, state: 'pendingDeletion' } })
    if (block && isEmpty(block.spec)) await this.#remove('ipamblocks', block)
    else if (block) {
      const { affinity: _affinity, affinityClaimTime: _time, ...spec } = block.spec
      await this.#update(block, spec)
    }
    await this.#remove('blockaffinities', doomed)
    return true
  }

  /** A block that belongs to no node, and in which nobody has an address, goes. */
  async removeEmptyBlock(block: Block): Promise<void> {
    if (block.spec.affinity === undefined && isEmpty(block.spec)) await this.#remove('ipamblocks', block)
  }

  /** calico: determinePools, filterPoolsByUse */
  async #poolsFor({ node, use, pools: wanted, namespaceLabels }: AddressRequest): Promise<IpPool[]> {
    const { metadata } = await this.#store.call<{ metadata: { labels?: Record<string, string> } }>('GET', `/api/v1/nodes/${node}`)
    const enabled = (await this.pools()).filter(({ spec }) => !spec.disabled && !spec.cidr.includes(':')).sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))
    for (const cidr of wanted ?? []) if (!enabled.some(({ spec }) => spec.cidr === cidr)) throw new Error(`the given pool (${cidr}) does not exist, or is not enabled`)
    const fitting = enabled.filter(({ spec }) => wanted?.length
      ? wanted.includes(spec.cidr)
      : spec.assignmentMode !== 'Manual' && parseSelector(spec.nodeSelector ?? '')(metadata.labels ?? {}) && (!spec.namespaceSelector || !namespaceLabels || parseSelector(spec.namespaceSelector)(namespaceLabels)))
    if (fitting.length === 0) throw new Error(`no configured Calico pools for node ${node}`)
    const allowed = fitting.filter(({ spec }) => !spec.allowedUses?.length || spec.allowedUses.includes(use))
    if (allowed.length === 0) throw new Error(`cannot find a qualified ippool, no pools match the required use (${use})`)
    return allowed
  }

  async #reservations(): Promise<(ip: string) => boolean> {
    const reserved = (await this.#store.list<{ reservedCIDRs?: string[] }>('ipreservations')).flatMap(({ spec }) => spec.reservedCIDRs ?? [])
    return (ip) => reserved.some((cidr) => contains(cidr, ip))
  }

  async #config(): Promise<IpamConfigSpec> {
    const known = await this.#store.get<IpamConfigSpec>('ipamconfigs', 'default')
    if (known) return known.spec
    const fresh = { autoAllocateBlocks: true, kubeVirtVMAddressPersistence: 'Enabled', maxBlocksPerHost: 0, strictAffinity: false }
    await this.#store.ensure('ipamconfigs', 'default', fresh)
    return fresh
  }

  /** A block that there isn't yet, or an empty one of another node when there are no others. */
  async #findUsableBlock(pools: readonly IpPool[], node: string, isReserved: (ip: string) => boolean): Promise<string | undefined> {
    const blocks = new Map((await this.blocks()).map((block) => [block.spec.cidr, block]))
    const empty: Block[] = []
    for (const { spec } of pools) {
      for (const cidr of blocksOf(spec, node)) {
        const block = blocks.get(cidr)
        if (!block || (block.spec.affinity === `host:${node}` && block.spec.unallocated.some((each) => !isReserved(addressAt(block.spec, each))))) return cidr
        if (isEmpty(block.spec)) empty.push(block)
      }
    }
    for (const block of empty) {
      if (block.spec.affinityClaimTime !== undefined && this.#nowMs() - Date.parse(block.spec.affinityClaimTime) < RECLAIM_AFTER_MS) continue
      const affinity = (await this.affinities()).find(({ spec }) => spec.cidr === block.spec.cidr)
      if (affinity ? await this.releaseAffinity(affinity, { mustBeEmpty: true }).catch(() => false) : await this.#remove('ipamblocks', block)) return block.spec.cidr
    }
    return undefined
  }

  /** Makes a block a node's. calico: getPendingAffinity, claimAffineBlock, confirmAffinity @returns whether it is the node's now */
  async #claim(cidr: string, node: string): Promise<boolean> {
    const name = `${node}-${rangeName(cidr)}`
    let affinity: Resource<BlockAffinitySpec>
    try {
      affinity = await this.#store.create<BlockAffinitySpec>('blockaffinities', name, { cidr, deleted: 'false', node, state: 'pending', type: 'host' })
    } catch (error) {
      const known = isFailure(error, 'AlreadyExists') ? await this.#store.get<BlockAffinitySpec>('blockaffinities', name) : undefined
      if (!known) throw error
      affinity = known
    }
    try {
      await this.#store.create('ipamblocks', rangeName(cidr), newBlock(cidr, node, this.#nowMs()))
    } catch (error) {
      if (!isFailure(error, 'AlreadyExists')) throw error
      const block = await this.#store.get<BlockSpec>('ipamblocks', rangeName(cidr))
      if (block?.spec.affinity !== `host:${node}`) {
        await this.#remove('blockaffinities', affinity)
        return false
      }
    }
    for (let attempt = 0; affinity.spec.state !== 'confirmed' && attempt < RETRIES; attempt++) {
      try {
        affinity = await this.#store.update('blockaffinities', { ...affinity, spec: { ...affinity.spec, state: 'confirmed' } })
      } catch (error) {
        // Another process of the node may have confirmed it.
        const known = isFailure(error, 'Conflict') ? await this.#store.get<BlockAffinitySpec>('blockaffinities', name) : undefined
        if (!known) throw error
        affinity = known
      }
    }
    return true
  }

  /** @returns undefined where the block has no free address, or not the wanted one */
  async #assignFrom(cidr: string, { node, handle, attributes }: AddressRequest, isReserved: (ip: string) => boolean, mustBeOwn: boolean, wanted?: string): Promise<string | undefined> {
    for (let attempt = 0; attempt < RETRIES; attempt++) {
      const block = await this.#store.get<BlockSpec>('ipamblocks', rangeName(cidr))
      if (!block || (mustBeOwn && block.spec.affinity !== `host:${node}`)) return undefined
      const spec = structuredCopy(block.spec)
      const ordinal = assignOrdinal(spec, handle, attributes, isReserved, wanted === undefined ? undefined : ordinalOf(spec, wanted))
      if (ordinal === undefined) return undefined
      await this.#countHandle(handle, cidr, 1)
      try {
        await this.#update(block, spec)
        return addressAt(spec, ordinal)
      } catch (error) {
        await this.#countHandle(handle, cidr, -1)
        if (!isFailure(error, 'Conflict')) throw error
      }
    }
    throw new Error('max retries hit - excessive concurrent IPAM requests')
  }

  async #release(cidr: string, which: (each: ReturnType<typeof allocationsOf>[number]) => boolean): Promise<void> {
    for (let attempt = 0; attempt < RETRIES; attempt++) {
      const block = await this.#store.get<BlockSpec>('ipamblocks', rangeName(cidr))
      const ordinals = block ? allocationsOf(block.spec).filter(which).map(({ ordinal }) => ordinal) : []
      if (!block || ordinals.length === 0) return
      const spec = structuredCopy(block.spec)
      const counts = releaseOrdinals(spec, ordinals)
      try {
        if (spec.affinity === undefined && isEmpty(spec)) await this.#store.delete('ipamblocks', block)
        else await this.#update(block, spec)
      } catch (error) {
        if (isFailure(error, 'Conflict', 'NotFound')) continue
        throw error
      }
      for (const [handle, count] of counts) await this.#countHandle(handle, cidr, -count)
      return
    }
    throw new Error('max retries hit - excessive concurrent IPAM requests')
  }

  /** A handle counts its addresses in each block, and goes with the last. */
  async #countHandle(handle: string, cidr: string, by: number): Promise<void> {
    const name = handle.toLowerCase()
    for (let attempt = 0; attempt < RETRIES; attempt++) {
      const known = await this.#store.get<IpamHandleSpec>('ipamhandles', name)
      try {
        if (!known) {
          if (by > 0) await this.#store.create<IpamHandleSpec>('ipamhandles', name, { block: { [cidr]: by }, deleted: false, handleID: handle })
          return
        }
        const count = (known.spec.block[cidr] ?? 0) + by
        const { [cidr]: _before, ...others } = known.spec.block
        const block = count > 0 ? { ...others, [cidr]: count } : others
        if (Object.keys(block).length === 0) await this.#store.delete('ipamhandles', known)
        else await this.#store.update('ipamhandles', { ...known, spec: { ...known.spec, block } })
        return
      } catch (error) {
        if (!isFailure(error, 'Conflict', 'AlreadyExists', 'NotFound')) throw error
      }
    }
    throw new Error('max retries hit - excessive concurrent IPAM requests')
  }

  #update(block: Block, spec: BlockSpec): Promise<Block> {
    return this.#store.update('ipamblocks', { ...block, spec: { ...spec, sequenceNumber: (spec.sequenceNumber ?? 0) + 1 } })
  }

  /** @returns whether it went; false where somebody else was faster */
  async #remove(resource: 'ipamblocks' | 'blockaffinities', object: Resource<unknown>): Promise<boolean> {
    try {
      await this.#store.delete(resource, object)
      return true
    } catch (error) {
      if (isFailure(error, 'Conflict', 'NotFound')) return false
      throw error
    }
  }

  async #blockOf(ip: string): Promise<Block | undefined> {
    const pool = (await this.pools()).find(({ spec }) => contains(spec.cidr, ip))
    if (pool) return this.#store.get<BlockSpec>('ipamblocks', rangeName(blockAround(pool.spec, ip)))
    // Its pool may have gone since.
    return (await this.blocks()).find(({ spec }) => contains(spec.cidr, ip))
  }
}

/** Whether a range has an address. */
export function contains(cidr: string, ip: string): boolean {
  return !cidr.includes(':') && !ip.includes(':') && cidrContains(parseCidr(cidr.includes('/') ? cidr : `${cidr}/32`), parseIPv4(ip))
}

/** The pool that a block is cut from. */
export function poolOf(pools: readonly IpPool[], cidr: string): IpPool | undefined {
  return pools.find(({ spec }) => contains(spec.cidr, cidr.split('/')[0]!))
}

function blockAround({ blockSize = DEFAULT_BLOCK_SIZE }: IpPoolSpec, ip: string): string {
  const size = 2 ** (32 - blockSize)
  return `${formatIPv4(Math.floor(parseIPv4(ip) / size) * size)}/${blockSize}`
}

/**
 * A pool's blocks, from one on that a node's name stands for, so that nodes rarely want the same.
 * calico: randomBlockGenerator. differs: which that is, as it takes Go's generator of random numbers
 */
function* blocksOf({ cidr, blockSize = DEFAULT_BLOCK_SIZE }: IpPoolSpec, node: string): Generator<string> {
  const { first, size } = parseCidr(cidr)
  const step = 2 ** (32 - blockSize)
  const count = Math.floor(size / step)
  let hash = 0x811c9dc5
  for (const letter of node) hash = (Math.imul(hash, 0x01000193) ^ letter.charCodeAt(0)) >>> 0
  for (let i = 0; i < count; i++) yield `${formatIPv4(first + ((hash + i) % count) * step)}/${blockSize}`
}

const structuredCopy = (spec: BlockSpec): BlockSpec => ({ ...spec, allocations: [...spec.allocations], attributes: [...spec.attributes], unallocated: [...spec.unallocated], sequenceNumberForAllocation: { ...spec.sequenceNumberForAllocation } })
