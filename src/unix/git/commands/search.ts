import { decodeText, isBinary, quotePath, splitLines } from '../bytes.ts'
import { detectRenames } from '../changes.ts'
import { GitFailure, fatal } from '../failure.ts'
import { formatDate } from '../identity.ts'
import { diffLines } from '../line-diff.ts'
import { Options } from '../options.ts'
import { Pathspec, fromTop } from '../pathspec.ts'
import { ancestors, peel, resolve, resolveCommit, toType } from '../revision.ts'
import type { Session } from '../session.ts'
import { stagedChanges } from '../status.ts'
import { contentOf, lookAt, worktreeChanges } from '../worktree.ts'
import { FOLDER, NO_ID } from '../objects.ts'
import { wildcard } from '../wildcard.ts'
import { splitOperands } from './arguments.ts'
import { commitChanges } from './log.ts'

export async function describe(session: Session, args: readonly string[]): Promise<number> {
  const options = new Options('describe', args, ['contains', 'debug', 'all', 'tags', 'long', 'first-parent', 'abbrev?', 'exact-match', 'candidates=', 'match=', 'exclude=', 'always', 'dirty?', 'broken?'])
  const repo = session.repository
  if (options.has('contains')) throw fatal("'git describe --contains' is not supported here; 'git tag --contains' lists the tags")
  for (const text of options.operands.length > 0 ? options.operands : ['HEAD']) {
    const id = resolveCommit(repo, text)
    if (id === undefined) throw fatal(`Not a valid object name ${text}`)
    const names = new Map<string, string>()
    let annotated = 0
    for (const prefix of options.has('all') ? ['refs/heads/', 'refs/remotes/', 'refs/tags/'] : ['refs/tags/']) {
      for (const ref of repo.refs.list(prefix)) {
        const isTag = repo.objects.typeOf(ref.id) === 'tag'
        if (!isTag && !options.has('tags', 'all')) continue
        const name = ref.name.slice(prefix.length)
        if (options.value('match') !== undefined && !wildcard(options.value('match')!, { paths: false }).test(name)) continue
        if (options.value('exclude') !== undefined && wildcard(options.value('exclude')!, { paths: false }).test(name)) continue
        if (isTag) annotated++
        const shown = options.has('all') ? ref.name.slice(5) : name
        const target = peel(repo, ref.id)
        if (isTag || !names.has(target)) names.set(target, shown)
      }
    }
    const dirty = options.has('dirty') && await isDirty(session)
    const mark = dirty ? options.value('dirty') ?? '-dirty' : ''
    const digits = options.value('abbrev') === undefined ? repo.abbreviation : Number(options.value('abbrev'))
    const reached = ancestors(repo, [id])
    let best: { name: string; distance: number; seconds: number } | undefined
    for (const [commit, name] of names) {
      if (!reached.has(commit)) continue
      const behind = ancestors(repo, [commit])
      const distance = [...reached].filter((each) => !behind.has(each)).length
      const { seconds } = repo.objects.commit(commit).committer
      if (!best || distance < best.distance || (distance === best.distance && seconds > best.seconds)) best = { name, distance, seconds }
    }
    if (!best || (options.has('exact-match') && best.distance > 0)) {
      if (options.has('always')) { session.out(`${repo.abbreviate(id, digits || 7)}${mark}\n`); continue }
      if (options.has('exact-match')) throw fatal(`no tag exactly matches '${id}'`)
      const plain = repo.refs.list('refs/tags/').length > 0 && annotated === 0 && !options.has('tags')
      throw fatal(names.size === 0 && !plain ? 'No names found, cannot describe anything.' : plain ? `No annotated tags can describe '${id}'.\nHowever, there were unannotated tags: try --tags.` : `No tags can describe '${id}'.\nTry --always, or create some tags.`)
    }
    session.out(`${best.name}${(best.distance > 0 || options.has('long')) && digits > 0 ? `-${best.distance}-g${repo.abbreviate(id, digits)}` : ''}${mark}\n`)
  }
  return 0
}

async function isDirty(session: Session): Promise<boolean> {
  const repo = session.repository
  return stagedChanges(repo, repo.head).length > 0 || (await worktreeChanges(repo, session.proc.clock)).length > 0
}

