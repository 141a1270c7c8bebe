import { parseYaml } from '../../kinds/yaml-text.ts'
import type { FileSystem } from '../../../unix/types.ts'

/** The settings of a server or an agent: from the command line, the configuration file, and the environment. */
export class K3sFlags {
  readonly #given: readonly (readonly [string, string])[]

  constructor(given: readonly (readonly [string, string])[]) {
    this.#given = given
  }

  value(name: string): string | undefined {
    return this.#given.findLast(([each]) => each === name)?.[1]
  }

  /** All values of a flag that may be said several times, or list several with commas. */
  list(name: string): string[] {
    return this.#given.filter(([each]) => each === name).flatMap(([, value]) => value.split(',')).filter(Boolean)
  }

  has(name: string): boolean {
    const value = this.value(name)
    return value !== undefined && value !== 'false'
  }
}

const CONFIGURATION = '/etc/rancher/k3s/config.yaml'
const ALIASES: Readonly<Record<string, string>> = { t: 'token', s: 'server', c: 'config', m: 'write-kubeconfig-mode', o: 'write-kubeconfig' }
const ENVIRONMENT: Readonly<Record<string, string>> = { K3S_TOKEN: 'token', K3S_TOKEN_FILE: 'token-file', K3S_URL: 'server', K3S_KUBECONFIG_MODE: 'write-kubeconfig-mode', K3S_KUBECONFIG_OUTPUT: 'write-kubeconfig', K3S_NODE_NAME: 'node-name', K3S_CLUSTER_INIT: 'cluster-init', K3S_CONFIG_FILE: 'config' }
/** Variables of k3s that nothing here follows. */
const UNFOLLOWED_ENVIRONMENT = ['AGENT_TOKEN', 'AGENT_TOKEN_FILE', 'CLUSTER_RESET', 'CLUSTER_SECRET', 'DATASTORE_ENDPOINT', 'DATASTORE_CAFILE', 'DATASTORE_CERTFILE', 'DATASTORE_KEYFILE', 'DATA_DIR', 'DEBUG', 'KUBECONFIG_GROUP', 'LB_SERVER_PORT', 'RESOLV_CONF', 'SELINUX', 'VPN_AUTH', 'VPN_AUTH_FILE'].map((name) => `K3S_${name}`)
const COMMON = ['token', 'token-file', 'server', 'node-name', 'node-ip', 'config']
const SERVER = [...COMMON, 'cluster-init', 'disable', 'tls-san', 'write-kubeconfig', 'write-kubeconfig-mode', 'cluster-cidr', 'service-cidr', 'cluster-domain', 'flannel-backend']
const SWITCHES = ['cluster-init']
/** Flags of k3s that nothing here follows. */
const UNFOLLOWED = [
  'bind-address', 'https-listen-port', 'advertise-address', 'advertise-port', 'tls-san-security', 'data-dir', 'service-node-port-range', 'cluster-dns', 'flannel-ipv6-masq', 'flannel-external-ip', 'egress-selector-mode', 'servicelb-namespace', 'write-kubeconfig-group', 'helm-job-image',
  'agent-token', 'agent-token-file', 'cluster-reset', 'cluster-reset-restore-path', 'kube-apiserver-arg', 'etcd-arg', 'kube-controller-manager-arg', 'kube-scheduler-arg', 'kube-cloud-controller-manager-arg', 'kube-cloud-controller-arg', 'kine-tls', 'datastore-endpoint', 'datastore-cafile',
  'etcd-expose-metrics', 'etcd-disable-snapshots', 'etcd-snapshot-name', 'etcd-snapshot-schedule-cron', 'etcd-snapshot-retention', 'etcd-snapshot-dir', 'etcd-s3', 'default-local-storage-path', 'disable-scheduler', 'disable-cloud-controller', 'disable-kube-proxy', 'disable-network-policy', 'disable-helm-controller', 'disable-apiserver',
  'disable-controller-manager', 'disable-etcd', 'disable-agent', 'embedded-registry', 'supervisor-metrics', 'with-node-id', 'node-label', 'node-taint', 'docker', 'container-runtime-endpoint', 'default-runtime', 'disable-default-registry-endpoint', 'pause-image', 'private-registry', 'system-default-registry', 'node-external-ip', 'node-internal-dns',
  'node-external-dns', 'resolv-conf', 'flannel-iface', 'flannel-conf', 'flannel-cni-conf', 'kubelet-arg', 'kube-proxy-arg', 'protect-kernel-defaults', 'selinux', 'lb-server-port', 'rootless', 'prefer-bundled-bin', 'secrets-encryption', 'enable-pprof', 'debug', 'v', 'vmodule', 'log', 'alsologtostderr', 'snapshotter', 'vpn-auth', 'kubelet-in-kubernetes', 'multi-cluster-cidr',
]

/** Reads what a server or an agent is told. @throws Error in k3s' words, or ours for what isn't followed */
export function readK3sFlags(kind: 'server' | 'agent', args: readonly string[], env: Readonly<Record<string, string>>, fs: FileSystem): K3sFlags {
  const known = kind === 'server' ? SERVER : COMMON
  const check = (name: string): string => {
    if (known.includes(name)) return name
    throw new Error(UNFOLLOWED.includes(name) || SERVER.includes(name) ? `drydock: --${name} is not supported${kind === 'agent' && SERVER.includes(name) ? ' by agents' : ''}` : `flag provided but not defined: -${name}`)
  }
  const line: [string, string][] = []
  for (let i = 0; i < args.length; i++) {
    const [, long, value] = /^--?([\w-]+)(?:=(.*))?$/s.exec(args[i]!) ?? []
    if (long === undefined) throw new Error(`invalid arguments: ${args[i]}`)
    const name = check(ALIASES[long] ?? long)
    const given = value ?? (SWITCHES.includes(name) ? 'true' : args[++i])
    if (given === undefined) throw new Error(`flag needs an argument: --${name}`)
    line.push([name, given])
  }
  const unfollowed = UNFOLLOWED_ENVIRONMENT.find((name) => env[name])
  if (unfollowed !== undefined) throw new Error(`drydock: the variable ${unfollowed} is not supported`)
  const fromEnvironment = Object.entries(ENVIRONMENT).flatMap(([variable, name]): [string, string][] => env[variable] && known.includes(name) ? [[name, env[variable]]] : [])
  const path = [...fromEnvironment, ...line].findLast(([name]) => name === 'config')?.[1] ?? CONFIGURATION
  const configured = fs.exists(path) ? Object.entries((parseYaml(fs.readText(path)).value ?? {}) as Record<string, unknown>).flatMap(([name, value]): [string, string][] => (Array.isArray(value) ? value : [value]).map((each) => [check(name), String(each)])) : []
  return new K3sFlags([...configured, ...fromEnvironment, ...line])
}
