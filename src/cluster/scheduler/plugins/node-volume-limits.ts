import type { CSINode, PersistentVolume, PersistentVolumeClaim, Pod } from '../../kinds/generated/types.ts'
import { on, type FilterPlugin, type Handle, type PreFilterPlugin } from '../framework.ts'
import { PASS, SKIP, unschedulable } from '../status.ts'
import { claimNames } from './volume-binding.ts'

/** CSI volumes of a pod by driver. */
function csiVolumes(pod: Pod, { informers }: Handle): Map<string, Set<string>> {
  const out = new Map<string, Set<string>>()
  for (const { name } of claimNames(pod)) {
    const claim = informers.for<PersistentVolumeClaim>('persistentvolumeclaims').get(`${pod.metadata.namespace}/${name}`)
    const csi = claim?.spec?.volumeName ? informers.for<PersistentVolume>('persistentvolumes').get(claim.spec.volumeName)?.spec?.csi : undefined
    if (!csi) continue
    if (!out.has(csi.driver)) out.set(csi.driver, new Set())
    out.get(csi.driver)!.add(csi.volumeHandle)
  }
  return out
}

/** Drivers tell how many volumes a node can have. k8s: plugins/nodevolumelimits */
export const nodeVolumeLimits: PreFilterPlugin & FilterPlugin = {
  name: 'NodeVolumeLimits',
  preFilter: ({ pod }) => claimNames(pod).length === 0 ? SKIP : PASS,
  filter({ pod }, { node, pods }, handle) {
    const wanted = csiVolumes(pod, handle)
    if (wanted.size === 0) return PASS
    const drivers = handle.informers.for<CSINode>('csinodes.storage.k8s.io').get(node.metadata.name!)?.spec?.drivers ?? []
    for (const { name, allocatable } of drivers) {
      const added = wanted.get(name)
      if (!added || allocatable?.count === undefined) continue
      const used = new Set(added)
      for (const { pod: other } of pods.values()) for (const handleId of csiVolumes(other, handle).get(name) ?? []) used.add(handleId)
      if (used.size > allocatable.count) return unschedulable('node(s) exceed max volume count')
    }
    return PASS
  },
  retryOn: [on('CSINode', ['Add', 'Update']), on('Pod', 'Delete'), on('PersistentVolumeClaim', ['Add', 'Update'])],
}
