import { errorText } from '../errno.ts'
import { UnixError } from '../types.ts'
import type { Proc, Program } from '../types.ts'
import { commands } from './commands/index.ts'
import { GitFailure, fatal } from './failure.ts'
import { Session } from './session.ts'
import { similarCommands, unknownCommand, usage } from './commands/help.ts'

/** `git`: a repository's objects, index and refs in Git's own formats, with the commands and messages of Git 2.39. */
// @k8s part: git: signing, hooks other than pre-commit, commit-msg, post-commit and pre-push, submodules, bisect, notes, worktrees and patches by mail are missing; the web is reached only where a browser may
export const git: Program = async (proc) => {
  const session = new Session(proc)
  let code: number
  try {
    code = await run(session, proc.argv.slice(1))
  } catch (error) {
    if (error instanceof GitFailure) {
      if (error.message !== '') await session.complain(`${error.message}\n`)
      code = error.exitCode
    } else if (error instanceof UnixError && error.code !== 'EPIPE') {
      await session.complain(`fatal: ${error.path === undefined ? errorText(error) : `could not access '${error.path}': ${errorText(error)}`}\n`)
      code = 128
    } else throw error
  }
  await session.end()
  return code
}

const dirOf = (proc: Proc, path: string): string => {
  const at = proc.resolve(path)
  if (!proc.fs.exists(at) || proc.fs.stat(at).type !== 'directory') throw fatal(`cannot change to '${path}': ${proc.fs.exists(at) ? 'Not a directory' : 'No such file or directory'}`)
  return at
}

async function run(session: Session, args: readonly string[]): Promise<number> {
  const { proc, globals } = session
  let i = 0
  const value = (option: string) => {
    const next = args[++i]
    if (next === undefined) throw new GitFailure(`${option === '-C' ? 'no directory given for' : option === '-c' ? '-c expects a configuration string' : 'no directory given for'}${option === '-c' ? '' : ` '${option}'`}\n${usage().trimEnd()}`, 129)
    return next
  }
  for (; i < args.length && args[i]!.startsWith('-'); i++) {
    const arg = args[i]!
    if (arg === '-C') { const path = value(arg); if (path !== '') proc.cwd = dirOf(proc, path) } else if (arg === '-c') {
      const pair = value(arg)
      const at = pair.indexOf('=')
      const name = at < 0 ? pair : pair.slice(0, at)
      if (!name.includes('.')) throw new GitFailure(`error: key does not contain a section: ${name}\nfatal: unable to parse command-line config`)
      globals.config.push([name, at < 0 ? undefined : pair.slice(at + 1)])
    } else if (arg === '--git-dir') globals.gitDir = value(arg)
    else if (arg.startsWith('--git-dir=')) globals.gitDir = arg.slice(10)
    else if (arg === '--work-tree') globals.workTree = value(arg)
    else if (arg.startsWith('--work-tree=')) globals.workTree = arg.slice(12)
    else if (arg === '--bare') globals.bare = true
    else if (arg === '--no-pager' || arg === '-P') globals.pager = false
    else if (arg === '-p' || arg === '--paginate') globals.pager = true
    else if (arg === '--version' || arg === '-v') return commands['version']!(session, args.slice(i + 1))
    else if (arg === '--help' || arg === '-h') return commands['help']!(session, args.slice(i + 1))
    else if (arg === '--exec-path') { session.out('/usr/lib/git-core\n'); return 0 } else if (arg === '--html-path') { session.out('/usr/share/doc/git-doc\n'); return 0 } else if (!/^--(no-replace-objects|literal-pathspecs|no-optional-locks|exec-path=.*)$/.test(arg)) throw new GitFailure(`unknown option: ${arg}\n${usage(false).trimEnd()}`, 129)
  }
  const name = args[i]
  if (name === undefined) { session.out(usage(true)); return 1 }
  return dispatch(session, name, args.slice(i + 1), [])
}

async function dispatch(session: Session, name: string, args: readonly string[], aliases: readonly string[]): Promise<number> {
  const command = commands[name]
  if (command) {
    session.command = name
    return command(session, args)
  }
  const alias = session.looseConfig.get(`alias.${name}`)
  if (alias !== undefined) {
    if (aliases.includes(name)) throw fatal(`alias loop detected: expansion of '${aliases[0]}' does not terminate:\n  ${[...aliases, name].join('\n  ')}`)
    if (alias.startsWith('!')) {
      await session.flush()
      const { proc } = session
      if (session.repositoryOrNone?.workTree) proc.cwd = session.repositoryOrNone.workTree
      return (await proc.spawn(['sh', '-c', `${alias.slice(1)} "$@"`, alias.slice(1), ...args], { stdin: proc.stdin, stdout: proc.stdout, stderr: proc.stderr, ...(proc.tty ? { tty: proc.tty } : {}) }).wait()).code
    }
    const words = [...alias.matchAll(/"((?:[^"\\]|\\.)*)"|'([^']*)'|(\S+)/g)].map((match) => match[1]?.replace(/\\(.)/g, '$1') ?? match[2] ?? match[3]!)
    return dispatch(session, words[0]!, [...words.slice(1), ...args], [...aliases, name])
  }
  await session.complain(unknownCommand(name, similarCommands(name)))
  return 1
}
