import type { ClusterEntry } from '../host/protocol.ts'
import { t } from './localization.ts'

const PROVIDERS: Readonly<Record<NonNullable<ClusterEntry['provider']>, string>> = { kind: 'kind', minikube: 'minikube', gke: 'GKE', aks: 'AKS', eks: 'EKS', libvirt: 'libvirt' }

/** What people call a cluster: its name, and whose program made it where the name doesn't say so. */
export function clusterName({ name, provider }: ClusterEntry): string {
  const maker = provider && PROVIDERS[provider]
  return maker === undefined || maker === name ? name : `${name} (${maker})`
}

/** What is to be said of a cluster that doesn't run, to stand behind its name. */
export function stateOf({ state }: ClusterEntry): string {
  return state === 'running' ? '' : `: ${t(`cluster.state.${state}`)}`
}
