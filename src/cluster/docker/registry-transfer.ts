import type { Clock } from '../../base/clock.ts'
import type { Random } from '../../base/random.ts'
import type { ImageReference } from '../runtime/image-reference.ts'
import { pullMs } from '../runtime/image-store.ts'
import type { ImageRegistry, RegistryCredentials, RegistryImage } from '../runtime/image-registry.ts'
import { DockerError } from './docker-error.ts'
import { baseLayerDigest, layerDigests, transfersOf } from './docker-image.ts'
import type { DockerImage } from './docker-image.ts'
import type { ImageShelf } from './image-shelf.ts'
import { familiarName } from './image-table.ts'
import type { ImageTable } from './image-table.ts'
import type { LayerStore } from './layer-store.ts'
import type { PushedImages } from './pushed-images.ts'
import type { RegistryAccess } from './registry-access.ts'

export interface RegistryTransferOptions {
  registry: ImageRegistry
  access: RegistryAccess
  pushed: PushedImages
  images: ImageTable
  shelf: ImageShelf
  layers: LayerStore
  clock: Clock
  random: Random
}

/** An image as a registry has it. */
export interface RemoteImage {
  reference: ImageReference
  tag: string
  digest: string
  image: RegistryImage
}

/** Images on their way between registries and this machine. */
export class RegistryTransfer {
  readonly #options: RegistryTransferOptions

  constructor(options: RegistryTransferOptions) {
    this.#options = options
  }

  /** What a registry has under a name. @throws DockerError */
  async resolve(reference: ImageReference, credentials: RegistryCredentials | undefined): Promise<RemoteImage> {
    const { registry, access, clock, random } = this.#options
    const { repository, domain } = reference
    const tag = reference.digest ? registry.tags(repository).find((each) => registry.digest(repository, each) === reference.digest) : reference.tag
    const found = tag === undefined ? undefined : registry.find(repository, tag)
    await clock.sleep(150 + random.float() * 150)
    const denied = `pull access denied for ${familiarName(repository)}, repository does not exist or may require 'docker login': denied: requested access to the resource is denied`
    if (!access.exists(domain)) throw new DockerError(`failed to resolve reference "${reference.fullName}": failed to do request: Head "https://${domain}/v2/${reference.path}/manifests/${reference.digest ?? reference.tag}": dial tcp: lookup ${domain.replace(/:\d+$/, '')}: no such host`, 'not found')
    if (found && !access.mayPull(found.credentials, credentials)) throw new DockerError(credentials ? denied : `Head "https://${domain}/v2/${reference.path}/manifests/${reference.tag}": no basic auth credentials`, 'not found')
    if (!found || tag === undefined) throw new DockerError(registry.hasRepository(repository) ? `manifest for ${familiarName(reference.fullName)} not found: manifest unknown: manifest unknown` : denied, 'not found')
    return { reference, tag, digest: registry.digest(repository, tag), image: found }
  }

  /** Fetches what isn't here of an image that a registry has. @param onLayer told of each layer as it goes on */
  async fetch({ reference, tag, digest, image: found }: RemoteImage, onLayer: (digest: string, state: 'here' | 'begun' | 'downloaded' | 'extracted', sizeBytes: number) => Promise<void>): Promise<{ image: DockerImage; isNew: boolean }> {
    const { pushed, images, shelf, layers, clock, random } = this.#options
    const { repository } = reference
    const built = pushed.behind(found)
    const image = built ?? shelf.fromCatalogue({ repository, tag, digest })!
    const isNew = images.find(image.id) === undefined
    if (image.base) pushed.programs.learn(`${image.base.repository}:${image.base.tag}`)
    if (isNew) {
      const here = new Set(images.list().flatMap(layerDigests))
      const transfers = transfersOf(image)
      for (const { digest: id, sizeBytes } of transfers) await onLayer(id, here.has(id) ? 'here' : 'begun', sizeBytes)
      const toFetch = transfers.filter((layer) => !here.has(layer.digest))
      if (toFetch.length > 0) await clock.sleep(pullMs(toFetch.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0), random))
      for (const state of ['downloaded', 'extracted'] as const) for (const { digest: id, sizeBytes } of toFetch) await onLayer(id, state, sizeBytes)
      if (built) for (const layer of built.layers) { await layers.adopt(layer); shelf.keepLayer(layer) }
      images.add(image)
    }
    const isMoved = !reference.digest && images.byName(reference.fullName)?.id !== image.id
    images.addDigest(image.id, `${repository}@${digest}`)
    if (!reference.digest) images.tag(reference.fullName, image.id)
    return { image, isNew: isNew || isMoved }
  }

  /**
   * Fetches an image from its registry. `say` is told what `docker pull` prints.
   * @throws DockerError
   */
  async pull(reference: ImageReference, credentials: RegistryCredentials | undefined, say: (line: string) => Promise<void>): Promise<DockerImage> {
    const remote = await this.resolve(reference, credentials)
    await say(`${reference.digest ?? remote.tag}: Pulling from ${reference.path}`)
    const { image, isNew } = await this.fetch(remote, (id, state) => say(`${id.slice(7, 19)}: ${{ here: 'Already exists', begun: 'Pulling fs layer', downloaded: 'Download complete', extracted: 'Pull complete' }[state]}`))
    await say(`Digest: ${remote.digest}`)
    await say(`Status: ${isNew ? 'Downloaded newer image' : 'Image is up to date'} for ${familiarName(reference.requested)}`)
    return image
  }

  /**
   * Sends an image to its registry. `say` is told what `docker push` prints.
   * @throws DockerError
   */
  async push(reference: ImageReference, credentials: RegistryCredentials | undefined, say: (line: string) => Promise<void>): Promise<void> {
    const { pushed, images, access, clock, random } = this.#options
    const image = images.byName(reference.fullName)
    const { repository, tag, domain } = reference
    await say(`The push refers to repository [${repository}]`)
    if (!image) throw new DockerError(images.list().some(({ id }) => images.namesOf(id).some((name) => name.startsWith(`${repository}:`))) ? `tag does not exist: ${familiarName(reference.fullName)}` : `An image does not exist locally with the tag: ${familiarName(repository)}`, 'not found')
    await clock.sleep(150 + random.float() * 150)
    if (!access.exists(domain)) throw new DockerError(`Get "https://${domain}/v2/": dial tcp: lookup ${domain.replace(/:\d+$/, '')}: no such host`)
    const digests = layerDigests(image).reverse()
    const short = (id: string) => id.slice(7, 19)
    for (const id of digests) await say(`${short(id)}: Preparing`)
    if (!access.mayPush(reference, credentials)) throw new DockerError(access.accountOf(domain) && !credentials ? 'no basic auth credentials' : 'denied: requested access to the resource is denied')
    const baseId = image.base && baseLayerDigest(image.base)
    for (const id of digests) {
      if (pushed.hasLayer(domain, id)) await say(`${short(id)}: Layer already exists`)
      else if (id === baseId && image.base!.repository.startsWith(`${domain}/`) && image.base!.repository !== repository) await say(`${short(id)}: Mounted from ${image.base!.repository.slice(domain.length + 1)}`)
      else {
        await clock.sleep(120 + random.float() * 200)
        await say(`${short(id)}: Pushed`)
      }
    }
    const account = access.accountOf(domain)
    await pushed.push(repository, tag, image, account)
    images.addDigest(image.id, `${repository}@${image.id}`)
    await say(`${tag}: digest: ${image.id} size: ${428 + 158 * digests.length}`)
  }
}
