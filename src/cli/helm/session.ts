import type { Proc } from '../../unix/types.ts'
import { allFlags, rootCommand } from '../kubectl/command.ts'
import type { CommandSpec } from '../kubectl/command.ts'
import { groupVersion } from '../kubectl/discovery.ts'
import { Factory } from '../kubectl/factory.ts'
import { FlagValues } from '../kubectl/flags.ts'
import type { CommandIo } from '../kubectl/io.ts'
import { klogLine } from '../kubectl/klog.ts'
import { formatTime } from './engine/go-time.ts'
import type { Capabilities } from './engine/objects.ts'
import { KubeClient } from './kube/kube-client.ts'
import { ReleaseStorage } from './release/storage.ts'
import { HELM_VERSION } from './version.ts'

/** helm's flag, kubectl's name for it, and the variable that stands in for it. */
const CONNECTION: readonly (readonly [string, string, string])[] = [
  ['kubeconfig', 'kubeconfig', ''], ['kube-context', 'context', 'HELM_KUBECONTEXT'], ['kube-token', 'token', 'HELM_KUBETOKEN'], ['kube-as-user', 'as', 'HELM_KUBEASUSER'],
  ['kube-apiserver', 'server', 'HELM_KUBEAPISERVER'], ['kube-ca-file', 'certificate-authority', 'HELM_KUBECAFILE'], ['kube-tls-server-name', 'tls-server-name', 'HELM_KUBETLS_SERVER_NAME'],
  ['kube-insecure-skip-tls-verify', 'insecure-skip-tls-verify', 'HELM_KUBEINSECURE_SKIP_TLS_VERIFY'], ['namespace', 'namespace', 'HELM_NAMESPACE'],
]

/** One run of helm: its words and output, where its files are, and lazily the cluster. */
export class Session {
  readonly proc: Proc
  readonly io: CommandIo
  readonly flags: FlagValues
  readonly spec: CommandSpec
  readonly args: readonly string[]
  readonly factory: Factory
  readonly #startedMs: number
  #storage: ReleaseStorage | undefined
  #kube: KubeClient | undefined
  #capabilities: Promise<Capabilities> | undefined
  #cancelled: Promise<never> | undefined

  constructor(proc: Proc, io: CommandIo, spec: CommandSpec, flags: FlagValues, args: readonly string[]) {
    this.proc = proc
    this.#startedMs = proc.clock.nowMs()
    this.io = io
    this.spec = spec
    this.flags = flags
    this.args = args
    const root = rootCommand()
    const known = allFlags(root)
    const values = new FlagValues(known)
    for (const [own, theirs, variable] of CONNECTION) {
      const text = flags.changed(own) ? String(flags.str(own)) : variable ? proc.env[variable] ?? '' : ''
      const flag = known.find((f) => f.name === theirs)
      if (text && flag) values.set(flag, text)
    }
    const groups = flags.changed('kube-as-group') ? flags.list('kube-as-group') : (proc.env['HELM_KUBEASGROUPS'] ?? '').split(',').filter(Boolean)
    for (const group of groups) values.set(known.find((f) => f.name === 'as-group')!, group)
    this.factory = new Factory(proc, io, values, root, undefined, {
      userAgent: `Helm/${HELM_VERSION.slice(1)}`,
      onWarning: (text) => void io.err(klogLine(proc, 'W', 'warnings.go:70', text)),
    })
  }

  out(text: string | Uint8Array): void { void this.io.out(text) }
  err(text: string): void { void this.io.err(text) }
  /** What Helm's own log says, with the place in its source. */
  log(place: string, text: string): void { void this.io.err(`${place}: ${text}\n`) }
  warn = (text: string): void => this.log(placeOfWarning(text), text)
  get isDebug(): boolean { return this.flags.bool('debug') || ['1', 't', 'T', 'true', 'TRUE', 'True'].includes(this.proc.env['HELM_DEBUG'] ?? '') }
  debug(place: string, text: string): void {
    if (!this.isDebug) return
    const nowMs = this.nowMs()
    this.log(place, `${formatTime('2006-01-02 15:04:05.999999999 -0700 MST', nowMs)} m=+${((nowMs - this.#startedMs) / 1000).toFixed(9)} [debug] ${text}`)
  }
  nowMs(): number { return this.proc.clock.nowMs() }
  /** The present time as Helm keeps it. */
  nowText(): string { return new Date(this.nowMs()).toISOString().replace(/\.(\d{3})Z$/, (_, ms: string) => `.${ms}000000Z`) }
  resolve(path: string): string { return this.proc.resolve(path) }

