import { GitFailure, fatal } from '../failure.ts'
import { showChanges } from '../diff-output.ts'
import { writeCommit, writeIndexTree } from '../commit-object.ts'
import { conflictStyle, mergeIntoWorktree } from '../merging.ts'
import { Options } from '../options.ts'
import { Pathspec } from '../pathspec.ts'
import { subjectOf } from '../pretty.ts'
import type { TreeFile } from '../repository.ts'
import { resolveCommit } from '../revision.ts'
import type { Session } from '../session.ts'
import { collectStatus, longStatus, stagedChanges } from '../status.ts'
import { contentOf, forceFiles, lookAt, modeOf, removeFile, untracked, worktreeChanges, writeFile } from '../worktree.ts'
import { checkout } from './checkout.ts'
import { DIFF_OPTIONS, diffRequest, refineChanges } from './diff-options.ts'
import { log, treeChanges } from './log.ts'
import { resetIndex } from './reset.ts'
import { isRefName } from '../refs.ts'

interface SaveRequest {
  message: string | undefined
  title?: string
  untracked?: boolean
  ignored?: boolean
  paths?: readonly string[]
  keepIndex?: boolean
  stagedOnly?: boolean
  /** Puts it on the list; on by default. */
  store?: boolean
}

/** Puts local changes aside. @returns the commit that holds them; undefined where there are none */
export async function saveStash(session: Session, request: SaveRequest): Promise<string | undefined> {
  const repo = session.repository
  const { index } = repo
  const { head } = repo
  if (head === undefined) throw new GitFailure('You do not have the initial commit yet', 1)
  const spec = new Pathspec(request.paths ?? [], repo.prefix, repo.top)
  const wanted = (path: string) => spec.matches(path)
  const { clock } = session.proc
  if (index.unmerged().length > 0) throw new GitFailure(`${index.unmerged().map((path) => `${path}: needs merge\n`).join('')}error: could not write index`, 1)
  const staged = stagedChanges(repo, head, wanted)
  const local = await worktreeChanges(repo, clock, wanted)
  for (const { path } of index.entries()) wanted(path)
  const unknown = request.untracked || request.ignored ? [...await untracked(repo, clock, { all: true, wanted: spec }), ...request.ignored ? await untracked(repo, clock, { ignored: true, all: true, wanted: spec }) : []].filter((path) => !path.endsWith('/')) : []
  const missing = spec.unused().filter((text) => !unknown.some((path) => path === text || path.startsWith(`${text}/`)))
  if (missing.length > 0) throw new GitFailure(`${missing.map((text) => `error: pathspec ':(prefix:0)${text}' did not match any file(s) known to git\n`).join('')}Did you forget to 'git add'?`, 1)
  if (staged.length === 0 && local.length === 0 && unknown.length === 0) return undefined
  const branch = repo.branch ?? '(no branch)'
  const title = `${repo.abbreviate(head)} ${subjectOf(repo.objects.commit(head).message)}`
  const committer = session.committer()
  const author = session.author()
  const indexCommit = writeCommit(repo, { tree: writeIndexTree(repo), parents: [head], author, committer, message: `index on ${branch}: ${title}\n` })
  const parents = [head, indexCommit]
  if (unknown.length > 0) {
    const files = unknown.map((path): [string, TreeFile] => { const stat = lookAt(repo, path)!; return [path, { mode: modeOf(repo, stat), id: repo.objects.write('blob', contentOf(repo, path, stat)) }] })
    parents.push(writeCommit(repo, { tree: repo.writeTree(files), parents: [], author, committer, message: `untracked files on ${branch}: ${title}\n` }))
  }
  const files = repo.filesOf(head)
  for (const entry of index.entries()) if (wanted(entry.path)) files.set(entry.path, { mode: entry.mode, id: entry.id })
  for (const path of [...files.keys()]) if (wanted(path) && !index.has(path)) files.delete(path)
  if (!request.stagedOnly) {
    for (const change of local) {
      const { path } = (change.new ?? change.old)!
      const stat = lookAt(repo, path)
      if (!stat || stat.type === 'directory') files.delete(path)
      else files.set(path, { mode: modeOf(repo, stat, change.old?.mode), id: repo.objects.write('blob', contentOf(repo, path, stat)) })
    }
  }
  const message = request.title === 'autostash' ? `On ${branch}: autostash` : request.message === undefined ? `WIP on ${branch}: ${title}` : `On ${branch}: ${request.message}`
  const id = writeCommit(repo, { tree: repo.writeTree(files), parents, author, committer, message })
  if (request.store !== false) storeStash(session, id, message)
  // Back to what was committed.
  const target = new Map(repo.filesOf(head))
  const keep = request.keepIndex ? new Map(index.entries().map(({ path, mode, id: each }) => [path, { mode, id: each }])) : undefined
  if (spec.isEmpty && !request.stagedOnly) await forceFiles(repo, clock, keep ?? target)
  else {
    for (const change of [...staged, ...request.stagedOnly ? [] : local]) {
      const { path } = (change.new ?? change.old)!
      const file = (keep ?? target).get(path)
      if (file) index.set(writeFile(repo, path, file))
      else { removeFile(repo, path); index.remove(path) }
    }
  }
  for (const path of unknown) removeFile(repo, path)
  index.write()
  return id
}

