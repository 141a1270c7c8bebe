/** What the ConfigMap says of flannel's network. */
export interface NetConf {
  network: string
  backend: 'vxlan' | 'host-gw'
  vni: number
  directRouting: boolean
}

/** Reads net-conf.json. flannel: pkg/subnet/config.go ParseConfig @throws Error with flannel's words, or ours for what has no effect here */
export function readNetConf(text: string): NetConf {
  const read = JSON.parse(text) as { Network?: string; EnableIPv4?: boolean; EnableIPv6?: boolean; EnableNFTables?: boolean; Backend?: { Type?: string; VNI?: number; DirectRouting?: boolean; [field: string]: unknown } }
  const { Type: backend = 'udp', VNI: vni = 1, DirectRouting: directRouting = false, ...others } = read.Backend ?? {}
  if (read.EnableIPv6 || read.EnableIPv4 === false) throw new Error('drydock: networks of IPv6 are not supported')
  if (backend !== 'vxlan' && backend !== 'host-gw') throw new Error(['udp', 'wireguard', 'ipip', 'ipsec', 'alloc', 'extension', 'tencent-vpc', 'ali-vpc'].includes(backend) ? `drydock: the backend ${backend} is not supported` : `unknown backend type: ${backend}`)
  const unsupported = Object.keys(others)
  if (unsupported.length > 0) throw new Error(`drydock: ${unsupported.join(', ')} of the backend ${backend} is not supported`)
  return { network: read.Network ?? '', backend, vni, directRouting }
}

/** Whether a range lies in another. flannel: pkg/subnet/kube containsCIDR */
export function containsRange(outer: string, inner: string): boolean {
  const number = (ip: string) => ip.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
  const [[outerIp = '', outerBits = ''], [innerIp = '', innerBits = '']] = [outer.split('/'), inner.split('/')]
  if (!outerIp || !innerIp || Number(outerBits) > Number(innerBits)) return false
  const size = 2 ** (32 - Number(outerBits))
  return Math.floor(number(outerIp) / size) === Math.floor(number(innerIp) / size)
}
