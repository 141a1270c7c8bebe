import { defineKind } from '../define-kind.ts'
import type { ResourceClaimTemplate } from '../generated/types.ts'

export const resourceClaimTemplate = defineKind<ResourceClaimTemplate>({ group: 'resource.k8s.io', version: 'v1', resource: 'resourceclaimtemplates' })
