import { parseYaml } from '../../kinds/yaml-text.ts'
import { adminAccess, klogWarning, VERSION } from './command.ts'
import type { Command } from './command.ts'
import { readClusterConfiguration } from './cluster-configuration.ts'

/** `kubeadm upgrade plan`: without the Internet nobody knows of a later version than kubeadm's own. k8s: cmd/kubeadm/app/cmd/upgrade/plan.go */
export const upgradePlan: Command = async (context, args) => {
  const { out } = context
  await out('[preflight] Running pre-flight checks.\n')
  const text = await readClusterConfiguration(context, adminAccess(context, args), 'upgrade/config')
  const { kubernetesVersion = VERSION } = (parseYaml(text).value ?? {}) as { kubernetesVersion?: string }
  await out('[upgrade] Running cluster health checks\n[upgrade] Fetching available versions to upgrade to\n')
  await out(`[upgrade/versions] Cluster version: ${kubernetesVersion.replace(/^v/, '')}\n[upgrade/versions] kubeadm version: ${VERSION}\n`)
  const unreachable = (file: string) => `could not fetch a Kubernetes version from the internet: unable to get URL "https://dl.k8s.io/release/${file}": Get "https://dl.k8s.io/release/${file}": dial tcp: lookup dl.k8s.io: no such host`
  await klogWarning(context, 'version.go:108', unreachable('stable.txt'))
  await klogWarning(context, 'version.go:109', `falling back to the local client version: ${VERSION}`)
  await out(`[upgrade/versions] Target version: ${VERSION}\n`)
  await klogWarning(context, 'version.go:108', unreachable('stable-1.36.txt'))
  await klogWarning(context, 'version.go:109', `falling back to the local client version: ${VERSION}`)
  await out(`[upgrade/versions] Latest version in the v1.36 series: ${VERSION}\n\n`)
}
