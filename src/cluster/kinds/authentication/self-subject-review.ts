import { defineKind } from '../define-kind.ts'
import type { SelfSubjectReview } from '../generated/types.ts'

export const selfSubjectReview = defineKind<SelfSubjectReview>({ group: 'authentication.k8s.io', version: 'v1', resource: 'selfsubjectreviews' })
