import type { KubeObject, ResourceRef } from '../../kinds/object.ts'
import {
  type BootstrapOptions, DEFAULT_SECURE_PORT, apiServices, controllerServiceAccounts, extensionApiserverAuthentication, kubernetesEndpoints, kubernetesService, namespaces, priorityClasses, serviceCidr,
} from './cluster-objects.ts'
import { flowControlObjects } from './flow-control-objects.ts'
import { rbacObjects } from './rbac-objects.ts'

/** Objects of one resource, in the order in which they are made. */
export interface BootstrapGroup {
  resource: ResourceRef
  objects: readonly KubeObject[]
  /** What happens to objects that are there already. */
  existing: 'keep' | 'rbac' | 'spec' | 'replace'
}

/** Everything that a fresh API server creates on its own. k8s: pkg/controlplane, pkg/registry/{rbac,flowcontrol,scheduling}/rest */
export function bootstrapObjects(options: BootstrapOptions = {}): BootstrapGroup[] {
  const rbac = rbacObjects()
  const flow = flowControlObjects()
  const endpoints = options.advertiseAddress ? kubernetesEndpoints([options.advertiseAddress], options.securePort ?? DEFAULT_SECURE_PORT) : []
  const of = (resource: ResourceRef, objects: readonly KubeObject[], existing: BootstrapGroup['existing'] = 'keep'): BootstrapGroup => ({ resource, objects, existing })
  return [
    of('namespaces', namespaces()),
    of('priorityclasses.scheduling.k8s.io', priorityClasses()),
    of('prioritylevelconfigurations.flowcontrol.apiserver.k8s.io', flow.priorityLevels, 'spec'),
    of('flowschemas.flowcontrol.apiserver.k8s.io', flow.flowSchemas, 'spec'),
    of('clusterroles.rbac.authorization.k8s.io', rbac.clusterRoles, 'rbac'),
    of('clusterrolebindings.rbac.authorization.k8s.io', rbac.clusterRoleBindings, 'rbac'),
    of('roles.rbac.authorization.k8s.io', rbac.roles, 'rbac'),
    of('rolebindings.rbac.authorization.k8s.io', rbac.roleBindings, 'rbac'),
    of('apiservices.apiregistration.k8s.io', apiServices()),
    of('servicecidrs.networking.k8s.io', [serviceCidr(options)]),
    of('services', [kubernetesService(options)]),
    of('endpoints', endpoints.slice(0, 1), 'replace'),
    of('endpointslices.discovery.k8s.io', endpoints.slice(1), 'replace'),
    of('configmaps', options.pki ? [extensionApiserverAuthentication(options.pki)] : [], 'replace'),
    of('serviceaccounts', controllerServiceAccounts()),
  ]
}
