import type { Clock, Timer } from '../../base/clock.ts'
import type { HttpRequest } from '../../base/http.ts'
import type { Listener } from '../../unix/types.ts'
import type { Log } from '../../base/log.ts'
import type { Random } from '../../base/random.ts'
import { createMemoryFileSystem } from '../../unix/file-system.ts'
import type { Api } from '../client/api.ts'
import { createEventRecorder } from '../client/event-recorder.ts'
import type { Informer } from '../client/informers.ts'
import { isStatusError } from '../kinds/status-error.ts'
import { timeMs } from '../kinds/time-text.ts'
import type { Node, PersistentVolume, PersistentVolumeClaim, Pod, Service, TokenRequest } from '../kinds/generated/types.ts'
import type { KubeObject } from '../kinds/object.ts'
import type { NodeNetwork } from '../network/types.ts'
import type { ContainerRuntime } from '../runtime/container-runtime.ts'
import { removeLogFiles } from '../runtime/log-files.ts'
import type { VolumeContext } from '../storage/volume.ts'
import { BackOff } from './back-off.ts'
import { expansionReports } from './volume-expansion.ts'
import { CsiVolumes, PODS_FOLDER } from './csi-volumes.ts'
import { DeviceClaims } from './devices/device-claims.ts'
import { DeviceHealth } from './devices/device-health.ts'
import { DraPlugins } from './devices/dra-plugins.ts'
import { PluginWatcher } from './plugin-watcher.ts'
import { ContainerStarter } from './container-starter.ts'
import { ImageManager } from './image-manager.ts'
import { KubeletAccess } from './kubelet-access.ts'
import { KubeletServer } from './kubelet-server.ts'
import { ManifestFolder } from './manifest-folder.ts'
import { NodeAgent } from './node-agent.ts'
import type { DnsSettings } from './dns-config.ts'
import { allocatableOf } from './kubelet-configuration.ts'
import type { KubeletConfiguration } from './kubelet-configuration.ts'
import { NodePressure, isCriticalPod } from './node-pressure.ts'
import type { NodeContext } from './node-context.ts'
import type { NodeConfig, NodeIdentity } from './node-status.ts'
import { ObjectSource } from './object-source.ts'
import { podsToPreempt } from './critical-pods.ts'
import { predicateFailures, refuseResize, rejectPod, rejectUnderPressure, shortageRejection, type Rejection } from './pod-admission.ts'
import { podQosClass } from '../kinds/core/pod-qos.ts'
import { hasStorageLimits, storageExcess } from './local-storage.ts'
import { isMirrorPod, isStaticPod, isTerminalPhase, podReference } from './pod-spec.ts'
import { PodWorker } from './pod-worker.ts'
import { KubeletCounters } from './kubelet-counters.ts'
import { ProbeManager } from './probes.ts'
import { PullSecrets } from './pull-secrets.ts'
import { Reflector } from './reflector.ts'
import { mirrorPod, podFullName } from './static-pods.ts'
import { StatusManager } from './status-manager.ts'
import { VolumeManager } from './volume-manager.ts'

// @k8s part: Eviction: by a pod's local storage, and by evictionHard of memory and the node's disk (0 % in the kubelets' configuration, as kind has them); soft thresholds, inodes and processes are missing, and images aren't collected

export interface KubeletOptions {
  nodeName: string
  /** As the node's own user, `system:node:<name>`. */
  api: Api
  clock: Clock
  random: Random
  log: Log
  runtime: ContainerRuntime
  network: NodeNetwork
  node: NodeConfig
  clusterDns: string | readonly string[]
  clusterDomain: string
  /** Kernel parameters that pods may set besides those that are safe (`--allowed-unsafe-sysctls`). */
  allowedUnsafeSysctls?: readonly string[]
  /** The node's folder with manifests of static pods. k8s: staticPodPath */
  staticPodPath?: string
  /** Services that all kubelets of this process can share; a watch of its own by default. */
  services?: Informer<Service>
  /** Facts of the machine; made up by default. */
  identity?: NodeIdentity
  /** The machine was switched on before this kubelet began: no container runs. Tells what the disk knows of pods that had run. */
  coldBoot?: { lastKnown(namespace: string, name: string): Pod | undefined }
  /** Opens port 10250 of the node to whoever the API server allows; without it only {@link Kubelet.handle} leads there. */
  serving?: { certificatePem(): Promise<string>; keyPem(): Promise<string>; clientCaPem: string }
}

