import type { Clock } from '../../base/clock.ts'
import type { Architecture } from '../../unix/architecture.ts'
import { createOverlay } from '../../unix/file-system.ts'
import type { MountableFileSystem } from '../../unix/types.ts'
import { PACKAGES_NAME, packageFiles } from '../images/packages.ts'
import type { ImageRegistry, RegistryCredentials, RegistryImage } from '../runtime/image-registry.ts'
import { compressedSize, recordOf, runtimeConfig } from './docker-image.ts'
import type { DockerImage, StoredImageRecord } from './docker-image.ts'
import { ImageShelf } from './image-shelf.ts'
import { LayerStore } from './layer-store.ts'
import { ProgramNames } from './program-names.ts'

/** The learner's machine builds for its own processor. */
const BUILD_ARCHITECTURE: Architecture = 'amd64'
/** Where registries have what was pushed. */
const PUSHED = '/var/lib/registry/manifests.json'

interface PushedManifest {
  repository: string
  tag: string
  credentials?: RegistryCredentials
  image: StoredImageRecord
}

/** What was pushed to registries, kept on a disk of theirs and handed out to whoever pulls. */
export class PushedImages {
  readonly #disk: MountableFileSystem
  readonly #registry: ImageRegistry
  readonly #clock: Clock
  readonly #layers: LayerStore
  readonly #shelf: ImageShelf
  readonly programs: ProgramNames
  #manifests: PushedManifest[] = []
  readonly #images = new WeakMap<RegistryImage, DockerImage>()

  constructor({ disk, registry, clock }: { disk: MountableFileSystem; registry: ImageRegistry; clock: Clock }) {
    this.#disk = disk
    this.#registry = registry
    this.#clock = clock
    this.programs = new ProgramNames((name) => {
      if (name === PACKAGES_NAME) return packageFiles(clock)
      const colon = name.lastIndexOf(':')
      return registry.original(name.slice(0, colon), name.slice(colon + 1))?.root({ readOnly: true })
    })
    this.programs.learn(PACKAGES_NAME)
    this.#layers = new LayerStore({ disk, directory: '/var/lib/registry/layers', programs: this.programs, clock })
    this.#shelf = new ImageShelf({ layers: this.#layers, registry, clock })
  }

  /** Takes up what was pushed before this process began. */
  async recall(): Promise<void> {
    if (!this.#disk.exists(PUSHED)) return
    for (const manifest of JSON.parse(this.#disk.readText(PUSHED)) as PushedManifest[]) {
      const image = await this.#shelf.read(manifest.image)
      if (!image) continue
      this.#manifests.push(manifest)
      this.#offer(manifest, image)
    }
  }

  /** @param credentials who may pull it; everybody where nothing is said */
  async push(repository: string, tag: string, image: DockerImage, credentials?: RegistryCredentials): Promise<void> {
    for (const layer of image.layers) await this.#layers.adopt(layer)
    const manifest: PushedManifest = { repository, tag, image: recordOf(image), ...(credentials ? { credentials } : {}) }
    this.#manifests = [...this.#manifests.filter((each) => each.repository !== repository || each.tag !== tag), manifest]
    this.#disk.mkdir(PUSHED.slice(0, PUSHED.lastIndexOf('/')), { recursive: true })
    this.#disk.writeFile(PUSHED, JSON.stringify(this.#manifests))
    this.#offer(manifest, image)
  }

  /** Whether a registry has a layer already, in any of its images. */
  hasLayer(domain: string, digest: string): boolean {
    return this.#manifests.some(({ repository, image }) => repository.startsWith(`${domain}/`) && image.layers.some(({ id }) => id === digest))
  }

  /** The image behind what a registry hands out, if it was pushed. */
  behind(image: RegistryImage): DockerImage | undefined {
    return this.#images.get(image)
  }

  #offer({ repository, tag, credentials }: PushedManifest, image: DockerImage): void {
    const handedOut: RegistryImage = {
      config: runtimeConfig(image.config), sizeBytes: compressedSize(image), architectures: [BUILD_ARCHITECTURE], isSingleBuild: true, ...(credentials ? { credentials } : {}),
      root: (options) => createOverlay(image.files, this.#clock, options?.readOnly ? { readOnly: true } : {}),
    }
    this.#images.set(handedOut, image)
    this.#registry.push(repository, tag, image.id, handedOut)
  }
}
