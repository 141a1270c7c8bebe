import { errorText } from '../../unix/errno.ts'
import { UnixError } from '../../unix/types.ts'
import type { Proc, User } from '../../unix/types.ts'
import { joinPath } from '../../unix/path.ts'

/** What an entrypoint can't do; the message is what its tool says. */
export class SwitchError extends Error {}

/** gosu, as entrypoints use it: becomes a command as another user. @returns its exit code, gosu's own where it may not */
export async function gosu(proc: Proc, command: readonly string[], user: User): Promise<number> {
  try {
    return await proc.exec!(command, { user })
  } catch (error) {
    if (!(error instanceof UnixError) || error.code !== 'EPERM') throw error
    await proc.stderr.write(`error: failed switching to "${user.name}": operation not permitted\n`)
    return 1
  }
}

/**
 * `find PATH ! -user NAME -exec chown NAME {} +`: gives what isn't theirs to a user.
 * @throws SwitchError with chown's complaints, where something can't be given away
 */
export function giveFiles(proc: Proc, path: string, uid: number, gid: number): void {
  const complaints: string[] = []
  const give = (each: string) => {
    try {
      const stat = proc.fs.lstat(each)
      if (stat.uid !== uid || stat.gid !== gid) proc.fs.chown(each, uid, gid)
      if (stat.type === 'directory') for (const name of proc.fs.readdir(each)) give(joinPath(each, name))
    } catch (error) {
      if (!(error instanceof UnixError)) throw error
      // What is mounted read-only, as ConfigMaps are, stays as it is.
      if (error.code !== 'EROFS') complaints.push(error.code === 'EACCES' ? `find: '${each}': ${errorText(error)}` : `chown: changing ownership of '${each}': ${errorText(error)}`)
    }
  }
  give(path)
  if (complaints.length > 0) throw new SwitchError(complaints.map((line) => `${line}\n`).join(''))
}
