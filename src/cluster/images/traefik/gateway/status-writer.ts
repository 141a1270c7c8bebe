import { deepEqual } from '../../../../base/freeze.ts'
import { isStatusError } from '../../../kinds/status-error.ts'
import { apiCall } from '../../in-cluster/api-call.ts'
import type { ClusterClient } from '../../in-cluster/cluster-client.ts'
import type { TraefikLog } from '../log.ts'
import { CONTROLLER, GATEWAY_GROUP } from './gateway-context.ts'
import type { GatewayObjects } from './gateway-context.ts'
import type { GatewayReport } from './gateway-provider.ts'
import type { PolicyAncestorStatus, RouteParentStatus } from './gateway-types.ts'

const API = `/apis/${GATEWAY_GROUP}/v1`

/** Whether two statuses say the same: when a condition changed doesn't make it another one. k8s: conditionsEqual */
function isSame(a: unknown, b: unknown): boolean {
  const timeless = (value: unknown) => JSON.parse(JSON.stringify(value ?? null, (key, each: unknown) => (key === 'lastTransitionTime' ? undefined : each))) as unknown
  return deepEqual(timeless(a), timeless(b))
}

/** Brings the statuses of a report into the cluster, where they say something else. Conflicts are left to the next report. */
export async function writeStatuses(report: GatewayReport, objects: GatewayObjects, client: ClusterClient, log: TraefikLog): Promise<void> {
  const write = async <T extends object>(kind: string, path: string, object: { metadata: { name: string; namespace?: string }; status?: T } | undefined, status: T, isThere: boolean): Promise<void> => {
    if (!object || isThere) return
    try { await apiCall(client, 'PUT', `${path}/${object.metadata.name}/status`, { ...object, status }) } catch (error) {
      if (isStatusError(error, 'Conflict') || isStatusError(error, 'NotFound')) return
      if (!isStatusError(error)) throw error
      const { name, namespace } = object.metadata
      log('WRN', `Unable to update ${kind} status`, { [kind.replace(/(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])/g, '_').toLowerCase()]: name, ...namespace === undefined ? {} : { namespace }, error: (error as Error).message })
    }
  }
  for (const [name, status] of report.gatewayClasses) {
    const object = objects.gatewayClasses.get(name)
    await write('GatewayClass', `${API}/gatewayclasses`, object, status, isSame(object?.status?.conditions, status.conditions))
  }
  for (const [key, status] of report.gateways) {
    const object = objects.gateways.get(key)
    const { addresses, conditions, listeners } = object?.status ?? {}
    await write('Gateway', `${API}/namespaces/${object?.metadata.namespace}/gateways`, object, status, isSame({ addresses, conditions, listeners }, status))
  }
  for (const [key, found] of report.backendTlsPolicies) {
    const object = objects.backendTlsPolicies.get(key)
    const present = object?.status?.ancestors ?? []
    // Those of other listeners, and of other controllers, stay.
    const others = present.filter(({ controllerName, ancestorRef }) => controllerName !== CONTROLLER || !found.some((each) => deepEqual(each.ancestorRef, ancestorRef)))
    const ancestors = [...found, ...others]
    await write('BackendTLSPolicy', `${API}/namespaces/${object?.metadata.namespace}/backendtlspolicies`, object, { ancestors }, isSame(byAncestor(present), byAncestor(ancestors)))
  }
  for (const [kind, plural, reports, routes] of [['HTTPRoute', 'httproutes', report.httpRoutes, objects.httpRoutes], ['GRPCRoute', 'grpcroutes', report.grpcRoutes, objects.grpcRoutes]] as const) {
    for (const [key, desired] of reports) {
      const object = routes.get(key)
      const parents = [...desired, ...(object?.status?.parents ?? []).filter((parent) => !isOurs(parent, object!.metadata.namespace, report))]
      await write(kind, `${API}/namespaces/${object?.metadata.namespace}/${plural}`, object, { parents }, isSame(object?.status?.parents ?? [], parents))
    }
  }
}

/** In an order that doesn't depend on which of them was found last. */
function byAncestor(statuses: readonly PolicyAncestorStatus[]): PolicyAncestorStatus[] {
  const key = ({ controllerName, ancestorRef: { namespace, name, sectionName } }: PolicyAncestorStatus) => JSON.stringify([controllerName, namespace, name, sectionName])
  return [...statuses].sort((a, b) => (key(a) < key(b) ? -1 : 1))
}

/** Whether a parent's status is of a Gateway that this Traefik looks after. k8s: mergeRouteParentStatuses */
function isOurs({ controllerName, parentRef }: RouteParentStatus, namespace: string, { gateways }: GatewayReport): boolean {
  return controllerName === CONTROLLER && gateways.has(`${parentRef.namespace ?? namespace}/${parentRef.name}`)
}
