import { compareFiles, detectRenames } from '../changes.ts'
import type { Change } from '../changes.ts'
import { combinedFile } from '../combined-diff.ts'
import { showChanges } from '../diff-output.ts'
import type { DiffFormat } from '../diff-output.ts'
import { GitFailure, fatal } from '../failure.ts'
import { Graph } from '../graph.ts'
import { formatDate, parseDate } from '../identity.ts'
import type { Identity } from '../identity.ts'
import { FOLDER } from '../objects.ts'
import type { Commit } from '../objects.ts'
import { Options } from '../options.ts'
import { Pathspec } from '../pathspec.ts'
import { decorations, formatOf, prettyCommit, subjectOf } from '../pretty.ts'
import type { CommitStyle, Decoration } from '../pretty.ts'
import type { Repository } from '../repository.ts'
import { ambiguous, ancestors, findRef, history, mergeBases, resolve, resolveCommit, shortRef, toType } from '../revision.ts'
import type { Session } from '../session.ts'
import { wildcard } from '../wildcard.ts'
import { splitOperands } from './arguments.ts'
import { DIFF_OPTIONS, diffRequest, pickaxe, refineChanges } from './diff-options.ts'
import type { DiffRequest } from './diff-options.ts'

/** Options that choose commits. */
const WALK_OPTIONS: readonly string[] = [
  '#', 'n|max-count=', 'skip=', 'since|after=', 'until|before=', 'author=', 'committer=', 'grep=', 'i|regexp-ignore-case', 'E|extended-regexp', 'F|fixed-strings', 'P|perl-regexp', 'all-match', 'invert-grep', 'merges', 'no-merges', 'min-parents=', 'max-parents=', 'first-parent', 'not', 'all', 'branches?', 'tags?', 'remotes?', 'glob=', 'reverse', 'topo-order', 'date-order', 'author-date-order',
  'g|walk-reflogs', 'left-right', 'cherry-pick', 'cherry-mark', 'cherry', 'boundary', 'full-history', 'simplify-merges', 'dense', 'sparse', 'ancestry-path', 'no-walk?', 'do-walk', 'left-only', 'right-only', 'simplify-by-decoration',
]

const LOG_OPTIONS = [...DIFF_OPTIONS, ...WALK_OPTIONS, 'oneline', 'pretty?', 'format=', 'abbrev-commit', 'decorate?', 'decorate-refs=', 'decorate-refs-exclude=', 'clear-decorations', 'date=', 'relative-date', 'graph', 'follow', 'parents', 'source', 'c', 'cc', 'm', 'diff-merges=', 'no-diff-merges', 'show-signature', 'root', 'L=', 'full-diff', 'log-size', 'notes?', 'encoding=', 'no-notes', 'expand-tabs?']

