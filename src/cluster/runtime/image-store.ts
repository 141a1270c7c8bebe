import type { Clock } from '../../base/clock.ts'
import type { Random } from '../../base/random.ts'
import type { Architecture } from '../../unix/architecture.ts'
import type { MountableFileSystem } from '../../unix/types.ts'
import type { ImageConfig } from '../images/image.ts'
import { CONTAINERD } from './cri-implementation.ts'
import type { RuntimeWords } from './cri-implementation.ts'
import { RuntimeError } from './cri.ts'
import type { ImageService, ImageSummary } from './cri.ts'
import type { ImageRegistry, RegistryCredentials, RegistryImage } from './image-registry.ts'
import { parseImageReference } from './image-reference.ts'
import type { ImageReference } from './image-reference.ts'
import { parseUser } from './users.ts'

/** An image on a node. */
export interface StoredImage {
  /** Image id: the digest of its manifest. */
  readonly id: string
  readonly repository: string
  /** `docker.io/library/nginx@sha256:...`. */
  readonly repoDigest: string
  readonly tags: Set<string>
  readonly config: ImageConfig
  readonly sizeBytes: number
  /** Processors that its programs run on; all where nothing is said. */
  readonly architectures?: readonly Architecture[]
  root(options?: { readOnly?: boolean }): MountableFileSystem
}

export interface ImageStore extends ImageService {
  /** By any name or id. */
  find(name: string): StoredImage | undefined
}

export interface ImageStoreOptions {
  registry: ImageRegistry
  clock: Clock
  random: Random
  /** The processor that images are for. */
  architecture?: Architecture
  /** How failures are put; containerd's by default. */
  words?: RuntimeWords
}

/** Registries whose answer for an unknown repository is a plain 404. */
const OPEN_REGISTRIES = new Set(['registry.k8s.io', 'gcr.io', 'k8s.gcr.io', 'mcr.microsoft.com', 'public.ecr.aws'])
const KNOWN_REGISTRIES = new Set([...OPEN_REGISTRIES, 'docker.io', 'quay.io', 'ghcr.io'])

const isSame = (a: RegistryCredentials, b: RegistryCredentials) => a.username === b.username && a.password === b.password

/** How long a pull takes: a round trip, then the layers at about 250 MB/s; between 0.2 and 2 seconds. */
export function pullMs(sizeBytes: number, random: Random): number {
  return Math.round((200 + Math.min(1600, sizeBytes / 250_000)) * (0.9 + random.float() * 0.2))
}

