import { createPipe, readAll } from '../base/streams.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { controlPlaneNodes } from '../cluster/topology.ts'
import type { Computers } from '../cluster/computers/computers.ts'
import { ROOT_USER } from '../unix/machine.ts'
import type { Machine } from '../unix/types.ts'
import type { Fleet } from './fleet/fleet.ts'
import type { FleetRecord } from './fleet/fleet-storage.ts'
import type { MachineAction } from './protocol.ts'

/** What sshd gives root. */
const ROOT_ENVIRONMENT = { HOME: '/root', USER: 'root', LOGNAME: 'root', PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LANG: 'C.UTF-8', KUBECONFIG: '/etc/kubernetes/admin.conf' }

/** Runs a command as root on a machine. @throws Error with what it complained about */
export async function runOn(machine: Machine, command: string): Promise<string> {
  const out = createPipe()
  const err = createPipe()
  const process = machine.start(['bash', '-c', command], { env: ROOT_ENVIRONMENT, cwd: '/root', user: ROOT_USER, stdout: out.writer, stderr: err.writer })
  const texts = Promise.all([out, err].map(async ({ reader }) => new TextDecoder().decode(await readAll(reader))))
  const { code } = await process.wait()
  out.writer.close()
  err.writer.close()
  const [stdout, stderr] = await texts
  if (code !== 0) throw new Error(stderr!.split('\n').find((line) => line.startsWith('error')) ?? (stderr!.trim() || `${command.split(' ')[0]} ended with ${code}`))
  return stdout!
}

async function machineOf(cluster: Cluster, name: string): Promise<Machine> {
  const machine = await cluster.computers.machine(name)
  if (!machine) throw new Error(`${name} is off`)
  return machine
}

/** The control plane's machine where things are done: the first one that runs. */
function controlPlaneOf({ computers, topology }: Cluster): string {
  const names = controlPlaneNodes(topology).map(({ name }) => name)
  return names.find((name) => computers.get(name)?.isOn) ?? names[0]!
}

/** Makes a node of a machine, as its administrator would: a token on the control plane, and kubeadm join on the machine. */
async function join(cluster: Cluster, name: string): Promise<void> {
  const command = await runOn(await machineOf(cluster, controlPlaneOf(cluster)), 'kubeadm token create --print-join-command')
  await runOn(await machineOf(cluster, name), command)
}

/** Resolves once a machine has started. */
function started({ computers }: Cluster, name: string): Promise<void> {
  const isOn = () => computers.states().find((state) => state.name === name)?.power !== 'starting'
  if (isOn()) return Promise.resolve()
  return new Promise((resolve) => {
    const stop = computers.onChange(() => {
      if (!isOn()) return
      stop()
      resolve()
    })
  })
}

/** Adds a machine and makes a node of it; see {@link Computers.add}. @returns its name @throws Error for people */
export async function addNode(cluster: Cluster, ...[wanted, hardware]: Parameters<Computers['add']>): Promise<string> {
  const { name } = cluster.computers.add(wanted, hardware)
  await started(cluster, name)
  await join(cluster, name)
  return name
}

/** Takes a machine away, and its node out of the API. What can't be asked any more is removed all the same. */
export async function removeNode(cluster: Cluster, name: string): Promise<void> {
  const { computers } = cluster
  const controlPlane = await computers.machine(controlPlaneOf(cluster))
  const isOn = computers.get(name)?.isOn === true
  if (controlPlane && isOn) await runOn(controlPlane, `kubectl drain ${name} --ignore-daemonsets --delete-emptydir-data --force --timeout=60s`).catch(() => {})
  if (controlPlane) await runOn(controlPlane, `kubectl delete node ${name} --ignore-not-found`)
  await computers.remove(name)
}

/** Does what the page's menu of a machine says. @returns the machine's name. @throws Error for people */
export async function actOnMachine(cluster: Cluster, { do: action, name }: { do: MachineAction; name?: string }): Promise<string> {
  const { computers } = cluster
  if (action === 'add') return addNode(cluster)
  if (name === undefined) throw new Error('which machine?')
  switch (action) {
    case 'start': computers.powerOn(name); break
    case 'shutdown': await computers.shutDown(name); break
    case 'reboot': await computers.reboot(name); break
    case 'cut': await computers.powerOff(name); break
    case 'join': await join(cluster, name); break
    case 'remove': await removeNode(cluster, name)
  }
  return name
}

/** Does it with a machine of a further cluster: machines come and go there as the program that made it says. @throws Error for people */
export async function actOnFurtherMachine(fleet: Fleet, { id, provider, name: clusterName }: FleetRecord, { do: action, name }: { do: MachineAction; name?: string }): Promise<string> {
  if (action === 'add' || action === 'join' || action === 'remove') throw new Error(`machines of ${id} are added and removed by the program that made it`)
  const cluster = fleet.get(provider, clusterName)?.cluster
  if (name === undefined) throw new Error('which machine?')
  if (!cluster) {
    if (action !== 'start') throw new Error(`${name} is off`)
    await fleet.start({ provider, name: clusterName }, [name])
    return name
  }
  await actOnMachine(cluster, { do: action, name })
  // With the last machine the cluster's process ends; a network of machines stays.
  if (provider !== 'libvirt' && (action === 'shutdown' || action === 'cut') && cluster.computers.states().every(({ power }) => power === 'off')) await fleet.stop({ provider, name: clusterName })
  return name
}
