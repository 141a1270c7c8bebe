import { cleanMessage, writeCommit, writeIndexTree } from '../commit-object.ts'
import { GitFailure, fatal } from '../failure.ts'
import type { Commit } from '../objects.ts'
import { conflictStyle, mergeIntoWorktree, stagedPaths } from '../merging.ts'
import { Options } from '../options.ts'
import { subjectOf } from '../pretty.ts'
import type { Repository } from '../repository.ts'
import { history, resolveCommit } from '../revision.ts'
import type { Session } from '../session.ts'
import { collectStatus, longStatus } from '../status.ts'
import { commit as commitCommand, commitReport } from './commit.ts'
import { conflictList } from './merge.ts'
import { resetMerge } from './reset.ts'
import { walkOf } from './log.ts'

export type PickAction = 'pick' | 'revert'

export interface PickOptions {
  mainline: number | undefined
  /** Only index and working tree. */
  noCommit: boolean
  edit: boolean
  signoff: boolean
  /** `-x`: says where it comes from. */
  reference: boolean
  allowEmpty: boolean
  keepRedundant: boolean
  favor?: 'ours' | 'theirs'
}

/** What one commit's turn came to. */
export type PickResult = { kind: 'done'; id?: string } | { kind: 'conflict' } | { kind: 'empty' }

/** Does a commit's change once more, or takes it back, on top of HEAD. */
export async function pickCommit(session: Session, id: string, action: PickAction, options: PickOptions): Promise<PickResult & { messages: string[]; message: string }> {
  const repo = session.repository
  const commit = repo.objects.commit(id)
  const { head } = repo
  const { parent } = parentOf(commit, options.mainline, action)
  const short = repo.abbreviate(id)
  const subject = subjectOf(commit.message)
  const own = `${short} (${subject})`
  const before = `parent of ${own}`
  const [base, theirs] = action === 'pick' ? [repo.filesOf(parent), repo.filesOf(id)] : [repo.filesOf(id), repo.filesOf(parent)]
  const files = options.noCommit ? indexFiles(repo) : repo.filesOf(head)
  const command = action === 'pick' ? 'cherry-pick' : 'revert'
  const merged = await mergeIntoWorktree(session, base, files, theirs, { labels: action === 'pick' ? { ours: 'HEAD', base: before, theirs: own } : { ours: 'HEAD', base: own, theirs: before }, style: conflictStyle(repo), ...(options.favor ? { favor: options.favor } : {}) },
    (failure) => new GitFailure(`${failure.message}\nfatal: ${command} failed`, 128))
  repo.index.write()
  let message = action === 'pick' ? commit.message : revertMessage(commit, options.mainline)
  if (options.reference && action === 'pick') message = `${message.trimEnd()}${/\n\n(?:[\w-]+: .*\n?|\(cherry picked from .*\n?)+$/.test(message) ? '\n' : '\n\n'}(cherry picked from commit ${id})\n`
  if (options.signoff) { const { name, email } = session.committer(); message = `${message.trimEnd()}\n\nSigned-off-by: ${name} <${email}>\n` }
  if (merged.conflicts.size > 0) {
    repo.writeNote('MERGE_MSG', `${message.trimEnd()}\n${conflictList(merged.conflicts.keys())}`)
    if (!options.noCommit) repo.writeNote(action === 'pick' ? 'CHERRY_PICK_HEAD' : 'REVERT_HEAD', `${id}\n`)
    return { kind: 'conflict', messages: merged.messages, message }
  }
  if (options.noCommit) { repo.writeNote('MERGE_MSG', message); return { kind: 'done', messages: merged.messages, message } }
  const tree = writeIndexTree(repo)
  if (head !== undefined && tree === repo.objects.commit(head).tree) {
    const wasEmpty = parent !== undefined && repo.objects.commit(parent).tree === commit.tree
    if (!options.keepRedundant && !(options.allowEmpty && wasEmpty)) {
      if (action === 'pick') repo.writeNote('CHERRY_PICK_HEAD', `${id}\n`)
      else repo.writeNote('REVERT_HEAD', `${id}\n`)
      repo.writeNote('MERGE_MSG', message)
      return { kind: 'empty', messages: merged.messages, message }
    }
  }
  if (options.edit && session.proc.tty !== undefined) {
    repo.writeNote('COMMIT_EDITMSG', `${message}\n# Please enter the commit message for your changes. Lines starting\n# with '#' will be ignored, and an empty message aborts the commit.\n#\n`)
    message = cleanMessage(await session.edit(`${repo.gitDir}/COMMIT_EDITMSG`), true)
    if (message === '') throw new GitFailure('Aborting commit due to empty commit message.', 1)
  }
  const made = writeCommit(repo, { tree, parents: head === undefined ? [] : [head], author: action === 'pick' ? commit.author : session.author(), committer: session.committer(), message: cleanMessage(message, false) })
  return { kind: 'done', id: made, messages: merged.messages, message }
}

