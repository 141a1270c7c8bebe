import type { CobraRun } from '../../cli/cobra/cobra.ts'
import { removeFromKubeconfigs, setCurrentContext } from '../../cli/kubeconfig-file.ts'
import { kubeconfigFiles, loadKubeconfig } from '../../cli/kubeconfig.ts'
import type { Proc } from '../../unix/types.ts'
import type { FleetCluster } from '../fleet/fleet.ts'
import type { ProviderOptions } from '../fleet/provider-options.ts'
import { Output, framedTable, outputFormat, usageExit } from './output.ts'
import { KUBERNETES_VERSION, NoProfile, detailsOf, nodeOf, partial, profileOf, profiles, readConfig, writeConfig } from './profiles.ts'

/** `minikube stop`. */
export async function stop({ flags, proc }: CobraRun, { fleet }: ProviderOptions): Promise<number> {
  const out = new Output(proc)
  const chosen = flags.bool('all') ? profiles(fleet) : [partial(fleet, profileOf(proc, flags.str('profile')))]
  let count = 0
  for (const { record, cluster } of chosen) {
    const nodes = record.topology.nodes.filter(({ power }) => power !== 'off')
    for (const { name } of [...record.topology.nodes].reverse()) {
      await out.step('Stopping', `Stopping node "${name}"  ...`)
      if (cluster && nodes.some((node) => node.name === name)) {
        await out.step('Shutdown', `Powering off "${name}" via SSH ...`)
        count++
      }
    }
    if (cluster) await fleet.stop(record)
    if (!flags.bool('keep-context-active')) setCurrentContext(proc, '', record.name)
  }
  await out.step('Stopped', `${count} node${count > 1 ? 's' : ''} stopped.`)
  return 0
}

/** `minikube delete`. */
export async function remove({ flags, proc }: CobraRun, { fleet }: ProviderOptions): Promise<number> {
  const out = new Output(proc)
  const all = flags.bool('all')
  const named = profileOf(proc, flags.str('profile'))
  const names = all ? profiles(fleet).map(({ record }) => record.name) : [named]
  for (const profile of names) {
    const found = fleet.get('minikube', profile)
    if (!found) await out.complain('Meh', `"${profile}" profile does not exist, trying anyways.`)
    else {
      await out.step('DeletingHost', `Deleting "${profile}" in docker ...`)
      for (const { name } of found.record.topology.nodes) await out.step('DeletingHost', `Deleting container "${name}" ...`)
      await fleet.delete(found.record)
      removeFromKubeconfigs(proc, '', profile)
      const config = readConfig(proc)
      if (config['profile'] === profile) {
        const { profile: _, ...rest } = config
        writeConfig(proc, rest)
      }
    }
    await out.step('Deleted', `Removed all traces of the "${profile}" cluster.`)
  }
  if (all) await out.step('DeletingHost', 'Successfully deleted all profiles')
  return 0
}

/** What stands in a node's status. */
interface NodeStatus {
  Name: string
  Host: string
  Kubelet: string
  APIServer: string
  Kubeconfig: string
  Worker: boolean
}

function statusesOf({ record, cluster }: FleetCluster, proc: Proc, only: string): NodeStatus[] {
  const states = cluster?.computers.states()
  const kubeconfig = loadKubeconfig(kubeconfigFiles('', proc.env, proc.env['HOME'] || proc.user.home), proc.fs, (path) => proc.resolve(path))
  const isKnown = kubeconfig.clusters.get(record.name)?.server === `https://127.0.0.1:${record.apiPort}`
  return record.topology.nodes.filter(({ name }) => only === '' || name === only).map(({ name, controlPlane }) => {
    const isOn = (states?.find((state) => state.name === name)?.power ?? 'off') !== 'off'
    const kubelet = isOn ? 'Running' : 'Stopped'
    return controlPlane
      ? { Name: name, Host: kubelet, Kubelet: kubelet, APIServer: isOn && cluster!.isServing ? 'Running' : 'Stopped', Kubeconfig: isOn ? isKnown ? 'Configured' : 'Misconfigured' : 'Stopped', Worker: false }
      : { Name: name, Host: kubelet, Kubelet: kubelet, APIServer: 'Irrelevant', Kubeconfig: 'Irrelevant', Worker: true }
  })
}

