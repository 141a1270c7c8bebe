import type { Clock, Timer } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import type { MountableFileSystem } from '../../unix/types.ts'
import { decodeObject } from '../kinds/decode.ts'
import { applyDefaults } from '../kinds/defaults.ts'
import type { Pod } from '../kinds/generated/types.ts'
import { kindOf } from '../kinds/index.ts'
import type { KubeObject } from '../kinds/object.ts'
import { parseYaml } from '../kinds/yaml-text.ts'
import { podFullName, staticPod } from './static-pods.ts'

/** How soon a change on disk is read, in milliseconds: an editor's several writes are one change. */
const SETTLE_MS = 10

export interface ManifestFolderOptions {
  files: MountableFileSystem
  path: string
  nodeName: string
  clock: Clock
  log: Log
  /** All pods of the folder, after each change. */
  onPods(pods: readonly Pod[]): void
}

/**
 * The folder whose manifests a kubelet runs as static pods: what is put there starts, what is taken away ends.
 * k8s: pkg/kubelet/config/file.go, file_linux.go
 */
export class ManifestFolder {
  readonly #options: ManifestFolderOptions
  #unwatch: (() => void) | undefined
  #timer: Timer | undefined

  constructor(options: ManifestFolderOptions) {
    this.#options = options
  }

  /** Reads the folder at once and follows it from now on. */
  start(): void {
    const { files, path, clock } = this.#options
    this.#unwatch ??= files.watch(path, () => {
      this.#timer ??= clock.after(SETTLE_MS, () => {
        this.#timer = undefined
        this.#read()
      })
    })
    this.#read()
  }

  stop(): void {
    this.#unwatch?.()
    this.#unwatch = undefined
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #read(): void {
    const { files, path, log, onPods } = this.#options
    const pods = new Map<string, Pod>()
    for (const name of files.exists(path) ? files.readdir(path).sort() : []) {
      const file = `${path}/${name}`
      if (name.startsWith('.') || files.stat(file).type !== 'file') continue
      const pod = this.#podOf(file)
      if (!pod) log.error('Could not process manifest file', { path: file, err: `${file}: couldn't parse as pod, please check config file` })
      else if (pods.has(podFullName(pod))) log.error('Could not process manifest file', { path: file, err: `${file}: the name is used by another file` })
      else pods.set(podFullName(pod), pod)
    }
    onPods([...pods.values()])
  }

  /** k8s: pkg/kubelet/config/common.go tryDecodeSinglePod */
  #podOf(file: string): Pod | undefined {
    const { files, nodeName, clock } = this.#options
    const text = files.readText(file)
    try {
      const manifest = parseYaml(text).value as KubeObject | null
      if (manifest?.apiVersion !== 'v1' || manifest.kind !== 'Pod' || !manifest.metadata?.name) return undefined
      const kind = kindOf('v1', 'Pod')!
      const { object } = decodeObject(kind, manifest)
      applyDefaults(kind, object)
      return staticPod(object, nodeName, clock.nowMs(), `${file} ${text}`)
    } catch {
      return undefined
    }
  }
}
