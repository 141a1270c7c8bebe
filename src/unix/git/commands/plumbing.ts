import { readAll } from '../../../base/streams.ts'
import { decodeText, quotePath } from '../bytes.ts'
import { GitFailure, fatal } from '../failure.ts'
import { FOLDER, NO_ID, SUBMODULE, hashObject } from '../objects.ts'
import type { ObjectType } from '../objects.ts'
import { Options } from '../options.ts'
import { Pathspec } from '../pathspec.ts'
import { refFormat } from '../ref-format.ts'
import { isRefName } from '../refs.ts'
import { ambiguous, findRef, isAncestor, mergeBases, peel, resolve, resolveCommit, shortRef, toType, upstreamOf } from '../revision.ts'
import { relativeTo } from '../session.ts'
import type { Session } from '../session.ts'
import { parseDate } from '../identity.ts'
import { wildcard } from '../wildcard.ts'
import { lookAt, untracked, worktreeChanges, modeOf, contentOf } from '../worktree.ts'
import { pathOf } from '../changes.ts'
import { writeIndexTree } from '../commit-object.ts'
import { exists } from './arguments.ts'
import { closure } from '../transport.ts'
import { versionOrder } from './tag.ts'
import { byteOrder } from '../bytes.ts'

const QUIET = new GitFailure('', 1)

