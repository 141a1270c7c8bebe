import type { Condition } from '../../../kinds/generated/types.ts'
import { labelSelectorOf } from '../../../kinds/label-selector.ts'
import type { ServerCertificate } from '../../front/server-certificate.ts'
import { certificateOf } from '../cluster-objects.ts'
import type { DynamicConfiguration } from '../configuration.ts'
import type { EntryPoint } from '../static-configuration.ts'
import { GATEWAY_GROUP, conditionsOf, demandGrant } from './gateway-context.ts'
import type { GatewayContext, GatewayObjects, MakeCondition } from './gateway-context.ts'
import type { Gateway, Listener, ListenerStatus, RouteKind } from './gateway-types.ts'

/** A listener of a Gateway at an entry point. */
export interface BoundListener {
  listener: Listener
  entryPoint: string
  /** From which routes may come; undefined: all. */
  namespaces: ReadonlySet<string> | undefined
  routeKinds: readonly string[]
  status: ListenerStatus
  /** It has no fault, so that its routes are served. */
  attached: boolean
}

/** Finds an entry point, certificates and faults for each listener of a Gateway. k8s: traefik/pkg/provider/kubernetes/gateway loadGatewayListeners */
export function bindListeners(gateway: Gateway, context: GatewayContext, into: DynamicConfiguration): BoundListener[] {
  const condition = conditionsOf(gateway.metadata.generation, context.nowMs)
  const taken = new Set<string>()
  const certificates = new Map<string, ServerCertificate>()
  const bound = (gateway.spec.listeners ?? []).map((listener) => {
    const status: ListenerStatus = { name: listener.name, supportedKinds: [], attachedRoutes: 0, conditions: [] }
    const out: BoundListener = { listener, entryPoint: '', namespaces: new Set(), routeKinds: [], status, attached: false }
    status.conditions = faultsOf(out, gateway, context, condition, taken, certificates)
    out.attached = status.conditions.length === 0
    return out
  })
  into.certificates.push(...[...certificates].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, certificate]) => certificate))
  return bound
}

/** The conditions that keep a listener from being attached; fills in what is found on the way. */
function faultsOf(out: BoundListener, gateway: Gateway, context: GatewayContext, condition: MakeCondition, taken: Set<string>, certificates: Map<string, ServerCertificate>): Condition[] {
  const { listener, status } = out
  const { protocol, port, hostname = '', tls, allowedRoutes } = listener
  const entryPoint = entryPointOf(port, protocol, context.entryPoints)
  if (!entryPoint) return [condition('Accepted', 'False', 'PortUnavailable', `Cannot find entryPoint for Gateway: no matching entryPoint for port ${port} and protocol "${protocol}"`)]
  out.entryPoint = entryPoint.name
  try { out.namespaces = namespacesOf(gateway.metadata.namespace, allowedRoutes?.namespaces, context.objects) } catch (error) {
    return [condition('ResolvedRefs', 'False', 'InvalidRouteNamespacesSelector', `Invalid route namespaces selector: ${(error as Error).message}`)]
  }
  if (protocol !== 'HTTP' && protocol !== 'HTTPS') return [condition('Conflicted', 'True', 'UnsupportedProtocol', `Unsupported listener protocol "${protocol}"`)]
  const { kinds, refused } = routeKindsOf(allowedRoutes?.kinds)
  status.supportedKinds = kinds
  out.routeKinds = kinds.map(({ kind }) => kind)
  if (refused.length > 0) return refused.map(({ group, kind }) => condition('ResolvedRefs', 'False', 'InvalidRouteKinds', `Listener protocol "${protocol}" does not support RouteGroupKind ${group ?? '<nil>'}/${kind}`))
  const key = `${protocol}|${hostname}|${port}`
  if (taken.has(key)) return [condition('Conflicted', 'True', 'DuplicateListener', 'A listener with same protocol, port and hostname already exists')]
  taken.add(key)
  if (protocol === 'HTTP') return tls ? [condition('Accepted', 'False', 'InvalidTLSConfiguration', 'TLS configuration must no be defined when using HTTP or TCP protocol')] : []
  if (!tls) return [condition('Accepted', 'False', 'InvalidTLSConfiguration', `No TLS configuration for Gateway Listener ${listener.name}:${port} and protocol "${protocol}"`)]
  if (tls.mode === 'Passthrough') return [condition('Accepted', 'False', 'UnsupportedProtocol', 'HTTPS protocol is not supported with TLS mode Passthrough')]
  return certificateFaults(tls.certificateRefs ?? [], gateway, context, condition, certificates)
}

