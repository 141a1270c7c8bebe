import { quotePath } from '../bytes.ts'
import { pathOf } from '../changes.ts'
import { GitFailure, fatal } from '../failure.ts'
import { Options } from '../options.ts'
import { Pathspec } from '../pathspec.ts'
import type { Repository, TreeFile } from '../repository.ts'
import { ambiguous, resolve, resolveCommit, toType } from '../revision.ts'
import type { Session } from '../session.ts'
import { operationOf } from '../status.ts'
import { forceFiles, isUnchanged, lookAt, switchFiles, worktreeChanges } from '../worktree.ts'
import { exists } from './arguments.ts'
import { shortCommit } from './checkout.ts'

/** Lets the index have the files of a state, and nothing else; what is known of files that stay the same is kept. */
export function resetIndex(repo: Repository, files: ReadonlyMap<string, TreeFile>, wanted: (path: string) => boolean = () => true): void {
  const { index } = repo
  for (const path of new Set(index.entries().map((entry) => entry.path))) if (wanted(path) && !files.has(path)) index.remove(path)
  for (const [path, file] of files) {
    if (!wanted(path)) continue
    const entry = index.get(path)
    if (!entry || entry.id !== file.id || entry.mode !== file.mode || entry.intent) index.set({ path, ...file, stage: 0 })
  }
}

export async function reset(session: Session, args: readonly string[]): Promise<number> {
  const options = new Options('reset', args, ['q|quiet', 'no-refresh', 'mixed', 'soft', 'hard', 'merge', 'keep', 'recurse-submodules?', 'p|patch', 'N|intent-to-add', 'pathspec-from-file='])
  const repo = session.repository
  const { clock } = session.proc
  if (options.has('patch')) throw fatal('choosing parts of files interactively is not supported here')
  let operands = [...options.operands]
  let name = 'HEAD'
  const first = operands[0]
  if (first !== undefined && options.separator !== 0) {
    const id = resolve(repo, first)
    if (id !== undefined && (options.separator === 1 || !exists(repo, first) || operands.length > 1)) { name = first; operands = operands.slice(1) } else if (id !== undefined) throw fatal(`ambiguous argument '${first}': both revision and filename\nUse '--' to separate paths from revisions, like this:\n'git <command> [<revision>...] -- [<file>...]'`)
    else if (options.separator !== undefined || !exists(repo, first)) throw ambiguous(first)
  }
  const mode = (['soft', 'mixed', 'hard', 'merge', 'keep'] as const).find((each) => options.has(each)) ?? 'mixed'
  if (operands.length > 0) {
    if (options.has('soft', 'hard', 'merge', 'keep')) throw fatal(`Cannot do ${mode} reset with paths.`)
    if (options.has('mixed')) await session.complain("warning: --mixed with paths is deprecated; use 'git reset -- <paths>' instead.\n")
    const id = resolve(repo, name)
    const tree = id === undefined ? undefined : toType(repo, id, 'tree')
    if (tree === undefined && name !== 'HEAD') throw fatal(`Failed to resolve '${name}' as a valid tree.`)
    const spec = new Pathspec(operands, repo.prefix, repo.top)
    resetIndex(repo, repo.files(tree), (path) => spec.matches(path))
    repo.index.write()
    if (!options.has('quiet')) await listUnstaged(session, repo)
    return 0
  }
  const target = resolveCommit(repo, name)
  if (target === undefined && (name !== 'HEAD' || repo.head !== undefined)) throw fatal(`Failed to resolve '${name}' as a valid revision.`)
  if (mode !== 'soft') repo.workTree ?? (() => { if (mode !== 'mixed') throw fatal('this operation must be run in a work tree'); throw fatal('mixed reset is not allowed in a bare repository') })()
  if (mode === 'soft' && (operationOf(repo) === 'merge' || repo.index.unmerged().length > 0)) throw fatal('Cannot do a soft reset in the middle of a merge.')
  const files = repo.filesOf(target)
  if (mode === 'hard') await forceFiles(repo, clock, files)
  else if (mode === 'mixed') resetIndex(repo, files)
  else if (mode === 'merge') await resetMerge(session, repo, files, name)
  else if (mode === 'keep') {
    const before = repo.filesOf(repo.head)
    resetIndex(repo, before)
    const obstacles = await switchFiles(repo, clock, before, files)
    if (obstacles) throw new GitFailure(`error: Entry '${[...obstacles.changed, ...obstacles.untracked][0]}' not uptodate. Cannot merge.\nfatal: Could not reset index file to revision '${name}'.`)
  }
  if (mode !== 'soft') repo.index.write()
  if (target !== undefined) {
    const before = repo.head
    if (before !== undefined) repo.writeNote('ORIG_HEAD', `${before}\n`)
    repo.refs.update('HEAD', target, `reset: moving to ${name}`)
    if (mode === 'hard' && !options.has('quiet')) session.out(`HEAD is now at ${shortCommit(repo, target)}\n`)
  }
  if (mode !== 'soft') repo.removeNotes('MERGE_HEAD', 'MERGE_MSG', 'MERGE_MODE', 'CHERRY_PICK_HEAD', 'REVERT_HEAD', 'SQUASH_MSG', 'AUTO_MERGE')
  if (mode === 'mixed' && !options.has('quiet')) await listUnstaged(session, repo)
  return 0
}

/** Back to a state, but with changes kept in files that are the same there: what ends a merge that isn't wanted. */
export async function resetMerge(session: Session, repo: Repository, files: ReadonlyMap<string, TreeFile>, name = 'HEAD'): Promise<void> {
  const kept = new Set<string>()
  for (const entry of repo.index.entries()) {
    if (entry.stage !== 0) continue
    const file = files.get(entry.path)
    const stat = lookAt(repo, entry.path)
    const changed = stat !== undefined && stat.type !== 'directory' && !isUnchanged(repo, entry, stat)
    if (!changed) continue
    if (file && file.id === entry.id && file.mode === entry.mode) kept.add(entry.path)
    else throw new GitFailure(`error: Entry '${entry.path}' not uptodate. Cannot merge.\nfatal: Could not reset index file to revision '${name}'.`)
  }
  const target = new Map([...files].filter(([path]) => !kept.has(path)))
  const spared = [...kept].map((path) => repo.index.get(path)!)
  for (const { path } of spared) repo.index.remove(path)
  await forceFiles(repo, session.proc.clock, target)
  for (const entry of spared) repo.index.set(entry)
  repo.index.write()
}

async function listUnstaged(session: Session, repo: Repository): Promise<void> {
  const changes = await worktreeChanges(repo, session.proc.clock)
  if (changes.length > 0) session.out(`Unstaged changes after reset:\n${changes.map((change) => `${change.status}\t${quotePath(session.shown(pathOf(change)))}\n`).join('')}`)
}

