import { defineKind } from '../define-kind.ts'
import type { NetworkPolicy, NetworkPolicyPeer } from '../generated/types.ts'
import { cidrWarnings } from '../ip.ts'
import { labelSelectorText } from '../label-selector.ts'
import { literallyCountedGeneration } from '../strategies.ts'
import { validateNetworkPolicy, validateNetworkPolicyUpdate } from './validate-network-policy.ts'

export const networkPolicy = defineKind<NetworkPolicy>({
  group: 'networking.k8s.io', version: 'v1', resource: 'networkpolicies',
  defaults({ spec }) {
    if (!spec) return
    for (const rule of [...(spec.ingress ?? []), ...(spec.egress ?? [])]) for (const port of rule.ports ?? []) port.protocol ??= 'TCP'
    if (!spec.policyTypes?.length) spec.policyTypes = spec.egress?.length ? ['Ingress', 'Egress'] : ['Ingress']
  },
  validate: validateNetworkPolicy,
  validateUpdate: validateNetworkPolicyUpdate,
  strategy: { ...literallyCountedGeneration<NetworkPolicy>('spec'), warningsOnCreate: blockWarnings, warningsOnUpdate: blockWarnings },
  cells: { 'Pod-Selector': ({ spec }) => labelSelectorText(spec?.podSelector ?? {}) },
})

/** k8s: networkPolicyWarnings */
function blockWarnings({ spec }: Readonly<NetworkPolicy>): string[] {
  const warnings: string[] = []
  const look = (peers: NetworkPolicyPeer[] | undefined, at: string) => peers?.forEach(({ ipBlock }, i) => {
    if (!ipBlock) return
    warnings.push(...cidrWarnings(ipBlock.cidr, `${at}[${i}].ipBlock.cidr`))
    ipBlock.except?.forEach((range, j) => warnings.push(...cidrWarnings(range, `${at}[${i}].ipBlock.except[${j}]`)))
  })
  spec?.ingress?.forEach(({ from }, i) => look(from, `spec.ingress[${i}].from`))
  spec?.egress?.forEach(({ to }, i) => look(to, `spec.egress[${i}].to`))
  return warnings
}
