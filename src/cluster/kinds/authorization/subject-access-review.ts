import { defineKind } from '../define-kind.ts'
import type { SubjectAccessReview } from '../generated/types.ts'

export const subjectAccessReview = defineKind<SubjectAccessReview>({ group: 'authorization.k8s.io', version: 'v1', resource: 'subjectaccessreviews' })
