import { defineKind } from '../define-kind.ts'
import type { ValidatingAdmissionPolicy } from '../generated/types.ts'
import { keep, keepMetadata, specAndStatus } from '../strategies.ts'
import { validateValidatingPolicy } from './validate-policy.ts'
import { defaultMatch, paramKindText } from './webhook-defaults.ts'

export const validatingAdmissionPolicy = defineKind<ValidatingAdmissionPolicy>({
  group: 'admissionregistration.k8s.io', version: 'v1', resource: 'validatingadmissionpolicies',
  defaults({ spec }) {
    spec.failurePolicy ??= 'Fail'
    defaultMatch(spec.matchConstraints)
  },
  validate: (object) => validateValidatingPolicy(object),
  validateUpdate: (object, old) => validateValidatingPolicy(object, old),
  strategy: {
    allowUnconditionalUpdate: false,
    ...specAndStatus<ValidatingAdmissionPolicy>('io.k8s.api.admissionregistration.v1.ValidatingAdmissionPolicyStatus'),
    beforeStatusUpdate(draft, old) {
      keep(draft, old, 'spec')
      keepMetadata(draft, old)
    },
  },
  cells: { Validations: ({ spec }) => spec.validations?.length ?? 0, ParamKind: ({ spec }) => paramKindText(spec.paramKind) },
})
