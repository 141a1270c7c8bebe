import type { Clock } from '../../base/clock.ts'
import { createOverlay } from '../../unix/file-system.ts'
import type { MemoryFileSystem } from '../../unix/file-system.ts'
import { applyChange, layerChanges } from '../../unix/fs/layer-changes.ts'
import { baseName, directoryName } from '../../unix/path.ts'
import type { MountableFileSystem } from '../../unix/types.ts'
import { digestOfBytes, digestOfText } from './digest.ts'
import type { ProgramNames } from './program-names.ts'

/** A read-only layer of an image. */
export interface Layer {
  /** Digest of what it changes. */
  readonly id: string
  /** Digest of it and of everything below it. */
  readonly chainId: string
  /** The layer and those below it. */
  readonly files: MountableFileSystem
  readonly sizeBytes: number
}

/** How the OCI's image format writes down that a file of the layer below is gone, and that a directory below doesn't show through. */
const WHITEOUT = '.wh.'
const OPAQUE = '.wh..wh..opq'
/** How long changes of a writable layer are collected before they are written down, in milliseconds of cluster time. */
const COLLECT_MS = 500

interface LayerStoreOptions {
  disk: MountableFileSystem
  /** The directory of the disk with a directory for each layer. */
  directory: string
  programs: ProgramNames
  clock: Clock
}

/**
 * Layers on a disk, each as a directory with what it changes, as overlay2 keeps them. Files that are programs have no bytes: where those come from
 * stands beside the directory.
 */
export class LayerStore {
  readonly #options: LayerStoreOptions

  constructor(options: LayerStoreOptions) {
    this.#options = options
  }

