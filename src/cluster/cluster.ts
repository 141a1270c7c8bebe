import type { ClusterClock } from '../base/clock.ts'
import { deepFreeze } from '../base/freeze.ts'
import type { HttpRequest } from '../base/http.ts'
import type { LogEntry } from '../base/log.ts'
import type { Platform } from '../base/platform.ts'
import type { MetricFamily } from '../base/prometheus.ts'
import { Random } from '../base/random.ts'
import { once } from '../base/once.ts'
import { createMemoryFileSystem } from '../unix/file-system.ts'
import { createMachine } from '../unix/machine.ts'
import { isIPv4 } from '../unix/net/addresses.ts'
import { goNetError } from '../unix/net/go-net-error.ts'
import type { HttpHandler, Listener, Machine, MountableFileSystem, NetStack, Program } from '../unix/types.ts'
import type { RequestTracer } from './apiserver/tracing/request-tracer.ts'
import type { AuditOptions } from './apiserver/audit/audit-log.ts'
import { createEtcdGateway } from './apiserver/etcd-gateway.ts'
import { reconcileBootstrap } from './apiserver/bootstrap/reconcile.ts'
import { legacyServiceAccountToken } from './apiserver/tokens/service-account-tokens.ts'
import type { ClusterPki, ClusterPkiSnapshot } from './apiserver/pki/cluster-pki.ts'
import type { ClusterDialer, ConnectionInfo, UserInfo } from './apiserver/seams.ts'
import type { Api } from './client/api.ts'
import { createInformers } from './client/informers.ts'
import { WorkQueueMetrics } from './client/work-queue-metrics.ts'
import { certificateControllers } from './controllers/certificates/certificates.ts'
import { ComputerError, Computers } from './computers/computers.ts'
import { K3S_KUBELET_KUBECONFIG, UNKNOWN_AUTHORITY } from './computers/computer.ts'
import type { Computer, Membership } from './computers/computer.ts'
import { K3S_RELEASE } from './node/k3s/installed-files.ts'
import { isServiceWanted } from './node/unit-state.ts'
import { ComponentLauncher } from './component-launcher.ts'
import { lazyComponentServer } from './component-server/lazy-component-server.ts'
import { COMPONENTS, ControlPlane, componentOn } from './control-plane.ts'
import type { ComponentPart } from './control-plane.ts'
import { identityLease } from './control-plane-nodes/identity-lease.ts'
import { endpointLeases } from './control-plane-nodes/endpoint-leases.ts'
import { installedFiles } from './control-plane-nodes/install.ts'
import type { ControlPlaneConfiguration } from './control-plane-nodes/installer.ts'
import { leadingPart } from './control-plane-nodes/leading-part.ts'
import { Notices } from './control-plane-nodes/notices.ts'
import { LoadBalancer } from './control-plane-nodes/load-balancer.ts'
import { createCloudControllerManager, createControllerManager, createLocalPathProvisioner } from './controllers/controller-manager.ts'
import { Etcd } from './etcd/etcd.ts'
import { peerUrl } from './etcd/members/etcd-members.ts'
import type { EtcdMembers } from './etcd/members/etcd-members.ts'
import type { Commit, EtcdSnapshot } from './etcd/types.ts'
import { controlPlaneImages } from './images/control-plane.ts'
import { coreDnsImage } from './images/coredns/coredns.ts'
import { imageCatalogue } from './images/image-catalogue.ts'
import { klipperHelmImage } from './images/klipper-helm/klipper-helm.ts'
import { kubectlImages } from './images/kubectl-images.ts'
import { builtInKinds } from './kinds/index.ts'
import type { Pod, Service } from './kinds/generated/types.ts'
import { shareManagedFields } from './kinds/patch/managed-fields.ts'
import { parseYaml } from './kinds/yaml-text.ts'
import type { KubeObject } from './kinds/object.ts'
import { CLOUD_CONTROLLER_MANAGER } from './kubeadm/cloud-controller-manager.ts'
import { clusterDnsAddress } from './kubeadm/addons.ts'
import { kubeconfigText } from './kubeadm/kubeconfig.ts'
import { SERVING_CERTIFICATE, ServerProcesses } from './k3s/server-processes.ts'
import { KUBELET_KUBECONFIG, MANIFESTS, nodeFiles } from './kubeadm/node-files.ts'
import type { NodeFiles } from './kubeadm/node-files.ts'
import { staticPods } from './kubeadm/static-pods.ts'
import { Network } from './network/network.ts'
import { cidrContains, formatIPv4, parseCidr, parseIPv4 } from './network/cidr.ts'
import { serveProxy } from './network/proxy-servers.ts'
import { startServiceProxy } from './network/service-proxy.ts'
import { holdsContainers, holdsPushedImages, openDockerHost, openPushedImages } from './docker/docker-host.ts'
import type { DockerHost } from './docker/docker-host.ts'
import type { DockerImage } from './docker/docker-image.ts'
import { createImageRegistry } from './runtime/image-registry.ts'
import type { ImageRegistry } from './runtime/image-registry.ts'
import { API_PORT, API_VERSIONS, createPlane } from './plane.ts'
import type { Plane } from './plane.ts'
import { createScheduler } from './scheduler/scheduler.ts'
import { mergedFamilies } from './scheduler/scheduler-counters.ts'
import { blankTopology, controlPlaneNodes, kubeadmTopology, laptopAddress, K3S_ETCD_LABELS, K3S_LABELS } from './topology.ts'
import type { Topology } from './topology.ts'
import { createComponentLog } from './component-log.ts'
import { addonsReady, allReady, createUnlessThere, installedObjects, labelNodes } from './installation.ts'
import type { InstallationStage } from './installation.ts'

/** Everything that a cluster is at a moment; survives structured cloning. */
export interface ClusterSnapshot {
  formatVersion: 1
  seed: string
  topology: Topology
  /** Cluster time, milliseconds since 1970. */
  timeMs: number
  /** Without a control plane there are no keys. */
  pki?: ClusterPkiSnapshot | undefined
  etcd: EtcdSnapshot
  /** What was committed after the etcd snapshot, in order. */
  commits?: readonly Commit[]
}

