import { defineKind } from '../define-kind.ts'
import type { RoleBinding } from '../generated/types.ts'
import { rbacName } from '../names.ts'
import { bindingCells, defaultBinding } from './subjects.ts'
import { validateBinding, validateBindingUpdate } from './validate-rbac.ts'

export const roleBinding = defineKind<RoleBinding>({
  group: 'rbac.authorization.k8s.io', version: 'v1', resource: 'rolebindings',
  nameRule: rbacName,
  validate: (binding) => validateBinding(binding, true),
  updatesWithoutMeta: true,
  validateUpdate: (binding, old) => validateBindingUpdate(binding, old, true),
  defaults: defaultBinding,
  strategy: { allowCreateOnUpdate: true },
  cells: bindingCells,
})
