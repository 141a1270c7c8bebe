import { byteOrder } from '../bytes.ts'
import { GitFailure, failed, fatal } from '../failure.ts'
import { Options } from '../options.ts'
import { subjectOf } from '../pretty.ts'
import { isRefName } from '../refs.ts'
import type { Repository } from '../repository.ts'
import { aheadBehind, ancestors, findRef, isAncestor, mergeBaseOf, resolve, resolveCommit, shortRef, upstreamOf } from '../revision.ts'
import type { Session } from '../session.ts'
import { detachedAt } from '../status.ts'
import { wildcard } from '../wildcard.ts'
import { refFormat } from '../ref-format.ts'

/** Lets a branch follow another. @returns what to say about it */
export function setUpstream(repo: Repository, branch: string, remote: string, merge: string): string {
  repo.config.setLocal(`branch.${branch}.remote`, remote)
  repo.config.setLocal(`branch.${branch}.merge`, merge)
  const shown = remote === '.' ? merge.replace('refs/heads/', '') : `${remote}/${merge.replace('refs/heads/', '')}`
  return `branch '${branch}' set up to track '${shown}'.\n`
}

/** A ref as what a branch may follow; undefined for what isn't a branch. */
function upstreamFor(repo: Repository, name: string): { remote: string; merge: string } | undefined {
  const ref = findRef(repo, name)
  if (ref === undefined) return undefined
  if (ref.startsWith('refs/heads/')) return { remote: '.', merge: ref }
  for (const remote of repo.config.subsections('remote')) {
    for (const spec of repo.config.all(`remote.${remote}.fetch`)) {
      const [from = '', to = ''] = spec.replace(/^\+/, '').split(':')
      if (to.endsWith('*') && ref.startsWith(to.slice(0, -1))) return { remote, merge: from.slice(0, -1) + ref.slice(to.length - 1) }
      if (to === ref) return { remote, merge: from }
    }
  }
  return undefined
}

/** Makes a branch. @returns what to say about what it follows */
export function createBranch(repo: Repository, name: string, start: string | undefined, options: { force?: boolean; track?: boolean | 'inherit' | undefined; currentToo?: boolean } = {}): string {
  if (!isRefName(`refs/heads/${name}`) || name.startsWith('-') || name === 'HEAD') throw fatal(`'${name}' is not a valid branch name`)
  const exists = repo.refs.id(`refs/heads/${name}`) !== undefined
  if (exists && !options.force) throw fatal(`a branch named '${name}' already exists`)
  if (exists && repo.branch === name && !options.currentToo) throw fatal(`cannot force update the branch '${name}' checked out at '${repo.workTree ?? repo.gitDir}'`)
  const text = start ?? 'HEAD'
  const id = resolveCommit(repo, text) ?? mergeBaseOf(repo, text)
  if (id === undefined) throw resolve(repo, text) === undefined ? start === undefined && repo.head === undefined ? fatal(`not a valid object name: '${repo.branch}'`) : fatal(`not a valid object name: '${text}'`) : fatal(`not a valid branch point: '${text}'`)
  const upstream = start === undefined ? undefined : upstreamFor(repo, start)
  const tracks = options.track === undefined ? upstream !== undefined && upstream.remote !== '.' && repo.config.get('branch.autoSetupMerge') !== 'false' : options.track !== false
  if (options.track && !upstream) throw fatal(`cannot set up tracking information; starting point '${text}' is not a branch`)
  repo.refs.update(`refs/heads/${name}`, id, exists ? `branch: Reset to ${text}` : `branch: Created from ${text}`)
  return tracks && upstream ? setUpstream(repo, name, upstream.remote, upstream.merge) : ''
}

