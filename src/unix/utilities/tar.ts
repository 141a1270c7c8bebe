import { fromWebStream, readAll, readerOf } from '../../base/streams.ts'
import type { ByteReader } from '../../base/streams.ts'
import { errorText } from '../errno.ts'
import { baseName, directoryName, joinPath, resolvePath } from '../path.ts'
import { UnixError } from '../types.ts'
import type { FileStat } from '../types.ts'
import { accountNames, modeText } from './listing.ts'
import { BLOCK_BYTES, TarFormatError, TarReader, encodeHeader, paddingOf } from './tar-format.ts'
import type { TarEntry } from './tar-format.ts'
import { UsageError, openInput } from './utility.ts'
import type { Utility, UtilityContext } from './utility.ts'

/** GNU tar writes records of 20 blocks. */
const RECORD_BYTES = 20 * BLOCK_BYTES

interface TarOptions {
  mode: 'c' | 'x' | 't'
  archive: string
  flags: Set<string>
  stripComponents: number
  exclude: RegExp[]
  /** What to work on, and in which directory: `-C` holds for what follows it. */
  members: { directory: string; name: string }[]
  /** Where `-C` has led in the end. */
  directory: string
}

const WITH_VALUE = new Set(['f', 'C', 'X', 'T', 'strip-components', 'exclude', 'owner', 'group', 'mode', 'warning', 'format', 'sort', 'mtime', 'b'])
const LONG: Readonly<Record<string, string>> = {
  create: 'c', extract: 'x', get: 'x', list: 't', file: 'f', gzip: 'z', gunzip: 'z', ungzip: 'z', verbose: 'v', directory: 'C', touch: 'm', 'preserve-permissions': 'p', 'same-permissions': 'p', 'no-same-owner': 'o', 'to-stdout': 'O', stdout: 'O',
  dereference: 'h', 'auto-compress': 'a', 'keep-old-files': 'k', 'absolute-names': 'P', 'exclude-from': 'X', 'files-from': 'T',
}
const IGNORED = new Set(['same-owner', 'no-same-permissions', 'no-recursion', 'overwrite', 'numeric-owner', 'owner', 'group', 'mode', 'warning', 'format', 'sort', 'mtime', 'b', 'no-overwrite-dir', 'unlink-first', 'one-file-system', 'sparse'])

/** Ends with GNU's last words or, in BusyBox, right away. */
class TarFailure extends Error {}

/** tar: creates, extracts and lists, and never holds more than a chunk unless it compresses. */
export const tar: Utility = async (context) => {
  try {
    const options = parseTar(context)
    if (options.mode === 'c') return await create(context, options)
    return await read(context, options)
  } catch (error) {
    if (error instanceof TarFailure) {
      await context.complain(error.message)
      if (!context.busybox) await context.complain('Error is not recoverable: exiting now')
      return context.busybox ? 1 : 2
    }
    if (!(error instanceof TarFormatError)) throw error
    if (context.busybox) return context.complain(error.reason === 'too short' ? 'short read' : 'invalid tar magic')
    await context.complain(error.reason === 'too short' ? 'Unexpected EOF in archive' : 'This does not look like a tar archive')
    await context.complain(error.reason === 'too short' ? 'Error is not recoverable: exiting now' : 'Exiting with failure status due to previous errors')
    return 2
  }
}

