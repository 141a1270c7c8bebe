import { deepEqual } from '../../../base/freeze.ts'
import { classOfClaim } from '../../client/volume-matching.ts'
import type { CSIDriver, CSINode, CSIStorageCapacity, PersistentVolumeClaim, StorageClass } from '../../kinds/generated/types.ts'
import { quantityValue } from '../../kinds/quantity.ts'
import { on, type FilterPlugin, type Handle, type PreBindPlugin, type PreFilterPlugin, type ReservePlugin } from '../framework.ts'
import { failed, PASS, SKIP, unresolvable } from '../status.ts'
import { assumedVolumesOf } from '../volumes/assumed-volumes.ts'
import { BIND_TIMEOUT_MS, bindVolumes, isBound } from '../volumes/bind-volumes.ts'
import { findNodeVolumes, volumeLimit, withClaim, withSelectedNode, type NodeVolumes } from '../volumes/node-volumes.ts'
import { claimNames, claimNotFound, whyNotForPod } from '../volumes/pod-claims.ts'

const NAME = 'VolumeBinding'
const MIGRATED_PLUGINS = 'storage.alpha.kubernetes.io/migrated-plugins'

interface State {
  bound: PersistentVolumeClaim[]
  delayed: PersistentVolumeClaim[]
  nodes: Map<string, NodeVolumes>
  /** What is assumed for the node that was chosen. */
  assumed?: NodeVolumes
}

/** Whether binding waits for a pod; a class that isn't there doesn't. k8s: volume.IsDelayBindingMode */
function waitsForPod(claim: PersistentVolumeClaim, { informers }: Handle): boolean {
  const name = classOfClaim(claim)
  return name !== '' && informers.for<StorageClass>('storageclasses.storage.k8s.io').get(name)?.volumeBindingMode === 'WaitForFirstConsumer'
}

function takeBack(state: State | undefined, handle: Handle): void {
  if (!state?.assumed) return
  assumedVolumesOf(handle).takeBack(state.assumed.bindings.map(({ volume }) => volume), state.assumed.provisions)
  delete state.assumed
}

/**
 * Claims and volumes decide where a pod can be, and the pod's place decides which volumes claims get. k8s: plugins/volumebinding
 * @param bindTimeoutMs how long claims may take to be bound once the pod has its node
 */
export function createVolumeBinding(bindTimeoutMs = BIND_TIMEOUT_MS): PreFilterPlugin & FilterPlugin & ReservePlugin & PreBindPlugin {
  return {
    name: NAME,
    preFilter({ pod, state }, handle) {
      const names = claimNames(pod)
      if (names.length === 0) return SKIP
      const claims = handle.informers.for<PersistentVolumeClaim>('persistentvolumeclaims')
      const own: State = { bound: [], delayed: [], nodes: new Map() }
      let immediate = false
      for (const { name, ephemeral } of names) {
        const stored = claims.get(`${pod.metadata.namespace}/${name}`)
        if (!stored) return unresolvable(ephemeral ? `waiting for ephemeral volume controller to create the persistentvolumeclaim "${name}"` : claimNotFound(name))
        if (stored.status?.phase === 'Lost') return unresolvable(`persistentvolumeclaim "${name}" bound to non-existent persistentvolume "${stored.spec?.volumeName}"`)
        if (stored.metadata.deletionTimestamp !== undefined) return unresolvable(`persistentvolumeclaim "${name}" is being deleted`)
        const notOwn = ephemeral ? whyNotForPod(pod, stored) : undefined
        if (notOwn) return unresolvable(notOwn)
        const claim = assumedVolumesOf(handle).claim(stored)
        if (isBound(claim)) own.bound.push(claim)
        else if (waitsForPod(claim, handle) && !claim.spec?.volumeName) own.delayed.push(claim)
        else immediate = true
      }
      if (immediate) return unresolvable('pod has unbound immediate PersistentVolumeClaims')
      state.set(NAME, own)
      return PASS
    },
    filter({ state }, { node }, handle) {
      const own = state.get(NAME) as State
      const found = findNodeVolumes(own, node, handle)
      if ('error' in found) return failed(found.error)
      if ('reasons' in found) return unresolvable(...found.reasons)
      own.nodes.set(node.metadata.name!, found)
      return PASS
    },
    reserve({ state }, { node }, handle) {
      const own = state.get(NAME) as State | undefined
      const found = own?.nodes.get(node.metadata.name!)
      if (!own || !found || own.delayed.length === 0) return PASS
      const bindings = found.bindings.map(({ volume, claim }) => ({ volume: withClaim(volume, claim), claim }))
      const provisions = found.provisions.map((claim) => withSelectedNode(claim, node.metadata.name!))
      own.assumed = { bindings, provisions }
      assumedVolumesOf(handle).assume(bindings.map(({ volume }) => volume), provisions)
      return PASS
    },
    unreserve: ({ state }, _nodeName, handle) => takeBack(state.get(NAME) as State | undefined, handle),
    needsPreBind: ({ state }) => (state.get(NAME) as State | undefined)?.assumed !== undefined,
    async preBind({ pod, state }, nodeName, handle) {
      const own = state.get(NAME) as State
      try {
        await bindVolumes(pod, nodeName, own.assumed!, handle, bindTimeoutMs)
      } catch (error) {
        return failed(error instanceof Error ? error.message : String(error))
      } finally {
        takeBack(own, handle)
      }
      return PASS
    },
    retryOn: [
      on('StorageClass', ['Add', 'Update'], (_, { object, old }) => !old || !deepEqual((object as StorageClass).allowedTopologies, (old as StorageClass).allowedTopologies)),
      on('PersistentVolumeClaim', ['Add', 'Update'], (pod, { object }) => object.metadata.namespace === pod.metadata.namespace && claimNames(pod).some(({ name }) => name === object.metadata.name)),
      on('PersistentVolume', ['Add', 'Update']),
      on('Node', ['Add', 'UpdateNodeLabel']),
      on('CSINode', ['Add', 'Update'], (_, { object, old }) => !old || (old as CSINode).metadata.annotations?.[MIGRATED_PLUGINS] !== object.metadata.annotations?.[MIGRATED_PLUGINS]),
      on('CSIDriver', 'Update', ({ spec }, { object, old }) => Boolean((old as CSIDriver).spec.storageCapacity) && !(object as CSIDriver).spec.storageCapacity && (spec.volumes ?? []).some(({ csi }) => csi?.driver === object.metadata.name)),
      on('CSIStorageCapacity', ['Add', 'Update'], (_, { object, old }) => {
        if (!old) return true
        const [now, before] = [volumeLimit(object as CSIStorageCapacity), volumeLimit(old as CSIStorageCapacity)]
        return now !== undefined && (before === undefined || quantityValue(now) > quantityValue(before))
      }),
    ],
  }
}

/** As it is in the default profile. */
export const volumeBinding = createVolumeBinding()
