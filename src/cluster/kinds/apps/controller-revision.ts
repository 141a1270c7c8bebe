import { defineKind } from '../define-kind.ts'
import type { ControllerRevision } from '../generated/types.ts'

export const controllerRevision = defineKind<ControllerRevision>({
  group: 'apps', version: 'v1', resource: 'controllerrevisions',
  cells: {
    Controller({ metadata }) {
      const owner = metadata.ownerReferences?.find((reference) => reference.controller)
      if (!owner) return '<none>'
      const group = owner.apiVersion.includes('/') ? `.${owner.apiVersion.split('/')[0]}` : ''
      return `${owner.kind.toLowerCase()}${group}/${owner.name}`
    },
    Revision: (object) => String(object.revision),
  },
})
