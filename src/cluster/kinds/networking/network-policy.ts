import { defineKind } from '../define-kind.ts'
import type { NetworkPolicy } from '../generated/types.ts'
import { labelSelectorText } from '../label-selector.ts'
import { countedGeneration } from '../strategies.ts'
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
  strategy: countedGeneration<NetworkPolicy>('spec'),
  cells: { 'Pod-Selector': ({ spec }) => labelSelectorText(spec?.podSelector ?? {}) },
})
