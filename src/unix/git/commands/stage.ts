import { quotePath } from '../bytes.ts'
import { GitFailure, fatal } from '../failure.ts'
import { Options } from '../options.ts'
import { Pathspec, fromTop } from '../pathspec.ts'
import type { Repository } from '../repository.ts'
import type { Session } from '../session.ts'
import { isUnchanged, lookAt, removeEmptyFolders, removeFile, stageFile, untracked, worktreeChanges } from '../worktree.ts'
import { REGULAR } from '../objects.ts'
import { statOf } from '../index-file.ts'

export async function add(session: Session, args: readonly string[]): Promise<number> {
  const options = new Options('add', args, ['n|dry-run', 'v|verbose', 'i|interactive', 'p|patch', 'e|edit', 'f|force', 'u|update', 'renormalize', 'N|intent-to-add', 'A|all', 'ignore-removal', 'refresh', 'ignore-errors', 'ignore-missing', 'chmod=', 'pathspec-from-file='])
  const repo = session.repository
  repo.top
  if (options.has('interactive', 'patch', 'edit')) throw fatal('choosing parts of files interactively is not supported here; add whole files')
  const everything = options.has('all', 'update')
  if (options.operands.length === 0 && !everything) {
    await session.complain("Nothing specified, nothing added.\nhint: Maybe you wanted to say 'git add .'?\nhint: Turn this message off by running\nhint: \"git config advice.addEmptyPathspec false\"\n")
    return 0
  }
  const spec = new Pathspec(options.operands, repo.prefix, repo.top)
  const { clock } = session.proc
  const { index } = repo
  const dry = options.has('dry-run')
  const say = (verb: string, path: string) => { if (dry || options.has('verbose')) session.out(`${verb} '${path}'\n`) }
  // A link in the middle of a path leads elsewhere.
  for (const { literal, text } of spec.specs) {
    if (!literal) continue
    for (let slash = literal.indexOf('/'); slash > 0; slash = literal.indexOf('/', slash + 1)) if (lookAt(repo, literal.slice(0, slash))?.type === 'symlink') throw fatal(`pathspec '${text}' is beyond a symbolic link`)
  }
  const wanted = (path: string) => spec.matches(path)
  const changes = await worktreeChanges(repo, clock, wanted)
  for (const { path } of index.entries()) spec.matches(path)
  const news = options.has('update') ? [] : await untracked(repo, clock, { all: true, wanted: spec })
  const ignored: string[] = []
  const forced: string[] = []
  for (const { literal } of spec.specs) {
    if (literal === undefined || literal === '' || index.has(literal)) continue
    const stat = lookAt(repo, literal)
    if (!stat) continue
    const isFolder = stat.type === 'directory'
    if (repo.ignore.ignores(literal, isFolder) && !options.has('force')) {
      if (index.entries().some(({ path }) => path.startsWith(`${literal}/`))) continue
      // Ignored by a folder above: that is what is named.
      let shown = literal
      for (let slash = literal.indexOf('/'); slash > 0; slash = literal.indexOf('/', slash + 1)) if (repo.ignore.ignores(literal.slice(0, slash), true)) { shown = literal.slice(0, slash); break }
      ignored.push(shown)
      spec.matches(literal)
    }
  }
  if (options.has('force')) {
    for (const path of await untracked(repo, clock, { ignored: true, all: true, wanted: spec })) if (spec.matches(path)) forced.push(path)
  }
  const found = [...news.filter((path) => spec.matches(path.replace(/\/$/, ''))), ...forced]
  const unknown = spec.unused().filter((text) => {
    const path = fromTop(repo.prefix, text, repo.top)
    return !(path === '' || lookAt(repo, path)?.type === 'directory')
  })
  if (unknown.length > 0 && !options.has('ignore-missing')) throw fatal(`pathspec '${unknown[0]}' did not match any files`)
  if (ignored.length > 0) await session.complain(`The following paths are ignored by one of your .gitignore files:\n${[...new Set(ignored)].map((path) => `${path}\n`).join('')}hint: Use -f if you really want to add them.\nhint: Turn this message off by running\nhint: "git config advice.addIgnoredFile false"\n`)
  const warned: string[] = []
  for (const change of changes) {
    await clock.breathe()
    const path = (change.new ?? change.old)!.path
    const stat = lookAt(repo, path)
    if (!stat || stat.type === 'directory') {
      if (options.has('ignore-removal')) continue
      say('remove', path)
      if (!dry) index.remove(path)
      continue
    }
    say('add', path)
    if (!dry) stageFile(repo, path, stat)
  }
  for (const path of found) {
    await clock.breathe()
    if (path.endsWith('/')) { warned.push(path.slice(0, -1)); continue }
    const stat = lookAt(repo, path)!
    say('add', path)
    if (dry) continue
    if (options.has('intent-to-add')) index.set({ path, mode: REGULAR, id: 'e69de29bb2d1d6434b8b29ae775ad8c2e48c5391', stage: 0, intent: true, stat: { ...statOf(stat), sizeBytes: 0 } })
    else stageFile(repo, path, stat)
  }
  for (const path of warned) await session.complain(`warning: ${path} is a repository of its own and was left out: submodules are not supported here\n`)
  const chmod = options.value('chmod')
  if (chmod !== undefined) {
    if (!/^[+-]x$/.test(chmod)) throw fatal(`--chmod param '${chmod}' must be either -x or +x`)
    for (const entry of index.entries()) if (wanted(entry.path) && entry.stage === 0) entry.mode = chmod === '+x' ? 0o100755 : 0o100644
  }
  if (!dry) index.write()
  return ignored.length > 0 ? 1 : 0
}

