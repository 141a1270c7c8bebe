import { parseYaml } from '../../../kinds/yaml-text.ts'
import type { ClusterConfiguration } from '../cluster-configuration.ts'
import { checkFields } from '../config-fields.ts'
import type { KnownFields } from '../config-fields.ts'
import { KNOWN_REGISTRATION } from '../node-registration.ts'
import type { NodeRegistration } from '../node-registration.ts'

const API = 'kubeadm.k8s.io/v1beta4'

/** What of an InitConfiguration is followed. */
export interface InitDocument {
  bootstrapTokens?: { token?: string; ttl?: string; usages?: string[]; groups?: string[]; description?: string }[]
  localAPIEndpoint?: { advertiseAddress?: string; bindPort?: number }
  nodeRegistration?: NodeRegistration
  certificateKey?: string
  skipPhases?: string[]
}

/** The documents of a configuration file. */
export interface InitConfigFile {
  init: InitDocument
  cluster: ClusterConfiguration
  kubelet: Record<string, unknown>
}

const ARGS: readonly [KnownFields] = [{ name: true, value: true }]
const KNOWN_INIT: KnownFields = {
  bootstrapTokens: [{ token: true, ttl: true, usages: true, groups: true, description: true }], localAPIEndpoint: { advertiseAddress: true, bindPort: true },
  nodeRegistration: KNOWN_REGISTRATION, certificateKey: true, skipPhases: true,
}
const KNOWN_CLUSTER: KnownFields = {
  clusterName: true, kubernetesVersion: true, controlPlaneEndpoint: true, networking: { dnsDomain: true, podSubnet: true, serviceSubnet: true }, apiServer: { certSANs: true, extraArgs: ARGS }, controllerManager: { extraArgs: ARGS }, scheduler: { extraArgs: ARGS },
  etcd: { local: { dataDir: { is: ['/var/lib/etcd'] }, extraArgs: ARGS } }, dns: {}, proxy: {}, certificatesDir: { is: ['/etc/kubernetes/pki'] }, imageRepository: { is: ['registry.k8s.io'] }, encryptionAlgorithm: { is: ['ECDSA-P256'] },
  caCertificateValidityPeriod: { is: ['87600h0m0s', '87600h'] }, certificateValidityPeriod: { is: ['8760h0m0s', '8760h'] },
}

/** Reads a file of kubeadm's configuration. @throws Error for what is no such file, and for fields that nothing here would follow */
export function readInitConfig(text: string): InitConfigFile {
  const file: InitConfigFile = { init: {}, cluster: {}, kubelet: {} }
  let isForInit = false
  for (const part of text.split(/^---[ \t]*(?:#.*)?$/m)) {
    const document = parseYaml(part).value
    if (document === null || document === undefined) continue
    const { apiVersion, kind, ...fields } = document as { apiVersion?: string; kind?: string; [field: string]: unknown }
    if (!apiVersion || !kind) throw new Error('invalid configuration for GroupVersionKind /, Kind=: kind and apiVersion is mandatory information that must be specified')
    switch (`${apiVersion} ${kind}`) {
      case `${API} InitConfiguration`: checkFields(kind, fields, KNOWN_INIT); file.init = fields as InitDocument; isForInit = true; break
      case `${API} ClusterConfiguration`: checkFields(kind, fields, KNOWN_CLUSTER); file.cluster = fields as ClusterConfiguration; isForInit = true; break
      case 'kubelet.config.k8s.io/v1beta1 KubeletConfiguration': file.kubelet = fields; break
      default: throw new Error(`drydock: ${kind} of ${apiVersion} is not supported here`)
    }
  }
  if (!isForInit) throw new Error('no InitConfiguration or ClusterConfiguration kind was found in the YAML file')
  return file
}
