import { UnixError } from '../../../unix/types.ts'
import { parseCidr } from '../cidr.ts'
import type { PluginConfiguration } from './cni-folder.ts'
import { bridge } from './interface-plugins.ts'
import type { CniPlugin, PluginContext } from './plugin.ts'

const SUBNET_FILE = '/run/flannel/subnet.env'

/** What flanneld says of the node's part of its network. */
interface SubnetEnv {
  network: string
  subnet: string
  mtu: number
  masquerades: boolean
}

/** The plugin that flannel installs: it asks the bridge for what flanneld's file says. flannel-io/cni-plugin: flannel.go, flannel_linux.go */
export const flannel: CniPlugin = (pod, configuration, context) => {
  const env = readSubnetEnv(configuration, context)
  const delegate: PluginConfiguration = {
    type: 'bridge', ipMasq: !env.masquerades, mtu: env.mtu, isGateway: true, ...configuration.delegate as object,
    ipam: { type: 'host-local', ranges: [[{ subnet: env.subnet }]], ...{ routes: [{ dst: env.network }] } },
  }
  try {
    context.findProgram(delegate.type)
    if (delegate.type !== 'bridge') throw new Error(`drydock: ${delegate.type} in the place of bridge is not supported`)
    return bridge(pod, delegate, context)
  } catch (error) {
    throw new Error(`failed to delegate add: ${(error as Error).message}`)
  }
}

function readSubnetEnv({ subnetFile }: PluginConfiguration, { files }: PluginContext): SubnetEnv {
  const path = typeof subnetFile === 'string' ? subnetFile : SUBNET_FILE
  let text
  try {
    text = files.readText(path)
  } catch (error) {
    throw new Error(`loadFlannelSubnetEnv failed: open ${path}: ${(error as UnixError).code === 'ENOENT' ? 'no such file or directory' : (error as Error).message}`)
  }
  const values = new Map(text.split('\n').filter((line) => line.includes('=')).map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]))
  const missing = [...(values.has('FLANNEL_NETWORK') ? [] : ['FLANNEL_NETWORK', 'FLANNEL_IPV6_NETWORK']), ...(values.has('FLANNEL_SUBNET') ? [] : ['FLANNEL_SUBNET', 'FLANNEL_IPV6_SUBNET']), ...['FLANNEL_MTU', 'FLANNEL_IPMASQ'].filter((name) => !values.has(name))]
  if (missing.length > 0) throw new Error(`loadFlannelSubnetEnv failed: ${path} is missing ${missing.join(', ')}`)
  for (const name of ['FLANNEL_NETWORK', 'FLANNEL_SUBNET']) {
    try {
      parseCidr(values.get(name)!)
    } catch {
      throw new Error(`loadFlannelSubnetEnv failed: invalid CIDR address: ${values.get(name)}`)
    }
  }
  return { network: values.get('FLANNEL_NETWORK')!, subnet: values.get('FLANNEL_SUBNET')!, mtu: Number(values.get('FLANNEL_MTU')), masquerades: values.get('FLANNEL_IPMASQ') === 'true' }
}
