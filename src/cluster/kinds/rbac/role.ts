import { defineKind } from '../define-kind.ts'
import type { Role } from '../generated/types.ts'
import { pathSegmentName } from '../names.ts'

export const role = defineKind<Role>({
  group: 'rbac.authorization.k8s.io', version: 'v1', resource: 'roles',
  nameRule: pathSegmentName,
  strategy: { allowCreateOnUpdate: true },
})
