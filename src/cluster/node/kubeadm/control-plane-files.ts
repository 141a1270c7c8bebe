import * as x509 from '../../../base/x509.ts'
import { alternativeNames, createAuthority, generateKeys, importPrivateKey, privateKeyPem, subjectName } from '../../../base/certificates.ts'
import { pemOf } from '../../../base/pem.ts'
import type { UtilityContext } from '../../../unix/utilities/utility.ts'
import { MANIFESTS } from '../../kubeadm/node-files.ts'
import { staticPods } from '../../kubeadm/static-pods.ts'
import { printYaml } from '../../kinds/print-yaml.ts'
import { authorityOf, issued } from './certs.ts'
import { API_PORT, DEFAULT_CLUSTER_NAME, DEFAULT_DNS_DOMAIN, DEFAULT_SERVICE_SUBNET, apiServiceAddress, hostOf } from './cluster-configuration.ts'
import type { ClusterConfiguration } from './cluster-configuration.ts'

export const KUBERNETES = '/etc/kubernetes'
export const PKI = `${KUBERNETES}/pki`

/** The node that a control plane's files are for: its name, and where its API server says that it is. */
export interface ControlPlaneNode {
  name: string
  ip: string
}

/** Authorities by their names, with their files below the folder of certificates. */
export const AUTHORITIES = { ca: { base: 'ca', commonName: 'kubernetes' }, 'front-proxy-ca': { base: 'front-proxy-ca', commonName: 'front-proxy-ca' }, 'etcd-ca': { base: 'etcd/ca', commonName: 'etcd-ca' } } as const
export type AuthorityName = keyof typeof AUTHORITIES

/** A certificate of kubeadm's, by the name of its phase. */
interface CertificateSpec {
  base: string
  authority: AuthorityName
  commonName: (node: ControlPlaneNode) => string
  usages: readonly string[]
  hosts: (node: ControlPlaneNode, configuration: ClusterConfiguration) => readonly string[]
  organizations?: readonly string[]
}

const { serverAuth, clientAuth } = x509.ExtendedKeyUsage
const etcdHosts = ({ name, ip }: ControlPlaneNode) => [name, 'localhost', ip, '127.0.0.1', '::1']
/** k8s: util/pkiutil GetAPIServerAltNames */
const apiServerHosts = ({ name, ip }: ControlPlaneNode, { networking = {}, apiServer = {}, controlPlaneEndpoint }: ClusterConfiguration) => [
  name, 'kubernetes', 'kubernetes.default', 'kubernetes.default.svc', `kubernetes.default.svc.${networking.dnsDomain ?? DEFAULT_DNS_DOMAIN}`,
  apiServiceAddress(networking.serviceSubnet ?? DEFAULT_SERVICE_SUBNET), ip, ...controlPlaneEndpoint ? [hostOf(controlPlaneEndpoint)] : [], ...apiServer.certSANs ?? [],
]
const nobody = () => []

/** k8s: cmd/kubeadm/app/phases/certs/certlist.go */
export const CERTIFICATES = {
  apiserver: { base: 'apiserver', authority: 'ca', commonName: () => 'kube-apiserver', usages: [serverAuth], hosts: apiServerHosts },
  'apiserver-kubelet-client': { base: 'apiserver-kubelet-client', authority: 'ca', commonName: () => 'kube-apiserver-kubelet-client', usages: [clientAuth], hosts: nobody, organizations: ['kubeadm:cluster-admins'] },
  'front-proxy-client': { base: 'front-proxy-client', authority: 'front-proxy-ca', commonName: () => 'front-proxy-client', usages: [clientAuth], hosts: nobody },
  'etcd-server': { base: 'etcd/server', authority: 'etcd-ca', commonName: ({ name }) => name, usages: [serverAuth, clientAuth], hosts: etcdHosts },
  'etcd-peer': { base: 'etcd/peer', authority: 'etcd-ca', commonName: ({ name }) => name, usages: [serverAuth, clientAuth], hosts: etcdHosts },
  'etcd-healthcheck-client': { base: 'etcd/healthcheck-client', authority: 'etcd-ca', commonName: () => 'kube-etcd-healthcheck-client', usages: [clientAuth], hosts: nobody },
  'apiserver-etcd-client': { base: 'apiserver-etcd-client', authority: 'etcd-ca', commonName: () => 'kube-apiserver-etcd-client', usages: [clientAuth], hosts: nobody },
} as const satisfies Readonly<Record<string, CertificateSpec>>
export type CertificateName = keyof typeof CERTIFICATES

