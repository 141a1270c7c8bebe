import type { FileSystem } from '../../unix/types.ts'

/** Where containerd looks for its configuration. */
export const CONTAINERD_CONFIG = '/etc/containerd/config.toml'

/** Of kind's nodes: besides runc a runtime whose name tests of RuntimeClasses look for. */
export const KIND_CONTAINERD_CONFIG = `version = 3

[plugins."io.containerd.cri.v1.runtime".containerd]
  default_runtime_name = "runc"
  [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
      SystemdCgroup = true
  [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.test-handler]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.test-handler.options]
      SystemdCgroup = true

[plugins."io.containerd.cri.v1.images".pinned_images]
  sandbox = "registry.k8s.io/pause:3.10.1"
`

/** The names of the runtimes that a node's configuration has; runc where there is none. */
// @k8s part: containerd's configuration: its runtimes count when the node's machine starts, and all of them are runc; nothing else is read
export function configuredRuntimes(files: FileSystem): string[] {
  const text = files.exists(CONTAINERD_CONFIG) ? files.readText(CONTAINERD_CONFIG) : ''
  const names = [...text.matchAll(/^\s*\[plugins\.[^\n]*\.containerd\.runtimes\.(?:"([^"\n]+)"|([\w-]+))\]\s*$/gm)].map(([, quoted, bare]) => (quoted ?? bare)!)
  return names.length > 0 ? [...new Set(names)] : ['runc']
}
