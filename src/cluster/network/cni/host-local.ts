import { formatIPv4, parseCidr } from '../cidr.ts'
import type { PluginConfiguration } from './cni-folder.ts'
import type { PluginContext } from './plugin.ts'

/** What host-local gives a pod. */
export interface Allocation {
  ip: string
  /** First address of the range: the bridge's, or what a cable's other end has. */
  gateway: string
  prefix: number
}

/**
 * The plugin host-local: addresses of a range that belongs to the node, one after the other.
 * @throws Error with its messages
 */
export function allocateHostLocal({ ipam }: PluginConfiguration, context: PluginContext): Allocation {
  context.findProgram('host-local')
  const range = ipam?.ranges?.[0]?.[0]?.subnet ?? ipam?.subnet
  if (range === undefined) throw new Error('no IP ranges specified')
  let parsed
  try {
    parsed = parseCidr(range)
  } catch {
    throw new Error(`invalid range set 0: invalid CIDR address: ${range}`)
  }
  return { ip: context.allocate(range), gateway: formatIPv4(parsed.first + 1), prefix: Number(range.split('/')[1]) }
}
