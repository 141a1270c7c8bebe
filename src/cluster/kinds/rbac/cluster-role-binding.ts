import { defineKind } from '../define-kind.ts'
import type { ClusterRoleBinding } from '../generated/types.ts'

export const clusterRoleBinding = defineKind<ClusterRoleBinding>({ group: 'rbac.authorization.k8s.io', version: 'v1', resource: 'clusterrolebindings' })
