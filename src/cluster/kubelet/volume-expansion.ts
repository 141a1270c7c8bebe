import type { Api } from '../client/api.ts'
import type { EventRecorder } from '../client/event-recorder.ts'
import type { PersistentVolume, PersistentVolumeClaim, Pod } from '../kinds/generated/types.ts'
import { podReference } from './pod-spec.ts'

/** Tells a claim and a pod that a volume has grown on this node to what its PersistentVolume says. k8s: pkg/volume/util MarkNodeExpansionFinishedWithRecovery */
export async function reportExpansion({ api, events, nodeName }: { api: Api; events: EventRecorder; nodeName: string }, claim: PersistentVolumeClaim, volume: PersistentVolume, pod: Pod): Promise<void> {
  const message = `MountVolume.NodeExpandVolume succeeded for volume ${JSON.stringify(volume.metadata.name)} ${nodeName}`
  events.event(podReference(pod), 'Normal', 'FileSystemResizeSuccessful', message)
  events.event(claim, 'Normal', 'FileSystemResizeSuccessful', message)
  const { conditions = [], allocatedResourceStatuses: _statuses, ...status } = claim.status ?? {}
  const left = conditions.filter(({ type }) => type !== 'FileSystemResizePending' && type !== 'Resizing')
  await api.updateStatus<PersistentVolumeClaim>('persistentvolumeclaims', { ...claim, status: { ...status, capacity: { ...status.capacity, storage: volume.spec!.capacity!.storage! }, ...(left.length > 0 ? { conditions: left } : {}) } })
}
