import type { Clock } from '../../../base/clock.ts'
import type { FileSystem, NetStack } from '../../../unix/types.ts'
import type { NodeKernel } from '../node-kernel.ts'
import type { PodNetworkRequest } from '../types.ts'
import { CniFolder, NOT_INITIALIZED } from './cni-folder.ts'
import { calico } from './calico-plugin.ts'
import { flannel } from './flannel-plugin.ts'
import { bridge, podLinks, ptp } from './interface-plugins.ts'
import type { CniPlugin, PluginContext, PluginResult } from './plugin.ts'

/** Where a node's container runtime looks for configurations and plugins. */
export interface CniPaths {
  configurations: string
  programs: string
  /** What the runtime says while there is no configuration. */
  networkMissing?: string
}

/** containerd's own. */
export const CNI_PATHS: CniPaths = { configurations: '/etc/cni/net.d', programs: '/opt/cni/bin' }

/** Programs of the package kubernetes-cni, which kubeadm's nodes have. differs: kind's nodes have four of them, without bridge */
export const REFERENCE_PLUGINS = ['bandwidth', 'bridge', 'dhcp', 'dummy', 'firewall', 'host-device', 'host-local', 'ipvlan', 'loopback', 'macvlan', 'portmap', 'ptp', 'sbr', 'static', 'tap', 'tuning', 'vlan', 'vrf']

/** What stands for a program's bytes in its file. */
export const PLUGIN_BYTES = new Uint8Array([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0])

/** Plugins that make a pod's interface. */
const MAKERS: Readonly<Record<string, CniPlugin>> = { ptp, bridge, flannel, calico }
/** Plugins that add to one. Only portmap has an effect here. */
const ADDITIONS: ReadonlySet<string> = new Set(['portmap', 'bandwidth', 'tuning', 'firewall', 'sbr'])

export interface NodeCniOptions {
  nodeName: string
  nodeIp: string
  files: () => FileSystem
  paths: CniPaths
  kernel: NodeKernel
  hostStack: () => NetStack
  clock: Clock
  allocate(range: string): string
}

/** What the plugins of a node made of a pod's network. */
export interface PluggedIn extends PluginResult {
  /** Whether ports of the node lead to the pod. */
  mapsPorts: boolean
}

/** A node's container runtime in front of its network plugins. libcni */
// @k8s part: CNI plugins: ptp, bridge, host-local, portmap, flannel and Calico's; bandwidth, tuning, firewall and sbr change nothing, others are refused
export class NodeCni {
  readonly #options: NodeCniOptions
  #paths: CniPaths
  readonly #folder: CniFolder
  /** Programs that were found, until something changes where they are. */
  readonly #found = new Set<string>()
  #stopWatching: (() => void) | undefined

  constructor(options: NodeCniOptions) {
    this.#options = options
    this.#paths = options.paths
    this.#folder = new CniFolder(options.files, options.paths.configurations)
  }

  /** Why no pod can be plugged in; undefined: it can. */
  get notReady(): string | undefined {
    return this.#folder.network ? undefined : this.#paths.networkMissing ?? NOT_INITIALIZED
  }

  onReadiness(listener: () => void): void {
    this.#folder.onReadiness(listener)
  }

  /** Another distribution's container runtime takes over, that looks elsewhere. */
  use(paths: CniPaths): void {
    this.#paths = paths
    this.#stopWatching?.()
    this.#stopWatching = undefined
    this.#found.clear()
    this.#folder.moveTo(paths.configurations)
  }

  close(): void {
    this.#stopWatching?.()
    this.#folder.close()
  }

  /** Runs the plugins for a pod. @throws Error in the words of containerd and the plugin */
  add(pod: PodNetworkRequest): PluggedIn | Promise<PluggedIn> {
    const network = this.#folder.network
    if (!network) throw new Error(this.notReady)
    this.#attempt('loopback', () => this.#findProgram('loopback'))
    const [maker, ...others] = network.plugins
    const context = this.#context(network.name)
    const finish = (made: PluginResult): PluggedIn => {
      for (const { type } of others) {
        this.#attempt(type, () => {
          this.#findProgram(type)
          if (!ADDITIONS.has(type)) throw new Error(`drydock: the plugin ${type} is not supported`)
        })
      }
      return { ...made, mapsPorts: others.some(({ type, capabilities }) => type === 'portmap' && capabilities?.portMappings === true) }
    }
    const made = this.#attempt(maker!.type, () => {
      this.#findProgram(maker!.type)
      const plugin = MAKERS[maker!.type]
      if (!plugin) throw new Error(`drydock: the plugin ${maker!.type} is not supported`)
      return plugin(pod, maker!, context)
    })
    return made instanceof Promise ? made.then(finish, (error: Error) => { throw failed(maker!.type, error) }) : finish(made)
  }

  /** A pod that was plugged in before this process began, with the address that it has. */
  takeUp(pod: PodNetworkRequest, ip: string): PluggedIn | Promise<PluggedIn> {
    // Where its plugin has gone since it stays reachable, as the kernel does what it was told.
    const asItWas = (): PluggedIn => ({ ip, outside: { links: [], routes: [] }, inside: { links: podLinks(ip, 32, 1500), routes: [] }, mapsPorts: true })
    const network = this.#folder.network
    const maker = network && MAKERS[network.plugins[0]!.type]
    try {
      const made = maker?.(pod, network!.plugins[0]!, { ...this.#context(network!.name), allocate: () => ip, keeps: ip })
      if (made instanceof Promise) return made.then((result) => ({ ...result, mapsPorts: true }), asItWas)
      return made ? { ...made, mapsPorts: true } : asItWas()
    } catch {
      return asItWas()
    }
  }

  #context(networkName: string): PluginContext {
    const { nodeName, nodeIp, files, kernel, hostStack, clock, allocate } = this.#options
    return { nodeName, nodeIp, files: files(), kernel, hostStack: hostStack(), clock, networkName, allocate, findProgram: (type) => this.#findProgram(type) }
  }

  /** libcni: invoke FindInPath */
  #findProgram(type: string): void {
    if (this.#found.has(type)) return
    const { files } = this.#options
    const { programs } = this.#paths
    if (!files().exists(`${programs}/${type}`)) throw new Error(`failed to find plugin ${JSON.stringify(type)} in path [${programs}]`)
    this.#stopWatching ??= files().watch(programs, () => this.#found.clear())
    this.#found.add(type)
  }

  #attempt<T>(type: string, work: () => T): T {
    try {
      return work()
    } catch (error) {
      throw failed(type, error as Error)
    }
  }
}

function failed(type: string, error: Error): Error {
  return new Error(`plugin type=${JSON.stringify(type)} failed (add): ${error.message}`)
}
