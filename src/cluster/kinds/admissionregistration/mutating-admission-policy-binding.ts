import { defineKind } from '../define-kind.ts'
import type { MutatingAdmissionPolicyBinding } from '../generated/types.ts'

export const mutatingAdmissionPolicyBinding = defineKind<MutatingAdmissionPolicyBinding>({ group: 'admissionregistration.k8s.io', version: 'v1', resource: 'mutatingadmissionpolicybindings' })
