import { defineKind } from '../define-kind.ts'
import type { ClusterRole } from '../generated/types.ts'
import { pathSegmentName } from '../names.ts'

export const clusterRole = defineKind<ClusterRole>({
  group: 'rbac.authorization.k8s.io', version: 'v1', resource: 'clusterroles',
  nameRule: pathSegmentName,
  strategy: { allowCreateOnUpdate: true },
})
