import { rfc3339 } from '../../base/clock.ts'
import type { Condition } from '../kinds/object.ts'

/** The condition of a type. */
export function findCondition<C extends { type: string }>(conditions: readonly C[] | undefined, type: string): C | undefined {
  if (conditions) for (let i = 0; i < conditions.length; i++) if (conditions[i]!.type === type) return conditions[i]
  return undefined
}

/**
 * The list with this condition in it: replaced in place where the type exists (the transition time stays unless the status changes),
 * appended otherwise. Returns the same list when nothing changes. k8s: apimachinery/pkg/api/meta SetStatusCondition
 */
export function withCondition<C extends Condition>(conditions: readonly C[] | undefined, next: C, nowMs: number): readonly C[] {
  const list = conditions ?? []
  const at = list.findIndex((condition) => condition.type === next.type)
  if (at < 0) return [...list, { ...next, lastTransitionTime: next.lastTransitionTime ?? rfc3339(nowMs) }]
  const old = list[at]!
  const same = old.status === next.status
  if (same && old.reason === next.reason && old.message === next.message && (next.observedGeneration === undefined || old.observedGeneration === next.observedGeneration)) return list
  const merged = { ...old, ...next, lastTransitionTime: same ? old.lastTransitionTime : next.lastTransitionTime ?? rfc3339(nowMs) }
  return list.map((condition, i) => i === at ? merged : condition)
}

/**
 * What patches one condition into a list (strategic merge patch): in its place, or at the end. Without the order a new condition would come first.
 * k8s: strategicpatch CreateTwoWayMergePatch, as util/pod PatchPodStatus uses it
 */
export function conditionInPatch<C extends { type: string }>(conditions: readonly { type: string }[] | undefined, next: C): Record<string, unknown> {
  const types = (conditions ?? []).map(({ type }) => type)
  return { '$setElementOrder/conditions': (types.includes(next.type) ? types : [...types, next.type]).map((type) => ({ type })), conditions: [next] }
}
