import type { VolumePlugin } from './volume.ts'

/** Why a directory of an NFS server can't be mounted: there is no such server on this network. k8s: pkg/volume/nfs, k8s.io/mount-utils mount_linux.go */
export function nfsProblem(source: { server: string; path: string; readOnly?: boolean }, podUid: string, volumeName: string): Error {
  const { server, path, readOnly } = source
  const target = `/var/lib/kubelet/pods/${podUid}/volumes/kubernetes.io~nfs/${volumeName}`
  const isAddress = /^[\d.]+$/.test(server) || server.includes(':')
  const output = isAddress ? 'mount.nfs: Connection refused' : `mount.nfs: Failed to resolve server ${server}: Name or service not known`
  return new Error(`mount failed: exit status 32\nMounting command: mount\nMounting arguments: -t nfs ${readOnly ? '-o ro ' : ''}${server}:${path} ${target}\nOutput: ${output}\n`)
}

// @k8s part: Volumes of NFS servers: no image serves NFS, so that mounting fails as without a server
export const nfsPlugin: VolumePlugin = {
  name: 'kubernetes.io/nfs',
  supports: (volume) => volume.nfs !== undefined,
  setUp: (volume, pod) => Promise.reject(nfsProblem(volume.nfs!, pod.metadata.uid!, volume.name)),
}
