/** One pod behind a service port. */
export interface ServiceEndpoint {
  ip: string
  port: number
  nodeName: string | undefined
  /** It still serves while it terminates: only for those who find no ready one. */
  isTerminating?: boolean
  /** For whom it is near; undefined: nobody in particular. */
  hints?: { nodes: readonly string[]; zones: readonly string[] }
}

/** What a node may use of a service port's endpoints. */
export interface UsableEndpoints {
  /** For the traffic policy Cluster. */
  cluster: readonly ServiceEndpoint[]
  /** For the traffic policy Local. */
  local: readonly ServiceEndpoint[]
}

/**
 * Ready endpoints, or where there are none those that still serve while they terminate: for either policy on its own, as a node that has none of
 * its own left sends external traffic to those that end while other nodes have ready ones. k8s: pkg/proxy/topology.go CategorizeEndpoints
 */
export function usableEndpoints(endpoints: readonly ServiceEndpoint[], nodeName: string | undefined, zone: string | undefined): UsableEndpoints {
  const ready = endpoints.filter(({ isTerminating }) => !isTerminating)
  const local = nodeName === undefined ? [] : endpoints.filter((endpoint) => endpoint.nodeName === nodeName)
  const readyLocal = local.filter(({ isTerminating }) => !isTerminating)
  return { cluster: ready.length > 0 ? near(ready, nodeName, zone) : endpoints, local: readyLocal.length > 0 ? readyLocal : local }
}

/** Those on the node, or in its zone, where all endpoints say for whom they are. k8s: pkg/proxy/topology.go topologyModeFromHints */
function near(endpoints: readonly ServiceEndpoint[], nodeName: string | undefined, zone: string | undefined): readonly ServiceEndpoint[] {
  if (nodeName === undefined || endpoints[0]?.hints === undefined) return endpoints
  for (const [kind, own] of [['nodes', nodeName], ['zones', zone]] as const) {
    if (own === undefined || !endpoints.every(({ hints }) => hints?.[kind].length)) continue
    const chosen = endpoints.filter(({ hints }) => hints![kind].includes(own))
    if (chosen.length > 0) return chosen
  }
  return endpoints
}