function storeStash(session: Session, id: string, message: string): void {
  const repo = session.repository
  repo.refs.update('refs/stash', id, message)
}

/** Brings changes back that were put aside. @returns whether it went without conflicts */
async function applyStash(session: Session, id: string, options: { index: boolean; quiet: boolean }): Promise<boolean> {
  const repo = session.repository
  const { index } = repo
  if (index.unmerged().length > 0) throw new GitFailure(`${index.unmerged().map((path) => `${path}: needs merge\n`).join('')}error: could not write index`, 1)
  const stash = repo.objects.commit(id)
  const [base, staged, other] = stash.parents
  const before = new Map(index.entries().map(({ path, mode, id: each }) => [path, { mode, id: each }]))
  if (other !== undefined) {
    const there = [...repo.filesOf(other).keys()].filter((path) => lookAt(repo, path))
    if (there.length > 0) throw new GitFailure(`${there.map((path) => `${path} already exists, no checkout\n`).join('')}error: could not restore untracked files from stash`, 1)
  }
  const merged = await mergeIntoWorktree(session, repo.filesOf(base), before, repo.files(stash.tree), { labels: { ours: 'Updated upstream', base: 'Stash base', theirs: 'Stashed changes' }, style: conflictStyle(repo) }, (failure) => failure)
  if (!options.quiet) session.out(merged.messages.map((text) => `${text}\n`).join(''))
  if (other !== undefined) for (const [path, file] of repo.filesOf(other)) writeFile(repo, path, file)
  if (merged.conflicts.size === 0) {
    if (options.index && staged !== undefined) resetIndex(repo, repo.files(repo.objects.commit(staged).tree))
    else {
      // What is new stays staged, what is changed doesn't.
      for (const entry of index.entries()) {
        const was = before.get(entry.path)
        if (was && (was.id !== entry.id || was.mode !== entry.mode)) index.set({ path: entry.path, ...was, stage: 0 })
      }
      for (const [path, file] of before) if (!index.has(path)) index.set({ path, ...file, stage: 0 })
    }
  }
  index.write()
  return merged.conflicts.size === 0
}

/** For what was put aside while something else was done. @returns whether it could be applied; it stays on the list otherwise */
export async function popStash(session: Session, id: string): Promise<boolean> {
  const applied = await applyStash(session, id, { index: false, quiet: true }).catch((error: unknown) => { if (error instanceof GitFailure) return false; throw error })
  if (!applied) storeStash(session, id, 'autostash')
  return applied
}

/** `stash@{1}`, also as `1`. */
function stashOf(session: Session, text: string | undefined): { name: string; id: string; number: number | undefined } {
  const repo = session.repository
  const log = repo.refs.reflog('refs/stash')
  if (text === undefined && log.length === 0) throw new GitFailure('No stash entries found.', 1)
  const name = text === undefined ? 'refs/stash@{0}' : /^\d+$/.test(text) ? `stash@{${text}}` : text
  const match = /^(?:refs\/)?stash@\{(\d+)\}$/.exec(name === 'stash' ? 'stash@{0}' : name)
  if (match) {
    const entry = log[Number(match[1])]
    if (!entry) throw new GitFailure(log.length === 0 ? `error: ${name} is not a valid reference` : `fatal: log for 'stash' only has ${log.length} entries`, log.length === 0 ? 1 : 1)
    return { name: text === undefined ? 'refs/stash@{0}' : name.startsWith('refs/') ? name : `${/^\d+$/.test(text) ? 'refs/' : ''}${name}`, id: entry.to, number: Number(match[1]) }
  }
  const id = resolveCommit(repo, name)
  if (id === undefined) throw new GitFailure(`error: ${name} is not a valid reference`, 1)
  if (repo.objects.commit(id).parents.length < 2) throw new GitFailure(`error: '${name}' is not a stash-like commit`, 1)
  return { name, id, number: undefined }
}

function dropStash(session: Session, number: number): void {
  const repo = session.repository
  const entries = repo.refs.reflog('refs/stash').filter((_, i) => i !== number)
  if (entries.length === 0) { repo.refs.remove('refs/stash'); return }
  repo.refs.update('refs/stash', entries[0]!.to, '')
  repo.refs.writeReflog('refs/stash', entries)
}

