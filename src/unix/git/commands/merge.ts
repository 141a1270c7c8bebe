import { detectRenames } from '../changes.ts'
import { writeCommit, writeIndexTree, cleanMessage } from '../commit-object.ts'
import { showChanges } from '../diff-output.ts'
import { GitFailure, fatal } from '../failure.ts'
import { baseFiles, conflictStyle, mergeIntoWorktree, stagedPaths } from '../merging.ts'
import { Options } from '../options.ts'
import type { Repository } from '../repository.ts'
import { findRef, history, isAncestor, resolveCommit, upstreamOf } from '../revision.ts'
import type { Session } from '../session.ts'
import { formatDate } from '../identity.ts'
import { operationOf } from '../status.ts'
import { obstacleMessage, switchFiles } from '../worktree.ts'
import { commit as commitCommand } from './commit.ts'
import { DIFF_OPTIONS, diffRequest } from './diff-options.ts'
import { treeChanges } from './log.ts'
import { resetMerge } from './reset.ts'

/** What a merge changed, as it is reported. */
async function showMergeStat(session: Session, repo: Repository, from: string | undefined, to: string): Promise<void> {
  const { style } = diffRequest(session, repo, new Options('diff', [], DIFF_OPTIONS), ['stat', 'summary'])
  const changes = await detectRenames(treeChanges(repo, from === undefined ? undefined : repo.objects.commit(from).tree, repo.objects.commit(to).tree), session.proc.clock)
  await showChanges(changes, style, (text) => session.out(text), () => session.breathe())
}

/** How a merge's message names what is merged. */
function mergedName(repo: Repository, text: string): string {
  const ref = findRef(repo, text)
  if (ref?.startsWith('refs/heads/')) return `branch '${ref.slice(11)}'`
  if (ref?.startsWith('refs/remotes/')) return `remote-tracking branch '${ref.slice(13)}'`
  if (ref?.startsWith('refs/tags/')) return `tag '${ref.slice(10)}'`
  const early = /^(.*?)[~^]+\d*$/.exec(text)
  if (early && findRef(repo, early[1]!)?.startsWith('refs/heads/')) return `branch '${early[1]}' (early part)`
  return `commit '${text}'`
}

const into = (repo: Repository) => repo.branch === undefined ? ' into HEAD' : repo.branch === 'master' || repo.branch === 'main' ? '' : ` into ${repo.branch}`

export interface MergeRequest {
  /** What the user called it. */
  name: string
  target: string
  message?: string
  /** The first line of the message, without the branch that it goes into. */
  title?: string
  fastForward: 'allow' | 'only' | 'never'
  squash?: boolean
  commit?: boolean
  edit?: boolean
  stat?: boolean
  quiet?: boolean
  favor?: 'ours' | 'theirs'
  /** What the reflog says in front: `merge topic`, `pull`. */
  action: string
  unrelated?: boolean
  /** Another way than joining the files: keep ours. */
  strategy?: string
}

