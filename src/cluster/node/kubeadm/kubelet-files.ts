import type { FileSystem } from '../../../unix/types.ts'
import type { UtilityContext } from '../../../unix/utilities/utility.ts'
import { UNIT_FOLDER } from '../unit-file.ts'

const CONTAINERD = 'unix:///var/run/containerd/containerd.sock'
const CRI_O = 'unix:///var/run/crio/crio.sock'

/** Where the machine's container runtime listens. k8s: cmd/kubeadm/app/util/runtime DetectCRISocket */
export function criSocketOf(files: FileSystem): string {
  return files.exists(`${UNIT_FOLDER}/crio.service`) ? CRI_O : CONTAINERD
}

/** The service behind {@link criSocketOf}. */
export function criUnitOf(files: FileSystem): string {
  return criSocketOf(files) === CRI_O ? 'crio' : 'containerd'
}

const INSTANCE_CONFIG = '/var/lib/kubelet/instance-config.yaml'

/** What is this node's own of its kubelet's configuration. k8s: cmd/kubeadm/app/phases/kubelet WriteInstanceConfigToDisk */
export async function writeInstanceConfiguration({ proc: { fs }, out }: UtilityContext): Promise<void> {
  await out(`[kubelet-start] Writing kubelet configuration to file ${JSON.stringify(INSTANCE_CONFIG)}\n`)
  fs.mkdir('/var/lib/kubelet', { recursive: true })
  fs.writeFile(INSTANCE_CONFIG, `containerRuntimeEndpoint: ${JSON.stringify(criSocketOf(fs))}\n`, { mode: 0o644 })
}