export async function branch(session: Session, args: readonly string[]): Promise<number> {
  const options = new Options('branch', args, ['v|verbose', 'q|quiet', 't|track?', 'set-upstream-to=', 'u=', 'unset-upstream', 'color?', 'r|remotes', 'contains*', 'no-contains*', 'abbrev?', 'a|all', 'd|delete', 'D', 'm|move', 'M', 'c|copy', 'C', 'l|list', 'show-current', 'create-reflog', 'edit-description', 'f|force', 'merged*', 'no-merged*', 'column?', 'sort=', 'points-at=', 'i|ignore-case', 'format=', 'recurse-submodules'])
  const repo = session.repository
  const { operands } = options
  const { refs } = repo
  if (options.has('color')) session.colors = options.value('color') !== 'never'
  if (options.has('show-current')) { if (repo.branch !== undefined) session.out(`${repo.branch}\n`); return 0 }
  const upstream = options.value('set-upstream-to') ?? options.value('u')
  const named = (given: string | undefined) => {
    const name = given ?? repo.branch
    if (name === undefined) throw fatal(upstream !== undefined ? 'could not set upstream of HEAD to ' + upstream + ' when it does not point to any branch.' : 'could not unset upstream of HEAD when it does not point to any branch.')
    return name
  }
  if (upstream !== undefined) {
    const name = named(operands[0])
    if (refs.id(`refs/heads/${name}`) === undefined) throw operands[0] === undefined ? fatal(`no commit on branch '${name}' yet`) : fatal(`branch '${name}' does not exist`)
    if (resolve(repo, upstream) === undefined) throw fatal(`the requested upstream branch '${upstream}' does not exist\nhint: \nhint: If you are planning on basing your work on an upstream\nhint: branch that already exists at the remote, you may need to\nhint: run "git fetch" to retrieve it.\nhint: \nhint: If you are planning to push out a new local branch that\nhint: will track its remote counterpart, you may want to use\nhint: "git push -u" to set the upstream config as you push.\nhint: Disable this message with "git config advice.setUpstreamFailure false"`)
    const target = upstreamFor(repo, upstream)
    if (!target) throw fatal(`cannot set up tracking information; starting point '${upstream}' is not a branch`)
    session.out(setUpstream(repo, name, target.remote, target.merge))
    return 0
  }
  if (options.has('unset-upstream')) {
    const name = named(operands[0])
    if (!upstreamOf(repo, name)) throw fatal(`branch '${name}' has no upstream information`)
    const file = repo.config.file(repo.config.pathOf('local')!)
    for (const key of ['remote', 'merge']) for (const entry of file.entries().filter((each) => each.name === `branch.${name}.${key}`).reverse()) file.remove(entry)
    repo.config.save(file)
    return 0
  }
  if (options.has('delete', 'D')) return deleteBranches(session, repo, options)
  if (options.has('move', 'M', 'copy', 'C')) return renameBranch(repo, options)
  const listing = options.has('list', 'contains', 'no-contains', 'merged', 'no-merged', 'points-at', 'format', 'sort') || operands.length === 0 || (options.has('all', 'remotes') && operands.length === 0)
  if (!listing) {
    if (options.has('all', 'remotes')) throw fatal("the '-a', and '-r', options to 'git branch' do not take a branch name.\nDid you mean to use: -a|-r --list <pattern>?")
    if (operands.length > 2) throw new GitFailure('usage: git branch [<options>] [-f] <branch-name> [<start-point>]\n', 129)
    session.out(createBranch(repo, operands[0]!, operands[1], { force: options.has('force'), ...(options.has('track') ? { track: true } : options.isOff('track') ? { track: false } : {}) }))
    return 0
  }
  return listBranches(session, repo, options)
}

async function deleteBranches(session: Session, repo: Repository, options: Options): Promise<number> {
  const { refs } = repo
  if (options.operands.length === 0) throw fatal('branch name required')
  const remote = options.has('remotes')
  const force = options.has('D', 'force')
  let code = 0
  for (const given of options.operands) {
    const name = given === '-' ? resolveBranchName(repo, '@{-1}') : given
    const ref = `${remote ? 'refs/remotes/' : 'refs/heads/'}${name}`
    const id = refs.id(ref)
    if (!remote && repo.branch === name && id !== undefined) { await session.complain(`error: Cannot delete branch '${name}' checked out at '${repo.workTree ?? repo.gitDir}'\n`); code = 1; continue }
    if (id === undefined) { await session.complain(`error: ${remote ? `remote-tracking branch '${name}' not found.` : `branch '${name}' not found.`}\n`); code = 1; continue }
    if (!force && !remote) {
      const upstream = upstreamOf(repo, name)
      const target = upstream && upstream.ref !== '' ? repo.refs.id(upstream.ref) : undefined
      const reference = target ?? repo.head
      if (reference === undefined || !isAncestor(repo, id, reference)) {
        await session.complain(`error: The branch '${name}' is not fully merged.\nIf you are sure you want to delete it, run 'git branch -D ${name}'.\n`)
        code = 1
        continue
      }
      if (target !== undefined && repo.head !== undefined && !isAncestor(repo, id, repo.head)) await session.complain(`warning: deleting branch '${name}' that has been merged to\n         '${upstream!.ref}', but not yet merged to HEAD.\n`)
    }
    refs.remove(ref)
    const file = repo.config.file(repo.config.pathOf('local')!)
    if (!remote && file.removeSection(`branch.${name}`)) repo.config.save(file)
    if (!options.has('quiet')) session.out(`Deleted ${remote ? 'remote-tracking ' : ''}branch ${name} (was ${repo.abbreviate(id)}).\n`)
  }
  return code
}

