import type { CertificateAndKey } from '../../base/certificates.ts'
import type { KubeObject } from '../kinds/object.ts'
import { printYaml } from '../kinds/print-yaml.ts'
import { kubeletConfiguration } from './configuration.ts'
import { kubeconfigText } from './kubeconfig.ts'

const KUBERNETES = '/etc/kubernetes'
/** The folder whose manifests a kubelet runs. */
export const MANIFESTS = `${KUBERNETES}/manifests`

export interface NodeFilesOptions {
  nodeName: string
  clusterName: string
  serverUrl: string
  clusterDns: string
  clusterDomain: string
  caCertificatePem: string
  /** Labels that the kubelet registers with. */
  nodeLabels?: Readonly<Record<string, string>>
  /** What the node's provider calls it. */
  providerID?: string
  /** Its container runtime. */
  runtime: { socket: string; unit: string }
}

export interface ControlPlaneFilesOptions {
  clusterName: string
  serverUrl: string
  caCertificatePem: string
  /** Keys and certificates by their names below the folder `pki`. */
  pki: Readonly<Record<string, string>>
  /** Client certificates by the names of the kubeconfigs that carry them. */
  clients: Readonly<Record<string, CertificateAndKey>>
  staticPods: readonly KubeObject[]
}

/** How the kubelet reaches the API server. A node on which kubeadm has been at work has this file. */
export const KUBELET_KUBECONFIG = `${KUBERNETES}/kubelet.conf`
/** With what it asks for a certificate of its own first. */
export const KUBELET_BOOTSTRAP_KUBECONFIG = `${KUBERNETES}/bootstrap-kubelet.conf`
export const KUBELET_CONFIG = '/var/lib/kubelet/config.yaml'
export const KUBELET_FLAGS = '/var/lib/kubelet/kubeadm-flags.env'
/** Its client certificate with the key. */
export const KUBELET_CLIENT_CERTIFICATE = '/var/lib/kubelet/pki/kubelet-client-current.pem'

/** Text and mode of files by their paths. */
export type NodeFiles = Record<string, { text: string; mode: number }>

/** What `kubeadm join` leaves on every node. k8s: cmd/kubeadm/app/phases/kubelet */
export function nodeFiles(options: NodeFilesOptions): NodeFiles {
  const { nodeName, clusterName, serverUrl, caCertificatePem } = options
  const files: NodeFiles = {}
  const write = writer(files)
  write(`${KUBERNETES}/pki/ca.crt`, caCertificatePem, 0o644)
  write(KUBELET_KUBECONFIG, printYaml({
    apiVersion: 'v1', kind: 'Config', 'current-context': `system:node:${nodeName}@${clusterName}`,
    clusters: [{ name: clusterName, cluster: { 'certificate-authority-data': btoa(caCertificatePem), server: serverUrl } }],
    contexts: [{ name: `system:node:${nodeName}@${clusterName}`, context: { cluster: clusterName, user: `system:node:${nodeName}` } }],
    users: [{ name: `system:node:${nodeName}`, user: { 'client-certificate': KUBELET_CLIENT_CERTIFICATE, 'client-key': KUBELET_CLIENT_CERTIFICATE } }],
  }))
  write(KUBELET_CONFIG, kubeletConfiguration({ clusterDns: options.clusterDns, clusterDomain: options.clusterDomain, containerRuntimeEndpoint: `unix://${options.runtime.socket}` }), 0o644)
  write(KUBELET_FLAGS, kubeletFlags(kindKubeletFlags(options)), 0o644)
  return files
}

/** What kind has kubeadm give the kubelets of its nodes. */
export function kindKubeletFlags({ clusterName, nodeName, nodeLabels = {}, providerID = `kind://docker/${clusterName}/${nodeName}`, runtime }: Pick<NodeFilesOptions, 'clusterName' | 'nodeName' | 'nodeLabels' | 'providerID' | 'runtime'>): string {
  return `--node-ip= --node-labels=${Object.entries(nodeLabels).map(([label, value]) => `${label}=${value}`).join(',')} --pod-infra-container-image=registry.k8s.io/pause:3.10.1 --provider-id=${providerID} --runtime-cgroups=/system.slice/${runtime.unit}.service`
}

/** The file with the flags that kubeadm gives the kubelet. k8s: cmd/kubeadm/app/phases/kubelet WriteKubeletDynamicEnvFile */
export function kubeletFlags(flags: string): string {
  return `KUBELET_KUBEADM_ARGS="${flags}"\n`
}

/** What `kubeadm init` leaves on the first node. k8s: cmd/kubeadm/app/phases/{controlplane,etcd,kubeconfig,certs} */
export function controlPlaneFiles({ clusterName, serverUrl, caCertificatePem, pki, clients, staticPods }: ControlPlaneFilesOptions): NodeFiles {
  const files: NodeFiles = {}
  const write = writer(files)
  for (const [name, { certificatePem, keyPem }] of Object.entries(clients))
    write(`${KUBERNETES}/${name}.conf`, kubeconfigText({ name: clusterName, serverUrl, caCertificatePem, clientCertificatePem: certificatePem, clientKeyPem: keyPem }))
  for (const [name, text] of Object.entries(pki)) write(`${KUBERNETES}/pki/${name}`, text, name.endsWith('.key') ? 0o600 : 0o644)
  // As kind's image does it: kubectl on the node is the administrator's.
  write('/etc/environment', `KUBECONFIG=${KUBERNETES}/admin.conf\n`, 0o644)
  for (const pod of staticPods) write(`${MANIFESTS}/${pod.metadata.name}.yaml`, printYaml({ ...pod, status: {} }))
  return files
}

function writer(files: NodeFiles): (path: string, text: string, mode?: number) => void {
  return (path, text, mode = 0o600) => { files[path] = { text, mode } }
}
