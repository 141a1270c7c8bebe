import { parseYaml } from '../../kinds/yaml-text.ts'
import { adminAccess, klogWarning, VERSION } from './command.ts'
import type { Command } from './command.ts'
import { readClusterConfiguration } from './cluster-configuration.ts'

/** `kubeadm upgrade plan`: compares the cluster's version with kubeadm's own. It asks nobody for later ones, and makes none of kubeadm's checks. k8s: cmd/kubeadm/app/cmd/upgrade/plan.go */
export const upgradePlan: Command = async (context, args) => {
  const { out } = context
  const text = await readClusterConfiguration(context, adminAccess(context, args), 'upgrade/config')
  const { kubernetesVersion = VERSION } = (parseYaml(text).value ?? {}) as { kubernetesVersion?: string }
  await out(`[upgrade/versions] Cluster version: ${kubernetesVersion.replace(/^v/, '')}\n[upgrade/versions] kubeadm version: ${VERSION}\n`)
  await klogWarning(context, 'version.go:109', `drydock: asks nobody for later versions; falling back to the local client version: ${VERSION}`)
  await out(`[upgrade/versions] Target version: ${VERSION}\n\n`)
}