export interface ClusterOptions {
  platform: Platform
  clock: ClusterClock
  /** Same seed, same run. */
  seed: string
  topology?: Topology
  /** Receives what the parts log; dropped otherwise. */
  onLog?: (entry: LogEntry) => void
  restore?: ClusterSnapshot
  /** Resolves once everything up to the revision is kept. Writes that come over the network aren't answered before. */
  durable?(revision: number): Promise<void>
  /** Gets the files of each node, of the laptop's container engine and of the registries before anything runs there: to bring back what was kept of them, and to keep them. */
  onNodeFiles?(nodeName: string, files: MountableFileSystem): void
  /**
   * How much cluster time a fresh cluster's boot takes, in milliseconds, driven as fast as the machine can: afterwards its parts have found
   * each other and its objects are that old. Hosts begin their clock that much before now. Default {@link BOOT_MS}.
   */
  bootMs?: number
  /**
   * Whether a fresh cluster boots while the clock runs on, beside others that use it; {@link bootMs} means nothing then.
   * Told of each stage of the installation that begins.
   */
  bootInTime?: (stage: InstallationStage) => void
  /** What was pushed to registries is there for this cluster's nodes too. */
  registries?: Pick<ImageRegistry, 'pushed'>
  /** How the API server reaches hosts that are none of the cluster's, such as webhooks by their URL. Without it there are none. */
  outside?: ClusterDialer['http']
  /** Told whenever a machine comes, goes, or is switched on or off, and when a control plane is installed or taken away, to keep what {@link ClusterSnapshot.topology} and its keys would say. */
  onTopology?(topology: Topology, pki: ClusterPkiSnapshot | undefined): void
  /** Further programs of nodes, by their paths. */
  nodePrograms?: Readonly<Record<string, Program>>
  /** Programs of images that aren't the cluster's own. */
  imagePrograms?: Readonly<Record<'helm' | 'kubectl', Program>>
  /** Writes down who asked the API server for what, as kube-apiserver's --audit-policy-file and --audit-log-path do. */
  audit?: AuditOptions
}

export interface Cluster {
  /** What all its chance comes from. */
  readonly seed: string
  readonly clock: ClusterClock
  readonly etcd: Etcd
  readonly pki: ClusterPki
  readonly network: Network
  readonly topology: Topology
  /** The door: every request from outside. Rejects where no control plane has been installed. */
  handle(request: HttpRequest, connection?: ConnectionInfo): Promise<Response>
  /** What a client holding the administrator's certificate presents. */
  readonly adminConnection: ConnectionInfo
  /** Follows what comes through the door, while somebody looks. */
  readonly requestTracer: RequestTracer
  /** The in-process client of a user. */
  apiAs(user: UserInfo): Api
  /** Boots everything. A fresh cluster drives the clock itself while it boots; afterwards nodes are Ready and the add-ons run. */
  start(): Promise<void>
  stop(): Promise<void>
  /** kubeadm's admin.conf for a server address: context, cluster and user carry the cluster's name, or another one. */
  adminKubeconfig(serverUrl: string, name?: string): string
  /** A machine outside the cluster on the nodes' network: the learner's laptop. `outside`: its way to names that aren't the cluster's, see {@link NetStack.outside}. */
  createLaptop(options: { root: MountableFileSystem; hostname?: string; outside?: NetStack['outside'] }): Laptop
  /** Plugs the learner's machine, which stands before another cluster, into this one: nodes by route, the API server at a port of the machine's loopback address, if it is to have one. */
  plugIn(laptop: { network: Network; net: NetStack }, options: { apiPort?: number; covers?: (ip: string) => boolean }): { unplug(): void }
  /** The registries that its nodes pull from. */
  readonly registry: ImageRegistry
  /** Gives nodes an image that needn't be in any registry, as `ctr images import` does. The name is a repository with its tag. */
  loadImage(name: { repository: string; tag: string }, image: DockerImage, nodes: readonly string[]): Promise<void>
  /** The machines that are or may become its nodes. */
  readonly computers: Computers
  /**
   * Makes the control plane of a cluster that has none yet ({@link blankTopology}) on one of its machines, that is on. Resolves once there is an API that can be asked inside the
   * process; who is asked over the network is its components' business.
   *
   * kubeadm's layout: the files of the machine come first (certificates, kubeconfigs, manifests; `pki` has the same keys), and components run once its kubelet, started afterwards, runs their
   * static pods. Objects, labels and taints are the installer's, too.
   *
   * k3s' layout: components run at once in the place of its process, the kubelet begins, the node gets its labels, and the API what a server of k3s applies: CoreDNS, local-path storage and,
   * but for those `disabled`, Traefik and metrics-server. {@link adminKubeconfig} is the text of k3s.yaml; what else lies on the disk is the installer's.
   * Further machines become nodes with kubeadm's kubeconfig of a kubelet on their disks, or k3s' ({@link K3S_KUBELET_KUBECONFIG}, at each start of the machine; {@link Computer.startKubelet} begins at once).
   * @throws ComputerError where there is a control plane already, or the machine is off
   */
  installControlPlane(machine: string, configuration: ControlPlaneConfiguration): Promise<void>
  /**
   * Takes an installed control plane away with everything in its etcd: the machines are blank ones again, as far as their files say so. Kubelets that run go on without an API server;
   * whoever takes its machine back ends its pods first ({@link Computer.forgetPods}).
   * @throws ComputerError where it was there from the beginning
   */
  removeControlPlane(): Promise<void>
  /** A node as who logs in sees it, by its name or address; undefined when there is none, or it is off. */
  nodeMachine(nameOrAddress: string): Promise<Machine> | undefined
  /** Whether a kube-apiserver runs. */
  readonly isServing: boolean
  /** Tells whether a kube-apiserver runs, now and after each change, so that hosts open and close its port. */
  followApiServer(listener: (isServing: boolean) => void): void
  snapshot(): ClusterSnapshot
}

/** The learner's machine and what runs on it besides programs. */
export interface Laptop {
  machine: Machine
  /** The engine behind `docker`, begun when it is first asked for, or when its disk says that containers ran. */
  docker: () => Promise<DockerHost>
}

