import type { ClusterClock } from '../../base/clock.ts'
import type { CertificateAndKey } from '../../base/certificates.ts'
import { createSelfSignedServer } from '../../base/certificates.ts'
import type { Log } from '../../base/log.ts'
import { Random } from '../../base/random.ts'
import type { HttpRequest } from '../../base/http.ts'
import { once } from '../../base/once.ts'
import { MemoryFileSystem } from '../../unix/file-system.ts'
import type { Hardware, Machine, MountableFileSystem, Program } from '../../unix/types.ts'
import type { Api } from '../client/api.ts'
import type { Informer } from '../client/informers.ts'
import type { ControlPlane } from '../control-plane.ts'
import type { ControlPlaneInstaller } from '../control-plane-nodes/installer.ts'
import type { ImageDefinition } from '../images/image.ts'
import type { Pod, Service, Taint } from '../kinds/generated/types.ts'
import { quantityValue } from '../kinds/quantity.ts'
import { clusterDnsAddress } from '../kubeadm/addons.ts'
import { readKubeletConfiguration } from '../kubelet/kubelet-configuration.ts'
import { KUBELET_BOOTSTRAP_KUBECONFIG, KUBELET_CLIENT_CERTIFICATE, KUBELET_CONFIG, KUBELET_FLAGS, KUBELET_KUBECONFIG, MANIFESTS, kindKubeletFlags, kubeletFlags } from '../kubeadm/node-files.ts'
import { createKubelet } from '../kubelet/kubelet.ts'
import type { Kubelet } from '../kubelet/kubelet.ts'
import { CNI_PATHS, PLUGIN_BYTES, REFERENCE_PLUGINS } from '../network/cni/node-cni.ts'
import { K3S_CNI_PATHS, K3S_PLUGINS } from '../network/embedded-flannel.ts'
import type { Network } from '../network/network.ts'
import type { NodeNetwork } from '../network/types.ts'
import { installUnits, isUnitEnabled, isUnitStopped, isServiceWanted } from '../node/unit-state.ts'
import { K3S_RELEASE, installK3s } from '../node/k3s/installed-files.ts'
import type { Journal } from '../node/journal.ts'
import { isUnitAsInstalled, writeUnitFiles } from '../node/unit-file.ts'
import type { NodeMachine } from '../node/node-machine.ts'
import { CRI_IMPLEMENTATIONS } from '../runtime/cri-implementation.ts'
import type { CriImplementation } from '../runtime/cri-implementation.ts'
import { installedVersion } from '../node/containerd/installed-program.ts'
import { createContainerRuntime } from '../runtime/container-runtime.ts'
import type { ContainerRuntime } from '../runtime/container-runtime.ts'
import type { ImageSummary } from '../runtime/cri.ts'
import type { ImageRegistry } from '../runtime/image-registry.ts'
import type { NodeSpec, Topology } from '../topology.ts'

/** What the computers of a cluster have in common. */
export interface Surroundings {
  clock: ClusterClock
  seed: string
  random: Random
  log: Log
  journalOf(component: string): Journal
  network: Network
  registry: ImageRegistry
  /** Images that every computer of the cluster comes with. */
  systemImages: readonly ImageDefinition[]
  components: ControlPlane
  topology: Omit<Topology, 'nodes'>
  /** The control plane whose nodes the computers are or may become; undefined: there is none yet. */
  membership: Membership | undefined
  /** Installs one, or takes it away, as programs of the computers do. */
  installer: ControlPlaneInstaller
  /** What the API knows of a pod: a computer's disk says the same. */
  podOf(namespace: string, name: string): Pod | undefined
  /** Gets a computer's files before anything runs there. */
  onNodeFiles?: ((nodeName: string, files: MountableFileSystem) => void) | undefined
  /** Further programs of nodes, by their paths. */
  programs: Readonly<Record<string, Program>>
  /** Whether a computer is one of the control plane's, as its kubelet begins. */
  onRole(computer: Computer, isControlPlane: boolean): void
  /** Somebody on the computer asks for its end, or for another beginning. */
  onPowerRequest(nodeName: string, request: PowerRequest): void
}

