import { defineKind } from '../define-kind.ts'
import type { ClusterRoleBinding } from '../generated/types.ts'
import { rbacName } from '../names.ts'
import { bindingCells, defaultBinding } from './subjects.ts'
import { validateBinding, validateBindingUpdate } from './validate-rbac.ts'

export const clusterRoleBinding = defineKind<ClusterRoleBinding>({
  group: 'rbac.authorization.k8s.io', version: 'v1', resource: 'clusterrolebindings',
  nameRule: rbacName,
  validate: (binding) => validateBinding(binding, false),
  updatesWithoutMeta: true,
  validateUpdate: (binding, old) => validateBindingUpdate(binding, old, false),
  defaults: defaultBinding,
  strategy: { allowCreateOnUpdate: true },
  cells: bindingCells,
})