function parseTar({ proc, args, busybox }: UtilityContext): TarOptions {
  const modes = new Set<string>()
  const options: TarOptions = { mode: 'x', archive: '-', flags: new Set(), stripComponents: 0, exclude: [], members: [], directory: proc.cwd }
  const lines = (path: string) => proc.fs.readText(proc.resolve(path)).split('\n').filter((line) => line !== '')
  const set = (key: string, value: string | undefined): void => {
    if (key === 'c' || key === 'x' || key === 't') modes.add(options.mode = key)
    else if (key === 'f') options.archive = value!
    else if (key === 'C') options.directory = changeDirectory(value!)
    else if (key === 'T') for (const name of lines(value!)) options.members.push({ directory: options.directory, name })
    else if (key === 'X') options.exclude.push(...lines(value!).map(excluding))
    else if (key === 'exclude') options.exclude.push(excluding(value!))
    else if (key === 'strip-components') options.stripComponents = Number(value)
    else if ('zvmpoOhakP'.includes(key) && key.length === 1) options.flags.add(key)
    else if ('rudA'.includes(key) && key.length === 1) throw new UsageError(`-${key}: changing an archive is not supported`, undefined, 2)
    else if ('jJ'.includes(key) && key.length === 1) throw new UsageError(`-${key}: only gzip is supported`, undefined, 2)
    else if (!IGNORED.has(key)) throw new UsageError(key.length === 1 ? `invalid option -- '${key}'` : `unrecognized option '--${key}'`, key.length === 1 ? `invalid option -- '${key}'` : `unrecognized option: ${key}`, busybox ? 1 : 2)
  }
  const changeDirectory = (path: string): string => {
    const directory = resolvePath(options.directory, path)
    let problem = 'Not a directory'
    try { if (proc.fs.stat(directory).type === 'directory') return directory } catch (error) { if (!(error instanceof UnixError)) throw error; problem = errorText(error) }
    throw new TarFailure(busybox ? `can't change directory to '${path}': ${problem}` : `${path}: Cannot open: ${problem}`)
  }
  const rest = [...args]
  const valueOf = (key: string): string => {
    const value = rest.shift()
    if (value === undefined) throw new UsageError(key.length === 1 ? `option requires an argument -- '${key}'` : `option '--${key}' requires an argument`, undefined, busybox ? 1 : 2)
    return value
  }
  // The old way: letters without a dash, whose values follow in order.
  if (rest[0] !== undefined && !rest[0].startsWith('-')) for (const letter of rest.shift()!) set(letter, WITH_VALUE.has(letter) ? valueOf(letter) : undefined)
  let operandsOnly = false
  while (rest.length > 0) {
    const arg = rest.shift()!
    if (operandsOnly || !/^-./.test(arg)) options.members.push({ directory: options.directory, name: arg })
    else if (arg === '--') operandsOnly = true
    else if (arg.startsWith('--')) {
      const [given, ...value] = arg.slice(2).split('=')
      const key = LONG[given!] ?? given!
      set(key, WITH_VALUE.has(key) ? value.length > 0 ? value.join('=') : valueOf(given!) : undefined)
    } else {
      for (let i = 1; i < arg.length; i++) {
        const letter = arg[i]!
        if (!WITH_VALUE.has(letter)) { set(letter, undefined); continue }
        set(letter, arg.slice(i + 1) || valueOf(letter))
        break
      }
    }
  }
  if (modes.size === 0) throw new UsageError("You must specify one of the '-Acdtrux', '--delete' or '--test-label' options", 'one of -c, -x or -t must be given', busybox ? 1 : 2)
  if (modes.size > 1) throw new UsageError("You may not specify more than one '-Acdtrux', '--delete' or  '--test-label' option", 'only one of -c, -x and -t can be given', busybox ? 1 : 2)
  return options
}

/** A name pattern of `--exclude`: it may match from any slash on, and wildcards match slashes too. */
function excluding(pattern: string): RegExp {
  return new RegExp(`(?:^|/)${pattern.replace(/\/$/, '').replace(/[.+^${}()|\\]/g, '\\$&').replaceAll('*', '.*').replaceAll('?', '.')}(?:/|$)`, 's')
}

