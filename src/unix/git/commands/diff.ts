import { compareFiles } from '../changes.ts'
import type { Change, FileSide } from '../changes.ts'
import { checkText, showChanges } from '../diff-output.ts'
import { fatal } from '../failure.ts'
import { EXECUTABLE, REGULAR } from '../objects.ts'
import { Options } from '../options.ts'
import { Pathspec } from '../pathspec.ts'
import type { Repository, TreeFile } from '../repository.ts'
import { ambiguous, mergeBases, resolve, resolveCommit, toType } from '../revision.ts'
import { NOT_A_REPOSITORY } from '../session.ts'
import type { Session } from '../session.ts'
import { stagedChanges, stagedFiles } from '../status.ts'
import { contentOf, lookAt, modeOf, worktreeChanges } from '../worktree.ts'
import { DIFF_OPTIONS, diffRequest, pickaxe, refineChanges } from './diff-options.ts'
import { combinedPatch } from '../combined-diff.ts'
import { REVISION_OR_PATH, splitOperands } from './arguments.ts'

export async function diff(session: Session, args: readonly string[]): Promise<number> {
  const options = new Options('diff', args, [...DIFF_OPTIONS, 'cached', 'staged', 'merge-base', 'no-index', '1|base', '2|ours', '3|theirs', '0', 'cc', 'c'])
  const repo = session.repositoryOrNone
  if (!repo || options.has('no-index')) {
    if (options.operands.length !== 2) throw repo ? fatal('usage: git diff --no-index [<options>] <path> <path>', 129) : fatal(options.operands.length === 0 || !options.has('no-index') ? `${NOT_A_REPOSITORY}` : 'not enough arguments', 129)
    return showDifferences(session, undefined, options, noIndex(session, options.operands[0]!, options.operands[1]!), true)
  }
  session.startPager()
  const cached = options.has('cached', 'staged')
  const { revisions, paths } = splitOperands(repo, options, REVISION_OR_PATH)
  const spec = new Pathspec(paths, repo.prefix, repo.workTree ?? '/')
  const wanted = (path: string) => spec.matches(path)
  const read = (id: string) => repo.objects.blob(id)
  const trees: string[] = []
  for (const revision of revisions) {
    const range = /^(.*?)(\.\.\.?)(.*)$/.exec(revision)
    if (range && resolve(repo, revision) === undefined) {
      const ends = [range[1] || 'HEAD', range[3] || 'HEAD'].map((name) => { const id = resolveCommit(repo, name); if (id === undefined) throw ambiguous(revision); return id })
      trees.push(range[2] === '...' ? mergeBases(repo, ends[0]!, ends[1]!)[0] ?? (() => { throw fatal(`${revision}: no merge base`) })() : ends[0]!, ends[1]!)
    } else if (/\^[!@]$/.test(revision)) {
      const { parents, id } = repo.objects.commit(resolveCommit(repo, revision.slice(0, -2))!)
      trees.push(...parents.slice(0, 1), id)
    } else trees.push(resolve(repo, revision)!)
  }
  const types = trees.map((id) => repo.objects.typeOf(id))
  if (types.length === 2 && types.every((type) => type === 'blob')) {
    const side = (i: number): FileSide => ({ path: revisions[i]!.includes(':') ? revisions[i]!.slice(revisions[i]!.indexOf(':') + 1) : trees[i]!, mode: REGULAR, id: trees[i]!, read: () => read(trees[i]!) })
    return showDifferences(session, repo, options, [{ status: 'M', old: side(0), new: side(1) }])
  }
  if (types.length === 1 && types[0] === 'blob' && paths.length === 1) {
    const path = spec.specs[0]!.literal ?? ''
    const stat = lookAt(repo, path)
    if (!stat) throw fatal(`${paths[0]}: no such path in the working tree.`)
    const next: FileSide = { path, mode: modeOf(repo, stat), id: undefined, read: () => contentOf(repo, path, stat) }
    return showDifferences(session, repo, options, [{ status: 'M', old: { path, mode: REGULAR, id: trees[0]!, read: () => read(trees[0]!) }, new: next }])
  }
  const filesAt = (id: string) => {
    const tree = toType(repo, id, 'tree')
    if (tree === undefined) throw fatal(`object ${id} is not a tree`)
    return repo.files(tree)
  }
  let changes: Change[]
  if (cached) {
    if (trees.length > 1) throw fatal('too many revisions for --cached')
    let base = trees[0] ?? repo.head
    if (options.has('merge-base') && base !== undefined && repo.head !== undefined) base = mergeBases(repo, base, repo.head)[0]
    changes = trees.length > 0 ? compareFiles(filesAt(base!), stagedFiles(repo), read, (path) => wanted(path) && !repo.index.isUnmerged(path)) : stagedChanges(repo, base, wanted)
    for (const path of repo.index.unmerged()) if (wanted(path)) changes.push({ status: 'U', old: { path, mode: REGULAR, id: undefined, read: () => new Uint8Array(0) } })
  } else if (trees.length === 0) {
    changes = await worktreeChanges(repo, session.proc.clock, wanted)
    const side = options.has('ours') ? 2 : options.has('theirs') ? 3 : options.has('base') ? 1 : 0
    changes = changes.flatMap((change) => change.status === 'U' && side > 0 ? againstSide(repo, change.old!.path, side as 1 | 2 | 3) : [change])
  } else if (trees.length === 1) {
    const base = options.has('merge-base') && repo.head !== undefined ? mergeBases(repo, trees[0]!, repo.head)[0]! : trees[0]!
    changes = await againstWorktree(session, repo, filesAt(base), wanted)
  } else if (trees.length === 2) {
    const base = options.has('merge-base') ? mergeBases(repo, trees[0]!, trees[1]!)[0]! : trees[0]!
    changes = compareFiles(filesAt(base), filesAt(trees[1]!), read, wanted)
  } else throw fatal('more than two revisions can only be shown combined, which is not supported here')
  return showDifferences(session, repo, options, changes)
}

