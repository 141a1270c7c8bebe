import type { Clock } from '../../base/clock.ts'
import type { Random } from '../../base/random.ts'
import { editorPrograms, pagerPrograms } from '../../unix/editors/programs.ts'
import { createMemoryFileSystem, withOwnMounts } from '../../unix/file-system.ts'
import type { MemoryFileSystem } from '../../unix/file-system.ts'
import { ROOT_USER, createMachine } from '../../unix/machine.ts'
import { bash, dash } from '../../unix/shell/sh.ts'
import type { FileSystem, Hardware, Machine, Program } from '../../unix/types.ts'
import { utilityPrograms } from '../../unix/utilities/list.ts'
import type { NodeNetwork } from '../network/types.ts'
import type { ServicePortRule } from '../network/service-table.ts'
import { kubeletProgram } from './kubelet-program.ts'
import type { KubeletControl } from './kubelet-program.ts'
import type { ControlPlaneInstaller } from '../control-plane-nodes/installer.ts'
import type { PowerRequest } from '../computers/computer.ts'
import { PowerSwitch, powerPrograms } from './power.ts'
import { lazyProgram } from '../../unix/lazy-program.ts'
import { UnixError } from '../../unix/types.ts'
import type { MachineServices } from './k3s/machine-services.ts'
import { setUserId } from '../../unix/set-user-id.ts'
import { APPARMOR_INCLUDES } from '../../unix/apparmor.ts'
import { sudo } from '../../unix/utilities/sudo.ts'
import { utilityProgram } from '../../unix/utilities/utility.ts'
import type { Log } from '../../base/log.ts'
import type { ContainerRuntime } from '../runtime/container-runtime.ts'
import type { CriImplementation } from '../runtime/cri-implementation.ts'
import { aaStatus, apparmorParser, mountSecurityFiles } from './apparmor.ts'
import { ContainerProcesses } from './container-processes.ts'
import { PodControlGroups } from './control-groups.ts'
import { crictl } from './crictl.ts'
import { CONTAINERD_PROGRAM, containerdBinary } from './containerd/installed-program.ts'
import { containerdSite } from './containerd/release-site.ts'
import { iptables } from './iptables-save.ts'
import type { Journal } from './journal.ts'
import { K3S_PROGRAM } from './k3s/installed-files.ts'
import { k3sSite } from './k3s/release-site.ts'
import { kubeadm } from './kubeadm/kubeadm.ts'
import { baseName } from '../../unix/path.ts'
import type { NodeServices } from './kubeadm/command.ts'
import { K3S_COMPONENT, journalctl } from './journalctl.ts'
import { runtimeProgram } from './runtime-program.ts'
import { ServiceManager } from './service-manager.ts'
import type { UnitDefinition } from './service-manager.ts'
import { systemctl } from './systemctl.ts'

export interface NodeMachineOptions {
  hardware: Hardware
  name: string
  implementation: CriImplementation
  runtime: ContainerRuntime
  kubelet: KubeletControl
  /** Of the node's services. */
  log: Log
  /** Whether the node's files are kubeadm's, and kubeadm is there. */
  isKubeadm: boolean
  /** Further programs by their paths. */
  programs: Readonly<Record<string, Program>>
  /** `poweroff` and `reboot`. */
  onPowerRequest(request: PowerRequest): void
  network: NodeNetwork
  /** Rules of kube-proxy on this node. */
  serviceRules: () => readonly ServicePortRule[]
  /** The zone that it is in. */
  zone: () => string | undefined
  podCidr: () => string
  /** Makes the machine a control plane. */
  installer: ControlPlaneInstaller
  journal: Journal
  /** When the node began. */
  bootMs: number
  clock: Clock
  random: Random
}

/** The machine, and the way to end all that runs on it. */
export interface NodeMachine {
  readonly machine: Machine
  halt(): Promise<void>
}

/** What systemd starts on a node. */
const unitsOf = ({ unit, unitDescription, programPath, socket }: CriImplementation): Readonly<Record<string, UnitDefinition>> => ({
  [unit]: { description: unitDescription, argv: [programPath] },
  kubelet: { description: 'kubelet: The Kubernetes Node Agent', dropIns: ['10-kubeadm.conf', '11-kind.conf'], argv: ['/usr/bin/kubelet', '--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf', '--kubeconfig=/etc/kubernetes/kubelet.conf', '--config=/var/lib/kubelet/config.yaml', `--container-runtime-endpoint=unix://${socket}`] },
})

