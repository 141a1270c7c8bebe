import { defineKind } from '../define-kind.ts'
import type { TokenReview } from '../generated/types.ts'

export const tokenReview = defineKind<TokenReview>({ group: 'authentication.k8s.io', version: 'v1', resource: 'tokenreviews' })
