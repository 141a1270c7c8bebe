import { clusterDnsAddress } from '../../../kubeadm/addons.ts'
import type { InitConfiguration } from './init-configuration.ts'

/**
 * The kubelets' configuration as kubeadm has it: its own, and what somebody has given. The empty fields are those that the original writes, too.
 * k8s: cmd/kubeadm/app/componentconfigs/kubelet.go. @param containerRuntimeEndpoint the node's own; without for what all nodes share
 */
export function kubeletConfigurationOf({ cluster: { networking }, kubelet }: InitConfiguration, containerRuntimeEndpoint = ''): object {
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1', authentication: { anonymous: { enabled: false }, webhook: { cacheTTL: '0s', enabled: true }, x509: { clientCAFile: '/etc/kubernetes/pki/ca.crt' } },
    authorization: { mode: 'Webhook', webhook: { cacheAuthorizedTTL: '0s', cacheUnauthorizedTTL: '0s' } }, cgroupDriver: 'systemd', clusterDNS: [clusterDnsAddress(networking.serviceSubnet!)], clusterDomain: networking.dnsDomain,
    cpuManagerReconcilePeriod: '0s', crashLoopBackOff: {}, evictionPressureTransitionPeriod: '0s', fileCheckFrequency: '0s', healthzBindAddress: '127.0.0.1', healthzPort: 10248, httpCheckFrequency: '0s', imageMaximumGCAge: '0s', imageMinimumGCAge: '0s',
    kind: 'KubeletConfiguration', logging: { flushFrequency: 0, options: { json: { infoBufferSize: '0' }, text: { infoBufferSize: '0' } }, verbosity: 0 }, memorySwap: {}, nodeStatusReportFrequency: '0s', nodeStatusUpdateFrequency: '0s',
    rotateCertificates: true, runtimeRequestTimeout: '0s', shutdownGracePeriod: '0s', shutdownGracePeriodCriticalPods: '0s', staticPodPath: '/etc/kubernetes/manifests', streamingConnectionIdleTimeout: '0s', syncFrequency: '0s', volumeStatsAggPeriod: '0s',
    ...kubelet, containerRuntimeEndpoint,
  }
}
