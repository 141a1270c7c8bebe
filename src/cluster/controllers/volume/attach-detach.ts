import type { Controller, ControllerContext, ReconcileResult } from '../../client/controller-runner.ts'
import { attachmentName, csiVolumeName } from '../../client/csi-names.ts'
import { keyOf } from '../../client/informers.ts'
import type { CSIDriver, Node, PersistentVolume, PersistentVolumeClaim, Pod, VolumeAttachment } from '../../kinds/generated/types.ts'
import { isStatusError } from '../../kinds/status-error.ts'
import { isPodTerminal, timeMs } from '../pods.ts'
import { PODS_BY_CLAIM } from './pods-by-claim.ts'

const VOLUMES = 'persistentvolumes'
const CLAIMS = 'persistentvolumeclaims'
const ATTACHMENTS = 'volumeattachments.storage.k8s.io'
const DRIVERS = 'csidrivers.storage.k8s.io'
/** How long a volume may stay mounted on a node that says nothing before it is detached all the same. k8s: reconcilerMaxWaitForUnmountDuration */
const MAX_UNMOUNT_WAIT_MS = 360_000
/** k8s: reconcilerLoopPeriod is 100 ms; here changes wake it, and this what no change tells. */
const RECHECK_MS = 5_000
/** k8s: pkg/volume/csi csiTimeout */
const ATTACH_TIMEOUT_MS = 120_000
/** Nodes whose kubelets leave attaching to the controller say so. k8s: volumeutil.ControllerManagedAttachAnnotation */
const MANAGED = 'volumes.kubernetes.io/controller-managed-attach-detach'
const OUT_OF_SERVICE = 'node.kubernetes.io/out-of-service'
const BY_VOLUME = { name: 'volume', values: ({ spec }: VolumeAttachment): readonly string[] => spec?.source?.persistentVolumeName ? [spec.source.persistentVolumeName] : [] }

const isManaged = (node: Node | undefined) => node?.metadata.annotations?.[MANAGED] !== undefined

/**
 * Attaches CSI volumes to the nodes whose pods use them, and detaches them when the last one has let go: it makes and deletes VolumeAttachments, which
 * the driver's external-attacher acts on. k8s: pkg/controller/volume/attachdetach
 */
