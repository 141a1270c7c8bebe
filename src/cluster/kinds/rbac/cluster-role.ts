import { defineKind } from '../define-kind.ts'
import type { ClusterRole } from '../generated/types.ts'
import { rbacName } from '../names.ts'
import { validateClusterRole, validateClusterRoleUpdate } from './validate-rbac.ts'

export const clusterRole = defineKind<ClusterRole>({
  group: 'rbac.authorization.k8s.io', version: 'v1', resource: 'clusterroles',
  nameRule: rbacName,
  validate: validateClusterRole,
  updatesWithoutMeta: true,
  validateUpdate: validateClusterRoleUpdate,
  strategy: { allowCreateOnUpdate: true },
})