/** Merges a commit into HEAD. @returns the exit code */
export async function mergeCommit(session: Session, request: MergeRequest): Promise<number> {
  const repo = session.repository
  const { clock } = session.proc
  const { head } = repo
  const { target } = request
  const say = (text: string) => { if (!request.quiet) session.out(text) }
  if (head === undefined) {
    const obstacles = await switchFiles(repo, clock, new Map(), repo.filesOf(target))
    if (obstacles) throw obstacleMessage(obstacles, 'merge')
    repo.index.write()
    repo.refs.update('HEAD', target, 'initial pull')
    return 0
  }
  if (isAncestor(repo, target, head)) { say('Already up to date.\n'); return 0 }
  const fastForwards = isAncestor(repo, head, target)
  repo.writeNote('ORIG_HEAD', `${head}\n`)
  if (fastForwards && request.fastForward !== 'never') {
    say(`Updating ${repo.abbreviate(head)}..${repo.abbreviate(target)}\n`)
    const obstacles = await switchFiles(repo, clock, repo.filesOf(head), repo.filesOf(target))
    if (obstacles) throw obstacleMessage(obstacles, 'merge')
    repo.index.write()
    if (request.squash) {
      writeSquashMessage(session, repo, head, target)
      say(`Fast-forward\nSquash commit -- not updating HEAD\n`)
      if (request.stat !== false && !request.quiet) await showMergeStat(session, repo, head, target)
      return 0
    }
    repo.refs.update('HEAD', target, `${request.action}: Fast-forward`)
    say('Fast-forward\n')
    if (request.stat !== false && !request.quiet) await showMergeStat(session, repo, head, target)
    return 0
  }
  if (request.fastForward === 'only') {
    throw new GitFailure('hint: Diverging branches can\'t be fast-forwarded, you need to either:\nhint: \nhint: \tgit merge --no-ff\nhint: \nhint: or:\nhint: \nhint: \tgit rebase\nhint: \nhint: Disable this message with "git config advice.diverging false"\nfatal: Not possible to fast-forward, aborting.')
  }
  const staged = stagedPaths(repo)
  if (staged.length > 0) throw new GitFailure(`error: Your local changes to the following files would be overwritten by merge:\n  ${staged.join(' ')}\nMerge with strategy ort failed.`, 2)
  const { files: base, ids } = await baseFiles(session, head, target)
  if (ids.length === 0 && !request.unrelated) throw fatal('refusing to merge unrelated histories')
  const keepOurs = request.strategy === 'ours'
  const merged = keepOurs ? { conflicts: new Map(), messages: [] } : await mergeIntoWorktree(session, base, repo.filesOf(head), repo.filesOf(target), { labels: { ours: 'HEAD', base: ids.length === 1 ? repo.abbreviate(ids[0]!) : ids.length === 0 ? 'empty tree' : 'merged common ancestors', theirs: request.name }, style: conflictStyle(repo), ...(request.favor ? { favor: request.favor } : {}) },
    (failure) => new GitFailure(`${failure.message}\nMerge with strategy ort failed.`, 2))
  repo.index.write()
  const title = `${request.title ?? `Merge ${mergedName(repo, request.name)}`}${into(repo)}`
  let message = request.message ?? `${title}\n`
  say(merged.messages.map((text) => `${text}\n`).join(''))
  if (request.squash) {
    writeSquashMessage(session, repo, head, target)
    say('Squash commit -- not updating HEAD\n')
    if (merged.conflicts.size === 0) { if (!request.quiet) await session.complain('Automatic merge went well; stopped before committing as requested\n'); return 0 }
    repo.writeNote('SQUASH_MSG', `${repo.note('SQUASH_MSG')!}${conflictList(merged.conflicts.keys())}`)
    session.out('Automatic merge failed; fix conflicts and then commit the result.\n')
    return 1
  }
  if (merged.conflicts.size > 0 || request.commit === false) {
    repo.writeNote('MERGE_HEAD', `${target}\n`)
    repo.writeNote('MERGE_MODE', request.fastForward === 'never' ? 'no-ff' : '')
    repo.writeNote('MERGE_MSG', merged.conflicts.size > 0 ? `${message.trimEnd()}\n${conflictList(merged.conflicts.keys())}` : message)
    if (merged.conflicts.size === 0) { if (!request.quiet) await session.complain('Automatic merge went well; stopped before committing as requested\n'); return 0 }
    session.out('Automatic merge failed; fix conflicts and then commit the result.\n')
    return 1
  }
  if (request.edit && session.proc.tty !== undefined) {
    repo.writeNote('MERGE_HEAD', `${target}\n`)
    repo.writeNote('MERGE_MSG', `${message}\n# Please enter a commit message to explain why this merge is necessary,\n# especially if it merges an updated upstream into a topic branch.\n#\n# Lines starting with '#' will be ignored, and an empty message aborts\n# the commit.\n`)
    message = cleanMessage(await session.edit(`${repo.gitDir}/MERGE_MSG`), true)
    if (message === '') throw new GitFailure("error: Empty commit message.\nNot committing merge; use 'git commit' to complete the merge.", 1)
  }
  const id = writeCommit(repo, { tree: writeIndexTree(repo), parents: [head, target], author: session.author(), committer: session.committer(), message: cleanMessage(message, false) })
  repo.refs.update('HEAD', id, `${request.action}: Merge made by the '${keepOurs ? 'ours' : 'ort'}' strategy.`)
  repo.removeNotes('MERGE_HEAD', 'MERGE_MSG', 'MERGE_MODE')
  say(`Merge made by the '${keepOurs ? 'ours' : 'ort'}' strategy.\n`)
  if (request.stat !== false && !request.quiet) await showMergeStat(session, repo, head, id)
  return 0
}

export const conflictList = (paths: Iterable<string>): string => `\n# Conflicts:\n${[...paths].sort().map((path) => `#\t${path}\n`).join('')}`

function writeSquashMessage(session: Session, repo: Repository, head: string, target: string): void {
  const commits = [...history(repo, { include: [target], exclude: [head] })].map((id) => repo.objects.commit(id))
  repo.writeNote('SQUASH_MSG', `Squashed commit of the following:\n${commits.map((commit) => `\ncommit ${commit.id}\nAuthor: ${commit.author.name} <${commit.author.email}>\nDate:   ${formatDate(commit.author, 'default', session.nowSeconds)}\n\n${commit.message.trimEnd().split('\n').map((line) => line === '' ? '' : `    ${line}`).join('\n')}\n`).join('')}`)
}

