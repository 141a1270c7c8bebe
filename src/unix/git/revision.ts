import { failed, fatal } from './failure.ts'
import type { GitFailure } from './failure.ts'
import { parseDate } from './identity.ts'
import type { ObjectType } from './objects.ts'
import type { Repository } from './repository.ts'

const RULES = ['', 'refs/', 'refs/tags/', 'refs/heads/', 'refs/remotes/'] as const

/** The full name of a ref that somebody calls by its short one. */
export function findRef(repo: Repository, name: string): string | undefined {
  for (const rule of RULES) {
    const full = rule + name
    if (rule === '' && !/^[A-Z_]+$/.test(name) && !name.startsWith('refs/')) continue
    if (repo.refs.id(full) !== undefined) return full
  }
  return repo.refs.id(`refs/remotes/${name}/HEAD`) === undefined ? undefined : `refs/remotes/${name}/HEAD`
}

/** The shortest name by which a ref is found. */
export function shortRef(repo: Repository, full: string): string {
  const short = full.replace(/^refs\/(heads|tags|remotes)\//, '').replace(/^refs\/(?=stash$)/, '')
  const found = findRef(repo, short)
  return found === full || found === undefined ? short : full.replace(/^refs\//, '')
}

/** The commit or other object behind a tag, as far as tags lead. */
export function peel(repo: Repository, id: string): string {
  let at = id
  while (repo.objects.typeOf(at) === 'tag') at = repo.objects.tag(at).object
  return at
}

/** The branch that a branch follows: its ref, and where it comes from. */
export function upstreamOf(repo: Repository, branch: string): { remote: string; merge: string; ref: string } | undefined {
  const remote = repo.config.get(`branch.${branch}.remote`)
  const merge = repo.config.get(`branch.${branch}.merge`)
  if (remote === undefined || merge === undefined) return undefined
  if (remote === '.') return { remote, merge, ref: merge }
  for (const spec of repo.config.all(`remote.${remote}.fetch`)) {
    const [from = '', to = ''] = spec.replace(/^\+/, '').split(':')
    if (from === merge) return { remote, merge, ref: to }
    if (from.endsWith('*') && merge.startsWith(from.slice(0, -1))) return { remote, merge, ref: to.slice(0, -1) + merge.slice(from.length - 1) }
  }
  return { remote, merge, ref: '' }
}

/** Branches in the order in which HEAD left them, the last one first. */
function branchesLeft(repo: Repository): string[] {
  return repo.refs.reflog('HEAD').flatMap(({ message }) => /^checkout: moving from (\S+) to /.exec(message)?.[1] ?? [])
}

/** The object that an expression means; undefined where there is none. @throws GitFailure for what can't be asked */
export function resolve(repo: Repository, text: string): string | undefined {
  if (text.startsWith(':')) return resolveColon(repo, text)
  const colon = colonOf(text)
  if (colon > 0) {
    const tree = resolve(repo, text.slice(0, colon))
    if (tree === undefined) return undefined
    const path = relativePath(repo, text.slice(colon + 1))
    const root = toType(repo, tree, 'tree')
    return root === undefined ? undefined : path === '' ? root : repo.entryAt(root, path)?.id
  }
  const suffix = /(\^\{[^}]*\}|\^\d*|~\d*)$/.exec(text)
  if (suffix) {
    const base = text.slice(0, suffix.index)
    const id = resolve(repo, base)
    return id === undefined ? undefined : applySuffix(repo, id, suffix[0])
  }
  return resolveName(repo, text)
}

/** Where the path of `rev:path` begins; not inside of braces. */
function colonOf(text: string): number {
  let depth = 0
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '{') depth++
    else if (text[i] === '}') depth--
    else if (text[i] === ':' && depth === 0) return i
  }
  return -1
}

function relativePath(repo: Repository, path: string): string {
  if (!path.startsWith('./') && !path.startsWith('../') && path !== '.') return path.replace(/\/+$/, '')
  const parts: string[] = []
  for (const part of (repo.prefix + path).split('/')) {
    if (part === '' || part === '.') continue
    if (part === '..') parts.pop()
    else parts.push(part)
  }
  return parts.join('/')
}

function resolveColon(repo: Repository, text: string): string | undefined {
  if (text.startsWith(':/')) return findMessage(repo, [...repo.refs.list().map(({ id }) => peel(repo, id)), ...repo.head ? [repo.head] : []], text.slice(2))
  const match = /^:(?:([0-3]):)?(.*)$/s.exec(text)!
  return repo.index.get(relativePath(repo, match[2]!), Number(match[1] ?? 0) as 0 | 1 | 2 | 3)?.id
}

function findMessage(repo: Repository, starts: readonly string[], pattern: string): string | undefined {
  const expression = new RegExp(pattern)
  return [...history(repo, { include: starts.filter((id) => repo.objects.typeOf(id) === 'commit'), exclude: [] })].find((id) => expression.test(repo.objects.commit(id).message))
}

