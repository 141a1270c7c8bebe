import type { Controller } from '../../client/controller-runner.ts'
import type { PersistentVolume, PersistentVolumeClaim } from '../../kinds/generated/types.ts'
import { compareQuantities } from '../../kinds/quantity.ts'

const CLAIMS = 'persistentvolumeclaims'

const requested = (claim: PersistentVolumeClaim) => claim.spec?.resources?.requests?.storage ?? '0'

/** Says of claims that ask for more than they have whom that is left to: no volume that is built in can grow. k8s: pkg/controller/volume/expand */
export const expandController: Controller = {
  name: 'volume_expand', for: CLAIMS, reads: ['persistentvolumes'],
  wants: ({ type, object, old }) => {
    const claim = object as PersistentVolumeClaim
    if (type !== 'update' || claim.status?.phase !== 'Bound') return false
    return compareQuantities(requested(claim), requested(old as PersistentVolumeClaim)) > 0
  },
  async reconcile(key, { cache, events }) {
    const claim = cache.get<PersistentVolumeClaim>(CLAIMS, key)
    const volume = claim?.spec?.volumeName ? cache.get<PersistentVolume>('persistentvolumes', claim.spec.volumeName) : undefined
    if (!claim || !volume || volume.spec?.claimRef?.uid !== claim.metadata.uid || compareQuantities(requested(claim), claim.status?.capacity?.storage ?? '0') <= 0) return
    events.event(claim, 'Normal', 'ExternalExpanding', 'waiting for an external controller to expand this PVC')
  },
}