/** Cluster time that passes while a fresh cluster boots, in milliseconds: long enough for every probe of the control plane's pods. */
export const BOOT_MS = 40_000
/** How often and how many times a fresh cluster's start looks whether an etcd member has come. */
const MEMBER_POLL_MS = 500
const MEMBER_PATIENCE = 60
const PKI = '/etc/kubernetes/pki'
/** The API server's certificate for kubelets. */
const KUBELET_CLIENT = `${PKI}/apiserver-kubelet-client.crt`
/** Go's words where there was an API server. */
const refusedAt = ({ ip }: { ip: string }) => `dial tcp ${ip}:${API_PORT}: connect: connection refused`
export const VERSION = {
  major: '1', minor: '36', emulationMajor: '1', emulationMinor: '36', minCompatibilityMajor: '1', minCompatibilityMinor: '35',
  gitVersion: 'v1.36.3+drydock', gitCommit: '0000000000000000000000000000000000000000', gitTreeState: 'clean', buildDate: '1970-01-01T00:00:00Z',
  goVersion: 'go1.26.8', compiler: 'gc', platform: 'linux/amd64',
}
/** What a component on a node says of itself: it was built for the node's processor. */
const versionOn = (host: string, { nodes }: Topology) => ({ ...VERSION, platform: `linux/${nodes.find(({ name }) => name === host)?.architecture ?? 'amd64'}` })

