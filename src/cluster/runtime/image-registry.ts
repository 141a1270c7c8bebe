import type { Clock } from '../../base/clock.ts'
import { Random } from '../../base/random.ts'
import type { Architecture } from '../../unix/architecture.ts'
import { isImageProgram, loadImagePrograms } from '../../unix/lazy-program.ts'
import { createMemoryFileSystem, createOverlay } from '../../unix/file-system.ts'
import type { InitialFile } from '../../unix/file-system.ts'
import type { MountableFileSystem } from '../../unix/types.ts'
import type { ImageConfig, ImageDefinition } from '../images/image.ts'

/** An image as a registry hands it out. */
export interface RegistryImage {
  readonly config: ImageConfig
  /** Compressed. */
  readonly sizeBytes: number
  /** Who may pull it; everybody where nothing is said. */
  readonly credentials?: RegistryCredentials
  /** See {@link ImageDefinition}. */
  readonly architectures?: readonly Architecture[]
  readonly isSingleBuild?: boolean
  /** Loads what the programs that it is for need, if that isn't here yet. */
  prepare?(): Promise<void>
  /** A fresh layer on top of its root file system. */
  root(options?: { readOnly?: boolean }): MountableFileSystem
}

/** What a client shows a registry. */
export interface RegistryCredentials {
  username: string
  password: string
}

/** The registries that nodes can reach. */
export interface ImageRegistry {
  repositories(): readonly string[]
  hasRepository(repository: string): boolean
  find(repository: string, tag: string): RegistryImage | undefined
  /** Tags of a repository, to find images by digest. */
  tags(repository: string): readonly string[]
  /** Digest of an image's manifest. */
  digest(repository: string, tag: string): string
  /** The image that a name had before one was pushed to it. */
  original(repository: string, tag: string): RegistryImage | undefined
  /** Takes an image under a name, in place of what had it. */
  push(repository: string, tag: string, digest: string, image: RegistryImage): void
  /** Takes an image that no registry has: nodes were given it as an archive. */
  load(repository: string, tag: string, digest: string, image: RegistryImage): void
  loaded(repository: string, tag: string): HeldImage | undefined
  /** What was pushed, for other clusters' nodes, which reach the same registries. */
  readonly pushed: PushedTable
}

/** An image with the digest of its manifest. */
export interface HeldImage {
  digest: string
  image: RegistryImage
}

/** Images by repository and tag. */
export type PushedTable = Map<string, Map<string, HeldImage>>

/** A digest for an image whose real one isn't known: made from its name, so that it is the same on every node and in every run. */
function imageDigest(repository: string, tag: string): string {
  const bytes = new Random(`manifest ${repository}:${tag}`).bytes(32)
  return `sha256:${Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join('')}`
}

/** Everything of an image with its bases and the differences of a tag laid over each other. */
function flatten(image: ImageDefinition, tag: string | undefined): { files: Record<string, InitialFile>; config: ImageConfig; sizeBytes: number } {
  const below = image.base ? flatten(image.base, undefined) : { files: {}, config: {}, sizeBytes: 0 }
  const variant = tag === undefined ? undefined : image.variants?.[tag]
  const files: Record<string, InitialFile> = { ...below.files, ...image.files, ...variant?.files }
  for (const [path, program] of Object.entries({ ...image.programs, ...variant?.programs })) files[path] = { program }
  const own = { ...image, ...variant }
  const ports = [...new Set([...below.config.exposedPorts ?? [], ...own.exposedPorts ?? []])]
  // An entrypoint of its own does away with the command of the base.
  const cmd = own.cmd ?? (own.entrypoint ? undefined : below.config.cmd)
  const entrypoint = own.entrypoint ?? below.config.entrypoint
  const workingDir = own.workingDir ?? below.config.workingDir
  const user = own.user ?? below.config.user
  const stopSignal = own.stopSignal ?? below.config.stopSignal
  return {
    files, sizeBytes: own.sizeBytes,
    config: {
      env: { ...below.config.env, ...image.env, ...variant?.env }, exposedPorts: ports, ...(entrypoint ? { entrypoint } : {}), ...(cmd ? { cmd } : {}), ...(workingDir ? { workingDir } : {}),
      ...(user ? { user } : {}), ...(stopSignal ? { stopSignal } : {}), ...(own.volumes ?? below.config.volumes ? { volumes: own.volumes ?? below.config.volumes! } : {}),
    },
  }
}