/** Options of log and show, whose words for what they don't know are their own. */
function logOptions(command: string, args: readonly string[]): Options {
  try {
    return new Options(command, args, LOG_OPTIONS)
  } catch (error) {
    const unknown = error instanceof GitFailure ? /^error: unknown (?:option|switch) `(.*)'/.exec(error.message)?.[1] : undefined
    if (unknown === undefined) throw error
    throw fatal(`unrecognized argument: ${unknown.length === 1 ? '-' : '--'}${unknown}`)
  }
}

interface Walk {
  include: string[]
  exclude: string[]
  symmetric: Map<string, '<' | '>'>
}

/** What revisions on the command line start and end at. */
export function walkOf(repo: Repository, options: Options, revisions: readonly string[], otherwise = 'HEAD'): Walk {
  const walk: Walk = { include: [], exclude: [], symmetric: new Map() }
  const inverted = options.has('not')
  const commitOf = (text: string): string => {
    const id = resolveCommit(repo, text)
    if (id === undefined) throw ambiguous(text)
    return id
  }
  const add = (id: string, exclude = false) => (exclude !== inverted ? walk.exclude : walk.include).push(id)
  for (const text of revisions) {
    const range = /^(.*?)(\.\.\.?)(.*)$/.exec(text)
    if (range && resolve(repo, text) === undefined) {
      const [from, to] = [commitOf(range[1] || 'HEAD'), commitOf(range[3] || 'HEAD')]
      if (range[2] === '..') { add(from, true); add(to); continue }
      for (const base of mergeBases(repo, from, to)) add(base, true)
      add(from)
      add(to)
      const left = ancestors(repo, [from])
      const right = ancestors(repo, [to])
      for (const id of left) if (!right.has(id)) walk.symmetric.set(id, '<')
      for (const id of right) if (!left.has(id)) walk.symmetric.set(id, '>')
    } else if (text.startsWith('^')) add(commitOf(text.slice(1)), true)
    else if (text.endsWith('^@')) for (const parent of repo.objects.commit(commitOf(text.slice(0, -2))).parents) add(parent)
    else if (text.endsWith('^!')) {
      const id = commitOf(text.slice(0, -2))
      add(id)
      for (const parent of repo.objects.commit(id).parents) add(parent, true)
    } else add(commitOf(text))
  }
  const refs = (prefix: string, pattern: string | undefined) => {
    const expression = pattern === undefined ? undefined : wildcard(/[*?[]/.test(pattern) ? pattern : `${pattern}/*`, { paths: false })
    for (const { name, id } of repo.refs.list(prefix)) {
      const commit = toType(repo, id, 'commit')
      if (commit !== undefined && (!expression || expression.test(name.slice(prefix.length)))) add(commit)
    }
  }
  let chosen = revisions.length > 0
  if (options.has('all')) { refs('refs/', undefined); if (repo.head !== undefined) add(repo.head); chosen = true }
  for (const [name, prefix] of [['branches', 'refs/heads/'], ['tags', 'refs/tags/'], ['remotes', 'refs/remotes/']] as const) if (options.has(name)) { refs(prefix, options.value(name)); chosen = true }
  if (options.value('glob') !== undefined) { refs('refs/', options.value('glob')!.replace(/^refs\//, '')); chosen = true }
  if (!chosen || (walk.include.length === 0 && !options.has('all', 'branches', 'tags', 'remotes') && revisions.every((text) => text.startsWith('^')))) {
    const head = otherwise === 'HEAD' ? repo.head : resolveCommit(repo, otherwise)
    if (head === undefined) throw fatal(`your current branch '${repo.branch}' does not have any commits yet`)
    walk.include.push(head)
  }
  walk.include.splice(0, walk.include.length, ...new Set(walk.include))
  return walk
}

/** Which commits of a walk are shown, by what they say. */
function filterOf(session: Session, options: Options): (commit: Commit) => boolean {
  const flags = options.has('regexp-ignore-case') ? 'i' : ''
  const expression = (text: string) => {
    const source = options.has('fixed-strings') ? text.replace(/[\\^$.|?*+()[\]{}]/g, '\\$&') : options.has('extended-regexp', 'perl-regexp') ? text : text.replace(/\\([|+?(){}])|([|+?(){}])/g, (_, escaped: string | undefined, plain: string | undefined) => escaped ?? `\\${plain}`)
    try { return new RegExp(source, `${flags}m`) } catch { throw fatal(`invalid regular expression: ${text}`) }
  }
  const [authors, committers, texts] = [options.all('author').map(expression), options.all('committer').map(expression), options.all('grep').map(expression)]
  const moment = (text: string) => {
    const parsed = parseDate(text, session.nowSeconds)
    if (!parsed) throw fatal(`invalid date: ${text}`)
    return parsed.seconds
  }
  const since = options.value('after')
  const until = options.value('before')
  const [from, to] = [since === undefined ? -Infinity : moment(since), until === undefined ? Infinity : moment(until)]
  const least = options.has('merges') ? 2 : Number(options.value('min-parents') ?? 0)
  const most = options.has('no-merges') ? 1 : Number(options.value('max-parents') ?? Infinity)
  const who = ({ name, email }: Identity) => `${name} <${email}>`
  return (commit) => {
    if (commit.parents.length < least || commit.parents.length > most || commit.committer.seconds < from || commit.committer.seconds > to) return false
    if (authors.length > 0 && !authors.some((each) => each.test(who(commit.author)))) return false
    if (committers.length > 0 && !committers.some((each) => each.test(who(commit.committer)))) return false
    if (texts.length === 0) return true
    const found = options.has('all-match') ? texts.every((each) => each.test(commit.message)) : texts.some((each) => each.test(commit.message))
    return found !== options.has('invert-grep')
  }
}

/** A tree as far as paths are about it: equal for trees that don't differ there. */
function pathKey(repo: Repository, tree: string | undefined, spec: Pathspec): string {
  if (tree === undefined) return ''
  const walk = (id: string, prefix: string): string => repo.objects.tree(id).map(({ mode, name, id: each }) => {
    const path = prefix + name
    if (spec.matches(path)) return `${path}:${mode}:${each};`
    return mode === FOLDER && spec.mayMatchBelow(path) ? walk(each, `${path}/`) : ''
  }).join('')
  return walk(tree, '')
}

export interface SelectedCommit {
  commit: Commit
  /** Parents in the history that is shown. */
  parents: readonly string[]
}

/** The commits that a command is about, in the order in which they are shown. */
async function selectCommits(session: Session, repo: Repository, options: Options, walk: Walk, spec: Pathspec): Promise<{ commits: SelectedCommit[]; walk: Walk }> {
  const filter = filterOf(session, options)
  const picked = pickaxe(options)
  const firstParent = options.has('first-parent')
  let order = [...history(repo, { ...walk, firstParent })]
  const byPath = !spec.isEmpty && !options.has('follow')
  let parentsOf = (id: string): readonly string[] => firstParent ? repo.objects.commit(id).parents.slice(0, 1) : repo.objects.commit(id).parents
  let shown = (id: string) => filter(repo.objects.commit(id))
  if (byPath) {
    const keys = new Map<string, string>()
    const keyOf = (id: string) => {
      let key = keys.get(id)
      if (key === undefined) keys.set(id, key = pathKey(repo, repo.objects.commit(id).tree, spec))
      return key
    }
    const simplified = new Map<string, readonly string[]>()
    const changed = new Set<string>()
    const full = options.has('full-history')
    for (const id of order) {
      await session.breathe()
      const all = parentsOf(id).filter((parent) => repo.objects.has(parent))
      const same = all.find((parent) => keyOf(parent) === keyOf(id))
      if (all.length === 0 ? keyOf(id) !== '' : same === undefined || (full && all.length > 1 && all.some((parent) => keyOf(parent) !== keyOf(id)))) changed.add(id)
      simplified.set(id, same !== undefined && !full ? [same] : all)
    }
    // Only what can still be reached is left.
    const reached = new Set<string>()
    const stack = walk.include.filter((id) => simplified.has(id))
    for (const id of stack) reached.add(id)
    while (stack.length > 0) for (const parent of simplified.get(stack.pop()!)!) if (simplified.has(parent) && !reached.has(parent)) { reached.add(parent); stack.push(parent) }
    order = order.filter((id) => reached.has(id))
    const rewritten = (id: string): string | undefined => {
      let at: string | undefined = id
      while (at !== undefined && simplified.has(at) && !changed.has(at)) at = simplified.get(at)![0]
      return at
    }
    parentsOf = (id) => [...new Set((simplified.get(id) ?? []).flatMap((parent) => rewritten(parent) ?? []))]
    const before = shown
    shown = (id) => changed.has(id) && before(id)
  }
  if (options.has('left-only', 'right-only')) {
    const side = options.has('left-only') ? '<' : '>'
    order = order.filter((id) => walk.symmetric.get(id) === side)
  }
  if (options.has('graph', 'topo-order', 'date-order', 'author-date-order')) order = topological(repo, order, parentsOf, options.has('date-order', 'author-date-order'))
  const most = Number(options.value('#') ?? options.value('max-count') ?? Infinity)
  if (Number.isNaN(most)) throw fatal(`'${options.value('max-count')}': not an integer`)
  let skip = Number(options.value('skip') ?? 0)
  const commits: SelectedCommit[] = []
  for (const id of order) {
    if (commits.length >= (most < 0 ? Infinity : most)) break
    await session.breathe()
    if (!shown(id)) continue
    if (picked) {
      const commit = repo.objects.commit(id)
      if (commit.parents.length > 1 || !(await detectRenames(commitChanges(repo, commit, spec), session.proc.clock)).some(picked)) continue
    }
    if (skip-- > 0) continue
    commits.push({ commit: repo.objects.commit(id), parents: parentsOf(id) })
  }
  return { commits: options.has('reverse') ? commits.reverse() : commits, walk }
}

/** Children before their parents; without mixing lines of history, or else by date. */
function topological(repo: Repository, order: readonly string[], parentsOf: (id: string) => readonly string[], byDate: boolean): string[] {
  const waiting = new Map(order.map((id) => [id, 1]))
  for (const id of order) for (const parent of parentsOf(id)) if (waiting.has(parent)) waiting.set(parent, waiting.get(parent)! + 1)
  const ready = order.filter((id) => waiting.get(id) === 1)
  if (!byDate) ready.reverse()
  const out: string[] = []
  const seconds = (id: string) => repo.objects.commit(id).committer.seconds
  while (ready.length > 0) {
    let id: string
    if (byDate) {
      let best = 0
      for (let i = 1; i < ready.length; i++) if (seconds(ready[i]!) > seconds(ready[best]!)) best = i
      id = ready.splice(best, 1)[0]!
    } else id = ready.pop()!
    out.push(id)
    for (const parent of parentsOf(id)) {
      const left = waiting.get(parent)
      if (left === undefined) continue
      waiting.set(parent, left - 1)
      if (left - 1 === 1) ready.push(parent)
    }
  }
  return out
}

/** A commit against its (first) parent. */
export function commitChanges(repo: Repository, commit: Commit, spec?: Pathspec, parent = commit.parents[0]): Change[] {
  const base = parent !== undefined && repo.objects.has(parent) ? repo.objects.commit(parent).tree : undefined
  return treeChanges(repo, base, commit.tree, spec)
}

/** The difference of two trees, without reading folders that are the same. */
export function treeChanges(repo: Repository, from: string | undefined, to: string | undefined, spec?: Pathspec): Change[] {
  const collect = (a: string | undefined, b: string | undefined, prefix: string, before: Map<string, { mode: number; id: string }>, after: Map<string, { mode: number; id: string }>): void => {
    if (a === b) return
    const [left, right] = [new Map((a === undefined ? [] : repo.objects.tree(a)).map((entry) => [entry.name, entry])), new Map((b === undefined ? [] : repo.objects.tree(b)).map((entry) => [entry.name, entry]))]
    for (const name of new Set([...left.keys(), ...right.keys()])) {
      const [x, y] = [left.get(name), right.get(name)]
      if (x && y && x.id === y.id && x.mode === y.mode) continue
      const [folderX, folderY] = [x?.mode === FOLDER, y?.mode === FOLDER]
      if (folderX || folderY) collect(folderX ? x!.id : undefined, folderY ? y!.id : undefined, `${prefix}${name}/`, before, after)
      if (x && !folderX) before.set(prefix + name, x)
      if (y && !folderY) after.set(prefix + name, y)
    }
  }
  const [before, after] = [new Map<string, { mode: number; id: string }>(), new Map<string, { mode: number; id: string }>()]
  collect(from, to, '', before, after)
  return compareFiles(before, after, (id) => repo.objects.blob(id), (path) => spec?.matches(path) ?? true)
}

function decorationOf(session: Session, options: Options): Decoration {
  const said = options.isOff('decorate') ? 'no' : options.has('decorate') ? options.value('decorate') ?? 'short' : session.looseConfig.get('log.decorate') ?? (session.proc.isTty(1) ? 'short' : 'no')
  return said === 'no' || said === 'false' || said === '0' ? 'no' : said === 'full' ? 'full' : said === 'auto' ? session.proc.isTty(1) ? 'short' : 'no' : 'short'
}

/** How commits are to be shown. */
function commitStyle(session: Session, options: Options): CommitStyle & { terminates: boolean } {
  const config = session.looseConfig
  let chosen = formatOf(config.get('format.pretty') ?? 'medium')
  let abbreviate = config.flag('log.abbrevCommit', false)
  for (const [name, value] of options.given) {
    if (name === 'oneline' && value) { chosen = formatOf('oneline'); abbreviate = true } else if (name === 'pretty' || name === 'format') {
      const text = typeof value === 'string' ? value : 'medium'
      chosen = formatOf(session.looseConfig.get(`pretty.${text}`) ?? text)
      if (name === 'format' && /^(oneline|short|medium|full|fuller|raw)$/.test(text)) chosen = formatOf(text)
    } else if (name === 'abbrev-commit') abbreviate = value !== false
  }
  if (options.isOff('abbrev-commit')) abbreviate = false
  return { ...chosen, abbreviate, decorate: decorationOf(session, options), date: options.has('relative-date') ? 'relative' : options.value('date') ?? config.get('log.date') ?? 'default', showParents: options.has('parents') }
}

/** Shows commits one after the other, with graph and differences as asked for. */
class CommitPrinter {
  readonly #session: Session
  readonly #repo: Repository
  readonly #style: CommitStyle & { terminates: boolean }
  readonly #request: DiffRequest
  readonly #merges: 'off' | 'cc' | 'first' | 'each'
  readonly #graph: Graph | undefined
  readonly #table: ReturnType<typeof decorations>
  #shown = 0

  constructor(session: Session, repo: Repository, style: CommitStyle & { terminates: boolean }, request: DiffRequest, options: Options, merges: 'off' | 'cc' | 'first' | 'each') {
    this.#session = session
    this.#repo = repo
    this.#style = style
    this.#request = request
    this.#merges = merges
    this.#graph = options.has('graph') ? new Graph(session.colors) : undefined
    this.#table = style.decorate === 'no' && !style.format.startsWith('%') ? new Map() : decorations(repo)
  }

  async show({ commit, parents }: SelectedCommit, spec: Pathspec | undefined, more: { mark?: string; reflog?: CommitStyle['reflog'] } = {}): Promise<void> {
    const style: CommitStyle = { ...this.#style, parents: this.#style.showParents || this.#graph ? parents : commit.parents, ...more }
    const text = prettyCommit(this.#session, this.#repo, commit, style, this.#table)
    const graph = this.#graph
    const isOwn = style.format.startsWith('%')
    const compact = style.format === 'oneline' || style.format === 'reference'
    const diff = await this.#diff(commit, spec)
    if (graph) {
      // What the commit before still has to draw stands between the two.
      graph.update(commit.id, parents, more.mark?.trim() || '*')
      let out = ''
      if (this.#shown > 0 && !this.#style.terminates && !isOwn) out += `${graph.paddingLine()}\n`
      else if (this.#shown > 0 && isOwn && !this.#style.terminates) out += '\n'
      this.#session.out(out + this.#withGraph(text, diff, compact))
      this.#shown++
      return
    }
    // Without any format there is only the difference.
    if (style.format === '%') { this.#session.out(diff); return }
    let out = ''
    if (this.#shown > 0 && !this.#style.terminates) out += '\n'
    out += text
    if (!isOwn || this.#style.terminates || diff !== '') out += '\n'
    if (diff !== '') out += compact ? diff : `\n${diff}`
    // A merge that changed nothing of its own still has its place for a patch.
    else if (!compact && this.#merges === 'cc' && commit.parents.length > 1 && this.#request.style.formats.includes('patch')) out += '\n'
    this.#session.out(out)
    this.#shown++
  }

  #withGraph(text: string, diff: string, compact: boolean): string {
    const graph = this.#graph!
    let out = ''
    for (;;) {
      const { text: line, isCommit } = graph.nextLine()
      if (isCommit) { out += line; break }
      out += `${line}\n`
    }
    const lines = text.split('\n')
    out += lines[0]
    for (const line of lines.slice(1)) out += `\n${graph.isFinished ? graph.paddingLine() : graph.nextLine().text}${line}`
    out += '\n'
    if (diff !== '') {
      const shownDiff = (compact ? diff : `\n${diff}`).replace(/\n$/, '').split('\n')
      for (const line of shownDiff) out += `${graph.isFinished ? graph.paddingLine() : graph.nextLine().text}${line}\n`
    }
    while (!graph.isFinished) out += `${graph.nextLine().text}\n`
    return out
  }

  async #diff(commit: Commit, spec: Pathspec | undefined): Promise<string> {
    const { style } = this.#request
    if (style.formats.length === 0 || style.formats.includes('none')) return ''
    let text = ''
    const put = (piece: string) => { text += piece }
    const showAgainst = async (parent: string | undefined) => showChanges(await refineChanges(this.#session, this.#request, commitChanges(this.#repo, commit, spec, parent)), style, put, () => this.#session.breathe())
    if (commit.parents.length < 2 || this.#merges === 'first') await showAgainst(commit.parents[0])
    else if (this.#merges === 'each') for (const parent of commit.parents) await showAgainst(parent)
    else if (this.#merges === 'cc') {
      const all = commit.parents.map((parent) => new Map(commitChanges(this.#repo, commit, spec, parent).map((change) => [(change.new ?? change.old)!.path, change])))
      const paths = [...all[0]!.keys()].filter((path) => all.every((changes) => changes.has(path))).sort()
      const others = style.formats.filter((format) => format !== 'patch')
      if (others.length > 0) {
        const first = commitChanges(this.#repo, commit, spec)
        const statOnly = others.some((format) => format === 'stat' || format === 'shortstat' || format === 'numstat' || format === 'summary')
        await showChanges(await refineChanges(this.#session, this.#request, statOnly ? first : first.filter((change) => paths.includes((change.new ?? change.old)!.path))), { ...style, formats: others }, put, () => this.#session.breathe())
      }
      if (style.formats.includes('patch')) {
        const patches = paths.map((path) => {
          const file = (id: string) => this.#repo.entryAt(this.#repo.objects.commit(id).tree, path)
          return combinedFile(this.#repo, path, commit.parents.map(file), file(commit.id), style)
        }).join('')
        if (patches !== '') text += others.length > 0 && text !== '' ? `\n${patches}` : patches
      }
    }
    return text
  }
}

function mergesMode(options: Options, otherwise: 'off' | 'cc'): 'off' | 'cc' | 'first' | 'each' {
  const said = options.value('diff-merges')
  if (said === 'first-parent' || said === '1' || (options.has('first-parent') && otherwise === 'off')) return 'first'
  if (said === 'separate' || options.has('m')) return 'each'
  if (options.has('c', 'cc') || said === 'combined' || said === 'dense-combined' || said === 'cc' || said === 'c') return 'cc'
  return said === 'off' || said === 'none' ? 'off' : otherwise
}

export async function log(session: Session, args: readonly string[]): Promise<number> {
  return logWith(session, logOptions('log', args), [])
}

export async function whatchanged(session: Session, args: readonly string[]): Promise<number> {
  return logWith(session, logOptions('log', args), ['raw'])
}

async function logWith(session: Session, options: Options, formats: readonly DiffFormat[]): Promise<number> {
  const repo = session.repository
  if (options.has('walk-reflogs')) return reflogWalk(session, options)
  if (repo.head === undefined && options.beforeSeparator.length === 0 && !options.has('all', 'branches', 'tags', 'remotes')) throw fatal(`your current branch '${repo.branch}' does not have any commits yet`)
  session.startPager()
  const { revisions, paths } = splitOperands(repo, options)
  const spec = new Pathspec(paths, repo.prefix, repo.workTree ?? '/')
  if (options.has('follow') && paths.length !== 1) throw fatal('--follow requires exactly one pathspec')
  const walk = walkOf(repo, options, revisions)
  const style = commitStyle(session, options)
  const request = diffRequest(session, repo, options, formats)
  if (options.has('cc', 'c') && !request.chosen) request.style.formats.push('patch')
  const printer = new CommitPrinter(session, repo, style, request, options, mergesMode(options, 'off'))
  if (options.has('follow')) {
    await follow(session, repo, options, walk, spec, printer)
      return 0
  }
  const { commits } = await selectCommits(session, repo, options, walk, spec)
  for (const selected of commits) {
    await printer.show(selected, spec.isEmpty || options.has('full-diff') ? undefined : spec, { mark: options.has('left-right') ? walk.symmetric.get(selected.commit.id) === '<' ? '< ' : '> ' : '' })
    await session.breathe()
  }
  return 0
}

/** The history of one file, also under the names that it had before. */
async function follow(session: Session, repo: Repository, options: Options, walk: Walk, spec: Pathspec, printer: CommitPrinter): Promise<void> {
  let path = spec.specs[0]!.literal ?? ''
  const { commits } = await selectCommits(session, repo, withoutLimits(options), walk, new Pathspec([], '', repo.workTree ?? '/'))
  let left = Number(options.value('#') ?? options.value('max-count') ?? Infinity)
  for (const selected of commits) {
    if (left <= 0) return
    await session.breathe()
    if (selected.commit.parents.length > 1) continue
    const changes = commitChanges(repo, selected.commit)
    let change = changes.find((each) => (each.new ?? each.old)!.path === path)
    if (!change) continue
    const own = path
    if (change.status === 'A') {
      const renamed = (await refineChanges(session, { ...requestForRenames, style: undefined as never }, changes)).find((each) => each.status === 'R' && each.new?.path === path)
      if (renamed) { change = renamed; path = renamed.old!.path }
    }
    left--
    await printer.show({ commit: selected.commit, parents: selected.parents }, new Pathspec([`:/${own}`, ...path === own ? [] : [`:/${path}`]], '', repo.workTree ?? '/'))
  }
}

const requestForRenames: Omit<DiffRequest, 'style'> = { chosen: false, renames: true, copies: false, threshold: 30_000, keeps: () => true }

function withoutLimits(options: Options): Options {
  const copy = new Options('log', [], [])
  copy.given.push(...options.given.filter(([name]) => !['#', 'max-count', 'follow'].includes(name)))
  return copy
}

export async function show(session: Session, args: readonly string[]): Promise<number> {
  const options = logOptions('show', args)
  const repo = session.repository
  session.startPager()
  const { revisions, paths } = splitOperands(repo, options)
  const spec = new Pathspec(paths, repo.prefix, repo.workTree ?? '/')
  const style = commitStyle(session, options)
  const request = diffRequest(session, repo, options, ['patch'])
  const printer = new CommitPrinter(session, repo, style, request, options, mergesMode(options, 'cc'))
  const wanted = revisions.length > 0 ? revisions : ['HEAD']
  if (revisions.length === 0 && repo.head === undefined) throw fatal(`your current branch '${repo.branch}' does not have any commits yet`)
  let shown = 0
  for (const text of wanted) {
    const isRange = /\.\./.test(text) && resolve(repo, text) === undefined
    if (isRange || text.startsWith('^')) {
      for (const selected of (await selectCommits(session, repo, options, walkOf(repo, options, wanted), spec)).commits) await printer.show(selected, spec.isEmpty ? undefined : spec)
          return 0
    }
    let id = resolve(repo, text)!
    const type = repo.objects.typeOf(id)
    if (type === undefined) throw fatal(`bad object ${text}`)
    if (type === 'blob') { session.out(repo.objects.blob(id)); shown++; continue }
    if (type === 'tree') {
      session.out(`${shown++ > 0 ? '\n' : ''}${session.paint('yellow', `tree ${text}`)}\n\n${repo.objects.tree(id).map(({ mode, name }) => `${name}${mode === FOLDER ? '/' : ''}\n`).join('')}`)
      continue
    }
    while (repo.objects.typeOf(id) === 'tag') {
      const tag = repo.objects.tag(id)
      session.out(`${shown++ > 0 ? '\n' : ''}${session.paint('yellow', `tag ${tag.tag}`)}\n${tag.tagger ? `Tagger: ${tag.tagger.name} <${tag.tagger.email}>\nDate:   ${formatDate(tag.tagger, style.date, session.nowSeconds)}\n` : ''}\n${tag.message}`)
      id = tag.object
      if (repo.objects.typeOf(id) !== 'tag' && !style.terminates) session.out('\n')
    }
    if (repo.objects.typeOf(id) !== 'commit') { session.out(repo.objects.blob(id)); continue }
    const commit = repo.objects.commit(id)
    await printer.show({ commit, parents: commit.parents }, spec.isEmpty ? undefined : spec)
    shown++
  }
  return 0
}

async function reflogWalk(session: Session, options: Options): Promise<number> {
  const repo = session.repository
  session.startPager()
  const { revisions } = splitOperands(repo, options)
  const given = revisions[0] ?? 'HEAD'
  const name = given.replace(/@\{.*\}$/, '') || 'HEAD'
  const ref = name === 'HEAD' ? 'HEAD' : findRef(repo, name)
  if (ref === undefined) throw ambiguous(given)
  const style = { ...commitStyle(session, options) }
  const printer = new CommitPrinter(session, repo, style, diffRequest(session, repo, options, []), options, mergesMode(options, 'off'))
  const entries = repo.refs.reflog(ref)
  const most = Number(options.value('#') ?? options.value('max-count') ?? Infinity)
  // HEAD@{2} means: from there on.
  const skip = Number(options.value('skip') ?? 0) + Number(/@\{(\d+)\}$/.exec(given)?.[1] ?? 0)
  let i = -1
  for (const entry of entries) {
    i++
    if (i < skip) continue
    if (i - skip >= most) break
    if (toType(repo, entry.to, 'commit') === undefined) continue
    const commit = repo.objects.commit(entry.to)
    const shownName = ref === 'HEAD' ? 'HEAD' : shortRef(repo, ref)
    const selector = options.value('date') !== undefined ? `${shownName}@{${formatDate(entry.who, options.value('date')!, session.nowSeconds)}}` : `${shownName}@{${i}}`
    await printer.show({ commit, parents: commit.parents }, undefined, { reflog: { selector, message: entry.message, who: entry.who } })
  }
  return 0
}

export async function reflog(session: Session, args: readonly string[]): Promise<number> {
  const [verb, ...rest] = args
  const repo = session.repository
  if (verb === 'exists') return repo.refs.reflog(rest[0] ?? 'HEAD').length > 0 ? 0 : 1
  if (verb === 'expire' || verb === 'delete') {
    const options = new Options('reflog', rest, ['expire=', 'expire-unreachable=', 'all', 'rewrite', 'updateref', 'n|dry-run', 'verbose', 'stale-fix'])
    if (verb === 'expire' && (options.value('expire') === 'now' || options.value('expire') === 'all')) {
      for (const name of options.has('all') ? ['HEAD', ...repo.refs.list().map((ref) => ref.name)] : options.operands) repo.refs.writeReflog(name, [])
      return 0
    }
    for (const text of verb === 'delete' ? options.operands : []) {
      const match = /^(.*)@\{(\d+)\}$/.exec(text)
      if (!match) throw fatal(`not a reflog: ${text}`)
      const ref = match[1] === 'HEAD' || match[1] === '' ? 'HEAD' : findRef(repo, match[1]!)!
      repo.refs.writeReflog(ref, repo.refs.reflog(ref).filter((_, i) => i !== Number(match[2])))
    }
    return 0
  }
  const options = logOptions('log', ['--walk-reflogs', '--abbrev-commit', '--pretty=oneline', ...verb === 'show' ? rest : args])
  return reflogWalk(session, options)
}

export async function revList(session: Session, args: readonly string[]): Promise<number> {
  const options = new Options('rev-list', args, [...LOG_OPTIONS, 'count', 'objects', 'quiet', 'header', 'timestamp', 'no-commit-header', 'children'])
  const repo = session.repository
  const { revisions, paths } = splitOperands(repo, options)
  if (revisions.length === 0 && !options.has('all', 'branches', 'tags', 'remotes')) throw new GitFailure('usage: git rev-list [<options>] <commit>... [--] [<path>...]\n', 129)
  const spec = new Pathspec(paths, repo.prefix, repo.workTree ?? '/')
  const walk = walkOf(repo, options, revisions)
  const { commits } = await selectCommits(session, repo, options, walk, spec)
  if (options.has('count')) {
    if (options.has('left-right')) session.out(`${commits.filter(({ commit }) => walk.symmetric.get(commit.id) === '<').length}\t${commits.filter(({ commit }) => walk.symmetric.get(commit.id) !== '<').length}\n`)
    else session.out(`${commits.length}\n`)
    return 0
  }
  if (options.has('quiet')) return 0
  const style = commitStyle(session, options)
  const own = options.has('pretty', 'format', 'oneline')
  for (const { commit, parents } of commits) {
    const mark = options.has('left-right') ? walk.symmetric.get(commit.id) === '<' ? '<' : '>' : ''
    if (!own) session.out(`${mark}${options.has('timestamp') ? `${commit.committer.seconds} ` : ''}${style.abbreviate ? repo.abbreviate(commit.id) : commit.id}${options.has('parents') ? parents.map((parent) => ` ${parent}`).join('') : ''}\n`)
    else {
      const text = prettyCommit(session, repo, commit, style, decorations(repo))
      session.out(style.format.startsWith('%') && !options.has('no-commit-header') ? `commit ${commit.id}\n${text}\n` : `${text}\n${style.format === 'oneline' || style.format.startsWith('%') ? '' : '\n'}`)
    }
    await session.breathe()
  }
  if (options.has('objects')) {
    const seen = new Set<string>()
    const excluded = new Set<string>()
    const walkTree = (id: string, name: string, show: boolean) => {
      if (seen.has(id) || excluded.has(id)) return
      ;(show ? seen : excluded).add(id)
      if (show) session.out(`${id} ${name}\n`)
      for (const entry of repo.objects.tree(id)) {
        const path = name === '' ? entry.name : `${name}/${entry.name}`
        if (entry.mode === FOLDER) walkTree(entry.id, path, show)
        else if (!seen.has(entry.id) && !excluded.has(entry.id)) { (show ? seen : excluded).add(entry.id); if (show) session.out(`${entry.id} ${path}\n`) }
      }
    }
    for (const id of walk.exclude) walkTree(repo.objects.commit(id).tree, '', false)
    for (const { commit } of commits) walkTree(commit.tree, '', true)
  }
  return 0
}

export async function shortlog(session: Session, args: readonly string[]): Promise<number> {
  const options = new Options('shortlog', args, [...LOG_OPTIONS, 'n|numbered', 's|summary', 'e|email', 'w?', 'c|committer', 'group='].filter((spec) => spec !== 'n|max-count=' && spec !== 's|no-patch' && spec !== 'summary' && spec !== 'c' && spec !== 'committer='))
  const repo = session.repository
  const { revisions, paths } = splitOperands(repo, options)
  const { commits } = await selectCommits(session, repo, options, walkOf(repo, options, revisions), new Pathspec(paths, repo.prefix, repo.workTree ?? '/'))
  const groups = new Map<string, string[]>()
  for (const { commit } of commits) {
    const { name, email } = options.has('committer') ? commit.committer : commit.author
    const key = options.has('email') ? `${name} <${email}>` : name
    groups.set(key, [subjectOf(commit.message), ...groups.get(key) ?? []])
  }
  const sorted = [...groups].sort(([a, x], [b, y]) => options.has('numbered') ? y.length - x.length || (a < b ? -1 : 1) : a < b ? -1 : 1)
  for (const [name, subjects] of sorted) {
    if (options.has('summary')) session.out(`${String(subjects.length).padStart(6)}\t${name}\n`)
    else session.out(`${name} (${subjects.length}):\n${subjects.map((subject) => `      ${subject}\n`).join('')}\n`)
  }
  return 0
}