/** An object as another type: a tag's commit, a commit's tree. */
export function toType(repo: Repository, id: string, type: ObjectType): string | undefined {
  let at = id
  for (;;) {
    const own = repo.objects.typeOf(at)
    if (own === type) return at
    if (own === 'tag') at = repo.objects.tag(at).object
    else if (own === 'commit' && type === 'tree') at = repo.objects.commit(at).tree
    else return undefined
  }
}

function applySuffix(repo: Repository, id: string, suffix: string): string | undefined {
  const braces = /^\^\{(.*)\}$/.exec(suffix)?.[1]
  if (braces !== undefined) {
    if (braces === '') return peel(repo, id)
    if (braces.startsWith('/')) return findMessage(repo, [toType(repo, id, 'commit') ?? id], braces.slice(1))
    if (braces === 'object') return id
    return ['commit', 'tree', 'blob', 'tag'].includes(braces) ? toType(repo, id, braces as ObjectType) : undefined
  }
  let commit = toType(repo, id, 'commit')
  if (commit === undefined) return undefined
  const count = suffix.length > 1 ? Number(suffix.slice(1)) : 1
  if (suffix.startsWith('^')) return count === 0 ? commit : repo.objects.commit(commit).parents[count - 1]
  for (let i = 0; i < count && commit !== undefined; i++) commit = repo.objects.commit(commit).parents[0]
  return commit
}

function resolveName(repo: Repository, text: string): string | undefined {
  const at = /^(.*)@\{([^}]*)\}$/s.exec(text)
  if (at) return resolveAt(repo, at[1]!, at[2]!)
  if (text === '@') return repo.head
  if (/^[0-9a-f]{40}$/i.test(text)) return text.toLowerCase()
  const ref = text === '' ? undefined : findRef(repo, text)
  if (ref !== undefined) return repo.refs.id(ref)
  if (text === 'HEAD') return repo.head
  const described = /^.*-\d+-g([0-9a-f]{4,40})$/.exec(text)?.[1]
  const prefix = described ?? text
  if (!/^[0-9a-f]{4,39}$/i.test(prefix)) return undefined
  const found = repo.objects.named(prefix.toLowerCase())
  if (found.length <= 1) return found[0]
  const commits = found.filter((id) => ['commit', 'tag'].includes(repo.objects.typeOf(id)!))
  if (commits.length === 1) return commits[0]
  throw failed(`short object ID ${prefix} is ambiguous\nhint: The candidates are:\n${found.map((id) => `hint:   ${repo.abbreviate(id)} ${repo.objects.typeOf(id)}\n`).join('')}${ambiguous(text).message}`, 128)
}

function resolveAt(repo: Repository, name: string, inside: string): string | undefined {
  if (/^-\d+$/.test(inside) && name === '') {
    const branch = branchesLeft(repo)[Number(inside.slice(1)) - 1]
    return branch === undefined ? undefined : resolveName(repo, branch)
  }
  if (/^(u|upstream|push)$/i.test(inside)) {
    const branch = name === '' || name === 'HEAD' || name === '@' ? repo.branch : name
    if (branch === undefined) throw fatal('HEAD does not point to a branch')
    if (repo.refs.id(`refs/heads/${branch}`) === undefined && name !== '') throw fatal(`no such branch: '${branch}'`)
    const upstream = upstreamOf(repo, branch)
    if (!upstream) throw fatal(`no upstream configured for branch '${branch}'`)
    return repo.refs.id(upstream.ref)
  }
  const ref = name === '' ? repo.refs.target('HEAD') ?? 'HEAD' : name === '@' ? 'HEAD' : findRef(repo, name) ?? (name === 'HEAD' ? 'HEAD' : undefined)
  if (ref === undefined) return undefined
  const log = repo.refs.reflog(ref)
  if (/^\d+$/.test(inside)) {
    const n = Number(inside)
    if (n === 0 && log.length === 0) return repo.refs.id(ref)
    if (n === log.length && log.length > 0 && !/^0+$/.test(log.at(-1)!.from)) return log.at(-1)!.from
    if (n >= log.length) throw fatal(log.length === 0 ? `log for '${name || 'HEAD'}' is empty` : `log for '${name || repo.branch || 'HEAD'}' only has ${log.length} entries`)
    return log[n]!.to
  }
  const date = parseDate(inside, log[0]?.who.seconds ?? 0)
  return date && (log.find(({ who }) => who.seconds <= date.seconds) ?? log.at(-1))?.to
}

/** For an argument that is neither a revision nor a path. */
export const ambiguous = (text: string): GitFailure => fatal(`ambiguous argument '${text}': unknown revision or path not in the working tree.\nUse '--' to separate paths from revisions, like this:\n'git <command> [<revision>...] -- [<file>...]'`)