/** The agent of one node. */
export interface Kubelet {
  /** Takes what its configuration says, for its next start. */
  configure(configuration: KubeletConfiguration): void
  start(): void
  /** Ends it and, as nobody looks after them any more, the node's containers. */
  stop(): Promise<void>
  /** What ending the kubelet's process does: containers run on, and nobody looks after them or reports. */
  suspend(): void
  /** What starting it again does. */
  resume(): void
  /** Before the machine ends: ends pods in the time that the configuration gives them for it. */
  shutDownPods(): Promise<void>
  /** The kubelet's server on port 10250. */
  handle(request: HttpRequest): Promise<Response>
}

const KUBELET_PORT = 10250
/** Where volumes of pods are, by their uids. */
const HEALTHZ_PORT = 10248
const connectionRefused = (ip: string) => new Error(`dial tcp ${ip}:${KUBELET_PORT}: connect: connection refused`)
/** k8s: pkg/kubelet containerBackOff */
const CRASH_BACKOFF_MS = 10_000
const CRASH_BACKOFF_MAX_MS = 300_000
/** A changed ConfigMap or Secret is noticed at the pod's next regular look. k8s: syncFrequency */
const SYNC_MS = 60_000
/** How often is looked whether pods have ended before the machine does. */
const SHUTDOWN_POLL_MS = 200
/** k8s: evictionMonitoringPeriod */
const EVICTION_MS = 10_000

export function createKubelet(options: KubeletOptions): Kubelet {
  return new NodeKubelet(options)
}

class NodeKubelet implements Kubelet {
  readonly #options: KubeletOptions
  readonly #node: NodeContext
  readonly #starter: ContainerStarter
  readonly #agent: NodeAgent
  readonly #server: KubeletServer
  readonly #csi: CsiVolumes
  readonly #drivers: DraPlugins
  readonly #plugins: PluginWatcher
  readonly #listeners: Listener[] = []
  readonly #workers = new Map<string, PodWorker>()
  /** Pods of the API by uid, mirrors included. */
  readonly #apiPods = new Map<string, Pod>()
  readonly #mirrors = new Map<string, Pod>()
  readonly #mirrorsInWork = new Set<string>()
  /** Static pods by uid. */
  readonly #static = new Map<string, Pod>()
  #manifests: ManifestFolder | undefined
  #allocatable: Readonly<Record<string, string>>
  #capacity: Readonly<Record<string, string>>
  #dns: DnsSettings
  #configuration: KubeletConfiguration | undefined
  readonly #pressure: NodePressure
  /** The machine is about to end. */
  #isShuttingDown = false
  #staticPodPath: string | undefined
  /** Static pods run from the first answer about mirrors on, or from when it is clear that there is none. */
  #startsStatic = false
  #suspended = false
  readonly #rejected = new Set<string>()
  readonly #reflectors: Reflector<KubeObject>[] = []
  readonly #servicesByUid = new Map<string, Service>()
  #markServices!: () => void
  readonly #servicesSynced: Promise<void>
  #podsSynced = false
  #stopped = false
  #unsubscribe: (() => void) | undefined
  #evictionTimer: Timer | undefined

