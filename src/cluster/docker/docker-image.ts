import type { Signal } from '../../unix/types.ts'
import type { MountableFileSystem } from '../../unix/types.ts'
import type { ImageConfig } from '../images/image.ts'
import type { RegistryImage } from '../runtime/image-registry.ts'
import { digestOfText } from './digest.ts'
import type { Layer } from './layer-store.ts'

/** How a container tells whether it is well. Durations in milliseconds. */
export interface HealthCheck {
  /** `NONE`, or `CMD` with arguments, or `CMD-SHELL` with a line. */
  test: readonly string[]
  intervalMs: number
  timeoutMs: number
  startPeriodMs: number
  retries: number
}

/** The configuration of an image, as `docker inspect` shows it. */
export interface DockerConfig {
  /** `NAME=value`, in order. */
  env: readonly string[]
  cmd?: readonly string[]
  entrypoint?: readonly string[]
  workingDir: string
  user: string
  /** `8080/tcp`. */
  exposedPorts: readonly string[]
  volumes: readonly string[]
  labels: Readonly<Record<string, string>>
  stopSignal?: Signal
  shell?: readonly string[]
  healthCheck?: HealthCheck
  onBuild?: readonly string[]
}

export interface HistoryEntry {
  createdMs: number
  createdBy: string
  comment: string
  sizeBytes: number
  /** It changed the configuration only. */
  empty: boolean
}

/** An image of the catalogue, on which others are built. */
export interface BaseImage {
  repository: string
  tag: string
  digest: string
}

/** An image on the learner's machine. */
export interface DockerImage {
  /** Digest of its manifest. */
  readonly id: string
  readonly config: DockerConfig
  readonly createdMs: number
  /** Oldest first. */
  readonly history: readonly HistoryEntry[]
  /** Undefined for images that begin with nothing. */
  readonly base: BaseImage | undefined
  readonly baseSizeBytes: number
  readonly layers: readonly Layer[]
  /** Everything below containers' own layers. */
  readonly files: MountableFileSystem
}

/** Registries tell what is transferred; on disk images take more than twice of it. */
const UNPACKED = 2.3
/** When images of the catalogue were made, as far before now as this, in milliseconds. */
const CATALOGUE_AGE_MS = 21 * 24 * 3_600_000

export function sizeOnDisk(image: DockerImage): number {
  return image.baseSizeBytes + image.layers.reduce((sum, layer) => sum + layer.sizeBytes, 0)
}

/** What a pull of it transfers. */
export function compressedSize(image: DockerImage): number {
  return transfersOf(image).reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
}

/** Digests of all layers, the base's counted as one. */
export function layerDigests(image: DockerImage): string[] {
  return transfersOf(image).map(({ digest }) => digest)
}

/** The layers as a registry sends them, the base's counted as one. */
export function transfersOf({ base, baseSizeBytes, layers }: DockerImage): { digest: string; sizeBytes: number }[] {
  const all = [...(base ? [{ id: baseLayerDigest(base), sizeBytes: baseSizeBytes }] : []), ...layers]
  return all.map(({ id, sizeBytes }) => ({ digest: id, sizeBytes: Math.ceil(sizeBytes / UNPACKED) }))
}

export function baseLayerDigest(base: BaseImage): string {
  return digestOfText(`layer ${base.digest}`)
}

/** What the uppermost layer stands on or is. */
export function topOf(image: Pick<DockerImage, 'base' | 'layers' | 'files'>): { chainId: string; files: MountableFileSystem } {
  return image.layers.at(-1) ?? { chainId: image.base?.digest ?? 'scratch', files: image.files }
}

