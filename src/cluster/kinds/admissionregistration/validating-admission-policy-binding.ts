import { defineKind } from '../define-kind.ts'
import type { ValidatingAdmissionPolicyBinding } from '../generated/types.ts'

export const validatingAdmissionPolicyBinding = defineKind<ValidatingAdmissionPolicyBinding>({ group: 'admissionregistration.k8s.io', version: 'v1', resource: 'validatingadmissionpolicybindings' })
