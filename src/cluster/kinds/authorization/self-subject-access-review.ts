import { defineKind } from '../define-kind.ts'
import type { SelfSubjectAccessReview } from '../generated/types.ts'

export const selfSubjectAccessReview = defineKind<SelfSubjectAccessReview>({ group: 'authorization.k8s.io', version: 'v1', resource: 'selfsubjectaccessreviews' })
