import { defineKind } from '../define-kind.ts'
import type { RoleBinding } from '../generated/types.ts'
import { pathSegmentName } from '../names.ts'
import { bindingCells, defaultBinding } from './subjects.ts'

export const roleBinding = defineKind<RoleBinding>({
  group: 'rbac.authorization.k8s.io', version: 'v1', resource: 'rolebindings',
  nameRule: pathSegmentName,
  defaults: defaultBinding,
  strategy: { allowCreateOnUpdate: true },
  cells: bindingCells,
})
