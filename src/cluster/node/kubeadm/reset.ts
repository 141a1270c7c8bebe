import type { UtilityContext } from '../../../unix/utilities/utility.ts'
import { KUBELET_BOOTSTRAP_KUBECONFIG, KUBELET_KUBECONFIG, MANIFESTS } from '../../kubeadm/node-files.ts'
import { readClusterConfiguration } from './cluster-configuration.ts'
import { adminAccess, klogWarning } from './command.ts'
import type { Arguments, Command } from './command.ts'
import { EtcdClient } from './etcd-client.ts'
import type { EtcdMember } from './etcd-client.ts'
import { runRootCheck } from './preflight.ts'

const ETCD_DATA = '/var/lib/etcd'
const FOLDERS = [MANIFESTS, '/var/lib/kubelet', '/etc/kubernetes/pki']
const FILES = ['/etc/kubernetes/admin.conf', '/etc/kubernetes/super-admin.conf', KUBELET_KUBECONFIG, KUBELET_BOOTSTRAP_KUBECONFIG, '/etc/kubernetes/controller-manager.conf', '/etc/kubernetes/scheduler.conf']
const NO_ETCD = { etcd: undefined, members: [] }
const REST = `
The reset process does not perform cleanup of CNI plugin configuration,
network filtering rules and kubeconfig files.

For information on how to perform this cleanup manually, please see:
    https://k8s.io/docs/reference/setup-tools/kubeadm/kubeadm-reset/

`

/** `kubeadm reset`: what init and join have made goes away. k8s: cmd/kubeadm/app/cmd/phases/reset */
export const reset: Command = async (context, args, node) => {
  const { proc, out } = context
  const { fs } = proc
  const isDry = args.has('dry-run')
  const { controlPlane: { isOptional, host, carriers } } = node
  const name = proc.machine.hostname
  const isMember = fs.exists(`${MANIFESTS}/etcd.yaml`) || (isOptional && host === name)
  const { etcd, members } = isMember ? await etcdOf(context, args, isOptional) : NO_ETCD
  const isLast = isMember && (etcd ? members.length < 2 : carriers.every((each) => each === name))
  if (isLast && !isOptional) throw new Error('drydock: this is the only control plane, and nothing could bring it back; resetting it is not supported')
  if (isMember && !isLast && isOptional && host === name) throw new Error('drydock: the control plane began here; resetting it before its other nodes is not supported')
  if (!args.has('force') && !isDry) {
    await klogWarning(context, 'preflight.go:56', "[reset] WARNING: Changes made to this host by 'kubeadm init' or 'kubeadm join' will be reverted.")
    await out('[reset] Are you sure you want to proceed? [y/N]: ')
    if (!/^y(es)?$/i.test(await readLine(context))) throw new Error("error execution phase preflight: won't proceed; the user didn't answer (Y|y) in order to continue")
  }
  await out('[preflight] Running pre-flight checks\n')
  await runRootCheck(context, args.all('ignore-preflight-errors')).catch((error: Error) => { throw new Error(`error execution phase preflight: ${error.message}`) })
  if (!etcd) await klogWarning(context, 'removeetcdmember.go:105', '[reset] No kubeadm config, using etcd pod spec to get data directory')
  const own = members.find(({ peerURLs }) => peerURLs.some((url) => proc.net.addresses.includes(new URL(url).hostname)))
  if (isDry) {
    if (isMember) await out(`[dryrun] Would remove the etcd member on this node from the etcd cluster\n[dryrun] Would delete contents of the etcd data directory: ${ETCD_DATA}\n`)
    await out(`[dryrun] Would stop the kubelet service\n[dryrun] Would unmount mounted directories in "/var/lib/kubelet"\n[dryrun] Would remove Kubernetes-managed containers\n[dryrun] Would delete contents of directories: [${FOLDERS.join(' ')}]\n[dryrun] Would delete files: [${FILES.join(' ')}]\n`)
    return
  }
  if (own || isLast || (isMember && !etcd)) {
    if (own && !isLast) await etcd!.remove(own.ID)
    for (const name of fs.exists(ETCD_DATA) ? fs.readdir(ETCD_DATA) : []) fs.remove(`${ETCD_DATA}/${name}`, { recursive: true, force: true })
    await out(`[reset] Deleted contents of the etcd data directory: ${ETCD_DATA}\n`)
  }
  await out('[reset] Stopping the kubelet service\n')
  await node.stop('kubelet')
  await out('[reset] Unmounting mounted directories in "/var/lib/kubelet"\n')
  await node.removeContainers()
  if (isLast && host === name) await node.controlPlane.remove()
  await out(`[reset] Deleting contents of directories: [${FOLDERS.join(' ')}]\n`)
  for (const folder of FOLDERS) if (fs.exists(folder)) for (const name of fs.readdir(folder)) fs.remove(`${folder}/${name}`, { recursive: true, force: true })
  await out(`[reset] Deleting files: [${FILES.join(' ')}]\n`)
  for (const file of FILES) fs.remove(file, { force: true })
  await out(REST)
}

/** The cluster's etcd as far as the cluster answers: what was only begun, or doesn't run any more, is taken away all the same. */
async function etcdOf(context: UtilityContext, args: Arguments, isOptional: boolean): Promise<{ etcd: EtcdClient | undefined; members: readonly EtcdMember[] }> {
  try {
    const admin = adminAccess(context, args)
    await readClusterConfiguration(context, admin, 'reset')
    const etcd = await EtcdClient.ofCluster(context, admin)
    return { etcd, members: await etcd.members() }
  } catch (error) {
    if (!isOptional) throw error
    await klogWarning(context, 'reset.go:141', `[reset] Unable to fetch the kubeadm-config ConfigMap from cluster: ${(error as Error).message}`)
    return NO_ETCD
  }
}

async function readLine({ proc }: UtilityContext): Promise<string> {
  let text = ''
  for (let chunk = await proc.stdin.read(); chunk; chunk = await proc.stdin.read()) {
    text += new TextDecoder().decode(chunk)
    if (text.includes('\n')) break
  }
  return text.split('\n')[0]!.trim()
}