export async function revParse(session: Session, args: readonly string[]): Promise<number> {
  const repo = session.repositoryOrNone
  let [verify, quiet, short, abbrevRef, symbolic, not]: [boolean, boolean, number | undefined, string | undefined, boolean, boolean] = [false, false, undefined, undefined, false, false]
  let otherwise: string | undefined
  let shown = 0
  const show = (id: string) => { session.out(`${not ? '^' : ''}${short !== undefined ? repo!.abbreviate(id, short) : id}\n`); shown++ }
  const demand = () => session.repository

  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!
    const text = arg
    if (arg === '--') { session.out('--\n'); for (const rest of args.slice(i + 1)) session.out(`${rest}\n`); break }
    if (arg.startsWith('--')) {
      const [name, value] = [arg.split('=')[0]!, arg.includes('=') ? arg.slice(arg.indexOf('=') + 1) : undefined]
      switch (name) {
        case '--verify': verify = true; continue
        case '--quiet': quiet = true; continue
        case '--short': verify = true; short = value === undefined ? demand().abbreviation : Math.max(4, Number(value)); continue
        case '--abbrev-ref': abbrevRef = value ?? 'loose'; continue
        case '--symbolic-full-name': symbolic = true; continue
        case '--symbolic': continue
        case '--not': not = !not; continue
        case '--default': otherwise = args[++i]; continue
        case '--sq': case '--revs-only': case '--no-revs': case '--flags': case '--no-flags': continue
        case '--show-toplevel': session.out(`${demand().top}\n`); continue
        case '--git-dir': session.out(`${shownGitDir(session)}\n`); continue
        case '--absolute-git-dir': session.out(`${demand().gitDir}\n`); continue
        case '--git-common-dir': session.out(`${shownGitDir(session)}\n`); continue
        case '--show-prefix': session.out(`${demand().prefix}\n`); continue
        case '--show-cdup': session.out(`${'../'.repeat(demand().prefix.split('/').length - 1)}\n`); continue
        case '--is-inside-work-tree': session.out(`${demand().workTree !== undefined && !insideGitDir(session)}\n`); continue
        case '--is-inside-git-dir': demand(); session.out(`${insideGitDir(session)}\n`); continue
        case '--is-bare-repository': session.out(`${demand().config.flag('core.bare', demand().workTree === undefined)}\n`); continue
        case '--is-shallow-repository': session.out(`${demand().note('shallow') !== undefined}\n`); continue
        case '--git-path': session.out(`${relativeTo('', shownGitDir(session))}/${args[++i]}\n`); continue
        case '--show-object-format': session.out('sha1\n'); continue
        case '--show-superproject-working-tree': continue
        case '--local-env-vars': session.out('GIT_ALTERNATE_OBJECT_DIRECTORIES\nGIT_CONFIG\nGIT_CONFIG_PARAMETERS\nGIT_CONFIG_COUNT\nGIT_OBJECT_DIRECTORY\nGIT_DIR\nGIT_WORK_TREE\nGIT_IMPLICIT_WORK_TREE\nGIT_GRAFT_FILE\nGIT_INDEX_FILE\nGIT_NO_REPLACE_OBJECTS\nGIT_REPLACE_REF_BASE\nGIT_PREFIX\nGIT_SHALLOW_FILE\nGIT_COMMON_DIR\n'); continue
        case '--all': case '--branches': case '--tags': case '--remotes': {
          const prefix = { '--all': 'refs/', '--branches': 'refs/heads/', '--tags': 'refs/tags/', '--remotes': 'refs/remotes/' }[name]!
          for (const ref of demand().refs.list(prefix)) if (value === undefined || wildcard(value, { paths: false }).test(ref.name.slice(prefix.length))) { if (symbolic || abbrevRef) session.out(`${abbrevRef ? shortRef(repo!, ref.name) : ref.name}\n`); else show(ref.id) }
          continue
        }
        case '--since': case '--after': case '--until': case '--before': session.out(`--${name === '--since' || name === '--after' ? 'max' : 'min'}-age=${parseDate(value ?? '', session.nowSeconds)?.seconds ?? 0}\n`); continue
        default: if (verify) break; session.out(`${arg}\n`); continue
      }
    } else if (/^-q$/.test(arg)) { quiet = true; continue } else if (/^-\d+$/.test(arg) || (arg.startsWith('-') && arg.length > 1 && !verify)) { session.out(`${arg}\n`); continue }
    const repository = demand()
    const range = /^(.*?)(\.\.\.?)(.*)$/.exec(text)
    if (range && text !== '..' && resolve(repository, text) === undefined) {
      const [from, to] = [resolve(repository, range[1] || 'HEAD'), resolve(repository, range[3] || 'HEAD')]
      if (from !== undefined && to !== undefined) {
        if (range[2] === '..') { show(to); session.out(`^${from}\n`) } else { show(to); show(from); for (const base of mergeBases(repository, from, to)) session.out(`^${base}\n`) }
        continue
      }
    }
    if (abbrevRef !== undefined || symbolic) {
      const name = text === '@' ? 'HEAD' : text
      let ref = name === 'HEAD' ? repository.refs.target('HEAD') ?? (repository.head === undefined ? undefined : 'HEAD') : /@\{(u|upstream|push)\}$/i.test(name) ? upstreamOf(repository, name.replace(/@\{.*$/, '') || repository.branch || '')?.ref : findRef(repository, name)
      if (/@\{(u|upstream|push)\}$/i.test(name)) resolve(repository, name)
      if (/^@\{-\d+\}$/.test(name)) { const left = repository.refs.reflog('HEAD').flatMap(({ message }) => /^checkout: moving from (\S+) to /.exec(message)?.[1] ?? [])[Number(name.slice(3, -1)) - 1]; ref = left === undefined ? undefined : `refs/heads/${left}` }
      if (ref !== undefined && (repository.refs.id(ref) !== undefined)) { session.out(`${abbrevRef !== undefined ? shortRef(repository, ref) : ref}\n`); continue }
      if (ref === undefined && resolve(repository, name) !== undefined) { continue }
      if (name === 'HEAD' || ref === undefined) { session.out(`${name}\n`); throw ambiguous(name) }
    }
    const excluded = text.startsWith('^')
    const id = resolve(repository, excluded ? text.slice(1) : text)
    if (id !== undefined && (!verify || repository.objects.has(id) || /^[0-9a-f]{40}$/.test(text))) { if (excluded) session.out(`^${id}\n`); else show(id); continue }
    if (verify) {
      if (quiet) throw QUIET
      throw fatal('Needed a single revision')
    }
    if ((exists(repository, text) || /[*?[]/.test(text)) && !text.includes(':')) { session.out(`${text}\n`); continue }
    session.out(`${text}\n`)
    const colon = text.indexOf(':')
    if (colon > 0 && resolve(repository, text.slice(0, colon)) !== undefined) throw fatal(`path '${text.slice(colon + 1)}' ${exists(repository, text.slice(colon + 1)) ? 'exists on disk, but not in' : 'does not exist in'} '${text.slice(0, colon)}'`)
    throw ambiguous(text)
  }
  if (verify && shown === 0) {
    const id = otherwise === undefined ? undefined : resolve(demand(), otherwise)
    if (id === undefined) { if (quiet) throw QUIET; throw fatal('Needed a single revision') }
    show(id)
  }
  return 0
}

function shownGitDir(session: Session): string {
  const repo = session.repository
  const cwd = session.proc.fs.realpath(session.proc.cwd)
  return repo.gitDir === cwd ? '.' : repo.gitDir === `${cwd}/.git` ? '.git' : repo.gitDir
}

function insideGitDir(session: Session): boolean {
  const cwd = session.proc.fs.realpath(session.proc.cwd)
  return cwd === session.repository.gitDir || cwd.startsWith(`${session.repository.gitDir}/`)
}

export async function catFile(session: Session, args: readonly string[]): Promise<number> {
  const options = new Options('cat-file', args, ['t', 's', 'e', 'p', 'batch?', 'batch-check?', 'batch-all-objects', 'allow-unknown-type', 'textconv', 'filters', 'unordered', 'buffer'])
  const repo = session.repository
  if (options.has('batch', 'batch-check')) {
    const format = options.value('batch') ?? options.value('batch-check') ?? '%(objectname) %(objecttype) %(objectsize)'
    const names = options.has('batch-all-objects') ? [...new Set([...repo.objects.loose(), ...repo.objects.packs.flatMap((pack) => pack.ids())])].sort() : decodeText(await readAll(session.proc.stdin)).split('\n').filter((line) => line !== '')
    for (const name of names) {
      const id = resolve(repo, name)
      const object = id === undefined ? undefined : repo.objects.find(id)
      if (!object) { session.out(`${name} missing\n`); continue }
      session.out(`${format.replace(/%\((\w+)\)/g, (_, field: string) => ({ objectname: id!, objecttype: object.type, objectsize: String(object.content.length), rest: '' })[field] ?? '')}\n`)
      if (options.has('batch')) { session.out(object.content); session.out('\n') }
      await session.breathe()
    }
    return 0
  }
  const mode = (['t', 's', 'e', 'p'] as const).find((each) => options.has(each))
  const [first, second] = options.operands
  const text = mode ? first : second
  if (text === undefined || (mode && second !== undefined)) throw new GitFailure('usage: git cat-file <type> <object>\n   or: git cat-file (-e | -p) <object>\n   or: git cat-file (-t | -s) [--allow-unknown-type] <object>\n', 129)
  const id = resolve(repo, text)
  if (id === undefined) {
    if (mode === 'e') { if (!/^[0-9a-f]{40}$/.test(text)) throw fatal(`Not a valid object name ${text}`); return 1 }
    const colon = text.indexOf(':')
    if (colon > 0 && resolve(repo, text.slice(0, colon)) !== undefined) throw fatal(`path '${text.slice(colon + 1)}' ${exists(repo, text.slice(colon + 1)) ? 'exists on disk, but not in' : 'does not exist in'} '${text.slice(0, colon)}'`)
    throw fatal(`Not a valid object name ${text}`)
  }
  const object = repo.objects.find(id)
  if (mode === 'e') return object ? 0 : 1
  if (!object) throw fatal(mode === 'p' || !mode ? `Not a valid object name ${text}` : `git cat-file: could not get object info`)
  if (mode === 't') { session.out(`${object.type}\n`); return 0 }
  if (mode === 's') { session.out(`${object.content.length}\n`); return 0 }
  if (mode === 'p') {
    if (object.type === 'tree') session.out(treeText(repo.objects.tree(id)))
    else session.out(object.content)
    return 0
  }
  const wanted = toType(repo, id, first as ObjectType) ?? (object.type === first ? id : undefined)
  if (wanted === undefined) throw fatal(`git cat-file ${text}: bad file`)
  session.out(repo.objects.read(wanted).content)
  return 0
}

const typeOfMode = (mode: number) => mode === FOLDER ? 'tree' : mode === SUBMODULE ? 'commit' : 'blob'
const treeText = (entries: readonly { mode: number; name: string; id: string }[]) => entries.map(({ mode, name, id }) => `${mode.toString(8).padStart(6, '0')} ${typeOfMode(mode)} ${id}\t${quotePath(name)}\n`).join('')

export async function lsTree(session: Session, args: readonly string[]): Promise<number> {
  const options = new Options('ls-tree', args, ['d', 'r', 't', 'z', 'l|long', 'name-only', 'name-status', 'object-only', 'full-name', 'full-tree', 'abbrev?', 'format='])
  const repo = session.repository
  const [name, ...paths] = options.operands
  if (name === undefined) throw new GitFailure('usage: git ls-tree [<options>] <tree-ish> [<path>...]\n', 129)
  const id = resolve(repo, name)
  if (id === undefined) throw fatal(`Not a valid object name ${name}`)
  const tree = toType(repo, id, 'tree')
  if (tree === undefined) throw fatal('not a tree object')
  const prefix = options.has('full-tree') ? '' : repo.prefix
  const wanted = paths.map((path) => (prefix + path).replace(/^\.\//, ''))
  if (prefix !== '' && wanted.length === 0) wanted.push(prefix)
  const end = options.has('z') ? '\0' : '\n'
  const row = (path: string, entry: { mode: number; id: string }) => {
    const shown = options.has('z') ? relativeTo(options.has('full-name') ? '' : prefix, path) : quotePath(relativeTo(options.has('full-name') ? '' : prefix, path))
    if (options.has('name-only', 'name-status')) { session.out(shown + end); return }
    const short = options.has('abbrev') ? repo.abbreviate(entry.id, Number(options.value('abbrev') ?? repo.abbreviation)) : entry.id
    if (options.has('object-only')) { session.out(short + end); return }
    const size = options.has('long') ? ` ${(entry.mode === FOLDER || entry.mode === SUBMODULE ? '-' : String(repo.objects.blob(entry.id).length)).padStart(7)}` : ''
    session.out(`${entry.mode.toString(8).padStart(6, '0')} ${typeOfMode(entry.mode)} ${short}${size}\t${shown}${end}`)
  }
  const walk = (folder: string, at: string) => {
    for (const entry of repo.objects.tree(folder)) {
      const path = at + entry.name
      const isFolder = entry.mode === FOLDER
      const enters = isFolder && wanted.some((each) => each.startsWith(`${path}/`) && each !== path)
      const match = wanted.length === 0 || wanted.some((each) => each === path || path.startsWith(each.endsWith('/') ? each : `${each}/`))
      if (!match && !enters) continue
      if (isFolder && (options.has('r') || (enters && !match))) {
        if (options.has('t', 'd') && match) row(path, entry)
        walk(entry.id, `${path}/`)
      } else if (match && (!options.has('d') || isFolder)) row(path, entry)
    }
  }
  walk(tree, '')
  return 0
}

export async function lsFiles(session: Session, args: readonly string[]): Promise<number> {
  const options = new Options('ls-files', args, ['z', 't', 'v', 'c|cached', 'd|deleted', 'm|modified', 'o|others', 'i|ignored', 's|stage', 'k|killed', 'directory', 'u|unmerged', 'x|exclude=', 'X|exclude-from=', 'exclude-per-directory=', 'exclude-standard', 'full-name', 'error-unmatch', 'abbrev?', 'deduplicate', 'eol', 'format='])
  const repo = session.repository
  const { index } = repo
  const spec = new Pathspec(options.operands.length > 0 ? options.operands : repo.prefix === '' ? [] : ['.'], repo.prefix, repo.workTree ?? '/')
  const end = options.has('z') ? '\0' : '\n'
  const shown = (path: string) => { const name = options.has('full-name') ? path : session.shown(path); return options.has('z') ? name : quotePath(name, repo.config.flag('core.quotePath', true)) }
  const stage = options.has('stage', 'unmerged')
  const cached = options.has('cached') || (!options.has('deleted', 'modified', 'others', 'unmerged', 'killed'))
  if (options.has('others')) {
    const paths = options.has('exclude-standard') ? await untracked(repo, session.proc.clock, { all: !options.has('directory'), ignored: options.has('ignored'), wanted: spec }) : await allUntracked(session)
    for (const path of paths) if (spec.matches(path.replace(/\/$/, ''))) session.out(`${options.has('t') ? '? ' : ''}${shown(path)}${end}`)
  }
  if (cached || options.has('unmerged')) {
    for (const entry of index.entries()) {
      if (!spec.matches(entry.path) || (options.has('unmerged') && entry.stage === 0)) continue
      if (options.has('ignored') && !repo.ignore.ignores(entry.path, false)) continue
      const id = options.has('abbrev') ? repo.abbreviate(entry.id) : entry.id
      session.out(`${options.has('t') ? `${entry.stage > 0 ? 'M' : 'H'} ` : ''}${stage ? `${entry.mode.toString(8).padStart(6, '0')} ${id} ${entry.stage}\t` : ''}${shown(entry.path)}${end}`)
    }
  }
  if (options.has('deleted', 'modified')) {
    for (const change of await worktreeChanges(repo, session.proc.clock, (path) => spec.matches(path))) {
      if (options.has('deleted') && change.status === 'D') session.out(`${options.has('t') ? 'R ' : ''}${shown(pathOf(change))}${end}`)
      if (options.has('modified')) session.out(`${options.has('t') ? 'C ' : ''}${shown(pathOf(change))}${end}`)
    }
  }
  if (options.has('error-unmatch')) {
    const unused = spec.unused()
    if (unused.length > 0) throw new GitFailure(`${unused.map((text) => `error: pathspec '${text}' did not match any file(s) known to git\n`).join('')}Did you forget to 'git add'?`, 1)
  }
  return 0
}

async function allUntracked(session: Session): Promise<string[]> {
  const repo = session.repository
  const out: string[] = []
  const walk = async (folder: string): Promise<void> => {
    await session.breathe()
    for (const name of repo.fs.readdir(`${repo.top}/${folder}`)) {
      if (name === '.git') continue
      const path = folder + name
      if (lookAt(repo, path)?.type === 'directory') await walk(`${path}/`)
      else if (!repo.index.has(path)) out.push(path)
    }
  }
  await walk('')
  return out.sort(byteOrder)
}

export async function hashObjectCommand(session: Session, args: readonly string[]): Promise<number> {
  const options = new Options('hash-object', args, ['t=', 'w', 'stdin', 'stdin-paths', 'no-filters', 'literally', 'path='])
  const type = (options.value('t') ?? 'blob') as ObjectType
  const put = (content: Uint8Array) => session.out(`${options.has('w') ? session.repository.objects.write(type, content) : hashObject(type, content)}\n`)
  if (options.has('stdin')) put(await readAll(session.proc.stdin))
  const paths = [...options.operands, ...options.has('stdin-paths') ? decodeText(await readAll(session.proc.stdin)).split('\n').filter(Boolean) : []]
  for (const path of paths) {
    const full = session.proc.resolve(path)
    if (!session.proc.fs.exists(full)) throw fatal(`could not open '${path}' for reading: No such file or directory`)
    put(session.proc.fs.readFile(full))
  }
  return 0
}

export async function writeTree(session: Session): Promise<number> {
  const repo = session.repository
  if (repo.index.unmerged().length > 0) throw new GitFailure(`${repo.index.entries().filter((entry) => entry.stage > 0).map((entry) => `${entry.path}: unmerged (${entry.id})\n`).join('')}fatal: write-tree: error building trees`)
  session.out(`${writeIndexTree(repo)}\n`)
  return 0
}

export async function readTree(session: Session, args: readonly string[]): Promise<number> {
  const options = new Options('read-tree', args, ['m', 'u', 'i', 'n|dry-run', 'v', 'reset', 'empty', 'prefix='])
  const repo = session.repository
  if (options.has('empty')) { if (!options.has('dry-run')) { repo.index.clear(); repo.index.write() } return 0 }
  const id = resolve(repo, options.operands[0] ?? '')
  const tree = id === undefined ? undefined : toType(repo, id, 'tree')
  if (tree === undefined) throw fatal(`Not a valid object name ${options.operands[0]}`)
  if (options.has('dry-run')) return 0
  if (options.value('prefix') === undefined) repo.index.clear()
  for (const [path, file] of repo.files(tree)) repo.index.set({ path: (options.value('prefix') ?? '') + path, ...file, stage: 0 })
  repo.index.write()
  return 0
}

export async function updateIndex(session: Session, args: readonly string[]): Promise<number> {
  const options = new Options('update-index', args, ['add', 'remove', 'force-remove', 'refresh', 'really-refresh', 'q', 'chmod=', 'cacheinfo=', 'assume-unchanged', 'skip-worktree', 'replace'])
  const repo = session.repository
  const info = options.value('cacheinfo')
  if (info !== undefined) {
    const [mode = '', id = '', path = ''] = info.includes(',') ? info.split(',') : [info, ...options.operands]
    repo.index.set({ path, mode: Number.parseInt(mode, 8), id, stage: 0 })
  } else {
    for (const path of options.operands) {
      const full = repo.prefix + path
      const stat = lookAt(repo, full)
      if (options.has('force-remove') || (!stat && options.has('remove'))) { repo.index.remove(full); continue }
      if (!stat) throw new GitFailure(`error: ${path}: does not exist and --remove not passed\nfatal: Unable to process path ${path}`)
      if (!repo.index.has(full) && !options.has('add')) throw new GitFailure(`error: ${path}: cannot add to the index - missing --add option?\nfatal: Unable to process path ${path}`)
      const mode = modeOf(repo, stat)
      repo.index.set({ path: full, mode: options.value('chmod') === '+x' ? 0o100755 : options.value('chmod') === '-x' ? 0o100644 : mode, id: repo.objects.write('blob', contentOf(repo, full, stat)), stage: 0 })
    }
  }
  if (options.has('refresh', 'really-refresh')) {
    const changes = await worktreeChanges(repo, session.proc.clock)
    for (const change of changes) if (!options.has('q')) session.out(`${pathOf(change)}: needs ${change.status === 'U' ? 'merge' : 'update'}\n`)
    repo.index.write()
    return changes.length > 0 ? 1 : 0
  }
  repo.index.write()
  return 0
}

export async function updateRef(session: Session, args: readonly string[]): Promise<number> {
  const options = new Options('update-ref', args, ['d', 'm=', 'no-deref', 'create-reflog', 'stdin', 'z'])
  const repo = session.repository
  const [name, value, before] = options.operands
  if (name === undefined) throw new GitFailure('usage: git update-ref [<options>] -d <refname> [<old-val>]\n', 129)
  if (!isRefName(name)) throw fatal(`update_ref failed for ref '${name}': refusing to update ref with bad name '${name}'`)
  const current = repo.refs.id(name)
  const expected = options.has('d') ? value : before
  if (expected !== undefined) {
    const wanted = resolve(repo, expected)
    if ((wanted === NO_ID ? undefined : wanted) !== current) throw fatal(`update_ref failed for ref '${name}': cannot lock ref '${name}': ${current === undefined ? `unable to resolve reference '${name}'` : `is at ${current} but expected ${wanted}`}`)
  }
  if (options.has('d')) { if (name.includes('/')) repo.refs.remove(name); else repo.removeNotes(name); return 0 }
  const id = resolve(repo, value ?? '')
  if (id === undefined) throw fatal(`${value}: not a valid SHA1`)
  repo.refs.update(name, id, options.value('m') ?? '')
  return 0
}

export async function symbolicRef(session: Session, args: readonly string[]): Promise<number> {
  const options = new Options('symbolic-ref', args, ['d|delete', 'short', 'm=', 'q|quiet', 'recurse'])
  const repo = session.repository
  const [name, target] = options.operands
  if (name === undefined) throw new GitFailure('usage: git symbolic-ref [-m <reason>] <name> <ref>\n', 129)
  if (options.has('delete')) { repo.refs.remove(name); return 0 }
  if (target !== undefined) {
    if (name === 'HEAD' && !target.startsWith('refs/')) throw fatal('Refusing to point HEAD outside of refs/')
    repo.refs.attach(target, options.value('m') ?? '', { name })
    return 0
  }
  const found = repo.refs.target(name)
  if (found === undefined) { if (options.has('quiet')) return 1; throw fatal(`ref ${name} is not a symbolic ref`) }
  session.out(`${options.has('short') ? shortRef(repo, found) : found}\n`)
  return 0
}

export async function showRef(session: Session, args: readonly string[]): Promise<number> {
  const options = new Options('show-ref', args, ['tags', 'heads', 'verify', 'head', 'd|dereference', 's|hash?', 'abbrev?', 'q|quiet', 'exclude-existing?'])
  const repo = session.repository
  const row = (name: string, id: string) => {
    if (options.has('quiet')) return
    const short = (each: string) => options.value('hash') !== undefined || options.has('abbrev') ? repo.abbreviate(each, Number(options.value('hash') ?? options.value('abbrev') ?? repo.abbreviation)) : each
    session.out(options.has('hash') ? `${short(id)}\n` : `${short(id)} ${name}\n`)
    if (options.has('dereference') && repo.objects.typeOf(id) === 'tag') session.out(`${short(peel(repo, id))} ${name}^{}\n`)
  }
  if (options.has('verify')) {
    for (const name of options.operands) {
      const id = name.startsWith('refs/') || name === 'HEAD' ? repo.refs.id(name) : undefined
      if (id === undefined) { if (options.has('quiet')) return 1; throw fatal(`'${name}' - not a valid ref`) }
      row(name, id)
    }
    return 0
  }
  let found = 0
  if (options.has('head') && repo.head !== undefined) { row('HEAD', repo.head); found++ }
  for (const { name, id } of repo.refs.list()) {
    if (options.has('tags', 'heads') && !((options.has('tags') && name.startsWith('refs/tags/')) || (options.has('heads') && name.startsWith('refs/heads/')))) continue
    if (options.operands.length > 0 && !options.operands.some((pattern) => `/${name}`.endsWith(`/${pattern}`))) continue
    row(name, id)
    found++
  }
  return found > 0 ? 0 : 1
}

export async function forEachRef(session: Session, args: readonly string[]): Promise<number> {
  const options = new Options('for-each-ref', args, ['s|shell', 'p|perl', 'python', 'tcl', 'count=', 'format=', 'color?', 'sort=', 'points-at=', 'merged*', 'no-merged*', 'contains*', 'no-contains*', 'ignore-case'])
  const repo = session.repository
  let rows = repo.refs.list().filter(({ name }) => options.operands.length === 0 || options.operands.some((pattern) => name === pattern || name.startsWith(pattern.endsWith('/') ? pattern : `${pattern}/`) || wildcard(pattern, { paths: true }).test(name)))
  const commit = (option: string) => resolveCommit(repo, options.value(option) ?? 'HEAD')
  const own = (id: string) => toType(repo, id, 'commit')
  if (options.has('merged')) { const at = commit('merged')!; rows = rows.filter(({ id }) => own(id) !== undefined && isAncestor(repo, own(id)!, at)) }
  if (options.has('contains')) { const at = commit('contains')!; rows = rows.filter(({ id }) => own(id) !== undefined && isAncestor(repo, at, own(id)!)) }
  if (options.has('points-at')) { const at = resolve(repo, options.value('points-at')!)!; rows = rows.filter(({ id }) => id === at || peel(repo, id) === at) }
  for (const sort of options.all('sort').reverse()) {
    const key = sort.replace(/^-/, '')
    const value = (row: { name: string; id: string }) => refFormat(session, repo, row, `%(${key.replace(/^(version|v):/, '')}${/date$/.test(key) ? ':unix' : ''})`)
    rows.sort((a, b) => (/^(version|v):/.test(key) ? versionOrder(value(a), value(b)) : /date$/.test(key) ? Number(value(a)) - Number(value(b)) : byteOrder(value(a), value(b))) * (sort.startsWith('-') ? -1 : 1))
  }
  const format = options.value('format') ?? '%(objectname) %(objecttype)\t%(refname)'
  for (const row of rows.slice(0, Number(options.value('count') ?? Infinity))) session.out(`${refFormat(session, repo, row, format)}\n`)
  return 0
}

export async function mergeBase(session: Session, args: readonly string[]): Promise<number> {
  const options = new Options('merge-base', args, ['a|all', 'octopus', 'independent', 'is-ancestor', 'fork-point'])
  const repo = session.repository
  const ids = options.operands.map((text) => { const id = resolveCommit(repo, text); if (id === undefined) throw fatal(`Not a valid object name ${text}`); return id })
  if (ids.length < 2) throw new GitFailure('usage: git merge-base [-a | --all] <commit> <commit>...\n', 129)
  if (options.has('is-ancestor')) return isAncestor(repo, ids[0]!, ids[1]!) ? 0 : 1
  const bases = mergeBases(repo, ids[0]!, ids[1]!)
  if (bases.length === 0) return 1
  for (const id of options.has('all') ? bases : bases.slice(0, 1)) session.out(`${id}\n`)
  return 0
}

export async function checkIgnore(session: Session, args: readonly string[]): Promise<number> {
  const options = new Options('check-ignore', args, ['q|quiet', 'v|verbose', 'stdin', 'z', 'n|non-matching', 'no-index'])
  const repo = session.repository
  const paths = options.has('stdin') ? decodeText(await readAll(session.proc.stdin)).split('\n').filter(Boolean) : options.operands
  if (paths.length === 0 && !options.has('stdin')) throw fatal('no path specified')
  let found = 0
  for (const typed of paths) {
    const path = `${repo.prefix}${typed}`.replace(/\/+$/, '').replace(/^\.\//, '')
    const isFolder = typed.endsWith('/') || lookAt(repo, path)?.type === 'directory'
    const rule = repo.index.has(path) && !options.has('no-index') ? undefined : repo.ignore.rule(path, isFolder)
    const hit = rule !== undefined && (!rule.negated || options.has('verbose'))
    if (hit) found++
    if (options.has('quiet')) continue
    if (options.has('verbose')) { if (hit || options.has('non-matching')) session.out(`${rule ? `${rule.source}:${rule.line}:${rule.pattern}` : '::'}\t${typed}\n`) } else if (hit) session.out(`${quotePath(typed)}\n`)
  }
  return found > 0 ? 0 : 1
}

export async function variable(session: Session, args: readonly string[]): Promise<number> {
  switch (args[0]) {
    case 'GIT_AUTHOR_IDENT': session.out(`${session.identityText('author')}\n`); return 0
    case 'GIT_COMMITTER_IDENT': session.out(`${session.identityText('committer')}\n`); return 0
    case 'GIT_EDITOR': session.out(`${session.proc.env['GIT_EDITOR'] ?? session.looseConfig.get('core.editor') ?? session.proc.env['VISUAL'] ?? session.proc.env['EDITOR'] ?? 'vi'}\n`); return 0
    case 'GIT_PAGER': session.out(`${session.proc.env['GIT_PAGER'] ?? session.looseConfig.get('core.pager') ?? session.proc.env['PAGER'] ?? 'less'}\n`); return 0
    case 'GIT_DEFAULT_BRANCH': session.out(`${session.looseConfig.get('init.defaultBranch') ?? 'master'}\n`); return 0
    case '-l': for (const { name, value } of session.looseConfig.entries()) session.out(`${name}=${value ?? ''}\n`); return 0
    default: throw new GitFailure('usage: git var (-l | <variable>)\n', 129)
  }
}

export async function countObjects(session: Session, args: readonly string[]): Promise<number> {
  const options = new Options('count-objects', args, ['v|verbose', 'H|human-readable'])
  const repo = session.repository
  const loose = repo.objects.loose()
  const bytes = loose.reduce((sum, id) => sum + Math.ceil(repo.fs.stat(`${repo.objects.directory}/${id.slice(0, 2)}/${id.slice(2)}`).sizeBytes / 4096) * 4, 0)
  if (!options.has('verbose')) { session.out(`${loose.length} objects, ${bytes} kilobytes\n`); return 0 }
  session.out(`count: ${loose.length}\nsize: ${bytes}\nin-pack: ${repo.objects.packs.reduce((sum, pack) => sum + pack.size, 0)}\npacks: ${repo.objects.packs.length}\nsize-pack: ${Math.ceil(repo.objects.packs.reduce((sum, pack) => sum + repo.fs.stat(`${pack.path}.pack`).sizeBytes + repo.fs.stat(`${pack.path}.idx`).sizeBytes, 0) / 1024)}\nprune-packable: 0\ngarbage: 0\nsize-garbage: 0\n`)
  return 0
}

export async function fsck(session: Session): Promise<number> {
  const repo = session.repository
  const logs = repo.refs.reflog('HEAD').flatMap(({ from, to }) => [from, to]).filter((id) => id !== NO_ID && repo.objects.has(id))
  const reached = new Set(await closure(session, repo, [...repo.refs.list().map(({ id }) => id), ...repo.head ? [repo.head] : [], ...logs, ...repo.index.entries().map(({ id }) => id)], () => false))
  const all = [...repo.objects.loose(), ...repo.objects.packs.flatMap((pack) => pack.ids())].sort()
  const inner = new Set<string>()
  for (const id of all) {
    const { type, content } = repo.objects.read(id)
    if (hashObject(type, content) !== id) { await session.complain(`error: hash mismatch ${id}\n`); return 1 }
    if (!reached.has(id)) for (const below of await closure(session, repo, [id], (each) => reached.has(each))) if (below !== id) inner.add(below)
    await session.breathe()
  }
  for (const id of all) if (!reached.has(id) && !inner.has(id)) session.out(`dangling ${repo.objects.typeOf(id)} ${id}\n`)
  return 0
}

/** `prune`, and `gc --prune=now`, take away loose objects that nothing leads to, however young; all else leaves objects and refs as they are: nothing is packed. */
export async function gc(session: Session, args: readonly string[]): Promise<number> {
  const options = new Options('gc', args, ['q|quiet', 'prune?', 'cruft', 'aggressive', 'auto', 'force', 'keep-largest-pack', 'expire=', 'n|dry-run', 'v|verbose', 'a', 'd', 'f', 'l', 'A'])
  const repo = session.repository
  if (session.command !== 'prune' && !args.includes('--prune=now')) return 0
  const kept = new Set(await closure(session, repo, [...repo.refs.list().map(({ id }) => id), ...repo.head ? [repo.head] : [], ...repo.index.entries().map(({ id }) => id), ...['HEAD', ...repo.refs.list().map(({ name }) => name)].flatMap((name) => repo.refs.reflog(name).flatMap(({ from, to }) => [from, to])).filter((id) => id !== NO_ID && repo.objects.has(id))], () => false))
  for (const id of repo.objects.loose().filter((each) => !kept.has(each))) {
    if (options.has('dry-run') || (session.command === 'prune' && options.has('verbose'))) session.out(`${id} ${repo.objects.typeOf(id)}\n`)
    if (!options.has('dry-run')) repo.fs.remove(`${repo.objects.directory}/${id.slice(0, 2)}/${id.slice(2)}`, { force: true })
  }
  return 0
}

/** What web servers of plain files need to be cloned from. */
export async function updateServerInfo(session: Session): Promise<number> {
  const repo = session.repository
  repo.writeNote('info/refs', repo.refs.list().map(({ name, id }) => `${id}\t${name}\n${repo.objects.typeOf(id) === 'tag' ? `${peel(repo, id)}\t${name}^{}\n` : ''}`).join(''))
  repo.writeNote('objects/info/packs', `${repo.objects.packs.map((pack) => `P ${pack.path.slice(pack.path.lastIndexOf('/') + 1)}.pack\n`).join('')}\n`)
  return 0
}

export async function checkRefFormat(session: Session, args: readonly string[]): Promise<number> {
  const options = new Options('check-ref-format', args, ['branch=', 'normalize', 'allow-onelevel', 'refspec-pattern'])
  const branch = options.value('branch')
  if (branch !== undefined) {
    if (!isRefName(`refs/heads/${branch}`)) throw fatal(`'${branch}' is not a valid branch name`)
    session.out(`${branch}\n`)
    return 0
  }
  const name = options.operands[0] ?? ''
  return isRefName(name) && (name.includes('/') || options.has('allow-onelevel')) ? 0 : 1
}
