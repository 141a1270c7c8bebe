import type { FileSystem, Program } from '../../unix/types.ts'
import { joinPath } from '../../unix/path.ts'

/** Files that programs come from: an image of the registries by its name, or the machine itself. */
export type ProgramSource = (name: string) => FileSystem | undefined

/**
 * Names for programs, so that files which are programs can be written down and found again: the image that a program came with, and its path there.
 */
export class ProgramNames {
  readonly #source: ProgramSource
  readonly #names = new Map<Program, string>()
  readonly #learned = new Set<string>()

  constructor(source: ProgramSource) {
    this.#source = source
  }

  /** Takes note of the programs of an image. */
  learn(image: string): void {
    if (this.#learned.has(image)) return
    this.#learned.add(image)
    const files = this.#source(image)
    if (files) this.#walk(files, '/', image)
  }

  /** `image path`; undefined for a program of unknown origin. */
  nameOf(program: Program): string | undefined {
    return this.#names.get(program)
  }

  find(name: string): Program | undefined {
    const at = name.indexOf(' ')
    const files = this.#source(name.slice(0, at))
    const path = name.slice(at + 1)
    return files?.exists(path) ? files.program(path) : undefined
  }

  #walk(files: FileSystem, directory: string, image: string): void {
    for (const name of files.readdir(directory)) {
      const path = joinPath(directory, name)
      const { type } = files.lstat(path)
      if (type === 'directory' && path !== '/proc' && path !== '/dev' && path !== '/sys') this.#walk(files, path, image)
      else if (type === 'file') {
        const program = files.program(path)
        if (program && !this.#names.has(program)) this.#names.set(program, `${image} ${path}`)
      }
    }
  }
}
