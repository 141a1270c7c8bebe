import { defineKind } from '../define-kind.ts'
import type { RoleBinding } from '../generated/types.ts'

export const roleBinding = defineKind<RoleBinding>({ group: 'rbac.authorization.k8s.io', version: 'v1', resource: 'rolebindings' })
