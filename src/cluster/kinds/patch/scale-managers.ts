/**
 * What a write to the scale subresource makes of the managers of the object that is scaled. Scales are owned by themselves, in autoscaling/v1; what was
 * owned is told apart by names that contain that version. k8s: managedfields ScaleHandler ToSubresource, ToParent
 */
import type { ManagedFieldsEntry } from '../object.ts'
import { differenceOf, type FieldSet, isEmptySet } from './field-set.ts'
import { tableSet } from './field-set-table.ts'
import { decodeManagers, encodeManagers, type Manager, type Managers } from './managed-fields.ts'

export const REPLICAS: FieldSet = tableSet({ 'f:spec': { 'f:replicas': {} } })

/** Whether a built-in kind's scale shows any owner. */
export function ownsReplicas(managers: Managers): boolean {
  return [...managers.values()].some(has)
}

const has = ({ set }: Manager) => set['f:spec']?.['f:replicas'] !== undefined

/**
 * Managers that only wrote don't recognise themselves in the scale, as they are named with its version there: what else they own stays theirs, and replicas
 * become an entry of their own, without a time. Whoever reads the entries later takes only the last of two that are named alike.
 */
export function throughScale(entries: readonly ManagedFieldsEntry[] | undefined): readonly ManagedFieldsEntry[] | undefined {
  const managers = entries && decodeManagers(entries)
  if (!managers || ![...managers.values()].some((manager) => manager.operation === 'Update' && has(manager))) return entries
  const out: Managers = new Map()
  for (const [id, manager] of managers) {
    if (manager.operation === 'Apply' || !has(manager)) {
      out.set(id, manager)
      continue
    }
    const { entry: _, ...rest } = manager
    const set = differenceOf(manager.set, REPLICAS)
    if (!isEmptySet(set)) out.set(id, { ...rest, set })
    out.set(`${id}\u0000scale`, { ...rest, set: REPLICAS, time: undefined })
  }
  const split = encodeManagers(out)
  return JSON.stringify(split) === JSON.stringify(entries) ? entries : split
}
