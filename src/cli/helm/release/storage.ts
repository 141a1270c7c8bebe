import type { KubeObject } from '../../../cluster/kinds/object.ts'
import { StatusError } from '../../../cluster/kinds/status-error.ts'
import type { RestClient } from '../../rest-client.ts'
import { byRevision, decodeRelease, encodeRelease } from './release.ts'
import type { Release } from './release.ts'

export class ReleaseNotFound extends Error {
  constructor() { super('release: not found') }
}

export class NoDeployedReleases extends Error {
  constructor(name: string) { super(`${JSON.stringify(name)} has no deployed releases`) }
}

/** Labels that Helm gives Secrets itself. */
export const SYSTEM_LABELS = ['name', 'owner', 'status', 'version', 'createdAt', 'modifiedAt']

interface ReleaseSecret extends KubeObject { data?: { release?: string }; items?: ReleaseSecret[] }

/** Releases in Secrets, one per revision, as every Helm 3 reads them. k8s: helm.sh/helm/v3/pkg/storage with driver.Secrets */
export class ReleaseStorage {
  readonly #rest: () => RestClient
  readonly #namespace: string
  readonly #nowMs: () => number
  /** How many revisions are kept; 0 for all. */
  maxHistory = 0

  /** @param namespace empty for all */
  constructor(rest: () => RestClient, namespace: string, nowMs: () => number) {
    this.#rest = rest
    this.#namespace = namespace
    this.#nowMs = nowMs
  }

  #path(name = ''): string {
    return `/api/v1${this.#namespace ? `/namespaces/${this.#namespace}` : ''}/secrets${name ? `/${name}` : ''}`
  }

  #secret(release: Release, stamp: 'createdAt' | 'modifiedAt'): KubeObject {
    const { name, version } = release
    return {
      apiVersion: 'v1', kind: 'Secret', metadata: {
        name: keyOf(name, version),
        labels: { ...release.labels, [stamp]: String(Math.floor(this.#nowMs() / 1000)), name, owner: 'helm', status: release.info.status, version: String(version) },
      },
      type: 'helm.sh/release.v1', data: { release: btoa(encodeRelease(release)) },
    } as unknown as KubeObject
  }

  /** @throws Error also when there is one */
  async create(release: Release): Promise<void> {
    if (this.maxHistory > 0) await this.#makeRoom(release.name, this.maxHistory - 1)
    try {
      await this.#rest().json('POST', this.#path(), { body: this.#secret(release, 'createdAt') })
    } catch (error) {
      if (error instanceof StatusError && error.reason === 'AlreadyExists') throw new Error('release: already exists')
      throw new Error(`create: failed to create: ${(error as Error).message}`)
    }
  }

  async update(release: Release): Promise<void> {
    try {
      await this.#rest().json('PUT', this.#path(keyOf(release.name, release.version)), { body: this.#secret(release, 'modifiedAt') })
    } catch (error) {
      throw new Error(`update: failed to update: ${(error as Error).message}`)
    }
  }

  async delete(name: string, version: number): Promise<void> {
    await this.get(name, version)
    await this.#rest().json('DELETE', this.#path(keyOf(name, version)))
  }

  /** @throws ReleaseNotFound */
  async get(name: string, version: number): Promise<Release> {
    let secret: ReleaseSecret
    try {
      secret = await this.#rest().json<ReleaseSecret>('GET', this.#path(keyOf(name, version)))
    } catch (error) {
      if (error instanceof StatusError && error.code === 404) throw new ReleaseNotFound()
      throw new Error(`get: failed to get ${JSON.stringify(keyOf(name, version))}: ${(error as Error).message}`)
    }
    return releaseOf(secret, true)
  }

  /** All releases of the namespace, every revision. */
  list(): Promise<Release[]> { return this.#select('owner=helm', 'list: failed to list') }

  /** @throws ReleaseNotFound */
  async history(name: string): Promise<Release[]> {
    const found = await this.#select(`name=${name},owner=helm`, 'query: failed to query with labels')
    if (found.length === 0) throw new ReleaseNotFound()
    return found
  }

  /** The newest revision. @throws ReleaseNotFound */
  async last(name: string): Promise<Release> {
    return (await this.history(name)).sort(byRevision).at(-1)!
  }

  async deployedAll(name: string): Promise<Release[]> {
    return this.#select(`name=${name},owner=helm,status=deployed`, 'query: failed to query with labels')
  }

  /** @throws NoDeployedReleases */
  async deployed(name: string): Promise<Release> {
    const found = (await this.deployedAll(name)).sort(byRevision).at(-1)
    if (!found) throw new NoDeployedReleases(name)
    return found
  }

  async #select(labelSelector: string, failure: string): Promise<Release[]> {
    try {
      const list = await this.#rest().json<ReleaseSecret>('GET', this.#path(), { query: { labelSelector } })
      return (list.items ?? []).map((secret) => releaseOf(secret, false))
    } catch (error) {
      throw new Error(`${failure}: ${(error as Error).message}`)
    }
  }

  /** The oldest revisions go, never the deployed one. k8s: Storage.removeLeastRecent */
  async #makeRoom(name: string, most: number): Promise<void> {
    const all = await this.history(name).catch((error: Error) => { if (error instanceof ReleaseNotFound) return []; throw error })
    const deployed = await this.deployed(name).catch((error: Error) => { if (error instanceof NoDeployedReleases) return undefined; throw error })
    let left = all.length
    for (const release of all.sort(byRevision)) {
      if (left <= most) return
      if (release.version === deployed?.version) continue
      await this.delete(name, release.version)
      left--
    }
  }
}

const keyOf = (name: string, version: number) => `sh.helm.release.v1.${name}.v${version}`

function releaseOf(secret: ReleaseSecret, ownLabelsOnly: boolean): Release {
  const labels = secret.metadata.labels ?? {}
  const release = decodeRelease(atob(secret.data?.release ?? ''))
  return { ...release, labels: ownLabelsOnly ? Object.fromEntries(Object.entries(labels).filter(([key]) => !SYSTEM_LABELS.includes(key))) : { ...labels } }
}