  /** From here on ^C gives the release up, with what that leaves written down, instead of ending helm on the spot. */
  cancelOnSignal(release: string): void {
    if (this.#cancelled) return
    // The handlers stay: a second ^C doesn't end what cleans up after the first.
    this.#cancelled = new Promise<never>((_, reject) => {
      let isCancelled = false
      for (const signal of ['SIGINT', 'SIGTERM'] as const)
        this.proc.onSignal(signal, () => {
          if (!isCancelled) this.out(`Release ${release} has been cancelled.\n`)
          isCancelled = true
          reject(new Error('context canceled'))
        })
    })
    this.#cancelled.catch(() => {})
  }

  /** @throws Error `context canceled`; the work itself isn't waited for then */
  unlessCancelled<T>(work: Promise<T>): Promise<T> {
    return this.#cancelled ? Promise.race([work, this.#cancelled]) : work
  }

  get namespace(): string {
    try {
      return this.factory.namespace().namespace
    } catch {
      return 'default'
    }
  }

  get storage(): ReleaseStorage {
    return this.#storage ??= this.storageOf(this.namespace)
  }

  storageOf(namespace: string): ReleaseStorage {
    return new ReleaseStorage(() => this.factory.rest(), namespace, () => this.nowMs())
  }

  get kube(): KubeClient {
    return this.#kube ??= new KubeClient(this.factory, this.namespace)
  }

  /** What the cluster can do. k8s: helm.sh/helm/v3/pkg/action getCapabilities */
  capabilities(): Promise<Capabilities> {
    return this.#capabilities ??= (async () => {
      const version = await this.kube.requireReachable()
      this.factory.forgetDiscovery()
      const mapper = await this.factory.mapper()
      const versions = new Set<string>()
      for (const group of mapper.groups) for (const { version: v } of group.versions) versions.add(groupVersion({ group: group.name, version: v }))
      for (const resource of mapper.resources()) {
        versions.add(`${groupVersion(resource)}/${resource.kind}`)
        for (const sub of resource.subresources) if (sub.kind) versions.add(`${groupVersion(resource)}/${sub.kind}`)
      }
      return { kubeVersion: { version: version.gitVersion, major: version.major, minor: version.minor }, apiVersions: [...versions] }
    })()
  }

  /** Forgets what the server can do: new kinds may be there. */
  forgetCapabilities(): void {
    this.#capabilities = undefined
    this.factory.forgetDiscovery()
  }

  #home(variable: string, xdg: string, standard: string): string {
    const { env } = this.proc
    return env[variable] || (env[xdg] ? `${env[xdg]}/helm` : `${env['HOME'] || this.proc.user.home}/${standard}/helm`)
  }
  get cacheHome(): string { return this.#home('HELM_CACHE_HOME', 'XDG_CACHE_HOME', '.cache') }
  get configHome(): string { return this.#home('HELM_CONFIG_HOME', 'XDG_CONFIG_HOME', '.config') }
  get dataHome(): string { return this.#home('HELM_DATA_HOME', 'XDG_DATA_HOME', '.local/share') }
  get repositoryCache(): string { return this.flags.changed('repository-cache') ? this.flags.str('repository-cache') : this.proc.env['HELM_REPOSITORY_CACHE'] || `${this.cacheHome}/repository` }
  get repositoryConfig(): string { return this.flags.changed('repository-config') ? this.flags.str('repository-config') : this.proc.env['HELM_REPOSITORY_CONFIG'] || `${this.configHome}/repositories.yaml` }
  get registryConfig(): string { return this.flags.changed('registry-config') ? this.flags.str('registry-config') : this.proc.env['HELM_REGISTRY_CONFIG'] || `${this.configHome}/registry/config.json` }
  get maxHistory(): number { return this.flags.changed('history-max') ? this.flags.int('history-max') : Number(this.proc.env['HELM_MAX_HISTORY'] ?? 10) }
}

/** Where in Helm's source a warning comes from: its log names the place. */
function placeOfWarning(text: string): string {
  for (const [pattern, place] of PLACES) if (pattern.test(text)) return place
  return 'helm.go'
}

const PLACES: readonly (readonly [RegExp, string])[] = [
  [/^warning: skipping globals because dest/, 'coalesce.go:138'], [/^warning: skipping globals because source/, 'coalesce.go:145'], [/^Conflict: cannot merge map/, 'coalesce.go:161'],
  [/^key .* is table/, 'coalesce.go:175'], [/^warning: skipped value/, 'coalesce.go:237'], [/^warning: cannot overwrite table/, 'coalesce.go:316'], [/^warning: destination for/, 'coalesce.go:319'],
  [/^Warning: Condition path/, 'dependencies.go:64'], [/^Warning: Tag/, 'dependencies.go:95'], [/^Warning: ImportValues missing table from/, 'dependencies.go:270'], [/^Warning: ImportValues missing table:/, 'dependencies.go:287'],
  [/^info: skipping unknown hook/, 'manifest_sorter.go:199'], [/^\[INFO\] Missing required value/, 'engine.go:206'], [/^\[INFO\] Fail/, 'engine.go:227'],
]