/** What being a node of a control plane takes. */
export interface Membership {
  /** The API as a user, as long as there is an API server (on `host`) and the client isn't astray. */
  apiAs(name: string, groups: readonly string[], astray?: () => string | undefined, host?: string): Api
  /** Where nodes find the API: a load balancer, or the only API server; `names` are others of its names and addresses. */
  apiServer: { host: string; ip: string; port: number; isBehindLoadBalancer: boolean; names: readonly string[] }
  /** The client certificate of a node's kubelet. */
  issueNodeCertificate(nodeName: string): Promise<CertificateAndKey>
  /** Who signs the certificates of the kubelets' clients. */
  clientCaPem: string
  /** Services that all kubelets share. */
  services: Informer<Service>
}

/** What `poweroff` and `reboot` ask for. */
export type PowerRequest = 'poweroff' | 'reboot'

/** `resumed`: the processes went away and the computer didn't notice, as by a reload. `cold`: it was switched on. */
export type Beginning = 'resumed' | 'cold'

/** What is there while a computer has power. */
interface Running {
  network: NodeNetwork
  runtime: ContainerRuntime
  random: Random
  log: Log
  journal: Journal
  beginning: Beginning
  bootMs: number
  bootId: string
  kubelet: Kubelet | undefined
  machine: Promise<NodeMachine> | undefined
  /** Why the kubelet looks for the API server where it isn't. */
  astray: string | undefined
}

/** Folders of a node that pods may mount: what an operating system and the installer leave there. */
const NODE_FOLDERS = ['/etc/kubernetes/manifests', '/etc/kubernetes/pki/etcd', '/etc/ssl/certs', '/etc/cni/net.d', '/lib/modules', '/proc', '/run', '/sys/fs/bpf', '/usr/local/share/ca-certificates', '/usr/share/ca-certificates', '/var/lib/etcd', '/var/local-path-provisioner']
/** What of a disk is memory, or is emptied by each start of the operating system. */
const VOLATILE_FOLDERS = ['/run', '/tmp']
const MACHINE_ID = '/etc/machine-id'
/** On a node of the control plane, and on no other. */
const API_SERVER_CERTIFICATE = '/etc/kubernetes/pki/apiserver.crt'
const KUBELET_PORT = 10250
/** Go's words where there is somebody else's API server. */
export const UNKNOWN_AUTHORITY = 'tls: failed to verify certificate: x509: certificate signed by unknown authority'
/** What k3s' agents have on their disks. */
export const K3S_KUBELET_KUBECONFIG = '/var/lib/rancher/k3s/agent/kubelet.kubeconfig'
/** How long it takes until somebody without an answer to ARP is given up, in milliseconds. */
const NO_NEIGHBOUR_MS = 3_000
/** How long processes have to end once the operating system ends, in milliseconds */
const LAST_PROCESSES_MS = 10_000
const LAST_PROCESSES_POLL_MS = 100

/** A computer that is or may become a node: its disk, and what runs on it while it has power. */
export class Computer {
  spec: NodeSpec
  readonly #around: Surroundings
  #disk: MountableFileSystem | undefined
  #running: Running | undefined

  constructor(spec: NodeSpec, around: Surroundings) {
    this.spec = spec
    this.#around = around
  }

  get isOn(): boolean {
    return this.#running !== undefined
  }

  /** Its place in the network while it has power. */
  get network(): NodeNetwork | undefined {
    return this.#running?.network
  }

  /** Its files, which outlast its power. They are there from the first time on that it was switched on. */
  get files(): MountableFileSystem {
    return this.#disk!
  }

  /** Whether an operating system has started here before. */
  get hasBooted(): boolean {
    return this.#disk?.exists(MACHINE_ID) ?? false
  }

