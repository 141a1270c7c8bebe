import type { Clock } from '../../base/clock.ts'
import type { MountableFileSystem } from '../../unix/types.ts'
import { DockerError } from './docker-error.ts'

const DIRECTORY = '/var/lib/docker/volumes'

export interface Volume {
  name: string
  createdMs: number
  labels: Record<string, string>
  anonymous: boolean
}

/** Named volumes: directories of the engine's disk that outlive containers. */
export class Volumes {
  readonly #disk: MountableFileSystem
  readonly #clock: Clock
  #volumes = new Map<string, Volume>()

  constructor(disk: MountableFileSystem, clock: Clock) {
    this.#disk = disk
    this.#clock = clock
    const list = `${DIRECTORY}/metadata.json`
    if (disk.exists(list)) this.#volumes = new Map((JSON.parse(disk.readText(list)) as Volume[]).map((volume) => [volume.name, volume]))
  }

  list(): Volume[] {
    return [...this.#volumes.values()].sort((a, b) => a.name < b.name ? -1 : 1)
  }

  get(name: string): Volume | undefined {
    return this.#volumes.get(name)
  }

  /** Where its files are on the disk. */
  pathOf(name: string): string {
    return `${DIRECTORY}/${name}/_data`
  }

  /** The volume of that name, made if there is none. */
  ensure(name: string, options: { labels?: Record<string, string>; anonymous?: boolean } = {}): { volume: Volume; isNew: boolean } {
    const known = this.#volumes.get(name)
    if (known) return { volume: known, isNew: false }
    if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/.test(name)) throw new DockerError(`create ${name}: "${name}" includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path`)
    const volume: Volume = { name, createdMs: this.#clock.nowMs(), labels: options.labels ?? {}, anonymous: options.anonymous ?? false }
    this.#volumes.set(name, volume)
    this.#disk.mkdir(this.pathOf(name), { recursive: true })
    this.#save()
    return { volume, isNew: true }
  }

  remove(name: string): void {
    this.#volumes.delete(name)
    this.#disk.remove(`${DIRECTORY}/${name}`, { recursive: true, force: true })
    this.#save()
  }

  /** Bytes of its files. */
  sizeOf(name: string): number {
    const sum = (path: string): number => {
      const stat = this.#disk.lstat(path)
      return stat.type === 'directory' ? this.#disk.readdir(path).reduce((total, each) => total + sum(`${path}/${each}`), 0) : stat.sizeBytes
    }
    return sum(this.pathOf(name))
  }

  #save(): void {
    this.#disk.mkdir(DIRECTORY, { recursive: true })
    this.#disk.writeFile(`${DIRECTORY}/metadata.json`, JSON.stringify(this.list()))
  }
}