export async function merge(session: Session, args: readonly string[]): Promise<number> {
  const options = new Options('merge', args, ['n', 'stat', 'summary', 'log?', 'squash', 'commit', 'e|edit', 'cleanup=', 'ff', 'ff-only', 'rerere-autoupdate', 'verify-signatures', 's|strategy=', 'X|strategy-option=', 'm|message=', 'F|file=', 'into-name=', 'v|verbose', 'q|quiet', 'abort', 'quit', 'continue', 'allow-unrelated-histories', 'progress', 'S|gpg-sign?', 'autostash', 'overwrite-ignore', 'signoff', 'no-verify'])
  const repo = session.repository
  repo.top
  const under = repo.note('MERGE_HEAD') !== undefined
  if (options.has('abort')) {
    if (!under) throw fatal('There is no merge to abort (MERGE_HEAD missing).')
    await resetMerge(session, repo, repo.filesOf(repo.head))
    repo.refs.update('HEAD', repo.head!, 'reset: moving to HEAD')
    repo.removeNotes('MERGE_HEAD', 'MERGE_MSG', 'MERGE_MODE', 'AUTO_MERGE')
    return 0
  }
  if (options.has('quit')) { repo.removeNotes('MERGE_HEAD', 'MERGE_MSG', 'MERGE_MODE'); return 0 }
  if (options.has('continue')) {
    if (!under) throw fatal('There is no merge in progress (MERGE_HEAD missing).')
    return commitCommand(session, [])
  }
  if (repo.index.unmerged().length > 0) throw new GitFailure("error: Merging is not possible because you have unmerged files.\nhint: Fix them up in the work tree, and then use 'git add/rm <file>'\nhint: as appropriate to mark resolution and make a commit.\nfatal: Exiting because of an unresolved conflict.")
  if (under) throw fatal('You have not concluded your merge (MERGE_HEAD exists).\nPlease, commit your changes before you merge.')
  if (operationOf(repo) === 'cherry-pick') throw fatal('You have not concluded your cherry-pick (CHERRY_PICK_HEAD exists).\nPlease, commit your changes before you merge.')
  const names = [...options.operands]
  if (names.length === 0) {
    if (repo.branch === undefined) throw fatal('No remote for the current branch.')
    const upstream = upstreamOf(repo, repo.branch)
    if (!upstream) throw fatal('No remote for the current branch.')
    names.push(upstream.ref)
  }
  if (names.length > 1) throw fatal('merging more than one commit at a time (octopus) is not supported here; merge them one by one')
  const name = names[0] === '-' ? '@{-1}' : names[0]!
  const target = resolveCommit(repo, name)
  if (target === undefined) throw new GitFailure(`merge: ${name} - not something we can merge`, 1)
  const strategies = options.all('strategy-option')
  const favor = strategies.includes('ours') ? 'ours' : strategies.includes('theirs') ? 'theirs' : undefined
  const setting = repo.config.get('merge.ff')
  const fastForward = options.has('ff-only') ? 'only' : options.isOff('ff') ? 'never' : options.has('ff') ? 'allow' : setting === 'only' ? 'only' : setting === 'false' ? 'never' : 'allow'
  if (options.has('squash') && options.isOff('ff')) throw fatal("options '--squash' and '--no-ff.' cannot be used together")
  const message = options.has('message') ? `${options.all('message').join('\n\n')}\n` : options.has('file') ? session.proc.fs.readText(session.proc.resolve(options.value('file')!)) : undefined
  const shown = name === '@{-1}' ? repo.refs.reflog('HEAD').flatMap((entry) => /^checkout: moving from (\S+) to /.exec(entry.message)?.[1] ?? [])[0] ?? name : name
  const strategy = options.value('strategy')
  return mergeCommit(session, {
    name: shown, target, fastForward, squash: options.has('squash'), commit: !options.isOff('commit'), edit: !options.isOff('edit') && message === undefined && (session.proc.isTty(0) || options.has('edit')), stat: !options.isOff('stat') && !options.has('n') && repo.config.flag('merge.stat', true), quiet: options.has('quiet'), action: `merge ${shown}`,
    unrelated: options.has('allow-unrelated-histories'), ...(message === undefined ? {} : { message }), ...(favor ? { favor } : {}), ...(strategy === undefined ? {} : { strategy }),
  })
}
