import { GitFailure, failed as failure, fatal } from '../failure.ts'
import { Options } from '../options.ts'
import { isRefName } from '../refs.ts'
import type { Repository } from '../repository.ts'
import { findRef, isAncestor, resolve, resolveCommit, upstreamOf } from '../revision.ts'
import type { Session } from '../session.ts'
import { localRepository, openRemote } from '../transport.ts'
import type { PushedRef, Remote, RemoteRef } from '../transport.ts'
import { writeFile, repositoryName } from '../worktree.ts'
import { setUpstream } from './branch.ts'
import { createRepository, firstBranch } from './init.ts'
import { mergeCommit } from './merge.ts'
import { rebase } from './rebase.ts'
import { remoteAddress } from './remote.ts'

/** `+refs/heads/*:refs/remotes/origin/*`. */
interface Refspec { force: boolean; from: string; to: string | undefined; negative: boolean }

function parseRefspec(text: string): Refspec {
  const force = text.startsWith('+')
  const negative = text.startsWith('^')
  const [from = '', to] = text.replace(/^[+^]/, '').split(':')
  return { force, negative, from, to: to === '' ? undefined : to }
}

/** Where a refspec puts a ref; undefined where it isn't about it. */
function mapped(spec: Refspec, name: string): string | undefined {
  if (!spec.from.includes('*')) return spec.from === name ? spec.to : undefined
  const [head = '', tail = ''] = spec.from.split('*')
  if (!name.startsWith(head) || !name.endsWith(tail) || name.length < head.length + tail.length) return undefined
  return spec.to?.replace('*', name.slice(head.length, name.length - tail.length))
}