/** Member names are relative and stay below where they are extracted. */
function safeName(name: string): { name: string; removed: string } {
  const removed = /^(?:.*(?:^|\/)\.\.(?:\/|$))?\/*/s.exec(name)![0]
  return { name: name.slice(removed.length), removed }
}

function prefixWarning({ busybox, complain }: UtilityContext): (removed: string) => Promise<void> {
  let told = false
  return async (removed) => {
    if (told || removed === '') return
    told = true
    await complain(busybox ? `removing leading '${removed}' from member names` : `Removing leading \`${removed}' from member names`)
  }
}

// --- creating ----------------------------------------------------------------------------------------------------------------------

async function create(context: UtilityContext, options: TarOptions): Promise<number> {
  const { proc, busybox } = context
  const { flags, archive } = options
  if (options.members.length === 0) {
    if (busybox) return context.complain('empty archive')
    throw new UsageError('Cowardly refusing to create an empty archive', undefined, 2)
  }
  if (archive === '-' && proc.isTty(1)) throw new TarFailure(busybox ? "can't write archive to a terminal" : 'Refusing to write archive contents to terminal (missing -f option?)')
  const compresses = flags.has('z') || flags.has('a') && /\.(?:tgz|tar\.gz|gz)$/.test(archive)
  const archivePath = archive === '-' ? undefined : proc.resolve(archive)
  const file = openArchive(context, archive, archivePath)
  const send = (data: Uint8Array): Promise<void> => file ? file.write(data) : context.out(data)
  const held: Uint8Array<ArrayBuffer>[] = []
  let written = 0
  const write = async (data: Uint8Array): Promise<void> => {
    written += data.length
    if (compresses) held.push(new Uint8Array(data))
    else await send(data)
  }
  const warn = prefixWarning(context)
  const accounts = accountNames(proc)
  let failed = false
  const fail = async (name: string, error: unknown, doing: string): Promise<void> => {
    if (!(error instanceof UnixError)) throw error
    failed = true
    await context.complain(busybox ? `${doing === 'open' ? `can't open '${name}'` : name}: ${errorText(error)}` : `${name}: Cannot ${doing}: ${errorText(error)}`)
  }
  const add = async (path: string, name: string): Promise<void> => {
    if (options.exclude.some((each) => each.test(name))) return
    let stat: FileStat
    try { stat = flags.has('h') ? proc.fs.stat(path) : proc.fs.lstat(path) } catch (error) { return fail(name, error, 'stat') }
    if (path === archivePath) { await context.complain(busybox ? `${name}: file is the archive; skipping` : `${name}: file is the archive; not dumped`); return }
    if (stat.type === 'socket' || stat.type === 'character' || stat.type === 'block') return
    const isDirectory = stat.type === 'directory'
    let names: string[] = []
    let content: ReturnType<typeof openInput> | undefined
    try {
      if (isDirectory) names = proc.fs.readdir(path)
      else if (stat.type === 'file') content = openInput(proc, path)
    } catch (error) { return fail(name, error, 'open') }
    try {
      const plain = name.replace(/(.)\/+$/, '$1')
      const stored = flags.has('P') ? { name: plain, removed: '' } : safeName(plain)
      await warn(stored.removed)
      const memberName = (stored.name || (isDirectory ? '.' : plain)) + (isDirectory && stored.name !== '/' ? '/' : '')
      if (!(isDirectory && stored.name === '' && stored.removed !== '')) {
        await write(encodeHeader({
          type: stat.type === 'file' || isDirectory || stat.type === 'symlink' || stat.type === 'fifo' ? stat.type : 'other', name: memberName, linkName: stat.type === 'symlink' ? proc.fs.readlink(path) : '',
          mode: stat.mode, uid: stat.uid, gid: stat.gid, userName: accountName(accounts.user(stat.uid)), groupName: accountName(accounts.group(stat.gid)), sizeBytes: content ? stat.sizeBytes : 0, modifiedMs: stat.modifiedMs,
        }))
        if (flags.has('v')) await (file ? context.out : context.err)(`${busybox ? memberName : isDirectory ? `${plain}/` : plain}\n`)
      }
      if (content) {
        // A file that grows or shrinks meanwhile has the size that its header says.
        let left = stat.sizeBytes
        for (let chunk = left > 0 ? await content.read() : null; chunk && left > 0; chunk = left > 0 ? await content.read() : null) {
          const mine = chunk.subarray(0, left)
          left -= mine.length
          await write(mine)
        }
        await write(new Uint8Array(left + paddingOf(stat.sizeBytes)))
      }
      await proc.clock.breathe()
    } finally { content?.close() }
    for (const each of names) await add(joinPath(path, each), name.endsWith('/') ? name + each : `${name}/${each}`)
  }
  try {
    for (const { directory, name } of options.members) await add(resolvePath(directory, name), name)
    await write(new Uint8Array(2 * BLOCK_BYTES))
    await write(new Uint8Array((RECORD_BYTES - written % RECORD_BYTES) % RECORD_BYTES))
    if (compresses) await send(await proc.clock.outside(readAll(fromWebStream(new Blob(held).stream().pipeThrough(new CompressionStream('gzip'))))))
  } finally { file?.close() }
  if (failed) await context.complain(busybox ? 'error exit delayed from previous errors' : 'Exiting with failure status due to previous errors')
  return failed ? busybox ? 1 : 2 : 0
}

function openArchive({ proc, busybox }: UtilityContext, name: string, path: string | undefined): ReturnType<UtilityContext['proc']['fs']['open']> | undefined {
  try {
    return path === undefined ? undefined : proc.fs.open(path, 'w')
  } catch (error) {
    if (!(error instanceof UnixError)) throw error
    throw new TarFailure(busybox ? `can't open '${name}': ${errorText(error)}` : `${name}: Cannot open: ${errorText(error)}`)
  }
}

/** Accounts without a name have none in archives either. */
function accountName(name: string): string {
  return /^\d+$/.test(name) ? '' : name
}

// --- extracting and listing ----------------------------------------------------------------------------------------------------------

async function read(context: UtilityContext, options: TarOptions): Promise<number> {
  const { proc, busybox } = context
  const { flags } = options
  const input = await openForReading(context, options)
  const reader = new TarReader(input)
  const warn = prefixWarning(context)
  const wanted = new Map(options.members.map(({ name }) => [name.replace(/(.)\/+$/, '$1'), false]))
  const later: (() => void)[] = []
  let failed = false
  for (let entry = await reader.next(); entry; entry = await reader.next()) {
    const plain = entry.name.replace(/(.)\/+$/, '$1')
    if (options.exclude.some((each) => each.test(plain))) continue
    const match = [...wanted.keys()].find((name) => plain === name || plain.startsWith(`${name}/`))
    if (wanted.size > 0 && match === undefined) continue
    if (match !== undefined) wanted.set(match, true)
    if (options.mode === 't') {
      await context.out(`${flags.has('v') ? longLine(entry, busybox) : entry.name}\n`)
      continue
    }
    const stripped = entry.name.split('/').filter((part, i) => i > 0 || part !== '').slice(options.stripComponents).join('/')
    if (options.stripComponents > 0 && stripped === '') continue
    const stored = flags.has('P') ? { name: entry.name, removed: '' } : safeName(options.stripComponents > 0 ? stripped : entry.name)
    await warn(stored.removed)
    if (flags.has('v')) await (flags.has('O') ? context.err : context.out)(`${entry.name}\n`)
    if (flags.has('O')) {
      if (entry.type === 'file') for await (const chunk of reader.content()) await context.out(chunk)
      continue
    }
    try {
      await extract(context, options, entry, resolvePath(options.directory, stored.name.replace(/\/+$/, '') || '.'), reader, later)
    } catch (error) {
      if (!(error instanceof UnixError)) throw error
      if (busybox) throw new TarFailure(entry.type === 'directory' ? `can't make dir ${plain}: ${errorText(error)}` : `can't open '${plain}': ${errorText(error)}`)
      failed = true
      await context.complain(`${plain}: Cannot ${entry.type === 'directory' ? 'mkdir' : entry.type === 'symlink' ? `create symlink to '${entry.linkName}'` : 'open'}: ${errorText(error)}`)
    }
    await proc.clock.breathe()
  }
  if (reader.empty && busybox) throw new TarFormatError('too short')
  // Directories get their times and modes when nothing is put into them any more.
  for (const finish of later.reverse()) finish()
  for (const [name, found] of wanted) if (!found) { failed = true; await context.complain(busybox ? `${name}: not found in archive` : `${name}: Not found in archive`) }
  if (failed && !busybox) await context.complain('Exiting with failure status due to previous errors')
  return failed ? busybox ? 1 : 2 : 0
}

async function openForReading(context: UtilityContext, { archive, flags }: TarOptions): Promise<ByteReader> {
  const { proc, busybox } = context
  let input: ByteReader
  try {
    input = openInput(proc, archive)
  } catch (error) {
    if (!(error instanceof UnixError)) throw error
    throw new TarFailure(busybox ? `can't open '${archive}': ${errorText(error)}` : `${archive}: Cannot open: ${errorText(error)}`)
  }
  const first = await input.read()
  const isGzip = first !== null && first[0] === 0x1f && (first.length < 2 || first[1] === 0x8b)
  if (isGzip && !flags.has('z') && archive === '-') throw new TarFailure(busybox ? 'invalid tar magic' : 'Archive is compressed. Use -z option')
  if (first && flags.has('z') && !isGzip) throw new TarFailure(busybox ? 'invalid magic' : 'gzip: stdin: not in gzip format')
  let rest = first
  const whole: ByteReader = { read: async () => { const chunk = rest; rest = null; return chunk ?? input.read() }, cancel: () => input.cancel() }
  if (!isGzip) return whole
  const packed = new Uint8Array(await readAll(whole))
  try {
    return readerOf(await proc.clock.outside(readAll(fromWebStream(new Blob([packed]).stream().pipeThrough(new DecompressionStream('gzip'))))))
  } catch {
    throw new TarFailure(busybox ? 'corrupted data' : 'gzip: stdin: unexpected end of file')
  }
}

async function extract({ proc }: UtilityContext, { flags, directory }: TarOptions, entry: TarEntry, path: string, reader: TarReader, later: (() => void)[]): Promise<void> {
  const { fs } = proc
  const isRoot = proc.user.uid === 0
  const mode = isRoot || flags.has('p') ? entry.mode : entry.mode & ~(fs.umask ?? 0o022)
  const kind = (at: string) => { try { return fs.lstat(at).type } catch { return undefined } }
  const finish = () => {
    if (isRoot && !flags.has('o')) fs.chown(path, entry.uid, entry.gid)
    fs.chmod(path, mode)
    if (!flags.has('m')) fs.utimes(path, entry.modifiedMs, entry.modifiedMs)
  }
  if (entry.type === 'directory') {
    if (!fs.exists(path)) { fs.mkdir(path, { recursive: true }); later.push(finish) }
    else if (fs.stat(path).type !== 'directory') throw new UnixError('EEXIST', undefined, path)
    return
  }
  if (!fs.exists(directoryName(path))) fs.mkdir(directoryName(path), { recursive: true })
  const before = kind(path)
  if (before !== undefined && flags.has('k')) throw new UnixError('EEXIST', undefined, path)
  if (before === 'directory') throw new UnixError('EISDIR', undefined, path)
  if (before !== undefined) fs.remove(path)
  if (entry.type === 'symlink') return fs.symlink(entry.linkName, path)
  if (entry.type === 'link') return fs.link ? fs.link(resolvePath(directory, safeName(entry.linkName).name), path) : fs.writeFile(path, fs.readFile(resolvePath(directory, safeName(entry.linkName).name)))
  if (entry.type === 'fifo') fs.mkfifo?.(path)
  else if (entry.type === 'file') {
    const file = fs.open(path, 'w')
    try { for await (const chunk of reader.content()) await file.write(chunk) } finally { file.close() }
  } else throw new UnixError('EPERM', undefined, baseName(path))
  finish()
}

/** A line of `tar -tv`. */
function longLine(entry: TarEntry, busybox: boolean): string {
  const mode = (entry.type === 'link' && !busybox ? 'h' : '') + modeText({ type: entry.type === 'link' || entry.type === 'other' ? 'file' : entry.type, mode: entry.mode }).slice(entry.type === 'link' && !busybox ? 1 : 0)
  const owner = `${entry.userName || entry.uid}/${entry.groupName || entry.gid}`
  const size = String(entry.sizeBytes)
  const time = new Date(entry.modifiedMs).toISOString().replace('T', ' ').slice(0, busybox ? 19 : 16)
  const target = entry.type === 'symlink' ? ` -> ${entry.linkName}` : entry.type === 'link' ? busybox ? ` -> ${entry.linkName}` : ` link to ${entry.linkName}` : ''
  return `${mode} ${owner} ${busybox ? size.padStart(9) : size.padStart(Math.max(size.length, 18 - owner.length))} ${time} ${entry.name}${target}`
}
