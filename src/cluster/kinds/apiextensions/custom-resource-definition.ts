import { rfc3339 } from '../../../base/clock.ts'
import { thaw } from '../../../base/freeze.ts'
import { defineKind } from '../define-kind.ts'
import type { CustomResourceDefinition } from '../generated/types.ts'
import { quoted } from '../go-text.ts'
import { unrecognizedFormats } from './unrecognized-formats.ts'
import { validateDefinition, validateDefinitionStatus, validateDefinitionUpdate } from './validate-definition.ts'
import { bumpGeneration, firstGeneration, keep, zeroOfType } from '../strategies.ts'

/** k8s: apiextensions/v1 CustomResourceCleanupFinalizer */
const CLEANUP_FINALIZER = 'customresourcecleanup.apiextensions.k8s.io'

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
  validate: validateDefinition,
  validateUpdate: validateDefinitionUpdate,
  validateStatusUpdate: validateDefinitionStatus,
  strategy: {
    beforeCreate(draft) {
      draft.status = zeroOfType('io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionStatus')
      firstGeneration(draft)
      const stored = draft.spec.versions?.find((version) => version.storage)
      if (stored) draft.status!.storedVersions = [stored.name]
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
      // Metadata can be written through status as well; upstream resets it to itself.
      keep(draft, old, 'spec')
    },
    beforeDelete(object, nowMs) {
      const draft = thaw(object) as CustomResourceDefinition
      const now = rfc3339(nowMs)
      draft.metadata.deletionTimestamp = now
      if (!draft.metadata.finalizers?.includes(CLEANUP_FINALIZER)) draft.metadata.finalizers = [...draft.metadata.finalizers ?? [], CLEANUP_FINALIZER]
      const terminating = { type: 'Terminating', status: 'True', lastTransitionTime: now, reason: 'InstanceDeletionPending', message: 'CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon' } as const
      draft.status.conditions = [...(draft.status.conditions ?? []).filter((condition) => condition.type !== 'Terminating'), terminating]
      return draft
    },
    allowUnconditionalUpdate: false,
    warningsOnCreate: ({ spec }) => unrecognizedFormats(spec).map(formatWarning),
    warningsOnUpdate({ spec }, old) {
      const known = unrecognizedFormats(old.spec)
      return unrecognizedFormats(spec).filter((format) => !known.includes(format)).map(formatWarning)
    },
  },
})

const formatWarning = (format: string) => `unrecognized format ${quoted(format)}`

function storeVersions(draft: CustomResourceDefinition): void {
  if (!draft.status || draft.status.storedVersions?.length) return
  const stored = (draft.spec.versions ?? []).find((version) => version.storage)
  if (stored) draft.status.storedVersions = [stored.name]
}
