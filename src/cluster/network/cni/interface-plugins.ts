import { hardwareAddress } from '../../../unix/net/addresses.ts'
import type { NetworkLink, NetworkRoute } from '../../../unix/types.ts'
import { formatIPv4, parseCidr } from '../cidr.ts'
import type { PluginConfiguration } from './cni-folder.ts'
import { allocateHostLocal } from './host-local.ts'
import type { CniPlugin } from './plugin.ts'
import { cableName } from './plugin.ts'

const MTU = 1500
const LOOPBACK: NetworkLink = { name: 'lo', kind: 'loopback', mtu: 65_536, hardwareAddress: '00:00:00:00:00:00', addresses: ['127.0.0.1/8'] }

/** A pod's own devices: lo, and eth0 with its address. */
export function podLinks(ip: string, prefix: number, mtu: number): NetworkLink[] {
  return [LOOPBACK, { name: 'eth0', kind: 'veth', mtu, hardwareAddress: hardwareAddress(ip), addresses: [`${ip}/${prefix}`] }]
}

/** @throws Error where a plugin is asked for addresses of another IPAM plugin than host-local */
function requireHostLocal({ ipam }: PluginConfiguration): void {
  if (ipam?.type !== undefined && ipam.type !== 'host-local') throw new Error(`drydock: addresses of the IPAM plugin ${ipam.type} are not supported here`)
}

/** A cable from the node to each pod, which the node has a route for. k8s: containernetworking/plugins plugins/main/ptp */
export const ptp: CniPlugin = (pod, configuration, context) => {
  requireHostLocal(configuration)
  const { ip, gateway, prefix } = allocateHostLocal(configuration, context)
  const name = cableName('veth', pod)
  const mtu = configuration.mtu ?? MTU
  const range = `${formatIPv4(parseCidr(`${ip}/${prefix}`).first)}/${prefix}`
  return {
    ip,
    outside: {
      links: [{ name, kind: 'veth', mtu, hardwareAddress: hardwareAddress(ip), addresses: [`${gateway}/32`] }],
      routes: [{ destination: ip, device: name, scope: 'host' }],
    },
    inside: {
      links: podLinks(ip, prefix, mtu),
      routes: [{ destination: 'default', via: gateway, device: 'eth0' }, { destination: range, via: gateway, device: 'eth0', source: ip }, { destination: gateway, device: 'eth0', scope: 'link', source: ip }],
    },
  }
}

/** A bridge on the node into which the cables of all its pods are plugged. k8s: containernetworking/plugins plugins/main/bridge */
export const bridge: CniPlugin = (pod, configuration, context) => {
  requireHostLocal(configuration)
  const { ip, gateway, prefix } = allocateHostLocal(configuration, context)
  const name = typeof configuration.bridge === 'string' ? configuration.bridge : 'cni0'
  const range = `${formatIPv4(parseCidr(`${ip}/${prefix}`).first)}/${prefix}`
  const mtu = configuration.mtu ?? MTU
  const known = context.kernel.devices().links.find((link) => link.name === name)
  const isGateway = configuration.isGateway === true || configuration.isDefaultGateway === true
  const own = `${gateway}/${prefix}`
  if (isGateway && known && known.addresses.length > 0 && !known.addresses.includes(own) && configuration.forceAddress !== true)
    throw new Error(`failed to set bridge addr: ${JSON.stringify(name)} already has an IP address different from ${own}`)
  context.kernel.addLink({ name, kind: 'bridge', mtu, hardwareAddress: hardwareAddress(gateway), addresses: isGateway ? [own] : known?.addresses ?? [] })
  if (isGateway) context.kernel.replaceRoute({ destination: range, device: name, protocol: 'kernel', scope: 'link', source: gateway })
  const further = (configuration.ipam as { routes?: { dst?: string }[] } | undefined)?.routes?.flatMap(({ dst }): NetworkRoute[] => dst === undefined || dst === '0.0.0.0/0' ? [] : [{ destination: dst, via: gateway, device: 'eth0' }]) ?? []
  return {
    ip,
    outside: { links: [{ name: cableName('veth', pod), kind: 'veth', mtu, hardwareAddress: hardwareAddress(ip), addresses: [], master: name }], routes: [] },
    inside: {
      links: podLinks(ip, prefix, mtu),
      routes: [...(isGateway ? [{ destination: 'default', via: gateway, device: 'eth0' }] : []), ...further, { destination: range, device: 'eth0', protocol: 'kernel', scope: 'link', source: ip }],
    },
  }
}