/** Like {@link resolve} for a commit. */
export function resolveCommit(repo: Repository, text: string): string | undefined {
  const id = resolve(repo, text)
  if (id === undefined || !repo.objects.has(id)) return undefined
  return toType(repo, id, 'commit')
}

/** `a...b` where one commit is wanted: what both come from. */
export function mergeBaseOf(repo: Repository, text: string): string | undefined {
  const match = /^(.*?)\.\.\.(.*)$/.exec(text)
  const ends = match && [resolveCommit(repo, match[1] || 'HEAD'), resolveCommit(repo, match[2] || 'HEAD')]
  return ends?.[0] !== undefined && ends[1] !== undefined ? mergeBases(repo, ends[0], ends[1])[0] : undefined
}

// --- history -------------------------------------------------------------------------------------------------------------------

export interface HistoryStarts {
  include: readonly string[]
  exclude: readonly string[]
  firstParent?: boolean
}

/** A queue of commits, the latest first, and among equals the one that came first. */
class ByDate {
  #heap: { id: string; seconds: number; order: number }[] = []
  #order = 0

  get size(): number { return this.#heap.length }

  get ids(): string[] { return this.#heap.map(({ id }) => id) }

  #before(a: number, b: number): boolean {
    const [x, y] = [this.#heap[a]!, this.#heap[b]!]
    return x.seconds !== y.seconds ? x.seconds > y.seconds : x.order < y.order
  }

  #swap(a: number, b: number): void {
    [this.#heap[a], this.#heap[b]] = [this.#heap[b]!, this.#heap[a]!]
  }

  push(id: string, seconds: number): void {
    this.#heap.push({ id, seconds, order: this.#order++ })
    for (let i = this.#heap.length - 1; i > 0;) {
      const parent = (i - 1) >> 1
      if (!this.#before(i, parent)) break
      this.#swap(i, parent)
      i = parent
    }
  }

  pop(): string {
    const { id } = this.#heap[0]!
    const last = this.#heap.pop()!
    if (this.#heap.length > 0) {
      this.#heap[0] = last
      for (let i = 0; ;) {
        let best = i
        for (const child of [2 * i + 1, 2 * i + 2]) if (child < this.#heap.length && this.#before(child, best)) best = child
        if (best === i) break
        this.#swap(i, best)
        i = best
      }
    }
    return id
  }
}

/** Commits that can be reached from some and not from others, latest first. */
export function* history(repo: Repository, { include, exclude, firstParent = false }: HistoryStarts): Generator<string> {
  const excluded = exclude.length > 0 ? ancestors(repo, exclude) : new Set<string>()
  const queue = new ByDate()
  const seen = new Set<string>()
  const add = (id: string) => {
    if (seen.has(id) || excluded.has(id)) return
    seen.add(id)
    queue.push(id, repo.objects.commit(id).committer.seconds)
  }
  for (const id of include) add(id)
  while (queue.size > 0) {
    const id = queue.pop()
    yield id
    const { parents } = repo.objects.commit(id)
    for (const parent of firstParent ? parents.slice(0, 1) : parents) if (repo.objects.has(parent)) add(parent)
  }
}

/** Some commits with everything before them. */
export function ancestors(repo: Repository, starts: readonly string[]): Set<string> {
  const seen = new Set<string>(starts)
  const stack = [...starts]
  while (stack.length > 0) for (const parent of repo.objects.commit(stack.pop()!).parents) if (!seen.has(parent) && repo.objects.has(parent)) { seen.add(parent); stack.push(parent) }
  return seen
}

export const isAncestor = (repo: Repository, ancestor: string, of: string): boolean => ancestor === of || ancestors(repo, [of]).has(ancestor)

/** The best common ancestors of two commits, latest first. */
export function mergeBases(repo: Repository, a: string, b: string): string[] {
  if (a === b) return [a]
  const [left, right] = [ancestors(repo, [a]), ancestors(repo, [b])]
  const common = [...left].filter((id) => right.has(id))
  const shared = new Set(common)
  // Those that other common ones come from are not the best.
  const lesser = new Set<string>()
  for (const id of common) for (const parent of repo.objects.commit(id).parents) if (shared.has(parent)) lesser.add(parent)
  const best = common.filter((id) => !lesser.has(id))
  return best.sort((x, y) => repo.objects.commit(y).committer.seconds - repo.objects.commit(x).committer.seconds)
}

/** How many commits each side has that the other one lacks. */
export function aheadBehind(repo: Repository, own: string, other: string): { ahead: number; behind: number } {
  const [left, right] = [ancestors(repo, [own]), ancestors(repo, [other])]
  return { ahead: [...left].filter((id) => !right.has(id)).length, behind: [...right].filter((id) => !left.has(id)).length }
}