/** Makes an authority, unless there is one. k8s: phases/certs CreateCACertAndKeyFiles @throws Error for one without its key */
export async function makeAuthority(context: UtilityContext, name: AuthorityName): Promise<void> {
  const { proc: { fs, clock }, out } = context
  const { base, commonName } = AUTHORITIES[name]
  if (fs.exists(`${PKI}/${base}.crt`)) {
    if (!fs.exists(`${PKI}/${base}.key`)) throw new Error(`drydock: a control plane without ${PKI}/${base}.key is not supported`)
    return out(`[certs] Using existing ${base} certificate authority\n`)
  }
  await out(`[certs] Generating ${JSON.stringify(base)} certificate and key\n`)
  const { certificatePem, key } = await clock.outside(createAuthority(commonName, clock.nowMs()))
  writePair(context, base, certificatePem, await clock.outside(privateKeyPem(key)))
}

/** Makes a certificate, unless there is one that its authority has signed. k8s: phases/certs CreateCertAndKeyFilesWithCA */
export async function makeCertificate(context: UtilityContext, name: CertificateName, node: ControlPlaneNode, configuration: ClusterConfiguration): Promise<void> {
  const { proc: { fs, clock }, out } = context
  const spec: CertificateSpec = CERTIFICATES[name]
  const { base } = spec
  const authority = await authorityOf(context, PKI, spec.authority)
  if (!authority) throw new Error(`couldn't load CA certificate ${spec.authority}: failed to load certificate: open ${PKI}/${AUTHORITIES[spec.authority].base}.crt: no such file or directory`)
  if (fs.exists(`${PKI}/${base}.crt`) && fs.exists(`${PKI}/${base}.key`)) {
    const isSigned = await clock.outside(new x509.X509Certificate(fs.readText(`${PKI}/${base}.crt`)).verify({ publicKey: authority.certificate, signatureOnly: true }))
    if (!isSigned) throw new Error(`error creating ${base} certificate: failed to write or validate certificate ${JSON.stringify(name)}: certificate ${base} is not signed by corresponding CA`)
    return out(`[certs] Using existing ${base} certificate and key on disk\n`)
  }
  await out(`[certs] Generating ${JSON.stringify(base)} certificate and key\n`)
  const hosts = [...new Set(spec.hosts(node, configuration))]
  const { certificatePem, keyPem } = await issued(context, authority, { subject: subjectName(spec.commonName(node), spec.organizations ?? []), extendedKeyUsages: [...spec.usages], ...(hosts.length > 0 ? { alternativeNames: alternativeNames(hosts) } : {}) })
  writePair(context, base, certificatePem, keyPem)
  const isAddress = (host: string) => /^[\d.]+$|:/.test(host)
  if (hosts.length > 0) await out(`[certs] ${base} serving cert is signed for DNS names [${hosts.filter((host) => !isAddress(host)).sort().join(' ')}] and IPs [${hosts.filter(isAddress).join(' ')}]\n`)
}

/** The key that signs service accounts' tokens. k8s: phases/certs CreateServiceAccountKeyAndPublicKeyFiles */
export async function makeServiceAccountKey({ proc: { fs, clock }, out }: UtilityContext): Promise<void> {
  if (fs.exists(`${PKI}/sa.key`)) return out('[certs] Using the existing "sa" key\n')
  await out('[certs] Generating "sa" key and public key\n')
  const { publicKey, privateKey } = await clock.outside(generateKeys())
  fs.mkdir(PKI, { recursive: true })
  fs.writeFile(`${PKI}/sa.key`, await clock.outside(privateKeyPem(privateKey)), { mode: 0o600 })
  fs.writeFile(`${PKI}/sa.pub`, pemOf('PUBLIC KEY', new Uint8Array(await clock.outside(crypto.subtle.exportKey('spki', publicKey)))), { mode: 0o600 })
}

/** kubeadm's kubeconfigs: whose they are, and whether they go by the cluster's endpoint or to the node's own API server. k8s: phases/kubeconfig getKubeConfigSpecs */
export const KUBECONFIGS = {
  admin: { client: () => 'kubernetes-admin', organizations: ['kubeadm:cluster-admins'], isLocal: false },
  'super-admin': { client: () => 'kubernetes-super-admin', organizations: ['system:masters'], isLocal: false },
  kubelet: { client: (node: string) => `system:node:${node}`, organizations: ['system:nodes'], isLocal: false },
  'controller-manager': { client: () => 'system:kube-controller-manager', organizations: [], isLocal: true },
  scheduler: { client: () => 'system:kube-scheduler', organizations: [], isLocal: true },
} as const
export type KubeconfigName = keyof typeof KUBECONFIGS

