import type { Clock } from '../../base/clock.ts'
import { MemoryFileSystem } from '../file-system.ts'
import { joinPath } from '../path.ts'
import type { FileStat, FileSystem } from '../types.ts'

export interface CopyTreeOptions {
  clock: Pick<Clock, 'breathe'>
  /** Whom the copies belong to; to whom the originals do otherwise. */
  owner?: { uid: number; gid: number }
  /** Permission bits of the copies instead of those of the originals. */
  mode?: number
  /** Leaves out what it says no to; `path` is relative to the source, without a slash at its beginning. */
  wanted?: (path: string, stat: FileStat) => boolean
}

/**
 * Copies a file or a directory with everything below it, also between file systems. Directories are merged with what is there; programs stay programs.
 * @throws UnixError
 */
export async function copyTree(from: FileSystem, source: string, to: FileSystem, target: string, options: CopyTreeOptions): Promise<void> {
  await copy(from, source, to, target, '', options)
}

async function copy(from: FileSystem, source: string, to: FileSystem, target: string, relative: string, options: CopyTreeOptions): Promise<void> {
  const stat = from.lstat(source)
  if (relative !== '' && options.wanted?.(relative, stat) === false) return
  const { uid, gid } = options.owner ?? stat
  if (stat.type === 'directory') {
    if (!to.exists(target)) {
      to.mkdir(target, { recursive: true })
      to.chmod(target, options.mode ?? stat.mode)
      to.chown(target, uid, gid)
    }
    for (const name of from.readdir(source)) {
      await options.clock.breathe()
      await copy(from, joinPath(source, name), to, joinPath(target, name), relative === '' ? name : `${relative}/${name}`, options)
    }
    return
  }
  if (stat.type !== 'file' && stat.type !== 'symlink') return
  to.remove(target, { force: true, recursive: true })
  if (stat.type === 'symlink') return to.symlink(from.readlink(source), target)
  const program = from.program(source)
  if (program && to instanceof MemoryFileSystem) to.installProgram(target, program)
  else to.writeFile(target, from.readFile(source))
  to.chmod(target, options.mode ?? stat.mode)
  to.chown(target, uid, gid)
  to.utimes(target, stat.modifiedMs, stat.modifiedMs)
}
