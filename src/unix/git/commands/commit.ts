import { readAll } from '../../../base/streams.ts'
import { decodeText } from '../bytes.ts'
import { detectRenames } from '../changes.ts'
import { cleanMessage, writeCommit, writeIndexTree } from '../commit-object.ts'
import { showChanges } from '../diff-output.ts'
import { GitFailure, fatal } from '../failure.ts'
import { formatDate, parseDate } from '../identity.ts'
import type { Identity } from '../identity.ts'
import { Options } from '../options.ts'
import { Pathspec } from '../pathspec.ts'
import { subjectOf } from '../pretty.ts'
import type { Repository } from '../repository.ts'
import { resolve, resolveCommit, toType } from '../revision.ts'
import type { Session } from '../session.ts'
import { collectStatus, longStatus, operationOf } from '../status.ts'
import { lookAt, stageFile, worktreeChanges } from '../worktree.ts'
import { diffRequest, DIFF_OPTIONS } from './diff-options.ts'
import { commitChanges } from './log.ts'
import { untrackedMode } from './status.ts'

/** What `git commit` and its kin report: branch, name, subject, and what came of the files. */
export async function commitReport(session: Session, repo: Repository, id: string, options: { root: boolean; date?: boolean }): Promise<string> {
  const commit = repo.objects.commit(id)
  let text = `[${repo.branch ?? 'detached HEAD'}${options.root ? ' (root-commit)' : ''} ${repo.abbreviate(id)}] ${subjectOf(commit.message)}\n`
  const { author, committer } = commit
  if (author.name !== committer.name || author.email !== committer.email) text += ` Author: ${author.name} <${author.email}>\n`
  if (options.date) text += ` Date: ${formatDate(author, 'default', session.nowSeconds)}\n`
  if (commit.parents.length > 1) return text
  const request = diffRequest(session, repo, new Options('diff', [], DIFF_OPTIONS), ['shortstat', 'summary'])
  const changes = await detectRenames(commitChanges(repo, commit), session.proc.clock)
  await showChanges(changes, request.style, (piece) => { text += piece }, () => session.breathe())
  return text
}

/** Stages what is changed in files that Git knows. */
async function stageTracked(session: Session, repo: Repository, wanted: (path: string) => boolean = () => true): Promise<void> {
  for (const change of await worktreeChanges(repo, session.proc.clock, wanted)) {
    const { path } = (change.new ?? change.old)!
    const stat = lookAt(repo, path)
    if (stat && stat.type !== 'directory') stageFile(repo, path, stat)
    else repo.index.remove(path)
    await session.breathe()
  }
}

