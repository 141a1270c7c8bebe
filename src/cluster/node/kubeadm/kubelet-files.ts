import type { UtilityContext } from '../../../unix/utilities/utility.ts'

export const CONTAINERD = 'unix:///var/run/containerd/containerd.sock'
const INSTANCE_CONFIG = '/var/lib/kubelet/instance-config.yaml'

/** What is this node's own of its kubelet's configuration. k8s: cmd/kubeadm/app/phases/kubelet WriteInstanceConfigToDisk */
export async function writeInstanceConfiguration({ proc: { fs }, out }: UtilityContext): Promise<void> {
  await out(`[kubelet-start] Writing kubelet configuration to file ${JSON.stringify(INSTANCE_CONFIG)}\n`)
  fs.mkdir('/var/lib/kubelet', { recursive: true })
  fs.writeFile(INSTANCE_CONFIG, `containerRuntimeEndpoint: ${JSON.stringify(CONTAINERD)}\n`, { mode: 0o644 })
}