export const attachDetachController = (): Controller => {
  /** By volume: what its pods were told already, so that it is told once. */
  const toldOf = new Map<string, Map<string, string>>()
  /** By volume: attachments of this controller's, to be recognised when the volume is gone. */
  const ownOf = new Map<string, Set<string>>()
  /** Since when a volume should be off a node. */
  const detachSinceMs = new Map<string, number>()

  const reconcile = async (key: string, context: ControllerContext): Promise<ReconcileResult | void> => {
    const { api, cache, events, clock } = context
    const volume = cache.get<PersistentVolume>(VOLUMES, key)
    const csi = volume?.spec?.csi
    // Those of others are theirs. k8s: csiAttacher.Detach names what it deletes by handle, driver and node
    const attachments = cache.byIndex<VolumeAttachment>(ATTACHMENTS, BY_VOLUME.name, key)
      .filter(({ metadata: { name }, spec }) => csi ? name === attachmentName(csi.volumeHandle, csi.driver, spec!.nodeName) : ownOf.get(key)?.has(name!))
    if (attachments.length > 0) ownOf.set(key, new Set(attachments.map(({ metadata }) => metadata.name!)))
    else ownOf.delete(key)
    if (!csi && attachments.length === 0) {
      toldOf.delete(key)
      return
    }
    const attachRequired = csi !== undefined && (cache.get<CSIDriver>(DRIVERS, csi.driver)?.spec.attachRequired ?? true)
    const ref = volume?.spec?.claimRef
    const claim = ref && cache.get<PersistentVolumeClaim>(CLAIMS, `${ref.namespace}/${ref.name}`)
    const pods = attachRequired && claim && claim.metadata.uid === ref.uid && claim.spec?.volumeName === key
      ? cache.byIndex<Pod>('pods', PODS_BY_CLAIM.name, keyOf(claim)).filter((pod) => pod.spec.nodeName && !isPodTerminal(pod) && isManaged(cache.get<Node>('nodes', pod.spec.nodeName))) : []
    const wanted = new Map<string, Pod[]>()
    for (const pod of pods) wanted.set(pod.spec.nodeName!, [...wanted.get(pod.spec.nodeName!) ?? [], pod])
    const before = toldOf.get(key)
    const told = new Map<string, string>()
    for (const [nodeName, users] of wanted) for (const { metadata: { uid } } of users) { const last = before?.get(`${nodeName} ${uid}`); if (last !== undefined) told.set(`${nodeName} ${uid}`, last) }
    if (wanted.size > 0) toldOf.set(key, told)
    else toldOf.delete(key)
    let again = false

    // Detaching comes first, so that a volume is free for the node that its pod moved to.
    const attachedElsewhere = new Set<string>()
    for (const attachment of attachments) {
      const { nodeName, attacher } = attachment.spec!
      const node = cache.get<Node>('nodes', nodeName)
      const id = `${key} ${nodeName}`
      if (wanted.has(nodeName)) {
        detachSinceMs.delete(id)
        attachedElsewhere.add(nodeName)
        continue
      }
      attachedElsewhere.add(nodeName)
      again = true
      if (attachment.metadata.deletionTimestamp !== undefined) continue
      const sinceMs = detachSinceMs.get(id) ?? clock.nowMs()
      detachSinceMs.set(id, sinceMs)
      const isMounted = csi !== undefined && (node?.status?.volumesInUse ?? []).includes(csiVolumeName(attacher, csi.volumeHandle))
      const isHealthy = node?.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false
      const isForced = (!isHealthy && clock.nowMs() - sinceMs > MAX_UNMOUNT_WAIT_MS) || (node?.spec?.taints ?? []).some((taint) => taint.key === OUT_OF_SERVICE)
      if (isMounted && node && !isForced) continue
      if (csi && node) await reportAttached(node, csiVolumeName(csi.driver, csi.volumeHandle), false, context)
      await api.delete(ATTACHMENTS, attachment.metadata.name!).catch((error: unknown) => { if (!isStatusError(error, 'NotFound')) throw error })
      detachSinceMs.delete(id)
    }

    const isExclusive = !(volume?.spec?.accessModes ?? []).some((mode) => mode === 'ReadWriteMany' || mode === 'ReadOnlyMany')
    for (const [nodeName, users] of wanted) {
      const attachment = attachments.find(({ spec }) => spec?.nodeName === nodeName)
      const tell = (type: 'Normal' | 'Warning', reason: string, message: string, once: string) => {
        for (const pod of users) {
          const about = `${nodeName} ${pod.metadata.uid}`
          if (told.get(about) === once) continue
          told.set(about, once)
          events.event(pod, type, reason, message)
        }
      }
      if (!attachment) {
        const others = [...attachedElsewhere].filter((other) => other !== nodeName)
        if (isExclusive && others.length > 0) {
          for (const pod of users) {
            const about = `${nodeName} ${pod.metadata.uid}`
            if (told.has(about)) continue
            told.set(about, 'multi-attach')
            events.event(pod, 'Warning', 'FailedAttachVolume', multiAttachError(key, pod, others.flatMap((other) => wanted.get(other) ?? [])))
          }
          again = true
          continue
        }
        await api.create(ATTACHMENTS, {
          apiVersion: 'storage.k8s.io/v1', kind: 'VolumeAttachment', metadata: { name: attachmentName(csi!.volumeHandle, csi!.driver, nodeName) },
          spec: { attacher: csi!.driver, nodeName, source: { persistentVolumeName: key } },
        } as VolumeAttachment).catch((error: unknown) => { if (!isStatusError(error, 'AlreadyExists')) throw error })
        attachedElsewhere.add(nodeName)
        again = true
        continue
      }
      if (attachment.metadata.deletionTimestamp !== undefined) { again = true; continue }
      if (attachment.status?.attached) {
        const node = cache.get<Node>('nodes', nodeName)!
        const unique = csiVolumeName(csi!.driver, csi!.volumeHandle)
        const isNews = !(node.status?.volumesAttached ?? []).some(({ name }) => name === unique)
        await reportAttached(node, unique, true, context)
        if (isNews) tell('Normal', 'SuccessfulAttachVolume', `AttachVolume.Attach succeeded for volume ${JSON.stringify(key)} `, `attached ${attachment.metadata.uid}`)
        continue
      }
      const problem = attachment.status?.attachError
      if (problem?.message) tell('Warning', 'FailedAttachVolume', `AttachVolume.Attach failed for volume ${JSON.stringify(key)} : ${problem.message}`, `failed ${problem.time}`)
      else {
        const passedMs = clock.nowMs() - timeMs(attachment.metadata.creationTimestamp)
        const timeouts = Math.floor(passedMs / ATTACH_TIMEOUT_MS)
        if (timeouts > 0) tell('Warning', 'FailedAttachVolume', `AttachVolume.Attach failed for volume ${JSON.stringify(key)} : timed out waiting for external-attacher of ${csi!.driver} CSI driver to attach volume ${csi!.volumeHandle}`, `late ${timeouts}`)
      }
      again = true
    }
    if (again) return { requeueAfterMs: RECHECK_MS }
  }

  return {
    name: 'attachdetach-controller', for: VOLUMES, reads: [CLAIMS], workers: 1, wants: ({ object }) => (object as PersistentVolume).spec?.csi !== undefined,
    indexes: [{ resource: 'pods', ...PODS_BY_CLAIM }, { resource: ATTACHMENTS, ...BY_VOLUME }],
    watches: [
      {
        resource: 'pods',
        keys: ({ object }, { cache }) => {
          const pod = object as Pod
          if (!pod.spec.nodeName || !pod.spec.volumes?.some((volume) => volume.persistentVolumeClaim ?? volume.ephemeral)) return []
          return PODS_BY_CLAIM.values(pod).flatMap((key) => cache.get<PersistentVolumeClaim>(CLAIMS, key)?.spec?.volumeName ?? [])
        },
      },
      { resource: ATTACHMENTS, keys: ({ object }) => BY_VOLUME.values(object as VolumeAttachment) },
      {
        resource: 'nodes',
        keys: ({ type, object, old }, { cache }) => {
          const node = object as Node
          const was = old as Node | undefined
          if (type === 'update' && was?.status?.volumesInUse === node.status?.volumesInUse && was?.spec?.taints === node.spec?.taints) return []
          return cache.list<VolumeAttachment>(ATTACHMENTS).filter(({ spec }) => spec?.nodeName === node.metadata.name).flatMap(BY_VOLUME.values)
        },
      },
      { resource: DRIVERS, keys: ({ object }, { cache }) => cache.list<PersistentVolume>(VOLUMES).filter(({ spec }) => spec?.csi?.driver === object.metadata.name).map(({ metadata }) => metadata.name!) },
    ],
    reconcile,
  }
}

