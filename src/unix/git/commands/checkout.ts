import { binaryBytes, binaryText, byteOrder, splitLines } from '../bytes.ts'
import { GitFailure, failed, fatal } from '../failure.ts'
import { mergeLines } from '../merge-lines.ts'
import { conflictStyle, mergeIntoWorktree } from '../merging.ts'
import { Options } from '../options.ts'
import { Pathspec } from '../pathspec.ts'
import { subjectOf } from '../pretty.ts'
import { isRefName } from '../refs.ts'
import type { Repository, TreeFile } from '../repository.ts'
import { ancestors, findRef, mergeBaseOf, mergeBases, resolve, resolveCommit, toType } from '../revision.ts'
import type { Session } from '../session.ts'
import { operationOf, stagedChanges, stagedFiles, trackingText } from '../status.ts'
import { forceFiles, obstacleMessage, removeFile, stageFile, switchFiles, worktreeChanges, writeFile, lookAt } from '../worktree.ts'
import { compareFiles, pathOf } from '../changes.ts'
import { exists } from './arguments.ts'
import { createBranch, resolveBranchName } from './branch.ts'

const DETACHED_ADVICE = (name: string) => `Note: switching to '${name}'.

You are in 'detached HEAD' state. You can look around, make experimental
changes and commit them, and you can discard any commits you make in this
state without impacting any branches by switching back to a branch.

If you want to create a new branch to retain commits you create, you may
do so (now or later) by using -c with the switch command. Example:

  git switch -c <new-branch-name>

Or undo this operation with:

  git switch -

Turn off this advice by setting config variable advice.detachedHead to false

`

/** `abc1234 subject`, as messages about HEAD name a commit. */
export const shortCommit = (repo: Repository, id: string): string => `${repo.abbreviate(id)} ${subjectOf(repo.objects.commit(id).message)}`

interface SwitchRequest {
  /** What the user called it. */
  name: string
  /** The branch that HEAD will point at; undefined to detach it. */
  branch: string | undefined
  /** Where that is; undefined for a branch without commits. */
  target: string | undefined
  force?: boolean
  merge?: boolean
  quiet?: boolean
  /** The branch is new, or was moved. */
  made?: 'new' | 'reset'
  /** What is said about the branch that it follows. */
  tracking?: string
  orphan?: boolean
  /** `--detach`: no explanation is needed. */
  wanted?: boolean
}

