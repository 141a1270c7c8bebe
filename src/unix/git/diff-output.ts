import { binaryText, decodeText, isBinary, quotePath, splitLines } from './bytes.ts'
import { idOf, pathOf, percent } from './changes.ts'
import type { Change, FileSide } from './changes.ts'
import { diffLines } from './line-diff.ts'
import type { LineChange } from './line-diff.ts'
import { NO_ID, SUBMODULE } from './objects.ts'
import type { ColorName } from './session.ts'

export type DiffFormat = 'patch' | 'stat' | 'shortstat' | 'numstat' | 'name-only' | 'name-status' | 'raw' | 'summary' | 'none'

/** How differences are to be shown. */
export interface DiffStyle {
  formats: DiffFormat[]
  context: number
  /** Lines that are equal under this are the same. */
  fold: ((line: string) => string) | undefined
  /** Ids in full. */
  fullIndex: boolean
  /** How many digits of an id the index line and the raw format show; undefined: as many as it takes. */
  abbreviate: (id: string) => string
  /** Digits of abbreviated ids, for ids of files that are no objects. */
  digits: number
  oldPrefix: string
  newPrefix: string
  /** Between records of the formats for programs. */
  nulls: boolean
  /** Sides change places. */
  reverse: boolean
  /** What is shown as text though it isn't. */
  text: boolean
  statWidth: number
  quoteHigh: boolean
  indentHeuristic: boolean
  /** `--word-diff`. */
  words: false | 'plain' | 'color'
  paint(color: ColorName, text: string): string
  /** Files of which only the names are shown, without their contents. */
  exists(id: string): boolean
}

const modeText = (mode: number) => mode.toString(8).padStart(6, '0')

function contentOf(side: FileSide | undefined): Uint8Array {
  if (!side) return new Uint8Array(0)
  if (side.mode === SUBMODULE) return new TextEncoder().encode(`Subproject commit ${side.id}\n`)
  return side.read()
}

interface Counted {
  added: number
  removed: number
  binary: boolean
  sizes: [number, number]
}

function count(change: Change, style: DiffStyle): Counted {
  const [from, to] = [contentOf(change.old), contentOf(change.new)]
  if (!style.text && (isBinary(from) || isBinary(to))) return { added: 0, removed: 0, binary: true, sizes: [from.length, to.length] }
  let [added, removed] = [0, 0]
  for (const { a, b } of changesOf(change, style).changes) { removed += a[1] - a[0]; added += b[1] - b[0] }
  return { added, removed, binary: false, sizes: [0, 0] }
}

function changesOf(change: Change, style: DiffStyle): { a: string[]; b: string[]; changes: LineChange[] } {
  const [from, to] = [contentOf(change.old), contentOf(change.new)]
  // Contents that aren't UTF-8 are compared by their bytes all the same.
  const [x, y] = [splitLines(binaryText(from)), splitLines(binaryText(to))]
  const changes = diffLines(x, y, { ...(style.fold ? { fold: style.fold } : {}), indentHeuristic: style.indentHeuristic })
  return { a: splitLines(decodeText(from)), b: splitLines(decodeText(to)), changes }
}

const swapped = (change: Change): Change => ({
  status: change.status === 'A' ? 'D' : change.status === 'D' ? 'A' : change.status, ...(change.new ? { old: change.new } : {}), ...(change.old ? { new: change.old } : {}), ...(change.score === undefined ? {} : { score: change.score }),
})

