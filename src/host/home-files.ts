import { UnixError } from '../unix/types.ts'
import type { FileSystem } from '../unix/types.ts'
import { resolvePath } from '../unix/path.ts'
import { LEARNER } from './laptop.ts'
import type { FileEntry } from './protocol.ts'

/** Larger files aren't opened in the page's editor. */
const MAX_TEXT_BYTES = 2_000_000

/** The learner's files for the page's editor. Paths are absolute or below the home directory. Errors read like a shell's. */
export class HomeFiles {
  readonly #fs: FileSystem
  constructor(fs: FileSystem) {
    this.#fs = fs
  }

  list(path: string): FileEntry[] {
    return this.#call(path, (absolute) => this.#fs.readdir(absolute).map((name): FileEntry => {
      const each = `${absolute === '/' ? '' : absolute}/${name}`
      const stat = this.#fs.lstat(each)
      return { name, path: shortPath(each), type: stat.type === 'file' || stat.type === 'directory' ? stat.type : 'other', sizeBytes: stat.sizeBytes }
    })).sort((a, b) => Number(b.type === 'directory') - Number(a.type === 'directory') || a.name.localeCompare(b.name, 'en', { numeric: true }))
  }

  /** A missing file reads as empty: an editor makes it when it saves. */
  read(path: string): string {
    return this.#call(path, (absolute) => {
      if (!this.#fs.exists(absolute)) return ''
      if (this.#fs.stat(absolute).sizeBytes > MAX_TEXT_BYTES) throw new UnixError('EFBIG', 'File too large')
      return this.#fs.readText(absolute)
    })
  }

  readBytes(path: string): Uint8Array {
    return this.#call(path, (absolute) => this.#fs.readFile(absolute))
  }

  write(path: string, text: string | Uint8Array): void {
    this.#call(path, (absolute) => {
      this.#fs.mkdir(absolute.slice(0, absolute.lastIndexOf('/')) || '/', { recursive: true })
      this.#fs.writeFile(absolute, text)
    })
  }

  remove(path: string): void {
    this.#call(path, (absolute) => this.#fs.remove(absolute, { recursive: true }))
  }

  rename(from: string, to: string): void {
    this.#call(from, (absolute) => this.#fs.rename(absolute, resolvePath(LEARNER.home, to)))
  }

  #call<T>(path: string, work: (absolute: string) => T): T {
    try {
      return work(resolvePath(LEARNER.home, path))
    } catch (error) {
      if (error instanceof UnixError) throw new Error(`${path || '~'}: ${error.message}`)
      throw error
    }
  }
}

/** A path as the page knows it: below the home directory without it. */
export function shortPath(absolute: string): string {
  return absolute === LEARNER.home ? '' : absolute.startsWith(`${LEARNER.home}/`) ? absolute.slice(LEARNER.home.length + 1) : absolute
}
