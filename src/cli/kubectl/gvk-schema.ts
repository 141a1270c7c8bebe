import { schemas } from '../../cluster/kinds/schema-table.ts'

/** The name of a built-in kind's schema, or undefined for kinds that patches must treat as plain JSON. */
export function schemaNameOf(group: string, version: string, kind: string): string | undefined {
  const name = group === 'apiregistration.k8s.io' ? `io.k8s.kube-aggregator.pkg.apis.apiregistration.${version}.${kind}`
    : group === 'apiextensions.k8s.io' ? `io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.${version}.${kind}`
    : group === '' || !group.includes('.') || group.endsWith('.k8s.io') ? `io.k8s.api.${group.split('.')[0] || 'core'}.${version}.${kind}` : ''
  return name && schemas[name] ? name : undefined
}

/** What commands say that work with Go's types, of a kind for which there is none. k8s: runtime NewNotRegisteredErrForKind */
export function notRegistered(apiVersion: string, kind: string): Error {
  return new Error(`no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)} in scheme "pkg/runtime/scheme.go:111"`)
}