/** Differences in the formats asked for, one after the other. */
export async function showChanges(given: readonly Change[], style: DiffStyle, out: (text: string) => void, breathe: () => Promise<void>): Promise<void> {
  const changes = style.reverse ? given.map(swapped) : given
  const has = (format: DiffFormat) => style.formats.includes(format)
  if (changes.length === 0) return
  const end = style.nulls ? '\0' : '\n'
  const name = (path: string) => style.nulls ? path : quotePath(path, style.quoteHigh)
  const letters = (change: Change) => change.score === undefined ? change.status : `${change.status}${String(percent(change.score)).padStart(3, '0')}`
  const names = (change: Change) => change.score === undefined ? name(pathOf(change)) : `${name(change.old!.path)}${style.nulls ? '\0' : '\t'}${name(change.new!.path)}`
  if (has('raw')) {
    const id = (side: FileSide | undefined) => side?.id === undefined ? NO_ID.slice(0, style.fullIndex ? 40 : style.digits) : style.fullIndex ? side.id : style.abbreviate(side.id)
    for (const change of changes) out(`:${modeText(change.old?.mode ?? 0)} ${modeText(change.new?.mode ?? 0)} ${id(change.old)} ${id(change.new)} ${letters(change)}${style.nulls ? '\0' : '\t'}${names(change)}${end}`)
  }
  if (has('numstat') || has('stat') || has('shortstat')) {
    const counted: { change: Change; counts: Counted }[] = []
    for (const change of changes) {
      counted.push({ change, counts: change.status === 'U' ? { added: 0, removed: 0, binary: false, sizes: [0, 0] } : count(change, style) })
      await breathe()
    }
    // Where only white space changed that doesn't count, there is nothing to report.
    if (style.fold) counted.splice(0, counted.length, ...counted.filter(({ change, counts }) => change.status !== 'M' || counts.binary || counts.added + counts.removed > 0 || change.old?.mode !== change.new?.mode))
    if (has('numstat') && counted.length > 0) {
      for (const { change, counts } of counted) {
        out(`${counts.binary ? '-' : counts.added}\t${counts.binary ? '-' : counts.removed}\t${style.nulls && change.score !== undefined ? `\0${change.old!.path}\0${change.new!.path}` : change.score === undefined ? name(pathOf(change)) : renameText(change.old!.path, change.new!.path)}${end}`)
      }
    }
    if (has('stat') && counted.length > 0) out(statText(counted, style))
    if ((has('stat') || has('shortstat')) && counted.length > 0) out(statSummary(counted))
  }
  if (has('summary')) for (const change of changes) out(summaryOf(change, style.quoteHigh))
  if (has('name-only')) for (const change of changes) out(name(pathOf(change)) + end)
  if (has('name-status')) for (const change of changes) out(`${letters(change)}${style.nulls ? '\0' : '\t'}${names(change)}${end}`)
  if (has('patch')) {
    if (style.formats.some((format) => ['raw', 'stat', 'shortstat', 'numstat', 'summary'].includes(format))) out('\n')
    for (const change of changes) {
      out(patchOf(change, style))
      await breathe()
    }
  }
}

/** The end of `git commit`'s and `git merge`'s reports: files that came, went, moved or changed their modes. */
export function summaryOf(change: Change, quoteHigh = true): string {
  const { status, old, new: next, score } = change
  if (status === 'A') return ` create mode ${modeText(next!.mode)} ${quotePath(next!.path, quoteHigh)}\n`
  if (status === 'D') return ` delete mode ${modeText(old!.mode)} ${quotePath(old!.path, quoteHigh)}\n`
  const modes = old && next && old.mode !== next.mode ? ` mode change ${modeText(old.mode)} => ${modeText(next.mode)}` : ''
  if (score !== undefined) return ` ${status === 'R' ? 'rename' : 'copy'} ${renameText(old!.path, next!.path)} (${percent(score)}%)\n${modes ? `${modes}\n` : ''}`
  return modes ? `${modes} ${quotePath(next!.path, quoteHigh)}\n` : ''
}

/** `a/{b => c}/d`. As diff.c pprint_rename has it. */
function renameText(from: string, to: string): string {
  if (quotePath(from) !== from || quotePath(to) !== to) return `${quotePath(from)} => ${quotePath(to)}`
  let start = 0
  for (let i = 0; i < from.length && i < to.length && from[i] === to[i]; i++) if (from[i] === '/') start = i + 1
  let end = 0
  const most = Math.min(from.length, to.length) - start + (start > 0 ? 1 : 0)
  for (let i = 1; i <= most && from[from.length - i] === to[to.length - i]; i++) if (from[from.length - i] === '/') end = i
  if (start === 0 && end === 0) return `${from} => ${to}`
  const middle = (path: string) => path.slice(start, Math.max(start, path.length - end))
  return `${from.slice(0, start)}{${middle(from)} => ${middle(to)}}${from.slice(from.length - end)}`
}

