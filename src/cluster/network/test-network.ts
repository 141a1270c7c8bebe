/** For tests: nodes with kindnet's configuration and routes to each other. */
import type { Clock } from '../../base/clock.ts'
import { Random } from '../../base/random.ts'
import { createMemoryFileSystem } from '../../unix/file-system.ts'
import type { FileSystem, NetStack } from '../../unix/types.ts'
import { PLUGIN_BYTES, REFERENCE_PLUGINS } from './cni/node-cni.ts'
import { KINDNET_CONFIGURATION, kindnetConfiguration } from './kindnet.ts'
import { Network } from './network.ts'
import type { NodeKernel } from './node-kernel.ts'
import type { PodNetwork, PodNetworkRequest } from './types.ts'

/** A node of a test. */
export interface TestNetworkNode {
  hostStack: NetStack
  kernel: NodeKernel
  files: FileSystem
  addPod(pod: PodNetworkRequest): PodNetwork
}

/** A folder of plugins, and kindnet's configuration for a range. */
export function plugInKindnet(files: FileSystem, podCidr: string): void {
  for (const name of REFERENCE_PLUGINS) {
    files.mkdir('/opt/cni/bin', { recursive: true })
    files.writeFile(`/opt/cni/bin/${name}`, PLUGIN_BYTES)
  }
  files.mkdir('/etc/cni/net.d', { recursive: true })
  files.writeFile(KINDNET_CONFIGURATION, kindnetConfiguration(podCidr))
}

/** Nodes `a` and `b`, 10.89.0.2 and .3, with 10.244.0.0/24 and 10.244.1.0/24 for pods. */
export function testNetwork(clock: Clock): { network: Network; a: TestNetworkNode; b: TestNetworkNode } {
  const network = new Network({ clock, random: new Random('net'), podCidr: '10.244.0.0/16', serviceCidr: '10.96.0.0/16', hostCidr: '10.89.0.0/24' })
  const node = (name: string, number: number): TestNetworkNode => {
    const files = createMemoryFileSystem({ clock })
    plugInKindnet(files, `10.244.${number}.0/24`)
    const added = network.addNode(name, `10.89.0.${number + 2}`, () => files)
    const { kernel } = network.node(name)!
    kernel.replaceRoute({ destination: `10.244.${1 - number}.0/24`, via: `10.89.0.${3 - number}`, device: 'eth0' })
    return { hostStack: added.hostStack, kernel, files, addPod: (pod) => added.addPod(pod) as PodNetwork }
  }
  return { network, a: node('a', 0), b: node('b', 1) }
}
