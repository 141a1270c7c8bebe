import type { Clock, Timer } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import type { FileSystem } from '../../unix/types.ts'
import type { Api } from '../client/api.ts'
import { sha256Hex } from '../client/csi-names.ts'
import type { EventRecorder } from '../client/event-recorder.ts'
import type { KubeObject } from '../kinds/object.ts'
import { isStatusError } from '../kinds/status-error.ts'
import { MANIFEST_FOLDER, isDisabled } from './bundled-manifests.ts'
import { objectsOfManifest } from './manifest-text.ts'
import { gvkText } from './object-sets.ts'
import type { KindRef, ObjectSets } from './object-sets.ts'

/** What a manifest file is to the API. */
interface Addon extends KubeObject {
  spec?: { source?: string; checksum?: string }
}

export interface DeployControllerOptions {
  files: FileSystem
  api: Api
  sets: ObjectSets
  events: EventRecorder
  clock: Clock
  log: Log
  /** What `--disable` names. */
  disabled: readonly string[]
  /** Whether everything is applied once more when it begins, as a server does that was started anew. */
  force: boolean
}

const ADDONS = 'addons.k3s.cattle.io'
const NAMESPACE = 'kube-system'
const KINDS = 'addon.k3s.cattle.io/gvks'
/** How often the folder is looked at. */
const POLL_MS = 15_000
const MANIFEST = /\.(?:ya?ml|json)$/i

/**
 * Applies the manifests in a folder of the server's disk, and again when they have changed; each has an Addon. A file that is taken away leaves its objects;
 * one that `--disable` names is deleted with them. k3s: pkg/deploy/controller.go
 */
export class DeployController {
  readonly #options: DeployControllerOptions
  /** When the files that were applied had been changed last, in milliseconds. */
  readonly #applied = new Map<string, number>()
  #force: boolean
  #timer: Timer | undefined
  #isStopped = false

  constructor(options: DeployControllerOptions) {
    this.#options = options
    this.#force = options.force
  }

  start(): void {
    void this.#round()
  }

  stop(): void {
    this.#isStopped = true
    this.#timer?.cancel()
  }

  async #round(): Promise<void> {
    const { clock, log } = this.#options
    const failures = await this.#listFiles()
    if (this.#isStopped) return
    if (failures.length === 0) this.#force = false
    else log.error(`Failed to process config: ${failures.join('; ')}`)
    this.#timer = clock.after(POLL_MS, () => void this.#round())
  }

  /** @returns what went wrong */
  async #listFiles(): Promise<string[]> {
    const { files, disabled } = this.#options
    const failures: string[] = []
    const paths = filesBelow(files, MANIFEST_FOLDER)
    const skipped = new Set(paths.filter((path) => path.endsWith('.skip')).map((path) => nameOf(path).slice(0, -'.skip'.length)))
    for (const path of paths) {
      if (this.#isStopped) break
      try {
        if (isDisabled(path, disabled)) {
          await this.#delete(path)
          continue
        }
        if (nameOf(path).startsWith('.') || skipped.has(nameOf(path)) || !MANIFEST.test(path)) continue
        const { modifiedMs } = files.stat(path)
        if (!this.#force && this.#applied.get(path) === modifiedMs) continue
        await this.#deploy(path)
        this.#applied.set(path, modifiedMs)
      } catch (error) {
        failures.push(`failed to process ${path}: ${(error as Error).message}`)
      }
    }
    return failures
  }

  async #deploy(path: string): Promise<void> {
    const { files, api, events, sets, clock } = this.#options
    const text = files.readText(path)
    const checksum = sha256Hex(text)
    const present = await this.#addon(path)
    const addon = present ?? await api.create<Addon>(ADDONS, { apiVersion: 'k3s.cattle.io/v1', kind: 'Addon', metadata: { name: addonName(path), namespace: NAMESPACE }, spec: { source: path } })
    if (!this.#force && addon.spec?.checksum === checksum) return
    const warn = (reason: string, what: string, error: unknown): never => {
      events.event(addon, 'Warning', reason, `${what} at ${JSON.stringify(path)} failed: ${(error as Error).message}`)
      throw error
    }
    let objects: KubeObject[] = []
    try {
      objects = await objectsOfManifest(text, clock)
    } catch (error) {
      warn('ParseManifestFailed', 'Parse manifest', error)
    }
    events.event(addon, 'Normal', 'ApplyingManifest', `Applying manifest at ${JSON.stringify(path)}`)
    try {
      await sets.apply(ownerOf(addon), '', objects, kindsOf(addon))
    } catch (error) {
      warn('ApplyManifestFailed', 'Applying manifest', error)
    }
    events.event(addon, 'Normal', 'AppliedManifest', `Applied manifest at ${JSON.stringify(path)}`)
    await api.patch(ADDONS, addon.metadata.name!, NAMESPACE, 'application/merge-patch+json', { metadata: { annotations: { [KINDS]: [...new Set(objects.map(gvkText))].join(';') } }, spec: { source: path, checksum } })
  }

  /** Takes away what a manifest stands for, the file, and its Addon. */
  async #delete(path: string): Promise<void> {
    const { files, api, events, sets, clock } = this.#options
    const addon = await this.#addon(path)
    let kinds: readonly KindRef[] = addon ? kindsOf(addon) : []
    try {
      kinds = [...kinds, ...await objectsOfManifest(files.readText(path), clock)]
    } catch { /* It never had any, then. */ }
    await sets.apply({ apiVersion: 'k3s.cattle.io/v1', kind: 'Addon', namespace: NAMESPACE, name: addonName(path) }, '', [], kinds)
    files.remove(path, { force: true })
    if (!addon) return
    events.event(addon, 'Normal', 'DeletingManifest', `Deleting manifest at ${JSON.stringify(path)}`)
    await api.delete(ADDONS, addon.metadata.name!, NAMESPACE).catch((error: unknown) => { if (!isStatusError(error, 'NotFound')) throw error })
  }

  #addon(path: string): Promise<Addon | undefined> {
    return this.#options.api.get<Addon>(ADDONS, addonName(path), NAMESPACE).catch((error: unknown) => {
      if (isStatusError(error, 'NotFound')) return undefined
      throw error
    })
  }
}

const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1)
/** A file's name up to the first dot. */
const addonName = (path: string): string => nameOf(path).split('.')[0]!
const ownerOf = ({ apiVersion, kind, metadata: { name = '', namespace = '' } }: Addon) => ({ apiVersion, kind, name, namespace })

/** The kinds that a manifest had objects of when it was applied last. */
function kindsOf(addon: Addon): KindRef[] {
  return (addon.metadata.annotations?.[KINDS] ?? '').split(';').flatMap((text) => {
    const [, apiVersion, kind] = /^\/?(.*), Kind=(.*)$/.exec(text) ?? []
    return apiVersion === undefined ? [] : [{ apiVersion, kind: kind! }]
  })
}

/** All files below a folder, sorted; links that lead to folders aren't followed. */
function filesBelow(files: FileSystem, folder: string): string[] {
  if (!files.exists(folder)) return []
  return files.readdir(folder).flatMap((name) => {
    const path = `${folder}/${name}`
    const { type } = files.lstat(path)
    if (type === 'directory') return filesBelow(files, path)
    return files.exists(path) && files.stat(path).type === 'file' ? [path] : []
  }).sort()
}
