import { printYaml } from '../../kinds/print-yaml.ts'
import type { Command } from './command.ts'
import { VERSION } from './command.ts'

const API = 'kubeadm.k8s.io/v1beta4'
const TIMEOUTS = { controlPlaneComponentHealthCheck: '4m0s', discovery: '5m0s', etcdAPICall: '2m0s', kubeletHealthCheck: '4m0s', kubernetesAPICall: '1m0s', tlsBootstrap: '5m0s', upgradeManifests: '5m0s' }
const registration = (taints: null) => ({ criSocket: 'unix:///var/run/containerd/containerd.sock', imagePullPolicy: 'IfNotPresent', imagePullSerial: true, name: 'node', taints })

/** What `kubeadm init` would be told without a configuration. */
const INIT_DEFAULTS = [
  {
    apiVersion: API, bootstrapTokens: [{ groups: ['system:bootstrappers:kubeadm:default-node-token'], token: 'abcdef.0123456789abcdef', ttl: '24h0m0s', usages: ['signing', 'authentication'] }],
    kind: 'InitConfiguration', localAPIEndpoint: { advertiseAddress: '1.2.3.4', bindPort: 6443 }, nodeRegistration: registration(null), timeouts: TIMEOUTS,
  },
  {
    apiServer: {}, apiVersion: API, caCertificateValidityPeriod: '87600h0m0s', certificateValidityPeriod: '8760h0m0s', certificatesDir: '/etc/kubernetes/pki', clusterName: 'kubernetes', controllerManager: {}, dns: {},
    encryptionAlgorithm: 'RSA-2048', etcd: { local: { dataDir: '/var/lib/etcd' } }, imageRepository: 'registry.k8s.io', kind: 'ClusterConfiguration', kubernetesVersion: '1.36.0',
    networking: { dnsDomain: 'cluster.local', serviceSubnet: '10.96.0.0/12' }, proxy: {}, scheduler: {},
  },
]
const JOIN_DEFAULTS = [{
  apiVersion: API, caCertPath: '/etc/kubernetes/pki/ca.crt',
  discovery: { bootstrapToken: { apiServerEndpoint: 'kube-apiserver:6443', token: 'abcdef.0123456789abcdef', unsafeSkipCAVerification: true }, tlsBootstrapToken: 'abcdef.0123456789abcdef' },
  kind: 'JoinConfiguration', nodeRegistration: registration(null), timeouts: TIMEOUTS,
}]
const RESET_DEFAULTS = [{ apiVersion: API, certificatesDir: '/etc/kubernetes/pki', criSocket: 'unix:///var/run/containerd/containerd.sock', kind: 'ResetConfiguration', timeouts: TIMEOUTS }]

const print = (documents: readonly object[]): Command => ({ out }) => out(documents.map((document) => printYaml(document)).join('---\n'))
/** `kubeadm config print ...-defaults` */
export const printInitDefaults = print(INIT_DEFAULTS)
export const printJoinDefaults = print(JOIN_DEFAULTS)
export const printResetDefaults = print(RESET_DEFAULTS)

/** The images of this version of kubeadm. k8s: cmd/kubeadm/app/images */
const IMAGES = [...['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kube-proxy'].map((name) => `registry.k8s.io/${name}:${VERSION}`), 'registry.k8s.io/coredns/coredns:v1.14.2', 'registry.k8s.io/pause:3.10.1', 'registry.k8s.io/etcd:3.6.8-0']

/** `kubeadm config images pull`. k8s: cmd/kubeadm/app/cmd/config.go PullControlPlaneImages */
export const imagesPull: Command = async ({ out }, _args, node) => {
  for (const image of IMAGES) {
    await node.pullImage(image).catch((error: unknown) => { throw new Error(`failed to pull image ${JSON.stringify(image)}: ${(error as Error).message}`) })
    await out(`[config/images] Pulled ${image}\n`)
  }
}

/** `kubeadm config images list` */
export const imagesList: Command = ({ out }) => out(IMAGES.map((image) => `${image}\n`).join(''))
