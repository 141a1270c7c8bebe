import { UnixError } from '../../../unix/types.ts'
import type { Proc } from '../../../unix/types.ts'
import { errorText } from '../../../unix/errno.ts'
import { joinPath } from '../../../unix/path.ts'
import { SwitchError, giveFiles, gosu } from '../switch-user.ts'

const NODE = { uid: 1000, gid: 1000, groups: [1000], name: 'node', home: '/home/node' }

/** docker-entrypoint.sh of the official image: stops being root and gives an empty content directory what belongs in it. */
export async function entrypoint(proc: Proc): Promise<number> {
  const command = proc.argv.slice(1)
  const isGhost = /^node.*current\/index\.js/.test(command.join(' '))
  const content = proc.env.GHOST_CONTENT ?? '/var/lib/ghost/content'
  const becomesNode = isGhost && proc.user.uid === 0
  try {
    if (becomesNode) giveFiles(proc, content, NODE.uid, NODE.gid)
  } catch (error) {
    if (!(error instanceof SwitchError)) throw error
    await proc.stderr.write(error.message)
    return 1
  }
  if (isGhost) {
    try { seed(proc, joinPath(proc.env.GHOST_INSTALL ?? '/var/lib/ghost', 'content.orig'), content, becomesNode) } catch (error) {
      if (!(error instanceof UnixError)) throw error
      await proc.stderr.write(`mkdir: cannot create directory '${content}': ${errorText(error)}\n`)
      return 1
    }
  }
  try { return await (becomesNode ? gosu(proc, command, NODE) : proc.exec!(command)) } catch (error) {
    if (!(error instanceof UnixError)) throw error
    await proc.stderr.write(`/usr/local/bin/docker-entrypoint.sh: line 26: exec: ${command[0] ?? ''}: ${error.code === 'ENOENT' ? 'not found' : errorText(error)}\n`)
    return error.code === 'ENOENT' ? 127 : 126
  }
}

function seed({ fs }: Proc, from: string, to: string, becomesNode: boolean): void {
  for (const name of fs.readdir(from)) {
    const [source, target] = [joinPath(from, name), joinPath(to, name)]
    if (!fs.exists(target)) {
      fs.mkdir(target, { recursive: true })
      if (becomesNode) fs.chown(target, NODE.uid, NODE.gid)
    }
    seed({ fs } as Proc, source, target, becomesNode)
  }
}
