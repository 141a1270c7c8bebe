import { errno, errorText } from '../errno.ts'
import { MemoryFileSystem } from '../file-system.ts'
import { baseName, directoryName, joinPath, resolvePath } from '../path.ts'
import { listColumns } from '../shell/completion.ts'
import { UnixError } from '../types.ts'
import type { FileStat, Proc } from '../types.ts'
import { accountId, accountNames, humanSize, listingTime, modeText } from './listing.ts'
import { UsageError, parseOptions } from './utility.ts'
import type { ParsedOptions, Utility, UtilityContext } from './utility.ts'

interface Entry {
  name: string
  path: string
  stat: FileStat
}

/** ls */
export const ls: Utility = async (context) => {
  const { proc, busybox } = context
  const options = parseOptions(context.args, 'alA1hRtrSdFinpsLkgoGcuUXZ', { all: 'a', 'almost-all': 'A', 'human-readable': 'h', recursive: 'R', reverse: 'r', directory: 'd', classify: 'F', inode: 'i', 'numeric-uid-gid': 'n', size: 's', color: '_', 'color=': '_', 'full-time': 'T', 'group-directories-first': 'D' })
  const { has } = options
  const long = has('l', 'n', 'g', 'o', 'T')
  let status = 0
  const files: Entry[] = []
  const directories: Entry[] = []
  for (const name of options.operands.length > 0 ? options.operands : ['.']) {
    const path = proc.resolve(name)
    try {
      let stat = proc.fs.lstat(path + (name.endsWith('/') && path !== '/' ? '/' : ''))
      if (stat.type === 'symlink' && !long && !has('d')) try { stat = proc.fs.stat(path) } catch { /* A dangling link is listed as itself. */ }
      const entry = { name, path, stat }
      if (stat.type === 'directory' && !has('d')) directories.push(entry)
      else files.push(entry)
    } catch (error) {
      if (!(error instanceof UnixError)) throw error
      await context.complain(busybox ? `${name}: ${errorText(error)}` : `cannot access '${name}': ${errorText(error)}`)
      status = busybox ? 1 : 2
    }
  }
  if (files.length > 0) await printEntries(context, options, sortEntries(files, options))
  const titled = directories.length + files.length > 1 || has('R') || status !== 0 && options.operands.length > 1
  let first = files.length === 0
  const list = async (directory: Entry): Promise<void> => {
    let names: string[]
    try {
      names = proc.fs.readdir(directory.path)
    } catch (error) {
      if (!(error instanceof UnixError)) throw error
      await context.complain(busybox ? `can't open '${directory.name}': ${errorText(error)}` : `cannot open directory '${directory.name}': ${errorText(error)}`)
      status = busybox ? 1 : 2
      return
    }
    if (titled) await context.out(`${first ? '' : '\n'}${directory.name}:\n`)
    first = false
    if (!has('a', 'A')) names = names.filter((name) => !name.startsWith('.'))
    const entries = names.flatMap((name): Entry[] => {
      const path = joinPath(directory.path, name)
      try { return [{ name, path, stat: has('L') ? proc.fs.stat(path) : proc.fs.lstat(path) }] } catch { return [] }
    })
    const sorted = sortEntries(entries, options)
    if (has('a')) for (const dots of ['..', '.']) sorted.unshift({ name: dots, path: resolvePath(directory.path, dots), stat: proc.fs.stat(resolvePath(directory.path, dots)) })
    if (long) await context.out(`total ${Math.round(sorted.reduce((sum, { stat }) => sum + blocks(stat), 0))}\n`)
    await printEntries(context, options, sorted)
    if (has('R')) for (const entry of sorted) if (entry.stat.type === 'directory' && entry.name !== '.' && entry.name !== '..') await list({ ...entry, name: joinPath(directory.name, entry.name) })
  }
  for (const directory of sortEntries(directories, options)) await list(directory)
  return status
}

/** Major and minor number of a block device, as `ls -l` shows them. */
function blockNumbers(proc: Proc, path: string): string {
  const device = proc.fs instanceof MemoryFileSystem ? proc.fs.blockDevice(path) : undefined
  return device ? `${device.major},${String(device.minor).padStart(4)}` : '0,   0'
}

/** Kibibytes that a file takes on a disk with blocks of 4 KiB. */
function blocks(stat: FileStat): number {
  return stat.type === 'symlink' || stat.type === 'character' || stat.type === 'block' ? 0 : Math.ceil(stat.sizeBytes / 4096) * 4
}