function againstSide(repo: Repository, path: string, stage: 1 | 2 | 3): Change[] {
  const entry = repo.index.get(path, stage)
  const stat = lookAt(repo, path)
  if (!entry || !stat) return []
  const unmerged: Change = { status: 'U', old: { path, mode: entry.mode, id: undefined, read: () => new Uint8Array(0) } }
  if (sameContent(repo.objects.blob(entry.id), contentOf(repo, path, stat))) return [unmerged]
  return [unmerged, { status: 'M', old: { path, mode: entry.mode, id: entry.id, read: () => repo.objects.blob(entry.id) }, new: { path, mode: modeOf(repo, stat, entry.mode), id: undefined, read: () => contentOf(repo, path, stat) } }]
}

/** A state of files against the working tree, as far as the index knows it. */
async function againstWorktree(session: Session, repo: Repository, files: ReadonlyMap<string, TreeFile>, wanted: (path: string) => boolean): Promise<Change[]> {
  const read = (id: string) => repo.objects.blob(id)
  const now = stagedFiles(repo)
  const local = new Map<string, FileSide | undefined>()
  for (const change of await worktreeChanges(repo, session.proc.clock, wanted)) {
    const path = (change.new ?? change.old)!.path
    const stat = lookAt(repo, path)
    local.set(path, change.status === 'U' ? stat && { path, mode: modeOf(repo, stat, change.old!.mode), id: undefined, read: () => contentOf(repo, path, stat) } : change.new)
  }
  for (const [path, side] of local) {
    if (side) now.set(path, { mode: side.mode, id: `?${path}` })
    else now.delete(path)
  }
  return compareFiles(files, now, read, wanted).flatMap((change) => {
    const side = change.new && local.get(change.new.path)
    if (!side) return [change]
    // Changed against the index, but not against what is asked about.
    if (change.old && change.old.mode === side.mode && sameContent(change.old.read(), side.read())) return []
    return [{ ...change, new: side }]
  })
}

const sameContent = (a: Uint8Array, b: Uint8Array) => a.length === b.length && a.every((byte, i) => byte === b[i])

/** Files that needn't be in a repository. */
function noIndex(session: Session, from: string, to: string): Change[] {
  const { fs } = session.proc
  const side = (typed: string): FileSide | undefined => {
    if (typed === '/dev/null') return undefined
    const path = session.proc.resolve(typed)
    if (!fs.exists(path)) throw fatal(`could not access '${typed}'`)
    return { path: typed.replace(/^\//, ''), mode: fs.stat(path).mode & 0o100 ? EXECUTABLE : REGULAR, id: undefined, read: () => fs.readFile(path) }
  }
  const folder = (typed: string) => fs.exists(session.proc.resolve(typed)) && fs.stat(session.proc.resolve(typed)).type === 'directory'
  if (folder(from) && folder(to)) {
    const names = (typed: string): string[] => fs.readdir(session.proc.resolve(typed)).flatMap((name) => folder(`${typed}/${name}`) ? names(`${typed}/${name}`).map((each) => `${name}/${each}`) : [name])
    const [a, b] = [names(from), names(to)]
    return [...new Set([...a, ...b])].sort().flatMap((name) => compareSides(a.includes(name) ? side(`${from}/${name}`) : undefined, b.includes(name) ? side(`${to}/${name}`) : undefined))
  }
  return compareSides(side(from), side(to))
}

function compareSides(old: FileSide | undefined, next: FileSide | undefined): Change[] {
  if (old && next && old.mode === next.mode && sameContent(old.read(), next.read())) return []
  return old && next ? [{ status: 'M', old, new: next }] : old ? [{ status: 'D', old }] : next ? [{ status: 'A', new: next }] : []
}

async function showDifferences(session: Session, repo: Repository | undefined, options: Options, given: readonly Change[], always = false): Promise<number> {
  const request = diffRequest(session, repo, options, ['patch'])
  const picked = pickaxe(options)
  const folder = options.has('relative') && repo ? options.value('relative')?.replace(/\/?$/, '/') ?? repo.prefix : ''
  const within = folder === '' ? given : given.filter((change) => [change.old, change.new].every((side) => !side || side.path.startsWith(folder)))
  const changes = (await refineChanges(session, request, within)).filter((change) => !picked || picked(change))
  // Names as seen from there; sides are shared by changes.
  if (folder !== '') for (const side of new Set(changes.flatMap((change) => [change.old, change.new]))) if (side) side.path = side.path.slice(folder.length)
  const code = (options.has('exit-code', 'quiet') || always) && changes.length > 0 ? 1 : 0
  if (options.has('quiet')) return code
  if (options.has('check')) {
    const faults = changes.map((change) => checkText(change, request.style)).join('')
    session.out(faults)
    return faults === '' ? code : 2
  }
  const unmerged = request.style.formats.includes('patch') && repo ? changes.filter((change) => change.status === 'U') : []
  const plain = unmerged.length > 0 && !options.has('cached', 'staged', 'ours', 'theirs', 'base') ? changes.filter((change) => change.status !== 'U') : changes
  if (unmerged.length > 0 && plain.length < changes.length && repo) {
    // Conflicts are shown against both sides.
    for (const change of changes) {
      if (change.status === 'U') session.out(combinedPatch(repo, change.old!.path, request.style))
      else await showChanges([change], request.style, (text) => session.out(text), () => session.breathe())
    }
    return code
  }
  await showChanges(changes, request.style, (text) => session.out(text), () => session.breathe())
  return code
}
