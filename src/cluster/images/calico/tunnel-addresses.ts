import type { IpPoolSpec } from '../../calico/resources.ts'
import { contains } from '../../calico/ipam.ts'
import { parseSelector } from '../../calico/selector.ts'
import type { Node } from '../../kinds/generated/types.ts'
import type { Log } from './log.ts'
import { PREFIX, annotateNode } from './node-client.ts'
import type { CalicoClient } from './node-client.ts'

const TUNNELS = [
  { annotation: `${PREFIX}/IPv4IPIPTunnelAddr`, mode: 'ipipMode', type: 'ipipTunnelAddress', handle: 'ipip-tunnel-addr' },
  { annotation: `${PREFIX}/IPv4VXLANTunnelAddr`, mode: 'vxlanMode', type: 'vxlanTunnelAddress', handle: 'vxlan-tunnel-addr' },
] as const

/** Gives the node's tunnels addresses of the pools that need them, and takes back what isn't needed any more. calico: node/pkg/allocateip reconcileTunnelAddrs */
export async function allocateTunnelAddresses({ call, store, ipam }: CalicoClient, node: string, log: Log): Promise<void> {
  const { metadata } = await call<Node>('GET', `/api/v1/nodes/${node}`)
  const annotations = metadata.annotations as Record<string, string> | undefined
  const pools = (await store.list<IpPoolSpec>('ippools')).filter(({ spec }) => !spec.disabled && !spec.cidr.includes(':') && parseSelector(spec.nodeSelector ?? '')(metadata.labels as Record<string, string> ?? {}))
  for (const { annotation, mode, type, handle } of TUNNELS) {
    const ranges = pools.filter(({ spec }) => (spec[mode] ?? 'Never') !== 'Never' && (!spec.allowedUses?.length || spec.allowedUses.includes('Tunnel'))).map(({ spec }) => spec.cidr)
    const known = annotations?.[annotation]
    const owner = `${handle}-${node}`
    if (ranges.length === 0) {
      if (known === undefined) continue
      await ipam.releaseByHandle(owner)
      await annotateNode(call, node, { [annotation]: null })
      continue
    }
    if (known !== undefined) {
      const owned = (await ipam.attributesOf(known))?.secondary
      if (owned?.type === type && owned.node === node && ranges.some((range) => contains(range, known))) {
        log('INFO', 'allocateip.go 305', 'Current address is still valid, do nothing', { currentAddr: known, type })
        continue
      }
    }
    log('INFO', 'allocateip.go 281', 'Assign a new tunnel address', { type })
    await ipam.releaseByHandle(owner)
    const ip = await ipam.autoAssign({ node, handle: owner, attributes: { node, type }, use: 'Tunnel', pools: ranges })
    await annotateNode(call, node, { [annotation]: ip })
    log('INFO', 'allocateip.go 389', 'Assign new tunnel address', { IP: ip, type })
  }
}
