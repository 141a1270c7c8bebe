import { LOCAL_PATH, PROVISIONED_BY, volumeAllowsNode } from '../client/volume-matching.ts'
import type { PersistentVolume } from '../kinds/generated/types.ts'
import { prepareHostPath } from './host-path.ts'
import { setUpCsiClaim } from './csi/csi-volume.ts'
import { setUpNfs } from './nfs.ts'
import { isNotFound } from './volume.ts'
import type { VolumePlugin } from './volume.ts'

// @k8s part: Volumes: emptyDir, ConfigMap, Secret, downward API, projected, hostPath, image, NFS and CSI, and claims on hostPath, local, NFS or CSI volumes; block devices (volumeMode Block) aren't mapped into containers

/** A claim, through the PersistentVolume it is bound to. k8s: pkg/kubelet/volumemanager/populator createVolumeSpec */
export const persistentVolumeClaimPlugin: VolumePlugin = {
  name: 'kubernetes.io/persistent-volume-claim',
  supports: (volume) => volume.persistentVolumeClaim !== undefined || volume.ephemeral !== undefined,
  async setUp(volume, pod, context, signal) {
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
    // Whoever chooses a node by hand may choose one that can't reach the volume. k8s: pkg/volume/util/operationexecutor checkNodeAffinity
    const node = context.node()
    if (node && !volumeAllowsNode(volumeObject, node)) throw new Error(`MountVolume.NodeAffinity check failed for volume "${volumeName}" : no matching NodeSelectorTerms`)
    const readOnly = volume.persistentVolumeClaim?.readOnly ?? false
    if (spec.nfs) {
      const { nfs, mountOptions = [] } = spec
      return setUpNfs({ ...nfs, readOnly: readOnly || (nfs.readOnly ?? false) }, volumeName, mountOptions, pod, context, signal).catch((error: unknown) => { throw new Error(`MountVolume.SetUp failed for volume ${JSON.stringify(volumeName)} : ${(error as Error).message}`) })
    }
    if (spec.csi) return setUpCsiClaim(volumeObject, claim, readOnly, pod, context, signal)
    const source = spec.hostPath ?? spec.local
    if (!source) {
      const kind = Object.keys(spec).find((key) => typeof spec[key as keyof typeof spec] === 'object' && !['capacity', 'claimRef', 'nodeAffinity', 'accessModes', 'mountOptions'].includes(key)) ?? 'unknown'
      throw new Error(`MountVolume.SetUp failed for volume "${volumeName}" : no volume plugin on this node can mount a ${kind} volume`)
    }
    const type = spec.hostPath?.type
    if (spec.local && !context.nodeFiles.exists(source.path)) throw new Error(`MountVolume.NewMounter initialization failed for volume "${volumeName}" : path "${source.path}" does not exist`)
    const isNew = !context.nodeFiles.exists(source.path)
    prepareHostPath(context.nodeFiles, source.path, type)
    // The provisioner's setup script makes directories that everybody may write to: whatever user a container runs as.
    if (isNew && volumeObject.metadata.annotations?.[PROVISIONED_BY] === LOCAL_PATH) context.nodeFiles.chmod(source.path, 0o777)
    const gid = pod.spec.securityContext?.fsGroup
    // Only local volumes are given to the group; hostPath stays as the node has it.
    if (gid !== undefined && spec.local) {
      context.nodeFiles.chown(source.path, context.nodeFiles.stat(source.path).uid, gid)
      context.nodeFiles.chmod(source.path, context.nodeFiles.stat(source.path).mode | 0o2770)
    }
    return { plugin: spec.local ? 'kubernetes.io/local-volume' : 'kubernetes.io/host-path', tree: context.nodeFiles, root: source.path, readOnly, usedBytes: () => 0 }
  },
}
