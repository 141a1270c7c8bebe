import type { Clock } from '../../base/clock.ts'
import { concatBytes, fromWebStream, readAll, readerOf } from '../../base/streams.ts'
import { copyTree } from '../../unix/fs/copy-tree.ts'
import { baseName, directoryName, joinPath, resolvePath } from '../../unix/path.ts'
import type { FileStat, FileSystem } from '../../unix/types.ts'
import { TarFormatError, TarReader } from '../../unix/utilities/tar-format.ts'
import { digestOfBytes } from './digest.ts'
import { patternSource } from './ignore-file.ts'

/** Where COPY and ADD take from. */
export interface CopySource {
  files: FileSystem
  /** What `/` means there. */
  directory: string
  /** Leaves out what .dockerignore names; relative to the directory. */
  ignores?: (path: string) => boolean
  /** Ignored directories may hold something that isn't. */
  hasExceptions?: boolean
}

/** A COPY or ADD with its words taken apart. */
export interface CopyPlan {
  /** Below the source's directory, with wildcards followed. */
  paths: string[]
  target: string
  /** The target is a directory, or becomes one. */
  intoDirectory: boolean
}

/** A path that COPY asked for and that isn't there. */
export class NotFoundInContext extends Error {}

/** Finds what a COPY's words mean. @throws NotFoundInContext */
export function planCopy(source: CopySource, words: readonly string[], destination: string, target: FileSystem): CopyPlan {
  const paths: string[] = []
  for (const word of words) {
    const path = resolvePath('/', word).slice(1)
    const found = /[*?[]/.test(word) ? matching(source, path) : exists(source, path) ? [path] : []
    if (found.length === 0) throw new NotFoundInContext(`"/${path}": not found`)
    paths.push(...found)
  }
  const isDirectory = target.exists(destination) && target.stat(destination).type === 'directory'
  return { paths, target: destination, intoDirectory: destination.endsWith('/') || paths.length > 1 || isDirectory }
}

function exists({ files, directory, ignores, hasExceptions }: CopySource, path: string): boolean {
  const at = joinPath(directory, path)
  if (path !== '' && ignores?.(path) && !(hasExceptions && files.exists(at) && files.stat(at).type === 'directory')) return false
  try {
    files.lstat(at)
    return true
  } catch {
    return false
  }
}

function matching(source: CopySource, pattern: string): string[] {
  let found = ['']
  for (const part of pattern.split('/')) {
    const regex = new RegExp(`^${patternSource(part)}$`)
    found = found.flatMap((directory) => {
      const at = joinPath(source.directory, directory)
      if (source.files.stat(at).type !== 'directory') return []
      return source.files.readdir(at).filter((name) => regex.test(name)).map((name) => directory === '' ? name : `${directory}/${name}`)
    })
  }
  return found.filter((path) => exists(source, path))
}

const isWanted = (source: CopySource, below: string) => (path: string, stat: FileStat) => {
  const whole = below === '' ? path : `${below}/${path}`
  return !source.ignores?.(whole) || (stat.type === 'directory' && source.hasExceptions === true)
}

/** A digest of what would be copied: names, permissions and contents, not times. */
export async function digestOfCopy(source: CopySource, plan: CopyPlan, clock: Clock): Promise<string> {
  const lines: string[] = []
  const visit = async (path: string, top: string): Promise<void> => {
    await clock.breathe()
    const at = joinPath(source.directory, path)
    const stat = source.files.lstat(at)
    if (path !== top && !isWanted(source, top)(path.slice(top === '' ? 0 : top.length + 1), stat)) return
    if (stat.type === 'directory') {
      lines.push(`${path} directory ${stat.mode}`)
      for (const name of source.files.readdir(at)) await visit(path === '' ? name : `${path}/${name}`, top)
    } else if (stat.type === 'symlink') lines.push(`${path} ${source.files.readlink(at)}`)
    else if (stat.type === 'file') lines.push(`${path} ${stat.mode} ${source.files.program(at) ? `program ${stat.modifiedMs}` : await digestOfBytes(clock, source.files.readFile(at))}`)
  }
  for (const path of plan.paths) await visit(path, path)
  return digestOfBytes(clock, new TextEncoder().encode(lines.join('\n')))
}

/** Bytes of what is in a context, without what is ignored. */
export async function contextSize(source: CopySource, clock: Clock): Promise<number> {
  let bytes = 0
  const visit = async (path: string): Promise<void> => {
    await clock.breathe()
    const at = joinPath(source.directory, path)
    const stat = source.files.lstat(at)
    if (path !== '' && !isWanted(source, '')(path, stat)) return
    if (stat.type === 'directory') for (const name of source.files.readdir(at)) await visit(path === '' ? name : `${path}/${name}`)
    else bytes += stat.sizeBytes
  }
  await visit('')
  return bytes
}

export interface CopyOptions {
  owner?: { uid: number; gid: number }
  mode?: number
  /** Archives are unpacked (ADD). */
  unpacks: boolean
  clock: Clock
}

export async function carryOutCopy(source: CopySource, plan: CopyPlan, target: FileSystem, options: CopyOptions): Promise<void> {
  const { clock } = options
  const owner = options.owner ?? { uid: 0, gid: 0 }
  const makeDirectory = (path: string) => {
    if (target.exists(path)) return
    if (path !== '/') makeDirectory(directoryName(path))
    target.mkdir(path, { mode: 0o755 })
    target.chown(path, owner.uid, owner.gid)
  }
  const destination = plan.target.replace(/(.)\/+$/, '$1')
  makeDirectory(plan.intoDirectory ? destination : directoryName(destination))
  for (const path of plan.paths) {
    const at = joinPath(source.directory, path)
    const followed = source.files.lstat(at).type === 'symlink' && source.files.exists(at) ? source.files.realpath(at) : at
    const stat = source.files.lstat(followed)
    const copyOptions = { clock, owner, ...(options.mode === undefined ? {} : { mode: options.mode }), wanted: isWanted(source, path) }
    // Of a directory what is in it is copied, not itself.
    if (stat.type === 'directory') { makeDirectory(destination); await copyTree(source.files, followed, target, destination, copyOptions); continue }
    if (options.unpacks && await unpack(source.files.readFile(followed), target, destination, clock)) continue
    await copyTree(source.files, followed, target, plan.intoDirectory ? joinPath(destination, baseName(path)) : destination, copyOptions)
  }
}

/** Unpacks a tar archive, gzipped or not. False where it isn't one. */
async function unpack(bytes: Uint8Array, target: FileSystem, directory: string, clock: Clock): Promise<boolean> {
  const isGzip = bytes[0] === 0x1f && bytes[1] === 0x8b
  const isTar = (data: Uint8Array) => data.length >= 512 && new TextDecoder().decode(data.subarray(257, 262)) === 'ustar'
  if (!isGzip && !isTar(bytes)) return false
  let plain: Uint8Array
  try {
    plain = isGzip ? await clock.outside(readAll(fromWebStream(new Blob([bytes as Uint8Array<ArrayBuffer>]).stream().pipeThrough(new DecompressionStream('gzip'))))) : bytes
  } catch {
    return false
  }
  if (!isTar(plain)) return false
  const reader = new TarReader(readerOf(plain))
  try {
    for (let entry = await reader.next(); entry; entry = await reader.next()) {
      await clock.breathe()
      const path = resolvePath(directory, entry.name.replace(/^\/+/, ''))
      if (entry.type === 'directory') target.mkdir(path, { recursive: true })
      else {
        target.mkdir(directoryName(path), { recursive: true })
        target.remove(path, { force: true, recursive: true })
        if (entry.type === 'symlink') { target.symlink(entry.linkName, path); continue }
        if (entry.type === 'link') { await copyTree(target, resolvePath(directory, entry.linkName), target, path, { clock }); continue }
        const chunks: Uint8Array[] = []
        for await (const chunk of reader.content()) chunks.push(chunk)
        target.writeFile(path, concatBytes(chunks))
      }
      target.chmod(path, entry.mode)
      target.chown(path, entry.uid, entry.gid)
      target.utimes(path, entry.modifiedMs, entry.modifiedMs)
    }
  } catch (error) {
    if (error instanceof TarFormatError) return false
    throw error
  }
  return true
}
