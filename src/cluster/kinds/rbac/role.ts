import { defineKind } from '../define-kind.ts'
import type { Role } from '../generated/types.ts'
import { rbacName } from '../names.ts'
import { validateRole, validateRoleUpdate } from './validate-rbac.ts'

export const role = defineKind<Role>({
  group: 'rbac.authorization.k8s.io', version: 'v1', resource: 'roles',
  nameRule: rbacName,
  validate: validateRole,
  updatesWithoutMeta: true,
  validateUpdate: validateRoleUpdate,
  strategy: { allowCreateOnUpdate: true },
})
