import { defineKind } from '../define-kind.ts'
import type { ResourceResourceClaim } from '../generated/types.ts'

export const resourceClaim = defineKind<ResourceResourceClaim>({ group: 'resource.k8s.io', version: 'v1', resource: 'resourceclaims' })