export async function blame(session: Session, args: readonly string[]): Promise<number> {
  const options = new Options('blame', args, ['L=', 's', 'e|show-email', 'l', 't', 'w', 'p|porcelain', 'line-porcelain', 'date=', 'abbrev=', 'c', 'n|show-number', 'f|show-name', 'root', 'b', 'M?', 'C?'])
  const repo = session.repository
  const operands = [...options.operands]
  const file = operands.pop()
  if (file === undefined) throw new GitFailure('usage: git blame [<options>] [<rev-opts>] [<rev>] [--] <file>\n', 129)
  const path = fromTop(repo.prefix, file, repo.top)
  const start = operands[0] === undefined ? repo.head : resolveCommit(repo, operands[0])
  if (start === undefined) throw fatal(operands[0] === undefined ? 'no such ref: HEAD' : `bad revision '${operands[0]}'`)
  const linesAt = (commit: string, name: string): string[] | undefined => {
    const entry = repo.entryAt(repo.objects.commit(commit).tree, name)
    return entry && entry.mode !== FOLDER ? splitLines(decodeText(repo.objects.blob(entry.id))) : undefined
  }
  const committed = linesAt(start, path)
  if (!committed) throw fatal(`no such path '${path}' in ${operands[0] ?? 'HEAD'}`)
  const stat = lookAt(repo, path)
  const lines = operands[0] === undefined && stat && stat.type !== 'directory' ? splitLines(decodeText(contentOf(repo, path, stat))) : committed
  interface Blamed { commit: string; path: string; line: number }
  const result: (Blamed | undefined)[] = lines.map(() => undefined)
  // Each commit passes on what its parents have already.
  const pending = new Map<string, { path: string; items: { at: number; line: number }[] }>()
  const pass = (from: string[], to: string[], items: { at: number; line: number }[]): { passed: { at: number; line: number }[]; kept: { at: number; line: number }[] } => {
    const map = new Map<number, number>()
    let [i, j] = [0, 0]
    for (const { a, b } of [...diffLines(to, from, options.has('w') ? { fold: (line) => line.replace(/\s+/g, '') } : {}), { a: [to.length, to.length], b: [from.length, from.length] } as const]) {
      while (i < a[0]) map.set(j++, i++)
      i = a[1]
      j = b[1]
    }
    const [passed, kept]: [{ at: number; line: number }[], { at: number; line: number }[]] = [[], []]
    for (const item of items) { const target = map.get(item.line); if (target === undefined) kept.push(item); else passed.push({ at: item.at, line: target }) }
    return { passed, kept }
  }
  const first = lines.map((_, at) => ({ at, line: at }))
  if (lines === committed) pending.set(start, { path, items: first })
  else {
    const { passed, kept } = pass(lines, committed, first)
    pending.set(start, { path, items: passed })
    for (const { at, line } of kept) result[at] = { commit: NO_ID, path, line }
  }
  while (pending.size > 0) {
    await session.breathe()
    const id = [...pending.keys()].reduce((a, b) => repo.objects.commit(b).committer.seconds > repo.objects.commit(a).committer.seconds ? b : a)
    const own = pending.get(id)!
    let { items } = own
    pending.delete(id)
    const ownLines = linesAt(id, own.path)!
    const commit = repo.objects.commit(id)
    for (const parent of commit.parents) {
      if (items.length === 0) break
      let name = own.path
      let theirs = linesAt(parent, name)
      if (!theirs) {
        const renamed = (await detectRenames(commitChanges(repo, commit, undefined, parent), session.proc.clock)).find((change) => change.score !== undefined && change.new?.path === own.path)
        if (!renamed) continue
        name = renamed.old!.path
        theirs = linesAt(parent, name)!
      }
      const { passed, kept } = pass(ownLines, theirs, items)
      if (passed.length > 0) pending.set(parent, { path: name, items: [...pending.get(parent)?.items ?? [], ...passed] })
      items = kept
    }
    for (const { at, line } of items) result[at] = { commit: id, path: own.path, line }
  }
  let [from, to] = [1, lines.length]
  const range = options.value('L')
  if (range !== undefined) {
    const match = /^(\d*)(?:,([+-]?)(\d*))?$/.exec(range)
    if (!match) throw fatal(`-L argument not 'start,end:file' or ':funcname:file': ${range}`)
    from = Number(match[1] || 1)
    if (match[3]) to = match[2] === '+' ? from + Number(match[3]) - 1 : Number(match[3])
    if (from > lines.length) throw fatal(`file ${path} has only ${lines.length} line${lines.length === 1 ? '' : 's'}`)
    to = Math.min(to, lines.length)
  }
  const shownCommits = result.slice(from - 1, to).map((each) => each!.commit)
  const who = (id: string) => id === NO_ID ? { name: 'Not Committed Yet', email: 'not.committed.yet', seconds: session.nowSeconds, zone: '+0000' } : repo.objects.commit(id).author
  const name = (id: string) => options.has('show-email') ? `<${who(id).email}>` : who(id).name
  const width = Math.max(...shownCommits.map((id) => [...name(id)].length))
  const number = String(to).length
  const names = result.slice(from - 1, to).map((each) => each!.path)
  const showsNames = options.has('show-name') || names.some((each) => each !== path)
  const nameWidth = Math.max(...names.map((each) => each.length))
  for (let i = from; i <= to; i++) {
    const { commit, path: source } = result[i - 1]!
    const isRoot = commit !== NO_ID && repo.objects.commit(commit).parents.length === 0 && !options.has('root')
    const digits = options.has('l') ? 40 : options.value('abbrev') === undefined ? repo.abbreviation + 1 : Number(options.value('abbrev')) + 1
    const short = isRoot ? `^${commit.slice(0, digits - 1)}` : commit.slice(0, digits)
    const date = formatDate(who(commit), options.value('date') ?? repo.config.get('blame.date') ?? 'iso', session.nowSeconds)
    const meta = options.has('s') ? '' : `(${name(commit)}${' '.repeat(width - [...name(commit)].length)} ${date} `
    session.out(`${short} ${showsNames ? `${source.padEnd(nameWidth)} ` : ''}${meta}${String(i).padStart(number)}) ${lines[i - 1]!.replace(/\n$/, '')}\n`)
  }
  return 0
}

