import { defineKind } from '../define-kind.ts'
import type { MutatingAdmissionPolicy } from '../generated/types.ts'

export const mutatingAdmissionPolicy = defineKind<MutatingAdmissionPolicy>({ group: 'admissionregistration.k8s.io', version: 'v1', resource: 'mutatingadmissionpolicies' })
