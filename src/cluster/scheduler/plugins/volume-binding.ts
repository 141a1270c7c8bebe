import {
  BIND_COMPLETED, BOUND_BY_CONTROLLER, classOfClaim, delaysBinding, findMatchingVolume, NO_PROVISIONER, SELECTED_NODE, volumeAllowsNode,
} from '../../client/volume-matching.ts'
import { waitFor } from '../../client/wait-for.ts'
import { keyOf } from '../../client/informers.ts'
import { controllerOf } from '../../client/owner-references.ts'
import type { Node, PersistentVolume, PersistentVolumeClaim, Pod, StorageClass } from '../../kinds/generated/types.ts'
import { on, type Cycle, type FilterPlugin, type Handle, type PreBindPlugin, type PreFilterPlugin, type ReservePlugin } from '../framework.ts'
import { failed, PASS, SKIP, unresolvable } from '../status.ts'

const NAME = 'VolumeBinding'
/** How long binding may take. k8s: BindTimeoutSeconds */
const BIND_TIMEOUT_MS = 600_000
/** How often the binding is looked at, the first time after one such period. k8s: pkg/scheduler/framework/plugins/volumebinding/binder.go BindPodVolumes */
const BIND_POLL_MS = 1_000

interface NodeVolumes {
  bindings: { volume: PersistentVolume; claim: PersistentVolumeClaim }[]
  provisions: PersistentVolumeClaim[]
}

interface State {
  bound: PersistentVolumeClaim[]
  delayed: PersistentVolumeClaim[]
  nodes: Map<string, NodeVolumes>
}

/** Volumes promised to pods that are being bound. */
const promised = new WeakMap<object, Set<string>>()

function promisedOf(handle: Handle): Set<string> {
  let set = promised.get(handle.cluster)
  if (!set) promised.set(handle.cluster, set = new Set())
  return set
}

/** Names of the claims a pod uses. */
export function claimNames(pod: Pod): { name: string; ephemeral: boolean }[] {
  return (pod.spec.volumes ?? []).flatMap((volume): { name: string; ephemeral: boolean }[] => volume.persistentVolumeClaim ? [{ name: volume.persistentVolumeClaim.claimName, ephemeral: false }]
    : volume.ephemeral ? [{ name: `${pod.metadata.name}-${volume.name}`, ephemeral: true }] : [])
}

const isBound = (claim: PersistentVolumeClaim) => Boolean(claim.spec?.volumeName) && claim.metadata.annotations?.[BIND_COMPLETED] !== undefined

