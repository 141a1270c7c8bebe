import type { Clock } from '../../base/clock.ts'
import type { Random } from '../../base/random.ts'
import { directoryName } from '../../unix/path.ts'
import type { MountableFileSystem } from '../../unix/types.ts'
import { digestOfText } from './digest.ts'

const FILE = '/var/lib/docker/network/networks.json'

export interface DockerNetwork {
  id: string
  createdMs: number
}

/** Networks that users made, besides those that are always there. */
export class DockerNetworks {
  readonly #disk: MountableFileSystem
  readonly #clock: Clock
  readonly #random: Random
  readonly #byName: Map<string, DockerNetwork>

  constructor(disk: MountableFileSystem, clock: Clock, random: Random) {
    this.#disk = disk
    this.#clock = clock
    this.#random = random
    this.#byName = new Map(disk.exists(FILE) ? JSON.parse(disk.readText(FILE)) as [string, DockerNetwork][] : [])
  }

  has(name: string): boolean {
    return this.#byName.has(name)
  }

  get(name: string): DockerNetwork | undefined {
    return this.#byName.get(name)
  }

  /** In the order in which they were made. */
  names(): string[] {
    return [...this.#byName.keys()]
  }

  /** The id of a network by its name, also of those that are always there. */
  idOf(name: string): string {
    return this.get(name)?.id ?? digestOfText(`network ${name === 'default' ? 'bridge' : name}`).slice(7)
  }

  /** Makes a network; containers on it know each other by name. @returns its id */
  create(name: string): string {
    const network = { id: this.#random.hex(32), createdMs: this.#clock.nowMs() }
    this.#byName.set(name, network)
    this.#save()
    return network.id
  }

  remove(name: string): void {
    this.#byName.delete(name)
    this.#save()
  }

  #save(): void {
    this.#disk.mkdir(directoryName(FILE), { recursive: true })
    this.#disk.writeFile(FILE, JSON.stringify([...this.#byName]))
  }
}
