import type { Cells } from '../define-kind.ts'
import type { RoleRef, Subject } from '../generated/types.ts'

/** What RoleBinding and ClusterRoleBinding have in common. */
export interface Bindings {
  roleRef: RoleRef
  subjects?: Subject[]
}

/** k8s: pkg/apis/rbac/v1/defaults.go */
export function defaultBinding(draft: Bindings): void {
  draft.roleRef.apiGroup ||= 'rbac.authorization.k8s.io'
  for (const subject of draft.subjects ?? []) if (!subject.apiGroup && (subject.kind === 'User' || subject.kind === 'Group')) subject.apiGroup = 'rbac.authorization.k8s.io'
}

const named = (binding: Readonly<Bindings>, kind: string) =>
  (binding.subjects ?? []).filter((subject) => subject.kind === kind).map((subject) => (kind === 'ServiceAccount' ? `${subject.namespace ?? ''}/${subject.name}` : subject.name)).join(', ')

/** k8s: printRoleBinding */
export const bindingCells: Cells<any> = {
  Role: (binding: Bindings) => `${binding.roleRef.kind}/${binding.roleRef.name}`,
  Users: (binding: Bindings) => named(binding, 'User'),
  Groups: (binding: Bindings) => named(binding, 'Group'),
  ServiceAccounts: (binding: Bindings) => named(binding, 'ServiceAccount'),
}
