import { joinPath } from '../../unix/path.ts'
import { UnixError } from '../../unix/types.ts'
import type { Proc } from '../../unix/types.ts'

/** Gives a directory and what is in it to another user, as far as it can be changed: entrypoints of databases do it before they stop being root. */
export function giveFiles(proc: Proc, path: string, uid: number, gid: number): void {
  try {
    proc.fs.chown(path, uid, gid)
    if (proc.fs.lstat(path).type === 'directory') for (const name of proc.fs.readdir(path)) giveFiles(proc, joinPath(path, name), uid, gid)
  } catch (error) {
    if (!(error instanceof UnixError)) throw error
  }
}
