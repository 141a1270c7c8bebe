import type { Proc } from '../../unix/types.ts'
import { childNamed, rootCommand } from './command.ts'
import { unixText } from './factory.ts'
import type { CommandIo } from './io.ts'

/** A program `kubectl-NAME` in PATH with the words it gets. */
export interface Plugin { path: string; args: string[] }

const directories = (proc: Proc) => (proc.env['PATH'] ?? '').split(':').filter(Boolean)

/** The plugin with the longest name that fits the words. k8s: kubectl/pkg/cmd HandlePluginCommand */
export function findPlugin(proc: Proc, words: readonly string[]): Plugin | undefined {
  const names: string[] = []
  for (const word of words) {
    if (word.startsWith('-')) break
    names.push(word.replaceAll('-', '_'))
  }
  if (names.length === 0) return undefined
  const builtIn = childNamed(rootCommand(), words[0]!)
  // Of the commands that there are only create takes plugins for sub-commands, where it has none of that name. k8s: IsSubcommandPluginAllowed
  if (builtIn && (builtIn.name !== 'create' || names.length < 2 || childNamed(builtIn, words[1]!))) return undefined
  for (let n = names.length; n > (builtIn ? 1 : 0); n--) {
    const file = `kubectl-${names.slice(0, n).join('-')}`
    for (const directory of directories(proc)) {
      const path = proc.resolve(`${directory}/${file}`)
      if (isExecutable(proc, path)) return { path, args: words.slice(n) as string[] }
    }
  }
  return undefined
}

export function isExecutable(proc: Proc, path: string): boolean {
  try {
    const stat = proc.fs.stat(path)
    return stat.type === 'file' && (stat.mode & 0o111) !== 0
  } catch {
    return false
  }
}

function isDirectory(proc: Proc, path: string): boolean {
  try {
    return proc.fs.lstat(proc.resolve(path)).type === 'directory'
  } catch {
    return false
  }
}

/** All `kubectl-*` files of PATH, in order; directories that can't be read are reported. */
export function listPlugins(proc: Proc, unreadable: (directory: string, reason: string) => void): string[] {
  const out: string[] = []
  for (const directory of new Set(directories(proc))) {
    let names: string[] = []
    try {
      names = proc.fs.readdir(proc.resolve(directory))
    } catch (error) {
      unreadable(directory, unixText(error))
    }
    for (const name of names) if (name.startsWith('kubectl-') && !isDirectory(proc, `${directory}/${name}`)) out.push(`${directory}/${name}`)
  }
  return out
}

export async function runPlugin(proc: Proc, io: CommandIo, plugin: Plugin): Promise<number> {
  await io.flush()
  const child = proc.spawn([plugin.path, ...plugin.args], { stdin: proc.stdin, stdout: proc.stdout, stderr: proc.stderr, ...(proc.tty ? { tty: proc.tty } : {}) })
  return (await child.wait()).code
}
