import type { KubeObject } from '../kinds/object.ts'
import { clusterRole, clusterRoleBinding, configMap, role, roleBinding } from './objects.ts'
import { clusterDnsAddress } from './addons.ts'

const NODE_TOKEN_GROUP = 'system:bootstrappers:kubeadm:default-node-token'

/** How kubelets are configured, as YAML: in the API for all of them, and with its runtime on each node. k8s: kubelet/config/v1beta1 KubeletConfiguration */
export function kubeletConfiguration({ clusterDns, clusterDomain, containerRuntimeEndpoint }: { clusterDns: string; clusterDomain: string; containerRuntimeEndpoint?: string }): string {
  return `apiVersion: kubelet.config.k8s.io/v1beta1\nauthentication:\n  anonymous:\n    enabled: false\n  webhook:\n    cacheTTL: 0s\n    enabled: true\n  x509:\n    clientCAFile: /etc/kubernetes/pki/ca.crt\nauthorization:\n  mode: Webhook\ncgroupDriver: cgroupfs\nclusterDNS:\n- ${clusterDns}\nclusterDomain: ${clusterDomain}\n${containerRuntimeEndpoint === undefined ? '' : `containerRuntimeEndpoint: ${containerRuntimeEndpoint}\n`}evictionHard:\n  imagefs.available: 0%\n  memory.available: 0%\n  nodefs.available: 0%\n  nodefs.inodesFree: 0%\nfailSwapOn: false\nhealthzBindAddress: 127.0.0.1\nhealthzPort: 10248\nimageGCHighThresholdPercent: 100\nkind: KubeletConfiguration\nrotateCertificates: true\nserializeImagePulls: false\nstaticPodPath: /etc/kubernetes/manifests\n`
}

/** What `kubeadm init` leaves in the API of a cluster that kind has configured, besides add-ons: its own and the kubelets' configuration, cluster-info, and the rights of joining nodes. */
export function kubeadmConfiguration(options: { clusterName: string; controlPlaneEndpoint: string; podCidr: string; serviceCidr: string; clusterDomain: string; caCertificatePem: string; laptopAddress: string }): KubeObject[] {
  return [
    ...uploadedConfiguration(`apiServer:\n  certSANs:\n  - localhost\n  - 127.0.0.1\n  - ${options.laptopAddress}\napiVersion: kubeadm.k8s.io/v1beta4\ncaCertificateValidityPeriod: 87600h0m0s\ncertificateValidityPeriod: 8760h0m0s\ncertificatesDir: /etc/kubernetes/pki\nclusterName: ${options.clusterName}\ncontrolPlaneEndpoint: ${options.controlPlaneEndpoint}\ncontrollerManager:\n  extraArgs:\n  - name: enable-hostpath-provisioner\n    value: "true"\ndns: {}\nencryptionAlgorithm: ECDSA-P256\netcd:\n  local:\n    dataDir: /var/lib/etcd\n    extraArgs:\n    - name: unsafe-no-fsync\n      value: "true"\nimageRepository: registry.k8s.io\nkind: ClusterConfiguration\nkubernetesVersion: v1.36.3\nnetworking:\n  dnsDomain: ${options.clusterDomain}\n  podSubnet: ${options.podCidr}\n  serviceSubnet: ${options.serviceCidr}\nproxy: {}\nscheduler: {}\n`),
    ...uploadedKubeletConfiguration(kubeletConfiguration({ clusterDns: clusterDnsAddress(options.serviceCidr), clusterDomain: options.clusterDomain })),
    ...clusterInfo({ caCertificatePem: options.caCertificatePem, server: `https://${options.controlPlaneEndpoint}` }),
    ...bootstrapRights(),
    administratorsRights(),
  ]
}

