import { defineKind } from '../define-kind.ts'
import type { ResourceClaimTemplate } from '../generated/types.ts'
import type { Kind } from '../kind.ts'
import { validateKindMetaUpdate, validateObjectMeta } from '../validate-metadata.ts'
import { defaultClaimSpec } from './device-defaults.ts'
import { validateClaimTemplate, validateClaimTemplateUpdate } from './validate-devices.ts'

export const resourceClaimTemplate: Kind<ResourceClaimTemplate> = defineKind<ResourceClaimTemplate>({
  group: 'resource.k8s.io', version: 'v1', resource: 'resourceclaimtemplates',
  defaults: ({ spec }) => defaultClaimSpec(spec.spec),
  validate: validateClaimTemplate,
  updatesWithoutMeta: true,
  validateUpdate: (template, old) => [
    ...validateObjectMeta(resourceClaimTemplate, template.metadata), ...validateClaimTemplate(template), ...validateKindMetaUpdate(resourceClaimTemplate, template.metadata, old.metadata), ...validateClaimTemplateUpdate(template, old),
  ],
})