/** Files of the index that paths mean. @throws GitFailure for what isn't there */
function known(repo: Repository, spec: Pathspec): string[] {
  return [...new Set(repo.index.entries().map(({ path }) => path).filter((path) => spec.matches(path)))]
}

export async function rm(session: Session, args: readonly string[]): Promise<number> {
  const options = new Options('rm', args, ['n|dry-run', 'q|quiet', 'cached', 'f|force', 'r', 'ignore-unmatch', 'pathspec-from-file='])
  const repo = session.repository
  repo.top
  if (options.operands.length === 0) throw fatal('No pathspec was given. Which files should I remove?')
  const { index } = repo
  const spec = new Pathspec(options.operands, repo.prefix, repo.top)
  const paths = known(repo, spec)
  for (const text of spec.unused()) if (!options.has('ignore-unmatch')) throw fatal(`pathspec '${text}' did not match any files`)
  if (!options.has('r')) for (const { literal, text } of spec.specs) if (literal !== undefined && !index.has(literal) && paths.some((path) => literal === '' || path.startsWith(`${literal}/`))) throw fatal(`not removing '${text}' recursively without -r`)
  const head = repo.filesOf(repo.head)
  const both: string[] = []
  const staged: string[] = []
  const local: string[] = []
  if (!options.has('force')) {
    for (const path of paths) {
      const entry = index.get(path)
      if (!entry) continue
      const stat = lookAt(repo, path)
      if (!stat || stat.type === 'directory') continue
      const changed = !isUnchanged(repo, entry, stat)
      const committed = head.get(path)
      const differs = !committed || committed.id !== entry.id || committed.mode !== entry.mode
      if (changed && differs) { if (!entry.intent || !options.has('cached')) both.push(path) } else if (!options.has('cached')) {
        if (differs) staged.push(path)
        if (changed) local.push(path)
      }
    }
  }
  const list = (paths: readonly string[], one: string, many: string, hint: string) => paths.length === 0 ? '' : `error: the following ${paths.length === 1 ? `file has ${one}` : `files have ${many}`}:\n${paths.map((path) => `    ${path}\n`).join('')}${hint}\n`
  const text = list(both, 'staged content different from both the\nfile and the HEAD', 'staged content different from both the\nfile and the HEAD', '(use -f to force removal)')
    + list(staged, 'changes staged in the index', 'changes staged in the index', '(use --cached to keep the file, or -f to force removal)')
    + list(local, 'local modifications', 'local modifications', '(use --cached to keep the file, or -f to force removal)')
  if (text) throw new GitFailure(text.trimEnd(), 1)
  for (const path of paths) {
    if (!options.has('quiet')) session.out(`rm '${path}'\n`)
    if (options.has('dry-run')) continue
    index.remove(path)
    if (!options.has('cached')) removeFile(repo, path)
  }
  if (!options.has('dry-run')) index.write()
  return 0
}

