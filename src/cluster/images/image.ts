import type { Architecture } from '../../unix/architecture.ts'
import type { Program } from '../../unix/types.ts'

/** The part of an OCI image configuration that matters at run time. */
export interface ImageConfig {
  entrypoint?: readonly string[]
  cmd?: readonly string[]
  env?: Readonly<Record<string, string>>
  workingDir?: string
  /** `uid`, `name` or `uid:gid`; root by default. */
  user?: string
  exposedPorts?: readonly number[]
  /** Default SIGTERM. */
  stopSignal?: 'SIGTERM' | 'SIGQUIT' | 'SIGINT' | 'SIGWINCH'
  volumes?: readonly string[]
}

export type ImageFile = string | Uint8Array | { content: string | Uint8Array; mode?: number; uid?: number; gid?: number } | { link: string } | { directory: true; mode?: number; uid?: number; gid?: number }

/** An image of the catalogue: root file system, configuration and programs. */
export interface ImageDefinition extends ImageConfig {
  /** Full repository, e.g. `docker.io/library/nginx`. */
  repository: string
  /** Tags that exist in the registry; others fail to pull as not found. */
  tags: readonly string[]
  /** Digests of manifests by tag, where manifests in use name them; others are made up. */
  digests?: Readonly<Record<string, string>>
  /** Who may pull it; everybody where nothing is said. */
  credentials?: { username: string; password: string }
  /** Processors that it was built for; every one where nothing is said. */
  architectures?: readonly Architecture[]
  /**
   * Whether its name leads to the manifest of one build, as before there were lists of them: then nodes with another processor pull it too, and
   * can't run its programs.
   */
  isSingleBuild?: boolean
  /** Compressed size, for pull times and node status. */
  sizeBytes: number
  /** Files and programs below it, earlier ones are covered by later ones. */
  base?: ImageDefinition
  files?: Readonly<Record<string, ImageFile>>
  /** Executables by path. */
  programs?: Readonly<Record<string, Program>>
  /** Differences of single tags (version numbers and the like). */
  variants?: Readonly<Record<string, Partial<Pick<ImageDefinition, 'files' | 'env' | 'cmd' | 'entrypoint' | 'programs' | 'sizeBytes' | 'architectures'>>>>
}

export function defineImage(image: ImageDefinition): ImageDefinition {
  return image
}
