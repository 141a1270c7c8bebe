import { allocationsOf, isEmpty } from '../../calico/ipam-block.ts'
import type { AllocationAttribute } from '../../calico/ipam-block.ts'
import type { Ipam } from '../../calico/ipam.ts'
import type { Pod } from '../../kinds/generated/types.ts'
import type { Log } from './log.ts'

/** What there is of what addresses are given to. */
export interface Owners {
  nodes: ReadonlyMap<string, unknown>
  pods: ReadonlyMap<string, Pod>
}

/** Takes back addresses and blocks that nobody has any more. calico: kube-controllers/pkg/controllers/node/ipam.go */
export class IpamCollector {
  readonly #ipam: Ipam
  readonly #owners: Owners
  readonly #nowMs: () => number
  readonly #log: Log
  /** Since when an address looks as if nobody had it; by address and handle. */
  readonly #leaks = new Map<string, number>()
  /** Since when blocks are empty. */
  readonly #empty = new Map<string, number>()

  constructor(ipam: Ipam, owners: Owners, nowMs: () => number, log: Log) {
    this.#ipam = ipam
    this.#owners = owners
    this.#nowMs = nowMs
    this.#log = log
  }

  /** @param graceMs how long an address must look lost; 0: for ever */
  async collect(graceMs: number): Promise<void> {
    const blocks = await this.#ipam.blocks()
    const used = new Set<string>()
    const suspects = new Set<string>()
    const lost: { ip: string; attribute: AllocationAttribute }[] = []
    for (const { spec } of blocks) {
      for (const { ip, attribute } of allocationsOf(spec)) {
        const node = attribute.secondary?.node
        // Whose it is nobody knows: those of before attributes, and reserved ones.
        if (node === undefined) continue
        const isThere = this.#owners.nodes.has(node)
        if (this.#isValid(ip, attribute, isThere)) {
          used.add(node)
          continue
        }
        const id = `${ip} ${attribute.handle_id}`
        suspects.add(id)
        const since = this.#leaks.get(id) ?? this.#nowMs()
        this.#leaks.set(id, since)
        if (isThere && (graceMs === 0 || this.#nowMs() - since < graceMs)) continue
        lost.push({ ip, attribute })
      }
    }
    if (lost.length > 0) this.#log('INFO', 'ipam.go 1272', 'Garbage collecting leaked IP addresses', { num: lost.length })
    for (const { ip, attribute } of lost) await this.#ipam.releaseAddress(ip, ({ handle_id: handle }) => handle === attribute.handle_id)
    for (const id of this.#leaks.keys()) if (!suspects.has(id)) this.#leaks.delete(id)
    await this.#releaseBlocks(used, graceMs)
  }

  /** Blocks of nodes that are gone, and empty ones of nodes that have others. */
  async #releaseBlocks(used: ReadonlySet<string>, graceMs: number): Promise<void> {
    const affinities = await this.#ipam.affinities()
    const blocks = new Map((await this.#ipam.blocks()).map((block) => [block.spec.cidr, block]))
    const counts = new Map<string, number>()
    for (const { spec } of affinities) counts.set(spec.node, (counts.get(spec.node) ?? 0) + 1)
    const empty = new Set<string>()
    for (const affinity of affinities) {
      const { cidr, node, type } = affinity.spec
      if (type !== undefined && type !== 'host') continue
      if (!this.#owners.nodes.has(node)) {
        if (used.has(node)) { this.#log('INFO', 'ipam.go 973', "Can't cleanup node yet - IPs still in use on this node", { calicoNode: node }); continue }
        this.#log('INFO', 'ipam.go 1321', 'Cleaning up IPAM affinities for deleted node', { calicoNode: node })
        await this.#ipam.releaseAffinity(affinity, { mustBeEmpty: false })
        continue
      }
      const block = blocks.get(cidr)
      if (!block || !isEmpty(block.spec) || counts.get(node)! <= 1) continue
      empty.add(cidr)
      const since = this.#empty.get(cidr) ?? this.#nowMs()
      this.#empty.set(cidr, since)
      if (graceMs === 0 || this.#nowMs() - since < graceMs) continue
      this.#log('INFO', 'ipam.go 783', `Releasing affinity for empty block (node has ${counts.get(node)} total blocks)`, { blockCIDR: cidr, node })
      if (await this.#ipam.releaseAffinity(affinity, { mustBeEmpty: true })) counts.set(node, counts.get(node)! - 1)
    }
    for (const cidr of this.#empty.keys()) if (!empty.has(cidr)) this.#empty.delete(cidr)
  }

  #isValid(ip: string, { secondary = {} }: AllocationAttribute, isNodeThere: boolean): boolean {
    if (secondary.pod === undefined) return isNodeThere
    const pod = this.#owners.pods.get(`${secondary.namespace}/${secondary.pod}`)
    if (!pod || pod.spec.nodeName !== secondary.node || pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed') return false
    const said = (pod.metadata.annotations as Record<string, string> | undefined)?.['cni.projectcalico.org/podIP']
    const ips = [...said ? [said.split('/')[0]!] : [], ...pod.status?.podIPs?.map((each) => each.ip!) ?? []]
    // One that has none yet is about to get it.
    return ips.length === 0 || ips.includes(ip)
  }
}