/** Puts a cluster together from its topology, fresh or as a snapshot left it. Nothing runs before {@link Cluster.start}. */
export async function createCluster(options: ClusterOptions): Promise<Cluster> {
  const { clock, restore } = options
  let topology = restore?.topology ?? options.topology ?? kubeadmTopology()
  const seed = restore?.seed ?? options.seed
  // Never the same chance twice: what was made up before the reload (names, uids, ids of containers) is still there.
  const random = new Random(restore ? `${seed}/${restore.commits?.at(-1)?.revision ?? restore.etcd.revision}` : seed)
  const { log, onComponentLine, journalOf } = createComponentLog(clock, options.onLog)
  /** The nodes of the control plane, the one first on which it was installed. None: machines alone, on one of which somebody may install it. */
  const controlPlanes = () => controlPlaneNodes(topology)
  const isInstalled = () => topology.nodes.some((node) => node.controlPlane)
  const isControlPlane = (host: string) => controlPlanes().some(({ name }) => name === host)
  const { loadBalancer } = topology
  /** Where everybody but the control plane itself finds the API: kubeadm's controlPlaneEndpoint. */
  const endpoint = () => loadBalancer ?? plane.founder
  const servingNames = ({ name, ip }: { name: string; ip: string }, of = topology) => [name, ip, 'localhost', '127.0.0.1', laptopAddress(of), formatIPv4(parseCidr(of.serviceCidr).first + 1), 'kubernetes', 'kubernetes.default', 'kubernetes.default.svc', `kubernetes.default.svc.${of.clusterDomain}`, ...(loadBalancer ? [loadBalancer.name, loadBalancer.ip] : []), ...of.installed?.names ?? []]

  if (restore) {
    for (const { value } of restore.etcd.kvs) shareManagedFields(value as object)
    for (const { changes } of restore.commits ?? []) for (const change of changes) if (change.type === 'put') shareManagedFields(change.value as object)
  }
  const etcd = restore ? Etcd.restore(deepFreeze(restore.etcd), deepFreeze(restore.commits ?? []), { clock }) : new Etcd({ clock })
  const network = new Network({ clock, random: random.fork('network'), podCidr: topology.podCidr, serviceCidr: topology.serviceCidr, hostCidr: topology.hostCidr })
  /** Chance that nobody else's changes with. */
  const ownRandom = (label: string) => new Random(`${seed} ${etcd.revision} ${label}`)
  /** The last words of etcd's members, and components that couldn't renew their Leases. */
  const etcdFailures = new Notices<string>()
  const lostLeases = new Notices<void>()
  // Without nodes there is no machine whose disk would be etcd's.
  const noMachinesDisk = once(() => createMemoryFileSystem({ clock }))
  const components = new ControlPlane(clock, controlPlanes, { outage: () => plane.members.outage(), get isAvailable() { return plane.members.isAvailable } })
  const dialer: ClusterDialer = {
    kubelet: (nodeName, request) => computers.askKubelet(nodeName, request),
    http: (host, port, request, { tls = false } = {}) => options.outside && !network.covers(host) ? clock.outside(options.outside(host, port, request, { tls }))
      : network.fetchFrom(plane.founder.ip, { ip: host, port }, request, typeof tls === 'object' ? { ...tls, tls: true } : { tls, insecure: true }).catch((error) => { throw new Error(goNetError(error, host, port)) }),
  }
  const makePlane = (of: Topology, pki?: ClusterPkiSnapshot): Promise<Plane> => {
    const { name, ip } = controlPlaneNodes(of)[0]!
    const founder = { name, ip: of.installed?.advertiseAddress ?? ip }
    return createPlane({
      platform: options.platform, clock, random: random.fork('apiserver'), log, topology: of, founder, servingNames: servingNames(founder, of), pki,
      apiServer: { etcd, kinds: builtInKinds, dialer, version: { ...versionOn(name, of), ...(of.flavour === 'k3s' ? { gitVersion: K3S_RELEASE } : {}) }, health: components.health, unreadable: () => launcher.unreadable, ...(options.audit ? { audit: options.audit } : {}) },
      members: {
        random: ownRandom('etcd'), disk: (host) => computers.get(host)?.files ?? noMachinesDisk(), reaches: (_from, to) => network.node(to) !== undefined,
        onCrash: (host, lastWords) => etcdFailures.give(host, lastWords),
      },
    })
  }
  /** Not there yet where nobody has installed one; and then nobody looks at it. */
  let plane!: Plane
  if (isInstalled()) plane = await makePlane(topology, restore?.pki)

  if (loadBalancer) network.addNeighbour(loadBalancer.name, loadBalancer.ip).listenHttp(API_PORT, (request, peer) => apiHandler(request, peer), { tls: plane.serving, versions: API_VERSIONS })

  const apiAs = (user: UserInfo) => plane.server.as(user)
  const handle = (request: HttpRequest, connection?: ConnectionInfo) => isInstalled() ? plane.server.handle(request, connection) : Promise.reject(new Error('there is no control plane'))

  /** The API server behind the door of a node. */
  const apiHandlerOn = (host: string): HttpHandler => async (request, peer) => {
    const response = await plane.server.handle(request, { remoteAddress: peer.remote.ip, ...(plane.members.isShared ? { health: components.healthOn(host) } : {}), ...(peer.clientCertificatePem ? { clientCertificatePem: peer.clientCertificatePem } : {}) })
    if (options.durable && request.method !== 'GET' && request.method !== 'HEAD') await clock.outside(options.durable(etcd.revision))
    return response
  }
  /** What whoever asks at the cluster's endpoint gets to. */
  const balancer = new LoadBalancer(clock, () => controlPlanes().map(({ name }) => ({
    host: name, handler: apiHandlerOn(name), isOpen: () => components.isRunning(componentOn('kube-apiserver', name)), isHealthy: () => components.isRunning(componentOn('etcd', name)) && plane.members.isAvailable,
  })))
  const apiHandler: HttpHandler = loadBalancer ? balancer.handler : (request, peer) => apiHandlerOn(plane.founder.name)(request, peer)
  /** kubeadm's manifests of a node; those that joined name the etcd members that there were. */
  const kubeadmPods = (host: string) => {
    const all = controlPlanes()
    const at = all.findIndex(({ name }) => name === host)
    return staticPods(host === plane.founder.name ? plane.founder : all[at]!, { clusterName: topology.name, podCidr: topology.podCidr, serviceCidr: topology.serviceCidr, clusterDomain: topology.clusterDomain, ...(at > 0 ? { etcdMembers: all.slice(0, at) } : {}), ...(topology.installed ? { extraArgs: {} } : {}) })
  }
  const launcher: ComponentLauncher = new ComponentLauncher({
    clock, etcd, server: () => plane.server, ownCommand: (component, host) => kubeadmPods(host).flatMap((pod) => pod.metadata.name === component ? [commandOf(pod)] : [])[0], disk: () => computers.get(plane.founder.name)!.files,
    etcdAddresses: (host) => ['127.0.0.1:2379', ...controlPlanes().flatMap(({ name, ip }) => name === host ? [`${ip}:2379`] : [])], onFailed: (component, host) => components.halt(componentOn(component, host)),
  })
  /** What a node's controller manager or scheduler has counted. */
  const countedBy = new Map<string, () => MetricFamily[]>()
  const gatewayOn = (host: string) => createEtcdGateway(etcd, plane.members, { host, version: '3.6.8', clock }, (...value) => launcher.stored(...value))
  const systemImages = [...controlPlaneImages({
    apiServer: apiHandlerOn, isControlPlane, etcd: gatewayOn, logs: onComponentLine,
    servingCertificatePem: (host) => (host === plane.founder.name && !topology.installed) || !isControlPlane(host) ? plane.serving.certificatePem : computers.get(host)!.files.readText('/etc/kubernetes/pki/apiserver.crt'),
    componentServer: (component, { argv, machine: { hostname } }) => lazyComponentServer({
      component, clock, argv, startedMs: clock.nowMs(), version: versionOn(hostname, topology), clientCaPem: plane.pki.caCertificatePem, api: components.gated(plane.server.as({ name: `system:${component}`, groups: ['system:authenticated'] }), undefined, hostname),
      isEnabled: (controller) => launcher.settings?.isEnabled(controller) ?? true, families: () => countedBy.get(componentOn(component, hostname))?.() ?? [],
    }),
    launch: async (host, proc, print) => await launcher.launch(host, proc, print) ?? (proc.argv[0]?.endsWith('etcd') ? plane.members.refusal(host, computers.get(host)!.spec.ip) : undefined),
    begin: (component) => components.begin(component), untilRunning: (component, withinMs) => components.untilRunning(component, withinMs), lost: (component, needed, ms, signal) => Promise.race([
      lostLeases.next(component, signal).then(() => {}),
      // One of several that waits for its turn goes on waiting.
      components.lost(needed, ms, signal).then(() => plane.members.isShared ? new Promise<never>(() => {}) : undefined),
    ]),
    untilEtcdAnswers: (host, withinMs) => components.untilEtcdAnswers(host, withinMs),
    etcdHealth: () => plane.members.isAvailable ? undefined : 'RAFT NO LEADER',
    etcdFailure: (host, signal) => etcdFailures.next(host, signal),
    kindnet: (agent) => plane.kindnet().begin(agent),
    kubeProxy: (nodeName, net) => serveProxy({ net, table: network.services, nodeName, clock }),
  }), coreDnsImage]
  const registry = createImageRegistry([...imageCatalogue, ...systemImages, ...options.imagePrograms ? [klipperHelmImage(options.imagePrograms.helm), ...kubectlImages(options.imagePrograms.kubectl)] : []], clock, options.registries?.pushed)
  const registryDisk = createMemoryFileSystem({ clock })
  options.onNodeFiles?.(OTHER_DISKS.registries, registryDisk)
  const pushedImages = once(() => openPushedImages({ disk: registryDisk, registry, clock }))
  const archiveDisk = createMemoryFileSystem({ clock })
  options.onNodeFiles?.(OTHER_DISKS.archives, archiveDisk)
  const archives = once(() => openPushedImages({ disk: archiveDisk, registry: { ...registry, push: registry.load }, clock }))
  const running: { stop(): void | Promise<void> }[] = []
  let stopped = false

  /** What a computer needs to know of the control plane that there is now to be one of its nodes. */
  const membership = (): Membership => {
    const own = plane
    return {
      issueNodeCertificate: (nodeName) => own.pki.issueClientCertificate({ commonName: `system:node:${nodeName}`, organizations: ['system:nodes'], nowMs: clock.nowMs() }), clientCaPem: own.pki.caCertificatePem, services: own.shared.for<Service>('services'),
      // A kubelet may outlast the control plane that it belonged to, and find another one in its place.
      apiAs: (name, groups, astray, host) => components.gated(own.server.as({ name, groups }), () => !isInstalled() ? refusedAt(own.founder) : own !== plane ? UNKNOWN_AUTHORITY : astray?.(), host),
      apiServer: { host: endpoint().name, ip: endpoint().ip, port: API_PORT, isBehindLoadBalancer: loadBalancer !== undefined, names: topology.installed?.names ?? [] },
    }
  }
  const computers = new Computers({
    clock, seed, random, log, journalOf, network, registry, systemImages, components, topology: plan(topology), clusterName: topology.name, nodes: topology.nodes, membership: isInstalled() ? membership() : undefined,
    installer: {
      get host() { return isInstalled() ? plane.founder.name : undefined },
      get carriers() { return controlPlanes().map(({ name }) => name) },
      get isOptional() { return !isInstalled() || topology.installed !== undefined },
      install: (machine, configuration) => installControlPlane(machine, configuration), remove: () => removeControlPlane(), begin: (machine) => beginK3s(computers.get(machine)!), end: (machine) => endK3s(computers.get(machine)!),
      join: (machine) => joinK3s(computers.get(machine)!), adminKubeconfig: (serverUrl, name) => adminKubeconfig(serverUrl, name),
    },
    onFounderGone: () => { void removeControlPlane() },
    podOf: (namespace, name) => etcd.get<Pod>(`/registry/pods/${namespace}/${name}`)?.value,
    onNodeFiles: options.onNodeFiles, programs: options.nodePrograms ?? {},
    onStarted: (computer) => startK3s(computer, true),
    onStopped({ spec }) {
      k3s.stop(spec.name)
      if (spec.controlPlane) for (const component of COMPONENTS) components.halt(componentOn(component, spec.name))
    },
    onSpecs(nodes) {
      const known = new Set(controlPlanes().map(({ name }) => name))
      topology = { ...topology, nodes: [...nodes] }
      for (const { name, ip } of controlPlanes()) if (!known.has(name)) defineOn(name, ip)
      tellTopology()
    },
  })
  const tellTopology = () => options.onTopology?.(topology, isInstalled() ? plane.pki.snapshot() : undefined)

  /** What the installer leaves on a computer that has never been started; one that was reset stays as it is. */
  const join = ({ files, hasBooted, spec, implementation }: Computer): void => {
    if (topology.flavour !== 'kubeadm' || !isInstalled() || hasBooted || files.exists(KUBELET_KUBECONFIG)) return
    writeFiles(files, nodeFiles({ ...(spec.nodeLabels ? { nodeLabels: spec.nodeLabels } : {}), ...(spec.providerID === undefined ? {} : { providerID: spec.providerID }), nodeName: spec.name, runtime: implementation, clusterName: topology.name, serverUrl: loadBalancer && spec.controlPlane ? `https://${spec.ip}:${API_PORT}` : `https://${endpoint().name}:${API_PORT}`, clusterDns: clusterDnsAddress(topology.serviceCidr), clusterDomain: topology.clusterDomain, caCertificatePem: plane.pki.caCertificatePem }))
  }

  /** Resolves once {@link Cluster.start} is done. */
  let standsNow!: () => void
  const stands = new Promise<void>((resolve) => { standsNow = resolve })
  /** k3s is one process: no container stands for the control plane or listens for it. */
  const k3s = new ServerProcesses({ clock, log, components, network, random: () => ownRandom('k3s'), plane: () => plane, topology: () => topology, computers: () => computers.all(), handlerOn: apiHandlerOn, stands })

  const adminKubeconfig = (serverUrl: string, name = topology.name) => kubeconfigText({ name, serverUrl, caCertificatePem: plane.pki.caCertificatePem, clientCertificatePem: plane.admin.certificatePem, clientKeyPem: plane.admin.keyPem })

  const beginK3s = (computer: Computer): void => {
    if (!computer.isOn || k3s.isRunning(computer.spec.name)) return
    if (computer.spec.controlPlane) {
      k3s.start(computer)
      void k3s.beginAddons(computer, true)
      // Each start sees to them: the first one may have been interrupted.
      labelNodes(plane.shared, plane.masters, [computer.spec]).catch((error: unknown) => log.error('could not label the node of a server', { error: String(error) }))
    } else k3s.startAgent(computer)
    computer.startKubelet()
  }
  const endK3s = (computer: Computer): void => {
    k3s.stop(computer.spec.name)
    computer.suspendKubelet()
  }
  const joinK3s = async (computer: Computer): Promise<void> => {
    const { files, spec: { name, ip } } = computer
    if (!topology.installed?.isEtcdEmbedded) throw new ComputerError(`${plane.founder.name} keeps its objects in a file of its own`)
    const { certificatePem } = await clock.outside(plane.pki.issueServerCertificate(servingNames({ name, ip })))
    writeFiles(files, { [SERVING_CERTIFICATE]: { text: certificatePem, mode: 0o644 } })
    computers.mark(name, { controlPlane: true, labels: K3S_ETCD_LABELS })
    const { members } = plane
    const { id } = members.add([peerUrl(ip)], true)
    k3s.start(computer)
    await promote(name, id)
    computer.startKubelet()
    await labelNodes(plane.shared, plane.masters, [computer.spec])
  }
  /** Makes a new member of etcd one that counts, once it is as far as the leader. */
  const promote = async (host: string, id: string): Promise<void> => {
    for (let waits = 0; waits < MEMBER_PATIENCE; waits++) {
      await clock.sleep(MEMBER_POLL_MS)
      if (!plane.members.isRunning(host)) continue
      try {
        plane.members.promote(id)
        return
      } catch { /* It isn't as far as the leader yet. */ }
    }
  }

  /** k3s begins with its machine, where its service is there and nobody has stopped it. */
  const startK3s = (computer: Computer, isFreshStart: boolean): void => {
    const { spec: { controlPlane }, files } = computer
    if (topology.flavour !== 'k3s' || !computer.isOn || !isServiceWanted(files, controlPlane ? 'k3s' : 'k3s-agent', isFreshStart)) return
    if (!controlPlane) {
      if (files.exists(K3S_KUBELET_KUBECONFIG)) k3s.startAgent(computer)
      return
    }
    k3s.start(computer)
    if (isFreshStart) void k3s.beginAddons(computer, true)
  }

  /** Whether a component's manifest is there, and says nothing that it couldn't begin with; what it says takes effect. */
  const canBegin = async ({ files, spec }: Computer, component: string): Promise<boolean> => {
    const path = `${MANIFESTS}/${component}.yaml`
    if (!files.exists(path)) return false
    let argv: readonly string[]
    try {
      argv = commandOf(parseYaml(files.readText(path)).value as KubeObject)
    } catch {
      return false
    }
    return await launcher.launch(spec.name, { argv, fs: files, clock, pid: 1 }, () => {}) === undefined
  }

  const startOthers = async (): Promise<void> => {
    for (const computer of computers.all()) {
      if (stopped) return
      if (computer.spec.controlPlane) continue
      computers.begin(computer, 'resumed', join)
      startK3s(computer, false)
      await clock.breathe()
    }
  }

  const defineComponents = (): void => {
    const { server, pki, members, masters, sign } = plane
    const managerOptions = {
      apiAs: (name: string, groups: readonly string[]) => components.gated(server.as({ name, groups })),
      fetchAs: (name: string, groups: readonly string[]) => (request: HttpRequest) => server.fetchAs({ name, groups }, request),
      clock, caCertificatePem: pki.caCertificatePem, clusterCidr: topology.podCidr, serviceCidr: topology.serviceCidr,
    }
    const starts = { manager: 0, scheduler: 0, provisioner: 0, cloud: 0 }
    /** Chance of its own for each time that a component starts. */
    const chance = (label: keyof typeof starts, name: string) => { const count = starts[label]++; return random.fork(count === 0 ? name : `${name}/${count}`) }
    const manager = (host: string) => {
      const metrics = new WorkQueueMetrics()
      countedBy.set(componentOn('kube-controller-manager', host), () => metrics.families(clock.nowMs()))
      return createControllerManager({ ...managerOptions, metrics, settings: launcher.settings, random: chance('manager', 'controllers'), log: log.named('kube-controller-manager'), issueToken: (account, secretName) => clock.outside(legacyServiceAccountToken(account as KubeObject, secretName, sign ? { ...pki.tokenKey, sign } : pki.tokenKey)), extra: certificateControllers(pki) })
    }
    components.define('local-path-provisioner', () => createLocalPathProvisioner({ ...managerOptions, random: chance('provisioner', 'local-path'), log: log.named('local-path-provisioner') }))
    components.define(CLOUD_CONTROLLER_MANAGER, () => createCloudControllerManager(CLOUD_CONTROLLER_MANAGER, { ...managerOptions, random: chance('cloud', 'cloud'), log: log.named('cloud-controller-manager') }))
    const scheduler = (host: string) => {
      const api = components.gated(server.as({ name: 'system:kube-scheduler', groups: ['system:authenticated'] }))
      const own = log.named('kube-scheduler')
      const informers = createInformers({ api, clock, log: own })
      const schedulers = (launcher.profiles ?? [{}]).map((profile) => createScheduler({ api, informers, clock, random: chance('scheduler', 'scheduler'), log: own, host, ...profile }))
      countedBy.set(componentOn('kube-scheduler', host), () => mergedFamilies(schedulers.map((each) => each.families())))
      return {
        start() { for (const each of schedulers) each.start() },
        stop() {
          for (const each of schedulers) each.stop()
          informers.stop()
        },
      }
    }
    const leading = (host: string, component: string, eventSource: string, make: () => ComponentPart) => leadingPart({
      component, eventSource, host, make, clock, random: ownRandom(`${component}/${host}`), log: log.named(component), api: components.gated(server.as({ name: `system:${component}`, groups: ['system:authenticated'] }), undefined, host),
      isOneOfSeveral: () => members.isShared, onChange: (listener) => components.onChange(listener), onLost: () => lostLeases.give(componentOn(component, host)),
    })
    defineOn = (host, ip) => {
      components.define(componentOn('etcd', host), () => ({ start: () => { members.start(host, ip) }, stop: () => members.stop(host) }))
      components.define(componentOn('kube-apiserver', host), () => {
        const shared = { api: masters, clock, log: log.named('kube-apiserver'), ip, port: API_PORT, canWrite: () => members.isAvailable }
        return both(identityLease({ ...shared, host, random: ownRandom(`identity/${host}`) }), whenShared(components, members, () => endpointLeases({ etcd, ...shared })))
      })
      components.define(componentOn('kube-controller-manager', host), () => leading(host, 'kube-controller-manager', 'kube-controller-manager', () => manager(host)))
      components.define(componentOn('kube-scheduler', host), () => leading(host, 'kube-scheduler', 'default-scheduler', () => scheduler(host)))
    }
    for (const { name, ip } of controlPlanes()) defineOn(name, ip)
  }
  let defineOn: (host: string, ip: string) => void = () => {}

  /** What `kubeadm init` and `kubeadm join --control-plane` do on a node of the control plane; `wanted` are the files that it writes. */
  const install = async ({ files, spec: { name, ip } }: Computer, wanted: (path: string) => boolean = () => true): Promise<void> => {
    const { pki, admin, serving, proxyClient, founder } = plane
    const isFirst = name === founder.name
    const url = (host: string) => `https://${host}:${API_PORT}`
    const installed = await clock.outside((async () => installedFiles({
      node: { name, ip }, clusterName: topology.name, pki, serverUrl: url(endpoint().name), localServerUrl: url(loadBalancer ? ip : endpoint().name), admin, proxyClient, nowMs: clock.nowMs(),
      serving: isFirst ? serving : await pki.issueServerCertificate(servingNames({ name, ip })), staticPods: kubeadmPods(name), ...(isFirst ? {} : { first: computers.get(founder.name)!.files }),
    }))())
    writeFiles(files, Object.fromEntries(Object.entries(installed).filter(([path]) => wanted(path))))
  }

  /** Another node of a fresh control plane: its etcd becomes a member of the cluster, first as a learner. */
  const joinControlPlane = async (computer: Computer): Promise<void> => {
    const { name, ip } = computer.spec
    computer.switchOn('resumed')
    await install(computer)
    const { id } = plane.members.add([peerUrl(ip)], true)
    computers.begin(computer, 'resumed', join)
    await promote(name, id)
    await labelNodes(plane.shared, plane.masters, [computer.spec])
  }

  const followApiServer = (listener: (isServing: boolean) => void): void => {
    let wasServing: boolean | undefined
    const follow = () => {
      const isServing = components.isRunning('kube-apiserver')
      if (isServing !== wasServing) listener(wasServing = isServing)
    }
    components.onChange(follow)
    follow()
  }

  const plugIn: Cluster['plugIn'] = ({ network: laptops, net }, { apiPort, covers = () => false }) => {
    const hosts = parseCidr(topology.hostCidr)
    const takeRouteAway = laptops.addRoute(net.addresses[0]!, { network, as: laptopAddress(topology), covers: (ip) => (isIPv4(ip) && cidrContains(hosts, parseIPv4(ip))) || covers(ip) })
    let listener: Listener | undefined
    let isPlugged = true
    if (apiPort !== undefined) followEndpoint((isServing) => {
      listener?.close()
      listener = isServing && isPlugged ? net.listenHttp(apiPort, apiHandler, { ip: '127.0.0.1', tls: plane.serving, versions: API_VERSIONS }) : undefined
    })
    return {
      unplug() {
        isPlugged = false
        listener?.close()
        takeRouteAway()
      },
    }
  }

  /** Whether somebody accepts connections at the cluster's endpoint: a load balancer always does. */
  const followEndpoint = (listener: (isServing: boolean) => void): void => loadBalancer ? listener(true) : followApiServer(listener)

  // Several API servers look after the addresses of their Service themselves.
  const reconcile = () => reconcileBootstrap(plane.masters, { pki: plane.pki, ...(plane.members.isShared || (restore && controlPlanes().length > 1) ? {} : { advertiseAddress: plane.founder.ip }), securePort: API_PORT, serviceCidr: topology.serviceCidr })

  /** The control plane gets what it needs before its components begin. */
  const beginPlane = async (): Promise<void> => {
    await reconcile()
    plane.server.start()
    ofPlane.push(plane.policies(), plane.kindnet(), startServiceProxy({ informers: plane.shared, table: network.services, clock }))
    defineComponents()
  }
  const ofPlane: { stop(): void }[] = []
  const endPlane = (): void => {
    for (const part of ofPlane.splice(0).reverse()) part.stop()
    plane.shared.stop()
    plane.server.stop()
  }

  const refuseSecond = (): void => {
    if (isInstalled()) throw new ComputerError(`${plane.founder.name} is a control plane already, and a network has one`)
  }
  const installControlPlane: Cluster['installControlPlane'] = async (machine, { pki, flavour, clusterName, podCidr, serviceCidr, clusterDomain, advertiseAddress, names = [], disabled, isEtcdEmbedded = false }) => {
    const computer = computers.get(machine)
    if (!computer?.isOn) throw new ComputerError(computer ? `${machine} is off` : `there is no computer "${machine}"`)
    refuseSecond()
    etcd.erase()
    const planned: Topology = {
      ...topology, name: clusterName, flavour, podCidr, serviceCidr, clusterDomain, nodes: topology.nodes.map((node) => node.name === machine ? { ...node, controlPlane: true } : node), ...disabled ? { disabled } : {},
      installed: { on: machine, advertiseAddress: advertiseAddress ?? computer.spec.ip, names, networkName: topology.name, ...isEtcdEmbedded ? { isEtcdEmbedded } : {} },
    }
    const made = await makePlane(planned, pki)
    // Until there are keys there is no control plane, for nobody; in the meantime machines may have come and gone, and others may have been quicker.
    refuseSecond()
    if (computers.get(machine) !== computer || !computer.isOn) throw new ComputerError(`${machine} is off`)
    plane = made
    topology = { ...planned, nodes: topology.nodes.map((node) => node.name === machine ? { ...node, controlPlane: true } : node) }
    network.plan(topology)
    computers.settle(plan(topology), membership())
    computers.mark(machine, { controlPlane: true, ...flavour === 'k3s' ? { labels: isEtcdEmbedded ? K3S_ETCD_LABELS : K3S_LABELS } : {} })
    await beginPlane()
    if (flavour !== 'k3s') return
    k3s.start(computer)
    computer.startKubelet()
    await installObjects(computer)
    await k3s.beginAddons(computer, true)
  }

  const removeControlPlane: Cluster['removeControlPlane'] = async () => {
    const { installed } = topology
    if (!installed) throw new ComputerError('there is no control plane that somebody has installed')
    for (const { name } of controlPlanes()) for (const component of COMPONENTS) components.halt(componentOn(component, name))
    k3s.forgetAll()
    endPlane()
    network.services.replace([])
    etcd.erase()
    const { installed: _, disabled: __, ...rest } = topology
    topology = { ...rest, ...blankTopology(installed.networkName, topology.hostCidr), nodes: topology.nodes.map((node) => ({ ...node, controlPlane: false, labels: {} })) }
    network.plan(topology)
    computers.settle(plan(topology), undefined)
    for (const { name } of topology.nodes) computers.mark(name, { controlPlane: false, labels: {} })
  }

  /** What belongs into a fresh cluster once its first node is there: labels, the installer's objects, and add-ons, which come while the control plane is the only node, so that their pods are there. */
  const installObjects = async ({ spec }: Computer): Promise<void> => {
    const { shared, masters, pki } = plane
    await labelNodes(shared, masters, [spec])
    // kubeadm's node gets its network from one of the add-ons.
    if (topology.flavour === 'k3s') await allReady(shared, clock, 1)
    for (const [stage, objects] of installedObjects(topology, endpoint(), pki)) {
      if (stage !== 'control-plane') options.bootInTime?.(stage)
      for (const object of objects) await createUnlessThere(masters, object)
    }
    await addonsReady(shared, clock)
  }

  const boot = async (): Promise<void> => {
    running.push(components, { stop: () => k3s.stopAll() })
    // Nodes look for their images there.
    if (holdsPushedImages(registryDisk)) await pushedImages()
    if (holdsPushedImages(archiveDisk)) await archives()
    // Each further start of an API server brings back what it needs.
    let starts = 0
    followApiServer((isServing) => {
      if (isServing && ++starts > 1) reconcile().catch((error: unknown) => log.error('could not reconcile the bootstrap objects', { error: String(error) }))
    })
    if (!isInstalled()) {
      running.push(computers)
      return startOthers()
    }
    await beginPlane()
    if (loadBalancer) {
      balancer.start()
      running.push(balancer)
    }
    const first = topology.flavour === 'bare' ? undefined : computers.get(plane.founder.name)!
    options.bootInTime?.('configuration')
    if (first && first.spec.power === undefined) {
      first.switchOn('resumed')
      if (topology.flavour === 'kubeadm' && !first.hasBooted && !first.files.exists(KUBELET_KUBECONFIG)) await install(first)
      // Clusters that earlier versions saved lack what kubeadm's command line names.
      else if (restore && first.files.exists(`${PKI}/apiserver.crt`) && !first.files.exists(KUBELET_CLIENT)) await install(first, (path) => path.startsWith(KUBELET_CLIENT.replace(/crt$/, '')))
    }
    options.bootInTime?.('control-plane')
    const further = first ? controlPlanes().slice(1).map(({ name }) => computers.get(name)!) : []
    if (restore) for (const computer of further) if (computer.spec.power === undefined) computer.switchOn('resumed')
    // Components begin before their containers, which stand for them from then on. One whose manifest was taken away stays away.
    if (topology.flavour === 'k3s') {
      for (const computer of [first!, ...further]) startK3s(computer, false)
      plane.members.resume()
    } else for (const component of COMPONENTS) {
      if (!first) components.start(componentOn(component, plane.founder.name))
      else for (const computer of [first, ...further]) if (computer.isOn && await canBegin(computer, component)) components.start(componentOn(component, computer.spec.name))
      if (component === 'etcd') plane.members.resume()
    }
    running.push(computers)
    if (!first) return
    computers.begin(first, 'resumed', join)
    if (restore) for (const computer of further) computers.begin(computer, 'resumed', join)
    else {
      await installObjects(first)
      if (further.length > 0) options.bootInTime?.('control-planes')
      for (const computer of further) await joinControlPlane(computer)
    }
    options.bootInTime?.('workers')
    const server = [first, ...further].find(({ spec }) => k3s.isRunning(spec.name))
    if (server) await k3s.beginAddons(server, !restore)
    const others = startOthers()
    // The nodes of a restored cluster have much to do, which nobody needs to wait for.
    if (restore) return void others.catch((error: unknown) => log.error('could not start the nodes', { error: String(error) }))
    await others
    await allReady(plane.shared, clock, topology.nodes.length)
  }

  return {
    seed, clock, etcd, network, handle, apiAs, installControlPlane, removeControlPlane,
    get pki() { return plane.pki },
    get topology() { return topology },
    get requestTracer() { return plane.server.tracer },
    get adminConnection() { return { ...isInstalled() ? { clientCertificatePem: plane.admin.certificatePem } : {}, remoteAddress: '127.0.0.1' } },
    async start() {
      const booted = boot()
      if (!restore && !options.bootInTime) {
        const endMs = clock.nowMs() + (options.bootMs ?? BOOT_MS)
        let failure: unknown
        booted.catch((error) => { failure = error })
        await clock.until(() => failure !== undefined || clock.nowMs() >= endMs, { withinMs: endMs - clock.nowMs() }).catch(() => {})
      }
      await booted
      standsNow()
    },
    async stop() {
      stopped = true
      await Promise.all(running.reverse().map((part) => part.stop()))
      if (isInstalled()) endPlane()
    },
    adminKubeconfig,
    createLaptop({ root, hostname = OTHER_DISKS.laptop, outside }) {
      const laptopIp = laptopAddress(topology)
      const net = network.addHost(hostname, laptopIp, PUBLISHED_PORTS)
      if (outside) net.outside = (request) => clock.outside(outside(request))
      let listener: Listener | undefined
      followEndpoint((isServing) => {
        listener?.close()
        listener = isServing ? net.listenHttp(API_PORT, apiHandler, { ip: '127.0.0.1', tls: plane.serving, versions: API_VERSIONS }) : undefined
      })
      root.mkdir('/etc', { recursive: true })
      root.writeFile('/etc/hostname', `${hostname}\n`)
      const nodeLine = (node: { name: string; ip: string }) => `${node.ip}\t${node.name}\n`
      root.writeFile('/etc/hosts', `127.0.0.1\tlocalhost\n${laptopIp}\t${hostname}\n${[...topology.nodes, ...(loadBalancer ? [loadBalancer] : [])].map(nodeLine).join('')}`)
      const known = new Set(topology.nodes.map(nodeLine))
      computers.onChange(() => {
        const fresh = topology.nodes.map(nodeLine).filter((line) => !known.has(line))
        for (const line of fresh) known.add(line)
        if (fresh.length > 0) root.writeFile('/etc/hosts', `${root.readText('/etc/hosts').replace(/\n?$/, '\n')}${fresh.join('')}`)
      })
      root.writeFile('/etc/resolv.conf', '# no name server: only what the host can fetch is there of the Internet\n')
      const ownRandom = random.fork(`laptop/${hostname}`)
      const machine = createMachine({ hostname, root, net, clock, random: ownRandom, init: 'kernel' })
      const disk = createMemoryFileSystem({ clock, files: { [DOCKER_ROOT]: { directory: true, mode: 0o710 } } })
      options.onNodeFiles?.(hostname, disk)
      root.mount(DOCKER_ROOT, disk, { subPath: DOCKER_ROOT })
      const docker = once(() => openDockerHost({ disk, machine, net, network: network.addBridge(net, DOCKER_CIDR), registry, pushed: pushedImages, clock, random: ownRandom.fork('docker') }).then((host) => { running.push({ stop: () => host.engine.close() }); return host }))
      if (holdsContainers(disk)) void docker().catch((error: unknown) => log.error('could not take up the containers of the laptop', { error: String(error) }))
      return { machine, docker }
    },
    followApiServer,
    get isServing() { return components.isRunning('kube-apiserver') },
    computers, registry, plugIn,
    async loadImage({ repository, tag }, image, nodes) {
      await (await archives()).push(repository, tag, image)
      for (const node of nodes) computers.get(node)!.loadImage(`${repository}:${tag}`)
    },
    nodeMachine: (nameOrAddress) => computers.machine(nameOrAddress),
    snapshot: () => ({ formatVersion: 1, seed, topology, timeMs: clock.nowMs(), pki: isInstalled() ? plane.pki.snapshot() : undefined, etcd: etcd.snapshot() }),
  }
}