/** The name of a branch that was called by when it was left. */
export function resolveBranchName(repo: Repository, text: string): string {
  const match = /^@\{-(\d+)\}$/.exec(text)
  if (!match) return text
  const left = repo.refs.reflog('HEAD').flatMap(({ message }) => /^checkout: moving from (\S+) to /.exec(message)?.[1] ?? [])
  return left[Number(match[1]) - 1] ?? text
}

function renameBranch(repo: Repository, options: Options): number {
  const { refs } = repo
  const copy = options.has('copy', 'C')
  const force = options.has('M', 'C', 'force')
  const [first, second] = options.operands
  if (first === undefined) throw fatal('branch name required')
  if (options.operands.length > 2) throw fatal(copy ? 'too many branches for a copy operation' : 'too many arguments for a rename operation')
  const from = second === undefined ? repo.branch : first
  const to = second ?? first
  if (from === undefined) throw fatal(`cannot ${copy ? 'copy' : 'rename'} the current branch while not on any.`)
  if (!isRefName(`refs/heads/${to}`)) throw fatal(`'${to}' is not a valid branch name`)
  const unborn = repo.branch === from && refs.id(`refs/heads/${from}`) === undefined
  if (!unborn && refs.id(`refs/heads/${from}`) === undefined) throw fatal(`No branch named '${from}'.`)
  if (from === to) return 0
  if (refs.id(`refs/heads/${to}`) !== undefined) {
    if (!force) throw fatal(`a branch named '${to}' already exists`)
    if (repo.branch === to) throw fatal(`cannot force update the branch '${to}' checked out at '${repo.workTree ?? repo.gitDir}'`)
    if (!copy) refs.remove(`refs/heads/${to}`)
  }
  if (unborn) {
    if (copy) throw fatal(`no commit on branch '${from}' yet`)
    refs.attach(`refs/heads/${to}`, '')
  } else if (copy) refs.update(`refs/heads/${to}`, refs.id(`refs/heads/${from}`)!, `Branch: copied refs/heads/${from} to refs/heads/${to}`)
  else refs.rename(`refs/heads/${from}`, `refs/heads/${to}`, `Branch: renamed refs/heads/${from} to refs/heads/${to}`)
  const file = repo.config.file(repo.config.pathOf('local')!)
  if (copy) {
    for (const entry of file.entries()) if (entry.section === `branch.${from}`) file.add(`branch.${to}.${entry.name.slice(entry.name.lastIndexOf('.') + 1)}`, entry.value ?? 'true')
    repo.config.save(file)
  } else if (file.renameSection(`branch.${from}`, `branch.${to}`)) repo.config.save(file)
  return 0
}