function statSummary(counted: readonly { change: Change; counts: Counted }[]): string {
  const files = counted.filter(({ change }) => change.status !== 'U').length
  const added = counted.reduce((sum, { counts }) => sum + counts.added, 0)
  const removed = counted.reduce((sum, { counts }) => sum + counts.removed, 0)
  if (files === 0) return ' 0 files changed\n'
  const some = (n: number, word: string, sign: string) => `, ${n} ${word}${n === 1 ? '' : 's'}(${sign})`
  return ` ${files} file${files === 1 ? '' : 's'} changed${added || !removed ? some(added, 'insertion', '+') : ''}${removed || !added ? some(removed, 'deletion', '-') : ''}\n`
}

function statText(counted: readonly { change: Change; counts: Counted }[], style: DiffStyle): string {
  const named = counted.map(({ change, counts }) => ({ status: change.status, counts, name: change.old && change.new && change.old.path !== change.new.path ? renameText(change.old.path, change.new.path) : quotePath(pathOf(change), style.quoteHigh) }))
  const most = Math.max(...named.map(({ counts }) => counts.added + counts.removed))
  const binWidth = Math.max(0, ...named.filter(({ counts }) => counts.binary).map(({ counts }) => `${counts.sizes[0]} -> ${counts.sizes[1]} bytes`.length))
  const numberWidth = Math.max(String(most).length, named.some(({ counts }) => counts.binary) ? 3 : 0)
  const longest = Math.max(...named.map(({ name }) => [...name].length))
  const width = Math.max(style.statWidth, 16 + 6 + numberWidth)
  let graphWidth = Math.max(most, binWidth > 0 ? binWidth + 4 - numberWidth : 0, named.some(({ status }) => status === 'U') ? 8 + 4 - numberWidth - 4 : 0)
  let nameWidth = longest
  if (nameWidth + numberWidth + 6 + graphWidth > width) {
    const share = Math.floor(width * 3 / 8) - numberWidth - 6
    if (graphWidth > share) graphWidth = Math.max(share, 6)
    if (nameWidth > width - numberWidth - 6 - graphWidth) nameWidth = width - numberWidth - 6 - graphWidth
    else graphWidth = width - numberWidth - 6 - nameWidth
  }
  const scaled = (n: number) => n === 0 ? 0 : 1 + Math.floor(n * (graphWidth - 1) / most)
  return named.map(({ status, name, counts }) => {
    let shown = name
    if ([...name].length > nameWidth) {
      const tail = [...name].slice(-(nameWidth - 3)).join('')
      const slash = tail.indexOf('/')
      shown = `...${slash >= 0 ? tail.slice(slash) : tail}`
    }
    const head = ` ${shown}${' '.repeat(Math.max(0, nameWidth - [...shown].length))} | `
    if (status === 'U') return `${head}Unmerged\n`
    if (counts.binary) return `${head}${'Bin'.padStart(numberWidth)}${counts.sizes[0] || counts.sizes[1] ? ` ${style.paint('red', String(counts.sizes[0]))} -> ${style.paint('green', String(counts.sizes[1]))} bytes` : ''}\n`
    let { added, removed } = counts
    const total = added + removed
    if (graphWidth <= most) {
      let all = scaled(total)
      if (all < 2 && added && removed) all = 2
      if (added < removed) { added = scaled(added); removed = all - added } else { removed = scaled(removed); added = all - removed }
    }
    return `${head}${String(total).padStart(numberWidth)}${total ? ' ' : ''}${style.paint('green', '+'.repeat(added))}${style.paint('red', '-'.repeat(removed))}\n`
  }).join('')
}

const NO_NEWLINE = '\\ No newline at end of file'

