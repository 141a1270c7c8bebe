import { importPrivateKey } from '../../base/certificates.ts'
import type { CertificateAndKey } from '../../base/certificates.ts'
import * as x509 from '../../base/x509.ts'
import type { FileSystem } from '../../unix/types.ts'
import type { ClusterPki } from '../apiserver/pki/cluster-pki.ts'
import type { KubeObject } from '../kinds/object.ts'
import { etcdPki } from '../kubeadm/etcd-pki.ts'
import { controlPlaneFiles } from '../kubeadm/node-files.ts'
import type { NodeFiles } from '../kubeadm/node-files.ts'

export interface InstallOptions {
  node: { name: string; ip: string }
  clusterName: string
  pki: ClusterPki
  /** Where kubectl finds the API. */
  serverUrl: string
  /** Where this node's own components find it. */
  localServerUrl: string
  admin: CertificateAndKey
  serving: CertificateAndKey
  proxyClient: CertificateAndKey
  staticPods: readonly KubeObject[]
  /** The disk of the node that was first, whose etcd authority the others share. */
  first?: FileSystem
  nowMs: number
}

const PKI = '/etc/kubernetes/pki'

/** What `kubeadm init` leaves on the first node of the control plane, and `kubeadm join --control-plane` on further ones. */
export async function installedFiles({ node, clusterName, pki, serverUrl, localServerUrl, admin, serving, proxyClient, staticPods, first, nowMs }: InstallOptions): Promise<NodeFiles> {
  const client = (commonName: string, ...organizations: string[]) => pki.issueClientCertificate({ commonName, organizations, nowMs })
  const authority = first && { certificatePem: first.readText(`${PKI}/etcd/ca.crt`), certificate: new x509.X509Certificate(first.readText(`${PKI}/etcd/ca.crt`)), key: await importPrivateKey(first.readText(`${PKI}/etcd/ca.key`)) }
  const [superAdmin, manager, scheduler, kubeletClient, etcdFiles] = await Promise.all([
    first ? undefined : client('kubernetes-super-admin', 'system:masters'), client('system:kube-controller-manager'), client('system:kube-scheduler'), client('kube-apiserver-kubelet-client', 'kubeadm:cluster-admins'),
    etcdPki({ hosts: [node.name, 'localhost', node.ip, '127.0.0.1'], nowMs, ...(authority ? { authority } : {}) }),
  ])
  const keys = pki.snapshot()
  const files = (url: string, clients: Record<string, CertificateAndKey>, pods: readonly KubeObject[]) => controlPlaneFiles({
    clusterName, serverUrl: url, caCertificatePem: pki.caCertificatePem, clients,
    pki: {
      'ca.crt': pki.caCertificatePem, 'ca.key': keys.caKeyPem, 'apiserver.crt': serving.certificatePem, 'apiserver.key': serving.keyPem, 'apiserver-kubelet-client.crt': kubeletClient.certificatePem, 'apiserver-kubelet-client.key': kubeletClient.keyPem, 'front-proxy-ca.crt': pki.frontProxyCaCertificatePem, 'front-proxy-ca.key': keys.frontProxyCaKeyPem,
      'front-proxy-client.crt': proxyClient.certificatePem, 'front-proxy-client.key': proxyClient.keyPem, ...etcdFiles, 'sa.key': keys.serviceAccountKeyPem, 'sa.pub': pki.tokenKey.publicKeyPem,
    },
    staticPods: pods,
  })
  return { ...files(serverUrl, { admin, ...(superAdmin ? { 'super-admin': superAdmin } : {}) }, staticPods), ...files(localServerUrl, { 'controller-manager': manager, scheduler }, []) }
}
