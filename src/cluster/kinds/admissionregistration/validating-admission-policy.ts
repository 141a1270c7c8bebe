import { defineKind } from '../define-kind.ts'
import type { ValidatingAdmissionPolicy } from '../generated/types.ts'

export const validatingAdmissionPolicy = defineKind<ValidatingAdmissionPolicy>({ group: 'admissionregistration.k8s.io', version: 'v1', resource: 'validatingadmissionpolicies' })
