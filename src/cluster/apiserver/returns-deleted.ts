import type { Kind } from '../kinds/kind.ts'
import { resourceRef } from '../kinds/object.ts'

/** k8s: Store ReturnDeletedObject */
const RESOURCES = new Set([
  'resourceclaimtemplates.resource.k8s.io', 'resourceslices.resource.k8s.io', 'resourceclaims.resource.k8s.io', 'deviceclasses.resource.k8s.io',
  'devicetaintrules.resource.k8s.io', 'csidrivers.storage.k8s.io', 'storageclasses.storage.k8s.io', 'volumeattachments.storage.k8s.io',
  'csinodes.storage.k8s.io', 'volumeattributesclasses.storage.k8s.io', 'resourcequotas', 'persistentvolumes', 'serviceaccounts',
  'persistentvolumeclaims', 'namespaces', 'pods', 'services', 'podtemplates',
])

/** Whether the deletion of such an object answers the object, not a Status. */
export function returnsDeleted(kind: Kind): boolean {
  return RESOURCES.has(resourceRef(kind.resource, kind.group))
}
