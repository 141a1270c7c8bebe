import { MemoryFileSystem } from '../../unix/file-system.ts'
import { UnixError } from '../../unix/types.ts'
import type { FileSystem } from '../../unix/types.ts'

/** A file, directory or symbolic link as it is kept. */
export interface StoredFile {
  type: 'file' | 'directory' | 'symlink'
  mode: number
  uid: number
  gid: number
  modifiedMs: number
  data?: Uint8Array
  /** Where the file is longer than its data: it ends with a hole. */
  sizeBytes?: number
  target?: string
}

/** The place and everything below it that is wanted; nothing when it is gone. Devices, pipes and sockets aren't kept. */
export function* lookAtFiles(fs: FileSystem, path: string, wanted: (path: string) => boolean = () => true): Generator<[path: string, file: StoredFile]> {
  if (!wanted(path)) return
  let stat
  try {
    stat = fs.lstat(path)
  } catch (error) {
    if (error instanceof UnixError) return
    throw error
  }
  const common = { mode: stat.mode & 0o7777, uid: stat.uid, gid: stat.gid, modifiedMs: stat.modifiedMs }
  if (stat.type === 'file') {
    const data = (fs instanceof MemoryFileSystem ? fs.readSolid(path) : fs.readFile(path)).slice()
    yield [path, { type: 'file', ...common, data, ...(data.length < stat.sizeBytes ? { sizeBytes: stat.sizeBytes } : {}) }]
  }
  else if (stat.type === 'symlink') yield [path, { type: 'symlink', ...common, target: fs.readlink(path) }]
  else if (stat.type === 'directory') {
    yield [path, { type: 'directory', ...common }]
    for (const name of fs.readdir(path)) yield* lookAtFiles(fs, path === '/' ? `/${name}` : `${path}/${name}`, wanted)
  }
}

/** Puts kept files back into a tree. */
export function restoreFiles(fs: FileSystem, files: Iterable<{ path: string; file: StoredFile }>): void {
  const sorted = [...files].sort((a, b) => a.path < b.path ? -1 : 1)
  for (const { path, file } of sorted) {
    if (file.type === 'directory') fs.mkdir(path, { recursive: true })
    else if (file.type === 'symlink') {
      fs.remove(path, { force: true, recursive: true })
      fs.symlink(file.target ?? '', path)
    }
    else fs.writeFile(path, file.data ?? new Uint8Array(0))
    if (file.sizeBytes !== undefined && fs instanceof MemoryFileSystem) fs.resize(path, file.sizeBytes)
    if (file.type === 'symlink') continue
    fs.chmod(path, file.mode)
    fs.chown(path, file.uid, file.gid)
  }
  // Last, because writing below a directory changes its time.
  for (const { path, file } of sorted.reverse()) if (file.type !== 'symlink') fs.utimes(path, file.modifiedMs, file.modifiedMs)
}
