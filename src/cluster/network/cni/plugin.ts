import type { Clock } from '../../../base/clock.ts'
import type { FileSystem, NetStack, NetworkLink, NetworkRoute } from '../../../unix/types.ts'
import type { NodeKernel, PodDevices } from '../node-kernel.ts'
import type { PodNetworkRequest } from '../types.ts'
import type { PluginConfiguration } from './cni-folder.ts'

/** What a plugin finds on its node. */
export interface PluginContext {
  nodeName: string
  nodeIp: string
  files: FileSystem
  kernel: NodeKernel
  hostStack: NetStack
  clock: Clock
  /** Name of the network that is set up. */
  networkName: string
  /** The next free address of a range. @throws Error when there is none */
  allocate(range: string): string
  /** The address that a pod has already, which is only plugged in once more. */
  keeps?: string
  /** Looks for a plugin's program on the node. @throws Error in the words of libcni */
  findProgram(type: string): void
}

/** How a pod was plugged in. */
export interface PluginResult {
  ip: string
  /** The node's end. */
  outside: PodDevices
  /** What the pod sees. */
  inside: { links: readonly NetworkLink[]; routes: readonly NetworkRoute[] }
  /** Gives back what isn't the node's alone. */
  release?(): void
}

/** A program of the Container Network Interface that makes a pod's interface: its command ADD. @throws Error with the message that it prints */
export type CniPlugin = (pod: PodNetworkRequest, configuration: PluginConfiguration, context: PluginContext) => PluginResult | Promise<PluginResult>

/** A name for the node's end of a pod's cable: eight hexadecimal digits that belong to the pod. */
export function cableName(prefix: string, { namespace, name, uid }: PodNetworkRequest): string {
  let hash = 0x811c9dc5
  for (const letter of `${namespace}/${name}/${uid}`) hash = Math.imul(hash ^ letter.charCodeAt(0), 0x01000193) >>> 0
  return `${prefix}${hash.toString(16).padStart(8, '0')}`
}
