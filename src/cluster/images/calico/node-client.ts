import { Ipam } from '../../calico/ipam.ts'
import { Datastore } from '../../calico/resources.ts'
import type { Call } from '../../calico/resources.ts'
import type { Node } from '../../kinds/generated/types.ts'
import type { Proc } from '../../../unix/types.ts'
import { apiCall } from '../in-cluster/api-call.ts'
import { clusterClient } from '../in-cluster/cluster-client.ts'
import type { ClusterClient } from '../in-cluster/cluster-client.ts'

/** What programs of Calico's in a pod know of the cluster. */
export interface CalicoClient {
  client: ClusterClient
  call: Call
  store: Datastore
  ipam: Ipam
}

/** Asks the API as the pod's service account. */
export function calicoClient(proc: Proc): CalicoClient {
  const client = clusterClient(proc, 'calico')
  const call: Call = (method, path, body) => apiCall(client, method, path, body)
  const store = new Datastore(call)
  return { client, call, store, ipam: new Ipam(store, () => proc.clock.nowMs()) }
}

/** Where calico-node leaves its node's name for the network plugin. */
export const NODE_NAME_FILE = '/var/lib/calico/nodename'
/** What Calico's annotations of Nodes begin with. */
export const PREFIX = 'projectcalico.org'

/** The name by which Calico knows its node. calico: node/pkg/lifecycle/utils DetermineNodeName */
export function nodeNameOf(proc: Proc): string {
  const said = proc.env.NODENAME?.trim()
  if (said) return said
  if (proc.fs.exists(NODE_NAME_FILE)) return proc.fs.readText(NODE_NAME_FILE)
  return (proc.env.HOSTNAME ?? proc.net.hostname).trim().toLowerCase()
}

/** One of Calico's annotations of a Node. */
export const annotationOf = (node: Node | undefined, name: string) => (node?.metadata.annotations as Record<string, string> | undefined)?.[`${PREFIX}/${name}`]

/** Writes annotations of a Node; null takes one away. */
export async function annotateNode(call: Call, node: string, annotations: Readonly<Record<string, string | null>>): Promise<void> {
  await call('PATCH', `/api/v1/nodes/${node}/status`, { metadata: { annotations } })
}

/** Says in the Node's status whether its network can be used. calico: SetNodeNetworkUnavailableCondition */
export async function setNetworkUnavailable(proc: Proc, call: Call, node: string, isUnavailable: boolean): Promise<void> {
  const now = `${new Date(proc.clock.nowMs()).toISOString().slice(0, 19)}Z`
  const [status, reason, message] = isUnavailable ? ['True', 'CalicoIsDown', 'Calico is shutting down on this node'] : ['False', 'CalicoIsUp', 'Calico is running on this node']
  await call('PATCH', `/api/v1/nodes/${node}/status`, { status: { conditions: [{ type: 'NetworkUnavailable', status, lastHeartbeatTime: now, lastTransitionTime: now, reason, message }] } })
}