export async function stash(session: Session, args: readonly string[]): Promise<number> {
  const repo = session.repository
  repo.top
  const verbs = ['push', 'save', 'pop', 'apply', 'drop', 'list', 'show', 'clear', 'branch', 'create', 'store']
  const verb = args[0] !== undefined && verbs.includes(args[0]) ? args[0] : args[0] === undefined || args[0].startsWith('-') ? 'push' : undefined
  if (verb === undefined) throw fatal(`subcommand wasn't specified; 'push' can't be assumed due to unexpected token '${args[0]}'`)
  const rest = verb === args[0] ? args.slice(1) : args
  const quietOf = (options: Options) => options.has('quiet')
  switch (verb) {
    case 'push': case 'save': case 'create': {
      const options = new Options('stash', rest, ['k|keep-index', 'S|staged', 'p|patch', 'q|quiet', 'u|include-untracked', 'a|all', 'm|message=', 'pathspec-from-file='])
      if (options.has('patch')) throw fatal('choosing parts of files interactively is not supported here')
      const message = options.value('message') ?? (verb !== 'push' && options.operands.length > 0 ? options.operands.join(' ') : undefined)
      const id = await saveStash(session, { message, untracked: options.has('include-untracked', 'all'), ignored: options.has('all'), keepIndex: options.has('keep-index'), stagedOnly: options.has('staged'), store: verb !== 'create', ...(verb === 'push' ? { paths: options.operands } : {}) })
      if (verb === 'create') { if (id !== undefined) session.out(`${id}\n`); return 0 }
      if (id === undefined) { if (!quietOf(options)) session.out('No local changes to save\n'); return 0 }
      if (!quietOf(options)) session.out(`Saved working directory and index state ${repo.objects.commit(id).message.trim()}\n`)
      return 0
    }
    case 'list': return repo.refs.reflog('refs/stash').length === 0 ? 0 : log(session, ['--format=%gd: %gs', '-g', '--first-parent', ...rest, 'refs/stash', '--'])
    case 'clear': repo.refs.remove('refs/stash'); return 0
    case 'pop': case 'apply': {
      const options = new Options('stash', rest, ['index', 'q|quiet'])
      const { id, name, number } = stashOf(session, options.operands[0])
      if (verb === 'pop' && number === undefined) throw new GitFailure(`error: '${name}' is not a stash reference`, 1)
      const clean = await applyStash(session, id, { index: options.has('index'), quiet: quietOf(options) }).catch(async (error: unknown) => {
        if (error instanceof GitFailure && verb === 'pop') { await session.complain(`${error.message}\n`); session.out('The stash entry is kept in case you need it again.\n'); throw new GitFailure('', 1) }
        throw error
      })
      if (!quietOf(options)) session.out(longStatus(repo, await collectStatus(repo, session.proc.clock, { untracked: 'normal', ignored: false }), { hints: true, untrackedShown: true, paint: (color, text) => session.paint(color, text) }))
      if (!clean) { if (verb === 'pop') session.out('The stash entry is kept in case you need it again.\n'); return 1 }
      if (verb === 'pop') { dropStash(session, number!); if (!quietOf(options)) session.out(`Dropped ${name} (${id})\n`) }
      return 0
    }
    case 'drop': {
      const options = new Options('stash', rest, ['q|quiet'])
      const { id, name, number } = stashOf(session, options.operands[0])
      if (number === undefined) throw new GitFailure(`error: '${name}' is not a stash reference`, 1)
      dropStash(session, number)
      if (!quietOf(options)) session.out(`Dropped ${name} (${id})\n`)
      return 0
    }
    case 'show': {
      const options = new Options('stash', rest, [...DIFF_OPTIONS, 'include-untracked', 'only-untracked'])
      const { id } = stashOf(session, options.operands[0])
      const commit = repo.objects.commit(id)
      const request = diffRequest(session, repo, options, ['stat'])
      await showChanges(await refineChanges(session, request, treeChanges(repo, repo.objects.commit(commit.parents[0]!).tree, commit.tree)), request.style, (text) => session.out(text), () => session.breathe())
      return 0
    }
    case 'branch': {
      const [branch, which] = rest
      if (branch === undefined || !isRefName(`refs/heads/${branch}`)) throw new GitFailure('No branch name specified', 1)
      const { id, name, number } = stashOf(session, which)

      await checkout(session, ['-b', branch, repo.objects.commit(id).parents[0]!])
      if (await applyStash(session, id, { index: true, quiet: false }) && number !== undefined) {
        session.out(longStatus(repo, await collectStatus(repo, session.proc.clock, { untracked: 'normal', ignored: false }), { hints: true, untrackedShown: true, paint: (color, text) => session.paint(color, text) }))
        dropStash(session, number)
        session.out(`Dropped ${name} (${id})\n`)
      }
      return 0
    }
    default: {
      const id = resolveCommit(repo, rest.at(-1) ?? '')
      if (id === undefined) throw new GitFailure(`Cannot update refs/stash with ${rest.at(-1) ?? ''}`, 1)
      storeStash(session, id, rest[rest.indexOf('-m') + 1] ?? 'Created via "git stash store".')
      return 0
    }
  }
}
