import { formatIPv4, parseCidr } from '../../network/cidr.ts'
import type { UtilityContext } from '../../../unix/utilities/utility.ts'
import type { ConfigMap } from '../../kinds/generated/types.ts'
import { ApiAnswerError, askApi } from '../kubeconfig-client.ts'
import type { Access } from '../kubeconfig-client.ts'
import { wrapped } from './command.ts'

/** A flag of a component, as v1beta4 has them. */
export interface ExtraArg {
  name: string
  value: string
}

/** What a cluster was told about itself. kubeadm.k8s.io/v1beta4 */
export interface ClusterConfiguration {
  clusterName?: string
  kubernetesVersion?: string
  controlPlaneEndpoint?: string
  networking?: { dnsDomain?: string; podSubnet?: string; serviceSubnet?: string }
  apiServer?: { certSANs?: string[]; extraArgs?: ExtraArg[] }
  controllerManager?: { extraArgs?: ExtraArg[] }
  scheduler?: { extraArgs?: ExtraArg[] }
  etcd?: { local?: { dataDir?: string; extraArgs?: ExtraArg[] } }
}

/** k8s: kubeadm/v1beta4 defaults.go */
export const DEFAULT_SERVICE_SUBNET = '10.96.0.0/12'
export const DEFAULT_DNS_DOMAIN = 'cluster.local'
export const DEFAULT_CLUSTER_NAME = 'kubernetes'
export const API_PORT = 6443

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

/** The host of `host:port` or `host`. */
export const hostOf = (endpoint: string): string => endpoint.replace(/:\d+$/, '')

/** The address of the Service `kubernetes`: the first one of the range. */
export const apiServiceAddress = (serviceSubnet: string): string => formatIPv4(parseCidr(serviceSubnet).first + 1)
