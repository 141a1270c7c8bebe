import type { Cluster } from '../cluster/cluster.ts'
import type { Deployment } from '../cluster/kinds/generated/types.ts'
import { ADMINISTRATOR } from './administrator.ts'

/** So many are told, so that the message stays small. */
const MAX_DEPLOYMENTS = 200
/** What comes with a cluster, and not from its users. */
const SYSTEM_NAMESPACES = new Set(['kube-system', 'local-path-storage'])

/** A Deployment of some name, and what it runs in each cluster that has it. */
export interface DeploymentVersions {
  namespace: string
  name: string
  /** The containers' images, by the cluster's id. */
  images: Record<string, string[]>
}

/** What several clusters' Deployments run, beside each other. */
export interface VersionComparison {
  /** By namespace and name, the first {@link MAX_DEPLOYMENTS} of them. */
  deployments: DeploymentVersions[]
  /** How many there are besides those. */
  more: number
  /** Ids of the clusters of which nothing is known, as nobody answers there. */
  silent: string[]
}

/** Compares what the Deployments of several clusters run; those that come with clusters are left out. */
export async function deploymentVersions(clusters: readonly { id: string; cluster: Pick<Cluster, 'apiAs' | 'clock'> }[]): Promise<VersionComparison> {
  const found = new Map<string, DeploymentVersions>()
  const silent: string[] = []
  for (const { id, cluster } of clusters) {
    const api = cluster.apiAs(ADMINISTRATOR)
    const { items } = await api.list<Deployment>('deployments.apps').catch(() => { silent.push(id); return { items: [] } })
    await cluster.clock.breathe()
    for (const { metadata: { namespace, name }, spec } of items) {
      if (SYSTEM_NAMESPACES.has(namespace!)) continue
      const key = `${namespace}/${name}`
      const entry = found.get(key) ?? { namespace: namespace!, name: name!, images: {} }
      entry.images[id] = (spec.template.spec?.containers ?? []).map(({ image }) => image!)
      found.set(key, entry)
    }
  }
  const deployments = [...found].sort(([a], [b]) => a < b ? -1 : a > b ? 1 : 0).slice(0, MAX_DEPLOYMENTS).map(([, entry]) => entry)
  return { deployments, more: found.size - deployments.length, silent }
}
