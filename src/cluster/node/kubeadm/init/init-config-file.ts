import { parseYaml } from '../../../kinds/yaml-text.ts'
import type { Taint } from '../../../kinds/generated/types.ts'
import type { ClusterConfiguration } from '../cluster-configuration.ts'

const API = 'kubeadm.k8s.io/v1beta4'

/** What of an InitConfiguration is followed. */
export interface InitDocument {
  bootstrapTokens?: { token?: string; ttl?: string; usages?: string[]; groups?: string[]; description?: string }[]
  localAPIEndpoint?: { advertiseAddress?: string; bindPort?: number }
  nodeRegistration?: { name?: string; criSocket?: string; taints?: Taint[]; ignorePreflightErrors?: string[] }
  certificateKey?: string
  skipPhases?: string[]
}

/** The documents of a configuration file. */
export interface InitConfigFile {
  init: InitDocument
  cluster: ClusterConfiguration
  kubelet: Record<string, unknown>
}

/** Fields that are followed, each with its own, or with the only value that it may have. A list: of such things. */
type Known = { readonly [field: string]: true | Known | readonly [Known] | { readonly is: readonly unknown[] } }

const ARGS: readonly [Known] = [{ name: true, value: true }]
const KNOWN_INIT: Known = {
  bootstrapTokens: [{ token: true, ttl: true, usages: true, groups: true, description: true }], localAPIEndpoint: { advertiseAddress: true, bindPort: true },
  nodeRegistration: { name: true, criSocket: true, taints: true, ignorePreflightErrors: true, imagePullPolicy: { is: ['IfNotPresent', 'Always', 'Never'] }, imagePullSerial: { is: [true, false] } }, certificateKey: true, skipPhases: true,
}
const KNOWN_CLUSTER: Known = {
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
      case `${API} InitConfiguration`: check(kind, fields, KNOWN_INIT); file.init = fields as InitDocument; isForInit = true; break
      case `${API} ClusterConfiguration`: check(kind, fields, KNOWN_CLUSTER); file.cluster = fields as ClusterConfiguration; isForInit = true; break
      case 'kubelet.config.k8s.io/v1beta1 KubeletConfiguration': file.kubelet = fields; break
      default: throw new Error(`drydock: ${kind} of ${apiVersion} is not supported here`)
    }
  }
  if (!isForInit) throw new Error('no InitConfiguration or ClusterConfiguration kind was found in the YAML file')
  return file
}

/** @throws Error for a field that isn't known, or has a value that nothing here would follow */
function check(path: string, value: unknown, known: Known): void {
  for (const [field, each] of Object.entries(value as Record<string, unknown> ?? {})) {
    const what = known[field]
    const name = `${path}.${field}`
    if (what === undefined) throw new Error(`drydock: ${name} is not supported`)
    if (what === true || each === null || each === undefined) continue
    if (Array.isArray(what)) for (const [i, one] of (each as unknown[]).entries()) check(`${name}[${i}]`, one, what[0] as Known)
    else if ('is' in what && Array.isArray(what.is)) { if (!what.is.includes(each)) throw new Error(`drydock: ${name} can only be ${what.is.join(' or ')}, not ${String(each)}`) }
    else check(name, each, what as Known)
  }
}