/** The images of one node. Pulls of the same image at the same time share one download. */
export function createImageStore({ registry, clock, random, architecture = 'amd64', words = CONTAINERD.words }: ImageStoreOptions): ImageStore {
  const byDigest = new Map<string, StoredImage>()
  const byName = new Map<string, StoredImage>()
  const pulling = new Map<string, Promise<StoredImage>>()

  const resolve = (reference: ImageReference): { image: RegistryImage; tag: string } | undefined => {
    const tag = reference.digest ? registry.tags(reference.repository).find((t) => registry.digest(reference.repository, t) === reference.digest) : reference.tag
    const image = tag === undefined ? undefined : registry.find(reference.repository, tag)
    return image && { image, tag: tag! }
  }

  const add = (reference: ImageReference, image: RegistryImage, tag: string, digest = registry.digest(reference.repository, tag)): StoredImage => {
    const repoDigest = `${reference.repository}@${digest}`
    let stored = byDigest.get(repoDigest)
    if (!stored) {
      stored = { id: digest, repository: reference.repository, repoDigest, tags: new Set(), config: image.config, sizeBytes: image.sizeBytes, ...(image.architectures ? { architectures: image.architectures } : {}), root: (options) => image.root(options) }
      byDigest.set(repoDigest, stored)
      byName.set(repoDigest, stored)
    }
    if (!reference.digest) {
      // The name may have been another image's.
      byName.get(reference.fullName)?.tags.delete(reference.fullName)
      stored.tags.add(reference.fullName)
      byName.set(reference.fullName, stored)
    }
    return stored
  }

  const refuse = (reference: ImageReference): RuntimeError => {
    if (!KNOWN_REGISTRIES.has(reference.domain) && !registry.repositories().some((repository) => repository.startsWith(`${reference.domain}/`)))
      return new RuntimeError('Unknown', words.unknownHost(reference, reference.domain.replace(/:\d+$/, '')))
    if (!registry.hasRepository(reference.repository) && !OPEN_REGISTRIES.has(reference.domain)) return new RuntimeError('Unknown', words.accessDenied(reference, 'nothing'))
    return new RuntimeError(words.missingImageCode, words.noSuchImage(reference))
  }

  const find = (name: string): StoredImage | undefined => {
    const direct = byName.get(name)
    if (direct) return direct
    try {
      return byName.get(parseImageReference(name).fullName)
    } catch {
      return undefined
    }
  }

  const summary = (image: StoredImage): ImageSummary => {
    const user = parseUser(image.config.user)
    return {
      id: image.id, names: [image.repoDigest, ...image.tags], sizeBytes: image.sizeBytes,
      ...(user.uid !== undefined ? { uid: user.uid } : user.name ? { userName: user.name } : { uid: 0 }),
    }
  }

  return {
    find,
    async pullImage(name, credentials = []) {
      const reference = parseImageReference(name)
      const wanted = resolve(reference)?.image.credentials
      if (wanted && !credentials.some((each) => isSame(each, wanted))) {
        await clock.sleep(Math.round(80 + random.float() * 120))
        throw new RuntimeError('Unknown', words.accessDenied(reference, credentials.length > 0 ? 'wrong credentials' : 'no credentials'))
      }
      let pull = pulling.get(reference.fullName)
      if (!pull) {
        pull = (async () => {
          const found = resolve(reference)
          if (!found) {
            await clock.sleep(Math.round(80 + random.float() * 120))
            throw refuse(reference)
          }
          const { architectures, isSingleBuild } = found.image
          if (architectures && !isSingleBuild && !architectures.includes(architecture)) {
            await clock.sleep(Math.round(80 + random.float() * 120))
            throw new RuntimeError(words.missingImageCode, words.noBuildFor(reference, architecture))
          }
          const digest = `${reference.repository}@${registry.digest(reference.repository, found.tag)}`
          // Layers that are here already are not fetched again: only the manifest is looked up.
          await clock.sleep(byDigest.has(digest) ? Math.round(60 + random.float() * 60) : pullMs(found.image.sizeBytes, random))
          if (found.image.prepare) {
            await clock.outside(found.image.prepare()).catch((error: unknown) => {
              throw new RuntimeError('Unknown', words.downloadFailed(reference, (error as Error).message))
            })
          }
          return add(reference, found.image, found.tag)
        })()
        pulling.set(reference.fullName, pull)
        const done = () => { pulling.delete(reference.fullName) }
        pull.then(done, done)
      }
      const image = await pull
      return { imageRef: image.repoDigest, sizeBytes: image.sizeBytes }
    },
    mayUse(name, credentials) {
      const wanted = resolve(parseImageReference(name))?.image.credentials
      return !wanted || credentials.some((each) => isSame(each, wanted))
    },
    imageStatus(name) {
      const image = find(name)
      return image && summary(image)
    },
    listImages: () => [...byDigest.values()].map(summary),
    removeImage(name) {
      const image = find(name)
      if (!image) return
      byDigest.delete(image.repoDigest)
      for (const [key, value] of byName) if (value === image) byName.delete(key)
    },
    importImage(name) {
      const reference = parseImageReference(name)
      const loaded = registry.loaded(reference.repository, reference.tag)
      const found = loaded ? { ...loaded, tag: reference.tag } : resolve(reference)
      if (!found) return false
      add(reference, found.image, found.tag, loaded?.digest)
      return true
    },
  }
}