/** An image of the catalogue as Docker shows it. */
export function fromCatalogue(base: BaseImage, image: RegistryImage, nowMs: number): DockerImage {
  const { config } = image
  // A date for a list that keeps none: weeks before it was first wanted here.
  const createdMs = Math.floor((nowMs - CATALOGUE_AGE_MS) / 86_400_000) * 86_400_000 - parseInt(base.digest.slice(7, 12), 16) * 1000
  const sizeBytes = Math.round(image.sizeBytes * UNPACKED)
  const dockerConfig: DockerConfig = {
    env: Object.entries(config.env ?? {}).map(([name, value]) => `${name}=${value}`), ...(config.cmd ? { cmd: config.cmd } : {}), ...(config.entrypoint ? { entrypoint: config.entrypoint } : {}),
    workingDir: config.workingDir ?? '', user: config.user ?? '', exposedPorts: (config.exposedPorts ?? []).map((port) => `${port}/tcp`), volumes: config.volumes ?? [], labels: {}, ...(config.stopSignal ? { stopSignal: config.stopSignal } : {}),
  }
  const step = (createdBy: string, bytes = 0): HistoryEntry => ({ createdMs, createdBy, comment: 'buildkit.dockerfile.v0', sizeBytes: bytes, empty: bytes === 0 })
  return {
    id: base.digest, config: dockerConfig, createdMs, base, baseSizeBytes: sizeBytes, layers: [], files: image.root({ readOnly: true }),
    history: [
      step(`ADD rootfs.tar.xz / # buildkit`, sizeBytes), ...dockerConfig.env.map((each) => step(`ENV ${each}`)), ...(dockerConfig.workingDir ? [step(`WORKDIR ${dockerConfig.workingDir}`)] : []), ...(dockerConfig.user ? [step(`USER ${dockerConfig.user}`)] : []),
      ...(dockerConfig.exposedPorts.length > 0 ? [step(`EXPOSE map[${dockerConfig.exposedPorts.map((port) => `${port}:{}`).join(' ')}]`)] : []), ...(dockerConfig.stopSignal ? [step(`STOPSIGNAL ${dockerConfig.stopSignal}`)] : []),
      ...(dockerConfig.entrypoint ? [step(`ENTRYPOINT ${execForm(dockerConfig.entrypoint)}`)] : []), ...(dockerConfig.cmd ? [step(`CMD ${execForm(dockerConfig.cmd)}`)] : []),
    ],
  }
}

/** As Go prints a list of quoted words. */
export function execForm(words: readonly string[]): string {
  return `[${words.map((word) => JSON.stringify(word)).join(' ')}]`
}

export function envRecord(env: readonly string[]): Record<string, string> {
  return Object.fromEntries(env.map((each) => { const at = each.indexOf('='); return at < 0 ? [each, ''] : [each.slice(0, at), each.slice(at + 1)] }))
}

/** What nodes and the container runtime want to know of the configuration. */
export function runtimeConfig(config: DockerConfig): ImageConfig {
  const ports = config.exposedPorts.map((port) => parseInt(port, 10)).filter((port) => port > 0)
  return {
    env: envRecord(config.env), exposedPorts: ports, ...(config.entrypoint ? { entrypoint: config.entrypoint } : {}), ...(config.cmd ? { cmd: config.cmd } : {}), ...(config.workingDir ? { workingDir: config.workingDir } : {}),
    ...(config.user ? { user: config.user } : {}), ...(config.stopSignal ? { stopSignal: config.stopSignal as NonNullable<ImageConfig['stopSignal']> } : {}), ...(config.volumes.length > 0 ? { volumes: config.volumes } : {}),
  }
}

/** Digest of the manifest of an image that was made here. */
export function manifestDigest(image: Omit<DockerImage, 'id' | 'files'>): string {
  return digestOfText(JSON.stringify({ config: image.config, created: image.createdMs, history: image.history.map(({ createdBy, createdMs }) => [createdBy, createdMs]), base: image.base?.digest ?? null, layers: image.layers.map(({ id }) => id) }))
}

/** An image as it is written down: layers by their digests. */
export interface StoredImageRecord extends Omit<DockerImage, 'layers' | 'files' | 'base'> {
  base?: BaseImage
  layers: { id: string; sizeBytes: number }[]
}

export function recordOf({ files: _, layers, base, ...rest }: DockerImage): StoredImageRecord {
  return { ...rest, ...(base ? { base } : {}), layers: layers.map(({ id, sizeBytes }) => ({ id, sizeBytes })) }
}
