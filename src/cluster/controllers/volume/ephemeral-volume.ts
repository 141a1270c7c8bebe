import type { Controller } from '../../client/controller-runner.ts'
import { controllerOf, controllerReference } from '../../client/owner-references.ts'
import type { PersistentVolumeClaim, Pod } from '../../kinds/generated/types.ts'
import { isStatusError } from '../../kinds/status-error.ts'
import { messageOf } from '../pod-control.ts'
import { isPodTerminal } from '../pods.ts'

/** Makes the claims of pods' ephemeral volumes. k8s: pkg/controller/volume/ephemeral */
export const ephemeralVolumeController: Controller = {
  name: 'ephemeral_volume', for: 'pods', reads: ['persistentvolumeclaims'],
  wants: ({ type, object }) => type !== 'delete' && Boolean((object as Pod).spec.volumes?.some((volume) => volume.ephemeral)),
  async reconcile(key, { api, cache, events }) {
    const pod = cache.get<Pod>('pods', key)
    if (!pod || pod.metadata.deletionTimestamp !== undefined || isPodTerminal(pod)) return
    for (const volume of pod.spec.volumes ?? []) {
      const template = volume.ephemeral?.volumeClaimTemplate
      if (!template) continue
      const name = `${pod.metadata.name}-${volume.name}`
      const existing = cache.get<PersistentVolumeClaim>('persistentvolumeclaims', `${pod.metadata.namespace}/${name}`)
      if (existing) {
        if (controllerOf(existing)?.uid !== pod.metadata.uid) throw new Error(`PVC ${pod.metadata.namespace}/${name} was not created for pod ${key} (pod is not owner)`)
        continue
      }
      const { labels, annotations } = template.metadata ?? {}
      try {
        await api.create('persistentvolumeclaims', {
          apiVersion: 'v1', kind: 'PersistentVolumeClaim',
          metadata: { name, namespace: pod.metadata.namespace!, ...(labels ? { labels } : {}), ...(annotations ? { annotations } : {}), ownerReferences: [controllerReference(pod)] },
          spec: template.spec,
        } as unknown as PersistentVolumeClaim)
      } catch (error) {
        if (isStatusError(error, 'AlreadyExists')) continue
        events.event(pod, 'Warning', 'FailedCreate', `ephemeral volume ${volume.name}: create PVC ${name}: ${messageOf(error)}`)
        throw error
      }
    }
  },
}