/** Writes a kubeconfig, unless there is one. k8s: phases/kubeconfig createKubeConfigFileIfNotExists @throws Error for one of another cluster */
export async function makeKubeconfig(context: UtilityContext, name: KubeconfigName, node: ControlPlaneNode, configuration: ClusterConfiguration): Promise<void> {
  const { proc: { fs, clock }, out } = context
  const { client, organizations, isLocal } = KUBECONFIGS[name]
  const path = `${KUBERNETES}/${name}.conf`
  const authority = await authorityOf(context, PKI, 'ca')
  if (!authority) throw new Error(`couldn't create a kubeconfig; the CA files couldn't be loaded: failed to load certificate: open ${PKI}/ca.crt: no such file or directory`)
  const server = `https://${isLocal ? `${node.ip}:${API_PORT}` : endpointOf(node, configuration)}`
  const caData = btoa(authority.certificatePem)
  if (fs.exists(path)) {
    const text = fs.readText(path)
    if (!text.includes(caData)) throw new Error(`a kubeconfig file ${JSON.stringify(path)} exists already but has got the wrong CA cert`)
    if (!text.includes(`server: ${server}\n`)) throw new Error(`a kubeconfig file ${JSON.stringify(path)} exists already but has an unexpected API Server URL: expected: ${server}, got: ${/server: (\S+)/.exec(text)?.[1] ?? ''}`)
    return out(`[kubeconfig] Using existing kubeconfig file: ${JSON.stringify(path)}\n`)
  }
  const user = client(node.name)
  const { certificatePem, keyPem } = await issued(context, authority, { subject: subjectName(user, [...organizations]), extendedKeyUsages: [clientAuth] })
  const cluster = configuration.clusterName ?? DEFAULT_CLUSTER_NAME
  fs.mkdir(KUBERNETES, { recursive: true })
  fs.writeFile(path, printYaml({
    apiVersion: 'v1', clusters: [{ cluster: { 'certificate-authority-data': caData, server }, name: cluster }], contexts: [{ context: { cluster, user }, name: `${user}@${cluster}` }],
    'current-context': `${user}@${cluster}`, kind: 'Config', users: [{ name: user, user: { 'client-certificate-data': btoa(certificatePem), 'client-key-data': btoa(keyPem) } }],
  }), { mode: 0o600 })
  await clock.breathe()
  await out(`[kubeconfig] Writing "${name}.conf" kubeconfig file\n`)
}

/** Where everybody finds the API. */
export function endpointOf({ ip }: ControlPlaneNode, { controlPlaneEndpoint }: ClusterConfiguration): string {
  return controlPlaneEndpoint ? `${hostOf(controlPlaneEndpoint)}:${API_PORT}` : `${ip}:${API_PORT}`
}

/** Writes a component's static pod. `etcdMembers`: those of the cluster that the node joins */
export function writeManifest({ proc: { fs } }: UtilityContext, component: string, node: ControlPlaneNode, configuration: ClusterConfiguration, etcdMembers: readonly ControlPlaneNode[] = []): void {
  const { clusterName = DEFAULT_CLUSTER_NAME, networking = {}, apiServer, controllerManager, scheduler, etcd } = configuration
  const pod = staticPods(node, {
    clusterName, podCidr: networking.podSubnet ?? '', serviceCidr: networking.serviceSubnet ?? DEFAULT_SERVICE_SUBNET, clusterDomain: networking.dnsDomain ?? DEFAULT_DNS_DOMAIN,
    ...(etcdMembers.length > 0 ? { etcdMembers } : {}), extraArgs: { 'kube-apiserver': apiServer?.extraArgs ?? [], 'kube-controller-manager': controllerManager?.extraArgs ?? [], 'kube-scheduler': scheduler?.extraArgs ?? [], etcd: etcd?.local?.extraArgs ?? [] },
  }).find(({ metadata }) => metadata.name === component)!
  fs.mkdir(MANIFESTS, { recursive: true })
  fs.writeFile(`${MANIFESTS}/${component}.yaml`, printYaml({ ...pod, status: {} }), { mode: 0o600 })
}

function writePair({ proc: { fs } }: UtilityContext, base: string, certificatePem: string, keyPem: string): void {
  const path = `${PKI}/${base}`
  fs.mkdir(path.slice(0, path.lastIndexOf('/')), { recursive: true })
  fs.writeFile(`${path}.crt`, certificatePem, { mode: 0o644 })
  fs.writeFile(`${path}.key`, keyPem, { mode: 0o600 })
}

/** The keys that whoever is to be the control plane needs: what lies in the folder of certificates. */
export async function keysOf({ proc: { fs, clock } }: UtilityContext) {
  const text = (file: string) => fs.readText(`${PKI}/${file}`)
  await clock.outside(importPrivateKey(text('ca.key'))).catch(() => { throw new Error(`drydock: ${PKI}/ca.key is not supported: only ECDSA keys of P-256 are`) })
  return {
    caCertificatePem: text('ca.crt'), caKeyPem: text('ca.key'), frontProxyCaCertificatePem: text('front-proxy-ca.crt'), frontProxyCaKeyPem: text('front-proxy-ca.key'), serviceAccountKeyPem: text('sa.key'), createdMs: clock.nowMs(),
  }
}
