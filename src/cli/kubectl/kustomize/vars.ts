import { updateField } from './field-specs.ts'
import type { TransformerConfig } from './field-specs.ts'
import { identitiesOf } from './resource.ts'
import type { KustomizeResource } from './resource.ts'

/** A name for a field's value, for use as `$(NAME)`. Older than replacements. */
export interface Var { name: string; objref: { kind?: string; name?: string; apiVersion?: string; namespace?: string }; fieldref?: { fieldpath?: string; fieldPath?: string } }

/** k8s: kustomize ResAccumulator.ResolveVars @throws Error */
export function expandVars(resources: readonly KustomizeResource[], vars: readonly Var[], config: TransformerConfig): void {
  if (vars.length === 0) return
  const values = new Map<string, unknown>()
  for (const { name, objref, fieldref } of vars) {
    const found = resources.filter((r) => (!objref.apiVersion || r.object.apiVersion === objref.apiVersion) && identitiesOf(r).some((id) => id.kind === objref.kind && id.name === objref.name && (!objref.namespace || id.namespace === objref.namespace)))
    if (found.length === 0) continue
    if (found.length > 1) throw new Error(`found ${found.length} resId matches for var {${name}} (unable to disambiguate)`)
    const path = fieldref?.fieldpath ?? fieldref?.fieldPath ?? 'metadata.name'
    const value = path.split(/(?<!\\)\.|\[|\]/).filter(Boolean).reduce((holder: any, part) => holder?.[part.replaceAll('\\.', '.')], found[0]!.object)
    if (value === undefined) throw new Error(`field specified in var '{${name} ${objref.kind}/${objref.name} {${path}}}' not found in corresponding resource`)
    values.set(name, value)
  }
  const expand = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(expand)
    if (value !== null && typeof value === 'object') return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, expand(child)]))
    if (typeof value !== 'string') return value
    // A text that is nothing but the variable takes over its type.
    const whole = /^\$\(([^)]*)\)$/.exec(value)
    if (whole && values.has(whole[1]!)) return values.get(whole[1]!)
    return value.replace(/\$\$\(|\$\(([^)]*)\)/g, (text, name?: string) => name !== undefined && values.has(name) ? String(values.get(name)) : text)
  }
  for (const resource of resources) for (const spec of config.varReference) updateField(resource, spec, expand)
}
