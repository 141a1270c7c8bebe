import { readAll } from '../../base/streams.ts'
import { errorText } from '../errno.ts'
import { joinPath } from '../path.ts'
import { UnixError } from '../types.ts'
import { openInput, parseOptions, UsageError } from './utility.ts'
import type { Utility, UtilityContext } from './utility.ts'

interface Settings {
  /** Lines of context of the unified form; undefined: the normal form. */
  context: number | undefined
  brief: boolean
  recursive: boolean
  /** A missing file counts as empty: on either side, or on the first only. */
  missing: 'none' | 'new' | 'all'
  reportSame: boolean
  labels: string[]
  /** Lines that are equal under this are the same. */
  fold(line: string): string
  /** The options as given, for the heading of each pair of files. */
  words: string
}

interface Side { path: string; lines: string[]; endsInNewline: boolean; modifiedMs: number }

/** diff: files and folders line by line, in the normal and the unified form. */
export const diff: Utility = async (context) => {
  const options = parseOptions(context.args, 'uU:NrqsaiwbBtdpL:', {
    unified: 'u', 'unified=': 'U', 'new-file': 'N', recursive: 'r', brief: 'q', 'report-identical-files': 's', text: 'a', 'ignore-case': 'i', 'ignore-all-space': 'w', 'ignore-space-change': 'b',
    'ignore-blank-lines': 'B', 'unidirectional-new-file': 'P', 'label=': 'L', minimal: 'd', normal: 'n', color: 'c', 'color=': 'c',
  })
  const { has, operands, value } = options
  if (operands.length < 2) throw new UsageError(`missing operand after '${operands[0] ?? context.name}'`, 'missing operand', 2)
  if (operands.length > 2) throw new UsageError(`extra operand '${operands[2]}'`, 'extra operand', 2)
  const lines = value('U')
  if (lines !== undefined && !/^\d+$/.test(lines)) throw new UsageError(`invalid context length '${lines}'`, 'invalid context length', 2)
  const settings: Settings = {
    context: lines !== undefined ? Number(lines) : has('u') ? 3 : undefined, brief: has('q'), recursive: has('r'), missing: has('N') ? 'all' : has('P') ? 'new' : 'none', reportSame: has('s'),
    labels: options.all.filter(([name]) => name === 'L').map(([, text]) => String(text)),
    fold(line) {
      if (has('w')) line = line.replace(/\s+/g, '')
      else if (has('b')) line = line.replace(/\s+$/, '').replace(/\s+/g, ' ')
      return has('i') ? line.toLowerCase() : line
    },
    words: context.args.slice(0, context.args.lastIndexOf(operands[0]!)).join(' '),
  }
  return compare(context, settings, operands[0]!, operands[1]!, false)
}

const isFolder = ({ proc }: UtilityContext, path: string) => {
  try { return path !== '-' && proc.fs.stat(proc.resolve(path)).type === 'directory' } catch { return false }
}
const isThere = ({ proc }: UtilityContext, path: string) => path === '-' || proc.fs.exists(proc.resolve(path))