const indexFiles = (repo: Repository) => new Map(repo.index.entries().filter((entry) => entry.stage === 0).map(({ path, mode, id }) => [path, { mode, id }]))

function parentOf(commit: Commit, mainline: number | undefined, action: PickAction): { parent: string | undefined } {
  if (commit.parents.length > 1) {
    if (mainline === undefined) throw new GitFailure(`error: commit ${commit.id} is a merge but no -m option was given.\nfatal: ${action === 'pick' ? 'cherry-pick' : 'revert'} failed`)
    const parent = commit.parents[mainline - 1]
    if (parent === undefined) throw new GitFailure(`error: commit ${commit.id} does not have parent ${mainline}\nfatal: ${action === 'pick' ? 'cherry-pick' : 'revert'} failed`)
    return { parent }
  }
  if (mainline !== undefined && mainline > 1) throw new GitFailure(`error: commit ${commit.id} does not have parent ${mainline}\nfatal: ${action === 'pick' ? 'cherry-pick' : 'revert'} failed`)
  return { parent: commit.parents[0] }
}

function revertMessage(commit: Commit, mainline: number | undefined): string {
  const merge = commit.parents.length > 1 && mainline !== undefined ? `, reversing\nchanges made to ${commit.parents[mainline - 1]}` : ''
  return `Revert "${subjectOf(commit.message)}"\n\nThis reverts commit ${commit.id}${merge}.\n`
}

/** What is left to do, in .git/sequencer. */
interface Queue { todo: { action: PickAction; id: string }[]; head: string }

function saveQueue(repo: Repository, queue: Queue): void {
  repo.writeNote('sequencer/todo', queue.todo.map(({ action, id }) => `${action} ${repo.abbreviate(id)} ${subjectOf(repo.objects.commit(id).message)}\n`).join(''))
  repo.writeNote('sequencer/head', `${queue.head}\n`)
  if (repo.note('sequencer/abort-safety') === undefined) repo.writeNote('sequencer/abort-safety', `${queue.head}\n`)
}

function loadQueue(repo: Repository): Queue | undefined {
  const text = repo.note('sequencer/todo')
  if (text === undefined) return undefined
  return { head: repo.note('sequencer/head')!.trim(), todo: text.split('\n').filter((line) => line !== '').map((line) => ({ action: line.split(' ')[0] as PickAction, id: resolveCommit(repo, line.split(' ')[1]!)! })) }
}

