import { directoryName, resolvePath } from '../path.ts'
import { UnixError } from '../types.ts'
import type { FileStat, Proc } from '../types.ts'
import type { EventLoop } from './event-loop.ts'
import type { Notify } from './network-calls.ts'

/** The calls of node:fs that the host answers, all of them at once. Paths come as the script has them. */
export function fileCalls(proc: Proc, loop: EventLoop, notify: Notify): Record<string, (...args: never[]) => unknown> {
  const at = (path: string) => resolvePath(proc.cwd, path)
  const isDirectory = (path: string) => { try { return proc.fs.stat(at(path)).type === 'directory' } catch { return false } }
  const facts = (stat: FileStat) => ({ ...stat })
  return {
    readFile(path: string) {
      if (isDirectory(path)) throw new UnixError('EISDIR')
      return proc.fs.readFile(at(path))
    },
    readText: (path: string) => proc.fs.readText(at(path)),
    writeFile(path: string, data: Uint8Array | string, { append = false, exclusive = false, mode }: { append?: boolean; exclusive?: boolean; mode?: number } = {}) {
      if (isDirectory(path)) throw new UnixError('EISDIR')
      if (exclusive && proc.fs.exists(at(path))) throw new UnixError('EEXIST')
      proc.fs.writeFile(at(path), data, { append, ...(mode === undefined ? {} : { mode }) })
    },
    stat: (path: string) => facts(proc.fs.stat(at(path))),
    lstat: (path: string) => facts(proc.fs.lstat(at(path))),
    isDirectory,
    access(path: string, mode: number) {
      proc.fs.stat(at(path))
      for (const bit of [1, 2, 4] as const) if ((mode & bit) !== 0 && proc.fs.access?.(at(path), bit) === false) throw new UnixError('EACCES')
    },
    readdir: (path: string) => proc.fs.readdir(at(path)).map((name) => [name, proc.fs.lstat(`${at(path)}/${name}`).type]),
    mkdir(path: string, { recursive, mode }: { recursive: boolean; mode?: number }) {
      const target = at(path)
      let first: string | undefined
      if (recursive) for (let each = target; each !== '/' && !proc.fs.exists(each); each = directoryName(each)) first = each
      proc.fs.mkdir(target, { recursive, ...(mode === undefined ? {} : { mode }) })
      return first
    },
    rm: (path: string, recursive: boolean, force: boolean) => proc.fs.remove(at(path), { recursive, force }),
    rmdir: (path: string) => proc.fs.rmdir ? proc.fs.rmdir(at(path)) : proc.fs.remove(at(path), { recursive: true }),
    unlink(path: string) {
      if (proc.fs.lstat(at(path)).type === 'directory') throw new UnixError('EISDIR')
      proc.fs.remove(at(path))
    },
    rename: (from: string, to: string) => proc.fs.rename(at(from), at(to)),
    copyFile(from: string, to: string) {
      if (isDirectory(from)) throw new UnixError('EISDIR')
      proc.fs.writeFile(at(to), proc.fs.readFile(at(from)), { mode: proc.fs.stat(at(from)).mode })
    },
    symlink: (path: string, target: string) => proc.fs.symlink(target, at(path)),
    link(path: string, target: string) {
      if (!proc.fs.link) throw new UnixError('ENOSYS')
      proc.fs.link(at(path), at(target))
    },
    readlink: (path: string) => proc.fs.readlink(at(path)),
    realpath: (path: string) => proc.fs.realpath(at(path)),
    chmod: (path: string, mode: number) => proc.fs.chmod(at(path), mode),
    chown: (path: string, uid: number, gid: number) => proc.fs.chown(at(path), uid, gid),
    utimes: (path: string, accessedMs: number, modifiedMs: number) => proc.fs.utimes(at(path), accessedMs, modifiedMs),
    watch(id: number, path: string) {
      proc.fs.stat(at(path))
      loop.open(id, proc.fs.watch(at(path), (changed) => notify(id, changed.slice(changed.lastIndexOf('/') + 1))))
    },
    chdir(path: string) {
      const target = at(path)
      if (proc.fs.stat(target).type !== 'directory') throw new UnixError('ENOTDIR')
      proc.cwd = target
      return target
    },
  }
}
