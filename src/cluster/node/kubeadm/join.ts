import type { UtilityContext } from '../../../unix/utilities/utility.ts'
import { detachedSignature } from '../../../base/detached-signature.ts'
import { KUBELET_BOOTSTRAP_KUBECONFIG, KUBELET_CONFIG, KUBELET_FLAGS, KUBELET_KUBECONFIG } from '../../kubeadm/node-files.ts'
import type { FileSystem } from '../../../unix/types.ts'
import type { ConfigMap, Node } from '../../kinds/generated/types.ts'
import { printYaml } from '../../kinds/print-yaml.ts'
import { parseYaml } from '../../kinds/yaml-text.ts'
import { ApiAnswerError, accessOf, askApi } from '../kubeconfig-client.ts'
import type { Access } from '../kubeconfig-client.ts'
import { readClusterConfiguration } from './cluster-configuration.ts'
import { wrapped } from './command.ts'
import { checkFields } from './config-fields.ts'
import type { KnownFields } from './config-fields.ts'
import { ControlPlaneJoin } from './control-plane-join.ts'
import type { Arguments, Command } from './command.ts'
import { criSocketOf, writeInstanceConfiguration } from './kubelet-files.ts'
import { KNOWN_REGISTRATION, checkRegistration, kubeletFlagsOf } from './node-registration.ts'
import type { NodeRegistration } from './node-registration.ts'
import { runJoinChecks, runRootCheck } from './preflight.ts'
import { TOKEN, publicKeyPin } from './token.ts'
import { waitForKubelet } from './wait-for-kubelet.ts'

const CLUSTER_INFO = '/api/v1/namespaces/kube-public/configmaps/cluster-info'
/** k8s: constants DiscoveryRetryInterval, DiscoveryTimeout, KubernetesAPICallRetryInterval, TLSBootstrapTimeout */
const DISCOVERY_RETRY_MS = 5_000
const DISCOVERY_MS = 5 * 60_000
const POLL_MS = 500
const TLS_BOOTSTRAP_MS = 5 * 60_000
const DONE = `
This node has joined the cluster:
* Certificate signing request was sent to apiserver and a response was received.
* The Kubelet was informed of the new secure connection details.

Run 'kubectl get nodes' on the control-plane to see this node join the cluster.

`

/** Where the cluster is and how it proves that it is the right one. */
interface Discovery {
  endpoint: string
  token: string
  bootstrapToken: string
  pins: readonly string[]
}

/**
 * `kubeadm join`: discovery, checks, and a kubelet that asks for its certificate. k8s: cmd/kubeadm/app/cmd/join.go
 * differs: the kubelet of a control plane goes by the cluster's endpoint, and so has its certificate before etcd joins
 */
