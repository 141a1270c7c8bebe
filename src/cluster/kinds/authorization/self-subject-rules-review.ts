import { defineKind } from '../define-kind.ts'
import type { SelfSubjectRulesReview } from '../generated/types.ts'

export const selfSubjectRulesReview = defineKind<SelfSubjectRulesReview>({ group: 'authorization.k8s.io', version: 'v1', resource: 'selfsubjectrulesreviews' })
