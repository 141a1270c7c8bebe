import { defineKind } from '../define-kind.ts'
import type { ValidatingAdmissionPolicyBinding } from '../generated/types.ts'
import { countedGeneration } from '../strategies.ts'
import { validatePolicyBinding } from './validate-policy.ts'
import { defaultMatch, paramRefText } from './webhook-defaults.ts'

export const validatingAdmissionPolicyBinding = defineKind<ValidatingAdmissionPolicyBinding>({
  group: 'admissionregistration.k8s.io', version: 'v1', resource: 'validatingadmissionpolicybindings',
  defaults: ({ spec }) => defaultMatch(spec.matchResources),
  validate: (object) => validatePolicyBinding(object, true),
  validateUpdate: (object) => validatePolicyBinding(object, true),
  strategy: { ...countedGeneration<ValidatingAdmissionPolicyBinding>('spec'), allowUnconditionalUpdate: false },
  cells: { PolicyName: ({ spec }) => spec.policyName ?? '', ParamRef: ({ spec }) => paramRefText(spec.paramRef) },
})