export const join: Command = async (context, args, node) => {
  const { proc, out } = context
  const isControlPlane = args.has('control-plane')
  if (args.has('apiserver-bind-port') && args.flag('apiserver-bind-port') !== '6443') throw new Error('drydock: --apiserver-bind-port is not supported')
  if (args.has('dry-run')) throw new Error('drydock: --dry-run is not supported')
  const advertised = args.flag('apiserver-advertise-address')
  if (advertised !== undefined && !proc.net.addresses.includes(advertised)) throw new Error('drydock: --apiserver-advertise-address is not supported for an address that the machine does not have')
  const file = joinConfigurationOf(context, args)
  const registration = file?.nodeRegistration ?? {}
  checkRegistration(proc, args.flag('node-name') ?? registration.name, args.flag('cri-socket') ?? registration.criSocket)
  const discovery = discoveryOf(args, file)
  const ignored = [...args.all('ignore-preflight-errors'), ...registration.ignorePreflightErrors ?? []]
  const { access, kubeconfig, controlPlane } = await phase('preflight', async () => {
    await runRootCheck(context, ignored)
    await out('[preflight] Running pre-flight checks\n')
    await runJoinChecks(context, ignored, node)
    const found = await discover(context, discovery).catch((error: unknown) => { throw wrapped("couldn't validate the identity of the API Server", error) })
    const text = await readClusterConfiguration(context, found.access, 'preflight')
    return { ...found, controlPlane: isControlPlane ? new ControlPlaneJoin(context, text, advertised) : undefined }
  })
  if (controlPlane) await phase('control-plane-prepare', () => controlPlane.prepare(access, args.flag('certificate-key')))
  await phase('kubelet-start', async () => {
    const { fs } = proc
    const write = (path: string, text: string, mode: number) => {
      fs.mkdir(path.slice(0, path.lastIndexOf('/')), { recursive: true })
      fs.writeFile(path, text, { mode })
    }
    write(KUBELET_BOOTSTRAP_KUBECONFIG, kubeconfig, 0o600)
    if (!fs.exists('/etc/kubernetes/pki/ca.crt')) write('/etc/kubernetes/pki/ca.crt', access.caPem ?? '', 0o644)
    const name = proc.machine.hostname
    const known = await askApi<Node>(proc, access, 'GET', `/api/v1/nodes/${name}`).catch((error: unknown) => {
      if (error instanceof ApiAnswerError && error.reason === 'NotFound') return undefined
      throw wrapped(`cannot get Node ${JSON.stringify(name)}`, error)
    })
    if (known?.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True')) throw new Error(`a Node with name ${JSON.stringify(name)} and status "Ready" already exists in the cluster. You must delete the existing Node or change the name of this new joining Node`)
    await node.stop('kubelet')
    const configuration = await askApi<ConfigMap>(proc, access, 'GET', '/api/v1/namespaces/kube-system/configmaps/kubelet-config').catch((error: unknown) => { throw wrapped('failed to get component configs', error) })
    await writeInstanceConfiguration(context)
    await out(`[kubelet-start] Writing kubelet configuration to file ${JSON.stringify(KUBELET_CONFIG)}\n`)
    write(KUBELET_CONFIG, withRuntime(configuration.data?.['kubelet'] ?? '', proc.fs), 0o644)
    await out(`[kubelet-start] Writing kubelet environment file with flags to file ${JSON.stringify(KUBELET_FLAGS)}\n`)
    write(KUBELET_FLAGS, kubeletFlagsOf(registration, { registersTaints: !isControlPlane }), 0o644)
    await out('[kubelet-start] Starting the kubelet\n')
    node.start('kubelet')
  })
  await phase('kubelet-wait-bootstrap', async () => {
    try {
      await waitForKubelet(context).catch((error: unknown) => { throw wrapped('failed while waiting for the kubelet to start', error) })
      await out('[kubelet-start] Waiting for the kubelet to perform the TLS Bootstrap\n')
      const endMs = proc.clock.nowMs() + TLS_BOOTSTRAP_MS
      while (!proc.fs.exists(KUBELET_KUBECONFIG)) {
        if (proc.clock.nowMs() > endMs) throw new Error('failed while waiting for TLS bootstrap: context deadline exceeded')
        await proc.clock.sleep(POLL_MS)
      }
    } finally {
      proc.fs.remove(KUBELET_BOOTSTRAP_KUBECONFIG, { force: true })
    }
  })
  if (!controlPlane) return out(DONE)
  await phase('etcd-join', () => controlPlane.joinEtcd())
  await phase('control-plane-join/mark-control-plane', () => controlPlane.mark())
}

async function phase<T>(name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw wrapped(`error execution phase ${name}`, error)
  }
}

/** What is followed of a configuration file for joining. */
interface JoinConfiguration {
  discovery?: { bootstrapToken?: { apiServerEndpoint?: string; token?: string; caCertHashes?: string[]; unsafeSkipCAVerification?: boolean }; tlsBootstrapToken?: string }
  nodeRegistration?: NodeRegistration
}

const KNOWN: KnownFields = {
  apiVersion: { is: ['kubeadm.k8s.io/v1beta4'] }, kind: { is: ['JoinConfiguration'] }, caCertPath: { is: ['/etc/kubernetes/pki/ca.crt'] }, nodeRegistration: KNOWN_REGISTRATION,
  discovery: { bootstrapToken: { apiServerEndpoint: true, token: true, caCertHashes: true, unsafeSkipCAVerification: true }, tlsBootstrapToken: true },
}

/** @throws Error for fields that nothing here would follow */
function joinConfigurationOf({ proc }: UtilityContext, args: Arguments): JoinConfiguration | undefined {
  const file = args.flag('config')
  if (file === undefined) return undefined
  const configuration = (parseYaml(proc.fs.readText(proc.resolve(file))).value ?? {}) as JoinConfiguration & { controlPlane?: unknown }
  if (configuration.controlPlane !== undefined && configuration.controlPlane !== null) throw new Error('drydock: controlPlane in a configuration file is not supported; --control-plane and --certificate-key say the same')
  checkFields('JoinConfiguration', configuration, KNOWN)
  return configuration
}

