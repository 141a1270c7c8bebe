import type { Controller } from '../../client/controller-runner.ts'
import type { Node } from '../../kinds/generated/types.ts'

/** Bits of each node's part of the cluster's pod network. k8s: NodeCIDRMaskSizeIPv4 */
const NODE_PREFIX_LENGTH = 24

/** The subnets of a network, one for each node. k8s: pkg/controller/nodeipam/ipam/cidrset */
export class CidrSet {
  readonly #base: number
  readonly #count: number
  readonly #used = new Set<number>()
  #next = 0

  constructor(clusterCidr: string) {
    const [address = '', length = ''] = clusterCidr.split('/')
    this.#base = address.split('.').reduce((sum, byte) => sum * 256 + Number(byte), 0)
    this.#count = 2 ** (NODE_PREFIX_LENGTH - Number(length))
  }

  /** Marks a subnet as taken; one that isn't of this network is ignored. */
  occupy(cidr: string): void {
    const at = this.#indexOf(cidr)
    if (at !== undefined) this.#used.add(at)
  }

  release(cidr: string): void {
    const at = this.#indexOf(cidr)
    if (at !== undefined) this.#used.delete(at)
  }

  /** The next free subnet after the last one given; undefined when all are taken. */
  allocate(): string | undefined {
    for (let i = 0; i < this.#count; i++) {
      const at = (this.#next + i) % this.#count
      if (this.#used.has(at)) continue
      this.#used.add(at)
      this.#next = (at + 1) % this.#count
      const address = this.#base + at * 2 ** (32 - NODE_PREFIX_LENGTH)
      return `${[24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join('.')}/${NODE_PREFIX_LENGTH}`
    }
    return undefined
  }

  #indexOf(cidr: string): number | undefined {
    const address = cidr.split('/')[0]!.split('.').reduce((sum, byte) => sum * 256 + Number(byte), 0)
    const at = (address - this.#base) / 2 ** (32 - NODE_PREFIX_LENGTH)
    return Number.isInteger(at) && at >= 0 && at < this.#count ? at : undefined
  }
}

/** Gives every node its part of the pod network. k8s: pkg/controller/nodeipam */
export function nodeIpamController(clusterCidr: string): Controller {
  const cidrs = new CidrSet(clusterCidr)
  return {
    name: 'node-ipam-controller', for: 'nodes', workers: 1,
    wants: ({ type, object }) => {
      // Also called before the first run for every node that is there: none of their subnets is given out again.
      for (const cidr of (object as Node).spec?.podCIDRs ?? []) {
        if (type === 'delete') cidrs.release(cidr)
        else cidrs.occupy(cidr)
      }
      return type !== 'delete'
    },
    async reconcile(key, { api, cache, events }) {
      const node = cache.get<Node>('nodes', key)
      if (!node || node.metadata.deletionTimestamp !== undefined || node.spec?.podCIDRs?.length) return
      const cidr = cidrs.allocate()
      if (!cidr) {
        events.event({ apiVersion: 'v1', kind: 'Node', name: key, uid: key }, 'Normal', 'CIDRNotAvailable', `Node ${key} status is now: CIDRNotAvailable`)
        throw new Error(`failed to allocate cidr from cluster cidr: CIDR allocation failed; there are no remaining CIDRs left to allocate in the accepted range`)
      }
      try {
        await api.patch('nodes', key, undefined, 'application/strategic-merge-patch+json', { spec: { podCIDR: cidr, podCIDRs: [cidr] } })
      } catch (error) {
        cidrs.release(cidr)
        throw error
      }
    },
  }
}