async function sequence(session: Session, command: 'cherry-pick' | 'revert', args: readonly string[]): Promise<number> {
  const options = new Options(command, args, ['quit', 'continue', 'abort', 'skip', 'n|no-commit', 'e|edit', 'cleanup=', 'x', 's|signoff', 'm|mainline=', 'strategy=', 'X|strategy-option=', 'S|gpg-sign?', 'ff', 'allow-empty', 'allow-empty-message', 'keep-redundant-commits', 'reference', 'rerere-autoupdate'])
  const repo = session.repository
  repo.top
  const action: PickAction = command === 'revert' ? 'revert' : 'pick'
  const note = command === 'revert' ? 'REVERT_HEAD' : 'CHERRY_PICK_HEAD'
  const current = repo.note(note)?.trim()
  const queue = loadQueue(repo)
  const favor = options.all('strategy-option').find((each) => each === 'ours' || each === 'theirs') as 'ours' | 'theirs' | undefined
  const mainline = options.value('mainline') === undefined ? undefined : Number(options.value('mainline'))
  if (mainline !== undefined && !(mainline > 0)) throw new GitFailure("error: option `mainline' expects a number greater than zero", 129)
  const settings: PickOptions = { mainline, noCommit: options.has('no-commit'), edit: options.has('edit') || (command === 'revert' && !options.isOff('edit') && session.proc.isTty(0)), signoff: options.has('signoff'), reference: options.has('x'), allowEmpty: options.has('allow-empty', 'keep-redundant-commits'), keepRedundant: options.has('keep-redundant-commits'), ...(favor ? { favor } : {}) }
  const clear = () => repo.removeNotes('CHERRY_PICK_HEAD', 'REVERT_HEAD', 'MERGE_MSG', 'sequencer', 'AUTO_MERGE')
  if (options.has('quit')) { clear(); return 0 }
  if (options.has('abort')) {
    if (repo.note('CHERRY_PICK_HEAD') === undefined && repo.note('REVERT_HEAD') === undefined && !queue) throw new GitFailure(`error: no cherry-pick or revert in progress\nfatal: ${command} failed`)
    const target = queue?.head ?? repo.head!
    if (queue && repo.head !== queue.head) {
      await resetMerge(session, repo, repo.filesOf(repo.head))
      await resetMerge(session, repo, repo.filesOf(target))
    } else await resetMerge(session, repo, repo.filesOf(repo.head))
    repo.refs.update('HEAD', target, `reset: moving to ${target}`)
    clear()
    return 0
  }
  if (options.has('skip')) {
    if (current === undefined) throw new GitFailure(`error: no ${command} in progress\nfatal: ${command} failed`)
    await resetMerge(session, repo, repo.filesOf(repo.head))
    repo.removeNotes(note, 'MERGE_MSG')
    const rest = queue?.todo.slice(1) ?? []
    if (rest.length === 0) { clear(); return 0 }
    return runQueue(session, command, { head: queue!.head, todo: rest }, settings, true)
  }
  if (options.has('continue')) {
    if (current === undefined && !queue) throw new GitFailure(`error: no cherry-pick or revert in progress\nfatal: ${command} failed`)
    if (repo.index.unmerged().length > 0) {
      await session.complain("error: Committing is not possible because you have unmerged files.\nhint: Fix them up in the work tree, and then use 'git add/rm <file>'\nhint: as appropriate to mark resolution and make a commit.\nfatal: Exiting because of an unresolved conflict.\n")
      return 128
    }
    if (current !== undefined) {
      const code = await commitCommand(session, command === 'revert' ? ['--cleanup=strip', '--no-edit'] : ['--cleanup=strip', ...session.proc.isTty(0) || session.proc.env['GIT_EDITOR'] !== undefined ? [] : ['--no-edit']])
      if (code !== 0) return code
    }
    const rest = queue?.todo.slice(1) ?? []
    clear()
    return rest.length === 0 ? 0 : runQueue(session, command, { head: queue!.head, todo: rest }, settings, true)
  }
  if (options.operands.length === 0) throw new GitFailure(`usage: git ${command} [--edit] [-n] [-m <parent-number>] [-s] [-x] [--ff]\n`, 129)
  if (current !== undefined || queue) {
    const word = repo.note('REVERT_HEAD') !== undefined || queue?.todo[0]?.action === 'revert' ? 'revert' : 'cherry-pick'
    if (repo.index.unmerged().length === 0) throw new GitFailure(`error: ${word} is already in progress\nhint: try "git ${word} (--continue | --skip | --abort | --quit)"\nfatal: ${command} failed`)
  }
  if (repo.index.unmerged().length > 0) throw new GitFailure(`error: ${command === 'revert' ? 'Reverting' : 'Cherry-picking'} is not possible because you have unmerged files.\nhint: Fix them up in the work tree, and then use 'git add/rm <file>'\nhint: as appropriate to mark resolution and make a commit.\nfatal: ${command} failed`)
  const ids: string[] = []
  const ranges = options.operands.some((text) => text.includes('..') || text.startsWith('^'))
  if (ranges) {
    for (const text of options.operands) if (!text.includes('..') && resolveCommit(repo, text.replace(/^\^/, '')) === undefined) throw fatal(`bad revision '${text}'`)
    const found = [...history(repo, walkOf(repo, options, options.operands))]
    ids.push(...command === 'revert' ? found : found.reverse())
    if (ids.length === 0) throw new GitFailure(`error: empty commit set passed\nfatal: ${command} failed`)
  } else {
    for (const text of options.operands) {
      const id = resolveCommit(repo, text === '-' ? '@{-1}' : text)
      if (id === undefined) throw fatal(`bad revision '${text}'`)
      ids.push(id)
    }
  }
  const staged = stagedPaths(repo)
  if (!settings.noCommit && staged.length > 0) throw new GitFailure(`error: your local changes would be overwritten by ${command}.\nhint: commit your changes or stash them to proceed.\nfatal: ${command} failed`)
  if (repo.head === undefined) throw fatal(`your current branch '${repo.branch}' does not have any commits yet`)
  return runQueue(session, command, { head: repo.head, todo: ids.map((id) => ({ action, id })) }, settings, ids.length > 1)
}

