/** Devices that have to be made ready before a pod may be bound. k8s: plugins/dynamicresources isClaimReadyForBinding, PreBind */
import { findCondition } from '../../client/conditions.ts'
import { keyOf } from '../../client/informers.ts'
import type { Pod, ResourceResourceClaim } from '../../kinds/generated/types.ts'
import type { Handle } from '../framework.ts'
import { claimNotFound, trackerOf } from './claim-tracker.ts'
import type { DynamicResourcesState } from './state.ts'

/** k8s: DynamicResourcesBindingTimeoutDefault */
export const BINDING_TIMEOUT_MS = 600_000
const POLL_MS = 5_000

/** Whether all of a claim's devices are ready, or which of them failed. */
export function bindingConditionsOf({ metadata, status }: Readonly<ResourceResourceClaim>): { isReady: boolean; failure?: string } {
  if (!status?.allocation) return { isReady: false }
  for (const { driver, pool, device, bindingConditions = [], bindingFailureConditions = [] } of status.allocation.devices?.results ?? []) {
    if (bindingConditions.length === 0) continue
    const conditions = status.devices?.find((each) => each.driver === driver && each.pool === pool && each.device === device)?.conditions
    for (const type of bindingFailureConditions) {
      const condition = findCondition(conditions, type)
      if (condition?.status === 'True') return { isReady: false, failure: `device binding failed: claim=${metadata.name}, reason=${condition.reason}, message=${JSON.stringify(condition.message)}` }
    }
    if (bindingConditions.some((type) => findCondition(conditions, type)?.status !== 'True')) return { isReady: false }
  }
  return { isReady: true }
}

const awaitsConditions = ({ status }: ResourceResourceClaim) => (status?.allocation?.devices?.results ?? []).some(({ bindingConditions }) => bindingConditions?.length)

/** Whether a claim's devices have had more than `timeoutMs` to be ready. */
export function isBindingTimedOut(claim: Readonly<ResourceResourceClaim>, nowMs: number, timeoutMs: number): boolean {
  const at = claim.status?.allocation?.allocationTimestamp
  return at !== undefined && awaitsConditions(claim) && Date.parse(at) + timeoutMs < nowMs
}

/** Resolves once all devices are ready. @throws Error when one failed or it takes too long */
export async function waitForBinding(state: DynamicResourcesState, pod: Pod, nodeName: string, handle: Handle, timeoutMs: number): Promise<void> {
  if (!state.claims.some(awaitsConditions)) return
  const { clock, events } = handle
  events.event(pod, 'Normal', 'BindingConditionsPending', `waiting for binding conditions for device on node ${nodeName}`)
  const untilMs = clock.nowMs() + timeoutMs
  while (!isReady(state, handle, timeoutMs)) {
    if (clock.nowMs() + POLL_MS > untilMs) throw new Error('device binding timeout: context deadline exceeded')
    await clock.sleep(POLL_MS)
  }
}

function isReady(state: DynamicResourcesState, handle: Handle, timeoutMs: number): boolean {
  for (const [i, known] of state.claims.entries()) {
    const claim = trackerOf(handle).get(keyOf(known))
    if (!claim) throw new Error(claimNotFound(keyOf(known)))
    state.claims[i] = claim
    const { isReady: ready, failure } = bindingConditionsOf(claim)
    if (failure !== undefined) throw new Error(failure)
    if (ready) continue
    if (isBindingTimedOut(claim, handle.clock.nowMs(), timeoutMs)) throw new Error(`device binding timeout: claim=${claim.metadata.name}`)
    return false
  }
  return true
}