  constructor(options: KubeletOptions) {
    this.#options = options
    const { api, clock, random, log, runtime, network, nodeName } = options
    const { nodeFiles } = runtime
    const hostIps = options.node.addresses.filter((a) => a.type === 'InternalIP').map((a) => a.address)
    this.#capacity = options.node.capacity
    this.#allocatable = options.node.allocatable ?? options.node.capacity
    this.#dns = { clusterDns: typeof options.clusterDns === 'string' ? [options.clusterDns] : options.clusterDns, clusterDomain: options.clusterDomain, host: { servers: [], searches: [], options: [] } }
    const events = createEventRecorder({ api, clock, log, component: 'kubelet', host: nodeName })
    this.#followManifests(options.staticPodPath)
    const isSuspended = () => this.#suspended
    this.#servicesSynced = new Promise((resolve) => { this.#markServices = resolve })
    const objects = new ObjectSource(api, clock, (uids) => { for (const uid of uids) this.#workers.get(uid)?.kickAfter(random.float() * SYNC_MS) })
    const counters = new KubeletCounters()
    const statuses = new StatusManager({
      api, clock, log, onChange: (before, after) => counters.statusChanged(before, after),
      apiPod: (pod) => isStaticPod(pod) ? this.#mirrors.get(podFullName(pod)) : this.#apiPods.get(pod.metadata.uid!),
      isSuspended,
      couldHaveRunningContainers: (uid) => this.#workers.get(uid)?.couldHaveRunningContainers ?? false,
    })
    const createFileSystem = (o: { maxBytes?: number } = {}) => createMemoryFileSystem({ clock, ...(o.maxBytes !== undefined ? { sizeLimitBytes: o.maxBytes } : {}) })
    const imageManager = new ImageManager(runtime.images, clock, events, new PullSecrets(objects, events))
    this.#csi = new CsiVolumes({ nodeName, api, clock, log, files: nodeFiles, events, onNode: (node) => this.#agent.adopt(node), onUse: () => this.#agent.refresh() })
    const health = new DeviceHealth({ clock, log, files: nodeFiles })
    this.#drivers = new DraPlugins({
      nodeName, api, clock, log, files: nodeFiles,
      onHealth: (driver, reported) => {
        if (reported) for (const uid of devices.podsWith(driver, health.update(driver, reported))) this.#workers.get(uid)?.kick()
        else health.clear(driver)
      },
    })
    this.#plugins = new PluginWatcher({ files: nodeFiles, clock, log, handlers: { CSIPlugin: this.#csi.plugins, DRAPlugin: this.#drivers } })
    const devices: DeviceClaims = new DeviceClaims({ api, clock, log, files: nodeFiles, plugins: this.#drivers, health, isActive: (uid) => this.#workers.get(uid)?.isFinished === false })
    const expansion = expansionReports({ api, events, clock })
    const volumes: VolumeManager = new VolumeManager({ clock, events, onUnmounted: (uid) => this.#csi.forget(uid), context: (pod): VolumeContext => ({
      csi: this.#csi.context, stopped: volumes.stopped, isMountedElsewhere: (name, uid) => volumes.isMountedElsewhere(name, uid),
      newUuid: () => random.uuid(), expansion,
      clock, nodeFiles, nodeName, net: network.hostStack, node: () => this.#agent.node, hostIps, nodeAllocatable: this.#allocatable, createFileSystem,
      podIps: () => pod.spec.hostNetwork ? hostIps : runtime.podSandbox(pod.metadata.uid!)?.ips ?? [],
      objects: {
        configMap: (namespace, name) => objects.configMap(pod.metadata.uid!, namespace, name),
        secret: (namespace, name) => objects.secret(pod.metadata.uid!, namespace, name),
        claim: (namespace, name) => api.get<PersistentVolumeClaim>('persistentvolumeclaims', name, namespace),
        persistentVolume: (name) => api.get<PersistentVolume>('persistentvolumes', name),
        token: async (p, audience, expirationSeconds) => {
          const { name, namespace, uid } = p.metadata
          const answer = await api.createSubresource<TokenRequest & { status: { token: string; expirationTimestamp: string } }>('serviceaccounts', p.spec.serviceAccountName || 'default', namespace, 'token', {
            apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', metadata: {},
            spec: { audiences: audience ? [audience] : [], expirationSeconds, boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid } },
          })
          return { token: answer.status.token, expirationMs: timeMs(answer.status.expirationTimestamp) }
        },
      },
      imageRoot: async (reference, pullPolicy) => {
        await imageManager.ensure(pod, podReference(pod), reference, pullPolicy)
        return runtime.imageRoot(reference)!
      },
    }) })
    const probes = new ProbeManager({ clock, runtime, hostStack: network.hostStack, events, statuses, isSuspended, onChange: (uid) => this.#workers.get(uid)?.kick() })
    const own = { capacity: () => this.#capacity, allocatable: () => this.#allocatable, dns: () => this.#dns }
    this.#node = {
      get capacity() { return own.capacity() },
      get allocatable() { return own.allocatable() },
      get dns() { return own.dns() },
      nodeName, hostIps, api, clock, random, log, runtime, nodeFiles, images: runtime.images, network, events, statuses, probes, volumes, objects, devices, imageManager, counters,
      crashLoop: new BackOff(CRASH_BACKOFF_MS, CRASH_BACKOFF_MAX_MS), createFileSystem,
      services: () => options.services ? options.services.list() : [...this.#servicesByUid.values()],
      servicesReady: () => options.services ? options.services.synced() : this.#servicesSynced,
      reconcileMirror: (pod) => { void this.#reconcileMirror(pod) },
      refuseResize: (pod) => refuseResize(pod, this.#allocatable, this.#active().filter((w) => w.pod.metadata.uid !== pod.metadata.uid).map((w) => w.allotted)),
      isSuspended, isColdBoot: options.coldBoot !== undefined,
      onFinished: (uid) => this.#onFinished(uid),
    }
    this.#pressure = new NodePressure({
      nodeName, clock, events, capacity: options.node.capacity, imageBytes: () => runtime.images.listImages().reduce((sum, { sizeBytes }) => sum + sizeBytes, 0), onChange: () => this.#agent.refresh(),
      pods: () => this.#active().filter((worker) => !worker.isTerminating).map((worker) => ({
        pod: worker.pod, stats: runtime.listContainers(worker.pod.metadata.uid!).flatMap((c) => runtime.stats(c.id) ?? []),
        evict(message) {
          events.event(podReference(worker.pod), 'Warning', 'Evicted', message)
          worker.evict({ reason: 'Evicted', message, graceSeconds: 1, condition: { reason: 'TerminationByKubelet', message } })
        },
      })),
    })
    this.#starter = new ContainerStarter(this.#node)
    this.#agent = new NodeAgent({ runtime, nodeName, api, clock, random, log, events, images: runtime.images, network, config: options.node, identity: options.identity, isColdBoot: options.coldBoot !== undefined, pressure: () => ({ memory: this.#pressure.memory, disk: this.#pressure.disk }), unready: () => this.#isShuttingDown ? 'node is shutting down' : undefined, volumesInUse: () => this.#csi.inUse(), onRegistered: () => {
      this.#drivers.start()
      void this.#csi.initialize().catch((error: unknown) => log.warn('failed to initialize CSINode', { error: String(error) }))
    }, onNode: () => {
      for (const uid of this.#static.keys()) this.#workers.get(uid)?.kick()
    } })
    this.#server = new KubeletServer({
      node: this.#node,
      pod: (namespace, name) => this.#pods().find((p) => p.metadata.namespace === namespace && p.metadata.name === name),
      pods: () => this.#pods(),
    })
  }

  configure(configuration: KubeletConfiguration): void {
    this.#configuration = configuration
    const { node } = this.#options
    this.#capacity = { ...node.capacity, pods: String(configuration.maxPods) }
    this.#allocatable = allocatableOf(this.#capacity, configuration)
    this.#agent.configure({ ...node, capacity: this.#capacity, allocatable: this.#allocatable })
    this.#dns = { ...this.#dns, clusterDns: configuration.clusterDns, clusterDomain: configuration.clusterDomain }
    if (configuration.staticPodPath !== this.#staticPodPath) this.#followManifests(configuration.staticPodPath)
  }

  #startPlugins(): void {
    this.#plugins.start()
    this.#node.devices.start()
  }

  #stopPlugins(): void {
    this.#plugins.stop()
    this.#drivers.stop()
    this.#csi.stop()
    this.#node.devices.stop()
  }

  #followManifests(path: string | undefined): void {
    this.#manifests?.stop()
    this.#staticPodPath = path
    const { runtime, nodeName, clock, log } = this.#options
    this.#manifests = path === undefined || path === '' ? undefined : new ManifestFolder({ files: runtime.nodeFiles, path, nodeName, clock, log, onPods: (pods) => this.#onManifests(pods) })
  }

  start(): void {
    const { api, clock, log, nodeName, runtime } = this.#options
    if (this.#configuration) this.#pressure.start(this.#configuration)
    log.info('Starting kubelet main sync loop')
    this.#unsubscribe = runtime.onEvent((event) => { if (event.type === 'stopped') this.#workers.get(event.podUid)?.kick() })
    this.#manifests?.start()
    this.#startPlugins()
    this.#agent.start()
    this.#listen()
    if (!this.#options.services) {
      const services = new Reflector<Service>({
        api, clock, log, resource: 'services', select: {}, onChange: (s) => { this.#servicesByUid.set(s.metadata.uid!, s) }, onDelete: (s) => { this.#servicesByUid.delete(s.metadata.uid!) },
        onSynced: () => this.#markServices(),
      })
      this.#reflectors.push(services as unknown as Reflector<KubeObject>)
    }
    this.#reflectors.push(new Reflector<Pod>({
      api, clock, log, resource: 'pods', select: { fieldSelector: `spec.nodeName=${nodeName}` },
      onChange: (pod) => this.#onPod(pod), onDelete: (pod) => this.#onPodGone(pod),
      onSynced: () => {
        if (this.#podsSynced) return
        this.#podsSynced = true
        this.#removeOrphans()
        // Those that have run already, while there was no API, have mirrors that don't know it yet.
        for (const uid of this.#static.keys()) this.#node.statuses.refresh(uid)
        this.#startStatic()
      },
      onFailed: () => this.#startStatic(),
    }) as unknown as Reflector<KubeObject>)
    this.#reflectors.push(new Reflector<Node>({
      api, clock, log, resource: 'nodes', select: { fieldSelector: `metadata.name=${nodeName}` }, onChange: (node) => this.#agent.adopt(node), onDelete: () => {},
    }) as unknown as Reflector<KubeObject>)
    for (const reflector of this.#reflectors) reflector.start()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#manifests?.stop()
    for (const listener of this.#listeners) listener.close()
    this.#pressure.stop()
    this.#unsubscribe?.()
    this.#evictionTimer?.cancel()
    for (const reflector of this.#reflectors) reflector.stop()
    this.#agent.stop()
    this.#stopPlugins()
    this.#node.volumes.stop()
    this.#node.probes.stop()
    this.#node.statuses.stop()
    this.#node.objects.stop()
    for (const worker of this.#workers.values()) worker.stop()
    await this.#options.runtime.shutdown()
  }

  suspend(): void {
    if (this.#suspended) return
    this.#suspended = true
    this.#manifests?.stop()
    for (const listener of this.#listeners.splice(0)) listener.close()
    for (const reflector of this.#reflectors) reflector.stop()
    this.#pressure.stop()
    this.#agent.stop()
    this.#stopPlugins()
  }

  resume(): void {
    if (!this.#suspended || this.#stopped) return
    this.#suspended = false
    this.#options.log.info('Starting kubelet main sync loop')
    if (this.#configuration) this.#pressure.start(this.#configuration)
    this.#startPlugins()
    // Without a folder there are no static pods.
    if (this.#manifests) this.#manifests.start()
    else this.#onManifests([])
    this.#agent.start()
    this.#listen()
    for (const reflector of this.#reflectors) reflector.start()
    this.#node.statuses.resume()
    for (const worker of this.#workers.values()) worker.kick()
  }

  // k8s: pkg/kubelet/nodeshutdown
  async shutDownPods(): Promise<void> {
    const { shutdownMs = 0, shutdownCriticalMs = 0 } = this.#configuration ?? {}
    if (shutdownMs === 0 || this.#suspended) return
    this.#isShuttingDown = true
    this.#agent.refresh()
    const { clock, log } = this.#node
    const message = 'Pod was terminated in response to imminent node shutdown.'
    for (const [isCritical, ms] of [[false, shutdownMs - shutdownCriticalMs], [true, shutdownCriticalMs]] as const) {
      const workers = this.#active().filter((worker) => isCriticalPod(worker.pod) === isCritical)
      log.info('Shutdown manager killing pods', { critical: isCritical, pods: workers.length })
      for (const worker of workers) worker.evict({ reason: 'Terminated', message, graceSeconds: Math.min(ms / 1000, worker.pod.spec.terminationGracePeriodSeconds ?? 30), condition: { reason: 'TerminationByKubelet', message } })
      const endMs = clock.nowMs() + ms
      while (workers.some((worker) => !worker.isFinished) && clock.nowMs() < endMs) await clock.sleep(SHUTDOWN_POLL_MS)
    }
    // What was reported has to get out before the network goes.
    await clock.sleep(SHUTDOWN_POLL_MS)
  }

  /** k8s: ListenAndServeKubeletServer, and its health on the loopback address */
  #listen(): void {
    const { serving, network, nodeName, api, clock } = this.#options
    if (!serving) return
    const { allowsAnonymous = false, allowsAll = false, readOnlyPort = 0 } = this.#configuration ?? {}
    const access = new KubeletAccess({ nodeName, api, clock, clientCaPem: serving.clientCaPem, allowsAnonymous, allowsAll })
    // What others may look at without being asked who they are. k8s: ListenAndServeKubeletReadOnlyServer
    const isReadOnly = ({ method, url }: HttpRequest) => method === 'GET' && /^\/(?:pods|metrics|stats|spec|healthz)\b/.test(new URL(url).pathname)
    if (readOnlyPort > 0) this.#listeners.push(network.hostStack.listenHttp(readOnlyPort, (request) => isReadOnly(request) ? this.#server.handle(request) : new Response('404 page not found\n', { status: 404 })))
    this.#listeners.push(
      network.hostStack.listenHttp(KUBELET_PORT, async (request, peer) => await access.refusal(request, peer) ?? this.#server.handle(request), { tls: { certificatePem: serving.certificatePem, keyPem: serving.keyPem } }),
      network.hostStack.listenHttp(HEALTHZ_PORT, (request) => new URL(request.url).pathname.startsWith('/healthz') ? new Response('ok') : new Response('404 page not found\n', { status: 404 }), { ip: '127.0.0.1' }),
    )
  }

  async handle(request: HttpRequest): Promise<Response> {
    if (this.#suspended) throw connectionRefused(this.#node.hostIps[0] ?? this.#options.nodeName)
    return this.#server.handle(request)
  }

  /** Pods as this node knows them, static ones included. */
  #pods(): Pod[] {
    return [...this.#static.values(), ...[...this.#apiPods.values()].filter((p) => !isMirrorPod(p))]
  }

  #onPod(pod: Pod): void {
    const uid = pod.metadata.uid!
    const known = this.#apiPods.has(uid)
    this.#apiPods.set(uid, pod)
    if (isMirrorPod(pod)) {
      this.#mirrors.set(podFullName(pod), pod)
      const own = this.#staticByName(podFullName(pod))
      if (!own) void this.#deleteMirror(pod)
      else if (this.#podsSynced) {
        void this.#reconcileMirror(own)
        this.#node.statuses.refresh(own.metadata.uid!)
      }
      return
    }
    const worker = this.#workers.get(uid)
    if (worker) {
      if (pod.metadata.resourceVersion === worker.pod.metadata.resourceVersion) return
      if (onlyStatusChanged(worker.pod, pod)) {
        // Mostly this kubelet's own write coming back.
        const changed = conditionsOfOthers(worker.pod) !== conditionsOfOthers(pod)
        worker.pod = pod
        if (changed) worker.kick()
      } else worker.update(pod)
      this.#node.statuses.apiChanged(pod)
      return
    }
    if (this.#rejected.has(uid) && !pod.metadata.deletionTimestamp) return
    if (!known && !this.#admit(pod)) return
    this.#startWorker(pod, this.#podsSynced ? undefined : pod.status)
  }

  #onPodGone(pod: Pod): void {
    const uid = pod.metadata.uid!
    this.#apiPods.delete(uid)
    this.#rejected.delete(uid)
    if (isMirrorPod(pod)) {
      if (this.#mirrors.get(podFullName(pod))?.metadata.uid === uid) this.#mirrors.delete(podFullName(pod))
      const own = this.#staticByName(podFullName(pod))
      if (own && !this.#stopped) void this.#reconcileMirror(own)
      return
    }
    const worker = this.#workers.get(uid)
    if (!worker) {
      this.#node.statuses.forget(uid)
      return
    }
    if (worker.isFinished) this.#forget(uid)
    else worker.remove()
  }

  /** Workers of pods that take up resources. */
  #active(): PodWorker[] {
    return [...this.#workers.values()].filter((w) => !w.isFinished && !isTerminalPhase(w.pod.status?.phase))
  }

  /** Those of pods that are still the node's: what a pod holds that is gone from the API, but not yet ended, keeps no other one away. */
  #assigned(): PodWorker[] {
    return this.#active().filter(({ pod }) => this.#apiPods.has(pod.metadata.uid!) || this.#static.has(pod.metadata.uid!))
  }

  /** k8s: kubelet HandlePodAdditions, canAdmitPod */
  #admit(pod: Pod): boolean {
    const phase = pod.status?.phase
    if (isTerminalPhase(phase) || pod.metadata.deletionTimestamp || pod.status?.containerStatuses?.some((s) => s.containerID)) return true
    const node = this.#agent.node
    if (!node) return true
    const rejection = rejectUnderPressure(pod, this.#pressure) ?? rejectPod(pod, this.#options.allowedUnsafeSysctls) ?? this.#makeRoom(pod, node) ?? (this.#isShuttingDown ? { reason: 'NodeShutdown', message: 'Pod was rejected as the node is shutting down.' } : undefined)
    if (!rejection) return true
    this.#rejected.add(pod.metadata.uid!)
    this.#node.events.event(podReference(pod), 'Warning', rejection.reason, rejection.message)
    this.#node.statuses.set(pod, { phase: 'Failed', reason: rejection.reason, message: `Pod was rejected: ${rejection.message}`, qosClass: podQosClass(pod.spec), ...(pod.metadata.generation ? { observedGeneration: pod.metadata.generation } : {}) })
    return false
  }

  /** Why a node has no place for a pod; for a critical one it is made. k8s: pkg/kubelet/preemption HandleAdmissionFailure */
  #makeRoom(pod: Pod, node: Node): Rejection | undefined {
    const workers = this.#assigned()
    const pods = workers.map((worker) => worker.allotted)
    const { shortages, others } = predicateFailures(pod, node, this.#node.allocatable, pods)
    if (!isCriticalPod(pod) || shortages.length === 0 || others.length > 0) return !isCriticalPod(pod) && shortages[0] ? shortageRejection(shortages[0]) : others[0]
    const victims = podsToPreempt(pod, pods, shortages)
    if (typeof victims === 'string') return { reason: 'UnexpectedAdmissionError', message: `Unexpected error while attempting to recover from admission failure: ${victims}` }
    const reason = 'Preempting'
    const message = 'Preempted in order to admit critical pod'
    for (const victim of victims) {
      this.#node.events.event(podReference(victim), 'Warning', reason, message)
      workers.find((worker) => worker.pod.metadata.uid === victim.metadata.uid)?.evict({ reason, message, condition: { reason: 'TerminationByKubelet', message: 'Pod was preempted by Kubelet to accommodate a critical pod.' } })
    }
    return undefined
  }

  #staticByName(fullName: string): Pod | undefined {
    for (const pod of this.#static.values()) if (podFullName(pod) === fullName) return pod
    return undefined
  }

  /** What the folder of manifests holds now. k8s: pkg/kubelet HandlePodAdditions, HandlePodRemoves of the file source */
  #onManifests(pods: readonly Pod[]): void {
    const uids = new Set(pods.map((pod) => pod.metadata.uid!))
    for (const [uid, pod] of this.#static) {
      if (uids.has(uid)) continue
      this.#static.delete(uid)
      this.#workers.get(uid)?.remove()
      const mirror = this.#mirrors.get(podFullName(pod))
      if (mirror) void this.#deleteMirror(mirror)
    }
    for (const pod of pods) if (!this.#static.has(pod.metadata.uid!)) this.#static.set(pod.metadata.uid!, pod)
    if (this.#startsStatic) this.#startStatic()
  }

  /** Starts static pods that don't run yet. One whose predecessor of the same name still ends waits for that. k8s: pod_workers.go allowStaticPodStart */
  #startStatic(): void {
    this.#startsStatic = true
    for (const [uid, pod] of this.#static) {
      const isNameTaken = [...this.#workers.values()].some((w) => !w.isFinished && isStaticPod(w.pod) && podFullName(w.pod) === podFullName(pod))
      if (isNameTaken || this.#workers.has(uid)) continue
      const mirror = this.#mirrors.get(podFullName(pod)) ?? this.#options.coldBoot?.lastKnown(pod.metadata.namespace!, pod.metadata.name!)
      this.#startWorker(pod, mirror?.metadata.annotations?.['kubernetes.io/config.mirror'] === uid ? mirror.status : undefined)
    }
  }

  /** `status`: of a pod that ran before this kubelet did. */
  #startWorker(pod: Pod, status: Pod['status'] | undefined): void {
    const uid = pod.metadata.uid!
    const known = status !== undefined && (isTerminalPhase(status.phase) || [...status.containerStatuses ?? [], ...status.initContainerStatuses ?? []].some((s) => s.containerID || s.lastState?.terminated)
      || status.conditions?.some((c) => c.type === 'PodReadyToStartContainers' && c.status === 'True'))
    if (hasStorageLimits(pod)) this.#watchStorage()
    const worker = new PodWorker(this.#node, this.#starter, known && status ? { ...pod, status } : pod)
    this.#workers.set(uid, worker)
    if (known) void worker.restore()
    else worker.kick()
  }

  /** Looks at local storage as long as there are pods with limits. k8s: pkg/kubelet/eviction localStorageEviction */
  #watchStorage(): void {
    if (this.#evictionTimer || this.#stopped) return
    const { clock, runtime, volumes, events } = this.#node
    this.#evictionTimer = clock.after(EVICTION_MS, () => {
      this.#evictionTimer = undefined
      if (this.#suspended) return this.#watchStorage()
      for (const worker of this.#active()) {
        const { pod } = worker
        if (worker.isTerminating || !hasStorageLimits(pod)) continue
        this.#watchStorage()
        const message = storageExcess(pod, volumes.mounted(pod.metadata.uid!), runtime.listContainers(pod.metadata.uid!).flatMap((c) => runtime.stats(c.id) ?? []))
        if (message === undefined) continue
        events.event(podReference(pod), 'Warning', 'Evicted', message)
        worker.evict({ reason: 'Evicted', message, graceSeconds: 1, condition: { reason: 'TerminationByKubelet', message } })
      }
    })
  }

  /** What pods left on the disk that went while this kubelet didn't run. k8s: kubelet cleanupOrphanedPodDirs, kuberuntime evictPodLogsDirectories */
  #removeOrphans(): void {
    const { nodeFiles } = this.#options.runtime
    const known = new Set(this.#pods().map((pod) => pod.metadata.uid!))
    const each = (folder: string, uidOf: (name: string) => string, remove: (path: string) => void) => {
      if (nodeFiles.exists(folder)) for (const name of nodeFiles.readdir(folder)) if (!known.has(uidOf(name))) remove(`${folder}/${name}`)
    }
    each('/var/log/pods', (name) => name.slice(name.lastIndexOf('_') + 1), (path) => removeLogFiles(nodeFiles, path))
    each(PODS_FOLDER, (name) => name, (path) => nodeFiles.remove(path, { recursive: true, force: true }))
  }

  #onFinished(uid: string): void {
    // Volumes on disk that were there before this kubelet aren't mounted any more if their pod didn't start again.
    this.#options.runtime.nodeFiles.remove(`${PODS_FOLDER}/${uid}`, { recursive: true, force: true })
    for (const worker of this.#workers.values()) if (worker.waitsForResources) worker.kick()
    // A manifest that was taken away and put back meanwhile is started anew.
    if (!this.#apiPods.has(uid) && (!this.#static.has(uid) || this.#workers.get(uid)?.isOrphaned)) this.#forget(uid)
    if (this.#startsStatic) this.#startStatic()
  }

  #forget(uid: string): void {
    const { runtime, statuses } = this.#node
    this.#workers.delete(uid)
    this.#starter.forget(uid, runtime.listContainers(uid))
    const sandbox = runtime.podSandbox(uid)
    if (sandbox) runtime.removePodSandbox(sandbox.id)
    statuses.forget(uid)
  }

  // k8s: kubelet tryReconcileMirrorPods
  async #reconcileMirror(pod: Pod): Promise<void> {
    const name = podFullName(pod)
    const node = this.#agent.node
    if (!node || this.#mirrorsInWork.has(name) || this.#stopped || this.#suspended || !this.#static.has(pod.metadata.uid!)) return
    const mirror = this.#mirrors.get(name)
    const hash = pod.metadata.annotations!['kubernetes.io/config.hash']
    if (mirror && !mirror.metadata.deletionTimestamp && mirror.metadata.annotations?.['kubernetes.io/config.mirror'] === hash) return
    this.#mirrorsInWork.add(name)
    let wasMissed = false
    try {
      if (mirror) {
        await this.#deleteMirror(mirror)
        // It may have been seen to go while nobody listened.
        wasMissed = !this.#mirrors.has(name)
        return
      }
      const created = await this.#node.api.create<Pod>('pods', mirrorPod(pod, node))
      if (!this.#mirrors.has(name)) {
        this.#mirrors.set(name, created)
        this.#apiPods.set(created.metadata.uid!, created)
      }
      this.#node.statuses.refresh(pod.metadata.uid!)
    } catch (error) {
      if (!isStatusError(error, 'AlreadyExists') && !this.#stopped) {
        this.#node.log.warn('failed to create a mirror pod', { pod: name, error: String(error) })
        this.#workers.get(pod.metadata.uid!)?.kickAfter(1_000)
      }
    } finally {
      this.#mirrorsInWork.delete(name)
      if (wasMissed) void this.#reconcileMirror(pod)
    }
  }

  async #deleteMirror(mirror: Pod): Promise<void> {
    if (this.#suspended) return
    const { name, namespace, uid } = mirror.metadata
    await this.#node.api.delete('pods', name!, namespace, { gracePeriodSeconds: 0, preconditions: { uid: uid! } }).catch((error: unknown) => {
      if (!isStatusError(error, 'NotFound', 'Conflict')) this.#node.log.warn('failed to delete a mirror pod', { pod: name, error: String(error) })
    })
  }
}

/** Objects share what didn't change, so identity tells. */
function onlyStatusChanged(old: Pod, fresh: Pod): boolean {
  const { metadata: a } = old
  const { metadata: b } = fresh
  return a.generation === b.generation && a.deletionTimestamp === b.deletionTimestamp && a.deletionGracePeriodSeconds === b.deletionGracePeriodSeconds
    && sameMap(a.labels, b.labels) && sameMap(a.annotations, b.annotations) && old.spec.activeDeadlineSeconds === fresh.spec.activeDeadlineSeconds
}

function sameMap(a: Readonly<Record<string, string>> | undefined, b: Readonly<Record<string, string>> | undefined): boolean {
  if (a === b) return true
  const keys = Object.keys(a ?? {})
  return keys.length === Object.keys(b ?? {}).length && keys.every((key) => a![key] === b?.[key])
}

const OWN = new Set(['PodScheduled', 'Ready', 'Initialized', 'ContainersReady', 'PodReadyToStartContainers'])
function conditionsOfOthers(pod: Pod): string {
  return (pod.status?.conditions ?? []).filter((c) => !OWN.has(c.type)).map((c) => `${c.type}=${c.status}`).join()
}
