import type { KubeObject, ObjectMeta, OwnerReference } from '../kinds/object.ts'

/** The owner that manages the object. k8s: apimachinery/pkg/apis/meta/v1 GetControllerOf */
export function controllerOf(object: { metadata: ObjectMeta }): OwnerReference | undefined {
  const owners = object.metadata.ownerReferences
  if (!owners) return undefined
  for (const owner of owners) if (owner.controller) return owner
  return undefined
}

/** A reference that makes `owner` the controller. k8s: metav1.NewControllerRef */
export function controllerReference(owner: KubeObject): OwnerReference {
  return { apiVersion: owner.apiVersion, kind: owner.kind, name: owner.metadata.name!, uid: owner.metadata.uid!, controller: true, blockOwnerDeletion: true }
}

/** What events and references say of an object. k8s: client-go/tools/reference GetReference */
export interface ObjectReference {
  apiVersion?: string
  kind?: string
  namespace?: string
  name?: string
  uid?: string
  resourceVersion?: string
  fieldPath?: string
}

export function objectReference(object: KubeObject): ObjectReference {
  const { namespace, name, uid, resourceVersion } = object.metadata
  return { kind: object.kind, ...(namespace ? { namespace } : {}), name, ...(uid ? { uid } : {}), apiVersion: object.apiVersion, ...(resourceVersion ? { resourceVersion } : {}) }
}