/** One file's change as a patch. */
export function patchOf(change: Change, style: DiffStyle): string {
  if (change.status === 'T') return patchOf({ status: 'D', old: change.old! }, style) + patchOf({ status: 'A', new: change.new! }, style)
  if (change.status === 'U') return `* Unmerged path ${pathOf(change)}\n`
  const { old, new: next } = change
  const bold = (text: string) => style.paint('bold', text)
  const label = (prefix: string, side: FileSide | undefined) => side ? quotePath(prefix + side.path, style.quoteHigh) : '/dev/null'
  const head = [`diff --git ${label(style.oldPrefix, old ?? next)} ${label(style.newPrefix, next ?? old)}`]
  if (!old) head.push(`new file mode ${modeText(next!.mode)}`)
  else if (!next) head.push(`deleted file mode ${modeText(old.mode)}`)
  else if (old.mode !== next.mode) head.push(`old mode ${modeText(old.mode)}`, `new mode ${modeText(next.mode)}`)
  if (change.score !== undefined) head.push(`similarity index ${percent(change.score)}%`, ...(change.status === 'R' ? ['rename'] : ['copy']).flatMap((word) => [`${word} from ${quotePath(old!.path, style.quoteHigh)}`, `${word} to ${quotePath(next!.path, style.quoteHigh)}`]))
  const ids = [old ? idOf(old) : NO_ID, next ? idOf(next) : NO_ID]
  if (ids[0] !== ids[1]) {
    const [from, to] = [contentOf(old), contentOf(next)]
    const short = (id: string) => style.fullIndex ? id : id === NO_ID || !style.exists(id) ? id.slice(0, style.digits) : style.abbreviate(id)
    head.push(`index ${short(ids[0]!)}..${short(ids[1]!)}${old && next && old.mode === next.mode ? ` ${modeText(old.mode)}` : ''}`)
    if (!style.text && (isBinary(from) || isBinary(to))) return `${head.map(bold).join('\n')}\nBinary files ${label(style.oldPrefix, old)} and ${label(style.newPrefix, next)} differ\n`
    const body = style.words ? wordHunks(change, style) : hunks(change, style)
    if (body === '') return style.fold && old && next && old.mode === next.mode && change.score === undefined ? '' : `${head.map(bold).join('\n')}\n`
    // Names with spaces are told from what follows by a tab.
    const named = (text: string) => text.includes(' ') && !text.startsWith('"') ? `${text}\t` : text
    head.push(`--- ${named(label(style.oldPrefix, old))}`, `+++ ${named(label(style.newPrefix, next))}`)
    return `${head.map(bold).join('\n')}\n${body}`
  }
  return `${head.map(bold).join('\n')}\n`
}

/** `git diff --check`: what is wrong with the white space of lines that came. */
export function checkText(change: Change, style: DiffStyle): string {
  if (!change.new || isBinary(change.new.read())) return ''
  const { b, changes } = changesOf(change, style)
  let text = ''
  for (const { b: [from, to] } of changes) {
    for (let i = from; i < to; i++) {
      const line = withoutEnd(b[i]!)
      const faults = [...(/[ \t]$/.test(line) ? ['trailing whitespace'] : []), ...(/^[ \t]* \t/.test(line) ? ['space before tab in indent'] : [])]
      const at = `${change.new.path}:${i + 1}`
      if (/^(<{7}|={7}|>{7}|\|{7})( |$)/.test(line)) text += `${at}: leftover conflict marker\n`
      if (faults.length > 0) text += `${at}: ${faults.join(', ')}.\n${style.paint('green', '+')}${style.paint('green', line)}\n`
    }
    if (to === b.length && from < to && b[to - 1] === '\n') text += `${change.new.path}:${to}: new blank line at EOF.\n`
  }
  return text
}

/** Groups of changes whose context touches, with the lines [from, to) of either side that are shown. */
function groupsOf(changes: readonly LineChange[], context: number, lengths: [number, number]): { changes: LineChange[]; a: [number, number]; b: [number, number] }[] {
  const out: { changes: LineChange[]; a: [number, number]; b: [number, number] }[] = []
  for (let i = 0; i < changes.length;) {
    let last = i
    while (last + 1 < changes.length && changes[last + 1]!.a[0] - changes[last]!.a[1] <= 2 * context) last++
    const [first, end] = [changes[i]!, changes[last]!]
    const before = Math.min(context, first.a[0], first.b[0])
    const after = Math.min(context, lengths[0] - end.a[1], lengths[1] - end.b[1])
    out.push({ changes: changes.slice(i, last + 1), a: [first.a[0] - before, end.a[1] + after], b: [first.b[0] - before, end.b[1] + after] })
    i = last + 1
  }
  return out
}

