import type { Informer, Informers } from '../client/informers.ts'
import type { PacketFilter } from '../../unix/types.ts'
import type { Node } from '../kinds/generated/types.ts'
import { NodeKernel } from './node-kernel.ts'
import { RouteTable } from './route-table.ts'

/** What an agent of kindnet knows of where it runs. */
export interface KindnetAgent {
  /** The address by which it finds its own node. */
  hostIp: string
  /** The kernel whose network it may change; undefined in a pod with a network of its own. */
  kernel: unknown
  /** Writes a file of its own, which may be the node's. */
  write(path: string, text: string): void
}

/**
 * What kindnet's agents do: each writes the configuration of its node once that has a range, leads the ranges of the other nodes to them, and
 * enforces network policies as long as it runs. The routes are the same everywhere, so that the agents share a table; one that ends leaves a copy.
 */
// k8s: sigs.k8s.io/kind images/kindnetd/cmd/kindnetd main.go. differs: it follows nodes instead of looking at them every 10 s
export class Kindnet {
  readonly #nodes: Informer<Node>
  readonly #policies: PacketFilter
  readonly #routes = new RouteTable()
  readonly #agents = new Set<KindnetAgent>()
  readonly #stop: () => void

  constructor(informers: Informers, policies: PacketFilter) {
    this.#nodes = informers.for<Node>('nodes')
    this.#policies = policies
    this.#stop = this.#nodes.onChanges((changes) => {
      // Ranges of nodes that have gone stay until somebody else gets them.
      for (const change of changes) if (change.type !== 'delete') this.#take(change.object, this.#agents)
    })
  }

  stop(): void {
    this.#stop()
  }

  /** An agent begins. Returns what to call when it has ended. */
  begin(agent: KindnetAgent): () => void {
    const kernel = agent.kernel instanceof NodeKernel ? agent.kernel : undefined
    this.#agents.add(agent)
    kernel?.share(this.#routes)
    kernel?.filters.add(this.#policies)
    for (const node of this.#nodes.list()) this.#take(node, [agent])
    return () => {
      this.#agents.delete(agent)
      kernel?.unshare(this.#routes)
      // Its packets' queue is open when nobody listens.
      kernel?.filters.delete(this.#policies)
    }
  }

  #take(node: Node, agents: Iterable<KindnetAgent>): void {
    const podCidr = node.spec.podCIDR
    const ip = node.status?.addresses?.find(({ type }) => type === 'InternalIP')?.address
    if (!podCidr || !ip || podCidr.includes(':')) return
    this.#routes.replace({ destination: podCidr, via: ip, device: 'eth0' })
    for (const agent of agents) if (agent.hostIp === ip) agent.write(KINDNET_CONFIGURATION, kindnetConfiguration(podCidr))
  }
}

/** The file that the agent writes. */
export const KINDNET_CONFIGURATION = '/etc/cni/net.d/10-kindnet.conflist'

/** What stands in it. k8s: cni.go cniConfigTemplate */
export function kindnetConfiguration(podCidr: string, mtu = 1500): string {
  return `
{
	"cniVersion": "0.3.1",
	"name": "kindnet",
	"plugins": [
	{
		"type": "ptp",
		"ipMasq": false,
		"ipam": {
			"type": "host-local",
			"dataDir": "/run/cni-ipam-state",
			"routes": [
				
				
				{ "dst": "0.0.0.0/0" }
			],
			"ranges": [
				
				
				[ { "subnet": "${podCidr}" } ]
			]
		}
		,
		"mtu": ${mtu}
		
	},
	{
		"type": "portmap",
		"capabilities": {
			"portMappings": true
		}
	}
	]
}
`
}
