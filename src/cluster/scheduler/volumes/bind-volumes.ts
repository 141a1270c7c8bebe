/** Binding of volumes before a pod is bound. k8s: plugins/volumebinding/binder.go BindPodVolumes */
import { keyOf } from '../../client/informers.ts'
import { BIND_COMPLETED, SELECTED_NODE, volumeAllowsNode } from '../../client/volume-matching.ts'
import type { Node, PersistentVolume, PersistentVolumeClaim, Pod } from '../../kinds/generated/types.ts'
import type { Handle } from '../framework.ts'
import { claimNotFound } from './pod-claims.ts'
import type { NodeVolumes } from './node-volumes.ts'

/** How long binding may take. k8s: apis/config/v1 SetDefaults_VolumeBindingArgs */
export const BIND_TIMEOUT_MS = 600_000
/** How often the binding is looked at, the first time after one such period. */
const BIND_POLL_MS = 1_000

/** Whether a claim has its volume, and the controller says so. */
export const isBound = (claim: PersistentVolumeClaim) => Boolean(claim.spec?.volumeName) && claim.metadata.annotations?.[BIND_COMPLETED] !== undefined

/** Writes which volume each claim gets and where others are to be made, and waits until all are bound; throws what goes wrong. */
export async function bindVolumes(pod: Pod, nodeName: string, { bindings, provisions }: NodeVolumes, handle: Handle, timeoutMs: number): Promise<void> {
  const { api, clock } = handle
  const written: NodeVolumes = { bindings: [], provisions: [] }
  for (const { volume, claim } of bindings) written.bindings.push({ volume: await api.update('persistentvolumes', volume), claim })
  for (const claim of provisions) written.provisions.push(await api.update('persistentvolumeclaims', claim))
  const endMs = clock.nowMs() + timeoutMs
  for (;;) {
    if (clock.nowMs() + BIND_POLL_MS > endMs) throw new Error('binding volumes: context deadline exceeded')
    await clock.sleep(BIND_POLL_MS)
    const outcome = checkBindings(pod, nodeName, written, handle)
    if (typeof outcome === 'string') throw new Error(`binding volumes: ${outcome}`)
    if (outcome) return
  }
}

/** Whether all is bound; a text says why it won't be. k8s: checkBindings */
function checkBindings(pod: Pod, nodeName: string, { bindings, provisions }: NodeVolumes, { informers }: Handle): boolean | string {
  const node = informers.for<Node>('nodes').get(nodeName)
  if (!node) return `failed to get node "${nodeName}": node "${nodeName}" not found`
  if (!informers.for<Pod>('pods').get(keyOf(pod))) return `pod does not exist any more: pod "${pod.metadata.name}" not found`
  const volumes = informers.for<PersistentVolume>('persistentvolumes')
  const claims = informers.for<PersistentVolumeClaim>('persistentvolumeclaims')
  const wrongPlace = (volume: PersistentVolume) => volumeAllowsNode(volume, node) ? undefined : `pv "${volume.metadata.name}" node affinity doesn't match node "${nodeName}": no matching NodeSelectorTerms`
  for (const { volume: written, claim: own } of bindings) {
    const volume = volumes.get(written.metadata.name!)
    if (!volume) return `failed to check binding: persistentvolume "${written.metadata.name}" not found`
    const claim = claims.get(keyOf(own))
    if (!claim) return `failed to check binding: ${claimNotFound(own.metadata.name!)}`
    if (isOlder(volume, written)) return false
    const problem = wrongPlace(volume)
    if (problem) return problem
    if (!volume.spec?.claimRef?.uid) return `ClaimRef got reset for pv "${volume.metadata.name}"`
    if (!isBound(claim)) return false
  }
  for (const written of provisions) {
    const claim = claims.get(keyOf(written))
    if (!claim) return `failed to check provisioning pvc: ${claimNotFound(written.metadata.name!)}`
    if (isOlder(claim, written)) return false
    if (!claim.metadata.annotations) return `selectedNode annotation reset for PVC "${claim.metadata.name}"`
    if (claim.metadata.annotations[SELECTED_NODE] !== nodeName) return `provisioning failed for PVC "${claim.metadata.name}"`
    if (claim.spec?.volumeName) {
      const volume = volumes.get(claim.spec.volumeName)
      if (!volume) return false
      const problem = wrongPlace(volume)
      if (problem) return problem
    }
    if (!isBound(claim)) return false
  }
  return true
}

/** Whether what is known of an object is from before it was written. */
const isOlder = (known: PersistentVolume | PersistentVolumeClaim, written: PersistentVolume | PersistentVolumeClaim) => Number(known.metadata.resourceVersion) < Number(written.metadata.resourceVersion)
