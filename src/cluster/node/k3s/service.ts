import { UnixError } from '../../../unix/types.ts'
import type { Proc } from '../../../unix/types.ts'
import { errorText } from '../../../unix/errno.ts'
import { K3S_KUBELET_KUBECONFIG } from '../../computers/computer.ts'
import { kubeconfigText } from '../../kubeadm/kubeconfig.ts'
import { K3S_ADDONS } from '../../topology.ts'
import type { K3sAddon } from '../../topology.ts'
import { readK3sFlags } from './flags.ts'
import type { K3sFlags } from './flags.ts'
import { K3S_RELEASE } from './installed-files.ts'
import { joinServer } from './join-client.ts'
import type { MachineServices } from './machine-services.ts'
import { K3S_CONTEXT, writeServerFiles } from './server-files.ts'

const API = 'https://127.0.0.1:6443'
const RETRY_MS = 2_000
const DEFAULTS = { 'cluster-cidr': '10.42.0.0/16', 'service-cidr': '10.43.0.0/16', 'cluster-domain': 'cluster.local' }

/** Thrown for what ends k3s' process. */
class Fatal extends Error {}

/** `k3s server` and `k3s agent`: the process that is all of Kubernetes on its machine. k3s: pkg/cli/server, pkg/cli/agent */
// @k8s part: k3s server and agent: flags --cluster-init, --server, --token, --disable, --tls-san, --write-kubeconfig, --write-kubeconfig-mode, --cluster-cidr, --service-cidr and --cluster-domain, and the configuration file; others are refused, a network has one cluster, and nodes have no passwords (Secrets NAME.node-password.k3s)
export async function k3sService(kind: 'server' | 'agent', proc: Proc, args: readonly string[], machine: MachineServices): Promise<number> {
  const say = async (level: 'info' | 'warn' | 'error' | 'fatal', message: string) => {
    machine.log(level === 'fatal' ? 'error' : level, message)
    await proc.stderr.write(`time="${new Date(proc.clock.nowMs()).toISOString().slice(0, 19)}Z" level=${level} msg=${JSON.stringify(message)}\n`).catch(() => {})
  }
  const ended = proc.signal('SIGTERM', 'SIGINT')
  try {
    const flags = readK3sFlags(kind, args, proc.env, proc.fs)
    if (proc.user.uid !== 0) throw new Fatal(kind === 'server' ? 'server must run as root, or with --rootless and/or --disable-agent' : 'agent must be run as root, or with --rootless')
    for (const [flag, own] of [['node-name', machine.name], ['node-ip', proc.net.addresses[0]]] as const) if ((flags.value(flag) ?? own) !== own) throw new Fatal(`drydock: --${flag} ${flags.value(flag)} is not supported: the machine's own is ${own}`)
    await say('info', `Starting k3s ${kind === 'agent' ? 'agent ' : ''}${K3S_RELEASE} (00000000)`)
    await machine.kubeletUnit.retire()
    const began = await Promise.race([(kind === 'server' ? beginServer : beginAgent)(proc, flags, machine, say).then(() => true), ended.then(() => false)])
    if (!began) return 0
    proc.killed.addEventListener('abort', () => machine.installer.end(machine.name))
    machine.notify(proc.pid)
    await say('info', 'k3s is up and running')
    await ended
    machine.installer.end(machine.name)
    return 0
  } catch (error) {
    if (proc.killed.aborted) throw error
    await say('fatal', error instanceof UnixError ? `${error.path === undefined ? '' : `open ${error.path}: `}${errorText(error).toLowerCase()}` : (error as Error).message)
    return 1
  }
}

type Say = (level: 'info' | 'warn' | 'error', message: string) => Promise<void>