/** Claims and volumes decide where a pod can be, and the pod's place decides which volumes claims get. k8s: plugins/volumebinding */
export const volumeBinding: PreFilterPlugin & FilterPlugin & ReservePlugin & PreBindPlugin = {
  name: NAME,
  preFilter({ pod, state }, { informers }) {
    const names = claimNames(pod)
    if (names.length === 0) return SKIP
    const claims = informers.for<PersistentVolumeClaim>('persistentvolumeclaims')
    const getClass = (name: string) => informers.for<StorageClass>('storageclasses.storage.k8s.io').get(name)
    const own: State = { bound: [], delayed: [], nodes: new Map() }
    let immediate = false
    for (const { name, ephemeral } of names) {
      const claim = claims.get(`${pod.metadata.namespace}/${name}`)
      if (!claim) return unresolvable(ephemeral ? `waiting for ephemeral volume controller to create the persistentvolumeclaim "${name}"` : `persistentvolumeclaim "${name}" not found`)
      if (claim.status?.phase === 'Lost') return unresolvable(`persistentvolumeclaim "${name}" bound to non-existent persistentvolume "${claim.spec?.volumeName}"`)
      if (claim.metadata.deletionTimestamp !== undefined) return unresolvable(`persistentvolumeclaim "${name}" is being deleted`)
      if (ephemeral && controllerOf(claim)?.uid !== pod.metadata.uid) return unresolvable(`PVC ${pod.metadata.namespace}/${name} was not created for pod ${pod.metadata.namespace}/${pod.metadata.name} (pod is not owner)`)
      if (isBound(claim)) own.bound.push(claim)
      else if (delaysBinding(claim, getClass) && !claim.spec?.volumeName) own.delayed.push(claim)
      else immediate = true
    }
    if (immediate) return unresolvable('pod has unbound immediate PersistentVolumeClaims')
    state.set(NAME, own)
    return PASS
  },
  filter({ state }, { node }, handle) {
    const own = state.get(NAME) as State
    const { informers } = handle
    const volumes = informers.for<PersistentVolume>('persistentvolumes')
    const reasons: string[] = []
    for (const claim of own.bound) {
      const volume = volumes.get(claim.spec!.volumeName!)
      if (!volume) return unresolvable('node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)')
      if (!volumeAllowsNode(volume, node)) {
        reasons.push("node(s) didn't match PersistentVolume's node affinity")
        break
      }
    }
    const found = matchDelayed(own, node, handle)
    if (found === undefined) reasons.push("node(s) didn't find available persistent volumes to bind")
    else if (typeof found === 'string') return failed(found)
    if (reasons.length > 0) return unresolvable(...reasons)
    own.nodes.set(node.metadata.name!, found as NodeVolumes)
    return PASS
  },
  reserve({ state }, { node }, handle) {
    const own = (state.get(NAME) as State | undefined)?.nodes.get(node.metadata.name!)
    for (const { volume } of own?.bindings ?? []) promisedOf(handle).add(volume.metadata.name!)
    return PASS
  },
  unreserve({ state }, nodeName, handle) {
    const own = (state.get(NAME) as State | undefined)?.nodes.get(nodeName)
    for (const { volume } of own?.bindings ?? []) promisedOf(handle).delete(volume.metadata.name!)
  },
  needsPreBind({ state }, nodeName) {
    const own = (state.get(NAME) as State | undefined)?.nodes.get(nodeName)
    return own !== undefined && own.bindings.length + own.provisions.length > 0
  },
  async preBind(cycle: Cycle, nodeName, handle) {
    const { api, informers, clock } = handle
    const { bindings, provisions } = (cycle.state.get(NAME) as State).nodes.get(nodeName)!
    const startMs = clock.nowMs()
    try {
      for (const { volume, claim } of bindings) {
        const { metadata, apiVersion, kind } = claim
        await api.update('persistentvolumes', {
          ...volume, metadata: { ...volume.metadata, annotations: { ...volume.metadata.annotations, [BOUND_BY_CONTROLLER]: 'yes' } },
          spec: { ...volume.spec!, claimRef: { kind, namespace: metadata.namespace!, name: metadata.name!, uid: metadata.uid!, apiVersion, resourceVersion: metadata.resourceVersion! } },
        })
      }
      for (const claim of provisions)
        await api.update('persistentvolumeclaims', { ...claim, metadata: { ...claim.metadata, annotations: { ...claim.metadata.annotations, [SELECTED_NODE]: nodeName } } })
      const claims = informers.for<PersistentVolumeClaim>('persistentvolumeclaims')
      for (const claim of [...bindings.map((binding) => binding.claim), ...provisions]) {
        const bound = await waitFor(claims, keyOf(claim), (now) => !now || isBound(now) || (provisions.includes(claim) && now.metadata.resourceVersion !== claim.metadata.resourceVersion && now.metadata.annotations?.[SELECTED_NODE] === undefined && Number(now.metadata.resourceVersion) > Number(claim.metadata.resourceVersion) + 1), { clock, withinMs: BIND_TIMEOUT_MS })
        if (!bound) return failed(`pvc ${claim.metadata.namespace}/${claim.metadata.name} was deleted`)
        if (!isBound(bound)) return failed(`provisioning failed for PVC "${claim.metadata.name}"`)
      }
      // A claim says in its spec that it is bound before it does so in its status, which the kubelet reads; upstream never meets it in between.
      const waitedMs = clock.nowMs() - startMs
      await clock.sleep(Math.max(1, Math.ceil(waitedMs / BIND_POLL_MS)) * BIND_POLL_MS - waitedMs)
    } catch (error) {
      return failed(error instanceof Error && error.message.includes('within') ? `binding volumes: context deadline exceeded` : `binding volumes: ${error instanceof Error ? error.message : String(error)}`)
    } finally {
      for (const { volume } of bindings) promisedOf(handle).delete(volume.metadata.name!)
    }
    return PASS
  },
  retryOn: [
    on('StorageClass', ['Add', 'Update']), on('PersistentVolumeClaim', ['Add', 'Update'], (pod, { object }) => object.metadata.namespace === pod.metadata.namespace && claimNames(pod).some(({ name }) => name === object.metadata.name)),
    on('PersistentVolume', ['Add', 'Update']), on('Node', ['Add', 'UpdateNodeLabel']), on('CSINode', ['Add', 'Update']),
  ],
}

/** Volumes for unbound claims on a node: found, to be provisioned, undefined for none, or a text that says what went wrong. */
function matchDelayed({ delayed }: State, node: Node, handle: Handle): NodeVolumes | undefined | string {
  const out: NodeVolumes = { bindings: [], provisions: [] }
  if (delayed.length === 0) return out
  const { informers } = handle
  const volumes = informers.for<PersistentVolume>('persistentvolumes').list()
  const taken = new Set(promisedOf(handle))
  for (const claim of delayed) {
    const selected = claim.metadata.annotations?.[SELECTED_NODE]
    if (selected !== undefined && selected !== node.metadata.name) return undefined
    const volume = selected === undefined ? findMatchingVolume(claim, volumes, { node, taken, delayBinding: true }) : undefined
    if (volume) {
      taken.add(volume.metadata.name!)
      out.bindings.push({ volume, claim })
      continue
    }
    const className = classOfClaim(claim)
    const storageClass = informers.for<StorageClass>('storageclasses.storage.k8s.io').get(className)
    if (!storageClass) return `failed to find storage class "${className}"`
    if (!storageClass.provisioner || storageClass.provisioner === NO_PROVISIONER) return undefined
    const topologies = storageClass.allowedTopologies
    if (topologies?.length && !topologies.some((term) => (term.matchLabelExpressions ?? []).every(({ key, values }) => values.includes(node.metadata.labels?.[key] ?? '')))) return undefined
    out.provisions.push(claim)
  }
  return out
}
