import { conditionInPatch } from '../client/conditions.ts'
import type { Pod, PodCondition } from '../kinds/generated/types.ts'

/**
 * What a strategic merge patch of a pod's status says to set one condition: a new one comes behind those that there are.
 * k8s: pkg/scheduler/util PatchPodStatus, which compares whole statuses
 */
export function conditionPatch({ status }: Pod, condition: PodCondition): object {
  return conditionInPatch(status?.conditions, condition)
}
