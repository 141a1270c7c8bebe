import { defineKind } from '../define-kind.ts'
import type { Namespace } from '../generated/types.ts'
import { invalid, type Finding } from '../findings.ts'
import type { Kind } from '../kind.ts'
import { labelKeyProblems, labelName } from '../names.ts'
import { keep } from '../strategies.ts'
import { validateKindMetaUpdate, validateObjectMeta } from '../validate-metadata.ts'

export const namespace: Kind<Namespace> = defineKind<Namespace>({
  group: '', version: 'v1', resource: 'namespaces',
  nameRule: labelName,
  defaults(draft) {
    if (draft.metadata.name) labelWithName(draft)
    draft.status.phase ??= 'Active'
  },
  validate: validateNamespace,
  updatesWithoutMeta: true,
  validateUpdate: (object, old) => [...validateObjectMeta(namespace, object.metadata), ...validateNamespace(object), ...validateKindMetaUpdate(namespace, object.metadata, old.metadata)],
  validateStatusUpdate({ status, metadata }) {
    const expected = metadata.deletionTimestamp ? 'Terminating' : 'Active'
    if (status.phase === expected) return []
    return [invalid('status.Phase', status.phase ?? '', metadata.deletionTimestamp ? "may only be 'Terminating' if `deletionTimestamp` is not empty" : "may only be 'Active' if `deletionTimestamp` is empty")]
  },
  strategy: {
    beforeCreate(draft) {
      draft.status = { phase: 'Active' }
      const finalizers = draft.spec.finalizers ?? []
      // The namespace controller takes it away once everything inside is gone.
      draft.spec.finalizers = finalizers.includes('kubernetes') ? finalizers : [...finalizers, 'kubernetes']
      labelWithName(draft)
    },
    beforeUpdate(draft, old) {
      keep(draft, old, 'status')
      if (old.spec.finalizers) draft.spec.finalizers = old.spec.finalizers
      else delete draft.spec.finalizers
      labelWithName(draft)
    },
    beforeStatusUpdate(draft, old) {
      keep(draft, old, 'spec')
    },
  },
  cells: { Status: (object) => object.status?.phase ?? '' },
  selectableFields: (object) => ({ 'status.phase': object.status?.phase ?? '' }),
})

function labelWithName(draft: Namespace): void {
  if (draft.metadata.name) draft.metadata.labels = { ...draft.metadata.labels, 'kubernetes.io/metadata.name': draft.metadata.name }
}

/** k8s: ValidateNamespace, after ObjectMeta */
function validateNamespace({ spec }: Readonly<Namespace>): Finding[] {
  return (spec.finalizers ?? []).flatMap((finalizer) => [
    ...labelKeyProblems(finalizer).map((problem) => invalid('spec.finalizers', finalizer, problem)),
    ...(finalizer.includes('/') || ['kubernetes', 'orphan', 'foregroundDeletion'].includes(finalizer) ? [] : [invalid('spec.finalizers', finalizer, 'name is neither a standard finalizer name nor is it fully qualified')]),
  ])
}
