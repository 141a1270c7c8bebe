import type { Log } from '../../base/log.ts'
import type { Api } from '../client/api.ts'
import type { Informers } from '../client/informers.ts'
import type { FileSystem, PacketFilter } from '../../unix/types.ts'
import type { Node } from '../kinds/generated/types.ts'
import type { CniPaths } from './cni/node-cni.ts'
import { hardwareAddress } from '../../unix/net/addresses.ts'
import { parseCidr, formatIPv4 } from './cidr.ts'
import { flannelAnnotations, lacks } from './flannel-annotations.ts'
import type { NodeKernel } from './node-kernel.ts'

/** Where k3s' containerd looks for configurations and plugins. */
export const K3S_CNI_PATHS: CniPaths = { configurations: '/var/lib/rancher/k3s/agent/etc/cni/net.d', programs: '/var/lib/rancher/k3s/data/cni' }
/** The plugins that k3s brings along. */
export const K3S_PLUGINS = ['bandwidth', 'bridge', 'firewall', 'flannel', 'host-local', 'loopback', 'portmap']

const MTU = 1450
/** The tunnel's end on each node. */
const VNI = 1
const DEVICE = `flannel.${VNI}`

export interface EmbeddedFlannelOptions {
  informers: Informers
  api: Api
  log: Log
  nodeName: string
  nodeIp: string
  /** The node's disk. */
  files: FileSystem
  kernel: NodeKernel
  podCidr: string
  policies: PacketFilter
}

/**
 * The pod network that k3s has in its process: flannel, and a controller that enforces network policies.
 * k3s: pkg/agent/flannel/setup.go, pkg/agent/netpol
 */
export function startEmbeddedFlannel({ informers, api, log, nodeName, nodeIp, files, kernel, podCidr, policies }: EmbeddedFlannelOptions): { stop(): void } {
  kernel.filters.add(policies)
  let known: string | undefined
  const configure = (range: string) => {
    known = range
    const { first } = parseCidr(range)
    write(files, '/run/flannel/subnet.env', `FLANNEL_NETWORK=${podCidr}\nFLANNEL_SUBNET=${formatIPv4(first + 1)}/${range.split('/')[1]}\nFLANNEL_MTU=${MTU}\nFLANNEL_IPMASQ=true\n`)
    write(files, `${K3S_CNI_PATHS.configurations}/10-flannel.conflist`, `${JSON.stringify({
      name: 'cbr0', cniVersion: '1.0.0',
      plugins: [
        { type: 'flannel', delegate: { hairpinMode: true, forceAddress: true, isDefaultGateway: true } }, { type: 'portmap', capabilities: { portMappings: true } }, { type: 'bandwidth', capabilities: { bandwidth: true } },
      ],
    }, undefined, 2)}\n`)
  }
  const device = (range: string) => {
    const first = range.split('/')[0]!
    kernel.addLink({ name: DEVICE, kind: 'vxlan', mtu: MTU, hardwareAddress: hardwareAddress(first), addresses: [`${first}/32`], details: `vxlan id ${VNI} dev eth0 srcport 0 0 dstport 8472 nolearning ttl auto ageing 300 udpcsum noudp6zerocsumtx noudp6zerocsumrx` })
  }
  let isAnnotating = false
  const annotate = async ({ metadata: { annotations } }: Node, range: string) => {
    const own = flannelAnnotations({ backend: 'vxlan', vni: VNI, range, publicIp: nodeIp })
    if (isAnnotating || !lacks(annotations, own)) return
    isAnnotating = true
    try {
      await api.patch('nodes', nodeName, undefined, 'application/strategic-merge-patch+json', { metadata: { annotations: own } }, { subresource: 'status', fieldManager: 'k3s' })
    } catch (error) {
      // The node's next change leads here again.
      log.warn('flannel could not annotate its node', { error: String(error) })
    } finally {
      isAnnotating = false
    }
  }
  /** The other nodes' ranges, by their names. */
  const led = new Map<string, string>()
  const lead = ({ metadata: { name }, spec: { podCIDR: range }, status }: Node) => {
    const address = status?.addresses?.find(({ type }) => type === 'InternalIP')?.address
    if (!range || !address || led.get(name!) === range) return
    led.set(name!, range)
    kernel.replaceRoute({ destination: range, via: range.split('/')[0]!, device: DEVICE, onlink: true, tunnel: address })
  }
  const stop = informers.for<Node>('nodes').onChanges((changes) => {
    for (const { type, object } of changes) {
      const { metadata: { name }, spec: { podCIDR: range } } = object
      if (name !== nodeName) {
        if (type !== 'delete') lead(object)
        else if (led.has(name!)) {
          kernel.removeRoute(led.get(name!)!)
          led.delete(name!)
        }
      } else if (type !== 'delete' && range) {
        void annotate(object, range)
        if (range === known) continue
        configure(range)
        device(range)
      }
    }
  })
  return {
    stop() {
      stop()
      kernel.filters.delete(policies)
    },
  }
}

function write(files: FileSystem, path: string, text: string): void {
  files.mkdir(path.slice(0, path.lastIndexOf('/')), { recursive: true })
  files.writeFile(path, text)
}