async function beginServer(proc: Proc, flags: K3sFlags, { name, installer }: MachineServices, say: Say): Promise<void> {
  const backend = flags.value('flannel-backend') ?? 'vxlan'
  if (backend !== 'vxlan') throw new Fatal(`drydock: --flannel-backend=${backend} is not supported`)
  const disabled = flags.list('disable').map((each) => K3S_ADDONS.find((known) => known === each) ?? fail(`drydock: --disable=${each} is not supported: there are ${K3S_ADDONS.join(', ')}`))
  const mode = flags.value('write-kubeconfig-mode')
  if (mode !== undefined && !/^0?[0-7]{3}$/.test(mode)) throw new Fatal(`strconv.ParseInt: parsing ${JSON.stringify(mode)}: invalid syntax`)
  const server = flags.value('server')
  const token = tokenOf(proc, flags)
  if (installer.host === undefined) {
    if (server !== undefined) await letIn(proc, server, token, name)
    await installer.install(name, {
      flavour: 'k3s', clusterName: K3S_CONTEXT, podCidr: flags.value('cluster-cidr') ?? DEFAULTS['cluster-cidr'], serviceCidr: flags.value('service-cidr') ?? DEFAULTS['service-cidr'], clusterDomain: flags.value('cluster-domain') ?? DEFAULTS['cluster-domain'],
      names: flags.list('tls-san'), isEtcdEmbedded: flags.has('cluster-init'), ...disabled.length > 0 ? { disabled: disabled as K3sAddon[] } : {},
    })
  } else if (installer.carriers.includes(name)) installer.begin(name)
  else {
    if (server === undefined) throw new Fatal(`drydock: ${installer.host} of the same network is a server already, and a network has one cluster; --server joins it`)
    await letIn(proc, server, token, name)
    await say('info', `Adding member ${name} to etcd cluster`)
    await installer.join(name)
  }
  const path = flags.value('write-kubeconfig')
  writeServerFiles(proc.fs, { kubeconfig: installer.adminKubeconfig(API, K3S_CONTEXT), token, random: proc.random, kubeconfigPath: path, kubeconfigMode: mode === undefined ? undefined : Number.parseInt(mode, 8) })
  await say('info', `Wrote kubeconfig ${path ?? '/etc/rancher/k3s/k3s.yaml'}`)
}

async function beginAgent(proc: Proc, flags: K3sFlags, { name, installer }: MachineServices, say: Say): Promise<void> {
  const token = tokenOf(proc, flags)
  const server = flags.value('server')
  if (token === undefined) throw new Fatal('--token is required')
  if (server === undefined) throw new Fatal('--server is required')
  if (!/^https:\/\//.test(server)) throw new Fatal(`invalid server url, failed to parse ${server}`)
  for (;;) {
    try {
      const joined = await joinServer(proc, server.replace(/\/$/, ''), token, name)
      const [, certificate = '', key = ''] = /^([^]*-----END CERTIFICATE-----\n)([^]*)$/.exec(joined.kubelet) ?? []
      const folder = K3S_KUBELET_KUBECONFIG.slice(0, K3S_KUBELET_KUBECONFIG.lastIndexOf('/'))
      proc.fs.mkdir(folder, { recursive: true })
      proc.fs.writeFile(`${folder}/server-ca.crt`, joined.caPem, { mode: 0o644 })
      proc.fs.writeFile(`${folder}/client-kubelet.crt`, certificate, { mode: 0o600 })
      proc.fs.writeFile(`${folder}/client-kubelet.key`, key, { mode: 0o600 })
      proc.fs.writeFile(K3S_KUBELET_KUBECONFIG, kubeconfigText({ name: K3S_CONTEXT, serverUrl: server, caCertificatePem: joined.caPem, clientCertificatePem: certificate, clientKeyPem: key }), { mode: 0o600 })
      break
    } catch (error) {
      if (proc.killed.aborted) throw error
      await say('error', `Failed to validate connection to cluster at ${server}: ${(error as Error).message}`)
      await proc.sleep(RETRY_MS)
    }
  }
  installer.begin(name)
}

function fail(message: string): never {
  throw new Fatal(message)
}

/** @throws Fatal where a server doesn't let the machine in */
async function letIn(proc: Proc, server: string, token: string | undefined, name: string): Promise<void> {
  if (token === undefined) throw new Fatal('starting kubernetes: preparing server: --token is required to join a cluster')
  await joinServer(proc, server.replace(/\/$/, ''), token, name).catch((error: Error) => fail(`starting kubernetes: preparing server: failed to validate server configuration: ${error.message}`))
}

function tokenOf({ fs }: Proc, flags: K3sFlags): string | undefined {
  const file = flags.value('token-file')
  return flags.value('token') ?? (file === undefined ? undefined : fs.readText(file).trim())
}
