import { fatal, GitFailure } from '../failure.ts'
import { Options } from '../options.ts'
import { isRefName } from '../refs.ts'
import type { Session } from '../session.ts'

const DESCRIPTION = "Unnamed repository; edit this file 'description' to name the repository.\n"
const EXCLUDE = "# git ls-files --others --exclude-from=.git/info/exclude\n# Lines that start with '#' are comments.\n# For a project mostly in C, the following would be a good set of\n# exclude patterns (uncomment them if you want to use them):\n# *.[oa]\n# *~\n"

const DEFAULT_BRANCH_HINT = (name: string) => `hint: Using '${name}' as the name for the initial branch. This default branch name
hint: is subject to change. To configure the initial branch name to use in all
hint: of your new repositories, which will suppress this warning, call:
hint: 
hint: 	git config --global init.defaultBranch <name>
hint: 
hint: Names commonly chosen instead of 'master' are 'main', 'trunk' and
hint: 'development'. The just-created branch can be renamed via this command:
hint: 
hint: 	git branch -m <name>
`

/** Lays out an empty repository. */
export function createRepository(session: Session, gitDir: string, { bare, branch }: { bare: boolean; branch: string }): void {
  const { fs } = session.proc
  for (const folder of ['', '/branches', '/hooks', '/info', '/objects/info', '/objects/pack', '/refs/heads', '/refs/tags']) fs.mkdir(gitDir + folder, { recursive: true })
  const write = (name: string, text: string) => { if (!fs.exists(`${gitDir}/${name}`)) fs.writeFile(`${gitDir}/${name}`, text) }
  write('HEAD', `ref: refs/heads/${branch}\n`)
  write('description', DESCRIPTION)
  write('info/exclude', EXCLUDE)
  write('config', `[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = ${bare}\n${bare ? '' : '\tlogallrefupdates = true\n'}`)
}

/** The first branch of a new repository, and whether that is just the default. */
export function firstBranch(session: Session, given?: string): { branch: string; byDefault: boolean } {
  const configured = given ?? session.looseConfig.get('init.defaultBranch')
  if (configured !== undefined && !isRefName(`refs/heads/${configured}`)) throw fatal(given === undefined ? `invalid branch name: init.defaultBranch = ${configured}` : `invalid initial branch name: '${configured}'`)
  return { branch: configured ?? 'master', byDefault: configured === undefined }
}

export async function init(session: Session, args: readonly string[]): Promise<number> {
  const options = new Options('init', args, ['q|quiet', 'bare', 'b|initial-branch=', 'template=', 'shared?', 'separate-git-dir=', 'object-format='])
  const { proc } = session
  if (options.operands.length > 1) throw new GitFailure('usage: git init [-q | --quiet] [--bare] [--template=<template-directory>] [--separate-git-dir <git-dir>] [--object-format=<format>] [-b <branch-name> | --initial-branch=<branch-name>] [--shared[=<permissions>]] [<directory>]', 129)
  if (options.value('object-format') === 'sha256') throw fatal('unsupported hash algorithm: sha256')
  const directory = proc.resolve(options.operands[0] ?? '.')
  if (proc.fs.exists(directory) && proc.fs.stat(directory).type !== 'directory') throw fatal(`cannot mkdir ${options.operands[0]}: File exists`)
  proc.fs.mkdir(directory, { recursive: true })
  const top = proc.fs.realpath(directory)
  const bare = options.has('bare') || session.globals.bare === true
  const said = options.operands.length === 0 ? session.globals.gitDir ?? proc.env['GIT_DIR'] : undefined
  const gitDir = said !== undefined ? proc.resolve(said) : bare ? top : `${top === '/' ? '' : top}/.git`
  const again = proc.fs.exists(`${gitDir}/HEAD`)
  const { branch, byDefault } = firstBranch(session, options.value('initial-branch'))
  if (!again && byDefault && !options.has('quiet')) await session.complain(DEFAULT_BRANCH_HINT(branch))
  createRepository(session, gitDir, { bare, branch })
  if (again && options.value('initial-branch') !== undefined) await session.complain(`warning: re-init: ignored --initial-branch=${options.value('initial-branch')}\n`)
  if (!options.has('quiet')) session.out(`${again ? 'Reinitialized existing' : 'Initialized empty'} Git repository in ${gitDir}/\n`)
  return 0
}
