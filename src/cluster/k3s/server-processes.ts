import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import type { Random } from '../../base/random.ts'
import type { FileSystem, HttpHandler, Listener } from '../../unix/types.ts'
import type { Computer } from '../computers/computer.ts'
import { COMPONENTS, componentOn } from '../control-plane.ts'
import type { ControlPlane } from '../control-plane.ts'
import { CLOUD_CONTROLLER_MANAGER } from '../kubeadm/cloud-controller-manager.ts'
import { kubeconfigText } from '../kubeadm/kubeconfig.ts'
import { startEmbeddedFlannel } from '../network/embedded-flannel.ts'
import type { Network } from '../network/network.ts'
import { serveProxy } from '../network/proxy-servers.ts'
import { API_PORT, API_VERSIONS } from '../plane.ts'
import type { Plane } from '../plane.ts'
import type { Topology } from '../topology.ts'
import { supervised } from './supervisor.ts'

export interface ServerProcessesOptions {
  clock: Clock
  log: Log
  random: () => Random
  components: ControlPlane
  network: Network
  plane: () => Plane
  topology: () => Topology
  computers: () => readonly Computer[]
  /** The API server behind the door of a node. */
  handlerOn(host: string): HttpHandler
  /** Resolves once a cluster that is made anew stands: nobody is to wait for its charts, which a server of k3s installs while it is ready already. */
  stands: Promise<void>
}

/** What stands in the place of each server's process, and is no container. */
interface Running {
  port: Listener | undefined
  podNetwork: { stop(): void }
  /** Resolves once the charts are on the disk, or can't be put there. An agent has none. */
  charts: Promise<void>
}

/** The certificate of a server that joined. */
export const SERVING_CERTIFICATE = '/var/lib/rancher/k3s/server/tls/serving-kube-apiserver.crt'

/** The processes of k3s: each server's is all of the control plane, and every node's is its pod network. No container stands for them. */
export class ServerProcesses {
  readonly #options: ServerProcessesOptions
  readonly #running = new Map<string, Running>()
  /** Where manifests are applied and Services get their addresses. */
  #addons: { host: string; stop(): void } | undefined
  #isStopped = false

  constructor(options: ServerProcessesOptions) {
    this.#options = options
  }

  /** A server's process begins. */
  start(computer: Computer): void {
    const { components, plane, handlerOn, clock } = this.#options
    const { spec: { name }, files } = computer
    if (this.#running.has(name)) return
    for (const component of COMPONENTS) components.start(componentOn(component, name))
    const { pki, masters, serving } = plane()
    const certificatePem = files.exists(SERVING_CERTIFICATE) ? files.readText(SERVING_CERTIFICATE) : serving.certificatePem
    const port = computer.network!.hostStack.listenHttp(API_PORT, supervised(handlerOn(name), { files, pki, api: masters, clock }), { tls: { certificatePem }, versions: API_VERSIONS })
    this.#running.set(name, { port, podNetwork: this.#startPodNetwork(computer), charts: this.#stageCharts(name, files) })
  }

  /** Puts k3s' charts on a server's disk. */
  async #stageCharts(name: string, files: FileSystem): Promise<void> {
    const { clock, log, stands } = this.#options
    await stands
    try {
      const { stageCharts } = await clock.outside(import('./charts/chart-archives.ts'))
      await stageCharts(files, clock, () => this.#running.has(name))
    } catch (error) {
      log.error('could not put the charts on the disk', { error: String(error) })
    }
  }

  /** An agent's process begins. */
  startAgent(computer: Computer): void {
    if (!this.#running.has(computer.spec.name)) this.#running.set(computer.spec.name, { port: undefined, podNetwork: this.#startPodNetwork(computer), charts: Promise.resolve() })
  }

  /** Whether a machine's process runs. */
  isRunning(name: string): boolean {
    return this.#running.has(name)
  }

  /** A machine's process ends; containers run on. */
  stop(name: string): void {
    const { components, computers } = this.#options
    const running = this.#running.get(name)
    if (!running) return
    this.#running.delete(name)
    for (const component of COMPONENTS) components.halt(componentOn(component, name))
    running.port?.close()
    running.podNetwork.stop()
    if (this.#addons?.host !== name) return
    this.#endAddons()
    // One of the others has them from now on.
    const next = computers().find((computer) => computer.spec.controlPlane && this.#running.has(computer.spec.name))
    if (next) void this.beginAddons(next, false)
  }

  stopAll(): void {
    this.#isStopped = true
    this.#endAddons()
    for (const { port, podNetwork } of this.#running.values()) {
      port?.close()
      podNetwork.stop()
    }
    this.#running.clear()
  }

  /** A control plane was taken away: another may come. */
  forgetAll(): void {
    this.stopAll()
    this.#isStopped = false
  }

  /** The cluster has what it needs: its cloud, manifests and charts are looked after, on one server. */
  async beginAddons({ spec: { name }, files }: Computer, isFreshStart: boolean): Promise<void> {
    if (this.#addons) return
    const { clock, log, components, plane, topology, random } = this.#options
    const { serviceCidr, clusterDomain, disabled = [] } = topology()
    const addons = this.#addons = { host: name, stop() {} }
    if (!disabled.includes('servicelb')) components.start(CLOUD_CONTROLLER_MANAGER)
    let startServerControllers
    try {
      ({ startServerControllers } = await clock.outside(import('./server-controllers.ts')))
    } catch (error) {
      log.error('could not load what a k3s server runs', { error: String(error) })
      // The next start of a server tries once more.
      if (this.#addons === addons) this.#endAddons()
      return
    }
    if (this.#isStopped || this.#addons !== addons) return
    const { masters, fetch, shared, admin, pki } = plane()
    const kubeconfig = topology().installed ? undefined : kubeconfigText({ name: 'default', serverUrl: `https://127.0.0.1:${API_PORT}`, caCertificatePem: pki.caCertificatePem, clientCertificatePem: admin.certificatePem, clientKeyPem: admin.keyPem })
    const controllers = startServerControllers({ nodeName: name, files, isFreshStart, kubeconfig, api: components.gated(masters), fetch, informers: shared, clock, random: random(), log: log.named('k3s'), serviceCidr, clusterDomain, apiPort: API_PORT, disabled, charts: this.#running.get(name)?.charts ?? Promise.resolve() })
    addons.stop = () => controllers.stop()
  }

  #endAddons(): void {
    this.#addons?.stop()
    this.#addons = undefined
    this.#options.components.halt(CLOUD_CONTROLLER_MANAGER)
  }

  /** The process is flannel and kube-proxy, too. The rules of the one that ended stay. */
  #startPodNetwork({ spec: { name, ip }, files }: Computer): { stop(): void } {
    const { network, plane, topology, components, log, clock } = this.#options
    const { shared, masters, policies } = plane()
    network.services.thaw(name)
    const flannel = startEmbeddedFlannel({ informers: shared, api: components.gated(masters), log: log.named('flannel'), nodeName: name, nodeIp: ip, files, kernel: network.node(name)!.kernel, podCidr: topology().podCidr, policies: policies() })
    const stopServing = serveProxy({ net: network.node(name)!.hostStack, table: network.services, nodeName: name, clock })
    return {
      stop() {
        stopServing()
        flannel.stop()
        network.services.freeze(name)
      },
    }
  }
}
