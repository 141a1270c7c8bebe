import { deepEqual } from '../../base/freeze.ts'
import type { KubeObject } from '../kinds/object.ts'

/**
 * Drops owner references that came twice, with a warning. `afterAdmission`: patches are looked at only then.
 * k8s: apiserver/pkg/endpoints/handlers/rest.go dedupOwnerReferencesAndAddWarning
 */
export function dropDuplicateOwners(draft: KubeObject, warn: (text: string) => void, afterAdmission = false): void {
  const references = draft.metadata?.ownerReferences
  if (!references || references.length < 2) return
  const duplicates = references.filter((reference, i) => references.findIndex((other) => other.uid === reference.uid && deepEqual(other, reference)) < i)
  if (duplicates.length === 0) return
  warn(`.metadata.ownerReferences contains duplicate entries${afterAdmission ? ' after mutating admission happens' : ''}; API server dedups owner references in 1.20+, and may reject such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: ${duplicates.map(({ uid }) => uid).join(', ')}`)
  draft.metadata.ownerReferences = references.filter((reference) => !duplicates.includes(reference))
}
