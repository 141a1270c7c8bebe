import type { PersistentVolume, PersistentVolumeClaim } from '../../kinds/generated/types.ts'
import { on, type FilterPlugin, type PreFilterPlugin } from '../framework.ts'
import { PASS, SKIP, unresolvable } from '../status.ts'
import { claimNames } from './volume-binding.ts'

const NAME = 'VolumeZone'
const ZONE_LABELS = ['failure-domain.beta.kubernetes.io/zone', 'failure-domain.beta.kubernetes.io/region', 'topology.kubernetes.io/zone', 'topology.kubernetes.io/region']

/** Volumes with zone labels can be used in their zone only. k8s: plugins/volumezone */
export const volumeZone: PreFilterPlugin & FilterPlugin = {
  name: NAME,
  preFilter({ pod, state }, { informers }) {
    const wanted: { key: string; values: Set<string> }[] = []
    for (const { name } of claimNames(pod)) {
      const claim = informers.for<PersistentVolumeClaim>('persistentvolumeclaims').get(`${pod.metadata.namespace}/${name}`)
      const volume = claim?.spec?.volumeName ? informers.for<PersistentVolume>('persistentvolumes').get(claim.spec.volumeName) : undefined
      for (const key of ZONE_LABELS) {
        const value = volume?.metadata.labels?.[key]
        if (value !== undefined) wanted.push({ key, values: new Set(value.split('__')) })
      }
    }
    if (wanted.length === 0) return SKIP
    state.set(NAME, wanted)
    return PASS
  },
  filter({ state }, { node }) {
    const labels = node.metadata.labels ?? {}
    if (!ZONE_LABELS.some((key) => labels[key] !== undefined)) return PASS
    for (const { key, values } of state.get(NAME) as { key: string; values: Set<string> }[])
      if (!values.has(labels[key] ?? labels[key.replace('failure-domain.beta.kubernetes.io', 'topology.kubernetes.io')] ?? '')) return unresolvable('node(s) had no available volume zone')
    return PASS
  },
  retryOn: [on('StorageClass', 'Add'), on('Node', ['Add', 'UpdateNodeLabel']), on('PersistentVolumeClaim', ['Add', 'Update']), on('PersistentVolume', ['Add', 'Update'])],
}
