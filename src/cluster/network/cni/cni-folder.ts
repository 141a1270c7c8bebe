import type { FileSystem } from '../../../unix/types.ts'

/** A plugin's part of a network configuration. */
export interface PluginConfiguration {
  type: string
  ipam?: { type?: string; subnet?: string; ranges?: { subnet?: string }[][]; dataDir?: string }
  mtu?: number
  capabilities?: Record<string, boolean>
  [field: string]: unknown
}

/** The network that pods of a node are plugged into. */
export interface NetworkConfiguration {
  name: string
  plugins: readonly PluginConfiguration[]
}

/** What containerd says while it has no configuration. go-cni: errors.go ErrCNINotInitialized */
export const NOT_INITIALIZED = 'cni plugin not initialized'

const EXTENSION = /\.(?:conf|conflist|json)$/

/**
 * The folder in which a node's network plugin leaves its configuration. Of several files the first by name counts, and nothing does while that one can't be read.
 */
// go-cni: opts.go loadFromConfDir; containerd watches the folder
export class CniFolder {
  readonly #files: () => FileSystem
  #path: string
  readonly #listeners = new Set<() => void>()
  #stopWatching: (() => void) | undefined
  #network: NetworkConfiguration | undefined

  constructor(files: () => FileSystem, path: string) {
    this.#files = files
    this.#path = path
  }

  /** Undefined: there is none. */
  get network(): NetworkConfiguration | undefined {
    if (!this.#stopWatching) {
      const files = this.#files()
      if (!files.exists(this.#path)) files.mkdir(this.#path, { recursive: true })
      this.#load()
      this.#stopWatching = files.watch(this.#path, () => this.#follow())
    }
    return this.#network
  }

  /** Calls back when there is a configuration and was none before, or the other way round. */
  onReadiness(listener: () => void): void {
    this.#listeners.add(listener)
  }

  /** Configurations lie in another folder from now on. */
  moveTo(path: string): void {
    const wasReady = this.#network !== undefined
    this.#stopWatching?.()
    this.#stopWatching = undefined
    this.#path = path
    if (wasReady !== (this.network !== undefined)) for (const listener of this.#listeners) listener()
  }

  close(): void {
    this.#stopWatching?.()
    this.#listeners.clear()
  }

  #follow(): void {
    const wasReady = this.#network !== undefined
    this.#load()
    if (wasReady !== (this.#network !== undefined)) for (const listener of this.#listeners) listener()
  }

  #load(): void {
    this.#network = undefined
    const files = this.#files()
    if (!files.exists(this.#path)) return
    const [name] = files.readdir(this.#path).filter((each) => EXTENSION.test(each)).sort()
    if (name === undefined) return
    try {
      const read = JSON.parse(files.readText(`${this.#path}/${name}`)) as Partial<NetworkConfiguration> & Partial<PluginConfiguration>
      const plugins = name.endsWith('.conflist') || read.plugins ? read.plugins : read.type ? [read as PluginConfiguration] : undefined
      if (typeof read.name === 'string' && plugins?.length && plugins.every((plugin) => typeof plugin.type === 'string')) this.#network = { name: read.name, plugins }
    } catch {
      // As good as none.
    }
  }
}