  /** Its container runtime. k3s brings its own. */
  get implementation(): CriImplementation {
    return CRI_IMPLEMENTATIONS[this.#around.topology.flavour === 'k3s' ? 'containerd' : this.spec.runtime ?? 'containerd']
  }

  /** Gives it power: network and disk are there, and nothing runs yet. */
  switchOn(beginning: Beginning): void {
    if (this.#running) return
    const { spec, spec: { name } } = this
    const { network, clock, components, systemImages, topology, onNodeFiles } = this.#around
    const isK3s = topology.flavour === 'k3s'
    const paths = isK3s ? K3S_CNI_PATHS : CNI_PATHS
    const nodeNetwork = network.addNode(name, spec.ip, () => this.#disk!, { ...paths, networkMissing: this.implementation.words.networkMissing })
    const random = this.#around.random.fork(`node/${name}`)
    const log = this.#around.log.named(`kubelet/${name}`)
    // It keeps what is said from now on, whoever reads it later.
    const journal = this.#around.journalOf(`kubelet/${name}`)
    const isNew = this.#disk === undefined
    const implementation = this.implementation
    const installed = this.#disk && installedVersion(this.#disk, implementation.programPath)
    const runtime = createContainerRuntime({ clock, implementation, hardware: hardwareOf(spec), random: random.fork('runtime'), log, registry: this.#around.registry, nodeName: name, network: nodeNetwork, hostMachine: () => this.machine()!, ...(this.#disk ? { nodeFiles: this.#disk } : {}), ...(installed ? { version: installed } : {}) })
    this.#disk = runtime.nodeFiles
    for (const path of NODE_FOLDERS) this.#disk.mkdir(path, { recursive: true })
    if (isNew && !isK3s) for (const [path, text] of Object.entries(implementation.files)) {
      this.#disk.mkdir(path.slice(0, path.lastIndexOf('/')), { recursive: true })
      this.#disk.writeFile(path, text)
    }
    if (isNew) this.#disk.writeFile('/etc/hosts', `127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\nfe00::\tip6-localnet\nff00::\tip6-mcastprefix\nff02::1\tip6-allnodes\nff02::2\tip6-allrouters\n${spec.ip}\t${name}\n`)
    if (isNew) onNodeFiles?.(name, this.#disk)
    if (!this.#disk.exists(paths.programs)) installPlugins(this.#disk, paths.programs, isK3s ? K3S_PLUGINS : REFERENCE_PLUGINS)
    if (beginning === 'cold') this.#emptyVolatile()
    nodeNetwork.recall()
    runtime.recallImages()
    for (const image of systemImages) runtime.images.importImage(`${image.repository}:${image.tags[0]}`)
    components.define(`kube-proxy/${name}`, () => ({ start: () => network.services.thaw(name), stop: () => network.services.freeze(name) }))
    // The kernel begins without rules; kube-proxy, or k3s in its place, writes them again.
    if (beginning === 'cold' && topology.flavour !== 'bare') network.services.flush(name)
    this.#running = { network: nodeNetwork, runtime, random, log, journal, beginning, bootMs: clock.nowMs(), bootId: this.#chance('boot', beginning).uuid(), kubelet: undefined, machine: undefined, astray: undefined }
  }

  /** Its container runtime takes an image that was loaded for it. False without power, and where there is none. */
  loadImage(name: string): boolean {
    return this.#running?.runtime.loadImage(name) ?? false
  }

  /** The names and ids of its images, while it has power. */
  images(): readonly ImageSummary[] {
    return this.#running?.runtime.images.listImages() ?? []
  }

  /** The operating system is up: it starts its services. */
  startServices(): void {
    const files = this.files
    if (!files.exists(MACHINE_ID)) {
      installUnits(files, this.#isK3sPreset() ? ['k3s'] : [this.implementation.unit, 'kubelet'])
      if (!this.#isK3sPreset()) writeUnitFiles(files, this.implementation.unit)
      files.writeFile(MACHINE_ID, `${this.#chance('machine-id', this.#running!.beginning).hex(16)}\n`, { mode: 0o444 })
    }
    if (this.#isK3sPreset()) installK3s(files, this.#around.topology.disabled ?? [])
    if (this.#isWithoutAgent()) return
    if (this.#around.topology.flavour === 'k3s') {
      if (isServiceWanted(files, this.spec.controlPlane ? 'k3s' : 'k3s-agent', this.#running!.beginning === 'cold')) this.startKubelet()
      return
    }
    if (!isUnitEnabled(files, 'kubelet') || isUnitStopped(files, 'kubelet')) return
    if (this.#around.topology.flavour !== 'kubeadm' || files.exists(KUBELET_KUBECONFIG)) {
      // What somebody has changed of its unit systemd has to read.
      if (!isUnitAsInstalled(files, 'kubelet') || this.#hasOwnFlags()) return void this.machine()
      try {
        this.startKubelet()
      } catch {
        // systemd tells why, and tries again.
        void this.machine()
      }
    }
    // One that hasn't become a member yet goes on with it.
    else if (files.exists(KUBELET_BOOTSTRAP_KUBECONFIG)) void this.machine()
  }

  /** Whether the cluster came with k3s on it. */
  #isK3sPreset(): boolean {
    const { topology } = this.#around
    return topology.flavour === 'k3s' && topology.installed === undefined && this.spec.controlPlane
  }

  /** Whether k3s was installed on another machine of the network, and not on this one. */
  #isWithoutAgent(): boolean {
    const { topology } = this.#around
    return topology.flavour === 'k3s' && !this.spec.controlPlane && !this.files.exists(K3S_KUBELET_KUBECONFIG)
  }

  /** The distribution that was installed looks for network plugins in places of its own. */
  followFlavour(): void {
    if (!this.#running) return
    const isK3s = this.#around.topology.flavour === 'k3s'
    const paths = isK3s ? K3S_CNI_PATHS : CNI_PATHS
    if (!this.files.exists(paths.programs)) installPlugins(this.files, paths.programs, isK3s ? K3S_PLUGINS : REFERENCE_PLUGINS)
    this.#around.network.node(this.spec.name)!.cni.use(paths)
  }

  /** The kubelet's process has begun. @throws Error for a configuration that it can't take */
  startKubelet(flags?: ReadonlyMap<string, string>): void {
    const running = this.#running
    if (!running) return
    if (!this.#around.membership) throw new Error('drydock: no control plane has been installed on any machine of this network')
    const configuration = this.#around.topology.flavour === 'kubeadm' && this.files.exists(flags?.get('config') ?? KUBELET_CONFIG) ? readKubeletConfiguration(this.files, flags?.get('config') ?? KUBELET_CONFIG) : undefined
    // What kubeadm has left tells whether the control plane's components run here.
    if (this.#around.topology.flavour === 'kubeadm') this.#around.onRole(this, this.files.exists(API_SERVER_CERTIFICATE))
    running.astray = this.#wayAstray()
    const isNew = running.kubelet === undefined
    const kubelet = running.kubelet ??= this.#createKubelet(running)
    const maxPods = flags?.get('max-pods')
    if (configuration) kubelet.configure(maxPods === undefined ? configuration : { ...configuration, maxPods: Number(maxPods) })
    if (isNew) kubelet.start()
    else kubelet.resume()
  }

  /** The kubelet's process has ended: containers run on. */
  suspendKubelet(): void {
    this.#running?.kubelet?.suspend()
  }

  /** Ends all containers, and with them what the kubelet knew: it begins as a new one. */
  async forgetPods(): Promise<void> {
    const running = this.#running
    if (!running) return
    const { kubelet } = running
    running.kubelet = undefined
    running.beginning = 'cold'
    if (kubelet) await kubelet.stop()
    else await running.runtime.shutdown()
  }

  /** As somebody sees it who logs in; undefined without power. Made when first asked for: most nodes are never looked at from inside. */
  machine(): Promise<Machine> | undefined {
    const running = this.#running
    if (!running) return undefined
    const { spec, spec: { name } } = this
    const { clock, network, programs, installer, onPowerRequest } = this.#around
    const kubelet = { start: (flags: ReadonlyMap<string, string>) => this.startKubelet(flags), suspend: () => this.suspendKubelet(), forgetPods: () => this.forgetPods() }
    running.machine ??= this.#prepareLogin().then(() => clock.outside(import('../node/node-machine.ts')).then(({ createNodeMachine }) => createNodeMachine({
      hardware: hardwareOf(spec), bootMs: running.bootMs, name, implementation: this.implementation, runtime: running.runtime, network: running.network, kubelet, serviceRules: () => network.services.rules(name), zone: () => network.services.zoneOf(name), podCidr: () => this.#around.topology.podCidr, installer,
      journal: running.journal, clock, random: running.random.fork('machine'), log: running.log, isKubeadm: !this.#isK3sPreset(), programs, onPowerRequest: (request) => onPowerRequest(name, request),
    })))
    return running.machine.then(({ machine }) => machine)
  }

  /** Certificates that a kubelet has had since its node joined are made when somebody can look at them. */
  async #prepareLogin(): Promise<void> {
    const { files, spec: { name } } = this
    const { clock, membership, topology } = this.#around
    if (topology.flavour !== 'kubeadm' || !membership || !files.exists(KUBELET_KUBECONFIG) || files.exists(KUBELET_CLIENT_CERTIFICATE)) return
    const { certificatePem, keyPem } = await clock.outside(membership.issueNodeCertificate(name))
    const serving = await clock.outside(createSelfSignedServer(name, clock.nowMs()))
    if (files.exists(KUBELET_CLIENT_CERTIFICATE)) return
    const dated = `/var/lib/kubelet/pki/kubelet-client-${new Date(clock.nowMs()).toISOString().slice(0, 19).replace('T', '-').replaceAll(':', '-')}.pem`
    files.mkdir('/var/lib/kubelet/pki', { recursive: true })
    files.writeFile(dated, `${certificatePem}${keyPem}`, { mode: 0o600 })
    files.symlink(dated, KUBELET_CLIENT_CERTIFICATE)
    files.writeFile('/var/lib/kubelet/pki/kubelet.crt', serving.certificatePem, { mode: 0o644 })
    files.writeFile('/var/lib/kubelet/pki/kubelet.key', serving.keyPem, { mode: 0o600 })
  }

  /** A request to the kubelet's port, as the API server makes it. @throws Error in the words of Go's dialer */
  async askKubelet(request: HttpRequest): Promise<Response> {
    const { ip } = this.spec
    if (!this.#running) {
      await this.#around.clock.sleep(NO_NEIGHBOUR_MS, request.signal)
      throw new Error(`dial tcp ${ip}:${KUBELET_PORT}: connect: no route to host`)
    }
    const { kubelet } = this.#running
    if (!kubelet) throw new Error(`dial tcp ${ip}:${KUBELET_PORT}: connect: connection refused`)
    return kubelet.handle(request)
  }

  /** The operating system ends: pods that the kubelet's configuration gives time for it, then services, then all processes. The power stays on. */
  async endProcesses(): Promise<void> {
    const running = this.#running
    if (!running) return
    const { clock } = this.#around
    await running.kubelet?.shutDownPods()
    running.kubelet?.suspend()
    const machines = () => running.runtime.listContainers().flatMap((container) => container.state === 'running' ? running.runtime.machine(container.id) ?? [] : [])
    for (const machine of machines()) for (const process of machine.processes()) process.kill('SIGTERM')
    const endMs = clock.nowMs() + LAST_PROCESSES_MS
    while (machines().length > 0 && clock.nowMs() < endMs) await clock.sleep(LAST_PROCESSES_POLL_MS)
  }

  /** Takes its power away: everything that runs is gone at once, and nobody is told. */
  async switchOff(): Promise<void> {
    const running = this.#running
    if (!running) return
    this.#running = undefined
    const ended = running.kubelet ? running.kubelet.stop() : running.runtime.shutdown()
    this.#around.network.removeNode(this.spec.name)
    await ended
    await (await running.machine)?.halt()
  }

  /** Throws its disk away. It must be off. */
  async erase(): Promise<void> {
    // What was kept of the disk is known only once it was switched on.
    if (!this.#disk) {
      this.switchOn('cold')
      await this.switchOff()
    }
    for (const name of this.#disk?.readdir('/') ?? []) {
      // What its kernel mounted there (/dev) is not the disk's, and would keep the directory below it from going.
      while (this.#disk instanceof MemoryFileSystem && this.#disk.isMountPoint(`/${name}`)) this.#disk.unmount(`/${name}`)
      this.#disk!.remove(`/${name}`, { recursive: true, force: true })
    }
  }

  /** A flag that the installer gives the kubelet. */
  #installerFlag(name: string): string | undefined {
    const { files } = this
    return files.exists(KUBELET_FLAGS) ? new RegExp(`--${name}=([^\\s"]+)`).exec(files.readText(KUBELET_FLAGS))?.[1] : undefined
  }

  #registeredLabels(): Record<string, string> {
    return Object.fromEntries((this.#installerFlag('node-labels') ?? '').split(',').filter(Boolean).map((label) => [label.split('=')[0]!, label.split('=')[1] ?? '']))
  }

  #registeredTaints(): Taint[] {
    return (this.#installerFlag('register-with-taints') ?? '').split(',').flatMap((text) => {
      const [, key, value, effect] = /^([^=:]+)(?:=([^:]*))?:(\w+)$/.exec(text) ?? []
      return key === undefined ? [] : [{ key, ...value ? { value } : {}, effect: effect as Taint['effect'] }]
    })
  }

  /** Whether the kubelet is given other flags than those that the installer wrote. */
  #hasOwnFlags(): boolean {
    const { files } = this
    if (files.exists('/etc/default/kubelet')) return true
    const text = files.exists(KUBELET_FLAGS) ? files.readText(KUBELET_FLAGS) : ''
    return text !== '' && text !== kubeletFlags('') && text !== kubeletFlags(kindKubeletFlags({ ...this.spec, runtime: this.implementation, clusterName: this.#around.topology.name, nodeName: this.spec.name }))
  }

  /** How the kubelet fails to reach the server of its kubeconfig; undefined: it does. */
  #wayAstray(): string | undefined {
    if (this.#isOfAnotherCluster()) return UNKNOWN_AUTHORITY
    const server = this.#serverOfKubeconfig()
    if (!server) return undefined
    const { host, port } = server
    const { membership, network } = this.#around
    const { apiServer } = membership!
    const isOwn = this.spec.controlPlane && (host === 'localhost' || host === '127.0.0.1')
    if (isOwn || (this.spec.controlPlane && host === this.spec.ip)) return port === apiServer.port ? undefined : `dial tcp ${host}:${port}: connect: connection refused`
    const ip = host === apiServer.host || apiServer.names.includes(host) ? apiServer.ip : network.node(host)?.nodeIp ?? (/^[\d.]+$/.test(host) ? host : undefined)
    if (ip === undefined) return `dial tcp: lookup ${host}: no such host`
    return ip === apiServer.ip && port === apiServer.port ? undefined : `dial tcp ${ip}:${port}: connect: connection refused`
  }

  /** Whether its kubeconfig trusts the authority of a control plane that is gone, in whose place there is another one now. */
  #isOfAnotherCluster(): boolean {
    const { topology: { flavour, installed }, membership } = this.#around
    const path = flavour === 'k3s' ? K3S_KUBELET_KUBECONFIG : KUBELET_KUBECONFIG
    if (!installed || (flavour === 'k3s' && this.spec.controlPlane) || !this.files.exists(path)) return false
    const [, trusted] = /certificate-authority-data:\s*["']?([\w+/=]+)/.exec(this.files.readText(path)) ?? []
    return trusted !== undefined && atob(trusted).trim() !== membership!.clientCaPem.trim()
  }

  /** Whose API server the kubelet asks, by its kubeconfig; undefined: whichever the load balancer gives it. */
  #apiServerHost(): string | undefined {
    // k3s' agents find the servers that there are by themselves.
    if (this.#around.topology.flavour === 'k3s' && !this.spec.controlPlane) return undefined
    const { apiServer } = this.#around.membership!
    const host = this.#serverOfKubeconfig()?.host ?? (this.spec.controlPlane ? this.spec.name : apiServer.host)
    if (host === 'localhost' || host === '127.0.0.1' || host === this.spec.ip) return this.spec.name
    return apiServer.isBehindLoadBalancer && (host === apiServer.host || host === apiServer.ip) ? undefined : host === apiServer.ip || apiServer.names.includes(host) ? apiServer.host : host
  }

  #serverOfKubeconfig(): { host: string; port: number } | undefined {
    if (!this.files.exists(KUBELET_KUBECONFIG)) return undefined
    const [, host = '', port = '443'] = /^\s*server:\s*["']?https:\/\/([^:\s"'/]+)(?::(\d+))?/m.exec(this.files.readText(KUBELET_KUBECONFIG)) ?? []
    return { host, port: Number(port) }
  }

  /** Of its own for what is there from the beginning, so that nobody else's changes with it; later on never the same twice. */
  #chance(label: string, beginning: Beginning): Random {
    const { seed, random } = this.#around
    return beginning === 'cold' ? random.fork(`${label}/${this.spec.name}`) : new Random(`${seed} ${label} ${this.spec.name}`)
  }

  #emptyVolatile(): void {
    for (const folder of VOLATILE_FOLDERS) {
      if (!this.files.exists(folder)) continue
      for (const name of this.files.readdir(folder)) this.files.remove(`${folder}/${name}`, { recursive: true, force: true })
    }
  }

  #createKubelet({ network, runtime, random, log, beginning, bootId }: Running): Kubelet {
    const { spec, spec: { name } } = this
    const { clock, topology, membership, podOf } = this.#around
    const { clientCaPem, services, apiAs } = membership!
    const machineId = this.files.readText(MACHINE_ID).trim()
    const ownCertificate = once(() => createSelfSignedServer(name, clock.nowMs()))
    return createKubelet({
      nodeName: name,
      api: apiAs(`system:node:${name}`, ['system:nodes', 'system:authenticated'], () => this.#running?.astray, this.#apiServerHost()),
      clock, random: random.fork('kubelet'), log, runtime, network,
      node: {
        labels: this.#registeredLabels(), taints: [...spec.taints, ...this.#registeredTaints()], addresses: [{ type: 'InternalIP', address: spec.ip }, { type: 'Hostname', address: name }],
        capacity: { cpu: spec.cpu, memory: spec.memory, 'ephemeral-storage': spec.ephemeralStorage, 'hugepages-1Gi': '0', 'hugepages-2Mi': '0', pods: String(spec.maxPods) },
        ...(spec.architecture ? { architecture: spec.architecture } : {}),
        ...(topology.flavour === 'k3s' ? { providerID: `k3s://${name}` } : this.#installerFlag('provider-id') ? { providerID: this.#installerFlag('provider-id')! } : {}),
        ...(topology.flavour === 'k3s' ? { versionSuffix: K3S_RELEASE.split('+')[1]! } : {}),
      },
      serving: { certificatePem: async () => (await ownCertificate()).certificatePem, keyPem: async () => (await ownCertificate()).keyPem, clientCaPem },
      ...(topology.flavour === 'k3s' ? { allowedUnsafeSysctls: ['net.ipv4.ip_forward', 'net.ipv6.conf.all.forwarding'] } : {}),
      clusterDns: clusterDnsAddress(topology.serviceCidr), clusterDomain: topology.clusterDomain, services,
      staticPodPath: MANIFESTS,
      identity: { machineID: machineId, systemUUID: new Random(`system ${machineId}`).uuid(), bootID: bootId },
      ...(beginning === 'cold' ? { coldBoot: { lastKnown: podOf } } : {}),
    })
  }
}

/** Programs of network plugins, as the node's image has them. */
function installPlugins(files: MountableFileSystem, folder: string, names: readonly string[]): void {
  files.mkdir(folder, { recursive: true })
  for (const name of names) files.writeFile(`${folder}/${name}`, PLUGIN_BYTES, { mode: 0o755 })
}

/** What a node's machine has, as its capacity says. */
function hardwareOf({ cpu, memory, architecture }: NodeSpec): Hardware {
  return { cpus: quantityValue(cpu), memoryBytes: quantityValue(memory), ...(architecture ? { architecture } : {}) }
}
