import type { Api } from '../client/api.ts'
import type { KubeObject } from '../kinds/object.ts'
import { isStatusError } from '../kinds/status-error.ts'
import type { KindRef, ObjectSets } from './object-sets.ts'

const ADDON = { apiVersion: 'k3s.cattle.io/v1', kind: 'Addon', namespace: 'kube-system', name: 'traefik' }
/** What the manifest had objects of. */
const KINDS: readonly KindRef[] = [
  { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition' }, ...['ServiceAccount', 'Service'].map((kind) => ({ apiVersion: 'v1', kind })),
  ...['ClusterRole', 'ClusterRoleBinding'].map((kind) => ({ apiVersion: 'rbac.authorization.k8s.io/v1', kind })), { apiVersion: 'apps/v1', kind: 'Deployment' }, { apiVersion: 'networking.k8s.io/v1', kind: 'IngressClass' },
]

/**
 * Hands the objects of a Traefik that was in its manifest itself, as saved clusters may have it, over to the releases of the charts that are there now.
 * Taken away with the manifest's old text, the definitions would take everybody's IngressRoutes with them; and Helm touches only what says it belongs to the release.
 */
export async function handOverTraefik(api: Api, sets: ObjectSets): Promise<void> {
  try {
    const { metadata: { annotations } } = await api.get<KubeObject>('addons.k3s.cattle.io', ADDON.name, ADDON.namespace)
    if (annotations?.['addon.k3s.cattle.io/gvks']?.includes('Kind=HelmChart')) return
  } catch (error) {
    if (isStatusError(error, 'NotFound')) return
    throw error
  }
  await sets.release(ADDON, '', KINDS, ({ kind }) => ({
    labels: { 'app.kubernetes.io/managed-by': 'Helm' },
    annotations: { 'meta.helm.sh/release-name': kind === 'CustomResourceDefinition' ? 'traefik-crd' : 'traefik', 'meta.helm.sh/release-namespace': ADDON.namespace },
  }))
}