export async function commit(session: Session, args: readonly string[]): Promise<number> {
  const options = new Options('commit', args, ['q|quiet', 'v|verbose', 'F|file=', 'author=', 'date=', 'm|message=', 'c|reedit-message=', 'C|reuse-message=', 'fixup=', 'squash=', 'reset-author', 't|template=', 's|signoff', 'e|edit', 'cleanup=', 'status', 'S|gpg-sign?', 'a|all', 'i|include', 'interactive', 'p|patch', 'o|only', 'n|no-verify', 'dry-run', 'short', 'branch', 'porcelain', 'long', 'z|null', 'amend', 'no-post-rewrite', 'u|untracked-files?', 'allow-empty', 'allow-empty-message', 'trailer='])
  let repo = session.repository
  repo.top
  if (options.has('gpg-sign')) throw new GitFailure('error: gpg failed to sign the data\nfatal: failed to write commit object (there are no keys here; commit without -S)')
  if (options.has('interactive', 'patch')) throw fatal('choosing parts of files interactively is not supported here; add whole files')
  const amend = options.has('amend')
  const { head } = repo
  if (amend && head === undefined) throw fatal('You have nothing to amend.')
  const operation = operationOf(repo)
  if (amend && operation === 'merge') throw fatal('You are in the middle of a merge -- cannot amend.')
  if (amend && operation === 'cherry-pick') throw fatal('You are in the middle of a cherry-pick -- cannot amend.')
  if (options.has('all') && options.operands.length > 0) throw fatal(`paths '${options.operands[0]} ...' with -a does not make sense`)
  const sources = ['message', 'file', 'reuse-message', 'reedit-message'].filter((name) => options.has(name))
  if (sources.includes('message') && sources.includes('file')) throw fatal('options \'-m\' and \'-F\' cannot be used together')
  const reused = options.value('reuse-message') ?? options.value('reedit-message')
  const reusedId = reused === undefined ? undefined : resolveCommit(repo, reused)
  if (reused !== undefined && reusedId === undefined) throw fatal(`could not lookup commit ${reused}`)

  const messageFile = options.value('file')
  if (messageFile !== undefined && messageFile !== '-' && !session.proc.fs.exists(session.proc.resolve(messageFile))) throw fatal(`could not read log file '${messageFile}': No such file or directory`)

  if (options.has('all')) await stageTracked(session, repo)
  const conflicted = repo.index.unmerged()
  if (conflicted.length > 0 && options.operands.length === 0) {
    session.out(conflicted.map((path) => `U\t${path}\n`).join(''))
    await session.complain("error: Committing is not possible because you have unmerged files.\nhint: Fix them up in the work tree, and then use 'git add/rm <file>'\nhint: as appropriate to mark resolution and make a commit.\nfatal: Exiting because of an unresolved conflict.\n")
    return 128
  }
  if (options.operands.length > 0) {
    if (operation === 'merge') throw fatal('cannot do a partial commit during a merge.')
    if (operation === 'cherry-pick') throw fatal('cannot do a partial commit during a cherry-pick.')
    const spec = new Pathspec(options.operands, repo.prefix, repo.top)
    for (const path of [...repo.index.entries().map((entry) => entry.path), ...repo.filesOf(head).keys()]) spec.matches(path)
    const unknown = spec.unused()
    if (unknown.length > 0) throw new GitFailure(unknown.map((text) => `error: pathspec '${text}' did not match any file(s) known to git`).join('\n'), 1)
    await stageTracked(session, repo, (path) => spec.matches(path))
    // What else is staged stays so, outside of this commit.
    if (!options.has('include')) repo = partial(session, repo, head, spec)
  }
  if (!options.has('no-verify', 'dry-run', 'short', 'porcelain', 'long') && options.operands.length === 0) {
    repo.index.write()
    if (!await session.agrees('pre-commit')) return 1
    repo.forgetIndex()
  }
  const status = await collectStatus(repo, session.proc.clock, { untracked: untrackedMode(session, options), ignored: false, ...(amend ? { against: repo.objects.commit(head!).parents[0] } : {}) })
  const plain = (_: unknown, text: string) => text
  const concludes = operation === 'merge'
  if (options.has('dry-run', 'short', 'porcelain', 'long') || (status.staged.length === 0 && !concludes && !amend && !options.has('allow-empty'))) {
    session.out(longStatus(repo, status, { hints: repo.config.flag('advice.statusHints', true), untrackedShown: untrackedMode(session, options) !== 'no', paint: (color, text) => session.paint(color, text) }))
    if (operation === 'cherry-pick' && !options.has('dry-run')) await session.complain("The previous cherry-pick is now empty, possibly due to conflict resolution.\nIf you wish to commit it anyway, use:\n\n    git commit --allow-empty\n\nOtherwise, please use 'git cherry-pick --skip'\n")
    return options.has('dry-run', 'short', 'porcelain', 'long') && status.staged.length > 0 ? 0 : 1
  }
  if (amend && status.staged.length === 0 && !options.has('allow-empty') && repo.objects.commit(head!).parents.length === 1) {
    await session.complain('You asked to amend the most recent commit, but doing so would make\nit empty. You can repeat your command with --allow-empty, or you can\nremove the commit entirely with "git reset HEAD^".\n')
    session.out(longStatus(repo, status, { hints: true, untrackedShown: true, amend: true, paint: (color, text) => session.paint(color, text) }))
    return 1
  }
  if (amend) {
    const parents = repo.objects.commit(head!).parents
    if (parents.length === 0 && status.staged.length === 0 && repo.index.entries().length === 0 && !options.has('allow-empty')) throw new GitFailure('', 1)
  }

  const before = amend ? repo.objects.commit(head!) : operation === 'cherry-pick' ? repo.objects.commit(repo.note('CHERRY_PICK_HEAD')!.trim()) : reusedId !== undefined ? repo.objects.commit(reusedId) : undefined
  let author: Identity = before && !options.has('reset-author') ? before.author : session.author()
  const givenAuthor = options.value('author')
  if (givenAuthor !== undefined) {
    const parsed = /^(.*?)\s*<([^>]*)>$/.exec(givenAuthor)
    if (!parsed) throw fatal(`--author '${givenAuthor}' is not 'Name <email>' and matches no existing author`)
    author = { ...author, name: parsed[1]!, email: parsed[2]! }
    if (!before) author = { ...author, ...pick(session.author()) }
  }
  const date = options.value('date')
  if (date !== undefined) {
    const parsed = parseDate(date, session.nowSeconds)
    if (!parsed) throw fatal(`invalid date format: ${date}`)
    author = { ...author, ...parsed }
  }
  const committer = session.committer()

  // The message.
  let message: string | undefined
  if (options.has('message')) message = options.all('message').join('\n\n')
  else if (options.has('file')) {
    message = messageFile === '-' ? decodeText(await readAll(session.proc.stdin)) : session.proc.fs.readText(session.proc.resolve(messageFile!))
  } else if (options.value('fixup') !== undefined) {
    const id = resolveCommit(repo, options.value('fixup')!)
    if (id === undefined) throw fatal(`could not lookup commit ${options.value('fixup')}`)
    message = `fixup! ${subjectOf(repo.objects.commit(id).message)}`
  } else if (reusedId !== undefined) message = repo.objects.commit(reusedId).message
  else if (amend && before) message = before.message
  else if (repo.note('MERGE_MSG') !== undefined) message = repo.note('MERGE_MSG')!
  else if (repo.note('SQUASH_MSG') !== undefined) message = repo.note('SQUASH_MSG')!
  const template = options.value('template') ?? repo.config.get('commit.template')
  const given = options.has('message', 'file', 'reuse-message', 'fixup')
  const edits = options.has('edit') || (!options.isOff('edit') && !given)
  if (options.has('signoff')) message = withTrailer(message ?? '', `Signed-off-by: ${committer.name} <${committer.email}>`)
  for (const trailer of options.all('trailer')) message = withTrailer(message ?? '', trailer.replace(/[:=]\s*/, ': '))
  const mode = options.value('cleanup') ?? (edits ? 'strip' : 'whitespace')
  if (edits) {
    const text = message ?? (template === undefined ? '' : session.proc.fs.readText(session.proc.resolve(template.replace(/^~/, session.proc.env['HOME'] ?? ''))))
    const path = `${repo.gitDir}/COMMIT_EDITMSG`
    const merging = operation === 'merge' || operation === 'cherry-pick' ? `# It looks like you may be committing a ${operation}.\n# If this is not correct, please run\n#\tgit update-ref -d ${operation === 'merge' ? 'MERGE_HEAD' : 'CHERRY_PICK_HEAD'}\n# and try again.\n\n` : ''
    const who = `${author.name !== committer.name || author.email !== committer.email ? `# Author:    ${author.name} <${author.email}>\n` : ''}${(amend || date !== undefined) ? `# Date:      ${formatDate(author, 'default', session.nowSeconds)}\n` : ''}`
    const about = longStatus(repo, status, { hints: false, comment: '#', untrackedShown: true, inEditor: true, amend, paint: plain })
    repo.fs.writeFile(path, `${text === '' || text.endsWith('\n') ? text : `${text}\n`}\n${merging}# Please enter the commit message for your changes. Lines starting\n# with '#' will be ignored, and an empty message aborts the commit.\n${who === '' ? '#\n' : `#\n${who}#\n`}${about}`)
    try {
      message = await session.edit(path)
    } catch (error) {
      if (error instanceof GitFailure) throw new GitFailure(`${error.message}\nPlease supply the message using either -m or -F option.`, 1)
      throw error
    }
    if (template !== undefined && cleanMessage(message, true) === cleanMessage(text, true)) throw new GitFailure('Aborting commit; you did not edit the message.', 1)
  } else repo.fs.writeFile(`${repo.gitDir}/COMMIT_EDITMSG`, cleanMessage(message ?? '', false))
  if (!options.has('no-verify')) {
    const path = `${repo.gitDir}/COMMIT_EDITMSG`
    if (!edits) repo.fs.writeFile(path, cleanMessage(message ?? '', false))
    if (!await session.agrees('commit-msg', ['.git/COMMIT_EDITMSG'])) return 1
    message = repo.fs.readText(path)
  }
  const cleaned = mode === 'verbatim' ? message ?? '' : cleanMessage(message ?? '', mode !== 'whitespace')
  if (cleaned.trim() === '' && !options.has('allow-empty-message')) throw new GitFailure('Aborting commit due to empty commit message.', 1)

  const tree = writeIndexTree(repo)
  const parents = amend ? repo.objects.commit(head!).parents : head === undefined ? [] : [head]
  if (concludes) for (const id of repo.note('MERGE_HEAD')!.trim().split('\n')) (parents as string[]).push(id)
  const id = writeCommit(repo, { tree, parents, author, committer, message: cleaned })
  const reason = amend ? 'commit (amend)' : concludes ? 'commit (merge)' : operation === 'cherry-pick' ? 'commit (cherry-pick)' : parents.length === 0 ? 'commit (initial)' : 'commit'
  repo.refs.update('HEAD', id, `${reason}: ${subjectOf(cleaned)}`)
  repo.removeNotes('MERGE_HEAD', 'MERGE_MSG', 'MERGE_MODE', 'CHERRY_PICK_HEAD', 'REVERT_HEAD', 'SQUASH_MSG', 'AUTO_MERGE')
  if (operation !== 'rebase' && repo.note('sequencer/todo')?.trim().split('\n').length === 1) repo.removeNotes('sequencer')
  if (repo !== session.repository) session.repository.index.write()
  else repo.index.write()
  await session.agrees('post-commit')
  if (!options.has('quiet')) session.out(await commitReport(session, repo, id, { root: parents.length === 0 && !amend, date: amend || date !== undefined || reused !== undefined || operation === 'cherry-pick' }))
  return 0
}

const pick = ({ seconds, zone }: Identity) => ({ seconds, zone })

function withTrailer(message: string, trailer: string): string {
  const text = message.trimEnd()
  const last = text.slice(text.lastIndexOf('\n\n') + 1)
  if (text.split('\n').at(-1) === trailer) return `${text}\n`
  return `${text}${text.includes('\n\n') && /^\n?(?:[\w-]+: .*\n?)+$/.test(last) ? '\n' : '\n\n'}${trailer}\n`
}

/** The repository with HEAD's files and only the paths of a partial commit from the index. */
function partial(session: Session, repo: Repository, head: string | undefined, spec: Pathspec): Repository {
  const view = session.open(repo.gitDir, repo.workTree, repo.prefix)
  view.index.clear()
  for (const [path, file] of repo.filesOf(head)) if (!spec.matches(path)) view.index.set({ path, ...file, stage: 0 })
  for (const entry of repo.index.entries()) if (spec.matches(entry.path)) view.index.set(entry)
  return view
}

/** `git commit-tree`. */
export async function commitTree(session: Session, args: readonly string[]): Promise<number> {
  const options = new Options('commit-tree', args, ['p=', 'm=', 'F='])
  const repo = session.repository
  const tree = options.operands[0]
  if (tree === undefined) throw new GitFailure('usage: git commit-tree <tree> [(-p <parent>)...]', 129)
  const found = resolve(repo, tree)
  const treeId = found && toType(repo, found, 'tree')
  if (treeId === undefined) throw fatal(`not a valid object name ${tree}`)
  const parents = options.all('p').map((text) => { const id = resolveCommit(repo, text); if (id === undefined) throw fatal(`not a valid object name ${text}`); return id })
  const message = options.has('m') ? `${options.all('m').join('\n\n')}\n` : decodeText(await readAll(session.proc.stdin))
  session.out(`${writeCommit(repo, { tree: treeId, parents, author: session.author(), committer: session.committer(), message })}\n`)
  return 0
}