/** Whose process the kubelet is part of; undefined: it has one of its own. */
function k3sUnit(files: FileSystem, isKubeadm: boolean): 'k3s' | 'k3s-agent' | undefined {
  const has = (unit: string) => files.exists(`/etc/systemd/system/${unit}.service`)
  return has('k3s') ? 'k3s' : has('k3s-agent') ? 'k3s-agent' : isKubeadm ? undefined : 'k3s'
}

const ORDINARY_USER = { name: 'user', uid: 1000, home: '/home/user' }
const SINK = { write: async () => {}, close() {} }

/**
 * A node as somebody sees it who logs in: its files, its network, the processes of its containers, and the tools to look at them.
 */
// @k8s part: nodes: ending the container runtime's process changes nothing
export function createNodeMachine(options: NodeMachineOptions): NodeMachine {
  const { name, runtime, implementation, network, clock } = options
  const root = withOwnMounts(runtime.nodeFiles, { follows: true })
  for (const [path, text] of Object.entries({ '/etc/passwd': 'root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n', '/etc/group': 'root:x:0:\nnogroup:x:65534:\n', '/etc/os-release': 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nNAME="Debian GNU/Linux"\nVERSION_ID="12"\nID=debian\n', '/root/.bashrc': "PS1='\\u@\\h:\\w\\$ '\nalias ll='ls -l'\n", '/root/.profile': '. ~/.bashrc\n', ...Object.fromEntries(Object.entries(APPARMOR_INCLUDES).map(([name, text]) => [`/etc/apparmor.d/${name}`, text])) })) {
    if (root.exists(path)) continue
    root.mkdir(path.slice(0, path.lastIndexOf('/')) || '/', { recursive: true })
    root.writeFile(path, text)
  }
  if (options.installer.isOptional) addOrdinaryUser(root)
  const journal = options.journal
  let machine: Machine
  const pidOf = (each: string) => services.unit(each)?.process?.pid ?? 0
  const packet = iptables(options.serviceRules, { nodeName: name, zone: options.zone, podCidr: options.podCidr, clock })
  const services = new ServiceManager(options.isKubeadm ? unitsOf(implementation) : {}, runtime.nodeFiles, clock, (argv, startedMs, env) => machine.start(argv, { env, cwd: '/', user: ROOT_USER, stdout: SINK, stderr: SINK, startedMs }))
  const power = new PowerSwitch(options.onPowerRequest)
  const runtimeDaemon = runtimeProgram(implementation, runtime)
  const programs: Record<string, Program> = {
    ...utilityPrograms('gnu'), ...editorPrograms, ...pagerPrograms, '/usr/bin/bash': bash, '/usr/bin/sh': dash, '/usr/bin/kubelet': kubeletProgram(options.kubelet, options.log, options.isKubeadm), [`/usr/bin/${baseName(implementation.programPath)}`]: runtimeDaemon.of(implementation.version), '/usr/bin/crictl': crictl(runtime),
    '/usr/bin/iptables': packet, '/usr/bin/iptables-save': packet, '/usr/bin/journalctl': journalctl(journal, pidOf, () => k3sUnit(runtime.nodeFiles, options.isKubeadm)),
    '/usr/bin/systemctl': systemctl(services, power), '/usr/bin/sudo': setUserId(utilityProgram(sudo, 'gnu')), ...powerPrograms(power), '/usr/sbin/apparmor_parser': apparmorParser(runtime.profiles), '/usr/sbin/aa-status': aaStatus(runtime.profiles), ...options.programs,
    ...(options.isKubeadm ? { '/usr/bin/kubeadm': kubeadm({ ...servicesOf(services, options.kubelet, options.installer), pullImage: (image) => runtime.images.pullImage(image) }) } : {}),
  }
  const tree = createMemoryFileSystem({ clock, files: Object.fromEntries(Object.entries(programs).map(([path, program]) => [path.replace(/^\/usr\/s?bin/, ''), { program }])) })
  // Mounted, not written: a node's own files are kept, its programs come with it.
  for (const path of ['/usr/bin', '/bin', '/usr/sbin', '/sbin']) root.mount(path, tree, { readOnly: true })
  // What somebody installs himself is kept.
  root.mkdir('/usr/local/bin', { recursive: true })
  const { programPath, version } = implementation
  if (options.isKubeadm && programPath.startsWith('/usr/local/') && !root.exists(programPath)) root.writeFile(programPath, containerdBinary(version), { mode: 0o755 })
  const ownTree = createMemoryFileSystem({ clock, files: { [`/${baseName(CONTAINERD_PROGRAM)}`]: { program: runtimeDaemon.fromFile }, ...k3sPrograms({ name, installer: options.installer, kubelet: options.kubelet, notify: (pid) => services.notify(pid), kubeletUnit: kubeletUnitOf(services), crictl: crictl(runtime), log: (level, message) => journal.add({ timeMs: clock.nowMs(), level, component: K3S_COMPONENT, message }) }) } })
  root.mount(K3S_PROGRAM.slice(0, K3S_PROGRAM.lastIndexOf('/')), ownTree, { readOnly: true })
  const { outside } = network.hostStack
  network.hostStack.outside = (request) => k3sSite(request) ?? containerdSite(request, clock) ?? (outside ? outside(request) : Promise.reject(new UnixError('ENOTFOUND', new URL(request.url).hostname)))
  mountSecurityFiles(root, runtime.profiles, clock)
  const guests = new ContainerProcesses(runtime)
  const groups = new PodControlGroups(runtime, guests, options.hardware)
  machine = createMachine({ hostname: name, root, parameters: runtime.parameters, kernelLog: runtime.kernelLog, loopDevices: runtime.loopDevices, hasDevices: true, hardware: options.hardware, net: network.hostStack, clock, random: options.random, init: 'kernel', bootMs: options.bootMs, guests: () => guests.list(), controlGroups: () => groups.list() })
  // The kubelet sees what is mounted in a shell: they are in the same mount namespace.
  const endSharing = root.shareMountsWith(runtime.nodeFiles as MemoryFileSystem)
  services.startEnabled(options.bootMs)
  return {
    machine,
    async halt() {
      services.close()
      power.cancel()
      await machine.shutdown()
      endSharing()
    },
  }
}

/** Somebody on machines of their own networks who isn't root, and whom sudo asks for a password. */
function addOrdinaryUser(root: FileSystem): void {
  const { name, uid, home } = ORDINARY_USER
  if (root.exists('/etc/sudoers')) return
  root.writeFile('/etc/sudoers', 'Defaults\tenv_reset\nroot\tALL=(ALL:ALL) ALL\n%sudo\tALL=(ALL:ALL) ALL\n@includedir /etc/sudoers.d\n', { mode: 0o440 })
  root.mkdir('/etc/sudoers.d', { recursive: true, mode: 0o750 })
  if (root.readText('/etc/passwd').includes(`${name}:`)) return
  root.writeFile('/etc/passwd', `${name}:x:${uid}:${uid}::${home}:/bin/bash\n`, { append: true })
  root.writeFile('/etc/group', `sudo:x:27:${name}\n${name}:x:${uid}:\n`, { append: true })
  root.mkdir(home, { recursive: true, mode: 0o755 })
  root.chown(home, uid, uid)
}

/** k3s' program, as files that were downloaded find it, and what its scripts need of the machine. */
function k3sPrograms(services: MachineServices): Record<string, { program: Program }> {
  const folder = (name: string) => `/${name}`
  return {
    [folder('k3s')]: { program: lazyProgram(async () => (await import('./k3s/k3s.ts')).k3s(services)) },
    // What `kill` does to the shims of real containers.
    [folder('k3s-kill-pods')]: { program: async () => { await services.kubelet.forgetPods(); return 0 } },
    [folder('k3s-forget-server')]: { program: async () => {
      const { installer, name, kubeletUnit } = services
      if (installer.host === name && installer.isOptional) await installer.remove()
      kubeletUnit.bringBack()
      return 0
    } },
  }
}

function kubeletUnitOf(services: ServiceManager): MachineServices['kubeletUnit'] {
  return {
    async retire() {
      if (!services.unit('kubelet')?.isEnabled) return
      services.disable('kubelet')
      await services.stop('kubelet')
    },
    bringBack() {
      if (!services.unit('kubelet')) return
      services.enable('kubelet')
      services.start('kubelet')
    },
  }
}

/** What kubeadm asks systemd and the container runtime for. */
function servicesOf(services: ServiceManager, kubelet: KubeletControl, controlPlane: ControlPlaneInstaller): Omit<NodeServices, 'pullImage'> {
  return {
    isActive: (name) => services.unit(name)?.process !== undefined, isEnabled: (name) => services.unit(name)?.isEnabled ?? false,
    start: (name) => services.start(name), stop: (name) => services.stop(name), removeContainers: () => kubelet.forgetPods(), controlPlane,
  }
}
