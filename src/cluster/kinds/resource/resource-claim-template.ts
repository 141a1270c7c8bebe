import { defineKind } from '../define-kind.ts'
import type { ResourceClaimTemplate } from '../generated/types.ts'
import { defaultClaimSpec } from './device-defaults.ts'

export const resourceClaimTemplate = defineKind<ResourceClaimTemplate>({
  group: 'resource.k8s.io', version: 'v1', resource: 'resourceclaimtemplates',
  defaults: ({ spec }) => defaultClaimSpec(spec.spec),
})
