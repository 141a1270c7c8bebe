import { certificateOf, serversOf } from './cluster-objects.ts'
import type { ClusterObjects } from './cluster-objects.ts'
import type { DynamicConfiguration, Sticky } from './configuration.ts'
import type { ObjectReference, ServiceReference } from './crd-types.ts'
import { normalized, stickyCookie } from './ingress-provider.ts'
import type { Complain } from './ingress-provider.ts'
import { ruleKey } from './names.ts'

export interface CrdProviderOptions {
  ingressClass: string
  allowsEmptyServices: boolean
  allowsCrossNamespace: boolean
}

/** What of references to services is followed. */
const FOLLOWED = new Set(['kind', 'name', 'namespace', 'port', 'weight', 'scheme', 'passHostHeader', 'sticky', 'strategy'])

/** Routers, services and middlewares of IngressRoutes and their kin. k8s: traefik/pkg/provider/kubernetes/crd */
export function loadCustomResources(objects: ClusterObjects, options: CrdProviderOptions, into: DynamicConfiguration, complain: Complain): void {
  for (const { metadata: { namespace, name }, spec } of objects.middlewares.values()) into.middlewares.set(`${namespace}-${name}@kubernetescrd`, { namespace, spec })
  for (const { metadata: { name, namespace, annotations = {} }, spec } of objects.ingressRoutes.values()) {
    const of = { ingress: name, namespace }
    const className = spec.ingressClassName ?? annotations['kubernetes.io/ingress.class'] ?? ''
    if (className !== options.ingressClass && !(options.ingressClass === '' && className === 'traefik')) continue
    if (spec.tls?.certResolver) { complain('certificate resolvers are not supported by this build', of); continue }
    if (spec.tls?.options?.name || spec.tls?.store?.name) { complain('TLS options and stores are not supported by this build', of); continue }
    if (spec.parentRefs !== undefined) { complain('parent routers are not supported by this build', of); continue }
    if (spec.tls?.secretName) try { into.certificates.push(certificateOf(objects, namespace, spec.tls.secretName)) } catch (error) { complain('Error configuring TLS', { ...of, error: (error as Error).message }) }
    for (const { kind = '', match, priority = 0, middlewares = [], services = [], syntax = '', observability } of spec.routes) {
      if (kind !== '' && kind !== 'Rule') { complain(`Unsupported match kind: ${kind}. Only "Rule" is supported for now.`, of); continue }
      if (match === '') { complain('Empty match rule', of); continue }
      if (observability !== undefined) { complain('observability of routes is not supported by this build', of); continue }
      if (syntax === 'v2') { complain('rule syntax v2 is not supported by this build', of); continue }
      try {
        const router = `${normalized(`${namespace}-${name}`)}-${ruleKey(match)}@kubernetescrd`
        const service = services.length === 1 ? addService(services[0]!, namespace, router, objects, options, into) : addWeighted(router, services, undefined, namespace, objects, options, into)
        into.routers.set(router, { name: router, entryPoints: spec.entryPoints ?? [], rule: match, priority, tls: spec.tls !== undefined, service, middlewares: middlewares.map((each) => middlewareName(each, namespace, options)) })
      } catch (error) {
        complain((error as Error).message, of)
      }
    }
  }
}

/** @throws Error for a middleware of another namespace, unless that is allowed */
function middlewareName({ name, namespace }: ObjectReference, own: string, { allowsCrossNamespace }: CrdProviderOptions): string {
  if (name.includes('@')) return name
  if (namespace !== undefined && namespace !== own && !allowsCrossNamespace) throw new Error(`Failed to create middleware keys: middleware ${namespace}/${name} is not in the IngressRoute namespace ${own}`)
  return `${namespace ?? own}-${name}@kubernetescrd`
}

function addService(reference: ServiceReference, own: string, as: string, objects: ClusterObjects, options: CrdProviderOptions, into: DynamicConfiguration): string {
  const { name, namespace = own, kind = 'Service', port, scheme, passHostHeader = true, sticky } = reference
  const strange = Object.keys(reference).find((key) => !FOLLOWED.has(key))
  if (strange !== undefined) throw new Error(`service ${namespace}/${name}: ${strange} is not supported by this build`)
  if (!['', 'wrr', 'RoundRobin'].includes(reference.strategy ?? '')) throw new Error(`service ${namespace}/${name}: strategy ${reference.strategy} is not supported by this build`)
  if (namespace !== own && !options.allowsCrossNamespace) throw new Error(`${kind === 'Service' ? 'load balancer service' : 'service'} ${namespace}/${name} not in the parent resource namespace ${own}`)
  if (kind === 'TraefikService') {
    if (name.includes('@')) return name
    const object = objects.traefikServices.get(`${namespace}/${name}`)
    if (!object) throw new Error(`the service "${namespace}-${name}@kubernetescrd" does not exist`)
    if (!object.spec.weighted) throw new Error(`TraefikService ${namespace}/${name}: only weighted services are supported by this build`)
    return addWeighted(`${namespace}-${name}@kubernetescrd`, object.spec.weighted.services ?? [], object.spec.weighted.sticky, namespace, objects, options, into)
  }
  if (kind !== 'Service') throw new Error(`unsupported service kind ${kind}`)
  if (port === undefined) throw new Error(`service ${namespace}/${name}: a port must be set`)
  let found: ReturnType<typeof serversOf>
  try { found = serversOf(objects, namespace, name, port) } catch (error) {
    throw new Error((error as Error).message === 'service not found' ? `kubernetes service not found: ${namespace}/${name}` : `service port not found: ${port}`)
  }
  if (found.servers.length === 0 && !options.allowsEmptyServices) throw new Error(`subset not found for ${namespace}/${name}`)
  if (scheme !== undefined && !['http', 'https', 'h2c'].includes(scheme)) throw new Error(`invalid scheme "${scheme}" specified`)
  into.services.set(as, { kind: 'servers', servers: found.servers, scheme: scheme ?? found.scheme, passHostHeader, sticky: stickyOf(sticky, as) })
  return as
}

function addWeighted(as: string, services: readonly ServiceReference[], sticky: ServiceReference['sticky'], namespace: string, objects: ClusterObjects, options: CrdProviderOptions, into: DynamicConfiguration): string {
  const named = services.map((service) => ({ name: addService(service, namespace, `${service.namespace ?? namespace}-${service.name}-${service.port ?? ''}@kubernetescrd`, objects, options, into), weight: service.weight ?? 1 }))
  into.services.set(as, { kind: 'weighted', services: named, sticky: stickyOf(sticky, as) })
  return as
}

function stickyOf(sticky: ServiceReference['sticky'], service: string): Sticky | undefined {
  return sticky?.cookie && stickyCookie(sticky.cookie, service)
}
