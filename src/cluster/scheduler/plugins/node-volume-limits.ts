import { classOfClaim } from '../../client/volume-matching.ts'
import type { CSINode, PersistentVolume, PersistentVolumeClaim, Pod, StorageClass, VolumeAttachment } from '../../kinds/generated/types.ts'
import { on, type FilterPlugin, type Handle, type PreFilterPlugin } from '../framework.ts'
import { holdsRoom } from '../pod-info.ts'
import { failed, PASS, SKIP, unresolvable, unschedulable, type SchedulingStatus } from '../status.ts'
import { claimNames, claimNotFound, whyNotForPod } from '../volumes/pod-claims.ts'

/** Names of volumes, each with its driver. */
type Volumes = Map<string, string>

const uniqueName = (driver: string, handle: string) => `${driver}/${handle}`

/**
 * The volumes of CSI drivers that a pod has or will have: one that is not there yet counts for its class's provisioner. A pod that is on a node already
 * may have lost its claims. k8s: filterAttachableVolumes, getCSIDriverInfo
 */
function addVolumes(pod: Pod, isNew: boolean, into: Volumes, { informers }: Handle): SchedulingStatus | undefined {
  const { namespace } = pod.metadata
  for (const { name, ephemeral } of claimNames(pod)) {
    const claim = informers.for<PersistentVolumeClaim>('persistentvolumeclaims').get(`${namespace}/${name}`)
    if (!claim) {
      if (isNew) return unresolvable(`looking up PVC ${namespace}/${name}: ${claimNotFound(name)}`)
      continue
    }
    const notOwn = ephemeral ? whyNotForPod(pod, claim) : undefined
    if (notOwn) return failed(notOwn)
    const volume = claim.spec?.volumeName ? informers.for<PersistentVolume>('persistentvolumes').get(claim.spec.volumeName) : undefined
    if (volume) {
      const csi = volume.spec?.csi
      if (csi) into.set(uniqueName(csi.driver, csi.volumeHandle), csi.driver)
      continue
    }
    const className = classOfClaim(claim)
    const provisioner = className === '' ? undefined : informers.for<StorageClass>('storageclasses.storage.k8s.io').get(className)?.provisioner
    if (provisioner) into.set(uniqueName(provisioner, `unbound-${namespace}/${name}`), provisioner)
  }
  return undefined
}

function limitsOf(node: string, { informers }: Handle): ReadonlyMap<string, number> {
  const drivers = informers.for<CSINode>('csinodes.storage.k8s.io').get(node)?.spec?.drivers ?? []
  return new Map(drivers.flatMap(({ name, allocatable }) => allocatable?.count === undefined ? [] : [[name, allocatable.count]]))
}

/** What is attached to a node, whoever uses it. k8s: getNodeVolumeAttachmentInfo */
function attachedTo(node: string, { informers }: Handle): Volumes {
  const out: Volumes = new Map()
  for (const { spec } of informers.for<VolumeAttachment>('volumeattachments.storage.k8s.io').list()) {
    if (spec.nodeName !== node || !spec.source.persistentVolumeName) continue
    const csi = informers.for<PersistentVolume>('persistentvolumes').get(spec.source.persistentVolumeName)?.spec?.csi
    if (csi) out.set(uniqueName(spec.attacher, csi.volumeHandle), spec.attacher)
  }
  return out
}

function countByDriver(volumes: Iterable<string>): Map<string, number> {
  const counts = new Map<string, number>()
  for (const driver of volumes) counts.set(driver, (counts.get(driver) ?? 0) + 1)
  return counts
}

/** Drivers tell how many volumes a node can have. k8s: plugins/nodevolumelimits CSILimits */
export const nodeVolumeLimits: PreFilterPlugin & FilterPlugin = {
  name: 'NodeVolumeLimits',
  preFilter: ({ pod }) => claimNames(pod).length === 0 ? SKIP : PASS,
  filter({ pod }, { node, pods }, handle) {
    const wanted: Volumes = new Map()
    const problem = addVolumes(pod, true, wanted, handle)
    if (problem) return problem
    const limits = wanted.size === 0 ? new Map<string, number>() : limitsOf(node.metadata.name!, handle)
    if (limits.size === 0) return PASS
    const used: Volumes = new Map()
    for (const { pod: other } of pods.values()) {
      const otherProblem = addVolumes(other, false, used, handle)
      if (otherProblem) return otherProblem
    }
    for (const name of used.keys()) wanted.delete(name)
    for (const [name, driver] of attachedTo(node.metadata.name!, handle)) used.set(name, driver)
    const present = countByDriver(used.values())
    for (const [driver, added] of countByDriver(wanted.values())) {
      const limit = limits.get(driver)
      if (limit !== undefined && (present.get(driver) ?? 0) + added > limit) return unschedulable('node(s) exceed max volume count')
    }
    return PASS
  },
  retryOn: [
    on('CSINode', ['Add', 'Update'], (_, { object, old }) => {
      if (!old) return true
      const before = new Map(((old as CSINode).spec?.drivers ?? []).map(({ name, allocatable }) => [name, allocatable?.count ?? 0]))
      return ((object as CSINode).spec?.drivers ?? []).some(({ name, allocatable }) => (allocatable?.count ?? 0) > (before.get(name) ?? 0))
    }),
    on('Pod', 'Delete', (_, { object }) => holdsRoom(object as Pod) && claimNames(object as Pod).length > 0),
    on('PersistentVolumeClaim', 'Add', (pod, { object }) => object.metadata.namespace === pod.metadata.namespace && claimNames(pod).some(({ name }) => name === object.metadata.name)),
    on('VolumeAttachment', 'Delete', ({ spec }) => (spec.volumes ?? []).some(({ persistentVolumeClaim }) => persistentVolumeClaim !== undefined)),
  ],
}
