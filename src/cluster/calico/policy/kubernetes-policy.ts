import type { LabelSelector, NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort } from '../../kinds/generated/types.ts'
import type { EntityRule, PolicyObject, PolicyRule } from './policy.ts'

/** Where Kubernetes' policies stand among others. */
const ORDER = 1_000

/** Says a NetworkPolicy of Kubernetes in Calico's words. calico: libcalico-go/lib/backend/k8s/conversion K8sNetworkPolicyToCalico */
export function calicoPolicyOf({ metadata, spec = {} as NonNullable<NetworkPolicy['spec']> }: NetworkPolicy): PolicyObject {
  return {
    metadata: { name: metadata.name!, namespace: metadata.namespace! },
    spec: {
      tier: 'default', order: ORDER, selector: selectorText(spec.podSelector ?? {}), types: spec.policyTypes?.length ? [...spec.policyTypes] : ['Ingress'],
      ingress: (spec.ingress ?? []).flatMap(({ from, ports }) => rulesOf(from, ports, 'source')), egress: (spec.egress ?? []).flatMap(({ to, ports }) => rulesOf(to, ports, 'destination')),
    },
  }
}

function rulesOf(peers: readonly NetworkPolicyPeer[] | undefined, ports: readonly NetworkPolicyPort[] | undefined, side: 'source' | 'destination'): PolicyRule[] {
  const byProtocol = new Map<string | undefined, (number | string)[] | undefined>()
  for (const { protocol = 'TCP', port, endPort } of ports ?? []) {
    const known = byProtocol.get(protocol)
    if (port === undefined) byProtocol.set(protocol, undefined)
    else if (known || !byProtocol.has(protocol)) byProtocol.set(protocol, [...known ?? [], endPort === undefined ? port : `${port}:${endPort}`])
  }
  if (byProtocol.size === 0) byProtocol.set(undefined, undefined)
  return [...byProtocol].flatMap(([protocol, wanted]) => (peers?.length ? peers : [undefined]).map((peer): PolicyRule => {
    const entity = peer ? entityOf(peer) : {}
    const withPorts = wanted ? { ports: wanted } : {}
    return { action: 'Allow', ...(protocol === undefined ? {} : { protocol }), ...(side === 'source' ? { source: entity, destination: withPorts } : { destination: { ...entity, ...withPorts } }) }
  }))
}

function entityOf({ ipBlock, podSelector, namespaceSelector }: NetworkPolicyPeer): EntityRule {
  if (ipBlock) return { nets: [ipBlock.cidr], ...(ipBlock.except?.length ? { notNets: [...ipBlock.except] } : {}) }
  // Neither speaks of what is no pod.
  return { selector: podSelector ? selectorText(podSelector) : "projectcalico.org/orchestrator == 'k8s'", ...(namespaceSelector ? { namespaceSelector: namespaceText(namespaceSelector) } : {}) }
}

const selectorText = (selector: LabelSelector) => ["projectcalico.org/orchestrator == 'k8s'", ...terms(selector)].join(' && ')
const namespaceText = (selector: LabelSelector) => terms(selector).join(' && ') || 'all()'

function terms({ matchLabels = {}, matchExpressions = [] }: LabelSelector): string[] {
  const set = (values: readonly string[] = []) => `{ ${values.map((value) => `'${value}'`).join(', ')} }`
  return [
    ...Object.entries(matchLabels as Record<string, string>).sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, value]) => `${name} == '${value}'`),
    ...matchExpressions.map(({ key, operator, values }) => operator === 'In' ? `${key} in ${set(values)}` : operator === 'NotIn' ? `${key} not in ${set(values)}` : operator === 'Exists' ? `has(${key})` : `! has(${key})`),
  ]
}