  /** Makes a layer of what was changed on top of another one, and writes it down. */
  async seal(files: MemoryFileSystem, below: { chainId: string }): Promise<Layer> {
    const { clock, disk, programs } = this.#options
    const lines: string[] = []
    let sizeBytes = 0
    for (const change of layerChanges(files)) {
      await clock.breathe()
      if (change.kind === 'removed') { lines.push(`${change.path} removed`); continue }
      const { mode, uid, gid, modifiedMs, content, sizeBytes: bytes, program, target } = change.inode
      const what = change.kind === 'directory' ? String(change.replaces) : change.kind === 'symlink' ? target ?? ''
        : program ? programs.nameOf(program) ?? 'program' : await digestOfBytes(clock, content?.subarray(0, bytes) ?? new Uint8Array(0))
      if (change.kind === 'file') sizeBytes += bytes
      lines.push(`${change.path} ${change.kind} ${mode} ${uid} ${gid} ${change.kind === 'file' ? modifiedMs : ''} ${what}`)
    }
    const id = await digestOfBytes(clock, new TextEncoder().encode(lines.join('\n')))
    const layer: Layer = { id, chainId: digestOfText(`${below.chainId} ${id}`), files, sizeBytes }
    if (!disk.exists(this.#directory(id))) await this.#write(files, id)
    return layer
  }

  /** A layer that was written down, on top of files. Undefined when it isn't there. */
  async load(id: string, sizeBytes: number, below: { chainId: string; files: MountableFileSystem }): Promise<Layer | undefined> {
    const files = createOverlay(below.files, this.#options.clock)
    if (!await this.restore(id, files)) return undefined
    return { id, chainId: digestOfText(`${below.chainId} ${id}`), files, sizeBytes }
  }

  /** Makes the changes of a layer that was written down in other files. False when it isn't there. */
  async restore(id: string, files: MemoryFileSystem): Promise<boolean> {
    const { clock, disk, programs } = this.#options
    const directory = this.#directory(id)
    if (!disk.exists(directory)) return false
    const list = `${directory}/programs.json`
    const names = disk.exists(list) ? JSON.parse(disk.readText(list)) as Record<string, string> : {}
    const restoreIn = async (path: string): Promise<void> => {
      const at = `${directory}/diff${path}`
      if (path !== '' && disk.exists(`${at}/${OPAQUE}`)) {
        files.remove(path, { recursive: true, force: true })
        files.mkdir(path)
      }
      for (const name of disk.readdir(at)) {
        await clock.breathe()
        if (name === OPAQUE) continue
        const child = `${path}/${name}`
        if (name.startsWith(WHITEOUT)) { files.remove(`${path}/${name.slice(WHITEOUT.length)}`, { recursive: true, force: true }); continue }
        const stat = disk.lstat(`${directory}/diff${child}`)
        if (stat.type === 'directory') {
          if (files.exists(child) && files.lstat(child).type !== 'directory') files.remove(child)
          files.mkdir(child, { recursive: true })
          await restoreIn(child)
        } else {
          files.remove(child, { recursive: true, force: true })
          if (stat.type === 'symlink') { files.symlink(disk.readlink(`${directory}/diff${child}`), child); continue }
          const program = names[child] === undefined ? undefined : programs.find(names[child])
          if (program) files.installProgram(child, program)
          else files.writeFile(child, disk.readFile(`${directory}/diff${child}`))
        }
        files.chmod(child, stat.mode)
        files.chown(child, stat.uid, stat.gid)
        files.utimes(child, stat.modifiedMs, stat.modifiedMs)
      }
    }
    await restoreIn('')
    return true
  }

  /** Writes a writable layer down whenever it changes, until told to stop. Resolves the stop once the last changes are written. */
  follow(files: MemoryFileSystem, id: string): () => Promise<void> {
    const { clock, disk } = this.#options
    disk.mkdir(`${this.#directory(id)}/diff`, { recursive: true })
    let writing: Promise<void> = Promise.resolve()
    let timer: { cancel(): void } | undefined
    const write = () => {
      timer = undefined
      writing = writing.then(() => this.#write(files, id)).catch(() => { /* The disk is full, or the container is gone. */ })
    }
    const stop = files.watch('/', () => { timer ??= clock.after(COLLECT_MS, write) })
    return async () => {
      stop()
      if (timer) { timer.cancel(); write() }
      await writing
    }
  }

  /** Writes a layer down that came from elsewhere. */
  async adopt(layer: Layer): Promise<void> {
    if (!this.#options.disk.exists(this.#directory(layer.id))) await this.#write(layer.files as MemoryFileSystem, layer.id)
  }

  /** Takes away layers that nobody needs any more; those of containers stay. */
  collect(needed: ReadonlySet<string>): void {
    const { disk, directory } = this.#options
    if (!disk.exists(directory)) return
    for (const name of disk.readdir(directory)) if (!name.startsWith('container-') && !needed.has(`sha256:${name}`)) this.remove(name)
  }

  remove(id: string): void {
    this.#options.disk.remove(this.#directory(id), { recursive: true, force: true })
  }

  async #write(files: MemoryFileSystem, id: string): Promise<void> {
    const { clock, disk, programs } = this.#options
    const directory = this.#directory(id)
    const names: Record<string, string> = {}
    const there = new Set<string>()
    disk.mkdir(`${directory}/diff`, { recursive: true })
    for (const change of layerChanges(files)) {
      await clock.breathe()
      const at = `${directory}/diff${change.path}`
      if (change.kind === 'removed') {
        const mark = `${directoryName(at)}/${WHITEOUT}${baseName(at)}`
        there.add(mark)
        if (!disk.exists(mark)) disk.writeFile(mark, '', { mode: 0o000 })
        continue
      }
      there.add(at)
      if (change.kind === 'file' && change.inode.program) {
        const name = programs.nameOf(change.inode.program)
        if (name !== undefined) names[change.path] = name
      }
      if (change.kind === 'directory' && change.replaces) there.add(`${at}/${OPAQUE}`)
      if (isSame(disk, at, change.inode)) continue
      applyChange(disk, change.kind === 'directory' ? { ...change, path: at, replaces: false } : change.kind === 'file' && change.inode.program ? { ...change, path: at, inode: { ...change.inode, program: undefined } as unknown as typeof change.inode } : { ...change, path: at })
      if (change.kind === 'directory' && change.replaces) disk.writeFile(`${at}/${OPAQUE}`, '', { mode: 0o000 })
    }
    await this.#sweep(`${directory}/diff`, there)
    const list = JSON.stringify(names)
    if (list !== '{}') disk.writeFile(`${directory}/programs.json`, list)
  }

  /** Takes away what a writable layer doesn't have any more. */
  async #sweep(directory: string, there: ReadonlySet<string>): Promise<void> {
    const { clock, disk } = this.#options
    for (const name of disk.readdir(directory)) {
      await clock.breathe()
      const path = `${directory}/${name}`
      if (!there.has(path)) disk.remove(path, { recursive: true, force: true })
      else if (disk.lstat(path).type === 'directory') await this.#sweep(path, there)
    }
  }

  #directory(id: string): string {
    return `${this.#options.directory}/${id.replace(/^sha256:/, '')}`
  }
}

/** Whether a file is on the disk as it is in the layer. */
function isSame(disk: MountableFileSystem, at: string, inode: { type: string; mode: number; uid: number; gid: number; modifiedMs: number; sizeBytes: number; target?: string }): boolean {
  if (!disk.exists(at) && inode.type !== 'symlink') return false
  try {
    const stat = disk.lstat(at)
    if (stat.type !== inode.type || stat.uid !== inode.uid || stat.gid !== inode.gid) return false
    if (stat.type === 'symlink') return disk.readlink(at) === inode.target
    return stat.mode === inode.mode && (stat.type === 'directory' || (stat.sizeBytes === inode.sizeBytes && stat.modifiedMs === inode.modifiedMs))
  } catch {
    return false
  }
}
