import type { Clock } from '../../base/clock.ts'
import { createMemoryFileSystem } from '../../unix/file-system.ts'
import type { MountableFileSystem } from '../../unix/types.ts'
import type { ImageRegistry } from '../runtime/image-registry.ts'
import { digestOfText } from './digest.ts'
import { fromCatalogue } from './docker-image.ts'
import type { BaseImage, DockerImage, StoredImageRecord } from './docker-image.ts'
import type { Layer, LayerStore } from './layer-store.ts'

/** Images written down on a disk and read from there: the configuration as a record, layers by a {@link LayerStore}. */
export class ImageShelf {
  readonly #layers: LayerStore
  readonly #registry: ImageRegistry
  readonly #clock: Clock
  /** Roots of base images, so that what is built on the same image shares it. */
  readonly #bases = new Map<string, MountableFileSystem>()
  readonly #chains = new Map<string, Layer>()

  constructor(options: { layers: LayerStore; registry: ImageRegistry; clock: Clock }) {
    this.#layers = options.layers
    this.#registry = options.registry
    this.#clock = options.clock
  }

  /** An image of the catalogue; undefined when no registry has it. */
  fromCatalogue(base: BaseImage): DockerImage | undefined {
    const image = this.#registry.original(base.repository, base.tag)
    if (!image) return undefined
    const made = fromCatalogue(base, image, this.#clock.nowMs())
    const known = this.#bases.get(base.digest)
    if (known) return { ...made, files: known }
    this.#bases.set(base.digest, made.files)
    return made
  }

  /** Images that are read from now on share this layer. */
  keepLayer(layer: Layer): void {
    this.#chains.set(layer.chainId, layer)
  }

  /** A layer that is known on top of another one. */
  layerOn(chainIdBelow: string, id: string): Layer | undefined {
    return this.#chains.get(digestOfText(`${chainIdBelow} ${id}`))
  }

  /** The image of a record; undefined when a part of it is missing. */
  async read(record: StoredImageRecord): Promise<DockerImage | undefined> {
    const { base } = record
    const below = base ? this.fromCatalogue(base) : { files: createMemoryFileSystem({ clock: this.#clock }) }
    if (!below) return undefined
    let top: { chainId: string; files: MountableFileSystem } = { chainId: base?.digest ?? 'scratch', files: below.files }
    const layers: Layer[] = []
    for (const { id, sizeBytes } of record.layers) {
      const loaded: Layer | undefined = await this.#layers.load(id, sizeBytes, top)
      if (!loaded) return undefined
      const layer: Layer = this.#chains.get(loaded.chainId) ?? loaded
      this.keepLayer(layer)
      layers.push(layer)
      top = layer
    }
    return { ...record, base, layers, files: top.files }
  }
}