/** Goes to another commit with HEAD, index and working tree, and says so. */
async function goTo(session: Session, request: SwitchRequest): Promise<number> {
  const repo = session.repository
  const { refs, index } = repo
  const { clock } = session.proc
  const before = repo.head
  const beforeBranch = repo.branch
  const { target, force, quiet } = request
  if (!request.orphan && target !== undefined) {
    if (!force && index.unmerged().length > 0) {
      session.out(index.unmerged().map((path) => `${path}: needs merge\n`).join(''))
      throw failed('you need to resolve your current index first')
    }
    const files = repo.filesOf(target)
    if (force) await forceFiles(repo, clock, files)
    else if (target !== before || before === undefined) {
      const obstacles = await switchFiles(repo, clock, repo.filesOf(before), files)
      if (obstacles) {
        if (!request.merge || obstacles.untracked.length > 0) throw obstacleMessage(obstacles, 'checkout')
        await carryOver(session, repo, files, request.name)
      }
    }
    index.write()
  }
  const from = beforeBranch ?? before ?? ''
  const complain = async (text: string) => { if (!quiet) await session.complain(text) }
  if (!request.orphan && target !== undefined && !quiet && !force) {
    const local = (await worktreeChanges(repo, clock)).filter((change) => change.status !== 'U')
    const changed = new Map<string, string>()
    for (const change of compareFiles(repo.filesOf(target), stagedFiles(repo), (id) => repo.objects.blob(id))) changed.set(pathOf(change), change.status)
    for (const change of local) changed.set(pathOf(change), changed.get(pathOf(change)) === 'A' && change.status !== 'D' ? 'A' : change.status === 'A' ? 'A' : change.status)
    for (const [path, status] of [...changed].sort(([a], [b]) => byteOrder(a, b))) session.out(`${status}\t${path}\n`)
  }
  if (beforeBranch === undefined && before !== undefined && (target !== before || request.branch !== undefined) && !quiet && !request.orphan && request.made === undefined) await leaveDetached(session, repo, before, target)
  if (request.branch !== undefined) {
    if (request.tracking) session.out(request.tracking)
    const same = beforeBranch === request.branch
    refs.attach(`refs/heads/${request.branch}`, target === undefined ? '' : `checkout: moving from ${from} to ${request.branch}`)
    if (request.made === 'reset') await complain(same ? `Reset branch '${request.branch}'\n` : `Switched to and reset branch '${request.branch}'\n`)
    else if (request.made) await complain(`Switched to a new branch '${request.branch}'\n`)
    else await complain(same ? `Already on '${request.branch}'\n` : `Switched to branch '${request.branch}'\n`)
    if (!quiet && !request.made) session.out(trackingText(repo, request.branch))
  } else {
    refs.detach(target!, `checkout: moving from ${from} to ${request.name}`)
    if (beforeBranch !== undefined && !request.wanted && repo.config.flag('advice.detachedHead', true)) await complain(DETACHED_ADVICE(request.name))
    await complain(`HEAD is now at ${shortCommit(repo, target!)}\n`)
  }
  repo.removeNotes('MERGE_HEAD', 'MERGE_MSG', 'MERGE_MODE', 'CHERRY_PICK_HEAD', 'REVERT_HEAD', 'SQUASH_MSG')
  return 0
}

/** `-m`: local changes are merged into what is gone to. */
async function carryOver(session: Session, repo: Repository, files: Map<string, TreeFile>, name: string): Promise<void> {
  const head = repo.filesOf(repo.head)
  for (const change of await worktreeChanges(repo, session.proc.clock)) {
    const stat = lookAt(repo, pathOf(change))
    if (stat && stat.type !== 'directory') stageFile(repo, pathOf(change), stat)
    else repo.index.remove(pathOf(change))
  }
  const local = stagedFiles(repo)
  await forceFiles(repo, session.proc.clock, files)
  const merged = await mergeIntoWorktree(session, head, files, local, { labels: { ours: name, base: repo.branch ?? 'HEAD', theirs: 'local' }, style: conflictStyle(repo) })
  for (const [path] of merged.files) if (!merged.conflicts.has(path) && files.has(path)) repo.index.set({ path, ...files.get(path)!, stage: 0 })
}

/** What is said when a HEAD that was on no branch moves on. */
async function leaveDetached(session: Session, repo: Repository, before: string, target: string | undefined): Promise<void> {
  const reached = ancestors(repo, [...repo.refs.list().map(({ id }) => toType(repo, id, 'commit')), target].filter((id): id is string => id !== undefined))
  const lost: string[] = []
  for (let stack = [before]; stack.length > 0;) {
    const id = stack.shift()!
    if (reached.has(id) || lost.includes(id)) continue
    lost.push(id)
    stack.push(...repo.objects.commit(id).parents)
  }
  if (lost.length === 0) { if (before !== target) await session.complain(`Previous HEAD position was ${shortCommit(repo, before)}\n`); return }
  const many = lost.length > 1
  const shown = lost.slice(0, lost.length > 4 ? 4 : lost.length).map((id) => `  ${shortCommit(repo, id)}\n`).join('') + (lost.length > 4 ? ` ... and ${lost.length - 4} more.\n` : '')
  await session.complain(`Warning: you are leaving ${lost.length} commit${many ? 's' : ''} behind, not connected to\nany of your branches:\n\n${shown}\nIf you want to keep ${many ? 'them' : 'it'} by creating a new branch, this may be a good time\nto do so with:\n\n git branch <new-branch-name> ${repo.abbreviate(before)}\n\n`)
}

