import type { Clock } from '../../base/clock.ts'
import { rfc3339 } from '../../base/clock.ts'
import type { Api } from '../client/api.ts'
import type { EventRecorder } from '../client/event-recorder.ts'
import type { PersistentVolumeClaim, PersistentVolumeClaimCondition } from '../kinds/generated/types.ts'
import type { ExpansionReports } from '../storage/node-expansion.ts'
import { podReference } from './pod-spec.ts'

const CLAIMS = 'persistentvolumeclaims'
/** Conditions that speak of growing. k8s: pkg/volume/util knownResizeConditions */
const OF_RESIZING: readonly string[] = ['Resizing', 'FileSystemResizePending', 'ControllerResizeError', 'NodeResizeError']

/** What a kubelet tells of volumes that grow. k8s: pkg/volume/util/resize_util.go */
export function expansionReports({ api, events, clock }: { api: Api; events: EventRecorder; clock: Clock }): ExpansionReports {
  return {
    failed: new Set(),
    event(pod, claim, type, reason, message) {
      events.event(podReference(pod), type, reason, message)
      if (claim) events.event(claim, type, reason, message)
    },
    setStatus(claim, { capacity, resizeStatus, condition, isDone }, isChecked) {
      let conditions: readonly PersistentVolumeClaimCondition[] | undefined
      if (isDone) conditions = (claim.status?.conditions ?? []).filter(({ type }) => !OF_RESIZING.includes(type))
      if (condition) conditions = withCondition(claim.status?.conditions ?? [], { ...condition, lastTransitionTime: rfc3339(clock.nowMs()) })
      return api.patch<PersistentVolumeClaim>(CLAIMS, claim.metadata.name!, claim.metadata.namespace, 'application/strategic-merge-patch+json', {
        metadata: isChecked ? { resourceVersion: claim.metadata.resourceVersion } : {},
        status: {
          ...(capacity === undefined ? {} : { capacity: { storage: capacity } }), ...(resizeStatus === undefined ? {} : { allocatedResourceStatuses: { storage: resizeStatus } }), ...(conditions ? { conditions: [{ $patch: 'replace' }, ...conditions] } : {}),
        },
      }, { subresource: 'status' })
    },
  }
}

/** One that says the same stays as it was. k8s: MergeResizeConditionOnPVC */
function withCondition(conditions: readonly PersistentVolumeClaimCondition[], condition: PersistentVolumeClaimCondition): PersistentVolumeClaimCondition[] {
  const before = conditions.find(({ type }) => type === condition.type)
  if (!before) return [...conditions, condition]
  return conditions.map((each) => each === before && each.status !== condition.status ? condition : each)
}
