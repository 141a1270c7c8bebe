import { createOverlay } from '../../unix/file-system.ts'
import type { Clock } from '../../base/clock.ts'
import type { MountableFileSystem } from '../../unix/types.ts'
import { parseImageReference } from '../runtime/image-reference.ts'
import type { ImageReference } from '../runtime/image-reference.ts'
import type { ImageStore, StoredImage } from '../runtime/image-store.ts'
import { DockerError } from './docker-error.ts'
import { recordOf, runtimeConfig, sizeOnDisk } from './docker-image.ts'
import type { DockerImage, StoredImageRecord } from './docker-image.ts'
import type { ImageShelf } from './image-shelf.ts'

/** Where the list of images is on the engine's disk. */
const LIST = '/var/lib/docker/image/repositories.json'

interface StoredTable {
  images: StoredImageRecord[]
  names: Record<string, string>
  digests: Record<string, string[]>
}

/** A name as people write it: without what is Docker Hub's anyway. */
export function familiarName(fullName: string): string {
  return fullName.replace(/^docker\.io\/library\//, '').replace(/^docker\.io\//, '')
}

/** `name:tag` of anything that users call an image. @throws DockerError */
export function referenceOf(text: string): ImageReference {
  try {
    return parseImageReference(text)
  } catch (error) {
    const message = (error as Error).message
    if (message.includes('must be lowercase')) throw new DockerError(`invalid reference format: repository name (${text.replace(/:[^/]*$/, '')}) must be lowercase`)
    throw new DockerError('invalid reference format')
  }
}

/** The images on the learner's machine, their names, and the digests that they are known by in registries. */
export class ImageTable {
  readonly #images = new Map<string, DockerImage>()
  readonly #names = new Map<string, string>()
  /** `repository@digest` by image. */
  readonly #digests = new Map<string, Set<string>>()
  /** What containers of a build run from. */
  readonly #lent = new Map<string, DockerImage>()
  readonly #disk: MountableFileSystem
  readonly #clock: Clock

  constructor(disk: MountableFileSystem, clock: Clock) {
    this.#disk = disk
    this.#clock = clock
  }

  /** Takes up what the disk holds from before this process. */
  async recall(shelf: ImageShelf): Promise<void> {
    if (!this.#disk.exists(LIST)) return
    const { images, names, digests } = JSON.parse(this.#disk.readText(LIST)) as StoredTable
    for (const record of images) {
      const image = await shelf.read(record)
      if (image) this.#images.set(image.id, image)
    }
    for (const [name, id] of Object.entries(names)) if (this.#images.has(id)) this.#names.set(name, id)
    for (const [id, list] of Object.entries(digests)) if (this.#images.has(id)) this.#digests.set(id, new Set(list))
  }

  #save(): void {
    const stored: StoredTable = { images: this.list().map(recordOf), names: Object.fromEntries(this.#names), digests: Object.fromEntries([...this.#digests].map(([id, set]) => [id, [...set]])) }
    this.#disk.mkdir(LIST.slice(0, LIST.lastIndexOf('/')), { recursive: true })
    this.#disk.writeFile(LIST, JSON.stringify(stored))
  }

  /** Newest first. */
  list(): DockerImage[] {
    return [...this.#images.values()].sort((a, b) => b.createdMs - a.createdMs)
  }

  /** Full names (`docker.io/library/nginx:1.27`), sorted. */
  namesOf(id: string): string[] {
    return [...this.#names].filter(([, each]) => each === id).map(([name]) => name).sort()
  }

  digestsOf(id: string): string[] {
    return [...this.#digests.get(id) ?? []].sort()
  }

  byName(fullName: string): DockerImage | undefined {
    const id = this.#names.get(fullName)
    return id === undefined ? undefined : this.#images.get(id)
  }

  /** The full name, where a text is the name of an image rather than an id. @throws DockerError */
  nameMeant(text: string): string | undefined {
    if (/^(?:sha256:|[0-9a-f]{64}$)/.test(text)) return undefined
    const { fullName } = referenceOf(text)
    return this.#names.has(fullName) ? fullName : undefined
  }

  /** By name, digest, id or the beginning of an id. @throws DockerError where several ids begin so */
  find(text: string): DockerImage | undefined {
    const bare = text.replace(/^sha256:/, '')
    const isId = /^[0-9a-f]{1,64}$/.test(bare)
    if (isId && bare.length === 64) return this.#images.get(`sha256:${bare}`)
    if (!text.startsWith('sha256:')) {
      const reference = referenceOf(text)
      const named = this.byName(reference.fullName)
      if (named) return named
      if (reference.digest) for (const [id, digests] of this.#digests) if (digests.has(`${reference.repository}@${reference.digest}`)) return this.#images.get(id)
    }
    if (!isId) return undefined
    const found = [...this.#images.values()].filter(({ id }) => id.slice(7).startsWith(bare))
    if (found.length > 1) throw new DockerError(`multiple IDs found with provided prefix: ${text}`)
    return found[0]
  }

  /** @throws DockerError */
  need(text: string): DockerImage {
    const found = this.find(text)
    if (found) return found
    const isId = /^(?:sha256:)?[0-9a-f]{64}$/.test(text)
    throw new DockerError(`No such image: ${isId || text.startsWith('sha256:') ? text : familiarName(referenceOf(text).requested)}`, 'not found')
  }

  add(image: DockerImage): void {
    this.#images.set(image.id, image)
    this.#save()
  }

  /** The name is this image's from now on. */
  tag(fullName: string, id: string): void {
    this.#names.set(fullName, id)
    this.#save()
  }

  untag(fullName: string): void {
    this.#names.delete(fullName)
    this.#save()
  }

  addDigest(id: string, repoDigest: string): void {
    const set = this.#digests.get(id)
    if (set) set.add(repoDigest)
    else this.#digests.set(id, new Set([repoDigest]))
    this.#save()
  }

  remove(id: string): void {
    this.#images.delete(id)
    this.#digests.delete(id)
    for (const [name, each] of this.#names) if (each === id) this.#names.delete(name)
    this.#save()
  }

  /** Shows the container runtime something that isn't an image yet. Returns the way to undo. */
  lend(image: DockerImage): () => void {
    this.#lent.set(image.id, image)
    return () => { this.#lent.delete(image.id) }
  }

  /** The same images as the container runtime asks for them. Pulling is the engine's business. */
  forRuntime(): ImageStore {
    const find = (name: string): StoredImage | undefined => {
      const image = this.#images.get(name) ?? this.#lent.get(name)
      if (!image) return undefined
      const names = this.namesOf(image.id)
      return {
        id: image.id, repository: names[0]?.replace(/:[^/:]*$/, '') ?? '', repoDigest: image.id, tags: new Set(names), config: runtimeConfig(image.config), sizeBytes: sizeOnDisk(image),
        root: (options) => createOverlay(image.files, this.#clock, options?.readOnly ? { readOnly: true } : {}),
      }
    }
    return {
      find, importImage: () => false, mayUse: () => true, imageStatus: () => undefined, listImages: () => [], removeImage() {},
      pullImage: () => Promise.reject(new Error('images are pulled by the engine')),
    }
  }
}