export async function grep(session: Session, args: readonly string[]): Promise<number> {
  const options = new Options('grep', args, ['cached', 'no-index', 'untracked', 'v|invert-match', 'i|ignore-case', 'w|word-regexp', 'a|text', 'I', 'E|extended-regexp', 'G|basic-regexp', 'F|fixed-strings', 'P|perl-regexp', 'n|line-number', 'column', 'h', 'H', 'full-name', 'l|files-with-matches', 'name-only', 'L|files-without-match', 'c|count', 'color?', 'break', 'heading', 'C|context=', 'B|before-context=', 'A|after-context=', 'f=', 'e=', 'o|only-matching', 'q|quiet', 'r|recursive', 'max-depth=', 'and', 'or', 'not'])
  const repo = session.repository
  const operands = [...options.operands]
  const patterns = options.all('e')
  if (patterns.length === 0) {
    const first = operands.shift()
    if (first === undefined) throw fatal('no pattern given')
    patterns.push(first)
  }
  const rest = new Options('grep', options.separator === undefined ? operands : [...operands.slice(0, Math.max(0, options.separator - (options.all('e').length === 0 ? 1 : 0))), '--', ...options.afterSeparator], [])
  const { revisions, paths } = splitOperands(repo, rest)
  const spec = new Pathspec(paths.length > 0 ? paths : repo.prefix === '' ? [] : ['.'], repo.prefix, repo.top)
  const source = patterns.map((text) => options.has('fixed-strings') ? text.replace(/[\\^$.|?*+()[\]{}]/g, '\\$&') : options.has('extended-regexp', 'perl-regexp') ? text : text.replace(/\\([|+?(){}])|([|+?(){}])/g, (_, escaped: string | undefined, plain: string | undefined) => escaped ?? `\\${plain}`)).map((text) => options.has('word-regexp') ? `\\b(?:${text})\\b` : text).join('|')
  const expression = new RegExp(source, options.has('ignore-case') ? 'gi' : 'g')
  let matches = 0
  const search = async (label: string, content: Uint8Array) => {
    await session.breathe()
    const binary = isBinary(content) && !options.has('text')
    const lines = splitLines(decodeText(content)).map((line) => line.replace(/\n$/, ''))
    const hits = lines.flatMap((line, i) => { expression.lastIndex = 0; return expression.test(line) !== options.has('invert-match') ? [i] : [] })
    if (options.has('files-without-match')) { if (hits.length === 0) { matches++; session.out(`${label}\n`) } return }
    if (hits.length === 0) return
    matches++
    if (options.has('quiet')) return
    if (options.has('files-with-matches', 'name-only')) { session.out(`${session.paint('magenta', label)}\n`); return }
    if (options.has('count')) { session.out(`${label}:${hits.length}\n`); return }
    if (binary) { session.out(`Binary file ${label} matches\n`); return }
    const [before, after] = [Number(options.value('before-context') ?? options.value('context') ?? 0), Number(options.value('after-context') ?? options.value('context') ?? 0)]
    const shown = new Map<number, boolean>()
    for (const hit of hits) { for (let i = Math.max(0, hit - before); i <= Math.min(lines.length - 1, hit + after); i++) if (!shown.has(i)) shown.set(i, false); shown.set(hit, true) }
    let last = -1
    for (const [i, hit] of [...shown].sort(([a], [b]) => a - b)) {
      if (before + after > 0 && ((last >= 0 && i > last + 1) || (last < 0 && matches > 1))) session.out('--\n')
      last = i
      const sign = hit ? ':' : '-'
      const head = `${options.has('h') ? '' : session.paint('magenta', label) + session.paint('cyan', sign)}${options.has('line-number') ? session.paint('green', String(i + 1)) + session.paint('cyan', sign) : ''}`
      expression.lastIndex = 0
      if (options.has('only-matching')) for (const match of lines[i]!.matchAll(expression)) session.out(`${head}${match[0]}\n`)
      else session.out(`${head}${hit && !options.has('invert-match') ? lines[i]!.replace(expression, (text) => session.paint('boldred', text)) : lines[i]}\n`)
    }
  }
  if (revisions.length > 0) {
    for (const revision of revisions) {
      const tree = toType(repo, resolve(repo, revision)!, 'tree')
      for (const [path, { id }] of repo.files(tree)) if (spec.matches(path)) await search(`${revision}:${quotePath(session.shown(path))}`, repo.objects.blob(id))
    }
  } else {
    for (const entry of repo.index.entries()) {
      if (!spec.matches(entry.path)) continue
      const stat = options.has('cached') ? undefined : lookAt(repo, entry.path)
      if (options.has('cached')) await search(quotePath(session.shown(entry.path)), repo.objects.blob(entry.id))
      else if (stat?.type === 'file') await search(quotePath(session.shown(entry.path)), contentOf(repo, entry.path, stat))
    }
  }
  return matches > 0 ? 0 : 1
}