/** What a cluster is but for its machines. */
function plan({ nodes: _, ...rest }: Topology): Omit<Topology, 'nodes'> {
  return rest
}

/** Machines besides the nodes whose disks are kept: the laptop with its Docker, and the registries; and the images that nodes were given as archives. */
export const OTHER_DISKS = { laptop: 'laptop', registries: 'registries', archives: 'archives' }

const DOCKER_ROOT = '/var/lib/docker'
/** Docker's network `bridge`. */
const DOCKER_CIDR = '172.17.0.0/16'

/** Ports of nodes that the learner's machine has as its own, as kind's users map them for an ingress controller. */
const PUBLISHED_PORTS = [80, 443]

/** The command of a static pod's only container. @throws TypeError for what is no such pod */
function commandOf(pod: KubeObject): readonly string[] {
  const [container] = (pod as Pod).spec.containers
  return [...container!.command ?? [], ...container!.args ?? []]
}

/** Two parts of one component. */
function both(first: ComponentPart, second: ComponentPart): ComponentPart {
  return {
    start() {
      first.start()
      second.start()
    },
    async stop() {
      await Promise.all([first.stop(), second.stop()])
    },
  }
}

/** A part that there is only once etcd has several members: until then nobody has to say that it is there. */
function whenShared(components: ControlPlane, members: EtcdMembers, make: () => ComponentPart): ComponentPart {
  let part: ComponentPart | undefined
  const begin = () => {
    if (part || !members.isShared) return
    part = make()
    part.start()
  }
  let stopWatching = () => {}
  return {
    start() {
      stopWatching = components.onChange(begin)
      begin()
    },
    stop() {
      stopWatching()
      return part?.stop()
    },
  }
}

function writeFiles(files: MountableFileSystem, written: NodeFiles): void {
  for (const [path, { text, mode }] of Object.entries(written)) {
    files.mkdir(path.slice(0, path.lastIndexOf('/')), { recursive: true })
    files.writeFile(path, text, { mode })
  }
}