/** kubeadm's configuration of the cluster, and who may read it. k8s: cmd/kubeadm/app/phases/uploadconfig */
export function uploadedConfiguration(clusterConfiguration: string): KubeObject[] {
  return [
    configMap('kube-system', 'kubeadm-config', { ClusterConfiguration: clusterConfiguration }),
    role('kube-system', 'kubeadm:nodes-kubeadm-config', [{ apiGroups: [''], resourceNames: ['kubeadm-config'], resources: ['configmaps'], verbs: ['get'] }]),
    roleBinding('kube-system', 'kubeadm:nodes-kubeadm-config', 'kubeadm:nodes-kubeadm-config', [{ kind: 'Group', name: NODE_TOKEN_GROUP }, { kind: 'Group', name: 'system:nodes' }]),
  ]
}

/** The configuration that all kubelets share. k8s: cmd/kubeadm/app/phases/kubelet CreateConfigMap */
export function uploadedKubeletConfiguration(kubelet: string): KubeObject[] {
  return [
    configMap('kube-system', 'kubelet-config', { kubelet }),
    role('kube-system', 'kubeadm:kubelet-config', [{ apiGroups: [''], resourceNames: ['kubelet-config'], resources: ['configmaps'], verbs: ['get'] }]),
    roleBinding('kube-system', 'kubeadm:kubelet-config', 'kubeadm:kubelet-config', [{ kind: 'Group', name: 'system:nodes' }, { kind: 'Group', name: NODE_TOKEN_GROUP }]),
  ]
}

/** What everybody may read who wants to join. k8s: cmd/kubeadm/app/phases/bootstraptoken/clusterinfo */
export function clusterInfo({ caCertificatePem, server }: { caCertificatePem: string; server: string }): KubeObject[] {
  return [
    configMap('kube-public', 'cluster-info', {
      kubeconfig: `apiVersion: v1\nclusters:\n- cluster:\n    certificate-authority-data: ${btoa(caCertificatePem)}\n    server: ${server}\n  name: ""\ncontexts: null\ncurrent-context: ""\nkind: Config\nusers: null\n`,
    }),
    role('kube-public', 'kubeadm:bootstrap-signer-clusterinfo', [{ apiGroups: [''], resourceNames: ['cluster-info'], resources: ['configmaps'], verbs: ['get'] }]),
    roleBinding('kube-public', 'kubeadm:bootstrap-signer-clusterinfo', 'kubeadm:bootstrap-signer-clusterinfo', [{ kind: 'User', name: 'system:anonymous' }]),
  ]
}

/** What joining nodes may do, and the API server to kubelets. k8s: cmd/kubeadm/app/phases/bootstraptoken/node/tlsbootstrap.go */
export function bootstrapRights(): KubeObject[] {
  return [
    clusterRole('kubeadm:get-nodes', [{ apiGroups: [''], resources: ['nodes'], verbs: ['get'] }]),
    clusterRoleBinding('kubeadm:get-nodes', 'kubeadm:get-nodes', [{ kind: 'Group', name: NODE_TOKEN_GROUP }]),
    clusterRoleBinding('kubeadm:kubelet-bootstrap', 'system:node-bootstrapper', [{ kind: 'Group', name: NODE_TOKEN_GROUP }]),
    clusterRoleBinding('kubeadm:node-autoapprove-bootstrap', 'system:certificates.k8s.io:certificatesigningrequests:nodeclient', [{ kind: 'Group', name: NODE_TOKEN_GROUP }]),
    clusterRoleBinding('kubeadm:node-autoapprove-certificate-rotation', 'system:certificates.k8s.io:certificatesigningrequests:selfnodeclient', [{ kind: 'Group', name: 'system:nodes' }]),
    clusterRoleBinding('kubeadm:apiserver-kubelet-client', 'system:kubelet-api-admin', [{ kind: 'User', name: 'kube-apiserver-kubelet-client' }]),
  ]
}

/** Whoever has admin.conf. k8s: cmd/kubeadm/app/phases/kubeconfig EnsureAdminClusterRoleBinding */
export function administratorsRights(): KubeObject {
  return clusterRoleBinding('kubeadm:cluster-admins', 'cluster-admin', [{ kind: 'Group', name: 'kubeadm:cluster-admins' }])
}