export async function mv(session: Session, args: readonly string[]): Promise<number> {
  const options = new Options('mv', args, ['n|dry-run', 'v|verbose', 'f|force', 'k'])
  const repo = session.repository
  const { index, fs, top } = repo
  if (options.operands.length < 2) throw new GitFailure('usage: git mv [<options>] <source>... <destination>\n', 129)
  const target = options.operands.at(-1)!
  const destination = fromTop(repo.prefix, target, top)
  const isFolder = (path: string) => path === '' || lookAt(repo, path)?.type === 'directory'
  const intoFolder = isFolder(destination)
  const sources = options.operands.slice(0, -1)
  if (sources.length > 1 && !intoFolder) throw fatal(`destination '${target}' is not a directory`)
  const moves: { from: string; to: string }[] = []
  for (const typed of sources) {
    const from = fromTop(repo.prefix, typed, top)
    const to = intoFolder ? `${destination === '' ? '' : `${destination}/`}${from.slice(from.lastIndexOf('/') + 1)}` : destination
    const stat = lookAt(repo, from)
    const below = index.entries().filter(({ path }) => path.startsWith(`${from}/`))
    let bad: string | undefined
    if (!stat) bad = 'bad source'
    else if (from === to) bad = isFolder(from) ? 'can not move directory into itself' : 'destination exists'
    else if (stat.type === 'directory' && to.startsWith(`${from}/`)) bad = 'can not move directory into itself'
    else if (stat.type === 'directory' && below.length === 0) bad = 'source directory is empty'
    else if (stat.type !== 'directory' && !index.has(from)) bad = 'not under version control'
    else if (stat.type !== 'directory' && index.isUnmerged(from)) bad = 'conflicted'
    else if (lookAt(repo, to) && !(options.has('force') && lookAt(repo, to)?.type !== 'directory')) bad = 'destination exists'
    else if (to.includes('/') && !isFolder(to.slice(0, to.lastIndexOf('/')))) bad = 'destination directory does not exist'
    if (bad !== undefined) {
      if (options.has('k')) continue
      throw fatal(`${bad}, source=${from}, destination=${to}`)
    }
    if (lookAt(repo, to) && options.has('verbose')) await session.complain(`warning: overwriting '${to}'\n`)
    moves.push({ from, to })
  }
  for (const { from, to } of moves) {
    const entries = index.entries().filter(({ path }) => path === from || path.startsWith(`${from}/`))
    if (options.has('dry-run')) session.out(`Checking rename of '${from}' to '${to}'\n`)
    if (options.has('verbose', 'dry-run')) session.out(`Renaming ${from} to ${to}\n`)
    if (options.has('dry-run')) continue
    fs.rename(`${top}/${from}`, `${top}/${to}`)
    removeEmptyFolders(repo, from)
    for (const entry of entries) {
      index.remove(entry.path)
      index.set({ ...entry, path: to + entry.path.slice(from.length) })
    }
  }
  if (!options.has('dry-run')) index.write()
  return 0
}

export async function clean(session: Session, args: readonly string[]): Promise<number> {
  const options = new Options('clean', args, ['q|quiet', 'n|dry-run', 'f|force', 'i|interactive', 'd', 'e|exclude=', 'x', 'X'])
  const repo = session.repository
  const { fs, top } = repo
  if (options.has('interactive')) throw fatal('interactive cleaning is not supported here; see what -n would remove')
  if (!options.has('force', 'dry-run') && repo.config.flag('clean.requireForce', true)) throw fatal(`clean.requireForce ${repo.config.get('clean.requireForce') === undefined ? 'defaults to true' : 'set to true'} and neither -i, -n, nor -f given; refusing to clean`)
  const spec = new Pathspec(options.operands.length > 0 || repo.prefix === '' ? options.operands : ['.'], repo.prefix, top)
  const wanted = spec.isEmpty ? {} : { wanted: spec }
  const { clock } = session.proc
  const ignored = options.has('x', 'X') ? await untracked(repo, clock, { ignored: true, ...wanted }) : []
  const plain = options.has('X') ? [] : await untracked(repo, clock, { ...wanted, emptyFolders: true })
  const paths = [...new Set([...plain, ...ignored])].filter((path, _, all) => !all.some((other) => other !== path && other.endsWith('/') && path.startsWith(other))).sort()
  const verb = options.has('dry-run') ? 'Would remove' : 'Removing'
  for (const path of paths) {
    const isFolder = path.endsWith('/')
    if (isFolder && !options.has('d') && !spec.specs.some(({ literal }) => literal !== undefined && literal !== '' && (literal === path.slice(0, -1) || path.startsWith(`${literal}/`)))) continue
    const shown = quotePath(session.shown(path))
    if (isFolder && fs.exists(`${top}/${path}.git`) && options.count('force') < 2) { session.out(`${options.has('dry-run') ? 'Would skip' : 'Skipping'} repository ${shown}\n`); continue }
    if (isFolder && !options.has('x') && keepsIgnored(repo, path)) {
      // Ignored files in it stay, and so does the folder.
      for (const each of within(repo, path)) {
        if (repo.ignore.ignores(each, false)) continue
        if (!options.has('quiet')) session.out(`${verb} ${quotePath(session.shown(each))}\n`)
        if (!options.has('dry-run')) fs.remove(`${top}/${each}`)
      }
      continue
    }
    if (!options.has('quiet')) session.out(`${verb} ${shown}\n`)
    if (!options.has('dry-run')) fs.remove(`${top}/${path.replace(/\/$/, '')}`, { recursive: true })
  }
  return 0
}

function within(repo: Repository, folder: string): string[] {
  return repo.fs.readdir(`${repo.top}/${folder}`).flatMap((name) => lookAt(repo, folder + name)?.type === 'directory' ? within(repo, `${folder}${name}/`) : [folder + name])
}

const keepsIgnored = (repo: Repository, folder: string) => within(repo, folder).some((path) => repo.ignore.ignores(path, false))
