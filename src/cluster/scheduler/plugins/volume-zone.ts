import { deepEqual } from '../../../base/freeze.ts'
import { classOfClaim } from '../../client/volume-matching.ts'
import type { PersistentVolume, PersistentVolumeClaim, StorageClass } from '../../kinds/generated/types.ts'
import { on, type FilterPlugin, type PreFilterPlugin } from '../framework.ts'
import { PASS, SKIP, unresolvable } from '../status.ts'
import { claimNotFound, namedClaims } from '../volumes/pod-claims.ts'

const NAME = 'VolumeZone'
const ZONE_LABELS = ['failure-domain.beta.kubernetes.io/zone', 'failure-domain.beta.kubernetes.io/region', 'topology.kubernetes.io/zone', 'topology.kubernetes.io/region']

interface Topology {
  key: string
  values: string[]
}

/** Where a volume is, by its labels; a value that has an empty zone in it says nothing. k8s: getPVTopologies, LabelZonesToSet */
function topologiesOf({ metadata }: PersistentVolume): Topology[] {
  return ZONE_LABELS.flatMap((key) => {
    const values = metadata.labels?.[key]?.split('__').map((value) => value.trim())
    return values && !values.includes('') ? { key, values } : []
  })
}

/** Volumes with zone labels can be used in their zone only. k8s: plugins/volumezone */
export const volumeZone: PreFilterPlugin & FilterPlugin = {
  name: NAME,
  preFilter({ pod, state }, { informers }) {
    const wanted: Topology[] = []
    for (const name of namedClaims(pod)) {
      const claim = informers.for<PersistentVolumeClaim>('persistentvolumeclaims').get(`${pod.metadata.namespace}/${name}`)
      if (!claim) return unresolvable(claimNotFound(name))
      const volumeName = claim.spec?.volumeName
      if (!volumeName) {
        const className = classOfClaim(claim)
        if (className === '') return unresolvable('PersistentVolumeClaim had no pv name and storageClass name')
        const storageClass = informers.for<StorageClass>('storageclasses.storage.k8s.io').get(className)
        if (!storageClass) return unresolvable(`storageclass.storage.k8s.io "${className}" not found`)
        if (storageClass.volumeBindingMode === 'WaitForFirstConsumer') continue
        return unresolvable('PersistentVolume had no name')
      }
      const volume = informers.for<PersistentVolume>('persistentvolumes').get(volumeName)
      if (!volume) return unresolvable(`persistentvolume "${volumeName}" not found`)
      wanted.push(...topologiesOf(volume))
    }
    if (wanted.length === 0) return SKIP
    state.set(NAME, wanted)
    return PASS
  },
  filter({ state }, { node }) {
    const labels = node.metadata.labels ?? {}
    if (!ZONE_LABELS.some((key) => labels[key] !== undefined)) return PASS
    for (const { key, values } of state.get(NAME) as Topology[])
      if (!values.includes(labels[key] ?? labels[key.replace('failure-domain.beta.kubernetes.io', 'topology.kubernetes.io')] ?? '')) return unresolvable('node(s) had no available volume zone')
    return PASS
  },
  retryOn: [
    on('StorageClass', 'Add', (_, { object }) => (object as StorageClass).volumeBindingMode === 'WaitForFirstConsumer'),
    on('Node', ['Add', 'UpdateNodeLabel']),
    on('PersistentVolumeClaim', ['Add', 'Update'], (pod, { object }) => object.metadata.namespace === pod.metadata.namespace && namedClaims(pod).includes(object.metadata.name!)),
    on('PersistentVolume', ['Add', 'Update'], (_, { object, old }) => !old || !deepEqual(topologiesOf(object as PersistentVolume), topologiesOf(old as PersistentVolume))),
  ],
}