async function runQueue(session: Session, command: 'cherry-pick' | 'revert', queue: Queue, settings: PickOptions, several: boolean): Promise<number> {
  const repo = session.repository
  for (let i = 0; i < queue.todo.length; i++) {
    const { id, action } = queue.todo[i]!
    if (several && !settings.noCommit) saveQueue(repo, { head: queue.head, todo: queue.todo.slice(i) })
    const result = await pickCommit(session, id, action, settings)
    session.out(result.messages.map((text) => `${text}\n`).join(''))
    if (result.kind === 'conflict') {
      const short = repo.abbreviate(id)
      const what = `error: could not ${action === 'pick' ? 'apply' : 'revert'} ${short}... ${subjectOf(repo.objects.commit(id).message)}\n`
      await session.complain(settings.noCommit ? `${what}hint: after resolving the conflicts, mark the corrected paths\nhint: with 'git add <paths>' or 'git rm <paths>'\n` : `${what}hint: After resolving the conflicts, mark them with\nhint: "git add/rm <pathspec>", then run\nhint: "git ${command} --continue".\nhint: You can instead skip this commit with "git ${command} --skip".\nhint: To abort and get back to the state before "git ${command}",\nhint: run "git ${command} --abort".\n`)
      return 1
    }
    if (result.kind === 'empty') {

      const status = await collectStatus(repo, session.proc.clock, { untracked: 'normal', ignored: false })
      session.out(longStatus(repo, status, { hints: true, untrackedShown: true, paint: (color, text) => session.paint(color, text) }))
      if (command === 'cherry-pick') await session.complain("The previous cherry-pick is now empty, possibly due to conflict resolution.\nIf you wish to commit it anyway, use:\n\n    git commit --allow-empty\n\nOtherwise, please use 'git cherry-pick --skip'\n")
      return 1
    }
    if (result.id !== undefined) {
      repo.refs.update('HEAD', result.id, `${command}: ${subjectOf(repo.objects.commit(result.id).message)}`)
      session.out(await commitReport(session, repo, result.id, { root: false, date: true }))
    }
    await session.breathe()
  }
  if (!settings.noCommit) repo.removeNotes('sequencer', 'CHERRY_PICK_HEAD', 'REVERT_HEAD', 'MERGE_MSG')
  return 0
}

export const cherryPick = (session: Session, args: readonly string[]): Promise<number> => sequence(session, 'cherry-pick', args)
export const revert = (session: Session, args: readonly string[]): Promise<number> => sequence(session, 'revert', args)

