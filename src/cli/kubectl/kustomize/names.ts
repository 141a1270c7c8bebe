import { applies, updateField } from './field-specs.ts'
import type { TransformerConfig } from './field-specs.ts'
import { identitiesOf } from './resource.ts'
import type { KustomizeResource } from './resource.ts'

/** Makes references follow the objects that got other names or namespaces. k8s: kustomize nameReferenceTransformer, filters/nameref */
export function fixNameReferences(resources: readonly KustomizeResource[], config: TransformerConfig): void {
  for (const referrer of resources) {
    for (const { fieldSpecs, ...target } of config.nameReference) {
      const candidates = resources.filter((r) => applies(target, r))
      if (candidates.length === 0) continue
      for (const spec of fieldSpecs) updateField(referrer, spec, (value) => followed(referrer, value, candidates, spec.path, target.kind))
    }
  }
}

function followed(referrer: KustomizeResource, value: unknown, candidates: readonly KustomizeResource[], path: string, kind: string): unknown {
  if (Array.isArray(value)) return value.map((item) => followed(referrer, item, candidates, path, kind))
  if (typeof value === 'string') {
    // A role's reference says itself of which kind the role is.
    if (path.startsWith('roleRef/') && (referrer.object['roleRef'] as { kind?: string } | undefined)?.kind !== kind) return value
    return referral(referrer, value, candidates)?.object.metadata.name ?? value
  }
  if (value === null || typeof value !== 'object') return value
  const holder = value as { name?: string; namespace?: string; kind?: string }
  if (typeof holder.name !== 'string' || (holder.kind !== undefined && path === 'subjects' && holder.kind !== kind)) return value
  const same = holder.namespace === undefined ? candidates : candidates.filter((r) => identitiesOf(r).some((id) => id.namespace === holder.namespace) || (r.previous[0]!.namespace === '' && holder.namespace === 'default'))
  const found = referral(referrer, holder.name, same)
  if (!found) return value
  const { name, namespace } = found.object.metadata
  return { ...holder, name, ...(namespace ? { namespace } : {}) }
}

/** Of several with that name the nearest: in the same namespace, with the same prefixes. */
function referral(referrer: KustomizeResource, name: string, candidates: readonly KustomizeResource[]): KustomizeResource | undefined {
  let found = candidates.filter((r) => r.previous.some((id) => id.name === name))
  const narrow = (fits: (r: KustomizeResource) => boolean) => {
    const fewer = found.filter(fits)
    if (fewer.length > 0) found = fewer
  }
  if (found.length > 1) narrow((r) => (r.object.metadata.namespace ?? '') === (referrer.object.metadata.namespace ?? ''))
  if (found.length > 1) narrow((r) => r.affixes.join('/') === referrer.affixes.join('/'))
  return found[0]
}
