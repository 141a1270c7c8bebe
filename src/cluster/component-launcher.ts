import type { Clock } from '../base/clock.ts'
import type { FileSystem, Proc } from '../unix/types.ts'
import type { ApiServer } from './apiserver/api-server.ts'
import { KUBEADM_CONFIGURATION } from './apiserver/configuration.ts'
import { EncryptionAtRest } from './apiserver/encryption/encryption-at-rest.ts'
import type { Launch } from './component-flags/launch.ts'
import type { ControllerManagerSettings } from './controllers/controller-manager.ts'
import type { Etcd } from './etcd/etcd.ts'
import { klogHead } from './images/control-plane.ts'
import type { SchedulerProfile } from './component-flags/scheduler-flags.ts'

/** How long an API server looks for etcd where there is none, in milliseconds. */
const ETCD_PATIENCE_MS = 20_000
/** Which values were written how: etcd's own data, that goes where it goes. */
const ENCRYPTION_HISTORY = '/var/lib/etcd/member/encryption.json'

export interface ComponentLauncherOptions {
  clock: Clock
  etcd: Etcd
  server: () => Pick<ApiServer, 'configure'>
  /** The command of a node's component in kubeadm's manifest. */
  ownCommand(component: string, host: string): readonly string[] | undefined
  /** The disk on which etcd's data are. */
  disk: () => FileSystem
  /** Addresses at which etcd answers a node's API server, `ip:port`. */
  etcdAddresses(host: string): readonly string[]
  /** A component that can't begin. */
  onFailed(component: string, host: string): void
}

/** What a component is started with, as far as it matters before its process has begun. */
export type LaunchContext = Pick<Proc, 'argv' | 'fs' | 'clock' | 'pid'>

/** Lets command lines and files of the control plane's components take effect at each of their starts. */
export class ComponentLauncher {
  readonly #options: ComponentLauncherOptions
  #encryption: EncryptionAtRest | undefined
  #settings: ControllerManagerSettings | undefined
  #profiles: readonly SchedulerProfile[] | undefined

  constructor(options: ComponentLauncherOptions) {
    this.#options = options
  }

  /** What kube-controller-manager was told; undefined: nothing but the defaults. */
  get settings(): ControllerManagerSettings | undefined {
    return this.#settings
  }

  /** The schedulers that kube-scheduler is; undefined: the default one. */
  get profiles(): readonly SchedulerProfile[] | undefined {
    return this.#profiles
  }

  /** Why a value can't be read from etcd, where something was ever encrypted. */
  get unreadable(): ((key: string, modRevision: number) => string | undefined) | undefined {
    const encryption = this.#encryption
    return encryption?.isUsed ? (key, modRevision) => encryption.problem(key, modRevision) : undefined
  }

  /** A value as it lies in etcd. */
  stored(key: string, modRevision: number, plain: Uint8Array): Promise<Uint8Array> {
    const encryption = this.#encryption
    return encryption?.isUsed ? this.#options.clock.outside(encryption.stored(key, modRevision, plain)) : Promise.resolve(plain)
  }

  /** Takes what the command line of a component on a node says. @returns the component's last words where it can't begin so */
  async launch(host: string, context: LaunchContext, print: (line: string) => void): Promise<string | undefined> {
    const { argv, fs } = context
    const component = argv[0]?.split('/').at(-1) ?? ''
    if (component === 'kube-apiserver') this.#recallEncryption()
    if (this.#isAsInstalled(component, host, argv, fs)) {
      this.#takeDefaults(component, argv)
      return undefined
    }
    // Only who changes flags needs to read them.
    const { lastWords, launchOf, LaunchError } = await this.#options.clock.outside(import('./component-flags/launch.ts'))
    let launch: Launch | undefined
    try {
      launch = launchOf(argv, { fs, print })
    } catch (error) {
      if (!(error instanceof LaunchError)) throw error
      this.#options.onFailed(component, host)
      return lastWords(error, klogHead(context, 'E'))
    }
    if (launch?.component === 'kube-apiserver' && !launch.etcdServers.some((server) => this.#isEtcd(server, host))) {
      this.#options.onFailed(component, host)
      await this.#options.clock.sleep(ETCD_PATIENCE_MS)
      return `${klogHead(context, 'E')} run.go:72] "command failed" err="context deadline exceeded"\n`
    }
    if (launch) this.#take(launch, argv)
    return undefined
  }

  #isEtcd(server: string, from: string): boolean {
    const [, host, port] = /^https:\/\/(.+):(\d+)\/?$/.exec(server) ?? []
    return host !== undefined && this.#options.etcdAddresses(from).includes(`${host === 'localhost' ? '127.0.0.1' : host}:${port}`)
  }

  /** kubeadm's own command line, and all files that it names are there. */
  #isAsInstalled(component: string, host: string, argv: readonly string[], fs: FileSystem): boolean {
    const own = this.#options.ownCommand(component, host)
    if (!own) return true
    return own.length === argv.length && own.every((word, i) => i === 0 || word === argv[i]) && argv.every((word) => {
      const path = /^--[^=]+=(\/etc\/kubernetes\/.*)$/.exec(word)?.[1]
      return path === undefined || fs.exists(path)
    })
  }

  #takeDefaults(component: string, argv: readonly string[]): void {
    if (component === 'kube-apiserver') this.#take({ component, configuration: KUBEADM_CONFIGURATION, etcdServers: [] }, argv)
    if (component === 'kube-controller-manager') this.#settings = undefined
    if (component === 'kube-scheduler') this.#profiles = undefined
  }

  #take(launch: Launch, argv: readonly string[]): void {
    switch (launch.component) {
      case 'kube-apiserver': {
        const { etcd, server, disk } = this.#options
        if (this.#encryption!.configure(launch.configuration.encryption, etcd.revision)) {
          disk().mkdir(ENCRYPTION_HISTORY.slice(0, ENCRYPTION_HISTORY.lastIndexOf('/')), { recursive: true })
          disk().writeFile(ENCRYPTION_HISTORY, this.#encryption!.history ?? '', { mode: 0o600 })
        }
        return server().configure(launch.configuration, argv)
      }
      case 'kube-controller-manager': this.#settings = launch.settings; return
      case 'kube-scheduler': this.#profiles = launch.profiles
    }
  }

  #recallEncryption(): void {
    const files = this.#options.disk()
    this.#encryption ??= new EncryptionAtRest(files.exists(ENCRYPTION_HISTORY) ? files.readText(ENCRYPTION_HISTORY) : undefined)
  }
}
