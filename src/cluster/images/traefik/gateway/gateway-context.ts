import type { Condition, Namespace } from '../../../kinds/generated/types.ts'
import type { ClusterObjects } from '../cluster-objects.ts'
import type { EntryPoint } from '../static-configuration.ts'
import type { BackendTlsPolicy, Gateway, GatewayClass, GrpcRoute, HttpRoute, ReferenceGrant } from './gateway-types.ts'

/** What says in statuses who wrote them. */
export const CONTROLLER = 'traefik.io/gateway-controller'
export const GATEWAY_GROUP = 'gateway.networking.k8s.io'

/** The objects of the Gateway API, by `namespace/name` (classes and namespaces by name). */
export interface GatewayObjects {
  gatewayClasses: ReadonlyMap<string, GatewayClass>
  gateways: ReadonlyMap<string, Gateway>
  httpRoutes: ReadonlyMap<string, HttpRoute>
  grpcRoutes: ReadonlyMap<string, GrpcRoute>
  backendTlsPolicies: ReadonlyMap<string, BackendTlsPolicy>
  referenceGrants: ReadonlyMap<string, ReferenceGrant>
  namespaces: ReadonlyMap<string, Namespace>
}

/** What gateways and routes are looked at with. */
export interface GatewayContext {
  cluster: ClusterObjects
  objects: GatewayObjects
  entryPoints: readonly EntryPoint[]
  /** Whether Middlewares may be named by filters. */
  knowsMiddlewares: boolean
  nowMs: number
}

/** Makes conditions of one object at one time. */
export type MakeCondition = (type: string, status: 'True' | 'False', reason: string, message?: string) => Condition

/** @param generation of the object that the conditions are about */
export function conditionsOf(generation: number | undefined, nowMs: number): MakeCondition {
  const lastTransitionTime = `${new Date(nowMs).toISOString().slice(0, 19)}Z`
  return (type, status, reason, message = '') => ({ type, status, observedGeneration: generation ?? 0, lastTransitionTime, reason, message })
}

/** Throws where an object may not refer to one of another namespace. @throws Error with Traefik's words. k8s: isReferenceGranted */
export function demandGrant({ referenceGrants }: GatewayObjects, from: { kind: string; namespace: string }, to: { group: string; kind: string; name: string; namespace: string }): void {
  if (from.namespace === to.namespace) return
  const core = (group: string) => (group === '' ? 'core' : group)
  for (const { metadata, spec } of referenceGrants.values()) {
    if (metadata.namespace !== to.namespace) continue
    if (!spec.from.some(({ group, kind, namespace }) => group === GATEWAY_GROUP && kind === from.kind && namespace === from.namespace)) continue
    if (spec.to.some(({ group, kind, name }) => core(group) === to.group && kind === to.kind && (name === undefined || name === to.name))) return
  }
  throw new Error('missing ReferenceGrant')
}