function listBranches(session: Session, repo: Repository, options: Options): number {
  const { refs } = repo
  const patterns = options.operands.map((pattern) => wildcard(pattern, { paths: false, ignoreCase: options.has('ignore-case') }))
  interface Row { name: string; full: string; id: string; current: boolean; color: 'green' | 'red' | undefined; target?: string | undefined }
  let rows: Row[] = []
  if (repo.branch === undefined && repo.head !== undefined && !options.has('remotes') && patterns.length === 0) {
    const rebasing = repo.note('rebase-merge/head-name')?.trim()
    const at = detachedAt(repo)
    const name = rebasing !== undefined ? `(no branch, rebasing ${rebasing.replace('refs/heads/', '')})` : at ? `(HEAD detached ${at.still ? 'at' : 'from'} ${at.name})` : '(no branch)'
    rows.push({ name, full: 'HEAD', id: repo.head, current: true, color: 'green' })
  }
  if (!options.has('remotes')) for (const { name, id } of refs.list('refs/heads/')) rows.push({ name: name.slice(11), full: name, id, current: repo.branch === name.slice(11), color: repo.branch === name.slice(11) ? 'green' : undefined })
  if (options.has('remotes', 'all')) for (const { name, id } of refs.list('refs/remotes/')) rows.push({ name: options.has('remotes') ? name.slice(13) : name.slice(5), full: name, id, current: false, color: 'red', target: refs.target(name) })
  rows = rows.filter((row) => patterns.length === 0 || patterns.some((each) => each.test(row.full.replace(/^refs\/(heads|remotes)\//, ''))))
  const commitOf = (name: string) => {
    const text = options.value(name) ?? 'HEAD'
    const id = resolveCommit(repo, text)
    if (id === undefined) throw failed(`malformed object name ${text}`, 129)
    return id
  }
  if (options.has('contains')) { const id = commitOf('contains'); rows = rows.filter((row) => isAncestor(repo, id, row.id)) }
  if (options.has('no-contains')) { const id = commitOf('no-contains'); rows = rows.filter((row) => !isAncestor(repo, id, row.id)) }
  if (options.has('merged')) { const reached = ancestors(repo, [commitOf('merged')]); rows = rows.filter((row) => reached.has(row.id)) }
  if (options.has('no-merged') || options.isOff('merged')) { const reached = ancestors(repo, [commitOf('no-merged')]); rows = rows.filter((row) => !reached.has(row.id)) }
  if (options.has('points-at')) { const id = commitOf('points-at'); rows = rows.filter((row) => row.id === id) }
  const sort = options.value('sort') ?? repo.config.get('branch.sort')
  if (sort !== undefined) {
    const key = sort.replace(/^-/, '')
    const date = (row: Row) => repo.objects.commit(row.id)[key === 'authordate' ? 'author' : 'committer'].seconds
    if (/date$/.test(key)) rows.sort((a, b) => date(a) - date(b) || byteOrder(a.full, b.full))
    else rows.sort((a, b) => byteOrder(a.full, b.full))
    if (sort.startsWith('-')) rows.reverse()
  }
  const format = options.value('format')
  if (format !== undefined) {
    for (const row of rows) session.out(`${refFormat(session, repo, row.full === 'HEAD' ? { name: row.name, id: row.id } : { name: row.full, id: row.id }, format)}\n`)
    return 0
  }
  const verbose = options.count('verbose')
  const width = Math.max(0, ...rows.map((row) => [...row.name].length))
  for (const row of rows) {
    const paint = (text: string) => row.color ? session.paint(row.color, text) : session.colors ? `${text}\x1b[m` : text
    const shown = paint(row.name)
    if (row.target !== undefined) { session.out(`  ${shown}${verbose ? ' '.repeat(width - row.name.length) : ''} -> ${shortRef(repo, row.target)}\n`); continue }
    let text = `${row.current ? '*' : ' '} ${verbose > 0 ? paint(row.name + ' '.repeat(width - [...row.name].length)) : shown}`
    if (verbose > 0) {
      const commit = repo.objects.commit(row.id)
      let tracking = ''
      const upstream = row.full.startsWith('refs/heads/') ? upstreamOf(repo, row.name) : undefined
      if (upstream && upstream.ref !== '') {
        const other = refs.id(upstream.ref)
        const parts: string[] = []
        if (other === undefined) parts.push('gone')
        else {
          const { ahead, behind } = aheadBehind(repo, row.id, other)
          if (ahead) parts.push(`ahead ${ahead}`)
          if (behind) parts.push(`behind ${behind}`)
        }
        if (verbose > 1) tracking = ` [${session.paint('blue', shortRef(repo, upstream.ref))}${parts.length > 0 ? `: ${parts.join(', ')}` : ''}]`
        else if (parts.length > 0) tracking = ` [${parts.join(', ')}]`
      }
      text += ` ${repo.abbreviate(row.id)}${tracking} ${subjectOf(commit.message)}`
    }
    session.out(`${text}\n`)
  }
  return 0
}
