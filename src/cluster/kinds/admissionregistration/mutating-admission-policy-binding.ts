import { defineKind } from '../define-kind.ts'
import type { MutatingAdmissionPolicyBinding } from '../generated/types.ts'
import { countedGeneration } from '../strategies.ts'
import { validatePolicyBinding } from './validate-policy.ts'
import { defaultMatch, paramRefText } from './webhook-defaults.ts'

export const mutatingAdmissionPolicyBinding = defineKind<MutatingAdmissionPolicyBinding>({
  group: 'admissionregistration.k8s.io', version: 'v1', resource: 'mutatingadmissionpolicybindings',
  defaults: ({ spec }) => defaultMatch(spec.matchResources),
  validate: (object) => validatePolicyBinding(object, false),
  validateUpdate: (object) => validatePolicyBinding(object, false),
  strategy: { ...countedGeneration<MutatingAdmissionPolicyBinding>('spec'), allowUnconditionalUpdate: false },
  cells: { PolicyName: ({ spec }) => spec.policyName ?? '', ParamRef: ({ spec }) => paramRefText(spec.paramRef) },
})