/** The line above a hunk that says what it is part of. */
function heading(lines: readonly string[], before: number): string {
  for (let i = before - 1; i >= 0; i--) if (/^[A-Za-z_$]/.test(lines[i]!)) return ` ${lines[i]!.slice(0, 80).trimEnd()}`
  return ''
}

const range = (from: number, to: number) => to - from === 1 ? String(to) : `${to === from ? from : from + 1},${to - from}`

const withoutEnd = (line: string) => line.endsWith('\n') ? line.slice(0, -1) : line

function hunks(change: Change, style: DiffStyle): string {
  const { a, b, changes } = changesOf(change, style)
  let text = ''
  const line = (sign: string, each: string, color?: ColorName) => {
    const shown = sign + withoutEnd(each)
    text += `${style.paint('red', 'x') === 'x' ? shown : color === undefined ? `${shown}\x1b[m` : sign === '+' ? style.paint(color, '+') + style.paint(color, shown.slice(1)) : style.paint(color, shown)}\n${each.endsWith('\n') ? '' : `${NO_NEWLINE}\n`}`
  }
  for (const group of groupsOf(changes, style.context, [a.length, b.length])) {
    const title = heading(a, group.a[0])
    text += `${style.paint('cyan', `@@ -${range(...group.a)} +${range(...group.b)} @@`)}${title}\n`
    let at = group.b[0]
    for (const { a: [a0, a1], b: [b0, b1] } of group.changes) {
      for (; at < b0; at++) line(' ', b[at]!)
      for (let i = a0; i < a1; i++) line('-', a[i]!, 'red')
      for (let i = b0; i < b1; i++) line('+', b[i]!, 'green')
      at = b1
    }
    for (; at < group.b[1]; at++) line(' ', b[at]!)
  }
  return text
}

/** `--word-diff`: changed lines as one, with words that went and came in brackets. */
function wordHunks(change: Change, style: DiffStyle): string {
  const { a, b, changes } = changesOf(change, style)
  const [gone, came] = style.words === 'color' ? [(text: string) => style.paint('red', text), (text: string) => style.paint('green', text)] : [(text: string) => style.paint('red', `[-${text}-]`), (text: string) => style.paint('green', `{+${text}+}`)]
  let text = ''
  for (const group of groupsOf(changes, style.context, [a.length, b.length])) {
    text += `${style.paint('cyan', `@@ -${range(...group.a)} +${range(...group.b)} @@`)}${heading(a, group.a[0])}\n`
    let at = group.b[0]
    for (const { a: [a0, a1], b: [b0, b1] } of group.changes) {
      for (; at < b0; at++) text += b[at]!
      text += wordsOf(a.slice(a0, a1).join(''), b.slice(b0, b1).join(''), gone, came)
      at = b1
    }
    for (; at < group.b[1]; at++) text += b[at]!
  }
  return text
}

function wordsOf(from: string, to: string, gone: (text: string) => string, came: (text: string) => string): string {
  const words = (text: string) => [...text.matchAll(/\S+/g)].map((match) => ({ word: match[0], at: match.index, end: match.index + match[0].length }))
  const [x, y] = [words(from), words(to)]
  let text = ''
  let at = 0
  for (const { a, b } of diffLines(x.map(({ word }) => word), y.map(({ word }) => word), { indentHeuristic: false })) {
    const start = b[0] < b[1] ? y[b[0]]!.at : b[0] > 0 ? y[b[0] - 1]!.end : 0
    text += to.slice(at, start)
    const end = b[0] < b[1] ? y[b[1] - 1]!.end : start
    const old = a[0] < a[1] ? from.slice(x[a[0]]!.at, x[a[1] - 1]!.end) : ''
    text += old.split('\n').map((line) => line && gone(line)).join('\n') + to.slice(start, end).split('\n').map((line) => line && came(line)).join('\n')
    at = end
  }
  text += to.slice(at)
  return text.endsWith('\n') ? text : `${text}\n`
}
