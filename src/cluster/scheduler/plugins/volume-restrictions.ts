import type { PersistentVolumeClaim, Pod } from '../../kinds/generated/types.ts'
import { on, type FilterPlugin, type PreFilterPlugin } from '../framework.ts'
import { PASS, SKIP, unresolvable, unschedulable } from '../status.ts'
import { claimNames } from './volume-binding.ts'

const NAME = 'VolumeRestrictions'
const IN_USE = 'node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod'

/** A ReadWriteOncePod claim is for one pod. k8s: plugins/volumerestrictions */
export const volumeRestrictions: PreFilterPlugin & FilterPlugin = {
  name: NAME,
  preFilter({ pod, state }, { informers }) {
    const once: string[] = []
    for (const { name, ephemeral } of claimNames(pod)) {
      if (ephemeral) continue
      const claim = informers.for<PersistentVolumeClaim>('persistentvolumeclaims').get(`${pod.metadata.namespace}/${name}`)
      if (!claim) return unresolvable(`persistentvolumeclaim "${name}" not found`)
      if (claim.spec?.accessModes?.includes('ReadWriteOncePod')) once.push(name)
    }
    if (once.length === 0) return SKIP
    state.set(NAME, once)
    return PASS
  },
  filter({ pod, state }, _, { cluster }) {
    const once = state.get(NAME) as string[]
    // In use anywhere: no node will do, but evicting the user would help.
    for (const { pods } of cluster.nodes)
      for (const { pod: other } of pods.values())
        if (other.metadata.uid !== pod.metadata.uid && other.metadata.namespace === pod.metadata.namespace && claimNames(other).some(({ name }) => once.includes(name))) return unschedulable(IN_USE)
    return PASS
  },
  retryOn: [
    on('Pod', 'Delete', (pod, { object }) => claimNames(object as Pod).some(({ name }) => claimNames(pod).some((own) => own.name === name))),
    on('Node', ['Add', 'UpdateNodeTaint']),
    on('PersistentVolumeClaim', ['Add', 'Update'], (pod, { object }) => object.metadata.namespace === pod.metadata.namespace && claimNames(pod).some(({ name }) => name === object.metadata.name)),
  ],
}