function certificateFaults(references: NonNullable<NonNullable<Listener['tls']>['certificateRefs']>, gateway: Gateway, { cluster, objects }: GatewayContext, condition: MakeCondition, certificates: Map<string, ServerCertificate>): Condition[] {
  if (references.length === 0) return [condition('ResolvedRefs', 'False', 'InvalidCertificateRef', 'One TLS CertificateRef is required in Terminate mode')]
  const own = new Map<string, ServerCertificate>()
  const faults: Condition[] = []
  const refuse = (reason: string, message: string) => { faults.push(condition('ResolvedRefs', 'False', reason, message)) }
  for (const { group, kind, name, namespace = gateway.metadata.namespace } of references) {
    if (kind !== 'Secret' || group === undefined || (group !== '' && group !== 'core')) { refuse('InvalidCertificateRef', `Unsupported TLS CertificateRef group/kind: ${group ?? '<nil>'}/${kind ?? '<nil>'}`); continue }
    try { demandGrant(objects, { kind: 'Gateway', namespace: gateway.metadata.namespace }, { group: 'core', kind: 'Secret', name, namespace }) } catch (error) {
      refuse('RefNotPermitted', `Cannot reference CertificateRef ${namespace}/${name}: ${(error as Error).message}`)
      continue
    }
    try {
      if (!cluster.secrets.has(`${namespace}/${name}`)) throw new Error(`getting secret: secret "${name}" not found`)
      own.set(`${namespace}/${name}`, certificateOf(cluster, namespace, name))
    } catch (error) { refuse('InvalidCertificateRef', `Cannot load CertificateRef ${namespace}/${name}: ${(error as Error).message}`) }
  }
  if (faults.length > 0) return [...faults, condition('Programmed', 'False', 'Invalid', 'Invalid CertificateRefs')]
  for (const [key, certificate] of own) certificates.set(key, certificate)
  return []
}

/** By the port on which Traefik listens in its container, which the Service in front of it may call otherwise. k8s: entryPointName */
function entryPointOf(port: number, protocol: string, entryPoints: readonly EntryPoint[]): EntryPoint | undefined {
  return entryPoints.find((entryPoint) => entryPoint.port === port && !(protocol === 'HTTP' && entryPoint.tls))
}

/** @throws Error */
function namespacesOf(own: string, { from = 'Same', selector }: NonNullable<NonNullable<Listener['allowedRoutes']>['namespaces']> = {}, { namespaces }: GatewayObjects): ReadonlySet<string> | undefined {
  switch (from) {
    case 'All': return undefined
    case 'Same': return new Set([own])
    case 'Selector': {
      const wanted = labelSelectorOf(selector)
      return new Set([...namespaces.values()].filter(({ metadata: { labels } }) => wanted.matches(labels)).map(({ metadata: { name } }) => name!))
    }
    default: throw new Error(`unsupported RouteSelectType: "${from}"`)
  }
}

const HTTP_KINDS: readonly RouteKind[] = [{ group: GATEWAY_GROUP, kind: 'HTTPRoute' }, { group: GATEWAY_GROUP, kind: 'GRPCRoute' }]

/** The kinds of routes that a listener takes, and those that its protocol can't have. k8s: allowedRouteKinds */
function routeKindsOf(wanted: readonly RouteKind[] = []): { kinds: RouteKind[]; refused: RouteKind[] } {
  if (wanted.length === 0) return { kinds: [...HTTP_KINDS], refused: [] }
  const isKnown = ({ group, kind }: RouteKind) => HTTP_KINDS.some((each) => each.kind === kind && each.group === group)
  const kinds = wanted.filter((each, i) => isKnown(each) && wanted.findIndex(({ kind }) => kind === each.kind) === i)
  return { kinds, refused: wanted.filter((each) => !isKnown(each)) }
}
