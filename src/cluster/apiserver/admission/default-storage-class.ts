import type { PersistentVolumeClaim, StorageClass } from '../../kinds/generated/types.ts'
import type { KubeObject } from '../../kinds/object.ts'
import type { AdmissionPlugin } from '../seams.ts'
import { isAbout } from './forbidden.ts'

const IS_DEFAULT = ['storageclass.kubernetes.io/is-default-class', 'storageclass.beta.kubernetes.io/is-default-class']
const LEGACY_CLASS = 'volume.beta.kubernetes.io/storage-class'

/** The newest of the objects that are marked as default. k8s: the tie is broken by name */
export function newestDefault<T extends KubeObject>(objects: readonly T[], annotations: readonly string[]): T | undefined {
  let best: T | undefined
  for (const object of objects) {
    if (!annotations.some((key) => object.metadata.annotations?.[key] === 'true')) continue
    if (!best) { best = object; continue }
    const [mine, other] = [object.metadata.creationTimestamp ?? '', best.metadata.creationTimestamp ?? '']
    if (mine > other || (mine === other && object.metadata.name! < best.metadata.name!)) best = object
  }
  return best
}

/** The storage class that claims get which ask for none. */
function defaultStorageClassOf(classes: readonly StorageClass[]): StorageClass | undefined {
  return newestDefault(classes, IS_DEFAULT)
}

/** k8s: plugin/pkg/admission/storage/storageclass/setdefault */
export const defaultStorageClass: AdmissionPlugin = {
  name: 'DefaultStorageClass',
  mutate(attributes, { reader }) {
    if (attributes.operation !== 'CREATE' || !isAbout(attributes, 'persistentvolumeclaims') || !attributes.object) return
    const claim = attributes.object as PersistentVolumeClaim
    if (claim.metadata.annotations?.[LEGACY_CLASS] !== undefined || claim.spec?.storageClassName !== undefined) return
    const found = defaultStorageClassOf(reader.list<StorageClass>('storageclasses.storage.k8s.io'))
    if (found) claim.spec = { ...claim.spec, storageClassName: found.metadata.name! }
  },
}
