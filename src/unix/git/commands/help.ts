import { failed, fatal } from '../failure.ts'
import type { Session } from '../session.ts'
import { synopsisOf } from '../options.ts'

const GIT_VERSION = '2.39.5'

const OPTIONS = `usage: git [-v | --version] [-h | --help] [-C <path>] [-c <name>=<value>]
           [--exec-path[=<path>]] [--html-path] [--man-path] [--info-path]
           [-p | --paginate | -P | --no-pager] [--no-replace-objects] [--bare]
           [--git-dir=<path>] [--work-tree=<path>] [--namespace=<name>]
           [--super-prefix=<path>] [--config-env=<name>=<envvar>]
           <command> [<args>]
`

/** Commands by what they are for. */
const GROUPS: readonly (readonly [title: string, commands: readonly (readonly [name: string, text: string])[]])[] = [
  ['start a working area (see also: git help tutorial)', [['clone', 'Clone a repository into a new directory'], ['init', 'Create an empty Git repository or reinitialize an existing one']]],
  ['work on the current change (see also: git help everyday)', [['add', 'Add file contents to the index'], ['mv', 'Move or rename a file, a directory, or a symlink'], ['restore', 'Restore working tree files'], ['rm', 'Remove files from the working tree and from the index']]],
  ['examine the history and state (see also: git help revisions)', [['bisect', 'Use binary search to find the commit that introduced a bug'], ['diff', 'Show changes between commits, commit and working tree, etc'], ['grep', 'Print lines matching a pattern'], ['log', 'Show commit logs'], ['show', 'Show various types of objects'], ['status', 'Show the working tree status']]],
  ['grow, mark and tweak your common history', [['branch', 'List, create, or delete branches'], ['commit', 'Record changes to the repository'], ['merge', 'Join two or more development histories together'], ['rebase', 'Reapply commits on top of another base tip'], ['reset', 'Reset current HEAD to the specified state'], ['switch', 'Switch branches'], ['tag', 'Create, list, delete or verify a tag object signed with GPG']]],
  ['collaborate (see also: git help workflows)', [['fetch', 'Download objects and refs from another repository'], ['pull', 'Fetch from and integrate with another repository or a local branch'], ['push', 'Update remote refs along with associated objects']]],
]

/** What `git` alone prints, or only its options. */
export function usage(withCommands = true): string {
  if (!withCommands) return OPTIONS
  const groups = GROUPS.map(([title, commands]) => `${title}\n${commands.map(([name, text]) => `   ${name.padEnd(10)}${text}\n`).join('')}\n`).join('')
  return `${OPTIONS}\nThese are common Git commands used in various situations:\n\n${groups}'git help -a' and 'git help -g' list available subcommands and some\nconcept guides. See 'git help <command>' or 'git help <concept>'\nto read about a specific subcommand or concept.\nSee 'git help git' for an overview of the system.\n`
}

/** Git's own commands, for proposals when a name was mistyped. */
const NAMES = ['add', 'am', 'annotate', 'apply', 'archive', 'bisect', 'blame', 'branch', 'bundle', 'cat-file', 'check-ignore', 'checkout', 'cherry', 'cherry-pick', 'clean', 'clone', 'column', 'commit', 'config', 'count-objects', 'daemon', 'describe', 'diff', 'difftool', 'fetch', 'format-patch', 'fsck', 'gc', 'grep', 'hash-object', 'help', 'hook', 'init', 'log', 'ls-files', 'ls-remote', 'ls-tree', 'maintenance', 'merge', 'merge-base', 'mergetool', 'mv', 'name-rev', 'notes', 'prune', 'pull', 'push', 'range-diff', 'read-tree', 'rebase', 'reflog', 'remote', 'repack', 'replace', 'reset', 'restore', 'rev-list', 'rev-parse', 'revert', 'rm', 'shortlog', 'show', 'show-ref', 'sparse-checkout', 'stage', 'stash', 'status', 'submodule', 'switch', 'symbolic-ref', 'tag', 'update-index', 'update-ref', 'var', 'verify-commit', 'version', 'whatchanged', 'worktree', 'write-tree']
const COMMON = new Set(GROUPS.flatMap(([, commands]) => commands.map(([name]) => name)))

/** How far two words are apart; swapped letters cost nothing, as Git counts. */
function distance(from: string, to: string): number {
  const [swap, substitute, insert, remove] = [0, 2, 1, 3]
  let [before, previous, row] = [new Array<number>(to.length + 1).fill(0), Array.from({ length: to.length + 1 }, (_, j) => j * insert), new Array<number>(to.length + 1).fill(0)]
  for (let i = 0; i < from.length; i++) {
    row[0] = (i + 1) * remove
    for (let j = 0; j < to.length; j++) {
      let cost = previous[j]! + (from[i] === to[j] ? 0 : substitute)
      if (i > 0 && j > 0 && from[i - 1] === to[j] && from[i] === to[j - 1]) cost = Math.min(cost, before[j - 1]! + swap)
      row[j + 1] = Math.min(cost, previous[j + 1]! + remove, row[j]! + insert)
    }
    [before, previous, row] = [previous, row, before]
  }
  return previous[to.length]!
}

/** Commands that may have been meant. As help.c help_unknown_cmd weighs them. */
export function similarCommands(name: string): string[] {
  const scored = NAMES.map((each) => ({ each, score: each.startsWith(name) && COMMON.has(each) ? 0 : distance(name, each) + 1 })).sort((a, b) => a.score - b.score || (a.each < b.each ? -1 : 1))
  const prefixed = scored.filter(({ score }) => score === 0).map(({ each }) => each)
  const rest = scored.filter(({ score }) => score > 0)
  if (prefixed.length === 0 || prefixed.length > 7) return rest[0] && rest[0].score - 1 < 7 ? rest.filter(({ score }) => score === rest[0]!.score).map(({ each }) => each) : []
  return prefixed
}

export function unknownCommand(name: string, similar: readonly string[]): string {
  return `git: '${name}' is not a git command. See 'git --help'.\n${similar.length === 0 ? '' : `\nThe most similar command${similar.length === 1 ? ' is' : 's are'}\n${similar.map((each) => `\t${each}\n`).join('')}`}`
}

export async function version(session: Session): Promise<number> {
  session.out(`git version ${GIT_VERSION}\n`)
  return 0
}

export async function help(session: Session, args: readonly string[]): Promise<number> {
  const name = args.find((arg) => !arg.startsWith('-'))
  if (args.includes('-a') || args.includes('--all')) {
    session.out(`See 'git help <command>' to read about a specific subcommand\n\n${NAMES.map((each) => `   ${each}\n`).join('')}`)
    return 0
  }
  if (name === undefined) { session.out(usage()); return 0 }
  if (!NAMES.includes(name) && name !== 'git') throw failed(`no manual entry for git-${name}`, 16)
  await session.complain('There are no manual pages here; this is how it is called:\n')
  session.out(synopsisOf(name))
  return 0
}

/** Commands that are not here, with what can be done instead. */
export function missing(name: string, why: string): (session: Session) => Promise<number> {
  return async () => { throw fatal(`'git ${name}' is not supported here: ${why}`) }
}
