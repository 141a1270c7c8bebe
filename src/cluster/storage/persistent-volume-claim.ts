import { LOCAL_PATH, PROVISIONED_BY, volumeAllowsNode } from '../client/volume-matching.ts'
import type { PersistentVolume, PersistentVolumeClaim, Pod, Volume } from '../kinds/generated/types.ts'
import { prepareHostPath } from './host-path.ts'
import { isAttachLimitReached } from './csi/attach-limit.ts'
import { setUpCsiClaim } from './csi/csi-volume.ts'
import { setUpLocal } from './local.ts'
import { setUpNfs } from './nfs.ts'
import { VolumeProcessingError, isNotFound } from './volume.ts'
import type { MountedVolume, VolumeContext, VolumePlugin } from './volume.ts'

// @k8s part: Volumes: emptyDir, ConfigMap, Secret, downward API, projected, hostPath, image, NFS and CSI, and claims on hostPath, local, NFS or CSI volumes; block devices (volumeMode Block) of local and CSI volumes

/** A claim, through the PersistentVolume it is bound to. k8s: pkg/kubelet/volumemanager/populator createVolumeSpec */
export const persistentVolumeClaimPlugin: VolumePlugin = {
  name: 'kubernetes.io/persistent-volume-claim',
  supports: (volume) => volume.persistentVolumeClaim !== undefined || volume.ephemeral !== undefined,
  setUp: async (volume, pod, context, signal) => {
    const { claim, volumeObject } = await boundVolume(volume, pod, context)
    const mounted = await setUpVolume(volumeObject, claim, volume.persistentVolumeClaim?.readOnly ?? false, pod, context, signal)
    const group = volumeObject.metadata.annotations?.[GID_ANNOTATION]
    return { ...mounted, persistentVolume: volumeObject.metadata.name!, ...(group !== undefined && /^[+-]?\d+$/.test(group) ? { group: Number(group) } : {}) }
  },
  isExhausted: async (volume, pod, context) => isAttachLimitReached((await boundVolume(volume, pod, context)).volumeObject, context),
}

/** A group for whoever uses the volume. k8s: pkg/volume/util VolumeGidAnnotationKey */
const GID_ANNOTATION = 'pv.beta.kubernetes.io/gid'

/** The volume of a claim that may be mounted. @throws Error which of the conditions isn't met */
async function boundVolume(volume: Volume, pod: Pod, context: VolumeContext): Promise<{ claim: PersistentVolumeClaim; volumeObject: PersistentVolume }> {
  const namespace = pod.metadata.namespace!
  const claimName = volume.persistentVolumeClaim?.claimName ?? `${pod.metadata.name}-${volume.name}`
  const about = `error processing PVC ${namespace}/${claimName}: `
  let claim
  try {
    claim = await context.objects.claim(namespace, claimName)
  } catch (error) {
    throw new Error(`${about}failed to fetch PVC from API server: ${isNotFound(error) ? `persistentvolumeclaims "${claimName}" not found` : (error as Error).message}`)
  }
  if (volume.ephemeral && !claim.metadata.ownerReferences?.some((o) => o.controller && o.uid === pod.metadata.uid))
    throw new Error(`${about}PVC ${namespace}/${claimName} was not created for pod ${namespace}/${pod.metadata.name} (pod is not owner)`)
  if (claim.metadata.deletionTimestamp) throw new Error(`${about}PVC is being deleted`)
  const volumeName = claim.spec.volumeName
  if (!volumeName || claim.status?.phase !== 'Bound') throw new Error(`${about}PVC is not bound`)
  const volumeObject: PersistentVolume = await context.objects.persistentVolume(volumeName)
  const spec = volumeObject.spec
  if (spec.claimRef?.uid !== claim.metadata.uid) throw new Error(`${about}failed to fetch PV ${volumeName} from API server: the volume is bound to another claim`)
  const isBlock = spec.volumeMode === 'Block'
  const containers = [...pod.spec.containers, ...pod.spec.initContainers ?? [], ...pod.spec.ephemeralContainers ?? []]
  if (isBlock && containers.some((each) => each.volumeMounts?.some((mount) => mount.name === volume.name))) throw new VolumeProcessingError(`volume ${volume.name} has volumeMode Block, but is specified in volumeMounts`)
  if (!isBlock && containers.some((each) => each.volumeDevices?.some((device) => device.name === volume.name))) throw new VolumeProcessingError(`volume ${volume.name} has volumeMode Filesystem, but is specified in volumeDevices`)
  return { claim, volumeObject }
}

async function setUpVolume(volumeObject: PersistentVolume, claim: PersistentVolumeClaim, readOnly: boolean, pod: Pod, context: VolumeContext, signal: AbortSignal): Promise<MountedVolume> {
  const volumeName = volumeObject.metadata.name!
  const spec = volumeObject.spec!
  const isBlock = spec.volumeMode === 'Block'
  // Whoever chooses a node by hand may choose one that can't reach the volume. k8s: pkg/volume/util/operationexecutor checkNodeAffinity
  const node = context.node()
  if (node && !volumeAllowsNode(volumeObject, node)) throw new Error(`MountVolume.NodeAffinity check failed for volume "${volumeName}" : no matching NodeSelectorTerms`)
  // The scheduler sees to it too, where it is asked. k8s: pkg/volume/util/operationexecutor GenerateMountVolumeFunc
  if (spec.accessModes?.length === 1 && spec.accessModes[0] === 'ReadWriteOncePod' && context.isMountedElsewhere(volumeName, pod.metadata.uid!))
    throw new Error(`${isBlock ? 'MapVolume.SetUpDevice' : 'MountVolume.SetUp'} failed for volume "${volumeName}" : volume uses the ReadWriteOncePod access mode and is already in use by another pod`)
  // k8s: pkg/volume/util/operationexecutor GenerateMapVolumeFunc
  if (isBlock && !spec.csi && !spec.local) throw new Error(`MapVolume.FindMapperPluginBySpec failed to find BlockVolumeMapper plugin. Volume plugin is nil. for volume "${volumeName}"`)
  if (spec.nfs) {
    const { nfs, mountOptions = [] } = spec
    return setUpNfs({ ...nfs, readOnly: readOnly || (nfs.readOnly ?? false) }, volumeName, mountOptions, pod, context, signal).catch((error: unknown) => { throw new Error(`MountVolume.SetUp failed for volume ${JSON.stringify(volumeName)} : ${(error as Error).message}`) })
  }
  if (spec.csi) return setUpCsiClaim(volumeObject, claim, readOnly, pod, context, signal)
  if (spec.local) return setUpLocal(volumeObject, claim, readOnly, pod, context, signal)
  const source = spec.hostPath
  if (!source) {
    const kind = Object.keys(spec).find((key) => typeof spec[key as keyof typeof spec] === 'object' && !['capacity', 'claimRef', 'nodeAffinity', 'accessModes', 'mountOptions'].includes(key)) ?? 'unknown'
    throw new Error(`MountVolume.SetUp failed for volume "${volumeName}" : no volume plugin on this node can mount a ${kind} volume`)
  }
  const { type } = source
  const isNew = !context.nodeFiles.exists(source.path)
  prepareHostPath(context.nodeFiles, source.path, type)
  // The provisioner's setup script makes directories that everybody may write to: whatever user a container runs as.
  if (isNew && volumeObject.metadata.annotations?.[PROVISIONED_BY] === LOCAL_PATH) context.nodeFiles.chmod(source.path, 0o777)
  return { plugin: 'kubernetes.io/host-path', tree: context.nodeFiles, root: source.path, readOnly, usedBytes: () => 0 }
}