/** @returns 0 for the same, 1 for different, 2 for trouble */
async function compare(context: UtilityContext, settings: Settings, from: string, to: string, inside: boolean): Promise<number> {
  const [left, right] = [isFolder(context, from), isFolder(context, to)]
  if (left && right) return compareFolders(context, settings, from, to, inside)
  const baseOf = (path: string) => path.replace(/\/+$/, '').replace(/^.*\//, '')
  if (left && !inside) return compare(context, settings, joinPath(from, baseOf(to)), to, true)
  if (right && !inside) return compare(context, settings, from, joinPath(to, baseOf(from)), true)
  if (left !== right) {
    await context.out(`File ${from} is a ${left ? 'directory' : 'regular file'} while file ${to} is a ${right ? 'directory' : 'regular file'}\n`)
    return 1
  }
  let sides: [Side, Side]
  try {
    sides = [await read(context, from, settings.missing !== 'none' && !isThere(context, from) && isThere(context, to)), await read(context, to, settings.missing === 'all' && !isThere(context, to) && isThere(context, from))]
  } catch (error) {
    if (!(error instanceof UnixError)) throw error
    await context.complain(`${error.path ?? from}: ${errorText(error)}`)
    return 2
  }
  const changes = changesOf(sides[0], sides[1], settings)
  if (changes.length === 0) {
    if (settings.reportSame) await context.out(`Files ${from} and ${to} are identical\n`)
    return 0
  }
  if (settings.brief) { await context.out(`Files ${from} and ${to} differ\n`); return 1 }
  const heading = inside && settings.recursive || settings.words && inside ? `diff ${settings.words ? `${settings.words} ` : ''}${from} ${to}\n` : inside ? `diff ${from} ${to}\n` : ''
  await context.out(heading + (settings.context === undefined ? normalForm(sides, changes) : unifiedForm(sides, changes, settings, settings.context)))
  return 1
}

async function compareFolders(context: UtilityContext, settings: Settings, from: string, to: string, inside: boolean): Promise<number> {
  if (inside && !settings.recursive) {
    await context.out(`Common subdirectories: ${from} and ${to}\n`)
    return 0
  }
  const { fs } = context.proc
  const names = [fs.readdir(context.proc.resolve(from)), fs.readdir(context.proc.resolve(to))]
  let status = 0
  for (const name of [...new Set(names.flat())].sort()) {
    const paths = [joinPath(from, name), joinPath(to, name)] as const
    const there = [names[0]!.includes(name), names[1]!.includes(name)]
    if (!there[0] || !there[1]) {
      const asEmpty = settings.missing === 'all' || (settings.missing === 'new' && there[1])
      if (asEmpty && isFolder(context, there[0] ? paths[0] : paths[1]) && settings.recursive) { status = Math.max(status, await onlyFolder(context, settings, paths, there[0]!)); continue }
      if (!asEmpty || isFolder(context, there[0] ? paths[0] : paths[1])) {
        await context.out(`Only in ${there[0] ? from : to}: ${name}\n`)
        status = Math.max(status, 1)
        continue
      }
    }
    status = Math.max(status, await compare(context, settings, paths[0], paths[1], true))
  }
  return status
}

/** A folder that one side lacks, against nothing. */
async function onlyFolder(context: UtilityContext, settings: Settings, [from, to]: readonly [string, string], left: boolean): Promise<number> {
  let status = 0
  for (const name of context.proc.fs.readdir(context.proc.resolve(left ? from : to))) {
    const paths = [joinPath(from, name), joinPath(to, name)] as const
    status = Math.max(status, isFolder(context, left ? paths[0] : paths[1]) ? await onlyFolder(context, settings, paths, left) : await compare(context, settings, paths[0], paths[1], true))
  }
  return status
}

async function read({ proc }: UtilityContext, path: string, asEmpty: boolean): Promise<Side> {
  if (asEmpty) return { path, lines: [], endsInNewline: true, modifiedMs: 0 }
  let text: string
  try {
    const input = openInput(proc, path)
    try { text = new TextDecoder().decode(await readAll(input)) } finally { input.close() }
  } catch (error) {
    throw error instanceof UnixError ? new UnixError(error.code, error.message, path) : error
  }
  const modifiedMs = path === '-' ? proc.clock.nowMs() : proc.fs.stat(proc.resolve(path)).modifiedMs
  const endsInNewline = text === '' || text.endsWith('\n')
  const lines = (endsInNewline ? text.slice(0, -1) : text).split('\n')
  return { path, lines: text === '' ? [] : lines, endsInNewline, modifiedMs }
}

/** Lines [from, to) of either side that differ. */
interface Change { a: [from: number, to: number]; b: [from: number, to: number] }

function changesOf(left: Side, right: Side, settings: Settings): Change[] {
  // A last line without its end is another line than one with it.
  const keys = ({ lines, endsInNewline }: Side) => lines.map((line, i) => settings.fold(line) + (!endsInNewline && i === lines.length - 1 ? '\n\\' : ''))
  const a = keys(left)
  const b = keys(right)
  const changed = [new Uint8Array(a.length + 1), new Uint8Array(b.length + 1)] as const
  markChanges(a, b, changed[0], changed[1])
  slideDown(a, changed[0], changed[1])
  slideDown(b, changed[1], changed[0])
  const out: Change[] = []
  for (let i = 0, j = 0; i < a.length || j < b.length; i++, j++) {
    if (!changed[0][i] && !changed[1][j]) continue
    const [from, to] = [i, j]
    while (changed[0][i]) i++
    while (changed[1][j]) j++
    out.push({ a: [from, i], b: [to, j] })
    i--
    j--
    if (i + 1 >= a.length && j + 1 >= b.length) break
    i++
    j++
  }
  return out
}

/** Marks the lines outside of a longest common subsequence: Myers' greedy algorithm, between the common beginning and end. */
function markChanges(a: readonly string[], b: readonly string[], changedA: Uint8Array, changedB: Uint8Array): void {
  let start = 0
  while (start < a.length && start < b.length && a[start] === b[start]) start++
  let endA = a.length
  let endB = b.length
  while (endA > start && endB > start && a[endA - 1] === b[endB - 1]) { endA--; endB-- }
  const n = endA - start
  const m = endB - start
  const most = n + m
  const reached = new Int32Array(2 * most + 3)
  const trace: Int32Array[] = []
  search: for (let d = 0; d <= most; d++) {
    trace.push(reached.slice(most - d, most + d + 3))
    for (let k = -d; k <= d; k += 2) {
      const at = most + 1 + k
      let x = k === -d || (k !== d && reached[at - 1]! < reached[at + 1]!) ? reached[at + 1]! : reached[at - 1]! + 1
      while (x < n && x - k < m && a[start + x] === b[start + x - k]) x++
      reached[at] = x
      if (x >= n && x - k >= m) break search
    }
  }
  let x = n
  let y = m
  for (let d = trace.length - 1; d > 0; d--) {
    const before = trace[d]!
    const k = x - y
    const at = (diagonal: number) => before[diagonal + d + 1]!
    const down = k === -d || (k !== d && at(k - 1) < at(k + 1))
    const previous = down ? k + 1 : k - 1
    const px = at(previous)
    const py = px - previous
    if (down) changedB[start + py] = 1
    else changedA[start + px] = 1
    x = px
    y = py
  }
}

/** A run of changes whose first line equals the line behind it may as well be one further down, where people expect it. k8s: GNU diff shift_boundaries */
function slideDown(lines: readonly string[], changed: Uint8Array, other: Uint8Array): void {
  const end = lines.length
  let i = 0
  let j = 0
  for (;;) {
    while (i < end && !changed[i]) {
      while (other[j++]) { /* the other side's run */ }
      i++
    }
    if (i === end) return
    let start = i
    while (changed[++i]) { /* to the end of the run */ }
    while (other[j]) j++
    let length: number
    let corresponding: number
    do {
      length = i - start
      // Up, as far as the line above equals the run's last: it may join the run before.
      while (start > 0 && lines[start - 1] === lines[i - 1]) {
        changed[--start] = 1
        changed[--i] = 0
        while (changed[start - 1]) start--
        while (other[--j]) { /* back over the other side's run */ }
      }
      corresponding = j > 0 && other[j - 1] ? i : end
      // And down as far as possible.
      while (i !== end && lines[start] === lines[i]) {
        changed[start++] = 0
        changed[i++] = 1
        while (changed[i]) i++
        while (other[++j]) corresponding = i
      }
    } while (length !== i - start)
    // Better beside a change of the other side.
    while (corresponding < i) {
      changed[--start] = 1
      changed[--i] = 0
      while (other[--j]) { /* back */ }
    }
  }
}

const NO_NEWLINE = '\\ No newline at end of file\n'

function shown(side: Side, sign: string, from: number, to: number): string {
  let text = ''
  for (let i = from; i < to; i++) text += `${sign}${side.lines[i]}\n${!side.endsInNewline && i === side.lines.length - 1 ? NO_NEWLINE : ''}`
  return text
}

function normalForm([left, right]: [Side, Side], changes: readonly Change[]): string {
  const range = (from: number, to: number) => to - from <= 1 ? String(to) : `${from + 1},${to}`
  return changes.map(({ a, b }) => {
    const letter = a[0] === a[1] ? 'a' : b[0] === b[1] ? 'd' : 'c'
    return `${range(...a)}${letter}${range(...b)}\n${shown(left, '< ', ...a)}${letter === 'c' ? '---\n' : ''}${shown(right, '> ', ...b)}`
  }).join('')
}

function unifiedForm([left, right]: [Side, Side], changes: readonly Change[], settings: Settings, context: number): string {
  const time = (ms: number) => `${new Date(ms).toISOString().replace('T', ' ').slice(0, 23)}000000 +0000`
  const head = (sign: string, side: Side, label: string | undefined) => `${sign} ${label ?? `${side.path}\t${time(side.modifiedMs)}`}\n`
  let text = head('---', left, settings.labels[0]) + head('+++', right, settings.labels[1])
  const range = (from: number, to: number) => to - from === 1 ? String(to) : `${to === from ? from : from + 1},${to - from}`
  for (let i = 0; i < changes.length;) {
    let last = i
    while (last + 1 < changes.length && changes[last + 1]!.a[0] - changes[last]!.a[1] <= 2 * context) last++
    const before = Math.min(context, changes[i]!.a[0])
    const after = Math.min(context, left.lines.length - changes[last]!.a[1])
    text += `@@ -${range(changes[i]!.a[0] - before, changes[last]!.a[1] + after)} +${range(changes[i]!.b[0] - before, changes[last]!.b[1] + after)} @@\n`
    let at = changes[i]!.a[0] - before
    for (; i <= last; i++) {
      const { a, b } = changes[i]!
      text += shown(left, ' ', at, a[0]) + shown(left, '-', ...a) + shown(right, '+', ...b)
      at = a[1]
    }
    text += shown(left, ' ', at, at + after)
  }
  return text
}