/** What the registries of old have that Kubernetes' images were in: k8s.gcr.io leads to its successor, Google's project keeps what it had. */
const FORMER_REGISTRIES: readonly (readonly [prefix: string, names?: ReadonlySet<string>])[] = [
  ['k8s.gcr.io/'],
  ...['gcr.io/google-containers/', 'gcr.io/google_containers/'].map((prefix): [string, ReadonlySet<string>] => [prefix, new Set(['busybox', 'echoserver', 'hpa-example', 'liveness', 'nginx-slim', 'pause', 'serve_hostname', 'test-webserver'])]),
]

/** Where the images of a repository are: what k8s.gcr.io is asked for it finds in registry.k8s.io. */
function successorOf(repository: string): string | undefined {
  for (const [prefix, names] of FORMER_REGISTRIES) {
    const name = repository.startsWith(prefix) ? repository.slice(prefix.length) : undefined
    if (name !== undefined && (names?.has(name) ?? true)) return `registry.k8s.io/${name}`
  }
  return undefined
}

/** Registries that hold the given images, and what was `pushed`. Root file systems are made when an image is first used, once for all nodes. */
export function createImageRegistry(images: readonly ImageDefinition[], clock: Pick<Clock, 'nowMs'>, pushed: PushedTable = new Map()): ImageRegistry {
  const byRepository = new Map<string, ImageDefinition[]>()
  for (const image of images) byRepository.set(image.repository, [...byRepository.get(image.repository) ?? [], image])
  const made = new Map<string, RegistryImage>()
  const loaded = new Map<string, HeldImage>()
  const definitionsOf = (repository: string) => byRepository.get(repository) ?? byRepository.get(successorOf(repository) ?? '') ?? []
  const original = (repository: string, tag: string): RegistryImage | undefined => {
    const name = `${repository}:${tag}`
    const held = made.get(name)
    if (held) return held
    const definition = definitionsOf(repository).find((image) => image.tags.includes(tag))
    if (!definition) return undefined
    // The same image: what it takes is taken once.
    if (definition.repository !== repository) return original(definition.repository, tag)
    const { files, config, sizeBytes } = flatten(definition, tag)
    const programs = Object.values(files).flatMap((file) => typeof file === 'object' && 'program' in file && isImageProgram(file.program) ? [file.program] : [])
    let base: MountableFileSystem | undefined
    const architectures = definition.variants?.[tag]?.architectures ?? definition.architectures
    const image: RegistryImage = {
      config, sizeBytes, ...(architectures ? { architectures, isSingleBuild: definition.isSingleBuild ?? false } : {}), ...(definition.credentials ? { credentials: definition.credentials } : {}), ...(programs.length > 0 ? { prepare: () => loadImagePrograms(programs) } : {}),
      root(options = {}) {
        base ??= createMemoryFileSystem({ clock, files: { '/tmp': { directory: true, mode: 0o1777 }, ...files } })
        return createOverlay(base, clock, options.readOnly ? { readOnly: true } : {})
      },
    }
    made.set(name, image)
    return image
  }
  return {
    pushed,
    load(repository, tag, digest, image) { loaded.set(`${repository}:${tag}`, { digest, image }) },
    loaded: (repository, tag) => loaded.get(`${repository}:${tag}`),
    repositories: () => [...new Set([...byRepository.keys(), ...pushed.keys()])],
    hasRepository: (repository) => definitionsOf(repository).length > 0 || pushed.has(repository),
    tags: (repository) => [...new Set([...pushed.get(repository)?.keys() ?? [], ...definitionsOf(repository).flatMap((image) => image.tags)])],
    push(repository, tag, digest, image) {
      let tags = pushed.get(repository)
      if (!tags) pushed.set(repository, tags = new Map())
      tags.set(tag, { digest, image })
    },
    digest(repository, tag) {
      const definition = definitionsOf(repository).find((image) => image.tags.includes(tag))
      return pushed.get(repository)?.get(tag)?.digest ?? definition?.digests?.[tag] ?? imageDigest(definition?.repository ?? repository, tag)
    },
    find: (repository, tag) => pushed.get(repository)?.get(tag)?.image ?? original(repository, tag),
    original,
  }
}
