import { defineKind } from '../define-kind.ts'
import type { ValidatingAdmissionPolicy } from '../generated/types.ts'
import { keep, keepMetadata, specAndStatus } from '../strategies.ts'
import { defaultMatch, paramKindText } from './webhook-defaults.ts'

export const validatingAdmissionPolicy = defineKind<ValidatingAdmissionPolicy>({
  group: 'admissionregistration.k8s.io', version: 'v1', resource: 'validatingadmissionpolicies',
  defaults({ spec }) {
    spec.failurePolicy ??= 'Fail'
    defaultMatch(spec.matchConstraints)
  },
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
