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
    let isOccupied = false
    if (known === undefined) log('INFO', 'allocateip.go 315', 'Assign a new tunnel address', { type })
    else {
      const owned = await ipam.attributesOf(known)
      const isOwn = owned?.secondary?.type === type && owned.secondary.node === node
      if (isOwn && ranges.some((range) => contains(range, known))) {
        log('INFO', 'allocateip.go 342', 'Current address is still valid, do nothing', { currentAddr: known, type })
        continue
      }
      isOccupied = owned !== undefined && !isOwn
      if (isOwn) log('INFO', 'allocateip.go 338', 'Current address is not in a valid pool, release it and reassign', { currentAddr: known, type })
      else if (isOccupied) log('INFO', 'allocateip.go 378', 'Current address is occupied, assign a new one', { currentAddr: known, type })
      else log('INFO', 'allocateip.go 382', 'Current address is not assigned, assign a new one', { currentAddr: known, type })
    }
    if (!isOccupied) {
      log('INFO', 'allocateip.go 395', 'Release any old tunnel addresses', { IP: known ?? '', type })
      await ipam.releaseByHandle(owner)
    }
    const ip = await ipam.autoAssign({ node, handle: owner, attributes: { node, type }, use: 'Tunnel', pools: ranges })
    log('INFO', 'allocateip.go 518', 'Assigned tunnel address to node', { IP: ip, type })
    log('INFO', 'allocateip.go 409', 'Assign new tunnel address', { IP: ip, type })
    await annotateNode(call, node, { [annotation]: ip })
  }
}
