import { defineKind } from '../define-kind.ts'
import type { MutatingAdmissionPolicy } from '../generated/types.ts'
import { countedGeneration } from '../strategies.ts'
import { validateMutatingPolicy } from './validate-policy.ts'
import { defaultMatch, paramKindText } from './webhook-defaults.ts'

export const mutatingAdmissionPolicy = defineKind<MutatingAdmissionPolicy>({
  group: 'admissionregistration.k8s.io', version: 'v1', resource: 'mutatingadmissionpolicies',
  defaults({ spec }) {
    spec.failurePolicy ??= 'Fail'
    defaultMatch(spec.matchConstraints)
  },
  validate: (object) => validateMutatingPolicy(object),
  validateUpdate: (object, old) => validateMutatingPolicy(object, old),
  strategy: { ...countedGeneration<MutatingAdmissionPolicy>('spec'), allowUnconditionalUpdate: false },
  cells: { Mutations: ({ spec }) => spec.mutations?.length ?? 0, ParamKind: ({ spec }) => paramKindText(spec.paramKind) },
})