function sortEntries(entries: Entry[], { has }: ParsedOptions): Entry[] {
  const order = has('t') ? (a: Entry, b: Entry) => b.stat.modifiedMs - a.stat.modifiedMs : has('S') ? (a: Entry, b: Entry) => b.stat.sizeBytes - a.stat.sizeBytes : () => 0
  const sorted = has('U') ? [...entries] : [...entries].sort((a, b) => order(a, b) || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
  if (has('D')) sorted.sort((a, b) => Number(b.stat.type === 'directory') - Number(a.stat.type === 'directory'))
  return has('r') ? sorted.reverse() : sorted
}

async function printEntries(context: UtilityContext, { has }: ParsedOptions, entries: readonly Entry[]): Promise<void> {
  const { proc } = context
  const mark = (entry: Entry) => has('F') ? { directory: '/', symlink: '@', fifo: '|', socket: '=', character: '', block: '', file: entry.stat.mode & 0o111 ? '*' : '' }[entry.stat.type] : has('p') && entry.stat.type === 'directory' ? '/' : ''
  const prefix = (entry: Entry) => `${has('i') ? `${String(entry.stat.inode).padStart(7)} ` : ''}${has('s') ? `${String(blocks(entry.stat)).padStart(4)} ` : ''}`
  if (!has('l', 'n', 'g', 'o', 'T')) {
    const names = entries.map((entry) => prefix(entry) + entry.name + mark(entry))
    if (!has('1') && proc.isTty(1)) await context.out(listColumns(names, proc.tty?.columns ?? 80))
    else await context.out(names.map((name) => `${name}\n`).join(''))
    return
  }
  const accounts = accountNames(proc)
  const rows = entries.map((entry) => ({
    entry, mode: modeText(entry.stat), links: String(entry.stat.links),
    user: has('n') ? String(entry.stat.uid) : accounts.user(entry.stat.uid), group: has('n') ? String(entry.stat.gid) : accounts.group(entry.stat.gid),
    size: entry.stat.type === 'character' ? '1,   3' : entry.stat.type === 'block' ? blockNumbers(proc, entry.path) : has('h') ? humanSize(entry.stat.sizeBytes) : String(entry.stat.sizeBytes),
  }))
  const widest = (key: 'links' | 'user' | 'group' | 'size') => Math.max(0, ...rows.map((row) => row[key].length))
  const widths = { links: widest('links'), user: widest('user'), group: widest('group'), size: widest('size') }
  const busybox = context.busybox
  let text = ''
  for (const { entry, mode, links, user, group, size } of rows) {
    const target = entry.stat.type === 'symlink' ? ` -> ${proc.fs.readlink(entry.path)}` : ''
    const time = has('T') ? new Date(entry.stat.modifiedMs).toISOString().replace('T', ' ').replace('Z', '000000 +0000') : listingTime(entry.stat.modifiedMs, proc.clock.nowMs())
    text += prefix(entry) + (busybox
      ? `${mode} ${links.padStart(4)} ${user.padEnd(8)} ${group.padEnd(8)} ${size.padStart(9)} ${time} ${entry.name}${mark(entry)}${target}\n`
      : `${mode} ${links.padStart(widths.links)} ${has('g') ? '' : `${user.padEnd(widths.user)} `}${has('o') ? '' : `${group.padEnd(widths.group)} `}${size.padStart(widths.size)} ${time} ${entry.name}${mark(entry)}${target}\n`)
  }
  await context.out(text)
}

/** Runs `work` for each operand; failures are worded by `message` and counted. */
export async function eachPath(context: UtilityContext, operands: readonly string[], work: (path: string, name: string) => Promise<void> | void, message: (name: string, text: string) => string): Promise<number> {
  let status = 0
  for (const name of operands) {
    try {
      await work(context.proc.resolve(name), name)
    } catch (error) {
      if (!(error instanceof UnixError)) throw error
      status = await context.complain(message(error.path && error.path !== context.proc.resolve(name) && error.path.startsWith('/') ? error.path : name, errorText(error)))
    }
  }
  return status
}

function needOperands(options: ParsedOptions, count = 1): void {
  if (options.operands.length < count) throw new UsageError(options.operands.length === 0 ? 'missing operand' : `missing destination file operand after '${options.operands[0]}'`, 'missing operand')
}

/** mkdir */
export const mkdir: Utility = async (context) => {
  const options = parseOptions(context.args, 'pm:v', { parents: 'p', 'mode=': 'm', verbose: 'v' })
  needOperands(options)
  const mode = options.value('m')
  return eachPath(context, options.operands, async (path, name) => {
    context.proc.fs.mkdir(path, { recursive: options.has('p') })
    if (mode !== undefined) context.proc.fs.chmod(path, newMode(mode, 0o777))
    if (options.has('v')) await context.out(`mkdir: created directory '${name}'\n`)
  }, (name, text) => context.busybox ? `can't create directory '${name}': ${text}` : `cannot create directory '${name}': ${text}`)
}

/** rmdir */
export const rmdir: Utility = async (context) => {
  const options = parseOptions(context.args, 'pv', { parents: 'p', 'ignore-fail-on-non-empty': 'i' })
  needOperands(options)
  return eachPath(context, options.operands, (path) => {
    removeDirectory(context.proc, path)
    if (options.has('p')) for (let parent = directoryName(path); parent !== '/' && context.proc.fs.readdir(parent).length === 0; parent = directoryName(parent)) removeDirectory(context.proc, parent)
  }, (name, text) => context.busybox ? `'${name}': ${text}` : `failed to remove '${name}': ${text}`)
}

function removeDirectory(proc: Proc, path: string): void {
  const { fs } = proc
  if (fs.rmdir) return fs.rmdir(path)
  if (fs.readdir(path).length > 0) throw errno('ENOTEMPTY', path)
  fs.remove(path, { recursive: true })
}

/** rm */
export const rm: Utility = async (context) => {
  const { proc, busybox } = context
  const options = parseOptions(context.args, 'rRfidvI', { recursive: 'r', force: 'f', dir: 'd', verbose: 'v', 'no-preserve-root': 'N', 'preserve-root': '_' })
  const recursive = options.has('r', 'R')
  if (options.operands.length === 0) { if (options.has('f')) return 0; throw new UsageError('missing operand') }
  return eachPath(context, options.operands, async (path, name) => {
    if (path === '/' && recursive && !busybox && !options.has('N')) throw new UnixError('EPERM', "it is dangerous to operate recursively on '/'")
    if (baseName(name) === '.' || baseName(name) === '..') throw new UnixError('EINVAL', "refusing to remove '.' or '..' directory")
    let stat: FileStat
    try { stat = proc.fs.lstat(path) } catch (error) { if (options.has('f') && (error as UnixError).code === 'ENOENT') return; throw error }
    if (stat.type === 'directory' && !recursive) { if (options.has('d')) return removeDirectory(proc, path); throw errno('EISDIR', path) }
    proc.fs.remove(path, { recursive })
    if (options.has('v')) await context.out(`removed ${stat.type === 'directory' ? 'directory ' : ''}'${name}'\n`)
  }, (name, text) => busybox ? text === 'Is a directory' ? `'${name}' is a directory` : `can't remove '${name}': ${text}` : text.startsWith('it is') ? text : `cannot remove '${name}': ${text}`)
}

/** Where a copy or move of `source` to `target` ends up. */
function destination(proc: Proc, source: string, target: string, intoDirectory: boolean): string {
  const path = proc.resolve(target)
  // A directory that is named by `.` or `..` has no name of its own: what is in it goes into the target.
  if (/(^|\/)\.\.?\/*$/.test(source)) return path
  return intoDirectory && isDirectory(proc, path) ? joinPath(path, baseName(proc.resolve(source))) : path
}

function isDirectory(proc: Proc, path: string): boolean {
  try { return proc.fs.stat(path).type === 'directory' } catch { return false }
}

/** cp */
export const cp: Utility = async (context) => {
  const { proc, busybox } = context
  const options = parseOptions(context.args, 'rRafpivdLPHTntu:s', { recursive: 'r', archive: 'a', force: 'f', 'no-clobber': 'n', verbose: 'v', 'preserve=': 'p', 'no-target-directory': 'T', 'target-directory=': 't' })
  needOperands(options, 2)
  const target = options.operands.at(-1)!
  const sources = options.operands.slice(0, -1)
  const recursive = options.has('r', 'R', 'a')
  if (sources.length > 1 && !isDirectory(proc, proc.resolve(target))) return context.complain(busybox ? `can't stat '${target}': No such file or directory` : `target '${target}': No such file or directory`)
  let status = 0
  const copy = async (from: string, to: string, shown: string): Promise<void> => {
    const stat = options.has('a', 'd', 'P') || (recursive && shown !== from) ? proc.fs.lstat(from) : proc.fs.stat(from)
    if (stat.type === 'directory') {
      if (!recursive) { status = await context.complain(busybox ? `omitting directory '${shown}'` : `-r not specified; omitting directory '${shown}'`); return }
      if ((to + '/').startsWith(from + '/')) { status = await context.complain(busybox ? `recursion detected, omitting directory '${shown}'` : `cannot copy a directory, '${shown}', into itself, '${target}'`); return }
      if (!proc.fs.exists(to)) proc.fs.mkdir(to, { mode: stat.mode })
      for (const name of proc.fs.readdir(from)) await copy(joinPath(from, name), joinPath(to, name), joinPath(shown, name))
    } else if (stat.type === 'symlink') {
      proc.fs.remove(to, { force: true })
      proc.fs.symlink(proc.fs.readlink(from), to)
      return
    } else {
      if (options.has('n') && proc.fs.exists(to)) return
      if (from === to) { status = await context.complain(`'${shown}' and '${target}' are the same file`); return }
      const program = proc.fs.program(from)
      if (program && proc.fs instanceof MemoryFileSystem) { proc.fs.remove(to, { force: true }); proc.fs.copyProgram(from, to) }
      else proc.fs.writeFile(to, proc.fs.readFile(from), { mode: stat.mode & 0o777 })
      if (options.has('v')) await context.out(`'${shown}' -> '${to}'\n`)
    }
    if (options.has('a', 'p')) {
      proc.fs.chmod(to, stat.mode)
      try { proc.fs.chown(to, stat.uid, stat.gid) } catch { /* Only root keeps owners. */ }
      proc.fs.utimes(to, stat.accessedMs, stat.modifiedMs)
    }
  }
  for (const source of sources) {
    try {
      await copy(proc.resolve(source), destination(proc, source, target, !options.has('T')), source)
    } catch (error) {
      if (!(error instanceof UnixError)) throw error
      const missing = !proc.fs.exists(proc.resolve(source))
      status = await context.complain(missing ? busybox ? `can't stat '${source}': ${errorText(error)}` : `cannot stat '${source}': ${errorText(error)}` : busybox ? `can't create '${target}': ${errorText(error)}` : `cannot create regular file '${target}': ${errorText(error)}`)
    }
  }
  return status
}

/** mv */
export const mv: Utility = async (context) => {
  const { proc, busybox } = context
  const options = parseOptions(context.args, 'finvTt', { force: 'f', 'no-clobber': 'n', verbose: 'v', 'no-target-directory': 'T' })
  needOperands(options, 2)
  const target = options.operands.at(-1)!
  const sources = options.operands.slice(0, -1)
  if (sources.length > 1 && !isDirectory(proc, proc.resolve(target))) return context.complain(busybox ? `can't rename '${sources[0]}': Not a directory` : `target '${target}': No such file or directory`)
  let status = 0
  for (const source of sources) {
    const from = proc.resolve(source)
    const to = destination(proc, source, target, !options.has('T'))
    try {
      if (options.has('n') && proc.fs.exists(to)) continue
      try {
        proc.fs.rename(from, to)
      } catch (error) {
        if ((error as UnixError).code !== 'EXDEV') throw error
        await copyAcross(proc, from, to)
        proc.fs.remove(from, { recursive: true })
      }
      if (options.has('v')) await context.out(`renamed '${source}' -> '${to}'\n`)
    } catch (error) {
      if (!(error instanceof UnixError)) throw error
      const missing = error.code === 'ENOENT' && !proc.fs.exists(from)
      status = await context.complain(busybox ? `can't rename '${source}': ${errorText(error)}` : missing ? `cannot stat '${source}': ${errorText(error)}` : `cannot move '${source}' to '${target}': ${errorText(error)}`)
    }
  }
  return status
}

async function copyAcross(proc: Proc, from: string, to: string): Promise<void> {
  const stat = proc.fs.lstat(from)
  if (stat.type === 'symlink') { proc.fs.symlink(proc.fs.readlink(from), to); return }
  if (stat.type === 'directory') {
    proc.fs.mkdir(to, { mode: stat.mode, recursive: true })
    for (const name of proc.fs.readdir(from)) await copyAcross(proc, joinPath(from, name), joinPath(to, name))
    return
  }
  proc.fs.writeFile(to, proc.fs.readFile(from), { mode: stat.mode })
}

/** ln */
export const ln: Utility = async (context) => {
  const { proc, busybox } = context
  const options = parseOptions(context.args, 'sfnvTr', { symbolic: 's', force: 'f', 'no-dereference': 'n', verbose: 'v' })
  needOperands(options)
  const operands = options.operands.length === 1 ? [options.operands[0]!, baseName(options.operands[0]!)] : options.operands
  const target = operands.at(-1)!
  let status = 0
  for (const source of operands.slice(0, -1)) {
    const path = destination(proc, source, target, !options.has('T') && !(options.has('n') && isLink(proc, proc.resolve(target))))
    try {
      if (options.has('f')) proc.fs.remove(path, { force: true })
      if (options.has('s')) proc.fs.symlink(source, path)
      else if (proc.fs.link) proc.fs.link(proc.resolve(source), path)
      else throw errno('ENOTSUP')
    } catch (error) {
      if (!(error instanceof UnixError)) throw error
      status = await context.complain(busybox ? `${target}: ${errorText(error)}` : `failed to create ${options.has('s') ? 'symbolic' : 'hard'} link '${target}': ${errorText(error)}`)
    }
  }
  return status
}

function isLink(proc: Proc, path: string): boolean {
  try { return proc.fs.lstat(path).type === 'symlink' } catch { return false }
}

/** touch */
export const touch: Utility = async (context) => {
  const { proc } = context
  const options = parseOptions(context.args, 'acmd:t:r:h', { 'no-create': 'c', 'date=': 'd', 'reference=': 'r' })
  needOperands(options)
  const reference = options.value('r')
  const given = options.value('d')
  const time = reference !== undefined ? proc.fs.stat(proc.resolve(reference)).modifiedMs : given !== undefined ? given.startsWith('@') ? Number(given.slice(1)) * 1000 : Date.parse(/[zZ]|[+-]\d\d:?\d\d$/.test(given) ? given : `${given.replace(' ', 'T')}Z`) : proc.clock.nowMs()
  if (Number.isNaN(time)) return context.complain(`invalid date format '${given}'`)
  return eachPath(context, options.operands, (path) => {
    if (!proc.fs.exists(path)) { if (options.has('c')) return; proc.fs.writeFile(path, '') }
    if (!['character', 'block'].includes(proc.fs.stat(path).type)) proc.fs.utimes(path, time, time)
  }, (name, text) => context.busybox ? `${name}: ${text}` : `cannot touch '${name}': ${text}`)
}

/** The mode that `u+x,go-w` or `644` makes of another. @throws UsageError */
function newMode(text: string, mode: number, isDir = false, umask = 0o022): number {
  if (/^[0-7]{1,4}$/.test(text)) return parseInt(text, 8)
  let result = mode
  for (const clause of text.split(',')) {
    const match = /^([ugoa]*)((?:[-+=][rwxXstugo]*)+)$/.exec(clause)
    if (!match) throw new UsageError(`invalid mode: '${text}'`, `invalid mode '${text}'`)
    const who = match[1] || 'a'
    const classes = who.includes('a') ? ['u', 'g', 'o'] : [...who]
    for (const [, operator, perms] of match[2]!.matchAll(/([-+=])([rwxXstugo]*)/g)) {
      for (const each of classes) {
        const shift = { u: 6, g: 3, o: 0 }[each]!
        let bits = 0
        for (const p of perms!) {
          if (p === 'r') bits |= 4
          else if (p === 'w') bits |= 2
          else if (p === 'x' || (p === 'X' && (isDir || mode & 0o111))) bits |= 1
          else if ('ugo'.includes(p)) bits |= (mode >> { u: 6, g: 3, o: 0 }[p]!) & 7
        }
        if (!match[1]) bits &= ~(umask >> shift) & 7
        if (operator === '+') result |= bits << shift
        else if (operator === '-') result &= ~(bits << shift)
        else result = (result & ~(7 << shift)) | (bits << shift)
      }
      if (perms!.includes('t')) result = operator === '-' ? result & ~0o1000 : result | 0o1000
      if (perms!.includes('s')) for (const each of classes) { const bit = each === 'u' ? 0o4000 : each === 'g' ? 0o2000 : 0; result = operator === '-' ? result & ~bit : result | bit }
    }
  }
  return result
}

/** Paths below an operand, itself first. */
function* descend(proc: Proc, path: string): Generator<string> {
  yield path
  if (proc.fs.lstat(path).type === 'directory') for (const name of proc.fs.readdir(path)) yield* descend(proc, joinPath(path, name))
}

/** chmod */
export const chmod: Utility = async (context) => {
  const { proc, busybox } = context
  const args = context.args.map((arg) => /^-[rwxXst]/.test(arg) && !/^-R/.test(arg) ? `\0${arg}` : arg)
  const options = parseOptions(args, 'Rvcf', { recursive: 'R' })
  const [mode, ...names] = options.operands
  if (mode === undefined || names.length === 0) throw new UsageError(mode === undefined ? 'missing operand' : `missing operand after '${mode}'`)
  const text = mode.replace('\0', '')
  return eachPath(context, names, (path) => {
    for (const each of options.has('R') ? descend(proc, path) : [path]) { const stat = proc.fs.stat(each); proc.fs.chmod(each, newMode(text, stat.mode, stat.type === 'directory')) }
  }, (name, reason) => busybox ? `${name}: ${reason}` : reason === 'No such file or directory' ? `cannot access '${name}': ${reason}` : `changing permissions of '${name}': ${reason}`)
}

/** chown and chgrp */
export const chown: Utility = async (context) => {
  const { proc, busybox } = context
  const options = parseOptions(context.args, 'RvhcfLHP', { recursive: 'R', 'no-dereference': 'h' })
  const [owner, ...names] = options.operands
  if (owner === undefined || names.length === 0) throw new UsageError('missing operand')
  const [userText, groupText] = context.name === 'chgrp' ? ['', owner] : owner.split(/[:.]/, 2)
  const uid = userText ? accountId(proc, 'user', userText) : -1
  const gid = groupText ? accountId(proc, 'group', groupText) : -1
  if (uid === undefined) return context.complain(busybox ? `unknown user ${userText}` : `invalid user: '${owner}'`)
  if (gid === undefined) return context.complain(busybox ? `unknown group ${groupText}` : `invalid group: '${owner}'`)
  return eachPath(context, names, (path) => { for (const each of options.has('R') ? descend(proc, path) : [path]) proc.fs.chown(each, uid, gid) },
    (name, reason) => busybox ? `${name}: ${reason}` : reason === 'No such file or directory' ? `cannot access '${name}': ${reason}` : `changing ownership of '${name}': ${reason}`)
}

const TYPE_NAMES = { file: 'regular file', directory: 'directory', symlink: 'symbolic link', fifo: 'fifo', character: 'character special file', block: 'block special file', socket: 'socket' } as const

/** stat */
export const stat: Utility = async (context) => {
  const { proc, busybox } = context
  const options = parseOptions(context.args, 'c:Lft', { 'format=': 'c', 'printf=': 'P', dereference: 'L' })
  needOperands(options)
  const accounts = accountNames(proc)
  return eachPath(context, options.operands, async (path, name) => {
    const s = options.has('L') ? proc.fs.stat(path) : proc.fs.lstat(path)
    const time = (ms: number) => new Date(ms).toISOString().replace('T', ' ').replace('Z', '000000 +0000')
    const format = options.value('c') ?? options.value('P')
    const kind = s.type === 'file' && s.sizeBytes === 0 ? 'regular empty file' : TYPE_NAMES[s.type]
    if (format !== undefined) {
      const text = format.replace(/%([a-zA-Z%])/g, (_, code: string) => ({
        n: name, N: `'${name}'`, s: String(s.sizeBytes), a: s.mode.toString(8), A: modeText(s), f: ((s.type === 'directory' ? 0x4000 : s.type === 'symlink' ? 0xa000 : s.type === 'block' ? 0x6000 : s.type === 'character' ? 0x2000 : s.type === 'fifo' ? 0x1000 : s.type === 'socket' ? 0xc000 : 0x8000) | s.mode).toString(16), u: String(s.uid), g: String(s.gid), U: accounts.user(s.uid), G: accounts.group(s.gid), F: kind, i: String(s.inode), h: String(s.links), b: String(blocks(s) * 2), B: '512', o: '4096', y: time(s.modifiedMs), Y: String(Math.floor(s.modifiedMs / 1000)), x: time(s.accessedMs), X: String(Math.floor(s.accessedMs / 1000)), z: time(s.changedMs), Z: String(Math.floor(s.changedMs / 1000)), w: '-', W: '0', m: '/', d: '65024', D: 'fe00', t: '0', T: '0', '%': '%',
      })[code] ?? `%${code}`)
      await context.out(options.has('P') ? text.replaceAll('\\n', '\n') : `${text}\n`)
      return
    }
    const target = s.type === 'symlink' ? ` -> ${proc.fs.readlink(path)}` : ''
    await context.out(`  File: ${name}${target}\n  Size: ${String(s.sizeBytes).padEnd(10)}\tBlocks: ${String(blocks(s) * 2).padEnd(10)} IO Block: 4096   ${kind}\nDevice: ${busybox ? 'fe00h/65024d' : '254,0'}\tInode: ${String(s.inode).padEnd(11)} Links: ${s.links}\nAccess: (${(s.mode & 0o7777).toString(8).padStart(4, '0')}/${modeText(s)})  Uid: (${String(s.uid).padStart(5)}/${accounts.user(s.uid).padStart(8)})   Gid: (${String(s.gid).padStart(5)}/${accounts.group(s.gid).padStart(8)})\nAccess: ${time(s.accessedMs)}\nModify: ${time(s.modifiedMs)}\nChange: ${time(s.changedMs)}\n${busybox ? '' : ' Birth: -\n'}`)
  }, (name, reason) => busybox ? `can't stat '${name}': ${reason}` : `cannot statx '${name}': ${reason}`)
}

/** readlink and realpath */
export const readlink: Utility = async (context) => {
  const options = parseOptions(context.args, 'fenmsqvz', {})
  needOperands(options)
  let status = 0
  for (const name of options.operands) {
    try {
      const path = context.proc.resolve(name)
      const text = options.has('f', 'e', 'm') ? context.proc.fs.exists(path) ? context.proc.fs.realpath(path) : joinPath(context.proc.fs.realpath(directoryName(path)), baseName(path)) : context.proc.fs.readlink(path)
      await context.out(options.has('n') ? text : `${text}\n`)
    } catch (error) {
      if (!(error instanceof UnixError)) throw error
      status = 1
    }
  }
  return status
}

export const realpath: Utility = async (context) => {
  const options = parseOptions(context.args, 'esmqz', {})
  needOperands(options)
  return eachPath(context, options.operands, async (path) => { await context.out(`${context.proc.fs.exists(path) ? context.proc.fs.realpath(path) : options.has('e') ? context.proc.fs.realpath(path) : joinPath(context.proc.fs.realpath(directoryName(path)), baseName(path))}\n`) }, (name, text) => `${name}: ${text}`)
}

/** mktemp */
export const mktemp: Utility = async (context) => {
  const { proc } = context
  const options = parseOptions(context.args, 'dup:tq', { directory: 'd', 'tmpdir=': 'p' })
  const template = options.operands[0] ?? 'tmp.XXXXXXXXXX'
  if (!/X{3}/.test(template)) return context.complain(context.busybox ? `Invalid argument` : `too few X's in template '${template}'`)
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
  const name = template.replace(/X+(?=[^X]*$)/, (xs) => Array.from(xs, () => proc.random.pick([...letters])).join(''))
  const directory = options.operands[0] === undefined || options.has('p', 't') ? options.value('p') ?? proc.env.TMPDIR ?? '/tmp' : ''
  const path = directory ? joinPath(directory, name) : name
  if (!options.has('u')) {
    if (options.has('d')) proc.fs.mkdir(proc.resolve(path), { mode: 0o700 })
    else proc.fs.writeFile(proc.resolve(path), '', { mode: 0o600 })
  }
  await context.out(`${path}\n`)
  return 0
}

/** mkfifo */
export const mkfifo: Utility = async (context) => eachPath(context, parseOptions(context.args, 'm:').operands, (path) => {
  if (!context.proc.fs.mkfifo) throw errno('ENOTSUP')
  context.proc.fs.mkfifo(path)
}, (name, text) => `cannot create fifo '${name}': ${text}`)

/** du */
export const du: Utility = async (context) => {
  const { proc } = context
  const options = parseOptions(context.args, 'shackd:bmxHL', { summarize: 's', 'human-readable': 'h', all: 'a', total: 'c', 'max-depth=': 'd', bytes: 'b' })
  const depth = options.has('s') ? 0 : Number(options.value('d') ?? Infinity)
  const shown = (bytes: number) => options.has('h') ? humanSize(bytes) : options.has('b') ? String(bytes) : options.has('m') ? String(Math.ceil(bytes / 2 ** 20)) : String(Math.ceil(bytes / 1024))
  let total = 0
  const walk = async (path: string, name: string, level: number): Promise<number> => {
    const s = proc.fs.lstat(path)
    let bytes = options.has('b') ? s.sizeBytes : blocks(s) * 1024
    if (s.type === 'directory') {
      let names: string[] = []
      try { names = proc.fs.readdir(path) } catch (error) { await context.complain(context.busybox ? `can't open '${name}': ${errorText(error)}` : `cannot read directory '${name}': ${errorText(error)}`) }
      for (const child of names) bytes += await walk(joinPath(path, child), joinPath(name, child), level + 1)
    }
    if (level <= depth && (s.type === 'directory' || level === 0 || options.has('a'))) await context.out(`${shown(bytes)}\t${name}\n`)
    return bytes
  }
  const status = await eachPath(context, options.operands.length > 0 ? options.operands : ['.'], async (path, name) => { total += await walk(path, name, 0) }, (name, text) => context.busybox ? `${name}: ${text}` : `cannot access '${name}': ${text}`)
  if (options.has('c')) await context.out(`${shown(total)}\ttotal\n`)
  return status
}

const DISK_BYTES = 64 * 2 ** 30

/** df */
export const df: Utility = async (context) => {
  const { proc } = context
  const options = parseOptions(context.args, 'hkmTaPiB:', { 'human-readable': 'h', 'print-type': 'T', all: 'a' })
  const { fs } = proc
  if (!(fs instanceof MemoryFileSystem)) return context.complain('cannot read table of mounted file systems')
  let mounts = fs.mounts().filter((mount) => mount.type !== 'proc' && mount.type !== 'cgroup2')
  if (options.operands.length > 0) {
    mounts = options.operands.flatMap((name) => {
      const path = fs.realpath(proc.resolve(name))
      return mounts.filter((mount) => path === mount.path || path.startsWith(mount.path === '/' ? '/' : `${mount.path}/`)).sort((a, b) => b.path.length - a.path.length).slice(0, 1)
    })
  }
  const rows = mounts.map((mount) => {
    const sizeBytes = Number.isFinite(mount.tree.sizeLimitBytes) ? mount.tree.sizeLimitBytes : DISK_BYTES
    const used = Math.ceil(mount.tree.usedBytes / BLOCK_BYTES) * BLOCK_BYTES
    const shown = (bytes: number) => options.has('h') ? (context.busybox ? oneDecimal(bytes) : humanSize(bytes)) : options.has('m') ? String(Math.ceil(bytes / 2 ** 20)) : String(Math.ceil(bytes / 1024))
    return [mount.source, ...(options.has('T') ? [mount.type] : []), shown(sizeBytes), shown(used), shown(sizeBytes - used), `${Math.ceil(used / sizeBytes * 100)}%`, mount.path]
  })
  const header = ['Filesystem', ...(options.has('T') ? ['Type'] : []), options.has('h') ? 'Size' : options.has('m') ? '1M-blocks' : '1K-blocks', 'Used', options.has('h') ? 'Avail' : 'Available', 'Use%', 'Mounted on']
  const table = [header, ...rows]
  const left = options.has('T') ? 2 : 1
  // The least widths of columns are those that each family gives them.
  const least = (i: number) => i === 0 ? (context.busybox ? 20 : 14) : i < left ? (context.busybox ? 10 : 4) : i < left + 3 ? (context.busybox ? 9 : 5) : 0
  const widths = header.map((_, i) => Math.max(least(i), ...table.map((row) => row[i]!.length)))
  await context.out(table.map((row) => `${row.map((cell, i) => i === row.length - 1 ? cell : i < left ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)).join(' ')}\n`).join(''))
  return 0
}

/** What files take of a disk at least. */
const BLOCK_BYTES = 4096

/** A size as BusyBox' df shows it for people: always with one decimal. */
function oneDecimal(bytes: number): string {
  let value = bytes / 1024
  let unit = 0
  while (value >= 1024 && unit < 4) { value /= 1024; unit += 1 }
  return bytes === 0 ? '0' : `${value.toFixed(1)}${'KMGTP'[unit]}`
}

/** basename and dirname */
export const basename: Utility = async (context) => {
  const options = parseOptions(context.args, 'as:z', { multiple: 'a', 'suffix=': 's' })
  if (options.operands.length === 0) throw new UsageError('missing operand')
  const many = options.has('a', 's')
  for (const name of many ? options.operands : options.operands.slice(0, 1)) {
    const base = baseName(name)
    const suffix = options.value('s') ?? (many ? '' : options.operands[1] ?? '')
    await context.out(`${suffix && base.endsWith(suffix) && base !== suffix ? base.slice(0, -suffix.length) : base}\n`)
  }
  return 0
}

export const dirname: Utility = async (context) => {
  if (context.args.length === 0) throw new UsageError('missing operand')
  for (const name of context.args) await context.out(`${directoryName(name)}\n`)
  return 0
}
