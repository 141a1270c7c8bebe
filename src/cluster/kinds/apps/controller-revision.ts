import { checkImmutable, checkNotNegative } from '../checks.ts'
import { defineKind } from '../define-kind.ts'
import { required, type Finding } from '../findings.ts'
import type { ControllerRevision } from '../generated/types.ts'
import { validateObjectMeta } from '../validate-metadata.ts'

export const controllerRevision = defineKind<ControllerRevision>({
  group: 'apps', version: 'v1', resource: 'controllerrevisions',
  validate: validateRevision,
  validateUpdate(object, old) {
    const out = validateObjectMeta({ namespaced: true }, object.metadata)
    checkNotNegative(out, object.revision, 'revision')
    checkImmutable(out, object.data, old.data, 'data')
    return out
  },
  cells: {
    Controller({ metadata }) {
      const owner = metadata.ownerReferences?.find((reference) => reference.controller)
      if (!owner) return '<none>'
      const group = owner.apiVersion.includes('/') ? `.${owner.apiVersion.split('/')[0]}` : ''
      return `${owner.kind.toLowerCase()}${group}/${owner.name}`
    },
    Revision: (object) => object.revision,
  },
})

/** k8s: validateControllerRevision, after ObjectMeta */
function validateRevision({ data, revision }: Readonly<ControllerRevision>): Finding[] {
  const out: Finding[] = []
  checkNotNegative(out, revision, 'revision')
  if (data === undefined || data === null) out.push(required('data', 'data is mandatory'))
  else if (typeof data !== 'object' || Array.isArray(data)) out.push(required('data', 'data must be a valid JSON object'))
  return out
}
