import type { PersistentVolumeClaim, Pod, Volume } from '../../kinds/generated/types.ts'
import { on, type Cycle, type FilterPlugin, type PreFilterPlugin } from '../framework.ts'
import { PASS, SKIP, unresolvable, unschedulable } from '../status.ts'
import { claimNotFound, namedClaims } from '../volumes/pod-claims.ts'

const NAME = 'VolumeRestrictions'
const IN_USE = 'node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod'

interface State {
  /** Claims of the pod that are for one pod alone. */
  once: ReadonlySet<string>
  /** How many uses stand in the pod's way. */
  uses: number
}

const overlap = (a: readonly string[] = [], b: readonly string[] = []) => a.some((value) => b.includes(value))

/** Whether two volumes are the same disk, which a node can't give to both. k8s: isVolumeConflict */
function conflicts(a: Volume, b: Volume): boolean {
  if (a.gcePersistentDisk && b.gcePersistentDisk && a.gcePersistentDisk.pdName === b.gcePersistentDisk.pdName && !(a.gcePersistentDisk.readOnly && b.gcePersistentDisk.readOnly)) return true
  if (a.awsElasticBlockStore && b.awsElasticBlockStore && a.awsElasticBlockStore.volumeID === b.awsElasticBlockStore.volumeID) return true
  if (a.iscsi && b.iscsi && a.iscsi.iqn === b.iscsi.iqn && !(a.iscsi.readOnly && b.iscsi.readOnly)) return true
  return a.rbd !== undefined && b.rbd !== undefined && overlap(a.rbd.monitors, b.rbd.monitors) && a.rbd.pool === b.rbd.pool && a.rbd.image === b.rbd.image && !(a.rbd.readOnly && b.rbd.readOnly)
}

const isDisk = ({ gcePersistentDisk, awsElasticBlockStore, iscsi, rbd }: Volume) => Boolean(gcePersistentDisk ?? awsElasticBlockStore ?? iscsi ?? rbd)
const sharesDisk = (pod: Pod, other: Pod) => (pod.spec.volumes ?? []).some((volume) => isDisk(volume) && (other.spec.volumes ?? []).some((taken) => conflicts(volume, taken)))

function change({ state }: Cycle, other: Pod, by: number): void {
  const own = state.get(NAME) as State | undefined
  if (own) own.uses += by * namedClaims(other).filter((name) => own.once.has(name)).length
}

/** A ReadWriteOncePod claim is for one pod, and some disks are for one pod of a node. k8s: plugins/volumerestrictions */
export const volumeRestrictions: PreFilterPlugin & FilterPlugin = {
  name: NAME,
  preFilter({ pod, state }, { informers, cluster }) {
    const { namespace } = pod.metadata
    const once = new Set<string>()
    for (const name of namedClaims(pod)) {
      const claim = informers.for<PersistentVolumeClaim>('persistentvolumeclaims').get(`${namespace}/${name}`)
      if (!claim) return unresolvable(claimNotFound(name))
      if (claim.spec?.accessModes?.includes('ReadWriteOncePod')) once.add(name)
    }
    const used = new Set<string>()
    if (once.size > 0) for (const { pods } of cluster.nodes)
      for (const { pod: other } of pods.values()) if (other.metadata.namespace === namespace) for (const name of namedClaims(other)) if (once.has(name)) used.add(name)
    if (used.size === 0 && !pod.spec.volumes?.some(isDisk)) return SKIP
    state.set(NAME, { once, uses: used.size } satisfies State)
    return PASS
  },
  addPod: (cycle, { pod }) => change(cycle, pod, 1),
  removePod: (cycle, { pod }) => change(cycle, pod, -1),
  cloneState: (state) => ({ ...state as State }),
  filter({ pod, state }, { pods }) {
    if (pod.spec.volumes?.some(isDisk)) for (const { pod: other } of pods.values()) if (sharesDisk(pod, other)) return unschedulable('node(s) had no available disk')
    // In use anywhere: no node will do, but evicting the user would help.
    return (state.get(NAME) as State).uses > 0 ? unschedulable(IN_USE) : PASS
  },
  retryOn: [
    on('Pod', 'Delete', (pod, { object }) => object.metadata.namespace === pod.metadata.namespace && (sharesDisk(pod, object as Pod) || namedClaims(object as Pod).some((name) => namedClaims(pod).includes(name)))),
    on('Node', 'Add'),
    on('PersistentVolumeClaim', 'Add', (pod, { object }) => object.metadata.namespace === pod.metadata.namespace && namedClaims(pod).includes(object.metadata.name!)),
  ],
}
