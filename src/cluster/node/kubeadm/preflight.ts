import type { UtilityContext } from '../../../unix/utilities/utility.ts'
import { KUBELET_BOOTSTRAP_KUBECONFIG, KUBELET_KUBECONFIG, MANIFESTS } from '../../kubeadm/node-files.ts'
import type { NodeServices } from './command.ts'
import { criSocketOf, criUnitOf } from './kubelet-files.ts'

/** One of kubeadm's checks of a machine; each problem is a line. */
interface Check {
  name: string
  warnings?: readonly string[]
  errors?: readonly string[]
}

/** k8s: constants ControlPlaneNumCPU, ControlPlaneMem */
const MIN_CPUS = 2
const MIN_MEMORY_MB = 1_700
const FORWARDING = '/proc/sys/net/ipv4/ip_forward'

const absent = ({ proc: { fs } }: UtilityContext, path: string): Check => ({ name: `FileAvailable-${path.replaceAll('/', '-')}`, errors: fs.exists(path) ? [`${path} already exists`] : [] })
const unused = ({ proc: { net } }: UtilityContext, wanted: number): Check => ({ name: `Port-${wanted}`, errors: net.listeners().some(({ port, protocol }) => port === wanted && protocol === 'tcp') ? [`Port ${wanted} is in use`] : [] })
const empty = ({ proc: { fs } }: UtilityContext, path: string): Check => ({ name: `DirAvailable-${path.replaceAll('/', '-')}`, errors: fs.exists(path) && fs.readdir(path).length > 0 ? [`${path} is not empty`] : [] })

/** k8s: preflight addCommonChecks, addIPv4Checks */
function commonChecks(context: UtilityContext, node: NodeServices): Check[] {
  const { fs } = context.proc
  return [
    { name: 'CRI', errors: node.isActive(criUnitOf(fs)) ? [] : [`could not connect to the container runtime: failed to create new CRI runtime service: validate service connection: validate CRI v1 runtime API for endpoint "${criSocketOf(fs)}": rpc error: code = Unavailable desc = connection error: desc = "transport: Error while dialing: dial unix ${criSocketOf(fs).slice('unix://'.length)}: connect: connection refused"`] },
    { name: 'Service-Kubelet', warnings: node.isEnabled('kubelet') ? [] : ["kubelet service is not enabled, please run 'systemctl enable kubelet.service'"] },
    unused(context, 10250),
    { name: `FileContent-${FORWARDING.replaceAll('/', '-')}`, errors: fs.exists(FORWARDING) && !fs.readText(FORWARDING).startsWith('1') ? [`${FORWARDING} contents are not set to 1`] : [] },
  ]
}

/** What is looked at before a machine joins. k8s: cmd/kubeadm/app/preflight JoinNodeChecks */
function joinChecks(context: UtilityContext, node: NodeServices): Check[] {
  return [absent(context, KUBELET_KUBECONFIG), absent(context, KUBELET_BOOTSTRAP_KUBECONFIG), ...commonChecks(context, node), absent(context, '/etc/kubernetes/pki/ca.crt'), empty(context, MANIFESTS)]
}

/** What is looked at before a control plane is made. k8s: cmd/kubeadm/app/preflight InitNodeChecks */
function initChecks(context: UtilityContext, node: NodeServices): Check[] {
  const { cpus, memoryBytes } = context.proc.machine.hardware
  const memoryMb = Math.floor(memoryBytes / 2 ** 20)
  return [
    { name: 'NumCPU', errors: cpus < MIN_CPUS ? [`the number of available CPUs ${cpus} is less than the required ${MIN_CPUS}`] : [] },
    { name: 'Mem', errors: memoryMb < MIN_MEMORY_MB ? [`the system RAM (${memoryMb} MB) is less than the minimum ${MIN_MEMORY_MB} MB`] : [] },
    ...[6443, 10259, 10257].map((port) => unused(context, port)), ...['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'etcd'].map((component) => absent(context, `${MANIFESTS}/${component}.yaml`)),
    ...commonChecks(context, node), unused(context, 2379), unused(context, 2380), empty(context, '/var/lib/etcd'),
  ]
}

const ROOT: (context: UtilityContext) => Check = ({ proc }) => ({ name: 'IsPrivilegedUser', errors: proc.user.uid === 0 ? [] : ['user is not running as root'] })

/** k8s: preflight RunRootCheckOnly */
export const runRootCheck = (context: UtilityContext, ignored: readonly string[]): Promise<void> => runChecks(context, ignored, [ROOT(context)])

/** k8s: preflight RunJoinNodeChecks */
export const runJoinChecks = (context: UtilityContext, ignored: readonly string[], node: NodeServices): Promise<void> => runChecks(context, ignored, joinChecks(context, node))

/** k8s: preflight RunRootCheckOnly, RunInitNodeChecks */
export async function runInitChecks(context: UtilityContext, ignored: readonly string[], node: NodeServices): Promise<void> {
  await runRootCheck(context, ignored)
  await runChecks(context, ignored, initChecks(context, node))
}

/** k8s: preflight RunChecks. @throws Error where something is wrong that isn't to be ignored */
async function runChecks(context: UtilityContext, ignoredChecks: readonly string[], checks: readonly Check[]): Promise<void> {
  const ignored = new Set(ignoredChecks.map((name) => name.toLowerCase()))
  let problems = ''
  for (const { name, warnings = [], errors = [] } of checks) {
    const isIgnored = ignored.has('all') || ignored.has(name.toLowerCase())
    for (const text of [...warnings, ...(isIgnored ? errors : [])]) await context.err(`\t[WARNING ${name}]: ${text}\n`)
    if (!isIgnored) for (const text of errors) problems += `\t[ERROR ${name}]: ${text}\n`
  }
  if (problems === '') return
  await context.err(`[preflight] Some fatal errors occurred:\n${problems}[preflight] If you know what you are doing, you can make a check non-fatal with \`--ignore-preflight-errors=...\`\n`)
  throw new Error('preflight checks failed')
}
