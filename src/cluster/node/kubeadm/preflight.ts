import type { UtilityContext } from '../../../unix/utilities/utility.ts'
import { KUBELET_BOOTSTRAP_KUBECONFIG, KUBELET_KUBECONFIG, MANIFESTS } from '../../kubeadm/node-files.ts'
import type { Arguments, NodeServices } from './command.ts'

/** One of kubeadm's checks of a machine; each problem is a line. */
interface Check {
  name: string
  warnings?: readonly string[]
  errors?: readonly string[]
}

/** What is looked at before a machine joins. k8s: cmd/kubeadm/app/preflight JoinNodeChecks */
function joinChecks({ proc }: UtilityContext, node: NodeServices): Check[] {
  const { fs, net } = proc
  const absent = (path: string): Check => ({ name: `FileAvailable-${path.replaceAll('/', '-')}`, errors: fs.exists(path) ? [`${path} already exists`] : [] })
  return [
    absent(KUBELET_KUBECONFIG), absent(KUBELET_BOOTSTRAP_KUBECONFIG),
    { name: 'CRI', errors: node.isActive('containerd') ? [] : ['could not connect to the container runtime: failed to create new CRI runtime service: validate service connection: validate CRI v1 runtime API for endpoint "unix:///var/run/containerd/containerd.sock": rpc error: code = Unavailable desc = connection error: desc = "transport: Error while dialing: dial unix /var/run/containerd/containerd.sock: connect: connection refused"'] },
    { name: 'Service-Kubelet', warnings: node.isEnabled('kubelet') ? [] : ["kubelet service is not enabled, please run 'systemctl enable kubelet.service'"] },
    { name: 'Port-10250', errors: net.listeners().some(({ port, protocol }) => port === 10250 && protocol === 'tcp') ? ['Port 10250 is in use'] : [] },
    absent('/etc/kubernetes/pki/ca.crt'),
    { name: `DirAvailable-${MANIFESTS.replaceAll('/', '-')}`, errors: fs.exists(MANIFESTS) && fs.readdir(MANIFESTS).length > 0 ? [`${MANIFESTS} is not empty`] : [] },
  ]
}

const ROOT: (context: UtilityContext) => Check = ({ proc }) => ({ name: 'IsPrivilegedUser', errors: proc.user.uid === 0 ? [] : ['user is not running as root'] })

/** k8s: preflight RunRootCheckOnly */
export const runRootCheck = (context: UtilityContext, args: Arguments): Promise<void> => runChecks(context, args, [ROOT(context)])

/** k8s: preflight RunJoinNodeChecks */
export const runJoinChecks = (context: UtilityContext, args: Arguments, node: NodeServices): Promise<void> => runChecks(context, args, joinChecks(context, node))

/** k8s: preflight RunChecks. @throws Error where something is wrong that isn't to be ignored */
async function runChecks(context: UtilityContext, args: Arguments, checks: readonly Check[]): Promise<void> {
  const ignored = new Set(args.all('ignore-preflight-errors').map((name) => name.toLowerCase()))
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