/** k8s: reconciler reportMultiAttachError */
function multiAttachError(volume: string, pod: Pod, users: readonly Pod[]): string {
  const about = `Multi-Attach error for volume ${JSON.stringify(volume)} `
  if (users.length === 0) return `${about}Volume is already exclusively attached to one node and can't be attached to another`
  const local = users.filter(({ metadata }) => metadata.namespace === pod.metadata.namespace).map(({ metadata }) => metadata.name)
  const others = users.length - local.length
  if (local.length === 0) return `${about}Volume is already used by ${others} pod(s) in different namespaces`
  return `${about}Volume is already used by pod(s) ${local.join(', ')}${others > 0 ? ` and ${others} pod(s) in different namespaces` : ''}`
}

/** Keeps a node's status telling what is attached to it. k8s: attachdetach/statusupdater */
async function reportAttached(node: Node, unique: string, isAttached: boolean, { api }: ControllerContext): Promise<void> {
  const { volumesAttached = [], ...status } = node.status ?? {}
  if (volumesAttached.some(({ name }) => name === unique) === isAttached) return
  const next = isAttached ? [...volumesAttached, { name: unique, devicePath: '' }] : volumesAttached.filter(({ name }) => name !== unique)
  await api.updateStatus<Node>('nodes', { ...node, status: { ...status, ...(next.length > 0 ? { volumesAttached: next } : {}) } })
}
