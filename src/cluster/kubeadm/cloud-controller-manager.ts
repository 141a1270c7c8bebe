import type { KubeObject } from '../kinds/object.ts'
import { clusterRole, clusterRoleBinding } from './objects.ts'

/** Whom k3s' cloud controller manager is to the API server. */
export const CLOUD_CONTROLLER_MANAGER = 'k3s-cloud-controller-manager'

/** What k3s' cloud controller manager may do. k3s: manifests/ccm.yaml */
export function cloudControllerManager(): KubeObject[] {
  return [
    clusterRole(CLOUD_CONTROLLER_MANAGER, [
      { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['get', 'create', 'update'] },
      { apiGroups: [''], resources: ['events'], verbs: ['create', 'patch', 'update'] },
      { apiGroups: [''], resources: ['nodes'], verbs: ['*'] },
      { apiGroups: [''], resources: ['nodes/status', 'services/status'], verbs: ['patch'] },
      { apiGroups: [''], resources: ['services'], verbs: ['get', 'list', 'patch', 'update', 'watch'] },
      { apiGroups: [''], resources: ['pods'], verbs: ['list', 'watch'] },
      { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['get', 'list', 'watch'] },
      { apiGroups: [''], resources: ['serviceaccounts', 'namespaces'], verbs: ['create', 'get'] },
      { apiGroups: ['apps'], resources: ['daemonsets'], verbs: ['*'] },
    ]),
    clusterRoleBinding(CLOUD_CONTROLLER_MANAGER, CLOUD_CONTROLLER_MANAGER, [{ kind: 'User', name: CLOUD_CONTROLLER_MANAGER }]),
  ]
}