/** What flags or a configuration file say. @throws Error in kubeadm's words for what is missing */
function discoveryOf(args: Arguments, file: JoinConfiguration | undefined): Discovery {
  const { bootstrapToken: given, tlsBootstrapToken } = file?.discovery ?? {}
  const endpoint = file ? given?.apiServerEndpoint : args.operands[0]
  const token = file ? given?.token : args.flag('discovery-token') ?? args.flag('token')
  const bootstrapToken = file ? tlsBootstrapToken ?? token : args.flag('tls-bootstrap-token') ?? args.flag('token') ?? token
  const pins = file ? given?.caCertHashes ?? [] : args.all('discovery-token-ca-cert-hash')
  const isUnpinned = file ? given?.unsafeSkipCAVerification ?? false : args.has('discovery-token-unsafe-skip-ca-verification')
  if (token === undefined) throw new Error('discovery: Invalid value: "": bootstrapToken or file must be set')
  if (!TOKEN.test(token)) throw new Error(`discovery.bootstrapToken.token: Invalid value: ${JSON.stringify(token)}: the bootstrap token is invalid`)
  if (endpoint === undefined) throw new Error('discovery.bootstrapToken: Invalid value: "": APIServerEndpoint is not set')
  if (!/^[^:]+:\d+$/.test(endpoint)) throw new Error(`discovery.bootstrapToken.apiServerEndpoint: Invalid value: ${JSON.stringify(endpoint)}: address ${endpoint}: missing port in address`)
  if (pins.length === 0 && !isUnpinned) throw new Error('discovery.bootstrapToken.caCertHashes: Invalid value: "": using token-based discovery without caCertHashes can be unsafe. Set unsafeSkipCAVerification as true in your kubeadm config file or pass --discovery-token-unsafe-skip-ca-verification flag to continue')
  const bad = pins.find((pin) => !/^sha256:[0-9a-f]{64}$/i.test(pin))
  if (bad !== undefined) throw new Error(`invalid discovery token CA certificate hash: ${bad.includes(':') ? `unsupported hash type or length ${JSON.stringify(bad)}` : `invalid hash, expected "format:hex-value". You can find more information at https://k8s.io/docs/reference/setup-tools/kubeadm/kubeadm-join/`}`)
  return { endpoint, token, bootstrapToken: bootstrapToken ?? token, pins }
}

/** Asks for cluster-info without knowing the server, checks by the token who has signed it, and asks once more. k8s: discovery/token */
async function discover({ proc }: UtilityContext, { endpoint, token, bootstrapToken, pins }: Discovery): Promise<{ access: Access; kubeconfig: string }> {
  const [, id = '', secret = ''] = TOKEN.exec(token)!
  const info = await clusterInfo(proc, { server: `https://${endpoint}`, caPem: undefined }, id)
  const kubeconfig = info.data?.['kubeconfig'] ?? ''
  if (kubeconfig === '') throw new Error("there is no kubeconfig key in the cluster-info ConfigMap. This API Server isn't set up for token bootstrapping, can't connect")
  const signature = info.data?.[`jws-kubeconfig-${id}`]
  if (!signature) throw new Error(`token id ${JSON.stringify(id)} is invalid for this cluster or it has expired. Use "kubeadm token create" on the control-plane node to create a new valid token`)
  if (signature !== detachedSignature(kubeconfig, id, secret)) throw new Error("failed to verify JWS signature of received cluster info object, can't trust this API Server")
  const { caPem = '', server } = accessOf(kubeconfig, () => '')
  if (pins.length > 0) {
    const pin = publicKeyPin(caPem)
    if (!pins.some((each) => each.toLowerCase() === pin)) throw new Error(`cluster CA found in cluster-info ConfigMap is invalid: none of the public keys ${JSON.stringify(pin)} are pinned`)
    const again = await clusterInfo(proc, { server: `https://${endpoint}`, caPem }, id)
    if (again.data?.['kubeconfig'] !== kubeconfig) throw new Error('the second kubeconfig from the cluster-info ConfigMap (using validated TLS) was different from the first')
  }
  const user = 'tls-bootstrap-token-user'
  return {
    access: { server, caPem, token: bootstrapToken },
    kubeconfig: printYaml({
      apiVersion: 'v1', kind: 'Config', 'current-context': `${user}@kubernetes`,
      clusters: [{ name: 'kubernetes', cluster: { 'certificate-authority-data': btoa(caPem), server } }],
      contexts: [{ name: `${user}@kubernetes`, context: { cluster: 'kubernetes', user } }],
      users: [{ name: user, user: { token: bootstrapToken } }],
    }),
  }
}

/** k8s: discovery/token getClusterInfo */
async function clusterInfo(proc: UtilityContext['proc'], access: Access, tokenId: string): Promise<ConfigMap> {
  const endMs = proc.clock.nowMs() + DISCOVERY_MS
  for (;;) {
    let problem: Error
    try {
      const info = await askApi<ConfigMap>(proc, access, 'GET', CLUSTER_INFO)
      if (info.data?.[`jws-kubeconfig-${tokenId}`]) return info
      problem = new Error(`could not find a JWS signature in the cluster-info ConfigMap for token ID ${JSON.stringify(tokenId)}`)
    } catch (error) {
      problem = wrapped('failed to request the cluster-info ConfigMap', error)
    }
    if (proc.clock.nowMs() + DISCOVERY_RETRY_MS > endMs) throw problem
    await proc.clock.sleep(DISCOVERY_RETRY_MS)
  }
}

/** The cluster's configuration of kubelets with this machine's runtime. */
function withRuntime(kubelet: string, files: FileSystem): string {
  return printYaml({ ...parseYaml(kubelet).value as object, containerRuntimeEndpoint: criSocketOf(files) })
}
