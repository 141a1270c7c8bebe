import type { UtilityContext } from '../../../unix/utilities/utility.ts'
import type { ConfigMap } from '../../kinds/generated/types.ts'
import { ApiAnswerError, askApi } from '../kubeconfig-client.ts'
import type { Access } from '../kubeconfig-client.ts'
import { wrapped } from './command.ts'

/** The ClusterConfiguration that kubeadm has left in the cluster, as YAML. `prefix`: of the lines that say so. k8s: util/config FetchInitConfigurationFromCluster */
export async function readClusterConfiguration({ proc, out }: UtilityContext, access: Access, prefix: string): Promise<string> {
  await out(`[${prefix}] Reading configuration from the "kubeadm-config" ConfigMap in namespace "kube-system"...\n[${prefix}] Use 'kubeadm init phase upload-config kubeadm --config your-config-file' to re-upload it.\n`)
  try {
    const { data } = await askApi<ConfigMap>(proc, access, 'GET', '/api/v1/namespaces/kube-system/configmaps/kubeadm-config')
    return data?.['ClusterConfiguration'] ?? ''
  } catch (error) {
    if (error instanceof ApiAnswerError) throw wrapped('unable to fetch the kubeadm-config ConfigMap: failed to get config map', error)
    throw error
  }
}
