import { defineKind } from '../define-kind.ts'
import type { ValidatingAdmissionPolicyBinding } from '../generated/types.ts'
import { countedGeneration } from '../strategies.ts'
import { defaultMatch, paramRefText } from './webhook-defaults.ts'

export const validatingAdmissionPolicyBinding = defineKind<ValidatingAdmissionPolicyBinding>({
  group: 'admissionregistration.k8s.io', version: 'v1', resource: 'validatingadmissionpolicybindings',
  defaults: ({ spec }) => defaultMatch(spec.matchResources),
  strategy: { ...countedGeneration<ValidatingAdmissionPolicyBinding>('spec'), allowUnconditionalUpdate: false },
  cells: { PolicyName: ({ spec }) => spec.policyName ?? '', ParamRef: ({ spec }) => paramRefText(spec.paramRef) },
})
