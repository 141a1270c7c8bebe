import type { KubeObject } from '../kinds/object.ts'

/** Short forms for the plain objects that an installer writes. */

export interface Rule {
  apiGroups?: string[]
  resources?: string[]
  resourceNames?: string[]
  nonResourceURLs?: string[]
  verbs: string[]
}

export interface RoleSubject {
  kind: string
  name: string
  namespace?: string
}

const RBAC = 'rbac.authorization.k8s.io'

export function serviceAccount(namespace: string, name: string): KubeObject {
  return { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace } }
}

export function configMap(namespace: string, name: string, data: Record<string, string>, labels?: Record<string, string>): KubeObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace, ...(labels ? { labels } : {}) }, data }
}

export function clusterRole(name: string, rules: Rule[]): KubeObject {
  return { apiVersion: `${RBAC}/v1`, kind: 'ClusterRole', metadata: { name }, rules }
}

export function role(namespace: string, name: string, rules: Rule[]): KubeObject {
  return { apiVersion: `${RBAC}/v1`, kind: 'Role', metadata: { name, namespace }, rules }
}

export function clusterRoleBinding(name: string, roleName: string, subjects: RoleSubject[]): KubeObject {
  return { apiVersion: `${RBAC}/v1`, kind: 'ClusterRoleBinding', metadata: { name }, roleRef: { apiGroup: RBAC, kind: 'ClusterRole', name: roleName }, subjects: subjects.map(withGroup) }
}

export function roleBinding(namespace: string, name: string, roleName: string, subjects: RoleSubject[]): KubeObject {
  return { apiVersion: `${RBAC}/v1`, kind: 'RoleBinding', metadata: { name, namespace }, roleRef: { apiGroup: RBAC, kind: 'Role', name: roleName }, subjects: subjects.map(withGroup) }
}

function withGroup(subject: RoleSubject): RoleSubject & { apiGroup?: string } {
  return subject.kind === 'ServiceAccount' ? subject : { ...subject, apiGroup: RBAC }
}
