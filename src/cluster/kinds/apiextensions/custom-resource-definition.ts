import { defineKind } from '../define-kind.ts'
import type { CustomResourceDefinition } from '../generated/types.ts'
import { bumpGeneration, firstGeneration, keep, keepMetadata, zeroOfType } from '../strategies.ts'

// @k8s no: Custom resources: a CustomResourceDefinition is stored, but its kind isn't served yet

export const customResourceDefinition = defineKind<CustomResourceDefinition>({
  group: 'apiextensions.k8s.io', version: 'v1', resource: 'customresourcedefinitions',
  defaults(draft) {
    const { spec } = draft
    spec.names.singular ||= (spec.names.kind ?? '').toLowerCase()
    if (!spec.names.listKind && spec.names.kind) spec.names.listKind = `${spec.names.kind}List`
    if (!spec.names.singular) delete spec.names.singular
    spec.conversion ??= { strategy: 'None' }
    const service = spec.conversion.webhook?.clientConfig?.service
    if (service) service.port ??= 443
    storeVersions(draft)
  },
  strategy: {
    beforeCreate(draft) {
      draft.status = zeroOfType('io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionStatus')
      firstGeneration(draft)
      draft.status!.storedVersions = (draft.spec.versions ?? []).filter((version) => version.storage).slice(0, 1).map((version) => version.name)
    },
    beforeUpdate(draft, old) {
      keep(draft, old, 'status')
      bumpGeneration(draft, old)
      for (const version of draft.spec.versions ?? []) {
        if (version.storage && !draft.status?.storedVersions?.includes(version.name)) {
          draft.status = { ...draft.status, storedVersions: [...(draft.status?.storedVersions ?? []), version.name] } as never
        }
      }
    },
    beforeStatusUpdate(draft, old) {
      keep(draft, old, 'spec')
      keepMetadata(draft, old)
    },
  },
})

function storeVersions(draft: CustomResourceDefinition): void {
  if (!draft.status || draft.status.storedVersions?.length) return
  const stored = (draft.spec.versions ?? []).find((version) => version.storage)
  if (stored) draft.status.storedVersions = [stored.name]
}
