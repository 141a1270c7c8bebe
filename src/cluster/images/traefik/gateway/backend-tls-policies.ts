import type { Condition, Service } from '../../../kinds/generated/types.ts'
import type { TraefikService } from '../configuration.ts'
import { CONTROLLER, GATEWAY_GROUP, conditionsOf } from './gateway-context.ts'
import type { GatewayContext } from './gateway-context.ts'
import type { BackendTlsPolicy, Gateway, PolicyAncestorStatus } from './gateway-types.ts'
import type { BoundListener } from './listeners.ts'

/** How servers are spoken to over TLS, by a policy that somebody attached to their Service. */
export type PolicyTls = NonNullable<Extract<TraefikService, { kind: 'servers' }>['tls']>

/** What policies' statuses say of the listeners over which routes use them, by the keys of the policies. */
export type PolicyReports = Map<string, PolicyAncestorStatus[]>

type ServicePort = NonNullable<Service['spec']['ports']>[number]

/**
 * The TLS settings for a port of a Service: the oldest policy's; the others are in conflict with it. k8s: traefik/pkg/provider/kubernetes/gateway loadHTTPServers
 * @returns undefined where no policy is about the port
 * @throws Error why the policy can't be applied
 */
export function policyTls(namespace: string, name: string, port: ServicePort, gateway: Gateway, { listener }: BoundListener, { objects, nowMs, cluster }: GatewayContext, reports: PolicyReports): PolicyTls | undefined {
  let tls: PolicyTls | undefined
  for (const policy of policiesFor(namespace, name, objects.backendTlsPolicies.values())) {
    for (const { name: target, sectionName } of policy.spec.targetRefs) {
      if (target !== name || (sectionName !== undefined && sectionName !== port.name)) continue
      const condition = conditionsOf(policy.metadata.generation, nowMs)
      const report = (...conditions: Condition[]) => addReport(reports, `${namespace}/${policy.metadata.name}`, { ancestorRef: { group: GATEWAY_GROUP, kind: 'Gateway', namespace: gateway.metadata.namespace, name: gateway.metadata.name, sectionName: listener.name }, controllerName: CONTROLLER, conditions })
      if (tls) {
        report(condition('ResolvedRefs', 'False', 'ResolvedRefs'), condition('Accepted', 'False', 'Conflicted'))
        continue
      }
      try {
        tls = settingsOf(policy, namespace, cluster.configMaps)
        report(condition('ResolvedRefs', 'True', 'ResolvedRefs'), condition('Accepted', 'True', 'Accepted'))
      } catch (error) {
        if (!(error instanceof PolicyError)) throw error
        report(condition('ResolvedRefs', 'False', error.reason, error.message), condition('Accepted', 'False', 'NoValidCACertificate'))
        throw new Error(`Cannot apply BackendTLSPolicy for Service ${namespace}/${name}: ${error.message}`)
      }
    }
  }
  return tls
}

/** From the oldest on; of equally old ones the first by name. */
function policiesFor(namespace: string, service: string, policies: Iterable<BackendTlsPolicy>): BackendTlsPolicy[] {
  const isMeant = ({ group, kind, name }: BackendTlsPolicy['spec']['targetRefs'][number]) => (group === '' || group === 'core') && kind === 'Service' && name === service
  const created = ({ metadata }: BackendTlsPolicy) => Date.parse(metadata.creationTimestamp ?? '')
  return [...policies].filter(({ metadata, spec }) => metadata.namespace === namespace && spec.targetRefs.some(isMeant)).sort((a, b) => created(a) - created(b) || (a.metadata.name < b.metadata.name ? -1 : 1))
}

class PolicyError extends Error {
  readonly reason: string
  constructor(reason: string, message: string) {
    super(message)
    this.reason = reason
  }
}

/** @throws PolicyError. k8s: loadServersTransport */
function settingsOf({ spec: { validation: { hostname, wellKnownCACertificates, caCertificateRefs = [] } } }: BackendTlsPolicy, namespace: string, configMaps: GatewayContext['cluster']['configMaps']): PolicyTls {
  if (wellKnownCACertificates !== undefined) return { serverName: hostname, authorities: '' }
  const authorities = caCertificateRefs.map(({ group, kind, name }) => {
    if ((group !== '' && group !== 'core') || kind !== 'ConfigMap') throw new PolicyError('InvalidKind', 'Only ConfigMaps are supported')
    const configMap = configMaps.get(`${namespace}/${name}`)
    if (!configMap) throw new PolicyError('InvalidCACertificateRef', `getting configmap ${namespace}/${name}: configmap "${name}" not found`)
    const text = configMap.data?.['ca.crt']
    if (text === undefined) throw new PolicyError('InvalidCACertificateRef', `configmap ${namespace}/${name} does not have a ca.crt`)
    return text
  })
  return { serverName: hostname, authorities: authorities.join('\n') }
}

function addReport(reports: PolicyReports, key: string, status: PolicyAncestorStatus): void {
  const own = reports.get(key) ?? []
  const same = ({ ancestorRef: { namespace, name, sectionName } }: PolicyAncestorStatus) => namespace === status.ancestorRef.namespace && name === status.ancestorRef.name && sectionName === status.ancestorRef.sectionName
  // What was found last counts, as it is written last.
  reports.set(key, [...own.filter((each) => !same(each)), status])
}
