import { errno } from './errno.ts'
import { resolvePath } from './path.ts'
import type { FileSystem, Program } from './types.ts'

/** What a file name stands for once PATH and `#!` lines are followed. */
export interface Executable {
  path: string
  program: Program
  argv: readonly string[]
  /** Whom the process becomes, where the file has a set-user-ID or set-group-ID bit. */
  setUid?: number
  setGid?: number
}

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
const MAX_INTERPRETERS = 4

/**
 * Finds the program behind a command.
 * @throws UnixError ENOENT, EACCES, ENOEXEC (a script without `#!`; its path is in the error), ELOOP
 */
export function findExecutable(fs: FileSystem, argv: readonly string[], env: Readonly<Record<string, string>>, cwd: string): Executable {
  const name = argv[0] ?? ''
  const path = findInPath(fs, name, env.PATH ?? DEFAULT_PATH, cwd)
  return interpret(fs, path, argv, cwd, 0)
}

/** The path that a command name leads to. @throws UnixError ENOENT, EACCES */
export function findInPath(fs: FileSystem, name: string, searchPath: string, cwd: string): string {
  if (name === '') throw errno('ENOENT', name)
  if (name.includes('/')) {
    const path = resolvePath(cwd, name)
    if (!fs.exists(path)) throw errno('ENOENT', name)
    if (!isExecutable(fs, path)) throw errno('EACCES', name)
    return path
  }
  let denied = false
  for (const directory of searchPath.split(':')) {
    const path = resolvePath(cwd, `${directory || '.'}/${name}`)
    if (!fs.exists(path)) continue
    if (isExecutable(fs, path)) return path
    if (fs.stat(path).type === 'file') denied = true
  }
  throw errno(denied ? 'EACCES' : 'ENOENT', name)
}

function isExecutable(fs: FileSystem, path: string): boolean {
  try {
    const stat = fs.stat(path)
    return stat.type === 'file' && (fs.access ? fs.access(path, 1) : (stat.mode & 0o111) !== 0)
  } catch {
    return false
  }
}

function interpret(fs: FileSystem, path: string, argv: readonly string[], cwd: string, depth: number): Executable {
  const program = fs.program(path)
  if (program) {
    const { mode, uid, gid } = fs.stat(path)
    return mode & 0o6000 ? { path, program, argv, ...(mode & 0o4000 ? { setUid: uid } : {}), ...(mode & 0o2000 ? { setGid: gid } : {}) } : { path, program, argv }
  }
  if (depth >= MAX_INTERPRETERS) throw errno('ELOOP', path)
  const head = fs.readText(path).slice(0, 256)
  if (!head.startsWith('#!')) throw errno('ENOEXEC', path)
  const line = head.slice(2).split('\n', 1)[0]!.trim()
  const [, interpreter, argument] = /^(\S+)(?:\s+(.*))?$/.exec(line) ?? []
  if (!interpreter) throw errno('ENOEXEC', path)
  const target = resolvePath(cwd, interpreter)
  if (!fs.exists(target)) throw errno('ENOENT', interpreter)
  if (!isExecutable(fs, target)) throw errno('EACCES', interpreter)
  // The kernel hands over the path as it was called, or as PATH found it.
  const script = argv[0]!.includes('/') ? argv[0]! : path
  return interpret(fs, target, [interpreter, ...(argument ? [argument] : []), script, ...argv.slice(1)], cwd, depth + 1)
}
