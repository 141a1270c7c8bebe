import { bytesOfBase64 } from '../../base/base64.ts'
import { concatBytes } from '../../base/streams.ts'
import type { MountableFileSystem } from '../../unix/types.ts'
import type { Payload } from './volume.ts'

const encoder = new TextEncoder()

function dirname(path: string): string {
  const slash = path.lastIndexOf('/')
  return slash <= 0 ? '/' : path.slice(0, slash)
}

/** `..2026_11_21_04_33_03.1234567890` */
function timestampedName(nowMs: number, sequence: number): string {
  const at = new Date(Math.floor(nowMs))
  const two = (n: number) => String(n).padStart(2, '0')
  const tail = String((Math.floor(nowMs * 1000) * 7919 + sequence * 104_729) % 4_294_967_296)
  return `..${at.getUTCFullYear()}_${two(at.getUTCMonth() + 1)}_${two(at.getUTCDate())}_${two(at.getUTCHours())}_${two(at.getUTCMinutes())}_${two(at.getUTCSeconds())}.${tail}`
}

/**
 * Writes the files of a ConfigMap-like volume so that a reader sees either all of the old or all of the new: a fresh directory, and one symbolic
 * link `..data` that is switched over to it.
 */
// k8s: pkg/volume/util/atomic_writer.go
export class AtomicWriter {
  readonly #tree: MountableFileSystem
  readonly #nowMs: () => number
  #written: Payload | undefined
  #directory: string | undefined
  #sequence = 0
  /** Names at the top. */
  #visible: ReadonlySet<string> = new Set()

  constructor(tree: MountableFileSystem, nowMs: () => number) {
    this.#tree = tree
    this.#nowMs = nowMs
  }

  /** Whether anything changed. */
  write(payload: Payload, gid?: number): boolean {
    if (this.#written && samePayload(this.#written, payload)) return false
    const tree = this.#tree
    const fresh = timestampedName(this.#nowMs(), this.#sequence++)
    const made = new Set(['/'])
    const directory = (path: string) => {
      if (made.has(path)) return
      made.add(path)
      directory(dirname(path))
      tree.mkdir(path, { mode: gid === undefined ? 0o755 : 0o2775 })
      if (gid !== undefined) tree.chown(path, 0, gid)
    }
    directory(`/${fresh}`)
    for (const [path, file] of payload) {
      const full = `/${fresh}/${path}`
      directory(dirname(full))
      const mode = gid === undefined ? file.mode : file.mode | 0o440
      tree.writeFile(full, file.data, { mode })
      if (gid !== undefined || file.uid !== undefined) tree.chown(full, file.uid ?? 0, gid ?? 0)
    }
    tree.symlink(fresh, '/..data_tmp')
    tree.rename('/..data_tmp', '/..data')
    const visible = new Set([...payload.keys()].map((path) => path.split('/')[0]!))
    for (const name of this.#visible) if (!visible.has(name)) tree.remove(`/${name}`)
    for (const name of visible) if (!this.#visible.has(name)) tree.symlink(`..data/${name}`, `/${name}`)
    this.#visible = visible
    if (this.#directory) tree.remove(`/${this.#directory}`, { recursive: true })
    this.#directory = fresh
    this.#written = payload
    return true
  }
}

function samePayload(a: Payload, b: Payload): boolean {
  if (a.size !== b.size) return false
  for (const [path, file] of b) {
    const old = a.get(path)
    if (!old || old.mode !== file.mode || old.data.length !== file.data.length) return false
    for (let i = 0; i < file.data.length; i++) if (old.data[i] !== file.data[i]) return false
  }
  return true
}

export function payloadText(text: string): Uint8Array {
  return text === '' ? concatBytes([]) : encoder.encode(text)
}

/** Base64 as in Secrets and binaryData. */
export function fromBase64(text: string): Uint8Array {
  return bytesOfBase64(text)
}