/** A remote's branch of a name that no branch here has; undefined where there is none or more than one. */
function remoteBranch(repo: Repository, name: string): { remote: string; ref: string; several: boolean } | undefined {
  const found = repo.config.subsections('remote').flatMap((remote) => repo.refs.id(`refs/remotes/${remote}/${name}`) === undefined ? [] : [{ remote, ref: `refs/remotes/${remote}/${name}`, several: false }])
  if (found.length <= 1) return found[0]
  const preferred = repo.config.get('checkout.defaultRemote')
  return found.find(({ remote }) => remote === preferred) ?? { ...found[0]!, several: true }
}

const isBranch = (repo: Repository, name: string) => repo.refs.id(`refs/heads/${name}`) !== undefined && isRefName(`refs/heads/${name}`)

export async function checkout(session: Session, args: readonly string[]): Promise<number> {
  const options = new Options('checkout', args, ['b=', 'B=', 'l', 'guess', 'overlay', 'q|quiet', 'recurse-submodules?', 'progress', 'm|merge', 'conflict=', 'd|detach', 't|track?', 'f|force', 'orphan=', 'overwrite-ignore', 'ignore-other-worktrees', '2|ours', '3|theirs', 'p|patch', 'ignore-skip-worktree-bits', 'pathspec-from-file='])
  const repo = session.repository
  repo.top
  if (options.has('patch')) throw fatal('choosing parts of files interactively is not supported here')
  const common = { force: options.has('force'), merge: options.has('merge'), quiet: options.has('quiet'), wanted: options.has('detach') }
  const [first, ...rest] = options.operands
  const made = options.value('b') ?? options.value('B')
  if (options.value('orphan') !== undefined) return orphan(session, options.value('orphan')!, first, common)
  if (made !== undefined) {
    if (rest.length > 0 && options.separator === undefined) throw fatal(`Cannot update paths and switch to branch '${made}' at the same time.`)
    return newBranch(session, made, first, { ...common, reset: options.has('B'), ...(options.has('track') ? { track: true } : options.isOff('track') ? { track: false } : {}) })
  }
  if (options.has('track') && first !== undefined) {
    const name = first.replace(/^refs\/remotes\//, '').replace(/^remotes\//, '')
    if (!name.includes('/')) throw fatal('missing branch name; try -b')
    return newBranch(session, name.slice(name.indexOf('/') + 1), first, { ...common, track: true })
  }
  if (options.separator === 0 || (options.has('ours', 'theirs') && first !== undefined)) return checkoutPaths(session, options, undefined, options.separator === 0 ? options.afterSeparator : options.operands)
  if (options.separator === 1 && rest.length > 0) return checkoutPaths(session, options, treeOf(repo, first!), rest, first)
  if (first === undefined) {
    if (options.has('detach')) return goTo(session, { name: 'HEAD', branch: undefined, target: repo.head, ...common })
    if (common.force && repo.head !== undefined) { await forceFiles(repo, session.proc.clock, repo.filesOf(repo.head)); repo.index.write(); return 0 }
    if (repo.head === undefined) throw fatal('You are on a branch yet to be born')
    for (const change of [...stagedChanges(repo, repo.head), ...await worktreeChanges(repo, session.proc.clock)]) session.out(`${change.status}\t${pathOf(change)}\n`)
    if (repo.branch !== undefined) session.out(trackingText(repo, repo.branch))
    return 0
  }
  const name = first === '-' ? '@{-1}' : first
  const id = resolve(repo, name) ?? mergeBaseOf(repo, name)
  if (rest.length > 0) {
    if (id !== undefined) return checkoutPaths(session, options, treeOf(repo, name), rest, name)
    return checkoutPaths(session, options, undefined, options.operands)
  }
  const there = exists(repo, first)
  if (id !== undefined && toType(repo, id, 'commit') !== undefined) {
    if (there && !isBranch(repo, first) && options.separator === undefined && /^[^:^~@]+$/.test(first)) throw fatal(`ambiguous argument '${first}': both revision and filename\nUse '--' to separate paths from revisions, like this:\n'git <command> [<revision>...] -- [<file>...]'`)
    const target = toType(repo, id, 'commit')!
    const branchName = resolveBranchName(repo, name)
    return goTo(session, { name: branchName, branch: !options.has('detach') && isBranch(repo, branchName) ? branchName : undefined, target, ...common })
  }
  if (repo.head === undefined && repo.branch === first) return 0
  const remote = options.isOff('guess') ? undefined : remoteBranch(repo, first)
  if (remote && !there) {
    if (remote.several) throw fatal(`'${first}' matched multiple (${repo.config.subsections('remote').filter((each) => repo.refs.id(`refs/remotes/${each}/${first}`)).length}) remote tracking branches`)
    return newBranch(session, first, `${remote.remote}/${first}`, { ...common, track: true })
  }
  if (options.separator === 1) throw fatal(`invalid reference: ${first}`)
  return checkoutPaths(session, options, undefined, options.operands)
}

function treeOf(repo: Repository, name: string): string {
  const id = resolve(repo, name)
  const tree = id === undefined ? undefined : toType(repo, id, 'tree')
  if (id === undefined) throw fatal(`invalid reference: ${name}`)
  if (tree === undefined) throw fatal(`reference is not a tree: ${name}`)
  return tree
}

async function newBranch(session: Session, name: string, start: string | undefined, options: { force?: boolean; merge?: boolean; quiet?: boolean; reset?: boolean; track?: boolean }): Promise<number> {
  const repo = session.repository
  if (!isRefName(`refs/heads/${name}`) || name.startsWith('-') || name === 'HEAD') throw fatal(`'${name}' is not a valid branch name`)
  const before = repo.refs.id(`refs/heads/${name}`)
  if (before !== undefined && !options.reset) throw fatal(`a branch named '${name}' already exists`)
  const from = start === '-' ? '@{-1}' : start
  if (repo.head === undefined && from === undefined) {
    repo.refs.attach(`refs/heads/${name}`, '')
    if (!options.quiet) await session.complain(`Switched to a new branch '${name}'\n`)
    return 0
  }
  const target = resolveCommit(repo, from ?? 'HEAD') ?? mergeBaseOf(repo, from ?? '')
  if (target === undefined) {
    if (from !== undefined && resolve(repo, from) !== undefined) throw fatal(`Cannot switch branch to a non-commit '${from}'`)
    throw fatal(`'${from}' is not a commit and a branch '${name}' cannot be created from it`)
  }
  // The files first: the branch isn't made if they can't be had.
  const { index } = repo
  if (!options.force && index.unmerged().length > 0) { session.out(index.unmerged().map((path) => `${path}: needs merge\n`).join('')); throw failed('you need to resolve your current index first') }
  if (target !== repo.head || options.force) {
    const files = repo.filesOf(target)
    if (options.force) await forceFiles(repo, session.proc.clock, files)
    else {
      const obstacles = await switchFiles(repo, session.proc.clock, repo.filesOf(repo.head), files)
      if (obstacles) throw obstacleMessage(obstacles, 'checkout')
    }
    index.write()
  }
  const tracking = createBranch(repo, name, from === undefined ? undefined : from, { force: options.reset === true, currentToo: true, ...(options.track === undefined ? {} : { track: options.track }) })
  return goToMade(session, { name, branch: name, target, quiet: options.quiet === true, made: before === undefined ? 'new' : 'reset', tracking: options.quiet ? '' : tracking })
}

/** HEAD follows files that are there already. */
async function goToMade(session: Session, request: SwitchRequest): Promise<number> {
  const repo = session.repository
  const head = repo.head
  const from = repo.branch ?? head ?? ''
  if (repo.branch === undefined && head !== undefined && head !== request.target && !request.quiet) await leaveDetached(session, repo, head, request.target)
  if (!request.quiet && head !== request.target) {
    for (const change of [...stagedChanges(repo, request.target), ...await worktreeChanges(repo, session.proc.clock)]) session.out(`${change.status}\t${pathOf(change)}\n`)
  }
  const same = repo.branch === request.branch
  repo.refs.attach(`refs/heads/${request.branch}`, `checkout: moving from ${from} to ${request.branch}`)
  if (request.tracking) session.out(request.tracking)
  if (!request.quiet) await session.complain(request.made === 'reset' ? same ? `Reset branch '${request.branch}'\n` : `Switched to and reset branch '${request.branch}'\n` : `Switched to a new branch '${request.branch}'\n`)
  return 0
}

async function orphan(session: Session, name: string, start: string | undefined, options: { force?: boolean; quiet?: boolean }): Promise<number> {
  const repo = session.repository
  if (!isRefName(`refs/heads/${name}`)) throw fatal(`'${name}' is not a valid branch name`)
  if (repo.refs.id(`refs/heads/${name}`) !== undefined) throw fatal(`a branch named '${name}' already exists`)
  if (start !== undefined) {
    const target = resolveCommit(repo, start)
    if (target === undefined) throw fatal(`'${start}' is not a commit and a branch '${name}' cannot be created from it`)
    const obstacles = await switchFiles(repo, session.proc.clock, repo.filesOf(repo.head), repo.filesOf(target))
    if (obstacles) throw obstacleMessage(obstacles, 'checkout')
    repo.index.write()
  }
  repo.refs.attach(`refs/heads/${name}`, '')
  if (!options.quiet) await session.complain(`Switched to a new branch '${name}'\n`)
  return 0
}

export async function switchBranch(session: Session, args: readonly string[]): Promise<number> {
  const options = new Options('switch', args, ['c|create=', 'C|force-create=', 'guess', 'discard-changes', 'q|quiet', 'progress', 'm|merge', 'conflict=', 'd|detach', 't|track?', 'f|force', 'orphan=', 'overwrite-ignore', 'ignore-other-worktrees', 'recurse-submodules?'])
  const repo = session.repository
  repo.top
  const common = { force: options.has('force', 'discard-changes'), merge: options.has('merge'), quiet: options.has('quiet'), wanted: options.has('detach') }
  const [first, ...rest] = options.operands
  const under = operationOf(repo)
  if (under !== undefined && !options.has('force')) throw fatal(`cannot switch branch while ${{ merge: 'merging', 'cherry-pick': 'cherry-picking', revert: 'reverting', rebase: 'rebasing' }[under]}\nConsider "git ${under} --quit" or "git worktree add".`)
  if (rest.length > 0) throw fatal('only one reference expected')
  if (options.value('orphan') !== undefined) {
    if (first !== undefined) throw fatal("'--orphan' cannot take <start-point>")
    await forceFiles(repo, session.proc.clock, new Map())
    repo.index.write()
    return orphan(session, options.value('orphan')!, undefined, common)
  }
  const made = options.value('create') ?? options.value('force-create')
  if (made !== undefined) return newBranch(session, made, first, { ...common, reset: options.has('force-create'), ...(options.has('track') ? { track: true } : options.isOff('track') ? { track: false } : {}) })
  if (first === undefined) {
    if (options.has('detach')) return goTo(session, { name: 'HEAD', branch: undefined, target: repo.head, ...common })
    throw fatal('missing branch or commit argument')
  }
  if (options.has('track')) return newBranch(session, first.slice(first.indexOf('/') + 1), first, { ...common, track: true })
  const name = resolveBranchName(repo, first === '-' ? '@{-1}' : first)
  if (first === '-' && name === '@{-1}') throw fatal('invalid reference: @{-1}')
  const id = resolve(repo, name)
  if (options.has('detach')) {
    const target = id === undefined ? undefined : toType(repo, id, 'commit')
    if (target === undefined) throw fatal(`invalid reference: ${name}`)
    return goTo(session, { name, branch: undefined, target, ...common })
  }
  if (isBranch(repo, name)) return goTo(session, { name, branch: name, target: repo.refs.id(`refs/heads/${name}`), ...common })
  if (id !== undefined && toType(repo, id, 'commit') !== undefined) {
    const ref = findRef(repo, name)
    const kind = ref?.startsWith('refs/tags/') ? `tag '${name}'` : ref?.startsWith('refs/remotes/') ? `remote branch '${name}'` : `commit '${name}'`
    throw fatal(`a branch is expected, got ${kind}\nhint: If you want to detach HEAD at the commit, try again with the --detach option.`)
  }
  const remote = options.isOff('guess') ? undefined : remoteBranch(repo, name)
  if (remote && !remote.several) return newBranch(session, name, `${remote.remote}/${name}`, { ...common, track: true })
  if (repo.head === undefined && repo.branch === name) return 0
  throw fatal(`invalid reference: ${name}`)
}

/** Files of a tree, or of the index, into the working tree. */
async function checkoutPaths(session: Session, options: Options, tree: string | undefined, paths: readonly string[], from?: string): Promise<number> {
  const repo = session.repository
  const { index } = repo
  const spec = new Pathspec(paths, repo.prefix, repo.top)
  const files = tree === undefined ? undefined : repo.files(tree)
  const known = files ? [...files.keys()] : [...new Set(index.entries().map(({ path }) => path))]
  const wanted = known.filter((path) => spec.matches(path))
  const unknown = spec.unused()
  if (unknown.length > 0) throw new GitFailure(unknown.map((text) => `error: pathspec '${text}' did not match any file(s) known to git`).join('\n'), 1)
  const side = options.has('ours') ? 2 : options.has('theirs') ? 3 : undefined
  const conflicted = files ? [] : wanted.filter((path) => index.isUnmerged(path))
  if (conflicted.length > 0 && side === undefined && !options.has('merge', 'conflict')) {
    if (!options.has('force')) throw new GitFailure(conflicted.map((path) => `error: path '${path}' is unmerged`).join('\n'), 1)
    for (const path of conflicted) await session.complain(`warning: path '${path}' is unmerged\n`)
  }
  let updated = 0
  let recreated = 0
  for (const path of wanted) {
    await session.breathe()
    if (files) {
      const file = files.get(path)!
      const entry = index.get(path)
      const local = lookAt(repo, path)
      if (entry && entry.id === file.id && entry.mode === file.mode && local && local.type !== 'directory' && sameFile(repo, path, file)) { updated++; continue }
      index.set(writeFile(repo, path, file))
      updated++
      continue
    }
    if (index.isUnmerged(path)) {
      if (side !== undefined) {
        const entry = index.get(path, side)
        if (!entry) throw failed(`path '${path}' does not have ${side === 2 ? 'our' : 'their'} version`)
        writeFile(repo, path, entry)
        updated++
      } else if (options.has('merge', 'conflict')) {
        const sides = ([1, 2, 3] as const).map((stage) => { const entry = index.get(path, stage); return entry ? splitLines(binaryText(repo.objects.blob(entry.id))) : [] })
        const merged = mergeLines(sides[0]!, sides[1]!, sides[2]!, { labels: { ours: 'ours', base: 'base', theirs: 'theirs' }, style: options.value('conflict') === 'diff3' ? 'diff3' : conflictStyle(repo) })
        writeFile(repo, path, index.get(path, 2) ?? index.get(path, 3)!, binaryBytes(merged.lines.join('')))
        recreated++
      }
      continue
    }
    const entry = index.get(path)!
    if (lookAt(repo, path) && sameFile(repo, path, entry)) continue
    index.set(writeFile(repo, path, entry))
    updated++
  }
  index.write()
  if (options.command === 'checkout' && !options.has('quiet') && options.separator === undefined) {
    const count = (n: number) => `${n} path${n === 1 ? '' : 's'}`
    if (recreated > 0) await session.complain(`Recreated ${recreated} merge conflict${recreated === 1 ? '' : 's'}\n`)
    if (updated > 0 || recreated === 0) await session.complain(files ? `Updated ${count(updated)} from ${repo.abbreviate(resolveCommit(repo, from!) ?? tree!)}\n` : `Updated ${count(updated)} from the index\n`)
  }
  return 0
}

function sameFile(repo: Repository, path: string, file: TreeFile): boolean {
  const stat = lookAt(repo, path)
  if (!stat || (stat.type !== 'file' && stat.type !== 'symlink')) return false
  const content = stat.type === 'symlink' ? new TextEncoder().encode(repo.fs.readlink(`${repo.top}/${path}`)) : repo.fs.readFile(`${repo.top}/${path}`)
  const kept = repo.objects.blob(file.id)
  return content.length === kept.length && content.every((byte, i) => byte === kept[i]) && (stat.type === 'symlink') === (file.mode === 0o120000) && (stat.type === 'symlink' || ((stat.mode & 0o100) !== 0) === (file.mode === 0o100755))
}

export async function restore(session: Session, args: readonly string[]): Promise<number> {
  const options = new Options('restore', args, ['s|source=', 'S|staged', 'W|worktree', 'ignore-unmerged', 'overlay', 'q|quiet', 'progress', 'm|merge', 'conflict=', '2|ours', '3|theirs', 'p|patch', 'recurse-submodules?', 'pathspec-from-file='])
  const repo = session.repository
  repo.top
  const { index } = repo
  if (options.has('patch')) throw fatal('choosing parts of files interactively is not supported here')
  if (options.operands.length === 0) throw fatal('you must specify path(s) to restore')
  const staged = options.has('staged')
  const worktree = options.has('worktree') || !staged
  const source = options.value('source')
  const name = source ?? (staged ? 'HEAD' : undefined)
  let tree: string | undefined
  if (name !== undefined) {
    const base = /^(.*)\.\.\.(.*)$/.exec(name)
    const id = base ? mergeBases(repo, resolveCommit(repo, base[1] || 'HEAD')!, resolveCommit(repo, base[2] || 'HEAD')!)[0] : resolve(repo, name)
    tree = id === undefined ? undefined : toType(repo, id, 'tree')
    if (tree === undefined) {
      if (name !== 'HEAD') throw fatal(`could not resolve ${name}`)
      if (repo.head === undefined) throw fatal('could not resolve HEAD')
    }
  }
  if (!staged && tree === undefined) return checkoutPaths(session, options, undefined, options.operands)
  const files = repo.files(tree)
  const spec = new Pathspec(options.operands, repo.prefix, repo.top)
  const known = new Set([...files.keys(), ...index.entries().map(({ path }) => path)])
  const wanted = [...known].filter((path) => spec.matches(path))
  const unknown = spec.unused()
  if (unknown.length > 0) throw new GitFailure(unknown.map((text) => `error: pathspec '${text}' did not match any file(s) known to git`).join('\n'), 1)
  for (const path of wanted) {
    await session.breathe()
    const file = files.get(path)
    if (worktree) {
      if (file) { const entry = writeFile(repo, path, file); if (staged) index.set(entry) } else if (index.has(path) && !options.has('overlay')) { removeFile(repo, path); if (staged) index.remove(path) }
    } else if (file) index.set({ path, ...file, stage: 0 })
    else index.remove(path)
  }
  index.write()
  return 0
}

