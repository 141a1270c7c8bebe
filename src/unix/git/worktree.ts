import type { Clock } from '../../base/clock.ts'
import { baseName } from '../path.ts'
import { UnixError } from '../types.ts'
import type { FileStat } from '../types.ts'
import { byteOrder, decodeText, encodeText } from './bytes.ts'
import type { Change } from './changes.ts'
import { statusOf } from './changes.ts'
import { GitFailure } from './failure.ts'
import { statOf } from './index-file.ts'
import type { IndexEntry } from './index-file.ts'
import { EXECUTABLE, REGULAR, SUBMODULE, SYMLINK, hashObject } from './objects.ts'
import type { Pathspec } from './pathspec.ts'
import type { Repository, TreeFile } from './repository.ts'

/** A file of the working tree without following links; undefined where there is none, or a folder. */
export function lookAt(repo: Repository, path: string): FileStat | undefined {
  try {
    return repo.fs.lstat(`${repo.top}/${path}`)
  } catch (error) {
    if (error instanceof UnixError && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return undefined
    throw error
  }
}

const isFile = (stat: FileStat | undefined): stat is FileStat => stat?.type === 'file' || stat?.type === 'symlink'

export const modeOf = (repo: Repository, stat: FileStat, before?: number): number => stat.type === 'symlink' ? SYMLINK : !repo.config.flag('core.fileMode', true) && before !== undefined && before !== SYMLINK ? before : stat.mode & 0o100 ? EXECUTABLE : REGULAR

/** What Git would keep of a file: a link's target, or its bytes. */
export function contentOf(repo: Repository, path: string, stat: FileStat): Uint8Array {
  const full = `${repo.top}/${path}`
  if (stat.type === 'symlink') return encodeText(repo.fs.readlink(full))
  return repo.fs.readFile(full)
}

/** Whether a file is what the index says, judged by its figures where they can be trusted, else by its content. */
export function isUnchanged(repo: Repository, entry: IndexEntry, stat: FileStat): boolean {
  if (entry.mode === SUBMODULE) return true
  if (modeOf(repo, stat, entry.mode) !== entry.mode || entry.intent) return false
  const known = entry.stat
  const index = repo.index
  if (known && known.sizeBytes === stat.sizeBytes && known.inode === (stat.inode >>> 0) && Math.abs(known.modifiedMs - stat.modifiedMs) < 0.01 && stat.modifiedMs < index.writtenMs) return true
  if (known && known.sizeBytes !== stat.sizeBytes && known.sizeBytes !== 0) return false
  if (hashObject('blob', contentOf(repo, entry.path, stat)) !== entry.id) return false
  entry.stat = statOf(stat)
  return true
}

/** How the working tree differs from the index. Paths whose merge isn't settled come as `U`, and once more as changes of our side. */
export async function worktreeChanges(repo: Repository, clock: Clock, wanted: (path: string) => boolean = () => true): Promise<Change[]> {
  const changes: Change[] = []
  const read = (id: string) => repo.objects.blob(id)
  const unmerged = new Set<string>()
  for (const entry of repo.index.entries()) {
    if (!wanted(entry.path)) continue
    if (entry.stage > 0) {
      if (!unmerged.has(entry.path)) {
        unmerged.add(entry.path)
        changes.push({ status: 'U', old: { path: entry.path, mode: entry.mode, id: entry.id, read: () => read(entry.id) } })
      }
      continue
    }
    await clock.breathe()
    const stat = lookAt(repo, entry.path)
    const old = { path: entry.path, mode: entry.mode, id: entry.id, read: () => read(entry.id) }
    if (entry.mode === SUBMODULE && stat?.type === 'directory') continue
    if (!isFile(stat)) {
      if (!entry.intent) changes.push({ status: 'D', old })
    } else if (!isUnchanged(repo, entry, stat)) {
      const mode = modeOf(repo, stat, entry.mode)
      const next = { path: entry.path, mode, id: undefined, read: () => contentOf(repo, entry.path, stat) }
      if (entry.intent) changes.push({ status: 'A', new: next })
      else changes.push({ status: statusOf(entry.mode, mode), old, new: next })
    }
  }
  return changes
}

export interface UntrackedOptions {
  /** Every file, instead of a folder in which nothing is tracked. */
  all?: boolean
  /** Those that are ignored instead of those that aren't. */
  ignored?: boolean
  wanted?: Pathspec
  /** Folders without any file, too, as `git clean -d` wants them. */
  emptyFolders?: boolean
}

/** Files and (with a slash at the end) folders that Git doesn't know. */
export async function untracked(repo: Repository, clock: Clock, { all = false, ignored = false, wanted, emptyFolders = false }: UntrackedOptions = {}): Promise<string[]> {
  const { fs, top, ignore } = repo
  const tracked = new Set<string>()
  const folders = new Set<string>()
  for (const { path } of repo.index.entries()) {
    tracked.add(path)
    for (let slash = path.indexOf('/'); slash > 0; slash = path.indexOf('/', slash + 1)) folders.add(path.slice(0, slash))
  }
  const out: string[] = []
  /** Whether anything in a folder is wanted: files that aren't ignored, or ignored ones if asked for them. */
  const holds = async (folder: string): Promise<boolean> => {
    await clock.breathe()
    for (const name of fs.readdir(`${top}/${folder}`)) {
      const path = `${folder}/${name}`
      const stat = fs.lstat(`${top}/${path}`)
      const isFolder = stat.type === 'directory'
      if (!isFolder && stat.type !== 'file' && stat.type !== 'symlink') continue
      if (ignore.ignoresHere(path, isFolder)) continue
      if (!isFolder || name === '.git' || await holds(path)) return true
    }
    return false
  }
  const walk = async (folder: string, inIgnored = false) => {
    await clock.breathe()
    for (const name of fs.readdir(`${top}/${folder}`)) {
      if (name === '.git') continue
      const path = folder + name
      if (tracked.has(path)) continue
      const stat = fs.lstat(`${top}/${path}`)
      const isFolder = stat.type === 'directory'
      if (!isFolder && stat.type !== 'file' && stat.type !== 'symlink') continue
      if (wanted && !(isFolder ? wanted.mayMatchBelow(path) : wanted.matches(path))) continue
      const isIgnored = inIgnored || ignore.ignoresHere(path, isFolder)
      if (isIgnored) {
        if (ignored && !isFolder) { out.push(path); continue }
        if (ignored && !folders.has(path)) { if (all) await walk(`${path}/`, true); else if (hasFiles(repo, path)) out.push(`${path}/`); continue }
        if (!isFolder || !folders.has(path)) continue
      }
      if (!isFolder) { if (!ignored) out.push(path); continue }
      if (folders.has(path)) { await walk(`${path}/`); continue }
      if (fs.exists(`${top}/${path}/.git`)) { if (!ignored) out.push(`${path}/`); continue }
      if (ignored && !all && !await holds(path)) { if (hasFiles(repo, path)) out.push(`${path}/`) } else if (all || ignored || (wanted && !wanted.isEmpty && !wanted.matches(path))) await walk(`${path}/`)
      else if (await holds(path) || (emptyFolders && fs.readdir(`${top}/${path}`).length === 0)) out.push(`${path}/`)
    }
  }
  await walk('')
  return out.sort(byteOrder)
}

/** Whether there is any file in a folder. */
function hasFiles(repo: Repository, folder: string): boolean {
  return repo.fs.readdir(`${repo.top}/${folder}`).some((name) => lookAt(repo, `${folder}/${name}`)?.type !== 'directory' || hasFiles(repo, `${folder}/${name}`))
}

/** Puts a file of the repository into the working tree, in place of what is there. @returns the entry for the index */
export function writeFile(repo: Repository, path: string, { mode, id }: TreeFile, content = mode === SUBMODULE ? undefined : repo.objects.blob(id)): IndexEntry {
  const { fs, top } = repo
  const full = `${top}/${path}`
  for (let slash = path.indexOf('/'); slash > 0; slash = path.indexOf('/', slash + 1)) {
    const folder = path.slice(0, slash)
    const stat = lookAt(repo, folder)
    if (stat && stat.type !== 'directory') fs.remove(`${top}/${folder}`)
    if (stat?.type !== 'directory') fs.mkdir(`${top}/${folder}`)
  }
  const there = lookAt(repo, path)
  if (mode === SUBMODULE) {
    if (!there) fs.mkdir(full)
    return { path, mode, id, stage: 0 }
  }
  if (there) fs.remove(full, { recursive: true })
  if (mode === SYMLINK) fs.symlink(decodeText(content!), full)
  else fs.writeFile(full, content!, { mode: (mode === EXECUTABLE ? 0o777 : 0o666) & ~(fs.umask ?? 0o022) })
  return { path, mode, id, stage: 0, stat: statOf(fs.lstat(full)) }
}

/** Takes a file out of the working tree, and folders in which nothing is left, but not the one the user is in. */
export function removeFile(repo: Repository, path: string): void {
  const { fs, top } = repo
  const stat = lookAt(repo, path)
  if (!isFile(stat)) return
  fs.remove(`${top}/${path}`)
  removeEmptyFolders(repo, path)
}

export function removeEmptyFolders(repo: Repository, path: string): void {
  const { fs, top } = repo
  for (let slash = path.lastIndexOf('/'); slash > 0; slash = path.lastIndexOf('/', slash - 1)) {
    const folder = path.slice(0, slash)
    if (`${folder}/` === repo.prefix || repo.prefix.startsWith(`${folder}/`) || lookAt(repo, folder)?.type !== 'directory' || fs.readdir(`${top}/${folder}`).length > 0) return
    fs.remove(`${top}/${folder}`, { recursive: true })
  }
}

/** What stands in the way of a switch of the working tree. */
export interface Obstacles {
  /** Files with changes that would be lost. */
  changed: string[]
  /** Files that Git doesn't know, where others are to be written. */
  untracked: string[]
  /** Files that Git doesn't know, which would have to go with a folder. */
  untrackedRemoved: string[]
}

const sameFile = (a: TreeFile | undefined, b: TreeFile | undefined) => a === b || (a !== undefined && b !== undefined && a.id === b.id && a.mode === b.mode)

/**
 * Moves index and working tree from one state to another; changes to files that are the same in both stay.
 * @returns what prevents it, with nothing done; undefined when it is done
 */
export async function switchFiles(repo: Repository, clock: Clock, from: ReadonlyMap<string, TreeFile>, to: ReadonlyMap<string, TreeFile>): Promise<Obstacles | undefined> {
  const { index } = repo
  const obstacles: Obstacles = { changed: [], untracked: [], untrackedRemoved: [] }
  const write: string[] = []
  const remove: string[] = []
  const forget: string[] = []
  const tracked = new Set(index.entries().map(({ path }) => path))
  for (const path of new Set([...from.keys(), ...to.keys()])) {
    const [old, next] = [from.get(path), to.get(path)]
    if (sameFile(old, next) && !index.isUnmerged(path)) continue
    const staged = index.get(path)
    if (sameFile(staged, next)) continue
    await clock.breathe()
    const stat = lookAt(repo, path)
    if (index.isUnmerged(path)) { obstacles.changed.push(path); continue }
    if (!staged) {
      if (old && !next) continue
      if (old) { obstacles.changed.push(path); continue }
      if (stat && !repo.ignore.ignores(path, stat.type === 'directory')) {
        if (stat.type !== 'directory') obstacles.untracked.push(path)
        else if (holdsUnknown(repo, path, tracked)) obstacles.untrackedRemoved.push(path)
      } else if (!stat) {
        // A file in the place of a folder above it.
        for (let slash = path.indexOf('/'); slash > 0; slash = path.indexOf('/', slash + 1)) {
          const folder = path.slice(0, slash)
          const above = lookAt(repo, folder)
          if (isFile(above) && !tracked.has(folder) && !repo.ignore.ignores(folder, false)) obstacles.untracked.push(folder)
        }
      }
      write.push(path)
      continue
    }
    if (!sameFile(staged, old) || (isFile(stat) && !isUnchanged(repo, staged, stat))) { obstacles.changed.push(path); continue }
    if (next) write.push(path)
    else { if (isFile(stat)) remove.push(path); forget.push(path) }
  }
  if (obstacles.changed.length > 0 || obstacles.untracked.length > 0 || obstacles.untrackedRemoved.length > 0) {
    for (const list of Object.values(obstacles) as string[][]) { list.sort(byteOrder); list.splice(0, list.length, ...new Set(list)) }
    return obstacles
  }
  for (const path of remove) { removeFile(repo, path); await clock.breathe() }
  for (const path of forget) index.remove(path)
  index.replacesFolders()
  for (const path of write) { index.set(writeFile(repo, path, to.get(path)!)); await clock.breathe() }
  return undefined
}

function holdsUnknown(repo: Repository, folder: string, tracked: ReadonlySet<string>): boolean {
  return repo.fs.readdir(`${repo.top}/${folder}`).some((name) => {
    const path = `${folder}/${name}`
    return lookAt(repo, path)?.type === 'directory' ? holdsUnknown(repo, path, tracked) : !tracked.has(path) && !repo.ignore.ignores(path, false)
  })
}

/** Makes index and working tree what a state says, whatever changes are lost. Files that Git doesn't know stay. */
export async function forceFiles(repo: Repository, clock: Clock, to: ReadonlyMap<string, TreeFile>): Promise<void> {
  const { index } = repo
  const before = index.entries()
  for (const path of new Set(before.map((entry) => entry.path))) {
    if (to.has(path)) continue
    removeFile(repo, path)
    index.remove(path)
    await clock.breathe()
  }
  index.replacesFolders()
  for (const [path, file] of to) {
    await clock.breathe()
    const entry = index.get(path)
    const stat = lookAt(repo, path)
    if (entry && sameFile(entry, file) && isFile(stat) && isUnchanged(repo, entry, stat)) continue
    index.set(writeFile(repo, path, file))
  }
}

/** The message about what stands in the way. As unpack-trees.c words it. */
export function obstacleMessage({ changed, untracked: unknown, untrackedRemoved }: Obstacles, operation: 'checkout' | 'merge', options: { trailer?: string } = {}): GitFailure {
  const list = (paths: readonly string[]) => paths.map((path) => `\t${path}\n`).join('')
  const [commit, before] = operation === 'checkout' ? ['Please commit your changes or stash them before you switch branches.', 'switch branches'] : ['Please commit your changes or stash them before you merge.', 'merge']
  let text = ''
  if (changed.length > 0) text += `error: Your local changes to the following files would be overwritten by ${operation}:\n${list(changed)}${commit}\n`
  if (untrackedRemoved.length > 0) text += `error: Updating the following directories would lose untracked files in them:\n${list(untrackedRemoved)}\n`
  if (unknown.length > 0) text += `error: The following untracked working tree files would be overwritten by ${operation}:\n${list(unknown)}Please move or remove them before you ${before}.\n`
  return new GitFailure(`${text}${options.trailer ?? 'Aborting'}`, 1)
}

/** Adds what is in the working tree at a path to the index. */
export function stageFile(repo: Repository, path: string, stat: FileStat): void {
  const content = contentOf(repo, path, stat)
  repo.index.replacesFolders()
  repo.index.set({ path, mode: modeOf(repo, stat, repo.index.get(path)?.mode), id: repo.objects.write('blob', content), stage: 0, stat: statOf(stat) })
}

/** The last part of a repository's address, which is what it is called. */
export const repositoryName = (address: string): string => baseName(address.replace(/\/+$/, '').replace(/\/?\.git$/, '').replace(/:/g, '/'))
