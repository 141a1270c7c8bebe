import type { MountableFileSystem } from '../../unix/types.ts'

const FILE = '/var/lib/docker/buildkit/cache.json'

/** What a step made. */
export interface CachedStep {
  layerId: string
  sizeBytes: number
  createdMs: number
}

/** Results of build steps by what went into them, kept on the engine's disk. */
export class BuildCache {
  readonly #disk: MountableFileSystem
  readonly #steps: Map<string, CachedStep>
  /** Directories that `RUN --mount=type=cache` keeps between builds. */
  readonly mounts = new Map<string, MountableFileSystem>()

  constructor(disk: MountableFileSystem) {
    this.#disk = disk
    this.#steps = new Map(disk.exists(FILE) ? Object.entries(JSON.parse(disk.readText(FILE)) as Record<string, CachedStep>) : [])
  }

  get(key: string): CachedStep | undefined {
    return this.#steps.get(key)
  }

  set(key: string, step: CachedStep): void {
    this.#steps.set(key, step)
    this.#save()
  }

  list(): [key: string, step: CachedStep][] {
    return [...this.#steps]
  }

  clear(): void {
    this.#steps.clear()
    this.mounts.clear()
    this.#save()
  }

  #save(): void {
    this.#disk.mkdir(FILE.slice(0, FILE.lastIndexOf('/')), { recursive: true })
    this.#disk.writeFile(FILE, JSON.stringify(Object.fromEntries(this.#steps)))
  }
}
