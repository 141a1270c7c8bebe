import type { KubeObject } from '../../kinds/object.ts'

/** Kinds of snapshot.storage.k8s.io/v1, which are custom resources. */
export const SNAPSHOT_API = 'snapshot.storage.k8s.io/v1'
export const SNAPSHOTS = '/apis/snapshot.storage.k8s.io/v1/volumesnapshots'
export const CONTENTS = '/apis/snapshot.storage.k8s.io/v1/volumesnapshotcontents'
export const SNAPSHOT_CLASSES = '/apis/snapshot.storage.k8s.io/v1/volumesnapshotclasses'

export const CONTENT_FINALIZER = 'snapshot.storage.kubernetes.io/volumesnapshotcontent-bound-protection'
export const BEING_DELETED = 'snapshot.storage.kubernetes.io/volumesnapshot-being-deleted'
/** On contents whose volume lies on one node: its name. k8s: VolumeSnapshotContentManagedByLabel */
export const MANAGED_BY = 'snapshot.storage.kubernetes.io/managed-by'
export const BEING_CREATED = 'snapshot.storage.kubernetes.io/volumesnapshot-being-created'

/** Where the secret is with which the driver takes and deletes a snapshot. */
export const SECRET_NAME = 'snapshot.storage.kubernetes.io/deletion-secret-name'
export const SECRET_NAMESPACE = 'snapshot.storage.kubernetes.io/deletion-secret-namespace'

interface SnapshotError { message?: string; time?: string }

export interface VolumeSnapshot extends KubeObject {
  spec: { source: { persistentVolumeClaimName?: string; volumeSnapshotContentName?: string }; volumeSnapshotClassName?: string }
  status?: { boundVolumeSnapshotContentName?: string; creationTime?: string; readyToUse?: boolean; restoreSize?: string; error?: SnapshotError }
}

export interface VolumeSnapshotContent extends KubeObject {
  spec: { deletionPolicy: 'Delete' | 'Retain'; driver: string; source: { volumeHandle?: string; snapshotHandle?: string }; volumeSnapshotClassName?: string; volumeSnapshotRef: { apiVersion?: string; kind?: string; namespace?: string; name?: string; uid?: string; resourceVersion?: string }; sourceVolumeMode?: string }
  /** `creationTime` in nanoseconds. */
  status?: { creationTime?: number; readyToUse?: boolean; restoreSize?: number; snapshotHandle?: string; error?: SnapshotError }
}

export interface VolumeSnapshotClass extends KubeObject {
  driver: string
  deletionPolicy: 'Delete' | 'Retain'
  parameters?: Record<string, string>
}
