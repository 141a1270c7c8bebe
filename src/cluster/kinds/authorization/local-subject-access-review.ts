import { defineKind } from '../define-kind.ts'
import type { LocalSubjectAccessReview } from '../generated/types.ts'

export const localSubjectAccessReview = defineKind<LocalSubjectAccessReview>({ group: 'authorization.k8s.io', version: 'v1', resource: 'localsubjectaccessreviews' })