const shortName = (name: string) => name.replace(/^refs\/(heads|tags|remotes)\//, '')

/** What is said about refs: one line each, in columns. */
interface Report { flag: string; summary: string; from: string; to: string; note?: string }

function reportText(address: string, reports: readonly Report[], direction: 'From' | 'To', width = 10): string {
  if (reports.length === 0) return ''
  const summaries = 17
  const names = Math.max(width, ...reports.map(({ from }) => from.length))
  return `${direction} ${address}\n${reports.map(({ flag, summary, from, to, note }) => direction === 'From' ? ` ${flag} ${summary.padEnd(summaries)} ${from.padEnd(names)} -> ${to}${note ? `  (${note})` : ''}\n` : ` ${flag} ${summary.padEnd(summaries)} ${from === '' ? to : `${from} -> ${to}`}${note ? ` (${note})` : ''}\n`).join('')}`
}

const sizeText = (bytes: number) => bytes < 1024 ? `${Math.floor(bytes)} bytes` : bytes < 1_048_576 ? `${(bytes / 1024).toFixed(2)} KiB` : `${(bytes / 1_048_576).toFixed(2)} MiB`

/** Fetches, and shows on a terminal how far it is. */
async function fetchShown(session: Session, remote: Remote, wants: readonly string[], repo: Repository, options: { depth?: number }, quiet: boolean): Promise<void> {
  const shows = !quiet && session.proc.isTty(2)
  const startMs = session.proc.clock.nowMs()
  const { objects, deltas, bytes } = await remote.fetch(wants, repo, { ...options, progress: shows ? async (text) => { await session.complain(text.replace(/(^|[\r\n])(?=[^\r\n])/g, '$1remote: ')) } : undefined })
  if (!shows || bytes === undefined || objects === 0) return
  const seconds = Math.max(0.001, (session.proc.clock.nowMs() - startMs) / 1000)
  await session.complain(`Receiving objects: 100% (${objects}/${objects}), ${sizeText(bytes)} | ${sizeText(bytes / seconds)}/s, done.\n${deltas > 0 ? `Resolving deltas: 100% (${deltas}/${deltas}), done.\n` : ''}`)
}

export async function clone(session: Session, args: readonly string[]): Promise<number> {
  const options = new Options('clone', args, ['v|verbose', 'q|quiet', 'progress', 'reject-shallow', 'n|no-checkout', 'bare', 'mirror', 'l|local', 'no-hardlinks', 's|shared', 'recurse-submodules?', 'recursive?', 'j|jobs=', 'template=', 'reference=', 'o|origin=', 'b|branch=', 'u|upload-pack=', 'depth=', 'shallow-since=', 'single-branch', 'tags', 'shallow-submodules', 'separate-git-dir=', 'c|config=', 'filter=', 'sparse', 'remote-submodules'])
  const { proc } = session
  const [address, given] = options.operands
  if (address === undefined) throw new GitFailure('fatal: You must specify a repository to clone.\n\nusage: git clone [<options>] [--] <repo> [<dir>]\n', 129)
  if (options.operands.length > 2) throw new GitFailure('fatal: Too many arguments.\n\nusage: git clone [<options>] [--] <repo> [<dir>]\n', 129)
  const bare = options.has('bare', 'mirror')
  const quiet = options.has('quiet')
  const isUrl = /^[a-z+]+:\/\//.test(address) || (/^[^/]+:/.test(address) && !proc.fs.exists(proc.resolve(address)))
  const local = isUrl ? undefined : localRepository(session, address)
  if (!isUrl && local === undefined) throw fatal(`repository '${address}' does not exist`)
  const directory = given ?? repositoryName(address) + (bare ? '.git' : '')
  const top = proc.resolve(directory)
  if (proc.fs.exists(top) && (proc.fs.stat(top).type !== 'directory' || proc.fs.readdir(top).length > 0)) throw fatal(`destination path '${directory}' already exists and is not an empty directory.`)
  const depth = options.value('depth')
  if (depth !== undefined && !(Number(depth) > 0)) throw fatal(`depth ${depth} is not a positive number`)
  if (!quiet) await session.complain(bare ? `Cloning into bare repository '${directory}'...\n` : `Cloning into '${directory}'...\n`)
  if (depth !== undefined && local !== undefined) await session.complain('warning: --depth is ignored in local clones; use file:// instead.\n')
  const existed = proc.fs.exists(top)
  proc.fs.mkdir(top, { recursive: true })
  const gitDir = bare ? top : `${top}/.git`
  const origin = options.value('origin') ?? session.looseConfig.get('clone.defaultRemoteName') ?? 'origin'
  const clean = () => { if (existed) for (const name of proc.fs.readdir(top)) proc.fs.remove(`${top}/${name}`, { recursive: true }); else proc.fs.remove(top, { recursive: true }) }
  try {
    const remote = openRemote(session, local === undefined ? address : local)
    const refs = await remote.refs()
    const { branch: fallback } = firstBranch(session)
    const remoteHead = refs.find((ref) => ref.name === 'HEAD')
    const headTarget = remoteHead?.target ?? refs.find((ref) => ref.name.startsWith('refs/heads/') && ref.id === remoteHead?.id)?.name
    const localHead = local === undefined ? undefined : session.open(local, undefined, '').refs.target('HEAD')
    createRepository(session, gitDir, { bare, branch: (headTarget ?? localHead)?.replace('refs/heads/', '') ?? fallback })
    const repo = session.enter(gitDir, bare ? undefined : top)
    const shownAddress = local === undefined || address.startsWith('file://') ? address.replace(/\/+$/, '') : address.startsWith('/') ? address.replace(/\/+$/, '') : proc.fs.realpath(proc.resolve(address))
    const file = repo.config.file(repo.config.pathOf('local')!)
    file.add(`remote.${origin}.url`, shownAddress)
    const wantedBranch = options.value('branch')
    const single = options.has('single-branch') || (depth !== undefined && local === undefined && !options.isOff('single-branch'))
    const singleName = wantedBranch ?? headTarget?.replace('refs/heads/', '')
    if (!bare) file.add(`remote.${origin}.fetch`, single && singleName !== undefined ? `+refs/heads/${singleName}:refs/remotes/${origin}/${singleName}` : `+refs/heads/*:refs/remotes/${origin}/*`)
    if (options.has('mirror')) { file.add(`remote.${origin}.fetch`, '+refs/*:refs/*'); file.add(`remote.${origin}.mirror`, 'true') }
    for (const pair of options.all('config')) file.add(pair.split('=')[0]!, pair.slice(pair.indexOf('=') + 1))
    repo.config.save(file)
    if (refs.length === 0) {
      await session.complain('warning: You appear to have cloned an empty repository.\n')
      if (!quiet && local !== undefined) await session.complain('done.\n')
      if (!bare) setUpstream(repo, repo.branch ?? fallback, origin, `refs/heads/${repo.branch ?? fallback}`)
      return 0
    }
    let checkedOut: RemoteRef | undefined = remoteHead
    let branchRef: string | undefined = headTarget
    if (wantedBranch !== undefined) {
      checkedOut = refs.find((ref) => ref.name === `refs/heads/${wantedBranch}`)
      branchRef = checkedOut?.name
      checkedOut ??= refs.find((ref) => ref.name === `refs/tags/${wantedBranch}`)
      if (!checkedOut) throw fatal(`Remote branch ${wantedBranch} not found in upstream ${origin}`)
    }
    const wanted = refs.filter((ref) => options.has('mirror') ? ref.name.startsWith('refs/') : single ? ref.name === branchRef || (branchRef === undefined && ref === checkedOut) : ref.name.startsWith('refs/heads/') || (ref.name.startsWith('refs/tags/') && !options.isOff('tags')))
    if (!branchRef && checkedOut && !wanted.includes(checkedOut)) wanted.push(checkedOut)
    await fetchShown(session, remote, [...new Set(wanted.map((ref) => ref.id))], repo, depth === undefined || local !== undefined ? {} : { depth: Number(depth) }, quiet)
    const from = `clone: from ${shownAddress}`
    for (const ref of wanted) {
      if (ref.name === 'HEAD') continue
      const name = bare ? ref.name : ref.name.startsWith('refs/heads/') ? `refs/remotes/${origin}/${ref.name.slice(11)}` : ref.name
      repo.refs.update(name, ref.id, from)
    }
    if (single && !options.isOff('tags')) for (const ref of refs) if (ref.name.startsWith('refs/tags/') && repo.objects.has(ref.id)) repo.refs.update(ref.name, ref.id, from)
    if (!bare && headTarget !== undefined && (!single || wantedBranch === undefined)) repo.refs.attach(`refs/remotes/${origin}/${headTarget.slice(11)}`, from, { name: `refs/remotes/${origin}/HEAD` })
    const commit = checkedOut === undefined ? undefined : resolveCommit(repo, checkedOut.id)
    if (branchRef !== undefined) {
      const branch = branchRef.replace('refs/heads/', '')
      repo.refs.attach(branchRef, '')
      if (!bare && commit !== undefined) { repo.refs.update(branchRef, commit, from); setUpstream(repo, branch, origin, branchRef) }
    } else if (commit !== undefined) repo.refs.detach(commit, from)
    else { await session.complain('warning: remote HEAD refers to nonexistent ref, unable to checkout.\n'); return 0 }
    if (local !== undefined && !quiet) await session.complain('done.\n')
    if (branchRef === undefined && commit !== undefined && !bare && !quiet) await session.complain(`Note: switching to '${commit}'.\n\nYou are in 'detached HEAD' state. You can look around, make experimental\nchanges and commit them, and you can discard any commits you make in this\nstate without impacting any branches by switching back to a branch.\n\nIf you want to create a new branch to retain commits you create, you may\ndo so (now or later) by using -c with the switch command. Example:\n\n  git switch -c <new-branch-name>\n\nOr undo this operation with:\n\n  git switch -\n\nTurn off this advice by setting config variable advice.detachedHead to false\n\n`)
    if (!bare && !options.has('no-checkout') && commit !== undefined) {
      for (const [path, each] of repo.filesOf(commit)) { repo.index.set(writeFile(repo, path, each)); await session.breathe() }
      repo.index.write()
    }
    return 0
  } catch (error) {
    if (proc.fs.exists(top)) clean()
    throw error
  }
}

/** The remote that a command is about when none is named. */
function defaultRemote(repo: Repository): string {
  const own = repo.branch === undefined ? undefined : repo.config.get(`branch.${repo.branch}.remote`)
  const all = repo.config.subsections('remote')
  return own ?? (all.length === 1 ? all[0]! : 'origin')
}

function remoteOf(session: Session, repo: Repository, name: string, push = false): { address: string; remote: () => Remote } {
  const address = name === '.' ? repo.workTree ?? repo.gitDir : remoteAddress(repo, name, push) ?? name
  const path = /^[a-z+]+:\/\//.test(address) || address.startsWith('/') || /^[^/]+:/.test(address) ? address : `${remoteAddress(repo, name) === undefined ? session.proc.cwd : repo.workTree ?? repo.gitDir}/${address}`
  return { address, remote: () => {
    try { return openRemote(session, path) } catch (error) {
      if (error instanceof GitFailure && path !== address) throw new GitFailure(error.message.replace(`'${path}'`, `'${address}'`), error.exitCode)
      throw error
    }
  } }
}

export async function fetch(session: Session, args: readonly string[]): Promise<number> {
  const options = new Options('fetch', args, ['v|verbose', 'q|quiet', 'all', 'set-upstream', 'a|append', 'atomic', 'upload-pack=', 'f|force', 'm|multiple', 't|tags', 'n', 'j|jobs=', 'prefetch', 'p|prune', 'P|prune-tags', 'recurse-submodules?', 'dry-run', 'write-fetch-head', 'k|keep', 'u|update-head-ok', 'progress', 'depth=', 'shallow-since=', 'deepen=', 'unshallow', 'refmap=', '4|ipv4', '6|ipv6', 'show-forced-updates'])
  const repo = session.repository
  if (options.has('all') && options.operands.length > 1) throw fatal('fetch --all does not make sense with refspecs')
  if (options.has('all') && options.operands.length > 0) throw fatal('fetch --all does not take a repository argument')
  if (options.has('all', 'multiple')) {
    const names = options.has('all') ? repo.config.subsections('remote') : options.operands
    for (const name of names) {
      if (!options.has('quiet')) session.out(`Fetching ${name}\n`)
      await fetchFrom(session, repo, name, [], options)
    }
    return 0
  }
  const [name = defaultRemote(repo), ...specs] = options.operands
  // Without any remote there is nothing to do, and Git says nothing.
  if (options.operands.length === 0 && remoteAddress(repo, name) === undefined && (repo.branch === undefined || repo.config.get(`branch.${repo.branch}.remote`) === undefined)) return 0
  await fetchFrom(session, repo, name, specs, options)
  return 0
}

interface FetchHead { id: string; name: string; merge: boolean; address: string }

/** Brings what a remote has. @returns what pull would merge */
async function fetchFrom(session: Session, repo: Repository, name: string, given: readonly string[], options: Options): Promise<FetchHead[]> {
  const { address, remote: open } = remoteOf(session, repo, name)
  const remote = open()
  const refs = await remote.refs()
  const configured = repo.config.all(`remote.${name}.fetch`).map(parseRefspec)
  const specs = given.length > 0 ? given.map(parseRefspec) : configured.length > 0 ? configured : [parseRefspec('HEAD')]
  const wanted: { ref: RemoteRef; to: string | undefined; force: boolean; merge: boolean }[] = []
  const find = (text: string) => ['', 'refs/', 'refs/tags/', 'refs/heads/', 'refs/remotes/'].map((rule) => refs.find((ref) => ref.name === rule + text)).find((ref) => ref !== undefined)
  const upstream = repo.branch === undefined ? undefined : repo.config.get(`branch.${repo.branch}.remote`) === name ? repo.config.get(`branch.${repo.branch}.merge`) : undefined
  for (const spec of specs) {
    if (spec.negative) continue
    if (spec.from.includes('*')) {
      for (const ref of refs) {
        const to = mapped(spec, ref.name)
        if (to !== undefined && ref.name.startsWith('refs/')) wanted.push({ ref, to, force: spec.force, merge: ref.name === upstream && given.length === 0 })
      }
      continue
    }
    const ref = find(spec.from === '' ? 'HEAD' : spec.from)
    if (!ref) {
      if (given.length === 0 && configured.length === 0) continue
      throw fatal(`couldn't find remote ref ${spec.from}`)
    }
    const to = spec.to === undefined ? undefined : spec.to.startsWith('refs/') ? spec.to : ref.name.startsWith('refs/tags/') ? `refs/tags/${spec.to}` : `refs/heads/${spec.to}`
    wanted.push({ ref, to, force: spec.force, merge: true })
    // What is tracked moves along.
    if (to === undefined && given.length > 0) for (const each of configured) { const tracked = mapped(each, ref.name); if (tracked !== undefined) wanted.push({ ref, to: tracked, force: each.force, merge: false }) }
  }
  const depth = options.value('depth')
  const needs = wanted.map(({ ref }) => ref.id).filter((id) => !repo.objects.has(id) || depth !== undefined)
  const tags = options.has('tags') ? refs.filter((ref) => ref.name.startsWith('refs/tags/')) : []
  const noTags = options.isOff('tags') || options.has('n') || repo.config.get(`remote.${name}.tagOpt`) === '--no-tags'
  const tagNeeds = tags.map((ref) => ref.id).filter((id) => !repo.objects.has(id))
  // Tags come along whose commits do.
  if (needs.length > 0 || tagNeeds.length > 0 || options.has('unshallow')) await fetchShown(session, remote, [...new Set([...needs, ...tagNeeds, ...options.has('unshallow') ? wanted.map(({ ref }) => ref.id) : []])], repo, options.has('unshallow') ? { depth: 2_147_483_647 } : depth === undefined ? {} : { depth: Number(depth) }, options.has('quiet'))
  if (!noTags && !options.has('tags')) {
    const following = refs.filter((ref) => ref.name.startsWith('refs/tags/') && repo.refs.id(ref.name) === undefined && repo.objects.has(ref.peeled ?? ref.id))
    if (wanted.some(({ to }) => to !== undefined)) {
      const missing = following.filter((ref) => !repo.objects.has(ref.id)).map((ref) => ref.id)
      if (missing.length > 0) await remote.fetch(missing, repo, { progress: undefined })
      for (const ref of following) tags.push(ref)
    }
  }
  const reports: Report[] = []
  const dry = options.has('dry-run')
  let failed = false
  if (options.has('prune') || repo.config.flag('fetch.prune', false) || repo.config.flag(`remote.${name}.prune`, false)) {
    for (const spec of configured) {
      if (!spec.to?.endsWith('*')) continue
      const there = new Set(refs.map((ref) => mapped(spec, ref.name)))
      for (const { name: ref } of repo.refs.list(spec.to.slice(0, -1))) {
        if (there.has(ref) || repo.refs.target(ref) !== undefined) continue
        if (!dry) repo.refs.remove(ref)
        reports.push({ flag: '-', summary: '[deleted]', from: '(none)', to: shortName(ref) })
      }
    }
  }
  const heads: FetchHead[] = []
  const shownUrl = address.replace(/\/+$/, '').replace(/\.git$/, '')
  for (const { ref, to, force, merge } of [...wanted, ...tags.map((ref) => ({ ref, to: ref.name as string | undefined, force: false, merge: false }))]) {
    if (!heads.some((head) => head.name === ref.name)) heads.push({ id: ref.peeled !== undefined && repo.objects.typeOf(ref.id) === 'tag' ? ref.peeled : ref.id, name: ref.name, merge: merge && to === undefined ? true : merge, address: shownUrl })
    const shownFrom = shortName(ref.name)
    if (to === undefined) { reports.push({ flag: '*', summary: ref.name === 'HEAD' ? 'branch' : ref.name.startsWith('refs/tags/') ? 'tag' : 'branch', from: shownFrom, to: 'FETCH_HEAD' }); continue }
    const before = repo.refs.id(to)
    if (before === ref.id) continue
    const shownTo = shortName(to)
    if (repo.refs.target('HEAD') === to && repo.workTree !== undefined && !options.has('update-head-ok')) throw fatal(`refusing to fetch into branch '${to}' checked out at '${repo.workTree}'`)
    const isTag = to.startsWith('refs/tags/')
    if (before === undefined) {
      reports.push({ flag: '*', summary: isTag ? '[new tag]' : ref.name.startsWith('refs/heads/') ? '[new branch]' : '[new ref]', from: shownFrom, to: shownTo })
      if (!dry) repo.refs.update(to, ref.id, `fetch${session.command === 'pull' ? '' : ` ${name}`}: storing head`.replace(/^fetch.*$/, `fetch: storing ${isTag ? 'tag' : 'head'}`))
    } else if (isTag) {
      if (options.has('force') || force) { reports.push({ flag: 't', summary: '[tag update]', from: shownFrom, to: shownTo }); if (!dry) repo.refs.update(to, ref.id, 'fetch: updating tag') } else if (options.has('tags')) { reports.push({ flag: '!', summary: '[rejected]', from: shownFrom, to: shownTo, note: 'would clobber existing tag' }); failed = true }
    } else {
      const fastForward = isAncestor(repo, before, ref.id)
      if (!fastForward && !force && !options.has('force')) { reports.push({ flag: '!', summary: '[rejected]', from: shownFrom, to: shownTo, note: 'non-fast-forward' }); failed = true; continue }
      reports.push({ flag: fastForward ? ' ' : '+', summary: `${repo.abbreviate(before)}${fastForward ? '..' : '...'}${repo.abbreviate(ref.id)}`, from: shownFrom, to: shownTo, ...(fastForward ? {} : { note: 'forced update' }) })
      if (!dry) repo.refs.update(to, ref.id, `fetch: ${fastForward ? 'fast-forward' : 'forced-update'}`)
    }
  }
  const kindText = (ref: string) => ref.startsWith('refs/heads/') ? `branch '${ref.slice(11)}' of ` : ref.startsWith('refs/tags/') ? `tag '${ref.slice(10)}' of ` : ref === 'HEAD' ? '' : `'${ref}' of `
  if (!dry) repo.writeNote('FETCH_HEAD', heads.sort((a, b) => Number(b.merge) - Number(a.merge)).map((head) => `${head.id}\t${head.merge ? '' : 'not-for-merge'}\t${kindText(head.name)}${head.address}\n`).join(''))
  if (!options.has('quiet')) await session.complain(reportText(shownUrl, reports, 'From'))
  if (failed) throw new GitFailure('', 1)
  return heads
}

export async function pull(session: Session, args: readonly string[]): Promise<number> {
  const options = new Options('pull', args, ['v|verbose', 'q|quiet', 'progress', 'recurse-submodules?', 'r|rebase?', 'n', 'stat', 'log?', 'signoff', 'squash', 'commit', 'e|edit', 'cleanup=', 'ff', 'ff-only', 'verify', 'verify-signatures', 'autostash', 's|strategy=', 'X|strategy-option=', 'S|gpg-sign?', 'allow-unrelated-histories', 'all', 'a|append', 'f|force', 't|tags', 'p|prune', 'depth=', 'dry-run', 'set-upstream'])
  const repo = session.repository
  repo.top
  if (repo.index.unmerged().length > 0) throw new GitFailure("error: Pulling is not possible because you have unmerged files.\nhint: Fix them up in the work tree, and then use 'git add/rm <file>'\nhint: as appropriate to mark resolution and make a commit.\nfatal: Exiting because of an unresolved conflict.")
  if (repo.note('MERGE_HEAD') !== undefined) throw new GitFailure('error: You have not concluded your merge (MERGE_HEAD exists).\nhint: Please, commit your changes before merging.\nfatal: Exiting because of unfinished merge.')
  const [name = defaultRemote(repo), ...specs] = options.operands
  const branch = repo.branch
  const setting = options.has('rebase') ? options.value('rebase') ?? 'true' : options.isOff('rebase') ? 'false' : (branch === undefined ? undefined : repo.config.get(`branch.${branch}.rebase`)) ?? repo.config.get('pull.rebase')
  const rebases = setting !== undefined && !['false', 'no', 'off', '0'].includes(setting)
  const before = repo.head
  const nowhere = options.operands.length === 0 && remoteAddress(repo, name) === undefined && name !== '.'
  const heads = nowhere ? [] : (await fetchFrom(session, repo, name, specs, options)).filter((head) => head.merge)
  if (heads.length === 0) {
    const verb = rebases ? 'rebase against' : 'merge with'
    if (specs.length > 0) throw new GitFailure(`There are no candidates for ${rebases ? 'rebasing against' : 'merging'} among the refs that you just fetched.\nGenerally this means that you provided a wildcard refspec which had no\nmatches on the remote end.`, 1)
    if (branch === undefined) throw new GitFailure(`You are not currently on a branch.\nPlease specify which branch you want to ${verb}.\nSee git-pull(1) for details.\n\n    git pull <remote> <branch>\n`, 1)
    const merge = repo.config.get(`branch.${branch}.merge`)
    if (merge !== undefined && repo.config.get(`branch.${branch}.remote`) === name) throw new GitFailure(`Your configuration specifies to merge with the ref '${merge}'\nfrom the remote, but no such ref was fetched.`, 1)
    if (options.operands.length > 0 && repo.config.get(`branch.${branch}.remote`) !== undefined) throw new GitFailure(`You asked to pull from the remote '${name}', but did not specify\na branch. Because this is not the default configured remote\nfor your current branch, you must specify a branch on the command line.`, 1)
    throw new GitFailure(`There is no tracking information for the current branch.\nPlease specify which branch you want to ${verb}.\nSee git-pull(1) for details.\n\n    git pull <remote> <branch>\n\nIf you wish to set tracking information for this branch you can do so with:\n\n    git branch --set-upstream-to=${repo.config.subsections('remote').length === 1 ? repo.config.subsections('remote')[0] : '<remote>'}/<branch> ${branch}\n`, 1)
  }
  if (heads.length > 1) throw fatal('merging more than one commit at a time (octopus) is not supported here; pull them one by one')
  const [head] = heads
  const target = resolveCommit(repo, head!.id)!
  if (before === undefined) return mergeCommit(session, { name: 'FETCH_HEAD', target, fastForward: 'allow', action: 'pull' })
  const ff = options.has('ff-only') ? 'only' : options.isOff('ff') ? 'never' : options.has('ff') ? 'allow' : repo.config.get('pull.ff') === 'only' ? 'only' : repo.config.get('pull.ff') === 'false' ? 'never' : 'allow'
  const diverged = !isAncestor(repo, before, target) && !isAncestor(repo, target, before)
  if (diverged && setting === undefined && !options.has('ff', 'ff-only') && !options.isOff('ff') && repo.config.get('pull.ff') === undefined) {
    throw new GitFailure('hint: You have divergent branches and need to specify how to reconcile them.\nhint: You can do so by running one of the following commands sometime before\nhint: your next pull:\nhint: \nhint:   git config pull.rebase false  # merge\nhint:   git config pull.rebase true   # rebase\nhint:   git config pull.ff only       # fast-forward only\nhint: \nhint: You can replace "git config" with "git config --global" to set a default\nhint: preference for all repositories. You can also pass --rebase, --no-rebase,\nhint: or --ff-only on the command line to override the configured default per\nhint: invocation.\nfatal: Need to specify how to reconcile divergent branches.')
  }
  if (rebases && !options.has('ff-only')) {
    if (isAncestor(repo, before, target)) return mergeCommit(session, { name: target, target, fastForward: 'only', action: 'pull --rebase' })
    return rebase(session, [target])
  }
  const short = shortName(head!.name)
  return mergeCommit(session, { name: target, target, fastForward: ff, squash: options.has('squash'), commit: !options.isOff('commit'), edit: !options.isOff('edit') && session.proc.isTty(0), stat: !options.isOff('stat') && !options.has('n'), quiet: options.has('quiet'), action: ['pull', ...args].join(' '), title: `Merge ${head!.name.startsWith('refs/tags/') ? 'tag' : 'branch'} '${short}' of ${head!.address}`, unrelated: options.has('allow-unrelated-histories') })
}

export async function push(session: Session, args: readonly string[]): Promise<number> {
  const options = new Options('push', args, ['v|verbose', 'q|quiet', 'repo=', 'all', 'mirror', 'd|delete', 'tags', 'n|dry-run', 'porcelain', 'f|force', 'force-with-lease?', 'force-if-includes', 'recurse-submodules=', 'thin', 'receive-pack=', 'u|set-upstream', 'progress', 'prune', 'no-verify', 'follow-tags', 'signed?', 'atomic', 'o|push-option='])
  const repo = session.repository
  const [given, ...specs] = options.operands
  const name = given ?? options.value('repo') ?? (repo.branch === undefined ? undefined : repo.config.get(`branch.${repo.branch}.pushRemote`) ?? repo.config.get('remote.pushDefault')) ?? defaultRemote(repo)
  if (given === undefined && remoteAddress(repo, name) === undefined) throw fatal('No configured push destination.\nEither specify the URL from the command-line or configure a remote repository using\n\n    git remote add <name> <url>\n\nand then push using the remote name\n\n    git push <name>\n')
  const { address, remote: open } = remoteOf(session, repo, name, true)
  if (options.has('all') && specs.length > 0) throw fatal("--all can't be combined with refspecs")
  const remoteIsNamed = remoteAddress(repo, name) !== undefined
  interface Wanted { from: string | undefined; fromName: string; to: string; force: boolean }
  const wanted: Wanted[] = []
  const add = (text: string) => {
    const force = text.startsWith('+') || options.has('force')
    const [from = '', to] = text.replace(/^\+/, '').split(':')
    if (options.has('delete')) { wanted.push({ from: undefined, fromName: '', to: from.startsWith('refs/') ? from : '', force }); if (wanted.at(-1)!.to === '') wanted.at(-1)!.to = `?${from}`; return }
    if (from === '' && to !== undefined) { wanted.push({ from: undefined, fromName: '', to: to.startsWith('refs/') ? to : `?${to}`, force }); return }
    if (from === 'tag') return
    const ref = from === 'HEAD' || from === '@' ? repo.refs.target('HEAD') ?? 'HEAD' : findRef(repo, from)
    const id = resolve(repo, from)
    if (id === undefined) throw new GitFailure(`error: src refspec ${from} does not match any\nerror: failed to push some refs to '${address}'`, 1)
    let target = to
    if (target === undefined) {
      if (ref === undefined || ref === 'HEAD') throw new GitFailure(ref === 'HEAD' ? `error: unable to push to unqualified destination: HEAD\nerror: failed to push some refs to '${address}'` : `error: The destination you provided is not a full refname (i.e.,\nstarting with "refs/"). We tried to guess what you meant by:\n\n- Looking for a ref that matches '${from}' on the remote side.\n- Checking if the <src> being pushed ('${from}')\n  is a ref in "refs/{heads,tags}/". If so we add a corresponding\n  refs/{heads,tags}/ prefix on the remote side.\n\nNeither worked, so we gave up. You must fully qualify the ref.\nerror: failed to push some refs to '${address}'`, 1)
      target = ref
    } else if (!target.startsWith('refs/')) target = ref?.startsWith('refs/tags/') ? `refs/tags/${target}` : `refs/heads/${target}`
    wanted.push({ from: id, fromName: from === 'HEAD' && to === undefined ? 'HEAD' : ref ?? from, to: target, force })
  }
  if (options.has('all', 'mirror')) for (const { name: ref } of repo.refs.list(options.has('mirror') ? 'refs/' : 'refs/heads/')) add(`${ref}:${ref}`)
  if (specs[0] === 'tag' && specs[1] !== undefined) add(`refs/tags/${specs[1]}:refs/tags/${specs[1]}`)
  else specs.forEach(add)
  if (options.has('tags')) for (const { name: ref } of repo.refs.list('refs/tags/')) add(`${ref}:${ref}`)
  if (specs.length === 0 && !options.has('all', 'mirror', 'tags')) {
    const configured = repo.config.all(`remote.${name}.push`)
    const { branch } = repo
    if (configured.length > 0) configured.forEach(add)
    else {
      if (branch === undefined) throw fatal(`You are not currently on a branch.\nTo push the history leading to the current (detached HEAD)\nstate now, use\n\n    git push ${name} HEAD:<name-of-remote-branch>\n`)
      if (repo.head === undefined) throw new GitFailure(`error: src refspec refs/heads/${branch} does not match any\nerror: failed to push some refs to '${address}'`, 1)
      const mode = repo.config.get('push.default') ?? 'simple'
      const upstream = upstreamOf(repo, branch)
      const triangular = name !== defaultRemote(repo)
      if ((mode === 'simple' || mode === 'upstream') && !triangular && !options.has('set-upstream')) {
        if (!upstream) {
          if (!repo.config.flag('push.autoSetupRemote', false)) throw fatal(`The current branch ${branch} has no upstream branch.\nTo push the current branch and set the remote as upstream, use\n\n    git push --set-upstream ${name} ${branch}\n\nTo have this happen automatically for branches without a tracking\nupstream, see 'push.autoSetupRemote' in 'git help config'.\n`)
          options.given.push(['set-upstream', true])
        } else if (mode === 'simple' && upstream.merge !== `refs/heads/${branch}`) throw fatal(`The upstream branch of your current branch does not match\nthe name of your current branch.  To push to the upstream branch\non the remote, use\n\n    git push ${name} HEAD:${shortName(upstream.merge)}\n\nTo push to the branch of the same name on the remote, use\n\n    git push ${name} HEAD\n\nTo choose either option permanently, see push.default in 'git help config'.\n`)
      }
      add(mode === 'upstream' && upstream ? `refs/heads/${branch}:${upstream.merge}` : `refs/heads/${branch}:refs/heads/${branch}`)
    }
  }
  const remote = open()
  const refs = await remote.refs()
  const reports: Report[] = []
  const updates: (PushedRef & { report: Report; local: string })[] = []
  let failed = false
  const rejections = { behind: false, fetchFirst: false, isCurrent: false, tag: false }
  for (const { from, fromName, to: target, force } of wanted) {
    let to = target
    if (to.startsWith('?')) {
      const found = ['', 'refs/', 'refs/tags/', 'refs/heads/'].map((rule) => refs.find((ref) => ref.name === rule + to.slice(1))).find(Boolean)
      if (!found) { await session.complain(`error: unable to delete '${to.slice(1)}': remote ref does not exist\n`); failed = true; continue }
      to = found.name
    }
    const before = refs.find((ref) => ref.name === to)?.id
    const shownFrom = from === undefined ? '' : shortName(fromName)
    const report: Report = { flag: ' ', summary: '', from: shownFrom, to: shortName(to) }
    if (from === undefined) {
      if (before === undefined) { await session.complain(`error: unable to delete '${shortName(to)}': remote ref does not exist\n`); failed = true; continue }
      updates.push({ name: to, from: before, to: undefined, report: { ...report, flag: '-', summary: '[deleted]' }, local: fromName })
      continue
    }
    if (before === from) { if (options.has('verbose')) reports.push({ ...report, flag: '=', summary: '[up to date]' }); updates.push({ name: to, from: before, to: from, report: { ...report, flag: '=', summary: '[up to date]' }, local: fromName }); continue }
    if (before === undefined) updates.push({ name: to, from: undefined, to: from, report: { ...report, flag: '*', summary: to.startsWith('refs/tags/') ? '[new tag]' : to.startsWith('refs/heads/') ? '[new branch]' : '[new reference]' }, local: fromName })
    else {
      const known = repo.objects.has(before)
      if (to.startsWith('refs/tags/') && !force) { reports.push({ ...report, flag: '!', summary: '[rejected]', note: 'already exists' }); rejections.tag = true; failed = true; continue }
      const fastForward = known && isAncestor(repo, before, resolveCommit(repo, from) ?? from)
      if (options.has('force-with-lease')) {
        const tracked = trackingRef(repo, name, to)
        if ((tracked === undefined ? undefined : repo.refs.id(tracked)) !== before) { reports.push({ ...report, flag: '!', summary: '[rejected]', note: 'stale info' }); failed = true; continue }
      } else if (!fastForward && !force) {
        const note = known ? 'non-fast-forward' : 'fetch first'
        reports.push({ ...report, flag: '!', summary: '[rejected]', note })
        if (!known) rejections.fetchFirst = true
        else if (repo.refs.target('HEAD') === fromName || fromName === 'HEAD') rejections.isCurrent = true
        else rejections.behind = true
        failed = true
        continue
      }
      updates.push({ name: to, from: before, to: from, report: { ...report, flag: fastForward ? ' ' : '+', summary: `${repo.abbreviate(before)}${fastForward ? '..' : '...'}${repo.abbreviate(from)}`, ...(fastForward ? {} : { note: 'forced update' }) }, local: fromName })
    }
  }
  const real = updates.filter(({ report }) => report.flag !== '=')
  if (real.length > 0 && !options.has('dry-run', 'no-verify')) {
    const lines = real.map((update) => `${update.to === undefined ? '(delete)' : update.local} ${update.to ?? '0'.repeat(40)} ${update.name} ${update.from ?? '0'.repeat(40)}\n`).join('')
    if (!await session.agrees('pre-push', [name, address], lines)) throw failure(`failed to push some refs to '${address}'`)
  }
  if (real.length > 0 && !options.has('dry-run')) {
    const results = await remote.push(real, repo)
    for (const update of real) {
      const why = results.get(update.name)
      if (why !== undefined) { reports.push({ ...update.report, flag: '!', summary: '[remote rejected]', note: why }); failed = true; continue }
      reports.push(update.report)
      const tracked = remoteIsNamed ? trackingRef(repo, name, update.name) : undefined
      if (tracked === undefined) continue
      if (update.to === undefined) { if (repo.refs.id(tracked) !== undefined) repo.refs.remove(tracked) } else repo.refs.update(tracked, update.to, 'update by push')
    }
  } else if (options.has('dry-run')) reports.push(...real.map(({ report }) => report))
  if (reports.length > 0 && !options.has('quiet')) await session.complain(reportText(address, reports.sort((a, b) => Number(a.flag === '!') - Number(b.flag === '!')), 'To'))
  else if (failed && reports.length > 0) await session.complain(reportText(address, reports.filter(({ flag }) => flag === '!'), 'To'))
  if (options.has('set-upstream') && !failed) {
    for (const { name: to, local, to: id } of updates) {
      const branch = (local === 'HEAD' ? repo.refs.target('HEAD') ?? '' : local).replace('refs/heads/', '')
      if (id === undefined || !to.startsWith('refs/heads/') || !isRefName(`refs/heads/${branch}`)) continue
      const text = setUpstream(repo, branch, name, to)
      if (!options.has('quiet')) session.out(text)
    }
  }
  if (real.length === 0 && !failed && !options.has('quiet') && !options.has('dry-run')) await session.complain('Everything up-to-date\n')
  if (!failed) return 0
  const hint = rejections.fetchFirst ? "hint: Updates were rejected because the remote contains work that you do\nhint: not have locally. This is usually caused by another repository pushing\nhint: to the same ref. You may want to first integrate the remote changes\nhint: (e.g., 'git pull ...') before pushing again.\nhint: See the 'Note about fast-forwards' in 'git push --help' for details.\n"
    : rejections.isCurrent ? "hint: Updates were rejected because the tip of your current branch is behind\nhint: its remote counterpart. Integrate the remote changes (e.g.\nhint: 'git pull ...') before pushing again.\nhint: See the 'Note about fast-forwards' in 'git push --help' for details.\n"
      : rejections.behind ? "hint: Updates were rejected because a pushed branch tip is behind its remote\nhint: counterpart. Check out this branch and integrate the remote changes\nhint: (e.g. 'git pull ...') before pushing again.\nhint: See the 'Note about fast-forwards' in 'git push --help' for details.\n"
        : rejections.tag ? 'hint: Updates were rejected because the tag already exists in the remote.\n' : ''
  throw new GitFailure(`error: failed to push some refs to '${address}'${hint ? `\n${hint.trimEnd()}` : ''}`, 1)
}

function trackingRef(repo: Repository, remote: string, ref: string): string | undefined {
  return repo.config.all(`remote.${remote}.fetch`).map(parseRefspec).map((spec) => mapped(spec, ref)).find((to) => to !== undefined)
}

export async function lsRemote(session: Session, args: readonly string[]): Promise<number> {
  const options = new Options('ls-remote', args, ['q|quiet', 'upload-pack=', 't|tags', 'h|heads', 'refs', 'get-url', 'sort=', 'exit-code', 'symref', 'o|server-option='])
  const repo = session.repositoryOrNone
  const [given, ...patterns] = options.operands
  const name = given ?? (repo ? defaultRemote(repo) : undefined)
  if (name === undefined) throw fatal('No remote configured to list refs from.')
  const { address, remote } = repo ? remoteOf(session, repo, name) : { address: name, remote: () => openRemote(session, name) }
  if (options.has('get-url')) { session.out(`${address}\n`); return 0 }
  const refs = await remote().refs()
  if (given === undefined && !options.has('quiet')) await session.complain(`From ${address}\n`)
  let shown = 0
  for (const ref of refs) {
    if ((options.has('tags', 'heads')) && !((options.has('tags') && ref.name.startsWith('refs/tags/')) || (options.has('heads') && ref.name.startsWith('refs/heads/')))) continue
    if (options.has('refs') && ref.name === 'HEAD') continue
    if (patterns.length > 0 && !patterns.some((pattern) => `/${ref.name}`.endsWith(`/${pattern}`))) continue
    shown++
    if (options.has('symref') && ref.target !== undefined) session.out(`ref: ${ref.target}\t${ref.name}\n`)
    session.out(`${ref.id}\t${ref.name}\n`)
    if (ref.peeled !== undefined && !options.has('refs')) session.out(`${ref.peeled}\t${ref.name}^{}\n`)
  }
  return shown === 0 && options.has('exit-code') ? 2 : 0
}

