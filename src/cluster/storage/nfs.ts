import { NfsMountError, mountNfs } from '../../unix/nfs/client.ts'
import type { Pod } from '../kinds/generated/types.ts'
import type { MountedVolume, VolumeContext, VolumePlugin } from './volume.ts'

// @k8s part: Volumes of NFS servers: mounted over the cluster's network; while a server is away, reading and writing fail with "Input/output error" (as with the mount option soft) instead of waiting for it, locks aren't shared between clients, and mount options about caching, timing, nosuid, nodev and noexec change nothing

const NAME = 'kubernetes.io/nfs'

/**
 * Mounts a directory of an NFS server into a pod, with the node's address. `volumeName` is the PersistentVolume's where there is one.
 * @throws Error with what mount said. k8s: pkg/volume/nfs SetUpAt, k8s.io/mount-utils mount_linux.go doMount
 */
export async function setUpNfs(source: { server: string; path: string; readOnly?: boolean }, volumeName: string, mountOptions: readonly string[], pod: Pod, { net, clock, nodeFiles }: VolumeContext, signal: AbortSignal): Promise<MountedVolume> {
  const spec = `${source.server}:${source.path}`
  const target = `/var/lib/kubelet/pods/${pod.metadata.uid}/volumes/kubernetes.io~nfs/${volumeName}`
  const options = [...new Set([...mountOptions, ...(source.readOnly ? ['ro'] : [])])].sort()
  let mount
  try {
    mount = await mountNfs({ net, clock, source: spec, target, options, signal })
  } catch (error) {
    if (!(error instanceof NfsMountError)) throw error
    throw new Error(`mount failed: exit status 32\nMounting command: mount\nMounting arguments: -t nfs ${options.length > 0 ? `-o ${options.join(',')} ` : ''}${spec} ${target}\nOutput: ${error.message}\n`)
  }
  const { files, close } = mount
  nodeFiles.mkdir(target, { recursive: true })
  const unmount = nodeFiles.mount(target, files)
  return {
    plugin: NAME, tree: files, root: '/', readOnly: false, usedBytes: () => 0,
    tearDown() {
      unmount()
      close()
      nodeFiles.remove(target, { recursive: true, force: true })
    },
  }
}

/** A directory of an NFS server, named in the pod. k8s: pkg/volume/nfs */
export const nfsPlugin: VolumePlugin = {
  name: NAME,
  supports: (volume) => volume.nfs !== undefined,
  setUp: (volume, pod, context, signal) => setUpNfs(volume.nfs!, volume.name, [], pod, context, signal),
}