/** `minikube status`: the exit code tells by bits what doesn't run: the machine, the cluster, Kubernetes. */
export async function status({ flags, proc, out }: CobraRun, { fleet }: ProviderOptions): Promise<number> {
  const format = outputFormat(flags.str('output'), ['text', 'json'])
  const found = partial(fleet, profileOf(proc, flags.str('profile')))
  const only = flags.str('node') === '' ? '' : nodeOf(found, flags.str('node')).name
  const statuses = statusesOf(found, proc, only)
  if (format === 'json') await out(`${JSON.stringify(statuses.length === 1 ? statuses[0] : statuses)}\n`)
  else for (const { Name, Host, Kubelet, APIServer, Kubeconfig, Worker } of statuses) await out(Worker ? `${Name}\ntype: Worker\nhost: ${Host}\nkubelet: ${Kubelet}\n\n` : `${Name}\ntype: Control Plane\nhost: ${Host}\nkubelet: ${Kubelet}\napiserver: ${APIServer}\nkubeconfig: ${Kubeconfig}\n\n`)
  return statuses.reduce((code, { Host, Kubelet, APIServer, Worker }) => code | (Host === 'Running' ? 0 : 1) | (Worker || (APIServer === 'Running' && Kubelet === 'Running') ? 0 : 4) | (Kubelet === 'Running' ? 0 : 2), 0)
}

/** `minikube profile [NAME]`. */
export async function profile({ args, flags, proc, out }: CobraRun, { fleet }: ProviderOptions): Promise<number> {
  const print = new Output(proc)
  if (args.length === 0) { await out(`${profileOf(proc, flags.str('profile'))}\n`); return 0 }
  if (args.length > 1) throw usageExit('usage: minikube profile [MINIKUBE_PROFILE_NAME]')
  const name = args[0] === 'default' ? 'minikube' : args[0]!
  if (!fleet.get('minikube', name)) { await print.complain('Tip', `if you want to create a profile you can by this command: minikube start -p ${name}`); return 0 }
  writeConfig(proc, { ...readConfig(proc), profile: name })
  setCurrentContext(proc, name)
  await print.step('Success', `minikube profile was successfully set to ${name}`)
  return 0
}

const runtimeNameOf = (found: FleetCluster) => detailsOf(found).runtime ?? 'containerd'

/** `minikube profile list`. */
export async function profileList({ flags, proc, out }: CobraRun, { fleet }: ProviderOptions): Promise<number> {
  const format = outputFormat(flags.str('output'), ['table', 'json'])
  const all = profiles(fleet)
  const current = profileOf(proc, flags.str('profile'))
  const context = loadKubeconfig(kubeconfigFiles('', proc.env, proc.env['HOME'] || proc.user.home), proc.fs, (path) => proc.resolve(path)).currentContext
  const wordOf = (found: FleetCluster) => !found.cluster ? 'Stopped' : found.cluster.isServing ? 'OK' : 'Starting'
  if (format === 'json') {
    await out(`${JSON.stringify({ invalid: [], valid: all.map((found) => ({ Name: found.record.name, Status: wordOf(found), Config: { Name: found.record.name, Driver: 'docker', KubernetesConfig: { KubernetesVersion: KUBERNETES_VERSION, ClusterName: found.record.name, ContainerRuntime: runtimeNameOf(found) }, Nodes: found.record.topology.nodes.map(({ name, ip, controlPlane }) => ({ Name: controlPlane ? '' : name.slice(found.record.name.length + 1), IP: ip, Port: 6443, KubernetesVersion: KUBERNETES_VERSION, ContainerRuntime: runtimeNameOf(found), ControlPlane: controlPlane, Worker: true })) }, Active: found.record.name === current, ActiveKubeContext: found.record.name === context })) })}\n`)
    return 0
  }
  if (all.length === 0) throw new NoProfile(current, 'No minikube profile was found.', 85)
  const green = (text: string) => new Output(proc).hasColours ? `\u001b[32m${text}\u001b[0m` : text
  await out(framedTable(['Profile', 'Driver', 'Runtime', 'IP', 'Version', 'Status', 'Nodes', 'Active Profile', 'Active Kubecontext'], all.map((found) => {
    const { record } = found
    const row = [record.name, 'docker', runtimeNameOf(found), record.topology.nodes[0]!.ip, KUBERNETES_VERSION, wordOf(found), String(record.topology.nodes.length), record.name === current ? '*' : '', record.name === context ? '*' : '']
    return wordOf(found) === 'OK' ? row.map(green) : row
  }), { upperCase: false }))
  return 0
}
